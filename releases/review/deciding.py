"""What those asked to review a text say: it may go on, or something has to change first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotAllowed, NotFound, NotNow
from app.core.organisation import organisation
from app.core.words import translate
from releases.desk.notifying import Kind, allowed, colleagues, tell
from releases.editorial import workflow
from releases.editorial.comparing import compare
from releases.editorial.models import Release, ReleaseEvent, Revision, State
from releases.editorial.workflow import Action, concerned
from releases.review import outside, reviewing
from releases.review.models import Invitation, Review, Verdict
from releases.review.reviewing import is_open, may_answer, reviews


def decide(
    review: Review,
    *,
    verdict: Verdict,
    reason: str = "",
    by: User | None = None,
    invitation: Invitation | None = None,
    at: datetime,
) -> None:
    """Answer a review, as a colleague (`by`) or as somebody invited.

    A step that is passed lets the next be asked. Changes asked for by a colleague who may send a
    text back send it back; anybody else's stand as their answer and are told. Raises NotNow when
    it is not this step's turn or the review is over, NotAllowed when it is not theirs or their own
    text, Conflict when somebody answered first, BadInput when changes are asked for without why.
    """
    release = review.release
    _expect_turn(release, review)
    _expect_theirs(release, review, by=by, invitation=invitation)
    if verdict is Verdict.CHANGES and not reason.strip():
        raise BadInput("reason_missing")
    if verdict is Verdict.PASSED and review is reviewing.approval_step(reviews(release)):
        assert by is not None
        workflow.approve(release, revision_id=review.revision_id, by=by, at=at)
        return
    if not reviewing.answer(review, verdict, reason=reason, by=by, at=at):
        raise Conflict("already_answered")
    if verdict is Verdict.PASSED:
        _passed(release, review, reason=reason, by=by, invitation=invitation, at=at)
    else:
        _changes_wanted(release, review, reason=reason, by=by, invitation=invitation, at=at)


def ask_more(
    release: Release, request: reviewing.Request, *, by: User, at: datetime
) -> list[Review]:
    """Ask more people while the text is in review; those who were asked already are not again.

    Raises NotNow when it is not in review, BadInput for whom `reviewing.ask` refuses.
    """
    if release.state is not State.IN_REVIEW:
        raise NotNow("review_over")
    if not by.may(*workflow.WRITERS):
        raise NotAllowed("role")
    return reviewing.ask(release, request, by=by, at=at)


def review_of(release: Release, review_id: int) -> Review:
    """One of this release's own reviews. Raises NotFound."""
    found = db.session.get(Review, review_id)
    if found is None or found.release_id != release.id:
        raise NotFound("no_such_review")
    return found


def panel(release: Release, person: User) -> dict[str, Any]:
    """What the page of a release shows of its review."""
    is_in_review = release.state is State.IN_REVIEW
    rows = reviews(release) if release.submission else []
    steps = [row for row in rows if row.required]
    may_judge = is_in_review and workflow.may(release, Action.STEP, by=person)
    last = reviewing.approval_step(rows)
    obstacle = _obstacle(release, person) if is_in_review else None
    approved = last_approved(release)
    may_ask = is_in_review and person.may(*workflow.WRITERS)
    may_submit = workflow.may(release, Action.SUBMIT, by=person)
    return {
        "reviews": rows,
        "review_turn": reviewing.turn(rows) if is_in_review else None,
        "review_now": now(),
        "may_answer": [
            row
            for row in rows
            if may_judge
            and row is not last
            and (row.required or row.user_id)
            and is_open(row, rows)
            and may_answer(row, by=person)
        ],
        "approval_waits_for": obstacle,
        "may_approve_now": workflow.may(release, Action.APPROVE, by=person) and obstacle is None,
        "since_approved": compare(approved, release.head) if approved and is_in_review else [],
        "approved_before": approved,
        "review_steps": steps,
        "review_guests": outside.guests(release, at=now()) if person.may(*workflow.WRITERS) else [],
        "may_ask_reviewers": may_ask,
        "reviewers": candidates(release, by=person) if may_ask or may_submit else [],
        "review_chain": reviewing.chain_of(release) if may_submit else [],
        "asked_before": _asked_before(release) if may_submit else reviewing.ANYBODY,
    }


