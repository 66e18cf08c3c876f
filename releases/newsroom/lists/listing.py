"""Filing what is live: its rows in the newsroom's lists, and its words for the search.

Both are derived, and written in the transaction that changes what visitors read. `listed_id` says
which revision they were last written from; where it is not the live one (after an import, or in a
database older than the lists) the job writes them, a few releases at a time.

The places of a release are those of the round's edition that stands beside it. All public texts of
a round show the edition of the newest one, so that one of them changes the places of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core import html, jobs
from app.core.db import db
from releases.editorial.models import Release, Story, StoryTopic
from releases.editorial.publications import when_public
from releases.newsroom import pages, questions
from releases.newsroom.lists import stems
from releases.newsroom.models import Heading, Listing
from releases.rounds.changing import rows_of
from releases.rounds.editions import IS_AWARD, stood_at
from releases.rounds.models import Award, Round
from releases.rounds.register import place_code

AT_ONCE = 50  # releases in one transaction of the job
PLACED_AT_ONCE = 2000  # awards in one transaction
PLACED_A_SWEEP = 100  # such transactions, before other jobs have their turn
MOST_WORDS = 15_000  # of one text; PostgreSQL counts positions no further than 16,383
PLAIN = "\ue000"  # stands before a word without its marks, which no question can have in it
HEADLINE, LEAD, BODY = "ABD"

# Places by round and language, looked up once for all texts that are listed together.
Known = dict[tuple[int, str], set[str]]


@when_public
def list_release(release: Release, at: datetime) -> None:
    """Write the release's rows anew, and the places of the other texts of its round. No commit."""
    known: Known = {}
    _list(release, known)
    if release.story.round_id is not None:
        for other in _beside(release):
            _write_headings(other, known)


@jobs.job("place_awards")
def place_awards() -> None:
    """Look up the places of awards that are older than the lists. Commits.

    The texts of their rounds are listed once more.
    """
    for _ in range(PLACED_A_SWEEP):
        if jobs.stopping.is_set() or not _place_some():
            break
    db.session.rollback()


@jobs.job("list_releases")
def list_releases() -> None:
    """List what is not listed as it is live, and take off what is not live any more. Commits."""
    after = 0
    while not jobs.stopping.is_set():
        found = list(db.session.scalars(_overdue(after)).unique())
        known: Known = {}
        for release in found:
            _list(release, known)
        db.session.commit()
        if len(found) < AT_ONCE:
            return
        after = found[-1].id


def places_of(round_: Round, language: str) -> set[str]:
    """The codes of the municipalities and regions that are granted something in what visitors of a
    language read of a round; none when no text about it is public."""
    moment = questions.round_moment(round_.id, language)
    if moment is None:
        return set()
    if (standing := stood_at(round_, moment)) is not None:
        rows = (row for row in rows_of(standing) if row.is_award)
        return {code for row in rows if (code := place_code(row.grantee, row.kind))}
    query = (
        sa.select(Award.place)
        .where(Award.round_id == round_.id, IS_AWARD, Award.place != "")
        .distinct()
    )
    return {code for code in db.session.scalars(query) if code}


def _list(release: Release, known: Known) -> None:
    _write_headings(release, known)
    _write_words(release)
    listed_id = release.live_id if _is_listed(release) else None
    if release.listed_id != listed_id:
        release.listed_id = listed_id
    db.session.flush()


def _is_listed(release: Release) -> bool:
    return release.is_public and release.published_at is not None


def _write_headings(release: Release, known: Known) -> None:
    db.session.flush()
    columns = (Listing.kind, Listing.key, Listing.language, Listing.published_at)
    of_release = Listing.release_id == release.id
    stands = {tuple(one) for one in db.session.execute(sa.select(*columns).where(of_release))}
    headings = _headings(release, known) if _is_listed(release) else ()
    wanted = {(*heading, release.language, release.published_at) for heading in headings}
    if stands == wanted:
        return
    db.session.execute(sa.delete(Listing).where(of_release))
    names = [column.key for column in columns]
    rows = [{"release_id": release.id, **dict(zip(names, one, strict=True))} for one in wanted]
    if rows:
        db.session.execute(sa.insert(Listing), rows)


def _headings(release: Release, known: Known) -> Iterator[tuple[Heading, str]]:
    query = sa.select(StoryTopic.topic_id).where(StoryTopic.story_id == release.story_id)
    for topic_id in db.session.scalars(query):
        yield Heading.TOPIC, str(topic_id)
    round_ = release.story.round
    if round_ is None:
        return
    yield Heading.PROGRAMME, str(round_.programme_id)
    key = (round_.id, release.language)
    if key not in known:
        known[key] = places_of(round_, release.language)
    for code in known[key]:
        yield Heading.PLACE, code


