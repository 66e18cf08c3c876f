"""Sending: a mailing through the fence, with an envelope sender of its own for each recipient.

    python -m tests.benchmarks.sending [--recipients 10000,100000] [--connections 64] [--runs 2]
        [--million] [--json]

In one run on one machine: Postfix's smtp-source to its smtp-sink, the limit, which sends one and
the same message and writes nothing down; Pressrum, one worker process, to the same sink, on SQLite
and on PostgreSQL; and Python's own smtplib in a plain loop over one connection, standing in for a
peer, which writes nothing down either. Each takes its turn several times and the best counts, as
other work only ever slows one down. smtp-source and smtp-sink come with Debian's postfix package;
without them there is nothing to compare with, and the benchmark says so.

The time is that of `deliver()`: writing down the audience, claiming, filling in, fencing, sending
and writing down the answers. `first` is the time from its start to the first answered mail.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.serving import free_port

SINK, SOURCE = "/usr/sbin/smtp-sink", "/usr/sbin/smtp-source"
WANTED = {"sqlite": 0.80, "postgresql": 0.50}
WANTED_MICROSECONDS = 100  # of processor time for each mail, on SQLite
WANTED_MEBIBYTES = 100
WANTED_FIRST_SECONDS = 10
DOMAINS = ("tidning.example", "radio.example", "kommun.example", "lund.example", "region.example")
PARAGRAPH = (
    "Elva kommuner och regioner får dela på 10 641 000 kronor för samarbeten som stärker "
    "demokratin på hemmaplan och hos partnern. Projekten pågår i två år och följs upp varje höst. "
)

PARAGRAPHS = 14  # a release of about 20 KB, as text and as HTML

Result = dict[str, Any]


@contextmanager
def sink() -> Iterator[int]:
    """smtp-sink on a free port: answers yes to all and throws it away."""
    port = free_port(0)
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([SINK, *as_user, f"127.0.0.1:{port}", "1000"])
    try:
        until = time.monotonic() + 5
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def limit(port: int, *, mails: int, size: int, connections: int) -> Result:
    """smtp-source: the same sink, connections and size, and nothing else to do."""
    command = [SOURCE, "-d", "-s", str(connections), "-m", str(mails), "-l", str(size)]
    command += ["-f", "press@press.example", "-t", "reader@news.example", f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {"per_second": mails / (time.perf_counter() - begun)}


def plain_loop(port: int, *, mails: int, size: int) -> Result:
    """smtplib as a simple program uses it: one kept connection, one step after the other."""
    text = (PARAGRAPH * (size // len(PARAGRAPH) + 1))[:size].encode("ascii", "replace")
    message = b"Subject: x\r\n\r\n" + text
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as host:
        for number in range(mails):
            host.sendmail("press@press.example", f"reader{number}@news.example", message)
    return {"per_second": mails / (time.perf_counter() - begun)}


def office(url: str, folder: Path, *, connections: int = 1, port: int = 9) -> Any:
    from app import create_app
    from app.core.db import normal_url
    from app.settings import Settings

    return create_app(
        Settings(
            var=folder,
            database_url=normal_url(url),
            secret_key="only for the benchmark",
            mail_from="press@press.example",
            mail_port=port,
            connections=connections,
        )
    )


def prepare(url: str, folder: Path, *, recipients: int) -> Result:
    """A database that holds the subscribers and one queued mailing."""
    from flask_migrate import upgrade

    from app.core.db import db

    with office(url, folder).app_context():
        upgrade()
        fill(recipients)
        db.engine.dispose()
    return {}


def fill(recipients: int) -> None:
    import sqlalchemy as sa

    from app.core.db import db
    from subscribers.audience.models import Subscriber, Subscription, SubscriptionState, Topic
    from subscribers.mailings.writing.queueing import Announcement, queue

    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    topic = db.session.scalars(sa.select(Topic.id).order_by(Topic.id)).first()
    for first in range(1, recipients + 1, 10_000):
        numbers = range(first, min(first + 10_000, recipients + 1))
        people = [
            {
                "id": n,
                "address": f"reader{n}@{DOMAINS[n % len(DOMAINS)]}",
                "domain": DOMAINS[n % len(DOMAINS)],
                "address_hash": n.to_bytes(32, "big"),
                "language": "sv",
                "created_at": at,
            }
            for n in numbers
        ]
        db.session.execute(sa.insert(Subscriber), people)
        subscriptions = [
            {
                "public_id": n.to_bytes(16, "big"),
                "subscriber_id": n,
                "topic_id": topic,
                "state": SubscriptionState.ACTIVE,
                "asked_at": at - timedelta(days=1),
                "consent_at": at - timedelta(days=1),
            }
            for n in numbers
        ]
        db.session.execute(sa.insert(Subscription), subscriptions)
        db.session.commit()
    text = "\n\n".join([PARAGRAPH * 2] * PARAGRAPHS)
    queue(
        Announcement(
            key="release:1:r1:sv",
            language="sv",
            topics=("press-releases",),
            subject="Drygt 10,6 miljoner kronor till demokratisamarbete",
            text=text,
            html="".join(f"<p>{paragraph}</p>" for paragraph in text.split("\n\n")),
            page_url="https://press.example/sv/releases/drygt",
        ),
        at=at,
    )
    db.session.commit()
    if db.engine.dialect.name == "postgresql":  # as autovacuum will have, in an office at work
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def pressrum(url: str, folder: Path, *, recipients: int, connections: int, port: int) -> Result:
    """One worker process's work on a prepared database."""
    import sqlalchemy as sa

    from app.core.clock import now
    from app.core.db import db
    from subscribers.mailings.models import Delivery, DeliveryState, MailingPart
    from subscribers.mailings.sending.delivering import deliver

    with office(url, folder, connections=connections, port=port).app_context():
        size = len(db.session.scalars(sa.select(MailingPart.template)).one())
        db.session.rollback()
        idle = mebibytes()
        at, begun, before = now(), time.perf_counter(), processor_seconds()
        deliver()
        seconds, used = time.perf_counter() - begun, processor_seconds() - before
        peak = mebibytes()
        sent, first = db.session.execute(
            sa.select(sa.func.count(), sa.func.min(Delivery.sent_at)).where(
                Delivery.state == DeliveryState.SENT
            )
        ).one()
        assert sent == recipients, f"{sent} of {recipients} were sent"
    return {
        "per_second": recipients / seconds,
        "microseconds": used / recipients * 1e6,
        "mebibytes": peak,
        "growth": peak - idle,
        "first": (first - at).total_seconds(),
        "size": size,
    }


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def mebibytes() -> float:
    """The most memory that this program has had; getrusage would count its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def apart(what: str, *, url: str = "", folder: str = "", **given: int) -> Result:
    """One measurement in a process of its own, since a process never gives back its peak."""
    command = [sys.executable, "-P", "-m", "tests.benchmarks.sending", "--only", what]
    command += ["--url", url, "--folder", folder, "--given", json.dumps(given)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: Result = json.loads(found.stdout)
    return result


@contextmanager
def postgres() -> Iterator[Any]:
    """A PostgreSQL of our own, writing to disk as shipped, and fresh databases in it."""
    import sqlalchemy as sa

    from tests.conftest import start_postgres

    folder = Path(tempfile.mkdtemp(prefix="pressrum-bench-"))
    server, url = start_postgres(folder)
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    number = 0

    def fresh() -> str:
        nonlocal number
        number += 1
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE bench{number}"))
        return url.set(database=f"bench{number}").render_as_string(hide_password=False)

    try:
        yield fresh
    finally:
        admin.dispose()
        server.cleanup()  # type: ignore[attr-defined]
        shutil.rmtree(folder, ignore_errors=True)


def best(results: Sequence[Result]) -> Result:
    return max(results, key=lambda result: float(result["per_second"]))


def measure(sizes: Sequence[int], *, connections: int, runs: int) -> dict[str, Any]:
    found: dict[str, Any] = {"connections": connections, "sizes": {}}
    with postgres() as fresh:
        for mails in sizes:
            tries: dict[str, list[Result]] = {}
            for _ in range(runs if mails < 1_000_000 else 1):
                for kind in ("sqlite", "postgresql"):
                    with sink() as port, tempfile.TemporaryDirectory() as folder:
                        url = fresh() if kind == "postgresql" else f"sqlite:///{folder}/bench.db"
                        apart("prepare", url=url, folder=folder, recipients=mails)
                        given = {"recipients": mails, "connections": connections, "port": port}
                        result = apart("pressrum", url=url, folder=folder, **given)
                    tries.setdefault(kind, []).append(result)
                    with sink() as port:
                        less = min(mails, 50_000)
                        size = int(result["size"])
                        of_limit = limit(port, mails=less, size=size, connections=connections)
                        tries.setdefault("limit", []).append(of_limit)
                with sink() as port:
                    given = {"mails": min(mails, 10_000), "size": size, "port": port}
                    tries.setdefault("smtplib", []).append(apart("plain_loop", **given))
            found["sizes"][mails] = {name: best(results) for name, results in tries.items()}
    return found


def show(found: dict[str, Any]) -> None:
    print(f"Sending over {found['connections']} connections, one worker process")
    for mails, results in found["sizes"].items():
        top = results["limit"]["per_second"]
        size = results["sqlite"]["size"]
        print(f"\n{mails:,} recipients, {size:,} bytes each")
        print(f"  {'smtp-source (limit)':24} {top:9,.0f} mails/s")
        loop = results["smtplib"]["per_second"]
        print(f"  {'smtplib, one connection':24} {loop:9,.0f} mails/s   {loop / top:5.2f} of it")
        for kind in ("sqlite", "postgresql"):
            one = results[kind]
            share = one["per_second"] / top
            print(
                f"  {'Pressrum, ' + kind:24} {one['per_second']:9,.0f} mails/s   {share:5.2f} of it"
                f" (wanted {WANTED[kind]:.2f})   {one['microseconds']:4.0f} µs of processor each,"
                f" {one['mebibytes']:4.0f} MiB ({one['growth']:+.0f}),"
                f" first after {one['first']:.2f} s"
            )
    print(
        f"\nWanted on SQLite: at most {WANTED_MICROSECONDS} µs each, {WANTED_MEBIBYTES} MiB,"
        f" the first within {WANTED_FIRST_SECONDS} s."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recipients", default="10000,100000")
    parser.add_argument("--million", action="store_true", help="also 1,000,000")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    steps = ["prepare", "pressrum", "plain_loop"]
    parser.add_argument("--only", choices=steps, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    parser.add_argument("--given", default="{}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        options = json.loads(given.given)
        if given.only == "plain_loop":
            print(json.dumps(plain_loop(**options)))
        else:
            work = prepare if given.only == "prepare" else pressrum
            print(json.dumps(work(given.url, Path(given.folder), **options)))
        return
    if not (Path(SINK).exists() and Path(SOURCE).exists()):
        print("Sending was not measured: smtp-source and smtp-sink (Debian's postfix) are missing")
        return
    sizes = [int(size) for size in given.recipients.split(",")]
    if given.million:
        sizes.append(1_000_000)
    found = measure(sizes, connections=given.connections, runs=given.runs)
    if given.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
