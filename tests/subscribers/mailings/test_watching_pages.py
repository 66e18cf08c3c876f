"""The office's pages of figures, the history of an address, and the list of mailings."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, normal_url
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.sending.materialising import materialise
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.subscribers.mailings.cast import queued, subscribers

DAY = timedelta(days=1)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases; the questions behind them are tried on both."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def mailing(app: Flask) -> Mailing:
    """One that went to four people yesterday; one of them has left."""
    subscribers(4)
    made = queued(subject="=Rubrik")
    while materialise(at=A_MORNING):
        pass
    sent_at = now() - DAY
    rows = db.session.scalars(sa.select(Delivery)).all()
    for row in rows:
        row.state, row.due_at, row.sent_at = DeliveryState.SENT, None, sent_at
    found = db.session.get_one(Mailing, made.id)
    found.queued_at, found.finished_at = sent_at, sent_at
    found.state = MailingState.FINISHED
    gone = db.session.get_one(Subscription, rows[0].subscription_id)
    gone.consent_at = gone.asked_at = now() - 2 * DAY
    gone.state, gone.ended_at = SubscriptionState.ENDED, now() - timedelta(hours=2)
    gone.ended_reason = EndedReason.ONE_CLICK
    db.session.commit()
    return found


def test_figures_say_that_nobody_is_followed(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    page = signed_in(client, writer).get("/office/mailings/figures").text

    assert "Vi följer ingen" in page
    assert "250,0" in page  # one of four, per thousand
    assert "1 avregistrerade sig med ett klick" in page
    assert '<svg class="growth__drawing" role="img"' in page
    assert "reader0@" not in page


def test_figures_before_the_first_mailing_say_what_will_come(
    client: FlaskClient, writer: User
) -> None:
    page = signed_in(client, writer).get("/office/mailings/figures").text

    assert "Inga utskick att räkna på än" in page


def test_figures_can_be_fetched_as_a_file(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    answer = signed_in(client, writer).get("/office/mailings/figures.csv")

    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["sent"], row["left_within_a_week"], row["left_per_thousand"]) == ("4", "1", "250.0")
    assert not row["subject"].startswith("=")


def test_figures_of_many_mailings_cost_no_more_questions(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    signed_in(client, writer).get("/office/mailings/figures")
    with counted_queries() as one:
        client.get("/office/mailings/figures")
    for number in range(2, 9):
        queued(key=f"release:{number}:r1:sv")

    with counted_queries() as many:
        client.get("/office/mailings/figures")

    assert len(many) == len(one)


def test_an_editor_reads_the_history_of_an_address_and_a_writer_does_not(
    client: FlaskClient, editor: User, writer: User, mailing: Mailing
) -> None:
    person = db.session.scalars(sa.select(Delivery.subscriber_id)).first()
    path = f"/office/mailings/subscribers/{person}"

    page = signed_in(client, editor).get(path).text

    assert "reader0@news.example" in page
    assert "Skickat" in page
    assert "=Rubrik" in page
    assert client.get("/office/mailings/subscribers/4711").status_code == 404
    assert signed_in(client, writer).get(path).status_code == 403


def test_what_is_on_its_way_stands_above_the_list_once(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    queued(key="release:2:r1:sv", subject="På väg")

    page = signed_in(client, writer).get("/office/mailings/").text

    assert page.count(">På väg<") == 1
    assert page.index(">På väg<") < page.index("=Rubrik")


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("", {"=Rubrik", "Rättad", "Ny"}),
        ("kind=correction", {"Rättad"}),
        ("state=finished", {"=Rubrik"}),
        ("kind=release&state=materialising", {"Ny"}),
        ("kind=nonsense&state=nonsense", {"=Rubrik", "Rättad", "Ny"}),
        ("kind=letter", {"=Rubrik", "Rättad", "Ny"}),
    ],
)
def test_the_list_can_be_narrowed(
    client: FlaskClient, writer: User, mailing: Mailing, asked: str, seen: set[str]
) -> None:
    queued(key="correction:1:r2:sv", subject="Rättad", kind=MailingKind.CORRECTION)
    queued(key="release:2:r1:sv", subject="Ny")

    page = signed_in(client, writer).get(f"/office/mailings/?{asked}").text

    assert {one for one in ("=Rubrik", "Rättad", "Ny") if f">{one}<" in page} == seen


def test_letters_to_one_person_can_be_chosen_by_an_administrator(
    client: FlaskClient, admin: User, writer: User, mailing: Mailing
) -> None:
    queued(key="letter:1", subject="Till en", kind=MailingKind.LETTER)

    page = signed_in(client, admin).get("/office/mailings/?kind=letter").text
    other = signed_in(client, writer).get("/office/mailings/?kind=letter").text

    assert ">Till en<" in page
    assert ">=Rubrik<" not in page
    assert '<option value="letter" selected>Brev till en person</option>' in page
    assert ">Till en<" not in other
    assert 'value="letter"' not in other


def test_a_filter_that_nothing_fits_says_so(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    page = signed_in(client, writer).get("/office/mailings/?state=cancelled").text

    assert "Inga utskick passar" in page
    assert '<option value="cancelled" selected>' in page
