"""Stopping a mailing, letting it go on, and calling it off.

A sender that already holds a batch finishes it or hands it back, so a few mails may still leave
after the button. What such a sender hands back to a mailing that was called off waits for nobody;
`settle_cancelled` looks for it every minute, so that every address ends as sent, failed,
suppressed or cancelled.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.core import jobs
from app.core.accounts import Role, User, require
from app.core.db import db, guarded
from app.core.errors import NotNow
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingState

GOING = (MailingState.MATERIALISING, MailingState.RUNNING)
OPEN = (*GOING, MailingState.PAUSED)
CHUNK = 5_000  # deliveries settled in one transaction


def pause(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Let no further batch go out. Raises NotNow when it is not being sent, NotAllowed to writers.

    `by` is None at the command line.
    """
    _guard(by)
    _move(mailing, GOING, state=MailingState.PAUSED, paused_from=Mailing.state)


def resume(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Go on where it was paused. Raises NotNow when it is not paused, NotAllowed to writers."""
    _guard(by)
    _move(mailing, (MailingState.PAUSED,), state=Mailing.paused_from, paused_from=None)


def cancel(mailing: Mailing, *, by: User | None, at: datetime) -> None:
    """Call it off: who has not been written to will not be. It cannot be taken up again.

    Raises NotNow when it has ended already, NotAllowed to writers.
    """
    _guard(by)
    _move(mailing, OPEN, state=MailingState.CANCELLED, paused_from=None, finished_at=at)
    _cancel_waiting(Delivery.mailing_id == mailing.id)


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
        while _cancel_waiting(Delivery.id.in_(some)):
            db.session.commit()
        db.session.rollback()


def _cancel_waiting(which: sa.ColumnElement[bool]) -> int:
    result = db.session.execute(
        sa.update(Delivery)
        .where(which, Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)))
        .values(state=DeliveryState.CANCELLED, due_at=None)
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


def _guard(by: User | None) -> None:
    if by is not None:
        require(by, Role.EDITOR)
