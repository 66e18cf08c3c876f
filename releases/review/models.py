"""Reviews and comments, the people invited from outside, and what those quoted have said."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.accounts import Role, User
from app.core.db import Base, Id, PrimaryKey, UTCDateTime, one_of
from releases.editorial.models import Release, Revision

PUBLIC_ID_BYTES = 16


def new_public_id() -> bytes:
    """128 random bits: what a secret link names instead of a row number."""
    return secrets.token_bytes(PUBLIC_ID_BYTES)


class Verdict(StrEnum):
    PASSED = "passed"
    CHANGES = "changes"  # something has to change first


class Review(Base):
    """One person's, or one role's, look at a text that was submitted.

    Those of one `submission` belong together. A `required` one has to be passed before the text
    can be approved, and waits until the required ones of lower `position` are. Asked is a person
    (`user_id`), somebody invited (`invitation_id`) or anybody of a `role`.
    """

    __tablename__ = "review"
    __table_args__ = (
        sa.Index(None, "release_id", "submission", "position"),
        sa.Index(None, "user_id", "decided_at"),
    )

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    submission: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    required: Mapped[bool] = mapped_column(default=False)
    label_sv: Mapped[str] = mapped_column(sa.String(200), default="")
    label_en: Mapped[str] = mapped_column(sa.String(200), default="")
    role: Mapped[Role | None] = mapped_column(one_of(Role, "role"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    invitation_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("invitation.id"))
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    verdict: Mapped[Verdict | None] = mapped_column(one_of(Verdict, "verdict"))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    release: Mapped[Release] = relationship()
    revision: Mapped[Revision] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    asked_by: Mapped[User | None] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    invitation: Mapped[Invitation | None] = relationship()


class Outcome(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ACCEPTED = "accepted"  # a suggestion that became a revision
    REJECTED = "rejected"


class Comment(Base):
    """Something said about a text, in general or about a passage of it; perhaps other words for it.

    The passage is remembered by its plain words and a few of those around it (`before`, `after`),
    so that it is found again in later revisions. `replacement` makes it a suggestion. An answer
    has a `parent` and no passage.
    """

    __tablename__ = "comment"
    __table_args__ = (sa.Index(None, "release_id", "id"),)

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    parent_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("comment.id", ondelete="CASCADE"), index=True
    )
    part: Mapped[str] = mapped_column(sa.String(20), default="")  # headline, lead, body or nothing
    passage: Mapped[str] = mapped_column(sa.Text, default="")
    before: Mapped[str] = mapped_column(sa.String(60), default="")
    after: Mapped[str] = mapped_column(sa.String(60), default="")
    text: Mapped[str] = mapped_column(sa.Text)
    replacement: Mapped[str | None] = mapped_column(sa.Text)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    invitation_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("invitation.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"), default=Outcome.OPEN)
    settled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    author: Mapped[User | None] = relationship(foreign_keys=[author_id])
    settled_by: Mapped[User | None] = relationship(foreign_keys=[settled_by_id])
    invitation: Mapped[Invitation | None] = relationship()
    revision: Mapped[Revision] = relationship()


class Purpose(StrEnum):
    """What somebody without an account has been invited to."""

    REVIEW = "review"
    SIGN_OFF = "sign_off"
    EMBARGO = "embargo"


class Invitation(Base):
    """One person from outside and one secret link, for one purpose on one release.

    The link is sealed from `public_id` and stored nowhere. It stops working when it is revoked or
    has expired. `accepted_at` is when the terms of an embargo were agreed to.
    """

    __tablename__ = "invitation"
    __table_args__ = (sa.Index(None, "release_id", "purpose", "id"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[bytes] = mapped_column(
        sa.LargeBinary(PUBLIC_ID_BYTES), unique=True, default=new_public_id
    )
    purpose: Mapped[Purpose] = mapped_column(one_of(Purpose, "purpose"))
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str] = mapped_column(sa.String(254))
    organisation: Mapped[str] = mapped_column(sa.String(200), default="")
    language: Mapped[str] = mapped_column(sa.String(2))
    delegated_from_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("invitation.id"))
    invited_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    invited_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    release: Mapped[Release] = relationship()
    invited_by: Mapped[User | None] = relationship(foreign_keys=[invited_by_id])
    delegated_from: Mapped[Invitation | None] = relationship(remote_side="Invitation.id")


class InvitationVisit(Base):
    """Something an invited person was shown or did, and of which revision. Append only."""

    __tablename__ = "invitation_visit"
    __table_args__ = (sa.Index(None, "invitation_id", "id"),)

    id: Mapped[PrimaryKey]
    invitation_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("invitation.id", ondelete="CASCADE")
    )
    revision_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("revision.id"))
    what: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    revision: Mapped[Revision | None] = relationship()


class Answer(StrEnum):
    """What the person quoted has said."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"  # approves other words, which stand in `proposed`
    DECLINED = "declined"


class SignOff(Base):
    """A quote put to the person quoted, and their answer.

    `fingerprint` is of the words and the attribution as they stood, so that a change of either
    leaves the quote unsigned without anybody having to void anything. Edited, the answer holds for
    the `proposed` words, whose fingerprint is `proposed_fingerprint`. `recorded_by` is who wrote
    down an answer given by phone or in person, and `note` how.
    """

    __tablename__ = "sign_off"
    __table_args__ = (
        sa.Index(None, "release_id", "fingerprint"),
        sa.Index(None, "release_id", "proposed_fingerprint"),
    )

    id: Mapped[PrimaryKey]
    release_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("release.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("revision.id"))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    words: Mapped[str] = mapped_column(sa.Text)
    attribution: Mapped[str] = mapped_column(sa.String(500))
    invitation_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("invitation.id"), index=True
    )
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    answer: Mapped[Answer] = mapped_column(one_of(Answer, "answer"), default=Answer.PENDING)
    proposed: Mapped[str] = mapped_column(sa.Text, default="")
    proposed_fingerprint: Mapped[str | None] = mapped_column(sa.String(64))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))

    release: Mapped[Release] = relationship()
    invitation: Mapped[Invitation | None] = relationship()
    asked_by: Mapped[User | None] = relationship(foreign_keys=[asked_by_id])
    recorded_by: Mapped[User | None] = relationship(foreign_keys=[recorded_by_id])
