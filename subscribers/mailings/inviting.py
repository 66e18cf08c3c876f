"""Bringing in the lists that wait, and asking each of a list whether they want to be written to.

A mailing for each batch of people, in the lane behind everything else: fifty thousand questions
must hold up nobody who has just signed up, and no release.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core import jobs
from app.core.clock import now
from app.core.db import db
from subscribers.audience import importing
from subscribers.audience.models import Subscriber, Subscription
from subscribers.mailings.models import Delivery, DeliveryState
from subscribers.mailings.sending.domain_groups import group_in_sql, groups_to_write
from subscribers.mailings.writing.queueing import queue_invitation


@jobs.job("import_lists")
def import_lists() -> None:
    """Go on with the lists that somebody said yes to; a worker does one for some seconds."""
    while not jobs.stopping.is_set():
        if not importing.work(clock=now, ask=lambda run: invite(language=run.language, at=now())):
            break
        jobs.ring("deliver")


def invite(*, language: str, at: datetime) -> Callable[[Sequence[int]], None]:
    """What writes to the people of pending subscriptions, given by their ids, in `language`.

    It writes in the caller's transaction; the links confirm what was asked at `at`.
    """

    def ask(subscription_ids: Sequence[int]) -> None:
        mailing = queue_invitation(language=language, at=at)
        dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
        columns = {
            "mailing_id": sa.literal(mailing.id),
            "subscriber_id": Subscriber.id,
            "subscription_id": Subscription.id,
            "address": Subscriber.address,
            "address_hash": Subscriber.address_hash,
            "domain_group": group_in_sql(Subscriber.domain, groups_to_write()),
            "state": sa.literal(DeliveryState.QUEUED.value, sa.String),
            "due_at": sa.literal(at, Delivery.due_at.type),
            "attempts": sa.literal(0),
            "uncertain_count": sa.literal(0),
        }
        people = (
            sa.select(*columns.values())
            .select_from(Subscription)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscription.id.in_(subscription_ids))
            .order_by(Subscription.id)
        )
        insert = dialect.insert(Delivery).from_select(list(columns), people)
        db.session.execute(insert.on_conflict_do_nothing())

    return ask
