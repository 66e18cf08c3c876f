"""From claimed rows to the mail server: fill in, hand over, fence, dot, and write down the answer.

Every step commits, since the world is in between. Whatever is killed, and whenever: a row that
waits is found again, a row that was claimed goes back, and only the one mail of each connection
whose final dot was out can be repeated, with the same Message-ID and counted as uncertain.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app

from app.core import jobs
from app.core.db import db, guarded
from app.core.tokens import seal
from subscribers.audience import links
from subscribers.mailings import claiming, envelopes, signing
from subscribers.mailings.claiming import Batch, Claimed, claim, clock, hand_back
from subscribers.mailings.materialising import materialise
from subscribers.mailings.messages import Prepared, Slot
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Mailing,
    MailingKind,
    MailingPart,
    MailingState,
)
from subscribers.mailings.replies import Reply
from subscribers.mailings.transport import Courier, Fenced, Uncertain, Unreachable

log = logging.getLogger(__name__)

RETRY_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240))
GIVE_UP_AFTER = {
    MailingKind.RELEASE: timedelta(hours=48),  # news is stale by then
    MailingKind.CORRECTION: timedelta(hours=48),
    MailingKind.CONFIRMATION: timedelta(hours=24),  # the link is dead by then
    MailingKind.NOTICE: timedelta(hours=24),
    MailingKind.DIGEST: timedelta(hours=24),
    MailingKind.WELCOME: timedelta(hours=24),
    MailingKind.LETTER: timedelta(hours=48),
}

_pumping = threading.Lock()
_wanted = threading.Event()


@jobs.job("sweep", everywhere=True)
def sweep() -> None:
    """Take back what expired leases and dead processes of this machine held; end what is done.

    Registered before `deliver`, so that what comes back goes out in the same round.
    """
    claiming.release_expired(at=clock())
    claiming.release_dead(at=clock())
    claiming.finish(at=clock())


@jobs.job("deliver", everywhere=True)
def deliver() -> None:
    """Send all that is due, over as many connections as the settings allow.

    Runs once in a process at a time; a ring while it runs makes it look once more.
    """
    _wanted.set()
    while _wanted.is_set() and _pumping.acquire(blocking=False):
        try:
            _wanted.clear()
            _pump(current_app.config["CONNECTIONS"])
        finally:
            _pumping.release()


def _pump(connections: int) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def send_in_thread() -> None:
        with app.app_context():
            try:
                send_until_idle()
            except Exception:
                log.exception("a sender stopped; its rows come back by themselves")

    threads = [threading.Thread(target=send_in_thread) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claiming.finish(at=clock())


def send_until_idle() -> None:
    """One connection's work: batches until nothing is due or the process is asked to stop."""
    with Courier(reply_timeout=current_app.config["REPLY_TIMEOUT_SECONDS"]) as courier:
        while not jobs.stopping.is_set():
            batch = claim(at=clock())
            if batch is not None:
                _send_batch(batch, courier)
            elif not materialise(at=clock()):
                return


def _send_batch(batch: Batch, courier: Courier) -> None:
    message = signing.prepared(
        db.session.scalars(
            sa.select(MailingPart.template).where(MailingPart.mailing_id == batch.mailing_id)
        ).one()
    )
    db.session.rollback()
    ids = [claimed.id for claimed in batch.deliveries]
    renewed = time.monotonic()
    pause = timedelta(0)
    try:
        for claimed in batch.deliveries:
            if jobs.stopping.is_set():
                return
            if time.monotonic() - renewed > current_app.config["LEASE_SECONDS"] / 3:
                claiming.renew(batch, ids)
                renewed = time.monotonic()
            if not _send(claimed, batch, message, courier):
                pause = RETRY_AFTER[0]
                return
    finally:
        db.session.rollback()  # whatever failed had its own transaction
        hand_back(batch, ids, due_at=clock() + pause)  # those that are still only claimed
        db.session.commit()


def _send(claimed: Claimed, batch: Batch, message: Prepared, courier: Courier) -> bool:
    """One mail. False when the server cannot be reached and the rest may as well wait."""
    assert claimed.address is not None
    try:
        reply = courier.carry(
            message.fill(_slots(claimed, batch)),
            sender=envelopes.sender(claimed.id),
            to=claimed.address,
            before_dot=lambda: _fence(claimed, batch),
        )
    except Unreachable as error:
        _record(claimed, batch, Reply(0, str(error)[:500], about_us=True))
        return False
    except Fenced:
        return True
    except Uncertain as error:
        log.warning("delivery %s: the answer to the final dot was lost (%s)", claimed.id, error)
        _note_attempt(claimed.id, Reply(0, str(error)[:500]), at=clock())
        db.session.commit()
        return True
    _record(claimed, batch, reply)
    return True


