"""What a right press release looks like, checked by one that only reads the words.

The checker knows the rows and the finished text, nothing of how it was made. It runs over invented
rounds of every shape, in both languages.
"""

from __future__ import annotations

import csv
import datetime
import html
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import releases.rounds
from releases.drafting.drafting import (
    SHIPPED,
    Context,
    Draft,
    HouseStyle,
    NoAwards,
    Quote,
    draft,
    warning_sentence,
)
from releases.rounds.table import AwardStatus, Row

WORDS = {
    "sv": ["noll", "en", "två", "tre", "fyra", "fem", "sex", "sju", "åtta", "nio", "tio"],
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
}
WORDS["sv"] += ["elva", "tolv"]
WORDS["en"] += ["eleven", "twelve"]
NOUNS = {
    "sv": {"kommun": ("kommun", "kommuner"), "region": ("region", "regioner"),
           "kommunalforbund": ("kommunalförbund", "kommunalförbund")},
    "en": {"kommun": ("municipality", "municipalities"), "region": ("region", "regions"),
           "kommunalforbund": ("municipal association", "municipal associations")},
}  # fmt: skip
RECIPIENTS = {"sv": ("mottagare", "mottagare"), "en": ("recipient", "recipients")}
UNIT = {"SEK": "kronor", "EUR": "euro", "GBP": "pund", "USD": "US-dollar"}
SIGN = {"SEK": "SEK ", "EUR": "€", "GBP": "£", "USD": "$"}
HEDGES = {
    "sv": (("drygt", "över", "mer än"), ("knappt", "nästan", "närmare")),
    "en": (("over", "more than"), ("nearly", "almost")),
}
SCALES = {
    "miljon": 10**6, "miljoner": 10**6, "million": 10**6,
    "miljard": 10**9, "miljarder": 10**9, "billion": 10**9,
}  # fmt: skip


def register(kind: str) -> list[str]:
    file = Path(releases.rounds.__file__ or "").with_name("register.csv")
    with file.open(encoding="utf-8") as lines:
        return [line["name"] for line in csv.DictReader(lines) if line["kind"] == kind]


MUNICIPALITIES, REGIONS = register("kommun"), register("region")


