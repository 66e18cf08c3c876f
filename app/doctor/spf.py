"""SPF (RFC 7208): which servers a domain lets send, read as a receiver reads it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from app.doctor.names import Names

MOST_LOOKUPS = 10  # 4.6.4
MOST_VOIDS = 2
MOST_HOSTS = 10  # of one `mx`

TERM = re.compile(
    r"(?i)([+\-~?]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:[:]([^\s]*?))?((?:/\d{1,3})?(?://\d{1,3})?)"
)
MODIFIER = re.compile(r"(?i)([a-z][a-z0-9_.-]*)=(.*)")


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - the RFC's word
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"


BY_SIGN = {
    "": Verdict.PASS,
    "+": Verdict.PASS,
    "-": Verdict.FAIL,
    "~": Verdict.SOFTFAIL,
    "?": Verdict.NEUTRAL,
}


class Broken(Exception):
    """A record that receivers count as none. `problem` says how: several, term, lookups, voids,
    nothing (an include or redirect that leads to no record)."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where


@dataclass
class _Count:
    lookups: int = 0
    voids: int = 0
    unsure: bool = False  # a term depends on the mail itself (macros)
    seen: list[str] = field(default_factory=list)

    def look_up(self, where: str) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise Broken("lookups", where)

    def void(self, where: str) -> None:
        self.voids += 1
        if self.voids > MOST_VOIDS:
            raise Broken("voids", where)


@dataclass(frozen=True)
class Term:
    sign: str
    kind: str
    value: str
    four: int
    six: int


def record_of(domain: str, names: Names) -> str | None:
    """The domain's record; None when there is none. Raises Broken for several, and Silent."""
    found = [text for text in names.texts(domain) if re.match(r"(?i)v=spf1(\s|$)", text)]
    if len(found) > 1:
        raise Broken("several", domain)
    return found[0] if found else None


def count_lookups(domain: str, names: Names) -> int:
    """How many look-ups a receiver may need for the whole record. Raises Broken and Silent."""
    count = _Count()
    _walk(domain, names, count)
    return count.lookups


def check(domain: str, address: str, names: Names) -> tuple[Verdict, bool]:
    """What a receiver makes of a mail of that domain from that address, and whether that is sure:
    a term that depends on the mail itself is taken as one that does not match. Raises Silent."""
    count = _Count()
    try:
        return _check(domain, ipaddress.ip_address(address), names, count), not count.unsure
    except Broken:
        return Verdict.PERMERROR, not count.unsure


def ends_in(record: str) -> str:
    """The sign of `all`, or '' when the record has none."""
    signs = [term.sign or "+" for term in terms(record)[0] if term.kind == "all"]
    return signs[0] if signs else ""


def terms(record: str) -> tuple[list[Term], str]:
    """The mechanisms in order, and where it redirects to. Raises Broken for one nobody knows."""
    found: list[Term] = []
    redirect = ""
    for text in record.split()[1:]:
        if match := TERM.fullmatch(text):
            found.append(_term(match, text))
        elif modifier := MODIFIER.fullmatch(text):
            if modifier[1].lower() == "redirect":
                redirect = modifier[2]
        else:
            raise Broken("term", text)
    return found, redirect


def _term(match: re.Match[str], text: str) -> Term:
    sign, kind, value, prefix = match[1], match[2].lower(), match[3] or "", match[4]
    four, six = 32, 128
    sizes = re.fullmatch(r"(?:/(\d+))?(?://(\d+))?", prefix)
    if sizes and sizes[1]:
        four = int(sizes[1])
    if sizes and sizes[2]:
        six = int(sizes[2])
    if kind in ("ip4", "ip6"):
        try:
            ipaddress.ip_network(value + prefix, strict=False)
        except ValueError:
            raise Broken("term", text) from None
        return Term(sign, kind, value + prefix, four, six)
    if (kind in ("include", "exists") and not value) or four > 32 or six > 128:
        raise Broken("term", text)
    if prefix and kind not in ("a", "mx"):
        raise Broken("term", text)
    return Term(sign, kind, value, four, six)


def _walk(domain: str, names: Names, count: _Count) -> None:
    """Every look-up there is, whether a receiver would come to it or not."""
    record = record_of(domain, names)
    if record is None:
        raise Broken("nothing", domain)
    found, redirect = terms(record)
    for term in found:
        if term.kind in ("include", "a", "mx", "ptr", "exists"):
            count.look_up(domain)
        if term.kind == "include" and "%" not in term.value:
            _walk(term.value, names, count)
    if redirect and not any(term.kind == "all" for term in found):
        count.look_up(domain)
        if "%" not in redirect:
            _walk(redirect, names, count)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _check(domain: str, address: Address, names: Names, count: _Count) -> Verdict:
    record = record_of(domain, names)
    if record is None:
        return Verdict.NONE
    found, redirect = terms(record)
    for term in found:
        if _matches(term, domain, address, names, count):
            return BY_SIGN[term.sign]
    if not redirect:
        return Verdict.NEUTRAL
    count.look_up(domain)
    if "%" in redirect:
        count.unsure = True
        return Verdict.NEUTRAL
    verdict = _check(redirect, address, names, count)
    if verdict is Verdict.NONE:
        raise Broken("nothing", redirect)
    return verdict


def _matches(term: Term, domain: str, address: Address, names: Names, count: _Count) -> bool:
    if term.kind == "all":
        return True
    if term.kind in ("ip4", "ip6"):
        network = ipaddress.ip_network(term.value, strict=False)
        return address.version == network.version and address in network
    count.look_up(domain)
    if "%" in term.value:
        count.unsure = True
        return False
    where = term.value or domain
    if term.kind == "include":
        verdict = _check(where, address, names, count)
        if verdict is Verdict.NONE:
            raise Broken("nothing", where)
        return verdict is Verdict.PASS
    if term.kind == "exists":
        found = names.ipv4(where)
        if not found:
            count.void(where)
        return bool(found)
    if term.kind == "ptr":
        return any(
            _is_below(host, where) and str(address) in names.addresses(host)
            for host in names.pointers(str(address))[:MOST_HOSTS]
        )
    return any(
        address in ipaddress.ip_network(f"{one}/{term.four if '.' in one else term.six}", False)
        for one in _hosts(term, where, names, count)
        if ipaddress.ip_address(one).version == address.version
    )


def _hosts(term: Term, where: str, names: Names, count: _Count) -> Iterator[str]:
    if term.kind == "a":
        found = names.addresses(where)
        if not found:
            count.void(where)
        yield from found
        return
    hosts = [host for host in names.mail_hosts(where) if host != "."]
    if not hosts:
        count.void(where)
    for host in hosts[:MOST_HOSTS]:
        yield from names.addresses(host)


def _is_below(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
