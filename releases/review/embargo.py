"""Embargo: chosen people outside read a text before it is public, by a link that is theirs alone.

An embargo is no state of a release but personal, recorded and revocable access to the version that
was approved. Its end is the publication itself: until the release is public, whatever the clock
says, the text is under embargo.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app, render_template
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User, normal_email, require
from app.core.audit import record
from app.core.clock import local, now
from app.core.db import db, guarded
from app.core.errors import BadInput, NotFound, NotNow
from app.core.formats import MONTHS, WEEKDAYS
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.models import Release, Revision, State
from releases.editorial.scheduling import zone_name
from releases.review.inviting import invite, invited, is_open, sealing, token_of, visit
from releases.review.models import Invitation, InvitationVisit, Purpose
from subscribers.mailings.writing.queueing import queue_letter, secret_url

KEPT = timedelta(days=30)  # after publication, or after today while no time is set
MOST_AT_ONCE = 50
LISTED = 200
PAGE = 100
OPEN = (State.APPROVED, State.SCHEDULED)
READABLE = (*OPEN, State.FAILED)  # approved words whose hour has come without them
IN_BRACKETS = re.compile(r"^(?P<name>[^<>]*)<(?P<email>[^<>]+)>\s*,?\s*(?P<organisation>.*)$")


@dataclass(frozen=True)
class Person:
    """Somebody to let in, as written on a line."""

    name: str
    email: str
    organisation: str = ""


@dataclass(frozen=True)
class Reader:
    """Somebody who has a link, on the page of a release.

    `link` is secret. `version` is the number of the last version they were shown, and `is_behind`
    says that the text has changed since.
    """

    invitation: Invitation
    is_open: bool
    seen_at: datetime | None
    version: int | None
    is_behind: bool
    link: str = ""


def people_in(text: str) -> list[Person]:
    """The people of some lines: `Eva Ek <eva@tidningen.se>, Tidningen`, one on each.

    Commas alone do as well. Raises BadInput for a line without a name or an address, saying which.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            found.append(_person(line.strip(), number))
    if not found:
        raise BadInput("embargo_nobody")
    if len(found) > MOST_AT_ONCE:
        raise BadInput("embargo_too_many", n=MOST_AT_ONCE)
    return found


def let_in(
    release: Release, *, name: str, email: str, organisation: str = "", by: User, at: datetime
) -> Invitation:
    """Give somebody a link of their own and write them a letter with it.

    Whoever has one already gets the same once more. Only an editor may, and only while there are
    approved words to read: raises NotAllowed or NotNow; BadInput without a name or an address.
    """
    require(by, Role.EDITOR)
    if release.published_at is not None:
        raise NotNow("embargo_is_over")
    if release.state not in OPEN:
        raise NotNow("embargo_needs_approval")
    invitation = _open_invitation(release, normal_email(email), at=at)
    if invitation is None:
        invitation = invite(
            release,
            Purpose.EMBARGO,
            name=name,
            email=email,
            organisation=organisation,
            expires_at=max(at, release.publish_at or at) + KEPT,
            by=by,
            at=at,
        )
    write_to(invitation, at=at)
    return invitation


def accept(invitation: Invitation, *, at: datetime) -> None:
    """They agree to the terms. Once; a second time changes nothing."""
    won = guarded(
        sa.update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.accepted_at.is_(None))
        .values(accepted_at=at)
    )
    db.session.refresh(invitation)
    if won:
        release = invitation.release
        visit(invitation, "accepted", revision_id=None, at=at)
        record(
            "embargo.accept",
            "release",
            release.id,
            title=release.head.title,
            by=None,
            actor=invitation.name,
            at=at,
            organisation=invitation.organisation,
        )


def readable(release: Release) -> Revision | None:
    """The words that those let in may read: the approved ones. None while they are being changed,
    and once the release has been public."""
    if release.published_at is not None or release.state not in READABLE:
        return None
    return release.approved


