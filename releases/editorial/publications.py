"""What was live when, what readers were told of it, and how many got it by mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import Change, Publication, Release, ReleaseEvent
from releases.review.models import Invitation, InvitationVisit, Purpose
from subscribers.mailings.models import Mailing
from subscribers.mailings.questions import progress_of

Period = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Version:
    """A published version and who has met it.

    `periods` are when visitors could read it, the last one open while they still can. `sent` is how
    many mails with it a server took, `waiting` how many are on their way, and `readers` how many
    opened it under embargo.
    """

    publication: Publication
    periods: tuple[Period, ...]
    mailings: tuple[Mailing, ...]
    sent: int
    waiting: int
    readers: int


def went_live(
    release: Release,
    change: Change,
    *,
    note: str = "",
    mailing_key: str | None = None,
    by: User | None,
    at: datetime,
) -> Publication:
    """Remember that the live revision went out at this moment. No commit."""
    publication = Publication(
        release_id=release.id,
        revision_id=release.live_id,
        change=change,
        note=note.strip(),
        mailing_key=mailing_key,
        by_id=by.id if by else None,
        at=at,
    )
    db.session.add(publication)
    db.session.flush()
    return publication


Follow = Callable[[Release, datetime], None]
_follow: list[Follow] = []


def when_public(step: Follow) -> Follow:
    """Have `step(release, at)` called whenever what visitors read of a release has changed.

    It was published, changed, withdrawn or put back, and the step is part of that transaction: it
    must not commit, wait for the world or fail.
    """
    _follow.append(step)
    return step


def follow_up(release: Release, *, at: datetime) -> None:
    """Do what has to follow a change of what visitors read. No commit."""
    for step in _follow:
        step(release, at)


def publications(release: Release) -> list[Publication]:
    """All of them, the first first, with their revisions."""
    return list(
        db.session.scalars(
            sa.select(Publication)
            .where(Publication.release_id == release.id)
            .options(joinedload(Publication.revision), joinedload(Publication.by))
            .order_by(Publication.id)
        )
    )


def mailing_key(kind: str, release: Release, number: int) -> str:
    """The name of the mailing that carries a version: `release`, `correction` or `withdrawal`."""
    return f"{kind}:{release.id}:r{number}:{release.language}"


def versions(release: Release) -> list[Version]:
    """Every published version with its times and its readers, the first first."""
    history = publications(release)
    mailings = _mailings(release, history)
    progress = progress_of([one.id for one in mailings.values()])
    readers = _readers(release)
    gaps = _withdrawn(release)
    found = []
    for place, one in enumerate(history):
        until = history[place + 1].at if place + 1 < len(history) else None
        keys = [
            mailing_key(kind, release, one.revision.number) for kind in ("release", "correction")
        ]
        carried = tuple(mailings[key] for key in keys if key in mailings)
        found.append(
            Version(
                publication=one,
                periods=readable((one.at, until), gaps),
                mailings=carried,
                sent=sum(progress[mailing.id].sent for mailing in carried),
                waiting=sum(
                    progress[mailing.id].audience - progress[mailing.id].settled
                    for mailing in carried
                    if mailing.finished_at is None
                ),
                readers=readers.get(one.revision_id, 0),
            )
        )
    return found


def readable(period: Period, gaps: Sequence[Period]) -> tuple[Period, ...]:
    """A period without the parts in which the release was withdrawn. Pure.

    `gaps` are in order and do not touch.
    """
    since, until = period
    found: list[Period] = []
    for away, back in gaps:
        if until is not None and away >= until:
            break
        if back is not None and back <= since:
            continue
        if away > since:
            found.append((since, away))
        if back is None:
            return tuple(found)
        since = back
    return (*found, (since, until)) if until is None or since < until else tuple(found)


def panel(release: Release) -> dict[str, Any]:
    """What the release's page tells of its published versions, the newest first."""
    if release.published_at is None:
        return {"versions": []}
    return {"versions": versions(release)[::-1]}


def as_data(version: Version) -> dict[str, Any]:
    """A version as the JSON document that the command prints."""
    one = version.publication
    return {
        "revision": one.revision.number,
        "change": one.change.value,
        "note": one.note,
        "by": one.by.email if one.by else None,
        "live": [
            {"from": since.isoformat(), "to": until.isoformat() if until else None}
            for since, until in version.periods
        ],
        "mailings": [mailing.key for mailing in version.mailings],
        "sent": version.sent,
        "waiting": version.waiting,
        "embargo_readers": version.readers,
    }


def _mailings(release: Release, history: Sequence[Publication]) -> dict[str, Mailing]:
    keys = [
        mailing_key(kind, release, one.revision.number)
        for one in history
        for kind in ("release", "correction")
    ]
    found = db.session.scalars(sa.select(Mailing).where(Mailing.key.in_(keys)))
    return {mailing.key: mailing for mailing in found}


def _readers(release: Release) -> dict[int, int]:
    """How many people from outside were shown each revision under embargo."""
    rows = db.session.execute(
        sa.select(
            InvitationVisit.revision_id, sa.func.count(InvitationVisit.invitation_id.distinct())
        )
        .join(Invitation, Invitation.id == InvitationVisit.invitation_id)
        .where(
            Invitation.release_id == release.id,
            Invitation.purpose == Purpose.EMBARGO,
            InvitationVisit.revision_id.is_not(None),
        )
        .group_by(InvitationVisit.revision_id)
    )
    return {revision_id: count for revision_id, count in rows if revision_id is not None}


def _withdrawn(release: Release) -> list[Period]:
    """When it was away from the public."""
    steps = db.session.execute(
        sa.select(ReleaseEvent.action, ReleaseEvent.at)
        .where(
            ReleaseEvent.release_id == release.id,
            ReleaseEvent.action.in_(("withdraw", "reinstate")),
        )
        .order_by(ReleaseEvent.id)
    )
    gaps: list[Period] = []
    for action, at in steps:
        if action == "withdraw":
            gaps.append((at, None))
        elif gaps:
            gaps[-1] = (gaps[-1][0], at)
    return gaps
