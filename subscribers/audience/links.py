"""The secret links in our mails: to confirm, to leave, to choose.

Nothing is stored. A link names a subscription by its random public id, and its length is the same
for everybody, so that a frozen mail can be filled in place. Links to leave never expire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.core.errors import NotFound
from app.core.tokens import BadToken, seal, unseal
from subscribers.audience.models import PUBLIC_ID_BYTES

CONFIRM_WITHIN = timedelta(hours=24)
DELIVERY_BYTES = 8
MOMENT_BYTES = 4


@dataclass(frozen=True)
class Confirming:
    """What a confirmation link says. `asked_at` is in whole seconds."""

    public_id: bytes
    asked_at: datetime

    def is_late(self, at: datetime) -> bool:
        return at > self.asked_at + CONFIRM_WITHIN


@dataclass(frozen=True)
class Holding:
    """What a link to leave or to choose says: the subscription, and the mail it stood in or 0."""

    public_id: bytes
    delivery_id: int


def confirm_token(public_id: bytes, *, asked_at: datetime, secret: str) -> str:
    """For /confirm/<token>; good for CONFIRM_WITHIN from `asked_at`."""
    seconds = int(asked_at.timestamp()).to_bytes(MOMENT_BYTES, "big")
    return seal(public_id + seconds, purpose="confirm", secret=secret)


def unsubscribe_token(public_id: bytes, *, delivery_id: int = 0, secret: str) -> str:
    """For /unsubscribe/<token>."""
    return seal(_holding(public_id, delivery_id), purpose="unsubscribe", secret=secret)


def preferences_token(public_id: bytes, *, delivery_id: int = 0, secret: str) -> str:
    """For /preferences/<token>."""
    return seal(_holding(public_id, delivery_id), purpose="preferences", secret=secret)


def read_confirm(token: str, *, secrets: Sequence[str]) -> Confirming:
    """Raises NotFound for what is no confirmation link of ours."""
    payload = _unseal(token, "confirm", secrets, length=PUBLIC_ID_BYTES + MOMENT_BYTES)
    seconds = int.from_bytes(payload[PUBLIC_ID_BYTES:], "big")
    return Confirming(payload[:PUBLIC_ID_BYTES], datetime.fromtimestamp(seconds, UTC))


def read_unsubscribe(token: str, *, secrets: Sequence[str]) -> Holding:
    """Raises NotFound for what is no such link of ours."""
    return _read_holding(token, "unsubscribe", secrets)


def read_preferences(token: str, *, secrets: Sequence[str]) -> Holding:
    """Raises NotFound for what is no such link of ours."""
    return _read_holding(token, "preferences", secrets)


def _holding(public_id: bytes, delivery_id: int) -> bytes:
    return public_id + delivery_id.to_bytes(DELIVERY_BYTES, "big")


def _read_holding(token: str, purpose: str, secrets: Sequence[str]) -> Holding:
    payload = _unseal(token, purpose, secrets, length=PUBLIC_ID_BYTES + DELIVERY_BYTES)
    return Holding(payload[:PUBLIC_ID_BYTES], int.from_bytes(payload[PUBLIC_ID_BYTES:], "big"))


def _unseal(token: str, purpose: str, secrets: Sequence[str], *, length: int) -> bytes:
    for secret in secrets:
        try:
            payload = unseal(token, purpose=purpose, secret=secret)
        except BadToken:
            continue
        if len(payload) == length:
            return payload
    raise NotFound("link_unknown")
