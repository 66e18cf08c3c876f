"""What the feeds ask the database: of what there are feeds, and which releases stand in one.

The subscription document holds the newest releases. The older ones lie in archive documents
(RFC 5005) of WINDOW releases each, counted from the oldest that was ever public. One that was
withdrawn keeps its place and is left out, so nothing ever moves from one document to another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import NotFound
from app.core.organisation import Organisation
from releases.editorial.announcing import EVERYTHING
from releases.editorial.models import Release, State, Story, StoryTopic
from releases.newsroom.lists import questions as lists
from releases.newsroom.models import Heading, Listing
from releases.newsroom.questions import FEED, IS_PUBLIC
from releases.rounds.models import Award, Programme, Round
from releases.rounds.register import Place, place_with
from subscribers.audience.models import Topic

WINDOW = 100  # releases in an archive document
STEP = 10  # the archive grows by so many at a time; the subscription document holds more than that
NAME = re.compile(r"([1-9][0-9]{0,6})(?:-([1-9][0-9]{0,2}))?")

FILING = "release.topics"  # what the log says of it: `editorial.topics.file_under`
EVER_PUBLIC = Release.published_at.is_not(None)


@dataclass(frozen=True)
class Subject:
    """What a feed is about: a language's newsroom, or one heading in it.

    `path` follows the language in its address, `programmes/partnerskap/`; `key` is Listing's.
    """

    language: str
    heading: Heading | None = None
    key: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True)
class Window:
    """The place of an archive document: the first `held` releases of the `number`th hundred."""

    number: int
    held: int = 0

    @property
    def is_full(self) -> bool:
        return self.held == WINDOW

    @property
    def name(self) -> str:
        """In its address. While it is not full it says how full it is: what has been read under
        one address never changes."""
        return str(self.number) if self.is_full else f"{self.number}-{self.held}"

    @property
    def older(self) -> Window | None:
        return Window(self.number - 1, WINDOW) if self.number > 1 else None


def newsroom(language: str) -> Subject:
    return Subject(language)


def programme_subject(language: str, slug: str) -> Subject:
    """Of a programme that visitors have ever heard of, be it that all has been withdrawn since.

    Raises NotFound.
    """
    found = _programme(slug)
    if found is None:
        raise NotFound("not_in_newsroom")
    return of_programme(found, language)


def topic_subject(language: str, slug: str) -> Subject:
    """Of a topic's slug: the newsroom for the topic that is everything, the programme for a
    programme's, so that each has one address. Raises NotFound."""
    if slug == EVERYTHING:
        return newsroom(language)
    if programme := _programme(slug):
        return of_programme(programme, language)
    found = lists.topic_at(slug)
    if found is None:
        raise NotFound("not_in_newsroom")
    return of_topic(found, language)


def place_subject(language: str, code: str) -> Subject:
    """Of a place that may be waiting for its first news. Raises NotFound for what is no code."""
    found = place_with(code)
    if found is None:
        raise NotFound("not_in_newsroom")
    return of_place(found, language)


def of_programme(programme: Programme, language: str) -> Subject:
    title, path = programme.title(language), f"programmes/{programme.slug}/"
    return Subject(language, Heading.PROGRAMME, str(programme.id), title, path)


def of_topic(topic: Topic, language: str) -> Subject:
    key, path = str(topic.id), f"topics/{topic.slug}/"
    return Subject(language, Heading.TOPIC, key, topic.name(language), path)


def of_place(place: Place, language: str) -> Subject:
    path = f"places/{lists.place_slug(place)}/"
    return Subject(language, Heading.PLACE, place.code or "", place.short, path)


def newest(subject: Subject) -> list[Release]:
    """The releases of the subscription document, whole, with programmes and topics."""
    query = _whole(sa.select(Release)).limit(FEED)
    if subject.heading is None:
        query = query.where(Release.language == subject.language, IS_PUBLIC)
        query = query.order_by(Release.published_at.desc(), Release.id.desc())
    else:
        query = query.join(Listing, Listing.release_id == Release.id).where(
            Listing.kind == subject.heading,
            Listing.key == subject.key,
            Listing.language == subject.language,
            IS_PUBLIC,
        )
        query = query.order_by(Listing.published_at.desc(), Listing.release_id.desc())
    return list(db.session.scalars(query).unique())


def withdrawn(subject: Subject, *, beside: Sequence[Release]) -> list[Release]:
    """Those that would stand among the newest, had they not been withdrawn; the newest first."""
    query = sa.select(Release).where(_was_about(subject)).limit(FEED)
    if len(beside) == FEED:
        last = beside[-1]
        oldest = sa.tuple_(
            sa.literal(last.published_at, Release.published_at.type),
            sa.literal(last.id, Release.id.type),
        )
        query = query.where(sa.tuple_(Release.published_at, Release.id) > oldest)
    return list(db.session.scalars(query.order_by(Release.published_at.desc(), Release.id.desc())))


