"""Confirming: a person has compared rows of a round with the decision and says that they agree.

A tick belongs to the row as it stood. Whatever changes a row takes its tick away
(`releases.rounds.changing`); a row that stays as it was keeps it. The ticks are a help for the
office and no part of what is published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict
from releases.rounds.models import Award, Round

AT_ONCE = 500  # how many numbers one statement carries


@dataclass(frozen=True)
class Ticks:
    """How many of a round's rows have been compared with the decision."""

    checked: int
    rows: int

    @property
    def unchecked(self) -> int:
        return self.rows - self.checked


@dataclass(frozen=True)
class Check:
    """Who compared a row with the decision, and when. The name is empty for nobody we know."""

    who: str
    at: datetime


def confirm(
    round_: Round, numbers: Iterable[int], *, by: User, at: datetime, seen: int | None = None
) -> int:
    """Tick the rows with these numbers, and say how many were ticked now.

    A row that is ticked already keeps who did it first. `seen` is the version of the round that
    the person had before them. Raises Conflict when the round has become another one since.
    """
    _hold(round_, seen)
    return _set(
        round_, numbers, Award.checked_at.is_(None), {"checked_at": at, "checked_by_id": by.id}
    )


def unconfirm(round_: Round, numbers: Iterable[int], *, seen: int | None = None) -> int:
    """Take the ticks of these rows away, and say how many. Raises Conflict like `confirm`."""
    _hold(round_, seen)
    return _set(
        round_,
        numbers,
        Award.checked_at.is_not(None),
        {"checked_at": None, "checked_by_id": None},
    )


def ticks(round_id: int) -> Ticks:
    """How many rows of one round stand."""
    return ticks_of([round_id])[round_id]


def ticks_of(round_ids: Collection[int]) -> dict[int, Ticks]:
    """The same for several rounds, in one question."""
    found = db.session.execute(
        sa.select(Award.round_id, sa.func.count(Award.checked_at), sa.func.count())
        .where(Award.round_id.in_(round_ids))
        .group_by(Award.round_id)
    )
    counted = {round_id: Ticks(checked, rows) for round_id, checked, rows in found}
    return {one: counted.get(one, Ticks(0, 0)) for one in round_ids}


def checks(awards: Sequence[Award]) -> dict[int, Check]:
    """Who ticked which of these rows and when, by row number."""
    ids = {award.checked_by_id for award in awards if award.checked_by_id}
    found = db.session.execute(sa.select(User.id, User.name).where(User.id.in_(ids)))
    names = {row.id: row.name for row in found}
    return {
        award.number: Check(names.get(award.checked_by_id or 0, ""), award.checked_at)
        for award in awards
        if award.checked_at
    }


def _hold(round_: Round, seen: int | None) -> None:
    """Keep the round from changing under the ticks, and see that it has not done so already."""
    version = db.session.scalar(
        sa.select(Round.version).where(Round.id == round_.id).with_for_update()
    )
    if seen is not None and version != seen:
        raise Conflict("round_changed_meanwhile")


def _set(
    round_: Round,
    numbers: Iterable[int],
    which: sa.ColumnElement[bool],
    values: dict[str, object],
) -> int:
    left, done = iter(sorted(set(numbers))), 0
    while some := list(islice(left, AT_ONCE)):
        result = db.session.execute(
            sa.update(Award)
            .where(Award.round_id == round_.id, Award.number.in_(some), which)
            .values(values)
            .execution_options(synchronize_session="fetch")
        )
        done += result.rowcount  # type: ignore[attr-defined]
    return done
