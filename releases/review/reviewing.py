"""Reviews: who is asked to look at a text, in which order, and what is still waited for.

A programme has a chain of steps that each have to be passed in their order; whoever submits may
ask more people beside it. When nobody else is asked the editors are. What those asked say is a
matter of `review.deciding`; the workflow asks here whether a text may be approved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User, normal_email
from app.core.db import db, guarded
from app.core.errors import BadInput, DomainError, NotAllowed, NotNow
from app.core.organisation import organisation
from releases.desk.notifying import Kind, allowed, colleagues, tell
from releases.editorial.models import Release, ReleaseEvent
from releases.review import outside
from releases.review.models import Review, Verdict

APPROVERS = (Role.EDITOR, Role.ADMIN)
MOST_OUTSIDERS = 20
OUTSIDER = re.compile(r"(?P<name>[^<>@]*?)[\s,;<]*(?P<email>[^\s<>,;]+@[^\s<>,;]+)\s*>?")


@dataclass(frozen=True)
class Outsider:
    """Somebody without an account who is asked to look at a text."""

    name: str
    email: str


@dataclass(frozen=True)
class Request:
    """Who is asked beside the programme's chain, until when, and what is said to them."""

    people: tuple[User, ...] = ()
    outsiders: tuple[Outsider, ...] = ()
    due_at: datetime | None = None
    message: str = ""


ANYBODY = Request()


def outsiders(lines: str) -> tuple[Outsider, ...]:
    """People from outside as somebody writes them, one a line: `Eva Ek, eva@lund.se`.

    Raises BadInput for a line without a name or without an address.
    """
    found = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        parts = OUTSIDER.fullmatch(line)
        if parts is None or not parts["name"].strip(" ,;"):
            raise BadInput("outsider_unreadable", line=line[:200])
        found.append(Outsider(parts["name"].strip(" ,;"), normal_email(parts["email"])))
    if len(found) > MOST_OUTSIDERS:
        raise BadInput("too_many_outsiders", n=MOST_OUTSIDERS)
    return tuple({one.email: one for one in found}.values())


def check(release: Release, request: Request, *, at: datetime) -> None:
    """Whether these people and those of the chain can be asked. Raises BadInput."""
    chain = tuple(person for step in chain_of(release) if (person := _person_of(step)))
    _expect_reachable(release, chain)
    _check(release, request, at=at)


def responsible(release: Release) -> int | None:
    """Whose words the head is: its author, or who submitted it when a program drafted it."""
    return release.head.author_id or release.submitted_by_id


def begin(release: Release, request: Request, *, by: User, at: datetime) -> None:
    """A new submission: write down the chain, ask who was named, and whoever's turn it is."""
    for number, step in enumerate(chain_of(release), 1):
        person = _person_of(step)
        db.session.add(
            Review(
                release_id=release.id,
                revision_id=release.head_id,
                submission=release.submission,
                position=number,
                required=True,
                label_sv=step["label_sv"],
                label_en=step["label_en"],
                role=Role(step["role"]) if step.get("role") and not person else None,
                user=person,
                asked_by=by,
                asked_at=at,
                due_at=request.due_at,
            )
        )
    db.session.flush()
    ask(release, request, by=by, at=at)
    go_on(release, by=by, at=at, due_at=request.due_at, message=request.message)


def ask(release: Release, request: Request, *, by: User, at: datetime) -> list[Review]:
    """Ask people beside the chain, each once in a submission, and tell them.

    Nothing waits for them: a text can be approved before they answer. Raises BadInput for
    somebody who may not see the text or wrote it, and for a time that has passed.
    """
    _check(release, request, at=at)
    known = reviews(release)
    asked_people = {one.user_id for one in known if not one.required}
    asked_outside = {
        one.invitation.email
        for one in known
        if one.invitation and outside.is_open(one.invitation, at=at)
    }
    asked = []
    for person in dict.fromkeys(request.people):
        if person.id not in asked_people:
            review = _beside(release, request, by=by, at=at)
            review.user = person
            asked.append(review)
    for outsider in request.outsiders:
        if outsider.email not in asked_outside:
            review = _beside(release, request, by=by, at=at)
            review.invitation = outside.invitation_for(
                release,
                name=outsider.name,
                email=outsider.email,
                due_at=request.due_at,
                by=by,
                at=at,
            )
            asked.append(review)
    db.session.add_all(asked)
    db.session.flush()
    for review in asked:
        _tell(review, by=by, at=at, message=request.message)
    return asked


