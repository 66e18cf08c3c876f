"""What a refusal says about a mailbox, and when enough has been said.

The status code of RFC 3463 goes first, the remote server's own before the reporting one's; then the
SMTP code and the words. A wrong *hard* silences a reader, so whatever sounds like a refusal of
ourselves is never one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from subscribers.mailings.models import InboundKind
from subscribers.mailings.returns.phrases import (
    CERTAIN_OF_US,
    CLOSED,
    DECLINED,
    DISABLED_RECIPIENT,
    FULL,
    NEVER_MAIL,
    NO_MAILBOX_AT_MICROSOFT,
    NO_SUCH_DOMAIN,
    NO_SUCH_MAILBOX,
    NOT_FINAL,
    OF_SENDER,
    PERHAPS_NO_MAILBOX,
    REFUSED_US,
    SURELY_NO_MAILBOX,
)

POINTS: Final = 5
MAILINGS: Final = 3
SPAN: Final = timedelta(days=7)
CLEAN_AFTER: Final = timedelta(days=7)  # a mail of which nothing came back that long arrived
AT_ONCE: Final = {"5.1.1", "5.1.10"}  # no such mailbox; no mail for that domain at all
TWICE: Final = {"5.1.2", "5.2.1"}  # no such domain; mailbox closed: on two different days

# An outage or a block looks as if everybody had left at once.
OUTAGE_AT_LEAST: Final = 10
OUTAGE_SHARE: Final = 0.2
OUTAGE_WITHIN: Final = timedelta(hours=1)

STATUS: Final = re.compile(
    r"(?:(?<![\w.:/-])|(?<=[245]\d\d-))([245])\.(\d{1,3})\.(\d{1,3})(?![\w.:/-]*\d)"
)
ADDRESS: Final = re.compile(r"[^\s<>:;,@]{1,120}@(?:[^\s<>:;,@.]{1,63}\.){0,20}[^\s<>:;,@.]{1,63}")
COMMENT: Final = re.compile(r"\(([^()]*)\)")
CODE: Final = re.compile(r"(?<![\w.:/+-])([45][0-7]\d)(?=[ :;,.#<-]|$)(?!\.\d)")


@dataclass(frozen=True)
class Verdict:
    """What a report says: its kind, with the status and the code it was judged by."""

    kind: InboundKind
    enhanced: str = ""
    code: int | None = None


@dataclass(frozen=True)
class Mark:
    """One mark against an address that still counts."""

    at: datetime
    mailing_id: int
    hard: bool
    enhanced: str = ""


def judge(action: str, status: str, said: str) -> Verdict:
    """What one recipient's report means. `action` is RFC 3464's, `said` the server's own words.

    Where it said nothing, the comment in the status tells.
    """
    action = action.strip().lower()
    said = said or "".join(COMMENT.findall(status))
    if action in ("delayed", "delay"):
        return Verdict(InboundKind.DELAYED, _status(status, said), _code(said))
    if action in ("relayed", "expanded", "delivered"):
        return Verdict(InboundKind.OTHER, _status(status, said), _code(said))
    enhanced, code = _status(status, said), _code(said)
    is_silent = not (action or enhanced or code or said)
    if is_silent or (enhanced.startswith("2.") and action != "failed"):
        return Verdict(InboundKind.OTHER, enhanced, code)
    kind, enhanced = _refusal(enhanced, code, ADDRESS.sub("@", said))
    return Verdict(kind, enhanced[:12], code)


def _refusal(enhanced: str, code: int | None, said: str) -> tuple[InboundKind, str]:
    """Failed for good: hard, soft or policy, and the status it comes to."""
    subject, _, detail = enhanced[2:].partition(".")
    is_transient = enhanced.startswith("4.") or (not enhanced and code is not None and code < 500)
    if subject in ("5", "6", "7") or (subject == "1" and detail in ("7", "8")):
        return _of_person(enhanced, said) or (InboundKind.POLICY, enhanced)
    of_recipient = OF_SENDER.sub(" ", said)
    is_mailbox = subject == "2" and detail != "0"
    if not is_mailbox and of_recipient != said and not SURELY_NO_MAILBOX.search(of_recipient):
        return InboundKind.POLICY, enhanced
    if CERTAIN_OF_US.search(said) and not (subject == "2" and FULL.search(said)):
        return InboundKind.POLICY, enhanced
    if is_transient:
        return _not_yet(enhanced, said)
    if subject == "4":
        return _of_network(enhanced, said)
    if FULL.search(said) and subject not in ("3",):
        return InboundKind.SOFT, enhanced or "5.2.2"
    if NOT_FINAL.search(said) or DECLINED.search(said):
        return InboundKind.POLICY if REFUSED_US.search(said) else InboundKind.SOFT, enhanced
    if enhanced in AT_ONCE | TWICE:
        is_theirs = enhanced in said or not REFUSED_US.search(said) or NO_SUCH_MAILBOX.search(said)
        return (InboundKind.HARD if is_theirs else InboundKind.POLICY), enhanced
    if subject in ("2", "3") and detail != "0":
        return InboundKind.SOFT, enhanced
    return _by_words(enhanced, said)


def _of_network(enhanced: str, said: str) -> tuple[InboundKind, str]:
    """5.4: of the way there. Exchange Online answers for a mailbox that it does not have with
    5.4.1; as it does while it learns of a new one, that counts on two days."""
    if NO_SUCH_DOMAIN.search(said) and not (REFUSED_US.search(said) or NOT_FINAL.search(said)):
        return InboundKind.HARD, "5.1.2"
    if NO_MAILBOX_AT_MICROSOFT.search(said):
        return InboundKind.HARD, enhanced
    may_pass = enhanced in ("5.4.6", "5.4.7") or NOT_FINAL.search(said)
    if may_pass and not REFUSED_US.search(said):
        return InboundKind.SOFT, enhanced
    return InboundKind.POLICY, enhanced


def _of_person(enhanced: str, said: str) -> tuple[InboundKind, str] | None:
    """Some speak of the mailbox under a status that means us: 5.5.0 is what Outlook writes, 5.7.1
    what some others do. Only where no word of theirs speaks of us."""
    if not enhanced.startswith("5.") or REFUSED_US.search(said):
        return None
    if FULL.search(said):
        return InboundKind.SOFT, "5.2.2"
    is_protocol = enhanced.startswith("5.5.0")
    if is_protocol and CLOSED.search(said):
        return InboundKind.HARD, "5.2.1"
    is_generic = enhanced in ("5.7.0", "5.7.1")
    if (is_protocol and NO_SUCH_MAILBOX.search(said)) or (
        is_generic and SURELY_NO_MAILBOX.search(said)
    ):
        return InboundKind.HARD, "5.1.1"
    if enhanced == "5.7.13" and DISABLED_RECIPIENT.search(said):
        return InboundKind.HARD, "5.2.1"
    is_null_mx = enhanced == "5.7.27" and "does not accept mail" in said  # Sendmail's number for it
    return (InboundKind.HARD, "5.1.2") if is_null_mx and not OF_SENDER.search(said) else None


def _not_yet(enhanced: str, said: str) -> tuple[InboundKind, str]:
    """Given up without a last word. What they did not want of us is nobody else's fault."""
    if NEVER_MAIL.search(said):
        return InboundKind.HARD, "5.1.2"
    about_us = REFUSED_US.search(said) and not FULL.search(said)
    if about_us and not NO_SUCH_MAILBOX.search(said):
        return InboundKind.POLICY, enhanced
    return InboundKind.SOFT, enhanced


