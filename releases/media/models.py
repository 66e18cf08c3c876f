"""Images and documents, which belong to a story and so to all its language versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.accounts import User
from app.core.db import Base, Id, PrimaryKey, UTCDateTime

MOST_TRIES = 3  # of making a picture's files


class Image(Base):
    """A picture, encoded anew from what was uploaded; `key` is its unguessable name on disk."""

    __tablename__ = "image"
    __table_args__ = (
        sa.Index(None, "story_id", "id"),
        sa.Index(
            "ix_image_to_encode",
            "id",
            sqlite_where=sa.text("encoded_at IS NULL"),
            postgresql_where=sa.text("encoded_at IS NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    story_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("story.id"))
    key: Mapped[str] = mapped_column(sa.String(64), unique=True, info={"shelf": True})
    filename: Mapped[str] = mapped_column(sa.String(255))
    content_type: Mapped[str] = mapped_column(sa.String(60))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    alt_sv: Mapped[str] = mapped_column(sa.String(500), default="")
    alt_en: Mapped[str] = mapped_column(sa.String(500), default="")
    caption_sv: Mapped[str] = mapped_column(sa.String(1000), default="")
    caption_en: Mapped[str] = mapped_column(sa.String(1000), default="")
    credit: Mapped[str] = mapped_column(sa.String(200), default="")
    licence: Mapped[str] = mapped_column(sa.String(40), default="")
    # Where the eye should land, in hundredths of width and height from the upper left corner.
    focal_x: Mapped[int] = mapped_column(default=50)
    focal_y: Mapped[int] = mapped_column(default=50)
    # When all its files had been made; NULL while a worker has that to do.
    encoded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    encode_failures: Mapped[int] = mapped_column(default=0)
    uploaded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    uploaded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    uploaded_by: Mapped[User | None] = relationship()

    def printed(self, language: str) -> dict[str, Any]:
        """What a revision keeps of it."""
        return {
            "id": self.id,
            "key": self.key,
            "filename": self.filename,
            "content_type": self.content_type,
            "size": self.size,
            "width": self.width,
            "height": self.height,
            "alt": self.alt_en if language == "en" else self.alt_sv,
            "caption": self.caption_en if language == "en" else self.caption_sv,
            "credit": self.credit,
            "licence": self.licence,
        }

    @property
    def is_given_up(self) -> bool:
        """Whether its files could not be made."""
        return self.encoded_at is None and self.encode_failures >= MOST_TRIES

    def now(self) -> dict[str, Any]:
        """What pages need to know of the picture itself, whatever a revision has printed of it."""
        return {"encoded": self.encoded_at is not None, "focal": (self.focal_x, self.focal_y)}


class Document(Base):
    """A file for readers to take along."""

    __tablename__ = "document"
    __table_args__ = (sa.Index(None, "story_id", "id"),)

    id: Mapped[PrimaryKey]
    story_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("story.id"))
    key: Mapped[str] = mapped_column(sa.String(64), unique=True, info={"shelf": True})
    filename: Mapped[str] = mapped_column(sa.String(255))
    content_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int]
    title_sv: Mapped[str] = mapped_column(sa.String(300), default="")
    title_en: Mapped[str] = mapped_column(sa.String(300), default="")
    uploaded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    uploaded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    uploaded_by: Mapped[User | None] = relationship()

    def printed(self, language: str) -> dict[str, Any]:
        """What a revision keeps of it."""
        return {
            "id": self.id,
            "key": self.key,
            "filename": self.filename,
            "content_type": self.content_type,
            "size": self.size,
            "title": (self.title_en if language == "en" else self.title_sv) or self.filename,
        }
