"""Which workers there are, and what is said when one has vanished.

A worker that falls silent without having ended is missed, unless another began on its machine
since: whatever was killed there was started again. An administrator may say that a machine has been
taken away for good. What the dead ones held comes back by itself, whoever notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import jobs
from app.core.accounts import User
from app.core.alerts import Alert, clear_alert, raise_alert
from app.core.audit import record
from app.core.beats import (
    CLOCK_MAY_DIFFER,
    GONE_AFTER,
    WorkerBeat,
    code_version,
    forget_old,
    shared_now,
)
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import NotFound

SHOWN = 100
OURS = code_version()  # as this process was loaded, whatever lies there later


@dataclass(frozen=True)
class Worker:
    """One worker as it stands. `state` is working, gone (missed), replaced or ended."""

    beat: WorkerBeat
    state: str
    other_code: bool

    @property
    def clock_ahead(self) -> timedelta:
        return timedelta(milliseconds=self.beat.clock_ahead_ms)

    @property
    def clock_is_wrong(self) -> bool:
        return abs(self.clock_ahead) > CLOCK_MAY_DIFFER

    def as_data(self) -> dict[str, Any]:
        beat = self.beat
        return {
            "name": beat.name,
            "machine": beat.machine,
            "pid": beat.pid,
            "state": self.state,
            "version": beat.version,
            "other_code": self.other_code,
            "started_at": beat.started_at.isoformat(),
            "seen_at": beat.seen_at.isoformat(),
            "clock_ahead_ms": beat.clock_ahead_ms,
            "ended_at": beat.ended_at.isoformat() if beat.ended_at else None,
        }


def workers(*, at: datetime) -> list[Worker]:
    """Those of the last week: who works first, who is missed next, the newest first in each."""
    beats = db.session.scalars(
        sa.select(WorkerBeat).order_by(WorkerBeat.seen_at.desc(), WorkerBeat.name).limit(SHOWN)
    ).all()
    missed = set(db.session.scalars(_missed(WorkerBeat.name, at)))
    found = [
        Worker(beat, state := _state(beat, missed, at), state == "working" and beat.version != OURS)
        for beat in beats
    ]
    order = ("working", "gone", "replaced", "ended")
    return sorted(found, key=lambda worker: order.index(worker.state))


@jobs.job("watch_workers")
def watch_workers() -> None:
    """Tell of those who have vanished, and forget the old ones. Commits."""
    at = shared_now()
    watch(at=at)
    db.session.commit()
    forget_old(at=at)


def watch(*, at: datetime) -> None:
    """Raise an alert for each machine that misses a worker, and end those that are over."""
    missing: dict[str, datetime] = {}
    for machine, seen_at in db.session.execute(_missed(WorkerBeat.machine, at)).all():
        missing[machine] = max(seen_at, missing.get(machine, seen_at))
    for machine, seen_at in missing.items():
        facts = {"machine": machine, "seen_at": seen_at.isoformat()}
        raise_alert("worker_gone", machine, facts=facts, at=at)
    told = db.session.scalars(
        sa.select(Alert.subject).where(Alert.code == "worker_gone", Alert.cleared_at.is_(None))
    ).all()
    for machine in set(told) - set(missing):
        clear_alert("worker_gone", machine, at=at)


def let_go(name: str, *, by: User, at: datetime) -> None:
    """A worker that vanished is missed no more. Raises NotFound for one that is not missed."""
    if not guarded(
        sa.update(WorkerBeat)
        .where(
            WorkerBeat.name == name,
            WorkerBeat.ended_at.is_(None),
            WorkerBeat.seen_at <= at - GONE_AFTER,
        )
        .values(ended_at=at)
    ):
        raise NotFound("no_such_worker")
    record("worker.let_go", "organisation", None, title=name, by=by, at=now())
    watch(at=at)


def _missed(column: sa.ColumnElement[str] | Any, at: datetime) -> sa.Select[Any]:
    """The vanished ones on whose machines none began since."""
    later = aliased(WorkerBeat)
    return sa.select(column, WorkerBeat.seen_at).where(
        WorkerBeat.ended_at.is_(None),
        WorkerBeat.seen_at <= at - GONE_AFTER,
        ~sa.exists().where(
            later.machine == WorkerBeat.machine, later.started_at > WorkerBeat.seen_at
        ),
    )


def _state(beat: WorkerBeat, missed: set[str], at: datetime) -> str:
    if beat.ended_at is not None:
        return "ended"
    if beat.seen_at > at - GONE_AFTER:
        return "working"
    return "gone" if beat.name in missed else "replaced"
