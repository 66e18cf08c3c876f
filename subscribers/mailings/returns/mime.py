"""A mail's parts, from any bytes at all: never raises, and never takes more than it is allowed.

What comes back was written by every mail server there is, and some by people who mean harm. So no
line end, boundary, encoding or nesting is taken for granted; what cannot be read is left as it is.
The library's parser recurses as deep as a mail nests and slows down on a bomb of headers, hence one
of our own. Pure.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header
from typing import Final

MOST_BYTES: Final = 1024 * 1024  # reports stand in front; a returned mail of 20 MB is of no use
MOST_HEADERS: Final = 1000
LONGEST_LINE: Final = 2_000
LONGEST_HEADER: Final = 8_000
MOST_PARTS: Final = 60
DEEPEST: Final = 8
CONTAINERS: Final = {
    "message/rfc822",
    "message/global",
    "message/partial",
    "message/news",
    "message/external-body",
}
# Text encodings that cost no more than their length. Others, such as punycode, are no mail's.
KNOWN_CHARSETS: Final = re.compile(
    r"(?i)us-ascii|ascii|utf-?(?:7|8|16|16le|16be)|iso-?8859-?\d+|latin-?\d|windows-?\d+|cp\d+"
    r"|koi8-?[ru]|gbk|gb2312|gb18030|big5|euc-?(?:jp|kr|cn)|shift_?jis|iso-?2022-?(?:jp|kr)"
    r"|unicode-1-1-utf-7|mac-?roman|tis-620|ks_c_5601-1987"
)
# What programs say of any text at all.
UNMARKED: Final = {"us-ascii", "ascii", "utf-8", "utf8"}
JAPANESE: Final = re.compile(rb"\x1b\$[@B]")
FIELD: Final = re.compile(r"([!-9;-~]{1,200})[ \t]*:[ \t]?(.*)", re.S)


@dataclass
class Part:
    """One part: its headers by lower-case name, in their order, and what it holds."""

    headers: list[tuple[str, str]]
    body: bytes
    kind: str = "text/plain"
    parts: list[Part] = field(default_factory=list)
    depth: int = 0

    def get(self, name: str) -> str:
        """The first header of that name, encoded words decoded; empty when there is none."""
        return next((decoded(value) for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name, as it stands."""
        return [value for key, value in self.headers if key == name]

    def parameter(self, name: str) -> str:
        return _parameter(self.get("content-type"), name)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in their order."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def text(self) -> str:
        """The body as text, whatever it claims to be; HTML as its words."""
        text = _decoded_body(self)
        return _words(text) if self.kind == "text/html" else text


def read(raw: bytes) -> Part:
    """The mail as a tree of parts. What is beyond the limits is left out."""
    raw = (
        raw[:MOST_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b" \t\n\xef\xbb\xbf")
    )
    if raw.startswith((b"From ", b">From ")):  # of a mbox
        raw = raw.partition(b"\n")[2]
    room = [MOST_PARTS]
    return _part(raw, depth=0, room=room, default="text/plain")


def _part(raw: bytes, *, depth: int, room: list[int], default: str) -> Part:
    headers, body = _split(raw)
    part = Part(headers, body, depth=depth)
    said = part.get("content-type")
    kind = said.partition(";")[0].strip().lower()
    part.kind = kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else default
    if depth >= DEEPEST:
        return part
    if part.kind.startswith("multipart/"):
        inner = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        for piece in _pieces(body, part.parameter("boundary")):
            if room[0] <= 0:
                break
            room[0] -= 1
            part.parts.append(_part(piece, depth=depth + 1, room=room, default=inner))
        if not part.parts:  # said, but not done: what stands there is its text
            part.kind = "text/plain"
    elif part.kind in CONTAINERS and room[0] > 0:
        room[0] -= 1
        content = _unpacked(part).lstrip(b"\n")
        part.parts.append(_part(content, depth=depth + 1, room=room, default="text/plain"))
    return part


