"""What makes one mail recognisable when it comes back: Message-ID and envelope sender.

Both are made from the delivery's row number under a key, so a repeat bears the same Message-ID and
nobody can forge a bounce for somebody else's delivery.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from app.core.tokens import tag


@dataclass(frozen=True)
class Envelopes:
    """Makes them under one secret, for one sender's domain and one that bounces come back to."""

    secret: str
    sender_domain: str
    bounce_domain: str

    def message_id(self, delivery_id: int) -> str:
        """The part between the angle brackets (RFC 5322 3.6.4); the same at every try.

        It names its delivery, so that a bounce which has lost its way still leads to one.
        """
        mark = mac("message-id", delivery_id, length=32, secret=self.secret)
        return f"{delivery_id}.{mark}@{self.sender_domain}"

    def sender(self, delivery_id: int) -> str:
        """Where bounces of this one delivery go: `b+<delivery>.<mac>@<bounce domain>`."""
        mark = mac("bounce", delivery_id, length=16, secret=self.secret)
        return f"b+{delivery_id}.{mark}@{self.bounce_domain}"

    def leaving(self, delivery_id: int) -> str:
        """A mail to this address ends the subscription: `u+<delivery>.<mac>@<bounce domain>`."""
        mark = mac("leave", delivery_id, length=16, secret=self.secret)
        return f"u+{delivery_id}.{mark}@{self.bounce_domain}"


def envelopes() -> Envelopes:
    """Those of the settings. Whoever makes many keeps them."""
    config = current_app.config
    return Envelopes(
        secret=config["SECRET_KEY"],
        sender_domain=config["MAIL_DEFAULT_SENDER"].rpartition("@")[2],
        bounce_domain=config["BOUNCE_DOMAIN"],
    )


def message_id(delivery_id: int) -> str:
    return envelopes().message_id(delivery_id)


def sender(delivery_id: int) -> str:
    return envelopes().sender(delivery_id)


def leaving(delivery_id: int) -> str:
    return envelopes().leaving(delivery_id)


def mac(purpose: str, delivery_id: int, *, length: int, secret: str) -> str:
    """The mark that only we can make."""
    return tag(b"%d" % delivery_id, purpose=purpose, secret=secret).hex()[:length]
