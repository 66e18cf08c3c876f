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
from functools import cache
from typing import cast

import sqlalchemy as sa

from app.core.db import Id, UTCDateTime, db
from subscribers.audience.models import Subscription, SubscriptionState
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Mailing,
    MailingKind,
)
from subscribers.mailings.sending.claiming import SENDING
from subscribers.mailings.sending.filling import Mail
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import Reply
from subscribers.mailings.sending.statements import (
    Columns,
    Statement,
    StatementForRows,
    is_one_of,
    numbers,
    stored,
    word,
)

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

_TABLE = cast(sa.Table, Delivery.__table__)


def _settle(given: Columns) -> sa.Update:
    return (
        sa.update(_TABLE)
        .where(_TABLE.c.id == given["delivery"], _TABLE.c.lease_owner == given["holder"])
        .values(
            state=given["new_state"],
            due_at=given["new_due_at"],
            sent_at=given["new_sent_at"],
            code=given["new_code"],
            enhanced=given["new_enhanced"],
            reply=given["new_reply"],
            attempts=_TABLE.c.attempts - given["uncounted"],
            lease_owner=sa.null(),
            lease_until=sa.null(),
        )
    )


_SETTLE = StatementForRows(
    {
        "delivery": Id,
        "holder": sa.String(),
        "new_state": sa.String(),
        "new_due_at": UTCDateTime(),
        "new_sent_at": UTCDateTime(),
        "new_code": sa.Integer(),
        "new_enhanced": sa.String(),
        "new_reply": sa.String(),
        "uncounted": sa.Integer(),
    },
    _settle,
)


def fence(mails: Collection[Mail], *, at: datetime, lease: timedelta) -> set[Mail]:
    """Say, before the dots go out, that they may have gone. Those of the mails that may go.

    Not one that is not ours any more, whose mailing was paused or called off meanwhile (its words
    may be wrong), or whose reader has left since it was claimed.
    """
    fenced: set[Mail] = set()
    for some in _by_holder(mails):
        batch, connection = some[0].batch, db.session.connection()
        by_id = {mail.id: mail for mail in some}
        given = {
            "ids": numbers(list(by_id), connection),
            "holder": batch.holder,
            "new_lease": stored(at + lease, connection),
        }
        ids = _fence_of(batch.kind).run(connection, given).scalars()
        fenced |= {by_id[one] for one in ids}
    return fenced


def unfence(mails: Collection[Mail], *, at: datetime, lease: timedelta) -> None:
    """Their dots never went out: they are merely claimed, as before."""
    for some in _by_holder(mails):
        db.session.connection().execute(
            sa.update(_TABLE)
            .where(
                _TABLE.c.id.in_([mail.id for mail in some]),
                _TABLE.c.lease_owner == some[0].batch.holder,
                _TABLE.c.state == DeliveryState.TRANSMITTING,
            )
            .values(state=DeliveryState.CLAIMED, lease_until=at + lease)
        )


def record(answers: Sequence[Answer], *, at: datetime) -> None:
    """What the server's answers mean for these deliveries, and for no others."""
    if not answers:
        return
    connection = db.session.connection()
    moment = stored(at, connection)
    rows, refused = [], []
    for mail, reply in answers:
        row = _row(mail, reply)
        if reply.accepted:
            row["new_sent_at"] = moment
        else:
            refused.append((mail, reply))
            if reply.permanent or _is_stale(mail, at):
                row["new_state"] = DeliveryState.FAILED.value
            else:
                due_at = at + retry_after(mail.claimed.attempts)
                row["new_state"] = DeliveryState.DEFERRED.value
                row["new_due_at"] = stored(due_at, connection)
        rows.append(row)
    _SETTLE.run(connection, rows)
    note(refused, at=at)


def put_off(mails: Collection[Mail], reply: Reply, *, at: datetime, until: datetime) -> None:
    """No server was there to ask: they wait, however long it takes, and the try does not count."""
    if not mails:
        return
    connection = db.session.connection()
    waits = {
        "new_state": DeliveryState.DEFERRED.value,
        "new_due_at": stored(until, connection),
        "uncounted": 1,
    }
    _SETTLE.run(connection, [{**_row(mail, reply), **waits} for mail in mails])
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


@cache
def _fence_of(kind: MailingKind) -> Statement:
    """The fence of `ids`, all of one `holder`, until a `new_lease`. It gives those that hold."""
    mailing = cast(sa.Table, Mailing.__table__)
    goes_on = _is_there(
        sa.select(mailing.c.id).where(
            mailing.c.id == _TABLE.c.mailing_id, mailing.c.state.in_([word(one) for one in SENDING])
        )
    )
    return Statement(
        lambda database: (
            sa.update(_TABLE)
            .where(
                is_one_of(_TABLE.c.id, "ids", database),
                _TABLE.c.state == word(DeliveryState.CLAIMED),
                _TABLE.c.lease_owner == sa.bindparam("holder"),
                goes_on,
                _still_wanted(kind),
            )
            .values(
                state=word(DeliveryState.TRANSMITTING),
                lease_until=sa.bindparam("new_lease", type_=UTCDateTime()),
            )
            .returning(_TABLE.c.id)
        )
    )


def _still_wanted(kind: MailingKind) -> sa.ColumnElement[bool]:
    if kind is MailingKind.LETTER:  # no subscription to have ended
        return _TABLE.c.address.is_not(None)
    subscription = cast(sa.Table, Subscription.__table__)
    wanted = (
        SubscriptionState.PENDING if kind is MailingKind.CONFIRMATION else SubscriptionState.ACTIVE
    )
    return _is_there(
        sa.select(subscription.c.id).where(
            subscription.c.id == _TABLE.c.subscription_id, subscription.c.state == word(wanted)
        )
    )


def _is_there(row: sa.Select[int]) -> sa.ColumnElement[bool]:
    """Asked for each mail, once that is found by its number. As EXISTS it becomes a join, which
    PostgreSQL may begin at the mailing, and so read all its mails for each fence."""
    return row.correlate(_TABLE).scalar_subquery().is_not(None)


def _is_stale(mail: Mail, at: datetime) -> bool:
    return at - mail.claimed.first_try_at >= GIVE_UP_AFTER[mail.batch.kind]


def _by_holder(mails: Collection[Mail]) -> Iterable[list[Mail]]:
    found: dict[str, list[Mail]] = defaultdict(list)
    for mail in mails:
        found[mail.batch.holder].append(mail)
    return found.values()


def _row(mail: Mail, reply: Reply) -> dict[str, object]:
    """What `_SETTLE` takes, for a mail that was taken."""
    return {
        "delivery": mail.id,
        "holder": mail.batch.holder,
        "new_state": DeliveryState.SENT.value,
        "new_due_at": None,
        "new_sent_at": None,
        "new_code": reply.code or None,
        "new_enhanced": reply.enhanced,
        "new_reply": reply.text,
        "uncounted": 0,
    }
