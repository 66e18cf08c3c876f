"""DKIM (RFC 6376, 8463): signing our own mail, for offices whose mail server does not sign.

Off as shipped: a mail server that signs does it for everything that leaves the house. Switched on,
each mail of the mailings bears a signature of the sender's domain, or two when there are two keys,
an RSA one for everybody and an Ed25519 one for those who know it.

A frozen message is brought into DKIM's plain form ("relaxed") once, cut at its marks. A mark holds
no white space and stands nowhere where any is taken away, so filling in the plain form gives what a
receiver makes of the mail that was filled in; only hashing and the signature itself are done for
each recipient. What is left out of `h=` could be changed on the way, so all is signed that we
write; and what stands once and matters to the reader is named once more (8.15), so that nobody can
put a second From or Subject above ours.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from flask import Flask, current_app

from subscribers.mailings.writing.messages import MARK, Prepared, Slot

if TYPE_CHECKING:
    from subscribers.mailings.writing.keys import Key

COLUMN = 72

# All that `messages` and `headers` write. Those with a slot come last: what goes before them is
# the same in every mail, and is hashed once.
SIGNED = (
    "from",
    "reply-to",
    "subject",
    "date",
    "content-language",
    "mime-version",
    "content-type",
    "auto-submitted",
    "x-auto-response-suppress",
    "list-id",
    "list-unsubscribe-post",  # this one and list-unsubscribe: RFC 8058 4
    "list-help",
    "list-archive",
    "feedback-id",
    "cfbl-address",
    "list-unsubscribe",
    "to",
    "message-id",
)
ONCE_ONLY = ("from", "reply-to", "subject", "date", "to", "cc", "message-id", "content-type")


def init_app(app: Flask) -> None:
    """Read the keys at the start: an office that signs must not find out in the morning that it
    cannot. Raises keys.BadKey."""
    app.extensions["dkim"] = ()
    if not app.config["DKIM_KEY"]:
        return
    from subscribers.mailings.writing.keys import read_keys

    app.extensions["dkim"] = read_keys(
        app.config["DKIM_KEY"],
        selectors=app.config["DKIM_SELECTOR"],
        domain=app.config["DKIM_DOMAIN"],
    )


def keys_in_force() -> tuple[Key, ...]:
    """The keys we sign with; none as shipped."""
    keys: tuple[Key, ...] = current_app.extensions["dkim"]
    return keys


def prepared(template: bytes) -> Prepared:
    """A frozen message that signs what is filled into it, when this office signs."""
    keys = keys_in_force()
    return Signed(template, keys) if keys else Prepared(template)


class Signed(Prepared):
    """A frozen message whose fillings bear our signatures, one line of headers for each key."""

    def __init__(
        self, template: bytes, keys: Sequence[Key], *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(template)
        head, _, body = template.partition(b"\r\n\r\n")
        fields = _fields(head + b"\r\n")
        present = [name for name in SIGNED if name in fields]
        # Named again, though there is none: a second one added on the way breaks the signature.
        self._names = [*present, *ONCE_ONLY]
        self._head = _Hashed(b"".join(fields[name] for name in present))
        self._body = _Hashed(relaxed_body(body))
        self._keys = keys
        self._clock = clock
        self._lines = [_before_the_time(key) for key in keys]
        self._names_line = _names_line(self._names)

    def fill(self, values: Mapping[Slot, bytes]) -> bytes:
        """One recipient's message, signed at this second; else as Prepared has it."""
        return self.signatures(values) + super().fill(values)

    def signatures(self, values: Mapping[Slot, bytes]) -> bytes:
        """The DKIM-Signature lines of one recipient's message."""
        body_hash = base64.b64encode(self._body.hash(values).digest()).decode()
        head = self._head.hash(values)
        lines = []
        for key, start in zip(self._keys, self._lines, strict=True):
            line = f"{start}{int(self._clock())};{self._names_line} bh={body_hash};\r\n\tb="
            digest = head.copy()
            digest.update(relaxed_field(line.encode("ascii")))
            signature = base64.b64encode(key.sign(digest.digest())).decode()
            folded = [signature[at : at + COLUMN] for at in range(0, len(signature), COLUMN)]
            lines.append(line + "\r\n\t".join(folded) + "\r\n")
        return "".join(lines).encode("ascii")


class _Hashed:
    """A text with marks, hashed as far as the first one, ready to be hashed on for many."""

    def __init__(self, text: bytes) -> None:
        first, *self._rest = MARK.split(text)
        self._slots = [Slot(mark.decode()) for mark in MARK.findall(text)]
        self._first = hashlib.sha256(first)

    def hash(self, values: Mapping[Slot, bytes]) -> hashlib._Hash:
        digest = self._first.copy()
        for slot, piece in zip(self._slots, self._rest, strict=True):
            digest.update(values[slot])
            digest.update(piece)
        return digest


def relaxed_body(body: bytes) -> bytes:
    """A body in its plain form (RFC 6376 3.4.4)."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def relaxed_field(field: bytes) -> bytes:
    """A header field in its plain form, without the line's end (RFC 6376 3.4.2)."""
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", re.sub(rb"\r\n(?=[ \t])", b"", value))
    return name.strip().lower() + b":" + value.strip()


def _fields(head: bytes) -> dict[str, bytes]:
    """The header's fields by name, each in its plain form with its end; ours stand once each."""
    found = re.findall(rb"[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head)
    plain = (relaxed_field(field.removesuffix(b"\r\n")) + b"\r\n" for field in found)
    return {field.partition(b":")[0].decode(): field for field in plain}


def _before_the_time(key: Key) -> str:
    return (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
        f"\td={key.domain}; s={key.selector}; t="
    )


def _names_line(names: Sequence[str]) -> str:
    """` h=…;`, folded between names."""
    lines, line = [], "\r\n\th="
    for name in names:
        if len(line) + len(name) > COLUMN:
            lines.append(line)
            line = "\r\n\t "
        line += f"{name}:"
    return "".join((*lines, line)).rstrip(":") + ";\r\n\t"
