"""The round that the product was asked for first: eleven grantees, 10 641 000 kronor."""

from __future__ import annotations

import datetime
import html
import re
from decimal import Decimal

import pytest

from releases.drafting.drafting import SHIPPED, Context, Draft, draft
from releases.rounds.table import Row

K = "kommun"
CELLS = [
    ("Ekerö", K, "", "", "", 300000, True),
    ("Karlstad", K, "Makueni County", "Kenya", "Jämställdhet", 1480000, False),
    ("Kristinehamn", K, "", "", "", 300000, True),
    ("Lycksele", K, "Homa Bay County", "Kenya", "Vatten och avfall", 1250000, False),
    ("Mariestad", K, "", "", "", 300000, True),
    ("Piteå", K, "An Giang", "Vietnam", "Ungas deltagande; klimat", 1496000, False),
    (
        "Region Östergötland", "region", "Uasin Gishu County", "Kenya",
        "Jämlik hälsa; cancersjukvård", 445000, False,
    ),
    ("Ronneby", K, "", "", "", 1350000, False),
    ("Umeå", K, "", "", "", 1500000, False),
    ("Älmhult", K, "", "", "", 1120000, False),
    ("Öckerö", K, "", "", "", 1100000, False),
]  # fmt: skip


def seed() -> list[Row]:
    return [
        Row(
            number=number,
            grantee=grantee,
            kind=kind,
            amount=Decimal(amount),
            partners=tuple(filter(None, [partner])),
            countries=tuple(filter(None, [country])),
            themes=tuple(filter(None, themes.split("; "))),
            first_timer=is_new,
        )
        for number, (grantee, kind, partner, country, themes, amount, is_new) in enumerate(CELLS, 2)
    ]


def drafted(language: str, purpose: str = "") -> Draft:
    context = Context(
        language=language,
        programme="Kommunala partnerskap",
        organisation="Internationellt Centrum för Lokal Demokrati",
        organisation_short="ICLD",
        purpose=purpose,
        read_more_url="https://icld.se/partnerskap",
        decided_on=datetime.date(2022, 10, 28),
    )
    return draft(seed(), currency="SEK", context=context, template=SHIPPED[language])


def text(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).replace("\u00a0", " ")


def test_swedish_headline_and_lead() -> None:
    found = drafted("sv", "internationellt demokratisamarbete")
    assert text(found.headline) == (
        "Drygt 10,6 miljoner kronor till internationellt demokratisamarbete"
    )
    assert text(found.lead) == (
        "Tio kommuner och en region får dela på 10 641 000 kronor till internationellt"
        " demokratisamarbete genom programmet Kommunala partnerskap. Pengarna fördelas av"
        " Internationellt Centrum för Lokal Demokrati, ICLD."
    )
    assert "10\u00a0641\u00a0000\u00a0kronor" in found.lead
    assert text(drafted("sv").headline) == (
        "Drygt 10,6 miljoner kronor till tio kommuner och en region"
    )


def test_swedish_body() -> None:
    lines = text(drafted("sv").body).splitlines()
    assert lines[0].startswith("[Citat: ")
    assert lines[1] == (
        "De som har beviljats medel är Ekerö, Karlstad, Kristinehamn, Lycksele, Mariestad, Piteå,"
        " Region Östergötland, Ronneby, Umeå, Älmhult och Öckerö."
    )
    assert lines[2] == ("Tre av mottagarna är nya sökande: Ekerö, Kristinehamn och Mariestad.")
    assert lines[3].startswith("[Citat: ")
    assert lines[4] == (
        "Ett exempel är Karlstads kommun, som arbetar med jämställdhet tillsammans med Makueni"
        " County i Kenya. Ett annat är Lycksele kommun, som arbetar med vatten och avfall"
        " tillsammans med Homa Bay County i Kenya. Dessutom arbetar Piteå kommun med ungas"
        " deltagande och klimat tillsammans med An Giang i Vietnam."
    )
    assert lines[5] == "Beslutet fattades den 28 oktober 2022."
    assert lines[6] == "Läs mer om Kommunala partnerskap på icld.se."
    assert len(lines) == 7


def test_english_draft_keeps_names_and_translates_kinds_and_countries() -> None:
    found = drafted("en")
    assert text(found.headline) == "Over SEK 10.6 million for ten municipalities and one region"
    assert text(found.lead).startswith(
        "Ten municipalities and one region will share SEK 10,641,000 through the Kommunala"
        " partnerskap programme."
    )
    body = text(found.body)
    assert "Umeå, Älmhult and Öckerö." in body
    assert "Three of the recipients are new applicants: Ekerö, Kristinehamn and Mariestad." in body
    assert "Karlstads kommun, which works together with Makueni County in Kenya" in body
    assert '<i lang="sv">vatten och avfall</i>' in found.body
    assert [code for code, _ in found.warnings] == ["theme_not_translated"] * 3


def test_figures_are_tied_to_their_values() -> None:
    found = drafted("sv")
    assert found.figures["total"].value == "10641000"
    assert found.figures["total"].text == "10\u00a0641\u00a0000\u00a0kronor"
    assert found.figures["kinds"].text == "tio kommuner och en region"
    assert found.figures["firsttimers.count"].value == "3"
    assert '<data value="10641000" data-figure="total">' in found.lead
    assert '<data value="10641000" data-figure="total.rounded">Drygt' in found.headline
    assert found.warnings == ()


@pytest.mark.parametrize("language", ["sv", "en"])
def test_quotes_are_gaps(language: str) -> None:
    gaps = re.findall(r'<p><mark data-gap="([^"]+)">\[[^<]+\]</mark></p>', drafted(language).body)
    assert gaps == ["quote.authority", "quote.head"]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_examples_come_from_rows_that_hold_a_partner(language: str) -> None:
    told = set(re.findall(r'data-figure="award\.(\d+)\.', drafted(language).body))
    assert told and told <= {str(row.number) for row in seed() if row.partners}
