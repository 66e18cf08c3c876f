"""Searching what is live, in one language.

A question is words, of which all must be there; words in quotation marks stand side by side; the
last word may be unfinished. Both databases are asked the same about the same stems, and put what
they find in the same order: by where the words stand, then the newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup, escape
from sqlalchemy.orm import contains_eager, joinedload

from app.core import html
from app.core.db import db
from app.core.errors import NotFound
from app.core.paging import LARGEST_ID
from releases.editorial.models import Release, Revision, Story
from releases.newsroom import pages
from releases.newsroom.lists import stems
from releases.newsroom.lists.listing import PLAIN
from releases.newsroom.lists.questions import year_bounds
from releases.newsroom.models import Heading, Listing
from releases.newsroom.questions import IS_PUBLIC
from releases.rounds.models import Round

PAGE = 20
COUNTED = 200  # hits; of more than these nobody is told the number
LONGEST = 200  # characters of a question
MOST_TERMS = 12
SHORTEST_BEGINNING = 3  # letters of an unfinished word
EXCERPT = 240  # characters
EVERYWHERE, UPPER, TITLE = "body", "lead", "title"
WEIGHTS = {EVERYWHERE: "", UPPER: "AB", TITLE: "A"}
COLUMNS = {EVERYWHERE: "title lead body", UPPER: "title lead", TITLE: "title"}


@dataclass(frozen=True)
class Term:
    """One word, or several that stand side by side. `is_beginning`: a word may go on after it."""

    words: tuple[str, ...]
    is_beginning: bool = False


@dataclass(frozen=True)
class Question:
    """What somebody looks for. `is_loose`: marks over letters count for nothing."""

    terms: tuple[Term, ...]
    language: str
    is_loose: bool = False

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def is_exact(self) -> bool:
        """Whether some words were put in quotation marks."""
        return any(len(term.words) > 1 for term in self.terms)


@dataclass(frozen=True)
class Limits:
    """What else a hit must be: published in a year of the house's calendar, of a programme."""

    year: int | None = None
    programme_id: int | None = None


@dataclass(frozen=True)
class Hit:
    """A release with its headline and a piece of its text, the words that were found marked."""

    release: Release
    headline: Markup
    excerpt: Markup


@dataclass(frozen=True)
class Answer:
    """Some hits. `count` is how many there are in all, None for more than COUNTED.

    `next` is the place after which the following ones begin. `is_loose` tells that nothing was
    found until marks over letters were left out.
    """

    hits: list[Hit]
    count: int | None
    next: str | None
    is_loose: bool = False


def question(text: str, language: str) -> Question:
    """What a text asks for; nothing when there is no word in it. Pure."""
    terms: list[Term] = []
    pieces = stems.visible(text[:LONGEST]).replace("”", '"').replace("“", '"').split('"')
    for place, piece in enumerate(pieces):
        words = [found.word for found in stems.words_in(piece)]
        is_quoted = place % 2 == 1 and place < len(pieces) - 1
        if is_quoted and words:
            terms.append(Term(tuple(words)))
        elif not is_quoted:
            terms += [Term((word,)) for word in words]
            if words and place == len(pieces) - 1:
                terms[-1] = replace(terms[-1], is_beginning=not piece[-1:].isspace())
    return Question(tuple(dict.fromkeys(terms[:MOST_TERMS])), language)


def search(
    asked: Question, *, limits: Limits, zone: str, after: str | None = None, size: int = PAGE
) -> Answer:
    """A page of what is found, after the place `after`. Raises NotFound for a place that is none.

    When nothing is found, once more without the marks over letters; not when words were put in
    quotation marks, which says that they are meant as they stand.
    """
    if not asked:
        return Answer([], 0, None)
    answer = _answer(asked, limits=limits, zone=zone, after=after, size=size)
    if answer.count == 0 and not asked.is_exact:
        loose = replace(asked, is_loose=True)
        answer = _answer(loose, limits=limits, zone=zone, after=after, size=size)
        return replace(answer, is_loose=bool(answer.count))
    return answer


def marked(text: str, asked: Question) -> Markup:
    """Plain text, safe to print, with the words that were asked for in <mark>. Pure."""
    return _with_marks(text, _marks(text, asked))


def excerpt(parts: Iterable[str], asked: Question, *, most: int = EXCERPT) -> Markup:
    """A piece of the first part in which a word stands, with the words marked; else the beginning.

    Pure. `parts` are plain texts.
    """
    whole = [stems.visible(" ".join(part.split(" "))) for part in parts]
    texts = [" ".join(text.split()) if "\n" in text else text for text in whole]
    for text in texts:
        if marks := _marks(text, asked):
            return _piece(text, marks, most)
    return escape(pages.shortened(next((text for text in texts if text), ""), most))


