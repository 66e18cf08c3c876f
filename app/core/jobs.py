"""Doorbells. A job is one step that is safe to run twice, at once, late or never.

What is to be done stands in database rows; `ring` only wakes somebody to look sooner. huey carries
the rings, in a SQLite file beside the database, in PostgreSQL itself or in Redis, and forgets a
task when its worker is killed. That is harmless: workers look by themselves (`Rounds`), on a timer
of their own that needs no queue. Jobs marked `everywhere` run in every worker each ten seconds, the
others once a minute over all workers.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Flask, current_app

from app.core import beats
from app.core.clock import now
from app.core.db import db
from app.core.sparing import without
from app.core.tokens import derive

if TYPE_CHECKING:
    from huey.api import Huey
    from huey.consumer import Consumer

log = logging.getLogger(__name__)

Step = Callable[[], object]
_steps: dict[str, Step] = {}
_firsts: list[str] = []
_everywhere: set[str] = set()
stopping = threading.Event()  # set when the worker is told to end; long jobs look at it

JUST_AFTER = 0.02  # seconds, so that no round begins a hair before its time, and then once more
SILENCE = 10.0  # seconds for which a queue that did not answer is left alone


def job(name: str, *, first: bool = False, everywhere: bool = False) -> Callable[[Step], Step]:
    """Make a function without arguments a job that can be rung by name.

    `first` is for what was promised for a minute: a round does it before the others. `everywhere`
    is for what each worker has to do itself, such as sending over connections of its own.
    """

    def register(step: Step) -> Step:
        _steps[name] = step
        if first:
            _firsts.append(name)
        if everywhere:
            _everywhere.add(name)
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
    """Every job once, in order, whoever else is at it. One that fails does not stop the others."""
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
        self._silent_until = 0.0

        def answer(name: str) -> None:
            with app.app_context():
                run(name)

        self._answer = self.huey.task(name="answer")(answer)

    def ring(self, name: str) -> None:
        """Put a ring into the queue. One that has just failed is not asked, so that whoever rings
        does not wait for it again and again."""
        if time.monotonic() < self._silent_until:
            return
        try:
            self._answer(name)
        except Exception:
            self._silent_until = time.monotonic() + SILENCE
            raise

    def listener(self, *, threads: int) -> Consumer:
        """The threads that answer rings. They take no signals and outlive a queue that is away."""
        from app.core.listening import Listener

        return Listener(
            self.huey,
            workers=threads,
            periodic=False,
            initial_delay=0.05,
            backoff=1.2,
            max_delay=0.5,
        )


class Rounds:
    """What a worker does by itself, without any ring, until `stopping` is set.

    A round begins every ten seconds by the shared clock, in a thread of its own: a job that takes
    long holds up nobody but the rest of its round, and the next round goes past it.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            self.name = beats.begin()
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._minute: datetime | None = None

    def keep(self, *, also: Callable[[], object] = lambda: None) -> None:
        """Go round until told to stop; what is begun is finished. `also` is done before each."""
        while True:
            at = self._beat()
            begun = time.monotonic()
            minute = at.replace(second=0, microsecond=0)
            is_new = minute != self._minute
            self._minute = minute
            self._start(at if is_new else None)
            also()
            wait = beats.BEAT_SECONDS - at.timestamp() % beats.BEAT_SECONDS + JUST_AFTER
            if stopping.wait(max(wait - (time.monotonic() - begun), 0.1)):
                break
        for thread in self._threads:
            thread.join()
        with self.app.app_context():
            beats.end(self.name)

    def go(self, at: datetime | None) -> None:
        """One round: what each worker does, and in a new minute (`at`) also what is our turn."""
        for name in in_order():
            if stopping.is_set():
                return
            if (name in _everywhere or at is not None) and self._occupy(name):
                try:
                    with self.app.app_context():
                        self._do(name, at)
                finally:
                    self._leave(name)

    def _do(self, name: str, at: datetime | None) -> None:
        if name in _everywhere:
            run(name)
            return
        assert at is not None
        try:
            turn = beats.take_turn(name, by=self.name, at=at)
        except sa.exc.SQLAlchemyError:
            db.session.rollback()
            log.warning("whose turn %s is could not be asked; the next minute will do", name)
            return
        if turn is not None:
            run(name)
            beats.end_turn(turn)

    def _start(self, at: datetime | None) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._go_quietly, args=(at,), name="round")
        self._threads.append(thread)
        thread.start()

    def _go_quietly(self, at: datetime | None) -> None:
        try:
            self.go(at)
        except Exception:
            log.exception("a round broke off; the next one begins within ten seconds")

    def _beat(self) -> datetime:
        """The shared time; our own as long as the database does not tell."""
        try:
            with self.app.app_context():
                return beats.beat(self.name)
        except sa.exc.SQLAlchemyError:
            log.warning("the database does not answer", exc_info=True)
            return now()

    def _occupy(self, name: str) -> bool:
        with self._lock:
            if name in self._busy:
                return False
            self._busy.add(name)
            return True

    def _leave(self, name: str) -> None:
        with self._lock:
            self._busy.discard(name)


def bell(app: Flask) -> Bell:
    """The application's one bell, hung up at its first use."""
    if "bell" not in app.extensions:
        app.extensions["bell"] = Bell(app)
    return app.extensions["bell"]  # type: ignore[no-any-return]


def _huey(app: Flask) -> Huey:
    """The store that the settings name; huey is loaded here, by the first who rings or listens."""
    url: sa.URL = app.config["SQLALCHEMY_DATABASE_URI"]
    queue: str = app.config["JOBS_URL"]
    is_postgres = url.get_backend_name() == "postgresql"
    # huey loads the packages of all the stores it knows, 15 MiB, whichever is used.
    unused = {"redis": not queue, "psycopg": not is_postgres}
    with without(*(package for package, is_unused in unused.items() if is_unused)):
        from huey import PostgresHuey, SqliteHuey

    options: dict[str, Any] = {"name": "pressrum", "results": False, "utc": True}
    if queue:
        return _redis(queue, secret=app.config["SECRET_KEY"], options=options)
    if is_postgres:
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return PostgresHuey(dsn=dsn, **options)
    return SqliteHuey(filename=f"{url.database}-jobs", **options)


def _redis(url: str, *, secret: str, options: dict[str, Any]) -> Huey:
    """Two offices may share a Redis: each listens to rings made with its own key."""
    from huey import RedisHuey
    from redis import ConnectionPool

    pool = ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=5)
    key = hashlib.sha256(derive(secret, "jobs")).hexdigest()[:8]
    return RedisHuey(connection_pool=pool, **{**options, "name": f"pressrum{key}"})
