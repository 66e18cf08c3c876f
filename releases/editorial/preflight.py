"""What stands between a release and its publication, line by line.

Here is what a line is, what each kind of line weighs in this office, and which of them somebody has
taken upon themselves. They are found by functions that register with `looks`
(`editorial.preflight_lines`): those lean on modules that lean on the workflow, and the workflow
asks here before it publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User, require
from app.core.audit import record
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotAllowed, NotNow
from app.core.formats import date_line, long_date
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.models import Override, Release, Revision
from releases.rounds.models import Round

SHORTEST_REASON = 10


class Weight(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    OFF = "off"


# What is looked at, in the order of the page, and what it weighs as shipped (decision 0018).
GROUPS: dict[str, dict[str, Weight]] = {
    "figures": {
        "figures_stale": Weight.BLOCK,
        "figures_contradict": Weight.BLOCK,
        "rows_unchecked": Weight.WARN,
        "applicants_not_told": Weight.WARN,
    },
    "quotes": {"quote_unsigned": Weight.BLOCK, "quote_declined": Weight.BLOCK},
    "words": {
        "headline_missing": Weight.BLOCK,
        "gaps": Weight.WARN,
        "mail_long_subject": Weight.WARN,
    },
    "pictures": {
        "picture_alt": Weight.BLOCK,
        "picture_credit": Weight.BLOCK,
        "picture_licence": Weight.BLOCK,
        "picture_unusable": Weight.WARN,
    },
    "contacts": {
        "no_contact": Weight.WARN,
        "contact_unreachable": Weight.WARN,
        "contact_away": Weight.WARN,
    },
    "languages": {
        "untranslated": Weight.BLOCK,
        "language_missing": Weight.WARN,
        "translation_behind": Weight.WARN,
        "other_language_not_ready": Weight.WARN,
    },
    "review": {
        "not_approved": Weight.WARN,  # it is the workflow that does not let it out
        "reviews_open": Weight.WARN,
        "comments_open": Weight.WARN,
    },
    "links": {"link_dead": Weight.WARN, "link_unchecked": Weight.OFF},
    "style": {
        f"lint_{code}": Weight.WARN
        for code in (
            "enumeration_comma",
            "attribution_comma",
            "hyphen_quote",
            "dash_and_marks",
            "thousands",
            "ungrouped",
            "percent",
            "double_space",
            "headline_kinds",
            "headline_word",
            "contact_differs",
            "outdated_name",
            "sender_twice",
            "phone_glued",
            "postcode",
        )
    },
}
SHIPPED = {code: weight for group in GROUPS.values() for code, weight in group.items()}
UNCHANGING = ("headline_missing",)  # blocks everywhere, and nobody can take it upon themselves
NOT_OFF = ("figures_contradict",)  # may be lowered, never silenced


@dataclass(frozen=True)
class Detail:
    """Words found in the text and, when it can be said, what to write instead."""

    words: str
    instead: str = ""


@dataclass(frozen=True)
class TakenOn:
    """Who has taken a blocking line upon themselves, and why."""

    name: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Line:
    """One thing to look at. `code` has words in the `preflight` catalogue, filled by `facts`.

    `about` tells several lines of one code apart (a contact's or a picture's number), and is
    another when what was found is another, so that a taken-on line covers nothing new. Facts are
    plain values: one called `…_on` is a date, `…_at` a moment (ISO), `in_language` a language and
    `answer` how an address answered.
    """

    code: str
    weight: Weight = Weight.WARN
    facts: dict[str, Any] = field(default_factory=dict)
    about: str = ""
    details: tuple[Detail, ...] = ()
    taken_on: TakenOn | None = None

    @property
    def key(self) -> str:
        return f"{self.code}:{self.about}" if self.about else self.code

    @property
    def blocks(self) -> bool:
        return self.weight is Weight.BLOCK and self.taken_on is None

    @property
    def can_be_taken_on(self) -> bool:
        return self.blocks and self.code not in UNCHANGING

    def sentence(self, language: str) -> str:
        return sentence(f"preflight.line.{self.code}", self.facts, language)


class Subject:
    """A release as it is looked at: its head, its round, and the day it would be published."""

    def __init__(self, release: Release, at: datetime) -> None:
        self.release = release
        self.at = at

    @property
    def revision(self) -> Revision:
        return self.release.head

    @property
    def round(self) -> Round | None:
        return self.release.story.round

    @cached_property
    def day(self) -> date:
        moment = max(self.at, self.release.publish_at or self.at)
        return today(moment, organisation().time_zone)


Look = Callable[[Subject], Iterable[Line]]
_looks: list[tuple[tuple[str, ...], Look]] = []


def looks(*codes: str) -> Callable[[Look], Look]:
    """Let a function find the lines of these codes. Their weight is given afterwards."""

    def register(look: Look) -> Look:
        _looks.append((codes, look))
        return look

    return register


def weight_of(code: str, choices: Mapping[str, str] | None = None) -> Weight:
    """What a line weighs in this office, or by other `choices` than the office's."""
    if code in UNCHANGING:
        return SHIPPED[code]
    chosen = (organisation().preflight if choices is None else choices).get(code)
    weight = Weight(chosen) if chosen in set(Weight) else SHIPPED[code]
    return Weight.WARN if weight is Weight.OFF and code in NOT_OFF else weight


