"""Forgetting: a person who asks to be erased, and those who never confirmed.

Everything that could tell the address goes; a keyed hash stays, so that no import brings it back.
Deliveries belong to a layer above this one and are reached by the name of their table, since an
erasure that left addresses there would be none.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.db import Base, db
from app.core.errors import NotFound
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import (
    EndedReason,
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.audience.subscribing import insert_new

ERASED = "erased"
UNCONFIRMED_FOR = timedelta(days=7)
ATTEMPTS_FOR = timedelta(days=1)
AT_ONCE = 1000


def erase(email: str, *, at: datetime) -> bool:
    """Forget an address for good; False when that was done before.

    Ends its subscriptions, takes the address out of every row and keeps a suppression. Rows stay,
    so the figures of past mailings do too. Raises BadInput, or NotFound for an address that we
    never had, which is more often a slip of the keyboard.
    """
    address = addresses.read(email, secrets=secrets_in_force())
    known = list(
        db.session.scalars(
            sa.select(Subscriber)
            .where(Subscriber.address_hash.in_(address.known_hashes))
            .with_for_update()
        )
    )
    if not known and not _is_suppressed(address.known_hashes):
        raise NotFound("no_such_subscriber")
    if not _is_suppressed(address.known_hashes):
        suppression = {"address_hash": address.hash, "scope": "all", "created_at": at}
        insert_new(Suppression, [{**suppression, "reason": ERASED}])
    ids = [subscriber.id for subscriber in known]
    _end(Subscription.subscriber_id.in_(ids), at)
    _forget_deliveries(ids)
    fresh = [subscriber for subscriber in known if subscriber.erased_at is None]
    for subscriber in fresh:
        subscriber.address = None
        subscriber.domain = None
        subscriber.erased_at = at
    db.session.flush()
    return bool(fresh)


def forget_unconfirmed(*, at: datetime) -> int:
    """End what nobody confirmed within a week, and forget those who have nothing else.

    No hash is kept of them: somebody else may have typed their address. Returns how many ended;
    at most AT_ONCE, so call again while it is not 0.
    """
    stale = db.session.execute(
        sa.select(Subscription.id, Subscription.subscriber_id)
        .where(
            Subscription.state == SubscriptionState.PENDING,
            Subscription.asked_at < at - UNCONFIRMED_FOR,
        )
        .order_by(Subscription.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    subscriptions = [row.id for row in stale]
    people = {row.subscriber_id for row in stale}
    with_more = set(
        db.session.scalars(
            sa.select(Subscription.subscriber_id).where(
                Subscription.subscriber_id.in_(people), Subscription.id.not_in(subscriptions)
            )
        )
    )
    _end(Subscription.id.in_(subscriptions), at)
    _forget_deliveries(sorted(people - with_more))
    for subscriber in db.session.scalars(
        sa.select(Subscriber).where(Subscriber.id.in_(people - with_more))
    ):
        subscriber.address = None
        subscriber.domain = None
        subscriber.address_hash = random.token_bytes(32)
        subscriber.erased_at = at
    db.session.flush()
    return len(stale)


def forget_attempts(*, at: datetime) -> None:
    """Drop the sign-up counts that no limit looks at any more."""
    db.session.execute(
        sa.delete(SignupAttempt)
        .where(SignupAttempt.at < at - ATTEMPTS_FOR)
        .execution_options(synchronize_session=False)
    )


def _is_suppressed(hashes: Sequence[bytes]) -> bool:
    return bool(
        db.session.scalar(sa.select(sa.exists().where(Suppression.address_hash.in_(hashes))))
    )


def _end(which: sa.ColumnElement[bool], at: datetime) -> None:
    """End the open ones, and drop the hash of the IP number from them all."""
    for changes, where in (
        (
            {"state": SubscriptionState.ENDED, "ended_at": at, "ended_reason": EndedReason.ERASE},
            Subscription.ended_at.is_(None),
        ),
        ({"consent_ip_hash": None}, Subscription.consent_ip_hash.is_not(None)),
    ):
        db.session.execute(
            sa.update(Subscription)
            .where(which, where)
            .values(**changes)
            .execution_options(synchronize_session="fetch")
        )


def _forget_deliveries(subscriber_ids: Sequence[int]) -> None:
    """No address and no server's reply, which often repeats it; waiting ones are called off.

    One that a sender holds right now is left to it: it looks at suppressions before it sends.
    """
    delivery = Base.metadata.tables["delivery"]
    attempt = Base.metadata.tables["delivery_attempt"]
    theirs = delivery.c.subscriber_id.in_(subscriber_ids)
    db.session.execute(
        sa.update(delivery)
        .where(theirs, delivery.c.due_at.is_not(None))
        .values(state="suppressed", due_at=None)
    )
    db.session.execute(
        sa.update(attempt)
        .where(attempt.c.delivery_id.in_(sa.select(delivery.c.id).where(theirs)))
        .values(reply="")
    )
    db.session.execute(sa.update(delivery).where(theirs).values(address=None, reply=None))
