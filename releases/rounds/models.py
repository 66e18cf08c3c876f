"""Programmes, their rounds, and the rows of each round as they were decided."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, one_of
from releases.rounds.table import AwardStatus, Row


class Money(TypeDecorator[Decimal]):
    """An amount in its currency's hundredths: exact on both databases, and they can add it up.

    Raises ValueError for an amount finer than a hundredth.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        if value * 100 != int(value * 100):
            raise ValueError("an amount finer than a hundredth")
        return int(value * 100)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


class HeadlineShape(StrEnum):
    """What a programme's headlines begin with."""

    AMOUNT_FIRST = "amount_first"
    COUNT_FIRST = "count_first"
    THEME_FIRST = "theme_first"


class Programme(Base):
    """A grant programme: what its money is for and who answers for it."""

    __tablename__ = "programme"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(sa.String(100), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    purpose_sv: Mapped[str] = mapped_column(sa.String(300), default="")
    purpose_en: Mapped[str] = mapped_column(sa.String(300), default="")
    about_sv: Mapped[str] = mapped_column(sa.Text, default="")
    about_en: Mapped[str] = mapped_column(sa.Text, default="")
    read_more_url: Mapped[str] = mapped_column(sa.String(500), default="")
    # What a person said the columns of this programme's files are: our field -> header text.
    columns: Mapped[dict[str, str]] = mapped_column(JSONText, default=dict)
    headline_shape: Mapped[HeadlineShape] = mapped_column(
        one_of(HeadlineShape, "headline_shape"), default=HeadlineShape.AMOUNT_FIRST
    )
    # Who has to pass a text before it can be approved, in this order; see `review.reviewing`.
    review_steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONText, default=list)

    def title(self, language: str) -> str:
        """The programme's name; the Swedish one where there is no English."""
        return self.name_en or self.name if language == "en" else self.name

    def purpose(self, language: str) -> str:
        return self.purpose_en if language == "en" else self.purpose_sv

    def about(self, language: str) -> str:
        return self.about_en if language == "en" else self.about_sv


class Round(Base):
    """One round of a programme: the imported file, kept as it came, and its rows."""

    __tablename__ = "round"
    __table_args__ = (sa.UniqueConstraint("programme_id", "sha256"),)

    id: Mapped[PrimaryKey]
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    decided_on: Mapped[date | None] = mapped_column(sa.Date)
    currency: Mapped[str] = mapped_column(sa.String(3))
    language: Mapped[str] = mapped_column(sa.String(2))
    filename: Mapped[str] = mapped_column(sa.String(255))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    row_count: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    imported_at: Mapped[datetime] = mapped_column(UTCDateTime)
    imported_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    # When those who applied had been told of the decision, and where that decision is filed.
    communicated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    communicated_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    decision_reference: Mapped[str] = mapped_column(sa.String(200), default="")

    programme: Mapped[Programme] = relationship()
    awards: Mapped[list[Award]] = relationship(
        back_populates="round", order_by="Award.number", cascade="all, delete-orphan"
    )

    def rows(self) -> list[Row]:
        """The rows as reading gave them, in the file's order."""
        return [award.row() for award in self.awards]


class RoundVersion(Base):
    """What a round held before it was changed: the file as it came, and its rows as they were."""

    __tablename__ = "round_version"
    __table_args__ = (sa.UniqueConstraint("round_id", "number"),)

    id: Mapped[PrimaryKey]
    round_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("round.id", ondelete="CASCADE"))
    number: Mapped[int]
    filename: Mapped[str] = mapped_column(sa.String(255))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    currency: Mapped[str] = mapped_column(sa.String(3))
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSONText)
    replaced_at: Mapped[datetime] = mapped_column(UTCDateTime)
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))


class Upload(Base):
    """A file on its way in: previewed, not yet stored as a round. Swept after a day.

    In the database and not in a folder, since the next request may meet another machine.
    """

    __tablename__ = "upload"

    id: Mapped[PrimaryKey]
    filename: Mapped[str] = mapped_column(sa.String(255))
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    form: Mapped[dict[str, str]] = mapped_column(JSONText)
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Award(Base):
    """One row of a round: granted, rejected or withdrawn. `number` is its row in the file."""

    __tablename__ = "award"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "number"),
        sa.Index(None, "place", "round_id"),
    )

    id: Mapped[PrimaryKey]
    round_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("round.id", ondelete="CASCADE"))
    number: Mapped[int]
    grantee: Mapped[str] = mapped_column(sa.String(500))
    kind: Mapped[str | None] = mapped_column(sa.String(30))
    amount: Mapped[Decimal] = mapped_column(Money)
    partners: Mapped[list[str]] = mapped_column(JSONText, default=list)
    countries: Mapped[list[str]] = mapped_column(JSONText, default=list)
    themes: Mapped[list[str]] = mapped_column(JSONText, default=list)
    project: Mapped[str] = mapped_column(sa.Text, default="")
    amount_applied: Mapped[Decimal | None] = mapped_column(Money)
    first_timer: Mapped[bool | None]
    status: Mapped[AwardStatus] = mapped_column(one_of(AwardStatus, "status"))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    # The grantee's code in the register; empty when it has none, NULL until somebody has looked.
    place: Mapped[str | None] = mapped_column(sa.String(4))
    # Compared with the decision by a person; falls when the row changes.
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    checked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))

    round: Mapped[Round] = relationship(back_populates="awards")

    def row(self) -> Row:
        return Row(
            number=self.number,
            grantee=self.grantee,
            kind=self.kind,
            amount=self.amount,
            partners=tuple(self.partners),
            countries=tuple(self.countries),
            themes=tuple(self.themes),
            project=self.project,
            amount_applied=self.amount_applied,
            first_timer=self.first_timer,
            status=self.status,
            note=self.note,
        )
