"""The people these tests are about, and short ways to bring them on stage."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.core.db import db
from subscribers.audience import links, subscribing
from subscribers.audience.models import Subscription, SubscriptionState, Suppression
from tests.conftest import SECRET
from tests.factories import A_MORNING

DORA = "dora@reader.example"
HOME = "192.0.2.7"


def ask(email: str = DORA, *, ip: str = HOME, at: datetime = A_MORNING) -> subscribing.Asked:
    asked = subscribing.ask(email, language="sv", source="form", ip=ip, at=at)
    db.session.commit()
    return asked


def pending(email: str = DORA, *, at: datetime = A_MORNING) -> Subscription:
    subscription = ask(email, at=at).subscription
    assert subscription is not None
    return subscription


def active(email: str = DORA, *, at: datetime = A_MORNING) -> Subscription:
    subscription = pending(email, at=at)
    subscribing.confirm(confirm_token(subscription), ip=HOME, at=at)
    db.session.commit()
    return subscription


def suppress(subscription: Subscription, *, reason: str = "complaint", at: datetime) -> None:
    """What a complaint leaves behind."""
    subscribing.end(subscription, reason=subscribing.EndedReason.COMPLAINT, at=at)
    address_hash = subscription.subscriber.address_hash
    db.session.add(
        Suppression(address_hash=address_hash, scope="all", reason=reason, created_at=at)
    )
    db.session.commit()


def confirm_token(subscription: Subscription, *, asked_at: datetime | None = None) -> str:
    return links.confirm_token(
        subscription.public_id, asked_at=asked_at or subscription.asked_at, secret=SECRET
    )


def unsubscribe_token(subscription: Subscription) -> str:
    return links.unsubscribe_token(subscription.public_id, delivery_id=7, secret=SECRET)


def preferences_token(subscription: Subscription) -> str:
    return links.preferences_token(subscription.public_id, delivery_id=7, secret=SECRET)


def state_of(subscription: Subscription) -> SubscriptionState:
    """As the database has it now."""
    db.session.expire_all()
    return subscription.state


def how_many(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
