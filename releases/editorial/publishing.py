"""Publishing by the clock: releases whose time has come go out without anybody pressing."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from app.core import jobs
from app.core.clock import now
from app.core.db import db
from app.core.errors import DomainError
from releases.editorial.models import Release, State
from releases.editorial.workflow import publish

log = logging.getLogger(__name__)


@jobs.job("publish_due")
def publish_due() -> None:
    """Publish what is scheduled for now or before, each in a transaction of its own."""
    due = db.session.scalars(
        sa.select(Release.id)
        .where(Release.state == State.SCHEDULED, Release.publish_at <= now())
        .order_by(Release.publish_at)
    ).all()
    db.session.rollback()
    for release_id in due:
        try:
            publish(db.session.get_one(Release, release_id), by=None, at=now())
            db.session.commit()
        except DomainError:
            db.session.rollback()
            log.exception("release %s could not be published at its time", release_id)
    if due:
        jobs.ring("deliver")