def _beside(release: Release) -> Iterable[Release]:
    """The other public texts of the same round. Those that somebody is publishing at this very
    moment are left alone: they list themselves, and two must not wait for each other."""
    same = sa.select(Story.id).where(Story.round_id == release.story.round_id)
    return db.session.scalars(
        sa.select(Release)
        .where(Release.story_id.in_(same), Release.id != release.id, questions.IS_PUBLIC)
        .order_by(Release.id)
        .limit(questions.PAGE * 2)
        .with_for_update(of=Release, skip_locked=True)
    ).all()


def _overdue(after: int) -> sa.Select[Release]:
    return (
        sa.select(Release)
        .where(
            Release.id > after,
            sa.or_(
                sa.and_(questions.IS_PUBLIC, Release.listed_id.is_distinct_from(Release.live_id)),
                sa.and_(~questions.IS_PUBLIC, Release.listed_id.is_not(None)),
            ),
        )
        .options(joinedload(Release.live), joinedload(Release.story).joinedload(Story.round))
        .order_by(Release.id)
        .limit(AT_ONCE)
        .with_for_update(of=Release, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _place_some() -> bool:
    """Look up some awards' places; False when there were none to look up. Commits."""
    found = db.session.execute(
        sa.select(Award.id, Award.round_id, Award.grantee, Award.kind)
        .where(Award.place.is_(None))
        .order_by(Award.round_id)
        .limit(PLACED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if not found:
        return False
    place = sa.update(Award).where(Award.id == sa.bindparam("award"))
    db.session.connection().execute(
        place.values(place=sa.bindparam("code")),
        [{"award": one.id, "code": place_code(one.grantee, one.kind)} for one in found],
    )
    rounds = {one.round_id for one in found}
    told = sa.select(Story.id).where(Story.round_id.in_(rounds))
    db.session.execute(
        sa.update(Release)
        .where(Release.story_id.in_(told), Release.listed_id.is_not(None))
        .values(listed_id=None)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return True


def _write_words(release: Release) -> None:
    """The release's row of the search, in the form that its database searches."""
    db.session.flush()
    postgresql = db.engine.dialect.name == "postgresql"
    key = "release_id" if postgresql else "rowid"
    db.session.execute(
        sa.text(f"DELETE FROM release_search WHERE {key} = :id"),  # noqa: S608 - one of ours
        {"id": release.id},
    )
    if not _is_listed(release) or release.live is None:
        return
    parts = {
        HEADLINE: stems.words_of(pages.public_plain(release.live.headline)),
        LEAD: stems.words_of(pages.public_plain(release.live.lead)),
        BODY: stems.words_of(html.plain(html.without_gaps(html.clean(release.live.body)))),
    }
    kept = {
        part: stems.stems(words[:MOST_WORDS], release.language) for part, words in parts.items()
    }
    if postgresql:
        db.session.execute(
            sa.text("INSERT INTO release_search VALUES (:id, :language, CAST(:words AS tsvector))"),
            {"id": release.id, "language": release.language, "words": as_vector(kept)},
        )
        return
    db.session.execute(
        sa.text(
            "INSERT INTO release_search (rowid, language, title, lead, body)"
            " VALUES (:id, :language, :title, :lead, :body)"
        ),
        {
            "id": release.id,
            "language": release.language,
            "title": as_column(kept[HEADLINE]),
            "lead": as_column(kept[LEAD]),
            "body": as_column(kept[BODY]),
        },
    )


def as_column(words: list[str]) -> str:
    """A part of a text for FTS5: its words, then those that look otherwise without their marks."""
    return " ".join([*words, *dict.fromkeys(_plain_forms(words))])


def as_vector(parts: dict[str, list[str]]) -> str:
    """A text for PostgreSQL as the literal of a tsvector: each word where it stands, with the
    weight of its part. Words hold nothing but letters and digits, so that none can break out."""
    places: dict[str, list[str]] = {}
    place = 0
    for weight, words in parts.items():
        for word in words[: max(MOST_WORDS - place, 0)]:
            place += 1
            for form in {word, *_plain_forms([word])}:
                places.setdefault(form, []).append(f"{place}{weight}")
        place += 1  # no phrase goes from one part into the next
    return " ".join(f"'{word}':{','.join(found[:250])}" for word, found in places.items())


def _plain_forms(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if (plain := stems.bare(word)) != word:
            yield f"{PLAIN}{plain}"
