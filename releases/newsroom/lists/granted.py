"""What several public rounds grant, to everybody or to one place, in a fixed number of questions.

Each round is read in the edition that visitors see: its present rows through the index of places,
those of a version that has been replaced from where that version is kept. A round of any length
costs a place's page no more than the place's own rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer, joinedload

from app.core.db import db
from app.core.formats import amount
from releases.drafting.drafting import LANGUAGES as SPEECH
from releases.newsroom.questions import round_moments
from releases.rounds.changing import rows_of
from releases.rounds.editions import IS_AWARD, KEPT, round_slug, standing_at
from releases.rounds.models import Award, Round, RoundVersion
from releases.rounds.register import place_code
from releases.rounds.table import Row

SHOWN = 12  # awards of one place in one round; the round's own page has them all


@dataclass(frozen=True)
class Granted:
    """What a round grants, all in all or to one place.

    `rows` are the first awards, of a place alone; `count` and `total` are of all of them.
    """

    round: Round
    language: str
    currency: str
    count: int
    total: Decimal
    rows: tuple[Row, ...] = ()

    @property
    def path(self) -> str:
        return f"/{self.language}/rounds/{self.round.id}-{round_slug(self.round)}"

    @property
    def title(self) -> str:
        return f"{self.round.programme.title(self.language)}, {self.round.name}"

    def money(self, value: Decimal) -> str:
        """`1 200 000 kronor`, `SEK 1,200,000`."""
        return money(value, self.currency, self.language)

    @property
    def counted(self) -> str:
        """The number of awards as it is printed: `1 204`."""
        return amount(Decimal(self.count), self.language)

    def columns(self) -> list[str]:
        """Which facts beside the amount any of the rows has."""
        names = ("project", "partners", "countries")
        return [name for name in names if any(getattr(row, name) for row in self.rows)]

    def said(self, row: Row, column: str) -> str:
        value = getattr(row, column)
        return value if isinstance(value, str) else ", ".join(value)


@dataclass(frozen=True)
class Sum:
    """What several rounds grant together."""

    rounds: str
    awards: str
    money: str


def granted(round_ids: Sequence[int], language: str, *, place: str | None = None) -> list[Granted]:
    """The rounds in the order of `round_ids`, as visitors of a language read them.

    Of a `place`, its awards alone; a round whose public edition has none for it is left out, and so
    is every round that is not public.
    """
    moments = round_moments(round_ids, language)
    rounds = db.session.scalars(
        sa.select(Round).where(Round.id.in_(moments)).options(joinedload(Round.programme))
    )
    known = {one.id: one for one in rounds}
    versions = _versions([one.id for one in known.values() if one.version > 1])
    standing: dict[int, RoundVersion] = {}
    for number, moment in moments.items():
        found = standing_at(moment, versions.get(number, ()))
        if found is not None:
            standing[number] = found
    facts = _present([number for number in known if number not in standing], known, place)
    facts |= _replaced(standing, place)
    return [
        Granted(known[number], language, *facts[number])
        for number in round_ids
        if number in facts and (place is None or facts[number][1])
    ]


def together(found: Iterable[Granted], language: str) -> Sum | None:
    """What the rounds grant in all; None when there are none or they are in several currencies."""
    found = list(found)
    if len({one.currency for one in found}) != 1:
        return None
    total = sum((one.total for one in found), Decimal(0))
    awards = sum(one.count for one in found)
    return Sum(
        amount(Decimal(len(found)), language),
        amount(Decimal(awards), language),
        money(total, found[0].currency, language),
    )


def money(value: Decimal, currency: str, language: str) -> str:
    """An amount with its unit, as it stands in a text of the language."""
    return SPEECH[language].money(value, currency=currency)


Facts = tuple[str, int, Decimal, tuple[Row, ...]]


def _versions(round_ids: Sequence[int]) -> dict[int, list[RoundVersion]]:
    """The replaced versions of each round, the oldest first, without their rows and files."""
    found: dict[int, list[RoundVersion]] = {}
    if not round_ids:
        return found
    query = (
        sa.select(RoundVersion)
        .where(RoundVersion.round_id.in_(round_ids))
        .options(defer(RoundVersion.rows))
        .order_by(RoundVersion.round_id, RoundVersion.number)
    )
    for one in db.session.scalars(query):
        found.setdefault(one.round_id, []).append(one)
    return found


def _present(
    round_ids: Sequence[int], known: dict[int, Round], place: str | None
) -> dict[int, Facts]:
    """Of the rounds' own rows; counted by the database."""
    if not round_ids:
        return {}
    wanted = [Award.round_id.in_(round_ids), IS_AWARD]
    if place is not None:
        wanted.append(Award.place == place)
    sums = db.session.execute(
        sa.select(
            Award.round_id, sa.func.count(), sa.func.sum(Award.amount, type_=Award.amount.type)
        )
        .where(*wanted)
        .group_by(Award.round_id)
    )
    rows = _rows(wanted) if place is not None else {}
    counted = {number: (count, total) for number, count, total in sums}
    return {
        number: (
            known[number].currency,
            *counted.get(number, (0, Decimal(0))),
            rows.get(number, ()),
        )
        for number in round_ids
    }


def _rows(wanted: Sequence[sa.ColumnElement[bool]]) -> dict[int, tuple[Row, ...]]:
    """The first awards of each round, in its order."""
    turn = sa.func.row_number().over(partition_by=Award.round_id, order_by=Award.number)
    numbered = sa.select(Award.id, turn.label("turn")).where(*wanted).subquery()
    query = (
        sa.select(Award.round_id, *(getattr(Award, name) for name in KEPT))
        .join(numbered, numbered.c.id == Award.id)
        .where(numbered.c.turn <= SHOWN)
        .order_by(Award.round_id, Award.number)
    )
    found: dict[int, tuple[Row, ...]] = {}
    for one in db.session.execute(query):
        facts: dict[str, Any] = dict(one._mapping)
        number = facts.pop("round_id")
        facts |= {name: tuple(facts[name]) for name in ("partners", "countries", "themes")}
        found[number] = (*found.get(number, ()), Row(**facts))
    return found


def _replaced(standing: dict[int, RoundVersion], place: str | None) -> dict[int, Facts]:
    """Of versions that have been replaced since, from where they are kept."""
    if not standing:
        return {}
    ids = [one.id for one in standing.values()]
    db.session.scalars(  # their rows, which were left out before, all at once
        sa.select(RoundVersion)
        .where(RoundVersion.id.in_(ids))
        .execution_options(populate_existing=True)
    ).all()
    found: dict[int, Facts] = {}
    for number, version in standing.items():
        rows = [
            row
            for row in sorted(rows_of(version), key=lambda one: one.number)
            if row.is_award and (place is None or place_code(row.grantee, row.kind) == place)
        ]
        total = sum((row.amount for row in rows), Decimal(0))
        found[number] = (
            version.currency,
            len(rows),
            total,
            tuple(rows[:SHOWN]) if place is not None else (),
        )
    return found