def _fence(claimed: Claimed, batch: Batch) -> bool:
    """Say, before the dot goes out, that it may have gone; False when it must not. Commits.

    A mailing that was called off meanwhile lets nothing more out: its words may be wrong.
    """
    lease = timedelta(seconds=current_app.config["REPLY_TIMEOUT_SECONDS"] + 60)
    called_off = sa.exists().where(
        Mailing.id == batch.mailing_id, Mailing.state == MailingState.CANCELLED
    )
    held = guarded(
        sa.update(Delivery)
        .where(
            Delivery.id == claimed.id,
            Delivery.state == DeliveryState.CLAIMED,
            Delivery.lease_owner == batch.holder,
            ~called_off,
        )
        .values(state=DeliveryState.TRANSMITTING, lease_until=clock() + lease)
    )
    db.session.commit()
    return held


def _slots(claimed: Claimed, batch: Batch) -> dict[Slot, bytes]:
    assert claimed.address is not None
    secret = current_app.config["SECRET_KEY"]
    if batch.kind is MailingKind.LETTER:
        return _slots_of_letter(claimed, secret=secret)
    return {
        Slot.TO: claimed.address.encode("utf-8"),
        Slot.MESSAGE_ID: envelopes.message_id(claimed.id).encode(),
        Slot.UNSUBSCRIBE: links.unsubscribe_token(
            claimed.subscription, delivery_id=claimed.id, secret=secret
        ).encode(),
        Slot.PREFERENCES: links.preferences_token(
            claimed.subscription, delivery_id=claimed.id, secret=secret
        ).encode(),
        Slot.CONFIRM: links.confirm_token(
            claimed.subscription, asked_at=batch.queued_at, secret=secret
        ).encode(),
        Slot.LEAVE_BY_MAIL: envelopes.leaving(claimed.id).encode(),
        Slot.RETURN: envelopes.sender(claimed.id).encode(),
    }


def _slots_of_letter(claimed: Claimed, *, secret: str) -> dict[Slot, bytes]:
    assert claimed.address is not None
    slots = {
        Slot.TO: claimed.address.encode("utf-8"),
        Slot.MESSAGE_ID: envelopes.message_id(claimed.id).encode(),
    }
    if claimed.sealed_from:
        purpose, _, payload = claimed.sealed_from.partition(":")
        token = seal(bytes.fromhex(payload), purpose=purpose, secret=secret)
        slots[Slot.LINK] = token.encode()
    return slots


def _record(claimed: Claimed, batch: Batch, reply: Reply) -> None:
    """What the server's answer means for this delivery, and for no other. Commits."""
    at = clock()
    result: dict[str, object] = {
        "code": reply.code or None,
        "enhanced": reply.enhanced,
        "reply": reply.text,
        "lease_owner": None,
        "lease_until": None,
    }
    if reply.accepted:
        result |= {"state": DeliveryState.SENT, "sent_at": at}
    elif reply.permanent or at - claimed.first_try_at >= GIVE_UP_AFTER[batch.kind]:
        result |= {"state": DeliveryState.FAILED}
    else:
        result |= {"state": DeliveryState.DEFERRED, "due_at": at + retry_after(claimed.attempts)}
    guarded(
        sa.update(Delivery)
        .where(Delivery.id == claimed.id, Delivery.lease_owner == batch.holder)
        .values(result)
    )
    if not reply.accepted:
        _note_attempt(claimed.id, reply, at=at)
    db.session.commit()


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many tries: growing steps, a fifth more or less at random."""
    step = RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
    return step * random.uniform(0.8, 1.2)  # noqa: S311 - spreading load, not hiding anything


def _note_attempt(delivery_id: int, reply: Reply, *, at: datetime) -> None:
    db.session.add(
        DeliveryAttempt(
            delivery_id=delivery_id,
            at=at,
            code=reply.code or None,
            enhanced=reply.enhanced,
            reply=reply.text,
        )
    )
