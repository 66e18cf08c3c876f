"""What one person has been told on the desk, and what of it they have read.

What is about a story that they may no longer see is left out.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.core.accounts import User
from app.core.db import db, guarded
from app.core.errors import NotFound
from releases.desk.access import visible_to
from releases.desk.models import Notification
from releases.editorial.models import Release
from releases.rounds.questions import Page

PAGE = 30
COUNTED = 100  # beyond that nobody counts


def unread(person: User) -> int:
    """How many they have not read, at most COUNTED."""
    some = _theirs(person).where(Notification.read_at.is_(None)).limit(COUNTED).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def notices_page(
    person: User, *, before: int | None = None, read: bool = False
) -> Page[Notification]:
    """The unread and then the read ones, each the newest first.

    `before` and `read` say where the page before it ended: in which of the two parts, at which row.
    """
    found: list[Notification] = []
    if not read:
        found = _some(person, read=False, before=before)
        before = None
    if len(found) <= PAGE:
        found += _some(person, read=True, before=before)
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def mark_read(person: User, notice_id: int, *, at: datetime) -> Notification:
    """The notification, read. Raises NotFound for what is not theirs. No commit."""
    mine = sa.update(Notification).where(
        Notification.id == notice_id, Notification.user_id == person.id
    )
    if not guarded(mine.values(read_at=sa.func.coalesce(Notification.read_at, at))):
        raise NotFound("no_such_notice")
    return db.session.get_one(Notification, notice_id)


def mark_all_read(person: User, *, upto: int, at: datetime) -> int:
    """Those with an id up to `upto`; says how many. No commit."""
    result = db.session.execute(
        sa.update(Notification)
        .where(
            Notification.user_id == person.id,
            Notification.read_at.is_(None),
            Notification.id <= upto,
        )
        .values(read_at=at)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def _some(person: User, *, read: bool, before: int | None) -> list[Notification]:
    query = _theirs(person, Notification).order_by(Notification.id.desc())
    query = query.where(
        Notification.read_at.is_not(None) if read else Notification.read_at.is_(None)
    )
    if before is not None:
        query = query.where(Notification.id < before)
    return list(db.session.scalars(query.limit(PAGE + 1)))


def _theirs(person: User, what: object = Notification.id) -> sa.Select[tuple[Notification]]:
    seen = sa.exists().where(Release.id == Notification.release_id, visible_to(person))
    return sa.select(what).where(  # type: ignore[call-overload,no-any-return]
        Notification.user_id == person.id,
        Notification.on_desk,
        sa.or_(Notification.release_id.is_(None), seen),
    )
