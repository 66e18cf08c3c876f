"""The newsroom's addresses for search engines, by the Sitemaps protocol 0.9 and Google's for news.

A small newsroom is one file. A larger one is an index of files: the pages that list things in the
first, then releases and rounds by ranges of their numbers, so that no file asks for the whole
archive and an old file never changes when news comes.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from app.core.db import db
from app.core.errors import NotFound
from app.core.formats import iso
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from releases.editorial.models import Release, Revision, State, Story
from releases.newsroom import pages
from releases.newsroom.feeds.items import words
from releases.newsroom.lists import questions as lists
from releases.newsroom.questions import IS_PUBLIC
from releases.newsroom.wording import base_url
from releases.rounds.importing import slug_of
from releases.rounds.models import Programme, Round

RANGE = 2_500  # numbers a file: some 7,500 addresses at most, written in well under a second
NEWS = timedelta(days=2)  # what Google News reads
MOST_NEWS = 1000
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS_SITEMAP = "http://www.google.com/schemas/sitemap-news/0.9"
XHTML = "http://www.w3.org/1999/xhtml"
# Pages that every newsroom may have, by what stands after the language.
SINGLE = (
    "",
    "programmes/",
    "topics/",
    "places/",
    "years/",
    "contacts",
    "about",
    "accessibility",
    "feeds",
    "developers",
)

ET.register_namespace("news", NEWS_SITEMAP)
ET.register_namespace("xhtml", XHTML)


@dataclass(frozen=True)
class Entry:
    """A page: where it is, when it last changed, and (language, address) of all its languages."""

    url: str
    changed: datetime | None = None
    alternates: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class News:
    url: str
    language: str
    title: str
    at: datetime


def how_many() -> int:
    """How many files the archive takes beside that of the lists."""
    last = max(db.session.scalar(sa.select(sa.func.max(one.id))) or 0 for one in (Release, Round))
    return max(1, -(-last // RANGE))


def numbered(number: int, *, of: int) -> Iterator[Entry]:
    """The releases and rounds of a file, from 1 to `of`. Raises NotFound for one beyond those."""
    if not 0 < number <= of:
        raise NotFound("not_in_newsroom")
    first = (number - 1) * RANGE
    yield from _releases(first + 1, first + RANGE)
    yield from _rounds(first + 1, first + RANGE)


def singles(paths: Iterable[str]) -> Iterator[Entry]:
    """The pages that list things: `paths` after the language, then all headings and years."""
    zone = organisation().time_zone
    for path in paths:
        yield from _in_all_languages(path)
    for programme in lists.programmes(LANGUAGES[0]):
        yield from _in_all_languages(f"programmes/{programme.slug}/")
    for topic in lists.topics(LANGUAGES[0]):
        yield from _in_all_languages(f"topics/{topic.slug}/")
    for place in lists.places():
        yield from _in_all_languages(f"places/{lists.place_slug(place)}/")
    for language in LANGUAGES:
        for year in _years(language, zone):
            yield Entry(f"{base_url()}/{language}/years/{year}/")


def latest(at: datetime) -> list[News]:
    """What was published in the two days before `at`, the newest first."""
    query = (
        sa.select(Release)
        .where(IS_PUBLIC, Release.language.in_(LANGUAGES))
        .where(Release.published_at > at - NEWS)
        .order_by(Release.published_at.desc(), Release.id.desc())
        .limit(MOST_NEWS)
        .options(joinedload(Release.live).load_only(Revision.headline))
    )
    return [
        News(
            url=f"{base_url()}/{one.language}/releases/{one.slug}",
            language=one.language,
            title=pages.public_plain(one.live.headline),
            at=one.published_at,
        )
        for one in db.session.scalars(query)
        if one.live and one.published_at
    ]


def urlset(entries: Iterable[Entry], *, zone: str) -> bytes:
    """A file of addresses. Pure."""
    root = ET.Element("urlset", xmlns=SITEMAP)
    for entry in entries:
        url = _say(root, "url")
        _say(url, "loc", entry.url)
        if entry.changed:
            _say(url, "lastmod", iso(entry.changed, zone))
        if len(entry.alternates) > 1:
            for language, address in entry.alternates:
                about = {"rel": "alternate", "hreflang": language, "href": address}
                ET.SubElement(url, f"{{{XHTML}}}link", about)
    return _written(root)


def index(addresses: Iterable[str]) -> bytes:
    """The file that names the others. Pure."""
    root = ET.Element("sitemapindex", xmlns=SITEMAP)
    for address in addresses:
        _say(_say(root, "sitemap"), "loc", address)
    return _written(root)


def news(found: Iterable[News], *, names: dict[str, str], zone: str) -> bytes:
    """The newest releases; `names` is what the sender is called in each language. Pure."""
    root = ET.Element("urlset", xmlns=SITEMAP)
    for one in found:
        url = _say(root, "url")
        _say(url, "loc", one.url)
        about = ET.SubElement(url, f"{{{NEWS_SITEMAP}}}news")
        publication = ET.SubElement(about, f"{{{NEWS_SITEMAP}}}publication")
        _say(publication, f"{{{NEWS_SITEMAP}}}name", names[one.language])
        _say(publication, f"{{{NEWS_SITEMAP}}}language", one.language)
        _say(about, f"{{{NEWS_SITEMAP}}}publication_date", iso(one.at, zone))
        _say(about, f"{{{NEWS_SITEMAP}}}title", one.title)
    return _written(root)


def _releases(first: int, last: int) -> Iterator[Entry]:
    other = aliased(Release)
    beside = sa.and_(
        other.story_id == Release.story_id,
        other.language != Release.language,
        other.live_id.is_not(None),
        other.published_at.is_not(None),
        other.state != State.WITHDRAWN,
    )
    changed = sa.func.coalesce(
        Release.changed_at, Release.published_at, type_=Release.updated_at.type
    )
    query = (
        sa.select(Release.id, Release.language, Release.slug, changed, other.language, other.slug)
        .outerjoin(other, beside)
        .where(IS_PUBLIC, Release.id.between(first, last))
        .order_by(Release.id.desc(), other.id)
    )
    told = None
    for number, language, slug, at, its_language, its_slug in db.session.execute(query):
        if number == told:  # a story with two texts in the other language: one of them will do
            continue
        told = number
        both = [(language, slug), *([(its_language, its_slug)] if its_slug else [])]
        addresses = [(code, f"{base_url()}/{code}/releases/{name}") for code, name in sorted(both)]
        yield Entry(f"{base_url()}/{language}/releases/{slug}", at, addresses)


def _rounds(first: int, last: int) -> Iterator[Entry]:
    told = sa.select(Story.round_id).join(Release).where(IS_PUBLIC)
    query = (
        sa.select(Round.id, Round.name, Programme.name)
        .join(Round.programme)
        .where(Round.id.between(first, last), Round.id.in_(told))
        .order_by(Round.id.desc())
    )
    for number, name, programme in db.session.execute(query):
        slug = slug_of(f"{programme} {name}") or "round"
        yield from _in_all_languages(f"rounds/{number}-{slug}")


def _years(language: str, zone: str) -> list[int]:
    """The years in which something was published, in one question beside that of the ends."""
    years = lists.years(language, zone)
    if not years:
        return []
    asked = []
    for year in years:
        begins, ends = lists.year_bounds(year, zone)
        here = sa.exists().where(
            Release.language == language,
            IS_PUBLIC,
            Release.published_at >= begins,
            Release.published_at < ends,
        )
        asked.append(here.label(f"y{year}"))
    found = db.session.execute(sa.select(*asked)).one()
    return [year for year, has_any in zip(years, found, strict=True) if has_any]


def _in_all_languages(path: str) -> Iterator[Entry]:
    addresses = [(language, f"{base_url()}/{language}/{path}") for language in LANGUAGES]
    for _language, address in addresses:
        yield Entry(address, alternates=addresses)


def _say(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = words(text) or None
    return element


def _written(root: ET.Element) -> bytes:
    ET.indent(root, space=" ")
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"
