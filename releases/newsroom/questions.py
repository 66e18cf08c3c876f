"""What the public pages ask the database. Only what visitors may read comes out of here.

Nothing walks the whole table: lists go by pages after a known release, in the order of
(published_at, id), which has an index for each language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.db import db
from app.core.errors import NotFound
from releases.editorial.models import Release, Revision, State, Story
from releases.rounds.models import Programme, Round

PAGE = 20
FEED = 30
SITEMAP = 45_000  # the protocol's limit is 50,000 addresses
BIGGEST_ID = 2**63 - 1

IS_PUBLIC = sa.and_(
    Release.live_id.is_not(None),
    Release.published_at.is_not(None),
    Release.state != State.WITHDRAWN,
)


@dataclass(frozen=True)
class Page:
    """Some releases, newest first; `next` is the last one's id when there are older ones."""

    releases: list[Release]
    next: int | None


def front(language: str, *, before: int | None = None, size: int = PAGE) -> Page:
    """A page of published releases, those older than the release `before`.

    Headline and lead only. Raises NotFound when `before` is no release that was ever public here.
    """
    query = _listed(language).limit(size + 1)
    if before is not None:
        query = query.where(sa.tuple_(Release.published_at, Release.id) < _place(language, before))
    found = list(db.session.scalars(query))
    return Page(found[:size], found[size - 1].id if len(found) > size else None)


def latest(language: str, *, but: Release, count: int = 5) -> list[Release]:
    """The newest releases beside the one being read."""
    query = _listed(language).where(Release.id != but.id).limit(count)
    return list(db.session.scalars(query))


def release_at(language: str, slug: str) -> Release:
    """The release of an address, published or withdrawn after publication. Raises NotFound.

    Comes with its live revision, its programme and the other language versions.
    """
    query = (
        sa.select(Release)
        .where(Release.language == language, Release.slug == slug)
        .where(Release.published_at.is_not(None))
        .where(sa.or_(Release.live_id.is_not(None), Release.state == State.WITHDRAWN))
        .options(
            joinedload(Release.live),
            joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
            joinedload(Release.story).selectinload(Story.releases),
        )
    )
    release = db.session.scalars(query).unique().one_or_none()
    if release is None:
        raise NotFound("not_in_newsroom")
    return release


def other_version(release: Release) -> Release | None:
    """The same news in the other language, when visitors may read it."""
    others = (other for other in release.story.releases if other.language != release.language)
    return next((other for other in others if other.is_public and other.published_at), None)


def programme_of(release: Release) -> Programme | None:
    return release.story.round.programme if release.story.round else None


def feed(language: str) -> list[Release]:
    """The newest releases whole, with their programmes."""
    query = (
        sa.select(Release)
        .where(Release.language == language, IS_PUBLIC)
        .order_by(Release.published_at.desc(), Release.id.desc())
        .limit(FEED)
        .options(
            joinedload(Release.live),
            joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
        )
    )
    return list(db.session.scalars(query))


def last_withdrawal(language: str) -> datetime | None:
    """When a published release was last taken away: the feed has changed then too."""
    return db.session.scalar(
        sa.select(sa.func.max(Release.updated_at, type_=Release.updated_at.type)).where(
            Release.language == language,
            Release.state == State.WITHDRAWN,
            Release.published_at.is_not(None),
        )
    )


def addresses() -> list[tuple[str, str, datetime]]:
    """(language, slug, last change) of the newest published releases, for the sitemap."""
    changed = sa.func.coalesce(
        Release.changed_at, Release.published_at, type_=Release.updated_at.type
    )
    query = (
        sa.select(Release.language, Release.slug, changed)
        .where(IS_PUBLIC)
        .order_by(Release.published_at.desc(), Release.id.desc())
        .limit(SITEMAP)
    )
    return [(language, slug, at) for language, slug, at in db.session.execute(query)]


def _listed(language: str) -> sa.Select[Release]:
    return (
        sa.select(Release)
        .join(Release.live)
        .where(Release.language == language, IS_PUBLIC)
        .order_by(Release.published_at.desc(), Release.id.desc())
        .options(contains_eager(Release.live).load_only(Revision.headline, Revision.lead))
    )


def _place(language: str, before: int) -> sa.Tuple:
    if not 0 < before <= BIGGEST_ID:
        raise NotFound("not_in_newsroom")
    at = db.session.scalar(
        sa.select(Release.published_at).where(Release.id == before, Release.language == language)
    )
    if at is None:
        raise NotFound("not_in_newsroom")
    return sa.tuple_(sa.literal(at, Release.published_at.type), sa.literal(before, Release.id.type))
