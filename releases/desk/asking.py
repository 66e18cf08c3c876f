"""What waits for one person: to mend, to review, to write on, to publish.

Each pile has its own small question, and the facts behind the next steps come in one question of
each kind for all piles, so that the desk asks as often however much lies on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User
from app.core.db import db
from app.core.html import gaps
from app.core.organisation import organisation
from releases.desk.access import visible_to
from releases.desk.steps import Facts, Step, can, next_step
from releases.editorial.binding import stale_among
from releases.editorial.models import Release, Revision, State
from releases.editorial.questions import whole
from releases.editorial.workflow import Action
from releases.review.models import Answer, Comment, Outcome, Review, SignOff
from releases.review.quotes import quotes_in
from releases.review.reviewing import (
    approval_step,
    is_open,
    may_answer,
    responsible,
    turn,
)
from subscribers.mailings.models import DeliveryState, Mailing, MailingState
from subscribers.mailings.questions import PUBLIC, Progress, progress_of

SHOWN = 8  # of each pile; the list of all releases shows the others
LOOKED_AT = 40  # of a person's own texts, the last changed
MAILINGS = 3  # that ended lately and are looked at
LATELY = timedelta(days=3)
MANY_FAILED = 0.1  # of a mailing: more than dead addresses explain


@dataclass(frozen=True)
class Waiting:
    """One release in a pile: since when, why, and the step."""

    release: Release
    step: Step
    since: datetime
    facts: Facts


@dataclass
class Piles:
    """What waits for a person. `more` names the piles of which only the first are shown."""

    failed: list[Waiting] = field(default_factory=list)
    mailings: list[tuple[Mailing, Progress]] = field(default_factory=list)
    review: list[Waiting] = field(default_factory=list)
    mend: list[Waiting] = field(default_factory=list)
    publish: list[Waiting] = field(default_factory=list)
    drafts: list[Waiting] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())


def piles_of(person: User, *, at: datetime) -> Piles:
    """Everything that waits for the person, the longest wait first."""
    asked = _asked(person)
    editor = person.may(Role.EDITOR)
    failed = _in_state(State.FAILED, person, own=not editor)
    approved = _in_state(State.APPROVED, person) if editor else []
    own = _own(person)
    known = {one.id: one for one in (*asked, *failed, *approved, *own)}
    facts = facts_of(list(known.values()), person)

    def waiting(releases: Iterable[Release]) -> list[Waiting]:
        found = [
            Waiting(
                one,
                next_step(one, person, facts[one.id]),
                facts[one.id].since or one.updated_at,
                facts[one.id],
            )
            for one in releases
        ]
        return sorted(found, key=lambda one: one.since)[:SHOWN]

    own_waiting = [one for one in own if one.state is not State.FAILED]
    mend = [one for one in own_waiting if _is_to_mend(one, person, facts[one.id])]
    return Piles(
        failed=waiting(failed),
        mailings=stuck_mailings(at=at) if editor else [],
        review=waiting(
            one for one in asked if facts[one.id].asked and _may_judge(one, person, facts[one.id])
        ),
        mend=waiting(mend),
        publish=waiting(one for one in approved if one not in mend),
        drafts=waiting(one for one in own if one.state is State.DRAFT and one not in mend),
    )


def facts_of(releases: Sequence[Release], person: User) -> dict[int, Facts]:
    """What the next steps of these releases depend on: one question of each kind for them all."""
    reviews = _reviews_of([one for one in releases if one.state is State.IN_REVIEW])
    ids = [one.id for one in releases]
    comments = _open_comments(ids)
    edits = _edited_quotes(releases)
    stale = stale_among(releases)
    four_eyes = organisation().four_eyes
    found = {}
    for one in releases:
        rows = reviews[one.id]
        mine = [row for row in rows if is_open(row, rows) and may_answer(row, by=person)]
        nobody = one.state is State.IN_REVIEW and not rows and person.may(Role.EDITOR)
        found[one.id] = Facts(
            responsible=responsible(one),
            four_eyes=four_eyes,
            asked=bool(mine) or nobody,
            approval=turn(rows) in (None, approval_step(rows)),
            since=min((row.asked_at for row in mine), default=None),
            comments=comments[one.id],
            edits=edits[one.id],
            gaps=len(gaps(one.head.headline + one.head.lead + one.head.body)),
            stale=one.id in stale,
        )
    return found


def stuck_mailings(*, at: datetime) -> list[tuple[Mailing, Progress]]:
    """Mailings that somebody should look at: paused, or ended just now with many failures."""
    paused = sa.select(Mailing).where(Mailing.kind.in_(PUBLIC), Mailing.finished_at.is_(None))
    ended = sa.select(Mailing).where(Mailing.kind.in_(PUBLIC), Mailing.finished_at > at - LATELY)
    found = [
        *db.session.scalars(
            paused.where(Mailing.state == MailingState.PAUSED).order_by(Mailing.id).limit(SHOWN)
        ),
        *db.session.scalars(
            ended.where(Mailing.state == MailingState.FINISHED)
            .order_by(Mailing.id.desc())
            .limit(MAILINGS)
        ),
    ]
    progress = progress_of([one.id for one in found])
    return [
        (one, progress[one.id])
        for one in found
        if one.state is MailingState.PAUSED or _failed_often(progress[one.id])
    ]


def _failed_often(progress: Progress) -> bool:
    return progress.counts[DeliveryState.FAILED] > MANY_FAILED * progress.audience


def _is_to_mend(release: Release, person: User, facts: Facts) -> bool:
    if not can(release, Action.EDIT, person, facts):
        return False
    return release.state is State.SENT_BACK or bool(facts.stale or facts.edits or facts.comments)


def _may_judge(release: Release, person: User, facts: Facts) -> bool:
    return can(release, Action.STEP, person, facts) or can(release, Action.APPROVE, person, facts)


def _in_state(state: State, person: User, *, own: bool = False) -> list[Release]:
    query = whole().where(Release.state == state, visible_to(person))
    if own:
        query = query.where(_is_theirs(person))
    return list(db.session.scalars(query.order_by(Release.updated_at, Release.id).limit(SHOWN)))


def _own(person: User) -> list[Release]:
    """The person's texts that are not over, the last changed; to a writer also what a program
    drafted for nobody."""
    theirs = _is_theirs(person)
    if person.may(Role.WRITER):
        nobodys = ~sa.exists().where(
            Revision.id == Release.head_id, Revision.author_id.is_not(None)
        )
        theirs = sa.or_(theirs, sa.and_(Release.submitted_by_id.is_(None), nobodys))
    return list(
        db.session.scalars(
            whole()
            .where(theirs, Release.state != State.WITHDRAWN, visible_to(person))
            .order_by(Release.updated_at.desc(), Release.id.desc())
            .limit(LOOKED_AT)
        )
    )


def _is_theirs(person: User) -> sa.ColumnElement[bool]:
    wrote = sa.exists().where(Revision.id == Release.head_id, Revision.author_id == person.id)
    return sa.or_(wrote, Release.submitted_by_id == person.id)


def _asked(person: User) -> list[Release]:
    """The releases in review of which the person, or their role, is asked for an answer; to an
    editor also those of which nobody was asked."""
    present = sa.and_(Review.release_id == Release.id, Review.submission == Release.submission)
    roles = list(Role) if person.role is Role.ADMIN else [person.role]
    mine: sa.ColumnElement[bool] = sa.exists().where(
        present,
        Review.verdict.is_(None),
        sa.or_(Review.user_id == person.id, Review.role.in_(roles)),
    )
    if person.may(Role.EDITOR):
        mine = sa.or_(mine, ~sa.exists().where(present))
    return list(
        db.session.scalars(
            whole()
            .where(Release.state == State.IN_REVIEW, mine, visible_to(person))
            .order_by(Release.updated_at, Release.id)
            .limit(LOOKED_AT)
        )
    )


def _reviews_of(releases: Sequence[Release]) -> defaultdict[int, list[Review]]:
    """The reviews of the present submissions, each release's chain first and in its order."""
    found: defaultdict[int, list[Review]] = defaultdict(list)
    if not releases:
        return found
    rows = db.session.scalars(
        sa.select(Review)
        .join(Release, Release.id == Review.release_id)
        .where(
            Review.release_id.in_([one.id for one in releases]),
            Review.submission == Release.submission,
        )
        .options(joinedload(Review.user))
        .order_by(Review.required.desc(), Review.position, Review.id)
    )
    for row in rows:
        found[row.release_id].append(row)
    return found


def _open_comments(ids: Sequence[int]) -> defaultdict[int, int]:
    rows = db.session.execute(
        sa.select(Comment.release_id, sa.func.count().label("n"))
        .where(
            Comment.release_id.in_(ids),
            Comment.parent_id.is_(None),
            Comment.outcome == Outcome.OPEN,
        )
        .group_by(Comment.release_id)
    )
    found: defaultdict[int, int] = defaultdict(int)
    found.update((row.release_id, row.n) for row in rows)
    return found


def _edited_quotes(releases: Sequence[Release]) -> defaultdict[int, int]:
    """How many quotes of each head still stand as they were before somebody wanted other words."""
    edited: defaultdict[int, set[str]] = defaultdict(set)
    rows = db.session.execute(
        sa.select(SignOff.release_id, SignOff.fingerprint).where(
            SignOff.release_id.in_([one.id for one in releases]), SignOff.answer == Answer.EDITED
        )
    )
    for release_id, fingerprint in rows:
        edited[release_id].add(fingerprint)
    found: defaultdict[int, int] = defaultdict(int)
    for one in releases:
        if wanted := edited[one.id]:
            found[one.id] = sum(q.fingerprint in wanted for q in quotes_in(one.head.body))
    return found
