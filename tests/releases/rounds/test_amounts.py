"""Money as it is written in tables."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releases.rounds.amounts import Amount, AmountError, BlankAmount, decimal_mark, parse_amount


@pytest.mark.parametrize(
    ("cell", "value", "currency"),
    [
        ("1 200 000", "1200000", None),
        ("1 200 000 kr", "1200000", "SEK"),
        ("1\u00a0200\u202f000\u2009kronor", "1200000", "SEK"),
        ("1000 000 kr", "1000000", "SEK"),
        ("1.200.000", "1200000", None),
        ("1,200,000.50", "1200000.50", None),
        ("1.200.000,50 kr", "1200000.50", "SEK"),
        ("1200000,50", "1200000.50", None),
        ("1'200'000", "1200000", None),
        ("£53,195", "53195", "GBP"),
        ("£1.5m", "1500000", "GBP"),
        ("€116.1 million", "116100000", "EUR"),
        ("116,1 miljoner euro", "116100000", "EUR"),
        ("1,234 million", "1234000", None),
        ("US$ 500", "500", "USD"),
        ("1,2 mkr", "1200000", "SEK"),
        ("12 tkr", "12000", "SEK"),
        ("4,5 MSEK", "4500000", "SEK"),
        ("SEK 1 200 000:-", "1200000", "SEK"),
        ("500 NOK", "500", "NOK"),
        ("-500", "-500", None),
        ("−500 kr", "-500", "SEK"),
        ("(500)", "-500", None),
        ("0", "0", None),
        ("1.200", "1200", None),
        ("1,200", "1200", None),
        ("0,500", "0.50", None),
        (445000.0, "445000", None),
        (0.1 + 0.2, "0.30", None),
        (1480000, "1480000", None),
    ],
)
def test_an_amount_is_read_as_it_was_meant(cell: object, value: str, currency: str | None) -> None:
    amount = parse_amount(cell)

    assert str(amount.value) == value
    assert amount.currency == currency


@pytest.mark.parametrize(
    "cell",
    [
        "ca 500",
        "CHF 500",
        "12 34",
        "1.200.00",
        "1,200,00.5",
        "5 kr och 6 öre",
        "10-20",
        "12%",
        "1e5",
        "9" * 400,
        "kr",
        "²",
        "1 tkr mkr",
        "€5 kr",
        float("nan"),
        float("inf"),
        1e300,
        True,
        None,
    ],
)
def test_what_is_no_amount_is_not_guessed_at(cell: object) -> None:
    with pytest.raises(AmountError):
        parse_amount(cell)


@pytest.mark.parametrize("cell", ["", "  ", "\u00a0", "-", "–"])
def test_a_blank_cell_or_a_dash_is_a_missing_amount(cell: str) -> None:
    with pytest.raises(BlankAmount):
        parse_amount(cell)


def test_other_cells_of_the_column_decide_what_a_lone_point_means() -> None:
    mark = decimal_mark(["1.200", "1 000,50", "7"])

    assert mark == ","
    assert parse_amount("1.200", decimal=mark) == Amount(Decimal(1200))
    assert parse_amount("1,200", decimal=mark) == Amount(Decimal("1.20"), ambiguous=True)


def test_a_comma_that_groups_makes_the_point_decimal() -> None:
    assert decimal_mark(["1,200,000", "500"]) == "."


def test_evidence_for_both_marks_is_no_evidence() -> None:
    assert decimal_mark(["10,50", "10.50"]) is None


def test_one_separator_in_millions_says_nothing_about_the_column() -> None:
    assert decimal_mark(["1,5 mkr", "1.200"]) is None


@given(st.text(alphabet="0123456789.,'’-–() krmtsekSEK€£$\u00a0", max_size=30))
def test_any_text_is_an_amount_or_an_error(text: str) -> None:
    with contextlib.suppress(AmountError):
        assert parse_amount(text).value.is_finite()


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_a_sum_written_in_either_language_reads_back_the_same(value: Decimal) -> None:
    english = f"{value:,.2f}"
    swedish = english.translate({ord(","): "\u00a0", ord("."): ","})

    assert parse_amount(english).value == value
    assert parse_amount(swedish).value == value
