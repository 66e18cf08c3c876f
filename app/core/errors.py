"""What can go wrong in the domain, as a few classes with a key and facts.

Raised by verbs, never formatted there: `app.pages` alone knows HTTP, `app.core.words` alone knows
Swedish and English. `key` names a text in the `errors` catalogue; `facts` fill it.
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A request the domain refuses. Nothing has been changed when it is raised."""

    def __init__(self, key: str, **facts: Any) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


class NotFound(DomainError):
    """There is no such thing, or not for this person."""


class NotAllowed(DomainError):
    """The person's role, or four eyes, forbids it."""


class NotNow(DomainError):
    """The thing is in a state from which this cannot be done."""


class BadInput(DomainError):
    """What was given cannot be used; the facts say what, where and what to do."""


class Conflict(DomainError):
    """Somebody else changed it in between."""
