"""The headers by which machines know our mail: a list's, and a mail's that no machine may answer.

What mailbox providers ask of a list (RFC 2369, 2919, 8058, 9477), and nothing besides. There is no
`Precedence: bulk`: no standard has it, and List-Id tells automatic answers the same (RFC 5230 4.6).
Pure: takes data, gives header lines whose marks are filled in for each recipient.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from subscribers.mailings.models import MailingKind
from subscribers.mailings.writing.messages import Slot

LONGEST_LIST_ID = 255  # RFC 2919 3
LONGEST_LABEL = 63
SENDER_ID = (5, 15)  # Gmail's bounds for the last field of Feedback-ID

# A mail that our program wrote to one person. Nobody subscribes to it, so nobody leaves it by a
# header: it has no List-Unsubscribe, and no List-Id either.
SYSTEM: Mapping[str, str] = {
    "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation message may answer
    "X-Auto-Response-Suppress": "All",  # Exchange and Outlook, which know no RFC 3834
}


def of_a_list(
    *,
    topic: str,
    key: str,
    kind: MailingKind,
    language: str,
    domain: str,
    base_url: str,
    reports: bool = False,
) -> dict[str, str]:
    """The headers of a mail to many: which list it is, and every way to leave it.

    `topic` is the slug that names the list, `key` the mailing's, `domain` the sender's. With
    `reports`, providers that know RFC 9477 send complaints to the mail's own envelope sender; such
    a mail has to be signed.
    """
    list_id = list_name(topic, domain=domain)
    lines = {
        "List-Id": f"<{list_id}>",
        # Two ways, as RFC 8058 and those who know only mail want it. One line: folded by a mail
        # library it would not be recognised.
        "List-Unsubscribe": (
            f"<{base_url}/unsubscribe/{Slot.UNSUBSCRIBE}>, "
            f"<mailto:{Slot.LEAVE_BY_MAIL}?subject=unsubscribe>"
        ),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Help": f"<{base_url}/{language}/subscribe>",
        "List-Archive": f"<{base_url}/{language}/>",
        "Feedback-ID": feedback_id(key=key, topic=topic, kind=kind, domain=domain),
        "X-Auto-Response-Suppress": "All",
    }
    if reports:
        lines["CFBL-Address"] = f"{Slot.RETURN}; report=arf"
    return lines


def list_name(topic: str, *, domain: str) -> str:
    """What a list is called for good, whatever host the pages move to (RFC 2919)."""
    label = _plain(topic)[:LONGEST_LABEL].strip("-") or "list"
    return f"{label}.{domain}"[:LONGEST_LIST_ID]


def feedback_id(*, key: str, topic: str, kind: MailingKind, domain: str) -> str:
    """`mailing:topic:kind:sender`, by which Gmail sums complaints up; it names no recipient.

    The sender is the same in every mail we send, as Gmail asks, with 5 to 15 characters.
    """
    shortest, longest = SENDER_ID
    sender = _plain(domain)[-longest:].strip("-").ljust(shortest, "x")
    return ":".join((_plain(key)[:LONGEST_LABEL], _plain(topic), kind.value, sender))


def _plain(text: str) -> str:
    """Lower-case letters, digits and hyphens; all else becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
