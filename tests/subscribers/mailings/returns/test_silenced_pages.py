"""What the office sees of somebody whose address was refused: what happened, and what is next."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core import jobs
from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, normal_url
from subscribers.audience.models import Subscription, SubscriptionState, Suppression
from subscribers.mailings.models import DeliveryAttempt, InboundEvent
from tests import factories
from tests.subscribers.mailings.returns.cast import mailing, reader, refuse, sent

LARGE = "anna@large.example"
SAID = "Adressen tar inte emot mejl"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What a page shows does not depend on the database."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def office(client: FlaskClient, editor: User) -> FlaskClient:
    return factories.signed_in(client, editor)


@pytest.fixture
def anna(office: FlaskClient) -> Subscription:
    """Refused a moment ago, at a domain with so many readers that it might be an outage."""
    for number in range(10):
        reader(f"reader{number}@large.example")
    anna = reader(LARGE)
    refuse(sent(anna, mailing()), text=f"5.1.1 <{LARGE}>: user unknown", at=now())
    return anna


def page_of(office: FlaskClient, subscription: Subscription) -> str:
    return office.get(f"/office/subscribers/{subscription.subscriber_id}").text


def an_hour_later() -> None:
    """As long as it took, and the worker's next look at what came back."""
    long_ago = now() - timedelta(hours=1, minutes=1)
    db.session.execute(sa.update(InboundEvent).values(received_at=long_ago))
    db.session.commit()
    jobs.run("settle_returns")
    db.session.expire_all()


def lift(office: FlaskClient) -> str:
    [forbidden] = db.session.scalars(sa.select(Suppression)).all()
    path = f"/office/subscribers/blocked/{forbidden.address_hash.hex()}/all/lift"
    return office.post(path, data={"because": "Provade"}, follow_redirects=True).text


def test_in_the_hour_after_a_refusal_the_page_says_what_happens(
    office: FlaskClient, anna: Subscription
) -> None:
    page = page_of(office, anna)

    assert anna.state is SubscriptionState.ACTIVE
    assert SAID in page
    assert "avslutas av sig själv omkring" in page
    assert "…@large.example&gt;: user unknown" in page
    assert "Inget skickas: adressen är spärrad" in page


def test_what_was_refused_on_the_spot_is_told_once(office: FlaskClient, anna: Subscription) -> None:
    answer = db.session.scalars(sa.select(InboundEvent)).one()
    tried = DeliveryAttempt(delivery_id=answer.delivery_id, at=now(), code=550, reply=answer.said)
    db.session.add(tried)
    db.session.commit()

    history = page_of(office, anna).split("Vad som har hänt")[1]

    assert history.count("user unknown") == 1


def test_a_forbidden_address_is_not_offered_to_be_forbidden(
    office: FlaskClient, anna: Subscription
) -> None:
    page = page_of(office, anna)
    other = page_of(office, reader("bo@large.example"))

    assert f"/office/subscribers/{anna.subscriber_id}/block" not in page
    assert "/block" in other.split("<main")[1]


def test_once_it_has_ended_the_page_says_how_they_come_back(
    office: FlaskClient, anna: Subscription
) -> None:
    an_hour_later()

    page = page_of(office, anna)

    assert SAID not in page
    assert "mejlen gick inte fram" in page
    assert "Bekräftelsen häver spärren" in page


def test_lifting_in_that_hour_lets_the_subscription_go_on(
    office: FlaskClient, anna: Subscription
) -> None:
    page = lift(office)
    an_hour_later()

    assert "Prenumerationen fortsätter." in page
    assert LARGE in page
    assert anna.state is SubscriptionState.ACTIVE


def test_lifting_after_it_starts_nothing(office: FlaskClient, anna: Subscription) -> None:
    an_hour_later()

    page = lift(office)

    assert "Ingen prenumererar därför" in page


def test_lifting_a_refusal_is_warned_of(office: FlaskClient, anna: Subscription) -> None:
    [forbidden] = db.session.scalars(sa.select(Suppression)).all()

    page = office.get(f"/office/subscribers/blocked/{forbidden.address_hash.hex()}/all/lift").text

    assert "adressen spärras igen" in page


def test_the_list_marks_those_who_get_nothing(office: FlaskClient, anna: Subscription) -> None:
    page = office.get("/office/subscribers/").text

    assert page.count("Adressen är spärrad") == 1