def names(n: int) -> list[tuple[str, str]]:
    """n grantees: every ninth a region as far as they go, the rest municipalities."""
    regions = [(name, "region") for name in REGIONS[: n // 9]]
    municipalities = [(name, "kommun") for name in MUNICIPALITIES if name != "Gotland"]
    return [*municipalities[: n - len(regions)], *regions]


def invented(
    n: int,
    total: str | int = 0,
    *,
    kinds: bool = True,
    partners: int = 0,
    new: int = 0,
    projects: int = 1,
) -> list[Row]:
    """A round of n grantees with `projects` rows each; the last row makes the total right."""
    rows: list[Row] = []
    for project in range(projects):
        for i, (name, kind) in enumerate(names(n)):
            rows.append(
                Row(
                    number=len(rows) + 2,
                    grantee=name,
                    kind=kind if kinds else None,
                    amount=Decimal(1000),
                    partners=(f"Part A{i}", f"Part B{i}")[:partners],
                    countries=(["Kenya", "Vietnam", "Bosnien och Hercegovina"][i % 3],)
                    if partners
                    else (),
                    themes=("Jämställdhet", "Klimat")[: i % 3] if partners else (),
                    first_timer=(i < new) if new else None,
                    project=f"Projekt {project}.{i}" if projects > 1 else "",
                )
            )
    if total:
        rest = Decimal(total) - sum(row.amount for row in rows[:-1])
        rows[-1] = replace(rows[-1], amount=rest)
    return rows


def made(rows: Sequence[Row], *, language: str, currency: str = "SEK", purpose: str = "") -> Draft:
    context = Context(
        language=language,
        programme="Partnerskap",
        organisation="Demokraticentrum",
        purpose=purpose,
    )
    return draft(rows, currency=currency, context=context, template=SHIPPED[language])


def words_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def check(rows: Sequence[Row], found: Draft, *, language: str, currency: str = "SEK") -> None:
    awards = [row for row in rows if row.status is AwardStatus.GRANTED and row.amount > 0]
    headline, lead, body = (words_of(part) for part in (found.headline, found.lead, found.body))
    total = sum(row.amount for row in awards)
    check_total(total, lead, language, currency)
    check_headline_total(total, headline, language)
    check_recipients(awards, headline, lead, language)
    check_list(awards, lead, body, language)
    check_projects(awards, lead, language)
    check_sentences(headline, lead, body)
    check_examples(awards, found.body, language)
    check_first_timers(awards, body, language)
    check_nothing_invented(awards, headline + lead + body, language)


def check_total(total: Decimal | int, lead: str, language: str, currency: str) -> None:
    exact = f"{total:,.2f}" if total != int(total) else f"{total:,.0f}"
    if language == "sv":
        swedish = exact.replace(",", "\u00a0").replace(".", ",")
        assert f"{swedish}\u00a0{UNIT[currency]}" in lead
    else:
        assert SIGN[currency].replace(" ", "\u00a0") + exact in lead


def check_headline_total(total: Decimal | int, headline: str, language: str) -> None:
    plain = headline.replace("\u00a0", " ").lower()
    above, below = HEDGES[language]
    said = read_money(plain, language)
    assert any(hedge in plain for hedge in above) == (total > said)
    assert any(hedge in plain for hedge in below) == (total < said)


def read_money(text: str, language: str) -> Decimal:
    words = "|".join(WORDS[language][1:])
    scale = "|".join(sorted(SCALES, key=len, reverse=True))
    digits = r"\d[\d ]*(?:,\d+)?" if language == "sv" else r"\d[\d,]*(?:\.\d+)?"
    match = re.search(rf"({digits}|\b(?:{words})) ?({scale})\b", text) or re.search(
        rf"({digits})()", text
    )
    assert match, text
    number, unit = match.groups()
    if number in WORDS[language]:
        value = Decimal(WORDS[language].index(number))
    elif language == "sv":
        value = Decimal(number.replace(" ", "").replace(",", "."))
    else:
        value = Decimal(number.replace(",", ""))
    if unit in {"miljon", "miljard"}:
        assert value == 1
    return value * SCALES.get(unit, 1)


def check_recipients(awards: Sequence[Row], headline: str, lead: str, language: str) -> None:
    who = {row.grantee: row.kind for row in awards}
    if len(who) == 1:
        assert next(iter(who)).split()[0][:4] in headline
        return
    if any(kind is None for kind in who.values()):
        expected = [counted(len(who), RECIPIENTS[language], language, all_digits=False)]
        for forms in NOUNS[language].values():
            assert not re.search(rf"\b({'|'.join(forms)})\b", lead)
    else:
        order = ["kommun", "region", "kommunalforbund"]
        counts = [(kind, list(who.values()).count(kind)) for kind in order]
        digits = any(n > 12 for _, n in counts)
        expected = [
            counted(n, NOUNS[language][kind], language, all_digits=digits)
            for kind, n in counts
            if n
        ]
    for part in expected:
        assert part in lead.lower()


def counted(n: int, forms: tuple[str, str], language: str, *, all_digits: bool) -> str:
    noun = forms[0] if n == 1 else forms[1]
    if n > 12 or all_digits:
        return f"{n} {noun}"
    if language == "sv" and n == 1:
        return f"{'ett' if noun.endswith('förbund') else 'en'} {noun}"
    return f"{WORDS[language][n]} {noun}"


ALPHABET = " -abcdefghijklmnopqrstuvwxyzåäö"


def check_list(awards: Sequence[Row], lead: str, body: str, language: str) -> None:
    expected = sorted({row.grantee for row in awards}, key=lambda n: order_of(n))
    if len(expected) == 1:
        assert expected[0][:4] in lead
        return
    conjunction = " och " if language == "sv" else " and "
    text = ", ".join(expected[:-1]) + conjunction + expected[-1] + "."
    assert text in body
    assert f",{conjunction}" not in body


def order_of(name: str) -> list[int]:
    return [ALPHABET.index(c) for c in name.lower().replace("é", "e").replace("-", " ")]


def check_projects(awards: Sequence[Row], lead: str, language: str) -> None:
    projects = {row.project or f"#{row.number}" for row in awards}
    forms = ("projekt", "projekt") if language == "sv" else ("project", "projects")
    n, grantees = len(projects), len({row.grantee for row in awards})
    number = WORDS[language][n] if n < 13 else f"{n}"
    noun = forms[0] if n == 1 else forms[1]
    assert (f"{number} {noun}" in lead) == (n != grantees)


def check_sentences(headline: str, lead: str, body: str) -> None:
    for text in (headline, lead, *body.splitlines()):
        for sentence in re.split(r"(?<=[.!?]) +", text):
            assert not re.match(r"\d", sentence), sentence
            assert sentence and sentence == sentence.strip()
            assert "  " not in sentence
        assert text.endswith((".", "]")) or text == headline


def check_examples(awards: Sequence[Row], body: str, language: str) -> None:
    numbers = list(dict.fromkeys(re.findall(r'data-figure="award\.(\d+)\.', body)))
    assert len(numbers) <= 3
    by_number = {str(row.number): row for row in awards}
    told = [by_number[number] for number in numbers]
    assert len({row.project or row.number for row in told}) == len(told)
    assert bool(told) == any(row.partners and row.countries for row in awards)
    for row in told:
        assert row.partners and row.countries
        parts = re.findall(rf'data-figure="award\.{row.number}\.(\w+)">(.*?)</data>', body)
        shown = {part: words_of(text) for part, text in parts}
        conjunction = " och " if language == "sv" else " and "
        assert shown["partners"] == conjunction.join(row.partners)
        assert row.grantee.split()[0][:3] in shown["grantee"]
        country = row.countries[0]
        if language == "en":
            country = country.replace("Bosnien och Hercegovina", "Bosnia and Herzegovina")
        assert shown["country"] == country
        assert ("themes" in shown) == bool(row.themes)
        for theme in row.themes:
            assert theme.lower() in shown["themes"]
    if len({tuple(row.countries) for row in awards if row.partners}) > 1 and len(told) > 1:
        assert len({row.countries for row in told}) > 1


def check_first_timers(awards: Sequence[Row], body: str, language: str) -> None:
    new = sorted({row.grantee for row in awards if row.first_timer}, key=order_of)
    everyone = {row.grantee for row in awards}
    said = "ny sökande" if language == "sv" else "new applicant"
    assert (said in body or "nya sökande" in body) == bool(new)
    if not new or len(everyone) == 1 or len(new) == len(everyone):
        return
    sentence = next(line for line in body.splitlines() if said in line or "nya sökande" in line)
    number = WORDS[language][len(new)] if len(new) < 13 else str(len(new))
    assert number in sentence.lower().split()
    listed = re.split(r", | och | and ", sentence.split(": ")[1].rstrip("."))
    assert listed == new


def check_nothing_invented(awards: Sequence[Row], text: str, language: str) -> None:
    assert not re.search(r"glädjande|pleased|rekord|record|svenska|Swedish", text)
    assert not re.search(r"\b(19|20)\d\d\b", text)
    assert "None" not in text and "nan" not in text.split()
    given = {c for row in awards for c in row.countries}
    for country in {"Kenya", "Vietnam", "Bosnien och Hercegovina"} - given:
        assert country not in text


SHAPES = {
    "one": invented(1, 300000),
    "one with partner": invented(1, 300000, partners=1),
    "one new, three projects": invented(1, 900000, new=1, projects=3, partners=2),
    "two": invented(2, 600000),
    "two without kinds": invented(2, 600000, kinds=False),
    "two, both new": invented(2, 600000, new=2),
    "eleven": invented(11, 10641000, partners=1, new=3),
    "eleven without kinds": invented(11, 8400000, kinds=False, new=1),
    "eleven, one new": invented(11, 8400000, new=1),
    "twelve": invented(12, 7000000, partners=2),
    "thirteen": invented(13, 13000000, partners=2, new=13),
    "thirteen without kinds": invented(13, 1000000, kinds=False),
    "sixty": invented(60, 45123456, partners=1, new=25),
    "sixty, many projects": invented(60, 45123456, projects=2),
    "three hundred": invented(300, 1200000000, partners=2, new=120),
    "three hundred without kinds": invented(300, 98765432, kinds=False),
    **{f"total {t}": invented(11, t) for t in (
        "999999", "1000000", "1040000", "10000000", "10000001", "9999999", "999950000",
        "1000000000", "1000000001", "999999999", "12000000", "13000000", "8450000", "53195.50",
        "116100000",
    )},
}  # fmt: skip


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_a_right_press_release(shape: str, language: str) -> None:
    rows = SHAPES[shape]
    check(rows, made(rows, language=language), language=language)
    purpose = "demokrati" if language == "sv" else "democracy"
    check(rows, made(rows, language=language, purpose=purpose), language=language)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("currency", ["EUR", "GBP", "USD"])
@pytest.mark.parametrize("total", ["53195", "53195.50", "116100000", "1500000"])
def test_other_currencies(total: str, currency: str, language: str) -> None:
    rows = invented(11, total)
    check(rows, made(rows, language=language, currency=currency), language=language,
          currency=currency)  # fmt: skip


@pytest.mark.parametrize("language", ["sv", "en"])
@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 70),
    total=st.integers(10**6, 2 * 10**9),
    kinds=st.booleans(),
    partners=st.integers(0, 2),
    new=st.integers(0, 80),
    projects=st.integers(1, 3),
)
def test_any_round(
    language: str, n: int, total: int, kinds: bool, partners: int, new: int, projects: int
) -> None:
    rows = invented(n, total, kinds=kinds, partners=partners, new=new, projects=projects)
    check(rows, made(rows, language=language), language=language)


