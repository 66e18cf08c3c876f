"""Signing up, confirming, leaving.

Whoever types an address may be anybody, so asking changes nothing but pending rows, one for each
topic, and only the mail's receiver can make them active. What the person at the form is told never
depends on what we know about the address. An ended subscription stays ended: a new yes is a new
row.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from app.core.db import Base, db, guarded
from app.core.errors import BadInput
from app.core.words import LANGUAGES
from subscribers.audience import addresses, consent_texts, links
from subscribers.audience.addresses import Address, secrets_in_force
from subscribers.audience.models import (
    EndedReason,
    Frequency,
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
    new_public_id,
)

PRESS_RELEASES = "press-releases"
MAILS_PER_DAY = 3
NETWORK_PER_MINUTE = 30
NETWORK_PER_HOUR = 300
DAY = timedelta(hours=24)

log = logging.getLogger(__name__)


class Due(StrEnum):
    """The mail that a sign-up calls for."""

    CONFIRMATION = "confirmation"
    ALREADY = "already"  # subscribes already; said at most once a day


@dataclass(frozen=True)
class Asked:
    """What a sign-up led to. The form's answer must be the same whatever stands here.

    `subscription` is the one that the mail's link names. `adds` says that the address subscribes
    to something else already, so that what it is asked for is a change.
    """

    mail: Due | None = None
    subscription: Subscription | None = None
    adds: bool = False


class Answer(StrEnum):
    """What a confirmation link did."""

    CONFIRMED = "confirmed"
    ALREADY = "already"
    LATE = "late"  # a new link can be had
    ENDED = "ended"  # ended, or forgotten after a week: only a new sign-up helps


class Confirmation(NamedTuple):
    """What a confirmation link says or did.

    `subscription` is the one it names, `together` are those that one press of its button confirms,
    and `is_first` whether the person subscribed to nothing before.
    """

    answer: Answer
    subscription: Subscription | None
    together: Sequence[Subscription] = ()
    is_first: bool = False


def ask(
    email: str,
    *,
    language: str,
    topics: Sequence[str] = (PRESS_RELEASES,),
    frequency: Frequency = Frequency.IMMEDIATE,
    source: str,
    text_version: str = consent_texts.CURRENT,
    ip: str,
    at: datetime,
) -> Asked:
    """Somebody asks that an address be written to about some topics, by their slugs.

    Writes the attempt, as hashes, and at most one pending subscription for each topic. What is
    active already is left as it is, its language and frequency too. Beyond the limits for the
    address or for the network it comes from, nothing is due. Raises BadInput for no address.
    """
    wishes = dict.fromkeys(topics, frequency)
    return ask_for(
        email,
        wishes,
        language=language,
        source=source,
        text_version=text_version,
        ip=ip,
        at=at,
    )


def ask_for(
    email: str,
    wishes: Mapping[str, Frequency],
    *,
    language: str,
    source: str,
    text_version: str = consent_texts.CURRENT,
    ip: str,
    at: datetime,
) -> Asked:
    """As `ask`, with a frequency for each topic."""
    address = addresses.read(email, secrets=secrets_in_force())
    return _ask(
        address,
        wishes,
        language=language,
        source=source,
        text_version=text_version,
        ip=ip,
        at=at,
    )


def ask_again(token: str, *, ip: str, at: datetime) -> Asked:
    """A new link in place of a late one, within the same limits. Raises NotFound."""
    said = links.read_confirm(token, secrets=secrets_in_force())
    subscription = find(said.public_id)
    if subscription is None or subscription.state is not SubscriptionState.PENDING:
        return Asked()
    return _ask(
        addresses.read(subscription.subscriber.address or "", secrets=secrets_in_force()),
        {one.topic.slug: one.frequency for one in _asked_together(subscription, said.asked_at)},
        language=subscription.subscriber.language,
        source=subscription.consent_source,
        text_version=subscription.consent_text_version,
        ip=ip,
        at=at,
    )


def ask_for_link(subscription: Subscription, *, ip: str, at: datetime) -> Asked:
    """Somebody with an old link wants one that works: to the address itself, if it subscribes.

    Within the limits of sign-ups, and as silent about what we know.
    """
    network = _network_key(ip)
    if subscription.subscriber.address is None or _is_busy(network, at):
        return Asked()
    address = addresses.read(subscription.subscriber.address, secrets=secrets_in_force())
    _one_at_a_time(address.signup_key)
    asked = Asked()
    if _mails_today(address.signup_key, at) < MAILS_PER_DAY and (
        active := active_of(subscription.subscriber_id)
    ):
        asked = Asked(Due.ALREADY, active[0])
    _remember(address, network, mailed=asked.mail is not None, at=at)
    return asked


def look(token: str, *, at: datetime) -> Confirmation:
    """What confirming would answer now; changes nothing. Raises NotFound."""
    said = links.read_confirm(token, secrets=secrets_in_force())
    subscription = find(said.public_id)
    if subscription is None or subscription.state is SubscriptionState.ENDED:
        return Confirmation(Answer.ENDED, subscription)
    if subscription.state is SubscriptionState.ACTIVE:
        return Confirmation(Answer.ALREADY, subscription, active_of(subscription.subscriber_id))
    together = _asked_together(subscription, said.asked_at)
    # A bounce or a complaint since the asking weighs more than an older link.
    since = [s for s in _suppressions(subscription) if s.created_at > subscription.asked_at]
    if since or said.is_late(at):
        return Confirmation(Answer.LATE, subscription, together)
    is_first = not active_of(subscription.subscriber_id)
    return Confirmation(Answer.CONFIRMED, subscription, together, is_first)


def confirm(token: str, *, ip: str, at: datetime) -> Confirmation:
    """The owner of the address says yes to all that was asked together, with the proof of consent.

    Lifts older suppressions and logs it. A second time changes nothing. Raises NotFound.
    """
    looked = look(token, at=at)
    if looked.answer is not Answer.CONFIRMED or looked.subscription is None:
        return looked
    ip_hash = addresses.keyed(ip, purpose="ip", secret=secrets_in_force()[0])
    became_active = db.session.scalars(
        sa.update(Subscription)
        .where(
            Subscription.id.in_([one.id for one in looked.together]),
            Subscription.state == SubscriptionState.PENDING,
        )
        .values(state=SubscriptionState.ACTIVE, consent_at=at, consent_ip_hash=ip_hash)
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    ).all()
    for one in looked.together:
        db.session.refresh(one)
    if became_active:
        for one in looked.together:
            _lift(_suppressions(one), by=one)
        return looked
    state = looked.subscription.state
    answer = Answer.ENDED if state is SubscriptionState.ENDED else Answer.ALREADY
    return looked._replace(answer=answer, is_first=False)


def end(subscription: Subscription, *, reason: EndedReason, at: datetime) -> bool:
    """End a subscription; False when it had ended before. Senders look again before each batch."""
    ended = guarded(
        sa.update(Subscription)
        .where(Subscription.id == subscription.id, Subscription.ended_at.is_(None))
        .values(state=SubscriptionState.ENDED, ended_at=at, ended_reason=reason)
    )
    db.session.refresh(subscription)
    return ended


def end_all(subscriber: Subscriber, *, reason: EndedReason, at: datetime) -> int:
    """End every subscription, unconfirmed ones too, and forbid all mail from now on.

    The person said *all*: no list that anybody brings along later may write to them. Only their own
    new yes lifts it. Gives how many ended.
    """
    ended = 0
    for subscription in open_of(subscriber.id):
        ended += end(subscription, reason=reason, at=at)
    row = {
        "address_hash": subscriber.address_hash,
        "scope": "all",
        "reason": reason.value,
        "created_at": at,
    }
    insert_new(Suppression, [row])
    return ended


def choose_language(subscriber: Subscriber, language: str) -> None:
    """In which language this person wants to be written to. Raises BadInput."""
    if language not in LANGUAGES:
        raise BadInput("language_unknown")
    subscriber.language = language
    db.session.flush()


def choose_frequency(subscription: Subscription, frequency: Frequency) -> bool:
    """How soon this person wants to hear of a topic; False when it was so, or has ended."""
    changed = guarded(
        sa.update(Subscription)
        .where(
            Subscription.id == subscription.id,
            Subscription.ended_at.is_(None),
            Subscription.frequency != frequency,
        )
        .values(frequency=frequency)
    )
    db.session.refresh(subscription)
    return changed


def open_of(subscriber_id: int) -> list[Subscription]:
    """A person's subscriptions that have not ended, the oldest first, with their topics."""
    return list(
        db.session.scalars(
            sa.select(Subscription)
            .where(Subscription.subscriber_id == subscriber_id, Subscription.ended_at.is_(None))
            .options(joinedload(Subscription.topic))
            .order_by(Subscription.id)
        )
    )


