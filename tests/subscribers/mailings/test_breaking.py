"""The circuit breaker: what answers and complaints stop, and what they do not."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.alerts import open_alerts
from app.core.clock import now
from app.core.db import db
from subscribers.mailings.controlling import resume
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    InboundEvent,
    InboundKind,
    Mailing,
    MailingKind,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending import breaking
from subscribers.mailings.sending.breaking import after_complaint, learn
from subscribers.mailings.sending.claiming import claim
from subscribers.mailings.sending.domain_groups import group_by_name
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import Reply
from tests.factories import A_MORNING
from tests.subscribers.mailings.cast import queued

TAKEN = Reply(250, "2.0.0 taken")
UNKNOWN = Reply(550, "5.1.1 no such user")
REFUSED = Reply(550, "5.7.1 your message was refused by policy")
FULL = Reply(552, "5.2.2 mailbox full")
SLOWER = Reply(421, "4.7.28 too many messages, slow down")
GREY = Reply(450, "4.2.0 greylisted, try again")


@pytest.fixture(autouse=True)
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking, "KEEP_SECONDS", 0.0)


@pytest.fixture
def mailing(app: Flask) -> Mailing:
    made = queued()
    made.state = MailingState.RUNNING
    db.session.commit()
    return made


def answers(mailing: Mailing, *replies: Reply, group: str = "gmail") -> None:
    """These answers to mails of a mailing, written down and learnt from."""
    start = db.session.scalar(sa.select(sa.func.count(Delivery.id))) or 0
    outcomes = []
    for number, reply in enumerate(replies, start):
        if not reply.transient:
            state = DeliveryState.SENT if reply.accepted else DeliveryState.FAILED
            db.session.add(
                Delivery(
                    mailing_id=mailing.id,
                    address_hash=number.to_bytes(32, "big"),
                    domain_group=group,
                    state=state,
                )
            )
        outcomes.append(
            Outcome(number, mailing.id, MailingKind(mailing.kind), group, None, "gmail.com", reply)
        )
    db.session.flush()
    learn(outcomes, at=A_MORNING)
    db.session.commit()
    db.session.expire_all()


def alerts() -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in open_alerts()]


def test_a_mailing_with_too_many_dead_addresses_is_paused(mailing: Mailing) -> None:
    answers(mailing, *[TAKEN] * 56, *[UNKNOWN] * 4)

    assert mailing.state is MailingState.PAUSED
    assert mailing.paused_because is PausedBecause.HARD_BOUNCES
    assert mailing.pause_facts["group"] == "gmail"
    assert (mailing.pause_facts["hard"], mailing.pause_facts["seen"]) == (4, 60)
    assert alerts() == [("mailing_paused_hard", str(mailing.id))]


def test_few_answers_and_few_dead_addresses_pause_nothing(mailing: Mailing) -> None:
    answers(mailing, *[UNKNOWN] * 3, *[TAKEN] * 46)
    assert mailing.state is MailingState.RUNNING, "49 answers are too few"

    answers(mailing, *[TAKEN] * 11)
    answers(mailing, *[TAKEN] * 40, UNKNOWN)

    assert mailing.state is MailingState.RUNNING, "4 of 101"


def test_full_mailboxes_and_greylisting_pause_nothing(mailing: Mailing) -> None:
    answers(mailing, *[FULL] * 60, *[GREY] * 60)

    assert mailing.state is MailingState.RUNNING
    assert group_by_name("gmail").backoff_until is None
    assert alerts() == []


def test_an_earlier_mailings_dead_addresses_do_not_pause_the_next(mailing: Mailing) -> None:
    answers(mailing, *[TAKEN] * 90, *[UNKNOWN] * 10)
    later = queued(key="release:2:r1:sv")
    later.state = MailingState.RUNNING
    db.session.commit()

    answers(later, *[TAKEN] * 60, UNKNOWN)

    assert later.state is MailingState.RUNNING


def test_only_the_last_500_answers_of_a_provider_count(mailing: Mailing) -> None:
    answers(mailing, *[UNKNOWN] * 20, group="yahoo")
    answers(mailing, *[TAKEN] * 600, group="yahoo")

    assert group_by_name("yahoo").recent == "a" * 500


def test_who_lets_a_mailing_go_on_gives_it_a_fresh_window(mailing: Mailing) -> None:
    answers(mailing, *[TAKEN] * 56, *[UNKNOWN] * 4)
    resume(mailing, by=None, at=A_MORNING)
    db.session.commit()

    answers(mailing, UNKNOWN)
    assert mailing.state is MailingState.RUNNING
    assert mailing.paused_because is None
    assert alerts() == []

    answers(mailing, *[TAKEN] * 50, *[UNKNOWN] * 5)
    assert mailing.state is MailingState.PAUSED


def test_a_run_of_refusals_of_us_holds_the_provider_and_no_mailing(mailing: Mailing) -> None:
    answers(mailing, *[REFUSED] * 49)
    assert group_by_name("gmail").held_at is None

    answers(mailing, REFUSED)

    held = group_by_name("gmail")
    assert (held.held_at, held.held_because) == (A_MORNING, "policy")
    assert "refused by policy" in str(held.held_facts["said"])
    assert mailing.state is MailingState.RUNNING
    assert alerts() == [("policy_refused", "gmail")]


def test_one_mail_that_is_taken_breaks_the_run(mailing: Mailing) -> None:
    answers(mailing, *[REFUSED] * 40, TAKEN, *[REFUSED] * 40)

    assert group_by_name("gmail").held_at is None


def test_a_provider_that_asks_for_less_is_slowed_once_for_all_that_was_under_way(
    mailing: Mailing,
) -> None:
    answers(mailing, SLOWER, SLOWER, SLOWER)

    slowed = group_by_name("gmail")
    assert slowed.factor == 0.5
    assert slowed.backoff_until == A_MORNING + timedelta(seconds=1)
    assert group_by_name("other").factor == 1.0


def test_mails_that_are_taken_are_not_written_down_one_by_one(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaking, "KEEP_SECONDS", 3600.0)
    answers(mailing, TAKEN)  # the first is written: nothing was before
    answers(mailing, *[TAKEN] * 30)
    assert group_by_name("gmail").recent == "a"

    answers(mailing, UNKNOWN)

    assert group_by_name("gmail").recent == "a" * 31 + "h"


def test_mistyped_addresses_of_confirmations_say_nothing_of_the_list(mailing: Mailing) -> None:
    asked = queued(key="confirmation:x")
    asked.kind, asked.state = MailingKind.CONFIRMATION, MailingState.RUNNING
    db.session.commit()

    answers(asked, *[UNKNOWN] * 60)

    assert asked.state is MailingState.RUNNING
    assert group_by_name("gmail").recent == ""


# Complaints


def sent(mailing: Mailing, number: int) -> None:
    db.session.add_all(
        Delivery(
            mailing_id=mailing.id,
            address_hash=one.to_bytes(32, "big"),
            state=DeliveryState.SENT,
        )
        for one in range(number)
    )
    db.session.commit()


def complain(mailing: Mailing, times: int, *, first: int = 0) -> None:
    rows = db.session.scalars(
        sa.select(Delivery.id).where(Delivery.mailing_id == mailing.id).offset(first).limit(times)
    ).all()
    for row in rows:
        db.session.add(
            InboundEvent(
                key=row.to_bytes(32, "big"),
                source="lmtp",
                kind=InboundKind.COMPLAINT,
                delivery_id=row,
                mailing_id=mailing.id,
                received_at=A_MORNING,
            )
        )
    db.session.flush()
    after_complaint(mailing.id, at=A_MORNING)
    db.session.commit()
    db.session.expire_all()


def test_case_34_complaints_pause_a_mailing_and_what_waits_stays_queued(mailing: Mailing) -> None:
    sent(mailing, 1000)
    db.session.add(
        Delivery(
            mailing_id=mailing.id,
            address_hash=b"w" * 32,
            state=DeliveryState.QUEUED,
            due_at=now(),
        )
    )
    db.session.commit()

    complain(mailing, 2)
    assert mailing.state is MailingState.RUNNING
    assert alerts() == [("mailing_complaints", str(mailing.id))]

    complain(mailing, 1, first=2)

    assert mailing.state is MailingState.PAUSED
    assert mailing.paused_because is PausedBecause.COMPLAINTS
    assert mailing.pause_facts == {"complaints": 3, "sent": 1000, "share": "0.30"}
    assert claim(at=now()) is None
    waiting = sa.select(sa.func.count()).where(Delivery.state == DeliveryState.QUEUED)
    assert db.session.scalar(waiting) == 1


def test_case_34_one_complaint_and_a_short_list_stop_nothing(mailing: Mailing) -> None:
    sent(mailing, 300)

    complain(mailing, 3)

    assert mailing.state is MailingState.RUNNING
    assert alerts() == []


def test_case_34_complaints_that_a_person_has_seen_do_not_count_again(mailing: Mailing) -> None:
    sent(mailing, 1000)
    complain(mailing, 3)
    resume(mailing, by=None, at=A_MORNING)
    db.session.commit()

    complain(mailing, 1, first=3)

    assert mailing.state is MailingState.RUNNING
