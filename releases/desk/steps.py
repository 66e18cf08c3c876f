"""The one next step of a release for one person, from the workflow's table and a few facts. Pure.

The desk and the release's own page say the same, since both ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.core.accounts import User
from releases.editorial.models import Release, State
from releases.editorial.workflow import JUDGEMENTS, TABLE, Action


@dataclass(frozen=True)
class Facts:
    """What a step depends on beside the state.

    `asked`: an answer to a review is waited for that is this person's to give; `approval`: no other
    step of the review is left, so that it is the approval itself. `comments` are open ones,
    `edits` quotes that came back with other words. `responsible` is whose words the head is.
    """

    responsible: int | None = None
    four_eyes: bool = True
    asked: bool = False
    approval: bool = False
    since: datetime | None = None
    comments: int = 0
    edits: int = 0
    gaps: int = 0
    stale: bool = False


class Step(NamedTuple):
    """What to do and where. `acts` is False when it is somebody else's turn."""

    label: str
    href: str
    acts: bool = True


def next_step(release: Release, person: User, facts: Facts) -> Step:
    """The step for this person. `label` is a key of words."""
    at = f"/office/releases/{release.id}"
    if can(release, Action.EDIT, person, facts) and (mending := _mending(release, at, facts)):
        theirs = release.state in (State.DRAFT, State.SENT_BACK) or facts.responsible == person.id
        if theirs or facts.stale:
            return mending
    return _by_state(release, person, facts, at)


def can(release: Release, action: Action, person: User, facts: Facts) -> bool:
    """What the workflow would say, without asking it."""
    move = TABLE.get((action, release.state))
    if move is None or not person.may(*move.roles):
        return False
    own = facts.four_eyes and facts.responsible == person.id
    return not (own and action in JUDGEMENTS)


def waited(since: datetime, at: datetime) -> tuple[str, int]:
    """How long something has stood: a key of words and its number."""
    seconds = max(0, (at - since).total_seconds())
    for key, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length:
            return f"desk.waited.{key}", int(seconds // length)
    return "desk.waited.now", 0


def _mending(release: Release, at: str, facts: Facts) -> Step | None:
    """What its writer has to mend before it can go on."""
    if facts.stale:
        return Step("desk.step.update", f"{at}/update")
    if facts.edits:
        return Step("desk.step.take_over", f"{at}#quotes")
    if facts.comments:
        return Step("desk.step.answer", f"{at}#comments")
    if release.state is State.SENT_BACK:
        return Step("desk.step.change", f"{at}/edit")
    if release.state is State.DRAFT and facts.gaps:
        return Step("desk.step.fill", f"{at}/edit")
    return None


def _by_state(release: Release, person: User, facts: Facts, at: str) -> Step:
    def may(action: Action) -> bool:
        return can(release, action, person, facts)

    match release.state:
        case State.DRAFT | State.SENT_BACK if may(Action.SUBMIT):
            return Step("desk.step.submit", f"{at}#step")
        case State.DRAFT | State.SENT_BACK:
            return Step("desk.step.wait_writer", at, acts=False)
        case State.IN_REVIEW if facts.asked and facts.approval and may(Action.APPROVE):
            return Step("desk.step.approve", f"{at}#review")
        case State.IN_REVIEW if facts.asked and may(Action.STEP):
            return Step("desk.step.review", f"{at}#review")
        case State.IN_REVIEW:
            return Step("desk.step.wait_review", at, acts=False)
        case State.APPROVED if may(Action.PUBLISH) and release.is_public:
            return Step("after.change.do", f"{at}/change")
        case State.APPROVED if may(Action.PUBLISH):
            return Step("desk.step.publish", f"{at}#step")
        case State.APPROVED:
            return Step("desk.step.wait_publish", at, acts=False)
        case State.SCHEDULED:
            return Step("desk.step.wait_time", at, acts=False)
        case State.FAILED if may(Action.PUBLISH):
            return Step("desk.step.mend", f"{at}#step")
        case State.FAILED:
            return Step("desk.step.wait_mend", at, acts=False)
        case State.PUBLISHED:
            page = f"/{release.language}/releases/{release.slug}"
            return Step("desk.step.read", page, acts=False)
        case _:
            return Step("desk.step.over", at, acts=False)