def active_of(subscriber_id: int) -> list[Subscription]:
    """What a person has said yes to and not left, the oldest first."""
    return [one for one in open_of(subscriber_id) if one.state is SubscriptionState.ACTIVE]


def find(public_id: bytes) -> Subscription | None:
    """The subscription that a link names, with its subscriber and topic."""
    return db.session.scalar(
        sa.select(Subscription)
        .where(Subscription.public_id == public_id)
        .options(joinedload(Subscription.subscriber), joinedload(Subscription.topic))
    )


def insert_new(model: type[Base], rows: Sequence[dict[str, Any]], *returning: Any) -> list[Any]:
    """Insert rows, leaving out those that a unique constraint says are there already.

    The constraint decides, so two requests at once cannot both insert. Returns what `returning`
    names of the rows that went in, in no order.
    """
    if not rows:
        return []
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    table = cast(sa.Table, sa.inspect(model).local_table)
    statement = dialect.insert(table).on_conflict_do_nothing()
    if not returning:
        db.session.execute(statement, rows)
        return []
    return list(db.session.execute(statement.returning(*returning), rows))


def suppressed(hashes: Sequence[bytes], *, topic: str = PRESS_RELEASES) -> list[Suppression]:
    """What forbids writing to an address about a topic."""
    return list(
        db.session.scalars(
            sa.select(Suppression).where(
                Suppression.address_hash.in_(hashes),
                Suppression.scope.in_(("all", f"topic:{topic}")),
            )
        )
    )