def go_on(
    release: Release,
    *,
    by: User | None,
    at: datetime,
    due_at: datetime | None = None,
    message: str = "",
) -> None:
    """Ask whoever's turn it is now; the editors when nobody is left who could approve."""
    rows = reviews(release)
    step = turn(rows)
    if step is not None:
        if step.position > 1:
            step.asked_at = at
        _tell(step, by=by, at=at, message=message)
        return
    is_waited_for = any(row.user and row.user.active and row.verdict is None for row in rows)
    if is_waited_for or any(_could_approve(row) for row in rows):
        return
    review = Review(
        release_id=release.id,
        revision_id=release.head_id,
        submission=release.submission,
        position=len(rows) + 1,
        role=Role.EDITOR,
        asked_by=release.submitted_by,
        asked_at=at,
        due_at=due_at,
    )
    db.session.add(review)
    db.session.flush()
    _tell(review, by=by, at=at, message=message)


def reviews(release: Release, *, submission: int | None = None) -> list[Review]:
    """Those of the present submission, the chain first and in its order."""
    wanted = release.submission if submission is None else submission
    return list(
        db.session.scalars(
            sa.select(Review)
            .where(Review.release_id == release.id, Review.submission == wanted)
            .options(
                joinedload(Review.user),
                joinedload(Review.invitation),
                joinedload(Review.asked_by),
                joinedload(Review.decided_by),
                joinedload(Review.revision),
            )
            .order_by(Review.required.desc(), Review.position, Review.id)
        )
    )


def unpassed(release: Release) -> list[Review]:
    """The required reviews of the present submission that have not been passed, in their order."""
    return list(
        db.session.scalars(
            sa.select(Review)
            .where(
                Review.release_id == release.id,
                Review.submission == release.submission,
                Review.required,
                sa.or_(Review.verdict.is_(None), Review.verdict != Verdict.PASSED),
            )
            .order_by(Review.position, Review.id)
        )
    )


def turn(rows: Sequence[Review]) -> Review | None:
    """The step of the chain whose turn it is; None when all have been passed or there are none."""
    return next((row for row in rows if row.required and row.verdict is not Verdict.PASSED), None)


def is_open(review: Review, rows: Sequence[Review]) -> bool:
    """Whether an answer is waited for: it is not given, and no step before it is left."""
    if review.verdict is not None:
        return False
    return not review.required or turn(rows) is review


def approval_step(rows: Sequence[Review]) -> Review | None:
    """The last step of the chain, when it is an editor's: then it is the approval itself."""
    last = next((row for row in reversed(rows) if row.required), None)
    return last if last is not None and _is_approvers(last) else None


def may_answer(review: Review, *, by: User) -> bool:
    """Whether it is theirs to answer. An admin may for anybody of the chain, that none gets stuck.

    Four eyes are the workflow's matter.
    """
    if review.user_id is not None:
        return review.user_id == by.id or (review.required and by.role is Role.ADMIN)
    return review.role is not None and by.may(review.role)


def before_approval(release: Release, *, by: User) -> DomainError | None:
    """What of its review stands between the text and this person's approval.

    NotNow while a step is left, NotAllowed when the chain names somebody else for the last one.
    """
    rows = reviews(release)
    last = approval_step(rows)
    left = [
        row
        for row in rows
        if row.required and row is not last and row.verdict is not Verdict.PASSED
    ]
    if left:
        return NotNow("steps_remain", n=len(left))
    if last is None or last.verdict is Verdict.PASSED or may_answer(last, by=by):
        return None
    if last.user is not None:
        return NotAllowed("named_approver", name=last.user.name)
    return NotAllowed("role")


