"""Serving: the parts start together, stop together, and none outlives the others."""

from __future__ import annotations

import gc
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import jobs
from app.core.db import normal_url
from app.core.organisation import Organisation
from app.serving import (
    CHECKOUT,
    MOST_PROCESSES,
    CannotServe,
    await_free,
    free_port,
    processors,
    variables,
    work,
)
from app.settings import PREFIX, Settings, load
from tests.conftest import settings_for

START = (
    "import sys; from app.serving import serve; from app.settings import load;"
    "sys.exit(serve(load(), host='127.0.0.1', port=int(sys.argv[1]), catcher=True))"
)
JOBS = (
    "import json; from app.core import jobs; from app.factory import build;"
    "from app.settings import load; build(load()); print(json.dumps(jobs.in_order()))"
)


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    url: sa.URL = normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")
    outbox = str(tmp_path / "outbox")
    return settings_for(url, tmp_path, mail_port=free_port(0), outbox=outbox)


@contextmanager
def serving(settings: Settings, port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, **variables(settings), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-P", "-c", START, str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert f":{port}/" in server.stdout.readline()
            yield server
        finally:
            if server.poll() is None:
                server.terminate()
            server.wait(20)


def health(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def children(pid: int) -> dict[str, int]:
    """The parts that a server runs, by name."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            words = (path / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if parent == pid and "app.serving" in words:
            found[words[words.index("app.serving") + 1]] = int(path.name)
    return found


def web_processes(server: subprocess.Popen[str]) -> list[int]:
    """The processes that answer on the web."""
    parent, found = children(server.pid)["web"], []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.name))
    return sorted(found)


def await_listening(port: int, *, processes: int) -> None:
    """Wait until so many processes listen at a port: one that has begun may not do so yet."""
    deadline = time.monotonic() + 15
    while Path("/proc/net/tcp").read_text().count(f":{port:04X} 00000000:0000 0A ") < processes:
        assert time.monotonic() < deadline, f"{processes} processes do not listen"
        time.sleep(0.05)


def test_the_parts_start_answer_and_stop_when_asked(settings: Settings) -> None:
    port = free_port(0)

    with serving(settings, port) as server:
        parts = children(server.pid)
        answer = health(port)
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        code = server.wait(20)

    assert answer == 200
    assert set(parts) == {"web", "worker", "catcher"}
    assert code == 0
    assert time.monotonic() - begun < 11
    await_free("127.0.0.1", port, seconds=0)


def another(server: subprocess.Popen[str], part: str, *, than: int) -> int:
    """Wait until a part runs anew: its process."""
    deadline = time.monotonic() + 15
    while (found := children(server.pid).get(part, than)) == than:
        assert time.monotonic() < deadline, f"the {part} was not started again"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("part", ["worker", "web"])
def test_a_part_that_dies_is_started_again_and_the_others_stay(
    settings: Settings, part: str
) -> None:
    port = free_port(0)

    with serving(settings, port) as server:
        before = children(server.pid)
        os.kill(before[part], signal.SIGKILL)
        another(server, part, than=before[part])
        after = children(server.pid)
        server.send_signal(signal.SIGTERM)
        code = server.wait(20)

    assert {name for name in before if before[name] != after[name]} == {part}
    assert code == 0


def test_a_web_process_that_dies_is_replaced_while_another_answers(settings: Settings) -> None:
    port = free_port(0)

    with serving(replace(settings, web_processes=2), port) as server:
        await_listening(port, processes=2)
        first, web = web_processes(server), children(server.pid)["web"]
        os.kill(first[0], signal.SIGKILL)
        deadline = time.monotonic() + 15
        while len(set(web_processes(server)) - {first[0]}) < 2:
            assert time.monotonic() < deadline, "it was not replaced"
            time.sleep(0.05)
        await_listening(port, processes=2)
        answers = {health(port) for _ in range(8)}

        assert children(server.pid)["web"] == web
    assert len(first) == 2
    assert answers == {200}


def test_without_a_wish_there_are_as_many_web_processes_as_processors() -> None:
    assert processors() == min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def test_a_change_is_seen_by_every_web_process_within_a_second(settings: Settings) -> None:
    port = free_port(0)
    engine = sa.create_engine(settings.database_url)

    def fronts() -> set[bool]:
        """What eight connections get, each of which may come to either process."""
        found = set()
        for _ in range(8):
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", "/sv/")
                found.add("Nytt Namn AB" in connection.getresponse().read().decode())
        return found

    with serving(replace(settings, web_processes=2), port):
        before = fronts()
        with engine.begin() as connection:
            connection.execute(
                sa.insert(Organisation).values(
                    name_sv="Nytt Namn AB",
                    name_en="New Name",
                    short_name="",
                    preflight={},
                    social=[],
                )
            )
        time.sleep(1)
        after = fronts()
    engine.dispose()

    assert before == {False}
    assert after == {True}


def test_a_part_that_keeps_dying_stops_them_all_and_the_exit_says_so(settings: Settings) -> None:
    port = free_port(0)

    with serving(settings, port) as server:
        worker = children(server.pid)["worker"]
        for _ in range(3):
            os.kill(worker, signal.SIGKILL)
            worker = another(server, "worker", than=worker)
        os.kill(worker, signal.SIGKILL)
        code = server.wait(20)

    assert code == 1
    await_free("127.0.0.1", port, seconds=0)


def test_the_threads_of_each_part_share_two_heaps(settings: Settings) -> None:
    with serving(settings, free_port(0)) as server:
        told = [Path(f"/proc/{pid}/environ").read_bytes() for pid in children(server.pid).values()]

    assert told
    assert all(b"MALLOC_ARENA_MAX=2" in one.split(b"\0") for one in told)


def test_nothing_is_left_when_the_parent_is_killed(settings: Settings) -> None:
    port = free_port(0)

    with serving(settings, port) as server:
        parts = children(server.pid)
        server.kill()
        server.wait(20)
        await_free("127.0.0.1", port, seconds=15)

    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in parts.values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_port_that_is_taken_is_refused_with_its_number(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        with pytest.raises(CannotServe, match=str(port)):
            await_free("127.0.0.1", port, seconds=0.3)
        assert free_port(port) != port


def test_a_child_gets_the_very_settings_of_its_parent(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("PRESSRUM_MAIL_USERNAME=from the file\n")
    settings = Settings(**{**vars(settings), "mail_use_tls": True, "bounce_domain": ""})

    assert load(variables(settings)) == settings
    assert all(name.startswith(PREFIX) for name in variables(settings))


def test_a_process_of_its_own_knows_every_job(settings: Settings) -> None:
    environment = {**os.environ, **variables(settings), "PYTHONPATH": str(CHECKOUT)}
    folders = [CHECKOUT / name for name in ("app", "releases", "subscribers")]
    modules = [path.read_text() for folder in folders for path in folder.rglob("*.py")]
    written = {name for text in modules for name in re.findall(r'^@jobs\.job\("(\w+)"', text, re.M)}

    command = [sys.executable, "-P", "-c", JOBS]
    known = json.loads(subprocess.check_output(command, env=environment, text=True))

    assert set(known) == written
    assert known.index("sweep") + 1 == known.index("deliver")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_worker_does_what_is_due_answers_rings_and_stops(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept, rung = threading.Event(), threading.Event()
    stopping = threading.Event()
    steps = {"sweeping": swept.set, "ringing": lambda: rung.set() if swept.is_set() else None}
    monkeypatch.setattr(jobs, "_steps", steps)
    monkeypatch.setattr(jobs, "stopping", stopping)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    jobs.bell(app)
    worker = threading.Thread(target=work, args=(app,))

    worker.start()
    assert swept.wait(10)
    rung.clear()
    jobs.ring("ringing")
    was_heard = rung.wait(10)
    stopping.set()
    worker.join(30)
    jobs.bell(app).huey.storage.close()
    gc.collect()  # huey leaves the connections of its threads to be collected: here, not later

    assert was_heard
    assert not worker.is_alive()
