"""Mailings, their frozen words and one Delivery for each address.

The rows are the truth. A Delivery waits while `due_at` is set, is held by a sender while
`lease_until` is set, and is done when neither is. Each has its own partial index, written so that
both SQLite and PostgreSQL keep to it whatever the parameters.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, one_of

# Where rates and connections will be kept apart by mailbox provider; one group so far.
DOMAIN_GROUP = "other"


class Lane(IntEnum):
    """Who goes first: a lower lane is chosen before a higher one, then the older mailing."""

    CONFIRMATION = 0
    CORRECTION = 1
    RELEASE = 2
    DIGEST = 3


class MailingKind(StrEnum):
    CONFIRMATION = "confirmation"
    NOTICE = "notice"
    RELEASE = "release"
    CORRECTION = "correction"
    LETTER = "letter"  # to one person who works with a release; no subscription behind it


class MailingState(StrEnum):
    MATERIALISING = "materialising"  # the audience is still being written down
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class DeliveryState(StrEnum):
    """*Sent* means that a server took it; nobody can say *delivered*."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    TRANSMITTING = "transmitting"  # the final dot may be out
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


class Mailing(Base):
    """One sending. `key` is unique: queueing the same revision twice is one mailing."""

    __tablename__ = "mailing"
    __table_args__ = (
        sa.Index(
            "ix_mailing_open",
            "lane",
            "id",
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        ),
        sa.Index(None, "kind", "id"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    kind: Mapped[MailingKind] = mapped_column(one_of(MailingKind, "kind"))
    lane: Mapped[int]
    state: Mapped[MailingState] = mapped_column(one_of(MailingState, "state"))
    paused_from: Mapped[MailingState | None] = mapped_column(one_of(MailingState, "paused_from"))
    language: Mapped[str] = mapped_column(sa.String(2))
    topics: Mapped[list[str]] = mapped_column(JSONText, default=list)
    subject: Mapped[str] = mapped_column(sa.String(500))
    audience_cursor: Mapped[int] = mapped_column(Id, default=0)
    # Keys of earlier mailings: who got one of them (`received`) or was left out of one (`missed`).
    # None: everybody who subscribes to one of the topics.
    audience: Mapped[dict[str, list[str]] | None] = mapped_column(JSONText)
    queued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    part: Mapped[MailingPart] = relationship(back_populates="mailing", uselist=False)


class MailingPart(Base):
    """The frozen bytes of a mailing's message, with marks where each recipient's own parts go."""

    __tablename__ = "mailing_part"

    mailing_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("mailing.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(sa.String(64))
    template: Mapped[bytes] = mapped_column(sa.LargeBinary)

    mailing: Mapped[Mailing] = relationship(back_populates="part")


class Delivery(Base):
    """One mailing to one address."""

    __tablename__ = "delivery"
    __table_args__ = (
        sa.UniqueConstraint("mailing_id", "address_hash"),
        sa.Index(
            "ix_delivery_due",
            "mailing_id",
            "domain_group",
            "due_at",
            "id",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_delivery_held",
            "lease_until",
            sqlite_where=sa.text("lease_until IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NOT NULL"),
        ),
        sa.Index(None, "subscriber_id", "sent_at"),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (state IN ('queued', 'deferred'))", name="due_when_waiting"
        ),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state IN ('claimed', 'transmitting'))",
            name="leased_when_held",
        ),
    )

    id: Mapped[PrimaryKey]
    mailing_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("mailing.id", ondelete="CASCADE"))
    subscriber_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("subscriber.id"))
    subscription_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("subscription.id"))
    address: Mapped[str | None] = mapped_column(sa.String(320))
    address_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    domain_group: Mapped[str] = mapped_column(sa.String(40), default="other")
    state: Mapped[DeliveryState] = mapped_column(one_of(DeliveryState, "state"))
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    first_try_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_owner: Mapped[str | None] = mapped_column(sa.String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    code: Mapped[int | None]
    enhanced: Mapped[str | None] = mapped_column(sa.String(12))
    reply: Mapped[str | None] = mapped_column(sa.String(500))
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    uncertain_count: Mapped[int] = mapped_column(default=0)
    # What a letter's secret link is sealed from when it is sent: `purpose:payload` in hex.
    sealed_from: Mapped[str | None] = mapped_column(sa.String(200))

    mailing: Mapped[Mailing] = relationship()


class DeliveryAttempt(Base):
    """A try that did not end in 250: what the server said, word for word."""

    __tablename__ = "delivery_attempt"

    id: Mapped[PrimaryKey]
    delivery_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("delivery.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    code: Mapped[int | None]
    enhanced: Mapped[str | None] = mapped_column(sa.String(12))
    reply: Mapped[str] = mapped_column(sa.String(500))
