"""The office's pages about subscribers, by who looks at them."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.core.accounts import User
from app.core.db import db
from subscribers.audience import erasing
from subscribers.audience.models import EndedReason, Subscriber, SubscriptionState
from subscribers.mailings.queueing import queue_notice
from tests.factories import A_MORNING
from tests.subscribers.cast import DORA, active, how_many, pending, state_of, suppress


def sign_in(client: FlaskClient, person: User) -> None:
    with client.session_transaction() as session:
        session.update(_user_id=person.fs_uniquifier, _fresh=True)


@pytest.fixture
def office(client: FlaskClient, editor: User) -> FlaskClient:
    sign_in(client, editor)
    return client


def upload(client: FlaskClient, content: bytes, **more: str) -> TestResponse:
    form = {"basis": "Kundlistan", "language": "sv", **more}
    return client.post(
        "/office/subscribers/import", data={**form, "file": (io.BytesIO(content), "list.csv")}
    )


def test_a_writer_sees_how_many_and_nobodys_address(client: FlaskClient, writer: User) -> None:
    subscription = active()
    sign_in(client, writer)

    page = client.get("/office/subscribers/")

    assert page.status_code == 200
    assert "Aktiva" in page.text
    assert DORA not in page.text
    for path in (
        f"/office/subscribers/{subscription.subscriber_id}",
        f"/office/subscribers/subscriptions/{subscription.id}/end",
        "/office/subscribers/import",
    ):
        assert client.get(path).status_code == 403
    assert upload(client, b"email\neva@reader.example\n").status_code == 403
    assert (
        client.post(f"/office/subscribers/subscriptions/{subscription.id}/end").status_code == 403
    )
    assert state_of(subscription) is SubscriptionState.ACTIVE


def test_a_visitor_is_asked_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/office/subscribers/").status_code == 302


def test_an_editor_sees_the_newest_first_and_pages_through(office: FlaskClient) -> None:
    upload(office, b"email\n" + b"".join(b"reader%03d@reader.example\n" % n for n in range(60)))

    first = office.get("/office/subscribers/")
    after = int(first.text.split("?before=")[1].split('"')[0])
    second = office.get(f"/office/subscribers/?before={after}")

    assert "reader059" in first.text and "reader010" in first.text
    assert "reader009" not in first.text
    assert "reader009" in second.text and "reader000" in second.text
    assert "?before=" not in second.text.replace("/office/language", "").split("<main")[1]


def test_the_list_asks_the_database_a_fixed_number_of_times(office: FlaskClient) -> None:
    def questions() -> int:
        asked: list[str] = []

        def note(_c: object, _x: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        office.get("/office/subscribers/")
        event.remove(db.engine, "before_cursor_execute", note)
        return len(asked)

    active()
    few = questions()
    for n in range(20):
        active(f"reader{n}@reader.example")

    assert questions() == few


def test_the_whole_address_finds_its_subscriber(office: FlaskClient) -> None:
    subscription = active()

    found = office.get("/office/subscribers/?email=DORA@reader.example")
    part = office.get("/office/subscribers/?email=dora")

    assert found.location == f"/office/subscribers/{subscription.subscriber_id}"
    assert "Ingen prenumerant har adressen dora." in part.text


def test_a_history_tells_what_happened_and_what_was_sent(office: FlaskClient) -> None:
    subscription = active()
    queue_notice(subscription, at=A_MORNING)
    suppress(subscription, at=A_MORNING)

    page = office.get(f"/office/subscribers/{subscription.subscriber_id}")

    assert "Anmälde sig: Alla pressmeddelanden" in page.text
    assert "Formuläret i pressrummet" in page.text
    assert "Anmälde ett mejl som skräppost" in page.text
    assert "Adressen är spärrad" in page.text
    assert "Din prenumeration på pressmeddelanden" in page.text


def test_an_erased_subscriber_has_a_history_without_an_address(office: FlaskClient) -> None:
    subscription = active()
    erasing.erase(DORA, at=A_MORNING)
    db.session.commit()

    page = office.get(f"/office/subscribers/{subscription.subscriber_id}")

    assert "Raderad adress" in page.text
    assert DORA not in page.text


def test_there_is_no_page_of_a_subscriber_who_is_not(office: FlaskClient) -> None:
    assert office.get("/office/subscribers/4711").status_code == 404
    assert office.get("/office/subscribers/subscriptions/4711/end").status_code == 404


def test_an_editor_ends_a_subscription_after_being_asked(office: FlaskClient) -> None:
    subscription = active()
    path = f"/office/subscribers/subscriptions/{subscription.id}/end"

    asked = office.get(path)
    before = state_of(subscription)
    done = office.post(path, follow_redirects=True)

    assert "Avsluta prenumerationen?" in asked.text
    assert before is SubscriptionState.ACTIVE
    assert "Prenumerationen är avslutad." in done.text
    assert state_of(subscription) is SubscriptionState.ENDED
    assert subscription.ended_reason is EndedReason.ADMIN
    assert "redan avslutad" in office.post(path, follow_redirects=True).text


def test_case_8_an_editor_cannot_bring_back_a_suppressed_address(office: FlaskClient) -> None:
    suppress(active(), at=A_MORNING)

    report = upload(office, f"email\n{DORA}\n".encode())

    assert "adressen är spärrad" in report.text
    assert "0 nya prenumeranter" in report.text


def test_an_import_shows_its_report(office: FlaskClient) -> None:
    active()

    report = upload(office, f"email\n{DORA}\neva@reader.example\nnonsense\n".encode())

    assert "1 ny prenumerant" in report.text
    assert "1 prenumererade redan" in report.text
    assert "1 rad kom inte med" in report.text
    assert "ingen läsbar e-postadress" in report.text


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        (b"email\neva@reader.example\n", {"basis": " "}, "Ange varför"),
        (b"PK\x03\x04", {}, "ingen CSV-fil"),
        (b"Namn;Telefon\nEva;1\n", {}, "Namn, Telefon"),
        (b"", {}, "Filen är tom"),
        (b"email\neva@reader.example\n", {"language": "xx"}, "Välj svenska eller engelska"),
    ],
)
def test_a_refused_import_says_why_and_keeps_what_was_typed(
    office: FlaskClient, content: bytes, more: dict[str, str], sentence: str
) -> None:
    answer = upload(office, content, **more)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert more.get("basis") or 'value="Kundlistan"' in answer.text
    assert how_many(Subscriber) == 0


def test_an_import_without_a_file_is_asked_for_one(office: FlaskClient) -> None:
    answer = office.post("/office/subscribers/import", data={"basis": "x", "language": "sv"})

    assert answer.status_code == 422
    assert "Välj en fil." in answer.text


def test_what_an_import_calls_itself_is_shown_as_text(office: FlaskClient) -> None:
    upload(office, b"email\neva@reader.example\n", basis="<script>alert(1)</script>")

    assert "<script>alert" not in office.get("/office/subscribers/").text


def test_the_pages_speak_english_to_those_who_do(office: FlaskClient, editor: User) -> None:
    editor.language = "en"
    db.session.commit()
    pending()

    assert "Unconfirmed" in office.get("/office/subscribers/").text
    assert db.session.scalars(sa.select(Subscriber.address)).one() == DORA


def test_no_page_offers_to_add_one_person(office: FlaskClient, app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if "subscribers" in rule.rule}

    assert not {rule for rule in rules if "add" in rule or "new" in rule}
