"""All that is kept about one subscriber: for their page in the office, and for themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.core.audit import AuditEvent
from app.core.db import db
from subscribers.audience import consent_texts
from subscribers.audience.models import DataRequest, Subscriber, Subscription
from subscribers.audience.questions import suppressions
from subscribers.mailings.models import Delivery, DeliveryAttempt, InboundEvent, Mailing

LATEST = 200  # mails of one person on a page; what they are handed themselves has all


@dataclass(frozen=True)
class Mailed:
    """One mail: the delivery, what servers said when they did not take it, what came back."""

    delivery: Delivery
    attempts: Sequence[DeliveryAttempt]
    events: Sequence[InboundEvent]


def mails_to(person: Subscriber, *, limit: int | None = LATEST) -> list[Mailed]:
    """The mails to one subscriber, the newest first, in three questions."""
    deliveries = db.session.scalars(
        sa.select(Delivery)
        .join(Mailing)
        .options(contains_eager(Delivery.mailing))
        .where(Delivery.subscriber_id == person.id)
        .order_by(Delivery.id.desc())
        .limit(limit)
    ).all()
    ids = [one.id for one in deliveries]
    attempts: dict[int, list[DeliveryAttempt]] = {one: [] for one in ids}
    for attempt in db.session.scalars(
        sa.select(DeliveryAttempt)
        .where(DeliveryAttempt.delivery_id.in_(ids))
        .order_by(DeliveryAttempt.id)
    ):
        attempts[attempt.delivery_id].append(attempt)
    events: dict[int, list[InboundEvent]] = {one: [] for one in ids}
    for event in db.session.scalars(
        sa.select(InboundEvent).where(InboundEvent.delivery_id.in_(ids)).order_by(InboundEvent.id)
    ):
        events[event.delivery_id or 0].append(event)
    return [Mailed(one, attempts[one.id], events[one.id]) for one in deliveries]


def acts_about(person: Subscriber) -> list[AuditEvent]:
    """Who in the office did what about a subscriber, the newest first."""
    return list(
        db.session.scalars(
            sa.select(AuditEvent)
            .where(AuditEvent.subject == "subscriber", AuditEvent.subject_id == person.id)
            .order_by(AuditEvent.id.desc())
            .limit(LATEST)
        )
    )


def everything_about(person: Subscriber, *, at: datetime) -> dict[str, Any]:
    """What the law lets them see, as data: articles 15 and 20 of Regulation (EU) 2016/679.

    Plain values with English names, times in UTC.
    """
    return {
        "as_of": at.isoformat(timespec="seconds"),
        "email": person.address,
        "language": person.language,
        "known_since": person.created_at.isoformat(timespec="seconds"),
        "subscriptions": [
            _subscription(one, person.language)
            for one in sorted(person.subscriptions, key=lambda one: one.id)
        ],
        "must_not_be_written_to": [
            {"about": one.scope, "reason": one.reason, "since": _moment(one.created_at)}
            for one in suppressions(person)
        ],
        "mails": list(_mails(person)),
        "requests": [
            {"kind": one.kind.value, "asked_at": _moment(one.asked_at)}
            for one in db.session.scalars(
                sa.select(DataRequest)
                .where(DataRequest.subscriber_id == person.id)
                .order_by(DataRequest.id)
            )
        ],
    }


def _subscription(one: Subscription, language: str) -> dict[str, Any]:
    return {
        "topic": one.topic.slug,
        "state": one.state.value,
        "frequency": one.frequency.value,
        "asked_at": _moment(one.asked_at),
        "consent_at": _moment(one.consent_at),
        "consent_source": one.consent_source,
        "consent_text": " ".join(consent_texts.words_of(one.consent_text_version, language)),
        "ended_at": _moment(one.ended_at),
        "ended_reason": one.ended_reason.value if one.ended_reason else None,
    }


def _mails(person: Subscriber) -> Iterator[dict[str, Any]]:
    for one in mails_to(person, limit=None):
        yield {
            "kind": one.delivery.mailing.kind.value,
            "subject": one.delivery.mailing.subject,
            "state": one.delivery.state.value,
            "sent_at": _moment(one.delivery.sent_at),
            "answers": [attempt.reply for attempt in one.attempts if attempt.reply],
            "came_back": [
                {"kind": event.kind.value, "at": _moment(event.received_at)} for event in one.events
            ],
        }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
