"""The versions of a release, page by page, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.db import db
from releases.editorial.models import Release, ReleaseEvent, Revision
from releases.rounds.questions import Page

PAGE = 20
BEGINS = ("publish", "import", "reinstate")


@dataclass(frozen=True)
class Span:
    """How long a version was what visitors read; without an end it still is."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Version:
    """A revision, when it was approved, and when it was live."""

    revision: Revision
    is_head: bool
    approved_at: datetime | None = None
    live: tuple[Span, ...] = field(default=())


def versions_page(release: Release, *, before: int | None = None) -> Page[Version]:
    """The versions, the latest first; those numbered lower than `before`."""
    query = (
        sa.select(Revision)
        .where(Revision.release_id == release.id)
        .options(joinedload(Revision.author))
        .order_by(Revision.number.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(sa.cast(Revision.number, sa.BigInteger) < before)
    found = list(db.session.scalars(query))
    return Page(_told(release, found[:PAGE]), found[PAGE - 1].number if len(found) > PAGE else None)


def _told(release: Release, revisions: Sequence[Revision]) -> list[Version]:
    events = db.session.scalars(
        sa.select(ReleaseEvent)
        .where(
            ReleaseEvent.release_id == release.id,
            ReleaseEvent.action.in_((*BEGINS, "withdraw", "approve")),
        )
        .order_by(ReleaseEvent.id)
    ).all()
    live = _spans(events)
    approved = {one.revision_id: one.at for one in events if one.action == "approve"}
    return [
        Version(one, one.id == release.head_id, approved.get(one.id), tuple(live.get(one.id, ())))
        for one in revisions
    ]


def _spans(events: Sequence[ReleaseEvent]) -> dict[int | None, list[Span]]:
    """When each revision was live: until the next one was, or until it was withdrawn."""
    spans: dict[int | None, list[Span]] = defaultdict(list)
    shown: tuple[int | None, datetime] | None = None
    for event in events:
        if event.action == "approve":
            continue
        if shown is not None:
            spans[shown[0]].append(Span(shown[1], event.at))
        shown = (event.revision_id, event.at) if event.action in BEGINS else None
    if shown is not None:
        spans[shown[0]].append(Span(shown[1]))
    return spans
