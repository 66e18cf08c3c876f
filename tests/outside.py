"""A web server in this process that stands for the world: hubs, followers, other newsrooms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What somebody asked of us. `query` holds the last value of each name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[Request], Answer]


def echo(request: Request) -> Answer:
    """A follower that means it: repeats the challenge, and takes what is brought."""
    return Answer(200, request.query.get("hub.challenge", "").encode())


class Outside:
    """`script` answers each request; `requests` are those that came, in their order."""

    def __init__(self, script: Script = echo) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def came(self, method: str) -> list[Request]:
        return [one for one in self.requests if one.method == method]


@contextmanager
def outside(script: Script = echo) -> Iterator[Outside]:
    world = Outside(script)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def _reply(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            headers = dict(self.headers.items())
            request = Request(
                self.command, parts.path, query, headers, self.rfile.read(size) if size else b""
            )
            world.requests.append(request)
            answer = world.script(request)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    world.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.server.daemon_threads = True
    thread = threading.Thread(target=world.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield world
    finally:
        world.server.shutdown()
        world.server.server_close()
        thread.join()
