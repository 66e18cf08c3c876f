"""Room on the disk: an alert while there still is some, since nothing goes out unwritten."""

from __future__ import annotations

import shutil
from datetime import datetime

from flask import current_app

from app.core import jobs
from app.core.alerts import clear_alert, raise_alert
from app.core.beats import shared_now, this_machine
from app.core.db import db

MEBIBYTE = 1 << 20
SHARE = 0.05  # of the disk that should be free, but no less than LEAST and no more than MOST
LEAST = 256 * MEBIBYTE
MOST = 2048 * MEBIBYTE
RELIEF = 1.2  # times what is asked for, before it is said to be over


@jobs.job("watch_space", everywhere=True)
def watch_space() -> None:
    """Look at the disk with this machine's files, and often the database. Commits."""
    disk = shutil.disk_usage(current_app.config["VAR"])
    watch(free=disk.free, total=disk.total, at=shared_now())
    db.session.commit()


def watch(*, free: int, total: int, at: datetime) -> None:
    """Raise the alert of this machine's disk, or end it. Bytes."""
    machine, wanted = this_machine(), asked_for(total)
    if free < wanted:
        facts = {"free": free // MEBIBYTE, "wanted": wanted // MEBIBYTE}
        raise_alert("disk_full", machine, facts=facts, at=at)
    elif free >= wanted * RELIEF:
        clear_alert("disk_full", machine, at=at)


def asked_for(total: int) -> int:
    """How much of a disk of that size should be free, in bytes."""
    return min(max(round(total * SHARE), LEAST), MOST)
