"""Publishing by the clock: releases whose time has come go out without anybody pressing.

Whatever stands in the way is told where people look: nothing that was promised for a minute passes
it in silence. The transaction that publishes also writes the mailing down, so that a worker killed
at any instant leaves a release either scheduled, to be taken up by the next sweep, or published.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

# Imported for what it finds: without it the preflight refuses to say that all is well.
import releases.editorial.preflight_lines  # noqa: F401
from app.core import jobs
from app.core.accounts import User
from app.core.beats import shared_now as now
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.models import Release, ReleaseEvent, State
from releases.editorial.preflight import Line, as_failure
from releases.editorial.workflow import Action, fail, publish

log = logging.getLogger(__name__)

PUNCTUAL = timedelta(minutes=1)  # within it nobody says that it was late

Failure = list[dict[str, Any]]


@jobs.job("publish_due", first=True)
def publish_due() -> None:
    """Publish what is scheduled for now or before, each in a transaction of its own. Commits."""
    due = list(_due(now()))
    for release_id in due:
        try:
            _publish_one(release_id, at=now())
        except Exception:
            db.session.rollback()
            log.exception("release %s could not be published at its time", release_id)
            _give_up(release_id)
    if due:
        jobs.ring("deliver")


def _due(at: datetime) -> Iterator[int]:
    found = db.session.scalars(
        sa.select(Release.id)
        .where(Release.state == State.SCHEDULED, Release.publish_at <= at)
        .order_by(Release.publish_at, Release.id)
    ).all()
    db.session.rollback()
    yield from found


def _publish_one(release_id: int, *, at: datetime) -> None:
    """Publish it, or say what stands in the way. Commits."""
    release = _held(release_id, at=at)
    if release is None:  # somebody was first, or has chosen another time
        db.session.rollback()
        return
    assert release.publish_at is not None
    due_at, late = release.publish_at, at - release.publish_at
    failure: Failure
    if late > timedelta(minutes=organisation().grace_minutes):
        failure = [{"key": "schedule.late", "facts": {"due_at": due_at.isoformat()}}]
    else:
        try:
            publish(release, by=None, at=at, remark=_remark(release, late))
            db.session.commit()
            return
        except Conflict:  # on its way out by another's hand
            db.session.rollback()
            return
        except DomainError as error:
            failure = _what_stood_in_the_way(error)
    db.session.rollback()
    release = _held(release_id, at=at)
    if release is not None:
        fail(release, failure=failure, at=at)
    db.session.commit()


def _held(release_id: int, *, at: datetime) -> Release | None:
    """The release, if its time has come, kept from others until the transaction ends.

    Read again, not from memory: somebody may have chosen another time since it was found.
    """
    return db.session.scalar(
        sa.select(Release)
        .where(Release.id == release_id, Release.state == State.SCHEDULED, Release.publish_at <= at)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _give_up(release_id: int) -> None:
    """Something nobody had thought of. It is in the log; the office is told that it failed."""
    try:
        at = now()
        release = _held(release_id, at=at)
        if release is not None:
            fail(release, failure=[{"key": "schedule.unexpected", "facts": {}}], at=at)
        db.session.commit()
    except Exception:  # the database itself, perhaps; the next sweep tries again
        db.session.rollback()
        log.exception("release %s could not be marked as failed either", release_id)


def _what_stood_in_the_way(error: DomainError) -> Failure:
    lines: list[Line] = error.facts.get("lines", [])
    return as_failure(lines) or [{"key": f"errors.{error.key}", "facts": error.facts}]


def _remark(release: Release, late: timedelta) -> str:
    """How late it was, for the history, in the language of whoever chose the time."""
    if late < PUNCTUAL:
        return ""
    person = db.session.scalar(
        sa.select(User)
        .join(ReleaseEvent, ReleaseEvent.by_id == User.id)
        .where(ReleaseEvent.release_id == release.id, ReleaseEvent.action == Action.SCHEDULE.value)
        .order_by(ReleaseEvent.id.desc())
        .limit(1)
    )
    minutes = int(late.total_seconds() // 60)
    return translate("schedule.was_late", person.language if person else "sv", n=minutes)
