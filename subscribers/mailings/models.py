"""Mailings, their frozen words and one Delivery for each address.

The rows are the truth. A Delivery waits while `due_at` is set, is held by a sender while
`lease_until` is set, and is done when neither is. Each has its own partial index, written so that
both SQLite and PostgreSQL keep to it whatever the parameters.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, one_of

OTHER = "other"  # the domain group of every mailbox provider that has none of its own
ALL = "all"  # the bucket that every mail passes, whatever its group: the relay's own limit
RECENT = 500  # outcomes that a circuit breaker looks back on


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
    DIGEST = "digest"
    WELCOME = "welcome"
    LETTER = "letter"  # to one person who works with a release; no subscription behind it


class MailingState(StrEnum):
    MATERIALISING = "materialising"  # the audience is still being written down
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class PausedBecause(StrEnum):
    """Why a mailing is paused. All but the first wait for a person's decision."""

    PERSON = "person"
    MISSED = "missed"  # it was found later than its grace allows
    HARD_BOUNCES = "hard_bounces"
    COMPLAINTS = "complaints"


class DeliveryState(StrEnum):
    """*Sent* means that a server took it; nobody can say *delivered*."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    TRANSMITTING = "transmitting"  # the final dot may be out
    SENT = "sent"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"  # may have been taken; a person decides, since the mailing says so
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
    paused_because: Mapped[PausedBecause | None] = mapped_column(
        one_of(PausedBecause, "paused_because")
    )
    pause_facts: Mapped[dict[str, object]] = mapped_column(JSONText, default=dict)
    # What may have been handed over when the answer was lost: sent again, or left to a person.
    hold_uncertain: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(sa.String(2))
    topics: Mapped[list[str]] = mapped_column(JSONText, default=list)
    subject: Mapped[str] = mapped_column(sa.String(500))
    audience_cursor: Mapped[int] = mapped_column(Id, default=0)
    # Keys of earlier mailings: who got one of them (`received`) or was left out of one (`missed`).
    # A digest's: see `digests`. None: everybody who subscribes to one of the topics, at once.
    audience: Mapped[dict[str, Any] | None] = mapped_column(JSONText)
    queued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # What it came to, kept when its rows are cleared away: see `retention`.
    outcome: Mapped[dict[str, object] | None] = mapped_column(JSONText)

    part: Mapped[MailingPart] = relationship(back_populates="mailing", uselist=False)

    @property
    def stage(self) -> MailingState:
        """The state for people: it is being sent once the first of its audience are written down,
        although more may follow."""
        has_begun = self.state is MailingState.MATERIALISING and self.audience_cursor > 0
        return MailingState.RUNNING if has_begun else self.state


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
            "domain_group",
            sqlite_where=sa.text("lease_until IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NOT NULL"),
        ),
        # Written once for each delivery, and enough to count a mailing without its rows: SQLite
        # takes an index for the whole answer only when it holds every column that is asked about.
        sa.Index(
            "ix_delivery_settled",
            "mailing_id",
            "domain_group",
            "state",
            "due_at",
            "lease_until",
            sqlite_where=sa.text("due_at IS NULL AND lease_until IS NULL"),
            postgresql_where=sa.text("due_at IS NULL AND lease_until IS NULL"),
        ),
        # The few that may have gone out twice; written with `uncertain_count > 0` as it stands.
        sa.Index(
            "ix_delivery_repeated",
            "mailing_id",
            sqlite_where=sa.text("uncertain_count > 0"),
            postgresql_where=sa.text("uncertain_count > 0"),
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
    domain_group: Mapped[str] = mapped_column(sa.String(40), default=OTHER)
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


class DomainGroup(Base):
    """The mailboxes of one provider, and how fast it may be written to.

    `rate` is mails a second and `concurrency` mails in the open at once, over all workers; 0 is no
    limit. `factor` is the share of both that is used now: halved when the provider says "slower",
    raised again while it is quiet. `tokens` as of `refilled_at` is the bucket. `recent` holds the
    last outcomes, a letter each, the newest last. A held group waits for a person.
    """

    __tablename__ = "domain_group"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    domains: Mapped[list[str]] = mapped_column(JSONText, default=list)
    rate: Mapped[float] = mapped_column(default=0.0)
    concurrency: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[float] = mapped_column(default=0.0)
    refilled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    factor: Mapped[float] = mapped_column(default=1.0)
    factor_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    backoff_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recent: Mapped[str] = mapped_column(sa.String(RECENT), default="")
    held_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    held_because: Mapped[str] = mapped_column(sa.String(40), default="")
    held_facts: Mapped[dict[str, object]] = mapped_column(JSONText, default=dict)
    # The group whose addresses it took over while they are held; None for one of ours.
    parted_from: Mapped[str | None] = mapped_column(sa.String(40))


class InboundKind(StrEnum):
    """What a mail or a notice that came back to us says."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"  # refused for what we are or wrote: never a mark on the person
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    NOT_SPAM = "not_spam"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto_reply"
    OTHER = "other"
    UNPARSED = "unparsed"


