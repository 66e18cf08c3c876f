"""Asking, confirming and leaving, without their pages."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.core.db import db
from app.core.errors import BadInput, NotFound
from subscribers.audience import consent_texts, erasing, subscribing
from subscribers.audience.models import (
    EndedReason,
    SignupAttempt,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.audience.subscribing import Answer, Due
from subscribers.mailings import choosing
from tests.factories import A_MORNING
from tests.subscribers.cast import (
    DORA,
    HOME,
    active,
    ask,
    confirm_token,
    how_many,
    pending,
    state_of,
    suppress,
    unsubscribe_token,
)

LATER = A_MORNING + timedelta(hours=1)
TOMORROW = A_MORNING + timedelta(hours=25)


def confirm(subscription: Subscription, *, at: object = A_MORNING) -> Answer:
    confirmed = subscribing.confirm(confirm_token(subscription), ip=HOME, at=at)  # type: ignore[arg-type]
    db.session.commit()
    return confirmed.answer


def test_a_new_address_is_pending_and_gets_a_confirmation(app: Flask) -> None:
    asked = ask()

    assert asked.mail is Due.CONFIRMATION
    assert asked.subscription and asked.subscription.state is SubscriptionState.PENDING


def test_the_language_of_the_page_is_the_language_of_the_mails(app: Flask) -> None:
    pending()

    subscribing.ask(DORA, language="en", source="form", ip=HOME, at=LATER)

    assert db.session.query(Subscriber).one().language == "en"


def test_case_2_an_active_address_gets_no_row_and_at_most_one_notice_a_day(app: Flask) -> None:
    active()

    first = ask(at=TOMORROW)
    second = ask(at=TOMORROW + timedelta(hours=23))
    third = ask(at=TOMORROW + timedelta(hours=25))

    assert [first.mail, second.mail, third.mail] == [Due.ALREADY, None, Due.ALREADY]
    assert how_many(Subscription) == 1


def test_case_5_an_unreadable_address_leaves_no_trace(app: Flask) -> None:
    with pytest.raises(BadInput):
        ask("dora@reader.example\r\nBcc: eve@reader.example")

    assert how_many(Subscriber) == how_many(SignupAttempt) == 0


def test_case_6_twenty_sign_ups_from_everywhere_send_three_mails(app: Flask) -> None:
    mails = [
        ask(f"dora+{number}@reader.example", ip=f"198.51.{number}.1", at=LATER).mail
        for number in range(20)
    ]

    assert mails.count(Due.CONFIRMATION) == 3
    assert ask(at=LATER + timedelta(hours=25)).mail is Due.CONFIRMATION


def test_case_7_a_network_that_asks_too_often_is_limited(app: Flask) -> None:
    mails = [ask(f"reader{n}@reader.example", ip=f"192.0.2.{n}").mail for n in range(200)]

    assert mails.count(Due.CONFIRMATION) == subscribing.NETWORK_PER_MINUTE
    assert how_many(SignupAttempt) == subscribing.NETWORK_PER_MINUTE
    assert ask("else@reader.example", ip="192.0.3.1").mail is Due.CONFIRMATION
    assert ask("later@reader.example", at=A_MORNING + timedelta(minutes=2)).mail


def test_an_attempt_holds_neither_address_nor_ip_number(app: Flask) -> None:
    ask()

    attempt = db.session.query(SignupAttempt).one()
    assert DORA.encode() not in attempt.address_key + attempt.network_key
    assert HOME.encode() not in attempt.address_key + attempt.network_key


def test_case_8_a_suppressed_address_that_confirms_is_written_to_again(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    suppress(active(), at=LATER)
    back = pending(at=TOMORROW)

    with caplog.at_level(logging.WARNING):
        answer = confirm(back, at=TOMORROW)

    assert answer is Answer.CONFIRMED
    assert how_many(Suppression) == 0
    assert "lifted" in caplog.text
    assert DORA not in caplog.text


def test_a_suppression_that_came_after_the_asking_is_not_lifted_by_its_link(app: Flask) -> None:
    subscription = pending()
    address_hash = subscription.subscriber.address_hash
    db.session.add(Suppression(address_hash=address_hash, reason="bounce", created_at=LATER))
    db.session.commit()

    assert confirm(subscription, at=LATER) is Answer.LATE
    assert how_many(Suppression) == 1


def test_a_silenced_subscription_gives_way_to_a_new_yes(app: Flask) -> None:
    old = active()
    address_hash = old.subscriber.address_hash
    db.session.add(Suppression(address_hash=address_hash, reason="bounce", created_at=LATER))
    db.session.commit()

    asked = ask(at=TOMORROW)

    assert asked.mail is Due.CONFIRMATION
    assert asked.subscription and asked.subscription.id != old.id
    assert old.ended_reason is EndedReason.BOUNCE


def test_case_9_two_sign_ups_at_once_make_one_pending_row(app: Flask) -> None:
    together = threading.Barrier(4)
    failures: list[BaseException] = []

    def sign_up() -> None:
        with app.app_context():
            together.wait()
            try:
                ask()
            except BaseException as error:
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=sign_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert how_many(Subscriber) == how_many(Subscription) == 1
    assert db.session.query(SignupAttempt).filter_by(mailed=True).count() == 3


def test_case_11_confirming_keeps_the_proof_of_consent(app: Flask) -> None:
    subscription = pending()

    assert confirm(subscription, at=LATER) is Answer.CONFIRMED

    assert state_of(subscription) is SubscriptionState.ACTIVE
    assert subscription.consent_at == LATER
    assert subscription.consent_source == "form"
    assert subscription.consent_text_version == consent_texts.CURRENT
    assert subscription.consent_ip_hash and HOME.encode() not in subscription.consent_ip_hash


def test_case_11_confirming_twice_changes_nothing(app: Flask) -> None:
    subscription = active()

    assert confirm(subscription, at=LATER) is Answer.ALREADY
    assert subscription.consent_at == A_MORNING


def test_case_12_a_late_link_confirms_nothing_and_can_be_had_anew(app: Flask) -> None:
    subscription = pending()
    token = confirm_token(subscription)

    answer = subscribing.confirm(token, ip=HOME, at=TOMORROW).answer
    asked = subscribing.ask_again(token, ip=HOME, at=TOMORROW)

    assert answer is Answer.LATE
    assert asked.mail is Due.CONFIRMATION
    assert confirm(subscription, at=TOMORROW) is Answer.CONFIRMED


def test_case_12_either_of_two_links_confirms_once(app: Flask) -> None:
    first = confirm_token(pending())
    second = confirm_token(pending(at=LATER))

    answers = [subscribing.confirm(token, ip=HOME, at=LATER)[0] for token in (first, second, first)]

    assert first != second
    assert answers == [Answer.CONFIRMED, Answer.ALREADY, Answer.ALREADY]


def test_a_link_of_an_ended_subscription_revives_nothing(app: Flask) -> None:
    subscription = pending()
    subscribing.end(subscription, reason=EndedReason.ADMIN, at=LATER)

    assert confirm(subscription, at=LATER) is Answer.ENDED
    assert subscribing.ask_again(confirm_token(subscription), ip=HOME, at=LATER).mail is None


def test_a_new_yes_after_leaving_is_a_new_row(app: Flask) -> None:
    old = active()
    choosing.leave(unsubscribe_token(old), reason=EndedReason.USER_LINK, at=LATER)
    db.session.commit()

    new = active(at=TOMORROW)

    assert new.id != old.id
    assert old.ended_at == LATER
    assert how_many(Subscriber) == 1


def test_case_16_leaving_twice_keeps_the_first_reason_and_time(app: Flask) -> None:
    subscription = active()
    token = unsubscribe_token(subscription)

    choosing.leave(token, reason=EndedReason.ONE_CLICK, at=LATER)
    choosing.leave(token, reason=EndedReason.USER_LINK, at=TOMORROW)

    assert subscription.ended_reason is EndedReason.ONE_CLICK
    assert subscription.ended_at == LATER


def test_leaving_needs_a_link_to_leave(app: Flask) -> None:
    subscription = active()

    with pytest.raises(NotFound):
        choosing.leave(confirm_token(subscription), reason=EndedReason.USER_LINK, at=LATER)


def test_case_42_an_address_hashed_under_an_older_key_is_the_same_person(app: Flask) -> None:
    old = active()
    suppress(old, at=LATER)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "a new secret for the new year"

    back = pending(at=TOMORROW)

    assert how_many(Subscriber) == 1
    assert confirm(back, at=TOMORROW) is Answer.CONFIRMED
    assert how_many(Suppression) == 0


def test_case_40_an_erased_person_who_comes_back_is_a_new_subscriber(app: Flask) -> None:
    old = active()
    erasing.erase(DORA, at=LATER)
    db.session.commit()

    new = active(at=TOMORROW)

    assert new.subscriber_id != old.subscriber_id
    assert new.subscriber.address == DORA
    assert old.subscriber.address_hash != new.subscriber.address_hash
    assert how_many(Suppression) == 0


def test_a_yes_that_comes_after_an_erasure_lifts_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = active()
    suppress(dora, at=A_MORNING + timedelta(hours=1))
    again = pending(at=A_MORNING + timedelta(hours=2))
    look = subscribing.look

    def erased_meanwhile(token: str, *, at: datetime) -> subscribing.Confirmation:
        looked = look(token, at=at)
        erasing.erase(DORA, at=at)
        db.session.commit()
        return looked

    monkeypatch.setattr(subscribing, "look", erased_meanwhile)

    subscribing.confirm(confirm_token(again), ip=HOME, at=A_MORNING + timedelta(hours=3))
    db.session.commit()

    assert how_many(Suppression) == 1
