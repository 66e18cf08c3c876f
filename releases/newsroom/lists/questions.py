"""What the newsroom's lists ask the database: programmes, topics, places and years.

Only what visitors may read comes out of here. Releases are read through their listings, a page
after a known release; what has no public release is in no list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.clock import local, midnight
from app.core.db import db
from app.core.errors import NotFound
from app.core.paging import LARGEST_ID
from releases.editorial.models import Release, Revision, Story
from releases.newsroom.lists.stems import bare
from releases.newsroom.models import Heading, Listing
from releases.newsroom.questions import IS_PUBLIC, PAGE, Page
from releases.rounds.alphabet import swedish_key
from releases.rounds.importing import slug_of
from releases.rounds.models import Programme, Round
from releases.rounds.register import Place, counties, county_name, place_with
from subscribers.audience.models import Topic

YEAR_PAGE = 50
MOST_HEADINGS = 500  # programmes or topics on the page that lists them
FIRST_YEAR, LAST_YEAR = 1900, 9000
MOST_YEARS = 200
WITH_WORDS = (
    contains_eager(Release.live).load_only(Revision.headline, Revision.lead),
    joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
)


def under(
    heading: Heading, key: str, language: str, *, before: int | None = None, size: int = PAGE
) -> Page:
    """The releases under a heading, newest first, those older than the release `before`.

    Headline and lead only. Raises NotFound when `before` is none of them.
    """
    query = _listed(heading, key, language).limit(size + 1)
    if before is not None:
        at = db.session.scalar(
            sa.select(Listing.published_at).where(
                Listing.release_id == _row(before),
                Listing.kind == heading,
                Listing.key == key,
                Listing.language == language,
            )
        )
        if at is None:
            raise NotFound("not_in_newsroom")
        query = query.where(sa.tuple_(Listing.published_at, Listing.release_id) < _at(at, before))
    found = list(db.session.scalars(query))
    return Page(found[:size], found[size - 1].id if len(found) > size else None)


def in_year(
    year: int, language: str, *, zone: str, before: int | None = None, size: int = YEAR_PAGE
) -> Page:
    """The releases of a year of the house's calendar. Raises NotFound as `under` does."""
    first, end = year_bounds(year, zone)
    query = (
        sa.select(Release)
        .join(Release.live)
        .where(Release.language == language, IS_PUBLIC)
        .where(Release.published_at >= first, Release.published_at < end)
        .order_by(Release.published_at.desc(), Release.id.desc())
        .limit(size + 1)
        .options(*WITH_WORDS)
    )
    if before is not None:
        at = db.session.scalar(
            sa.select(Release.published_at).where(
                Release.id == _row(before), Release.language == language
            )
        )
        if at is None:
            raise NotFound("not_in_newsroom")
        query = query.where(sa.tuple_(Release.published_at, Release.id) < _at(at, before))
    found = list(db.session.scalars(query))
    return Page(found[:size], found[size - 1].id if len(found) > size else None)


def years_beside(year: int, language: str, zone: str) -> tuple[int | None, int | None]:
    """The nearest year before and after in which something was published; None where none was."""
    first, end = year_bounds(year, zone)
    at = Release.published_at
    public = sa.and_(Release.language == language, IS_PUBLIC)
    earlier = db.session.scalar(
        sa.select(at).where(public, at < first).order_by(at.desc(), Release.id.desc()).limit(1)
    )
    later = db.session.scalar(
        sa.select(at).where(public, at >= end).order_by(at, Release.id).limit(1)
    )
    return (
        local(earlier, zone).year if earlier else None,
        local(later, zone).year if later else None,
    )


def years(language: str, zone: str) -> list[int]:
    """The years in which anything was published, the newest first."""
    at = Release.published_at
    public = sa.and_(Release.language == language, IS_PUBLIC)
    newest = db.session.scalar(
        sa.select(at).where(public).order_by(at.desc(), Release.id.desc()).limit(1)
    )
    first = db.session.scalar(sa.select(at).where(public).order_by(at, Release.id).limit(1))
    if newest is None or first is None:
        return []
    between = range(local(newest, zone).year, local(first, zone).year - 1, -1)
    asked = []
    for year in between[:MOST_YEARS]:
        begins, ends = year_bounds(year, zone)
        some = sa.exists().where(public, at >= begins, at < ends)
        asked.append(sa.select(sa.literal(year, sa.Integer).label("year")).where(some))
    return sorted(db.session.scalars(sa.union_all(*asked)), reverse=True)


def year_bounds(year: int, zone: str) -> tuple[datetime, datetime]:
    """When a year begins and ends in `zone`. Raises NotFound for one that nobody writes news in."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound("not_in_newsroom")
    return midnight(date(year, 1, 1), zone), midnight(date(year + 1, 1, 1), zone)


def programmes(language: str) -> list[Programme]:
    """Those that something public tells of, by name."""
    found = db.session.scalars(
        sa.select(Programme)
        .where(_told(Heading.PROGRAMME, Programme.id))
        .order_by(Programme.name)
        .limit(MOST_HEADINGS)
    )
    return sorted(found, key=lambda one: swedish_key(one.title(language)))


def programme_at(slug: str) -> Programme:
    """A programme that something public tells of. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Programme).where(Programme.slug == slug, _told(Heading.PROGRAMME, Programme.id))
    )
    if found is None:
        raise NotFound("not_in_newsroom")
    return found


