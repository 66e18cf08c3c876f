"""Who works, whose turn it is, and what time it is for all of them.

A worker process has a row that it renews every ten seconds; one that is silent for a minute without
having said that it ends is gone. What has to be done once a minute over all workers is done by
whoever writes that minute's row; one that dies in its turn costs a minute.
Times are the database's where it is a server, so that a wrong clock on one machine moves nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core.alerts import clear_alert, raise_alert
from app.core.clock import now
from app.core.db import Base, PrimaryKey, UTCDateTime, db, guarded

BEAT_SECONDS = 10
GONE_AFTER = timedelta(seconds=60)
CLOCK_MAY_DIFFER = timedelta(seconds=30)
LONGEST_TURN = timedelta(hours=1)  # whoever is at it for longer is waited for no more
KEPT_BEATS = timedelta(days=7)
KEPT_TURNS = timedelta(days=2)
CODE = ("app", "releases", "subscribers", "migrations")


class WorkerBeat(Base):
    """A worker process that is there, as it last said itself.

    `clock_ahead_ms` is how far its clock is before the database's; negative behind.
    """

    __tablename__ = "worker_beat"

    name: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    machine: Mapped[str] = mapped_column(sa.String(60))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(sa.String(40), default="")
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    clock_ahead_ms: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class JobMinute(Base):
    """A periodic job's turn in one minute: whoever writes the row does the work."""

    __tablename__ = "job_minute"
    __table_args__ = (sa.UniqueConstraint("job", "minute"),)

    id: Mapped[PrimaryKey]
    job: Mapped[str] = mapped_column(sa.String(60))
    minute: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    by: Mapped[str] = mapped_column(sa.String(120))
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


def shared_now() -> datetime:
    """This moment by the clock that all machines share: the database's where it is a server.

    Asked on a connection of its own; the session's transaction is left alone.
    """
    if db.engine.dialect.name != "postgresql":
        return now()
    with db.engine.connect() as connection:
        moment = connection.scalar(sa.select(sa.func.clock_timestamp()))
    assert isinstance(moment, datetime)
    return moment


def this_machine() -> str:
    """This host by its name, which machines that share a database must not share."""
    return socket.gethostname()[:60]


def begin() -> str:
    """Say that this process works; the name under which it does. Commits."""
    name = f"{this_machine()}:{os.getpid()}:{secrets.token_hex(4)}"
    beat(name)
    return name


def beat(name: str) -> datetime:
    """Say that a worker is still there, and what its clock shows: the shared time. Commits.

    A clock that is off by more than half a minute raises an alert, which ends when it is right.
    """
    before = now()
    at = shared_now()
    ahead = before + (now() - before) / 2 - at
    row = {
        "name": name,
        "machine": this_machine(),
        "pid": os.getpid(),
        "version": code_version(),
        "started_at": at,
        "seen_at": at,
        "clock_ahead_ms": round(ahead.total_seconds() * 1000),
        "ended_at": None,
    }
    again = {key: row[key] for key in ("seen_at", "clock_ahead_ms", "ended_at")}
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    db.session.execute(
        dialect.insert(WorkerBeat)
        .values(row)
        .on_conflict_do_update(index_elements=["name"], set_=again)
    )
    if abs(ahead) > CLOCK_MAY_DIFFER:
        facts = {"machine": this_machine(), "seconds": round(ahead.total_seconds())}
        raise_alert("clock_wrong", this_machine(), facts=facts, at=at)
    else:
        clear_alert("clock_wrong", this_machine(), at=at)
    db.session.commit()
    return at


def end(name: str) -> None:
    """Say that a worker has ended as it was told to. Commits."""
    db.session.execute(
        sa.update(WorkerBeat)
        .where(WorkerBeat.name == name)
        .values(ended_at=shared_now())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def take_turn(job: str, *, by: str, at: datetime) -> int | None:
    """Take a job's turn in the minute of `at`; its number, or None when it is not ours. Commits.

    It is not while a worker that lives is still at an earlier turn of the same job.
    """
    minute = at.replace(second=0, microsecond=0)
    still_at_it = sa.exists().where(
        JobMinute.job == job,
        JobMinute.done_at.is_(None),
        JobMinute.minute > minute - LONGEST_TURN,
        WorkerBeat.name == JobMinute.by,
        *_alive(at),
    )
    row = sa.select(
        sa.literal(job), sa.literal(minute, UTCDateTime), sa.literal(by, sa.String(120))
    ).where(~still_at_it)
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    turn: int | None = db.session.scalar(
        dialect.insert(JobMinute)
        .from_select(["job", "minute", "by"], row)
        .on_conflict_do_nothing()
        .returning(JobMinute.id)
    )
    db.session.commit()
    return turn


def end_turn(turn: int) -> None:
    """Say that a turn is over. Commits."""
    guarded(sa.update(JobMinute).where(JobMinute.id == turn).values(done_at=shared_now()))
    db.session.commit()


def forget_old(*, at: datetime) -> None:
    """Let go of turns of two days ago and of workers of a week ago. Commits."""
    db.session.execute(sa.delete(JobMinute).where(JobMinute.minute < at - KEPT_TURNS))
    db.session.execute(sa.delete(WorkerBeat).where(WorkerBeat.seen_at < at - KEPT_BEATS))
    db.session.commit()


@cache
def code_version() -> str:
    """What tells two states of the code apart: the first digits of a hash over all of it."""
    checkout = Path(__file__).resolve().parents[2]
    summed = hashlib.sha256()
    for path in sorted(path for part in CODE for path in (checkout / part).rglob("*.py")):
        summed.update(str(path.relative_to(checkout)).encode() + b"\0" + path.read_bytes())
    return summed.hexdigest()[:8]


def _alive(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return WorkerBeat.ended_at.is_(None), WorkerBeat.seen_at > at - GONE_AFTER
