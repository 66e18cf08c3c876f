"""The workflow: one table of legal moves, and the verbs that make them.

Buttons, permissions, the law and the test that walks the whole grid all read MOVES. A move is
decided by an UPDATE that names the state and the revision it starts from, so that of two people who
press at once one wins and the other is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict, NotAllowed, NotNow
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from releases.desk.notifying import Kind, colleagues, tell
from releases.editorial.announcing import announcement
from releases.editorial.correcting import mail_correction, note_of, stop_all
from releases.editorial.models import Change, Release, ReleaseEvent, State
from releases.editorial.preflight import stop_if_blocked
from releases.editorial.publications import follow_up, went_live
from releases.editorial.scheduling import spoken
from releases.editorial.withdrawing import mail_withdrawal, stop_telling
from releases.review import reviewing
from releases.review.models import Verdict
from releases.review.reviewing import ANYBODY, Request, responsible
from subscribers.mailings.writing.queueing import queue


class Action(StrEnum):
    EDIT = "edit"
    SUBMIT = "submit"
    STEP = "pass_step"  # a step of the review is done; the text stays in review
    SEND_BACK = "send_back"
    APPROVE = "approve"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    PUBLISH = "publish"
    FAIL = "fail"  # the clock's alone
    WITHDRAW = "withdraw"
    REINSTATE = "reinstate"


@dataclass(frozen=True)
class Move:
    """What an action makes of a state, and whose it is. An admin may do what any role may.

    What is nobody's only the clock does.
    """

    action: Action
    start: State
    end: State
    roles: tuple[Role, ...]


WRITERS = (Role.WRITER, Role.EDITOR)
REVIEWERS = (Role.WRITER, Role.REVIEWER, Role.OFFICER, Role.EDITOR)
JUDGES = (Role.REVIEWER, Role.OFFICER, Role.EDITOR)
EDITORS = (Role.EDITOR,)
CLOCK: tuple[Role, ...] = ()

MOVES = (
    Move(Action.EDIT, State.DRAFT, State.DRAFT, WRITERS),
    Move(Action.EDIT, State.SENT_BACK, State.SENT_BACK, WRITERS),
    Move(Action.EDIT, State.IN_REVIEW, State.DRAFT, WRITERS),
    Move(Action.EDIT, State.APPROVED, State.DRAFT, WRITERS),  # approval is of the old words
    Move(Action.EDIT, State.SCHEDULED, State.DRAFT, WRITERS),
    Move(Action.EDIT, State.FAILED, State.DRAFT, WRITERS),
    Move(Action.EDIT, State.PUBLISHED, State.DRAFT, WRITERS),  # the live words stay live
    Move(Action.SUBMIT, State.DRAFT, State.IN_REVIEW, WRITERS),
    Move(Action.SUBMIT, State.SENT_BACK, State.IN_REVIEW, WRITERS),
    Move(Action.STEP, State.IN_REVIEW, State.IN_REVIEW, REVIEWERS),
    Move(Action.SEND_BACK, State.IN_REVIEW, State.SENT_BACK, JUDGES),
    Move(Action.SEND_BACK, State.APPROVED, State.SENT_BACK, EDITORS),
    Move(Action.SEND_BACK, State.FAILED, State.SENT_BACK, EDITORS),
    Move(Action.APPROVE, State.IN_REVIEW, State.APPROVED, EDITORS),
    Move(Action.SCHEDULE, State.APPROVED, State.SCHEDULED, EDITORS),
    Move(Action.SCHEDULE, State.SCHEDULED, State.SCHEDULED, EDITORS),
    Move(Action.SCHEDULE, State.FAILED, State.SCHEDULED, EDITORS),
    Move(Action.UNSCHEDULE, State.SCHEDULED, State.APPROVED, EDITORS),
    Move(Action.UNSCHEDULE, State.FAILED, State.APPROVED, EDITORS),
    Move(Action.PUBLISH, State.APPROVED, State.PUBLISHED, EDITORS),
    Move(Action.PUBLISH, State.SCHEDULED, State.PUBLISHED, EDITORS),
    Move(Action.PUBLISH, State.FAILED, State.PUBLISHED, EDITORS),
    Move(Action.FAIL, State.SCHEDULED, State.FAILED, CLOCK),
    Move(Action.WITHDRAW, State.PUBLISHED, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.DRAFT, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.IN_REVIEW, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.SENT_BACK, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.APPROVED, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.SCHEDULED, State.WITHDRAWN, EDITORS),
    Move(Action.WITHDRAW, State.FAILED, State.WITHDRAWN, EDITORS),
    Move(Action.REINSTATE, State.WITHDRAWN, State.PUBLISHED, EDITORS),
)
JUDGEMENTS = (Action.STEP, Action.APPROVE)  # not of one's own words
TABLE = {(move.action, move.start): move for move in MOVES}


def find_move(release: Release, action: Action, *, by: User | None) -> Move:
    """The move that `action` would make. Raises NotNow or NotAllowed; changes nothing.

    `by` is None when the clock does what an editor has ordered.
    """
    move = TABLE.get((action, release.state))
    if action is Action.SCHEDULE and move is not None and release.is_public:
        # Somebody has to say what a change is to those who have read the words before it.
        raise NotNow("change_goes_at_once")
    if move is None or not _fits(release, action):
        raise NotNow(f"not_while_{release.state.value}")
    if by is None:
        return move
    if move.roles is CLOCK or not by.may(*move.roles):
        raise NotAllowed("role")
    if action in JUDGEMENTS and organisation().four_eyes and by.id == responsible(release):
        raise NotAllowed("four_eyes")
    return move


def _fits(release: Release, action: Action) -> bool:
    """What a state's name does not say: only what was public can be taken back, and put back."""
    if action is Action.WITHDRAW:
        return release.is_public
    if action is Action.REINSTATE:
        return release.live_id is not None and release.live_id == release.head_id
    return True


