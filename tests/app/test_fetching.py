"""Asking the world: only what is public is asked, at the address that was looked at."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.core.fetching import Answer, Unfetchable, fetch, is_public

PUBLIC = "93.184.216.34"
Script = Callable[[str], bytes]


@contextmanager
def world(script: Script) -> Iterator[World]:
    """A server on this machine that answers for a public address: `script` turns request lines
    into raw answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = World(listener.getsockname()[1], script)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=served.answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield served
    finally:
        listener.close()


class World:
    def __init__(self, port: int, script: Script) -> None:
        self.port = port
        self.script = script
        self.requests: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def answer(self, connection: socket.socket) -> None:
        with connection:
            request = connection.recv(65536).decode("latin-1")
            self.requests.append(request)
            connection.sendall(self.script(request))

    def resolve(self, host: str, port: int) -> list[str]:
        return [PUBLIC]

    def connect(self, address: str, port: int, timeout: float) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def fetch(self, url: str, **more: float) -> Answer:
        return fetch(url, resolver=self.resolve, connector=self.connect, **more)  # type: ignore[arg-type]


def says(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def why(url: str, **more: object) -> str:
    with pytest.raises(Unfetchable) as refused:
        fetch(url, **more)  # type: ignore[arg-type]
    return refused.value.reason


def refuse_to_connect(address: str, port: int, timeout: float) -> socket.socket:
    raise AssertionError(f"connected to {address}")


def test_a_page_that_answers_is_asked_for_its_head_alone() -> None:
    with world(lambda _: says("200 OK")) as there:
        answer = there.fetch("http://news.example/a?b=c%20d")

    assert answer.status == 200
    assert there.connected == [(PUBLIC, 80)]
    head = there.requests[0]
    assert head.startswith("HEAD /a?b=c%20d HTTP/1.1\r\n")
    assert "\r\nHost: news.example\r\n" in head
    assert "Pressrum" in head
    assert "Cookie" not in head


def test_who_refuses_a_head_is_asked_again_as_a_browser_would() -> None:
    with world(lambda r: says("405 No" if r.startswith("HEAD") else "200 OK", body="")) as there:
        assert there.fetch("http://news.example/").status == 200

    assert [request[:4] for request in there.requests] == ["HEAD", "GET "]


def test_a_missing_page_is_believed_at_once() -> None:
    with world(lambda _: says("404 Not Found")) as there:
        assert there.fetch("http://news.example/").status == 404

    assert len(there.requests) == 1


def test_an_umlaut_in_an_address_does_no_harm() -> None:
    with world(lambda _: says("200 OK")) as there:
        assert there.fetch("http://växjö.example/å ä?ö=ü#hej").status == 200

    assert "\r\nHost: xn--vxj-qla6g.example\r\n" in there.requests[0]
    assert there.requests[0].startswith("HEAD /%C3%A5%20%C3%A4?%C3%B6=%C3%BC HTTP")


def test_redirects_are_followed_three_times_and_no_further() -> None:
    def on(request: str) -> bytes:
        n = int(request.split()[1].strip("/"))
        return says("302 Found", f"Location: /{n - 1}") if n else says("200 OK")

    with world(on) as there:
        assert there.fetch("http://news.example/3").url == "http://news.example/0"
        with pytest.raises(Unfetchable) as refused:
            there.fetch("http://news.example/4")

    assert refused.value.reason == "too_many_redirects"


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/", "file:///etc/passwd"],
)
def test_a_redirect_leads_no_further_in_than_a_link(target: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return [PUBLIC] if host == "news.example" else [host.strip("[]")]

    with world(lambda _: says("302 Found", f"Location: {target}")) as there:
        reason = why("http://news.example/", resolver=resolve, connector=there.connect)

    assert reason in ("not_public", "not_web")
    assert len(there.connected) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:a9fe:a9fe",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "no address",
        "",
    ],
)
def test_what_is_not_the_open_internet_is_never_asked(address: str) -> None:
    reason = why("http://news.example/", resolver=lambda *_: [address], connector=refuse_to_connect)

    assert not is_public(address)
    assert reason == "not_public"


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]
)
def test_the_open_internet_is(address: str) -> None:
    assert is_public(address)


