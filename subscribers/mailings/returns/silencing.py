"""Never again to these addresses: suppressions because of what came back, and subscriptions ended.

Of many people at once, each in a statement or two. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, cast

import sqlalchemy as sa

from app.core.db import Id, UTCDateTime, db
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState, Suppression
from subscribers.audience.subscribing import insert_new
from subscribers.mailings.sending.statements import Columns, StatementForRows, stored

BOUNCE: Final = "bounce"
COMPLAINT: Final = "complaint"

_TABLE = cast(sa.Table, Suppression.__table__)


def _weigh_more(given: Columns) -> sa.Update:
    return (
        sa.update(_TABLE)
        .where(
            _TABLE.c.address_hash == given["hash"],
            _TABLE.c.scope == sa.literal_column("'all'"),
            _TABLE.c.reason == sa.literal_column(f"'{BOUNCE}'"),
        )
        .values(
            reason=sa.literal_column(f"'{COMPLAINT}'"),
            created_at=given["new_at"],
            event_id=given["new_event"],
        )
    )


_WEIGH_MORE = StatementForRows(
    {"hash": sa.LargeBinary(), "new_at": UTCDateTime(), "new_event": Id}, _weigh_more
)


def suppress(events: Mapping[bytes, int], reason: str, *, at: datetime) -> None:
    """Forbid writing to addresses, by their hashes, each because of an event.

    What forbids it already stays as it is, but for a bounce when somebody complains.
    """
    rows = [
        {
            "address_hash": address_hash,
            "scope": "all",
            "reason": reason,
            "created_at": at,
            "event_id": events[address_hash],
        }
        for address_hash in sorted(events)  # in one order, so that no two wait crosswise
    ]
    new = {row.address_hash for row in insert_new(Suppression, rows, Suppression.address_hash)}
    if reason == COMPLAINT and (known := sorted(events.keys() - new)):
        connection = db.session.connection()
        moment = stored(at, connection)
        given = [{"hash": one, "new_at": moment, "new_event": events[one]} for one in known]
        _WEIGH_MORE.run(connection, given)


def end_all(subscriber_ids: Collection[int], *, reason: EndedReason, at: datetime) -> None:
    """End all that some people subscribe to."""
    if not subscriber_ids:
        return
    db.session.execute(
        sa.update(Subscription)
        .where(Subscription.subscriber_id.in_(subscriber_ids), Subscription.ended_at.is_(None))
        .values(state=SubscriptionState.ENDED, ended_at=at, ended_reason=reason)
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()
