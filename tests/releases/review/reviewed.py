"""Texts in review, a chain and who answers, for the tests of this folder."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.db import db
from releases.desk.models import Notification
from releases.editorial import workflow
from releases.editorial.models import Release
from releases.review import deciding
from releases.review.models import Review, Verdict
from releases.review.reviewing import ANYBODY, Outsider, Request, reviews
from releases.rounds.models import Programme
from subscribers.mailings.models import Delivery
from tests import factories
from tests.factories import A_MORNING

LATER = A_MORNING + timedelta(hours=1)
DUE = A_MORNING + timedelta(days=5)
EVA = Outsider("Eva Ek", "eva@lund.example")


def step(label: str, *, role: Role | None = None, person: User | None = None) -> dict[str, object]:
    return {
        "label_sv": label,
        "label_en": label,
        "role": role.value if role else None,
        "user_id": person.id if person else None,
    }


def in_review(
    writer: User,
    *steps: dict[str, object],
    request: Request = ANYBODY,
    at: datetime = A_MORNING,
) -> Release:
    """A committed text of a programme with these steps, put to review."""
    release = factories.release(writer)
    programme = db.session.scalars(sa.select(Programme)).one()
    programme.review_steps = list(steps)
    workflow.submit(release, request=request, by=writer, at=at)
    db.session.commit()
    return release


def passed(review: Review, by: User, at: datetime = LATER) -> None:
    deciding.decide(review, verdict=Verdict.PASSED, by=by, at=at)


def told(kind: str) -> dict[str, int]:
    """Who has been told of something, and how often."""
    rows = db.session.execute(
        sa.select(User.name, sa.func.count())
        .join(Notification, Notification.user_id == User.id)
        .where(Notification.kind == kind)
        .group_by(User.name)
    )
    return {row[0]: row[1] for row in rows}


def letters_to(address: str) -> int:
    return db.session.scalar(sa.select(sa.func.count()).where(Delivery.address == address)) or 0


def only_review(release: Release) -> Review:
    (review,) = reviews(release)
    return review
