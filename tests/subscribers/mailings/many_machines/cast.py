"""Machines, the nets between them, and what became of a mailing after whatever befell them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa
from flask import Flask

from app.core.db import db, reading
from app.settings import CHECKOUT
from subscribers.audience.models import Topic
from subscribers.mailings.models import Delivery
from tests.conftest import SECRET
from tests.factories import A_MORNING

CONNECTIONS = 4


class Letter(Protocol):
    """What is asked of a mail that was taken."""

    @property
    def to(self) -> str: ...
    @property
    def message_id(self) -> str: ...


@dataclass(frozen=True)
class Told:
    """A mail that a server in a process of its own wrote down."""

    to: str
    message_id: str

    @classmethod
    def read(cls, lines: Iterable[tuple[str, str, int, float]]) -> Iterator[Told]:
        return (cls(to, message_id) for to, message_id, _connection, _at in lines)


@dataclass
class Net:
    """Where a machine lives: a network namespace, or this one, and the mail server's address."""

    name: str = ""
    mail_server: str = "127.0.0.1"


@dataclass
class Machine:
    """A machine that runs a worker on this test's database."""

    app: Flask
    mail_port: int
    name: str = "north"
    net: Net = field(default_factory=Net)
    ahead: float = 0
    largest_file: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`pressrum worker …`."""
        url: sa.URL = self.app.config["SQLALCHEMY_DATABASE_URI"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "PRESSRUM_VAR": str(self.app.config["VAR"]),
            "PRESSRUM_DATABASE_URL": url.render_as_string(hide_password=False),
            "PRESSRUM_SECRET_KEY": SECRET,
            "PRESSRUM_MAIL_SERVER": self.net.mail_server,
            "PRESSRUM_MAIL_PORT": str(self.mail_port),
            "PRESSRUM_MAIL_FROM": self.app.config["MAIL_DEFAULT_SENDER"],
            "PRESSRUM_BOUNCE_DOMAIN": self.app.config["BOUNCE_DOMAIN"],
            "PRESSRUM_CONNECTIONS": str(CONNECTIONS),
            **self.settings,
        }
        module = "tests.subscribers.mailings.many_machines.machine"
        command = [sys.executable, "-m", module, self.name, str(self.ahead), str(self.largest_file)]
        if self.net.name:
            command = ["ip", "netns", "exec", self.net.name, *command]
        self.process = subprocess.Popen(
            [*command, "worker", *arguments], env=environment, stderr=subprocess.DEVNULL
        )
        return self.process

    def kill(self) -> None:
        """As a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As an operator does: the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(35)


@contextmanager
def running(*machines: Machine) -> Iterator[None]:
    """Their workers at work; whatever is left of them afterwards is killed."""
    try:
        for machine in machines:
            machine.start()
        yield
    finally:
        for machine in machines:
            if machine.process is not None and machine.process.poll() is None:
                machine.kill()


def until(come: Callable[[], object], *, seconds: float = 60, what: str = "") -> None:
    """Wait for something to come true. Fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.02)


@contextmanager
def nets(count: int) -> Iterator[list[Net]]:
    """So many networks with nothing but a wire to us each; plain processes where that is not
    allowed (it takes root on Linux)."""
    made: list[Net] = []
    try:
        for number in range(count):
            name = f"press{os.getpid() % 10000}n{number}"
            subnet = f"10.231.{os.getpid() % 200 + 1}.{number * 4}"
            try:
                made.append(_net(name, subnet))
            except (OSError, subprocess.CalledProcessError):
                made.append(Net())
        yield made
    finally:
        for net in made:
            if net.name:
                with suppress(subprocess.CalledProcessError):
                    _ip("netns", "del", net.name)


def _net(name: str, subnet: str) -> Net:
    base, _, last = subnet.rpartition(".")
    ours, theirs = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b")
        _ip("link", "set", f"{name}b", "netns", name)
        _ip("addr", "add", f"{ours}/30", "dev", f"{name}a")
        _ip("link", "set", f"{name}a", "up")
        _ip("-n", name, "addr", "add", f"{theirs}/30", "dev", f"{name}b")
        _ip("-n", name, "link", "set", f"{name}b", "up")
        _ip("-n", name, "link", "set", "lo", "up")
    except subprocess.CalledProcessError:
        _ip("netns", "del", name)
        raise
    return Net(name, ours)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def many_subscribers(count: int, *, domain: str = "news.example") -> list[str]:
    """Active subscribers by the thousand, in two statements."""
    import hashlib
    import hmac

    from app.core.tokens import derive
    from subscribers.audience.models import Subscriber, Subscription

    key = derive(SECRET, "address")
    addresses = [f"reader{n}@{domain}" for n in range(count)]
    topic = db.session.scalars(sa.select(Topic.id).order_by(Topic.id)).first()
    first = (db.session.scalar(sa.select(sa.func.max(Subscriber.id))) or 0) + 1
    for start in range(0, count, 5000):
        some = list(enumerate(addresses[start : start + 5000], first + start))
        db.session.execute(
            sa.insert(Subscriber),
            [
                {
                    "id": number,
                    "address": address,
                    "domain": domain,
                    "address_hash": hmac.digest(key, address.encode(), hashlib.sha256),
                    "language": "sv",
                    "created_at": A_MORNING,
                }
                for number, address in some
            ],
        )
        db.session.execute(
            sa.insert(Subscription),
            [
                {
                    "subscriber_id": number,
                    "topic_id": topic,
                    "state": "active",
                    "asked_at": A_MORNING,
                    "consent_at": A_MORNING,
                    "public_id": os.urandom(16),
                }
                for number, _ in some
            ],
        )
        db.session.commit()
    return addresses


def states(mailing_id: int) -> dict[str, int]:
    """How many deliveries stand in each state; asked without keeping anybody from writing."""
    with reading():
        db.session.rollback()
        rows = db.session.execute(
            sa.select(Delivery.state, sa.func.count())
            .where(Delivery.mailing_id == mailing_id)
            .group_by(Delivery.state)
        )
        found = {state.value: count for state, count in rows}
        db.session.rollback()
    return found


@dataclass(frozen=True)
class Account:
    """What became of a mailing: who got nothing, how many copies were too many, and whether each
    repeat bore the first Message-ID and is counted."""

    missing: int
    repeats: int
    uncertain: int
    other_ids: int
    strangers: int


def account(letters: Iterable[Letter], addresses: Iterable[str]) -> Account:
    copies: Counter[str] = Counter()
    ids: dict[str, set[str]] = {}
    for letter in letters:
        copies[letter.to] += 1
        ids.setdefault(letter.to, set()).add(letter.message_id)
    wanted = set(addresses)
    db.session.rollback()
    counted = db.session.scalar(sa.select(sa.func.sum(Delivery.uncertain_count))) or 0
    db.session.rollback()
    return Account(
        missing=len(wanted - set(copies)),
        repeats=sum(copies.values()) - len(copies),
        uncertain=counted,
        other_ids=sum(len(found) > 1 for found in ids.values()),
        strangers=len(set(copies) - wanted),
    )
