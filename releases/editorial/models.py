"""Releases, their revisions and their history; the contacts printed on them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.accounts import User
from app.core.db import Base, Id, JSONText, PrimaryKey, UTCDateTime, one_of
from app.core.html import plain
from releases.rounds.models import Round
from subscribers.audience.models import Topic


class State(StrEnum):
    """Where the head of a release stands. Which moves are legal: `editorial.workflow`."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    FAILED = "failed"  # its time came and something stood in the way
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Change(StrEnum):
    """What a revision that goes live is to those who have read the one before."""

    FIRST = "first"
    TYPO = "typo"  # a dated line, no mail
    CORRECTION = "correction"  # a dated note at the top, told to those who got the wrong one


class Contact(Base):
    """A person printed on releases, reachable by journalists.

    While they are away (both days counted) their deputy answers.
    """

    __tablename__ = "contact"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(200))
    title_sv: Mapped[str] = mapped_column(sa.String(200), default="")
    title_en: Mapped[str] = mapped_column(sa.String(200), default="")
    phone: Mapped[str] = mapped_column(sa.String(40), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    # Whether they stand on the newsroom's page of contacts too.
    listed: Mapped[bool] = mapped_column(default=True)
    away_from: Mapped[date | None] = mapped_column(sa.Date)
    away_until: Mapped[date | None] = mapped_column(sa.Date)
    deputy_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("contact.id"))

    deputy: Mapped[Contact | None] = relationship(remote_side="Contact.id")

    def away_on(self, day: date) -> bool:
        """Whether they are away that day; both days that were given count."""
        if self.away_from is None and self.away_until is None:
            return False
        return (self.away_from or day) <= day <= (self.away_until or day)

    def printed(self, language: str) -> dict[str, Any]:
        """What a revision keeps of this contact, so that an approved text cannot change."""
        title = self.title_en if language == "en" else self.title_sv
        return {
            "id": self.id,
            "name": self.name,
            "title": title,
            "phone": self.phone,
            "email": self.email,
        }


class Story(Base):
    """One piece of news: what its language versions share."""

    __tablename__ = "story"

    id: Mapped[PrimaryKey]
    round_id: Mapped[int | None] = mapped_column(sa.ForeignKey("round.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Only those of StoryAccess, and administrators, may see a limited one.
    limited: Mapped[bool] = mapped_column(default=False)

    round: Mapped[Round | None] = relationship()
    topics: Mapped[list[Topic]] = relationship(secondary="story_topic", order_by="Topic.id")
    releases: Mapped[list[Release]] = relationship(back_populates="story", order_by="Release.id")


class StoryTopic(Base):
    """A topic that a story is about."""

    __tablename__ = "story_topic"

    story_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("story.id", ondelete="CASCADE"), primary_key=True
    )
    topic_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("topic.id"), primary_key=True)


class StoryAccess(Base):
    """Somebody who may see a limited story."""

    __tablename__ = "story_access"

    story_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("story.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("user_account.id"), primary_key=True)


class Release(Base):
    """One text in one language. Its head is worked on, one revision may be approved, one live."""

    __tablename__ = "release"
    __table_args__ = (
        sa.UniqueConstraint("language", "slug"),
        sa.Index(None, "language", "published_at", "id"),
        sa.Index(None, "state", "updated_at", "id"),
        sa.Index(None, "updated_at", "id"),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'scheduled', 'failed')"
            " OR (approved_id IS NOT NULL AND approved_id = head_id)",
            name="approval_is_of_the_head",
        ),
        sa.CheckConstraint(
            "state <> 'published' OR (live_id IS NOT NULL AND live_id = head_id)",
            name="live_is_the_head",
        ),
    )

    id: Mapped[PrimaryKey]
    story_id: Mapped[int] = mapped_column(sa.ForeignKey("story.id"), index=True)
    language: Mapped[str] = mapped_column(sa.String(2))
    slug: Mapped[str] = mapped_column(sa.String(120))
    state: Mapped[State] = mapped_column(one_of(State, "state"), default=State.DRAFT)
    head_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("revision.id", use_alter=True))
    approved_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("revision.id", use_alter=True)
    )
    live_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("revision.id", use_alter=True))
    submitted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    publish_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_reason: Mapped[str] = mapped_column(sa.Text, default="")
    # How often it has been sent to review; its Reviews carry the number they belong to.
    submission: Mapped[int] = mapped_column(default=0)
    # Whether the mailing goes out when it is published, and when, if later than that.
    mail_wanted: Mapped[bool] = mapped_column(default=True)
    mail_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # What stood in the way at its time: keys of words with their facts.
    failure: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONText)
    # The language version it was made from, and the revision of that which it follows.
    original_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("release.id"))
    follows_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("revision.id", use_alter=True))
    # The revision that the newsroom's lists and its search were last written from.
    listed_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("revision.id", use_alter=True))
    # The head's words in lower case, for the office's search.
    search_text: Mapped[str] = mapped_column(sa.Text, default="")

    story: Mapped[Story] = relationship(back_populates="releases")
    head: Mapped[Revision] = relationship(foreign_keys=[head_id], post_update=True)
    approved: Mapped[Revision | None] = relationship(foreign_keys=[approved_id], post_update=True)
    live: Mapped[Revision | None] = relationship(foreign_keys=[live_id], post_update=True)
    submitted_by: Mapped[User | None] = relationship()
    original: Mapped[Release | None] = relationship(
        foreign_keys=[original_id], remote_side="Release.id"
    )
    follows: Mapped[Revision | None] = relationship(foreign_keys=[follows_id], post_update=True)

    @property
    def is_public(self) -> bool:
        """Whether visitors may read it: something is live and it is not withdrawn."""
        return self.live_id is not None and self.state is not State.WITHDRAWN

    @property
    def has_unpublished_changes(self) -> bool:
        return self.is_public and self.live_id != self.head_id


