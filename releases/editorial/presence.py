"""Who else has a release's editing page open. A page says so every few seconds while it is open."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import jobs
from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, guarded
from releases.editorial.models import Presence, Release

COUNTS = timedelta(seconds=40)  # since a page was last heard of
KEPT = timedelta(days=1)


def seen(release: Release, *, by: User, at: datetime) -> None:
    """Somebody's page is open now."""
    if _refreshed(release, by, at):
        return
    try:
        with db.session.begin_nested():
            db.session.add(Presence(release_id=release.id, user_id=by.id, seen_at=at))
    except sa.exc.IntegrityError:  # another window of the same person was first
        _refreshed(release, by, at)


def others(release: Release, *, but: User, at: datetime) -> list[str]:
    """The names of the others who have it open, by name."""
    return list(
        db.session.scalars(
            sa.select(User.name)
            .join(Presence, Presence.user_id == User.id)
            .where(
                Presence.release_id == release.id,
                Presence.user_id != but.id,
                Presence.seen_at > at - COUNTS,
            )
            .order_by(User.name, User.id)
        )
    )


@jobs.job("sweep_presence")
def sweep_presence() -> None:
    """Forget whose pages were open more than a day ago."""
    db.session.execute(sa.delete(Presence).where(Presence.seen_at < now() - KEPT))
    db.session.commit()


def _refreshed(release: Release, by: User, at: datetime) -> bool:
    return guarded(
        sa.update(Presence)
        .where(Presence.release_id == release.id, Presence.user_id == by.id)
        .values(seen_at=at)
    )