def weights_here() -> dict[str, Weight]:
    """What every line weighs in this office."""
    choices = organisation().preflight
    return {code: weight_of(code, choices) for code in SHIPPED}


def preflight(release: Release, *, at: datetime) -> list[Line]:
    """Every line for the head, blocking ones first, in the order of the page otherwise.

    Asks a fixed number of questions of the database. Raises RuntimeError when nothing has been
    registered to look: a preflight that finds nothing must mean that nothing is there.
    """
    if not _looks:
        raise RuntimeError("releases.editorial.preflight_lines has not been imported")
    weights = weights_here()
    subject = Subject(release, at)
    found = [
        replace(line, weight=weights[line.code])
        for codes, look in _looks
        if any(weights[code] is not Weight.OFF for code in codes)
        for line in look(subject)
        if weights[line.code] is not Weight.OFF
    ]
    if any(line.weight is Weight.BLOCK for line in found):
        taken = _taken_on(release)
        found = [replace(line, taken_on=taken.get(line.key)) for line in found]
    order = list(SHIPPED)
    return sorted(found, key=lambda line: (not line.blocks, order.index(line.code), line.about))


def in_order(lines: Iterable[Line]) -> list[str]:
    """The codes that were looked at and had nothing to say."""
    told = {line.code for line in lines}
    weights = weights_here()
    return [code for code in SHIPPED if code not in told and weights[code] is not Weight.OFF]


def blocking(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.blocks]


def stop_if_blocked(release: Release, *, at: datetime) -> None:
    """Raises NotNow, saying how many and which, when a line blocks publication."""
    if lines := blocking(preflight(release, at=at)):
        raise NotNow("preflight_blocks", n=len(lines), lines=lines)


def as_failure(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """What stood in the way, as a release keeps it."""
    return [{"key": f"preflight.line.{line.code}", "facts": line.facts} for line in lines]


def sentence(key: str, facts: Mapping[str, Any], language: str) -> str:
    """A line, or a kept failure, in the reader's language: dates and languages by their names."""
    said = {name: _said(name, value, language) for name, value in facts.items()}
    return translate(key, language, **said)


def override(release: Release, key: str, *, reason: str, by: User, at: datetime) -> None:
    """Take a blocking line upon oneself, for this revision alone. Recorded in the audit log.

    Raises NotAllowed to writers, BadInput for a reason too short to be one, Conflict when no such
    line blocks (any more).
    """
    require(by, Role.EDITOR)
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise BadInput("reason_too_short", n=SHORTEST_REASON)
    line = next((one for one in preflight(release, at=at) if one.key == key), None)
    if line is None or line.weight is not Weight.BLOCK:
        raise Conflict("line_gone")
    if line.code in UNCHANGING:
        raise NotAllowed("line_unchanging")
    if line.taken_on:
        return
    taken = Override(
        release_id=release.id,
        revision_id=release.head_id,
        line=key,
        reason=reason,
        by_id=by.id,
        at=at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(taken)
    except sa.exc.IntegrityError:  # a colleague has done so just now
        return
    record(
        "release.override",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        revision=release.head.number,
        line=key,
        reason=reason,
    )


def weigh(choices: Mapping[str, str], *, by: User, at: datetime) -> None:
    """What each line does from now on; an admin's to say. Only what differs from shipped is kept.

    Raises NotAllowed, and BadInput for a line that cannot weigh that.
    """
    if not by.may():
        raise NotAllowed("admins_only")
    office = organisation()
    before = weights_here()
    kept = {}
    for code, chosen in choices.items():
        if code not in SHIPPED or chosen not in set(Weight):
            raise BadInput("line_unknown")
        if weight_of(code, {code: chosen}) != chosen:
            raise BadInput("line_unchanging")
        if SHIPPED[code] != chosen:
            kept[code] = chosen
    office.preflight = kept
    db.session.add(office)
    for code in SHIPPED:
        after = weight_of(code, kept)
        if after is not before[code]:
            facts = {"line": code, "was": before[code].value, "now": after.value}
            record("preflight.weigh", "organisation", office.id, by=by, at=at, **facts)


def _taken_on(release: Release) -> dict[str, TakenOn]:
    found = db.session.scalars(
        sa.select(Override)
        .where(Override.revision_id == release.head_id)
        .options(joinedload(Override.by))
    )
    return {one.line: TakenOn(one.by.name, one.reason, one.at) for one in found}


def _said(name: str, value: Any, language: str) -> Any:
    zone = organisation().time_zone
    if name.endswith("_on"):
        return long_date(date.fromisoformat(value), language, zone)
    if name.endswith("_at"):
        return date_line(datetime.fromisoformat(value), language, zone)
    if name == "in_language":
        return translate(f"preflight.in.{value}", language)
    if name == "answer" and value.isdigit():
        return translate("preflight.answer.status", language, status=value)
    if name == "answer":
        return translate(f"preflight.answer.{value}", language)
    return value
