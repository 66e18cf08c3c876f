"""The circuit breaker: what a run of answers says about a provider, and about a mailing.

`learn` is called with the answers of many mails, in the transaction that writes them down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from subscribers.mailings.outcomes import Outcome


def learn(outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """Take in some answers, in the order in which they came. No commit."""


def after_complaint(mailing_id: int, *, at: datetime) -> None:
    """Look at a mailing of which somebody has complained. No commit."""
