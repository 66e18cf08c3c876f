"""The bytes of a mail: frozen once for each mailing, filled in for each recipient.

Building a message takes milliseconds, filling one in takes microseconds. A frozen message is whole
but for its slots, marks that stand where a recipient's own parts go. Each mark is alone on a line
between soft line breaks (RFC 2045 6.7), so that quoted-printable can never cut one in two.
Pure: takes data, gives bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.quoprimime import body_encode
from email.utils import format_datetime, quote
from enum import StrEnum


class Slot(StrEnum):
    """A recipient's own part, and the mark that holds its place."""

    TO = "pressrum-slot-6d0c1f5e8b7a-to"
    MESSAGE_ID = "pressrum-slot-6d0c1f5e8b7a-id"
    UNSUBSCRIBE = "pressrum-slot-6d0c1f5e8b7a-leave"
    PREFERENCES = "pressrum-slot-6d0c1f5e8b7a-choose"
    CONFIRM = "pressrum-slot-6d0c1f5e8b7a-confirm"
    LINK = "pressrum-slot-6d0c1f5e8b7a-link"  # the secret end of a letter's own address
    LEAVE_BY_MAIL = "pressrum-slot-6d0c1f5e8b7a-mailto"  # a mail to this address ends it
    RETURN = "pressrum-slot-6d0c1f5e8b7a-return"  # where complaints about this mail go


MARK = re.compile("|".join(re.escape(slot.value) for slot in Slot).encode())
LONGEST_LINE = 998  # RFC 5322 2.1.1


@dataclass(frozen=True)
class Letter:
    """A mail before it has a recipient. `text` and `html` may hold marks inside addresses.

    `headers` are written as they stand: a List-Unsubscribe folded or encoded by a mail library is
    one that no mailbox provider recognises.
    """

    from_name: str
    from_address: str
    subject: str
    text: str
    html: str
    language: str
    at: datetime
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def freeze(letter: Letter) -> bytes:
    """The message with its marks, lines ended by CRLF.

    Raises ValueError when a header line would be longer than RFC 5322 allows.
    """
    boundary = "=_" + hashlib.sha256((letter.text + letter.html).encode()).hexdigest()[:32]
    head = [
        *_folded_headers(letter),
        f"To: <{Slot.TO}>",
        f"Message-ID: <{Slot.MESSAGE_ID}>",
        *(f"{name}: {_one_line(value)}" for name, value in letter.headers.items()),
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
        f' boundary="{boundary}"',
    ]
    if any(len(line) > LONGEST_LINE for line in head):
        raise ValueError("a header line is too long")
    parts = [_part("plain", letter.text), _part("html", letter.html)]
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return ("\r\n".join(head) + f"\r\n\r\n{body}--{boundary}--\r\n").encode("ascii")


def without_marks(text: str, *, but: Collection[Slot]) -> str:
    """The same words with marks only where we have put them.

    A mark that somebody has typed, and that sending fills in for no recipient of this mail, would
    stop it and all that wait behind it.
    """
    pattern = MARK.pattern.decode()
    return re.sub(pattern, lambda found: found[0] if Slot(found[0]) in but else "…", text)


class Prepared:
    """A frozen message cut at its marks, ready to be filled in many times."""

    def __init__(self, template: bytes) -> None:
        self.pieces = MARK.split(_stuffed(template))
        self.slots = [Slot(mark.decode()) for mark in MARK.findall(template)]

    def fill(self, values: Mapping[Slot, bytes]) -> bytes:
        """One recipient's message, dots doubled as SMTP wants them, without the final dot.

        Raises KeyError when a slot has no value. Values never begin with a dot.
        """
        out = [self.pieces[0]]
        for slot, piece in zip(self.slots, self.pieces[1:], strict=True):
            out += (values[slot], piece)
        return b"".join(out)


def _folded_headers(letter: Letter) -> list[str]:
    """The headers that may hold any language, as encoded words (RFC 2047).

    Not through EmailMessage: it takes the quotes off a name with a comma in it and an å beside it.
    """
    lines = [f"From: {_name(letter.from_name)} <{letter.from_address}>"]
    if letter.reply_to:
        lines.append(f"Reply-To: <{_one_line(letter.reply_to)}>")
    lines.append("Subject: " + _encoded(_one_line(letter.subject), header="Subject"))
    lines.append("Date: " + format_datetime(letter.at))
    lines.append("Content-Language: " + letter.language)
    return "\r\n".join(lines).split("\r\n")


def _name(text: str) -> str:
    name = _one_line(text)
    return f'"{quote(name)}"' if name.isascii() else _encoded(name, header="From")


def _encoded(text: str, *, header: str) -> str:
    if text.isascii():
        return Header(text, "us-ascii", header_name=header).encode(linesep="\r\n")
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


def _part(kind: str, text: str) -> str:
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{_quoted_printable(text)}"
    )


def _quoted_printable(text: str) -> str:
    """Encoded a piece at a time, so that no mark is broken by the line length."""
    pieces = re.split(f"({MARK.pattern.decode()})", text)
    encoded = (piece if at % 2 else _encode(piece) for at, piece in enumerate(pieces))
    return "=\r\n".join(encoded).replace("=\r\n=\r\n", "=\r\n")


def _encode(text: str) -> str:
    # body_encode takes one character for each byte, and keeps line ends only as it finds them.
    as_bytes = "\n".join(text.splitlines()) + ("\n" if text.endswith("\n") else "")
    return body_encode(as_bytes.encode("utf-8").decode("latin-1"), eol="\r\n")


def _stuffed(template: bytes) -> bytes:
    """Leading dots doubled (RFC 5321 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", template)


def _one_line(text: str) -> str:
    return " ".join(text.split())