def test_rejections_and_zeros_are_not_told() -> None:
    rows = invented(11, 8400000)
    rejected = Row(90, "Göteborg", "kommun", Decimal(5), status=AwardStatus.REJECTED)
    nothing = Row(91, "Region Norrbotten", "region", Decimal(0))
    found = made([*rows, rejected, nothing], language="sv")
    check([*rows, rejected, nothing], found, language="sv")
    assert "Göteborg" not in found.body and "Norrbotten" not in found.body


def test_a_project_on_two_rows_is_told_once() -> None:
    shared = {"partners": ("P",), "countries": ("Kenya",), "project": "Vatten"}
    rows = [
        Row(2, "Lund", "kommun", Decimal(1000), **shared),  # type: ignore[arg-type]
        Row(3, "Malmö", "kommun", Decimal(1000), **shared),  # type: ignore[arg-type]
    ]
    found = made(rows, language="sv")
    assert "Pengarna går till ett projekt och fördelas" in words_of(found.lead)
    assert "award.2." in found.body and "award.3." not in found.body


def test_two_partners_are_one_partnership() -> None:
    row = Row(2, "Lund", "kommun", Decimal(5000), partners=("Kitui", "Nakuru"),
              countries=("Kenya",), themes=("Klimat",))  # fmt: skip
    assert (
        "I projektet arbetar Lunds kommun med klimat i ett trepartssamarbete med Kitui och Nakuru"
        " i Kenya." in words_of(made([row], language="sv").body)
    )
    assert (
        "In the project, Lunds kommun works on klimat in a three-way partnership with Kitui and"
        " Nakuru in Kenya." in words_of(made([row], language="en").body)
    )


