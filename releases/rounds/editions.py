"""A round as it stood at a moment: what visitors see is what was approved, not what came later.

A round may be changed by anybody in the office; what is public may not. So public tables and files
show the *edition* of the moment when the text beside them was approved: the round's present rows,
or those of a version that has been replaced since. Only awards are in an edition, and only what may
be public: no rejected rows, no comments, no amounts applied for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer

from app.core.db import db
from releases.rounds.changing import rows_of
from releases.rounds.importing import slug_of
from releases.rounds.models import Award, Round, RoundVersion
from releases.rounds.table import AwardStatus, Row

AT_ONCE = 500  # rows in memory while a whole round is written out
COLUMNS = ("grantee", "kind", "project", "partners", "countries", "themes", "first_timer", "amount")
KEPT = ("number", *COLUMNS)
IS_AWARD = sa.and_(Award.status == AwardStatus.GRANTED, Award.amount > 0)


@dataclass(frozen=True)
class Edition:
    """What a round held at a moment, as far as it is public.

    `changed_at` is when it came to hold this. `columns` are those of COLUMNS that hold something.
    `decimals` is true when some amount is not whole. `kept` are the awards of a version that has
    been replaced; None when the awards are the round's present ones.
    """

    round: Round
    number: int
    changed_at: datetime
    currency: str
    count: int
    total: Decimal
    columns: tuple[str, ...]
    decimals: bool
    kept: tuple[Row, ...] | None = None

    @property
    def slug(self) -> str:
        """What stands after the number in its address."""
        return round_slug(self.round)

    def awards(self, *, after: int = 0, most: int | None = None) -> list[Row]:
        """Its awards in order, those after row `after`."""
        if self.kept is not None:
            return [row for row in self.kept if row.number > after][:most]
        query = (
            sa.select(*(getattr(Award, name) for name in KEPT))
            .where(Award.round_id == self.round.id, IS_AWARD, Award.number > after)
            .order_by(Award.number)
            .limit(most)
        )
        return [_row(found) for found in db.session.execute(query)]

    def every_award(self) -> Iterator[Row]:
        """All of its awards, a few at a time in memory."""
        after = 0
        while some := self.awards(after=after, most=AT_ONCE):
            yield from some
            after = some[-1].number


def edition(round_: Round, moment: datetime | None = None) -> Edition:
    """The round as it stood at a moment; as it stands now when none is given."""
    versions = _replaced(round_)
    standing = standing_at(moment, versions) if moment else None
    before = [one for one in versions if standing is None or one.number < standing.number]
    changed_at = before[-1].replaced_at if before else round_.imported_at
    if standing is None:
        return _present(round_, changed_at)
    rows = tuple(_public(row) for row in rows_of(standing) if row.is_award)
    return Edition(
        round=round_,
        number=standing.number,
        changed_at=changed_at,
        currency=standing.currency,
        count=len(rows),
        total=sum((row.amount for row in rows), Decimal(0)),
        columns=_filled(rows),
        decimals=any(row.amount != row.amount.to_integral_value() for row in rows),
        kept=tuple(sorted(rows, key=lambda row: row.number)),
    )


def stood_at(round_: Round, moment: datetime) -> RoundVersion | None:
    """The replaced version that stood at a moment; None when the present rows did."""
    return standing_at(moment, _replaced(round_))


def standing_at(moment: datetime, versions: Iterable[RoundVersion]) -> RoundVersion | None:
    """Which of a round's replaced versions stood at a moment; None when the present one did.

    `versions` are all of them, the oldest first.
    """
    return next((one for one in versions if one.replaced_at > moment), None)


def round_slug(round_: Round) -> str:
    """What stands after a round's number in its address."""
    return slug_of(f"{round_.programme.name} {round_.name}") or "round"


def _replaced(round_: Round) -> list[RoundVersion]:
    """The versions that were replaced, the oldest first, without their files and rows."""
    if round_.version == 1:
        return []
    return list(
        db.session.scalars(
            sa.select(RoundVersion)
            .where(RoundVersion.round_id == round_.id)
            .options(defer(RoundVersion.rows))
            .order_by(RoundVersion.number)
        )
    )


def _present(round_: Round, changed_at: datetime) -> Edition:
    """The round's own rows, counted by the database."""
    holds = {
        "kind": Award.kind.is_not(None),
        "project": Award.project != "",
        "first_timer": Award.first_timer.is_(True),
        **{
            name: sa.type_coerce(getattr(Award, name), sa.Text) != "[]"
            for name in ("partners", "countries", "themes")
        },
    }
    flags = [sa.func.max(sa.case((holds[name], 1), else_=0)) for name in holds]
    cents = sa.type_coerce(Award.amount, sa.BigInteger) % 100
    count, total, broken, *found = db.session.execute(
        sa.select(
            sa.func.count(),
            sa.func.sum(Award.amount, type_=Award.amount.type),
            sa.func.max(cents),
            *flags,
        ).where(Award.round_id == round_.id, IS_AWARD)
    ).one()
    filled = {"grantee", "amount", *(name for name, one in zip(holds, found, strict=True) if one)}
    return Edition(
        round=round_,
        number=round_.version,
        changed_at=changed_at,
        currency=round_.currency,
        count=count,
        total=total or Decimal(0),
        columns=tuple(name for name in COLUMNS if name in filled),
        decimals=bool(broken),
    )


def _filled(rows: Iterable[Row]) -> tuple[str, ...]:
    rows = list(rows)
    return tuple(
        name
        for name in COLUMNS
        if name in ("grantee", "amount") or any(getattr(row, name) for row in rows)
    )


def _row(found: sa.Row[Any]) -> Row:
    """Of single columns and not of objects: nothing of a long round stays in the session."""
    facts = found._asdict()
    lists = {name: tuple(facts[name]) for name in ("partners", "countries", "themes")}
    return Row(**(facts | lists))


def _public(row: Row) -> Row:
    """The row without what is the office's own."""
    return replace(row, amount_applied=None, note="")
