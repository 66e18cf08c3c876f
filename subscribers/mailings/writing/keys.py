"""The keys that mail is signed with: reading them, proving them, making them.

Apart from the signing itself, so that an office whose mail server signs never loads the package for
it: cryptography takes 8 MiB of each process.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SHORTEST_RSA = 1024  # receivers take no less (RFC 8301 3.2)
ADVISED_RSA = 2048

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class BadKey(ValueError):
    """A key that cannot sign, or must not; the text says which and why."""


@dataclass(frozen=True)
class Key:
    """A private key, and the name in DNS under which receivers find the public one."""

    domain: str
    selector: str
    private: rsa.RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519-sha256"

    @property
    def bits(self) -> int:
        return self.private.key_size if isinstance(self.private, rsa.RSAPrivateKey) else 256

    @property
    def is_short(self) -> bool:
        """Whether it is taken, but shorter than one would make it today."""
        return isinstance(self.private, rsa.RSAPrivateKey) and self.bits < ADVISED_RSA

    @property
    def name(self) -> str:
        """Where the public key stands in DNS."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def public(self) -> str:
        """The public key as it stands in `p=`, in base64."""
        key = self.private.public_key()
        if isinstance(self.private, rsa.RSAPrivateKey):
            raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    @property
    def record(self) -> str:
        """The text of the DNS record."""
        kind = "rsa" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519"
        return f"v=DKIM1; k={kind}; p={self.public}"

    def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 (RFC 8463 3: Ed25519 signs the hash, not the text)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(digest, padding.PKCS1v15(), utils.Prehashed(SHA256()))
        return self.private.sign(digest)

    def prove(self) -> None:
        """Sign something and check it. Raises BadKey."""
        digest = hashlib.sha256(b"a sample").digest()
        signature, public = self.sign(digest), self.private.public_key()
        try:
            if isinstance(public, rsa.RSAPublicKey):
                public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(SHA256()))
            else:
                public.verify(signature, digest)
        except InvalidSignature:
            raise BadKey(f"the key of {self.selector} does not verify its own signature") from None


def read_key(path: Path, *, selector: str, domain: str) -> Key:
    """A key from a PEM file. Raises BadKey."""
    if not LABEL.fullmatch(selector):
        raise BadKey(f"{selector!r} is no selector: lower-case letters, digits and hyphens")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise BadKey(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey(f"{path} holds no private key in PEM without a password") from None
    if not isinstance(private, rsa.RSAPrivateKey | Ed25519PrivateKey):
        raise BadKey(f"{path} holds neither an RSA nor an Ed25519 key")
    key = Key(domain, selector, private)
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < SHORTEST_RSA:
        raise BadKey(f"{path} has {private.key_size} bits; take {ADVISED_RSA}")
    key.prove()
    return key


def read_keys(paths: str, *, selectors: str, domain: str) -> tuple[Key, ...]:
    """Keys and their selectors, each list parted by commas and as long as the other.

    Raises BadKey.
    """
    files = [path.strip() for path in paths.split(",") if path.strip()]
    names = [name.strip() for name in selectors.split(",") if name.strip()]
    if not files:
        return ()
    if len(files) != len(names):
        raise BadKey("there must be as many selectors as keys")
    if len(set(names)) != len(names):
        raise BadKey("two keys need two selectors")
    return tuple(
        read_key(Path(file), selector=name, domain=domain)
        for file, name in zip(files, names, strict=True)
    )


def new_key(kind: str) -> bytes:
    """A new private key in PEM: `rsa` (2048 bits, which everybody verifies) or `ed25519`."""
    private = (
        Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=ADVISED_RSA)
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