def _by_words(enhanced: str, said: str) -> tuple[InboundKind, str]:
    """The status says little; the words may say more."""
    if NO_SUCH_DOMAIN.search(said):
        return InboundKind.HARD, "5.1.2"
    if CLOSED.search(said):
        return InboundKind.HARD, "5.2.1"
    if NO_SUCH_MAILBOX.search(PERHAPS_NO_MAILBOX.sub(" ", said)):
        return InboundKind.HARD, "5.1.1"
    if REFUSED_US.search(said):
        return InboundKind.POLICY, enhanced
    if PERHAPS_NO_MAILBOX.search(said):
        return InboundKind.HARD, "5.1.1"
    return InboundKind.SOFT, enhanced


def _status(status: str, said: str) -> str:
    """The most telling status: the remote server's own where it is not a mere 5.0.0."""
    reported = next((match[0] for match in STATUS.finditer(status)), "")
    for match in STATUS.finditer(said):
        if match[1] != "2" and match[0][2:] != "0.0" and (not reported or match[1] == reported[0]):
            return match[0]
    return reported


def _code(said: str) -> int | None:
    found = CODE.search(said)
    return int(found[1]) if found else None


def is_over(marks: Sequence[Mark]) -> bool:
    """Whether an address with these marks, none of them cleared, is given up.

    No such mailbox: at once. No such domain or a closed mailbox: on two different days. Everything
    else counts at most a point a day: POINTS over MAILINGS and SPAN.
    """
    hard = [mark for mark in marks if mark.hard]
    if any(mark.enhanced in AT_ONCE for mark in hard):
        return True
    if len(_days(mark.at for mark in hard)) >= 2:
        return True
    if not marks:
        return False
    times = [mark.at for mark in marks]
    return (
        len(_days(times)) >= POINTS
        and len({mark.mailing_id for mark in marks}) >= MAILINGS
        and max(times) - min(times) >= SPAN
    )


def is_outage(*, refused: int, taken: int) -> bool:
    """Whether so many of a domain's addresses are refused that it is not about them."""
    tried = refused + taken
    return refused >= OUTAGE_AT_LEAST and refused > OUTAGE_SHARE * tried


def _days(times: Iterable[datetime]) -> set[date]:
    return {at.date() for at in times}
