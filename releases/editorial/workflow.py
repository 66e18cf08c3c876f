"""The workflow: one table of legal moves, and the verbs that make them.

Buttons, permissions, the law and the test that walks the whole grid all read MOVES. A move is
decided by an UPDATE that names the state and the revision it starts from, so that of two people who
press at once one wins and the other is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict, NotAllowed, NotNow
from app.core.organisation import organisation
from releases.editorial.announcing import announcement
from releases.editorial.models import Release, ReleaseEvent, State
from subscribers.mailings.queueing import queue


class Action(StrEnum):
    EDIT = "edit"
    SUBMIT = "submit"
    SEND_BACK = "send_back"
    APPROVE = "approve"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Move:
    """What an action makes of a state, and whose it is. An admin may do what any role may."""

    action: Action
    start: State
    end: State
    roles: tuple[Role, ...]


ANYONE = (Role.WRITER, Role.EDITOR)
EDITORS = (Role.EDITOR,)

MOVES = (
    Move(Action.EDIT, State.DRAFT, State.DRAFT, ANYONE),
    Move(Action.EDIT, State.SENT_BACK, State.SENT_BACK, ANYONE),
    Move(Action.EDIT, State.IN_REVIEW, State.DRAFT, ANYONE),
    Move(Action.EDIT, State.APPROVED, State.DRAFT, ANYONE),  # approval is of the old words
    Move(Action.EDIT, State.SCHEDULED, State.DRAFT, ANYONE),
    Move(Action.EDIT, State.PUBLISHED, State.DRAFT, ANYONE),  # the live words stay live
    Move(Action.SUBMIT, State.DRAFT, State.IN_REVIEW, ANYONE),
    Move(Action.SUBMIT, State.SENT_BACK, State.IN_REVIEW, ANYONE),
    Move(Action.SEND_BACK, State.IN_REVIEW, State.SENT_BACK, EDITORS),
    Move(Action.SEND_BACK, State.APPROVED, State.SENT_BACK, EDITORS),
    Move(Action.APPROVE, State.IN_REVIEW, State.APPROVED, EDITORS),
    Move(Action.SCHEDULE, State.APPROVED, State.SCHEDULED, EDITORS),
    Move(Action.SCHEDULE, State.SCHEDULED, State.SCHEDULED, EDITORS),
    Move(Action.UNSCHEDULE, State.SCHEDULED, State.APPROVED, EDITORS),
    Move(Action.PUBLISH, State.APPROVED, State.PUBLISHED, EDITORS),
    Move(Action.PUBLISH, State.SCHEDULED, State.PUBLISHED, EDITORS),
    Move(Action.WITHDRAW, State.PUBLISHED, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.DRAFT, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.IN_REVIEW, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.SENT_BACK, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.APPROVED, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.SCHEDULED, State.WITHDRAWN, EDITORS),
)
TABLE = {(move.action, move.start): move for move in MOVES}


def find_move(release: Release, action: Action, *, by: User | None) -> Move:
    """The move that `action` would make. Raises NotNow or NotAllowed; changes nothing.

    `by` is None when the clock does what an editor has ordered.
    """
    move = TABLE.get((action, release.state))
    if move is None or (action is Action.WITHDRAW and not release.is_public):
        raise NotNow(f"not_while_{release.state.value}")
    if by is None:
        return move
    if not by.may(*move.roles):
        raise NotAllowed("role")
    if action is Action.APPROVE and organisation().four_eyes and by.id == responsible(release):
        raise NotAllowed("four_eyes")
    return move


def may(release: Release, action: Action, *, by: User) -> bool:
    """Whether the person could do it now: what a page asks before it shows a button."""
    try:
        find_move(release, action, by=by)
    except (NotNow, NotAllowed):
        return False
    return True


def responsible(release: Release) -> int | None:
    """Whose words the head is: its author, or who submitted it when a program drafted it."""
    return release.head.author_id or release.submitted_by_id


def submit(release: Release, *, by: User, at: datetime) -> None:
    """Ask for review of the head."""
    _move(release, Action.SUBMIT, by=by, at=at, submitted_by_id=by.id)


def send_back(release: Release, *, reason: str, by: User, at: datetime) -> None:
    """Give it back to the writer, with what should change. Raises BadInput without a reason."""
    _need(reason)
    _move(release, Action.SEND_BACK, by=by, at=at, reason=reason, approved_id=None)


def approve(release: Release, *, revision_id: int, by: User, at: datetime) -> None:
    """Approve exactly the revision that was read. Raises Conflict when it is no longer the head."""
    if revision_id != release.head_id:
        raise Conflict("changed_meanwhile")
    _move(release, Action.APPROVE, by=by, at=at, approved_id=revision_id)


def schedule(release: Release, *, publish_at: datetime, by: User, at: datetime) -> None:
    """Let it be published at a moment to come. Raises BadInput for one that has passed."""
    if publish_at <= at:
        raise BadInput("time_has_passed")
    _move(release, Action.SCHEDULE, by=by, at=at, publish_at=publish_at)


def unschedule(release: Release, *, by: User, at: datetime) -> None:
    """Back to approved, with no time set."""
    _move(release, Action.UNSCHEDULE, by=by, at=at, publish_at=None)


def publish(release: Release, *, by: User | None, at: datetime) -> None:
    """Make the approved head live and queue its mailing, in this one transaction.

    `by` is None when the clock does it. A release that has been live before is not mailed again.
    """
    first = release.published_at is None
    if not release.head.title:
        raise NotNow("headline_missing")
    _move(
        release,
        Action.PUBLISH,
        by=by,
        at=at,
        live_id=release.head_id,
        publish_at=None,
        published_at=at if first else release.published_at,
        changed_at=at,
    )
    if first:
        queue(announcement(release), at=at)


def withdraw(release: Release, *, reason: str, by: User, at: datetime) -> None:
    """Take a public release back; a page that says why stands in its place."""
    _need(reason)
    _move(
        release,
        Action.WITHDRAW,
        by=by,
        at=at,
        reason=reason,
        withdrawn_reason=reason.strip(),
        changed_at=at,
        publish_at=None,
    )


def _move(
    release: Release,
    action: Action,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
    **changes: object,
) -> None:
    """Make a move, guarded, and remember it. Raises Conflict when somebody was first."""
    move = find_move(release, action, by=by)
    won = guarded(
        sa.update(Release)
        .where(
            Release.id == release.id,
            Release.state == move.start,
            Release.head_id == release.head_id,
        )
        .values(state=move.end, updated_at=at, **changes)
    )
    if not won:
        raise Conflict("changed_meanwhile")
    db.session.refresh(release)
    remember(release, action.value, move.start, by=by, at=at, reason=reason)


def remember(
    release: Release,
    action: str,
    start: State | None,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> None:
    """Write a step into the history, once the release is where it led. No commit."""
    db.session.add(
        ReleaseEvent(
            release_id=release.id,
            revision_id=release.head_id,
            action=action,
            from_state=start,
            to_state=release.state,
            by_id=by.id if by else None,
            at=at,
            reason=reason.strip(),
        )
    )
    db.session.flush()


def _need(reason: str) -> None:
    if not reason.strip():
        raise BadInput("reason_missing")
