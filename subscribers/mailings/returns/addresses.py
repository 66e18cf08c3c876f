"""Whose mail is this about: the marks that we put into each mail, found again and checked.

Three marks name a delivery under a keyed MAC: the envelope sender, the address that ends a
subscription, and the Message-ID. A fourth is the sealed link to leave. Whoever holds one has held
that mail or carried it; what a From line says proves nothing.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.errors import NotFound
from subscribers.audience import links
from subscribers.mailings.sending import envelopes

LARGEST_ID: Final = 2**63 - 1
# Some servers write local parts in capitals, quote the plus, or leave the domain away.
BOUNCED: Final = re.compile(r"(?<![\w.+-])b\+(\d{1,19})\.([0-9a-z]{1,64})(?![\w.+-])", re.I)
LEAVING: Final = re.compile(r"(?<![\w.+-])u\+(\d{1,19})\.([0-9a-z]{1,64})(?![\w.+-])", re.I)
MESSAGE_ID: Final = re.compile(r"(?<![\w.+-])(\d{1,19})\.([0-9a-f]{32})@", re.I)
LEAVING_LINK: Final = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{40,200})")
MOST_MARKS: Final = 50  # of a kind that are checked in one mail


@dataclass(frozen=True)
class Marks:
    """What the marks of one mail say. `forged` is True when one was there that is none of ours."""

    delivery_id: int | None = None
    forged: bool = False


def bounced(addresses: Iterable[str], *, secrets: Sequence[str]) -> Marks:
    """The delivery whose envelope sender stands among the addresses a mail was sent to."""
    return _first(BOUNCED, "bounce", 16, addresses, secrets)


def leaving(addresses: Iterable[str], *, secrets: Sequence[str]) -> Marks:
    """The delivery whose address to leave stands among the addresses a mail was sent to."""
    return _first(LEAVING, "leave", 16, addresses, secrets)


def quoted(text: str, *, secrets: Sequence[str]) -> int | None:
    """The delivery that a returned mail's own marks name, wherever in `text` they stand."""
    for pattern, purpose, length in ((BOUNCED, "bounce", 16), (MESSAGE_ID, "message-id", 32)):
        found = _first(pattern, purpose, length, (text,), secrets)
        if found.delivery_id is not None:
            return found.delivery_id
    for match in list(LEAVING_LINK.finditer(text))[:MOST_MARKS]:
        try:
            held = links.read_unsubscribe(match[1], secrets=secrets)
        except NotFound:
            continue
        if held.delivery_id:
            return held.delivery_id
    return None


def is_one_of_ours(address: str) -> bool:
    """Whether an address has the shape of one that we make, whoever made this one."""
    return bool(BOUNCED.search(address) or LEAVING.search(address))


def _first(
    pattern: re.Pattern[str],
    purpose: str,
    length: int,
    texts: Iterable[str],
    secrets: Sequence[str],
) -> Marks:
    seen = 0
    for text in texts:
        for match in pattern.finditer(text):
            seen += 1
            delivery_id, tag = int(match[1]), match[2].lower()
            if _is_ours(purpose, delivery_id, tag, length=length, secrets=secrets):
                return Marks(delivery_id)
            if seen >= MOST_MARKS:
                return Marks(forged=True)
    return Marks(forged=seen > 0)


def _is_ours(
    purpose: str, delivery_id: int, tag: str, *, length: int, secrets: Sequence[str]
) -> bool:
    if not 0 < delivery_id <= LARGEST_ID:
        return False
    expected = (
        envelopes.mac(purpose, delivery_id, length=length, secret=secret) for secret in secrets
    )
    return any(hmac.compare_digest(one, tag) for one in expected)
