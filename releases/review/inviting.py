"""People from outside, let in by a secret link: to one release, for one purpose, for a while.

The link is sealed and stored nowhere. It can be revoked, it expires, and what it showed is on
record. Opening it changes nothing else, so that a scanner that follows every link does no harm.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask import current_app

from app.core.accounts import User, normal_email
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, NotFound
from app.core.tokens import BadToken, seal, unseal
from releases.editorial.models import Release
from releases.review.models import Invitation, InvitationVisit, Purpose
from subscribers.audience.addresses import secrets_in_force


def invite(
    release: Release,
    purpose: Purpose,
    *,
    name: str,
    email: str,
    organisation: str = "",
    language: str = "",
    expires_at: datetime,
    delegated_from: Invitation | None = None,
    by: User | None,
    at: datetime,
) -> Invitation:
    """Somebody new who may come in until `expires_at`. No mail; no commit.

    `language` is theirs, by default the release's. Raises BadInput without a name or for an
    address that is none.
    """
    if not name.strip():
        raise BadInput("name_missing")
    invitation = Invitation(
        purpose=purpose,
        release_id=release.id,
        name=" ".join(name.split())[:200],
        email=normal_email(email),
        organisation=organisation.strip()[:200],
        language=language or release.language,
        delegated_from=delegated_from,
        invited_by=by,
        invited_at=at,
        expires_at=expires_at,
    )
    db.session.add(invitation)
    db.session.flush()
    record(
        "invitation.send",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        actor=delegated_from.name if delegated_from else "",
        purpose=purpose.value,
        name=invitation.name,
    )
    return invitation


def revoke(invitation: Invitation, *, by: User, at: datetime) -> None:
    """Let the link work no longer. Done once; a second time changes nothing."""
    won = guarded(
        sa.update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.revoked_at.is_(None))
        .values(revoked_at=at, revoked_by_id=by.id)
    )
    db.session.refresh(invitation)
    if won:
        release = db.session.get_one(Release, invitation.release_id)
        record(
            "invitation.revoke",
            "release",
            release.id,
            title=release.head.title,
            by=by,
            at=at,
            purpose=invitation.purpose.value,
            name=invitation.name,
        )


def invited(token: str, purpose: Purpose, *, at: datetime) -> Invitation:
    """Whose link it is. Raises NotFound for what is none of ours, revoked or past its time; the
    three cannot be told apart from outside."""
    for secret in secrets_in_force():
        try:
            public_id = unseal(token, purpose=_sealed_for(purpose), secret=secret)
        except BadToken:
            continue
        found = db.session.scalar(
            sa.select(Invitation).where(
                Invitation.public_id == public_id,
                Invitation.purpose == purpose,
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > at,
            )
        )
        if found is not None:
            return found
    raise NotFound("link_unknown")


def is_open(invitation: Invitation, *, at: datetime) -> bool:
    """Whether its link still works."""
    return invitation.revoked_at is None and invitation.expires_at > at


def any_open(release: Release, purpose: Purpose, *, at: datetime) -> bool:
    """Whether somebody holds a link for that purpose that still works."""
    return bool(
        db.session.scalar(
            sa.select(
                sa.exists().where(
                    Invitation.release_id == release.id,
                    Invitation.purpose == purpose,
                    Invitation.revoked_at.is_(None),
                    Invitation.expires_at > at,
                )
            )
        )
    )


def visit(invitation: Invitation, what: str, *, revision_id: int | None, at: datetime) -> None:
    """Put on record that they were shown or did something. No commit."""
    db.session.add(
        InvitationVisit(invitation_id=invitation.id, revision_id=revision_id, what=what, at=at)
    )
    db.session.flush()


def token_of(invitation: Invitation) -> str:
    """The secret of its link, for whoever sends it in another way."""
    secret: str = current_app.config["SECRET_KEY"]
    return seal(invitation.public_id, purpose=_sealed_for(invitation.purpose), secret=secret)


def sealing(invitation: Invitation) -> tuple[str, bytes]:
    """What a letter's link is sealed from: for `queue_letter(sealed_from=…)`."""
    return _sealed_for(invitation.purpose), invitation.public_id


def _sealed_for(purpose: Purpose) -> str:
    return f"invitation {purpose.value}"