def _suppressions(subscription: Subscription) -> list[Suppression]:
    subscriber = subscription.subscriber
    hashes = {subscriber.address_hash}
    if subscriber.address:
        hashes |= set(addresses.read(subscriber.address, secrets=secrets_in_force()).known_hashes)
    return suppressed(sorted(hashes), topic=subscription.topic.slug)


def _lift(suppressions: Sequence[Suppression], *, by: Subscription) -> None:
    for suppression in suppressions:
        log.warning(
            "a suppression (%s, %s) was lifted by confirming subscription %s",
            suppression.reason,
            suppression.scope,
            by.id,
        )
        db.session.delete(suppression)
    db.session.flush()


def _ask(
    address: Address,
    wishes: Mapping[str, Frequency],
    *,
    language: str,
    source: str,
    text_version: str,
    ip: str,
    at: datetime,
) -> Asked:
    network = _network_key(ip)
    if _is_busy(network, at):
        log.info("sign-ups from one network are limited")
        return Asked()
    _one_at_a_time(address.signup_key)
    mailed = _mails_today(address.signup_key, at)
    asked = Asked()
    if mailed < MAILS_PER_DAY:
        subscriptions = _open_subscriptions(address, wishes, language=language, at=at)
        asked = _what_is_due(subscriptions, mailed)
        for one in subscriptions:
            if one.state is SubscriptionState.PENDING:  # what was asked last counts
                one.asked_at = at
                one.frequency = wishes[one.topic.slug]
                one.consent_source = source[:500]
                one.consent_text_version = text_version
        if asked.mail is Due.CONFIRMATION and asked.subscription and not asked.adds:
            asked.subscription.subscriber.language = language
    _remember(address, network, mailed=asked.mail is not None, at=at)
    return asked


def _remember(address: Address, network: bytes, *, mailed: bool, at: datetime) -> None:
    db.session.add(
        SignupAttempt(address_key=address.signup_key, network_key=network, mailed=mailed, at=at)
    )
    db.session.flush()


def _what_is_due(subscriptions: Sequence[Subscription], mailed: int) -> Asked:
    pending = [one for one in subscriptions if one.state is SubscriptionState.PENDING]
    if pending:
        adds = bool(active_of(pending[0].subscriber_id))
        return Asked(Due.CONFIRMATION, pending[0], adds)
    return Asked(Due.ALREADY, subscriptions[0]) if mailed == 0 else Asked()


def _asked_together(subscription: Subscription, asked_at: datetime) -> list[Subscription]:
    """What a link confirms: what it names, and what was asked with it or since.

    An older link gives all that a later one does, so that either of two works.
    """
    return [
        one
        for one in open_of(subscription.subscriber_id)
        if one.state is SubscriptionState.PENDING
        and (one.id == subscription.id or one.asked_at >= asked_at)
    ]


