"""What the preflight looks at: one small function for each kind of line.

Each asks at most a question or two of the database, whatever the release holds, so that the
preflight can be shown on a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.db import db
from app.core.html import gaps
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from releases.drafting.checking import Grade
from releases.drafting.lints import CODES as LINT_CODES
from releases.drafting.lints import About, Card, Lint, lints
from releases.editorial.binding import figures_now, stale_figures
from releases.editorial.contacts import answers_for
from releases.editorial.fact_check import fact_check
from releases.editorial.link_checking import addresses_in, last_checks
from releases.editorial.models import Contact, Release, State
from releases.editorial.preflight import Detail, Line, Subject, looks
from releases.editorial.translating import changes_since, untranslated
from releases.media.licences import rights_problems
from releases.media.questions import images_of
from releases.review.models import Comment, Outcome, Review
from releases.review.signing_off import Standing, unsigned
from releases.rounds.confirming import ticks

MAIL_SUBJECT = 60  # signs that most mail programs show of a subject
BEGINNING = 80  # signs of a quote
SHOWN = 3  # examples in a line's sentence
READY = (State.APPROVED, State.SCHEDULED, State.PUBLISHED)
PICTURE_LINES = {
    "alt_missing": "picture_alt",
    "credit_missing": "picture_credit",
    "licence_missing": "picture_licence",
    "licence_not_for_media": "picture_unusable",
}


# Figures and the round


@looks("figures_stale")
def _figures_stale(subject: Subject) -> Iterator[Line]:
    if subject.round is None or subject.round.version == 1:
        return
    stale = stale_figures(subject.revision, figures_now(subject.round))
    if stale:
        details = tuple(Detail(one.words, one.new or "") for one in stale)
        about = _mark(*(f"{one.name}={one.old}>{one.new}" for one in stale))
        yield Line("figures_stale", facts={"n": len(stale)}, about=about, details=details)


@looks("figures_contradict")
def _figures_contradict(subject: Subject) -> Iterator[Line]:
    if subject.round is None:
        return
    told = fact_check(subject.release, subject.revision).told
    wrong = [one for one in told if one.severity is Grade.CONTRADICTS]
    if wrong:
        details = tuple(Detail(one.words, one.says) for one in wrong)
        about = _mark(*(f"{one.code}:{one.words}:{one.says}" for one in wrong))
        yield Line("figures_contradict", facts={"n": len(wrong)}, about=about, details=details)


@looks("rows_unchecked")
def _rows_unchecked(subject: Subject) -> Iterator[Line]:
    if subject.round is not None and (left := ticks(subject.round.id).unchecked):
        yield Line("rows_unchecked", facts={"n": left})


@looks("applicants_not_told")
def _applicants_not_told(subject: Subject) -> Iterator[Line]:
    if subject.round is not None and subject.round.communicated_at is None:
        yield Line("applicants_not_told", facts={"name": subject.round.name})


# Quotes


@looks("quote_unsigned", "quote_declined")
def _quotes(subject: Subject) -> Iterator[Line]:
    for quote, _, standing in unsigned(subject.release, subject.revision):
        code = "quote_declined" if standing is Standing.DECLINED else "quote_unsigned"
        facts = {"name": quote.speaker or quote.by or "…"}
        detail = Detail(_beginning(quote.words))
        yield Line(code, facts=facts, about=quote.fingerprint[:16], details=(detail,))


# The words


@looks("headline_missing")
def _headline_missing(subject: Subject) -> Iterator[Line]:
    if not subject.revision.title:
        yield Line("headline_missing")


@looks("gaps")
def _gaps(subject: Subject) -> Iterator[Line]:
    revision = subject.revision
    if found := gaps(revision.headline + revision.lead + revision.body):
        yield Line("gaps", facts={"n": len(found)})


@looks("mail_long_subject")
def _mail_long_subject(subject: Subject) -> Iterator[Line]:
    signs = len(subject.revision.title)
    if signs > MAIL_SUBJECT and subject.release.published_at is None:
        yield Line("mail_long_subject", facts={"signs": signs, "most": MAIL_SUBJECT})


@looks(*(f"lint_{code}" for code in LINT_CODES))
def _style(subject: Subject) -> Iterator[Line]:
    release, revision, round_ = subject.release, subject.revision, subject.round
    sender = organisation()
    about = About(
        language=release.language,
        kinds=frozenset(row.kind for row in round_.rows() if row.kind) if round_ else frozenset(),
        sender=(sender.name(release.language),),
        cards=tuple(Card(one["name"], one["phone"], one["email"]) for one in revision.contacts),
    )
    parts = {
        "headline": revision.headline,
        "lead": revision.lead,
        "body": revision.body,
        "about_programme": revision.about_programme,
        "about_sender": sender.about(release.language),
    }
    found = sorted(lints(parts, about), key=_code)
    for code, slips in groupby(found, key=_code):
        yield _of_style(code, list(slips))


def _code(slip: Lint) -> str:
    return slip.code


def _of_style(code: str, slips: list[Lint]) -> Line:
    details = tuple(Detail(one.words, one.instead) for one in slips)
    where = "sender" if all(one.part == "about_sender" for one in slips) else ""
    about = _mark(*(one.words for one in slips))
    return Line(
        f"lint_{code}", facts={"n": len(slips), "where": where}, about=about, details=details
    )


# Pictures and contacts


@looks(*PICTURE_LINES.values())
def _pictures(subject: Subject) -> Iterator[Line]:
    printed, language = subject.revision.images, subject.release.language
    wanting = {one["id"]: rights_problems(one, language) for one in printed}
    if not any(wanting.values()):
        return
    described = {one.id: one.printed(language) for one in images_of(subject.release.story_id)}
    for image in printed:
        left = rights_problems(described.get(image["id"], image), language)
        for problem in wanting[image["id"]]:
            facts = {"name": image.get("filename", ""), **_place(problem in left)}
            yield Line(PICTURE_LINES[problem], facts=facts, about=str(image["id"]))


def _place(is_wanting: bool) -> dict[str, str]:
    """Whether it is put right where it belongs, or has been and the text has to be saved anew."""
    return {} if is_wanting else {"where": "saved"}


@looks("no_contact", "contact_unreachable", "contact_away")
def _contacts(subject: Subject) -> Iterator[Line]:
    printed = subject.revision.contacts
    if not printed:
        yield Line("no_contact")
        return
    known = _cards_of([one["id"] for one in printed])
    for one in printed:
        about = str(one["id"])
        contact = known.get(one["id"])
        if not (one["phone"] or one["email"]):
            has_none = contact is None or not (contact.phone or contact.email)
            facts = {"name": one["name"], **_place(has_none)}
            yield Line("contact_unreachable", facts=facts, about=about)
        if contact and contact.away_on(subject.day) and not answers_for(contact, subject.day):
            facts = {"name": one["name"], "day_on": subject.day.isoformat()}
            yield Line("contact_away", facts=facts, about=about)


def _cards_of(ids: Iterable[int]) -> dict[int, Contact]:
    found = db.session.scalars(
        sa.select(Contact).where(Contact.id.in_(ids)).options(joinedload(Contact.deputy))
    )
    return {contact.id: contact for contact in found}


# Languages


@looks("language_missing", "other_language_not_ready")
def _other_languages(subject: Subject) -> Iterator[Line]:
    others = _others(subject.release)
    for language in LANGUAGES:
        if language == subject.release.language:
            continue
        there = [one for one in others if one.language == language]
        facts = {"in_language": language}
        if not there:
            yield Line("language_missing", facts=facts, about=language)
        elif subject.release.state is State.SCHEDULED and not any(
            one.state in READY or one.is_public for one in there
        ):
            release_id = there[0].id
            yield Line(
                "other_language_not_ready", facts={**facts, "release": release_id}, about=language
            )


def _others(release: Release) -> list[Release]:
    return list(
        db.session.scalars(
            sa.select(Release).where(
                Release.story_id == release.story_id,
                Release.id != release.id,
                Release.state != State.WITHDRAWN,
            )
        )
    )


@looks("translation_behind")
def _translation_behind(subject: Subject) -> Iterator[Line]:
    original = subject.release.original
    if original is not None and (changed := changes_since(subject.release)):
        about = str(original.head_id)
        yield Line("translation_behind", facts={"n": len(changed)}, about=about)


@looks("untranslated")
def _untranslated(subject: Subject) -> Iterator[Line]:
    if left := untranslated(subject.release, subject.revision):
        details = tuple(Detail(line) for line in left)
        yield Line("untranslated", facts={"n": len(left)}, about=_mark(*left), details=details)


# What colleagues say


@looks("not_approved")
def _not_approved(subject: Subject) -> Iterator[Line]:
    if subject.release.approved_id is None:
        yield Line("not_approved")


@looks("reviews_open")
def _reviews_open(subject: Subject) -> Iterator[Line]:
    """Those who were asked by name. Steps of the programme stop the approval by themselves."""
    release = subject.release
    if not release.submission:
        return
    waiting = db.session.scalars(
        sa.select(Review)
        .where(
            Review.release_id == release.id,
            Review.submission == release.submission,
            Review.verdict.is_(None),
            sa.or_(Review.user_id.is_not(None), Review.invitation_id.is_not(None)),
        )
        .options(joinedload(Review.user), joinedload(Review.invitation))
        .order_by(Review.position, Review.id)
    )
    names = [person.name for one in waiting if (person := one.user or one.invitation)]
    if names:
        yield Line("reviews_open", facts={"n": len(names), "names": _some(names)})


@looks("comments_open")
def _comments_open(subject: Subject) -> Iterator[Line]:
    left = db.session.scalar(
        sa.select(sa.func.count()).where(
            Comment.release_id == subject.release.id,
            Comment.parent_id.is_(None),
            Comment.outcome == Outcome.OPEN,
        )
    )
    if left:
        yield Line("comments_open", facts={"n": left})


# Links


@looks("link_dead", "link_unchecked")
def _links(subject: Subject) -> Iterator[Line]:
    addresses = addresses_in(subject.revision)
    known = last_checks(addresses)
    for url in addresses:
        check = known.get(url)
        facts: dict[str, Any] = {"url": url}
        if check is None or check.works is None:
            yield Line("link_unchecked", facts=facts, about=_mark(url))
        elif not check.works:
            answer = {**facts, "answer": check.answer}
            yield Line("link_dead", facts=answer, about=_mark(url))


def _mark(*found: str) -> str:
    """Another one when something else is found."""
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]


def _beginning(words: str) -> str:
    """Enough of a quote to know it by."""
    return words if len(words) <= BEGINNING else words[:BEGINNING].rpartition(" ")[0] + " …"


def _some(names: list[str]) -> str:
    """A few of many names."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" + {more}" if more > 0 else "")
