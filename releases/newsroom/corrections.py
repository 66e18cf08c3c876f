"""What visitors are told about changes: dated notes, and the wording that stood before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from markupsafe import escape
from sqlalchemy.orm import contains_eager

from app.core.db import db
from app.core.errors import NotFound
from app.core.formats import date_and_time
from app.core.words import translate
from releases.editorial.models import Change, Publication, Release, Revision


@dataclass(frozen=True)
class Correction:
    """One correction as readers see it. `earlier` is the number of the version it corrected."""

    at: datetime
    label: str
    note: str
    earlier: int | None


@dataclass(frozen=True)
class Update:
    """The latest change that corrected no fact: a dated line, perhaps with what it was."""

    at: datetime
    note: str = ""


def histories(releases: Sequence[Release]) -> dict[int, list[Publication]]:
    """What has been live of each release, the first first, with the numbers of the versions."""
    found: dict[int, list[Publication]] = {one.id: [] for one in releases}
    query = (
        sa.select(Publication)
        .join(Publication.revision)
        .where(Publication.release_id.in_(found))
        .order_by(Publication.id)
        .options(contains_eager(Publication.revision).load_only(Revision.number))
    )
    for publication in db.session.scalars(query):
        found[publication.release_id].append(publication)
    return found


def history_of(release: Release) -> list[Publication]:
    return histories([release])[release.id]


def corrections(history: Sequence[Publication], *, language: str, zone: str) -> list[Correction]:
    """The corrections, the newest first."""
    found = [
        Correction(
            at=one.at,
            label=translate(
                "after.correction", language, moment=date_and_time(one.at, language, zone)
            ),
            note=one.note,
            earlier=history[place - 1].revision.number if place else None,
        )
        for place, one in enumerate(history)
        if one.change is Change.CORRECTION
    ]
    return found[::-1]


def last_update(release: Release, history: Sequence[Publication]) -> Update | None:
    """The newest change after publication that was no correction; None when there was none.

    Of a release older than its history only the moment of its last change is known.
    """
    assert release.published_at is not None
    kept = [Update(one.at, one.note) for one in history if one.change is not Change.CORRECTION]
    if not history:
        kept = [Update(release.changed_at or release.published_at)]
    last = max(kept, key=lambda one: one.at, default=None)
    return last if last is not None and last.at > release.published_at else None


def earlier_version(release: Release, number: int) -> tuple[Revision, list[Publication]]:
    """A version that visitors once read, and what has been live after it.

    Raises NotFound for one that was never live, and for the one that is live now.
    """
    history = history_of(release)
    for place, one in enumerate(history):
        if one.revision.number == number and one.revision_id != release.live_id:
            return db.session.get_one(Revision, one.revision_id), history[place + 1 :]
    raise NotFound("not_in_newsroom")


def in_feed(told: Sequence[Correction]) -> tuple[str, str]:
    """The corrections as plain text and as HTML, to stand before a feed item's own words."""
    plain = " ".join(f"{one.label}: {one.note}" for one in told)
    html = "".join(
        f"<p><strong>{escape(one.label)}:</strong> {escape(one.note)}</p>\n" for one in told
    )
    return (f"{plain} " if plain else ""), html
