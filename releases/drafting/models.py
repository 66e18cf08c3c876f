"""The house templates: how a programme's drafts are worded, one for each language."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, PrimaryKey, UTCDateTime
from releases.rounds.models import Programme


class HouseTemplate(Base):
    """The wording of one programme's drafts in one language, in sandboxed Jinja.

    `edited_at` is None while it is as shipped; such a template follows the shipped one.
    """

    __tablename__ = "house_template"
    __table_args__ = (sa.UniqueConstraint("programme_id", "language"),)

    id: Mapped[PrimaryKey]
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(sa.String(2))
    headline: Mapped[str] = mapped_column(sa.Text)
    lead: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[str] = mapped_column(sa.Text)
    edited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    edited_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))

    programme: Mapped[Programme] = relationship()


class HouseTemplateVersion(Base):
    """An earlier wording of a house template, kept when it was edited or reset. Never changed."""

    __tablename__ = "house_template_version"
    __table_args__ = (sa.UniqueConstraint("template_id", "number"),)

    id: Mapped[PrimaryKey]
    template_id: Mapped[int] = mapped_column(sa.ForeignKey("house_template.id", ondelete="CASCADE"))
    number: Mapped[int]
    headline: Mapped[str] = mapped_column(sa.Text)
    lead: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[str] = mapped_column(sa.Text)
    replaced_at: Mapped[datetime] = mapped_column(UTCDateTime)
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
