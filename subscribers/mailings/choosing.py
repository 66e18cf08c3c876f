"""What the holder of a secret link may do: leave, hear less often, choose topics and language.

A link may have been forwarded, so nothing here tells the address, gives out what we know, or starts
mail that its owner has not said yes to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from app.core.audit import record
from app.core.db import db
from subscribers.audience import links, subscribing
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import EndedReason, Frequency, Subscriber, Subscription
from subscribers.mailings.digests.digesting import catch_up
from subscribers.mailings.models import Delivery, Mailing


def given_by(subscription: Subscription, delivery_id: int) -> list[Subscription]:
    """The open subscriptions for which a mail came, the one that its link names first.

    One mail about a release in two topics comes for both, so leaving it ends both. Without such a
    mail, or with it cleared away, it is the one that the link names.
    """
    topics = db.session.scalar(
        sa.select(Mailing.topics)
        .join(Delivery, Delivery.mailing_id == Mailing.id)
        .where(Delivery.id == delivery_id, Delivery.subscriber_id == subscription.subscriber_id)
    )
    return [
        one
        for one in subscribing.open_of(subscription.subscriber_id)
        if one.id == subscription.id
        or (one.topic.slug in (topics or ()) and one.frequency is subscription.frequency)
    ]


def leave(token: str, *, reason: EndedReason, at: datetime) -> Subscription | None:
    """End what the link's mail came for, now or long ago; None when nothing is left of it.

    Raises NotFound only for a link that we never made.
    """
    said = links.read_unsubscribe(token, secrets=secrets_in_force())
    subscription = subscribing.find(said.public_id)
    if subscription is not None:
        leave_mail(subscription, said.delivery_id, reason=reason, at=at)
    return subscription


def leave_mail(
    subscription: Subscription, delivery_id: int, *, reason: EndedReason, at: datetime
) -> None:
    """End what one mail came for. A link of what has ended before ends nothing more."""
    if subscription.ended_at is None:
        for one in given_by(subscription, delivery_id):
            subscribing.end(one, reason=reason, at=at)


def hear_weekly(subscriptions: Sequence[Subscription], *, at: datetime) -> None:
    """Once a week from now on, instead of leaving. No commit."""
    change(dict.fromkeys(subscriptions, Frequency.WEEKLY), at=at)


def change(wishes: Mapping[Subscription, Frequency | None], *, at: datetime) -> bool:
    """How soon to hear of each topic; None is to leave it. Whether anything is different now.

    What a digest would have brought comes at once, before it is left for something else. No commit.
    """
    for one in sorted(wishes, key=lambda one: one.id):  # who presses twice at once changes it once
        db.session.refresh(one, with_for_update={"of": Subscription})
    kept = [(one, wish) for one, wish in wishes.items() if wish is not None]
    for subscriber_id, left in {
        (one.subscriber_id, one.frequency) for one, wish in kept if one.frequency is not wish
    }:
        catch_up(subscriber_id, left, at=at)
    changed = [_hear(one, wish, at=at) for one, wish in kept]
    changed += [
        subscribing.end(one, reason=EndedReason.USER_LINK, at=at)
        for one, wish in wishes.items()
        if wish is None
    ]
    return any(changed)


def _hear(subscription: Subscription, frequency: Frequency, *, at: datetime) -> bool:
    """Change how soon somebody hears of a topic, and write it into their history."""
    before = subscription.frequency
    changed = subscribing.choose_frequency(subscription, frequency)
    if changed:
        record(
            "subscriber.choose",
            "subscriber",
            subscription.subscriber_id,
            by=None,
            at=at,
            topic=subscription.topic.slug,
            frequency=frequency.value,
            instead_of=before.value,
        )
    return changed


def leave_all(subscriber: Subscriber, *, at: datetime) -> None:
    """End everything, by a page. No commit."""
    subscribing.end_all(subscriber, reason=EndedReason.USER_LINK, at=at)
