"""Secret links: a subject, sealed for one purpose, that only we can have made.

A token is `key id · payload · tag` in URL-safe base64. Nothing is stored, so a stolen database
opens no link, and a mail that is sent again holds the same link. When a token stops working is the
subject's own matter (a pending subscription that is confirmed, expired or erased).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from secrets import token_bytes

TAG_BYTES = 16
NONCE_BYTES = 16
_BLOCK_BYTES = 64  # of SHA-256


class BadToken(Exception):
    """Not a token of ours for this purpose."""


@lru_cache(maxsize=64)
def derive(secret: str, purpose: str) -> bytes:
    """A key of its own for each purpose, so that no tag can be carried from one to another."""
    return hmac.digest(secret.encode(), f"pressrum:{purpose}".encode(), "sha256")


@lru_cache(maxsize=64)
def _keyed(secret: str, purpose: str) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The beginnings of the inner and the outer hash of every tag for a purpose (RFC 2104 2), to
    be copied: five tags are made for each mail, and this takes half of what hmac.HMAC does."""
    key = derive(secret, purpose).ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def tag(message: bytes, *, purpose: str, secret: str) -> bytes:
    """The whole HMAC-SHA256 of a message under the purpose's own key."""
    began_inside, began_outside = _keyed(secret, purpose)
    inner, outer = began_inside.copy(), began_outside.copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()


def seal(payload: bytes, *, purpose: str, secret: str) -> str:
    """The token for `payload`; its length depends on the payload's length only."""
    body = key_id(secret) + payload
    body += tag(body, purpose=purpose, secret=secret)[:TAG_BYTES]
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def unseal(token: str, *, purpose: str, secret: str) -> bytes:
    """The payload. Raises BadToken; compares in constant time."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise BadToken from None
    body, found = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
    expected = tag(body, purpose=purpose, secret=secret)[:TAG_BYTES]
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if not hmac.compare_digest(found, expected) or body[:1] != key_id(secret) or not canonical:
        raise BadToken
    return body[1:]


def conceal(payload: bytes, *, purpose: str, secret: str) -> str:
    """The payload so that only we can read it again; never the same token twice.

    For what has to be kept and must not be read from a stolen database. Encrypted with a stream of
    HMAC-SHA256 over a nonce and a counter, then sealed.
    """
    nonce = token_bytes(NONCE_BYTES)
    mixed = _mixed(payload, nonce, purpose=purpose, secret=secret)
    return seal(nonce + mixed, purpose=purpose, secret=secret)


def reveal(token: str, *, purpose: str, secret: str) -> bytes:
    """What was concealed. Raises BadToken."""
    body = unseal(token, purpose=purpose, secret=secret)
    if len(body) < NONCE_BYTES:
        raise BadToken
    return _mixed(body[NONCE_BYTES:], body[:NONCE_BYTES], purpose=purpose, secret=secret)


def _mixed(payload: bytes, nonce: bytes, *, purpose: str, secret: str) -> bytes:
    key = derive(secret, f"stream of {purpose}")
    blocks = range(-(-len(payload) // hashlib.sha256().digest_size))
    stream = b"".join(hmac.digest(key, nonce + n.to_bytes(4, "big"), "sha256") for n in blocks)
    return bytes(a ^ b for a, b in zip(payload, stream, strict=False))


@lru_cache(maxsize=64)
def key_id(secret: str) -> bytes:
    """One byte that tells which of several retained keys made a token."""
    return hashlib.sha256(b"key id" + secret.encode()).digest()[:1]
