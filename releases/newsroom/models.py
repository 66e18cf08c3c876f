"""What the newsroom keeps beside the releases: lists, press kits, what was archived, followers.

Listings and the search index are derived from what is live. They are written with it and can be
thrown away: `Release.listed_id` says which revision they were last written from.
The search index, `release_search`, has another form in each database and no class here.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Id, PrimaryKey, UTCDateTime, one_of
from releases.editorial.models import Release, Revision


class Heading(StrEnum):
    """What visitors can list releases under, beside language and year."""

    PROGRAMME = "programme"
    TOPIC = "topic"
    PLACE = "place"


class Listing(Base):
    """A public release under one heading. `key` is a programme's or topic's id, or a place's code.

    Read in the order of (published_at, id), the newest first, a page after a known release.
    """

    __tablename__ = "listing"
    __table_args__ = (
        sa.Index("ix_listing_order", "kind", "key", "language", "published_at", "release_id"),
    )

    release_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("release.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[Heading] = mapped_column(one_of(Heading, "kind"), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(2))
    published_at: Mapped[datetime] = mapped_column(UTCDateTime)

    release: Mapped[Release] = relationship()


class ArchivedItem(Base):
    """An item of another newsroom's feed that has been brought in. `key` is the hash of its id."""

    __tablename__ = "archived_item"

    id: Mapped[PrimaryKey]
    key: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    guid: Mapped[str] = mapped_column(sa.Text)
    url: Mapped[str] = mapped_column(sa.Text, default="")
    release_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("release.id", ondelete="CASCADE"), index=True
    )
    imported_at: Mapped[datetime] = mapped_column(UTCDateTime)

    release: Mapped[Release] = relationship()


class PressKit(Base):
    """A live version as one ZIP and one PDF. `key` is its folder on the shelf, once it is made."""

    __tablename__ = "press_kit"
    __table_args__ = (sa.UniqueConstraint("release_id", "revision_id"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    key: Mapped[str | None] = mapped_column(sa.String(64), unique=True, info={"shelf": True})
    zip_size: Mapped[int] = mapped_column(default=0)
    pdf_size: Mapped[int] = mapped_column(default=0)
    wanted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    made_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    failures: Mapped[int] = mapped_column(default=0)

    release: Mapped[Release] = relationship()
    revision: Mapped[Revision] = relationship()


class HubPing(Base):
    """A feed that a hub outside has to be told of. A row stays; `due_at` says there is news."""

    __tablename__ = "hub_ping"

    id: Mapped[PrimaryKey]
    feed_url: Mapped[str] = mapped_column(sa.String(600), unique=True)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[str] = mapped_column(sa.String(300), default="")
    pinged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class FollowerState(StrEnum):
    ASKED = "asked"  # somebody said so; the callback has not confirmed it yet
    ACTIVE = "active"
    LEAVING = "leaving"  # asked to leave; not confirmed yet
    ENDED = "ended"


class Follower(Base):
    """A program that our own hub tells of a feed's changes. `key` hashes feed and callback.

    `due_at` says that there is something to do for it: to confirm it, or to bring it the feed.
    `secret` is sealed. WebSub (W3C Recommendation, 23 January 2018).
    """

    __tablename__ = "follower"
    __table_args__ = (sa.Index(None, "feed_url", "state"),)

    id: Mapped[PrimaryKey]
    key: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    feed_url: Mapped[str] = mapped_column(sa.String(600))
    callback: Mapped[str] = mapped_column(sa.String(1000))
    secret: Mapped[str] = mapped_column(sa.String(1000), default="")
    state: Mapped[FollowerState] = mapped_column(one_of(FollowerState, "state"))
    lease_seconds: Mapped[int]
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[str] = mapped_column(sa.String(300), default="")
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
