"""Counts of attempts: shared by processes, forgotten when their time is over."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.core import counting
from app.core.counting import Counts, address_of
from app.core.db import db
from app.core.security import limiter
from tests.conftest import settings_for

A_MINUTE = 60


class Clock:
    """A clock that stands still until it is moved."""

    now = 1_795_420_800.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(counting, "time", stopped)
    return stopped


@pytest.fixture
def counts(tmp_path: Path) -> Counts:
    found = storage_from_string(address_of(tmp_path / "a count? å.db"), secret="one of ours")
    assert isinstance(found, Counts)
    return found


def test_attempts_are_counted_until_their_window_ends(counts: Counts, clock: Clock) -> None:
    first = [counts.incr("alva", A_MINUTE), counts.incr("alva", A_MINUTE, amount=2)]
    ends = counts.get_expiry("alva")
    clock.now += A_MINUTE - 1
    before = counts.incr("alva", A_MINUTE)
    clock.now += 1
    after = [counts.get("alva"), counts.incr("alva", A_MINUTE)]

    assert first == [1, 3]
    assert before == 4
    assert after == [0, 1]
    assert ends == Clock.now + A_MINUTE


def test_each_is_counted_apart_and_can_be_forgotten(counts: Counts) -> None:
    counts.incr("alva", A_MINUTE)
    counts.incr("bo", A_MINUTE, amount=5)

    counts.clear("bo")

    assert [counts.get("alva"), counts.get("bo")] == [1, 0]
    assert counts.reset() == 1
    assert counts.get("alva") == 0


def test_no_attempt_is_lost_among_many_at_once(counts: Counts) -> None:
    others = [Counts(address_of(counts.path), secret="one of ours") for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda n: others[n % 4].incr("alva", A_MINUTE), range(80)))

    assert sorted(sums) == list(range(1, 81))


def test_the_file_does_not_say_whose_attempts_they_are(counts: Counts) -> None:
    counts.incr("LIMITER/192.0.2.7/sign-in", A_MINUTE)

    assert b"192.0.2.7" not in counts.path.read_bytes()
    other = Counts(address_of(counts.path), secret="another")
    assert other.get("LIMITER/192.0.2.7/sign-in") == 0


def test_what_has_ended_goes_from_the_file(counts: Counts, clock: Clock) -> None:
    counts.incr("alva", A_MINUTE)
    clock.now += A_MINUTE
    counts.incr("bo", A_MINUTE)

    with closing(sqlite3.connect(counts.path)) as file:
        assert file.execute("SELECT count(*) FROM attempts").fetchone() == (1,)


def test_a_limit_holds_over_several_processes(counts: Counts) -> None:
    doors = [
        FixedWindowRateLimiter(Counts(address_of(counts.path), secret="one of ours"))
        for _ in range(2)
    ]

    let_in = [doors[n % 2].hit(parse("3 per minute"), "192.0.2.7") for n in range(5)]

    assert let_in == [True, True, True, False, False]


def test_guesses_of_a_password_are_counted_once_for_two_applications(
    app: Flask, tmp_path: Path
) -> None:
    from app import create_app

    other = create_app(settings_for(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path))
    guess = {"email": "alva@press.example", "password": "not the right one"}
    answers = []
    for n in range(22):
        one = (app, other)[n % 2]
        one.config["WTF_CSRF_ENABLED"] = False
        answers.append(one.test_client().post("/office/sign-in", data=guess).status_code)
        db.session.rollback()  # the test's own application goes on holding what it had begun
    with other.app_context():
        db.engine.dispose()

    assert isinstance(limiter.storage, Counts)
    assert answers == [200] * 20 + [429] * 2
