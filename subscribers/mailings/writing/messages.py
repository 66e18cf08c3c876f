"""The bytes of a mail: frozen once for each mailing, filled in for each recipient.

Building a message takes milliseconds, filling one in takes microseconds. A frozen message is whole
but for its slots, marks that stand where a recipient's own parts go. Each mark is alone on a line
between soft line breaks (RFC 2045 6.7), so that quoted-printable can never cut one in two.
Every message is read back before it is frozen: a mail that would not say what its page says is an
error of the moment it is queued, not of the morning it is sent. Pure: takes data, gives bytes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header, decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.quoprimime import body_encode
from email.utils import format_datetime, getaddresses, quote
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
LONGEST_VALUE = 320  # of a slot: an address (RFC 5321 4.5.3.1)
LONGEST_WORD = 900  # of a header in plain ASCII, which cannot be folded inside a word
ONLY_ONCE = ("From", "Reply-To", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe")
UNFIT = bytes([*range(33), 127, *b"<>"])  # what would end a slot's line, or its brackets


class Unsound(ValueError):
    """A message that would not arrive as it was written; the text says what is wrong with it."""


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
    """The message with its marks, lines ended by CRLF, seven bits only, read back and compared.

    Raises Unsound, a ValueError, when a mail filled in from it would break a rule of RFC 5322 or
    not decode to the words of the letter.
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
    parts = [_part("plain", letter.text), _part("html", letter.html)]
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    try:
        frozen = ("\r\n".join(head) + f"\r\n\r\n{body}--{boundary}--\r\n").encode("ascii")
    except UnicodeEncodeError as error:
        raise Unsound(f"{error.object[error.start]!r} stands outside an encoded word") from None
    _prove(frozen, letter)
    return frozen


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
        pieces = MARK.split(_stuffed(template))
        self.slots = [Slot(mark.decode()) for mark in MARK.findall(template)]
        self._parts = [b""] * (len(pieces) + len(self.slots))
        self._parts[::2] = pieces

    def fill(self, values: Mapping[Slot, bytes]) -> bytes:
        """One recipient's message, dots doubled as SMTP wants them, without the final dot.

        Raises KeyError when a slot has no value, and Unsound when a value would end the line it
        stands on. Values never begin with a dot.
        """
        if not all(values.values()) or not _is_fit(b"".join(values.values())):
            slot = next(slot for slot, value in values.items() if not (value and _is_fit(value)))
            raise Unsound(f"{slot.name.lower()} holds what no address or token may")
        out = self._parts.copy()
        out[1::2] = [values[slot] for slot in self.slots]
        return b"".join(out)


def _is_fit(value: bytes) -> bool:
    return len(value.translate(None, UNFIT)) == len(value)


def _prove(frozen: bytes, letter: Letter) -> None:
    """Fill it in for somebody, read it as a mailbox does, and compare. Raises Unsound.

    The lengths are those of the longest values there may be.
    """
    values = {slot: (slot.name[:1].lower() * LONGEST_VALUE).encode() for slot in Slot}
    filled = MARK.sub(lambda mark: values[Slot(mark[0].decode())], frozen)
    head, _, body = filled.partition(b"\r\n\r\n")
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", filled):
        raise Unsound("a line ends otherwise than by CR and LF")
    if any(len(line) > LONGEST_LINE for line in head.split(b"\r\n")):
        raise Unsound("a header line is too long")
    if any(len(line) > LONGEST_LINE for line in body.split(b"\r\n")):
        raise Unsound("a line of the text is too long")
    read: Message = BytesParser(policy=compat32).parsebytes(filled)
    for name in ONLY_ONCE:
        if len(read.get_all(name, [])) > 1:
            raise Unsound(f"{name} stands there twice")
    if _decoded(read["Subject"]) != _one_line(letter.subject):
        raise Unsound("the subject does not come back as it was written")
    senders = [
        (_decoded(name), address) for name, address in getaddresses([_unfolded(read["From"])])
    ]
    if senders != [(_one_line(letter.from_name), letter.from_address)]:
        raise Unsound("the sender does not come back as it was written")
    forms = {part.get_content_subtype(): part for part in read.walk() if not part.is_multipart()}
    for kind, text in (("plain", letter.text), ("html", letter.html)):
        expected = MARK.sub(
            lambda mark: values[Slot(mark[0].decode())], _with_one_line_end(text).encode()
        )
        payload = forms[kind].get_payload(decode=True)
        assert isinstance(payload, bytes)  # a single part has nothing else
        if payload.replace(b"\r\n", b"\n") != expected:
            raise Unsound(f"the {kind} text does not come back as it was written")


def _decoded(header: str) -> str:
    return str(make_header(decode_header(_unfolded(header))))


def _unfolded(header: str) -> str:
    return re.sub(r"\r\n(?=[ \t])", "", header)


def _folded_headers(letter: Letter) -> list[str]:
    """The headers that may hold any language, as encoded words (RFC 2047).

    Not through EmailMessage: it takes the quotes off a name with a comma in it and an å beside it.
    """
    lines = [f"From: {_name(letter.from_name)}<{letter.from_address}>"]
    if letter.reply_to:
        lines.append(f"Reply-To: <{_one_line(letter.reply_to)}>")
    lines.append("Subject: " + _encoded(_one_line(letter.subject), header="Subject"))
    lines.append("Date: " + format_datetime(letter.at))
    lines.append("Content-Language: " + letter.language)
    return "\r\n".join(lines).split("\r\n")


def _name(text: str) -> str:
    """A sender's name and the space behind it; nothing when there is none."""
    name = _one_line(text)
    plain = name.isascii() and "=?" not in name and len(name) < LONGEST_WORD / 2
    return (f'"{quote(name)}" ' if plain else _encoded(name, header="From") + " ") if name else ""


def _encoded(text: str, *, header: str) -> str:
    """As it stands when that is plain ASCII, in encoded words otherwise.

    Words that look encoded, and those too long for a line, would not come back as they were.
    """
    plain = text.isascii() and "=?" not in text
    plain = plain and all(len(word) < LONGEST_WORD for word in text.split(" "))
    charset = "us-ascii" if plain else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep="\r\n")


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
    as_bytes = _with_one_line_end(text).encode("utf-8").decode("latin-1")
    return body_encode(as_bytes, eol="\r\n")


def _with_one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _stuffed(template: bytes) -> bytes:
    """Leading dots doubled (RFC 5321 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", template)


def _one_line(text: str) -> str:
    """The words with single spaces between them, and without characters that no header may hold."""
    return " ".join("".join(c for c in text if c.isspace() or not _is_control(c)).split())


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"
