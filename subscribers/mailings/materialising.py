"""Writing a mailing's audience down: one Delivery for each address, in parts, never twice."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from app.core.db import db, guarded
from subscribers.audience.models import Subscriber, Subscription
from subscribers.mailings.audiences import audience_of, is_settled
from subscribers.mailings.models import (
    OTHER,
    Delivery,
    DeliveryState,
    Mailing,
    MailingState,
)

CHUNK = 5_000  # people written down in one transaction


def materialise(*, at: datetime) -> bool:
    """Write down the next part of one mailing's audience. False when there is none to write.

    One that starts later is left until then. The cursor and the rows are written in one
    transaction, so that a kill in between repeats nothing and skips nobody. What depends on mails
    that are still in the open stays unfinished until they are settled; others need not wait for it.
    """
    unwritten = db.session.scalars(
        sa.select(Mailing)
        .where(
            Mailing.finished_at.is_(None),
            Mailing.state == MailingState.MATERIALISING,
            sa.or_(Mailing.starts_at.is_(None), Mailing.starts_at <= at),
        )
        .order_by(Mailing.lane, Mailing.id)
    ).all()
    for mailing in unwritten:
        if _write_part(mailing, at=at):
            db.session.commit()
            return True
    db.session.rollback()
    return False


def _write_part(mailing: Mailing, *, at: datetime) -> bool:
    """The next people of one mailing, or that there are no more. False when it has to wait."""
    settled = is_settled(mailing)  # asked first: what is settled now stays so
    audience = audience_of(mailing)
    if audience.late is None and not settled:
        return False
    some = audience.people.where(audience.place > mailing.audience_cursor)
    upto = _end_of_part(some, audience.place)
    if upto is None and audience.late is not None:
        some = audience.late
        upto = _end_of_part(some, audience.place)
    if upto is None and not settled:
        return False
    cursor = mailing.audience_cursor if upto is None else max(upto, mailing.audience_cursor)
    moved = guarded(
        sa.update(Mailing)
        .where(
            Mailing.id == mailing.id,
            Mailing.state == MailingState.MATERIALISING,
            Mailing.audience_cursor == mailing.audience_cursor,
        )
        .values(
            audience_cursor=cursor,
            state=MailingState.RUNNING if upto is None else MailingState.MATERIALISING,
        )
    )
    if moved and upto is not None:
        _write_down(some.where(audience.place <= upto), mailing, at=at)
    return True


def _end_of_part(people: sa.Select[int], place: InstrumentedAttribute[int]) -> int | None:
    part = people.with_only_columns(place.label("place")).order_by(place).limit(CHUNK).subquery()
    last: int | None = db.session.scalar(sa.select(sa.func.max(part.c.place)))
    return last


def _write_down(people: sa.Select[int], mailing: Mailing, *, at: datetime) -> None:
    columns = {
        "mailing_id": sa.literal(mailing.id),
        "subscriber_id": Subscriber.id,
        "subscription_id": Subscription.id,
        "address": Subscriber.address,
        "address_hash": Subscriber.address_hash,
        "domain_group": sa.literal(OTHER),
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