def _split(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body. A body that begins without headers is a body."""
    if raw.startswith(b"\n"):
        return [], raw[1:]
    head, _, body = raw.partition(b"\n\n")
    first = head.split(b"\n", 1)[0]
    if not re.match(rb"[!-9;-~]{1,200}[ \t]*:", first):
        return [], raw
    return fields(head.decode("utf-8", "replace")), body


def fields(text: str) -> list[tuple[str, str]]:
    """Lines of `Name: value` with their continuations, as (lower-case name, value)."""
    found: list[tuple[str, str]] = []
    pieces: list[str] = []
    name = ""

    def close() -> None:
        if name:
            found.append((name, " ".join(pieces)[:LONGEST_HEADER].strip()))

    for line in text.split("\n", MOST_HEADERS * 10)[: MOST_HEADERS * 10]:
        if line[:1] in (" ", "\t"):
            if len(pieces) < 200:
                pieces.append(line.strip()[:LONGEST_HEADER])
            continue
        close()
        name, pieces = "", []
        if len(found) >= MOST_HEADERS:
            break
        if match := FIELD.match(line[: LONGEST_HEADER * 2]):
            name, pieces = match[1].lower(), [match[2].strip()]
    close()
    return found


def _pieces(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the boundary lines; the last piece may have no end."""
    if not boundary:
        # Some forget to say it: the first line that looks like one is it, at best before a header.
        guess = re.search(rb"(?i)^--(\S[^\n]{0,99})\ncontent-", body, re.M) or re.search(
            rb"^--([^\s-][^\n]{0,99})$", body, re.M
        )
        if guess is None:
            return []
        boundary = guess[1].decode("latin-1").rstrip()
    mark = re.compile(rb"^--" + re.escape(boundary.encode("utf-8")) + rb"(--)?[ \t]*$", re.M)
    cuts = []
    for cut in mark.finditer(body):
        cuts.append(cut)
        if cut[1] or len(cuts) > MOST_PARTS:
            break
    pieces = []
    for at, cut in enumerate(cuts):
        if cut[1]:
            break
        end = cuts[at + 1].start() if at + 1 < len(cuts) else len(body)
        pieces.append(body[cut.end() + 1 : end])
    return pieces


def _parameter(value: str, name: str) -> str:
    found = re.search(
        rf"(?i)(?:^|;)\s*{re.escape(name)}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;]+))", value[:2000]
    )
    return next((group for group in found.groups() if group is not None), "") if found else ""


def _unpacked(part: Part) -> bytes:
    """The body without its transfer encoding."""
    encoding = part.get("content-transfer-encoding").strip().lower()
    if encoding == "base64":
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", part.body)
        kept = kept[: len(kept) - len(kept) % 4] if len(kept) % 4 == 1 else kept
        try:
            return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
        except (binascii.Error, ValueError):
            return part.body
    if encoding == "quoted-printable":
        return binascii.a2b_qp(part.body)
    return part.body


def _decoded_body(part: Part) -> str:
    return _in_charset(_unpacked(part), part.parameter("charset")).replace("\r\n", "\n")


def _in_charset(raw: bytes, charset: str) -> str:
    charset = charset.strip().lower().replace("unicode-1-1-utf-7", "utf-7")
    if not KNOWN_CHARSETS.fullmatch(charset):
        charset = "utf-8"
    if charset.startswith("utf-16") and b"\0" not in raw:  # said, but not done
        charset = "utf-8"
    if charset in UNMARKED and JAPANESE.search(raw):
        charset = "iso-2022-jp"
    for one in dict.fromkeys((charset, "utf-8")):
        try:
            return raw.decode(one)
        except (LookupError, UnicodeError, ValueError):
            continue
    return raw.decode("cp1252" if charset in UNMARKED else charset, "replace")


def _without_hidden(page: str) -> str:
    """Without what no reader sees; each tag is looked at once, however many are never closed."""
    shown, at, hidden = [], 0, ""
    for tag in re.finditer(r"(?i)<(/?)(style|script|head)\b[^<>]{0,2000}>", page):
        name = tag[2].lower()
        if not hidden and not tag[1]:
            shown.append(page[at : tag.start()])
            hidden = name
        elif hidden == name and tag[1]:
            hidden, at = "", tag.end()
    return " ".join([*shown, "" if hidden else page[at:]])


def tidy(text: str) -> str:
    """The same words without endless runs of space and endless lines, on which patterns choke."""
    text = re.sub(r"[ \t]{40,}", " " * 40, text)
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    return "\n".join(line[:LONGEST_LINE] for line in text.split("\n"))


def _words(page: str) -> str:
    page = _without_hidden(page)
    page = re.sub(r"(?i)<(?:br|/p|/div|/tr|/li|/h\d|hr)\b[^<>]*>", "\n", page)
    return html.unescape(re.sub(r"<[^<>]*>", " ", page))


def decoded(value: str) -> str:
    """A header with its encoded words (RFC 2047) as text; as it stands when they are broken."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except Exception:  # the library raises several things for what is no encoded word after all
        return value
    return "".join(
        _in_charset(piece, charset or "") if isinstance(piece, bytes) else piece
        for piece, charset in pieces
    )
