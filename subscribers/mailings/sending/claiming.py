"""Taking hold of due deliveries, and letting go of them.

A claim is one UPDATE that no two senders can win. It goes by lane, then by the mailing's age, then
to whichever provider may be written to now (`pacing`): one that is held or exhausted stops neither
the others nor later mailings. What is held is held by a name (`holders`) for the length of a lease;
a sweep gives back what expired and what dead processes left behind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from app.core.alerts import raise_alert
from app.core.clock import now
from app.core.db import db, reading
from subscribers.audience.models import Subscription, SubscriptionState, Suppression, Topic
from subscribers.mailings.models import (
    ALL,
    OTHER,
    Delivery,
    DeliveryState,
    DomainGroup,
    Lane,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.sending import pacing
from subscribers.mailings.sending.holders import is_dead, new_holder, this_machine
from subscribers.mailings.sending.materialising import materialise

BATCH = 20  # deliveries claimed at once by one connection
SENDING = (MailingState.MATERIALISING, MailingState.RUNNING)
SHORTEST_WAIT = timedelta(milliseconds=5)
TRIES = 50  # when others are quicker; each look finds what they have left
_Taken = sa.Row[int, str | None, int | None, datetime | None, int, str | None]


class Claimed(NamedTuple):
    """A delivery that this sender holds, as it was when it was claimed."""

    id: int
    address: str | None
    subscription: bytes
    first_try_at: datetime
    attempts: int
    sealed_from: str | None = None
    subscriber_id: int | None = None


@dataclass(frozen=True)
class Batch:
    mailing_id: int
    kind: MailingKind
    queued_at: datetime
    holder: str
    deliveries: Sequence[Claimed]
    domain_group: str = OTHER


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

    All of a batch are of one mailing and one domain group, and no more than the group may have
    now. A more urgent mailing whose audience is not written down yet goes first: some of it is
    written here. What has been left, suppressed or stopped since it was queued is settled here and
    not returned; the batch may therefore be empty. None also while limits let nothing out: see
    `next_due`.
    """
    for _ in range(TRIES):
        choice = _choose(at)
        if choice is None:
            return None
        if choice.unwritten_lane is not None and materialise(at=at, below=choice.lane):
            continue
        holder = new_holder()
        taken = _take(choice, at=at, size=size, holder=holder)
        batch = _checked(choice, taken, holder=holder, at=at) if taken else None
        db.session.commit()
        if batch is not None:
            return batch
    return None


def _checked(choice: _Choice, taken: Sequence[_Taken], *, holder: str, at: datetime) -> Batch:
    """The claim as a batch, without who has left a second ago; all is handed back when the mailing
    was stopped. No commit."""
    batch = Batch(
        mailing_id=choice.mailing_id,
        kind=choice.kind,
        queued_at=choice.queued_at,
        domain_group=choice.group,
        holder=holder,
        deliveries=(),
    )
    state = db.session.scalar(sa.select(Mailing.state).where(Mailing.id == batch.mailing_id))
    if state not in SENDING:
        hand_back(batch, [row.id for row in taken], due_at=at)
        return batch
    standing = _subscriptions(batch, taken)
    gone = [row.id for row in taken if row.id not in standing]
    _settle(batch, gone, state=DeliveryState.SUPPRESSED)
    return replace(
        batch,
        deliveries=[
            Claimed(
                row.id,
                row.address,
                standing[row.id],
                row.first_try_at,
                row.attempts,
                sealed_from=row.sealed_from,
                subscriber_id=row.subscriber_id,
            )
            for row in sorted(taken)  # neighbours in the table are written to together
            if row.id in standing
        ],
    )


def _subscriptions(batch: Batch, taken: Sequence[_Taken]) -> dict[int, bytes]:
    """Those who still want to be written to, and the public name of what they subscribe to."""
    if batch.kind is MailingKind.LETTER:  # no subscription to have ended
        return {row.id: b"" for row in taken if row.address}
    ids = {row.id for row in taken}
    given = {"ids": list(ids)}
    standing = dict(db.session.connection().execute(_standing(batch.kind), given).all())
    if left := ids - standing.keys():
        standing |= _come_for_another(left, batch.mailing_id)
    return standing