def for_sqlite(asked: Question, where: str, *, some: bool = False) -> str:
    """The question as FTS5 understands it: in the parts `where`, all its words, or `some`."""
    terms = [_fts5_term(term, asked) for term in asked.terms]
    joined = (" OR " if some else " AND ").join(terms)
    return f"{{{COLUMNS[where]}}} : ({joined})"


def for_postgresql(asked: Question, where: str, *, some: bool = False) -> str:
    """The question as the literal of a tsquery."""
    weights = WEIGHTS[where]
    return (" | " if some else " & ").join(
        _tsquery_term(term, asked, weights) for term in asked.terms
    )


def _fts5_term(term: Term, asked: Question) -> str:
    """Every word in quotation marks: what is within them is never an operator."""
    if len(term.words) > 1:
        return f'"{" ".join(stems.stems(term.words, asked.language))}"'
    found = []
    for word in term.words:
        forms = [f'"{one}"' for one in _forms(word, asked)]
        forms += [f'"{one}" *' for one in _beginnings(word, term, asked)]
        found.append(f"({' OR '.join(forms)})")
    return f"({' AND '.join(found)})"


def _tsquery_term(term: Term, asked: Question, weights: str) -> str:
    mark = f":{weights}" if weights else ""
    if len(term.words) > 1:
        side_by_side = [f"'{one}'{mark}" for one in stems.stems(term.words, asked.language)]
        return f"({' <-> '.join(side_by_side)})"
    found = []
    for word in term.words:
        forms = [f"'{one}'{mark}" for one in _forms(word, asked)]
        forms += [f"'{one}':*{weights}" for one in _beginnings(word, term, asked)]
        found.append(f"({' | '.join(forms)})")
    return f"({' & '.join(found)})"


def _forms(word: str, asked: Question) -> list[str]:
    [stem] = stems.stems([word], asked.language)
    if not asked.is_loose:
        return [stem]
    plain = stems.bare(stem)
    return list(dict.fromkeys([stem, plain, f"{PLAIN}{plain}"]))


def _beginnings(word: str, term: Term, asked: Question) -> list[str]:
    if not term.is_beginning or len(word) < SHORTEST_BEGINNING:
        return []
    return [word] if not asked.is_loose else [stems.bare(word), f"{PLAIN}{stems.bare(word)}"]


def _answer(asked: Question, *, limits: Limits, zone: str, after: str | None, size: int) -> Answer:
    found = _hits(asked).subquery("hit")
    order = (found.c.place, Release.published_at, Release.id)
    query = (
        sa.select(Release.id, found.c.place)
        .join(found, found.c.id == Release.id)
        .where(Release.language == asked.language, IS_PUBLIC, *_within(limits, zone))
    )
    # Ordered, though only counted: else SQLite looks up each release of the language in the index.
    query = query.order_by(*(column.desc() for column in order))
    known = query.with_only_columns(Release.id, maintain_column_froms=True).limit(COUNTED + 1)
    count = db.session.scalar(sa.select(sa.func.count()).select_from(known.subquery())) or 0
    if not count:
        return Answer([], 0, None)
    if after is not None:
        query = query.where(sa.tuple_(*order) < _place(after, asked.language))
    rows = db.session.execute(query.limit(size + 1)).all()
    last = rows[size - 1] if len(rows) > size else None
    releases = _whole([release_id for release_id, _ in rows[:size]])
    return Answer(
        hits=[_hit(release, asked) for release in releases],
        count=count if count <= COUNTED else None,
        next=f"{last.place}-{last.id}" if last else None,
    )


def _whole(release_ids: Sequence[int]) -> list[Release]:
    """The releases with their words; loaded apart, since a sort of ten thousand texts is slow."""
    query = (
        sa.select(Release)
        .where(Release.id.in_(release_ids))
        .join(Release.live)
        .options(
            contains_eager(Release.live).load_only(Revision.headline, Revision.lead, Revision.body),
            joinedload(Release.story).joinedload(Story.round).joinedload(Round.programme),
        )
    )
    found = {one.id: one for one in db.session.scalars(query)}
    return [found[one] for one in release_ids if one in found]


def _hits(asked: Question) -> sa.Select[Any]:
    """(id, place) of all that match: 3 when every word is in the headline, 2 in headline and lead,
    1 when some word is in the headline, 0 otherwise."""
    postgresql = db.engine.dialect.name == "postgresql"
    put = for_postgresql if postgresql else for_sqlite
    facts = {
        "everywhere": put(asked, EVERYWHERE),
        "upper": put(asked, UPPER),
        "title": put(asked, TITLE),
        "some": put(asked, TITLE, some=True),
    }
    text = POSTGRESQL if postgresql else SQLITE
    statement = sa.text(text).bindparams(**facts).columns(sa.column("id"), sa.column("place"))
    return sa.select(statement.subquery("found"))


