"""What the public pages ask the database. Only what visitors may read comes out of here.

Nothing walks the whole table: lists go by pages after a known release, in the order of
(published_at, id), which has an index for each language.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload

from app.core.db import db
from app.core.errors import NotFound
from app.core.paging import LARGEST_ID
from app.core.words import LANGUAGES
from releases.editorial.models import Release, ReleaseEvent, Revision, State, Story
from releases.editorial.workflow import Action
from releases.rounds.models import Programme, Round

PAGE = 20
ROWS = 200  # of a round on its own page
FEED = 30

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


def last_withdrawal(*languages: str) -> datetime | None:
    """When a published release was last taken away: the feed has changed then too."""
    return db.session.scalar(
        sa.select(sa.func.max(Release.updated_at, type_=Release.updated_at.type)).where(
            Release.language.in_(languages or LANGUAGES),
            Release.state == State.WITHDRAWN,
            Release.published_at.is_not(None),
        )
    )


def published_round(round_id: int, language: str) -> tuple[Round, datetime]:
    """A round that a public text was made from, and when the text of this language was approved.

    With no text in this language that of the other counts. Raises NotFound.
    """
    if not 0 < round_id <= LARGEST_ID:
        raise NotFound("not_in_newsroom")
    moment = round_moment(round_id, language)
    if moment is None:
        raise NotFound("not_in_newsroom")
    round_ = db.session.get(Round, round_id, options=[joinedload(Round.programme)])
    assert round_ is not None  # a story's round is never removed
    return round_, moment


def round_moment(round_id: int, language: str) -> datetime | None:
    """When the newest public text of a round was approved; None when there is none."""
    return round_moments([round_id], language).get(round_id)


def round_moments(round_ids: Sequence[int], language: str) -> dict[int, datetime]:
    """The same of several rounds at once; those without a public text are left out."""
    approved = _approved_at()
    here = sa.func.max(sa.case((Release.language == language, approved)), type_=approved.type)
    found = db.session.execute(
        sa.select(Story.round_id, here, sa.func.max(approved, type_=approved.type))
        .select_from(Release)
        .join(Release.story)
        .where(Story.round_id.in_(round_ids), IS_PUBLIC)
        .group_by(Story.round_id)
    )
    return {round_id: own or other for round_id, own, other in found if round_id is not None}


def published_rounds() -> Iterator[tuple[Round, datetime]]:
    """All rounds that are public and dated, with the moment of their newest text."""
    after = 0
    while True:
        moments = list(db.session.execute(_rounds().where(Story.round_id > after).limit(PAGE)))
        ids = [found.round_id for found in moments]
        query = sa.select(Round).where(Round.id.in_(ids)).options(joinedload(Round.programme))
        rounds = {round_.id: round_ for round_ in db.session.scalars(query)}
        for found in moments:
            yield rounds[found.round_id], found.moment
        if len(moments) < PAGE:
            return
        after = ids[-1]


def state_of_rounds() -> tuple[str, datetime | None]:
    """What all published rounds hold together, as a word that changes with it, and since when."""
    facts = (Round.version, Round.decided_on, Round.name, Programme.name, Programme.name_en)
    query = (
        _rounds()
        .add_columns(*facts)
        .join(Round.programme)
        .group_by(Programme.id, Round.id)
        .execution_options(yield_per=1000)
    )
    digest, changed = hashlib.sha256(), last_withdrawal()
    for found in db.session.execute(query):
        digest.update(repr(tuple(found)).encode())
        changed = max(changed or found.moment, found.moment)
    return digest.hexdigest(), changed


def releases_of(round_id: int, language: str) -> list[Release]:
    """The public texts about a round in a language, the newest first; a handful."""
    query = _listed(language).join(Release.story).where(Story.round_id == round_id).limit(PAGE)
    return list(db.session.scalars(query))


def approved_at(release: Release, revision_id: int) -> datetime | None:
    """When a revision was last approved."""
    return db.session.scalar(
        sa.select(sa.func.max(ReleaseEvent.at, type_=ReleaseEvent.at.type)).where(
            ReleaseEvent.release_id == release.id,
            ReleaseEvent.revision_id == revision_id,
            ReleaseEvent.action == Action.APPROVE.value,
        )
    )


def place(text: str) -> int:
    """The number of a row or a release from an address. Raises NotFound for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NotFound("not_in_newsroom")
    return min(int(text), 2**31 - 1)


def _rounds() -> sa.Select[*tuple[Any, ...]]:
    approved = _approved_at()
    return (
        sa.select(
            Story.round_id.label("round_id"),
            sa.func.max(approved, type_=approved.type).label("moment"),
        )
        .select_from(Release)
        .join(Release.story)
        .join(Story.round)
        .where(IS_PUBLIC, Round.decided_on.is_not(None))
        .group_by(Story.round_id)
        .order_by(Story.round_id)
    )


def _approved_at() -> sa.ColumnElement[datetime]:
    """When the words that are live were approved; published, where nobody has kept that."""
    event = (
        sa.select(sa.func.max(ReleaseEvent.at))
        .where(
            ReleaseEvent.release_id == Release.id,
            ReleaseEvent.revision_id == Release.live_id,
            ReleaseEvent.action == Action.APPROVE.value,
        )
        .correlate(Release)
        .scalar_subquery()
    )
    return sa.func.coalesce(
        event, Release.changed_at, Release.published_at, type_=Release.published_at.type
    )


def _listed(language: str) -> sa.Select[Release]:
    return (
        sa.select(Release)
        .join(Release.live)
        .where(Release.language == language, IS_PUBLIC)
        .order_by(Release.published_at.desc(), Release.id.desc())
        .options(
            contains_eager(Release.live).load_only(Revision.headline, Revision.lead),
            joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
        )
    )


def _place(language: str, before: int) -> sa.Tuple:
    if not 0 < before <= LARGEST_ID:
        raise NotFound("not_in_newsroom")
    at = db.session.scalar(
        sa.select(Release.published_at).where(Release.id == before, Release.language == language)
    )
    if at is None:
        raise NotFound("not_in_newsroom")
    return sa.tuple_(sa.literal(at, Release.published_at.type), sa.literal(before, Release.id.type))
