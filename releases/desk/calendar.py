"""What is coming, and what came in a month: publications and later mailings, by the day.

Moments are aware; days are those of the organisation's clock.
"""

from __future__ import annotations

from calendar import Calendar
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.core.accounts import User
from app.core.clock import local, midnight, midnight_after
from app.core.db import db
from releases.desk.access import visible_to
from releases.editorial.models import Publication, Release, State
from releases.editorial.questions import whole
from releases.review.models import Invitation, Purpose
from subscribers.mailings.models import Mailing

WEEKS_AHEAD = 6
MOST = 200  # entries of one page


@dataclass(frozen=True)
class Entry:
    """Something that happens at a moment: `kind` is goes_out, mail, failed or published."""

    at: datetime
    kind: str
    release: Release
    embargo: bool = False


@dataclass(frozen=True)
class Day:
    """A square of the calendar."""

    day: date
    in_month: bool
    entries: tuple[Entry, ...]


def coming(person: User, *, at: datetime, most: int = 12) -> list[Entry]:
    """What goes out in the next weeks, the first first."""
    found = entries(person, since=at, until=at + timedelta(weeks=WEEKS_AHEAD), past=False)
    return [one for one in found if one.kind != "failed"][:most]


def entries(person: User, *, since: datetime, until: datetime, past: bool = True) -> list[Entry]:
    """What goes out from `since` until before `until`; with `past` also what has been published."""
    waiting = Release.state.in_((State.SCHEDULED, State.FAILED))
    goes_out = sa.and_(waiting, _between(Release.publish_at, since, until))
    mailed = sa.and_(waiting, _between(Release.mail_at, since, until))
    wanted = [goes_out, mailed]
    if past:
        came = _between(Release.published_at, since, until)
        wanted.append(sa.and_(came, Release.state != State.WITHDRAWN))
    found = list(
        db.session.scalars(
            whole()
            .where(visible_to(person), sa.or_(*wanted))
            .order_by(Release.publish_at, Release.published_at, Release.id)
            .limit(MOST)
        )
    )
    told: list[Entry] = _later_mailings(person, since, until)
    under_embargo = _under_embargo(found, at=since)
    for one in found:
        embargo = one.id in under_embargo
        if one.state in (State.SCHEDULED, State.FAILED) and one.publish_at is not None:
            kind = "failed" if one.state is State.FAILED else "goes_out"
            told.append(Entry(one.publish_at, kind, one, embargo))
            if one.mail_wanted and one.mail_at is not None and one.mail_at != one.publish_at:
                told.append(Entry(one.mail_at, "mail", one))
        if past and one.published_at is not None:
            told.append(Entry(one.published_at, "published", one))
    return sorted(
        (one for one in told if since <= one.at < until), key=lambda one: (one.at, one.release.id)
    )


def month_of(text: str) -> date | None:
    """The first day of a month written as `2026-12`; None for what is none."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if 1990 <= first.year < 2200 and len(text) == 7 else None


def month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def weeks(first: date, found: Iterable[Entry], *, zone: str) -> list[list[Day]]:
    """The month as weeks that begin on Monday, the days around it too. Pure."""
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for one in found:
        by_day[local(one.at, zone).date()].append(one)
    return [
        [Day(day, day.month == first.month, tuple(by_day[day])) for day in week]
        for week in Calendar().monthdatescalendar(first.year, first.month)
    ]


def span(first: date, *, zone: str) -> tuple[datetime, datetime]:
    """The moments between which the squares of a month lie."""
    days = [day for week in Calendar().monthdatescalendar(first.year, first.month) for day in week]
    return midnight(days[0], zone), midnight_after(days[-1], zone)


def _between(
    column: sa.orm.InstrumentedAttribute[datetime | None], since: datetime, until: datetime
) -> sa.ColumnElement[bool]:
    return sa.and_(column >= since, column < until)


def _later_mailings(person: User, since: datetime, until: datetime) -> list[Entry]:
    """Mailings of what is published already that wait for their hour."""
    found = db.session.execute(
        whole()
        .add_columns(Mailing.starts_at)
        .join(Publication, Publication.release_id == Release.id)
        .join(Mailing, Mailing.key == Publication.mailing_key)
        .where(
            visible_to(person),
            Mailing.finished_at.is_(None),
            Mailing.starts_at > Mailing.queued_at,
            _between(Mailing.starts_at, since, until),
        )
        .order_by(Mailing.starts_at)
        .limit(MOST)
    )
    return [Entry(starts_at, "mail", release) for release, starts_at in found]


def _under_embargo(releases: Iterable[Release], *, at: datetime) -> set[int]:
    """Those that somebody outside may read before they are published."""
    ids = [one.id for one in releases]
    return set(
        db.session.scalars(
            sa.select(Invitation.release_id).where(
                Invitation.release_id.in_(ids),
                Invitation.purpose == Purpose.EMBARGO,
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > at,
            )
        )
    )