def test_one_inner_address_among_public_ones_is_a_trap() -> None:
    resolver = lambda *_: [PUBLIC, "10.0.0.1"]  # noqa: E731

    assert why("http://a.example/", resolver=resolver, connector=refuse_to_connect) == "not_public"


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """A name that answers otherwise a moment later (DNS rebinding) gains nothing."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    with world(lambda _: says("200 OK")) as there:
        fetch("http://news.example/", resolver=lambda *_: next(answers), connector=there.connect)

    assert there.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://news.example/",
        "javascript:alert(1)",
        "http://",
        "http://user:secret@news.example/",
        "http://news.example:notaport/",
        "//news.example/",
        "http://[::1",
        f"http://{'a' * 70}.example/",
    ],
)
def test_what_is_no_web_address_is_not_asked(url: str) -> None:
    assert why(url, resolver=lambda *_: [PUBLIC], connector=refuse_to_connect) == "not_web"


@pytest.mark.parametrize("name", ["localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_our_own_machine_is_known_by_all_its_names(name: str) -> None:
    assert why(f"http://{name}/", connector=refuse_to_connect) in ("not_public", "no_such_host")


def test_a_name_that_is_none_and_a_silent_resolver_are_two_things() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    def silent(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    assert why("http://news.example/", resolver=unknown) == "no_such_host"
    assert why("http://news.example/", resolver=silent) == "no_resolver"


def test_a_server_that_drips_is_cut_off() -> None:
    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                time.sleep(0.05)
                try:
                    connection.sendall(b"X: y\r\n")
                except OSError:
                    return

    with world(lambda _: b"") as there:
        there.answer = drip  # type: ignore[method-assign]
        began = time.monotonic()
        with pytest.raises(Unfetchable) as refused:
            there.fetch("http://news.example/", deadline=0.4)

    assert refused.value.reason == "timeout"
    assert time.monotonic() - began < 2


def test_an_endless_body_is_read_no_further_than_we_need() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000

    with world(lambda r: says("405 No") if r.startswith("HEAD") else endless) as there:
        answer = there.fetch("http://news.example/")

    assert len(answer.body) == 64 * 1024


@pytest.mark.parametrize(
    "nonsense", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000]
)
def test_an_answer_that_is_none_is_told_as_such(nonsense: bytes) -> None:
    with world(lambda _: nonsense) as there, pytest.raises(Unfetchable) as refused:
        there.fetch("http://news.example/")

    assert refused.value.reason == "no_answer"


def test_a_certificate_for_somebody_else_is_not_accepted() -> None:
    with world(lambda _: b"not tls at all") as there, pytest.raises(Unfetchable) as refused:
        there.fetch("https://news.example/")

    assert refused.value.reason in ("no_answer", "certificate")


def test_a_post_carries_its_body_and_says_what_it_is() -> None:
    with world(lambda _: says("202 Accepted", "Content-Type: text/plain", body="ok")) as there:
        answer = fetch(
            "http://hub.example/",
            method="POST",
            body=b"a=b",
            headers={"Content-Type": "text/x"},
            resolver=there.resolve,
            connector=there.connect,
        )

    assert (answer.status, answer.body, answer.content_type) == (202, b"ok", "text/plain")
    assert there.requests[0].startswith("POST / HTTP/1.1")
    assert "Content-Type: text/x\r\n" in there.requests[0]
    assert "Content-Length: 3\r\n" in there.requests[0]


def test_a_post_goes_nowhere_but_where_it_was_sent() -> None:
    with world(lambda _: says("307 Moved", "Location: http://other.example/")) as there:
        answer = fetch(
            "http://hub.example/", method="POST", resolver=there.resolve, connector=there.connect
        )

    assert answer.status == 307
    assert len(there.requests) == 1


def test_as_much_is_read_as_was_asked_for() -> None:
    with world(lambda _: says("200 OK", body="x" * 1000)) as there:
        answer = fetch(
            "http://news.example/",
            method="GET",
            most=10,
            resolver=there.resolve,
            connector=there.connect,
        )

    assert answer.body == b"x" * 10


def test_an_answer_that_breaks_off_is_none() -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"

    with world(lambda _: broken) as there, pytest.raises(Unfetchable) as refused:
        fetch("http://news.example/", method="GET", resolver=there.resolve, connector=there.connect)

    assert refused.value.reason == "no_answer"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "fe80::1"])
def test_allowing_our_own_machine_allows_no_other(address: str) -> None:
    reason = why(
        "http://news.example/",
        loopback=True,
        resolver=lambda *_: [address],
        connector=refuse_to_connect,
    )

    assert reason == "not_public"


def test_our_own_machine_is_asked_where_that_is_allowed() -> None:
    with world(lambda _: says("200 OK")) as there:
        answer = fetch(f"http://127.0.0.1:{there.port}/", loopback=True)

    assert answer.status == 200