def may(release: Release, action: Action, *, by: User) -> bool:
    """Whether the person could do it now: what a page asks before it shows a button."""
    try:
        find_move(release, action, by=by)
    except (NotNow, NotAllowed):
        return False
    return True


def submit(release: Release, *, request: Request = ANYBODY, by: User, at: datetime) -> None:
    """Ask for review of the head: by the programme's chain and whoever `request` names.

    Raises BadInput for somebody who cannot be asked, and for a time that has passed.
    """
    find_move(release, Action.SUBMIT, by=by)
    reviewing.check(release, request, at=at)
    _move(
        release,
        Action.SUBMIT,
        by=by,
        at=at,
        reason=request.message,
        submitted_by_id=by.id,
        submission=release.submission + 1,
    )
    reviewing.begin(release, request, by=by, at=at)


def pass_step(release: Release, *, reason: str = "", by: User | None, at: datetime) -> None:
    """A step of the review is done, with what was said about it.

    `by` is None when somebody invited has done it; `reason` then says who.
    """
    _move(release, Action.STEP, by=by, at=at, reason=reason)


def send_back(release: Release, *, reason: str, by: User | None, at: datetime) -> None:
    """Give it back to the writer, with what should change. Raises BadInput without a reason."""
    _need(reason)
    _move(
        release,
        Action.SEND_BACK,
        by=by,
        at=at,
        reason=reason,
        approved_id=None,
        publish_at=None,
        mail_at=None,
        failure=None,
    )
    reviewing.settle(release, Verdict.CHANGES, reason=reason, by=by, at=at)
    tell(
        concerned(release),
        Kind.SENT_BACK,
        release,
        key=_happening(release, Action.SEND_BACK),
        at=at,
        but=by,
        who=by.name if by else "",
        reason=reason.strip(),
    )


def approve(release: Release, *, revision_id: int, by: User, at: datetime) -> None:
    """Approve exactly the revision that was read.

    Raises Conflict when it is no longer the head, NotNow while a step of its review is left, and
    NotAllowed when the last of them is somebody else's.
    """
    if revision_id != release.head_id:
        raise Conflict("changed_meanwhile")
    find_move(release, Action.APPROVE, by=by)
    if obstacle := reviewing.before_approval(release, by=by):
        raise obstacle
    _move(release, Action.APPROVE, by=by, at=at, approved_id=revision_id)
    reviewing.settle(release, Verdict.PASSED, by=by, at=at)
    tell(
        concerned(release),
        Kind.APPROVED,
        release,
        key=_happening(release, Action.APPROVE),
        at=at,
        but=by,
        who=by.name,
    )


def schedule(
    release: Release,
    *,
    publish_at: datetime,
    mail_at: datetime | None = None,
    mail_wanted: bool = True,
    by: User,
    at: datetime,
) -> None:
    """Let it be published at a moment to come, its mailing then or at `mail_at`, or none at all.

    Raises BadInput for a moment that has passed, or a mailing before publication.
    """
    if publish_at <= at:
        raise BadInput("time_has_passed")
    if mail_wanted and mail_at is not None and mail_at < publish_at:
        raise BadInput("mail_before_publication")
    _move(
        release,
        Action.SCHEDULE,
        by=by,
        at=at,
        publish_at=publish_at,
        mail_at=mail_at if mail_wanted and mail_at != publish_at else None,
        mail_wanted=mail_wanted,
        failure=None,
    )
    zone = organisation().time_zone
    for language in LANGUAGES:
        tell(
            [one for one in concerned(release) if one and one.language == language],
            Kind.SCHEDULED,
            release,
            key=_happening(release, Action.SCHEDULE),
            at=at,
            but=by,
            moment=spoken(publish_at, language, zone),
        )


