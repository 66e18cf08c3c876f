"""What was live when: a row for each revision that went out, and what readers were told of it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import Change, Publication, Release


def went_live(
    release: Release,
    change: Change,
    *,
    note: str = "",
    mailing_key: str | None = None,
    by: User | None,
    at: datetime,
) -> Publication:
    """Remember that the live revision went out at this moment. No commit."""
    publication = Publication(
        release_id=release.id,
        revision_id=release.live_id,
        change=change,
        note=note.strip(),
        mailing_key=mailing_key,
        by_id=by.id if by else None,
        at=at,
    )
    db.session.add(publication)
    db.session.flush()
    return publication


def publications(release: Release) -> list[Publication]:
    """All of them, the first first, with their revisions."""
    return list(
        db.session.scalars(
            sa.select(Publication)
            .where(Publication.release_id == release.id)
            .options(joinedload(Publication.revision), joinedload(Publication.by))
            .order_by(Publication.id)
        )
    )
