"""Reminding reviewers: once a day before an answer is due, and once when that time has passed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import jobs
from app.core.clock import now
from app.core.db import db, guarded
from releases.desk.notifying import Kind, tell
from releases.editorial.models import Release, State
from releases.review import outside
from releases.review.models import Review, Verdict
from releases.review.reviewing import people_of

log = logging.getLogger(__name__)

A_DAY = timedelta(days=1)
AT_ONCE = 200


@jobs.job("remind_reviewers")
def remind_reviewers() -> None:
    """Remind whoever has not answered, each in a transaction of its own.

    The guarded UPDATE of `reminded_at` decides which of several workers does it.
    """
    due = _due(at=now())
    db.session.rollback()
    for review_id in due:
        try:
            remind(db.session.get_one(Review, review_id), at=now())
            db.session.commit()
        except Exception:
            db.session.rollback()
            log.exception("nobody could be reminded of review %s", review_id)
    if due:
        jobs.ring("deliver")


def remind(review: Review, *, at: datetime) -> bool:
    """One reminder, unless this one has been sent; True when it was sent now. No commit."""
    due_at, known = review.due_at, review.reminded_at
    if due_at is None or not _is_time(review, at=at):
        return False
    same = Review.reminded_at.is_(None) if known is None else Review.reminded_at == known
    won = guarded(
        sa.update(Review)
        .where(Review.id == review.id, Review.verdict.is_(None), same)
        .values(reminded_at=at)
    )
    if not won:
        return False
    db.session.refresh(review)
    key = f"{review.id}:{'late' if at >= due_at else 'soon'}"
    if review.invitation is not None:
        if outside.is_open(review.invitation, at=at):
            outside.write(review, at=at, occasion="due", key=key)
        return True
    tell(
        people_of(review),
        Kind.REVIEW_DUE,
        review.release,
        key=f"review_due:{key}",
        at=at,
        path=f"/office/releases/{review.release_id}/read",
        due=due_at.isoformat(),
    )
    return True


def _is_time(review: Review, *, at: datetime) -> bool:
    due_at, known = review.due_at, review.reminded_at
    if due_at is None:
        return False
    if at >= due_at:
        return review.asked_at < due_at and (known is None or known < due_at)
    return known is None and at >= due_at - A_DAY and review.asked_at < due_at - A_DAY


def _due(*, at: datetime) -> list[int]:
    """The reviews that may want a reminder: unanswered, of a text in review, and their turn."""
    earlier = aliased(Review)
    waits = sa.exists().where(
        earlier.release_id == Review.release_id,
        earlier.submission == Review.submission,
        earlier.required,
        earlier.position < Review.position,
        sa.or_(earlier.verdict.is_(None), earlier.verdict != Verdict.PASSED),
    )
    late = sa.and_(
        Review.due_at <= at,
        Review.asked_at < Review.due_at,
        sa.or_(Review.reminded_at.is_(None), Review.reminded_at < Review.due_at),
    )
    soon = sa.and_(Review.due_at > at, Review.due_at <= at + A_DAY, Review.reminded_at.is_(None))
    return list(
        db.session.scalars(
            sa.select(Review.id)
            .join(Release, Release.id == Review.release_id)
            .where(
                Release.state == State.IN_REVIEW,
                Review.submission == Release.submission,
                Review.verdict.is_(None),
                sa.or_(late, soon),
                sa.or_(sa.not_(Review.required), sa.not_(waits)),
            )
            .order_by(Review.due_at, Review.id)
            .limit(AT_ONCE)
        )
    )
