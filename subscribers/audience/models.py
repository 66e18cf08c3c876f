"""Subscribers, what they subscribe to, and who must not be written to again."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, one_of

PUBLIC_ID_BYTES = 16
# Reasons of the suppressions that outlive a person's row: they asked for it, or left long ago.
ERASED = "erased"
LEFT = "left"


def new_public_id() -> bytes:
    """128 random bits: what a secret link names instead of a row number."""
    return secrets.token_bytes(PUBLIC_ID_BYTES)


class SubscriptionState(StrEnum):
    PENDING = "pending"  # asked for, not yet confirmed by the address's owner
    ACTIVE = "active"
    ENDED = "ended"


class Frequency(StrEnum):
    """How soon a subscriber hears of a release: by itself, or with others in a digest."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


class EndedReason(StrEnum):
    USER_LINK = "user_link"
    ONE_CLICK = "one_click"
    MAILTO = "mailto"  # a mail to the address in List-Unsubscribe
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    ADMIN = "admin"
    ERASE = "erase"


class Subscriber(Base):
    """An e-mail address and nothing else. Erased, only the keyed hash is left."""

    __tablename__ = "subscriber"
    __table_args__ = (
        # For the office's search, by how an address begins and by its domain.
        sa.Index(
            "ix_subscriber_address", "address", postgresql_ops={"address": "text_pattern_ops"}
        ),
        sa.Index("ix_subscriber_domain", "domain", "id"),
        sa.Index(
            "ix_subscriber_erased",
            "erased_at",
            sqlite_where=sa.text("erased_at IS NOT NULL"),
            postgresql_where=sa.text("erased_at IS NOT NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    address: Mapped[str | None] = mapped_column(sa.String(320))
    domain: Mapped[str | None] = mapped_column(sa.String(253))
    address_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    language: Mapped[str] = mapped_column(sa.String(2))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    subscriptions: Mapped[list[Subscription]] = relationship(back_populates="subscriber")


class Topic(Base):
    """A subject of releases and something one can subscribe to; `press-releases` is everything.

    One that is not active any more is offered nowhere, but its pages stay. A programme is one too
    from its first public release on; stories are not filed under it, they belong to it.
    """

    __tablename__ = "topic"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(sa.String(100), unique=True)
    name_sv: Mapped[str] = mapped_column(sa.String(200), default="")
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)
    of_programme: Mapped[bool] = mapped_column(default=False)

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
        # All of one person's, for their page and for what the law gives them.
        sa.Index(None, "subscriber_id"),
        sa.Index(
            "ix_subscription_active",
            "topic_id",
            "frequency",
            "id",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        ),
        # How the list grew and shrank, month by month, without its rows.
        sa.Index(
            "ix_subscription_consented",
            "consent_at",
            sqlite_where=sa.text("consent_at IS NOT NULL"),
            postgresql_where=sa.text("consent_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_subscription_ended",
            "ended_at",
            "ended_reason",
            sqlite_where=sa.text("ended_at IS NOT NULL"),
            postgresql_where=sa.text("ended_at IS NOT NULL"),
        ),
        # The few that are not active; of a million the active ones cost it nothing.
        sa.Index(
            "ix_subscription_other",
            "state",
            "ended_reason",
            "id",
            sqlite_where=sa.text("state <> 'active'"),
            postgresql_where=sa.text("state <> 'active'"),
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
    frequency: Mapped[Frequency] = mapped_column(
        one_of(Frequency, "frequency"), default=Frequency.IMMEDIATE
    )
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
    """An address we must not write to, as a keyed hash that outlives erasure.

    `scope` is `all` or `topic:<slug>`. `event_id` is the mail that came back and caused it.
    """

    __tablename__ = "suppression"

    address_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    scope: Mapped[str] = mapped_column(sa.String(60), primary_key=True, default="all")
    reason: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    event_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("inbound_event.id", ondelete="SET NULL"), index=True
    )


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


class ImportState(StrEnum):
    UPLOADED = "uploaded"  # read for its preview, waits for a yes
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by a person; what went in stays
    FAILED = "failed"  # the file could not be read on


class ImportRun(Base):
    """One list of addresses brought along: the file, the consent it stands on, how far it is.

    `rows_done` moves in the transaction of the rows themselves, so a run that was broken off goes
    on behind the last row it stored. A worker holds it by `lease_owner` until `lease_until`.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        sa.Index(
            "ix_import_run_open",
            "id",
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        ),
    )

    id: Mapped[PrimaryKey]
    file_key: Mapped[str | None] = mapped_column(sa.String(64), info={"shelf": True})
    file_name: Mapped[str] = mapped_column(sa.String(200))
    file_bytes: Mapped[int] = mapped_column(Id)
    state: Mapped[ImportState] = mapped_column(one_of(ImportState, "state"))
    basis: Mapped[str] = mapped_column(sa.String(500), default="")
    language: Mapped[str] = mapped_column(sa.String(2))
    topics: Mapped[list[str]] = mapped_column(JSONText, default=list)
    frequency: Mapped[Frequency] = mapped_column(
        one_of(Frequency, "frequency"), default=Frequency.IMMEDIATE
    )
    # Which column holds what, and how the file is written, as the preview found it.
    reading: Mapped[dict[str, object]] = mapped_column(JSONText, default=dict)
    # Each address is asked for a yes of its own instead of standing on `basis` alone.
    ask_first: Mapped[bool] = mapped_column(default=False)
    rows_total: Mapped[int | None] = mapped_column(Id)
    rows_done: Mapped[int] = mapped_column(Id, default=0)
    imported: Mapped[int] = mapped_column(Id, default=0)
    already: Mapped[int] = mapped_column(Id, default=0)
    left_out: Mapped[int] = mapped_column(Id, default=0)
    by_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lease_owner: Mapped[str | None] = mapped_column(sa.String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    problem: Mapped[str] = mapped_column(sa.String(60), default="")  # key of an error sentence


class ImportProblem(Base):
    """A record that an import left out: on which lines, and why. Never the address itself."""

    __tablename__ = "import_problem"

    run_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("import_run.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Id, primary_key=True)
    last_line: Mapped[int] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(sa.String(20))


class RequestKind(StrEnum):
    ACCESS = "access"
    ERASE = "erase"


class DataRequest(Base):
    """Somebody asks, by a mailed link that works once, for what we hold about them or for its end.

    The law: articles 15, 17 and 20 of Regulation (EU) 2016/679.
    """

    __tablename__ = "data_request"

    id: Mapped[PrimaryKey]
    public_id: Mapped[bytes] = mapped_column(
        sa.LargeBinary(PUBLIC_ID_BYTES), unique=True, default=new_public_id
    )
    subscriber_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("subscriber.id"), index=True)
    kind: Mapped[RequestKind] = mapped_column(one_of(RequestKind, "kind"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RetentionRun(Base):
    """What a rule of keeping has done one day: which rule, and how many rows it cleared."""

    __tablename__ = "retention_run"
    __table_args__ = (sa.UniqueConstraint("rule", "day"),)

    id: Mapped[PrimaryKey]
    rule: Mapped[str] = mapped_column(sa.String(40))
    day: Mapped[date] = mapped_column(sa.Date)
    cleared: Mapped[int] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
