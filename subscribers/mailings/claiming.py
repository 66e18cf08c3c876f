"""Taking hold of due deliveries, and letting go of them.

A claim is one UPDATE that no two senders can win. What is held is held by a name (`holders`) for
the length of a lease; a sweep gives back what expired and what dead processes left behind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from app.core.clock import now
from app.core.db import db
from subscribers.audience.models import Subscription, SubscriptionState, Suppression
from subscribers.mailings.holders import is_dead, new_holder, this_machine
from subscribers.mailings.models import (
    OTHER,
    Delivery,
    DeliveryState,
    Mailing,
    MailingKind,
    MailingState,
)

BATCH = 20  # deliveries claimed at once by one connection
SENDING = (MailingState.MATERIALISING, MailingState.RUNNING)


@dataclass(frozen=True)
class Claimed:
    """A delivery that this sender holds, as it was when it was claimed."""

    id: int
    address: str | None
    subscription: bytes
    first_try_at: datetime
    attempts: int
    sealed_from: str | None = None


@dataclass(frozen=True)
class Batch:
    mailing_id: int
    kind: MailingKind
    queued_at: datetime
    holder: str
    deliveries: Sequence[Claimed]


def clock() -> datetime:
    """This moment by the clock that all senders share: the database's where it is a server."""
    if db.engine.dialect.name == "postgresql":
        moment = db.session.scalar(sa.select(sa.func.clock_timestamp()))
        db.session.rollback()
        assert isinstance(moment, datetime)
        return moment
    return now()


def claim(*, at: datetime, size: int = BATCH) -> Batch | None:
    """Take hold of the next due deliveries, the most urgent mailing first. None when none is due.

    What has been left, suppressed or stopped since it was queued is settled here and not returned;
    the batch may therefore be empty.
    """
    mailing = db.session.execute(_next_mailing(at)).one_or_none()
    if mailing is None:
        db.session.rollback()
        return None
    holder = new_holder()
    taken = db.session.execute(_claim_statement(mailing.id, at=at, size=size, holder=holder)).all()
    db.session.commit()
    if not taken:
        return None
    batch = Batch(
        mailing_id=mailing.id,
        kind=mailing.kind,
        queued_at=mailing.queued_at,
        holder=holder,
        deliveries=[
            Claimed(r.id, r.address, b"", r.first_try_at, r.attempts, r.sealed_from) for r in taken
        ],
    )
    try:
        return _look_again(batch, at=at)
    except BaseException:
        db.session.rollback()
        hand_back(batch, [claimed.id for claimed in batch.deliveries], due_at=at)
        db.session.commit()
        raise


def _next_mailing(at: datetime) -> sa.Select[int, MailingKind, datetime]:
    due = sa.select(Delivery.id).where(
        Delivery.mailing_id == Mailing.id,
        Delivery.domain_group == OTHER,
        Delivery.due_at <= at,
    )
    return (
        sa.select(Mailing.id, Mailing.kind, Mailing.queued_at)
        .where(Mailing.finished_at.is_(None), Mailing.state.in_(SENDING), due.exists())
        .order_by(Mailing.lane, Mailing.id)
        .limit(1)
    )


def _claim_statement(
    mailing_id: int, *, at: datetime, size: int, holder: str
) -> sa.sql.dml.ReturningUpdate[int, str | None, datetime | None, int, str | None]:
    other = aliased(Delivery)
    chosen = (
        sa.select(other.id)
        .where(
            other.mailing_id == mailing_id,
            other.domain_group == OTHER,
            other.due_at <= at,
        )
        .order_by(other.due_at, other.id)
        .limit(size)
        .with_for_update(skip_locked=True)  # SQLite leaves it out: it has one writer anyway
    )
    if db.engine.dialect.name == "postgresql":
        chosen = sa.select(chosen.cte("chosen").prefix_with("MATERIALIZED").c.id)
    return (
        sa.update(Delivery)
        .where(Delivery.id.in_(chosen))
        .values(
            state=DeliveryState.CLAIMED,
            due_at=None,
            lease_owner=holder,
            lease_until=at + timedelta(seconds=current_app.config["LEASE_SECONDS"]),
            attempts=Delivery.attempts + 1,
            first_try_at=sa.func.coalesce(
                Delivery.first_try_at, sa.literal(at, Delivery.due_at.type)
            ),
        )
        .returning(
            Delivery.id,
            Delivery.address,
            Delivery.first_try_at,
            Delivery.attempts,
            Delivery.sealed_from,
        )
        .execution_options(synchronize_session=False)
    )


