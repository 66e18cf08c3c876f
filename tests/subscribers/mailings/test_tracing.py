"""The history of one address: what was mailed, what servers said, what came back, in order."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from subscribers.audience.models import Subscriber
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    InboundEvent,
    InboundKind,
)
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.watching.reasons import Reason
from subscribers.mailings.watching.tracing import Happening, history_of
from tests.factories import A_MORNING
from tests.queries import counted_queries
from tests.subscribers.mailings.cast import queued, subscriber

MINUTE = timedelta(minutes=1)


def someone() -> Subscriber:
    return subscriber("dora@reader.example").subscriber


def mailed(number: int) -> Delivery:
    """A mailing that has written its recipients down."""
    made = queued(key=f"release:{number}:r1:sv", subject=f"Nyhet {number}")
    while materialise(at=A_MORNING):
        pass
    return db.session.scalars(sa.select(Delivery).where(Delivery.mailing_id == made.id)).one()


def sent(delivery: Delivery, *, minute: int) -> None:
    delivery.state, delivery.due_at = DeliveryState.SENT, None
    delivery.sent_at = A_MORNING + minute * MINUTE
    db.session.commit()


def test_tries_the_sending_and_what_came_back_stand_in_order(app: Flask) -> None:
    person = someone()
    delivery = mailed(1)
    db.session.add(
        DeliveryAttempt(
            delivery_id=delivery.id,
            at=A_MORNING + MINUTE,
            code=450,
            reply="<dora@reader.example>: greylisted",
        )
    )
    sent(delivery, minute=6)
    db.session.add(
        InboundEvent(
            key=b"1" * 32,
            source="imap",
            kind=InboundKind.SOFT,
            enhanced="5.2.2",
            said="mailbox of dora@reader.example full",
            delivery_id=delivery.id,
            subscriber_id=person.id,
            received_at=A_MORNING + 9 * MINUTE,
        )
    )
    db.session.commit()

    moments = history_of(person.id).moments

    assert [one.what for one in moments] == [Happening.RETURNED, Happening.SENT, Happening.TRIED]
    assert [one.reason for one in moments] == [Reason.FULL, None, Reason.GREYLIST]
    assert not [one for one in moments if "dora@" in one.said]
    assert all(one.mailing and one.mailing.subject == "Nyhet 1" for one in moments)


def test_a_mail_that_has_not_been_tried_is_there_too(app: Flask) -> None:
    person = someone()
    mailed(1)

    (moment,) = history_of(person.id).moments

    assert (moment.what, moment.state) == (Happening.WRITTEN, DeliveryState.QUEUED)


def test_a_refusal_for_good_says_why(app: Flask) -> None:
    person = someone()
    delivery = mailed(1)
    delivery.state, delivery.due_at = DeliveryState.FAILED, None
    delivery.code, delivery.enhanced, delivery.reply = 550, "5.1.1", "5.1.1 unknown"
    db.session.commit()

    (moment,) = history_of(person.id).moments

    assert (moment.what, moment.reason) == (Happening.ENDED, Reason.UNKNOWN)


def test_a_long_history_goes_by_pages_and_a_fixed_number_of_questions(app: Flask) -> None:
    person = someone()
    for number in range(5):
        sent(mailed(number), minute=number)
    person_id = person.id

    with counted_queries() as asked:
        first = history_of(person_id, size=2)
    second = history_of(person_id, size=2, before=first.older)
    third = history_of(person_id, size=2, before=second.older)

    told = [one.mailing.subject for page in (first, second, third) for one in page.moments]
    assert told == [f"Nyhet {n}" for n in (4, 3, 2, 1, 0)]
    assert third.older is None
    assert len(asked) == 3


def test_what_came_back_without_a_known_mail_stands_on_the_first_page(app: Flask) -> None:
    person = someone()
    for number in range(2):
        sent(mailed(number), minute=number)
    db.session.add(
        InboundEvent(
            key=b"2" * 32,
            source="imap",
            kind=InboundKind.UNSUBSCRIBE,
            subscriber_id=person.id,
            received_at=A_MORNING,
        )
    )
    db.session.commit()

    first = history_of(person.id, size=1)
    second = history_of(person.id, size=1, before=first.older)

    assert InboundKind.UNSUBSCRIBE in [one.kind for one in first.moments]
    assert InboundKind.UNSUBSCRIBE not in [one.kind for one in second.moments]
