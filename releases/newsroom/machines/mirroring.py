"""What programs ask for, page by page: releases by time or by change, rounds by number.

A page is found after the last row of the one before, never by counting. Releases that were taken
back are told of only to those who ask what has changed: they have copies that must go.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.clock import midnight, midnight_after
from app.core.db import db
from app.core.errors import BadInput
from app.core.paging import LARGEST_ID
from app.core.words import LANGUAGES
from releases.editorial.models import Release, State, Story
from releases.newsroom.models import Heading, Listing
from releases.newsroom.questions import IS_PUBLIC
from releases.rounds.models import Round

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST, USUAL = 100, 20
Place = tuple[datetime, int]


@dataclass(frozen=True)
class Wanted:
    """Which releases a program asks for; each condition that is not None has to hold.

    `headings` are what they are listed under. `since` and `until` are of publication, `since`
    counted and `until` not; `changed_since` is counted and asks for what was taken back too.
    """

    language: str | None = None
    headings: Sequence[tuple[Heading, str]] = ()
    since: datetime | None = None
    until: datetime | None = None
    changed_since: datetime | None = None


@dataclass(frozen=True)
class Some:
    """A page of releases; `next` is the cursor of the one after it."""

    releases: list[Release]
    next: str | None


def releases(wanted: Wanted, *, after: str = "", most: int = USUAL) -> Some:
    """The newest first; those that have changed since a moment in the order of their changes.

    Raises BadInput for an `after` that is no cursor of ours.
    """
    place = place_of(after) if after else None
    changed = sa.func.coalesce(
        Release.changed_at, Release.published_at, type_=Release.updated_at.type
    )
    query = sa.select(Release.id, Release.published_at, changed).where(*_conditions(wanted))
    if wanted.changed_since is None:
        query = query.where(IS_PUBLIC).order_by(Release.published_at.desc(), Release.id.desc())
        if place:
            query = query.where(sa.tuple_(Release.published_at, Release.id) < _literal(place))
    else:
        # Nothing changes in public without the row being touched: that has an index.
        query = query.where(
            Release.published_at.is_not(None),
            Release.live_id.is_not(None),
            Release.updated_at >= wanted.changed_since,
            changed >= wanted.changed_since,
        ).order_by(changed, Release.id)
        if place:
            query = query.where(sa.tuple_(changed, Release.id) > _literal(place))
    rows = db.session.execute(query.limit(most + 1)).all()
    shown, more = rows[:most], len(rows) > most
    found = {one.id: one for one in db.session.scalars(_whole([row.id for row in shown])).unique()}
    last = None
    if more:
        number, published, changed_at = shown[-1]
        last = cursor(changed_at if wanted.changed_since else published or EPOCH, number)
    return Some([found[row.id] for row in shown if row.id in found], last)


def rounds(*, after: int | None = None, most: int = USUAL) -> tuple[list[Round], int | None]:
    """The rounds that something public tells of, the newest first; those after a known one."""
    told = sa.exists().where(Story.round_id == Round.id, Release.story_id == Story.id, IS_PUBLIC)
    query = sa.select(Round).where(told).order_by(Round.id.desc()).limit(most + 1)
    if after is not None:
        query = query.where(Round.id < after)
    found = list(db.session.scalars(query.options(joinedload(Round.programme))))
    return found[:most], found[most - 1].id if len(found) > most else None


def release_numbered(number: int) -> Release | None:
    """A release that is or was public; None for any other number."""
    if not 0 < number <= LARGEST_ID:
        return None
    found = _whole([number]).where(Release.published_at.is_not(None), Release.live_id.is_not(None))
    return db.session.scalars(found).unique().one_or_none()


def cursor(at: datetime, number: int) -> str:
    """Where a page ended, for the address of the next one. Nobody else need understand it. Pure."""
    since = (at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{since}.{number}".encode()).decode().rstrip("=")


def place_of(text: str) -> Place:
    """What a cursor stands for. Raises BadInput. Pure."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        since, number = (int(part) for part in plain.decode("ascii").split("."))
        if not 0 < number <= LARGEST_ID:
            raise ValueError(number)
        return EPOCH + timedelta(microseconds=since), number
    except (binascii.Error, UnicodeError, ValueError, OverflowError):
        raise BadInput("api_cursor") from None


def moment_in(text: str, *, name: str, zone: str, is_end: bool = False) -> datetime:
    """A moment (RFC 3339) or a day on the house's calendar, from an address.

    A day as an end is counted. Raises BadInput, which names the parameter. Pure.
    """
    try:
        if len(text) == len("2022-10-28"):
            day = date.fromisoformat(text)
            return midnight_after(day, zone) if is_end else midnight(day, zone)
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that became a space
        if at.tzinfo is None:
            raise ValueError(text)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput("api_moment", name=name) from None


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    languages = [wanted.language] if wanted.language else list(LANGUAGES)
    found: list[sa.ColumnElement[bool]] = [Release.language.in_(languages)]
    for kind, key in wanted.headings:
        listed: sa.ColumnElement[bool] = sa.exists().where(
            Listing.release_id == Release.id, Listing.kind == kind, Listing.key == key
        )
        if wanted.changed_since is not None:  # what was taken back is under no heading any more
            listed = sa.or_(listed, Release.state == State.WITHDRAWN)
        found.append(listed)
    if wanted.since is not None:
        found.append(Release.published_at >= wanted.since)
    if wanted.until is not None:
        found.append(Release.published_at < wanted.until)
    return found


def _whole(numbers: Sequence[int]) -> sa.Select[Any]:
    return (
        sa.select(Release)
        .where(Release.id.in_(numbers))
        .options(
            joinedload(Release.live),
            joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
            joinedload(Release.story).selectinload(Story.releases),
        )
    )


def _literal(place: Place) -> sa.Tuple:
    at, number = place
    return sa.tuple_(sa.literal(at, Release.published_at.type), sa.literal(number, Release.id.type))