class InboundEvent(Base):
    """Something that came back, once, however often it is handed in: `key` is unique.

    `unmatched` says why it moved nothing; empty when it was applied. `raw` is at most 64 KiB and is
    cleared after a month.
    """

    __tablename__ = "inbound_event"
    __table_args__ = (sa.Index(None, "kind", "id"), sa.Index(None, "received_at"))

    id: Mapped[PrimaryKey]
    key: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    source: Mapped[str] = mapped_column(sa.String(40))  # maildir, imap, lmtp, pipe, smtp, hook:…
    kind: Mapped[InboundKind] = mapped_column(one_of(InboundKind, "kind"))
    raw: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    code: Mapped[int | None]
    enhanced: Mapped[str | None] = mapped_column(sa.String(12))
    said: Mapped[str] = mapped_column(sa.String(500), default="")
    delivery_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("delivery.id", ondelete="SET NULL"), index=True
    )
    mailing_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("mailing.id", ondelete="SET NULL"), index=True
    )
    subscriber_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("subscriber.id"), index=True
    )
    unmatched: Mapped[str] = mapped_column(sa.String(40), default="")
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Bounce(Base):
    """One mark against an address: hard, or a soft point. Cleared by a clean delivery later on."""

    __tablename__ = "bounce"
    __table_args__ = (
        sa.UniqueConstraint("delivery_id"),
        sa.Index(None, "subscriber_id", "at"),
        sa.Index(None, "domain", "at"),
        sa.Index(None, "mailing_id", "hard"),
    )

    id: Mapped[PrimaryKey]
    subscriber_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("subscriber.id"))
    mailing_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("mailing.id", ondelete="CASCADE"))
    delivery_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("delivery.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("inbound_event.id", ondelete="SET NULL"), index=True
    )
    domain: Mapped[str] = mapped_column(sa.String(253))
    hard: Mapped[bool]
    enhanced: Mapped[str] = mapped_column(sa.String(12), default="")
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Set when the mark counts no more: a delivery after it was clean, or it was an outage.
    cleared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Announced(Base):
    """A release as it was announced, in short: what a digest says of it.

    `key` is the newest announcement's; one row for a release and language (`story`, `release:42`).
    Withdrawn, it stands in no digest any more.
    """

    __tablename__ = "announced"
    __table_args__ = (
        sa.UniqueConstraint("story", "language"),
        sa.Index(None, "language", "at"),
    )

    id: Mapped[PrimaryKey]
    story: Mapped[str] = mapped_column(sa.String(60))
    language: Mapped[str] = mapped_column(sa.String(2))
    key: Mapped[str] = mapped_column(sa.String(120))
    topics: Mapped[list[str]] = mapped_column(JSONText, default=list)
    subject: Mapped[str] = mapped_column(sa.String(500))
    lead: Mapped[str] = mapped_column(sa.Text, default="")
    # What readers were told of the last correction; empty as long as there is none.
    note: Mapped[str] = mapped_column(sa.Text, default="")
    page_url: Mapped[str] = mapped_column(sa.String(1000))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    corrected_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class DigestRun(Base):
    """One period of one kind of digest, made up once: it starts where the one before ended.

    A period without a release has a row too, and no mailing.
    """

    __tablename__ = "digest_run"
    __table_args__ = (sa.UniqueConstraint("frequency", "language", "starts_at"),)

    id: Mapped[PrimaryKey]
    frequency: Mapped[str] = mapped_column(sa.String(20))
    language: Mapped[str] = mapped_column(sa.String(2))
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    items: Mapped[int]
    # When everybody it is for had been written down, whatever they changed meanwhile.
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class MailingItem(Base):
    """Which announcements, by their keys, stand in a mailing; more than one in a digest.

    `story` is the release whatever its version (`release:42`): whoever has got it once is not sent
    it again.
    """

    __tablename__ = "mailing_item"

    mailing_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("mailing.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(sa.String(120), primary_key=True, index=True)
    story: Mapped[str] = mapped_column(sa.String(60), default="", index=True)
