"""The fact check of a release: what its text says that its round does not.

`releases.drafting.checking` finds; here a person's *it is right* is remembered, so that nobody is
asked twice about the same words. It is kept by what was found, what the words are and what the
round says: when the round's answer changes, the question comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from app.core.accounts import User
from app.core.audit import record
from app.core.db import db
from app.core.errors import Conflict
from app.core.words import translate
from releases.drafting.checking import Finding, Grade, check
from releases.drafting.drafting import HouseStyle
from releases.drafting.passages import attributes_of, underlined
from releases.editorial.models import Dismissal, Release, Revision
from releases.editorial.writing import context_of
from releases.rounds.table import Row

PARTS = ("headline", "lead", "body")


@dataclass(frozen=True)
class Dismissed:
    """A finding that somebody has called right."""

    finding: Finding
    by: str
    at: datetime

    def sentence(self, language: str) -> str:
        return sentence(self.finding, language)


@dataclass(frozen=True)
class Told:
    """A finding as a page tells it: its sentence, its fingerprint, and the row it speaks of."""

    finding: Finding
    sentence: str
    fingerprint: str
    row: int | None


@dataclass(frozen=True)
class FactCheck:
    """The findings of one revision: those still open, and those somebody has called right."""

    open: tuple[Finding, ...]
    dismissed: tuple[Dismissed, ...]

    @property
    def contradicting(self) -> int:
        return sum(one.severity is Grade.CONTRADICTS for one in self.told)

    @property
    def looking(self) -> int:
        return len(self.told) - self.contradicting

    @property
    def told(self) -> tuple[Finding, ...]:
        """Those for this page: that a bound figure has changed is told with its remedy."""
        return tuple(one for one in self.open if one.code != "figure")


def findings(release: Release, revision: Revision) -> list[Finding]:
    """What contradicts the round and nobody has called right yet. Empty without a round."""
    return list(fact_check(release, revision).open)


def fact_check(release: Release, revision: Revision) -> FactCheck:
    """All that a revision's text says against its round, with what was called right apart."""
    found = _found(release, revision)
    kept = _dismissals(release) if found else {}
    return FactCheck(
        open=tuple(one for one in found if fingerprint(one) not in kept),
        dismissed=tuple(
            Dismissed(one, *kept[fingerprint(one)]) for one in found if fingerprint(one) in kept
        ),
    )


def dismiss(release: Release, finding: Finding, *, by: User, at: datetime) -> None:
    """Remember that `by` calls it right. Who said so first stays."""
    if fingerprint(finding) in _dismissals(release):
        return
    said = Dismissal(release_id=release.id, finding=fingerprint(finding), by_id=by.id, at=at)
    try:
        with db.session.begin_nested():
            db.session.add(said)
    except sa.exc.IntegrityError:  # somebody else said so just now
        return
    record(
        "release.dismiss",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        words=finding.words,
    )


def finding_of(release: Release, revision: Revision, wanted: str) -> Finding:
    """The finding with this fingerprint. Raises Conflict when the text has it no more."""
    for one in _found(release, revision):
        if fingerprint(one) == wanted:
            return one
    raise Conflict("changed_meanwhile")


def fingerprint(finding: Finding) -> str:
    """The same for the same words about the same thing, wherever they stand in the text."""
    words = (" ".join(text.casefold().split()) for text in (finding.words, finding.says))
    told = "\n".join((finding.code, *words))
    return f"{finding.code}:{hashlib.sha256(told.encode()).hexdigest()}"


def sentence(finding: Finding, language: str) -> str:
    """What is told about a finding, with the answer of the round in it."""
    return translate(f"checking.code.{finding.code}", language, says=finding.says)


def marked(revision: Revision, found: Sequence[Finding], *, language: str) -> dict[str, str]:
    """The parts of a revision with the words of each finding underlined.

    `language` is that of the page. The marks are called words-1, words-2 … in the order of `found`
    and are described by finding-1, finding-2 ….
    """
    shown: dict[str, str] = {}
    for part in PARTS:
        marks = [
            (one.start, one.end, _mark(one, number, language))
            for number, one in enumerate(found, 1)
            if one.part == part
        ]
        shown[part] = underlined(getattr(revision, part), marks)
    return shown


def told(finding: Finding, language: str) -> Told:
    """A finding in the words of a page in `language`."""
    return Told(finding, sentence(finding, language), fingerprint(finding), _row_number(finding))


def _row_number(finding: Finding) -> int | None:
    """The row of the round that it was compared with, when it was one row."""
    parts = finding.figure.split(".")
    return int(parts[1]) if parts[0] == "award" and parts[1].isdigit() else None


def _mark(finding: Finding, number: int, language: str) -> str:
    return attributes_of(
        {
            "class": f"finding finding--{finding.severity.value}",
            "id": f"words-{number}",
            "title": sentence(finding, language),
            "aria-describedby": f"finding-{number}",
        }
    )


def _found(release: Release, revision: Revision) -> list[Finding]:
    round_ = release.story.round
    if round_ is None:
        return []
    return list(
        _checked(
            tuple((part, getattr(revision, part)) for part in PARTS),
            tuple(round_.rows()),
            round_.currency,
            release.language,
            context_of(round_, release.language).style,
        )
    )


@lru_cache(maxsize=4)  # a page asks twice, and a large round takes seconds
def _checked(
    parts: tuple[tuple[str, str], ...],
    rows: tuple[Row, ...],
    currency: str,
    language: str,
    style: HouseStyle,
) -> tuple[Finding, ...]:
    return tuple(check(dict(parts), rows=rows, currency=currency, language=language, style=style))


def _dismissals(release: Release) -> dict[str, tuple[str, datetime]]:
    """Who called which finding of a release right, and when."""
    query = (
        sa.select(Dismissal.finding, User.name, Dismissal.at)
        .outerjoin(User, User.id == Dismissal.by_id)
        .where(Dismissal.release_id == release.id)
    )
    return {finding: (name or "", at) for finding, name, at in db.session.execute(query)}
