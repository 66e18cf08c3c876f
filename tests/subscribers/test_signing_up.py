"""The sign-up form and the confirmation page, as visitors and scanners meet them."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.db import db
from subscribers import public
from subscribers.audience import erasing
from subscribers.audience.models import Subscriber, Subscription, SubscriptionState
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from tests.subscribers.cast import (
    DORA,
    active,
    confirm_token,
    how_many,
    pending,
    preferences_token,
    state_of,
    suppress,
    unsubscribe_token,
)


def sign_up(client: FlaskClient, email: str, *, language: str = "sv", **more: str) -> TestResponse:
    return client.post(f"/{language}/subscribe", data={"email": email, **more})


def mails() -> list[MailingKind]:
    return list(db.session.scalars(sa.select(Mailing.kind).order_by(Mailing.id)))


@pytest.fixture
def known(app: Flask) -> dict[str, str]:
    """An address of each kind, from two days ago."""
    before = now() - timedelta(days=2)
    active("active@reader.example", at=before)
    pending("pending@reader.example", at=before)
    suppress(active("suppressed@reader.example", at=before), at=before)
    active("erased@reader.example", at=before)
    erasing.erase("erased@reader.example", at=before)
    db.session.commit()
    kinds = ("new", "active", "pending", "suppressed", "erased")
    return {kind: f"{kind}@reader.example" for kind in kinds}


def test_case_1_the_answer_is_the_same_for_every_address(
    client: FlaskClient, known: dict[str, str]
) -> None:
    answers = [sign_up(client, address) for address in known.values()]
    again = [sign_up(client, address) for address in known.values()]

    assert {answer.status_code for answer in answers + again} == {200}
    assert len({answer.data for answer in answers + again}) == 1
    assert len({str(answer.headers) for answer in answers + again}) == 1


def test_case_1_every_kind_of_address_gets_a_mail(
    client: FlaskClient, known: dict[str, str]
) -> None:
    for address in known.values():
        sign_up(client, address)

    queued = db.session.execute(sa.select(Delivery.address, Mailing.kind).join(Mailing))
    to = {address: kind for address, kind in queued}  # noqa: C416
    assert to.pop(known["active"]) is MailingKind.NOTICE
    assert set(to) == set(known.values()) - {known["active"]}
    assert set(to.values()) == {MailingKind.CONFIRMATION}


def test_case_1_the_answer_takes_equally_long_for_every_address(
    client: FlaskClient, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Well above what the work takes, so that a slow machine does not fail this."""
    monkeypatch.setattr(public, "ANSWER_SECONDS", 0.5)

    for address in [*known.values(), *known.values()]:
        began = time.monotonic()
        sign_up(client, address)
        assert time.monotonic() - began >= 0.5


def test_the_answer_comes_in_the_language_of_the_page(client: FlaskClient) -> None:
    assert "Titta i din inkorg" in sign_up(client, DORA).text
    assert "Check your inbox" in sign_up(client, DORA, language="en").text
    assert db.session.scalars(sa.select(Subscriber.language)).one() == "en"


def test_no_address_and_no_cookie_is_in_the_answer(client: FlaskClient) -> None:
    answer = sign_up(client, DORA)

    assert DORA not in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("address", ["dora", "", "Dora <dora@reader.example>", "<script>@x"])
def test_what_is_no_address_comes_back_with_a_word_about_it(
    client: FlaskClient, address: str
) -> None:
    answer = sign_up(client, address, language="en")

    assert answer.status_code == 422
    assert "is not an e-mail address" in answer.text
    assert "<script>" not in answer.text
    assert how_many(Subscriber) == 0


def test_what_was_typed_is_kept_in_the_field(client: FlaskClient) -> None:
    assert 'value="dora@reader"' in sign_up(client, "dora@reader").text


