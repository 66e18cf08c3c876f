"""What the office asks about releases. Lists go by pages after a known row."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.db import db
from app.core.errors import NotFound
from releases.editorial.models import Release, ReleaseEvent, Revision, State, Story
from releases.rounds.models import Round
from releases.rounds.questions import Page

PAGE = 30
EVENTS = 100


def release_by_id(release_id: int) -> Release:
    """With its head and its round. Raises NotFound."""
    found = db.session.scalar(_whole().where(Release.id == release_id))
    if found is None:
        raise NotFound("no_such_release", id=release_id)
    return found


def releases_page(*, state: State | None = None, before: int | None = None) -> Page[Release]:
    """Releases, the last changed first."""
    query = _whole().order_by(Release.updated_at.desc(), Release.id.desc())
    if state is not None:
        query = query.where(Release.state == state)
    if before is not None:
        place = sa.select(Release.updated_at, Release.id).where(Release.id == before)
        query = query.where(sa.tuple_(Release.updated_at, Release.id) < place.scalar_subquery())
    found = list(db.session.scalars(query.limit(PAGE + 1)))
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def waiting(*states: State, most: int = 10) -> list[Release]:
    """The releases that have stood longest in one of the states."""
    return list(
        db.session.scalars(
            _whole()
            .where(Release.state.in_(states))
            .order_by(Release.updated_at, Release.id)
            .limit(most)
        )
    )


def of_round(round_: Round) -> list[Release]:
    """The releases made from a round, the newest first; the last hundred."""
    return list(
        db.session.scalars(
            _whole().where(Story.round_id == round_.id).order_by(Release.id.desc()).limit(EVENTS)
        )
    )


def other_languages(release: Release) -> list[Release]:
    """The language versions beside this one."""
    return list(
        db.session.scalars(
            _whole().where(Release.story_id == release.story_id, Release.id != release.id)
        )
    )


def history(release: Release) -> list[ReleaseEvent]:
    """What happened to it, the latest first; the last hundred steps."""
    return list(
        db.session.scalars(
            sa.select(ReleaseEvent)
            .where(ReleaseEvent.release_id == release.id)
            .options(joinedload(ReleaseEvent.by), joinedload(ReleaseEvent.revision))
            .order_by(ReleaseEvent.id.desc())
            .limit(EVENTS)
        )
    )


def revision_of(release: Release, revision_id: int) -> Revision:
    """One of this release's own revisions. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Revision)
        .where(Revision.id == revision_id, Revision.release_id == release.id)
        .options(joinedload(Revision.author))
    )
    if found is None:
        raise NotFound("no_such_revision")
    return found


def _whole() -> sa.Select[Release]:
    return (
        sa.select(Release)
        .join(Release.story)
        .options(
            joinedload(Release.head).joinedload(Revision.author),
            joinedload(Release.live),
            joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
            joinedload(Release.submitted_by),
        )
    )
