"""A worker that is told to stop, or finds that it cannot write: no mail is left in doubt."""

from __future__ import annotations

import os
import time

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.beats import WorkerBeat
from app.core.db import db
from subscribers.mailings.models import Delivery, DeliveryState
from tests.scripted_smtp import Moment, ScriptedSMTP
from tests.subscribers.mailings.cast import queued
from tests.subscribers.mailings.many_machines.cast import (
    CONNECTIONS,
    Machine,
    account,
    many_subscribers,
    running,
    states,
    until,
)

RECIPIENTS = 200
WITHOUT_A_FENCE = (DeliveryState.QUEUED, DeliveryState.CLAIMED)


def think(_moment: Moment) -> None:
    time.sleep(0.02)


def test_case_58_a_worker_that_is_told_to_stop_leaves_nothing_in_doubt(app: Flask) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()

    with ScriptedSMTP() as post:
        post.on("DOT", think)
        machine = Machine(app, post.port)
        with running(machine):
            until(lambda: len(post.letters) > 20, what="some mail")
            begun = time.monotonic()
            code = machine.stop()
            took = time.monotonic() - begun
        stopped = states(mailing_id)
        beat = db.session.scalars(sa.select(WorkerBeat)).one()
        ended_at = beat.ended_at
        db.session.remove()
        assert Machine(app, post.port).start("--once").wait(60) == 0

    found = account(post.letters, addresses)
    assert code == 0
    assert took < 30
    assert set(stopped) <= {"queued", "sent"}
    assert stopped["sent"] < RECIPIENTS
    assert ended_at is not None
    assert (found.missing, found.repeats, found.uncertain) == (0, 0, 0)


def test_case_58_while_nobody_can_write_no_mail_goes_out_that_was_not_fenced_before(
    app: Flask,
) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()

    with ScriptedSMTP() as post:
        post.on("DOT", think)
        machine = Machine(app, post.port)
        with running(machine):
            until(lambda: len(post.letters) > 20, what="some mail")
            with db.engine.connect() as connection:
                # The pages and the worker wait for this transaction, as for any long one.
                if db.engine.dialect.name == "postgresql":
                    connection.execute(sa.text("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE"))
                else:
                    connection.execute(sa.text("UPDATE mailing SET subject = subject"))
                before = len(post.letters)
                time.sleep(0.5)
                settled = len(post.letters)
                time.sleep(0.5)
                after = len(post.letters)
                connection.rollback()
            until(lambda: states(mailing_id) == {"sent": RECIPIENTS}, what="the rest")

    found = account(post.letters, addresses)
    assert settled - before <= CONNECTIONS
    assert after == settled
    assert (found.missing, found.repeats, found.uncertain) == (0, 0, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_case_58_on_a_full_disk_no_mail_goes_out_without_a_committed_fence(app: Flask) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    path = str(db.engine.url.database)
    db.session.execute(sa.text("SELECT 1"))
    db.session.remove()
    db.engine.dispose()  # and with it the journal, which begins at nothing again
    assert os.path.getsize(path) > 400_000  # noqa: PTH202

    with ScriptedSMTP() as post:
        post.on("DOT", think)
        full = Machine(app, post.port, largest_file=400_000)
        full.start("--once").wait(60)
        taken = {letter.to for letter in post.letters}
        stopped = states(mailing_id)
        unfenced = db.session.scalars(
            sa.select(Delivery.address).where(
                Delivery.state.in_(WITHOUT_A_FENCE), Delivery.uncertain_count == 0
            )
        ).all()
        db.session.remove()
        assert Machine(app, post.port).start("--once").wait(60) == 0

    found = account(post.letters, addresses)
    assert 0 < len(taken) < RECIPIENTS, f"the disk was not full in mid-run: {stopped}"
    assert not taken & set(unfenced)
    assert (found.missing, found.other_ids) == (0, 0)
    assert found.repeats <= found.uncertain <= CONNECTIONS
    assert states(mailing_id) == {"sent": RECIPIENTS}
