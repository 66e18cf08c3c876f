"""The house's choices: rounding of sums, what a quote begins with, digits first in a sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core.db import db
from app.core.organisation import Organisation, Rounding
from releases.drafting import english, swedish
from releases.drafting.language import HouseStyle, rounded_to_say
from releases.editorial.writing import compose, context_of
from tests import factories

Rule = Literal["nearest", "down"]
RULES: tuple[Rule, ...] = ("nearest", "down")
STYLES = [HouseStyle(rounding=r, rounding_decimals=d) for r in RULES for d in (0, 1, 2)]
MORE = {"sv": ("drygt ",), "en": ("over ",)}
LESS = {"sv": ("knappt ", "nästan "), "en": ("nearly ",)}
SCALES = {
    "miljon": 6, "miljoner": 6, "million": 6, "miljard": 9, "miljarder": 9, "billion": 9,
    "biljon": 12, "biljoner": 12, "trillion": 12,
}  # fmt: skip
BOUNDARIES = [
    "1", "9999", "9999.99", "10000", "10000.01", "10499", "10500", "999499", "999500", "999999",
    "999999.99", "1000000", "1000000.01", "1004999", "1005000", "1049999.99", "1050000", "1449999",
    "1500000", "1949999", "1950000", "1994999", "1995000", "1999999", "9949999", "9950000",
    "9999999", "10000000", "10641000", "12500000", "12999999", "13000000", "999499999",
    "999500000", "999949999", "999950000", "999994999", "999995000", "999999999", "1000000000",
    "1000000001", "1049999999", "1950000000", "999999999999", "1000000000000",
]  # fmt: skip


def said_amount(text: str, language: str) -> Decimal:
    """The number that a rounded sum says, read by one that knows only the words."""
    words = {"sv": swedish.WORDS, "en": english.WORDS}[language]
    scale = next((SCALES[word] for word in re.split(r"[\s ]", text) if word in SCALES), 0)
    for word in text.replace("\u00a0", " ").split():
        if scale and word in words:
            return Decimal(words.index(word)) * 10**scale
    digits = re.search(r"\d[\d\u00a0.,]*\d|\d", text)
    assert digits, text
    plain = digits[0].replace("\u00a0", "")
    plain = plain.replace(",", ".") if language == "sv" else plain.replace(",", "")
    return Decimal(plain) * 10**scale


def check(amount: Decimal, language: str, style: HouseStyle) -> None:
    module = {"sv": swedish, "en": english}[language]
    text = module.rounded(amount, currency="SEK", style=style)
    said = said_amount(text, language)
    assert text.startswith(MORE[language]) == (amount > said), text
    assert text.startswith(LESS[language]) == (amount < said), text
    assert abs(amount - said) < amount / 10, text
    if style.rounding == "down":
        assert said <= amount, text


@pytest.mark.parametrize("style", STYLES, ids=lambda s: f"{s.rounding}-{s.rounding_decimals}")
@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("amount", BOUNDARIES)
def test_the_hedge_points_the_way_of_the_rounding(
    amount: str, language: str, style: HouseStyle
) -> None:
    check(Decimal(amount), language, style)


@given(
    st.decimals(min_value=1, max_value=10**13, places=2),
    st.sampled_from(["sv", "en"]),
    st.sampled_from(STYLES),
)
def test_no_sum_is_hedged_the_wrong_way(amount: Decimal, language: str, style: HouseStyle) -> None:
    check(amount, language, style)


@pytest.mark.parametrize(
    ("rule", "decimals", "sv", "en"),
    [
        ("nearest", 0, "nästan elva miljoner kronor", "nearly SEK_11 million"),
        ("nearest", 1, "drygt 10,6_miljoner kronor", "over SEK_10.6 million"),
        ("nearest", 2, "drygt 10,64_miljoner kronor", "over SEK_10.64 million"),
        ("down", 0, "drygt tio miljoner kronor", "over SEK_10 million"),
        ("down", 1, "drygt 10,6_miljoner kronor", "over SEK_10.6 million"),
        ("down", 2, "drygt 10,64_miljoner kronor", "over SEK_10.64 million"),
    ],
)
def test_every_choice_for_the_same_sum(rule: Rule, decimals: int, sv: str, en: str) -> None:
    style = HouseStyle(rounding=rule, rounding_decimals=decimals)
    amount = Decimal(10_641_000)
    english_text = english.rounded(amount, currency="SEK", style=style)

    assert swedish.rounded(amount, currency="SEK", style=style) == sv.replace("_", "\u00a0")
    assert english_text.replace("\u00a0", " ") == en.replace("_", " ")


def test_a_sum_is_never_said_more_than_a_tenth_wrong() -> None:
    """Whole millions would make 1.96 million `drygt en miljon`; then there is a decimal."""
    style = HouseStyle(rounding="down", rounding_decimals=0)

    near = rounded_to_say(Decimal(1_960_000), style=style)

    assert (near.number, near.side) == (Decimal("1.9"), 1)


def office(**choices: object) -> None:
    db.session.add(Organisation(name_sv="Centrum", name_en="Centre", short_name="C", **choices))
    db.session.commit()


def test_the_organisations_choices_reach_the_draft(app: Flask) -> None:
    office(
        quote_glyph="—",
        digit_at_sentence_start=True,
        rounding=Rounding.DOWN,
        rounding_decimals=0,
    )
    stored = factories.round_()

    style = context_of(stored, "sv").style

    assert style == HouseStyle("—", True, "down", 0)
    assert "Drygt 2,6\u00a0miljoner kronor" in compose(stored, "sv").headline
    assert "Over SEK\u00a02.6\u00a0million" in compose(stored, "en").headline


def test_a_new_organisation_rounds_to_the_nearest_tenth(app: Flask) -> None:
    office()
    stored = factories.round_()

    assert context_of(stored, "sv").style == HouseStyle()
    assert "Knappt 2,7\u00a0miljoner kronor" in compose(stored, "sv").headline