def changed_at(subject: Subject, found: Sequence[Release]) -> datetime | None:
    """When a feed with these releases last changed; None when nothing has ever happened.

    Beside their own changes: when something was taken out of it, when a story was last filed under
    topics, and for a place when anything was, since a correction of a round may take it from one
    place and give it to another.
    """
    moments = [one.changed_at or one.published_at for one in found]
    moments.append(_last_change(_was_about(subject)))
    if subject.heading is Heading.PLACE:
        moments.append(_last_change(EVER_PUBLIC))
    moments.append(_last_filing())
    return max((one for one in moments if one), default=None)


def last_window(language: str) -> Window | None:
    """The newest archive document. What is not in it yet is in the subscription document."""
    settled = _ever(language) // STEP * STEP
    full, rest = divmod(settled, WINDOW)
    if rest:
        return Window(full + 1, rest)
    return Window(full, WINDOW) if full else None


def window(language: str, name: str) -> tuple[Window, Window | None]:
    """The archive document of a name, and the next one, once that is full.

    Raises NotFound for one that is not there, or not yet as full.
    """
    parts = NAME.fullmatch(name)
    if parts is None:
        raise NotFound("not_in_newsroom")
    place = Window(int(parts[1]), int(parts[2] or WINDOW))
    ever, end = _ever(language), (place.number - 1) * WINDOW + place.held
    if place.name != name or place.held % STEP or end > ever:
        raise NotFound("not_in_newsroom")
    newer = Window(place.number + 1, WINDOW)
    return place, newer if ever >= newer.number * WINDOW else None


def archived(language: str, place: Window) -> list[Release]:
    """The releases of an archive document, the oldest first, those that are withdrawn too."""
    query = (
        _whole(sa.select(Release))
        .where(Release.language == language, EVER_PUBLIC)
        .order_by(Release.published_at, Release.id)
        .offset((place.number - 1) * WINDOW)
        .limit(place.held)
    )
    return list(db.session.scalars(query).unique())


def places_of(releases: Sequence[Release]) -> dict[int, list[str]]:
    """The codes of the places that each release is listed under, in their order."""
    found: dict[int, list[str]] = {one.id: [] for one in releases}
    query = (
        sa.select(Listing.release_id, Listing.key)
        .where(Listing.release_id.in_(found), Listing.kind == Heading.PLACE)
        .order_by(Listing.key)
    )
    for release_id, code in db.session.execute(query):
        found[release_id].append(code)
    return found


def keep_tag_host(host: str) -> None:
    """Write down the host of the ids of feed items, if none ever was. No commit.

    Ids are for ever, and the newsroom's address may change.
    """
    db.session.execute(
        sa.update(Organisation).where(Organisation.tag_host == "").values(tag_host=host)
    )


def _programme(slug: str) -> Programme | None:
    told = (
        sa.select(Round.programme_id)
        .join(Story, Story.round_id == Round.id)
        .join(Release, Release.story_id == Story.id)
        .where(EVER_PUBLIC)
    )
    return db.session.scalar(
        sa.select(Programme).where(Programme.slug == slug, Programme.id.in_(told))
    )


def _whole(query: sa.Select[Release]) -> sa.Select[Release]:
    story = joinedload(Release.story)
    return query.options(
        joinedload(Release.live),
        story.joinedload(Story.round).joinedload(Round.programme),
        story.selectinload(Story.topics),
    )


def _was_about(subject: Subject) -> sa.ColumnElement[bool]:
    """Withdrawn, and about the subject. What is withdrawn has no listing any more."""
    gone = sa.and_(
        Release.language == subject.language, Release.state == State.WITHDRAWN, EVER_PUBLIC
    )
    if subject.heading is None:
        return gone
    return sa.and_(gone, Release.story_id.in_(_stories(subject.heading, subject.key)))


def _stories(heading: Heading, key: str) -> sa.Select[int]:
    if heading is Heading.TOPIC:
        return sa.select(StoryTopic.story_id).where(StoryTopic.topic_id == int(key))
    query = sa.select(Story.id).join(Round, Round.id == Story.round_id)
    if heading is Heading.PROGRAMME:
        return query.where(Round.programme_id == int(key))
    return query.join(Award, Award.round_id == Round.id).where(Award.place == key)


def _last_change(which: sa.ColumnElement[bool]) -> datetime | None:
    moment = sa.func.max(Release.changed_at, type_=Release.changed_at.type)
    return db.session.scalar(sa.select(moment).where(which))


def _last_filing() -> datetime | None:
    """When a story that visitors know was last filed under topics: that leaves no other trace."""
    known, filed = aliased(Release), aliased(Release)
    public = sa.exists().where(
        filed.id == AuditEvent.subject_id,
        known.story_id == filed.story_id,
        known.published_at.is_not(None),
    )
    query = sa.select(AuditEvent.at).where(AuditEvent.action == FILING, public)
    return db.session.scalar(query.order_by(AuditEvent.id.desc()).limit(1))


def _ever(language: str) -> int:
    query = sa.select(sa.func.count()).where(Release.language == language, EVER_PUBLIC)
    return db.session.scalar(query) or 0
