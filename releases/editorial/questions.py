"""What the office asks about releases. Lists go by pages after a known row.

Every list is for somebody (`to`), and leaves out what they may not see; None is a program.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.clock import midnight, midnight_after
from app.core.db import UTCDateTime, db
from app.core.errors import NotFound
from app.core.organisation import organisation
from releases.desk.access import visible_to
from releases.editorial.models import Release, ReleaseEvent, Revision, State, Story
from releases.rounds.models import Round
from releases.rounds.questions import Page

PAGE = 30
EVENTS = 100
MOST_WORDS = 10  # that a search looks at


def release_by_id(release_id: int) -> Release:
    """With its head and its round. Raises NotFound."""
    found = db.session.scalar(whole().where(Release.id == release_id))
    if found is None:
        raise NotFound("no_such_release", id=release_id)
    return found


@dataclass(frozen=True)
class Wanted:
    """Which releases somebody looks for: each condition that is not empty has to hold.

    Every word of `words` stands somewhere in the text, `author_id` has written a revision of it.
    `since` and `until` are days on the organisation's clock, both counted: of publication, or else
    of the last change.
    """

    words: str = ""
    state: State | None = None
    programme_id: int | None = None
    language: str = ""
    author_id: int | None = None
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return self != Wanted()


def releases_page(wanted: Wanted, *, to: User | None, before: int | None = None) -> Page[Release]:
    """The releases that are wanted, the last changed first."""
    query = whole().where(visible_to(to), *_conditions(wanted))
    query = query.order_by(Release.updated_at.desc(), Release.id.desc())
    if before is not None:
        place = sa.select(Release.updated_at, Release.id).where(Release.id == before)
        query = query.where(sa.tuple_(Release.updated_at, Release.id) < place.scalar_subquery())
    found = list(db.session.scalars(query.limit(PAGE + 1)))
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def waiting(*states: State, to: User | None, most: int = 10) -> list[Release]:
    """The releases that have stood longest in one of the states."""
    return list(
        db.session.scalars(
            whole()
            .where(Release.state.in_(states), visible_to(to))
            .order_by(Release.updated_at, Release.id)
            .limit(most)
        )
    )


def of_round(round_: Round, *, to: User | None) -> list[Release]:
    """The releases made from a round, the newest first; the last hundred."""
    return list(
        db.session.scalars(
            whole()
            .where(Story.round_id == round_.id, visible_to(to))
            .order_by(Release.id.desc())
            .limit(EVENTS)
        )
    )


def other_languages(release: Release) -> list[Release]:
    """The language versions beside this one."""
    return list(
        db.session.scalars(
            whole().where(Release.story_id == release.story_id, Release.id != release.id)
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


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    zone = organisation().time_zone
    when = sa.func.coalesce(Release.published_at, Release.updated_at, type_=UTCDateTime)
    rounds = sa.select(Round.id).where(Round.programme_id == wanted.programme_id)
    wrote = sa.select(Revision.id).where(
        Revision.release_id == Release.id, Revision.author_id == wanted.author_id
    )
    given: list[tuple[object, sa.ColumnElement[bool]]] = [
        (wanted.state, Release.state == wanted.state),
        (wanted.programme_id, Story.round_id.in_(rounds)),
        (wanted.language, Release.language == wanted.language),
        (wanted.author_id, wrote.exists()),
        (wanted.since, when >= midnight(wanted.since or date.min, zone)),
        (wanted.until, when < midnight_after(wanted.until or date.max, zone)),
    ]
    words = wanted.words.casefold().split()[:MOST_WORDS]
    said = [Release.search_text.contains(word, autoescape=True) for word in words]
    return [condition for value, condition in given if value] + said


def whole() -> sa.Select[Release]:
    """Releases with all that a list shows of them, for a question to narrow."""
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
