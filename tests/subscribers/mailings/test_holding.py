"""What keeps a mailing back: its time, a pause, a person's decision; and what is called off."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.alerts import open_alerts
from app.core.audit import AuditEvent
from app.core.clock import STOCKHOLM, now
from app.core.db import db
from app.core.errors import NotAllowed, NotNow
from subscribers.audience.models import SubscriptionState
from subscribers.mailings import controlling, questions
from subscribers.mailings.controlling import (
    cancel,
    decide,
    hold_uncertain,
    pause,
    resume,
    settle_cancelled,
)
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    Mailing,
    MailingPart,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending import claiming, materialising
from subscribers.mailings.sending.claiming import claim
from subscribers.mailings.sending.materialising import begin_planned, materialise
from subscribers.mailings.writing.queueing import queue
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import (
    announcement,
    queued,
    send_all,
    states,
    subscriber,
    subscribers,
)

HOUR = timedelta(hours=1)


def planned(starts_at: datetime, **changes: object) -> Mailing:
    """A mailing to three people that begins at a time of its own."""
    subscribers(3)
    mailing = queue(announcement(**changes), at=A_MORNING, starts_at=starts_at)
    db.session.commit()
    return mailing


def at_time(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """The minute's work at that time."""
    monkeypatch.setattr(materialising, "shared_now", lambda: at)
    begin_planned()
    db.session.expire_all()


def rows() -> int:
    return db.session.scalar(sa.select(sa.func.count(Delivery.id))) or 0


# Its time


def test_case_50_not_one_row_is_written_before_a_mailings_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts_at = A_MORNING + HOUR
    mailing = planned(starts_at)

    at_time(monkeypatch, starts_at - timedelta(seconds=1))
    assert not materialise(at=starts_at - timedelta(seconds=1))
    assert claim(at=starts_at - timedelta(seconds=1)) is None
    assert rows() == 0

    at_time(monkeypatch, starts_at)
    assert rows() == 3
    assert mailing.state is MailingState.MATERIALISING


