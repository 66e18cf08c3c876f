"""Mails that have gone out, and short ways to let something come back."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.db import db
from subscribers.audience import addresses
from subscribers.audience.models import Subscriber, Subscription, SubscriptionState, Topic
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.returns import applying, refusals
from subscribers.mailings.returns.applying import Came, Taken
from subscribers.mailings.sending import envelopes
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import Reply
from tests.conftest import SECRET
from tests.factories import A_MORNING
from tests.subscribers.mailings.returns import samples
from tests.subscribers.mailings.returns.samples import About

LANES = {
    MailingKind.RELEASE: Lane.RELEASE,
    MailingKind.CONFIRMATION: Lane.CONFIRMATION,
    MailingKind.LETTER: Lane.CONFIRMATION,
}
LATER = A_MORNING + timedelta(minutes=5)


def reader(
    address: str = "anna@reader.example",
    *,
    state: SubscriptionState = SubscriptionState.ACTIVE,
    at: datetime = A_MORNING - timedelta(days=100),
) -> Subscription:
    """A subscription of an address, to everything."""
    read = addresses.read(address, secrets=(SECRET,))
    person = Subscriber(
        address=read.norm,
        domain=read.domain,
        address_hash=read.hash,
        language="sv",
        created_at=at,
    )
    subscription = Subscription(
        subscriber=person,
        topic=db.session.scalars(sa.select(Topic)).one(),
        state=state,
        asked_at=at,
        consent_at=at if state is SubscriptionState.ACTIVE else None,
    )
    db.session.add(subscription)
    db.session.commit()
    return subscription


def mailing(number: int = 1, *, kind: MailingKind = MailingKind.RELEASE) -> Mailing:
    """A mailing under way."""
    made = Mailing(
        key=f"{kind.value}:{number}",
        kind=kind,
        lane=LANES[kind],
        state=MailingState.RUNNING,
        language="sv",
        topics=["press-releases"],
        subject="Drygt 10 miljoner",
        queued_at=A_MORNING,
    )
    db.session.add(made)
    db.session.commit()
    return made


def sent(
    subscription: Subscription,
    under: Mailing,
    *,
    at: datetime = A_MORNING,
    state: DeliveryState = DeliveryState.SENT,
) -> Delivery:
    """A mail that a server took, unless another state is given."""
    person = subscription.subscriber
    made = Delivery(
        mailing=under,
        subscriber_id=person.id,
        subscription_id=subscription.id,
        address=person.address,
        address_hash=person.address_hash,
        state=state,
        attempts=1,
        first_try_at=at,
        sent_at=at if state is DeliveryState.SENT else None,
        due_at=at if state is DeliveryState.QUEUED else None,
    )
    db.session.add(made)
    db.session.commit()
    return made


def about(delivery: Delivery, **changes: str) -> About:
    """What a report on this delivery is about."""
    given = {
        "to": envelopes.sender(delivery.id),
        "recipient": delivery.address or "anna@reader.example",
        "message_id": envelopes.message_id(delivery.id),
    }
    return About(**{**given, **changes})


def report(delivery: Delivery, reason: str = "unknown", **changes: str) -> bytes:
    return samples.postfix(about(delivery, **changes), samples.REASONS[reason])


def take_in(raw: bytes, *, at: datetime = LATER, source: str = "pipe") -> Taken:
    """One mail, read and committed."""
    (taken,) = applying.take_in([Came(raw)], source=source, at=at)
    db.session.commit()
    return taken


def refuse(
    *deliveries: Delivery, text: str = "5.1.1 no such user", code: int = 550, at: datetime = LATER
) -> None:
    """What a sender does with a refusal: it writes the answer down, and tells."""
    for one in deliveries:
        one.state = DeliveryState.FAILED
        one.code, one.sent_at, one.due_at = code, None, None
    db.session.flush()
    outcomes = [
        Outcome(
            delivery_id=one.id,
            mailing_id=one.mailing_id,
            kind=one.mailing.kind,
            domain_group=one.domain_group,
            subscriber_id=one.subscriber_id,
            domain=(one.address or "").rpartition("@")[2],
            reply=Reply(code, text),
        )
        for one in deliveries
    ]
    refusals.mark_refusals(outcomes, at=at)
    db.session.commit()


def count(model: type, *where: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0
