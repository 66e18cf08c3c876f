"""Stopping a mailing, letting it go on, and calling it off.

A sender that already holds a batch of a paused mailing finishes it or hands it back, so a few mails
may still leave after that button. What is called off is taken out of its hands: only a mail whose
final dot may be out already can still arrive. A large mailing is called off in parts. What a server
answers with *later* waits for nobody; `settle_cancelled` looks for it every minute, so that every
address ends as sent, failed, suppressed or cancelled.

What was in the open when its sender was lost may have arrived. A mailing sends it again, or leaves
it to a person (`hold_uncertain`), who decides here.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from app.core import jobs
from app.core.accounts import Role, User, require
from app.core.alerts import clear_alert
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import NotNow
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    DomainGroup,
    Mailing,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending import breaking

GOING = (MailingState.MATERIALISING, MailingState.RUNNING)
OPEN = (*GOING, MailingState.PAUSED)
CHUNK = 5_000  # deliveries settled in one transaction
BEFORE_ALL = datetime(1970, 1, 2, tzinfo=UTC)
WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


def pause(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Let no further batch go out. Raises NotNow when it is not being sent, NotAllowed to writers.

    `by` is None at the command line.
    """
    _guard(by)
    _move(
        mailing,
        GOING,
        state=MailingState.PAUSED,
        paused_from=Mailing.state,
        paused_because=PausedBecause.PERSON,
    )
    _record("mailing.pause", mailing, by=by, at=at)


def resume(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Go on where it was paused, whoever or whatever had paused it.

    What the circuit breaker has seen until now counts no more. One that was to begin meanwhile
    begins now. Raises NotNow when it is not paused, NotAllowed to writers.
    """
    _guard(by)
    because = mailing.paused_because
    _move(mailing, (MailingState.PAUSED,), state=Mailing.paused_from, paused_from=None)
    breaking.begin_afresh(mailing, at=at)
    mailing.paused_because = None
    if mailing.starts_at is not None and mailing.starts_at <= at and not mailing.audience_cursor:
        mailing.starts_at = at
    _record("mailing.resume", mailing, by=by, at=at, because=because.value if because else "person")


def cancel(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Call it off: who has not been written to will not be. It cannot be taken up again.

    Raises NotNow when it has ended already, NotAllowed to writers.
    """
    _guard(by)
    _move(mailing, OPEN, state=MailingState.CANCELLED, paused_from=None, finished_at=at)
    _call_off(mailing, at=at)
    _record("mailing.cancel", mailing, by=by, at=at)


def hold_uncertain(mailing: Mailing, *, hold: bool, by: User | None, at: datetime) -> None:
    """Whether mails that may have been taken wait for a person instead of being sent again.

    Raises NotNow when it has ended, NotAllowed to writers.
    """
    _guard(by)
    _move(mailing, OPEN, hold_uncertain=hold)
    _record("mailing.hold" if hold else "mailing.resend", mailing, by=by, at=at)


def decide(mailing: Mailing, *, again: bool, by: User | None, at: datetime) -> int:
    """Send what may have been taken once more, or count it as sent. How many mails it was.

    Raises NotNow when none waits for that, NotAllowed to writers.
    """
    _guard(by)
    if again:
        values = {"state": DeliveryState.QUEUED, "due_at": at}
    else:
        values = {"state": DeliveryState.SENT, "sent_at": at}
    number = _change(*_undecided(mailing), **values)
    if not number:
        raise NotNow("nothing_uncertain")
    clear_alert("uncertain_held", str(mailing.id), at=at)
    action = "mailing.send_again" if again else "mailing.count_as_sent"
    _record(action, mailing, by=by, at=at, n=number)
    return number


def undecided(mailing: Mailing) -> int:
    """How many mails may have been taken and wait for a person."""
    return db.session.scalar(sa.select(sa.func.count()).where(*_undecided(mailing))) or 0


def stop(mailing: Mailing, *, at: datetime) -> bool:
    """Call it off because its words no longer hold; False when it had ended by itself.

    Nobody is written to after the caller's commit. Who asks for it may is decided there.
    """
    won = guarded(
        sa.update(Mailing)
        .where(Mailing.id == mailing.id, Mailing.finished_at.is_(None))
        .values(state=MailingState.CANCELLED, paused_from=None, finished_at=at)
    )
    db.session.refresh(mailing)
    if won:
        _call_off(mailing, at=at)
        _record("mailing.stop", mailing, by=None, at=at)
    return won


@jobs.job("settle_cancelled")
def settle_cancelled() -> None:
    """Cancel what senders have handed back to mailings that were called off. Commits."""
    called_off = db.session.scalars(
        sa.select(Mailing.id).where(
            Mailing.state == MailingState.CANCELLED,
            sa.exists().where(Delivery.mailing_id == Mailing.id, Delivery.due_at.is_not(None)),
        )
    ).all()
    db.session.rollback()
    for mailing_id in called_off:
        while _cancel(*_some_waiting(mailing_id)):
            db.session.commit()
        db.session.rollback()


def _call_off(mailing: Mailing, *, at: datetime) -> None:
    """All that a sender holds and has not let go of, and the first part of all that waits."""
    held = Delivery.lease_until > BEFORE_ALL  # as a range: so its index goes before the mailing's
    mine = Delivery.mailing_id == mailing.id
    _cancel(held, mine, Delivery.state == DeliveryState.CLAIMED)
    _cancel(*_undecided(mailing))
    if _cancel(*_some_waiting(mailing.id)) == CHUNK:
        jobs.ring_after_commit("settle_cancelled")
    for code in (*breaking.PAUSE_ALERTS, "uncertain_held"):
        clear_alert(code, str(mailing.id), at=at)


def _some_waiting(mailing_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    some = (
        sa.select(Delivery.id)
        .where(Delivery.mailing_id == mailing_id, Delivery.due_at.is_not(None))
        .limit(CHUNK)
    )
    return Delivery.id.in_(some), Delivery.state.in_(WAITING)


def _undecided(mailing: Mailing) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Delivery.mailing_id == mailing.id,
        Delivery.domain_group.in_(sa.select(DomainGroup.name)),  # as the index is sorted
        Delivery.state == DeliveryState.UNCERTAIN,
        Delivery.due_at.is_(None),
        Delivery.lease_until.is_(None),
    )


def _cancel(*which: sa.ColumnElement[bool]) -> int:
    return _change(
        *which, state=DeliveryState.CANCELLED, due_at=None, lease_owner=None, lease_until=None
    )


def _change(*which: sa.ColumnElement[bool], **values: object) -> int:
    result = db.session.execute(
        sa.update(Delivery)
        .where(*which)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def _move(mailing: Mailing, start: tuple[MailingState, ...], **changes: object) -> None:
    """Change a mailing that is in one of the states. Raises NotNow when it is in another."""
    won = guarded(
        sa.update(Mailing)
        .where(Mailing.id == mailing.id, Mailing.state.in_(start), Mailing.finished_at.is_(None))
        .values(changes)
    )
    db.session.refresh(mailing)
    if not won:
        raise NotNow("mailing_state")


def _record(
    action: str, mailing: Mailing, *, by: User | None, at: datetime, **facts: str | int
) -> None:
    title = mailing.subject
    record(action, "mailing", mailing.id, title=title, by=by, at=at, actor="", **facts)


def _guard(by: User | None) -> None:
    if by is not None:
        require(by, Role.EDITOR)
