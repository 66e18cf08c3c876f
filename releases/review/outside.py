"""Reviewers from outside: their invitation, the letter with its link, and what it shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app, render_template
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.db import db, guarded
from app.core.errors import BadInput, NotFound
from app.core.formats import date_line
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.models import Release, ReleaseEvent, Revision
from releases.review import inviting
from releases.review.models import Invitation, InvitationVisit, Purpose, Review
from subscribers.mailings.writing.queueing import queue_letter, secret_url

OPEN_FOR = timedelta(days=14)
AFTER_DUE = timedelta(days=1)
ONE_LOOK = timedelta(hours=1)
READ = "read"


@dataclass(frozen=True)
class Guest:
    """Somebody invited, as the office sees them: when they looked, and their link's address."""

    invitation: Invitation
    looked_at: datetime | None
    looks: int
    url: str
    is_open: bool


def invitation_for(
    release: Release, *, name: str, email: str, due_at: datetime | None, by: User, at: datetime
) -> Invitation:
    """Their open invitation to review this release, its time made longer, or a new one."""
    until = closes_at(due_at, at=at)
    known = db.session.scalar(
        sa.select(Invitation)
        .where(
            Invitation.release_id == release.id,
            Invitation.purpose == Purpose.REVIEW,
            Invitation.email == email,
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > at,
        )
        .order_by(Invitation.id.desc())
        .limit(1)
    )
    if known is not None:
        known.expires_at = max(known.expires_at, until)
        return known
    return inviting.invite(
        release, Purpose.REVIEW, name=name, email=email, expires_at=until, by=by, at=at
    )


def closes_at(due_at: datetime | None, *, at: datetime) -> datetime:
    """When a link asked for at `at` stops working: a day after the answer is due, or in 14 days."""
    return due_at + AFTER_DUE if due_at else at + OPEN_FOR


def write(
    review: Review, *, at: datetime, message: str = "", occasion: str = "asked", key: str = ""
) -> None:
    """A letter with the link. `occasion` is asked, due or again; the same `key` is sent once."""
    invitation, release = review.invitation, review.release
    assert invitation is not None
    language = invitation.language
    who = review.asked_by.name if review.asked_by else organisation().name(language)
    sender = organisation().name(language)
    facts = {"who": who, "headline": release.head.title, "sender": sender}
    zone = organisation().time_zone
    words = {
        "words": translate,
        "language": language,
        "sender": sender,
        "greeting": translate("review.mail.greeting", language, name=invitation.name),
        "opening": translate(f"review.mail.{occasion}", language, **facts),
        "message": message.strip(),
        "due": date_line(review.due_at, language, zone) if review.due_at else "",
        "until": date_line(invitation.expires_at, language, zone),
        "url": secret_url("invited/"),
    }
    queue_letter(
        key=f"review-letter:{key or review.id}",
        to=invitation.email,
        language=language,
        subject=translate(f"review.mail.subject.{occasion}", language, headline=facts["headline"]),
        text=render_template("mail/review_invitation/body.txt", **words),
        html=render_template("mail/review_invitation/body.html", **words),
        at=at,
        sealed_from=inviting.sealing(invitation),
    )


def send_again(invitation: Invitation, *, at: datetime) -> None:
    """The same link once more. Raises BadInput when it no longer works."""
    review = review_of(invitation)
    if review is None or not is_open(invitation, at=at):
        raise BadInput("invitation_closed", name=invitation.name)
    write(review, at=at, occasion="again", key=f"{review.id}:{at.isoformat()}")


def invitation_of(release: Release, invitation_id: int) -> Invitation:
    """One of this release's own invitations to review it. Raises NotFound."""
    found = db.session.get(Invitation, invitation_id)
    wanted = (release.id, Purpose.REVIEW)
    if found is None or (found.release_id, found.purpose) != wanted:
        raise NotFound("no_such_invitation")
    return found


def review_of(invitation: Invitation) -> Review | None:
    """The latest review that this person has been asked for."""
    return db.session.scalar(
        sa.select(Review)
        .where(Review.invitation_id == invitation.id)
        .order_by(Review.id.desc())
        .limit(1)
    )


def submitted_revision(release: Release) -> Revision:
    """The words that were last put to review: all that people from outside are shown.

    Raises NotFound for a text that never was.
    """
    found = db.session.scalar(
        sa.select(Revision)
        .join(ReleaseEvent, ReleaseEvent.revision_id == Revision.id)
        .where(ReleaseEvent.release_id == release.id, ReleaseEvent.action == "submit")
        .order_by(ReleaseEvent.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound("link_unknown")
    return found


def look(invitation: Invitation, revision: Revision, *, at: datetime) -> None:
    """Put on record that they were shown a revision, once an hour at most. Commits.

    In a transaction of its own, which begins with a write: SQLite refuses one that turns from
    reading to writing when somebody else wrote meanwhile. The row of the invitation is held first,
    so that two who open the link at once are one look.
    """
    invitation_id, revision_id = invitation.id, revision.id
    db.session.rollback()
    held = guarded(
        sa.update(Invitation)
        .where(Invitation.id == invitation_id)
        .values(expires_at=Invitation.expires_at)
    )
    recent = db.session.scalar(
        sa.select(InvitationVisit.id)
        .where(
            InvitationVisit.invitation_id == invitation_id,
            InvitationVisit.revision_id == revision_id,
            InvitationVisit.what == READ,
            InvitationVisit.at > at - ONE_LOOK,
        )
        .limit(1)
    )
    if held and recent is None:
        inviting.visit(invitation, READ, revision_id=revision_id, at=at)
    db.session.commit()


def invited_to(release: Release) -> list[Invitation]:
    """Who has been invited to review it, the latest first; the last hundred."""
    return list(
        db.session.scalars(
            sa.select(Invitation)
            .where(Invitation.release_id == release.id, Invitation.purpose == Purpose.REVIEW)
            .options(joinedload(Invitation.invited_by))
            .order_by(Invitation.id.desc())
            .limit(100)
        )
    )


def guests(release: Release, *, at: datetime) -> list[Guest]:
    """Those invited to review it, with when they looked."""
    found = invited_to(release)
    seen = {
        invitation_id: (count, last)
        for invitation_id, count, last in db.session.execute(
            sa.select(
                InvitationVisit.invitation_id,
                sa.func.count(),
                sa.func.max(InvitationVisit.at),
            )
            .where(
                InvitationVisit.invitation_id.in_([one.id for one in found]),
                InvitationVisit.what == READ,
            )
            .group_by(InvitationVisit.invitation_id)
        )
    }
    return [
        Guest(
            invitation=one,
            looks=seen.get(one.id, (0, None))[0],
            looked_at=seen.get(one.id, (0, None))[1],
            url=f"{current_app.config['BASE_URL']}/invited/{inviting.token_of(one)}",
            is_open=is_open(one, at=at),
        )
        for one in found
    ]


def is_open(invitation: Invitation, *, at: datetime) -> bool:
    """Whether its link still works."""
    return invitation.revoked_at is None and invitation.expires_at > at
