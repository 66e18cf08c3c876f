"""E-mail addresses: read strictly, compared in one form, remembered as keyed hashes.

A plain SHA-256 of an address can be guessed, so every hash here is keyed. The key of today makes
new hashes; those it replaced are kept in the settings and still find what they once hashed.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from flask import current_app

from app.core.errors import BadInput
from app.core.tokens import derive

GMAIL = {"gmail.com", "googlemail.com"}
SPACES = " \t\u00a0"
# What most addresses look like, in lower case. Whatever else there is goes through email-validator,
# which takes thirty times as long and says the same of these.
PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_+&'-]+(?:\.[a-z0-9_+&'-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63})"
)
LONGEST = 254


@dataclass(frozen=True)
class Address:
    """One address. `norm` is what we write to and compare; it keeps dots and +tags.

    `hash` names it without telling it; `known_hashes` begins with `hash` and goes on with those
    under retained keys. `signup_key` is the same for all spellings that reach one person's inbox,
    and serves sign-up limits only.
    """

    text: str
    norm: str
    hash: bytes
    known_hashes: tuple[bytes, ...]
    signup_key: bytes

    @property
    def domain(self) -> str:
        """In lower case, as DNS writes it (A-labels)."""
        return self.norm.rpartition("@")[2]


def read(text: str, *, secrets: Sequence[str]) -> Address:
    """The address a person or a file gave.

    Raises BadInput for anything but one bare address: display names, commas and control
    characters are refused, so that nothing can be carried into a header.
    """
    text = text.strip(SPACES)
    norm = normal(text)
    hashes = hashes_of(norm, secrets=secrets)
    return Address(
        text=text,
        norm=norm,
        hash=hashes[0],
        known_hashes=hashes,
        signup_key=keyed(_strict(norm), purpose="signup", secret=secrets[0]),
    )


def secrets_in_force() -> tuple[str, ...]:
    """Today's secret first, then the retained ones it replaced."""
    return (current_app.config["SECRET_KEY"], *(current_app.config["SECRET_KEY_FALLBACKS"] or ()))


def hashes_of(norm: str, *, secrets: Sequence[str]) -> tuple[bytes, ...]:
    """What an address in its normal form is known by: under today's key first."""
    text = norm.encode()
    return tuple(hmac.digest(_key(secret, "address"), text, "sha256") for secret in secrets)


def hasher(secret: str) -> Callable[[str], bytes]:
    """`hashes_of` for many addresses under one key, in half the time: HMAC (RFC 2104) whose key has
    been mixed in once."""
    key = _key(secret, "address").ljust(sha256().block_size, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in key))
    outer = sha256(bytes(byte ^ 0x5C for byte in key))

    def hash_of(norm: str) -> bytes:
        within, around = inner.copy(), outer.copy()
        within.update(norm.encode())
        around.update(within.digest())
        return around.digest()

    return hash_of


def keyed(text: str, *, purpose: str, secret: str) -> bytes:
    """The 32-byte keyed hash of a text for one purpose."""
    return hmac.digest(_key(secret, purpose), text.encode(), sha256)


def masked(address: str | None) -> str:
    """`a•••@e•••.org`: enough for its owner to know it, no use to anybody else."""
    if not address:
        return ""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"


def normal(text: str) -> str:
    """The one form of an address, its spaces stripped by the caller. Raises BadInput."""
    if text.isascii() and len(text) <= LONGEST:
        lower = text.lower()
        plain = PLAIN.fullmatch(lower)
        if plain and plain[1] not in SPECIAL_USE_DOMAIN_NAMES and "--" not in lower:
            return lower
    if "@" not in text:  # in lists, what is none is mostly so
        raise BadInput("email_unreadable", email=_printable(text))
    try:
        checked = validate_email(
            unicodedata.normalize("NFC", text),
            check_deliverability=False,
            test_environment=True,
            strict=True,
        )
    except EmailNotValidError:
        raise BadInput("email_unreadable", email=_printable(text)) from None
    local = unicodedata.normalize("NFC", checked.local_part.lower())
    return f"{local}@{checked.ascii_domain.lower()}"


def _strict(norm: str) -> str:
    local, _, domain = norm.rpartition("@")
    local = local.partition("+")[0]
    if domain in GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text[:254])


@lru_cache(maxsize=32)
def _key(secret: str, purpose: str) -> bytes:
    return derive(secret, purpose)
