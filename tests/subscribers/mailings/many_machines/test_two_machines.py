"""Two machines, one database: one is lost, one has a wrong clock, and the queue is emptied."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.alerts import open_alerts
from app.core.db import db
from subscribers.mailings.models import Delivery, DeliveryState
from tests.scripted_smtp import Moment, ScriptedSMTP
from tests.subscribers.mailings.cast import queued
from tests.subscribers.mailings.many_machines.cast import (
    CONNECTIONS,
    Machine,
    account,
    many_subscribers,
    nets,
    running,
    states,
    until,
)

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
RECIPIENTS = 400


def think(_moment: Moment) -> None:
    """A mail server that is no faster than most, so that the run lasts."""
    time.sleep(0.02)


def held_by(machine: str) -> int:
    db.session.rollback()
    held = sa.select(sa.func.count()).where(
        Delivery.lease_until.is_not(None), Delivery.lease_owner.startswith(machine)
    )
    return db.session.scalar(held) or 0


def test_case_44_a_lost_machine_a_wrong_clock_and_an_emptied_queue_lose_nothing(
    app: Flask,
) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()

    with nets(2) as (one, other), ScriptedSMTP(host="0.0.0.0") as post:
        post.on("DOT", think)
        north = Machine(app, post.port, name="north", net=one)
        south = Machine(app, post.port, name="south", net=other, ahead=90)
        with running(north, south):
            until(lambda: held_by("north") and held_by("south"), what="both at work")
            until(lambda: len(post.letters) > 20, what="some mail")
            north.kill()
            db.session.execute(sa.text("DELETE FROM huey_task"))
            db.session.commit()
            until(
                lambda: (
                    not db.session.rollback()
                    and not db.session.scalar(sa.select(sa.func.count(Delivery.due_at)))
                ),
                what="all that nobody holds",
            )
            until(lambda: not held_by("south"), what="the end of what south held")
            left = held_by("north")
            # Only now, by the clock that all share, is the lost machine's lease over.
            db.session.execute(
                sa.update(Delivery)
                .where(Delivery.lease_until.is_not(None))
                .values(lease_until=sa.text("lease_until - interval '1 hour'"))
            )
            db.session.commit()
            until(lambda: states(mailing_id) == {"sent": RECIPIENTS}, what="the rest")
            wrong = [(one.code, one.subject) for one in open_alerts()]
            ended = south.stop()

    found = account(post.letters, addresses)
    assert left > 0, "nothing was held when the machine was lost"
    assert (found.missing, found.strangers, found.other_ids) == (0, 0, 0)
    assert found.repeats <= found.uncertain <= CONNECTIONS
    assert ("clock_wrong", "south") in wrong
    assert ended == 0


def test_case_47_two_workers_with_clocks_three_minutes_apart_send_each_mail_once(
    app: Flask,
) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()

    with ScriptedSMTP() as post:
        post.on("DOT", think)
        lease = {"PRESSRUM_LEASE_SECONDS": "20"}
        north = Machine(app, post.port, name="north", ahead=90, settings=lease)
        south = Machine(app, post.port, name="south", ahead=-90, settings=lease)
        with running(north, south):
            until(lambda: held_by("north") and held_by("south"), what="both at work")
            until(lambda: states(mailing_id) == {"sent": RECIPIENTS}, what="all sent")

    found = account(post.letters, addresses)
    tries = db.session.scalar(sa.select(sa.func.max(Delivery.attempts)))
    assert (found.missing, found.repeats, found.uncertain) == (0, 0, 0)
    assert tries == 1
    assert db.session.scalars(sa.select(Delivery.state).distinct()).all() == [DeliveryState.SENT]
