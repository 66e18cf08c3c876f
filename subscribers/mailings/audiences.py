"""Whom a mailing is for: all who subscribe, those who got an earlier mailing, those who did not.

`Mailing.audience` says which. None is everybody who subscribes to one of its topics. `received`
are those whom one of some earlier mailings has reached, so that a correction goes to exactly the
readers of what was wrong. `missed` are those of the first of some stopped mailings whom none of
them reached. Whoever has left, is suppressed or erased is in no audience. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.core.db import db
from subscribers.audience.models import (
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)
from subscribers.mailings.models import Delivery, DeliveryState, Mailing

Earlier = aliased(Delivery)

# What has been decided about an address, so that a stopped mailing has not missed it.
DONE = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SUPPRESSED)


@dataclass(frozen=True)
class Audience:
    """People as a query over Subscriber and Subscription, in the order of `place`.

    `place` only rises, so that a cursor can go along it. `late` finds those who came in behind the
    cursor; None where nobody can.
    """

    people: sa.Select[int]
    place: InstrumentedAttribute[int]
    late: sa.Select[int] | None = None


def audience_of(mailing: Mailing) -> Audience:
    """Everybody the mailing is for, as things stand now."""
    told = mailing.audience or {}
    if "received" in told:
        people = received(told["received"], topics=mailing.topics)
        return Audience(people, Earlier.id, late=people.where(_not_written_down(mailing)))
    if "missed" in told:
        return Audience(missed(told["missed"], topics=mailing.topics), Subscription.id)
    return Audience(_everybody(mailing), Subscription.id)


def is_settled(mailing: Mailing) -> bool:
    """Whether the mailings it depends on are over, with no mail of theirs in the open."""
    keys = [key for named in (mailing.audience or {}).values() for key in named]
    if not keys:
        return True
    running = sa.exists().where(Mailing.key.in_(keys), Mailing.finished_at.is_(None))
    held = sa.exists().where(Delivery.mailing_id.in_(_ids(keys)), Delivery.lease_until.is_not(None))
    return not db.session.scalar(sa.select(sa.or_(running, held)))


def received(keys: Sequence[str], *, topics: Sequence[str]) -> sa.Select[int]:
    """Those whom one of the mailings has reached, or may have: the answer to their dot was lost.

    In any language: whoever got the words must hear that they were wrong.
    """
    return (
        sa.select(Earlier.id)
        .join(Subscriber, Subscriber.id == Earlier.subscriber_id)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(
            Earlier.mailing_id.in_(_ids(keys)),
            sa.or_(Earlier.state == DeliveryState.SENT, Earlier.uncertain_count > 0),
            Topic.slug.in_(topics),
            *_can_be_written_to(),
        )
    )


def missed(keys: Sequence[str], *, topics: Sequence[str]) -> sa.Select[int]:
    """Those whom the first of the mailings was for and whom none of them has reached or tried in
    vain. The later ones were for those whom the first had missed."""
    first = aliased(Mailing)
    decided = sa.select(Earlier.id).where(
        Earlier.subscriber_id == Subscriber.id,
        Earlier.mailing_id.in_(_ids(keys)),
        sa.or_(Earlier.state.in_(DONE), Earlier.uncertain_count > 0),
    )
    return (
        sa.select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .join(first, first.key.in_(keys[:1]))
        .where(
            Topic.slug.in_(topics),
            Subscription.consent_at <= sa.func.coalesce(first.starts_at, first.queued_at),
            Subscriber.language == first.language,
            _none(decided),
            *_can_be_written_to(),
        )
    )


def how_many(people: sa.Select[int]) -> int:
    """How many addresses an audience holds at this moment."""
    distinct = people.with_only_columns(sa.func.count(Subscriber.id.distinct()))
    return db.session.scalar(distinct) or 0


def _everybody(mailing: Mailing) -> sa.Select[int]:
    return (
        sa.select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(
            Topic.slug.in_(mailing.topics),
            Subscription.consent_at <= (mailing.starts_at or mailing.queued_at),
            Subscriber.language == mailing.language,
            *_can_be_written_to(),
        )
    )


def _can_be_written_to() -> tuple[sa.ColumnElement[bool], ...]:
    suppressed = sa.exists().where(Suppression.address_hash == Subscriber.address_hash)
    return (
        Subscription.state == SubscriptionState.ACTIVE,
        Subscription.ended_at.is_(None),  # follows from it, and lets the index by person be used
        Subscriber.address.is_not(None),
        ~suppressed,
    )


def _not_written_down(mailing: Mailing) -> sa.ColumnElement[bool]:
    return _none(
        sa.select(Delivery.id).where(
            Delivery.mailing_id == mailing.id, Delivery.address_hash == Subscriber.address_hash
        )
    )


def _none(of: sa.Select[int]) -> sa.ColumnElement[bool]:
    """That a person has no such row, asked for each person, which an index answers.

    As NOT EXISTS it becomes a join, in which PostgreSQL compares all with all as long as it does
    not know how many have just been written down.
    """
    return of.correlate(Subscriber).limit(1).scalar_subquery().is_(None)


def _ids(keys: Sequence[str]) -> sa.Select[int]:
    return sa.select(Mailing.id).where(Mailing.key.in_(keys))
