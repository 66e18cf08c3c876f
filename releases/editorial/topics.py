"""What stories are about: topics that the office keeps, and which of them a story has.

A topic's address is made once, of its Swedish name, and stays whatever the topic is called later:
links, feeds and subscriptions hang on it. It is no programme's, since a programme is a topic too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.accounts import Role, User, require
from app.core.audit import record
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotAllowed, NotFound, NotNow
from releases.editorial.announcing import EVERYTHING
from releases.editorial.models import Release, Story, StoryTopic
from releases.editorial.publications import follow_up
from releases.editorial.workflow import WRITERS
from releases.rounds.alphabet import swedish_key
from releases.rounds.importing import free_slug, slug_of
from releases.rounds.models import Award, Programme
from subscribers.audience.models import Topic

MOST_THEMES = 500  # different cells of a round that are compared with the topics


def topic_by_id(topic_id: int) -> Topic:
    """Raises NotFound."""
    found = db.session.get(Topic, topic_id)
    if found is None or found.of_programme:
        raise NotFound("no_such_topic")
    return found


def every_topic() -> list[Topic]:
    """All topics of stories by their Swedish names, those in use first."""
    found = db.session.scalars(
        sa.select(Topic).where(Topic.slug != EVERYTHING, ~Topic.of_programme)
    )
    return sorted(found, key=lambda one: (not one.active, swedish_key(one.name("sv"))))


def add(*, name_sv: str, name_en: str, by: User, at: datetime) -> Topic:
    """A new topic with an address of its own.

    Raises NotAllowed to others than editors, BadInput without a name or with one that another topic
    has, Conflict when somebody made the same at this moment. No commit.
    """
    require(by, Role.EDITOR)
    name_sv, name_en = _names(name_sv, name_en)
    slug = slug_of(name_sv) or "amne"
    taken = {*db.session.scalars(sa.select(Topic.slug).where(Topic.slug.startswith(slug)))}
    taken |= {*db.session.scalars(sa.select(Programme.slug).where(Programme.slug.startswith(slug)))}
    topic = Topic(slug=free_slug(slug, taken=taken), name_sv=name_sv, name_en=name_en)
    try:
        with db.session.begin_nested():
            db.session.add(topic)
    except sa.exc.IntegrityError as error:
        raise Conflict("topic_exists", name=name_sv) from error
    _record("topic.add", topic, by=by, at=at)
    return topic


def rename(topic: Topic, *, name_sv: str, name_en: str, by: User, at: datetime) -> None:
    """Other names; the address stays. Raises what `add` raises. No commit."""
    require(by, Role.EDITOR)
    name_sv, name_en = _names(name_sv, name_en, but=topic)
    if (topic.name_sv, topic.name_en) == (name_sv, name_en):
        return
    before = topic.name("sv")
    topic.name_sv, topic.name_en = name_sv, name_en
    _record("topic.rename", topic, by=by, at=at, was=before)


def retire(topic: Topic, *, by: User, at: datetime) -> None:
    """Offer it for no new story and in no list; its page stays, and the stories that have it.

    Raises NotAllowed, and NotNow for the topic that is everything. No commit.
    """
    require(by, Role.EDITOR)
    if topic.slug == EVERYTHING:
        raise NotNow("topic_is_everything")
    if topic.active:
        topic.active = False
        _record("topic.retire", topic, by=by, at=at)


def bring_back(topic: Topic, *, by: User, at: datetime) -> None:
    """Offer it again. Raises NotAllowed. No commit."""
    require(by, Role.EDITOR)
    if not topic.active:
        topic.active = True
        _record("topic.bring_back", topic, by=by, at=at)


def file_under(release: Release, topic_ids: Iterable[int], *, by: User, at: datetime) -> None:
    """Let these be what the release's story is about, in every language.

    What is public of the story changes at once: lists, feeds, followers. Raises NotAllowed, and
    BadInput for a topic that is not offered. No commit.
    """
    if not by.may(*WRITERS):
        raise NotAllowed("role")
    story, wanted = release.story, set(topic_ids)
    # By its id alone: PostgreSQL locks nothing that was loaded together with a round.
    db.session.execute(sa.select(Story.id).where(Story.id == story.id).with_for_update())
    db.session.expire(story, ["topics"])
    before = {one.id for one in story.topics}
    if wanted == before:
        return
    offered = {one.id: one for one in every_topic() if one.active or one.id in before}
    if not wanted <= offered.keys():
        raise BadInput("topic_not_offered")
    db.session.execute(
        sa.delete(StoryTopic).where(
            StoryTopic.story_id == story.id, StoryTopic.topic_id.in_(before - wanted)
        )
    )
    if wanted - before:
        db.session.execute(
            sa.insert(StoryTopic),
            [{"story_id": story.id, "topic_id": one} for one in sorted(wanted - before)],
        )
    db.session.expire(story, ["topics"])
    names = [offered[one].name("sv") for one in sorted(wanted)]
    record(
        "release.topics",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        topics=", ".join(names) or "–",
    )
    for one in story.releases:
        if one.is_public:
            follow_up(one, at=at)


def proposed(release: Release) -> list[Topic]:
    """Topics in use that the story has not, and that a theme of its round is called."""
    if release.story.round_id is None:
        return []
    cells = db.session.scalars(
        sa.select(Award.themes)
        .where(Award.round_id == release.story.round_id)
        .distinct()
        .limit(MOST_THEMES)
    )
    themes = {_folded(theme) for cell in cells for theme in cell}
    chosen = {one.id for one in release.story.topics}
    return [
        one
        for one in every_topic()
        if one.active
        and one.id not in chosen
        and themes & {_folded(one.name_sv), _folded(one.name_en)}
    ]


def panel(release: Release, person: User) -> dict[str, Any]:
    """What `_topics.html` shows: the story's topics and those that could be added."""
    may = person.may(*WRITERS)
    chosen = sorted(release.story.topics, key=lambda one: swedish_key(one.name("sv")))
    ids = {one.id for one in chosen}
    suggested = proposed(release) if may else []
    first = {one.id for one in suggested}
    others = (
        [one for one in every_topic() if one.active and one.id not in ids | first] if may else []
    )
    return {
        "topics": {"may": may, "chosen": chosen, "proposed": suggested, "others": others},
    }


def _names(name_sv: str, name_en: str, *, but: Topic | None = None) -> tuple[str, str]:
    name_sv, name_en = " ".join(name_sv.split()), " ".join(name_en.split())
    if not name_sv or max(len(name_sv), len(name_en)) > 200:
        raise BadInput("topic_needs_name")
    for one in every_topic():
        if one is not but and _folded(one.name("sv")) == _folded(name_sv):
            raise BadInput("topic_exists", name=one.name("sv"))
    return name_sv, name_en


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _record(action: str, topic: Topic, *, by: User, at: datetime, **facts: Any) -> None:
    record(action, "topic", topic.id, title=topic.name("sv"), by=by, at=at, **facts)