def test_kommunalforbund_are_named_and_counted() -> None:
    rows = [
        Row(2, "Sjuhärads kommunalförbund", "kommunalforbund", Decimal(1000)),
        Row(3, "Lund", "kommun", Decimal(1000)),
    ]
    found = made(rows, language="sv")
    assert words_of(found.lead).startswith("En kommun och ett kommunalförbund får dela på")
    assert "Lund och Sjuhärad." in words_of(found.body)


def test_many_kinds_make_a_short_headline() -> None:
    kinds = ["kommun", "region", "stiftelse", "forening", "universitet"]
    rows = [Row(i, f"Namn {i}", kind, Decimal(100000)) for i, kind in enumerate(kinds, 2)]
    found = made(rows, language="sv")
    assert words_of(found.headline).endswith("till fem mottagare")
    assert words_of(found.lead).startswith(
        "En kommun, en region, en förening, en stiftelse och ett universitet får dela på"
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_headlines_are_short(shape: str, language: str) -> None:
    assert len(words_of(made(SHAPES[shape], language=language).headline)) <= 80


def test_what_the_form_lacks_is_left_out_and_a_quote_is_a_gap() -> None:
    context = Context(language="sv", programme="")
    found = draft(invented(2), currency="SEK", context=context, template=SHIPPED["sv"])
    assert words_of(found.lead) == "Två kommuner får dela på 2\u00a0000\u00a0kronor."
    assert "Läs mer" not in found.body and "Beslutet" not in found.body
    assert "data-gap" not in found.headline + found.lead
    assert found.body.count("<mark data-gap=") == 2 == found.body.count('data-gap="quote.')


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("sv", "Pengarna går till fyra projekt."), ("en", "The funding goes to four projects.")],
)
def test_projects_are_told_when_nobody_said_who_allocates(language: str, sentence: str) -> None:
    context = Context(language=language, programme="Partnerskap")
    rows = invented(2, projects=2)
    found = draft(rows, currency="SEK", context=context, template=SHIPPED[language])
    assert words_of(found.lead).endswith(sentence)


