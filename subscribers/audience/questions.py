"""What the office asks about its subscribers: how many, who, and what happened to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.core.db import db
from app.core.errors import BadInput, NotFound
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import (
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)

PAGE = 50
FEW = 1000  # people a filter may find to be taken one by one; of more, the next is never far


@dataclass(frozen=True)
class Wanted:
    """Which subscribers somebody looks for; each condition that is not empty has to hold.

    `text` is how an address begins, or a whole domain as `@svt.se`.
    """

    text: str = ""
    state: str = ""
    topic: str = ""
    language: str = ""
    frequency: str = ""
    reason: str = ""

    def in_address(self) -> dict[str, Any]:
        """The conditions that are not empty, as the address carries them."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def asks_of_subscriptions(self) -> bool:
        return bool(self.state or self.topic or self.frequency or self.reason)


@dataclass(frozen=True)
class Page:
    """Some subscribers, the newest first; `next` is what `before` must be to go on, or None."""

    people: Sequence[Subscriber]
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


def page(wanted: Wanted | None = None, *, before: int | None = None, size: int = PAGE) -> Page:
    """One page of those wanted. Its place is a row, so people coming and going never shift it.

    Asks a fixed number of questions, each along an index.
    """
    wanted = wanted or Wanted()
    chosen = (
        people(wanted)
        .options(selectinload(Subscriber.subscriptions).joinedload(Subscription.topic))
        .order_by(Subscriber.id.desc())
        .limit(size + 1)
    )
    if before is not None:
        chosen = chosen.where(Subscriber.id < before)
    rows = db.session.scalars(chosen).all()
    return Page(rows[:size], rows[size - 1].id if len(rows) > size else None)


def people(wanted: Wanted) -> sa.Select[Subscriber]:
    """The subscribers that meet the conditions, in no order."""
    chosen = sa.select(Subscriber)
    text = addresses_begin(wanted.text)
    if text.startswith("@"):
        chosen = chosen.where(Subscriber.domain == text[1:])
    elif text and db.engine.dialect.name == "postgresql":
        chosen = chosen.where(Subscriber.address.startswith(text, autoescape=True))
    elif text:
        # A range, not LIKE, which SQLite takes along no index: it is deaf to capitals there.
        chosen = chosen.where(Subscriber.address >= text, Subscriber.address < text + "\U0010ffff")
    if wanted.language:
        chosen = chosen.where(Subscriber.language == wanted.language)
    if wanted.asks_of_subscriptions:
        few = {
            person
            for half in _halves(wanted)
            for person in db.session.scalars(half.distinct().limit(FEW + 1))
        }
        if len(few) <= FEW:
            chosen = chosen.where(Subscriber.id.in_(few))
        else:
            theirs = _subscriptions(wanted).where(Subscription.subscriber_id == Subscriber.id)
            chosen = chosen.where(theirs.correlate(Subscriber).exists())
    return chosen


def addresses_begin(text: str) -> str:
    """What is typed to find somebody, as addresses are kept: small letters, domains in ASCII."""
    text = text.strip(addresses.SPACES).lower()
    local, at, domain = text.rpartition("@")
    if not at or domain.isascii():
        return text
    try:
        return local + at + domain.encode("idna").decode("ascii")
    except UnicodeError:
        return text


def _halves(wanted: Wanted) -> list[sa.Select[int]]:
    """The subscribers of the subscriptions that are asked for: the active, and the others.

    Each has a partial index, which is taken only where its condition stands in so many words.
    """
    chosen = _subscriptions(wanted)
    state = wanted.state or ("ended" if wanted.reason else "")
    active = chosen.where(sa.text("subscription.state = 'active'"))
    if state == "active":
        return [active]
    not_active = [SubscriptionState.PENDING, SubscriptionState.ENDED]
    states = [SubscriptionState(state)] if state else not_active
    other = chosen.where(sa.text("subscription.state <> 'active'"), Subscription.state.in_(states))
    return [other] if state else [active, other]


def _subscriptions(wanted: Wanted) -> sa.Select[int]:
    """The same in one, to be asked of each subscriber."""
    chosen = sa.select(Subscription.subscriber_id)
    if wanted.state:
        chosen = chosen.where(Subscription.state == SubscriptionState(wanted.state))
    if wanted.topic:
        topic_ids = sa.select(Topic.id).where(Topic.slug == wanted.topic)
        chosen = chosen.where(Subscription.topic_id.in_(topic_ids))
    elif wanted.frequency:
        chosen = chosen.where(Subscription.topic_id.in_(sa.select(Topic.id)))
    if wanted.frequency:
        chosen = chosen.where(Subscription.frequency == Frequency(wanted.frequency))
    if wanted.reason:
        chosen = chosen.where(Subscription.ended_reason == wanted.reason)
    return chosen


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


def subscription(subscription_id: int) -> Subscription:
    """Raises NotFound."""
    found = db.session.get(
        Subscription, subscription_id, options=[joinedload(Subscription.subscriber)]
    )
    if found is None:
        raise NotFound("no_such_subscriber")
    return found


def suppressions(person: Subscriber) -> list[Suppression]:
    """What forbids writing to this person, about everything or one topic."""
    hashes = {person.address_hash}
    if person.address:
        hashes |= set(addresses.read(person.address, secrets=secrets_in_force()).known_hashes)
    return list(
        db.session.scalars(
            sa.select(Suppression)
            .where(Suppression.address_hash.in_(hashes))
            .order_by(Suppression.scope)
        )
    )