def test_case_7_a_filled_honeypot_gets_the_same_page_and_no_mail(client: FlaskClient) -> None:
    human = sign_up(client, DORA)
    robot = sign_up(client, "robot@reader.example", website="http://robot.example")

    assert robot.data == human.data
    assert how_many(Subscriber) == 1


def test_case_2_a_second_sign_up_of_an_active_address_mails_one_notice(
    client: FlaskClient,
) -> None:
    active(at=now() - timedelta(days=2))

    sign_up(client, DORA)
    sign_up(client, DORA)

    assert mails() == [MailingKind.NOTICE]
    assert how_many(Subscription) == 1


def test_the_sender_is_woken_when_there_is_something_to_send(
    client: FlaskClient, rung: list[str]
) -> None:
    for _ in range(5):
        sign_up(client, DORA)

    assert rung == ["deliver"] * 3


def test_a_form_of_megabytes_is_refused(client: FlaskClient) -> None:
    assert sign_up(client, "a" * 100_000).status_code == 413


def test_case_10_a_scanner_that_follows_the_link_fifty_times_confirms_nothing(
    client: FlaskClient,
) -> None:
    subscription = pending(at=now())
    path = f"/confirm/{confirm_token(subscription)}"

    for method in ("GET", "HEAD", "OPTIONS") * 17:
        assert client.open(path, method=method).status_code == 200

    assert state_of(subscription) is SubscriptionState.PENDING


def test_case_11_the_button_confirms_and_a_second_press_says_already(client: FlaskClient) -> None:
    subscription = pending(at=now())
    path = f"/confirm/{confirm_token(subscription)}"

    first, second = client.post(path), client.post(path)

    assert "Tack, nu är du med" in first.text
    assert "redan bekräftad" in second.text
    assert state_of(subscription) is SubscriptionState.ACTIVE
    assert mails() == [MailingKind.WELCOME]


def test_case_12_a_late_link_offers_a_new_one(client: FlaskClient) -> None:
    subscription = pending(at=now() - timedelta(hours=25))
    path = f"/confirm/{confirm_token(subscription)}"

    page, pressed = client.get(path), client.post(path, data={"confirm": "1"})
    again = client.post(path, data={"again": "1"})

    assert 'name="again"' in page.text
    assert 'name="again"' in pressed.text
    assert "Titta i din inkorg" in again.text
    assert mails() == [MailingKind.CONFIRMATION]
    assert state_of(subscription) is SubscriptionState.PENDING


def test_case_13_links_of_other_purposes_and_changed_ones_are_no_pages(
    client: FlaskClient,
) -> None:
    subscription = pending(at=now())
    token = confirm_token(subscription)
    wrong = [unsubscribe_token(subscription), preferences_token(subscription), token[:-1] + "!"]

    pages = [
        answer
        for bad in wrong
        for answer in (client.get(f"/confirm/{bad}"), client.post(f"/confirm/{bad}"))
    ]

    assert {page.status_code for page in pages} == {404}
    assert len({page.data for page in pages}) == 1
    assert state_of(subscription) is SubscriptionState.PENDING


def test_case_22_the_pages_behind_links_show_a_masked_address_and_are_kept_nowhere(
    client: FlaskClient,
) -> None:
    subscription = pending(at=now())

    for path in (
        f"/confirm/{confirm_token(subscription)}",
        f"/unsubscribe/{unsubscribe_token(subscription)}",
        f"/preferences/{preferences_token(subscription)}",
    ):
        page = client.get(path)
        assert "d•••@r•••.example" in page.text
        assert DORA not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in page.headers


def test_a_mailed_link_confirms(client: FlaskClient, app: Flask) -> None:
    """The link that delivery puts into the mail is the one the page understands."""
    sign_up(client, DORA)
    subscription = db.session.scalars(sa.select(Subscription)).one()
    queued = db.session.scalars(sa.select(Mailing.queued_at)).one()

    client.post(f"/confirm/{confirm_token(subscription, asked_at=queued)}")

    assert state_of(subscription) is SubscriptionState.ACTIVE
