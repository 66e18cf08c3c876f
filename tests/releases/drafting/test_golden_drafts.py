"""Drafts of invented rounds of every shape, whole, as they were read aloud and found right.

Each file in `golden/` holds one round's drafts in both languages, with the headline in every shape.
When a change of the wording is meant, write them anew and read what changed:

    RENEW_GOLDEN=1 python -m pytest tests/releases/drafting/test_golden_drafts.py
    git diff tests/releases/drafting/golden
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.html import plain
from releases.drafting.drafting import (
    SHAPES,
    SHIPPED,
    Context,
    HouseStyle,
    Quote,
    draft,
    headlines,
    warning_sentence,
)
from releases.rounds.table import Row
from tests.releases.drafting.test_drafts_of_every_shape import MUNICIPALITIES, names

GOLDEN = Path(__file__).with_name("golden")
PURPOSE = {"sv": "internationellt demokratisamarbete", "en": "international democracy cooperation"}
PROGRAMME = {"sv": "Kommunala partnerskap", "en": "Municipal Partnerships"}
SENDER = {"sv": "Demokraticentrum", "en": "the Centre for Democracy"}
QUOTES = {
    "sv": Quote("head", "Vi gör det tillsammans", "Karin Ek", "direktör", SENDER["sv"]),
    "en": Quote("head", "We do it together", "Karin Ek", "Director", SENDER["en"]),
}
DECIDED = date(2026, 10, 28)


@dataclass(frozen=True)
class Case:
    """A round and what the office knows beside it."""

    rows: Sequence[Row]
    currency: str = "SEK"
    purpose: dict[str, str] = field(default_factory=dict)
    decided_on: date | None = None
    style: HouseStyle = field(default_factory=HouseStyle)
    source: str = "sv"
    programme: dict[str, str] = field(default_factory=lambda: PROGRAMME)
    sender: dict[str, str] = field(default_factory=lambda: SENDER)
    quote: bool = False


def row(number: int, grantee: str, kind: str | None, amount: str | int, **more: object) -> Row:
    return Row(number, grantee, kind, Decimal(amount), **more)  # type: ignore[arg-type]


def kommuner(n: int, amount: int = 300_000) -> list[Row]:
    picked = [name for name in MUNICIPALITIES if name != "Gotland"][::8][:n]
    return [row(i, name, "kommun", amount + 1_000 * i) for i, name in enumerate(picked, 2)]


def with_partners(rows: Sequence[Row], *, countries: bool = True, each: int = 2) -> list[Row]:
    places = ("Kenya", "Vietnam", "Bosnien och Hercegovina", "Uganda")
    partners = ("Kisumu County", "Hanoi", "Mostar", "Jinja")
    themes = (("Vatten och avfall",), ("Jämställdhet", "klimat"), (), ("Ungas deltagande",))
    return [
        replace(
            one,
            partners=(partners[i // each % 4],),
            countries=(places[i // each % 4],) if countries else (),
            themes=themes[i // each % 4],
        )
        if i % each == 0
        else one
        for i, one in enumerate(rows)
    ]


def new(rows: Sequence[Row], n: int) -> list[Row]:
    return [replace(one, first_timer=i < n) for i, one in enumerate(rows)]


def no_kinds(rows: Sequence[Row]) -> list[Row]:
    return [replace(one, kind=None) for one in rows]


def sixty() -> list[Row]:
    return [row(i, name, kind, 250_000 + 1_000 * i) for i, (name, kind) in enumerate(names(60), 2)]


THREE_PARTIES = {
    "partners": ("Kisumu County", "Jinja"),
    "countries": ("Kenya", "Uganda"),
    "themes": ("Klimat",),
}
LUND = row(2, "Lund", "kommun", 1_500_000, project="Rent vatten", partners=("Kitui County",),
           countries=("Kenya",), themes=("Vatten och avfall",))  # fmt: skip
REGION = row(90, "Östergötland", "region", 445_000)
MIXED = [
    *kommuner(4),
    row(20, "Region Skåne", "region", 700_000),
    row(21, "Sjuhärads kommunalförbund", "kommunalforbund", 400_000),
    row(22, "Lunds universitet", "universitet", 800_000),
    row(23, "Föreningen Norden", "forening", 150_000),
    row(24, "Stiftelsen Öppna rum", "stiftelse", 90_000),
]
TRUSTS = [
    row(2, "Bar Trust", "charity", "53195.50", partners=("Kanaky Aid",),
        countries=("Netherlands",), themes=("Climate action",)),
    row(3, "Leeds", "council", 120_000, partners=("Youth Voice",), countries=("Kenya",)),
    row(4, "The Larder CIC", "cic", "9999.99"),
]  # fmt: skip

CASES = {
    "01-one-kommun": Case([LUND], purpose=PURPOSE, decided_on=DECIDED),
    "01-one-new-kommun-without-purpose": Case([replace(LUND, first_timer=True, partners=())]),
    "01-one-with-several-projects": Case(
        [
            LUND,
            replace(LUND, number=3, project="Unga röster", **THREE_PARTIES),
            replace(LUND, number=4, project="Öppna data", partners=()),
        ],
        purpose=PURPOSE,
    ),
    "01-one-association-without-kind": Case([row(2, "Föreningen Norrsken", None, 45_000)]),
    "01-one-small-name": Case([row(2, "ung kultur i Norr", "forening", 12_000, first_timer=True)]),
    "02-two-kommuner": Case(kommuner(2), decided_on=DECIDED),
    "02-two-both-new": Case(new(with_partners(kommuner(2), each=1), 2), purpose=PURPOSE),
    "02-two-with-partners-but-no-countries": Case(
        with_partners(kommuner(2), countries=False, each=1)
    ),
    "02-kommun-and-forbund-of-one-region": Case(
        [kommuner(1)[0], row(9, "Sjuhärads kommunalförbund", "kommunalforbund", 95_400)]
    ),
    "05-all-new": Case(new(kommuner(5), 5), purpose=PURPOSE),
    "09-many-kinds": Case(MIXED, purpose=PURPOSE, decided_on=DECIDED),
    "11-only-kommuner": Case(kommuner(11), purpose=PURPOSE, decided_on=DECIDED),
    "11-kommuner-and-a-region": Case(
        new(with_partners([*kommuner(10), REGION]), 3), purpose=PURPOSE, decided_on=DECIDED
    ),
    "11-without-kinds": Case(no_kinds(with_partners(kommuner(11)))),
    "11-three-parties": Case(
        [replace(kommuner(1)[0], **THREE_PARTIES), *kommuner(11)[1:]], purpose=PURPOSE
    ),
    "11-long-purpose": Case(
        kommuner(11),
        purpose={
            "sv": "att stärka unga människors inflytande över sin egen vardag i hela landet",
            "en": "projects that give young people all over the country a say in their daily lives",
        },
    ),
    "12-one-new": Case(new(kommuner(12), 1), purpose=PURPOSE),
    "12-several-projects": Case(
        [
            replace(one, number=one.number + 20 * n, project=f"Projekt {one.number}.{n}")
            for n in range(2)
            for one in kommuner(12)
        ],
        purpose=PURPOSE,
    ),
    "13-only-kommuner": Case(kommuner(13, 500_000), purpose=PURPOSE, decided_on=DECIDED),
    "13-digits-may-open": Case(
        kommuner(13), purpose=PURPOSE, style=HouseStyle(digit_at_sentence_start=True)
    ),
    "13-thirteen-new-of-sixty": Case(new(sixty(), 13)),
    "60-mixed": Case(new(with_partners(sixty()), 4), purpose=PURPOSE, decided_on=DECIDED),
    "60-without-kinds": Case(no_kinds(sixty()), purpose=PURPOSE),
    "euro-billions": Case(
        [row(2, "Lund", "kommun", "1249999999.50"), row(3, "Habo", "kommun", 300_000)],
        currency="EUR",
    ),
    "pounds-with-pence": Case(
        TRUSTS, currency="GBP", source="en", programme={"sv": "Climate Fund", "en": "Climate Fund"}
    ),
    "dollars": Case(no_kinds(TRUSTS), currency="USD", source="en", purpose=PURPOSE),
    "rounded-down-to-whole-millions": Case(
        kommuner(12, 880_000),
        purpose=PURPOSE,
        style=HouseStyle(rounding="down", rounding_decimals=0, quote_glyph="—"),
        quote=True,
    ),
    "rounded-to-two-decimals": Case(
        kommuner(12, 880_000),
        style=HouseStyle(rounding_decimals=2, quote_glyph="”"),
        quote=True,
    ),
    "nobody-said-more": Case(kommuner(3), programme={}, sender={}),
}  # fmt: skip


def context_of(case: Case, language: str) -> Context:
    return Context(
        language=language,
        programme=case.programme.get(language, ""),
        organisation=case.sender.get(language, ""),
        purpose=case.purpose.get(language, ""),
        read_more_url="https://www.demokraticentrum.example/partnerskap" if case.programme else "",
        decided_on=case.decided_on,
        style=case.style,
        source_language=case.source,
        quotes=(QUOTES[language],) if case.quote else (),
    )


def drafted(case: Case) -> str:
    """Both languages as a reader sees them, and what the draft warns of."""
    parts = []
    for language, template in SHIPPED.items():
        context = context_of(case, language)
        found = draft(case.rows, currency=case.currency, context=context, template=template)
        shapes = headlines(case.rows, currency=case.currency, context=context, template=template)
        head = "\n".join(f"{shape}: {plain(shapes[shape])}" for shape in SHAPES)
        parts += [f"== {language} ==", head, plain(found.lead), plain(found.body)]
        told = (warning_sentence(*one, language=language) for one in found.warnings)
        parts += [f"({sentence})" for sentence in told]
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_the_draft_is_the_one_that_was_read(name: str) -> None:
    path = GOLDEN / f"{name}.txt"
    text = drafted(CASES[name])
    if os.environ.get("RENEW_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8")


def test_every_golden_file_has_its_round() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_every_headline_is_short_whatever_its_shape(name: str) -> None:
    case = CASES[name]
    for language, template in SHIPPED.items():
        context = context_of(case, language)
        found = headlines(case.rows, currency=case.currency, context=context, template=template)
        assert all(len(plain(headline)) <= 80 for headline in found.values())
