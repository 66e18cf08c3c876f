"""Marks count no more once an address has proved itself, or a person has vouched for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from subscribers.audience.models import Subscription, SubscriptionState, Suppression
from subscribers.commands import group
from tests import factories
from tests.factories import A_MORNING
from tests.subscribers.cast import active, how_many
from tests.subscribers.mailings.returns.cast import LATER, mailing, reader, refuse, sent

ANNA = "anna@reader.example"
FULL = "5.2.2 mailbox full"
A_WEEK_LATER = A_MORNING + timedelta(days=7)


def states() -> list[SubscriptionState]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Subscription.state).order_by(Subscription.id)))


def test_who_confirms_anew_is_not_ended_by_a_full_mailbox(app: Flask) -> None:
    refuse(sent(reader(ANNA), mailing(1)))
    back = active(ANNA, at=A_WEEK_LATER)
    assert how_many(Suppression) == 0

    refuse(sent(back, mailing(2)), text=FULL, code=552, at=A_WEEK_LATER + timedelta(hours=1))

    assert states() == [SubscriptionState.ENDED, SubscriptionState.ACTIVE]
    assert how_many(Suppression) == 0


def test_who_confirms_anew_and_is_refused_as_unknown_is_ended_again(app: Flask) -> None:
    refuse(sent(reader(ANNA), mailing(1)))
    back = active(ANNA, at=A_WEEK_LATER)

    refuse(sent(back, mailing(2)), at=A_WEEK_LATER + timedelta(hours=1))

    assert states() == [SubscriptionState.ENDED, SubscriptionState.ENDED]
    assert how_many(Suppression) == 1


def test_an_address_that_the_office_vouched_for_is_not_ended_by_a_full_mailbox(
    client: FlaskClient, editor: User
) -> None:
    for number in range(10):  # so many that their domain might have an outage
        reader(f"reader{number}@reader.example")
    anna = reader(ANNA)
    refuse(sent(anna, mailing(1)), at=LATER)
    forbidden = db.session.scalars(sa.select(Suppression)).one()
    path = f"/office/subscribers/blocked/{forbidden.address_hash.hex()}/all/lift"
    factories.signed_in(client, editor).post(path, data={"because": "Provade, den fungerar"})

    refuse(sent(anna, mailing(2)), text=FULL, code=552, at=A_WEEK_LATER)

    db.session.expire_all()
    assert anna.state is SubscriptionState.ACTIVE
    assert how_many(Suppression) == 0


def test_a_block_that_is_lifted_by_command_leaves_no_mark_either(app: Flask) -> None:
    for number in range(10):
        reader(f"reader{number}@reader.example")
    anna = reader(ANNA)
    refuse(sent(anna, mailing(1)), at=LATER)

    said = app.test_cli_runner().invoke(group, ["unblock", ANNA, "--because", "Provade"])
    refuse(sent(anna, mailing(2)), text=FULL, code=552, at=A_WEEK_LATER)

    db.session.expire_all()
    assert said.exit_code == 0
    assert anna.state is SubscriptionState.ACTIVE


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subscribers.suppression_views.now", lambda: LATER + timedelta(minutes=5))
