"""The rows of mails that are being handed over: the fence before the dot, and what came of it.

Nothing here commits. A sender writes down many connections' answers and fences in one transaction,
and only then lets the dots out: one that was answered is settled before its connection's next mail
can become uncertain.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.db import UTCDateTime, db
from subscribers.audience.models import Subscription, SubscriptionState
from subscribers.mailings.filling import Mail
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.outcomes import Outcome
from subscribers.mailings.replies import Reply

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

Answer = tuple[Mail, Reply]

_HELD = sa.and_(
    Delivery.id == sa.bindparam("delivery"), Delivery.lease_owner == sa.bindparam("holder")
)
# Said once for all mails of a kind, so that the database reads each only once.
_SETTLE = (
    sa.update(Delivery)
    .where(_HELD)
    .values(
        state=sa.bindparam("new_state", type_=Delivery.state.type),
        due_at=sa.bindparam("new_due_at", type_=UTCDateTime()),
        sent_at=sa.bindparam("new_sent_at", type_=UTCDateTime()),
        code=sa.bindparam("new_code"),
        enhanced=sa.bindparam("new_enhanced"),
        reply=sa.bindparam("new_reply"),
        attempts=Delivery.attempts - sa.bindparam("uncounted"),
        lease_owner=None,
        lease_until=None,
    )
)
_BACK_BEFORE_THE_FENCE = (
    sa.update(Delivery)
    .where(_HELD, Delivery.state == DeliveryState.TRANSMITTING)
    .values(state=DeliveryState.CLAIMED, lease_until=sa.bindparam("new_lease", type_=UTCDateTime()))
)


def fence(mails: Collection[Mail], *, at: datetime, lease: timedelta) -> set[Mail]:
    """Say, before the dots go out, that they may have gone. Those of the mails that may go.

    Not one that is not ours any more, whose mailing was called off meanwhile (its words may be
    wrong), or whose reader has left since it was claimed.
    """
    fenced: set[Mail] = set()
    for some in _by_holder(mails):
        batch = some[0].batch
        by_id = {mail.id: mail for mail in some}
        called_off = sa.exists().where(
            Mailing.id == batch.mailing_id, Mailing.state == MailingState.CANCELLED
        )
        ids = db.session.scalars(
            sa.update(Delivery)
            .where(
                Delivery.id.in_(by_id),
                Delivery.state == DeliveryState.CLAIMED,
                Delivery.lease_owner == batch.holder,
                ~called_off,
                _still_wanted(batch.kind),
            )
            .values(state=DeliveryState.TRANSMITTING, lease_until=at + lease)
            .returning(Delivery.id)
            .execution_options(synchronize_session=False)
        )
        fenced |= {by_id[one] for one in ids}
    return fenced


def unfence(mails: Collection[Mail], *, at: datetime, lease: timedelta) -> None:
    """Their dots never went out: they are merely claimed, as before."""
    rows = [{**_held(mail), "new_lease": at + lease} for mail in mails]
    _execute(_BACK_BEFORE_THE_FENCE, rows)


def record(answers: Sequence[Answer], *, at: datetime) -> None:
    """What the server's answers mean for these deliveries, and for no others."""
    rows = []
    for mail, reply in answers:
        row = _row(mail, reply)
        if reply.accepted:
            row |= {"new_state": DeliveryState.SENT, "new_sent_at": at}
        elif reply.permanent or _is_stale(mail, at):
            row |= {"new_state": DeliveryState.FAILED}
        else:
            due_at = at + retry_after(mail.claimed.attempts)
            row |= {"new_state": DeliveryState.DEFERRED, "new_due_at": due_at}
        rows.append(row)
    _execute(_SETTLE, rows)
    note([(mail, reply) for mail, reply in answers if not reply.accepted], at=at)


def put_off(mails: Collection[Mail], reply: Reply, *, at: datetime, until: datetime) -> None:
    """No server was there to ask: they wait, however long it takes, and the try does not count."""
    rows = [
        {
            **_row(mail, reply),
            "new_state": DeliveryState.DEFERRED,
            "new_due_at": until,
            "uncounted": 1,
        }
        for mail in mails
    ]
    _execute(_SETTLE, rows)
    note([(mail, reply) for mail in mails], at=at)


def note(answers: Iterable[Answer], *, at: datetime) -> None:
    """Keep the words of tries that did not end in a yes."""
    rows = [
        {
            "delivery_id": mail.id,
            "at": at,
            "code": reply.code or None,
            "enhanced": reply.enhanced,
            "reply": reply.text,
        }
        for mail, reply in answers
    ]
    if rows:
        db.session.execute(sa.insert(DeliveryAttempt), rows)


def outcome(mail: Mail, reply: Reply) -> Outcome:
    address = mail.claimed.address or ""
    return Outcome(
        delivery_id=mail.id,
        mailing_id=mail.batch.mailing_id,
        kind=mail.batch.kind,
        domain_group=mail.batch.domain_group,
        subscriber_id=mail.claimed.subscriber_id,
        domain=address.rpartition("@")[2],
        reply=reply,
    )


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many tries: growing steps, a fifth more or less at random."""
    step = RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
    return step * random.uniform(0.8, 1.2)  # noqa: S311 - spreading load, not hiding anything


def _still_wanted(kind: MailingKind) -> sa.ColumnElement[bool]:
    if kind is MailingKind.LETTER:  # no subscription to have ended
        return Delivery.address.is_not(None)
    wanted = (
        SubscriptionState.PENDING if kind is MailingKind.CONFIRMATION else SubscriptionState.ACTIVE
    )
    return sa.exists().where(
        Subscription.id == Delivery.subscription_id, Subscription.state == wanted
    )


def _is_stale(mail: Mail, at: datetime) -> bool:
    return at - mail.claimed.first_try_at >= GIVE_UP_AFTER[mail.batch.kind]


def _by_holder(mails: Collection[Mail]) -> Iterable[list[Mail]]:
    found: dict[str, list[Mail]] = defaultdict(list)
    for mail in mails:
        found[mail.batch.holder].append(mail)
    return found.values()


def _held(mail: Mail) -> dict[str, object]:
    return {"delivery": mail.id, "holder": mail.batch.holder}


def _row(mail: Mail, reply: Reply) -> dict[str, object]:
    return {
        **_held(mail),
        "new_due_at": None,
        "new_sent_at": None,
        "new_code": reply.code or None,
        "new_enhanced": reply.enhanced,
        "new_reply": reply.text,
        "uncounted": 0,
    }


def _execute(statement: sa.Update, rows: list[dict[str, object]]) -> None:
    if rows:
        db.session.connection().execute(statement, rows)
