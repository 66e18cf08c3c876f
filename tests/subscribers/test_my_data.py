"""Asking for one's own data, and for its end, by a link that works once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.tokens import seal
from subscribers import my_data_public
from subscribers.audience.models import DataRequest, Subscriber
from subscribers.mailings import requesting
from subscribers.mailings.models import Delivery, Mailing, MailingPart
from tests.conftest import SECRET
from tests.subscribers.cast import DORA, active, how_many, pending


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(my_data_public, "ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(my_data_public, "ring", lambda _name: None)


def ask(client: FlaskClient, email: str = DORA, **more: str) -> TestResponse:
    return client.post("/sv/my-data", data={"email": email, "kind": "access", **more})


def link() -> str:
    """The address in the letter, as sending seals it."""
    request = db.session.scalars(sa.select(DataRequest)).one()
    sealed_from = db.session.scalars(sa.select(Delivery.sealed_from)).one()
    assert sealed_from == f"my-data:{request.public_id.hex()}"
    return "/my-data/" + seal(request.public_id, purpose="my-data", secret=SECRET)


def press(client: FlaskClient, path: str, **more: str) -> TestResponse:
    return client.post(path, data={"confirm": "1", **more})


def test_case_41_the_page_is_the_same_for_every_address_and_only_a_known_one_gets_a_link(
    client: FlaskClient,
) -> None:
    active()

    unknown = ask(client, "nobody@else.example")
    letters_before = how_many(Delivery)
    known = ask(client)

    assert known.data == unknown.data
    assert "Set-Cookie" not in known.headers
    assert (letters_before, how_many(Delivery)) == (0, 1)
    assert db.session.scalars(sa.select(Delivery.address)).one() == DORA


def test_case_41_the_answer_takes_whole_spans_of_time(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is busy too, when an answer takes longer than one span."""
    slept: list[float] = []
    monkeypatch.setattr(my_data_public, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(my_data_public.time, "sleep", slept.append)
    began = my_data_public.time.monotonic()
    moments = iter([began, began + 0.27])
    monkeypatch.setattr(my_data_public.time, "monotonic", lambda: next(moments, began + 0.27))

    ask(client, website="x")

    assert slept == [pytest.approx(0.13)]


def test_case_41_the_link_gives_subscriptions_consents_and_mails_as_json_once(
    client: FlaskClient,
) -> None:
    active()
    ask(client)

    first = press(client, link(), **{"as": "json"})
    again = press(client, link(), **{"as": "json"})

    data = json.loads(first.text)
    assert data["email"] == DORA
    assert data["subscriptions"][0]["consent_at"]
    assert data["subscriptions"][0]["consent_text"].startswith("Endast mejladress")
    assert set(data) >= {"mails", "must_not_be_written_to", "requests"}
    assert "attachment" in first.headers["Content-Disposition"]
    assert DORA not in again.text
    assert "gäller inte längre" in again.text


def test_the_same_can_be_read_on_a_page(client: FlaskClient) -> None:
    active()
    ask(client)

    page = press(client, link())

    assert DORA in page.text
    assert "Endast mejladress behövs." in page.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_scanner_that_follows_the_link_uses_nothing_up(client: FlaskClient, method: str) -> None:
    active()
    ask(client, kind="erase")
    path = link()

    for _ in range(20):
        client.open(path, method=method)
    bare = client.post(path)

    assert db.session.scalars(sa.select(DataRequest.used_at)).one() is None
    assert DORA not in client.get(path).text
    assert "d•••@r•••.example" in bare.text
    assert db.session.scalars(sa.select(Subscriber.address)).one() == DORA


def test_erasing_oneself_leaves_nothing_and_the_link_still_answers(client: FlaskClient) -> None:
    active()
    ask(client, kind="erase")
    path = link()

    done = press(client, path)

    assert "Din adress är raderad" in done.text
    assert db.session.scalars(sa.select(Subscriber.address)).one() is None
    assert db.session.scalars(sa.select(Delivery.address)).one() is None
    assert client.get(path).status_code == 404


def test_a_link_is_good_for_a_day(client: FlaskClient) -> None:
    active()
    ask(client)
    request = db.session.scalars(sa.select(DataRequest)).one()
    request.expires_at -= timedelta(hours=25)
    db.session.commit()

    page = press(client, link())

    assert DORA not in page.text
    assert "gäller inte längre" in page.text


@pytest.mark.parametrize("token", ["x", "A" * 44, "../etc"])
def test_case_13_a_link_that_is_none_of_ours_gives_no_hint(client: FlaskClient, token: str) -> None:
    assert client.get(f"/my-data/{token}").status_code == 404


def test_a_link_of_another_purpose_opens_nothing(client: FlaskClient) -> None:
    active()
    ask(client)
    request = db.session.scalars(sa.select(DataRequest)).one()

    for purpose in ("unsubscribe", "preferences", "confirm"):
        token = seal(request.public_id, purpose=purpose, secret=SECRET)
        assert client.get(f"/my-data/{token}").status_code == 404


def test_the_honeypot_and_the_limits_are_silent(client: FlaskClient) -> None:
    active()

    trapped = ask(client, website="https://spam.example")
    before = how_many(DataRequest)
    pages = {ask(client).data for _ in range(6)}

    assert (before, how_many(DataRequest)) == (0, 3)
    assert pages == {trapped.data}


def test_what_is_no_address_is_said(client: FlaskClient) -> None:
    answer = ask(client, "nonsense")

    assert answer.status_code == 422
    assert 'value="nonsense"' in answer.text


def test_the_letter_names_nobody_and_holds_no_secret(client: FlaskClient, app: Flask) -> None:
    pending()
    ask(client)

    template = db.session.scalars(sa.select(MailingPart.template)).all()[-1]
    request = db.session.scalars(sa.select(DataRequest)).one()
    mailing = db.session.scalars(sa.select(Mailing).order_by(Mailing.id.desc())).first()

    assert b"dora" not in template.lower()
    assert mailing is not None
    assert request.public_id.hex() not in mailing.key
    assert requesting.PURPOSE.encode() in template
