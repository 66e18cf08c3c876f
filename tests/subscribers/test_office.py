"""The office's pages about subscribers, by who looks at them."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, normal_url
from subscribers.audience import erasing
from subscribers.audience.models import (
    EndedReason,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.mailings import retaining
from subscribers.mailings.models import Delivery, DeliveryAttempt
from subscribers.mailings.writing.queueing import queue_notice
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.subscribers.cast import DORA, active, how_many, pending, state_of, suppress


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages show the same on both databases; what they ask is tried on both elsewhere."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def office(client: FlaskClient, editor: User) -> FlaskClient:
    return signed_in(client, editor)


def test_a_writer_sees_how_many_and_nobodys_address(client: FlaskClient, writer: User) -> None:
    subscription = active()
    signed_in(client, writer)

    page = client.get("/office/subscribers/")

    assert page.status_code == 200
    assert "Aktiva" in page.text
    assert DORA not in page.text
    for path in (
        f"/office/subscribers/{subscription.subscriber_id}",
        f"/office/subscribers/subscriptions/{subscription.id}/end",
        "/office/subscribers/new",
        "/office/subscribers/imports/",
        "/office/subscribers/blocked/",
        "/office/retention/",
    ):
        assert client.get(path).status_code == 403
    assert client.post("/office/subscribers/export").status_code == 403
    assert (
        client.post(f"/office/subscribers/subscriptions/{subscription.id}/end").status_code == 403
    )
    assert state_of(subscription) is SubscriptionState.ACTIVE


def test_a_visitor_is_asked_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/office/subscribers/").status_code == 302


def test_an_editor_sees_the_newest_first_and_pages_through(office: FlaskClient) -> None:
    for n in range(60):
        active(f"reader{n:03}@reader.example", at=A_MORNING + timedelta(minutes=n))

    first = office.get("/office/subscribers/")
    after = int(first.text.split("?before=")[1].split('"')[0])
    second = office.get(f"/office/subscribers/?before={after}")

    assert "reader059" in first.text and "reader010" in first.text
    assert "reader009" not in first.text
    assert "reader009" in second.text and "reader000" in second.text
    assert "?before=" not in second.text.replace("/office/language", "").split("<main")[1]


def test_the_list_asks_the_database_a_fixed_number_of_times(office: FlaskClient) -> None:
    address = "/office/subscribers/?state=active&topic=press-releases&language=sv"
    active()
    with counted_queries() as few:
        office.get(address)
    for n in range(20):
        active(f"reader{n}@reader.example")
    with counted_queries() as many:
        office.get(address)

    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("text=do", [DORA]),
        ("text=@elsewhere.example", ["eva@elsewhere.example"]),
        ("text=eva", ["eva@elsewhere.example"]),
        ("text=nobody", []),
        ("text=%25", []),
        ("state=pending", ["pia@reader.example"]),
        ("state=ended&reason=user_link", ["lea@reader.example"]),
        ("reason=complaint", []),
        ("state=active&frequency=immediate", [DORA, "eva@elsewhere.example"]),
        ("topic=press-releases&state=active&text=do", [DORA]),
        ("language=en", []),
        ("state=nonsense&text=do", [DORA]),
    ],
)
def test_search_and_filters_find_whom_they_say(
    office: FlaskClient, asked: str, found: list[str]
) -> None:
    from subscribers.audience.subscribing import end

    everybody = [DORA, "eva@elsewhere.example", "lea@reader.example", "pia@reader.example"]
    active(DORA), active("eva@elsewhere.example"), pending("pia@reader.example")
    end(active("lea@reader.example"), reason=EndedReason.USER_LINK, at=A_MORNING)
    db.session.commit()

    text = office.get(f"/office/subscribers/?{asked}").text

    assert [one for one in everybody if f">{one}</a>" in text] == found


def test_the_whole_address_leads_to_its_subscriber(office: FlaskClient) -> None:
    subscription = active()

    found = office.get("/office/subscribers/?text=DORA@reader.example")

    assert found.location == f"/office/subscribers/{subscription.subscriber_id}"


def test_an_empty_list_says_what_to_do(office: FlaskClient) -> None:
    assert "/office/subscribers/imports/" in office.get("/office/subscribers/").text


def test_a_history_tells_what_happened_and_what_was_sent(office: FlaskClient) -> None:
    subscription = active()
    queue_notice(subscription, at=A_MORNING)
    delivery = db.session.scalars(sa.select(Delivery)).one()
    db.session.add(
        DeliveryAttempt(delivery_id=delivery.id, at=A_MORNING, reply="450 4.2.2 mailbox is full")
    )
    suppress(subscription, at=A_MORNING)

    page = office.get(f"/office/subscribers/{subscription.subscriber_id}")

    assert "Anmälde sig: Alla pressmeddelanden" in page.text
    assert "Formuläret i pressrummet" in page.text
    assert "Anmälde ett mejl som skräppost" in page.text
    assert "Adressen är spärrad" in page.text
    assert "450 4.2.2 mailbox is full" in page.text
    assert "Endast mejladress behövs." in page.text


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


def test_case_39_an_editor_erases_after_being_asked_and_the_log_names_nobody(
    office: FlaskClient,
) -> None:
    person_id = active().subscriber_id
    path = f"/office/subscribers/{person_id}/erase"

    asked = office.get(path)
    still = db.session.scalar(sa.select(Subscriber.address))
    office.post(path)

    assert DORA in asked.text
    assert still == DORA
    assert db.session.scalar(sa.select(Subscriber.address)) is None
    log = db.session.scalars(sa.select(AuditEvent)).all()
    assert [one.action for one in log] == ["subscriber.erase"]
    assert "dora" not in str([(one.title, one.facts) for one in log])


def add(office: FlaskClient, **more: str) -> str:
    form = {
        "email": DORA,
        "how": "basis",
        "basis": "Ringde den 3 mars",
        "topic": "press-releases",
        "language": "sv",
        "frequency": "immediate",
    }
    answer = office.post("/office/subscribers/new", data={**form, **more}, follow_redirects=True)
    return answer.text


def test_an_editor_adds_one_address_with_its_basis(office: FlaskClient) -> None:
    page = add(office)

    one = db.session.scalars(sa.select(Subscription)).one()
    assert "Adressen är tillagd." in page
    assert (one.state, one.consent_source) == (SubscriptionState.ACTIVE, "Ringde den 3 mars")


def test_an_address_that_is_asked_first_gets_a_mail_and_waits(office: FlaskClient) -> None:
    page = add(office, how="ask")

    assert "Vi har skickat en fråga." in page
    assert db.session.scalars(sa.select(Subscription.state)).one() is SubscriptionState.PENDING
    assert db.session.scalars(sa.select(Delivery.address)).one() == DORA


@pytest.mark.parametrize("how", ["basis", "ask"])
def test_case_8_an_editor_cannot_bring_back_a_suppressed_address(
    office: FlaskClient, how: str
) -> None:
    suppress(active(), at=A_MORNING)

    page = add(office, how=how)

    assert "Adressen är spärrad." in page
    assert f'value="{DORA}"' in page
    assert db.session.scalars(sa.select(Subscription.state)).all() == [SubscriptionState.ENDED]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"email": "nonsense"}, "Ingen läsbar e-postadress."),
        ({"email": "a@b.example\nemail\nc@d.example"}, "Ingen läsbar e-postadress."),
        ({"basis": " "}, "Ange varför"),
        ({"topic": "no-such"}, "Välj vad de ska få"),
        ({"language": "xx"}, "Välj svenska eller engelska"),
    ],
)
def test_what_cannot_be_added_is_said_and_nothing_is_lost(
    office: FlaskClient, more: dict[str, str], said: str
) -> None:
    page = add(office, **more)

    assert said in page
    assert more.get("basis") or "Ringde den 3 mars" in page
    assert how_many(Subscriber) == 0


def test_an_editor_blocks_with_a_reason_and_lifts_it_with_another(office: FlaskClient) -> None:
    person_id = active().subscriber_id

    without = office.post(f"/office/subscribers/{person_id}/block", data={"because": " "})
    office.post(f"/office/subscribers/{person_id}/block", data={"because": f"Bad om det, {DORA}"})
    blocked = db.session.scalars(sa.select(Suppression)).one()
    listed = office.get("/office/subscribers/blocked/").text
    lift = f"/office/subscribers/blocked/{blocked.address_hash.hex()}/all/lift"
    empty = office.post(lift, data={"because": ""})
    office.post(lift, data={"because": "Ringde och ångrade sig"})

    assert (without.status_code, empty.status_code) == (422, 422)
    assert DORA in listed
    assert how_many(Suppression) == 0
    assert db.session.scalars(sa.select(Subscription.state)).one() is SubscriptionState.ENDED
    acts = db.session.execute(sa.select(AuditEvent.action, AuditEvent.title)).all()
    assert [tuple(act) for act in acts] == [
        ("subscriber.block", "Bad om det, …"),
        ("subscriber.unblock", "Ringde och ångrade sig"),
    ]


def test_an_unknown_address_can_be_blocked_and_found(office: FlaskClient) -> None:
    office.post(
        "/office/subscribers/blocked/", data={"email": "x@new.example", "because": "Bad om det"}
    )

    assert (
        "spärrad av redaktionen"
        in office.get("/office/subscribers/blocked/?email=X@new.example").text
    )
    assert "inte spärrad" in office.get("/office/subscribers/blocked/?email=y@new.example").text


def test_lifting_a_complaint_is_warned_of(office: FlaskClient) -> None:
    suppress(active(), at=A_MORNING)
    blocked = db.session.scalars(sa.select(Suppression)).one()

    page = office.get(f"/office/subscribers/blocked/{blocked.address_hash.hex()}/all/lift")

    assert "skräppost. Häv spärren bara om" in page.text


@pytest.mark.parametrize("name", ["00", "zz" * 32, "00" * 32])
def test_there_is_no_page_of_a_block_that_is_not(office: FlaskClient, name: str) -> None:
    assert office.get(f"/office/subscribers/blocked/{name}/all/lift").status_code == 404


def test_an_export_holds_those_who_are_wanted_and_is_logged(office: FlaskClient) -> None:
    active(), pending("pia@reader.example")

    everybody = office.post("/office/subscribers/export").text
    some = office.post("/office/subscribers/export?state=pending").text

    assert DORA in everybody and "pia@" in everybody
    assert DORA not in some and "pia@" in some
    assert db.session.scalars(sa.select(AuditEvent.action)).all() == ["subscriber.export_list"] * 2


def test_what_is_kept_of_one_person_can_be_handed_out(office: FlaskClient) -> None:
    subscription = active()
    queue_notice(subscription, at=A_MORNING)
    db.session.commit()

    answer = office.post(f"/office/subscribers/{subscription.subscriber_id}/data")

    data = json.loads(answer.text)
    assert data["email"] == DORA
    assert data["subscriptions"][0]["consent_source"] == "form"
    assert len(data["mails"]) == 1
    assert db.session.scalars(sa.select(AuditEvent.action)).one() == "subscriber.give_out"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/office/retention/", "/office/subscribers/"),
        ("/office/alerts", "/office/mailings/"),
        ("/office/returns/", "/office/mailings/"),
    ],
)
def test_the_menu_shows_where_a_page_belongs(office: FlaskClient, path: str, place: str) -> None:
    menu = office.get(path).text.split('class="office-nav"')[1].split("</nav>")[0]

    assert menu.count("aria-current") == 1
    assert f'<a href="{place}" aria-current="true">' in menu


def test_the_rules_are_shown_with_what_they_did(office: FlaskClient) -> None:
    retaining.keep_rules()

    page = office.get("/office/retention/")

    assert "Adresser i avslutade utskick" in page.text
    assert "Senast" in page.text
    assert "Spara" not in page.text.split("<main")[1]


def test_an_administrator_changes_for_how_long_things_are_kept(
    client: FlaskClient, admin: User
) -> None:
    signed_in(client, admin)

    wrong = client.post("/office/retention/", data={"addresses": "3", "ended": "90"})
    client.post("/office/retention/", data={"addresses": "14", "ended": "90"})
    page = client.get("/office/retention/")

    assert wrong.status_code == 422
    assert "Välj ett antal dagar mellan 7 och 3650." in wrong.text
    assert 'value="14"' in page.text and 'value="90"' in page.text
    assert db.session.scalars(sa.select(AuditEvent.title)).all() == ["addresses", "ended"]


def test_an_editor_may_not_change_them(office: FlaskClient) -> None:
    assert office.post("/office/retention/", data={"addresses": "14"}).status_code == 403


def test_the_pages_speak_english_to_those_who_do(office: FlaskClient, editor: User) -> None:
    editor.language = "en"
    db.session.commit()
    person_id = pending().subscriber_id

    for path in (
        "/office/subscribers/",
        f"/office/subscribers/{person_id}",
        "/office/subscribers/new",
        "/office/subscribers/imports/",
        "/office/subscribers/blocked/",
        "/office/retention/",
    ):
        assert 'lang="en"' in office.get(path).text
    assert "Unconfirmed" in office.get("/office/subscribers/").text


def test_the_rest_of_a_day_is_not_lost_by_a_clock(app: Flask) -> None:
    """A rule's row names the day on the organisation's clock."""
    retaining.keep_rules()

    days = {one.day for runs in retaining.lately().values() for one in runs}
    assert len(days) == 1
    assert abs(now().date() - days.pop()) <= timedelta(days=1)
