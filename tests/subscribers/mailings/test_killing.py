"""A sender killed in mid-send, at random moments: nothing is lost and little is repeated.

Small here; `make torture` does it with 6,000 recipients and 100 kills.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from flask import Flask

from app.core.db import db
from tests.scripted_smtp import ApartSMTP
from tests.subscribers.mailings.cast import queued
from tests.subscribers.mailings.many_machines.cast import (
    CONNECTIONS,
    Machine,
    Told,
    account,
    many_subscribers,
    states,
)

RECIPIENTS = int(os.environ.get("TORTURE_RECIPIENTS", "150"))
KILLS = int(os.environ.get("TORTURE_KILLS", "6"))
A_RUN = RECIPIENTS / (KILLS + 1)  # mails between two kills, so that they last to the end


def test_case_43_a_worker_killed_in_mid_send_loses_nothing(app: Flask, tmp_path: Path) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()

    kills = 0
    with ApartSMTP(tmp_path / "taken", options=["--think", "0.004"]) as post:
        machine = Machine(app, post.port)
        while kills < KILLS:
            taken = post.taken()
            process = machine.start("--once")
            wanted = taken + random.uniform(0.2, 1) * A_RUN
            while post.taken() < wanted and process.poll() is None:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.01))
            if process.poll() is not None:
                break
            machine.kill()
            kills += 1
        last = machine.start("--once").wait(600)

    found = account(Told.read(post.lines()), addresses)
    print(f"\n{kills} kills, {RECIPIENTS} recipients: {found}")
    assert last == 0
    assert kills >= KILLS / 2, "the mailing ended before it could be disturbed"
    assert (found.missing, found.strangers, found.other_ids) == (0, 0, 0)
    assert states(mailing_id) == {"sent": RECIPIENTS}
    assert found.repeats <= found.uncertain <= kills * CONNECTIONS
