"""Reviews: who is asked to look at a text, in which order, and what they say."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.db import db
from releases.editorial.models import Release
from releases.review.models import Review, Verdict


def unpassed(release: Release) -> list[Review]:
    """The required reviews of the present submission that have not been passed, in their order."""
    return list(
        db.session.scalars(
            sa.select(Review)
            .where(
                Review.release_id == release.id,
                Review.submission == release.submission,
                Review.required,
                sa.or_(Review.verdict.is_(None), Review.verdict != Verdict.PASSED),
            )
            .order_by(Review.position, Review.id)
        )
    )
