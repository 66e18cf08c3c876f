"""Why a mail did not get through, by what the server answered: a word for each kind of trouble.

Pure. What a kind means and what a person can do about it stands in the catalogue `watching`, as
`watching.reason.<reason>.…`. Status codes are those of RFC 3463 and the registry it began
(RFC 5248); where servers use a general code, their words decide, as far as they agree.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Reason(StrEnum):
    """Kinds of trouble. The first ones are ours, the last ones the recipient's."""

    UNREACHABLE = "unreachable"  # our own mail server did not answer
    LOGIN = "login"  # it wants us to sign in, or did not like how
    RELAY = "relay"  # it does not pass on mail from us
    AUTHENTICATION = "authentication"  # SPF, DKIM or DMARC
    BLOCKLIST = "blocklist"
    POLICY = "policy"
    SLOW_DOWN = "slow_down"
    GREYLIST = "greylist"
    CONTENT = "content"
    TOO_LARGE = "too_large"
    LETTERS = "letters"  # an address outside ASCII that the server cannot take
    THEIR_SERVER = "their_server"
    ROUTE = "route"  # their server is not found or not reached
    FULL = "full"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    LATER = "later"  # anything else that may pass
    REFUSED = "refused"  # anything else for good


# By the status, `x` for its first figure where the others decide; the longer one counts first.
BY_STATUS = {
    "x.1.0": Reason.UNKNOWN,
    "x.1.1": Reason.UNKNOWN,
    "x.1.2": Reason.ROUTE,
    "x.1.3": Reason.UNKNOWN,
    "x.1.6": Reason.CLOSED,
    "x.1.7": Reason.POLICY,
    "x.1.8": Reason.AUTHENTICATION,
    "x.1.10": Reason.UNKNOWN,
    "x.2.1": Reason.CLOSED,
    "x.2.2": Reason.FULL,
    "x.2.3": Reason.TOO_LARGE,
    "x.3": Reason.THEIR_SERVER,
    "x.3.2": Reason.SLOW_DOWN,
    "x.3.4": Reason.TOO_LARGE,
    "x.4": Reason.ROUTE,
    "x.4.5": Reason.SLOW_DOWN,
    "x.6": Reason.CONTENT,
    "x.6.7": Reason.LETTERS,
    "4.7": Reason.SLOW_DOWN,
    "5.7": Reason.POLICY,
    "x.7.8": Reason.LOGIN,
    "x.7.9": Reason.LOGIN,
    "x.7.11": Reason.LOGIN,
    "x.7.20": Reason.AUTHENTICATION,
    "x.7.21": Reason.AUTHENTICATION,
    "x.7.22": Reason.AUTHENTICATION,
    "x.7.23": Reason.AUTHENTICATION,
    "x.7.24": Reason.AUTHENTICATION,
    "x.7.25": Reason.AUTHENTICATION,
    "x.7.26": Reason.AUTHENTICATION,
    "x.7.27": Reason.AUTHENTICATION,
    "x.7.28": Reason.SLOW_DOWN,
    "x.7.29": Reason.AUTHENTICATION,
    "x.7.30": Reason.AUTHENTICATION,
    "x.7.515": Reason.AUTHENTICATION,
}
ABOUT_SIGNING_IN = (530, 534, 535, 538)  # whatever status comes with them
BY_CODE = {
    421: Reason.SLOW_DOWN,
    452: Reason.LATER,
    552: Reason.FULL,
    553: Reason.UNKNOWN,
}
# Servers' own words, looked at in this order. The first ones also go before a status.
SURE_WORDS = (
    (Reason.GREYLIST, r"gr[ea]y.?list"),
    (Reason.RELAY, r"relay(ing)? (access )?(is )?(denied|not (permitted|allowed))|unable to relay"),
    (
        Reason.BLOCKLIST,
        r"spamhaus|spamcop|barracuda|black.?list|block.?list|\b(dns|r)bl\b|listed (at|by|in|on)",
    ),
    (Reason.AUTHENTICATION, r"\bdmarc\b|\bdkim\b|\bspf\b|reverse dns|\bptr\b|unauthenticated"),
    (Reason.LETTERS, r"smtputf8|internationali[sz]ed"),
)
WORDS = (
    (Reason.TOO_LARGE, r"message (size|is too|too) |size limit|too large"),
    (
        Reason.FULL,
        r"(mailbox|inbox|user|recipient).{0,25}(full|over ?quota)|over ?quota|quota exceeded",
    ),
    (Reason.CLOSED, r"(disabled|inactive|suspended|deactivated|closed)"),
    (
        Reason.UNKNOWN,
        r"(no such|unknown|invalid|non.?existent) (user|mailbox|recipient|address|account)"
        r"|(user|mailbox|recipient|address|account)( \S+)? (is )?(unknown|not found|rejected"
        r"|does(n.t| not) exist|unavailable)|does not exist",
    ),
    (Reason.SLOW_DOWN, r"too many|too fast|rate.?limit|throttl|slow down|try again later.*volume"),
    (Reason.LOGIN, r"authentication (is )?required|must (issue|authenticate)"),
    (Reason.CONTENT, r"spam|content|virus"),
    (Reason.POLICY, r"policy|blocked|reputation|denied|refused|not (allowed|permitted)"),
)


def reason_of(code: int | None, enhanced: str | None, reply: str | None) -> Reason:
    """The kind of trouble. Neither code nor status: our own server, or the way to it, failed."""
    words = reply or ""
    if not code:
        if not enhanced:
            return Reason.UNREACHABLE
        code = 550 if enhanced.startswith("5") else 450  # a report that came back by mail
    if code in ABOUT_SIGNING_IN:
        return Reason.LOGIN
    if sure := _by_words(SURE_WORDS, words):
        return sure
    if enhanced and (known := _by_status(enhanced)):
        return known
    if said := _by_words(WORDS, words):
        return said
    return BY_CODE.get(code, Reason.REFUSED if code >= 500 else Reason.LATER)


def _by_status(enhanced: str) -> Reason | None:
    kind, _, detail = enhanced.partition(".")
    for tail in (detail, detail.partition(".")[0]):
        for first in (kind, "x"):
            if found := BY_STATUS.get(f"{first}.{tail}"):
                return found
    return None


def _by_words(known: tuple[tuple[Reason, str], ...], words: str) -> Reason | None:
    return next((r for r, pattern in known if re.search(pattern, words, re.IGNORECASE)), None)
