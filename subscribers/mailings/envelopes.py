"""What makes one mail recognisable when it comes back: Message-ID and envelope sender.

Both are made from the delivery's row number under a key, so a repeat bears the same Message-ID and
nobody can forge a bounce for somebody else's delivery.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import current_app

from app.core.tokens import derive


def message_id(delivery_id: int) -> str:
    """The part between the angle brackets (RFC 5322 3.6.4); the same at every try."""
    domain = current_app.config["MAIL_DEFAULT_SENDER"].rpartition("@")[2]
    return f"{_mac('message-id', delivery_id, length=32)}@{domain}"


def sender(delivery_id: int) -> str:
    """Where bounces of this one delivery go: `b+<delivery>.<mac>@<bounce domain>`."""
    mac = _mac("bounce", delivery_id, length=16)
    return f"b+{delivery_id}.{mac}@{current_app.config['BOUNCE_DOMAIN']}"


def leaving(delivery_id: int) -> str:
    """A mail to this address ends the subscription: `u+<delivery>.<mac>@<bounce domain>`."""
    mac = _mac("leave", delivery_id, length=16)
    return f"u+{delivery_id}.{mac}@{current_app.config['BOUNCE_DOMAIN']}"


def _mac(purpose: str, delivery_id: int, *, length: int) -> str:
    key = derive(current_app.config["SECRET_KEY"], purpose)
    return hmac.new(key, str(delivery_id).encode(), hashlib.sha256).hexdigest()[:length]
