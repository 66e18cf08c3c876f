"""Watching: are pages slower while a mailing runs, and is the mailing slower when it is watched?

    python -m tests.benchmarks.watching [--recipients 100000] [--watchers 10] [--json]

One office in a SQLite file, where sender and pages share one writer: `pressrum serve` and one
`pressrum worker` that mails to Postfix's smtp-sink. First pages are fetched while nothing is sent,
then while a mailing runs with so many people looking at its page, which asks every two seconds.
Another mailing to the same readers runs with nobody looking. Milliseconds differ from machine to
machine; the ratios should not. Without smtp-sink it says so and measures nothing.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app.serving import free_port, variables
from app.settings import CHECKOUT
from tests.benchmarks import archive, sending
from tests.benchmarks.serving import running, settings_of

PATHS = (
    "/sv/",
    "/office/",
    "/office/mailings/",
    "/office/mailings/{0}",
    "/office/mailings/{0}/live",
)
TIMES = 60
WANTED_MS = 300  # of any page while a mailing runs, 99 of 100
WANTED_RATE = 0.9  # of the rate with nobody looking
EMAIL, PASSWORD = "admin@press.example", "only for the benchmark"


class Browser:
    """One person's: keeps the session, and the connection open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = ""
        page = self.get("/office/sign-in")[1].decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None, "no form to sign in with"
        body = urlencode({"email": EMAIL, "password": PASSWORD, "csrf_token": token[1]})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert self.ask("POST", "/office/sign-in", body, kind)[0] == 302, "not let in"

    def get(self, path: str) -> tuple[int, bytes]:
        return self.ask("GET", path)

    def ask(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        sent = {**(headers or {}), **({"Cookie": self.cookie} if self.cookie else {})}
        self.connection.request(method, path, body or None, sent)
        answer = self.connection.getresponse()
        content = answer.read()
        if cookie := answer.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return answer.status, content


def measured(browser: Browser, mailing: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each page: the median, and what 99 of 100 are done in."""
    found = {}
    for path in PATHS:
        times = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            status, _content = browser.get(path.format(mailing))
            times.append((time.perf_counter() - begun) * 1000)
            assert status == 200, (path, status)
            time.sleep(0.02)
        times.sort()
        found[path] = {"p50": statistics.median(times), "p99": times[int(len(times) * 0.99)]}
    return found


@contextmanager
def watched(port: int, mailing: int, people: int) -> Iterator[None]:
    """So many people who look at the mailing's page."""
    over = threading.Event()

    def look() -> None:
        browser = Browser(port)
        while not over.wait(2):
            browser.get(f"/office/mailings/{mailing}/live")

    threads = [threading.Thread(target=look) for _ in range(people)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def mail_out(home: Path, environment: dict[str, str], port: int, people: int) -> dict[str, Any]:
    """The rate at which the newest mailing goes out, and the pages meanwhile when asked for."""
    pages: dict[str, dict[str, float]] = {}
    mailing = queued(home)
    worker = [sys.executable, "-P", "-m", "app.cli", "worker"]
    with subprocess.Popen(worker, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            begun = wait(home, "SELECT count(*) > 0 FROM delivery WHERE mailing_id = ?", mailing)
            if people:
                with watched(port, mailing, people):
                    pages = measured(Browser(port), mailing)
                    still = not asked(home, FINISHED, mailing)
                    ended = wait(home, FINISHED, mailing)
                assert still, "the mailing ended before the pages had been measured: send more"
            else:
                ended = wait(home, FINISHED, mailing)
        finally:
            process.terminate()
            process.wait(60)
    sent = asked(home, "SELECT count(*) FROM delivery WHERE mailing_id = ?", mailing)
    return {"rate": sent / (ended - begun), "pages": pages}


FINISHED = "SELECT finished_at IS NOT NULL FROM mailing WHERE id = ?"


def asked(home: Path, question: str, mailing: int) -> int:
    with closing(sqlite3.connect(home / "pressrum.db", timeout=30)) as file:
        return int(file.execute(question, (mailing,)).fetchone()[0])


def queued(home: Path) -> int:
    with closing(sqlite3.connect(home / "pressrum.db", timeout=30)) as file:
        return int(file.execute("SELECT max(id) FROM mailing").fetchone()[0])


def wait(home: Path, question: str, mailing: int) -> float:
    """When it first was so."""
    deadline = time.monotonic() + 1800
    while not asked(home, question, mailing):
        if time.monotonic() > deadline:
            raise SystemExit("the mailing does not end")
        time.sleep(0.25)
    return time.monotonic()


def another(app: Any) -> None:
    """One more mailing to the same readers."""
    from app.core.clock import now
    from app.core.db import db
    from subscribers.mailings.writing.queueing import Announcement, queue

    text = sending.PARAGRAPH * 12
    queue(
        Announcement(
            key="release:2:r1:sv",
            language="sv",
            topics=("press-releases",),
            subject="Mer till demokratisamarbete",
            text=text,
            html=f"<p>{text}</p>",
            page_url="https://press.example/sv/releases/mer",
        ),
        at=now(),
    )
    db.session.commit()


def measure(folder: Path, *, recipients: int, people: int) -> dict[str, Any]:
    from app.core import people as accounts
    from app.core.accounts import Role
    from app.core.clock import now
    from app.core.db import db

    home = folder / "office"
    home.mkdir()
    app = archive.office(home)
    archive.fill(app, releases=50, awards=500)
    with app.app_context():
        accounts.add(email=EMAIL, name="A", role=Role.ADMIN, password=PASSWORD, by=None, at=now())
        db.session.commit()
        sending.fill(recipients)
        db.engine.dispose()
    port = free_port(0)
    with sending.sink() as mail_port:
        settings = replace(settings_of(home, port), mail_port=mail_port)
        environment = {**os.environ, **variables(settings), "PYTHONPATH": str(CHECKOUT)}
        serve = [sys.executable, "-P", "-m", "app.cli", "serve", "--no-worker", "--port", str(port)]
        with running(serve, port, "/healthz", env=environment):
            idle = measured(Browser(port), queued(home))
            busy = mail_out(home, environment, port, people)
            with app.app_context():
                another(app)
                db.engine.dispose()
            alone = mail_out(home, environment, port, 0)
    return {
        "pages": {path: {"idle": idle[path], "busy": busy["pages"][path]} for path in PATHS},
        "watched": busy["rate"],
        "alone": alone["rate"],
    }


def report(found: dict[str, Any], people: int) -> None:
    print(f"{'Milliseconds':<28}{'idle p50':>9}{'p99':>8}{'mailing p50':>13}{'p99':>8}{'times':>7}")
    for path, both in found["pages"].items():
        idle, busy = both["idle"], both["busy"]
        times = busy["p50"] / idle["p50"]
        line = (
            f"{path:<28}{idle['p50']:9.1f}{idle['p99']:8.1f}{busy['p50']:13.1f}{busy['p99']:8.1f}"
        )
        print(f"{line}{times:7.2f}" + ("" if busy["p99"] < WANTED_MS else f"  above {WANTED_MS}"))
    share = found["watched"] / found["alone"]
    said = f"Mails a second: {found['alone']:,.0f} alone, {found['watched']:,.0f} with {people}"
    print(
        f"{said} looking ({share:.2f})" + ("" if share >= WANTED_RATE else f"  below {WANTED_RATE}")
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--watchers", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not Path(sending.SINK).exists():
        print("Watching is not measured: there is no smtp-sink on this machine.")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), recipients=given.recipients, people=given.watchers)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        report(found, given.watchers)


if __name__ == "__main__":
    main()
