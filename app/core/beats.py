"""Who works: one row for each worker process, and one for each minute's work that is done once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, PrimaryKey, UTCDateTime


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
