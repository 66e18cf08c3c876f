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

from app.core.db import UTCDateTime, db
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

# These run for every mail, so they are built once, on the table, and with as few parameters as can
# be: what the ORM and each parameter would add costs more than all else.
_TABLE = cast(sa.Table, Delivery.__table__)
_HELD = sa.and_(
    _TABLE.c.id == sa.bindparam("delivery"), _TABLE.c.lease_owner == sa.bindparam("holder")
)
_TAKEN = (
    sa.update(_TABLE)
    .where(_HELD)
    .values(
        state=sa.literal_column(f"'{DeliveryState.SENT}'"),
        due_at=sa.null(),
        sent_at=sa.bindparam("at", type_=UTCDateTime()),
        code=sa.bindparam("new_code"),
        enhanced=sa.bindparam("new_enhanced"),
        reply=sa.bindparam("new_reply"),
        lease_owner=sa.null(),
        lease_until=sa.null(),
    )
)
_SETTLE = (
    sa.update(_TABLE)
    .where(_HELD)
    .values(
        state=sa.bindparam("new_state", type_=Delivery.state.type),
        due_at=sa.bindparam("new_due_at", type_=UTCDateTime()),
        code=sa.bindparam("new_code"),
        enhanced=sa.bindparam("new_enhanced"),
        reply=sa.bindparam("new_reply"),
        attempts=_TABLE.c.attempts - sa.bindparam("uncounted"),
        lease_owner=None,
        lease_until=None,
    )
)
_BACK_BEFORE_THE_FENCE = (
    sa.update(_TABLE)
    .where(_HELD, _TABLE.c.state == DeliveryState.TRANSMITTING)
    .values(state=DeliveryState.CLAIMED, lease_until=sa.bindparam("new_lease", type_=UTCDateTime()))
)


def fence(mails: Collection[Mail], *, at: datetime, lease: timedelta) -> set[Mail]:
    """Say, before the dots go out, that they may have gone. Those of the mails that may go.

    Not one that is not ours any more, whose mailing was paused or called off meanwhile (its words
    may be wrong), or whose reader has left since it was claimed.
    """
    fenced: set[Mail] = set()
    for some in _by_holder(mails):
        batch = some[0].batch
        by_id = {mail.id: mail for mail in some}
        given = {"ids": list(by_id), "holder": batch.holder, "new_lease": at + lease}
        ids = db.session.connection().execute(_fence_of(batch.kind), given).scalars()
        fenced |= {by_id[one] for one in ids}
    return fenced


def unfence(mails: Collection[Mail], *, at: datetime, lease: timedelta) -> None:
    """Their dots never went out: they are merely claimed, as before."""
    rows = [{**_held(mail), "new_lease": at + lease} for mail in mails]
    _execute(_BACK_BEFORE_THE_FENCE, rows)


def record(answers: Sequence[Answer], *, at: datetime) -> None:
    """What the server's answers mean for these deliveries, and for no others."""
    taken, rows, refused = [], [], []
    for mail, reply in answers:
        row = _row(mail, reply)
        if reply.accepted:
            taken.append({**row, "at": at})
            continue
        refused.append((mail, reply))
        row |= {"new_due_at": None, "uncounted": 0}
        if reply.permanent or _is_stale(mail, at):
            row |= {"new_state": DeliveryState.FAILED}
        else:
            due_at = at + retry_after(mail.claimed.attempts)
            row |= {"new_state": DeliveryState.DEFERRED, "new_due_at": due_at}
        rows.append(row)
    _execute(_TAKEN, taken)
    _execute(_SETTLE, rows)
    note(refused, at=at)


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


@cache
def _fence_of(kind: MailingKind) -> sa.sql.dml.ReturningUpdate[int]:
    """The fence's statement: it has `ids`, all of the one `holder`, and a `new_lease`."""
    mailing = cast(sa.Table, Mailing.__table__)
    goes_on = sa.exists().where(mailing.c.id == _TABLE.c.mailing_id, mailing.c.state.in_(SENDING))
    return (
        sa.update(_TABLE)
        .where(
            _TABLE.c.id.in_(sa.bindparam("ids", expanding=True)),
            _TABLE.c.state == DeliveryState.CLAIMED,
            _TABLE.c.lease_owner == sa.bindparam("holder"),
            goes_on,
            _still_wanted(kind),
        )
        .values(
            state=DeliveryState.TRANSMITTING,
            lease_until=sa.bindparam("new_lease", type_=UTCDateTime()),
        )
        .returning(_TABLE.c.id)
    )


def _still_wanted(kind: MailingKind) -> sa.ColumnElement[bool]:
    if kind is MailingKind.LETTER:  # no subscription to have ended
        return _TABLE.c.address.is_not(None)
    subscription = cast(sa.Table, Subscription.__table__)
    wanted = (
        SubscriptionState.PENDING if kind is MailingKind.CONFIRMATION else SubscriptionState.ACTIVE
    )
    return sa.exists().where(
        subscription.c.id == _TABLE.c.subscription_id, subscription.c.state == wanted
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
        "new_code": reply.code or None,
        "new_enhanced": reply.enhanced,
        "new_reply": reply.text,
    }


def _execute(statement: sa.Update, rows: list[dict[str, object]]) -> None:
    if rows:
        db.session.connection().execute(statement, rows)
