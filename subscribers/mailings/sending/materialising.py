"""Writing a mailing's audience down: one Delivery for each address, in parts, never twice.

A mailing with a time of its own is begun by `begin_planned`, every minute: at its time, whatever
else is being sent. Found later than the organisation's grace, it waits for a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core import jobs
from app.core.alerts import raise_alert
from app.core.beats import shared_now
from app.core.db import db, guarded
from app.core.organisation import organisation
from subscribers.audience.models import Subscriber, Subscription
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending.audiences import Audience, audience_of, is_settled
from subscribers.mailings.sending.domain_groups import group_in_sql, groups_to_write

CHUNK = 5_000  # people written down in one transaction
LAST = max(Lane) + 1


def materialise(*, at: datetime, below: int = LAST) -> bool:
    """Write down the next part of one mailing's audience. False when there is none to write.

    Only of mailings in a more urgent lane than `below`. One that starts later is left until then.
    The cursor and the rows are written in one transaction, so that a kill in between repeats
    nothing and skips nobody. What depends on mails that are still in the open stays unfinished
    until they are settled; others need not wait for it.
    """
    for mailing in db.session.scalars(_unwritten(at).where(Mailing.lane < below)).all():
        if _missed(mailing, at=at):
            _let_wait(mailing, at=at)
        elif not _write_part(mailing, at=at):
            continue
        db.session.commit()
        return True
    db.session.rollback()
    return False


@jobs.job("begin_planned", first=True)
def begin_planned() -> None:
    """Begin each mailing whose time has come, so that no other keeps it from its time. Commits.

    Its first people are written down, which is what having begun means.
    """
    at = shared_now()
    planned = _unwritten(at).where(Mailing.starts_at.is_not(None), Mailing.audience_cursor == 0)
    for mailing in db.session.scalars(planned).all():
        if _missed(mailing, at=at):
            _let_wait(mailing, at=at)
        else:
            _write_part(mailing, at=at)
        db.session.commit()


def _unwritten(at: datetime) -> sa.Select[Mailing]:
    return (
        sa.select(Mailing)
        .where(
            Mailing.finished_at.is_(None),
            Mailing.state == MailingState.MATERIALISING,
            sa.or_(Mailing.starts_at.is_(None), Mailing.starts_at <= at),
        )
        .order_by(Mailing.lane, Mailing.id)
    )


def _missed(mailing: Mailing, *, at: datetime) -> bool:
    """Whether a mailing is found too long after its time. One for the readers of an earlier mail
    is not: it waits for that one, and what was wrong should be mended however late it is."""
    if mailing.starts_at is None or mailing.audience_cursor or mailing.audience:
        return False
    return at - mailing.starts_at > timedelta(minutes=organisation().mailing_grace_minutes)


def _let_wait(mailing: Mailing, *, at: datetime) -> None:
    assert mailing.starts_at is not None
    facts = {"starts_at": mailing.starts_at.isoformat(), "found_at": at.isoformat()}
    moved = guarded(
        sa.update(Mailing)
        .where(
            Mailing.id == mailing.id,
            Mailing.state == MailingState.MATERIALISING,
            Mailing.audience_cursor == 0,
        )
        .values(
            state=MailingState.PAUSED,
            paused_from=MailingState.MATERIALISING,
            paused_because=PausedBecause.MISSED,
            pause_facts=facts,
        )
    )
    if moved:
        raise_alert("mailing_missed", str(mailing.id), facts=facts, at=at)


def _write_part(mailing: Mailing, *, at: datetime) -> bool:
    """The next people of one mailing, or that there are no more. False when it has to wait."""
    settled = is_settled(mailing)  # asked first: what is settled now stays so
    audience = audience_of(mailing)
    if audience.late is None and not settled:
        return False
    is_next = audience.place > mailing.audience_cursor
    some = audience.people.where(is_next)
    upto = _end_of_part(some if audience.among is None else audience.among.where(is_next), audience)
    if upto is None and audience.late is not None:
        some = audience.late
        upto = _end_of_part(some, audience)
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


def _end_of_part(people: sa.Select[int], audience: Audience) -> int | None:
    place, size = audience.place, min(CHUNK, audience.part or CHUNK)
    part = people.with_only_columns(place.label("place")).order_by(place).limit(size)
    last: int | None = db.session.scalar(sa.select(sa.func.max(part.subquery().c.place)))
    return last


def _write_down(people: sa.Select[int], mailing: Mailing, *, at: datetime) -> None:
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
    rows = people.with_only_columns(*columns.values())
    insert = _insert().from_select(list(columns), rows).on_conflict_do_nothing()
    db.session.execute(insert)


def _insert() -> postgresql.Insert | sqlite.Insert:
    if db.engine.dialect.name == "postgresql":
        return postgresql.insert(Delivery)
    return sqlite.insert(Delivery)
