"""What a release is filed under, by name and with the pages where the same is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from releases.editorial.models import Release
from releases.newsroom.lists.questions import place_slug
from releases.newsroom.models import Heading, Listing
from releases.newsroom.wording import base_url
from releases.rounds.models import Programme
from releases.rounds.register import place_with
from subscribers.audience.models import Topic


@dataclass(frozen=True)
class Named:
    """Something with a name and a page of its own. `key` is its slug, or a place's code."""

    name: str
    url: str
    key: str = ""


@dataclass(frozen=True)
class Filing:
    """A release's programme, its topics, and the places that its round grants something."""

    programme: Named | None = None
    topics: Sequence[Named] = ()
    places: Sequence[Named] = ()


def filing_of(release: Release, *, most: int | None = None) -> Filing:
    """As the newsroom's lists have it; one question. At most so many places."""
    return filings_of([release], most=most)[release.id]


def filings_of(releases: Sequence[Release], *, most: int | None = None) -> dict[int, Filing]:
    """The same of several releases by their numbers, with one question for all."""
    rows = db.session.execute(
        sa.select(Listing.release_id, Listing.kind, Listing.key, Topic)
        .outerjoin(
            Topic,
            sa.and_(Listing.kind == Heading.TOPIC, Listing.key == sa.cast(Topic.id, sa.String)),
        )
        .where(Listing.release_id.in_([one.id for one in releases]))
        .where(Listing.kind != Heading.PROGRAMME)
        .order_by(Listing.release_id, Listing.key)
    ).all()
    found = {}
    for release in releases:
        round_, language = release.story.round, release.language
        own = [one for one in rows if one.release_id == release.id]
        places = [one.key for one in own if one.kind is Heading.PLACE]
        found[release.id] = Filing(
            programme=programme_named(round_.programme, language) if round_ else None,
            topics=[topic_named(one.Topic, language) for one in own if one.Topic],
            places=places_named(places[:most], language),
        )
    return found


def programme_named(programme: Programme, language: str) -> Named:
    path = f"{language}/programmes/{programme.slug}/"
    return Named(programme.title(language), f"{base_url()}/{path}", programme.slug)


def topic_named(topic: Topic, language: str) -> Named:
    return Named(topic.name(language), f"{base_url()}/{language}/topics/{topic.slug}/", topic.slug)


def places_named(codes: Iterable[str], language: str) -> list[Named]:
    """Those of the codes that the register knows."""
    return [named for code in codes if (named := place_named(code, language))]


def place_named(code: str, language: str) -> Named | None:
    place = place_with(code)
    if place is None:
        return None
    path = f"{language}/places/{place_slug(place)}/"
    return Named(place.short, f"{base_url()}/{path}", code)
