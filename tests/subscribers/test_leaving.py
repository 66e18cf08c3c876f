"""The pages to leave and to choose, as people, mailbox providers and guessers meet them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db
from subscribers.audience import erasing, links
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState, Topic
from tests.factories import A_MORNING
from tests.subscribers.cast import (
    DORA,
    active,
    confirm_token,
    preferences_token,
    state_of,
    unsubscribe_token,
)

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def subscription(app: Flask) -> Subscription:
    return active()


@pytest.fixture
def link(subscription: Subscription) -> str:
    return f"/unsubscribe/{unsubscribe_token(subscription)}"


def test_case_15_one_click_ends_it_without_cookie_or_token(
    app: Flask, subscription: Subscription, link: str
) -> None:
    provider = app.test_client(use_cookies=False)  # asks for CSRF tokens where there are any

    answer = provider.post(link, data=ONE_CLICK)

    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert "Set-Cookie" not in answer.headers
    assert state_of(subscription) is SubscriptionState.ENDED
    assert subscription.ended_reason is EndedReason.ONE_CLICK


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "application/x-www-form-urlencoded"]
)
def test_case_15_one_click_comes_in_both_kinds_of_form(
    client: FlaskClient, subscription: Subscription, link: str, content_type: str
) -> None:
    client.post(link, data=ONE_CLICK, content_type=content_type)

    assert state_of(subscription) is SubscriptionState.ENDED


def test_case_15_one_click_works_without_a_content_type(
    client: FlaskClient, subscription: Subscription, link: str
) -> None:
    client.post(link, data=b"List-Unsubscribe=One-Click")

    assert state_of(subscription) is SubscriptionState.ENDED


def test_case_16_one_click_again_and_after_erasure_is_still_fine(
    client: FlaskClient, subscription: Subscription, link: str
) -> None:
    assert client.post(link, data=ONE_CLICK).status_code == 200
    assert client.post(link, data=ONE_CLICK).status_code == 200
    erasing.erase(DORA, at=A_MORNING + timedelta(days=800))
    db.session.commit()

    assert client.post(link, data=ONE_CLICK).status_code == 200
    assert "•••" not in client.get(link).text
    assert state_of(subscription) is SubscriptionState.ENDED
    assert subscription.ended_reason is EndedReason.ONE_CLICK


def test_case_16_a_link_under_a_retained_key_or_of_nobody_is_still_fine(
    client: FlaskClient, app: Flask, subscription: Subscription, link: str
) -> None:
    nobody = links.unsubscribe_token(b"\x00" * 16, secret=app.config["SECRET_KEY"])
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "a new secret for the new year"

    for path in (link, f"/unsubscribe/{nobody}"):
        assert client.post(path, data=ONE_CLICK).status_code == 200
        assert client.get(path).status_code == 200
    assert state_of(subscription) is SubscriptionState.ENDED


def test_case_17_looking_ends_nothing(
    client: FlaskClient, subscription: Subscription, link: str
) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.open(link, method=method).status_code == 200

    assert 'name="confirm"' in client.get(link).text
    assert state_of(subscription) is SubscriptionState.ACTIVE


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"List-Unsubscribe": "one-click"},
        {"List-Unsubscribe": "One-Click", "and": "more"},
        {"List-Unsubscribe": ["One-Click", "One-Click"]},
        {"confirm": "0"},
    ],
)
def test_case_17_another_body_gets_the_page_and_ends_nothing(
    client: FlaskClient, subscription: Subscription, link: str, body: dict[str, object]
) -> None:
    answer = client.post(link, data=body)

    assert 'name="confirm"' in answer.text
    assert state_of(subscription) is SubscriptionState.ACTIVE


def test_the_button_ends_it_and_shows_the_way_back(
    client: FlaskClient, subscription: Subscription, link: str
) -> None:
    answer = client.post(link, data={"confirm": "1"})

    assert "Prenumerationen är avslutad" in answer.text
    assert 'href="/sv/subscribe"' in answer.text
    assert state_of(subscription) is SubscriptionState.ENDED
    assert subscription.ended_reason is EndedReason.USER_LINK


def test_case_18_a_forged_link_is_no_page_and_guessing_is_limited(
    client: FlaskClient, subscription: Subscription, link: str
) -> None:
    cut, other = link[:-1], f"/unsubscribe/{confirm_token(subscription)}"

    answers = [client.post(path, data=ONE_CLICK).status_code for path in [cut, other] * 30]

    assert answers[:2] == [404, 404]
    assert answers[-1] == 429
    assert state_of(subscription) is SubscriptionState.ACTIVE
    assert client.post(link, data=ONE_CLICK).status_code == 200
    assert state_of(subscription) is SubscriptionState.ENDED


def test_good_links_are_never_counted(client: FlaskClient, link: str) -> None:
    assert {client.post(link, data=ONE_CLICK).status_code for _ in range(100)} == {200}


def test_the_page_speaks_the_subscribers_language(
    client: FlaskClient, subscription: Subscription, link: str
) -> None:
    subscription.subscriber.language = "en"
    db.session.commit()

    page = client.get(link, headers={"Accept-Language": "sv"})

    assert "Stop getting our press releases?" in page.text
    assert '<html lang="en">' in page.text


def test_the_language_of_the_mails_can_be_chosen(
    client: FlaskClient, subscription: Subscription
) -> None:
    path = f"/preferences/{preferences_token(subscription)}"

    answer = client.post(path, data={"language": "en"})

    assert "Your changes have been saved." in answer.text
    assert "All press releases" in answer.text
    assert subscription.subscriber.language == "en"


def test_a_topic_is_called_what_the_office_calls_it(
    client: FlaskClient, subscription: Subscription
) -> None:
    subscription.topic = Topic(slug="jamstalldhet", name_sv="Jämställdhet", name_en="Equality")
    db.session.commit()
    path = f"/preferences/{preferences_token(subscription)}"

    assert ">Jämställdhet<" in client.get(path).text
    assert ">jamstalldhet<" not in client.get(path).text


@pytest.mark.parametrize("body", [{}, {"language": "xx"}, {"email": "eve@reader.example"}])
def test_case_22_nothing_else_can_be_changed(
    client: FlaskClient, subscription: Subscription, body: dict[str, str]
) -> None:
    path = f"/preferences/{preferences_token(subscription)}"

    assert client.post(path, data=body).status_code == 200

    assert state_of(subscription) is SubscriptionState.ACTIVE
    assert subscription.subscriber.language == "sv"
    assert subscription.subscriber.address == DORA


def test_one_can_leave_from_the_preferences_and_then_choose_no_more(
    client: FlaskClient, subscription: Subscription
) -> None:
    path = f"/preferences/{preferences_token(subscription)}"

    assert "avslutad" in client.post(path, data={"leave": "1"}).text
    assert "avslutad" in client.post(path, data={"language": "en"}).text

    assert state_of(subscription) is SubscriptionState.ENDED
    assert subscription.subscriber.language == "sv"
