"""Whom a mailing is for: all who subscribe, those who got an earlier mailing, those who did not.

`Mailing.audience` says which. None is everybody who subscribes to one of its topics and wants to
hear at once. `received` are those whom one of some earlier mailings has reached, in a mail of its
own or in a digest, so that a correction goes to exactly the readers of what was wrong. `missed` are
those of the first of some stopped mailings whom none of them reached. `digest` are those whose
digest it is (`digests`). Whoever has left, is suppressed or erased is in no audience. Nothing is
written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.core.db import db
from subscribers.audience.models import Frequency, Subscriber, Subscription, Topic
from subscribers.mailings.digests import readers as digests
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingItem, MailingKind
from subscribers.mailings.sending.reachable import can_be_written_to, none

Earlier = aliased(Delivery)

# Of several topics no index knows the next people, and to sort them out anew for each part takes
# longer the longer the list is.
_SUBSCRIPTIONS = sa.select(Subscription.id)

# What has been decided about an address, so that a stopped mailing has not missed it.
DONE = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SUPPRESSED)


@dataclass(frozen=True)
class Audience:
    """People as a query over Subscriber and Subscription, in the order of `place`.

    `place` only rises, so that a cursor can go along it. `part` is how many to look at in one
    transaction, where they are dear to find; `among` are then more than the people, and quick to
    count a part off. `late` finds those who came in behind the cursor; None where nobody can.
    """

    people: sa.Select[int]
    place: InstrumentedAttribute[int]
    part: int | None = None
    among: sa.Select[int] | None = None
    late: sa.Select[int] | None = None


def audience_of(mailing: Mailing) -> Audience:
    """Everybody the mailing is for, as things stand now."""
    told = mailing.audience or {}
    if "received" in told:
        people = received(told["received"], topics=mailing.topics)
        return Audience(people, Earlier.id, late=people.where(_not_written_down(mailing)))
    if "missed" in told:
        people = missed(told["missed"], topics=mailing.topics)
        return Audience(people, Subscription.id, among=_SUBSCRIPTIONS)
    if "digest" in told:
        digest, mask = digests.from_data(told["digest"], language=mailing.language)
        return Audience(
            digests.people(digest, mask),
            Subscription.id,
            part=digests.stretch(digest),
            among=digests.candidates(digest),
        )
    return Audience(_everybody(mailing), Subscription.id, among=_SUBSCRIPTIONS)


def is_settled(mailing: Mailing) -> bool:
    """Whether the mailings it depends on are over, with no mail of theirs in the open."""
    told = mailing.audience or {}
    keys = [*told.get("received", ()), *told.get("missed", ())]
    if not keys:
        return True
    sources = carrying(keys)
    running = sa.exists().where(Mailing.id.in_(sources), Mailing.finished_at.is_(None))
    held = sa.exists().where(Delivery.mailing_id.in_(sources), Delivery.lease_until.is_not(None))
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
            Earlier.mailing_id.in_(carrying(keys)),
            sa.or_(Earlier.state == DeliveryState.SENT, Earlier.uncertain_count > 0),
            Topic.slug.in_(topics),
            *can_be_written_to(),
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
            Subscription.frequency == Frequency.IMMEDIATE,
            none(decided),
            *can_be_written_to(),
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
            Subscription.frequency == Frequency.IMMEDIATE,
            Subscription.consent_at <= (mailing.starts_at or mailing.queued_at),
            Subscriber.language == mailing.language,
            *_without_those_who_have(mailing),
            *can_be_written_to(),
        )
    )


def _without_those_who_have(mailing: Mailing) -> list[sa.ColumnElement[bool]]:
    """Not those for whom its release is written down already, such as in a digest they have left.

    Nothing to ask as long as no other mailing carries it.
    """
    story = sa.select(MailingItem.story).where(
        MailingItem.mailing_id == mailing.id, MailingItem.story != ""
    )
    others = db.session.scalars(
        sa.select(MailingItem.mailing_id).where(
            MailingItem.story.in_(story), MailingItem.mailing_id != mailing.id
        )
    ).all()
    if not others:
        return []
    return [
        none(
            sa.select(Delivery.id).where(
                Delivery.mailing_id.in_(others), Delivery.address_hash == Subscriber.address_hash
            )
        )
    ]


def _not_written_down(mailing: Mailing) -> sa.ColumnElement[bool]:
    return none(
        sa.select(Delivery.id).where(
            Delivery.mailing_id == mailing.id, Delivery.address_hash == Subscriber.address_hash
        )
    )


def carrying(keys: Sequence[str]) -> sa.CompoundSelect[int]:
    """The mailings of these keys, and the digests in which they stand."""
    digests_with = sa.select(MailingItem.mailing_id).where(MailingItem.key.in_(keys))
    return _ids(keys).union(digests_with)


def in_digests(keys: Sequence[str]) -> tuple[str, ...]:
    """Those of the keys that stand in a digest, in their order."""
    found = set(
        db.session.scalars(
            sa.select(MailingItem.key)
            .join(Mailing, Mailing.id == MailingItem.mailing_id)
            .where(MailingItem.key.in_(keys), Mailing.kind == MailingKind.DIGEST)
        )
    )
    return tuple(key for key in keys if key in found)


def _ids(keys: Sequence[str]) -> sa.Select[int]:
    return sa.select(Mailing.id).where(Mailing.key.in_(keys))