def next_due(*, at: datetime) -> datetime | None:
    """When to look again after `claim` has found nothing: the moment when a limit lets go.

    None when nothing is due, or only for providers that wait for a person: then the next ring or
    the sweep of the minute finds what has become due. At the earliest a moment after `at`.
    """
    with reading():
        later = pacing.opening(pacing.gauges(), at=at)
        moments = {name: moment for name, moment in later.items() if moment is not None}
        found = _next_mailing(list(moments), at=at)
        waiting = _due_groups(found.id, list(moments), at=at) if found else []
        db.session.rollback()
    return min((max(moments[name], at + SHORTEST_WAIT) for name in waiting), default=None)


class _Choice(NamedTuple):
    """The mailing and the provider that are to be served next, and what stood in their rows.

    `unwritten_lane` is that of a more urgent mailing with nobody to write to as yet.
    """

    mailing_id: int
    kind: MailingKind
    queued_at: datetime
    lane: int
    unwritten_lane: int | None
    group: str
    is_metered: bool


def _choose(at: datetime) -> _Choice | None:
    """Looks only: on SQLite others go on writing meanwhile."""
    with reading():
        gauges = pacing.gauges()
        opens = pacing.opening(gauges, at=at)
        ready = [name for name, moment in opens.items() if moment is not None and moment <= at]
        found = _next_mailing(ready, at=at)
        due = _due_groups(found.id, ready, at=at) if found else []
        db.session.rollback()
    if found is None or not due:
        return None
    is_metered = any(gauges[name].is_metered for name in (ALL, due[0]) if name in gauges)
    return _Choice(*found, group=due[0], is_metered=is_metered)


def _next_mailing(
    groups: Sequence[str], *, at: datetime
) -> sa.Row[int, MailingKind, datetime, int, int | None] | None:
    """The most urgent mailing that has something due for one of the groups."""
    given = {"groups": list(groups), "at": at}
    return db.session.connection().execute(_next_mailings(), given).first()


def _due_groups(mailing_id: int, groups: Sequence[str], *, at: datetime) -> list[str]:
    """Those of the groups for which a mailing has something due, the longest due first."""
    given = {"groups": list(groups), "mailing": mailing_id, "at": at}
    rows = db.session.connection().execute(_groups_of_one(), given)
    found = sorted((row.oldest, row.name) for row in rows if row.oldest is not None)
    return [name for _, name in found]


# What a claim asks is built once: building it costs more than its answer.

_AT = sa.bindparam("at", type_=Delivery.due_at.type)
_AMONG_GROUPS = DomainGroup.name.in_(sa.bindparam("groups", expanding=True))


@cache
def _next_mailings() -> sa.Select[int, MailingKind, datetime, int, int | None]:
    due = sa.select(DomainGroup.name).where(_AMONG_GROUPS, _oldest_due(Mailing.id).is_not(None))
    other = aliased(Mailing)
    unwritten = (
        sa.select(sa.func.min(other.lane))
        .where(
            other.finished_at.is_(None),
            other.state == MailingState.MATERIALISING,
            sa.or_(other.starts_at.is_(None), other.starts_at <= _AT),
            # Confirmations are written down when they are queued, and there may be many.
            other.lane > Lane.CONFIRMATION,
            other.lane < Mailing.lane,
        )
        .scalar_subquery()
    )
    return (
        sa.select(Mailing.id, Mailing.kind, Mailing.queued_at, Mailing.lane, unwritten)
        .where(Mailing.finished_at.is_(None), Mailing.state.in_(SENDING), _any(due))
        .order_by(Mailing.lane, Mailing.id)
        .limit(1)
    )


@cache
def _groups_of_one() -> sa.Select[str, datetime | None]:
    oldest = _oldest_due(sa.bindparam("mailing", type_=Mailing.id.type))
    return sa.select(DomainGroup.name, oldest.label("oldest")).where(_AMONG_GROUPS)


