"""From a claimed delivery to the bytes that are handed over: the frozen message, filled in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from app.core.tokens import seal
from subscribers.audience import links
from subscribers.mailings.models import MailingKind, MailingPart
from subscribers.mailings.sending.claiming import Batch, Claimed
from subscribers.mailings.sending.conversation import Parcel
from subscribers.mailings.sending.envelopes import Envelopes, envelopes
from subscribers.mailings.writing import signing
from subscribers.mailings.writing.messages import Prepared, Slot

KEPT_TEMPLATES = 16

Fill = Callable[[Claimed, Batch], str]


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
        self._templates: dict[int, tuple[Prepared, Sequence[tuple[Slot, Fill]]]] = {}
        self._numbers = itertools.count(1)
        self._envelopes = envelopes()
        self._values = values_of(self._envelopes)

    def learn(self, mailing_id: int, kind: MailingKind) -> None:
        """Read a mailing's template, unless it is at hand. Ends no transaction."""
        if mailing_id in self._templates:
            return
        if len(self._templates) >= KEPT_TEMPLATES:
            del self._templates[next(iter(self._templates))]
        template = sa.select(MailingPart.template).where(MailingPart.mailing_id == mailing_id)
        message = signing.prepared(db.session.scalars(template).one())
        slots = sorted(set(message.slots))
        if kind is MailingKind.LETTER:  # there is no subscription that others could lead to
            slots = [slot for slot in slots if slot in SLOTS_OF_LETTERS]
        self._templates[mailing_id] = message, [(slot, self._values[slot]) for slot in slots]

    def parcel(self, mail: Mail) -> Parcel:
        """Raises KeyError and ValueError for what cannot be filled in."""
        claimed, batch = mail.claimed, mail.batch
        self.learn(batch.mailing_id, batch.kind)
        message, slots = self._templates[batch.mailing_id]
        assert claimed.address is not None
        values = {slot: value(claimed, batch).encode() for slot, value in slots}
        sender = values.get(Slot.RETURN)  # the same address; each mark takes time to make
        return Parcel(
            id=next(self._numbers),
            sender=sender.decode() if sender else self._envelopes.sender(claimed.id),
            to=claimed.address,
            text=message.fill(values),
        )


def values_of(marks: Envelopes) -> Mapping[Slot, Fill]:
    """What stands in each slot of one recipient's message."""
    secret = marks.secret

    def unsubscribe(claimed: Claimed, _batch: Batch) -> str:
        return links.unsubscribe_token(claimed.subscription, delivery_id=claimed.id, secret=secret)

    def preferences(claimed: Claimed, _batch: Batch) -> str:
        return links.preferences_token(claimed.subscription, delivery_id=claimed.id, secret=secret)

    def confirm(claimed: Claimed, batch: Batch) -> str:
        return links.confirm_token(claimed.subscription, asked_at=batch.queued_at, secret=secret)

    def link(claimed: Claimed, _batch: Batch) -> str:
        """The secret end of a letter's own address, sealed when it is sent."""
        if not claimed.sealed_from:
            raise KeyError(Slot.LINK)
        purpose, _, payload = claimed.sealed_from.partition(":")
        return seal(bytes.fromhex(payload), purpose=purpose, secret=secret)

    return {
        Slot.TO: lambda claimed, batch: claimed.address or "",
        Slot.MESSAGE_ID: lambda claimed, batch: marks.message_id(claimed.id),
        Slot.UNSUBSCRIBE: unsubscribe,
        Slot.PREFERENCES: preferences,
        Slot.CONFIRM: confirm,
        Slot.LINK: link,
        Slot.LEAVE_BY_MAIL: lambda claimed, batch: marks.leaving(claimed.id),
        Slot.RETURN: lambda claimed, batch: marks.sender(claimed.id),
    }


SLOTS_OF_LETTERS = {Slot.TO, Slot.MESSAGE_ID, Slot.LINK, Slot.RETURN}
