"""The office's pages and commands about mailings."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from subscribers.audience.models import Frequency
from subscribers.mailing_commands import group
from subscribers.mailing_views import without_links
from subscribers.mailings.digests.digesting import make_up
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingKind
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.writing.queueing import queue_confirmation
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.subscribers.mailings.cast import queued, states, subscriber, subscribers


@pytest.fixture
def mailing(app: Flask) -> Mailing:
    """One that is being sent to three people, none of whom has got it yet."""
    subscribers(3)
    made = queued()
    while materialise(at=A_MORNING):
        pass
    return db.session.get_one(Mailing, made.id)


def test_the_list_shows_what_was_queued_and_how_far_it_has_come(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    row = db.session.scalars(sa.select(Delivery).limit(1)).one()
    row.state, row.due_at, row.sent_at = DeliveryState.SENT, None, A_MORNING
    db.session.commit()

    page = signed_in(client, writer).get("/office/mailings/").text

    assert "Drygt 10,6 miljoner kronor till demokratisamarbete" in page
    assert "2026-11-23 09:00" in page
    assert "Skickade: 1" in page
    assert "1 / 3" in page


def test_the_alerts_are_found_from_the_list_also_when_there_are_none(
    client: FlaskClient, writer: User
) -> None:
    page = signed_in(client, writer).get("/office/mailings/").text

    assert 'href="/office/alerts"' in page


def test_confirmations_are_not_in_the_list(client: FlaskClient, writer: User) -> None:
    queue_confirmation(subscriber("asa@exempel.example"), at=A_MORNING)
    db.session.commit()

    page = signed_in(client, writer).get("/office/mailings/").text

    assert "Inga utskick än" in page


def test_a_digest_is_in_the_list_and_says_whom_it_is_for(client: FlaskClient, writer: User) -> None:
    days = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}
    for frequency in days:
        reader = subscriber(f"{frequency.value}@exempel.example")
        reader.frequency, reader.consent_at = frequency, A_MORNING - timedelta(days=30)
    queued(story="release:1", lead="Elva får dela på pengarna.")
    for frequency, after in days.items():
        make_up(frequency, "sv", at=A_MORNING + timedelta(days=after))
    digests = db.session.scalars(sa.select(Mailing).where(Mailing.kind == MailingKind.DIGEST)).all()
    signed_in(client, writer)

    page = client.get("/office/mailings/?kind=digest").text
    alone = "".join(client.get(f"/office/mailings/{one.id}").text for one in digests)

    for words in (
        "dem som vill ha mejlen en gång om dagen",
        "dem som vill ha mejlen en gång i veckan",
    ):
        assert words in page
        assert words in alone


def test_a_mail_to_one_person_is_not_said_to_go_to_everybody(
    client: FlaskClient, writer: User
) -> None:
    made = queue_confirmation(subscriber("asa@exempel.example"), at=A_MORNING)
    db.session.commit()

    page = signed_in(client, writer).get(f"/office/mailings/{made.id}").text

    assert "alla som prenumererar" not in page
    assert "en person i taget" in page


def test_the_list_has_no_empty_table_below_what_is_on_its_way(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    page = signed_in(client, writer).get("/office/mailings/").text

    assert mailing.subject in page
    assert "<table" not in page


def test_a_mailing_whose_first_people_are_written_down_is_said_to_be_sent(
    client: FlaskClient, writer: User
) -> None:
    subscribers(3)
    made = queued()
    signed_in(client, writer)

    before = client.get("/office/mailings/?state=materialising").text
    materialise(at=A_MORNING)
    after = client.get("/office/mailings/?state=running").text
    alone = client.get(f"/office/mailings/{made.id}").text

    assert made.subject in before
    assert made.subject in after
    assert "badge--materialising" not in after + alone
    assert made.subject not in client.get("/office/mailings/?state=materialising").text


def test_a_long_list_goes_by_pages(client: FlaskClient, writer: User) -> None:
    for number in range(27):
        queued(key=f"release:{number}:r1:sv", subject=f"Nyhet {number}.")
    signed_in(client, writer)

    first = client.get("/office/mailings/").text
    last = client.get("/office/mailings/?before=3").text

    assert "Nyhet 26." in first
    assert "Nyhet 1." not in first
    assert 'href="/office/mailings/?before=3"' in first
    assert "Nyhet 1." in last
    assert 'rel="next"' not in last


def test_the_list_asks_as_many_questions_for_many_mailings_as_for_one(
    client: FlaskClient, writer: User
) -> None:
    signed_in(client, writer)
    queued(key="release:0:r1:sv")
    client.get("/office/mailings/")
    with counted_queries() as one:
        client.get("/office/mailings/")
    for number in range(1, 10):
        queued(key=f"release:{number}:r1:sv")

    with counted_queries() as many:
        client.get("/office/mailings/")

    assert len(many) == len(one)


def test_a_mailings_page_shows_the_frozen_mail_without_a_way_out(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    signed_in(client, editor)

    page = client.get(f"/office/mailings/{mailing.id}")
    frame = client.get(f"/office/mailings/{mailing.id}/html")

    assert "Elva får dela på 10\u00a0641\u00a0000 kronor." in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<iframe" in page.text
    assert " sandbox></iframe>" in page.text
    assert "Elva får dela på" in frame.text
    assert frame.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert 'href="#"' in frame.text
    assert "http" not in "".join(frame.text.split("<a ")[1:])
    assert "pressrum-slot" not in page.text + frame.text


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_links_of_any_spelling_lead_nowhere(quote: str) -> None:
    page = without_links(f"<A class=x HREF = {quote}https://x.example/?a=1{quote}>Läs</A>")

    assert page == '<A class=x href="#">Läs</A>'


def test_the_numbers_can_be_asked_for_alone(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    now = signed_in(client, writer).get(f"/office/mailings/{mailing.id}/progress").json

    assert now is not None
    assert now["state"] == "running"
    assert now["audience"] == 3
    assert now["counts"]["queued"] == 3


def test_an_editor_pauses_and_goes_on(client: FlaskClient, editor: User, mailing: Mailing) -> None:
    signed_in(client, editor)

    client.post(f"/office/mailings/{mailing.id}/pause")
    paused = client.get(f"/office/mailings/{mailing.id}").text
    client.post(f"/office/mailings/{mailing.id}/resume")
    going = client.get(f"/office/mailings/{mailing.id}").text

    assert "Fortsätt skicka" in paused
    assert "mailing.js" not in paused
    assert "Pausa" in going
    assert "mailing.js" in going


def test_calling_off_is_asked_about_first(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    signed_in(client, editor)

    question = client.get(f"/office/mailings/{mailing.id}/cancel").text
    assert states(mailing.id) == {"queued": 3}
    client.post(f"/office/mailings/{mailing.id}/cancel")

    assert "3 mottagare som väntar får det inte" in question
    assert states(mailing.id) == {"cancelled": 3}


def test_what_has_ended_cannot_be_called_off_again(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    signed_in(client, editor)
    client.post(f"/office/mailings/{mailing.id}/cancel")

    again = client.post(f"/office/mailings/{mailing.id}/cancel")

    assert again.status_code == 409
    assert "inte längre i det läget" in again.text
    assert client.get(f"/office/mailings/{mailing.id}/cancel").status_code == 302


def test_a_writer_sees_but_does_not_stop(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    signed_in(client, writer)

    page = client.get(f"/office/mailings/{mailing.id}").text

    assert "Pausa" not in page
    for path in ("pause", "resume", "cancel"):
        assert client.post(f"/office/mailings/{mailing.id}/{path}").status_code == 403
    assert client.get(f"/office/mailings/{mailing.id}/cancel").status_code == 403


def test_visitors_see_nothing(client: FlaskClient, mailing: Mailing) -> None:
    for path in ("", f"{mailing.id}", f"{mailing.id}/html", f"{mailing.id}/progress"):
        assert client.get(f"/office/mailings/{path}").status_code in (302, 401)


def test_a_mailing_that_is_not_there_is_a_page_that_says_so(
    client: FlaskClient, editor: User
) -> None:
    signed_in(client, editor)

    for path in ("7", "7/html", "7/progress", "7/cancel", str(10**30)):
        assert client.get(f"/office/mailings/{path}").status_code == 404


def test_the_command_shows_a_mailing_as_one_json_document(app: Flask, mailing: Mailing) -> None:
    result = app.test_cli_runner().invoke(group, ["show", str(mailing.id), "--json"])

    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert shown["key"] == "release:1:r1:sv"
    assert shown["queued_at"] == "2026-11-23T08:00:00+00:00"
    assert shown["finished_at"] is None
    assert shown["counts"] == {
        **{state.value: 0 for state in DeliveryState},
        "queued": 3,
    }
    assert shown["uncertain"] == 0


def test_the_command_lists_mailings_of_releases(app: Flask, mailing: Mailing) -> None:
    queue_confirmation(subscriber("asa@exempel.example"), at=A_MORNING)
    db.session.commit()
    runner = app.test_cli_runner()

    some = json.loads(runner.invoke(group, ["list", "--json"]).stdout)
    every = json.loads(runner.invoke(group, ["list", "--all", "--json"]).stdout)

    assert [one["kind"] for one in some] == ["release"]
    assert [one["kind"] for one in every] == ["confirmation", "release"]


def test_the_command_lists_digests_too(app: Flask, mailing: Mailing) -> None:
    queued(key="digest:1", kind=MailingKind.DIGEST)

    listed = json.loads(app.test_cli_runner().invoke(group, ["list", "--json"]).stdout)

    assert [one["kind"] for one in listed] == ["digest", "release"]


def test_the_commands_pause_resume_and_cancel(app: Flask, mailing: Mailing) -> None:
    runner = app.test_cli_runner()
    number = str(mailing.id)

    codes = [runner.invoke(group, [verb, number]).exit_code for verb in ("pause", "resume")]
    cancelled = runner.invoke(group, ["cancel", number])

    assert codes == [0, 0]
    assert cancelled.exit_code == 0
    assert states(mailing.id) == {"cancelled": 3}


def test_a_command_that_is_refused_says_why_and_exits_with_one(
    app: Flask, mailing: Mailing
) -> None:
    runner = app.test_cli_runner()

    refused = runner.invoke(group, ["resume", str(mailing.id)])
    unknown = runner.invoke(group, ["show", "4711", "--json"])
    wrong = runner.invoke(group, ["show", "first"])

    assert (refused.exit_code, unknown.exit_code, wrong.exit_code) == (1, 1, 2)
    assert "läget" in refused.stderr
    assert refused.stdout == unknown.stdout == ""
    assert "4711" in unknown.stderr