def test_a_partner_without_a_country_is_an_example_too() -> None:
    rows = [
        Row(2, "Lund", "kommun", Decimal(1000), partners=("Bygdegården",), themes=("Kultur",)),
        Row(3, "Habo", "kommun", Decimal(1000), partners=("Folkets hus",)),
    ]
    swedish = words_of(made(rows, language="sv").body)
    assert "Ett exempel är Habo kommun, som arbetar tillsammans med Folkets hus. " in swedish
    assert "är Lunds kommun, som arbetar med kultur tillsammans med Bygdegården." in swedish
    english = words_of(made(rows, language="en").body)
    assert "which works together with Bygdegården on kultur." in english


@pytest.mark.parametrize("partner", ["Kisumu County, Kenya", "Kenya Red Example"])
def test_a_country_in_the_partners_name_is_not_said_twice(partner: str) -> None:
    rows = [Row(2, "Lund", "kommun", Decimal(1000), partners=(partner,), countries=("Kenya",))]
    assert f"tillsammans med {partner}." in words_of(made(rows, language="sv").body)
    elsewhere = [replace(rows[0], countries=("Uganda",))]
    assert f"with {partner} in Uganda." in words_of(made(elsewhere, language="en").body)


def test_a_house_template_may_print_the_place_of_every_example() -> None:
    rows = [Row(2, "Lund", "kommun", Decimal(1000), partners=("Bygdegården",))]
    context = Context(language="sv", programme="P")
    body = "{% for e in examples %}<p>Med {{ e.partners }} {{ e.place }}.</p>{% endfor %}"
    template = replace(SHIPPED["sv"], body=body)
    found = draft(rows, currency="SEK", context=context, template=template)
    assert words_of(found.body) == "Med Bygdegården."


@pytest.mark.parametrize("name", ["4H Tuna", "ung kultur i Norr"])
def test_a_name_that_cannot_open_a_sentence_does_not(name: str) -> None:
    rows = [Row(2, name, "forening", Decimal(1000), first_timer=True)]
    swedish, english = made(rows, language="sv"), made(rows, language="en")
    assert words_of(swedish.headline) == f"Totalt 1\u00a0000\u00a0kronor till {name}"
    assert words_of(swedish.lead).startswith(f"Det är {name} som får ")
    assert f"Mottagaren {name} är ny sökande." in words_of(swedish.body)
    assert words_of(english.headline) == f"A total of SEK\u00a01,000 for {name}"
    assert words_of(english.lead).startswith(f"The recipient {name} receives ")
    assert f"The recipient {name} is a new applicant." in words_of(english.body)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_very_long_name_is_for_the_lead(language: str) -> None:
    name = "The Royal and Ancient Society for the Encouragement of Arts and Very Long Names"
    found = made([Row(2, name, None, Decimal(5000))], language=language)
    assert len(words_of(found.headline)) <= 80 and name not in words_of(found.headline)
    assert name in words_of(found.lead)


