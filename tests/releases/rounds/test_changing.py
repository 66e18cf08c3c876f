"""A round that is changed after its import: a corrected file, or one row mended by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.accounts import User
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from releases.rounds.changes import figure_changes, match, renumbered, row_changes
from releases.rounds.changing import (
    edit_row,
    file_of,
    replace_rows,
    row_as_json,
    row_from_json,
    rows_of,
    version_of,
    versions,
)
from releases.rounds.figures import compute
from releases.rounds.models import Round, RoundVersion
from releases.rounds.reading import read
from releases.rounds.table import AwardStatus, Row
from tests import factories
from tests.factories import A_MORNING

SEED = (Path(__file__).parent / "seed.csv").read_text(encoding="utf-8-sig")
LATER = A_MORNING + timedelta(hours=1)
MORE = SEED.replace(
    "Karlstad;kommun;Makueni County;Kenya;Jämställdhet;1480000",
    "Karlstad;kommun;Makueni County;Kenya;Jämställdhet;1580000",
)
NYKVARN = "Nykvarn;kommun;;;;250000;ja;;\n"


def corrected(round_: Round, text: str, *, by: User | None = None) -> int:
    """What the file changed, by the number of rows."""
    content = text.encode()
    table = read(content, filename="rattad.csv")
    found = replace_rows(round_, table, content=content, filename="rattad.csv", by=by, at=LATER)
    db.session.commit()
    return len(found)


def row(grantee: str, amount: int = 100, number: int = 2, **more: object) -> Row:
    return Row(number=number, grantee=grantee, kind="kommun", amount=Decimal(amount), **more)  # type: ignore[arg-type]


def names(rows: Iterable[Row]) -> list[str]:
    return [one.grantee for one in rows]


# What differs


def test_an_amount_that_was_corrected_is_one_change_of_one_field() -> None:
    [change] = row_changes([row("Falun"), row("Borås")], [row("Borås"), row("Falun", 90)]).changed

    assert (change.old.amount, change.new.amount, change.fields) == (100, 90, ("amount",))


def test_rows_in_another_order_are_no_change() -> None:
    old = [row("Falun", number=2), row("Borås", number=3)]

    assert not row_changes(old, [row("Borås", number=2), row("Falun", number=7)])


def test_a_kommun_that_becomes_a_region_is_the_same_award() -> None:
    changes = row_changes([row("Gotland")], [replace(row("Gotland"), kind="region")])

    assert [change.fields for change in changes.changed] == [("kind",)]
    assert not changes.added and not changes.removed


def test_a_spelling_that_was_mended_is_the_same_award() -> None:
    changes = row_changes([row("Kalstad"), row("Falun")], [row("Karlstad"), row("Falun")])

    assert [change.fields for change in changes.changed] == [("grantee",)]


def test_one_grantee_in_anothers_place_is_one_gone_and_one_new() -> None:
    changes = row_changes([row("Ekerö")], [row("Nykvarn")])

    assert (names(changes.removed), names(changes.added)) == (["Ekerö"], ["Nykvarn"])


def test_of_two_projects_of_one_grantee_each_is_matched_with_itself() -> None:
    old = [row("Falun", 10, project="Vatten"), row("Falun", 20, project="Klimat")]
    new = [row("Falun", 25, project="Klimat"), row("Falun", 10, project="Vatten")]

    [change] = row_changes(old, new).changed

    assert (change.old.amount, change.new.amount) == (20, 25)


def test_an_award_that_moved_a_line_keeps_its_number() -> None:
    old = [row("Falun", number=2), row("Borås", number=3)]
    new = [row("Alingsås", number=2), row("Falun", number=3), row("Borås", number=4)]

    assert [(one.number, one.grantee) for one in renumbered(old, new)] == [
        (2, "Falun"),
        (3, "Borås"),
        (4, "Alingsås"),
    ]


def test_the_number_of_an_award_that_is_gone_is_nobody_elses() -> None:
    assert [one.number for one in renumbered([row("Ekerö")], [row("Nykvarn")])] == [3]
    assert [one.number for one in renumbered([], [row("Nykvarn")], used=[2, 9])] == [10]


def test_figures_that_changed_are_told_with_old_and_new() -> None:
    old = compute([row("Falun", 100), row("Borås", 100, 3)], currency="SEK")
    new = compute([row("Falun", 150), row("Borås", 100, 3)], currency="SEK")

    found = {
        c.name: (c.old and c.old.value, c.new and c.new.value) for c in figure_changes(old, new)
    }

    assert found == {
        "total": ("200", "250"),
        "total.rounded": ("200", "250"),
        "award.2.amount": ("100", "150"),
    }


def test_another_currency_changes_the_money_and_nothing_else() -> None:
    found = figure_changes(
        compute([row("Falun")], currency="SEK"), compute([row("Falun")], currency="EUR")
    )

    assert {change.name for change in found} == {"total", "total.rounded", "award.2.amount"}


PLACES = st.sampled_from(["Falun", "Borås", "Umeå", "Region Skåne", "Kiruna"])
ROWS = st.lists(
    st.builds(row, PLACES, st.integers(1, 5), project=st.sampled_from(["", "A", "B"])), max_size=8
).map(lambda rows: [replace(one, number=n) for n, one in enumerate(rows, 2)])


@settings(deadline=None)
@given(ROWS, ROWS)
def test_every_row_is_matched_once(old: list[Row], new: list[Row]) -> None:
    pairs = match(old, new)

    assert [was for was, _ in pairs if was] == old
    assert sorted(now.number for _, now in pairs if now) == [one.number for one in new]


@settings(deadline=None)
@given(ROWS, ROWS)
def test_numbers_are_unique_and_the_same_rows_change_nothing(
    old: list[Row], new: list[Row]
) -> None:
    rows = renumbered(old, new)

    assert len({one.number for one in rows}) == len(rows) == len(new)
    assert not row_changes(rows, new)
    assert renumbered(rows, new) == rows


@settings(deadline=None)
@given(ROWS)
def test_a_row_comes_back_from_json_as_it_was(rows: list[Row]) -> None:
    full = [
        replace(
            one,
            partners=("a", "b"),
            amount=Decimal("1.50"),
            amount_applied=Decimal(7),
            status=AwardStatus.WITHDRAWN,
            first_timer=True,
        )
        for one in rows
    ]

    assert [row_from_json(row_as_json(one)) for one in [*rows, *full]] == [*rows, *full]


# A corrected file


def test_a_corrected_file_replaces_the_rows_and_keeps_the_old_ones(
    app: Flask, writer: User
) -> None:
    stored = factories.round_(SEED)

    assert corrected(stored, MORE, by=writer) == 1

    assert sum(one.amount for one in stored.rows()) == 10_741_000
    assert (stored.version, stored.filename, stored.content) == (2, "rattad.csv", MORE.encode())
    version = version_of(stored, 1)
    assert sum(one.amount for one in rows_of(version)) == 10_641_000
    assert (version.filename, version.content) == ("round.csv", SEED.encode())
    assert (version.replaced_at, version.replaced_by_id) == (LATER, writer.id)


def test_the_same_file_again_changes_nothing(app: Flask) -> None:
    stored = factories.round_(SEED)

    assert corrected(stored, SEED) == 0

    assert stored.version == 1
    assert not db.session.scalars(sa.select(RoundVersion)).all()


def test_a_file_saved_anew_with_the_same_rows_changes_nothing(app: Flask) -> None:
    stored = factories.round_(SEED)
    head, *lines = SEED.splitlines(keepends=True)

    assert corrected(stored, head + "".join(reversed(lines))) == 0

    assert (stored.version, stored.filename) == (1, "round.csv")


def test_a_persons_check_stands_only_on_rows_that_did_not_change(app: Flask, writer: User) -> None:
    stored = factories.round_(SEED)
    ids = {award.grantee: award.id for award in stored.awards}
    for award in stored.awards:
        award.checked_at, award.checked_by_id = A_MORNING, writer.id
    db.session.commit()

    corrected(stored, MORE + NYKVARN)

    unchecked = {award.grantee for award in stored.awards if award.checked_at is None}
    assert unchecked == {"Karlstad", "Nykvarn"}
    assert {a.grantee: a.id for a in stored.awards if a.grantee != "Nykvarn"} == ids


def test_an_award_keeps_its_figures_names_when_a_line_is_put_in_above_it(app: Flask) -> None:
    stored = factories.round_(SEED)
    before = compute(stored.rows(), currency="SEK")
    head, *lines = SEED.splitlines(keepends=True)

    corrected(stored, head + NYKVARN + "".join(lines))

    after = compute(stored.rows(), currency="SEK")
    assert {name: after[name] for name in before if name.startswith("award.")} == {
        name: figure for name, figure in before.items() if name.startswith("award.")
    }
    assert after["award.13.grantee"].value == "Nykvarns kommun"


def test_a_number_stays_taken_after_its_award_is_gone(app: Flask) -> None:
    stored = factories.round_(SEED)
    corrected(stored, SEED + NYKVARN)
    corrected(stored, MORE)

    corrected(stored, SEED + NYKVARN.replace("Nykvarn", "Kiruna"))

    assert stored.version == 4
    assert stored.awards[-1].number == 14


def test_a_file_with_errors_changes_nothing(app: Flask) -> None:
    stored = factories.round_(SEED)

    with pytest.raises(BadInput) as refused:
        corrected(stored, SEED.replace("1480000", "mycket"))

    assert refused.value.key == "round_has_errors"
    assert stored.version == 1


def test_the_file_of_another_round_is_refused(app: Flask) -> None:
    stored = factories.round_(SEED)
    factories.round_(MORE)

    with pytest.raises(BadInput) as refused:
        corrected(stored, MORE)

    assert refused.value.key == "file_is_another_round"


def test_of_two_who_correct_the_same_round_the_second_is_told(app: Flask) -> None:
    stored = factories.round_(SEED)
    seen = stored.version
    corrected(stored, MORE)
    text = (SEED + NYKVARN).encode()

    with pytest.raises(Conflict):
        table = read(text, filename="a.csv")
        replace_rows(stored, table, content=text, filename="a.csv", by=None, at=LATER, base=seen)

    assert stored.version == 2


# One row


def test_a_row_is_mended_by_hand_and_the_round_remembers_how_it_was(
    app: Flask, writer: User
) -> None:
    stored = factories.round_(SEED)
    karlstad = stored.awards[1].row()

    edit_row(stored, 3, replace(karlstad, amount=Decimal(1)), by=writer, at=LATER)
    db.session.commit()

    assert stored.awards[1].amount == 1
    assert stored.version == 2
    assert rows_of(version_of(stored, 1))[1] == karlstad


def test_a_row_saved_as_it_was_makes_no_version(app: Flask) -> None:
    stored = factories.round_(SEED)

    assert not edit_row(stored, 3, stored.awards[1].row(), by=None, at=LATER)
    assert stored.version == 1


def test_a_row_that_is_not_there_cannot_be_mended(app: Flask) -> None:
    stored = factories.round_(SEED)

    with pytest.raises(NotFound):
        edit_row(stored, 99, row("Falun"), by=None, at=LATER)
    with pytest.raises(BadInput):
        edit_row(stored, 3, row(" "), by=None, at=LATER)


# History


def test_every_version_gives_back_its_own_file(app: Flask) -> None:
    stored = factories.round_(SEED)
    edit_row(stored, 3, replace(stored.awards[1].row(), amount=Decimal(1)), by=None, at=LATER)
    corrected(stored, MORE + NYKVARN)
    edit_row(stored, 3, replace(stored.awards[1].row(), amount=Decimal(2)), by=None, at=LATER)
    db.session.commit()

    assert [file_of(stored, n)[1] for n in (1, 2, 3, 4)] == [
        SEED.encode(),
        SEED.encode(),
        (MORE + NYKVARN).encode(),
        (MORE + NYKVARN).encode(),
    ]


def test_the_history_says_who_when_and_what(app: Flask, writer: User) -> None:
    stored = factories.round_(SEED)
    corrected(stored, SEED + NYKVARN, by=writer)
    edit_row(stored, 3, replace(stored.awards[1].row(), amount=Decimal(1)), by=None, at=LATER)
    db.session.commit()

    third, second, first = versions(stored)

    assert [one.number for one in (third, second, first)] == [3, 2, 1]
    assert third.changes and third.changes.changed[0].new.amount == 1
    assert second.changes and names(second.changes.added) == ["Nykvarn"]
    assert (second.by, second.at, second.filename) == (writer.name, LATER, "rattad.csv")
    assert (first.changes, first.filename, first.at) == (None, "round.csv", A_MORNING)


def test_history_of_a_great_round_is_not_compared(app: Flask) -> None:
    stored = factories.round_(SEED)
    corrected(stored, MORE)

    second, _first = versions(stored, compare_at_most=5)

    assert second.changes is None
