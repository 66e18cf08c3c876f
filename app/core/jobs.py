"""Doorbells. A job is one step that is safe to run twice, at once, late or never.

What is to be done stands in database rows; `ring` only wakes somebody to look sooner. huey carries
the rings, in a SQLite file beside the database or in PostgreSQL itself, and forgets a task when its
worker is killed. That is harmless: every minute the worker runs every job again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from huey import PostgresHuey, SqliteHuey, crontab
from huey.api import Huey
from huey.consumer import Consumer, Scheduler

from app.core.db import db

log = logging.getLogger(__name__)

Step = Callable[[], object]
_steps: dict[str, Step] = {}
_firsts: list[str] = []
stopping = threading.Event()  # set when the worker is told to end; long jobs look at it


def job(name: str, *, first: bool = False) -> Callable[[Step], Step]:
    """Make a function without arguments a job that can be rung by name.

    `first` is for what was promised for a minute: a sweep does it before the others.
    """

    def register(step: Step) -> Step:
        _steps[name] = step
        if first:
            _firsts.append(name)
        return step

    return register


def ring(name: str) -> None:
    """Wake a worker for one job. Never fails: an unheard ring costs at most a minute."""
    try:
        bell(current_app._get_current_object()).ring(name)  # type: ignore[attr-defined]
    except Exception:
        log.warning(
            "the bell for %s could not be rung; the next sweep will do", name, exc_info=True
        )


def ring_after_commit(name: str) -> None:
    """Ring when what this transaction writes is there to be seen.

    Of one that is rolled back, the ring wakes somebody for nothing after the next.
    """
    sa.event.listen(db.session(), "after_commit", lambda _session: ring(name), once=True)


def run_all() -> None:
    """Every job once, in order. One that fails does not stop the others."""
    for name in in_order():
        run(name)


def in_order() -> list[str]:
    """What a sweep does: what has to be first, the others as they were registered."""
    return sorted(_steps, key=lambda name: name not in _firsts)


def run(name: str) -> None:
    """One job, its failure logged and swallowed: rows are untouched and the next sweep tries."""
    try:
        _steps[name]()
    except Exception:
        log.exception("job %s failed", name)


class Bell:
    """One application's huey: the queue of rings and the tasks that answer them."""

    def __init__(self, app: Flask) -> None:
        self.huey = _huey(app)

        def answer(name: str) -> None:
            with app.app_context():
                run(name)

        def sweep() -> None:
            with app.app_context():
                run_all()

        self._answer = self.huey.task(name="answer")(answer)
        self._sweep = self.huey.periodic_task(crontab(minute="*"), name="sweep")(sweep)

    def ring(self, name: str) -> None:
        self._answer(name)

    def consumer(self, *, threads: int) -> Consumer:
        """The loop that answers rings and sweeps each minute; it handles no signals of its own."""
        consumer = _QuietConsumer(
            self.huey,
            workers=threads,
            periodic=True,
            initial_delay=0.05,
            backoff=1.2,
            max_delay=0.5,
        )
        self.huey.flush_locks()
        return consumer


class _OnTheMinute(Scheduler):  # type: ignore[misc]
    """Sweeps when the wall clock shows a full minute; huey's own counts from when it was started.

    Publication is promised at a minute, and without this it would be up to one late.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._next_periodic = _next_minute()

    def loop(self, now: Any = None) -> None:
        planned = self._next_periodic
        super().loop(now)
        if self._next_periodic != planned:  # it has swept; clocks are set and machines sleep
            self._next_periodic = _next_minute()


def _next_minute() -> float:
    """When the next full minute begins, by the clock that nobody sets."""
    return time.monotonic() + 60 - time.time() % 60


class _QuietConsumer(Consumer):  # type: ignore[misc]
    scheduler_class = _OnTheMinute

    def _set_signal_handlers(self) -> None:
        """The worker command answers signals itself: a mail in the open is finished first."""


def bell(app: Flask) -> Bell:
    """The application's one bell, hung up at its first use."""
    if "bell" not in app.extensions:
        app.extensions["bell"] = Bell(app)
    return app.extensions["bell"]  # type: ignore[no-any-return]


def _huey(app: Flask) -> Huey:
    url: sa.URL = sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    options: dict[str, Any] = {"name": "pressrum", "results": False, "utc": True}
    if url.get_backend_name() == "postgresql":
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return PostgresHuey(dsn=dsn, **options)
    return SqliteHuey(filename=f"{url.database}-jobs", **options)
