"""What an operator has to know: raised once, told by mail, cleared when it is over.

An alert is named by its code and what it is about, so the same trouble found by many workers is
one row. Words for it stand in the catalogue `alerts.<code>.…`, filled in with its facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, JSONText, PrimaryKey, UTCDateTime, db, guarded
from app.core.words import catalogue

PAGE = 30


class Alert(Base):
    """One trouble. Open while `cleared_at` is not set; one open row for each code and subject."""

    __tablename__ = "alert"
    __table_args__ = (
        sa.Index(
            "uq_alert_open",
            "code",
            "subject",
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    code: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[str] = mapped_column(sa.String(120), default="")
    facts: Mapped[dict[str, object]] = mapped_column(JSONText, default=dict)
    raised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cleared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # When those who were told that it began were told that it is over.
    told_over_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


def raise_alert(
    code: str, subject: str = "", *, facts: Mapping[str, object] | None = None, at: datetime
) -> bool:
    """Note a trouble in the caller's transaction. False when it stands there already."""
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    row = {"code": code, "subject": subject[:120], "facts": dict(facts or {}), "raised_at": at}
    statement = dialect.insert(Alert).values(row).on_conflict_do_nothing().returning(Alert.id)
    return db.session.scalar(statement) is not None


def clear_alert(code: str, subject: str = "", *, at: datetime) -> bool:
    """It is over. False when there was none open."""
    return guarded(
        sa.update(Alert)
        .where(Alert.code == code, Alert.subject == subject[:120], Alert.cleared_at.is_(None))
        .values(cleared_at=at)
    )


def open_alerts() -> list[Alert]:
    """Those that are not over, the newest first."""
    return list(
        db.session.scalars(
            sa.select(Alert).where(Alert.cleared_at.is_(None)).order_by(Alert.id.desc())
        )
    )


def past_alerts(*, before: int | None = None, size: int = PAGE) -> list[Alert]:
    """Those that are over, the newest first; one more than `size` when there are older ones."""
    query = sa.select(Alert).where(Alert.cleared_at.is_not(None)).order_by(Alert.id.desc())
    if before is not None:
        query = query.where(Alert.id < before)
    return list(db.session.scalars(query.limit(size + 1)))


@dataclass(frozen=True)
class Words:
    """An alert as a person reads it: what it is, what it means, what to do about it."""

    title: str
    text: str
    do: str


def in_words(alert: Alert, language: str, *, subject: str = "") -> Words:
    """`subject` is how a person calls what it is about, where the alert itself has a number.

    An alert of a version that had other words is named by its code.
    """
    facts: defaultdict[str, Any] = defaultdict(lambda: "–", alert.facts)
    facts["subject"] = subject or alert.subject or "–"

    def said(part: str) -> str:
        words = catalogue(language).get(f"alerts.{alert.code}.{part}")
        return words.format_map(facts) if isinstance(words, str) else ""

    return Words(said("title") or f"{alert.code} {alert.subject}".strip(), said("text"), said("do"))