def _oldest_due(mailing_id: sa.SQLColumnExpression[int]) -> sa.ScalarSelect[datetime | None]:
    """When the longest due delivery of a mailing in a DomainGroup fell due.

    In the index's own order, so that PostgreSQL does not read the table until it meets one.
    """
    return (
        sa.select(Delivery.due_at)
        .where(
            Delivery.mailing_id == mailing_id,
            Delivery.domain_group == DomainGroup.name,
            Delivery.due_at <= _AT,
        )
        .order_by(Delivery.due_at)
        .limit(1)
        .correlate(Mailing, DomainGroup)
        .scalar_subquery()
    )


def _take(choice: _Choice, *, at: datetime, size: int, holder: str) -> Sequence[_Taken]:
    """The claim itself, and what it costs of the group's limits. No commit."""
    limits = pacing.locked(ALL, choice.group) if choice.is_metered else []
    size = pacing.room(limits, want=size, at=at)
    if size < 1:
        return []
    given = {
        "mailing": choice.mailing_id,
        "group": choice.group,
        "at": at,
        "size": size,
        "holder": holder,
        "lease": at + timedelta(seconds=current_app.config["LEASE_SECONDS"]),
    }
    connection = db.session.connection()
    taken = connection.execute(claim_statement(connection.dialect.name), given).all()
    pacing.spend(limits, len(taken), at=at)
    return taken


@cache
def claim_statement(database: str) -> sa.sql.dml.ReturningUpdate[Any]:
    """Of a `mailing` and a `group`, what is due `at` a moment, at most a `size`: held by a
    `holder` until its `lease` ends."""
    delivery = cast(sa.Table, Delivery.__table__)
    other = delivery.alias()
    chosen = (
        sa.select(other.c.id)
        .where(
            other.c.mailing_id == sa.bindparam("mailing"),
            other.c.domain_group == sa.bindparam("group"),
            other.c.due_at <= _AT,
        )
        .order_by(other.c.due_at, other.c.id)
        .limit(sa.bindparam("size", type_=sa.Integer))
        .with_for_update(skip_locked=True)  # SQLite leaves it out: it has one writer anyway
    )
    if database == "postgresql":
        chosen = sa.select(chosen.cte("chosen").prefix_with("MATERIALIZED").c.id)
    return (
        sa.update(delivery)
        .where(delivery.c.id.in_(chosen))
        .values(
            state=DeliveryState.CLAIMED,
            due_at=None,
            lease_owner=sa.bindparam("holder"),
            lease_until=sa.bindparam("lease"),
            attempts=delivery.c.attempts + 1,
            first_try_at=sa.func.coalesce(delivery.c.first_try_at, _AT),
        )
        .returning(
            delivery.c.id,
            delivery.c.address,
            delivery.c.subscriber_id,
            delivery.c.first_try_at,
            delivery.c.attempts,
            delivery.c.sealed_from,
        )
    )