@pytest.mark.parametrize(
    ("programme", "swedish", "english"),
    [
        ("Small Grants Programme", "genom Small Grants Programme", "the Small Grants Programme"),
        ("Small Grants", "genom programmet Small Grants", "the Small Grants programme"),
        ("Vattenprogrammet", "genom Vattenprogrammet", "through Vattenprogrammet"),
    ],
)  # fmt: skip
def test_a_programme_is_called_a_programme_once(programme: str, swedish: str, english: str) -> None:
    for language, phrase in (("sv", swedish), ("en", english)):
        context = Context(language=language, programme=programme)
        found = draft(invented(2), currency="SEK", context=context, template=SHIPPED[language])
        assert words_of(found.lead).endswith(f"{phrase}.")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_name_that_ends_in_a_full_stop_ends_the_sentence(language: str) -> None:
    rows = [Row(2, "Alfa", None, Decimal(5)), Row(3, "Ödlan & Co. Ek. för.", None, Decimal(5))]
    body = words_of(made(rows, language=language).body)
    assert "Ödlan & Co. Ek. för.\n" in body + "\n" and ".." not in body


@pytest.mark.parametrize(
    ("purpose", "phrase"),
    [
        ("Stärkt demokrati i Kenya.", "till stärkt demokrati i Kenya"),
        ("Ungas röster i Kenya, Uganda", "till ungas röster i Kenya, Uganda"),
        ("Agenda 2030", "till Agenda 2030"),
        ("Community Fund", "till Community Fund"),
    ],
)
def test_a_purpose_reads_on_in_the_sentence(purpose: str, phrase: str) -> None:
    context = Context(language="sv", programme="", purpose=purpose)
    found = draft(invented(2), currency="SEK", context=context, template=SHIPPED["sv"])
    assert words_of(found.lead).endswith(f" {phrase}.")


def test_a_name_in_capitals_gives_way_to_the_same_name_in_small_letters() -> None:
    rows = [Row(2, "THE LARDER", None, Decimal(5)), Row(3, "The Larder", None, Decimal(5))]
    assert words_of(made(rows, language="en").headline).startswith("The Larder receives")


def test_a_given_quote_takes_the_place_of_its_gap() -> None:
    quote = Quote("head", "Det här är <bra>", "Karin Ek", "chef", "Centrum")
    context = Context(language="sv", programme="P", quotes=(quote,))
    found = draft(invented(2), currency="SEK", context=context, template=SHIPPED["sv"])
    assert (
        "<blockquote><p>– Det här är &lt;bra&gt;, säger Karin Ek, chef på Centrum.</p></blockquote>"
        in found.body
    )
    assert 'data-gap="quote.head"' not in found.body
    assert 'data-gap="quote.authority"' in found.body


def test_a_house_may_open_with_digits() -> None:
    context = Context(language="sv", programme="P", style=HouseStyle(digit_at_sentence_start=True))
    rows = invented(60, 13000000)
    found = draft(rows, currency="SEK", context=context, template=SHIPPED["sv"])
    assert words_of(found.headline).startswith("13\u00a0miljoner kronor till")


def test_an_english_file_gives_a_swedish_draft() -> None:
    rows = [
        Row(2, "Bar Trust", "charity", Decimal("53195.50"), partners=("X Org",),
            countries=("Netherlands",), themes=("Climate action",)),
        Row(3, "Leeds", "council", Decimal(1000)),
    ]  # fmt: skip
    context = Context(language="sv", programme="Climate Fund", source_language="en")
    found = draft(rows, currency="GBP", context=context, template=SHIPPED["sv"])
    assert "54\u00a0195,50\u00a0pund" in found.lead
    assert "tillsammans med X Org i Nederländerna" in words_of(found.body)
    assert '<i lang="en">climate action</i>' in found.body
    assert found.warnings == (("theme_not_translated", {"row": 2, "themes": "Climate action"}),)


def test_warnings() -> None:
    rows = [
        Row(2, "Lund", "kommun", Decimal(1000), first_timer=True),
        Row(3, "Lund", None, Decimal(1000), first_timer=False),
    ]
    context = Context(language="en", programme="P")
    template = replace(SHIPPED["en"], headline="x" * 81)
    found = draft(rows, currency="SEK", context=context, template=template)
    facts = dict(found.warnings)
    assert facts["kinds_incomplete"] == {"n": 1, "rows": "3"}
    assert facts["first_timer_contradicted"] == {"grantee": "Lund", "rows": "2, 3"}
    assert facts["headline_long"]["most"] == 80
    for code, given_facts in found.warnings:
        for language in ("sv", "en"):
            assert "{" not in warning_sentence(code, given_facts, language=language)


