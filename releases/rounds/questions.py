"""What the office asks about rounds. Lists go by pages after a known row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.db import db
from app.core.errors import NotFound
from releases.rounds.models import Award, Programme, Round

T = TypeVar("T")

PAGE = 50
ROWS = 200


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some things in order; `next` is what the following page begins after, None at the end."""

    items: list[T]
    next: int | None


def round_by_id(round_id: int) -> Round:
    """Raises NotFound."""
    found = db.session.get(Round, round_id, options=[joinedload(Round.programme)])
    if found is None:
        raise NotFound("no_such_round", id=round_id)
    return found


def programme_by_id(programme_id: int) -> Programme:
    """Raises NotFound."""
    found = db.session.get(Programme, programme_id)
    if found is None:
        raise NotFound("no_such_programme", id=programme_id)
    return found


def programmes() -> list[Programme]:
    """All of them: an organisation has a handful."""
    return list(db.session.scalars(sa.select(Programme).order_by(Programme.name)))


def rounds_page(*, before: int | None = None) -> Page[Round]:
    """Rounds, the newest import first."""
    query = sa.select(Round).options(joinedload(Round.programme)).order_by(Round.id.desc())
    if before is not None:
        query = query.where(Round.id < before)
    found = list(db.session.scalars(query.limit(PAGE + 1)))
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def awards_page(round_: Round, *, after: int = 0) -> Page[Award]:
    """A round's rows in the file's order, those after row number `after`."""
    found = list(
        db.session.scalars(
            sa.select(Award)
            .where(Award.round_id == round_.id, Award.number > after)
            .order_by(Award.number)
            .limit(ROWS + 1)
        )
    )
    return Page(found[:ROWS], found[ROWS - 1].number if len(found) > ROWS else None)