def _look_again(batch: Batch, *, at: datetime) -> Batch:
    """Leave out who has left a second ago, and hand all back when the mailing was stopped."""
    mailing_state = db.session.scalar(
        sa.select(Mailing.state).where(Mailing.id == batch.mailing_id)
    )
    wanted = (
        SubscriptionState.PENDING
        if batch.kind is MailingKind.CONFIRMATION
        else SubscriptionState.ACTIVE
    )
    suppressed = sa.exists().where(Suppression.address_hash == Delivery.address_hash)
    # Whoever was suppressed may still be asked whether they want to come back.
    allowed = sa.true() if batch.kind is MailingKind.CONFIRMATION else ~suppressed
    standing = dict(
        db.session.execute(
            sa.select(Delivery.id, Subscription.public_id)
            .join(Subscription, Subscription.id == Delivery.subscription_id)
            .where(
                Delivery.id.in_([claimed.id for claimed in batch.deliveries]),
                Delivery.address.is_not(None),
                Subscription.state == wanted,
                allowed,
            )
        ).all()
    )
    if batch.kind is MailingKind.LETTER:  # no subscription to have ended
        standing = {claimed.id: b"" for claimed in batch.deliveries}
    if mailing_state not in SENDING:
        hand_back(batch, [claimed.id for claimed in batch.deliveries], due_at=at)
        standing = {}
    gone = [c.id for c in batch.deliveries if c.id not in standing]
    _settle(batch, gone, state=DeliveryState.SUPPRESSED)
    db.session.commit()
    return replace(
        batch,
        deliveries=[
            replace(claimed, subscription=standing[claimed.id])
            for claimed in batch.deliveries
            if claimed.id in standing
        ],
    )


def renew(batch: Batch, ids: Collection[int]) -> None:
    lease = timedelta(seconds=current_app.config["LEASE_SECONDS"])
    db.session.execute(_held(batch, ids).values(lease_until=clock() + lease))
    db.session.commit()


def hand_back(batch: Batch, ids: Collection[int], *, due_at: datetime) -> None:
    """Let go of claimed deliveries that were not tried. The try does not count. No commit."""
    if ids:
        db.session.execute(
            _held(batch, ids).values(
                state=DeliveryState.QUEUED,
                due_at=due_at,
                attempts=Delivery.attempts - 1,
                lease_owner=None,
                lease_until=None,
            )
        )


def _settle(batch: Batch, ids: Collection[int], *, state: DeliveryState) -> None:
    if ids:
        db.session.execute(
            _held(batch, ids).values(state=state, lease_owner=None, lease_until=None)
        )


def _held(batch: Batch, ids: Collection[int]) -> sa.Update:
    return (
        sa.update(Delivery)
        .where(
            Delivery.id.in_(ids),
            Delivery.lease_owner == batch.holder,
            Delivery.state == DeliveryState.CLAIMED,
        )
        .execution_options(synchronize_session=False)
    )


def release_expired(*, at: datetime) -> None:
    """Rows whose lease ran out wait again. Commits.

    A claimed one had handed nothing over. A transmitting one may have: it is sent again, since a
    reader who gets a release twice is better off than one who never does, and counted.
    """
    _take_back(Delivery.lease_until < at, at=at)


def release_dead(*, at: datetime) -> None:
    """Rows held by processes of this machine that are gone wait again at once. Commits."""
    holders = db.session.scalars(
        sa.select(Delivery.lease_owner)
        .where(
            Delivery.lease_until.is_not(None),
            Delivery.lease_owner.startswith(this_machine() + "|", autoescape=True),
        )
        .distinct()
    ).all()
    db.session.rollback()
    if dead := [holder for holder in holders if holder and is_dead(holder)]:
        _take_back(Delivery.lease_owner.in_(dead), at=at)


def _take_back(which: sa.ColumnElement[bool], *, at: datetime) -> None:
    was_uncertain = sa.case((Delivery.state == DeliveryState.TRANSMITTING, 1), else_=0)
    db.session.execute(
        sa.update(Delivery)
        .where(which, Delivery.lease_until.is_not(None))
        .values(
            state=DeliveryState.QUEUED,
            due_at=at,
            lease_owner=None,
            lease_until=None,
            uncertain_count=Delivery.uncertain_count + was_uncertain,
        )
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def finish(*, at: datetime) -> None:
    """End every running mailing of which nothing waits and nothing is held. Commits."""
    waiting = sa.select(Delivery.id).where(
        Delivery.mailing_id == Mailing.id, Delivery.due_at.is_not(None)
    )
    held = sa.select(Delivery.id).where(
        Delivery.mailing_id == Mailing.id, Delivery.lease_until.is_not(None)
    )
    db.session.execute(
        sa.update(Mailing)
        .where(
            Mailing.finished_at.is_(None),
            Mailing.state == MailingState.RUNNING,
            ~waiting.exists(),
            ~held.exists(),
        )
        .values(state=MailingState.FINISHED, finished_at=at)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
