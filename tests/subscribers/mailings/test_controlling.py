"""The brake: pausing, going on and calling off, while senders hold what they hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotAllowed, NotNow
from subscribers.mailings import questions
from subscribers.mailings.controlling import cancel, pause, resume, settle_cancelled
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingState
from subscribers.mailings.sending.materialising import materialise
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import queued, send_all, states, subscribers


def written_down(count: int = 3) -> Mailing:
    """A running mailing whose whole audience waits."""
    subscribers(count)
    mailing = queued()
    while materialise(at=now()):
        pass
    return db.session.get_one(Mailing, mailing.id)


def adds_up(mailing: Mailing, audience: int) -> bool:
    counts = questions.counts(mailing.id)
    return sum(counts[state] for state in questions.SETTLED) == audience == sum(counts.values())


def test_a_paused_mailing_sends_nothing_until_it_is_resumed(
    app: Flask, post: PostOffice, editor: User
) -> None:
    mailing = written_down()
    pause(mailing, by=editor, at=A_MORNING)
    db.session.commit()
    send_all()
    assert post.letters == []

    resume(mailing, by=editor, at=A_MORNING)
    db.session.commit()
    send_all()

    assert len(post.letters) == 3
    assert states(mailing.id) == {"sent": 3}


def test_a_mailing_paused_while_it_is_prepared_goes_on_being_prepared(
    app: Flask, post: PostOffice
) -> None:
    subscribers(2)
    mailing = queued()
    pause(mailing, by=None, at=A_MORNING)
    db.session.commit()
    send_all()
    assert states(mailing.id) == {}

    resume(mailing, by=None, at=A_MORNING)
    db.session.commit()

    assert mailing.state is MailingState.MATERIALISING
    assert mailing.paused_from is None
    send_all()
    assert states(mailing.id) == {"sent": 2}


def test_a_cancelled_mailing_is_over_and_writes_to_nobody(app: Flask, post: PostOffice) -> None:
    mailing = written_down()

    cancel(mailing, by=None, at=A_MORNING)
    db.session.commit()
    send_all()

    assert post.letters == []
    assert mailing.state is MailingState.CANCELLED
    assert mailing.finished_at == A_MORNING
    assert states(mailing.id) == {"cancelled": 3}


def test_a_mailing_can_be_cancelled_while_it_is_paused(app: Flask) -> None:
    mailing = written_down()
    pause(mailing, by=None, at=A_MORNING)

    cancel(mailing, by=None, at=A_MORNING)
    db.session.commit()

    assert states(mailing.id) == {"cancelled": 3}


def test_what_a_sender_holds_is_taken_out_of_its_hands_by_a_cancel(
    app: Flask, post: PostOffice
) -> None:
    mailing_id = written_down().id

    def cancel_while_it_talks(address: str) -> str | None:
        with app.app_context():
            mailing = db.session.get_one(Mailing, mailing_id)
            if mailing.state is MailingState.RUNNING:
                cancel(mailing, by=None, at=A_MORNING)
                db.session.commit()
        return None

    post.at_rcpt = cancel_while_it_talks
    send_all()

    assert post.letters == []
    assert states(mailing_id) == {"cancelled": 3}


def test_what_is_claimed_at_the_very_moment_of_a_cancel_meets_the_fence(
    app: Flask, post: PostOffice
) -> None:
    """Such as a mail that a dead sender held, taken back while the mailing is called off."""
    mailing_id = written_down(1).id

    def call_off_and_leave_the_claim(address: str) -> str | None:
        with app.app_context():
            db.session.execute(
                sa.update(Mailing).values(state=MailingState.CANCELLED, finished_at=A_MORNING)
            )
            db.session.commit()
        return None

    post.at_rcpt = call_off_and_leave_the_claim
    send_all()
    assert post.letters == []
    assert states(mailing_id) == {"queued": 1}

    settle_cancelled()

    assert states(mailing_id) == {"cancelled": 1}


def test_what_a_server_puts_off_after_a_cancel_does_not_wait_for_ever(
    app: Flask, post: PostOffice
) -> None:
    app.config["CONNECTIONS"] = 1  # else a second may be in the open when it is cancelled
    mailing_id = written_down().id

    def cancel_then_answer(address: str) -> str | None:
        with app.app_context():
            cancel(db.session.get_one(Mailing, mailing_id), by=None, at=A_MORNING)
            db.session.commit()
        return "451 4.7.1 later"

    post.at_data = cancel_then_answer  # the dot is out
    send_all()
    assert states(mailing_id) == {"cancelled": 2, "deferred": 1}

    settle_cancelled()

    assert states(mailing_id) == {"cancelled": 3}
    assert adds_up(db.session.get_one(Mailing, mailing_id), 3)


@pytest.mark.parametrize("verb", [pause, resume, cancel])
def test_a_mailing_that_has_ended_stays_as_it_is(app: Flask, verb: Callable[..., None]) -> None:
    mailing = written_down()
    cancel(mailing, by=None, at=A_MORNING)
    db.session.commit()

    with pytest.raises(NotNow):
        verb(mailing, by=None, at=A_MORNING)

    assert mailing.state is MailingState.CANCELLED


def test_only_a_paused_mailing_can_go_on(app: Flask) -> None:
    mailing = written_down()

    with pytest.raises(NotNow):
        resume(mailing, by=None, at=A_MORNING)


@pytest.mark.parametrize("verb", [pause, resume, cancel])
def test_a_writer_has_no_brake(app: Flask, writer: User, verb: Callable[..., None]) -> None:
    mailing = written_down()

    with pytest.raises(NotAllowed):
        verb(mailing, by=writer, at=A_MORNING)

    assert mailing.state is MailingState.RUNNING


def test_every_state_is_counted(app: Flask) -> None:
    mailing = written_down()

    counts = questions.counts(mailing.id)

    assert counts[DeliveryState.QUEUED] == 3
    assert set(counts) == set(DeliveryState)


def test_servers_that_say_the_same_about_different_people_are_one_cause(app: Flask) -> None:
    mailing = written_down(2)
    rows = db.session.scalars(sa.select(Delivery).where(Delivery.mailing_id == mailing.id))
    for number, row in enumerate(rows):
        row.state, row.due_at, row.code = DeliveryState.FAILED, None, 550
        row.reply = f"5.1.1 <reader{number}@news.example>: no such user"
    db.session.commit()

    (cause,) = questions.causes(mailing.id)

    assert cause.count == 2
    assert cause.reply == "5.1.1 <…@news.example>: no such user"