def test_a_round_without_awards_has_no_draft() -> None:
    with pytest.raises(NoAwards):
        made([Row(2, "Lund", "kommun", Decimal(0))], language="sv")


def test_the_decision_date_is_told() -> None:
    context = Context(language="en", programme="P", decided_on=datetime.date(2022, 10, 28))
    found = draft(invented(2), currency="SEK", context=context, template=SHIPPED["en"])
    assert "The decision was made on 28 October 2022." in found.body


def test_short_names_in_lists_and_official_names_in_sentences() -> None:
    places = [("Falun", "kommun"), ("Borås stad", "kommun"), ("Gotland", "region")]
    rows = [
        Row(n, name, kind, Decimal(1000), partners=("P",), countries=("Kenya",), first_timer=n == 2)
        for n, (name, kind) in enumerate(places, 2)
    ]
    body = words_of(made(rows, language="sv").body)
    assert "medel är Borås, Falun och Region Gotland." in body
    assert "En av mottagarna är ny sökande: Falun." in body
    assert "exempel är Borås stad, som" in body and "är Falu kommun, som" in body
    alone = made(rows[:1], language="sv")
    assert words_of(alone.headline) == "Falu kommun får 1\u00a0000\u00a0kronor"
    assert "Falu kommun är ny sökande." in words_of(alone.body)


@pytest.mark.parametrize(
    ("countries", "told"),
    [
        (("Kenya", "Norge"), "Sammanlagt berörs två länder: Kenya och Norge."),
        (("Kenya", "Kenya"), ""),
        (("Kenya", "Global"), ""),
        (("GB", "US"), ""),
        (("Västra Afrika", "Kenya"), ""),
    ],
)
def test_only_countries_are_counted_as_countries(countries: tuple[str, ...], told: str) -> None:
    rows = [
        Row(n, name, "kommun", Decimal(1000), countries=(country,))
        for n, (name, country) in enumerate(zip(("Lund", "Habo"), countries, strict=True), 2)
    ]
    body = words_of(made(rows, language="sv").body)
    assert told in body
    assert ("berörs" in body) == bool(told)


def test_countries_are_not_counted_while_a_row_leaves_its_own_out() -> None:
    rows = [
        Row(2, "Lund", "kommun", Decimal(1000), countries=("Kenya",)),
        Row(3, "Habo", "kommun", Decimal(1000), countries=("Norge",)),
        Row(4, "Eda", "kommun", Decimal(1000)),
    ]

    assert "berörs" not in words_of(made(rows, language="sv").body)
    assert "are involved" not in words_of(made(rows, language="en").body)


LONG = "ett livskraftigt föreningsliv för barn, unga och äldre i hela landet"


@pytest.mark.parametrize(
    ("shape", "purpose", "expected"),
    [
        ("amount_first", "kultur", "Drygt 2,5_miljoner kronor till kultur"),
        ("amount_first", LONG, "Drygt 2,5_miljoner kronor till elva kommuner"),
        ("count_first", "kultur",
         "Elva kommuner får dela på drygt 2,5_miljoner kronor till kultur"),
        ("count_first", LONG, "Elva kommuner får dela på drygt 2,5_miljoner kronor"),
        ("theme_first", "kultur", "Kultur: drygt 2,5_miljoner kronor till elva kommuner"),
        ("theme_first", "ett livskraftigt föreningsliv i hela landet",
         "Ett livskraftigt föreningsliv i hela landet: drygt 2,5_miljoner kronor"),
        ("theme_first", LONG, "Drygt 2,5_miljoner kronor till elva kommuner"),
        ("theme_first", "för unga", "Drygt 2,5_miljoner kronor för unga"),
        ("theme_first", "", "Drygt 2,5_miljoner kronor till elva kommuner"),
    ],
)  # fmt: skip
def test_a_headline_too_long_gives_way_to_a_shorter_one(
    shape: str, purpose: str, expected: str
) -> None:
    rows = [replace(row, kind="kommun") for row in invented(11, 2_540_000)]
    context = Context(language="sv", programme="P", purpose=purpose, headline_shape=shape)
    found = draft(rows, currency="SEK", context=context, template=SHIPPED["sv"])
    assert words_of(found.headline) == expected.replace("_", "\u00a0")
    assert found.warnings == ()
