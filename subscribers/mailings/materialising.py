"""Writing a mailing's audience down: one Delivery for each address, in parts, never twice."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core.db import db, guarded
from subscribers.audience.models import (
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)
from subscribers.mailings.models import (
    DOMAIN_GROUP,
    Delivery,
    DeliveryState,
    Mailing,
    MailingState,
)

CHUNK = 5_000  # people written down in one transaction


def materialise(*, at: datetime) -> bool:
    """Write down the next part of one mailing's audience. False when there is none to write.

    The audience is who had said yes when the mailing was queued; the cursor and the rows are
    written in one transaction, so that a kill in between repeats nothing and skips nobody.
    """
    mailing = db.session.scalar(
        sa.select(Mailing)
        .where(Mailing.finished_at.is_(None), Mailing.state == MailingState.MATERIALISING)
        .order_by(Mailing.lane, Mailing.id)
        .limit(1)
    )
    if mailing is None:
        db.session.rollback()
        return False
    people = _people(mailing)
    upto = db.session.scalar(
        sa.select(sa.func.max(sa.column("id"))).select_from(
            people.with_only_columns(Subscription.id)
            .order_by(Subscription.id)
            .limit(CHUNK)
            .subquery()
        )
    )
    moved = guarded(
        sa.update(Mailing)
        .where(
            Mailing.id == mailing.id,
            Mailing.state == MailingState.MATERIALISING,
            Mailing.audience_cursor == mailing.audience_cursor,
        )
        .values(
            {"state": MailingState.RUNNING} if upto is None else {"audience_cursor": upto},
        )
    )
    if moved and upto is not None:
        _write_down(people.where(Subscription.id <= upto), mailing, at=at)
    db.session.commit()
    return True


def _people(mailing: Mailing) -> sa.Select[int]:
    suppressed = sa.select(Suppression.address_hash).where(
        Suppression.address_hash == Subscriber.address_hash
    )
    return (
        sa.select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(
            Topic.slug.in_(mailing.topics),
            Subscription.state == SubscriptionState.ACTIVE,
            Subscription.consent_at <= mailing.queued_at,
            Subscription.id > mailing.audience_cursor,
            Subscriber.language == mailing.language,
            Subscriber.address.is_not(None),
            ~suppressed.exists(),
        )
    )


def _write_down(people: sa.Select[int], mailing: Mailing, *, at: datetime) -> None:
    columns = {
        "mailing_id": sa.literal(mailing.id),
        "subscriber_id": Subscriber.id,
        "subscription_id": Subscription.id,
        "address": Subscriber.address,
        "address_hash": Subscriber.address_hash,
        "domain_group": sa.literal(DOMAIN_GROUP),
        "state": sa.literal(DeliveryState.QUEUED.value, sa.String),
        "due_at": sa.literal(at, Delivery.due_at.type),
        "attempts": sa.literal(0),
        "uncertain_count": sa.literal(0),
    }
    rows = people.with_only_columns(*columns.values())
    insert = _insert().from_select(list(columns), rows).on_conflict_do_nothing()
    db.session.execute(insert)


def _insert() -> postgresql.Insert | sqlite.Insert:
    if db.engine.dialect.name == "postgresql":
        return postgresql.insert(Delivery)
    return sqlite.insert(Delivery)
