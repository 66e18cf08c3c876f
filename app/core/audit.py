"""The audit log: every act that matters, who did it and to what. Rows are only ever added.

The database itself refuses to change or remove them. Whoever acts records it in the same
transaction, so that neither is there without the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.accounts import User
from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, db


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
    plain values (JSON); never a whole e-mail address of a subscriber, never a secret.
    """
    db.session.add(
        AuditEvent(
            at=at,
            actor_id=by.id if by else None,
            actor=(by.name if by else actor)[:200],
            action=action,
            subject=subject,
            subject_id=subject_id,
            title=title[:300],
            facts=facts,
        )
    )
