"""Serving an installation from one command: web server, worker and mail catcher, watched together.

The parent starts each part as a child process in a session of its own, so that Ctrl-C in a terminal
reaches the parent alone. A part that ends by itself is started again; one that keeps ending stops
them all, so that whoever watches over us may hear of it.
A child ends when its parent is gone, however that came about: it holds the reading end of a pipe
that only the parent can close.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.core import jobs
from app.core.db import db
from app.settings import CHECKOUT, PREFIX, Settings
from subscribers.mailings.returns import lmtp

THREADS = 8  # in each web process
MOST_PROCESSES = 4  # by ourselves; a setting may ask for more
JOB_THREADS = 4
READY_SECONDS = 60
STOP_SECONDS = 10
WORK_STOP_SECONDS = 30
A_MINUTE = 60.0
ENDINGS_A_MINUTE = 3

# Else each thread has a heap of its own, and what one has used is of no use to the others.
SPARING = {"MALLOC_ARENA_MAX": "2"}

Child = subprocess.Popen[bytes]


class CannotServe(Exception):
    """The parts could not be started; the text says why."""


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    worker: bool = True,
    catcher: bool = False,
    threads: int = THREADS,
    ready: Callable[[], object] | None = None,
) -> int:
    """Run until told to stop; the exit code: 0 when told to, 1 when a part kept ending by itself.

    `ready` is called once when the pages answer; by default one line says so. `catcher` runs the
    demo's mail catcher on settings.mail_port, keeping mail in the folder settings.outbox.
    Raises CannotServe when the port is taken or the pages do not answer. To be called in the main
    thread: it answers SIGTERM and SIGINT.
    """
    await_free(host, port)
    stop = threading.Event()
    before = {sign: signal.signal(sign, lambda *_: stop.set()) for sign in _STOP_SIGNALS}
    children: dict[str, Child] = {}
    environment = {**SPARING, **os.environ, **variables(settings), "PYTHONPATH": str(CHECKOUT)}
    web = [host, str(port), str(threads), str(settings.web_processes or processors())]
    parts = {"web server": ["web", *web]}
    if catcher:
        parts = {"mail catcher": ["catcher"], **parts}
    if worker:
        parts["worker"] = ["worker"]
    try:
        for name, part in parts.items():
            children[name] = start(part, environment)
        ended = _await_pages(host, port, children=children, stop=stop)
        if ended is None and not stop.is_set():
            (ready or _say_ready(settings, host=host, port=port))()
            ended = _watch(children, lambda name: start(parts[name], environment), stop=stop)
    finally:
        stop_all(children)
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if ended:
        print(f"Stopped, because the {ended} kept ending by itself", file=sys.stderr, flush=True)
    return 1 if ended else 0


def work(app: Flask, *, threads: int = JOB_THREADS) -> None:
    """Answer rings and go round until SIGTERM or SIGINT; what is begun is finished.

    Long jobs look at `jobs.stopping` and end early. Leaves within 30 seconds in any case, which is
    harmless: the leases of what was under way run out and another worker takes it up.
    """
    for sign in _STOP_SIGNALS:
        signal.signal(sign, lambda *_: jobs.stopping.set())
    done = threading.Event()
    threading.Thread(target=_leave_in_time, args=(done,), daemon=True).start()
    rounds = jobs.Rounds(app)
    listener = _bell(app).listener(threads=threads)
    listener.start()
    letterbox = lmtp.listening(app)
    rounds.keep(also=listener.check_worker_health)
    if letterbox is not None:
        letterbox.stop()
    listener.stop(graceful=True)
    done.set()


def variables(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a child process, each one spoken out."""
    texts: dict[str, str] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, sa.URL):
            value = value.render_as_string(hide_password=False)
        texts[PREFIX + field.name.upper()] = str(value)
    return texts


def processors() -> int:
    """How many web processes this machine is good for: one for each processor we may use."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        usable = os.cpu_count() or 1
    return min(usable, MOST_PROCESSES)


def free_port(wanted: int, *, host: str = "127.0.0.1") -> int:
    """`wanted` when nobody listens there, else one that the system picks."""
    with suppress(OSError):
        return _bind(host, wanted)
    return _bind(host, 0)


def await_free(host: str, port: int, *, seconds: float = 5) -> None:
    """Wait for a server of before to leave the port. Raises CannotServe."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            _bind(host, port)
        except OSError as error:
            if time.monotonic() > deadline:
                raise CannotServe(
                    f"Port {port} on {host} cannot be used: {error.strerror}"
                ) from error
            time.sleep(0.2)
        else:
            return


