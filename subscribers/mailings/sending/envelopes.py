"""What makes one mail recognisable when it comes back: Message-ID and envelope sender.

Both are made from the delivery's row number under a key, so a repeat bears the same Message-ID and
nobody can forge a bounce for somebody else's delivery.
"""

from __future__ import annotations

import hmac

from flask import current_app

from app.core.tokens import derive


def message_id(delivery_id: int) -> str:
    """The part between the angle brackets (RFC 5322 3.6.4); the same at every try.

    It names its delivery, so that a bounce which has lost its way still leads to one.
    """
    domain = current_app.config["MAIL_DEFAULT_SENDER"].rpartition("@")[2]
    return f"{delivery_id}.{mac('message-id', delivery_id, length=32)}@{domain}"


def sender(delivery_id: int) -> str:
    """Where bounces of this one delivery go: `b+<delivery>.<mac>@<bounce domain>`."""
    tag = mac("bounce", delivery_id, length=16)
    return f"b+{delivery_id}.{tag}@{current_app.config['BOUNCE_DOMAIN']}"


def leaving(delivery_id: int) -> str:
    """A mail to this address ends the subscription: `u+<delivery>.<mac>@<bounce domain>`."""
    tag = mac("leave", delivery_id, length=16)
    return f"u+{delivery_id}.{tag}@{current_app.config['BOUNCE_DOMAIN']}"


def mac(purpose: str, delivery_id: int, *, length: int, secret: str | None = None) -> str:
    """The mark that only we can make, under today's secret unless another is given."""
    key = derive(secret or current_app.config["SECRET_KEY"], purpose)
    return hmac.digest(key, b"%d" % delivery_id, "sha256").hex()[:length]
