"""Reminding those who have not answered about their quote: after two days, and a day before."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core import jobs
from app.core.clock import now
from app.core.db import db, guarded
from releases.editorial.models import Release, State
from releases.review.models import Answer, Invitation, SignOff
from releases.review.quotes import quotes_in
from releases.review.signing_off import write_to

SILENT_FOR = timedelta(days=2)
BEFORE = timedelta(days=1)


@jobs.job("remind_quoted")
def remind_quoted() -> None:
    """Write once more to those who are due, each in a transaction of its own."""
    at = now()
    waiting = due(at=at)
    db.session.rollback()
    for sign_off_id in waiting:
        if remind(db.session.get_one(SignOff, sign_off_id), at=at):
            db.session.commit()
        db.session.rollback()
    if waiting:
        jobs.ring("deliver")


def due(*, at: datetime) -> list[int]:
    """The sign-offs whose people are to be reminded now.

    Two days after they were invited, once; and once in the day before a scheduled publication, if
    they had been invited before that day began. Only about words that still stand in the text.
    """
    soon = sa.and_(
        Release.state == State.SCHEDULED, Release.publish_at > at, Release.publish_at <= at + BEFORE
    )
    silent = sa.and_(Invitation.reminded_at.is_(None), Invitation.invited_at <= at - SILENT_FOR)
    found = db.session.scalars(
        sa.select(SignOff)
        .join(SignOff.invitation)
        .join(Release, Release.id == SignOff.release_id)
        .where(
            SignOff.answer == Answer.PENDING,
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > at,
            Release.state.not_in((State.PUBLISHED, State.WITHDRAWN)),
            sa.or_(soon, silent),
        )
        .options(
            joinedload(SignOff.invitation), joinedload(SignOff.release).joinedload(Release.head)
        )
        .order_by(SignOff.id)
    )
    return [one.id for one in found if _is_due(one, at=at)]


def remind(sign_off: SignOff, *, at: datetime) -> bool:
    """Write to them, unless somebody else has just done so. No commit."""
    invitation = sign_off.invitation
    if invitation is None or not _is_due(sign_off, at=at):
        return False
    won = guarded(
        sa.update(Invitation)
        .where(
            Invitation.id == invitation.id,
            Invitation.reminded_at.is_not_distinct_from(invitation.reminded_at),
        )
        .values(reminded_at=at)
    )
    if won:
        db.session.refresh(invitation)
        write_to(sign_off, "quote_reminder", at=at)
    return won


def _is_due(sign_off: SignOff, *, at: datetime) -> bool:
    invitation, release = sign_off.invitation, sign_off.release
    assert invitation is not None
    prints = {quote.fingerprint for quote in quotes_in(release.head.body)}
    if sign_off.fingerprint not in prints:
        return False
    reminded = invitation.reminded_at
    if reminded is None and invitation.invited_at <= at - SILENT_FOR:
        return True
    if release.state is not State.SCHEDULED or release.publish_at is None:
        return False
    last_day = release.publish_at - BEFORE
    return (
        last_day <= at < release.publish_at
        and invitation.invited_at < last_day
        and (reminded is None or reminded < last_day)
    )
