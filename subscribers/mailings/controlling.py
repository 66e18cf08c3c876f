"""Stopping a mailing, letting it go on, and calling it off.

A sender that already holds a batch of a paused mailing finishes it or hands it back, so a few mails
may still leave after that button. What is called off is taken out of its hands: only a mail whose
final dot may be out already can still arrive. What a server answers to that with *later* waits for
nobody; `settle_cancelled` looks for it every minute, so that every address ends as sent, failed,
suppressed or cancelled.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.core import jobs
from app.core.accounts import Role, User, require
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import NotNow
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingState

GOING = (MailingState.MATERIALISING, MailingState.RUNNING)
OPEN = (*GOING, MailingState.PAUSED)
CHUNK = 5_000  # deliveries settled in one transaction
WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


def pause(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Let no further batch go out. Raises NotNow when it is not being sent, NotAllowed to writers.

    `by` is None at the command line.
    """
    _guard(by)
    _move(mailing, GOING, state=MailingState.PAUSED, paused_from=Mailing.state)
    _record("mailing.pause", mailing, by=by, at=at)


def resume(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Go on where it was paused. Raises NotNow when it is not paused, NotAllowed to writers."""
    _guard(by)
    _move(mailing, (MailingState.PAUSED,), state=Mailing.paused_from, paused_from=None)
    _record("mailing.resume", mailing, by=by, at=at)


def cancel(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Call it off: who has not been written to will not be. It cannot be taken up again.

    Raises NotNow when it has ended already, NotAllowed to writers.
    """
    _guard(by)
    _move(mailing, OPEN, state=MailingState.CANCELLED, paused_from=None, finished_at=at)
    _call_off(mailing)
    _record("mailing.cancel", mailing, by=by, at=at)


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
        _call_off(mailing)
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
        some = (
            sa.select(Delivery.id)
            .where(Delivery.mailing_id == mailing_id, Delivery.due_at.is_not(None))
            .limit(CHUNK)
        )
        while _cancel(Delivery.id.in_(some), Delivery.state.in_(WAITING)):
            db.session.commit()
        db.session.rollback()


def _call_off(mailing: Mailing) -> None:
    """All that waits, and all that a sender holds and has not let go of."""
    unsent = (*WAITING, DeliveryState.CLAIMED)
    _cancel(Delivery.mailing_id == mailing.id, Delivery.state.in_(unsent))


def _cancel(*which: sa.ColumnElement[bool]) -> int:
    result = db.session.execute(
        sa.update(Delivery)
        .where(*which)
        .values(state=DeliveryState.CANCELLED, due_at=None, lease_owner=None, lease_until=None)
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


def _record(action: str, mailing: Mailing, *, by: User | None, at: datetime) -> None:
    record(action, "mailing", mailing.id, title=mailing.subject, by=by, at=at)


def _guard(by: User | None) -> None:
    if by is not None:
        require(by, Role.EDITOR)
