"""Who works and whose turn it is: once over all workers, whatever dies and whatever its clock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import beats, jobs
from app.core.alerts import Alert, open_alerts
from app.core.beats import JobMinute, WorkerBeat, begin, end, end_turn, take_turn
from app.core.db import db
from tests.factories import A_MORNING

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What the shared clock shows; a test sets it."""
    shown = [A_MORNING]
    monkeypatch.setattr(beats, "shared_now", lambda: shown[0])
    monkeypatch.setattr(beats, "now", lambda: shown[0])
    return shown


def rows() -> list[WorkerBeat]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(WorkerBeat).order_by(WorkerBeat.started_at)))


def test_a_worker_says_that_it_is_there_and_that_it_ends(app: Flask, clock: list[datetime]) -> None:
    name = begin()
    clock[0] += timedelta(seconds=10)
    beats.beat(name)
    end(name)

    (row,) = rows()
    assert (row.started_at, row.seen_at) == (A_MORNING, A_MORNING + timedelta(seconds=10))
    assert row.ended_at == row.seen_at
    assert row.machine == beats.this_machine()
    assert len(row.version) == 8


def test_a_turn_is_taken_once_in_a_minute_and_again_in_the_next(
    app: Flask, clock: list[datetime]
) -> None:
    one, other = begin(), begin()

    first = take_turn("tidy", by=one, at=clock[0])
    second = take_turn("tidy", by=other, at=clock[0] + timedelta(seconds=59))
    assert first is not None
    end_turn(first)
    third = take_turn("tidy", by=other, at=clock[0] + A_MINUTE)

    assert second is None
    assert third is not None


def test_two_who_ask_at_once_do_not_both_get_the_turn(app: Flask) -> None:
    at, got, together = beats.shared_now(), [], threading.Barrier(4)

    def ask(name: str) -> None:
        with app.app_context():
            together.wait(10)
            got.append(take_turn("tidy", by=name, at=at))

    threads = [threading.Thread(target=ask, args=(f"worker {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(got) == 4
    assert sum(turn is not None for turn in got) == 1


def test_the_next_minute_waits_for_a_long_turn_of_a_worker_that_lives(
    app: Flask, clock: list[datetime]
) -> None:
    one, other = begin(), begin()
    take_turn("import", by=one, at=clock[0])
    clock[0] += A_MINUTE
    beats.beat(one)

    assert take_turn("import", by=other, at=clock[0]) is None
    assert take_turn("tidy", by=other, at=clock[0]) is not None


@pytest.mark.parametrize("how", ["killed", "ended", "stuck for an hour"])
def test_a_turn_of_a_worker_that_does_not_finish_is_taken_over(
    app: Flask, clock: list[datetime], how: str
) -> None:
    one, other = begin(), begin()
    take_turn("import", by=one, at=clock[0])
    if how == "ended":
        end(one)
        clock[0] += A_MINUTE
    elif how == "killed":
        clock[0] += A_MINUTE + timedelta(seconds=1)
    else:
        clock[0] += timedelta(hours=1)
        beats.beat(one)

    assert take_turn("import", by=other, at=clock[0]) is not None


def test_old_turns_and_workers_are_let_go(app: Flask, clock: list[datetime]) -> None:
    old = begin()
    take_turn("tidy", by=old, at=clock[0])
    clock[0] += timedelta(days=8)
    new = begin()
    take_turn("tidy", by=new, at=clock[0])

    beats.forget_old(at=clock[0])

    assert [row.name for row in rows()] == [new]
    assert list(db.session.scalars(sa.select(JobMinute.by))) == [new]


@pytest.mark.parametrize(("seconds", "told"), [(90, True), (-90, True), (20, False)])
def test_a_clock_that_is_off_is_told_of_until_it_is_right(
    app: Flask, monkeypatch: pytest.MonkeyPatch, seconds: int, told: bool
) -> None:
    monkeypatch.setattr(beats, "shared_now", lambda: A_MORNING)
    monkeypatch.setattr(beats, "now", lambda: A_MORNING + timedelta(seconds=seconds))
    name = begin()

    (row,) = rows()
    alerts = open_alerts()
    monkeypatch.setattr(beats, "now", lambda: A_MORNING)
    beats.beat(name)

    assert row.clock_ahead_ms in (seconds * 1000, 0)
    assert [(alert.code, alert.facts["seconds"]) for alert in alerts] == (
        [("clock_wrong", seconds)] if told else []
    )
    assert open_alerts() == []


def test_the_clock_of_all_is_the_databases_where_it_is_a_server(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "now", lambda: A_MORNING)

    differs = beats.shared_now() != A_MORNING

    assert differs == (db.engine.dialect.name == "postgresql")


# Rounds


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the jobs of a small house did: `here` everywhere, `once` and `fails` once over all."""
    did: list[str] = []

    def fail() -> None:
        did.append("fails")
        raise RuntimeError("as it does")

    monkeypatch.setattr(jobs, "_steps", {
        "here": lambda: did.append("here"), "fails": fail, "once": lambda: did.append("once"),
    })  # fmt: skip
    monkeypatch.setattr(jobs, "_everywhere", {"here"})
    monkeypatch.setattr(jobs, "_firsts", [])
    monkeypatch.setattr(jobs, "stopping", threading.Event())
    return did


def test_two_workers_do_the_minutes_work_once_and_their_own_each(
    app: Flask, done: list[str], clock: list[datetime]
) -> None:
    one, other = jobs.Rounds(app), jobs.Rounds(app)

    for rounds in (one, other):
        rounds.go(clock[0])

    assert sorted(done) == ["fails", "here", "here", "once"]


def test_between_the_minutes_only_what_each_worker_does_is_done(
    app: Flask, done: list[str], clock: list[datetime]
) -> None:
    jobs.Rounds(app).go(None)

    assert done == ["here"]


def test_a_job_that_fails_ends_its_turn_and_stops_no_other(
    app: Flask, done: list[str], clock: list[datetime]
) -> None:
    jobs.Rounds(app).go(clock[0])

    assert done == ["here", "fails", "once"]
    ended = dict(db.session.execute(sa.select(JobMinute.job, JobMinute.done_at)).all())
    assert ended == {"fails": clock[0], "once": clock[0]}


def test_a_long_job_holds_up_neither_the_next_round_nor_the_end_of_a_worker(
    app: Flask, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        go_on.wait(10)
        done.append("long")

    monkeypatch.setattr(jobs, "_everywhere", {"long", "here"})
    monkeypatch.setattr(jobs, "_steps", {"long": long, "here": lambda: done.append("here")})
    rounds = jobs.Rounds(app)
    first = threading.Thread(target=rounds.go, args=(None,))
    first.start()
    assert begun.wait(10)

    rounds.go(None)
    before = list(done)
    go_on.set()
    first.join(10)

    assert before == ["here"]
    assert done == ["here", "long", "here"]


def test_a_worker_goes_on_when_the_database_does_not_answer_for_a_while(
    app: Flask, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = jobs.Rounds(app)
    beat, answers = beats.beat, [False]

    def away(name: str) -> datetime:
        if not answers[0]:
            raise sa.exc.OperationalError("the database is away", None, Exception())
        return beat(name)

    monkeypatch.setattr(beats, "beat", away)
    monkeypatch.setattr(beats, "BEAT_SECONDS", 0.05)

    def also() -> None:
        if len(done) > 2:
            answers[0] = True
        if len(done) > 6:
            jobs.stopping.set()

    rounds.keep(also=also)

    assert done.count("here") >= 3
    (row,) = rows()
    assert row.ended_at is not None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Alert)) == 0
