"""Every language function, case by case. `_` in an expected text is a no-break space."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releases.drafting import english, swedish
from releases.drafting.language import (
    HouseStyle,
    Language,
    country_in,
    in_running_text,
    rounded_to_say,
)
from releases.rounds.kinds import KINDS

NEAREST = HouseStyle()
SV: Language = swedish
EN: Language = english


def nbsp(text: str) -> str:
    return text.replace("_", "\u00a0")


@pytest.mark.parametrize(
    ("amount", "currency", "sv", "en"),
    [
        ("10641000", "SEK", "10_641_000_kronor", "SEK_10,641,000"),
        ("53195", "GBP", "53_195_pund", "£53,195"),
        ("53195.5", "GBP", "53_195,50_pund", "£53,195.50"),
        ("1500000", "EUR", "1_500_000_euro", "€1,500,000"),
        ("2300", "USD", "2_300_US-dollar", "$2,300"),
        ("999", "NOK", "999_norska kronor", "NOK_999"),
        ("1", "SEK", "1_krona", "SEK_1"),
        ("1000", "JPY", "1_000_JPY", "JPY_1,000"),
        ("1000000000", "SEK", "1_000_000_000_kronor", "SEK_1,000,000,000"),
    ],
)
def test_exact_money(amount: str, currency: str, sv: str, en: str) -> None:
    assert swedish.money(Decimal(amount), currency=currency) == nbsp(sv)
    assert english.money(Decimal(amount), currency=currency) == nbsp(en)


@pytest.mark.parametrize(
    ("amount", "sv", "en"),
    [
        ("10641000", "drygt 10,6_miljoner kronor", "over SEK_10.6_million"),
        ("8400000", "8,4_miljoner kronor", "SEK_8.4_million"),
        ("8390000", "knappt 8,4_miljoner kronor", "nearly SEK_8.4_million"),
        ("1000000", "en miljon kronor", "SEK_1_million"),
        ("1040000", "drygt en miljon kronor", "over SEK_1_million"),
        ("999999", "nästan en miljon kronor", "nearly SEK_1_million"),
        ("10000000", "tio miljoner kronor", "SEK_10_million"),
        ("12000001", "drygt tolv miljoner kronor", "over SEK_12_million"),
        ("13000000", "13_miljoner kronor", "SEK_13_million"),
        ("960000000", "960_miljoner kronor", "SEK_960_million"),
        ("999940000", "drygt 999,9_miljoner kronor", "over SEK_999.9_million"),
        ("999950000", "nästan en miljard kronor", "nearly SEK_1_billion"),
        ("1000000000", "en miljard kronor", "SEK_1_billion"),
        ("1200000000", "1,2_miljarder kronor", "SEK_1.2_billion"),
        ("1000000000000", "en biljon kronor", "SEK_1_trillion"),
        ("300000", "300_000_kronor", "SEK_300,000"),
        ("445400", "drygt 445_000_kronor", "over SEK_445,000"),
        ("445600", "knappt 446_000_kronor", "nearly SEK_446,000"),
        ("845", "845_kronor", "SEK_845"),
        ("9999.50", "9_999,50_kronor", "SEK_9,999.50"),
        ("116100000", "116,1_miljoner kronor", "SEK_116.1_million"),
    ],
)
def test_rounded_money(amount: str, sv: str, en: str) -> None:
    assert swedish.rounded(Decimal(amount), currency="SEK", style=NEAREST) == nbsp(sv)
    assert english.rounded(Decimal(amount), currency="SEK", style=NEAREST) == nbsp(en)


def test_rounded_money_in_other_currencies() -> None:
    amount = Decimal(1500000)
    assert swedish.rounded(amount, currency="EUR", style=NEAREST) == nbsp("1,5_miljoner euro")
    assert english.rounded(amount, currency="GBP", style=NEAREST) == nbsp("£1.5_million")


def test_a_house_may_round_down_to_whole_millions() -> None:
    style = HouseStyle(rounding="down", rounding_decimals=0)
    amount = Decimal(10641000)
    assert swedish.rounded(amount, currency="SEK", style=style) == "drygt tio miljoner kronor"


@given(st.decimals(min_value=1, max_value=10**13, places=2), st.sampled_from(["nearest", "down"]))
def test_the_hedge_never_lies(amount: Decimal, rounding: str) -> None:
    style = HouseStyle(rounding="down" if rounding == "down" else "nearest")
    near = rounded_to_say(amount, style=style)
    said = near.number * Decimal(10) ** near.power
    assert near.side == (amount > said) - (amount < said)
    assert abs(amount - said) <= amount / 10
    text = swedish.rounded(amount, currency="SEK", style=style)
    assert text.startswith("drygt ") == (amount > said)
    assert text.startswith(("knappt ", "nästan ")) == (amount < said)


@given(st.decimals(min_value=0, max_value=10**13, places=2))
def test_exact_money_can_be_read_back(amount: Decimal) -> None:
    sv = swedish.money(amount, currency="EUR").removesuffix("\u00a0euro")
    assert Decimal(sv.replace("\u00a0", "").replace(",", ".")) == amount
    assert Decimal(english.money(amount, currency="EUR")[1:].replace(",", "")) == amount


@pytest.mark.parametrize(
    ("n", "noun", "sv", "en"),
    [
        (1, "kommun", "en kommun", "one municipality"),
        (2, "region", "två regioner", "two regions"),
        (1, "kommunalforbund", "ett kommunalförbund", "one municipal association"),
        (3, "kommunalforbund", "tre kommunalförbund", "three municipal associations"),
        (1, "project", "ett projekt", "one project"),
        (12, "project", "tolv projekt", "twelve projects"),
        (13, "project", "13 projekt", "13 projects"),
        (1, "country", "ett land", "one country"),
        (1200, "grantee", "1_200 mottagare", "1,200 recipients"),
    ],
)
def test_counted_nouns(n: int, noun: str, sv: str, en: str) -> None:
    assert swedish.counted(n, noun=noun) == nbsp(sv)
    assert english.counted(n, noun=noun) == nbsp(en)


def test_numbers_in_words() -> None:
    words = "ett två tre fyra fem sex sju åtta nio tio elva tolv 13"
    assert " ".join(swedish.number(n, noun="project") for n in range(1, 14)) == words
    words = "one two three four five six seven eight nine ten eleven twelve 13"
    assert " ".join(english.number(n) for n in range(1, 14)) == words


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", [SV, EN])
def test_every_kind_has_its_nouns(kind: str, language: Language) -> None:
    one, two = language.counted(1, noun=kind), language.counted(2, noun=kind)
    assert one.split()[0] in {"en", "ett", "one"}
    assert two.split()[0] in {"två", "two"}


@pytest.mark.parametrize(
    ("counts", "sv", "en"),
    [
        ([("kommun", 10), ("region", 1)], "tio kommuner och en region",
         "ten municipalities and one region"),
        ([("kommun", 13), ("region", 2)], "13 kommuner och 2 regioner",
         "13 municipalities and 2 regions"),
        ([("kommun", 13), ("kommunalforbund", 1)], "13 kommuner och 1 kommunalförbund",
         "13 municipalities and 1 municipal association"),
        ([("kommun", 2), ("region", 1), ("kommunalforbund", 1)],
         "två kommuner, en region och ett kommunalförbund",
         "two municipalities, one region and one municipal association"),
    ],
)  # fmt: skip
def test_breakdown(counts: list[tuple[str, int]], sv: str, en: str) -> None:
    assert swedish.breakdown(counts) == sv
    assert english.breakdown(counts) == en


@pytest.mark.parametrize(
    ("items", "sv", "en"),
    [
        ([], "", ""),
        (["A"], "A", "A"),
        (["A", "B"], "A och B", "A and B"),
        (["A", "B", "C"], "A, B och C", "A, B and C"),
    ],
)
def test_lists(items: list[str], sv: str, en: str) -> None:
    assert swedish.listing(items) == sv
    assert english.listing(items) == en


@given(st.lists(st.text("abcåäö", min_size=1, max_size=5), min_size=1, max_size=30))
def test_a_list_holds_every_item_once_in_order(items: list[str]) -> None:
    text = swedish.listing(items)
    assert text.replace(" och ", ", ").split(", ") == items
    assert ", och" not in text
    assert text.count(" och ") == (len(items) > 1)


def test_phrases_with_and_inside() -> None:
    assert swedish.phrases(["vatten och avfall", "klimat"]) == "vatten och avfall samt klimat"
    assert swedish.phrases(["vatten", "klimat"]) == "vatten och klimat"
    assert english.phrases(["water and waste", "care"]) == "water and waste as well as care"


@pytest.mark.parametrize(
    ("name", "sv", "en"),
    [
        ("Umeå", "Umeås", "Umeå’s"),
        ("Kalmar", "Kalmars", "Kalmar’s"),
        ("Borås", "Borås", "Borås’"),
        ("Kalix", "Kalix", "Kalix’s"),
        ("Lunds kommun", "Lunds kommuns", "Lunds kommun’s"),
    ],
)
def test_genitive(name: str, sv: str, en: str) -> None:
    assert swedish.genitive(name) == sv
    assert english.genitive(name) == en


def test_dates() -> None:
    day = datetime.date(2022, 10, 28)
    assert swedish.date(day) == "28 oktober 2022"
    assert english.date(day) == "28 October 2022"
    assert swedish.date(datetime.date(2019, 5, 1)) == "1 maj 2019"


@pytest.mark.parametrize(
    ("name", "source", "language", "expected"),
    [
        ("Kenya", "sv", "en", "Kenya"),
        ("Bosnien och Hercegovina", "sv", "en", "Bosnia and Herzegovina"),
        ("Bosnia & Herzegovina", "en", "sv", "Bosnien och Hercegovina"),
        ("Bosnia and Herzegovina", "en", "sv", "Bosnien och Hercegovina"),
        ("Nordmakedonien", "sv", "en", "North Macedonia"),
        ("Moçambique", "sv", "en", "Mozambique"),
        ("Kongo-Kinshasa", "sv", "en", "Democratic Republic of the Congo"),
        ("South Africa", "en", "sv", "Sydafrika"),
        ("Turkey", "en", "sv", "Turkiet"),
        ("Ukraina", "sv", "sv", "Ukraina"),
        ("Norra Kivu", "sv", "en", None),
        ("kenya", "sv", "en", None),
    ],
)
def test_countries(name: str, source: str, language: str, expected: str | None) -> None:
    assert country_in(name, source=source, language=language) == expected


def test_whereabouts() -> None:
    assert swedish.whereabouts(["Kenya", "Uganda"]) == ("i", "Kenya och Uganda")
    assert swedish.whereabouts(["Island"]) == ("på", "Island")
    assert swedish.whereabouts(["Kenya", "Island"]) == ("i", "Kenya och på Island")
    assert english.whereabouts(["Kenya", "Netherlands"]) == ("in", "Kenya and the Netherlands")


@pytest.mark.parametrize(
    ("words", "language", "expected"),
    [
        ("Jämställdhet", "sv", "jämställdhet"),
        ("Vatten och avfall", "sv", "vatten och avfall"),
        ("klimat", "sv", "klimat"),
        ("HBTQ", "sv", "HBTQ"),
        ("IT-säkerhet", "sv", "IT-säkerhet"),
        ("E-hälsa", "sv", "e-hälsa"),
        ("Agenda 2030", "sv", "Agenda 2030"),
        ("Vita Havet", "sv", "Vita Havet"),
        ("Östersjön", "sv", "Östersjön"),
        ("Ålderdom", "sv", "ålderdom"),
        ("Klimat.", "sv", "klimat"),
        ("Kenya", "en", "Kenya"),
        ("European cooperation", "en", "European cooperation"),
        ("Climate action", "en", "climate action"),
    ],
)
def test_initials_in_running_text(words: str, language: str, expected: str) -> None:
    assert in_running_text(words, language=language) == expected


def test_organisation_and_programme() -> None:
    assert swedish.organisation("Centrum", short="C") == "Centrum, C"
    assert swedish.organisation("Centrum, C", short="C") == "Centrum, C"
    assert swedish.organisation("Centrum", short="") == "Centrum"
    assert english.organisation("Centre", short="C") == "Centre (C)"
    assert swedish.through("Kommunala partnerskap") == "genom programmet Kommunala partnerskap"
    assert swedish.through("Partnerskapsprogrammet") == "genom Partnerskapsprogrammet"
    assert english.through("Climate Fund") == "through the Climate Fund"
    assert english.through("Kommunala partnerskap") == "through the Kommunala partnerskap programme"
    assert swedish.purpose("demokrati") == "till demokrati"
    assert swedish.purpose("för demokrati") == "för demokrati"
    assert english.purpose("democracy") == "for democracy"


def test_quotations() -> None:
    who = ("Karin Ek", "direktör", "Sida")
    said = swedish.quotation("Bra", attribution=who, style=HouseStyle(quote_glyph="—"))
    assert said == "— Bra, säger Karin Ek, direktör på Sida."
    said = swedish.quotation("Bra", attribution=who, style=HouseStyle(quote_glyph="”"))
    assert said == "”Bra”, säger Karin Ek, direktör på Sida."
    said = english.quotation("Good", attribution=("Karin Ek", "", ""), style=NEAREST)
    assert said == "“Good,” says Karin Ek."