class Revision(Base):
    """A saved version of a release; never changed once written.

    `headline` and `lead` are inline HTML, `body` block HTML, all cleaned, with figures as <data>.
    `contacts`, `links`, `images` and `documents` are kept as they were printed, so that an approved
    text cannot change; `about_programme` is plain text.
    """

    __tablename__ = "revision"
    __table_args__ = (sa.UniqueConstraint("release_id", "number"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    number: Mapped[int]
    headline: Mapped[str] = mapped_column(sa.Text)
    lead: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[str] = mapped_column(sa.Text)
    about_programme: Mapped[str] = mapped_column(sa.Text, default="")
    contacts: Mapped[list[dict[str, Any]]] = mapped_column(JSONText, default=list)
    links: Mapped[list[dict[str, str]]] = mapped_column(JSONText, default=list)
    images: Mapped[list[dict[str, Any]]] = mapped_column(JSONText, default=list)
    documents: Mapped[list[dict[str, Any]]] = mapped_column(JSONText, default=list)
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    author: Mapped[User | None] = relationship()

    @property
    def title(self) -> str:
        """The headline as plain text."""
        return plain(self.headline)


class OldAddress(Base):
    """A path, with its query if it has one, that leads to a release by a redirect.

    What a release was called before its slug changed, or where it was in another newsroom.
    """

    __tablename__ = "old_address"

    id: Mapped[PrimaryKey]
    path: Mapped[str] = mapped_column(sa.String(600), unique=True)
    release_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("release.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    release: Mapped[Release] = relationship()


class Publication(Base):
    """A revision going live: from this moment it is what pages and feeds give.

    The rows of a release say which words anybody got when. `note` is what visitors read about the
    change; `mailing_key` names the mailing that carried it.
    """

    __tablename__ = "publication"
    __table_args__ = (sa.Index(None, "release_id", "id"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    change: Mapped[Change] = mapped_column(one_of(Change, "change"))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    mailing_key: Mapped[str | None] = mapped_column(sa.String(120))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))

    revision: Mapped[Revision] = relationship()
    by: Mapped[User | None] = relationship()


class Override(Base):
    """A line of the preflight that somebody has taken upon themselves, for one revision."""

    __tablename__ = "override"
    __table_args__ = (sa.UniqueConstraint("revision_id", "line"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    line: Mapped[str] = mapped_column(sa.String(200))
    reason: Mapped[str] = mapped_column(sa.Text)
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    by: Mapped[User] = relationship()


class Autosave(Base):
    """What somebody has written and not saved. One for each person and release; not a revision."""

    __tablename__ = "autosave"

    release_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("release.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("user_account.id"), primary_key=True)
    base_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    text: Mapped[dict[str, Any]] = mapped_column(JSONText)
    saved_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Presence(Base):
    """Somebody has a release's editing page open."""

    __tablename__ = "presence"

    release_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("release.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("user_account.id"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship()


class LinkCheck(Base):
    """How an address printed in a release answered when it was last asked."""

    __tablename__ = "link_check"

    id: Mapped[PrimaryKey]
    url: Mapped[str] = mapped_column(sa.String(1000), unique=True)
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    works: Mapped[bool | None]
    answer: Mapped[str] = mapped_column(sa.String(300), default="")


class Dismissal(Base):
    """A finding of the fact check that a person has looked at: not told about this text again."""

    __tablename__ = "dismissal"
    __table_args__ = (sa.UniqueConstraint("release_id", "finding"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    finding: Mapped[str] = mapped_column(sa.String(500))
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class ReleaseEvent(Base):
    """One step in a release's history: who did what, when, to which revision. Append only."""

    __tablename__ = "release_event"
    __table_args__ = (sa.Index(None, "release_id", "id"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("revision.id"))
    action: Mapped[str] = mapped_column(sa.String(20))
    from_state: Mapped[State | None] = mapped_column(one_of(State, "from_state"))
    to_state: Mapped[State] = mapped_column(one_of(State, "to_state"))
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(sa.Text, default="")

    by: Mapped[User | None] = relationship()
    revision: Mapped[Revision | None] = relationship()
