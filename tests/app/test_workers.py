"""Who is missed and who is not, on the page, at the terminal and in the alerts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from app.cli import cli
from app.core.accounts import User
from app.core.alerts import open_alerts
from app.core.beats import WorkerBeat, code_version, shared_now
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from app.doctor import house
from app.workers import let_go, watch, workers
from tests import factories
from tests.conftest import SECRET
from tests.factories import A_MORNING
from tests.subscribers.mailings.cast import subscriber

SECOND = timedelta(seconds=1)


def worker(
    machine: str,
    *,
    seen: datetime = A_MORNING,
    started: datetime | None = None,
    ended: datetime | None = None,
    ahead_ms: int = 0,
    version: str = "",
) -> WorkerBeat:
    beat = WorkerBeat(
        name=f"{machine}:{seen:%H%M%S}",
        machine=machine,
        pid=7,
        version=version or code_version(),
        started_at=started or seen - timedelta(hours=1),
        seen_at=seen,
        ended_at=ended,
        clock_ahead_ms=ahead_ms,
    )
    db.session.add(beat)
    db.session.commit()
    return beat


def told() -> list[tuple[str, str]]:
    return [(alert.code, alert.subject) for alert in open_alerts()]


def test_a_worker_that_vanished_is_told_of_once_and_one_that_ended_is_not(app: Flask) -> None:
    worker("north")
    worker("south", ended=A_MORNING)

    watch(at=A_MORNING + 59 * SECOND)
    before = told()
    watch(at=A_MORNING + 60 * SECOND)
    watch(at=A_MORNING + 120 * SECOND)

    assert before == []
    assert told() == [("worker_gone", "north")]


def test_it_is_over_when_a_worker_begins_on_that_machine(app: Flask) -> None:
    worker("north")
    at = A_MORNING + 120 * SECOND
    watch(at=at)
    worker("south", seen=at, started=at)
    watch(at=at)
    still = told()

    worker("north", seen=at, started=at)
    watch(at=at)

    assert still == [("worker_gone", "north")]
    assert told() == []
    assert [one.state for one in workers(at=at)] == ["working", "working", "replaced"]


def test_a_machine_that_was_taken_away_is_missed_no_more(app: Flask, admin: User) -> None:
    gone, alive = worker("north"), worker("south", seen=A_MORNING + 120 * SECOND)
    at = A_MORNING + 120 * SECOND
    watch(at=at)

    let_go(gone.name, by=admin, at=at)
    db.session.commit()
    with pytest.raises(NotFound):
        let_go(alive.name, by=admin, at=at)

    assert told() == []
    assert {one.beat.machine: one.state for one in workers(at=at)} == {
        "south": "working",
        "north": "ended",
    }


def test_a_worker_with_other_code_is_marked_while_it_works(app: Flask) -> None:
    worker("north", version="01234567")
    worker("south", version="01234567", ended=A_MORNING)

    found = workers(at=A_MORNING)

    assert [one.other_code for one in found] == [True, False]


def test_the_terminal_says_by_its_exit_whether_all_is_well(app: Flask) -> None:
    def run() -> tuple[int, list[dict[str, object]]]:
        db.session.rollback()
        result = CliRunner().invoke(cli, ["workers", "--json"], obj=Info(app))
        return result.exit_code, json.loads(result.stdout)

    nobody = run()
    at = shared_now()
    worker("north", seen=at)
    working = run()
    worker("south", seen=at - timedelta(hours=1))
    missing = run()

    assert nobody == (1, [])
    assert working[0] == 0
    assert [one["state"] for one in missing[1]] == ["working", "gone"]
    assert missing[0] == 1


class Info:
    """What the command asks for its application."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def load_app(self) -> Flask:
        return self.app


def test_the_page_shows_who_works_and_lets_a_missing_one_go(
    app: Flask, client: FlaskClient, admin: User
) -> None:
    browser = factories.signed_in(client, admin)
    empty = browser.get("/office/workers/").text
    gone = worker("north", seen=shared_now() - timedelta(minutes=5), ahead_ms=90_400)
    page = browser.get("/office/workers/").text
    done = browser.post("/office/workers/let-go", data={"name": gone.name})
    again = browser.post("/office/workers/let-go", data={"name": gone.name})

    db.session.expire_all()
    assert "Ingen arbetar just nu" in empty
    assert "saknas" in page
    assert "90 s före" in page
    assert (done.status_code, again.status_code) == (302, 404)
    assert db.session.scalars(sa.select(WorkerBeat.ended_at)).one() is not None


def test_what_is_shown_is_bounded(app: Flask) -> None:
    at = now()
    db.session.add_all(
        WorkerBeat(name=f"w{n}", machine="m", pid=n, started_at=at, seen_at=at) for n in range(150)
    )
    db.session.commit()

    assert len(workers(at=at)) == 100


def found(name: str) -> list[tuple[str, str]]:
    db.session.rollback()
    return [
        (one.level.value, one.key) for one in (*house.key(), *house.at_work()) if one.name == name
    ]


def test_the_doctor_tells_of_a_secret_key_that_is_not_the_one(app: Flask) -> None:
    nobody = found("key")
    subscriber("dora@reader.example")
    fits = found("key")
    app.config["SECRET_KEY"] = "what somebody typed on the second machine"
    other = found("key")
    app.config["SECRET_KEY_FALLBACKS"] = [SECRET]

    assert nobody == []
    assert fits == [("ok", "key.ok")]
    assert other == [("wrong", "key.wrong")]
    assert found("key") == [("ok", "key.ok")]


def test_the_doctor_tells_whether_somebody_works(app: Flask) -> None:
    at = shared_now()
    nobody = found("workers")
    worker("north", seen=at)
    somebody = found("workers")
    worker("south", seen=at - timedelta(minutes=5))

    assert nobody == [("advice", "workers.nobody")]
    assert somebody == [("ok", "workers.ok")]
    assert found("workers") == [("advice", "workers.gone")]