def candidates(release: Release, *, by: User) -> list[User]:
    """The colleagues who may be asked to look at it: not its writer, nor those without access."""
    writer = release.head.author_id or by.id
    people = [one for one in colleagues(*Role) if one.id != writer or not organisation().four_eyes]
    return sorted(allowed(people, release), key=lambda one: one.name.casefold())


def last_approved(release: Release) -> Revision | None:
    """The latest approved revision other than the head; what an approver has seen before."""
    return db.session.scalar(
        sa.select(Revision)
        .join(ReleaseEvent, ReleaseEvent.revision_id == Revision.id)
        .where(
            ReleaseEvent.release_id == release.id,
            ReleaseEvent.action == Action.APPROVE.value,
            Revision.id != release.head_id,
        )
        .order_by(ReleaseEvent.id.desc())
        .limit(1)
    )


def _expect_turn(release: Release, review: Review) -> None:
    if release.state is not State.IN_REVIEW or review.submission != release.submission:
        raise NotNow("review_over")
    if review.verdict is not None:
        raise Conflict("already_answered")
    rows = reviews(release)
    if not is_open(review, rows):
        before = reviewing.turn(rows)
        assert before is not None
        raise NotNow("step_waits", label=before.label_sv)


def _expect_theirs(
    release: Release, review: Review, *, by: User | None, invitation: Invitation | None
) -> None:
    if by is None:
        if invitation is None or review.invitation_id != invitation.id:
            raise NotAllowed("review_not_yours")
        return
    workflow.find_move(release, Action.STEP, by=by)
    if not may_answer(review, by=by):
        raise NotAllowed("review_not_yours")


def _passed(
    release: Release,
    review: Review,
    *,
    reason: str,
    by: User | None,
    invitation: Invitation | None,
    at: datetime,
) -> None:
    who = by.name if by else invitation.name if invitation else ""
    said = reason.strip()
    if by is None:
        said = f"{who}: {said}" if said else who
    workflow.pass_step(release, reason=said, by=by, at=at)
    _record(release, review, by=by, who=who, at=at)
    tell(
        concerned(release),
        Kind.STEP_PASSED,
        release,
        key=f"answered:{review.id}",
        at=at,
        but=by,
        who=who,
        **({"reason": reason.strip()} if reason.strip() else {}),
    )
    if review.required or reviewing.turn(reviews(release)) is None:
        reviewing.go_on(release, by=None, at=at, due_at=review.due_at)


def _changes_wanted(
    release: Release,
    review: Review,
    *,
    reason: str,
    by: User | None,
    invitation: Invitation | None,
    at: datetime,
) -> None:
    who = by.name if by else invitation.name if invitation else ""
    _record(release, review, by=by, who=who, at=at)
    if by is not None and workflow.may(release, Action.SEND_BACK, by=by):
        workflow.send_back(release, reason=reason, by=by, at=at)
        return
    people = [*concerned(release), review.asked_by, *colleagues(Role.EDITOR)]
    for person in {one.id: one for one in people if one is not None}.values():
        tell(
            [person],
            Kind.COMMENT,
            release,
            key=f"answered:{review.id}",
            at=at,
            but=by,
            path=f"/office/releases/{release.id}",
            who=who,
            text=translate("review.asks_for_changes", person.language, reason=reason.strip()),
        )


def _record(release: Release, review: Review, *, by: User | None, who: str, at: datetime) -> None:
    record(
        "review.answer",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        actor=who,
        verdict=review.verdict.value if review.verdict else "",
        step=review.label_sv,
    )


def _obstacle(release: Release, person: User) -> DomainError | None:
    """What of the review stands between an approver and approving; None for others."""
    if not workflow.may(release, Action.APPROVE, by=person):
        return None
    return reviewing.before_approval(release, by=person)


def _asked_before(release: Release) -> reviewing.Request:
    """Who was asked beside the chain the last time: whom the form offers again."""
    rows = [row for row in reviews(release) if not row.required] if release.submission else []
    return reviewing.Request(
        people=tuple(row.user for row in rows if row.user is not None),
        outsiders=tuple(
            reviewing.Outsider(row.invitation.name, row.invitation.email)
            for row in rows
            if row.invitation is not None
        ),
    )
