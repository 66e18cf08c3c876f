"""Forgetting people, whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import Base, db
from app.core.errors import NotFound
from subscribers.audience import erasing
from subscribers.audience.models import (
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.mailings.models import Delivery, DeliveryAttempt, DeliveryState
from subscribers.mailings.queueing import queue_confirmation
from tests.factories import A_MORNING
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