def start(part: Sequence[str], environment: dict[str, str]) -> Child:
    """A child process that runs one part and lives no longer than this process."""
    command = [sys.executable, "-P", "-m", "app.serving", *part]
    return subprocess.Popen(  # noqa: S603 - ourselves
        command, env=environment, stdin=subprocess.PIPE, start_new_session=True
    )


def stop_all(children: dict[str, Child], *, seconds: float = WORK_STOP_SECONDS + 2) -> None:
    """Ask every part to stop; end the whole session of one that does not in time."""
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + seconds
    for name, child in children.items():
        try:
            child.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            print(f"The {name} did not stop in time", file=sys.stderr, flush=True)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdin:
            child.stdin.close()


def main(arguments: Sequence[str]) -> None:
    """One part, as a child of `serve`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    part, *rest = arguments
    if part == "web":
        host, port, threads, processes = rest
        _web(host, int(port), threads=int(threads), processes=int(processes))
    elif part == "worker":
        work(create_app())
    elif part == "catcher":
        from app.catcher import run
        from app.settings import load

        settings = load()
        run(Path(settings.outbox), port=settings.mail_port)


_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _bell(app: Flask) -> jobs.Bell:
    """The bell; PostgreSQL refuses one of two processes that make its tables at the same moment."""
    with app.app_context():
        refusal = db.engine.dialect.loaded_dbapi.Error
    try:
        return jobs.bell(app)
    except refusal:
        time.sleep(1)
        return jobs.bell(app)


def _web(host: str, port: int, *, threads: int, processes: int) -> None:
    """Processes that answer side by side; the system deals connections out to them.

    One that dies is replaced by granian while the others go on; one that dies again within seconds
    ends them all, and `serve` hears of it.
    """
    from granian.constants import HTTPModes, Interfaces  # no worker needs it
    from granian.log import LogLevels
    from granian.server import Server

    import app.factory  # noqa: F401 - loaded once, before the processes part

    server = Server(
        "app.wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        respawn_failed_workers=True,
        blocking_threads=threads,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=STOP_SECONDS // 2,
    )
    server.serve(target_loader=_load, wrap_loader=False)


def _load() -> Any:
    """The application inside each web process, which may lose its parent, too."""
    threading.Thread(target=_leave_after, args=(os.getppid(),), daemon=True).start()
    return create_app()


def _leave_with_parent() -> None:
    """Wait for the end of the pipe that the parent holds, then ask ourselves to stop."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _leave_in_time(done: threading.Event) -> None:
    """A mail server may think for ten minutes about one mail; a stopping worker does not wait."""
    jobs.stopping.wait()
    if not done.wait(WORK_STOP_SECONDS):
        os._exit(0)


def _leave_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _await_pages(
    host: str, port: int, *, children: dict[str, Child], stop: threading.Event
) -> str | None:
    """Wait until the pages answer; the name of a part that ended meanwhile. Raises CannotServe."""
    deadline = time.monotonic() + READY_SECONDS
    while not stop.wait(0.1):
        if ended := _ended(children):
            return ended
        if _answers(host, port):
            return None
        if time.monotonic() > deadline:
            raise CannotServe(f"The pages did not answer within {READY_SECONDS} seconds")
    return None


def _answers(host: str, port: int) -> bool:
    with closing(http.client.HTTPConnection(_reachable(host), port, timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False


def _watch(
    children: dict[str, Child], start_again: Callable[[str], Child], *, stop: threading.Event
) -> str | None:
    """Wait until told to stop, starting again what ends; the name of a part that keeps ending."""
    endings: list[float] = []
    while not stop.wait(0.2):
        if (ended := _ended(children)) is None:
            continue
        endings = [at for at in endings if at > time.monotonic() - A_MINUTE] + [time.monotonic()]
        if len(endings) > ENDINGS_A_MINUTE:
            return ended
        print(f"The {ended} ended by itself and is started again", file=sys.stderr, flush=True)
        stop_all({ended: children[ended]})
        children[ended] = start_again(ended)
    return None


def _ended(children: dict[str, Child]) -> str | None:
    return next((name for name, child in children.items() if child.poll() is not None), None)


def _say_ready(settings: Settings, *, host: str, port: int) -> Callable[[], object]:
    here = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    text = f"Pressrum answers at {here}/"
    if settings.base_url != here:
        text += f" and calls itself {settings.base_url}/"
    return lambda: print(text, flush=True)


def _bind(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def _reachable(host: str) -> str:
    """Where to ask ourselves: an address that means every interface is none to connect to."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


if __name__ == "__main__":
    main(sys.argv[1:])