def settle(
    release: Release, verdict: Verdict, *, reason: str = "", by: User | None, at: datetime
) -> None:
    """What the person has done is their answer wherever one was waited for from them."""
    if by is None:
        return
    rows = reviews(release)
    for review in [row for row in rows if is_open(row, rows) and may_answer(row, by=by)]:
        answer(review, verdict, reason=reason, by=by, at=at)


def answer(review: Review, verdict: Verdict, *, reason: str, by: User | None, at: datetime) -> bool:
    """Write an answer down, once; False when somebody was first. `by` is None from outside."""
    won = guarded(
        sa.update(Review)
        .where(Review.id == review.id, Review.verdict.is_(None))
        .values(
            verdict=verdict,
            reason=reason.strip(),
            decided_by_id=by.id if by else None,
            decided_at=at,
        )
    )
    db.session.refresh(review)
    return won


def tell_voided(release: Release, approved_revision_id: int, *, by: User, at: datetime) -> None:
    """Tell who approved a revision that its words have been changed since."""
    approver = db.session.scalar(
        sa.select(User)
        .join(ReleaseEvent, ReleaseEvent.by_id == User.id)
        .where(
            ReleaseEvent.release_id == release.id,
            ReleaseEvent.revision_id == approved_revision_id,
            ReleaseEvent.action == "approve",
        )
        .order_by(ReleaseEvent.id.desc())
        .limit(1)
    )
    tell(
        [approver],
        Kind.APPROVAL_VOIDED,
        release,
        key=f"voided:{release.id}:{approved_revision_id}",
        at=at,
        but=by,
        who=by.name,
    )


def people_of(review: Review) -> list[User]:
    """The colleagues an answer is waited for from; administrators where nobody else may give it."""
    if review.user is None and review.role is None:
        return []
    writer = responsible(review.release) if organisation().four_eyes else None
    asked = [review.user] if review.user else colleagues(review.role) if review.role else []
    people = [person for person in asked if person.active and person.id != writer]
    people = allowed(people, review.release)
    return people or [one for one in colleagues(Role.ADMIN) if one.id != writer]


def chain_of(release: Release) -> list[dict[str, Any]]:
    """The steps of the release's programme; none for a text without a round."""
    round_ = release.story.round
    return list(round_.programme.review_steps) if round_ else []


def _tell(review: Review, *, by: User | None, at: datetime, message: str) -> None:
    release = review.release
    asked_by = by or review.asked_by or release.submitted_by
    if review.invitation is not None:
        outside.write(review, message=message, at=at)
        return
    facts = {"reason": message.strip()} if message.strip() else {}
    tell(
        people_of(review),
        Kind.REVIEW_ASKED,
        release,
        key=f"review:{review.id}",
        at=at,
        but=by if review.user_id is None else None,
        path=f"/office/releases/{release.id}/read",
        who=asked_by.name if asked_by else "",
        **facts,
    )


def _check(release: Release, request: Request, *, at: datetime) -> None:
    if request.due_at is not None and request.due_at <= at:
        raise BadInput("time_has_passed")
    _expect_reachable(release, request.people)
    for person in request.people:
        if organisation().four_eyes and person.id == responsible(release):
            raise BadInput("reviewer_is_writer", name=person.name)


def _expect_reachable(release: Release, people: Sequence[User]) -> None:
    for person in people:
        if not person.active:
            raise BadInput("reviewer_gone", name=person.name)
        if not allowed([person], release):
            raise BadInput("reviewer_without_access", name=person.name)


def _beside(release: Release, request: Request, *, by: User, at: datetime) -> Review:
    return Review(
        release=release,
        revision_id=release.head_id,
        submission=release.submission,
        asked_by=by,
        asked_at=at,
        due_at=request.due_at,
    )


def _is_approvers(review: Review) -> bool:
    if review.user is not None:
        return review.user.may(Role.EDITOR)
    return review.role in APPROVERS


def _could_approve(review: Review) -> bool:
    return _is_approvers(review) and review.verdict is not Verdict.CHANGES


def _person_of(step: dict[str, Any]) -> User | None:
    return db.session.get(User, step["user_id"]) if step.get("user_id") else None
