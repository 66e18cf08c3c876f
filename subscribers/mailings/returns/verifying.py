"""Whether a notice comes from the provider it says: by its signature, or by a shared secret.

Nobody else may end a subscription by a POST. A provider for which nothing is set has no door at
all.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from app.core import fetching

Fetch = Callable[[str], bytes]
AMAZON_HOST: Final = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?")
# What Amazon signs, in this order (SNS developer guide, "Verifying the signatures").
SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


def is_from_amazon(body: bytes, *, topic: str, fetch: Fetch | None = None) -> bool:
    """A message of SNS, signed by Amazon, on our topic and no other."""
    from cryptography import x509  # large: loaded only where a provider's notices come in
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    told = _document(body)
    names = SIGNED.get(str(told.get("Type")))
    if names is None or told.get("TopicArn") != topic:
        return False
    where = str(told.get("SigningCertURL"))
    if not is_amazons(where) or not where.endswith(".pem"):
        return False
    lines = [f"{name}\n{told[name]}\n" for name in names if isinstance(told.get(name), str)]
    algorithm = {"1": hashes.SHA1, "2": hashes.SHA256}.get(str(told.get("SignatureVersion")))
    if algorithm is None:
        return False
    try:
        pem = (fetch or _certificate)(where)
        key = x509.load_pem_x509_certificate(pem).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        signature = base64.b64decode(str(told.get("Signature")), validate=True)
        key.verify(signature, "".join(lines).encode(), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, ValueError, fetching.Unfetchable):
        return False
    return True


def is_amazons(url: str) -> bool:
    """Whether an address is one of Amazon's notification service, over TLS."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme == "https"
            and parts.port in (None, 443)
            and parts.username is None
            and bool(AMAZON_HOST.fullmatch(parts.hostname or ""))
        )
    except ValueError:
        return False


@lru_cache(maxsize=8)
def _certificate(url: str) -> bytes:
    return fetching.fetch(url, method="GET", redirects=0).body


def is_from_mailgun(body: bytes, *, secret: str) -> bool:
    signature = _document(body).get("signature")
    if not isinstance(signature, Mapping):
        return False
    signed = f"{signature.get('timestamp')}{signature.get('token')}".encode()
    expected = hmac.digest(secret.encode(), signed, "sha256").hex()
    return hmac.compare_digest(expected.encode(), str(signature.get("signature")).encode())


def is_from_sendgrid(body: bytes, *, key: str, signature: str, timestamp: str) -> bool:
    """By the public key of its signed event webhook, in base64 as its page shows it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        public = serialization.load_der_public_key(base64.b64decode(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        raw = base64.b64decode(signature, validate=True)
        public.verify(raw, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def knows_secret(authorization: str, *, secret: str) -> bool:
    """`Authorization: Bearer <secret>`, or Basic with it as the password."""
    sort, _, given = authorization.partition(" ")
    if sort.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (ValueError, UnicodeDecodeError):
            return False
    elif sort.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), secret.encode())


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, Mapping) else {}
