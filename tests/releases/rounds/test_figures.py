"""Figures: what a round's rows add up to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releases.rounds.alphabet import in_swedish_order
from releases.rounds.figures import canonical, compute
from releases.rounds.kinds import KINDS
from releases.rounds.table import AwardStatus, Row


def award(number: int, grantee: str, amount: str | int = 100, **more: Any) -> Row:
    return Row(
        number=number,
        grantee=grantee,
        kind=more.pop("kind", "kommun"),
        amount=Decimal(amount),
        **more,
    )


def values(*rows: Row) -> dict[str, str]:
    return {name: figure.value for name, figure in compute(rows, currency="SEK").items()}


def test_the_total_is_the_sum_of_the_awards_alone() -> None:
    found = values(
        award(2, "Lund", 300000),
        award(3, "Malmö", 500000, status=AwardStatus.REJECTED),
        award(4, "Falun", 0),
        award(5, "Borås", 200001),
        award(6, "Umeå", 7, status=AwardStatus.WITHDRAWN),
    )
    assert found["total"] == "500001"
    assert found["awards.count"] == "2"
    assert found["grantees.list"] == "Borås; Lund"
    assert "award.3.amount" not in found


def test_a_grantee_is_counted_once_however_it_is_written() -> None:
    found = values(award(2, "Falun"), award(3, "Falu kommun"), award(4, " Lunds  kommun"))
    assert found["grantees.count"] == "2"
    assert found["grantees.list"] == "Falun; Lund"
    assert found["award.3.grantee"] == "Falu kommun"


def test_a_row_without_kind_goes_to_the_grantee_of_that_name() -> None:
    found = values(award(2, "Lund"), award(3, "Lund", kind=None))
    assert found["grantees.count"] == "1"
    assert not [name for name in found if name.startswith("kinds")]


def test_same_place_two_bodies_are_two_grantees() -> None:
    found = values(award(2, "Kalmar"), award(3, "Region Kalmar län", kind="region"))
    assert found["kinds"] == "kommun: 1; region: 1"
    assert found["grantees.list"] == "Kalmar; Region Kalmar län"


def test_projects_are_counted_by_name_and_by_row_when_blank() -> None:
    found = values(
        award(2, "Lund", project="Vatten"),
        award(3, "Malmö", project=" vatten "),
        award(4, "Lund"),
        award(5, "Lund"),
    )
    assert found["projects.count"] == "3"
    assert found["awards.count"] == "4"


def test_kinds_are_told_only_when_every_award_has_one() -> None:
    rows = [award(2, "Lund"), award(3, "Region Skåne", kind="region")]
    assert values(*rows)["kinds.region"] == "1"
    rejected = award(4, "X", kind=None, status=AwardStatus.REJECTED)
    assert values(*rows, rejected)["kinds"] == "kommun: 1; region: 1"
    assert "kinds" not in values(*rows, award(5, "Y", kind=None))


def test_first_timers_are_told_only_when_a_row_says_so() -> None:
    assert "firsttimers.count" not in values(award(2, "Lund", first_timer=False), award(3, "Umeå"))
    found = values(
        award(2, "Lund", first_timer=True),
        award(3, "Lund", first_timer=False),
        award(4, "Umeå", first_timer=False),
    )
    assert found["firsttimers.count"] == "1"
    assert found["firsttimers.list"] == "Lund"


def test_blank_cells_have_no_figures() -> None:
    found = values(award(2, "Lund"))
    assert not {"award.2.partners", "award.2.country", "award.2.themes"} & set(found)
    assert "countries.count" not in found


def test_one_row_keeps_its_own_partners_country_and_themes() -> None:
    found = values(
        award(7, "Lund", partners=("A", "B"), countries=("Kenya",), themes=("Vatten; avfall",)),
        award(8, "Umeå", countries=("Kenya", "Albanien")),
    )
    assert found["award.7.partners"] == "A; B"
    assert found["award.7.country"] == "Kenya"
    assert found["countries.list"] == "Albanien; Kenya"
    assert found["countries.count"] == "2"


def test_no_awards_still_has_a_total() -> None:
    assert values()["total"] == "0"
    assert "grantees.list" not in values()


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        ("10641000", "10641000"),
        ("10641000.00", "10641000"),
        ("1.5E+6", "1500000"),
        ("53195.5", "53195.50"),
        ("0.125", "0.125"),
    ],
)
def test_canonical_money(amount: str, value: str) -> None:
    assert canonical(Decimal(amount)) == value


def test_swedish_order() -> None:
    right = [
        "Arvidsjaur", "Eda", "Vara", "Västerås", "Växjö",
        "Åmål", "Ängelholm", "Öckerö", "Ödeshög", "Örebro",
    ]  # fmt: skip
    assert list(in_swedish_order(reversed(right))) == right


@pytest.mark.parametrize(
    "right",
    [
        ["Upplands-Bro", "Upplands Väsby", "Uppsala"],
        ["Lilla Edet", "Lillehammer"],
        ["Grupp 2", "Grupp 10", "Grupp A"],
        ["Ide A", "Idé B", "Ide C"],
        ["3D-föreningen", "Alfa"],
        ["Region Östergötland", "Ronneby"],
        ["Dals-Ed", "Danderyd"],
        ["Zorn", "Åre", "Älvdalen", "Öja"],
    ],
)
def test_order_of_what_is_not_a_letter(right: list[str]) -> None:
    assert list(in_swedish_order(reversed(right))) == right


NAMES = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(NAMES, max_size=20))
def test_any_names_can_be_sorted_and_none_is_lost(names: list[str]) -> None:
    assert sorted(in_swedish_order(names)) == sorted(names)
    assert in_swedish_order(names) == in_swedish_order(reversed(names))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Lund", "Lunds kommun", "Falun", "Region Skåne", "Okänd", "Örebro"]),
            st.integers(0, 10**7),
            st.sampled_from([None, *KINDS]),
        ),
        max_size=30,
    )
)
def test_parts_add_up_to_the_whole(cells: list[tuple[str, int, str | None]]) -> None:
    rows = [award(n, name, amount, kind=kind) for n, (name, amount, kind) in enumerate(cells, 2)]
    figures = compute(rows, currency="SEK")
    assert figures["total"].value == str(sum(amount for _, amount, _ in cells))
    if "kinds" in figures:
        assert sum(n for _, n in figures["kinds"].counts) == figures["grantees.count"].count
    if "grantees.list" in figures:
        assert len(set(figures["grantees.list"].items)) <= figures["grantees.count"].count
