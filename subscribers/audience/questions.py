"""What the office asks about its subscribers: how many, who, and what happened to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core.db import db
from app.core.errors import BadInput, NotFound
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import (
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.audience.subscribing import suppressed

PAGE = 50


@dataclass(frozen=True)
class Page:
    """Some subscriptions, the newest first; `next` is what `before` must be to go on, or None."""

    subscriptions: Sequence[Subscription]
    next: int | None


def counts() -> dict[str, int]:
    """How many subscriptions are in each state, and how many addresses are suppressed."""
    states = sa.select(Subscription.state, sa.func.count()).group_by(Subscription.state)
    found = {state.value: n for state, n in db.session.execute(states)}
    suppressions = sa.select(sa.func.count()).select_from(Suppression)
    return {
        **{state.value: found.get(state.value, 0) for state in SubscriptionState},
        "suppressed": db.session.scalar(suppressions) or 0,
    }


def page(*, before: int | None = None, size: int = PAGE) -> Page:
    """One page of the list. Its place is a row, so people coming and going never shift it."""
    chosen = _with_people().order_by(Subscription.id.desc()).limit(size + 1)
    if before is not None:
        chosen = chosen.where(Subscription.id < before)
    rows = db.session.scalars(chosen).all()
    return Page(rows[:size], rows[size - 1].id if len(rows) > size else None)


def by_address(email: str) -> Subscriber | None:
    """The subscriber of exactly this address, in any spelling of capitals.

    None also for what is no address and for an erased one.
    """
    try:
        address = addresses.read(email, secrets=secrets_in_force())
    except BadInput:
        return None
    return db.session.scalar(
        sa.select(Subscriber).where(
            Subscriber.address_hash.in_(address.known_hashes), Subscriber.erased_at.is_(None)
        )
    )


def subscriber(subscriber_id: int) -> Subscriber:
    """One subscriber with all their subscriptions, past ones too. Raises NotFound."""
    found = db.session.get(
        Subscriber,
        subscriber_id,
        options=[selectinload(Subscriber.subscriptions).joinedload(Subscription.topic)],
    )
    if found is None:
        raise NotFound("no_such_subscriber")
    return found


def suppressions(person: Subscriber) -> list[Suppression]:
    """What forbids writing to this person."""
    return suppressed([person.address_hash])


def _with_people() -> sa.Select[Subscription]:
    return sa.select(Subscription).options(
        joinedload(Subscription.subscriber), joinedload(Subscription.topic)
    )
