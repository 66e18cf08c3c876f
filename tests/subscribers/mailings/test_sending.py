"""Sending to mail servers that misbehave in every way there is, over several connections."""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import jobs
from app.core.alerts import Alert
from app.core.clock import now
from app.core.db import db
from app.core.mail import mail
from subscribers.audience.models import SubscriptionState
from subscribers.mailings.models import Delivery, DeliveryAttempt, DeliveryState, Mailing
from subscribers.mailings.sending import claiming, delivering, fencing, filling
from subscribers.mailings.sending.envelopes import Envelopes
from subscribers.mailings.writing.messages import Slot
from tests.certificates import Certificates, make_certificates
from tests.conftest import SECRET
from tests.scripted_smtp import HANG_UP, LOSE, ScriptedSMTP, Stall
from tests.subscribers.mailings.cast import (
    delivery,
    queued,
    send_all,
    states,
    subscriber,
    subscribers,
)


@pytest.fixture
def start(app: Flask) -> Iterator[Callable[..., ScriptedSMTP]]:
    """Starts a mail server that this test's office sends through."""
    servers: list[ScriptedSMTP] = []

    def started(**options: Any) -> ScriptedSMTP:
        server = ScriptedSMTP(**options)
        server.start()
        servers.append(server)
        app.extensions["mail"].port = server.port
        return server

    yield started
    for server in servers:
        server.stop()


def due_now() -> None:
    db.session.execute(sa.update(Delivery).where(Delivery.due_at.is_not(None)).values(due_at=now()))
    db.session.commit()


def alerts(code: str, *, open_ones: bool = True) -> list[Alert]:
    db.session.rollback()
    found = db.session.scalars(sa.select(Alert).where(Alert.code == code)).all()
    return [one for one in found if (one.cleared_at is None) == open_ones]


@pytest.mark.parametrize("pipelining", [True, False])
def test_each_gets_one_copy_over_many_connections(
    app: Flask, start: Callable[..., ScriptedSMTP], pipelining: bool
) -> None:
    post = start(pipelining=pipelining)
    app.config["CONNECTIONS"] = 20  # on PostgreSQL two senders side by side
    people = subscribers(200)
    mailing = queued()

    send_all()

    assert sorted(letter.to for letter in post.letters) == sorted(people)
    assert states(mailing.id) == {"sent": 200}
    assert post.most_open <= 20
    assert all(command.split()[1] != "RSET" for command in post.commands)


