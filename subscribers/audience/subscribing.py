"""Signing up, confirming, leaving.

Whoever types an address may be anybody, so asking changes nothing but a pending row, and only the
mail's receiver can make it active. What the person at the form is told never depends on what we
know about the address. An ended subscription stays ended: a new yes is a new row.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from app.core.db import Base, db, guarded
from app.core.errors import BadInput
from app.core.words import LANGUAGES
from subscribers.audience import addresses, links
from subscribers.audience.addresses import Address, secrets_in_force
from subscribers.audience.models import (
    EndedReason,
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
    new_public_id,
)

PRESS_RELEASES = "press-releases"
TEXT_VERSION = "2026-11"  # of the promise beside the form, `subscribers.consent.*`
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
    """What a sign-up led to. The form's answer must be the same whatever stands here."""

    mail: Due | None = None
    subscription: Subscription | None = None


class Answer(StrEnum):
    """What a confirmation link did."""

    CONFIRMED = "confirmed"
    ALREADY = "already"
    LATE = "late"  # a new link can be had
    ENDED = "ended"  # ended, or forgotten after a week: only a new sign-up helps


def ask(
    email: str,
    *,
    language: str,
    topic: str = PRESS_RELEASES,
    source: str,
    text_version: str = TEXT_VERSION,
    ip: str,
    at: datetime,
) -> Asked:
    """Somebody asks that an address be written to.

    Writes the attempt, as hashes, and at most one pending subscription. Beyond the limits for the
    address or for the network it comes from, nothing is due. Raises BadInput for no address.
    """
    address = addresses.read(email, secrets=secrets_in_force())
    network = _network_key(ip)
    if _is_busy(network, at):
        log.info("sign-ups from one network are limited")
        return Asked()
    _one_at_a_time(address.signup_key)
    mailed = _mails_today(address.signup_key, at)
    asked = Asked()
    if mailed < MAILS_PER_DAY:
        subscription = _open_subscription(address, topic=topic, language=language, at=at)
        asked = _what_is_due(subscription, mailed)
    if asked.mail is Due.CONFIRMATION and asked.subscription:
        # What was asked last counts.
        asked.subscription.asked_at = at
        asked.subscription.subscriber.language = language
        asked.subscription.consent_source = source[:500]
        asked.subscription.consent_text_version = text_version
    db.session.add(
        SignupAttempt(
            address_key=address.signup_key,
            network_key=network,
            mailed=asked.mail is not None,
            at=at,
        )
    )
    db.session.flush()
    return asked


def ask_again(token: str, *, ip: str, at: datetime) -> Asked:
    """A new link in place of a late one, within the same limits. Raises NotFound."""
    subscription = find(links.read_confirm(token, secrets=secrets_in_force()).public_id)
    if subscription is None or subscription.state is not SubscriptionState.PENDING:
        return Asked()
    return ask(
        subscription.subscriber.address or "",
        language=subscription.subscriber.language,
        topic=subscription.topic.slug,
        source=subscription.consent_source,
        text_version=subscription.consent_text_version,
        ip=ip,
        at=at,
    )


def look(token: str, *, at: datetime) -> tuple[Answer, Subscription | None]:
    """What confirming would answer now; changes nothing. Raises NotFound."""
    said = links.read_confirm(token, secrets=secrets_in_force())
    subscription = find(said.public_id)
    if subscription is None or subscription.state is SubscriptionState.ENDED:
        return Answer.ENDED, subscription
    if subscription.state is SubscriptionState.ACTIVE:
        return Answer.ALREADY, subscription
    # A bounce or a complaint since the asking weighs more than an older link.
    since = [s for s in _suppressions(subscription) if s.created_at > subscription.asked_at]
    if since or said.is_late(at):
        return Answer.LATE, subscription
    return Answer.CONFIRMED, subscription


def confirm(token: str, *, ip: str, at: datetime) -> tuple[Answer, Subscription | None]:
    """The owner of the address says yes: active, with the proof of consent.

    Lifts an older suppression and logs it. A second time changes nothing. Raises NotFound.
    """
    answer, subscription = look(token, at=at)
    if answer is not Answer.CONFIRMED or subscription is None:
        return answer, subscription
    _lift(_suppressions(subscription), by=subscription)
    ip_hash = addresses.keyed(ip, purpose="ip", secret=secrets_in_force()[0])
    became_active = guarded(
        sa.update(Subscription)
        .where(
            Subscription.id == subscription.id,
            Subscription.state == SubscriptionState.PENDING,
        )
        .values(state=SubscriptionState.ACTIVE, consent_at=at, consent_ip_hash=ip_hash)
    )
    db.session.refresh(subscription)
    if not became_active and subscription.state is SubscriptionState.ENDED:
        return Answer.ENDED, subscription
    return Answer.CONFIRMED, subscription


def leave(token: str, *, reason: EndedReason, at: datetime) -> Subscription | None:
    """End the link's subscription, now or long ago; None when nothing is left of it.

    Raises NotFound only for a link that we never made.
    """
    said = links.read_unsubscribe(token, secrets=secrets_in_force())
    subscription = find(said.public_id)
    if subscription is not None:
        end(subscription, reason=reason, at=at)
    return subscription


def end(subscription: Subscription, *, reason: EndedReason, at: datetime) -> bool:
    """End a subscription; False when it had ended before. Senders look again before each batch."""
    ended = guarded(
        sa.update(Subscription)
        .where(Subscription.id == subscription.id, Subscription.ended_at.is_(None))
        .values(state=SubscriptionState.ENDED, ended_at=at, ended_reason=reason)
    )
    db.session.refresh(subscription)
    return ended


def choose_language(subscription: Subscription, language: str) -> None:
    """In which language this person wants to be written to. Raises BadInput."""
    if language not in LANGUAGES:
        raise BadInput("language_unknown")
    subscription.subscriber.language = language
    db.session.flush()


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


def _what_is_due(subscription: Subscription, mailed: int) -> Asked:
    if subscription.state is SubscriptionState.PENDING:
        return Asked(Due.CONFIRMATION, subscription)
    return Asked(Due.ALREADY, subscription) if mailed == 0 else Asked()


def _open_subscription(
    address: Address, *, topic: str, language: str, at: datetime
) -> Subscription:
    """The address's one open subscription to a topic, a new pending one if need be."""
    subscriber_id = _subscriber_id(address, language=language, at=at)
    topic_id = db.session.scalars(sa.select(Topic.id).where(Topic.slug == topic)).one()
    is_open = (
        sa.select(Subscription)
        .where(
            Subscription.subscriber_id == subscriber_id,
            Subscription.topic_id == topic_id,
            Subscription.ended_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = db.session.scalar(is_open)
    if found and not _is_silenced(found):
        return found
    if found:
        end(found, reason=_silenced_by(found), at=at)
    pending = {
        "public_id": new_public_id(),
        "subscriber_id": subscriber_id,
        "topic_id": topic_id,
        "state": SubscriptionState.PENDING,
        "asked_at": at,
        "consent_source": "",
        "consent_text_version": "",
    }
    insert_new(Subscription, [pending])
    return db.session.scalars(is_open).one()


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
