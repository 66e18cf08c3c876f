"""Whom a digest is for: people by which of a period's releases they are to get.

Each release of the period is a bit. A person's bit is set when they follow one of its topics by
this kind of digest, follow none of them at once, and it has not been written down for them before,
in whatever mailing. People with the same bits get the same mail. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import db
from subscribers.audience.models import (
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionState,
    Topic,
)
from subscribers.mailings.models import Announced, Delivery, MailingItem
from subscribers.mailings.reachable import can_be_written_to

Own = aliased(Subscription)


@dataclass(frozen=True)
class Item:
    """One release, as far as it matters for whom it is."""

    story: str
    at: datetime
    topics: tuple[str, ...]


@dataclass(frozen=True)
class Digest:
    """The releases of one period, in one language, for one kind of reader.

    Whoever said yes before `until` gets all of the period.
    """

    frequency: Frequency
    language: str
    until: datetime
    items: tuple[Item, ...]

    def as_data(self, mask: str) -> dict[str, Any]:
        """As a mailing keeps it for those whose bits are `mask`, the first item's bit first."""
        return {
            "digest": {
                "frequency": self.frequency.value,
                "until": self.until.isoformat(),
                "items": [[one.story, one.at.isoformat(), list(one.topics)] for one in self.items],
                "mask": mask,
            }
        }


def from_data(told: Mapping[str, Any], *, language: str) -> tuple[Digest, str]:
    """The digest and the bits that `as_data` wrote down."""
    items = tuple(
        Item(story, datetime.fromisoformat(at), tuple(topics))
        for story, at, topics in told["items"]
    )
    until = datetime.fromisoformat(told["until"])
    return Digest(Frequency(told["frequency"]), language, until, items), told["mask"]


def announced(language: str, *, since: datetime, until: datetime) -> list[Announced]:
    """What was announced after `since` and up to `until` and still stands, the oldest first."""
    return list(
        db.session.scalars(
            sa.select(Announced)
            .where(
                Announced.language == language,
                Announced.at > since,
                Announced.at <= until,
                Announced.withdrawn_at.is_(None),
            )
            .order_by(Announced.at, Announced.id)
        )
    )


def item_of(row: Announced) -> Item:
    return Item(row.story, row.at, tuple(row.topics))


def people(digest: Digest, mask: str) -> sa.Select[int]:
    """Those whose bits are `mask`, as things stand now: a query over Subscription by its id."""
    ids = _topic_ids(digest)
    wanted = [one for one, bit in zip(digest.items, mask, strict=True) if bit == "1"]
    return (
        sa.select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.topic_id.in_(_ids(wanted, ids)),
            Subscription.frequency == digest.frequency,
            Subscription.consent_at <= digest.until,
            Subscriber.language == digest.language,
            *can_be_written_to(),
            _mask(digest, ids) == mask,
        )
    )


def masks(digest: Digest) -> list[str]:
    """The different bits that people have, without those that are to get nothing."""
    if not digest.items:
        return []
    ids = _topic_ids(digest)
    found = db.session.scalars(
        sa.select(_mask(digest, ids))
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.topic_id.in_(_ids(digest.items, ids)),
            Subscription.frequency == digest.frequency,
            Subscription.consent_at <= digest.until,
            Subscriber.language == digest.language,
            *can_be_written_to(),
        )
        .distinct()
    )
    return sorted(mask for mask in found if "1" in mask)


def mask_of(subscriber_id: int, digest: Digest) -> str:
    """One person's bits."""
    if not digest.items:
        return ""
    mask = _mask(digest, _topic_ids(digest))
    return db.session.scalars(sa.select(mask).where(Subscriber.id == subscriber_id)).one()


def _mask(digest: Digest, ids: Mapping[str, int]) -> sa.ColumnElement[str]:
    carrying = _carrying(digest)
    bits: list[sa.ColumnElement[str]] = [
        sa.case(
            (_is_to_get(one, digest, _ids([one], ids), carrying.get(one.story, [])), "1"),
            else_="0",
        )
        for one in digest.items
    ]
    return reduce(add, bits)


def _is_to_get(
    item: Item, digest: Digest, topic_ids: Sequence[int], mailing_ids: Sequence[int]
) -> sa.ColumnElement[bool]:
    follows = sa.exists().where(
        Own.subscriber_id == Subscriber.id,
        Own.ended_at.is_(None),
        Own.state == SubscriptionState.ACTIVE,
        Own.topic_id.in_(topic_ids),
    )
    by_digest = follows.where(Own.frequency == digest.frequency, Own.consent_at <= digest.until)
    at_once = follows.where(Own.frequency == Frequency.IMMEDIATE, Own.consent_at <= item.at)
    has = sa.exists().where(
        Delivery.mailing_id.in_(mailing_ids), Delivery.address_hash == Subscriber.address_hash
    )
    return sa.and_(by_digest, ~at_once, ~has)


def _carrying(digest: Digest) -> dict[str, list[int]]:
    """The mailings that have carried each release, whichever version of it."""
    stories = [one.story for one in digest.items]
    rows = db.session.execute(
        sa.select(MailingItem.story, MailingItem.mailing_id)
        .where(MailingItem.story.in_(stories))
        .order_by(MailingItem.mailing_id)
    )
    found: dict[str, list[int]] = {}
    for story, mailing_id in rows:
        found.setdefault(story, []).append(mailing_id)
    return found


def _topic_ids(digest: Digest) -> dict[str, int]:
    slugs = {slug for one in digest.items for slug in one.topics}
    rows = db.session.execute(sa.select(Topic.slug, Topic.id).where(Topic.slug.in_(slugs)))
    return {slug: topic_id for slug, topic_id in rows}  # noqa: C416 - rows are no pairs


def _ids(items: Sequence[Item], ids: Mapping[str, int]) -> list[int]:
    return sorted({ids[slug] for one in items for slug in one.topics if slug in ids})