def test_case_50_a_mailing_found_too_late_waits_for_a_person(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts_at = A_MORNING + HOUR
    mailing = planned(starts_at)

    at_time(monkeypatch, starts_at + 2 * HOUR)

    assert mailing.state is MailingState.PAUSED
    assert mailing.paused_because is PausedBecause.MISSED
    assert rows() == 0
    assert [(one.code, one.subject) for one in open_alerts()] == [
        ("mailing_missed", str(mailing.id))
    ]
    resume(mailing, by=None, at=now())
    db.session.commit()
    assert open_alerts() == []
    send_all()
    assert states(mailing.id) == {"sent": 3}


def test_case_50_within_its_grace_a_mailing_goes_out(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts_at = A_MORNING + HOUR
    mailing = planned(starts_at)

    at_time(monkeypatch, starts_at + timedelta(minutes=30))

    assert mailing.state is MailingState.MATERIALISING
    assert rows() == 3


def test_case_50_a_mailing_that_began_in_time_is_never_called_late(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that has waited for hours behind a larger one of its lane."""
    monkeypatch.setattr(materialising, "CHUNK", 2)
    starts_at = A_MORNING + HOUR
    mailing = planned(starts_at)
    at_time(monkeypatch, starts_at)
    assert rows() == 2

    assert materialise(at=starts_at + 5 * HOUR)

    db.session.expire_all()
    assert mailing.state is MailingState.MATERIALISING
    assert rows() == 3


def test_case_50_who_resumes_after_its_time_is_not_stopped_by_the_grace(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts_at = A_MORNING + HOUR
    mailing = planned(starts_at)
    pause(mailing, by=None, at=A_MORNING)
    db.session.commit()
    at_time(monkeypatch, starts_at + 2 * HOUR)
    resume(mailing, by=None, at=starts_at + 3 * HOUR)
    db.session.commit()

    at_time(monkeypatch, starts_at + 3 * HOUR)

    assert mailing.state is MailingState.MATERIALISING
    assert rows() == 3


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    # Europe/Stockholm goes forward an hour on 2027-03-28 and back on 2027-10-31.
    [("2027-03-27", 8), ("2027-03-29", 7), ("2027-10-30", 7), ("2027-11-01", 8)],
)
def test_case_50_nine_in_stockholm_is_nine_in_stockholm_across_a_change_of_clocks(
    app: Flask, monkeypatch: pytest.MonkeyPatch, day: str, utc_hour: int
) -> None:
    nine = datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=ZoneInfo(STOCKHOLM))
    instant = datetime.fromisoformat(f"{day}T{utc_hour:02}:00+00:00")
    mailing = planned(nine)
    db.session.expire_all()
    assert mailing.starts_at == instant

    at_time(monkeypatch, instant - timedelta(minutes=1))
    assert rows() == 0
    at_time(monkeypatch, instant)
    assert rows() == 3


# A pause


def test_case_48_after_a_pause_the_rest_gets_the_words_that_were_frozen(
    app: Flask, post: PostOffice, editor: User
) -> None:
    app.config["CONNECTIONS"] = 1
    subscribers(10)
    mailing = queued()
    while materialise(at=now()):
        pass
    batch = claim(at=now(), size=4)
    assert batch is not None
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.id.in_([one.id for one in batch.deliveries]))
        .values(state=DeliveryState.SENT, lease_owner=None, lease_until=None, sent_at=now())
    )
    frozen = db.session.get_one(MailingPart, mailing.id).sha256
    pause(db.session.get_one(Mailing, mailing.id), by=editor, at=now())
    db.session.commit()

    edited = queue(announcement(text="Nya ord.", html="<p>Nya ord.</p>"), at=now())
    db.session.commit()
    assert edited.id == mailing.id, "the same revision is the same mailing"
    send_all()
    assert post.letters == []
    resume(db.session.get_one(Mailing, mailing.id), by=editor, at=now())
    db.session.commit()
    send_all()

    assert len(post.letters) == 6
    assert all("10\u00a0641\u00a0000" in letter.text for letter in post.letters)
    assert db.session.get_one(MailingPart, mailing.id).sha256 == frozen
    assert states(mailing.id) == {"sent": 10}


def test_what_paused_a_mailing_is_kept_and_forgotten_again(app: Flask, editor: User) -> None:
    mailing = queued()

    pause(mailing, by=editor, at=A_MORNING)
    assert mailing.paused_because is PausedBecause.PERSON

    resume(mailing, by=editor, at=A_MORNING)
    db.session.commit()
    assert (mailing.paused_because, mailing.pause_facts) == (None, {})
    event = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "mailing.resume")
    ).one()
    assert event.facts == {"because": "person"}


# Called off


def test_case_49_a_mailing_called_off_in_mid_run_adds_up(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controlling, "CHUNK", 7)
    addresses = subscribers(60)
    left = subscriber("left@news.example")
    mailing_id = queued().id
    while materialise(at=now()):
        pass
    left.state, left.ended_at = SubscriptionState.ENDED, now()
    db.session.commit()
    post.at_rcpt = lambda to: "550 5.1.1 unknown" if to == addresses[0] else None
    called_off = []

    def call_off(letter: object) -> None:
        if len(post.letters) == 10 and not called_off:
            called_off.append(True)
            with app.app_context():
                cancel(db.session.get_one(Mailing, mailing_id), by=None, at=now())
                db.session.commit()

    post.before_reply = call_off
    send_all()
    taken_by_then = len(post.letters)
    settle_cancelled()
    send_all()

    counts = questions.counts(mailing_id)
    settled = ("sent", "failed", "cancelled", "suppressed")
    assert sum(counts[DeliveryState(state)] for state in settled) == sum(counts.values()) == 61
    assert counts[DeliveryState.CANCELLED] > 0
    assert len(post.letters) == taken_by_then == counts[DeliveryState.SENT]
    assert taken_by_then <= 10 + app.config["CONNECTIONS"] * 2, "no new mail after the brake"


def test_a_large_mailing_is_called_off_in_parts(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controlling, "CHUNK", 4)
    rung: list[str] = []
    monkeypatch.setattr(controlling.jobs, "ring", rung.append)
    subscribers(10)
    mailing = queued()
    while materialise(at=now()):
        pass

    cancel(mailing, by=None, at=now())
    db.session.commit()

    assert states(mailing.id) == {"cancelled": 4, "queued": 6}
    assert rung == ["settle_cancelled"]
    assert claim(at=now()) is None
    settle_cancelled()
    assert states(mailing.id) == {"cancelled": 10}


# What may have been taken


def undecided() -> Mailing:
    subscribers(2)
    mailing = queued()
    while materialise(at=now()):
        pass
    rows = db.session.scalars(sa.select(Delivery)).all()
    for row in rows:
        row.state, row.due_at, row.uncertain_count = DeliveryState.UNCERTAIN, None, 1
    db.session.commit()
    return db.session.get_one(Mailing, mailing.id)


def test_case_45_a_person_lets_uncertain_mails_be_sent_again(
    app: Flask, post: PostOffice, editor: User
) -> None:
    mailing = undecided()

    assert decide(mailing, again=True, by=editor, at=now()) == 2
    db.session.commit()
    send_all()

    assert len(post.letters) == 2
    assert states(mailing.id) == {"sent": 2}
    assert db.session.get_one(Mailing, mailing.id).state is MailingState.FINISHED


def test_case_45_a_person_counts_uncertain_mails_as_sent(
    app: Flask, post: PostOffice, editor: User
) -> None:
    mailing = undecided()

    decide(mailing, again=False, by=editor, at=A_MORNING)
    db.session.commit()
    claiming.finish(at=now())
    send_all()

    assert post.letters == []
    assert states(mailing.id) == {"sent": 2}
    with pytest.raises(NotNow):
        decide(mailing, again=True, by=editor, at=now())


def test_calling_off_a_mailing_settles_what_is_uncertain(app: Flask) -> None:
    mailing = undecided()

    cancel(mailing, by=None, at=now())
    db.session.commit()

    assert states(mailing.id) == {"cancelled": 2}


def test_a_writer_decides_nothing_about_uncertain_mails(app: Flask, writer: User) -> None:
    mailing = undecided()

    with pytest.raises(NotAllowed):
        decide(mailing, again=True, by=writer, at=now())
    with pytest.raises(NotAllowed):
        hold_uncertain(mailing, hold=True, by=writer, at=now())