def _come_for_another(ids: Collection[int], mailing_id: int) -> dict[int, bytes]:
    """Who has left one topic since, and follows another that the mailing is about: their mail comes
    for that one, and its links leave that one."""
    mailing = db.session.get_one(Mailing, mailing_id)
    rows = db.session.execute(
        sa.select(Delivery.id, Subscription.id, Subscription.public_id)
        .join(Subscription, Subscription.subscriber_id == Delivery.subscriber_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(
            Delivery.id.in_(ids),
            Delivery.address.is_not(None),
            Subscription.state == SubscriptionState.ACTIVE,
            Subscription.consent_at <= (mailing.starts_at or mailing.queued_at),
            Topic.slug.in_(mailing.topics),
            ~_suppressed(),
        )
        .order_by(Subscription.id.desc())
    ).all()
    chosen = {row[0]: (row[1], row[2]) for row in rows}  # the oldest of each
    for delivery_id, (subscription_id, _) in chosen.items():
        db.session.execute(
            sa.update(Delivery)
            .where(Delivery.id == delivery_id)
            .values(subscription_id=subscription_id)
            .execution_options(synchronize_session=False)
        )
    return {delivery_id: public_id for delivery_id, (_, public_id) in chosen.items()}


@cache
def _standing(kind: MailingKind) -> sa.Select[int, bytes]:
    """Those of some deliveries whose readers still want them, and their subscriptions' names."""
    wanted = (
        SubscriptionState.PENDING if kind is MailingKind.CONFIRMATION else SubscriptionState.ACTIVE
    )
    # Whoever was suppressed may still be asked whether they want to come back.
    allowed = sa.true() if kind is MailingKind.CONFIRMATION else ~_suppressed()
    return (
        sa.select(Delivery.id, Subscription.public_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(
            Delivery.id.in_(sa.bindparam("ids", expanding=True)),
            Delivery.address.is_not(None),
            Subscription.state == wanted,
            allowed,
        )
    )


def _suppressed() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Suppression.address_hash == Delivery.address_hash,
        Suppression.scope.in_(("all", sa.literal("topic:") + Topic.slug)),
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
    reader who gets a release twice is better off than one who never does, and counted. Unless its
    mailing says that a person decides.
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
    """A mailing may say that what was in the open when its holder was lost waits for a person."""
    _hold_uncertain(which, at=at)
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


def _hold_uncertain(which: sa.ColumnElement[bool], *, at: datetime) -> None:
    careful = sa.select(Mailing.id).where(
        Mailing.finished_at.is_(None), Mailing.hold_uncertain.is_(True)
    )
    held = db.session.scalars(
        sa.update(Delivery)
        .where(
            which,
            Delivery.lease_until.is_not(None),
            Delivery.state == DeliveryState.TRANSMITTING,
            Delivery.mailing_id.in_(careful),
        )
        .values(
            state=DeliveryState.UNCERTAIN,
            lease_owner=None,
            lease_until=None,
            uncertain_count=Delivery.uncertain_count + 1,
        )
        .returning(Delivery.mailing_id)
        .execution_options(synchronize_session=False)
    ).all()
    for mailing_id in sorted(set(held)):
        mailing = db.session.get_one(Mailing, mailing_id)
        facts = {"title": mailing.subject, "n": held.count(mailing_id)}
        raise_alert("uncertain_held", str(mailing_id), facts=facts, at=at)


def finish(*, at: datetime) -> None:
    """End every running mailing of which nothing waits, is held or awaits a decision. Commits."""
    waiting = (
        sa.select(Delivery.id)
        .where(Delivery.mailing_id == Mailing.id, Delivery.due_at.is_not(None))
        .order_by(Delivery.domain_group, Delivery.due_at)
    )
    # Asked once for all, not for each: what is held is little, and its index knows no mailings.
    held = sa.select(Delivery.mailing_id).where(Delivery.lease_until.is_not(None))
    db.session.execute(
        sa.update(Mailing)
        .where(
            Mailing.finished_at.is_(None),
            Mailing.state == MailingState.RUNNING,
            ~_any(waiting),
            Mailing.id.not_in(held),
            ~undecided(Mailing.id),
        )
        .values(state=MailingState.FINISHED, finished_at=at)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def undecided(mailing_id: sa.SQLColumnExpression[int]) -> sa.ColumnElement[bool]:
    """Whether mails of a mailing may have been taken and wait for a person to say what is to be.

    Asked group by group, which is how their index is sorted.
    """
    rows = sa.select(Delivery.id).where(
        Delivery.mailing_id == mailing_id,
        Delivery.domain_group == DomainGroup.name,
        Delivery.state == DeliveryState.UNCERTAIN,
        Delivery.due_at.is_(None),
        Delivery.lease_until.is_(None),
    )
    return _any(sa.select(DomainGroup.name).where(_any(rows)))


def _any(rows: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Whether there is such a row, asked for each outer row, which an index answers.

    As EXISTS it becomes a join, for which PostgreSQL may read the whole table.
    """
    return rows.limit(1).correlate(Mailing, DomainGroup).scalar_subquery().is_not(None)
