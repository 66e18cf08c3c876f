"""What became of one try to hand a mail over, for all who have to learn from it.

A sender makes one of each answer, and in the transaction in which it writes the answers down it
tells `breaking`, which looks after the provider and the mailing, and `returns.applying`, which
looks after the person.
"""

from __future__ import annotations

from typing import NamedTuple

from subscribers.mailings.models import MailingKind
from subscribers.mailings.sending.replies import Reply


class Outcome(NamedTuple):
    """One delivery and what the server said. `domain` is that of the address, as an A-label.

    `subscriber_id` is None for a letter to somebody who subscribes to nothing. A connection that
    never came about, or broke before the dot, is no outcome: nobody has answered.
    """

    delivery_id: int
    mailing_id: int
    kind: MailingKind
    domain_group: str
    subscriber_id: int | None
    domain: str
    reply: Reply

    @property
    def accepted(self) -> bool:
        return self.reply.accepted

    @property
    def permanent(self) -> bool:
        return self.reply.permanent
