"""Whom a digest is for: people by which of a period's releases they are to get.

Each release of the period is a bit. A person's bit is set when they follow one of its topics by
this kind of digest, follow none of them at once, and it has not been written down for them before,
in whatever mailing. People with the same bits get the same mail, and nobody two of one period.
Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from subscribers.mailings.models import (
    Announced,
    Delivery,
    DeliveryState,
    Mailing,
    MailingItem,
    MailingKind,
)
from subscribers.mailings.sending.reachable import can_be_written_to

Own = aliased(Subscription)


LOOKS = 10_000  # at one release for one person, in one transaction
LOOKED_OVER = 100_000  # the same, where nothing is written and nobody waits
LEAST = 200  # people looked at together, of however many releases
# What was called off before it went does not keep a release out of the digest.
GOES_OR_WENT = sa.or_(Delivery.state != DeliveryState.CANCELLED, Delivery.uncertain_count > 0)
WITHDRAWN = "withdrawn"  # why a digest was called off: others follow, without that release
CATCHING_UP = "digest:now:"  # how the key of a digest to one person begins


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

    @property
    def prefix(self) -> str:
        """How the keys of all its mailings begin."""
        moment = self.until.astimezone(UTC)
        return f"digest:{self.frequency.value}:{self.language}:{moment:%Y-%m-%dT%H:%M:%S.%f}:"

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


def candidates(digest: Digest) -> sa.Select[int]:
    """Who may be among `people`: found without a look at anybody's bits, which are dear."""
    ids = _ids(digest.items, _topic_ids(digest))
    return sa.select(Subscription.id).where(
        Subscription.topic_id.in_(ids), Subscription.frequency == digest.frequency
    )


def stretch(digest: Digest) -> int:
    """Of how many candidates the bits are found in a tenth of a second or two."""
    return max(LEAST, LOOKS // len(digest.items))


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
            *_not_in_this_one(digest),
            _mask(digest, ids) == mask,
        )
    )


def stretches(digest: Digest) -> Iterator[tuple[int, int]]:
    """The subscriptions in parts, by their numbers: from above one up to another. However long the
    list is, the bits of a part are found in a second or less, along the index by topic."""
    if not digest.items:
        return
    last = db.session.scalar(sa.select(sa.func.max(Subscription.id))) or 0
    size = max(LEAST, LOOKED_OVER // len(digest.items))
    for start in range(0, last, size):
        yield start, start + size


def masks(digest: Digest, *, above: int = 0, upto: int | None = None) -> list[str]:
    """The different bits that people have, without those that are to get nothing.

    Of those with a subscription in one stretch, where one is given.
    """
    if not digest.items:
        return []
    ids = _topic_ids(digest)
    here = [Subscription.id > above]
    if upto is not None:
        here.append(Subscription.id <= upto)
    found = db.session.scalars(
        sa.select(_mask(digest, ids))
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.topic_id.in_(_ids(digest.items, ids)),
            Subscription.frequency == digest.frequency,
            Subscription.consent_at <= digest.until,
            Subscriber.language == digest.language,
            *here,
            *can_be_written_to(),
            *_not_in_this_one(digest),
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
            (_is_to_get(one, digest, _ids([one], ids), carrying.get(one.story, Carriers())), "1"),
            else_="0",
        )
        for one in digest.items
    ]
    return reduce(add, bits)


def _is_to_get(
    item: Item, digest: Digest, topic_ids: Sequence[int], carriers: Carriers
) -> sa.ColumnElement[bool]:
    follows = sa.exists().where(
        Own.subscriber_id == Subscriber.id,
        Own.ended_at.is_(None),
        Own.state == SubscriptionState.ACTIVE,
        Own.topic_id.in_(topic_ids),
    )
    by_digest = follows.where(Own.frequency == digest.frequency, Own.consent_at <= digest.until)
    at_once = follows.where(Own.frequency == Frequency.IMMEDIATE, Own.consent_at <= item.at)
    wanted = [by_digest, ~at_once]
    if carriers.to_many:
        wanted.append(~_is_in(carriers.to_many, GOES_OR_WENT))
    if carriers.to_one:  # asked once and not for each person: there may be thousands of them
        caught_up = sa.select(Delivery.subscriber_id).where(
            Delivery.mailing_id.in_(carriers.to_one), Delivery.subscriber_id.is_not(None)
        )
        wanted.append(Subscriber.id.not_in(caught_up))
    return sa.and_(*wanted)


def _not_in_this_one(digest: Digest) -> list[sa.ColumnElement[bool]]:
    """Written down in none of its mailings yet: what they want may have changed in between."""
    rows = db.session.execute(
        sa.select(Mailing.id, Mailing.pause_facts).where(
            Mailing.kind == MailingKind.DIGEST,
            Mailing.key.startswith(digest.prefix, autoescape=True),
        )
    ).all()
    ids = [row.id for row in rows if WITHDRAWN not in row.pause_facts]
    called_off = [row.id for row in rows if WITHDRAWN in row.pause_facts]
    found = [~_is_in(ids)] if ids else []
    return [*found, ~_is_in(called_off, GOES_OR_WENT)] if called_off else found


def _is_in(mailing_ids: Sequence[int], *those: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Delivery.mailing_id.in_(mailing_ids),
        Delivery.address_hash == Subscriber.address_hash,
        *those,
    )


@dataclass
class Carriers:
    """The mailings that have carried a release, whichever version of it, by their ids."""

    to_many: list[int] = field(default_factory=list)
    to_one: list[int] = field(default_factory=list)


def _carrying(digest: Digest) -> dict[str, Carriers]:
    """Of each release, but for those of this very digest."""
    stories = [one.story for one in digest.items]
    rows = db.session.execute(
        sa.select(MailingItem.story, Mailing.id, Mailing.key)
        .join(Mailing, Mailing.id == MailingItem.mailing_id)
        .where(MailingItem.story.in_(stories))
        .order_by(Mailing.id)
    )
    found: dict[str, Carriers] = {}
    for story, mailing_id, key in rows:
        carriers = found.setdefault(story, Carriers())
        if key.startswith(CATCHING_UP):
            carriers.to_one.append(mailing_id)
        elif not key.startswith(digest.prefix):
            carriers.to_many.append(mailing_id)
    return found


def _topic_ids(digest: Digest) -> dict[str, int]:
    slugs = {slug for one in digest.items for slug in one.topics}
    rows = db.session.execute(sa.select(Topic.slug, Topic.id).where(Topic.slug.in_(slugs)))
    return {slug: topic_id for slug, topic_id in rows}  # noqa: C416 - rows are no pairs


def _ids(items: Sequence[Item], ids: Mapping[str, int]) -> list[int]:
    return sorted({ids[slug] for one in items for slug in one.topics if slug in ids})
