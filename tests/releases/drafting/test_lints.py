"""Slips of style: each is found with what to write instead, and ordinary prose is left in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from releases.drafting.lints import CODES, About, Card, Lint, lints
from releases.editorial.preflight import GROUPS

GOLDEN = sorted((Path(__file__).with_name("golden")).glob("*.txt"))
SENDER = "Internationellt Centrum för Lokal Demokrati, ICLD"
FELICIA = Card("Felicia Wede", "072-450 01 50", "partnership@icld.example")
MARIA = Card("Maria Jansson", "072-997 20 54", "maria.jansson@icld.example")


def found(
    body: str = "",
    *,
    headline: str = "Rubrik",
    language: str = "sv",
    kinds: tuple[str, ...] = (),
    sender: str = "",
    cards: tuple[Card, ...] = (),
    about: str = "",
) -> list[tuple[str, str, str]]:
    """(code, words, instead), no-break spaces shown as tildes."""
    what = About(language, frozenset(kinds), (sender,), cards)
    slips = lints({"headline": headline, "lead": "", "body": body, "about_sender": about}, what)
    return [(one.code, *(text.replace("\u00a0", "~") for text in _told(one))) for one in slips]


def _told(one: Lint) -> tuple[str, str]:
    return one.words, one.instead


# What a press office has really sent out: each flaw of it is seen.


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        (
            "<p>Vi har en hel del att lära av andra inom områden som klimat, medborgardialog "
            "säkerhet och integration.</p>",
            ("enumeration_comma", "medborgardialog säkerhet", "medborgardialog, säkerhet"),
        ),
        (
            "<blockquote><p>— Därför är vi glada att fler tar chansen att vara en del av detta, "
            "säger Johan Lilja generalsekreterare på ICLD.</p></blockquote>",
            (
                "attribution_comma",
                "säger Johan Lilja generalsekreterare",
                "säger Johan Lilja, generalsekreterare",
            ),
        ),
        (
            "<p>Söderväg 1D<br>62158 Visby</p>",
            ("postcode", "62158 Visby", "621~58 Visby"),
        ),
        (
            "<p>0498-299100https://www.icld.se/</p>",
            (
                "phone_glued",
                "0498-299100https://www.icld.se/",
                "0498-299100 https://www.icld.se/",
            ),
        ),
        (
            "<p>Huvudman är Sveriges Kommuner och Landsting. Verksamheten finansieras av Sida.</p>",
            (
                "outdated_name",
                "Sveriges Kommuner och Landsting",
                "Sveriges Kommuner och Regioner",
            ),
        ),
    ],
)
def test_a_flaw_of_a_real_release_is_found(text: str, slip: tuple[str, str, str]) -> None:
    assert found(text) == [slip]


def test_the_senders_name_twice_running_is_found() -> None:
    text = f"{SENDER}\n{SENDER}\nSöderväg 1D"

    assert found(about=text, sender=SENDER) == [("sender_twice", f"{SENDER} {SENDER}", SENDER)]
    assert (
        found(about=f"{SENDER}, arbetar för demokrati. {SENDER} är en förening.", sender=SENDER)
        == []
    )


def test_a_headline_about_kommuner_leaves_no_region_out() -> None:
    headline = "Tio miljoner till stärkt demokratisamarbete i svenska kommuner"

    assert found(headline=headline, kinds=("kommun", "region")) == [
        ("headline_kinds", "svenska kommuner", "svenska kommuner och regioner")
    ]
    assert found(headline=headline, kinds=("kommun", "region", "kommunalforbund"))[0][2] == (
        "svenska kommuner, regioner och kommunalförbund"
    )
    assert found(headline=headline, kinds=("kommun",)) == []
    assert (
        found(headline="Tio miljoner till svenska kommuner och regioner", kinds=("region",)) == []
    )
    assert found(
        headline="Ten million for Swedish municipalities", kinds=("region",), language="en"
    ) == [("headline_kinds", "Swedish municipalities", "Swedish municipalities and regions")]


def test_contact_data_typed_twice_must_agree_with_the_cards() -> None:
    text = (
        "<p>Kontakt:<br>Felicia Wede, handläggare<br>072-450 0151<br>partnership@icld.example</p>"
        "<p>Maria Jansson, kommunikationsstrateg</p><p>+46 72 997 20 54, maria@icld.example</p>"
    )

    assert found(text, cards=(FELICIA, MARIA)) == [
        ("contact_differs", "072-450 0151", "072-450 01 50"),
        ("contact_differs", "maria@icld.example", "maria.jansson@icld.example"),
    ]
    assert found("<p>Frågor om ansökan: stod@icld.example</p>", cards=(FELICIA, MARIA)) == []


# Other slips


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        (
            "<p>Pengarna går till Ekerö, Karlstad Kristinehamn, Lycksele och Öckerö.</p>",
            ("enumeration_comma", "Karlstad Kristinehamn", "Karlstad, Kristinehamn"),
        ),
        ("<p>- Vi är glada, säger hon.</p>", ("hyphen_quote", "- Vi är glada,", "– Vi är glada,")),
        (
            "<p>– ”Vi är glada”, säger hon.</p>",
            ("dash_and_marks", "– ”Vi är glada”,", "– Vi är glada”,"),
        ),
        ("<p>Summan är 10.641.000 kronor.</p>", ("thousands", "10.641.000", "10~641~000")),
        ("<p>Summan är 10,641,000 kronor.</p>", ("thousands", "10,641,000", "10~641~000")),
        ("<p>De får 10641000 kronor.</p>", ("ungrouped", "10641000", "10~641~000")),
        ("<p>Var och en får 2300 kronor.</p>", ("ungrouped", "2300", "2~300")),
        ("<p>Det är 12 % mer än i fjol.</p>", ("percent", "12 %", "12 procent")),
        ("<p>Ett  dubbelt mellanslag.</p>", ("double_space", "Ett  dubbelt", "Ett dubbelt")),
        ("<p>I alla landsting finns pengar.</p>", ("outdated_name", "landsting", "region")),
    ],
)
def test_a_slip_is_told_with_what_to_write_instead(text: str, slip: tuple[str, str, str]) -> None:
    assert found(text) == [slip]


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        (
            "<p>Funding goes to Falun, Karlstad Kristinehamn and Umeå.</p>",
            ("enumeration_comma", "Karlstad Kristinehamn", "Karlstad, Kristinehamn"),
        ),
        (
            "<blockquote><p>“Good,” says Johan Lilja Secretary General of ICLD.</p></blockquote>",
            ("attribution_comma", "says Johan Lilja Secretary", "says Johan Lilja, Secretary"),
        ),
        ("<p>- We are glad, she says.</p>", ("hyphen_quote", "- We are glad,", "“We are glad,")),
        ("<p>SEK 10 641 000 in all.</p>", ("thousands", "10 641 000", "10,641,000")),
        ("<p>SEK 10.641.000 in all.</p>", ("thousands", "10.641.000", "10,641,000")),
        ("<p>They share SEK 10641000.</p>", ("ungrouped", "10641000", "10,641,000")),
    ],
)
def test_english_has_rules_of_its_own(text: str, slip: tuple[str, str, str]) -> None:
    assert found(text, headline="Headline", language="en") == [slip]


def test_a_headline_does_not_say_what_page_and_mail_say_already() -> None:
    assert found(headline="Pressmeddelande: Tio miljoner") == [
        ("headline_word", "Pressmeddelande:", "")
    ]
    assert found(headline="Press release: ten million", language="en") == [
        ("headline_word", "Press release:", "")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<p>Vi arbetar med vatten, lokal demokrati och klimat, unga vuxna och äldre.</p>",
        "<p>För att lyckas, utbildning forskning förutan, krävs tid.</p>",
        "<p>Region Östergötland, Upplands Väsby, Lilla Edet och Dals-Ed får medel.</p>",
        "<p>Anna Lund, Bo Falun och Cia Borås var med. I Falun Borås till trots.</p>",
        "<p>– Vi är glada, säger Anna Larsson på Sida om beslutet.</p>",
        "<p>– Vi är glada, säger Anna Larsson, enhetschef på Sida.</p>",
        "<p>Ring 0498-29 91 00, 08-465 004 10 eller +46 498 29 91 00.</p>",
        "<p>Ärendet har diarienummer 202612345 och dnr 2026-01234.</p>",
        "<p>Det var 2022 personer år 2022, kl. 08.00, och 2,125 miljoner kronor, 3,5 procent.</p>",
        "<p>Söderväg 1D, 621 58 Visby. Läs https://www.icld.se/12345/rapport eller skriv.</p>",
        "<p>Landstingen hade ansvaret till 2018. Tidigare landstinget i Uppsala.</p>",
        "<p>Bankgiro 51234567 och paragraf 12.3.4.</p>",
        "<table><tbody><tr><td>Falun</td><td>12 %</td></tr></tbody></table>",
        "<ul><li>”Demokrati nu”</li><li>Vatten</li></ul>",
        "<p>Självklart – alla får vara med – även - ibland - de små.</p>",
        '<p>Nu: <data value="10641000" data-figure="total">10\u00a0641\u00a0000 kronor</data></p>',
        '<p>Citatet saknas: <mark data-gap="quote.head">[Citat:  egen chef 12 %]</mark></p>',
    ],
)
def test_ordinary_prose_is_left_in_peace(text: str) -> None:
    assert found(text, cards=(FELICIA,), sender=SENDER, kinds=("kommun", "region")) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_no_rule_speaks_about_a_fresh_draft(path: Path, language: str) -> None:
    drafts = dict(zip(("", "sv", "en"), _parts(path), strict=True))
    headlines, _, body = drafts[language].strip().partition("\n\n")
    what = About(language, frozenset({"kommun", "region", "kommunalforbund"}), (SENDER,))

    for line in headlines.splitlines():
        assert lints({"headline": line.partition(": ")[2]}, what) == []
    blocks = "".join(f"<p>{block}</p>" for block in body.split("\n\n"))
    assert lints({"body": blocks}, what) == []


def _parts(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    before, _, rest = text.partition("== sv ==")
    swedish, _, english = rest.partition("== en ==")
    return [before, swedish, english]


def test_every_rule_can_be_switched_on_its_own() -> None:
    assert set(GROUPS["style"]) == {f"lint_{code}" for code in CODES}
