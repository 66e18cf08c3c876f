"""Asking an address of the world how it answers, without being led into our own network.

An address comes from a text that somebody wrote. It may name our own machine, the cloud's metadata
or a neighbour behind the firewall, directly, by a name that leads there, or by a redirect. So the
name is resolved here, every address it has must be public, and the connection goes to the very
address that was looked at: a name that answers otherwise a moment later gains nothing.

Only `loopback`, which the setting PRESSRUM_ALLOW_LOOPBACK is for, lets an address of this very
machine pass: to try out a hub or an import without a second one.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, quote, urljoin, urlsplit

TIMEOUT = 5.0  # seconds for each step
DEADLINE = 15.0  # seconds for all of it, however slowly somebody drips
MOST = 64 * 1024  # bytes that are read of an answer
REDIRECTS = 3
PORTS = {"http": 80, "https": 443}
AGENT = "Pressrum-link-check/1.0"
REDIRECTING = (301, 302, 303, 307, 308)

Resolve = Callable[[str, int], list[str]]
Connect = Callable[[str, int, float], socket.socket]


class Unfetchable(Exception):
    """It was not asked, or did not answer. `reason` is one of the words in `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# not_web, not_public and too_many_redirects are refusals of ours, no_resolver is our own trouble;
# the others are the world's.
REASONS = (
    "not_web",
    "not_public",
    "no_such_host",
    "no_resolver",
    "too_many_redirects",
    "timeout",
    "certificate",
    "no_answer",
)


@dataclass(frozen=True)
class Answer:
    """What came: the status, the beginning of the body, and from where in the end."""

    status: int
    url: str
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True)
class _Asked:
    """What is asked of each address on the way, and under which conditions."""

    method: str
    until: float
    resolver: Resolve
    connector: Connect
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    most: int = MOST
    loopback: bool = False


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the system's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def connect(address: str, port: int, timeout: float) -> socket.socket:
    """An open connection to an address, not a name. Raises OSError."""
    return socket.create_connection((address, port), timeout=timeout)


def fetch(
    url: str,
    *,
    method: str = "HEAD",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    most: int = MOST,
    redirects: int = REDIRECTS,
    loopback: bool = False,
    resolver: Resolve = resolve,
    connector: Connect = connect,
    deadline: float = DEADLINE,
) -> Answer:
    """Ask an address, follow a few redirects, and say what came.

    Reads at most `most` bytes. A HEAD that is refused is asked again as GET. A POST follows no
    redirect, nor does anything with `redirects` of 0: the redirect itself is then the answer.
    Sends no cookie and keeps none. Raises Unfetchable.
    """
    until = time.monotonic() + deadline
    asked = _Asked(method, until, resolver, connector, body, headers or {}, most, loopback)
    follow = 0 if method == "POST" else redirects
    for _ in range(follow + 1):
        answer, location = _once(url, asked)
        if method == "HEAD" and answer.status >= 400 and answer.status not in (404, 410):
            answer, location = _once(url, replace(asked, method="GET"))
        if answer.status not in REDIRECTING or not location or not follow:
            return answer
        try:
            url = urljoin(url, location)
        except ValueError:
            raise Unfetchable("not_web") from None
    raise Unfetchable("too_many_redirects")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet's.

    Addresses that carry another inside (IPv4-mapped, 6to4, Teredo, NAT64) are as public as that.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (inner := _inside(ip)) is not None:
        return is_public(str(inner))
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine talking to itself."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


NAT64 = ipaddress.ip_network("64:ff9b::/96")
COMPATIBLE = ipaddress.ip_network("::/96")


def _inside(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if ip in NAT64 or ip in COMPATIBLE:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def _once(url: str, asked: _Asked) -> tuple[Answer, str]:
    """One request, not following where it leads: what came, and where it would lead."""
    parts, host, port = _read(url)
    address = _public_address(host, port, asked.resolver, loopback=asked.loopback)
    connected = _connection(parts.scheme, host, port, address, asked.connector, asked.until)
    with connected as connection:
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
        named = f"[{host}]" if ":" in host else host
        named += "" if port == PORTS[parts.scheme] else f":{port}"
        headers = {"Host": named, "User-Agent": AGENT, "Accept": "*/*", "Connection": "close"}
        headers |= asked.headers
        connection.request(asked.method, path + query, body=asked.body or None, headers=headers)
        with closing(connection.getresponse()) as answer:
            body = b"" if asked.method == "HEAD" else answer.read(asked.most)
            promised = answer.headers.get("Content-Length", "")
            if body and promised.isdecimal() and len(body) < min(int(promised[:18]), asked.most):
                raise Unfetchable("no_answer")  # it broke off in the middle
            said = str(answer.headers.get("Content-Type", ""))
            location = str(answer.headers.get("Location", ""))
            return Answer(answer.status, url, body, said), location


def _read(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError):
        raise Unfetchable("not_web") from None
    if parts.scheme not in PORTS or not host or parts.username is not None:
        raise Unfetchable("not_web")
    return parts, host, port or PORTS[parts.scheme]


def _public_address(host: str, port: int, resolver: Resolve, *, loopback: bool) -> str:
    """The address to connect to. One that is not public among them is a trap, not a choice."""
    try:
        addresses = resolver(host, port)
    except socket.gaierror as error:
        # A resolver that is silent says nothing about the name.
        is_known = error.errno != socket.EAI_AGAIN
        raise Unfetchable("no_such_host" if is_known else "no_resolver") from None
    except (OSError, UnicodeError):
        raise Unfetchable("no_such_host") from None
    if not addresses:
        raise Unfetchable("no_such_host")
    if not all(is_public(one) or (loopback and is_loopback(one)) for one in addresses):
        raise Unfetchable("not_public")
    return addresses[0]


@contextmanager
def _connection(
    scheme: str, host: str, port: int, address: str, connector: Connect, until: float
) -> Iterator[http.client.HTTPConnection]:
    """A connection to `address` that speaks to `host`; cut at the deadline, come what may."""
    left = until - time.monotonic()
    if left <= 0:
        raise Unfetchable("timeout")
    cut = threading.Event()
    try:
        plain = connector(address, port, min(TIMEOUT, left))
    except TimeoutError:
        raise Unfetchable("timeout") from None
    except OSError:
        raise Unfetchable("no_answer") from None
    plain.settimeout(TIMEOUT)
    held = [plain]

    def end() -> None:
        cut.set()
        with suppress(OSError):
            socket.socket.shutdown(held[0], socket.SHUT_RDWR)

    watch = threading.Timer(max(until - time.monotonic(), 0), end)
    watch.daemon = True
    watch.start()
    try:
        if scheme == "https":
            held[0] = ssl.create_default_context().wrap_socket(
                plain, server_hostname=host, do_handshake_on_connect=False
            )
            held[0].do_handshake()  # type: ignore[attr-defined]
        with closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT)) as connection:
            connection.sock = held[0]
            yield connection
        if cut.is_set():  # an answer that was cut short looks whole to who reads it
            raise Unfetchable("timeout")
    except ssl.SSLCertVerificationError:
        raise Unfetchable("certificate") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = cut.is_set() or isinstance(error, TimeoutError)
        raise Unfetchable("timeout" if late else "no_answer") from None
    finally:
        watch.cancel()
        held[0].close()
