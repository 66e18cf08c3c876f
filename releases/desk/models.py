"""What colleagues are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.accounts import User
from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime


class Notification(Base):
    """Something one colleague should know. `key` keeps them from being told twice.

    `kind` and `facts` make its sentence in the reader's language, `path` is where to look.
    """

    __tablename__ = "notification"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "key"),
        sa.Index(None, "user_id", "read_at", "id"),
        sa.Index(None, "user_id", "id"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    kind: Mapped[str] = mapped_column(sa.String(30))
    key: Mapped[str] = mapped_column(sa.String(160))
    release_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("release.id", ondelete="CASCADE")
    )
    path: Mapped[str] = mapped_column(sa.String(300))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONText, default=dict)
    on_desk: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship()