def reader_of(story_id: int, token: str, *, at: datetime) -> Invitation | None:
    """Whose link it is, when they have agreed to the terms and may read a text of this story now.

    None for anything else that `token` may be.
    """
    try:
        invitation = invited(token, Purpose.EMBARGO, at=at)
    except NotFound:
        return None
    release = invitation.release
    may_read = invitation.accepted_at is not None and readable(release) is not None
    return invitation if may_read and release.story_id == story_id else None


def line(release: Release, language: str, *, at: datetime) -> str:
    """The first line of everything under embargo: until when it holds.

    `EMBARGO till torsdag 5 december 2019 kl. 06.00`, `EMBARGOED until 06:00 CET, Thursday 5
    December 2019`. In the hour that autumn repeats the Swedish line says which of the two it is.
    Without a time, or when it has come and gone, until publication.
    """
    until = release.publish_at
    if until is None or until <= at:
        return translate("embargo.line.open", language)
    zone = organisation().time_zone
    there = local(until, zone)
    day = f"{there.day} {MONTHS[language][there.month - 1]} {there.year}"
    weekday = WEEKDAYS[language][there.weekday()]
    if language == "sv":
        which = f" ({zone_name(until, language, zone)})" if _comes_twice(there) else ""
        moment = f"{weekday} {day} kl. {there:%H.%M}{which}"
    else:
        moment = f"{there:%H:%M} {zone_name(until, language, zone)}, {weekday} {day}"
    return translate("embargo.line", language, moment=moment)


def terms(language: str) -> list[str]:
    """What they agree to, in paragraphs: the organisation's own words, or those that come along."""
    own = str(organisation().in_language("embargo_terms", language)).strip()
    text = own or translate("embargo.terms.default", language, sender=organisation().name(language))
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def readers_of(release: Release, revision_ids: Iterable[int]) -> list[Invitation]:
    """Those who were shown one of these revisions under embargo, each once, revoked or not."""
    shown = sa.select(InvitationVisit.invitation_id).where(
        InvitationVisit.revision_id.in_(list(revision_ids))
    )
    return list(
        db.session.scalars(
            sa.select(Invitation)
            .where(
                Invitation.release_id == release.id,
                Invitation.purpose == Purpose.EMBARGO,
                Invitation.id.in_(shown),
            )
            .order_by(Invitation.id)
        )
    )


def panel(release: Release, person: User) -> dict[str, Any]:
    """What the page of a release needs for its part about the embargo. Two queries."""
    at, is_editor = now(), person.may(Role.EDITOR)
    invitations = db.session.scalars(
        sa.select(Invitation)
        .where(Invitation.release_id == release.id, Invitation.purpose == Purpose.EMBARGO)
        .options(joinedload(Invitation.invited_by))
        .order_by(Invitation.revoked_at.is_not(None), Invitation.id.desc())
        .limit(LISTED)
    ).all()
    seen = _last_seen([one.id for one in invitations])
    readers = []
    for one in invitations:
        works = is_open(one, at=at)
        seen_at, revision_id, number = seen.get(one.id, (None, None, None))
        readers.append(
            Reader(
                one,
                is_open=works,
                seen_at=seen_at,
                version=number,
                is_behind=revision_id is not None and revision_id != release.head_id,
                link=link_of(one) if works and is_editor else "",
            )
        )
    may = is_editor and release.state in OPEN and release.published_at is None
    return {
        "readers": readers,
        "behind": [one.invitation.name for one in readers if one.is_behind],
        "may_let_in": may,
        "embargo_line": line(release, release.language, at=at) if may else "",
    }