def _open_subscriptions(
    address: Address, wishes: Mapping[str, Frequency], *, language: str, at: datetime
) -> list[Subscription]:
    """The address's open subscriptions to some topics, new pending ones where there are none."""
    subscriber_id = _subscriber_id(address, language=language, at=at)
    topic_ids = db.session.scalars(sa.select(Topic.id).where(Topic.slug.in_(wishes))).all()
    if not topic_ids:
        raise BadInput("topic_not_offered")
    are_open = (
        sa.select(Subscription)
        .where(
            Subscription.subscriber_id == subscriber_id,
            Subscription.topic_id.in_(topic_ids),
            Subscription.ended_at.is_(None),
        )
        .order_by(Subscription.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for found in db.session.scalars(are_open).all():
        if _is_silenced(found):
            end(found, reason=_silenced_by(found), at=at)
    pending = [
        {
            "public_id": new_public_id(),
            "subscriber_id": subscriber_id,
            "topic_id": topic_id,
            "state": SubscriptionState.PENDING,
            "asked_at": at,
        }
        for topic_id in topic_ids
    ]
    insert_new(Subscription, pending)
    return list(db.session.scalars(are_open))


def _is_silenced(subscription: Subscription) -> bool:
    """Active by the letter, but suppressed since: only a new yes can help."""
    is_active = subscription.state is SubscriptionState.ACTIVE
    return is_active and bool(_suppressions(subscription))


def _silenced_by(subscription: Subscription) -> EndedReason:
    reasons = {suppression.reason for suppression in _suppressions(subscription)}
    known = [reason for reason in EndedReason if reason.value in reasons]
    return known[0] if known else EndedReason.ADMIN


def _subscriber_id(address: Address, *, language: str, at: datetime) -> int:
    known = sa.select(Subscriber.id, Subscriber.erased_at).where(
        Subscriber.address_hash.in_(address.known_hashes)
    )
    for subscriber_id, erased_at in db.session.execute(known).all():
        if erased_at is None:
            return int(subscriber_id)
        _part_from_the_past(subscriber_id)
    insert_new(Subscriber, [subscriber_row(address, language=language, at=at)])
    return int(db.session.execute(known).one().id)


def subscriber_row(address: Address, *, language: str, at: datetime) -> dict[str, Any]:
    """A new subscriber as the table takes it."""
    return {
        "address": address.norm,
        "domain": address.domain,
        "address_hash": address.hash,
        "language": language,
        "created_at": at,
    }


def _part_from_the_past(subscriber_id: int) -> None:
    """An erased person who comes back is a new subscriber; the old row no longer points to them."""
    db.session.execute(
        sa.update(Subscriber)
        .where(Subscriber.id == subscriber_id, Subscriber.erased_at.is_not(None))
        .values(address_hash=random.token_bytes(32))
        .execution_options(synchronize_session=False)
    )


def _network_key(ip: str) -> bytes:
    """The keyed hash of the /24 or /48 that a request comes from."""
    try:
        number = ipaddress.ip_address(ip)
    except ValueError:
        network = "unknown"
    else:
        number = getattr(number, "ipv4_mapped", None) or number
        prefix = 24 if number.version == 4 else 48
        network = str(ipaddress.ip_network((number, prefix), strict=False))
    return addresses.keyed(network, purpose="network", secret=secrets_in_force()[0])


def _is_busy(network: bytes, at: datetime) -> bool:
    def since(ago: timedelta) -> int:
        return (
            db.session.scalar(
                sa.select(sa.func.count()).where(
                    SignupAttempt.network_key == network, SignupAttempt.at > at - ago
                )
            )
            or 0
        )

    return (
        since(timedelta(minutes=1)) >= NETWORK_PER_MINUTE
        or since(timedelta(hours=1)) >= NETWORK_PER_HOUR
    )


def _mails_today(signup_key: bytes, at: datetime) -> int:
    return (
        db.session.scalar(
            sa.select(sa.func.count()).where(
                SignupAttempt.address_key == signup_key,
                SignupAttempt.at > at - DAY,
                SignupAttempt.mailed,
            )
        )
        or 0
    )


def _one_at_a_time(signup_key: bytes) -> None:
    """Let requests for one inbox queue up, else a burst would outrun the count of its mails.

    SQLite does it for every writer.
    """
    if db.engine.dialect.name == "postgresql":
        number = int.from_bytes(signup_key[:8], "big", signed=True)
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
