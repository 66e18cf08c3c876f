"""The audit log: every act that matters, who did it and to what. Rows are only ever added.

The database itself refuses to change or remove them. Whoever acts records it in the same
transaction, so that neither is there without the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.accounts import User
from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, db
from app.core.words import catalogue, translate

COMMAND_LINE = "kommandoraden"  # the actor of what somebody did there without giving a name
# Facts whose values have words of their own.
TRANSLATED = ("role", "before", "purpose", "frequency", "instead_of")
NO_ACTS = {"who", "column", "subject", *TRANSLATED}  # the catalogue's other words
_acting: ContextVar[str] = ContextVar("acting", default="")


class AuditEvent(Base):
    """One act. `actor` is the name as it was; empty when the program acted by itself."""

    __tablename__ = "audit_event"
    __table_args__ = (
        sa.Index(None, "actor_id", "id"),
        sa.Index(None, "action", "id"),
        sa.Index(None, "subject", "subject_id", "id"),
        sa.Index(None, "at", "id"),
    )

    id: Mapped[PrimaryKey]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    actor: Mapped[str] = mapped_column(sa.String(200), default="")
    action: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(30))
    subject_id: Mapped[int | None] = mapped_column(Id)
    title: Mapped[str] = mapped_column(sa.String(300), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONText, default=dict)


def record(
    action: str,
    subject: str,
    subject_id: int | None,
    *,
    title: str = "",
    by: User | None,
    at: datetime,
    actor: str = "",
    **facts: Any,
) -> None:
    """Add an act to the log, in the caller's transaction.

    `action` is `subject.verb`, such as `release.approve`, and has words in the `audit` catalogue.
    `title` is what the subject was called. `actor` names somebody without an account. `facts` are
    plain values (JSON); never a whole e-mail address of a subscriber, never a secret. Of an act
    that is neither a person's nor named, the actor is whoever is `acting_as`.
    """
    db.session.add(
        AuditEvent(
            at=at,
            actor_id=by.id if by else None,
            actor=(by.name if by else actor or _acting.get())[:200],
            action=action,
            subject=subject,
            subject_id=subject_id,
            title=title[:300],
            facts=facts,
        )
    )


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Within it, `actor` has done what no person is named for."""
    mark = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(mark)


def who(event: AuditEvent, language: str) -> str:
    """Who did it, as a reader of `language` says it."""
    if event.actor == COMMAND_LINE:
        return translate("audit.who.command", language)
    return event.actor or translate("audit.who.program", language)


def sentence(event: AuditEvent, language: str) -> str:
    """What happened. An act that has no words any more is named as it was recorded."""
    words = catalogue(language).get(f"audit.{event.action}")
    if not isinstance(words, str):
        return f"{who(event, language)}: {event.action} {event.title}".strip()
    facts: defaultdict[str, Any] = defaultdict(lambda: "–", event.facts)
    facts |= {
        name: translate(f"audit.{name}.{value}", language)
        for name, value in event.facts.items()
        if name in TRANSLATED and f"audit.{name}.{value}" in catalogue(language)
    }
    facts |= {"who": who(event, language), "title": event.title or "–"}
    return words.format_map(facts)


def acts(language: str) -> list[tuple[str, str]]:
    """Every act that has words, with a sentence in which what differs is left open."""
    found = [
        (key.removeprefix("audit."), words)
        for key, words in catalogue(language).items()
        if key.startswith("audit.") and key.count(".") == 2 and key.split(".")[1] not in NO_ACTS
    ]
    blank: defaultdict[str, str] = defaultdict(lambda: "…")
    said = [(act, words.format_map(blank)) for act, words in found if isinstance(words, str)]
    return sorted(said, key=lambda pair: pair[0])