def invitation_by_id(release: Release, invitation_id: int) -> Invitation:
    """One of this release's links. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Invitation).where(
            Invitation.id == invitation_id,
            Invitation.release_id == release.id,
            Invitation.purpose == Purpose.EMBARGO,
        )
    )
    if found is None:
        raise NotFound("no_such_invitation")
    return found


def visits(
    release: Release, *, before: int | None = None
) -> tuple[list[tuple[InvitationVisit, Invitation]], int | None]:
    """What everybody let in was shown, the latest first, and where the next page begins."""
    query = (
        sa.select(InvitationVisit, Invitation)
        .join(Invitation, Invitation.id == InvitationVisit.invitation_id)
        .where(Invitation.release_id == release.id, Invitation.purpose == Purpose.EMBARGO)
        .options(joinedload(InvitationVisit.revision))
        .order_by(InvitationVisit.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(InvitationVisit.id < before)
    found = [(row[0], row[1]) for row in db.session.execute(query)]
    return found[:PAGE], found[PAGE - 1][0].id if len(found) > PAGE else None


def path_of(release: Release) -> str:
    """Where the release stands, before its publication and after."""
    return f"/{release.language}/releases/{release.slug}"


def link_of(invitation: Invitation) -> str:
    """The address that their letter holds, for sending it in another way."""
    base, path = current_app.config["BASE_URL"], path_of(invitation.release)
    return f"{base}{path}?embargo={token_of(invitation)}"


def write_to(invitation: Invitation, *, at: datetime) -> None:
    """The letter with the link, until when the embargo holds, and the terms."""
    release, language = invitation.release, invitation.language
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().name(language),
        "name": invitation.name,
        "line": line(release, language, at=at),
        "terms": terms(language),
        "url": secret_url(f"{path_of(release).lstrip('/')}?embargo="),
        "reply_to": organisation().press_email,
    }
    queue_letter(
        key=f"embargo:{invitation.id}:{at:%Y%m%d%H%M}",
        to=invitation.email,
        language=language,
        subject=translate("embargo.mail.subject", language, sender=words["sender"]),
        text=render_template("mail/embargo/body.txt", **words),
        html=render_template("mail/embargo/body.html", **words),
        at=at,
        sealed_from=sealing(invitation),
    )


def _person(line_: str, number: int) -> Person:
    if found := IN_BRACKETS.match(line_):
        name, email, organisation_ = (part.strip(' ,"') for part in found.groups())
    else:
        parts = [part.strip() for part in re.split(r"[,;\t]", line_)]
        at = next((place for place, part in enumerate(parts) if "@" in part), None)
        if at is None:
            raise BadInput("embargo_line", n=number, line=line_[:100])
        before, _, email = parts[at].rpartition(" ")
        name = " ".join(part for part in (*parts[:at], before) if part)
        organisation_ = ", ".join(part for part in parts[at + 1 :] if part)
    if not name:
        raise BadInput("embargo_line", n=number, line=line_[:100])
    try:
        return Person(name, normal_email(email), organisation_)
    except BadInput:
        raise BadInput("embargo_line", n=number, line=line_[:100]) from None


def _open_invitation(release: Release, email: str, *, at: datetime) -> Invitation | None:
    return db.session.scalar(
        sa.select(Invitation)
        .where(
            Invitation.release_id == release.id,
            Invitation.purpose == Purpose.EMBARGO,
            Invitation.email == email,
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > at,
        )
        .order_by(Invitation.id.desc())
        .limit(1)
    )


def _last_seen(ids: list[int]) -> dict[int, tuple[datetime, int | None, int]]:
    """When each was last shown the text, and which revision: its id and number."""
    if not ids:
        return {}
    last = (
        sa.select(sa.func.max(InvitationVisit.id))
        .where(InvitationVisit.invitation_id.in_(ids), InvitationVisit.revision_id.is_not(None))
        .group_by(InvitationVisit.invitation_id)
    )
    rows = db.session.execute(
        sa.select(
            InvitationVisit.invitation_id,
            InvitationVisit.at,
            InvitationVisit.revision_id,
            Revision.number,
        )
        .join(Revision, Revision.id == InvitationVisit.revision_id)
        .where(InvitationVisit.id.in_(last))
    )
    return {invitation: (at, revision, number) for invitation, at, revision, number in rows}


def _comes_twice(there: datetime) -> bool:
    """Whether the wall clock shows that time twice."""
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
