"""Forgetting people, whole."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import shelf
from app.core.alerts import raise_alert
from app.core.db import Base, db
from app.core.errors import NotFound
from subscribers.audience import erasing, importing
from subscribers.audience.models import (
    DataRequest,
    RequestKind,
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    InboundEvent,
    InboundKind,
)
from subscribers.mailings.questions import counts
from subscribers.mailings.writing.queueing import queue_confirmation, queue_letter
from tests.factories import A_MORNING
from tests.subscribers.audience.test_importing import import_, omissions
from tests.subscribers.cast import DORA, active, ask, how_many, pending, state_of

LATER = A_MORNING + timedelta(hours=1)


def mailed(subscription: Subscription) -> Delivery:
    queue_confirmation(subscription, at=A_MORNING)
    delivery = db.session.scalars(sa.select(Delivery)).one()
    delivery.reply = f"451 4.3.0 <{DORA}> try later"
    db.session.add(DeliveryAttempt(delivery_id=delivery.id, at=A_MORNING, reply=delivery.reply))
    db.session.commit()
    return delivery


def everything_stored() -> str:
    """All rows of all tables, as text."""
    return "\n".join(
        str(row)
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(table.select())
    )


def test_case_39_no_plain_address_is_left_anywhere(app: Flask) -> None:
    delivery = mailed(active())

    erasing.erase(DORA.upper(), at=LATER)
    db.session.commit()
    db.session.expire_all()

    assert "dora" not in everything_stored()
    assert delivery.state is DeliveryState.SUPPRESSED
    assert how_many(Delivery) == 1
    assert db.session.scalars(sa.select(Suppression.reason)).one() == "erased"


def test_erasing_twice_is_erasing_once(app: Flask) -> None:
    active()

    assert erasing.erase(DORA, at=LATER)
    assert not erasing.erase(DORA, at=LATER + timedelta(days=1))

    assert db.session.scalars(sa.select(Subscriber.erased_at)).one() == LATER


def test_an_address_we_never_had_is_said_to_be_unknown(app: Flask) -> None:
    with pytest.raises(NotFound):
        erasing.erase("somebody@else.example", at=LATER)


def test_an_older_suppression_keeps_its_reason(app: Flask) -> None:
    subscriber = active().subscriber
    complaint = Suppression(
        address_hash=subscriber.address_hash, reason="complaint", created_at=A_MORNING
    )
    db.session.add(complaint)

    erasing.erase(DORA, at=LATER)

    assert db.session.scalars(sa.select(Suppression.reason)).one() == "complaint"


def test_case_12_who_did_not_confirm_is_forgotten_after_a_week(app: Flask) -> None:
    stale = pending()
    mailed(stale)
    fresh = pending("eva@reader.example", at=A_MORNING + timedelta(days=5))

    forgotten = erasing.forget_unconfirmed(at=A_MORNING + timedelta(days=7, hours=1))
    db.session.commit()

    assert forgotten == 1
    assert state_of(stale) is SubscriptionState.ENDED
    assert state_of(fresh) is SubscriptionState.PENDING
    assert "dora" not in everything_stored()
    assert how_many(Suppression) == 0
    assert ask(at=A_MORNING + timedelta(days=8)).mail


def test_who_had_confirmed_before_is_not_forgotten_with_a_pending_row(app: Flask) -> None:
    from subscribers.audience.subscribing import EndedReason, end

    end(active(), reason=EndedReason.USER_LINK, at=LATER)
    pending(at=LATER)

    erasing.forget_unconfirmed(at=LATER + timedelta(days=8))

    assert db.session.scalars(sa.select(Subscriber.address)).one() == DORA


def test_sign_up_counts_are_kept_a_day(app: Flask) -> None:
    ask()

    erasing.forget_attempts(at=A_MORNING + timedelta(hours=23))
    kept = how_many(SignupAttempt)
    erasing.forget_attempts(at=A_MORNING + timedelta(hours=25))

    assert [kept, how_many(SignupAttempt)] == [1, 0]


def test_case_39_every_column_of_every_table_and_every_waiting_list_is_clean(app: Flask) -> None:
    """Letters, what came back, answers that quote it, alerts, and lists nobody said yes to."""
    subscription = active()
    person_id = subscription.subscriber_id
    mailed(subscription)
    queue_letter(
        key="letter:1",
        to=DORA,
        language="sv",
        subject="Dina uppgifter",
        text="Hej",
        html="<p>Hej</p>",
        at=A_MORNING,
    )
    known = db.session.scalars(sa.select(Delivery).order_by(Delivery.id)).first()
    assert known is not None
    for number, (delivery_id, raw) in enumerate(
        [(known.id, b"Final-Recipient: rfc822; x"), (None, b"To: <Dora@Reader.Example>")]
    ):
        db.session.add(
            InboundEvent(
                key=bytes([number]) * 32,
                source="pipe",
                kind=InboundKind.HARD,
                raw=raw,
                said=f"550 <{DORA}> unknown",
                delivery_id=delivery_id,
                received_at=A_MORNING,
            )
        )
    raise_alert("uncertain_held", DORA, facts={"address": DORA}, at=A_MORNING)
    db.session.add(
        DataRequest(
            subscriber_id=person_id,
            kind=RequestKind.ACCESS,
            asked_at=A_MORNING,
            expires_at=LATER,
        )
    )
    lists = [
        importing.upload(
            file=io.BytesIO(content), content=content, file_name="x.csv", by=None, at=A_MORNING
        )
        for content in (f"email\n{DORA.upper()}\n".encode(), b"email\neva@reader.example\n")
    ]
    db.session.commit()
    keys = [one.file_key or "" for one in lists]
    assert "dora" in everything_stored().lower()

    erasing.erase(DORA, at=LATER)
    db.session.commit()
    db.session.expire_all()

    assert "dora" not in everything_stored().lower()
    assert [bool(shelf.names(key)) for key in keys] == [False, True]
    assert {one.state for one in db.session.scalars(sa.select(Delivery))} == {
        DeliveryState.SUPPRESSED
    }


def test_an_answer_that_comes_after_the_erasure_is_forgotten_too(app: Flask) -> None:
    delivery = mailed(active())
    erasing.erase(DORA, at=LATER)
    delivery.reply = f"550 <{DORA}> unknown"
    db.session.add(DeliveryAttempt(delivery_id=delivery.id, at=LATER, reply=delivery.reply))
    db.session.commit()

    erasing.forget_stragglers(at=LATER + timedelta(minutes=5))
    db.session.commit()

    assert "dora" not in everything_stored()


def test_case_40_an_erased_address_comes_back_only_by_itself_and_as_somebody_new(
    app: Flask,
) -> None:
    old = active().subscriber_id
    erasing.erase(DORA, at=LATER)
    db.session.commit()

    blocked = import_(f"email\n{DORA}\n")
    refused = omissions(blocked)
    new = active(at=LATER + timedelta(hours=1))

    assert refused == [(2, "erased")]
    assert new.subscriber_id != old
    assert new.state is SubscriptionState.ACTIVE
    assert len(new.subscriber.subscriptions) == 1
    assert how_many(Suppression) == 0


def test_case_39_the_figures_of_a_mailing_do_not_change(app: Flask) -> None:
    delivery = mailed(active())
    delivery.state, delivery.due_at, delivery.sent_at = DeliveryState.SENT, None, A_MORNING
    db.session.commit()
    before = counts(delivery.mailing_id)

    erasing.erase(DORA, at=LATER)
    db.session.commit()

    assert counts(delivery.mailing_id) == before