def unschedule(release: Release, *, by: User, at: datetime) -> None:
    """Back to approved, with no time set."""
    _move(release, Action.UNSCHEDULE, by=by, at=at, publish_at=None, mail_at=None, failure=None)


def publish(
    release: Release,
    *,
    by: User | None,
    at: datetime,
    change: Change = Change.TYPO,
    note: str = "",
    mail: bool | None = None,
    remark: str = "",
    since: int | None = None,
) -> None:
    """Make the approved head live and queue its mailing, in this one transaction.

    `by` is None when the clock does it; `remark` is then what the history should know. `mail` says
    whether the first publication is mailed, then at once; None leaves it, like its hour, to what
    was chosen when the release was scheduled. For a release that has been live before, `change`
    says what the new words are to those who have read the old, and `note` tells it. A typo is not
    mailed; a correction goes to those who got the wrong words, which have stood `since` that
    version or else from the first. Raises BadInput for a correction without a note, and NotNow when
    the preflight has a line that blocks.
    """
    first = release.published_at is None
    is_correction = not first and change is Change.CORRECTION
    note = note_of(note) if is_correction else note.strip()
    find_move(release, Action.PUBLISH, by=by)
    if not release.head.title:
        raise NotNow("headline_missing")
    stop_if_blocked(release, at=at)
    mail_at = release.mail_at if mail is None else None
    _move(
        release,
        Action.PUBLISH,
        by=by,
        at=at,
        reason=note or remark,
        live_id=release.head_id,
        publish_at=None,
        mail_at=None,
        mail_wanted=release.mail_wanted if mail is None else mail,
        failure=None,
        published_at=at if first else release.published_at,
        changed_at=at,
    )
    mailing = None
    if first and release.mail_wanted:
        mailing = queue(announcement(release), at=at, starts_at=mail_at)
    elif is_correction:
        mailing = mail_correction(release, note=note, since=since, at=at)
    went_live(
        release,
        Change.FIRST if first else Change.CORRECTION if is_correction else Change.TYPO,
        note=note,
        mailing_key=mailing.key if mailing else None,
        by=by,
        at=at,
    )
    tell(
        concerned(release),
        Kind.CORRECTED if is_correction else Kind.PUBLISHED,
        release,
        key=_happening(release, Action.PUBLISH),
        at=at,
        but=by,
    )
    follow_up(release, at=at)


def fail(release: Release, *, failure: list[dict[str, Any]], at: datetime) -> None:
    """Its time has come and it cannot go out: say so where people look. The clock's alone.

    `failure` holds what stood in the way, each a key of words with its facts.
    """
    _move(release, Action.FAIL, by=None, at=at, failure=failure)
    tell(
        [*concerned(release), *colleagues(Role.EDITOR, Role.ADMIN)],
        Kind.FAILED,
        release,
        key=_happening(release, Action.FAIL),
        at=at,
    )


def withdraw(release: Release, *, reason: str, mail: bool = False, by: User, at: datetime) -> None:
    """Take a public release back; a page that says why stands in its place.

    No mail about it goes out any more. With `mail`, those who have got it are told.
    """
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
        failure=None,
    )
    stop_all(release, at=at)
    if mail:
        mail_withdrawal(release, reason=reason.strip(), at=at)
    tell(
        concerned(release),
        Kind.WITHDRAWN,
        release,
        key=_happening(release, Action.WITHDRAW),
        at=at,
        but=by,
        reason=reason.strip(),
    )
    follow_up(release, at=at)


def reinstate(release: Release, *, by: User, at: datetime) -> None:
    """Put a release that was withdrawn by mistake back as it was. Mails nobody.

    Whoever has not yet been told of the withdrawal will not be.
    """
    _move(release, Action.REINSTATE, by=by, at=at, withdrawn_reason="", changed_at=at)
    stop_telling(release, at=at)
    follow_up(release, at=at)


def concerned(release: Release) -> list[User | None]:
    """Whose text it is: who wrote the head, and who submitted it."""
    return [release.head.author, release.submitted_by]


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


def _happening(release: Release, action: Action) -> str:
    """A name for the step just remembered, so that it is told once."""
    last = db.session.scalar(
        sa.select(sa.func.max(ReleaseEvent.id)).where(ReleaseEvent.release_id == release.id)
    )
    return f"{action.value}:{release.id}:{last}"


def remember(
    release: Release,
    action: str,
    start: State | None,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> None:
    """Write a step into the history and the audit log, once the release is where it led.

    No commit.
    """
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
    record(
        f"release.{action}",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        revision=release.head.number,
        **({"reason": reason.strip()} if reason.strip() else {}),
    )
    db.session.flush()


def _need(reason: str) -> None:
    if not reason.strip():
        raise BadInput("reason_missing")