def topics(language: str) -> list[Topic]:
    """The topics that are in use and that some public release is about, by name."""
    found = db.session.scalars(
        sa.select(Topic)
        .where(Topic.active, _told(Heading.TOPIC, Topic.id))
        .order_by(Topic.slug)
        .limit(MOST_HEADINGS)
    )
    return sorted(found, key=lambda one: swedish_key(one.name(language)))


def topic_at(slug: str) -> Topic | None:
    """A topic that is in use, or that something public is about; None when there is none."""
    return db.session.scalar(
        sa.select(Topic).where(
            Topic.slug == slug,
            ~Topic.of_programme,
            sa.or_(Topic.active, _told(Heading.TOPIC, Topic.id)),
        )
    )


def place_at(code: str) -> Place:
    """A municipality or region that has ever been granted something in public. Raises NotFound."""
    found = place_with(code)
    if found is None or not db.session.scalar(sa.select(_told(Heading.PLACE, sa.literal(code)))):
        raise NotFound("not_in_newsroom")
    return found


def places() -> list[Place]:
    """All that have ever been granted something in public; from code to code along the index."""
    key = Listing.key
    here = sa.select(sa.func.min(key).label("key")).where(Listing.kind == Heading.PLACE)
    walk = here.cte("walk", recursive=True)
    onward = (
        sa.select(sa.func.min(key))
        .where(Listing.kind == Heading.PLACE, key > walk.c.key)
        .correlate(walk)
        .scalar_subquery()
    )
    walk = walk.union_all(sa.select(onward).where(walk.c.key.is_not(None)))
    codes = db.session.scalars(sa.select(walk.c.key).where(walk.c.key.is_not(None)))
    return [place for code in codes if (place := place_with(code))]


def named(found: Sequence[Place], text: str) -> list[Place]:
    """Those whose name begins with the text or has a word that does; so too a county's. Pure.

    Marks over letters count only when nothing is found with them.
    """
    for folded in (str.casefold, lambda said: bare(said.casefold())):
        wanted = folded(" ".join(text.split()))
        kept = [one for one in found if any(f" {wanted}" in f" {folded(n)}" for n in _names(one))]
        if kept:
            return kept
    return []


def by_county(found: Sequence[Place]) -> list[tuple[Place, list[Place]]]:
    """Places under the region of their county, the region itself first, all by name. Pure.

    A county is left out when none of its places is there.
    """
    grouped: dict[str | None, list[Place]] = {}
    for place in sorted(found, key=lambda one: (one.kind != "region", swedish_key(one.short))):
        grouped.setdefault(place.county, []).append(place)
    order = sorted(counties(), key=lambda one: swedish_key(county_name(one)))
    return [(one, grouped[one.county]) for one in order if one.county in grouped]


def place_slug(place: Place) -> str:
    """How a place is called in its address: `1280-malmo`. Pure."""
    return f"{place.code}-{slug_of(place.short)}"


def place_title(place: Place) -> str:
    """The place's whole name: Falu kommun, Borås stad, Region Skåne. Pure."""
    return place.official or place.short


def rounds_under(
    heading: Heading, key: str, *, before: int | None = None, size: int = PAGE
) -> tuple[list[int], int | None]:
    """Numbers of the rounds that public texts under a heading tell of, in any language.

    The one that was told of last comes first; those after the round `before`, and the last one's
    number when there are more. Raises NotFound when `before` is none of them.
    """
    told = (
        sa.select(
            Story.round_id.label("id"),
            sa.func.max(Listing.published_at, type_=Listing.published_at.type).label("at"),
        )
        .select_from(Listing)
        .join(Release, Release.id == Listing.release_id)
        .join(Story, Story.id == Release.story_id)
        .where(Listing.kind == heading, Listing.key == key)
        .where(Story.round_id.is_not(None), IS_PUBLIC)
        .group_by(Story.round_id)
        .subquery()
    )
    query = sa.select(told.c.id).order_by(told.c.at.desc(), told.c.id.desc()).limit(size + 1)
    if before is not None:
        at = db.session.scalar(sa.select(told.c.at).where(told.c.id == _row(before)))
        if at is None:
            raise NotFound("not_in_newsroom")
        query = query.where(sa.tuple_(told.c.at, told.c.id) < _at(at, before))
    found = list(db.session.scalars(query))
    return found[:size], found[size - 1] if len(found) > size else None


def _names(place: Place) -> tuple[str, ...]:
    region = next(one for one in counties() if one.county == place.county)
    return place.short, place.official, county_name(place), region.short


def _listed(heading: Heading, key: str, language: str) -> sa.Select[Release]:
    return (
        sa.select(Release)
        .join(Listing, Listing.release_id == Release.id)
        .join(Release.live)
        .where(Listing.kind == heading, Listing.key == key, Listing.language == language)
        .where(IS_PUBLIC)
        .order_by(Listing.published_at.desc(), Listing.release_id.desc())
        .options(*WITH_WORDS)
    )


def _told(heading: Heading, key: sa.ColumnElement[Any] | Any) -> sa.ColumnElement[bool]:
    """Whether anything is listed under this heading."""
    text = key if isinstance(key, sa.BindParameter) else sa.cast(key, sa.String(20))
    return sa.exists().where(Listing.kind == heading, Listing.key == text)


def _row(number: int) -> int:
    if not 0 < number <= LARGEST_ID:
        raise NotFound("not_in_newsroom")
    return number


def _at(at: datetime, number: int) -> sa.Tuple:
    return sa.tuple_(sa.literal(at, Release.published_at.type), sa.literal(number, Release.id.type))
