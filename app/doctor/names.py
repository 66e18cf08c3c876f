"""Asking DNS, each question once, and never for longer than a few seconds."""

from __future__ import annotations

import ipaddress
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.resolver

SECONDS = 3.0  # for one question, all tries together


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Silent(Exception):
    """No resolver answered, so nothing can be said about the name."""


class Names:
    """What DNS says, remembered for as long as one look lasts. Safe to ask from many threads.

    `server` is a resolver to ask instead of the machine's own: an IP address, with or without a
    port.
    """

    def __init__(self, server: str = "", *, seconds: float = SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._known: dict[tuple[str, str], list[str] | None] = {}
        self._lock = threading.Lock()

    def texts(self, name: str) -> list[str]:
        """The TXT records, each with its strings joined; none when the name has none."""
        return self._ask(name, "TXT")

    def addresses(self, name: str) -> list[str]:
        """The IP addresses of a host; of one that is named by its address, that one."""
        if is_address(name):
            return [name]
        return [*self._ask(name, "A"), *self._ask(name, "AAAA")]

    def ipv4(self, name: str) -> list[str]:
        return self._ask(name, "A")

    def mail_hosts(self, name: str) -> list[str]:
        """The hosts that take a domain's mail, the first choice first. `.` is "none at all"."""
        found = (line.split(" ", 1) for line in self._ask(name, "MX"))
        ranked = sorted((int(rank), host) for rank, host in found)
        return [host if host == "." else host.rstrip(".") for _, host in ranked]

    def pointers(self, address: str) -> list[str]:
        """What an IP address is called."""
        import dns.reversename  # here and below: each worker loads this module, few ask DNS

        name = dns.reversename.from_address(address).to_text()
        return [host.rstrip(".").lower() for host in self._ask(name, "PTR")]

    def _ask(self, name: str, kind: str) -> list[str]:
        """Raises Silent. A name that is none has no records."""
        key = (name.lower().rstrip("."), kind)
        with self._lock:
            known = self._known.get(key, [])
            is_known = key in self._known
        if not is_known:
            known = self._look_up(*key)
            with self._lock:
                self._known[key] = known
        if known is None:
            raise Silent(name)
        return known

    def _look_up(self, name: str, kind: str) -> list[str] | None:
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            answer = self._resolver().resolve(
                dns.name.from_text(name),
                kind,
                lifetime=self._seconds,
                search=False,
                raise_on_no_answer=False,
            )
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.NameTooLong):
            return []
        except (dns.name.EmptyLabel, dns.name.BadEscape, UnicodeError):
            return []
        except (dns.exception.DNSException, OSError):
            return None
        if answer.rrset is None:
            return []
        if kind == "TXT":
            return [b"".join(one.strings).decode("utf-8", "replace") for one in answer]
        return [one.to_text() for one in answer]

    def _resolver(self) -> dns.resolver.Resolver:
        import dns.resolver

        if not self._server:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        host, _, port = (
            self._server.rpartition(":")
            if self._server.count(":") == 1
            else (self._server, "", "53")
        )
        resolver.nameservers = [host]
        resolver.port = int(port)
        return resolver
