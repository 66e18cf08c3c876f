"""Subscribers, what they subscribe to, and who must not be written to again."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Id, PrimaryKey, UTCDateTime, one_of

PUBLIC_ID_BYTES = 16


def new_public_id() -> bytes:
    """128 random bits: what a secret link names instead of a row number."""
    return secrets.token_bytes(PUBLIC_ID_BYTES)


class SubscriptionState(StrEnum):
    PENDING = "pending"  # asked for, not yet confirmed by the address's owner
    ACTIVE = "active"
    ENDED = "ended"


class EndedReason(StrEnum):
    USER_LINK = "user_link"
    ONE_CLICK = "one_click"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    ADMIN = "admin"
    ERASE = "erase"


class Subscriber(Base):
    """An e-mail address and nothing else. Erased, only the keyed hash is left."""

    __tablename__ = "subscriber"

    id: Mapped[PrimaryKey]
    public_id: Mapped[bytes] = mapped_column(
        sa.LargeBinary(PUBLIC_ID_BYTES), unique=True, default=new_public_id
    )
    address: Mapped[str | None] = mapped_column(sa.String(320))
    address_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    language: Mapped[str] = mapped_column(sa.String(2))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    subscriptions: Mapped[list[Subscription]] = relationship(back_populates="subscriber")


class Topic(Base):
    """A subject of releases and something one can subscribe to; `press-releases` is everything.

    One that is not active any more is offered nowhere, but its pages stay.
    """

    __tablename__ = "topic"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(sa.String(100), unique=True)
    name_sv: Mapped[str] = mapped_column(sa.String(200), default="")
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)

    def name(self, language: str) -> str:
        """The Swedish name where there is no English, the slug where there is none at all."""
        spoken = self.name_en or self.name_sv if language == "en" else self.name_sv
        return spoken or self.slug


class Subscription(Base):
    """One person's yes to one topic. An ended one is never revived: a new yes is a new row."""

    __tablename__ = "subscription"
    __table_args__ = (
        sa.Index(
            "uq_subscription_open",
            "subscriber_id",
            "topic_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index(
            "ix_subscription_active",
            "topic_id",
            "id",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        ),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_a_time"),
        sa.CheckConstraint(
            "state <> 'active' OR consent_at IS NOT NULL", name="active_has_a_consent"
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[bytes] = mapped_column(
        sa.LargeBinary(PUBLIC_ID_BYTES), unique=True, default=new_public_id
    )
    subscriber_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("subscriber.id"))
    topic_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("topic.id"))
    state: Mapped[SubscriptionState] = mapped_column(one_of(SubscriptionState, "state"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    consent_source: Mapped[str] = mapped_column(sa.String(500), default="")
    consent_text_version: Mapped[str] = mapped_column(sa.String(40), default="")
    consent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    consent_ip_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_reason: Mapped[EndedReason | None] = mapped_column(one_of(EndedReason, "ended_reason"))

    subscriber: Mapped[Subscriber] = relationship(back_populates="subscriptions")
    topic: Mapped[Topic] = relationship()


class Suppression(Base):
    """An address we must not write to, as a keyed hash that outlives erasure."""

    __tablename__ = "suppression"

    address_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    scope: Mapped[str] = mapped_column(sa.String(60), primary_key=True, default="all")
    reason: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SignupAttempt(Base):
    """One request to sign up, kept a day to count: hashes only, no address and no IP number."""

    __tablename__ = "signup_attempt"
    __table_args__ = (
        sa.Index(None, "address_key", "at"),
        sa.Index(None, "network_key", "at"),
        sa.Index(None, "at"),
    )

    id: Mapped[PrimaryKey]
    address_key: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    network_key: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    mailed: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