def test_at_most_one_mail_of_each_connection_is_uncertain(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 4
    subscribers(60)
    queued()
    most = 0
    seen = threading.Lock()

    def look(_moment: object) -> None:
        nonlocal most
        with seen, app.app_context():
            held = db.session.scalar(
                sa.select(sa.func.count()).where(Delivery.state == DeliveryState.TRANSMITTING)
            )
            db.session.rollback()
            most = max(most, held or 0)

    post.on("DOT", look)
    send_all()

    assert 1 <= most <= 4


def test_no_dot_arrives_before_its_fence_is_committed(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    subscribers(20)
    queued()
    found: list[str] = []

    def look(moment: Any) -> None:
        with app.app_context():
            row = db.session.scalars(sa.select(Delivery).where(Delivery.address == moment.to)).one()
            found.append(row.state.value)
            db.session.rollback()

    post.on("DOT", look)
    send_all()

    assert found == ["transmitting"] * 20


def test_case_04_a_server_without_smtputf8_fails_that_address_alone_and_says_why(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start(utf8=False)
    subscriber("åsa@xn--exmple-cua.example")
    subscribers(3)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 3, "failed": 1}
    failed = delivery("åsa@xn--exmple-cua.example")
    assert failed.enhanced == "5.6.7"
    assert "SMTPUTF8" in (failed.reply or "")
    assert len(post.letters) == 3


def test_case_04_a_server_with_smtputf8_gets_the_address_as_it_is(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start(utf8=True)
    subscriber("åsa@xn--exmple-cua.example")
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 1}
    assert [letter.to for letter in post.letters] == ["åsa@xn--exmple-cua.example"]
    assert any("SMTPUTF8" in command for command in post.commands if "MAIL FROM" in command)


def test_case_20_who_leaves_between_claim_and_text_gets_nothing(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    leaver = subscriber("leaver@news.example")
    stayer = subscriber("stayer@news.example")
    mailing = queued()
    left = leaver.id

    def leave(_moment: object) -> None:
        with app.app_context():
            db.session.execute(
                sa.text("UPDATE subscription SET state = 'ended', ended_at = :at WHERE id = :id"),
                {"at": now().replace(tzinfo=None), "id": left},
            )
            db.session.commit()

    post.on("DATA", leave, to="leaver@news.example", times=1)
    send_all()
    send_all()

    assert [letter.to for letter in post.letters] == [stayer.subscriber.address]
    assert states(mailing.id) == {"sent": 1, "suppressed": 1}


def test_case_20_who_leaves_once_the_text_is_out_gets_at_most_this_one_mail(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    leaver = subscriber("leaver@news.example")
    mailing = queued()

    def leave(_moment: object) -> None:
        with app.app_context():
            db.session.execute(
                sa.text("UPDATE subscription SET state = 'ended', ended_at = :at WHERE id = :id"),
                {"at": now().replace(tzinfo=None), "id": leaver.id},
            )
            db.session.commit()

    post.on("DOT", leave)
    send_all()
    queued(key="release:2:r1:sv")
    send_all()

    assert len(post.letters) == 1
    assert states(mailing.id) == {"sent": 1}


@pytest.mark.parametrize("pipelining", [True, False])
def test_case_23_an_unknown_user_lets_the_next_on_the_same_connection_pass(
    app: Flask, start: Callable[..., ScriptedSMTP], pipelining: bool
) -> None:
    post = start(pipelining=pipelining)
    app.config["CONNECTIONS"] = 1
    subscribers(5)
    post.on("RCPT", "550 5.1.1 no such user", to="reader2@news.example")
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 4, "failed": 1}
    lost = delivery("reader2@news.example")
    assert (lost.code, lost.enhanced, lost.reply) == (550, "5.1.1", "5.1.1 no such user")
    assert post.connections == 1


def test_case_45_a_server_that_closes_after_the_dot_leaves_one_uncertain(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 2
    subscribers(10)
    post.on("DOT", HANG_UP, to="reader4@news.example", times=1)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 9, "transmitting": 1}
    held = delivery("reader4@news.example")
    attempt = db.session.scalars(sa.select(DeliveryAttempt)).one()
    assert attempt.delivery_id == held.id
    assert attempt.code is None

    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.lease_until.is_not(None))
        .values(lease_until=now() - timedelta(seconds=1))
    )
    db.session.commit()
    delivering.sweep()
    send_all()

    assert states(mailing.id) == {"sent": 10}
    first, second = post.to("reader4@news.example")
    assert first.message_id == second.message_id
    assert delivery("reader4@news.example").uncertain_count == 1


def test_case_45_a_mailing_that_holds_what_is_uncertain_sends_it_to_nobody_twice(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    subscribers(4)
    post.on("DOT", LOSE, to="reader1@news.example", times=1)
    mailing = queued()
    db.session.execute(sa.update(Mailing).values(hold_uncertain=True))
    db.session.commit()

    send_all()
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.lease_until.is_not(None))
        .values(lease_until=now() - timedelta(seconds=1))
    )
    db.session.commit()
    delivering.sweep()
    send_all()

    assert states(mailing.id) == {"sent": 3, "uncertain": 1}
    assert post.to("reader1@news.example") == []
    assert len(alerts("uncertain_held")) == 1


def test_a_connection_that_ends_before_the_dot_makes_nothing_uncertain(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start(pipelining=False)  # with it, the answer to the last dot may be lost as well
    app.config["CONNECTIONS"] = 1
    subscribers(6)
    for step in ("MAIL", "RCPT", "DATA"):
        post.on(step, HANG_UP, skip=2, times=1)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 6}
    assert Counter(letter.to for letter in post.letters).most_common(1)[0][1] == 1
    assert db.session.scalar(sa.select(sa.func.sum(Delivery.uncertain_count))) == 0


