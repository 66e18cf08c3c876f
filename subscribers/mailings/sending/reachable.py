"""Who can be written to at all, as conditions on Subscriber and Subscription."""

from __future__ import annotations

import sqlalchemy as sa

from subscribers.audience.models import Subscriber, Subscription, SubscriptionState, Suppression


def can_be_written_to() -> tuple[sa.ColumnElement[bool], ...]:
    """Said yes, has not left, is not erased, and nothing forbids it."""
    suppressed = sa.exists().where(Suppression.address_hash == Subscriber.address_hash)
    return (
        Subscription.state == SubscriptionState.ACTIVE,
        Subscription.ended_at.is_(None),  # follows from it, and lets the index by person be used
        Subscriber.address.is_not(None),
        ~suppressed,
    )


def none(of: sa.Select[int]) -> sa.ColumnElement[bool]:
    """That a person has no such row, asked for each person, which an index answers.

    As NOT EXISTS it becomes a join, in which PostgreSQL compares all with all as long as it does
    not know how many have just been written down.
    """
    return of.correlate(Subscriber).limit(1).scalar_subquery().is_(None)
