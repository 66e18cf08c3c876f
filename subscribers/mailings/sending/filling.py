"""From a claimed delivery to the bytes that are handed over: the frozen message, filled in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app

from app.core.db import db
from app.core.tokens import seal
from subscribers.audience import links
from subscribers.mailings.models import MailingKind, MailingPart
from subscribers.mailings.sending import envelopes
from subscribers.mailings.sending.claiming import Batch, Claimed
from subscribers.mailings.sending.conversation import Parcel
from subscribers.mailings.writing import signing
from subscribers.mailings.writing.messages import Prepared, Slot

KEPT_TEMPLATES = 16

Fill = Callable[[Claimed, Batch, str], str]


@dataclass(eq=False)
class Mail:
    """A claimed delivery that this process has in hand. `returned` counts connections that ended
    under it."""

    claimed: Claimed
    batch: Batch
    returned: int = 0

    @property
    def id(self) -> int:
        return self.claimed.id


class Filler:
    """Makes parcels of mails. Keeps the templates of the mailings it saw last."""

    def __init__(self) -> None:
        self._templates: dict[int, tuple[Prepared, frozenset[Slot]]] = {}
        self._numbers = itertools.count(1)
        self._secret: str = current_app.config["SECRET_KEY"]

    def learn(self, mailing_id: int) -> None:
        """Read a mailing's template, unless it is at hand. Ends no transaction."""
        if mailing_id in self._templates:
            return
        if len(self._templates) >= KEPT_TEMPLATES:
            del self._templates[next(iter(self._templates))]
        template = sa.select(MailingPart.template).where(MailingPart.mailing_id == mailing_id)
        message = signing.prepared(db.session.scalars(template).one())
        self._templates[mailing_id] = message, frozenset(message.slots)

    def parcel(self, mail: Mail) -> Parcel:
        """Raises KeyError and ValueError for what cannot be filled in."""
        claimed, batch = mail.claimed, mail.batch
        self.learn(batch.mailing_id)
        message, slots = self._templates[batch.mailing_id]
        assert claimed.address is not None
        values = {slot: self._value(slot, claimed, batch) for slot in slots}
        sender = values.get(Slot.RETURN)  # the same address; each mark takes time to make
        return Parcel(
            id=next(self._numbers),
            sender=sender.decode() if sender else envelopes.sender(claimed.id),
            to=claimed.address,
            text=message.fill(values),
        )

    def _value(self, slot: Slot, claimed: Claimed, batch: Batch) -> bytes:
        if batch.kind is MailingKind.LETTER and slot not in SLOTS_OF_LETTERS:
            raise KeyError(slot)  # there is no subscription that it could lead to
        return VALUES[slot](claimed, batch, self._secret).encode()


def _unsubscribe(claimed: Claimed, batch: Batch, secret: str) -> str:
    return links.unsubscribe_token(claimed.subscription, delivery_id=claimed.id, secret=secret)


def _preferences(claimed: Claimed, batch: Batch, secret: str) -> str:
    return links.preferences_token(claimed.subscription, delivery_id=claimed.id, secret=secret)


def _confirm(claimed: Claimed, batch: Batch, secret: str) -> str:
    return links.confirm_token(claimed.subscription, asked_at=batch.queued_at, secret=secret)


def _link(claimed: Claimed, batch: Batch, secret: str) -> str:
    """The secret end of a letter's own address, sealed when it is sent."""
    if not claimed.sealed_from:
        raise KeyError(Slot.LINK)
    purpose, _, payload = claimed.sealed_from.partition(":")
    return seal(bytes.fromhex(payload), purpose=purpose, secret=secret)


VALUES: Mapping[Slot, Fill] = {
    Slot.TO: lambda claimed, batch, secret: claimed.address or "",
    Slot.MESSAGE_ID: lambda claimed, batch, secret: envelopes.message_id(claimed.id),
    Slot.UNSUBSCRIBE: _unsubscribe,
    Slot.PREFERENCES: _preferences,
    Slot.CONFIRM: _confirm,
    Slot.LINK: _link,
    Slot.LEAVE_BY_MAIL: lambda claimed, batch, secret: envelopes.leaving(claimed.id),
    Slot.RETURN: lambda claimed, batch, secret: envelopes.sender(claimed.id),
}
SLOTS_OF_LETTERS = {Slot.TO, Slot.MESSAGE_ID, Slot.LINK, Slot.RETURN}