def test_a_server_that_hangs_up_between_two_mails_delays_nobody(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start(pipelining=False)
    app.config["CONNECTIONS"] = 1
    subscribers(4)
    post.on("MAIL", lambda moment: HANG_UP if moment.taken else None)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 4}
    assert post.connections == 4
    assert db.session.scalar(sa.select(sa.func.count(DeliveryAttempt.id))) == 0


def test_case_46_a_server_that_thinks_long_after_the_dot_gets_one_copy(
    app: Flask, start: Callable[..., ScriptedSMTP], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine minutes in earnest. Who waits behind it goes another way meanwhile."""
    monkeypatch.setattr("subscribers.mailings.sending.transport.STALL_SECONDS", 0.1)
    post = start()
    app.config["REPLY_TIMEOUT_SECONDS"] = 5
    subscribers(6)
    stall = Stall()
    post.on("DOT", stall, to="reader0@news.example")
    mailing = queued()

    def go_on() -> None:
        assert stall.reached.wait(5)
        deadline = time.monotonic() + 5
        while len(post.letters) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        stall.go_on.set()

    thread = threading.Thread(target=go_on)
    thread.start()
    send_all()
    thread.join()

    assert states(mailing.id) == {"sent": 6}
    assert len(post.letters) == 6, "the others went out meanwhile, and each once"
    assert post.letters[-1].to == "reader0@news.example"


def test_case_46_a_server_that_never_answers_the_dot_leaves_it_uncertain(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["REPLY_TIMEOUT_SECONDS"] = 0.3
    subscribers(3)
    post.on("DOT", Stall(), to="reader0@news.example")
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 2, "transmitting": 1}


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT", "CONNECT"])
def test_case_46_421_in_mid_run_loses_nobody(
    app: Flask, start: Callable[..., ScriptedSMTP], step: str
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 2
    subscribers(12)
    post.on(step, "421 4.3.2 closing", skip=1 if step == "CONNECT" else 5, times=1)
    mailing = queued()

    send_all()
    for _ in range(2):
        due_now()
        db.session.execute(
            sa.text("UPDATE domain_group SET backoff_until = NULL, factor = 1.0, factor_at = NULL")
        )
        db.session.commit()
        send_all()

    assert states(mailing.id) == {"sent": 12}
    assert len(post.letters) == len({letter.to for letter in post.letters}) == 12


def test_case_46_a_server_that_is_down_for_two_hours_fails_nobody_and_catches_up(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    post.stop()
    subscribers(10)
    mailing = queued()

    for _ in range(4):
        app.extensions["mail_server_absence"] = delivering.Absence()
        due_now()
        send_all()

    counts = states(mailing.id)
    assert set(counts) <= {"queued", "deferred"}
    assert sum(counts.values()) == 10
    (alert,) = alerts("relay_unreachable")
    assert "refused" in str(alert.facts["said"]).lower()

    post.start()
    app.extensions["mail_server_absence"] = delivering.Absence()
    due_now()
    send_all()

    assert states(mailing.id) == {"sent": 10}
    assert alerts("relay_unreachable") == []
    assert len(alerts("relay_unreachable", open_ones=False)) == 1


def test_a_server_that_stays_away_is_tried_ever_more_rarely(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    start().stop()
    subscribers(1)
    queued()

    send_all()
    assert not delivering.absence().lasts
    due_now()
    send_all()

    assert delivering.absence().lasts
    attempts = db.session.scalar(sa.select(sa.func.count(DeliveryAttempt.id)))
    due_now()
    send_all()
    assert db.session.scalar(sa.select(sa.func.count(DeliveryAttempt.id))) == attempts


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("CONNECT", "554 5.7.1 you are listed"),
        ("EHLO", "550 5.7.1 go away"),
        ("MAIL", "550 5.7.1 sender not allowed"),
    ],
)
def test_a_server_that_refuses_us_fails_nobody_and_somebody_is_told_in_its_words(
    app: Flask, start: Callable[..., ScriptedSMTP], step: str, answer: str
) -> None:
    post = start()
    subscribers(20)
    post.on(step, answer)
    mailing = queued()

    send_all()

    counts = states(mailing.id)
    assert set(counts) <= {"queued", "deferred"}
    assert sum(counts.values()) == 20
    (alert,) = alerts("relay_unreachable")
    assert answer[4:] in str(alert.facts["said"])
    assert len(post.commands) < 60, "it is not asked again for each of them"


def test_a_refused_password_fails_nobody(app: Flask, start: Callable[..., ScriptedSMTP]) -> None:
    start(login=("press", "right"))
    app.extensions["mail"].username, app.extensions["mail"].password = "press", "wrong"
    subscribers(3)
    mailing = queued()

    send_all()

    assert set(states(mailing.id)) <= {"queued", "deferred"}
    assert "who are you?" in str(alerts("relay_unreachable")[0].facts["said"])

    app.extensions["mail"].password = "right"
    due_now()
    send_all()
    assert states(mailing.id) == {"sent": 3}


def test_a_connection_is_not_used_for_more_than_two_hundred_mails(
    app: Flask, start: Callable[..., ScriptedSMTP], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.mailings.sending.transport.MAILS_PER_CONNECTION", 5)
    post = start()
    app.config["CONNECTIONS"] = 1
    subscribers(12)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 12}
    used = Counter(letter.connection for letter in post.letters)
    assert max(used.values()) <= 5
    assert sum("QUIT" in command for command in post.commands) == post.connections


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path / "certificates")


def test_case_55_a_certificate_that_nobody_vouches_for_is_refused_and_no_word_goes_in_plain_text(
    app: Flask, start: Callable[..., ScriptedSMTP], certificates: Certificates
) -> None:
    post = start(certificates=certificates)
    app.extensions["mail"].use_tls = True
    subscribers(2)
    mailing = queued()

    send_all()

    assert post.letters == []
    assert set(states(mailing.id)) <= {"queued", "deferred"}
    assert "certificate" in str(alerts("relay_unreachable")[0].facts["said"])
    assert not any("MAIL" in command or "AUTH" in command for command in post.commands)


@pytest.mark.parametrize("from_the_first_byte", [True, False])
def test_case_55_a_certificate_of_a_named_authority_is_taken(
    app: Flask,
    start: Callable[..., ScriptedSMTP],
    certificates: Certificates,
    from_the_first_byte: bool,
) -> None:
    post = start(certificates=certificates, tls=from_the_first_byte, login=("press", "åh hemligt"))
    app.config["MAIL_CA_FILE"] = str(certificates.authority)
    settings = app.extensions["mail"]
    settings.use_ssl, settings.use_tls = from_the_first_byte, not from_the_first_byte
    settings.username, settings.password = "press", "åh hemligt"
    subscribers(20)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 20}
    assert len(post.letters) == 20


def test_case_55_only_the_operator_can_ask_for_no_check(
    app: Flask, start: Callable[..., ScriptedSMTP], certificates: Certificates
) -> None:
    start(certificates=certificates)
    app.extensions["mail"].use_tls = True
    app.config["MAIL_VERIFY"] = False
    subscribers(2)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 2}


@pytest.mark.parametrize("days", [-1])
def test_case_55_a_certificate_that_has_run_out_is_refused(
    app: Flask, start: Callable[..., ScriptedSMTP], tmp_path: Path, days: int
) -> None:
    certificates = make_certificates(tmp_path / "old", days=days)
    post = start(certificates=certificates)
    app.config["MAIL_CA_FILE"] = str(certificates.authority)
    app.extensions["mail"].use_tls = True
    subscribers(2)
    queued()

    send_all()

    assert post.letters == []


def test_case_55_a_server_that_does_not_offer_tls_hears_no_mail(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.extensions["mail"].use_tls = True
    subscribers(2)
    mailing = queued()

    send_all()

    assert post.letters == []
    assert set(states(mailing.id)) <= {"queued", "deferred"}
    assert "STARTTLS" in str(alerts("relay_unreachable")[0].facts["said"])


def test_case_55_the_other_way_out_checks_certificates_too(
    app: Flask, start: Callable[..., ScriptedSMTP], certificates: Certificates
) -> None:
    start(certificates=certificates)
    app.extensions["mail"].use_tls = True

    with pytest.raises(ssl.SSLCertVerificationError):
        mail.connect().configure_host()

    app.config["MAIL_CA_FILE"] = str(certificates.authority)
    host = mail.connect().configure_host()
    assert isinstance(host, smtplib.SMTP)
    host.quit()


def test_case_58_a_sender_that_is_told_to_stop_leaves_nothing_uncertain(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 4
    subscribers(80)
    mailing = queued()
    stopped_at = 0

    def slow(moment: Any) -> None:
        nonlocal stopped_at
        time.sleep(0.01)
        if len(post.letters) == 20:
            stopped_at = len(post.letters)
            jobs.stopping.set()

    post.on("DOT", slow)
    begun = time.monotonic()
    try:
        send_all()
    finally:
        jobs.stopping.clear()

    assert time.monotonic() - begun < 10
    counts = states(mailing.id)
    assert set(counts) <= {"sent", "queued"}
    assert counts["sent"] == len(post.letters) >= 20
    assert counts["sent"] <= 20 + 2 * 4, "little went out after it was told"
    attempts = db.session.scalars(
        sa.select(Delivery.attempts).where(Delivery.state == DeliveryState.QUEUED)
    ).all()
    assert set(attempts) == {0}

    send_all()
    assert states(mailing.id) == {"sent": 80}
    assert len(post.letters) == 80


def test_case_58_without_a_committed_fence_no_mail_goes_out(
    app: Flask, start: Callable[..., ScriptedSMTP], monkeypatch: pytest.MonkeyPatch
) -> None:
    post = start()
    subscribers(8)
    mailing = queued()
    monkeypatch.setattr(delivering, "LOOK_SECONDS", 0.01)
    fence = fencing.fence

    def full(*mails: Any, **more: Any) -> Any:
        fence(*mails, **more)
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(fencing, "fence", full)
        with pytest.raises(sa.exc.OperationalError):
            send_all()

    assert post.letters == []
    assert states(mailing.id) == {"queued": 8}
    send_all()
    assert states(mailing.id) == {"sent": 8}
    assert len(post.letters) == 8


def test_case_58_an_answer_that_cannot_be_written_down_at_once_is_not_forgotten(
    app: Flask, start: Callable[..., ScriptedSMTP], monkeypatch: pytest.MonkeyPatch
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 1
    subscribers(4)
    mailing = queued()
    monkeypatch.setattr(delivering, "LOOK_SECONDS", 0.01)
    record = fencing.record
    failures = 0

    def locked(answers: Any, **more: Any) -> None:
        nonlocal failures
        record(answers, **more)
        if answers and failures < 2:
            failures += 1
            raise sa.exc.OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setattr(fencing, "record", locked)
    send_all()

    assert failures == 2
    assert states(mailing.id) == {"sent": 4}
    assert len(post.letters) == 4


def test_a_message_that_cannot_be_filled_in_stops_nobody_else(
    app: Flask, start: Callable[..., ScriptedSMTP], monkeypatch: pytest.MonkeyPatch
) -> None:
    post = start()
    subscribers(5)
    mailing = queued()
    parcel = filling.Filler.parcel

    def broken(filler: Any, mail: Any) -> Any:
        if mail.claimed.address == "reader2@news.example":
            raise ValueError("to holds what no address or token may")
        return parcel(filler, mail)

    monkeypatch.setattr(filling.Filler, "parcel", broken)
    send_all()

    assert states(mailing.id) == {"sent": 4, "failed": 1}
    assert len(post.letters) == 4


def test_every_slot_of_a_message_has_a_value() -> None:
    marks = Envelopes(secret=SECRET, sender_domain="press.example", bounce_domain="press.example")

    assert set(filling.values_of(marks)) == set(Slot)


def test_a_slow_server_does_not_make_us_hold_what_it_will_not_take_soon(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 2
    subscribers(60)
    queued()
    held: list[int] = []

    def look(_moment: object) -> None:
        time.sleep(0.02)
        with app.app_context():
            number = db.session.scalar(
                sa.select(sa.func.count()).where(Delivery.lease_until.is_not(None))
            )
            db.session.rollback()
            held.append(number or 0)

    post.on("DOT", look)
    send_all()

    assert len(post.letters) == 60
    assert max(held) <= 110, "no more than what goes out in a second or so"


def test_case_51_a_confirmation_overtakes_what_a_slow_server_takes(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    from subscribers.mailings.writing.queueing import queue_confirmation

    post = start()
    app.config["CONNECTIONS"] = 1
    subscribers(40)
    queued()
    asked = False

    def slow(_moment: object) -> None:
        nonlocal asked
        time.sleep(0.05)
        if len(post.letters) == 5 and not asked:
            asked = True
            with app.app_context():
                queue_confirmation(
                    subscriber("new@news.example", state=SubscriptionState.PENDING), at=now()
                )
                db.session.commit()

    post.on("DOT", slow)
    send_all()

    place = [letter.to for letter in post.letters].index("new@news.example")
    assert place < 36, "it did not wait for all that was queued before it"


def test_a_paused_mailing_lets_nothing_more_out(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 2
    subscribers(40)
    mailing = queued()

    def pause(_moment: object) -> None:
        if len(post.letters) == 10:
            with app.app_context():
                db.session.execute(sa.text("UPDATE mailing SET state = 'paused'"))
                db.session.commit()

    post.on("DOT", pause)
    send_all()

    counts = states(mailing.id)
    assert counts["sent"] == len(post.letters) <= 10 + 2 * 2
    assert counts["queued"] == 40 - counts["sent"]
    assert set(counts) == {"sent", "queued"}


def test_a_provider_that_asks_for_less_gets_no_more_of_what_was_claimed(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    app.config["CONNECTIONS"] = 1
    subscribers(30)
    mailing = queued()
    post.on("RCPT", "450 4.7.1 too many messages, slow down", skip=3)

    send_all()

    counts = states(mailing.id)
    assert counts["sent"] == 3
    assert counts["deferred"] <= 3, "it is not asked again for each of them"
    assert sum(counts.values()) == 30


def test_what_goes_back_because_one_is_put_off_still_goes_out_in_the_same_round(
    app: Flask, start: Callable[..., ScriptedSMTP]
) -> None:
    post = start()
    slow_to_greet = Stall()
    post.on("CONNECT", slow_to_greet, skip=1)  # so that the second waits while the first is asked
    first, second = subscribers(2)
    mailing = queued()
    post.on("RCPT", "450 4.7.1 slow down", to=first)

    send_all()
    slow_to_greet.go_on.set()

    assert states(mailing.id) == {"deferred": 1, "sent": 1}
    assert [letter.to for letter in post.letters] == [second]


def test_a_sender_that_breaks_is_told_of_and_costs_nobody_their_mail(
    app: Flask, start: Callable[..., ScriptedSMTP], monkeypatch: pytest.MonkeyPatch
) -> None:
    post = start(delay=0.002)
    app.config["CONNECTIONS"] = 16
    monkeypatch.setattr(delivering, "SENDERS", {"sqlite": 2, "postgresql": 2})
    people = subscribers(200)
    mailing = queued()
    record = fencing.record
    main = threading.current_thread()
    broken: list[int] = []

    def breaks_beside(answers: Any, **more: Any) -> None:
        if answers and not broken and threading.current_thread() is not main:
            broken.append(len(answers))
            raise RuntimeError("a sender broke")
        record(answers, **more)

    monkeypatch.setattr(fencing, "record", breaks_beside)
    with pytest.raises(RuntimeError, match="a sender broke"):
        send_all()

    uncertain = states(mailing.id).get("transmitting", 0)
    assert broken
    assert uncertain <= 8, "its own connections', no more"
    assert states(mailing.id) == {"sent": 200 - uncertain, "transmitting": uncertain}

    claiming.release_expired(at=now() + timedelta(hours=2))
    due_now()
    send_all()

    assert states(mailing.id) == {"sent": 200}
    copies = Counter(letter.to for letter in post.letters)
    assert set(copies) == set(people)
    assert copies.total() <= 200 + uncertain
