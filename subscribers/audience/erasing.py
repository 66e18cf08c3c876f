"""Forgetting: a person who asks to be erased, those who never confirmed, those who left long ago.

Everything that could tell the address goes; a keyed hash stays, so that no import brings it back.
Deliveries and what came back belong to a layer above this one and are reached by the names of their
tables, since an erasure that left addresses there would be none.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.alerts import Alert
from app.core.db import Base, db
from app.core.errors import NotFound
from subscribers.audience import addresses, importing
from subscribers.audience.addresses import Address, secrets_in_force
from subscribers.audience.models import (
    ERASED,
    LEFT,
    DataRequest,
    EndedReason,
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.audience.subscribing import insert_new

UNCONFIRMED_FOR = timedelta(days=7)
ATTEMPTS_FOR = timedelta(days=1)
STRAGGLING_FOR = timedelta(hours=2)  # longer than any mail that was in the open at an erasure
AT_ONCE = 1000


def erase(email: str, *, at: datetime) -> bool:
    """Forget an address for good; False when that was done before.

    Ends its subscriptions, takes the address out of every row and waiting file, and keeps a
    suppression. Rows stay, so the figures of past mailings do too. Letters to the address are
    called off like all else. Raises BadInput, or NotFound for an address that we never had, which
    is more often a slip of the keyboard.
    """
    address = addresses.read(email, secrets=secrets_in_force())
    known = list(
        db.session.scalars(
            sa.select(Subscriber)
            .where(Subscriber.address_hash.in_(address.known_hashes))
            .with_for_update()
        )
    )
    if not known and not _is_suppressed(address.known_hashes):
        raise NotFound("no_such_subscriber")
    _suppress(address.hash, known=address.known_hashes, reason=ERASED, at=at)
    ids = [subscriber.id for subscriber in known]
    _end(Subscription.subscriber_id.in_(ids), at)
    _forget_mail(ids, hashes=address.known_hashes)
    _forget_mentions(address)
    importing.forget_lists_with(address.norm, at=at)
    _forget_requests(ids)
    db.session.execute(
        sa.delete(SignupAttempt)
        .where(SignupAttempt.address_key == address.signup_key)
        .execution_options(synchronize_session=False)
    )
    fresh = [subscriber for subscriber in known if subscriber.erased_at is None]
    for subscriber in fresh:
        _blank(subscriber, at=at)
    db.session.flush()
    return bool(fresh)


def forget_stragglers(*, at: datetime) -> None:
    """Once more for those erased within the last hours.

    A mail that was in the open at that moment has its server's answer written down after it, and
    answers repeat addresses.
    """
    recent = db.session.execute(
        sa.select(Subscriber.id, Subscriber.address_hash).where(
            Subscriber.erased_at.is_not(None), Subscriber.erased_at > at - STRAGGLING_FOR
        )
    ).all()
    if recent:
        _forget_mail([row.id for row in recent], hashes=[row.address_hash for row in recent])


def forget_unconfirmed(*, at: datetime) -> int:
    """End what nobody confirmed within a week, and forget those who have nothing else.

    No hash is kept of them: somebody else may have typed their address. Returns how many ended;
    at most AT_ONCE, so call again while it is not 0.
    """
    stale = db.session.execute(
        sa.select(Subscription.id, Subscription.subscriber_id)
        .where(
            Subscription.state == SubscriptionState.PENDING,
            sa.text("subscription.state <> 'active'"),  # literal, for the partial index
            Subscription.asked_at < at - UNCONFIRMED_FOR,
        )
        .order_by(Subscription.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    subscriptions = [row.id for row in stale]
    people = {row.subscriber_id for row in stale}
    with_more = set(
        db.session.scalars(
            sa.select(Subscription.subscriber_id).where(
                Subscription.subscriber_id.in_(people), Subscription.id.not_in(subscriptions)
            )
        )
    )
    _end(Subscription.id.in_(subscriptions), at)
    alone = sorted(people - with_more)
    found = list(db.session.scalars(sa.select(Subscriber).where(Subscriber.id.in_(alone))))
    _forget_mail(alone, hashes=[subscriber.address_hash for subscriber in found])
    _forget_requests(alone)
    for subscriber in found:
        _blank(subscriber, at=at)
        subscriber.address_hash = random.token_bytes(32)
    db.session.flush()
    return len(stale)


def forget_ended(*, before: datetime, at: datetime) -> int:
    """Forget people of whom every subscription ended before a moment; at most AT_ONCE of them.

    What they told us outlives it: a suppression says that they left, so no list brings them back.
    """
    still_new = sa.select(Subscription.id).where(
        Subscription.subscriber_id == Subscriber.id,
        sa.or_(Subscription.ended_at.is_(None), Subscription.ended_at >= before),
    )
    left = sa.select(Subscription.subscriber_id).where(
        sa.text("subscription.state <> 'active'"),  # literal, for the partial index
        Subscription.state == SubscriptionState.ENDED,
        Subscription.ended_at < before,
    )
    people = list(
        db.session.scalars(
            sa.select(Subscriber)
            .where(Subscriber.id.in_(left), Subscriber.erased_at.is_(None), ~still_new.exists())
            .order_by(Subscriber.id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        )
    )
    for subscriber in people:
        hashes = [subscriber.address_hash]
        _suppress(subscriber.address_hash, known=hashes, reason=LEFT, at=at)
    ids = [subscriber.id for subscriber in people]
    _forget_mail(ids, hashes=[subscriber.address_hash for subscriber in people])
    _forget_requests(ids)
    for subscriber in people:
        _blank(subscriber, at=at)
    db.session.flush()
    return len(people)


def forget_attempts(*, at: datetime) -> int:
    """Drop the sign-up counts that no limit looks at any more."""
    result = db.session.execute(
        sa.delete(SignupAttempt)
        .where(SignupAttempt.at < at - ATTEMPTS_FOR)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def _is_suppressed(hashes: Sequence[bytes]) -> bool:
    return bool(
        db.session.scalar(sa.select(sa.exists().where(Suppression.address_hash.in_(hashes))))
    )


def _suppress(hash_: bytes, *, known: Sequence[bytes], reason: str, at: datetime) -> None:
    """Forbid writing to an address, unless something forbids it already: that keeps its reason."""
    whole = sa.exists().where(Suppression.address_hash.in_(known), Suppression.scope == "all")
    if not db.session.scalar(sa.select(whole)):
        row = {"address_hash": hash_, "scope": "all", "reason": reason, "created_at": at}
        insert_new(Suppression, [row])


def _blank(subscriber: Subscriber, *, at: datetime) -> None:
    subscriber.address = None
    subscriber.domain = None
    subscriber.erased_at = at


def _end(which: sa.ColumnElement[bool], at: datetime) -> None:
    """End the open ones, and drop the hash of the IP number from them all."""
    for changes, where in (
        (
            {"state": SubscriptionState.ENDED, "ended_at": at, "ended_reason": EndedReason.ERASE},
            Subscription.ended_at.is_(None),
        ),
        ({"consent_ip_hash": None}, Subscription.consent_ip_hash.is_not(None)),
    ):
        db.session.execute(
            sa.update(Subscription)
            .where(which, where)
            .values(**changes)
            .execution_options(synchronize_session="fetch")
        )


def _forget_mail(subscriber_ids: Sequence[int], *, hashes: Sequence[bytes]) -> None:
    """No address and no server's words, which often repeat it; waiting mails are called off.

    One that a sender holds right now is left to it: it looks at suppressions before it sends.
    Letters hang on no subscriber and are found by the hash of where they go.
    """
    delivery = Base.metadata.tables["delivery"]
    attempt = Base.metadata.tables["delivery_attempt"]
    inbound = Base.metadata.tables["inbound_event"]
    letters = sa.select(Base.metadata.tables["mailing"].c.id).where(
        Base.metadata.tables["mailing"].c.kind == "letter"
    )
    ids = set(
        db.session.scalars(
            sa.select(delivery.c.id).where(delivery.c.subscriber_id.in_(subscriber_ids))
        )
    ) | set(
        db.session.scalars(
            sa.select(delivery.c.id).where(
                delivery.c.mailing_id.in_(letters), delivery.c.address_hash.in_(hashes)
            )
        )
    )
    theirs = delivery.c.id.in_(ids)
    db.session.execute(
        sa.update(delivery)
        .where(theirs, delivery.c.due_at.is_not(None))
        .values(state="suppressed", due_at=None)
    )
    db.session.execute(sa.update(attempt).where(attempt.c.delivery_id.in_(ids)).values(reply=""))
    db.session.execute(
        sa.update(inbound)
        .where(sa.or_(inbound.c.subscriber_id.in_(subscriber_ids), inbound.c.delivery_id.in_(ids)))
        .values(raw=None, said="")
    )
    db.session.execute(sa.update(delivery).where(theirs).values(address=None, reply=None))


def _forget_mentions(address: Address) -> None:
    """The address where it stands in words of others: mails that came back, unmatched; alerts."""
    inbound = Base.metadata.tables["inbound_event"]
    wanted = address.norm.encode()
    last = 0
    while part := db.session.execute(
        sa.select(inbound.c.id, inbound.c.raw, inbound.c.said)
        .where(inbound.c.id > last, sa.or_(inbound.c.raw.is_not(None), inbound.c.said != ""))
        .order_by(inbound.c.id)
        .limit(100)
    ).all():
        quoting = [
            row.id
            for row in part
            if wanted in bytes(row.raw or b"").lower() or wanted in row.said.lower().encode()
        ]
        if quoting:
            quoted = sa.update(inbound).where(inbound.c.id.in_(quoting))
            db.session.execute(quoted.values(raw=None, said=""))
        last = part[-1].id
    for alert in db.session.scalars(sa.select(Alert)):
        if address.norm in f"{alert.subject} {alert.facts}".lower():
            alert.facts = {}
            alert.subject = alert.subject.lower().replace(address.norm, "…")


def _forget_requests(subscriber_ids: Sequence[int]) -> None:
    db.session.execute(
        sa.delete(DataRequest)
        .where(DataRequest.subscriber_id.in_(subscriber_ids))
        .execution_options(synchronize_session=False)
    )
