"""A sender killed in mid-send, at random moments: nothing is lost and little is repeated."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.settings import CHECKOUT
from subscribers.mailings.models import Delivery
from tests.conftest import SECRET
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import queued, states, subscribers

RECIPIENTS = 150
KILLS = 6
CONNECTIONS = 4


def worker(app: Flask, post: PostOffice) -> subprocess.Popen[bytes]:
    """`pressrum worker --once` in a process of its own, on this test's database."""
    url: sa.URL = app.config["SQLALCHEMY_DATABASE_URI"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "PRESSRUM_VAR": str(app.config["VAR"]),
        "PRESSRUM_DATABASE_URL": url.render_as_string(hide_password=False),
        "PRESSRUM_SECRET_KEY": SECRET,
        "PRESSRUM_MAIL_PORT": str(post.port),
        "PRESSRUM_CONNECTIONS": str(CONNECTIONS),
    }
    command = [sys.executable, "-m", "app.cli", "worker", "--once"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def test_case_43_a_worker_killed_in_mid_send_loses_nothing(app: Flask, post: PostOffice) -> None:
    addresses = subscribers(RECIPIENTS)
    mailing_id = queued().id
    db.session.remove()
    post.before_reply = lambda letter: time.sleep(0.004)

    kills = 0
    while kills < KILLS:
        taken = len(post.letters)
        process = worker(app, post)
        while len(post.letters) == taken and process.poll() is None:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.08))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    last = worker(app, post)
    assert last.wait(60) == 0

    copies = Counter(letter.to for letter in post.letters)
    repeats = sum(copies.values()) - len(copies)
    ids = {
        letter.to: {one.message["Message-ID"] for one in post.to(letter.to)}
        for letter in post.letters
    }
    uncertain = db.session.scalar(sa.select(sa.func.sum(Delivery.uncertain_count))) or 0
    assert kills >= 3, "the mailing ended before it could be disturbed"
    assert sorted(copies) == sorted(addresses)
    assert states(mailing_id) == {"sent": RECIPIENTS}
    assert repeats <= kills * CONNECTIONS
    assert repeats <= uncertain <= kills * CONNECTIONS
    assert all(len(found) == 1 for found in ids.values())
