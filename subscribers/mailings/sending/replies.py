"""What a mail server said, and whose matter it is: the recipient's, ours or nobody's.

Pure. A refusal of a person ends that delivery; one of us or of our manners says nothing about the
person and must never count against them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# RFC 3463. Only where a status code stands by itself: not inside an address or a version number.
ENHANCED: Final = re.compile(r"(?<![\w.:/-])([245])\.(\d{1,3})\.(\d{1,3})(?![\w.:/-]*\d)")
SERVICE_CLOSING: Final = 421
LONGEST = 500  # as many characters of the server's words as a row keeps

# What servers write when they mean the sender: limits, lists and signatures. Each says it in its
# own words, often under a code that means something else.
ABOUT_POLICY: Final = re.compile(
    r"too many|too fast|too much mail|rate.?limit|limit exceeded|throttl|slow down"
    r"|unusual rate|blocked|blocklist|blacklist|block list|black list|listed (?:at|by|in|on)"
    r"|spamhaus|spam\b|reputation|policy|dmarc|\bdkim\b|\bspf\b|reverse dns|\bptr record"
    r"|unsolicited|not authenticated|unauthenticated",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reply:
    """A server's answer: its code, or 0 when there was none, and its words without the code.

    `about_us` is True when it refused before any recipient was named.
    """

    code: int
    text: str
    about_us: bool = False

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        """Never again for this recipient. A refusal of ourselves is never the recipient's fault."""
        return 500 <= self.code < 600 and not self.about_us

    @property
    def transient(self) -> bool:
        """Not now: neither taken nor refused for good. An answer that never came is this too."""
        return not self.accepted and not self.permanent

    @property
    def enhanced(self) -> str | None:
        """The status of RFC 3463 that the words begin with or hold, of the code's own class."""
        for found in ENHANCED.finditer(self.text):
            if not self.code or found.group(1) == str(self.code)[0]:
                return found.group(0)
        return None

    @property
    def about_policy(self) -> bool:
        """Whether it speaks of our rate, our name or our signature, and not of the mailbox."""
        if self.accepted:
            return False
        if self.code == SERVICE_CLOSING:
            return True
        enhanced = self.enhanced
        if enhanced is not None and enhanced[2:].startswith("7."):
            return True
        # A clear word about the mailbox goes before words that only sound like policy.
        if enhanced is not None and enhanced[2:].startswith(("1.", "2.")):
            return False
        return ABOUT_POLICY.search(self.text) is not None


class Unasked(Reply):
    """An answer that we gave ourselves: no server was asked, so nobody learns from it."""


def spoken(code: int, text: str, *, about_us: bool = False) -> Reply:
    """A reply fit for a row: one line, printable, no longer than a column."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return Reply(code, " ".join(text.split())[:LONGEST], about_us)