POSTGRESQL = """\
SELECT release_id AS id, CASE
  WHEN words @@ CAST(:title AS tsquery) THEN 3
  WHEN words @@ CAST(:upper AS tsquery) THEN 2
  WHEN words @@ CAST(:some AS tsquery) THEN 1
  ELSE 0 END AS place
FROM release_search WHERE words @@ CAST(:everywhere AS tsquery)"""

SQLITE = """\
SELECT rowid AS id, CASE
  WHEN rowid IN (SELECT rowid FROM release_search WHERE release_search MATCH :title) THEN 3
  WHEN rowid IN (SELECT rowid FROM release_search WHERE release_search MATCH :upper) THEN 2
  WHEN rowid IN (SELECT rowid FROM release_search WHERE release_search MATCH :some) THEN 1
  ELSE 0 END AS place
FROM release_search WHERE release_search MATCH :everywhere"""


def _within(limits: Limits, zone: str) -> Iterator[sa.ColumnElement[bool]]:
    if limits.year is not None:
        first, end = year_bounds(limits.year, zone)
        yield sa.and_(Release.published_at >= first, Release.published_at < end)
    if limits.programme_id is not None:
        yield sa.exists().where(
            Listing.release_id == Release.id,
            Listing.kind == Heading.PROGRAMME,
            Listing.key == str(limits.programme_id),
        )


def _place(after: str, language: str) -> sa.Tuple:
    """`2-41`: the release 41, which was found in the second best place."""
    place, _, number = after.partition("-")
    if not (place in ("0", "1", "2", "3") and number.isascii() and number.isdigit()):
        raise NotFound("not_in_newsroom")
    release_id = int(number[:20])
    at: datetime | None = None
    if release_id <= LARGEST_ID:
        at = db.session.scalar(
            sa.select(Release.published_at).where(
                Release.id == release_id, Release.language == language, IS_PUBLIC
            )
        )
    if at is None:
        raise NotFound("not_in_newsroom")
    return sa.tuple_(
        sa.literal(int(place), sa.Integer),
        sa.literal(at, Release.published_at.type),
        sa.literal(release_id, Release.id.type),
    )


def _hit(release: Release, asked: Question) -> Hit:
    assert release.live is not None
    live = release.live
    body = html.plain(html.without_gaps(html.clean(live.body)))
    return Hit(
        release=release,
        headline=marked(pages.public_plain(live.headline), asked),
        excerpt=excerpt((pages.public_plain(live.lead), body), asked),
    )


def _marks(text: str, asked: Question) -> list[tuple[int, int]]:
    wanted = {word for term in asked.terms for word in stems.stems(term.words, asked.language)}
    beginnings = tuple(
        begun
        for term in asked.terms
        for word in term.words
        for begun in _beginnings(word, term, asked)
    )
    if asked.is_loose:
        wanted = {stems.bare(word) for word in wanted}
    found = []
    for one in stems.words_in(text):
        [stem] = stems.stems([one.word], asked.language)
        form = stems.bare(stem) if asked.is_loose else stem
        if form in wanted or (beginnings and form.startswith(beginnings)):
            found.append((one.start, one.end))
    return found


def _piece(text: str, marks: list[tuple[int, int]], most: int) -> Markup:
    """The piece that holds the most marks, from the beginning of a word to the end of one."""
    if len(text) <= most:
        return _with_marks(text, marks)
    room = most - 60  # some words before the first mark say what it is about

    def held(start: int) -> int:
        return sum(1 for first, last in marks if start <= first and last <= start + room)

    best = max((first for first, _ in marks), key=lambda first: (held(first), -first))
    start = 0 if best < 80 else text.rfind(" ", 0, best - 40) + 1
    end = len(text) if start + most >= len(text) else text.rfind(" ", start, start + most)
    if end <= start:
        end = start + most
    within = [(a - start, b - start) for a, b in marks if start <= a and b <= end]
    piece = _with_marks(text[start:end], within)
    before = Markup("… ") if start else Markup("")
    return before + piece + (Markup(" …") if end < len(text) else Markup(""))


def _with_marks(text: str, marks: list[tuple[int, int]]) -> Markup:
    said, at = Markup(""), 0
    for first, last in marks:
        said += escape(text[at:first]) + Markup("<mark>") + escape(text[first:last])
        said += Markup("</mark>")
        at = last
    return said + escape(text[at:])
