"""A very long list: memory stays flat, the first mail is quick, and so are claims and pages.

Small here; `make torture` does it with a million recipients.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from subscribers.mailings.models import Mailing, MailingState
from subscribers.mailings.sending.claiming import claim, clock, hand_back
from subscribers.mailings.sending.materialising import materialise
from tests import factories
from tests.scripted_smtp import ApartSMTP
from tests.subscribers.mailings.cast import queued
from tests.subscribers.mailings.many_machines.cast import (
    Machine,
    many_subscribers,
    running,
    states,
    until,
)

RECIPIENTS = int(os.environ.get("MILLION_RECIPIENTS", "6000"))
SENT = int(os.environ.get("MILLION_SENT", RECIPIENTS))  # after which it has been seen enough
MEGABYTE = 1024 * 1024
PAGES = ("/sv/", "/office/mailings/")


def memory(pid: int) -> float:
    """What a process keeps in memory, in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def claims_of_another() -> list[float]:
    """How long claims of a mailing to as many take, by themselves, in milliseconds."""
    db.session.execute(sa.update(Mailing).values(state=MailingState.CANCELLED, finished_at=clock()))
    db.session.commit()
    queued(key="release:2:r1:sv")
    while materialise(at=clock()):
        pass
    took = []
    for _ in range(100):
        begun = time.perf_counter()
        batch = claim(at=clock())
        took.append((time.perf_counter() - begun) * 1000)
        assert batch is not None
        hand_back(batch, [claimed.id for claimed in batch.deliveries], due_at=clock())
        db.session.commit()
    return took


def test_case_53_a_long_list_is_sent_in_little_memory_while_pages_stay_quick(
    app: Flask, client: FlaskClient, admin: User, tmp_path: Path
) -> None:
    many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    office = factories.signed_in(client, admin)
    for page in PAGES:
        office.get(page)
    db.session.remove()

    used: list[float] = []
    waited: list[float] = []
    with ApartSMTP(tmp_path / "taken") as post:
        machine = Machine(app, post.port)
        with running(machine):
            process = machine.process
            assert process is not None
            begun = time.monotonic()
            until(lambda: post.taken() > 0, what="the first mail")
            first = time.monotonic() - begun
            while (taken := post.taken()) < SENT:
                assert process.poll() is None
                used.append(memory(process.pid))
                asked = time.monotonic()
                office.get(PAGES[len(waited) % len(PAGES)])
                db.session.remove()
                waited.append(time.monotonic() - asked)
                time.sleep(0.1)
            rate = taken / (time.monotonic() - begun - first)
            if SENT == RECIPIENTS:
                until(lambda: states(mailing_id) == {"sent": RECIPIENTS}, what="the last answers")
        recipients = [line[0] for line in post.lines()]

    took = claims_of_another()
    early, late = used[len(used) // 4], statistics.mean(used[-3:])
    figures = {
        "first mail, s": round(first, 1),
        "mails/s": round(rate),
        "memory, MB": (round(early), round(late), round(max(used))),
        "claim p50, p99, ms": (round(statistics.median(took), 1), round(percentile(took, 0.99), 1)),
        "page p50, p95, ms": tuple(round(percentile(waited, q) * 1000) for q in (0.5, 0.95)),
    }
    print(f"\n{db.engine.dialect.name}, {RECIPIENTS} recipients: {figures}")
    assert len(recipients) == len(set(recipients))
    assert first < 10
    assert max(used) < 200
    assert late < early + 20
    assert percentile(took, 0.1 if RECIPIENTS < 100_000 else 0.99) < 50  # a busy machine's quickest
    assert statistics.median(waited) < 0.3
