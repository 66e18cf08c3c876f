"""Subscribers and announcements for the tests of this folder."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from app.core.db import db
from app.core.tokens import derive
from subscribers.audience.models import (
    Subscriber,
    Subscription,
    SubscriptionState,
    Topic,
)
from subscribers.mailings.models import Delivery, Mailing
from subscribers.mailings.sending.delivering import deliver
from subscribers.mailings.writing.queueing import Announcement, queue
from tests.factories import A_MORNING


def subscriber(
    address: str,
    *,
    language: str = "sv",
    state: SubscriptionState = SubscriptionState.ACTIVE,
    topic: Topic | None = None,
) -> Subscription:
    """A committed subscription, to everything, confirmed the day before unless it is pending."""
    key = derive(current_app.config["SECRET_KEY"], "address")
    person = Subscriber(
        address=address,
        domain=address.rpartition("@")[2].lower(),
        address_hash=hmac.digest(key, address.lower().encode(), hashlib.sha256),
        language=language,
        created_at=A_MORNING,
    )
    subscription = Subscription(
        subscriber=person,
        topic=topic or db.session.scalars(sa.select(Topic).order_by(Topic.id)).first(),
        state=state,
        asked_at=A_MORNING - timedelta(days=1),
        consent_at=A_MORNING - timedelta(days=1) if state is SubscriptionState.ACTIVE else None,
    )
    db.session.add(subscription)
    db.session.commit()
    return subscription


def subscribers(count: int, *, language: str = "sv") -> list[str]:
    addresses = [f"reader{n}@news.example" for n in range(count)]
    for address in addresses:
        subscriber(address, language=language)
    return addresses


def announcement(**changes: object) -> Announcement:
    given: dict[str, object] = {
        "key": "release:1:r1:sv",
        "language": "sv",
        "topics": ("press-releases",),
        "subject": "Drygt 10,6 miljoner kronor till demokratisamarbete",
        "text": "Elva får dela på 10\u00a0641\u00a0000 kronor.",
        "html": "<p>Elva får dela på 10\u00a0641\u00a0000 kronor.</p>",
        "page_url": "https://press.example/sv/releases/drygt",
    }
    return Announcement(**{**given, **changes})  # type: ignore[arg-type]


def queued(**changes: object) -> Mailing:
    mailing = queue(announcement(**changes), at=A_MORNING)
    db.session.commit()
    return mailing


def send_all() -> None:
    """Let this process send what is due. The test's own transaction would lock the senders out."""
    db.session.rollback()
    deliver()


def states(mailing_id: int) -> dict[str, int]:
    """How many deliveries stand in each state."""
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Delivery.state, sa.func.count())
        .where(Delivery.mailing_id == mailing_id)
        .group_by(Delivery.state)
    )
    return {state.value: count for state, count in rows}


def delivery(address: str) -> Delivery:
    db.session.rollback()
    return db.session.scalars(sa.select(Delivery).where(Delivery.address == address)).one()


__all__ = [
    "announcement",
    "delivery",
    "queued",
    "send_all",
    "states",
    "subscriber",
    "subscribers",
]
