"""What has happened with one address: each mail, each try, and what came back of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.db import db
from subscribers.audience.models import Subscriber, Subscription, Suppression
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    InboundEvent,
    InboundKind,
    Mailing,
)
from subscribers.mailings.questions import without_addresses
from subscribers.mailings.returns import scoring
from subscribers.mailings.watching.reasons import Reason, reason_of

BOUNCE = "bounce"  # the reason of a suppression that a refusal left behind
PAGE = 25  # mails on one page
EVENTS = 100  # of what came back, at most


class Happening(StrEnum):
    WRITTEN = "written"  # a mailing wrote this address down; nothing has been tried
    TRIED = "tried"  # a server did not take it, or did not say
    SENT = "sent"
    ENDED = "ended"  # it came to its end without being sent: see the state
    RETURNED = "returned"  # something came back: see the kind


@dataclass(frozen=True)
class Moment:
    """One thing that happened. `said` are a server's words without addresses."""

    at: datetime
    what: Happening
    mailing: Mailing | None
    state: DeliveryState | None = None
    kind: InboundKind | None = None
    reason: Reason | None = None
    said: str = ""


@dataclass(frozen=True)
class History:
    """The newest first. `older` is where the next page begins, if there is one."""

    moments: Sequence[Moment]
    older: int | None


@dataclass(frozen=True)
class Silenced:
    """Somebody whose server said that there is no such mailbox, a moment ago.

    Their subscriptions go on until `ends_at`: if that server refuses everybody, it is an outage,
    and `returns` lifts what it did. `said` are its words without addresses.
    """

    since: datetime
    ends_at: datetime
    said: str


def silenced(person: Subscriber) -> Silenced | None:
    """None for whom nothing has come back, and for whom it is over."""
    found = db.session.execute(
        sa.select(InboundEvent.received_at, InboundEvent.said)
        .join(Suppression, Suppression.event_id == InboundEvent.id)
        .where(
            Suppression.address_hash == person.address_hash,
            Suppression.scope == "all",
            Suppression.reason == BOUNCE,
            sa.exists().where(
                Subscription.subscriber_id == person.id,
                Subscription.ended_at.is_(None),
                Subscription.asked_at <= InboundEvent.received_at,
            ),
        )
    ).first()
    if found is None:
        return None
    ends_at = found.received_at + scoring.OUTAGE_WITHIN
    return Silenced(found.received_at, ends_at, without_addresses(found.said))


def history_of(subscriber_id: int, *, before: int | None = None, size: int = PAGE) -> History:
    """The mails to one subscriber, the tries of each and what came back, in order.

    `before` is the delivery that the page before ended with. Three questions. What came back and
    belongs to no mail of theirs that is known stands on the first page.
    """
    query = (
        sa.select(Delivery)
        .where(Delivery.subscriber_id == subscriber_id)
        .options(joinedload(Delivery.mailing))
        .order_by(Delivery.id.desc())
    )
    if before is not None:
        query = query.where(Delivery.id < before)
    found = db.session.scalars(query.limit(size + 1)).all()
    shown = found[:size]
    ids = [one.id for one in shown]
    attempts: defaultdict[int, list[DeliveryAttempt]] = defaultdict(list)
    tried = sa.select(DeliveryAttempt).where(DeliveryAttempt.delivery_id.in_(ids))
    for attempt in db.session.scalars(tried.order_by(DeliveryAttempt.id)):
        attempts[attempt.delivery_id].append(attempt)
    moments = [moment for one in shown for moment in _moments(one, attempts[one.id])]
    moments += _returned(subscriber_id, shown, is_first=before is None)
    moments.sort(key=lambda moment: moment.at, reverse=True)
    return History(moments, ids[-1] if len(found) > size else None)


def _moments(delivery: Delivery, attempts: Sequence[DeliveryAttempt]) -> list[Moment]:
    mailing = delivery.mailing
    found = [
        Moment(
            at=one.at,
            what=Happening.TRIED,
            mailing=mailing,
            reason=reason_of(one.code, one.enhanced, one.reply),
            said=_said(one.code, one.reply),
        )
        for one in attempts
    ]
    if delivery.sent_at is not None:
        found.append(Moment(delivery.sent_at, Happening.SENT, mailing, delivery.state))
    elif delivery.due_at is None and delivery.lease_until is None:
        last = max([one.at for one in attempts], default=mailing.finished_at or mailing.queued_at)
        found.append(
            Moment(
                last,
                Happening.ENDED,
                mailing,
                delivery.state,
                reason=reason_of(delivery.code, delivery.enhanced, delivery.reply)
                if delivery.state is DeliveryState.FAILED
                else None,
            )
        )
    elif not attempts:
        began = mailing.starts_at or mailing.queued_at
        found.append(Moment(began, Happening.WRITTEN, mailing, delivery.state))
    return found


def _returned(subscriber_id: int, shown: Sequence[Delivery], *, is_first: bool) -> list[Moment]:
    """What came back of these mails; on the first page also what belongs to none that is known."""
    mine: sa.ColumnElement[bool] = InboundEvent.delivery_id.in_([one.id for one in shown])
    if is_first:
        mine = sa.or_(mine, InboundEvent.delivery_id.is_(None))
    mailings = {one.id: one.mailing for one in shown}
    events = db.session.scalars(
        sa.select(InboundEvent)
        .where(InboundEvent.subscriber_id == subscriber_id, mine)
        .order_by(InboundEvent.id.desc())
        .limit(EVENTS)
    )
    return [
        Moment(
            at=one.received_at.astimezone(UTC),
            what=Happening.RETURNED,
            mailing=mailings.get(one.delivery_id or 0),
            kind=one.kind,
            reason=reason_of(one.code, one.enhanced, one.said)
            if one.code or one.enhanced
            else None,
            said=_said(one.code, one.said),
        )
        for one in events
    ]


def _said(code: int | None, words: str) -> str:
    return f"{code or ''} {without_addresses(words)}".strip()
