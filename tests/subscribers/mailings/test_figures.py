"""Figures that follow nobody: what was sent, how fast, who left after it, and how the list grew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingState
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.watching import figures
from subscribers.mailings.watching.figures import (
    figures_of,
    figures_page,
    growth,
    left_after,
    sum_up,
)
from tests.factories import A_MORNING
from tests.subscribers.mailings.cast import queued, subscribers

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def mailing_to(people: int, *, number: int = 1) -> Mailing:
    if not db.session.scalar(sa.select(Subscription.id).limit(1)):
        subscribers(people)
    made = queued(key=f"release:{number}:r1:sv", subject=f"Nyhet {number}")
    while materialise(at=A_MORNING):
        pass
    return db.session.get_one(Mailing, made.id)


def sent(mailing: Mailing, *, at: datetime = A_MORNING, every: timedelta = SECOND) -> None:
    """It went to all, one after the other, and has ended."""
    rows = sa.select(Delivery).where(Delivery.mailing_id == mailing.id).order_by(Delivery.id)
    for turn, row in enumerate(db.session.scalars(rows), 1):
        row.state, row.due_at, row.sent_at = DeliveryState.SENT, None, at + turn * every
    mailing.state, mailing.finished_at = MailingState.FINISHED, at + DAY
    db.session.commit()


def leave(number: int, *, at: datetime, reason: EndedReason = EndedReason.ONE_CLICK) -> None:
    row = db.session.scalars(sa.select(Subscription).order_by(Subscription.id)).all()[number]
    row.state, row.ended_at, row.ended_reason = SubscriptionState.ENDED, at, reason
    db.session.commit()


def test_who_leaves_within_a_week_has_left_after_that_mailing(app: Flask) -> None:
    mailing = mailing_to(6)
    sent(mailing)
    leave(0, at=A_MORNING + DAY)
    leave(1, at=A_MORNING + 6 * DAY, reason=EndedReason.MAILTO)
    leave(2, at=A_MORNING + 8 * DAY)
    leave(3, at=A_MORNING + DAY, reason=EndedReason.BOUNCE)
    leave(4, at=A_MORNING - DAY)

    assert left_after([mailing])[mailing.id] == 2


def test_who_had_a_later_mailing_has_left_after_the_later_one(app: Flask) -> None:
    first, second = mailing_to(3), mailing_to(3, number=2)
    sent(first)
    sent(second, at=A_MORNING + 2 * DAY)
    leave(0, at=A_MORNING + DAY)
    leave(1, at=A_MORNING + 3 * DAY)

    left = left_after([first, second])

    assert (left[first.id], left[second.id]) == (1, 1)
    assert left_after([first])[first.id] == 1


def test_an_ended_mailing_keeps_its_figures_without_its_rows(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = mailing_to(20)
    sent(mailing)
    leave(0, at=A_MORNING + DAY)
    sum_up()
    monkeypatch.setattr(figures, "now", lambda: A_MORNING + 30 * DAY)
    sum_up()
    db.session.execute(sa.delete(Delivery))
    db.session.commit()

    (kept,) = figures_of([db.session.get_one(Mailing, mailing.id)])

    assert (kept.progress.sent, kept.left) == (20, 1)
    assert kept.per_thousand(kept.left) == 50.0
    assert (kept.half, kept.most) == (9 * SECOND, 18 * SECOND)


def test_what_may_still_change_is_not_summed_up(app: Flask) -> None:
    mailing = mailing_to(2)
    mailing.state, mailing.finished_at = MailingState.CANCELLED, A_MORNING
    db.session.commit()

    sum_up()

    assert db.session.get_one(Mailing, mailing.id).outcome is None


def test_the_list_goes_by_pages_and_leaves_out_mails_to_one(app: Flask) -> None:
    for number in range(3):
        mailing_to(1, number=number)

    first = figures_page(size=2)
    second = figures_page(size=2, before=first.older)

    subjects = [one.mailing.subject for page in (first, second) for one in page.found]
    assert subjects == ["Nyhet 2", "Nyhet 1", "Nyhet 0"]
    assert second.older is None


def test_growth_is_told_by_the_months_of_the_office(app: Flask) -> None:
    subscribers(3)
    rows = db.session.scalars(sa.select(Subscription).order_by(Subscription.id)).all()
    # The last half hour of October in UTC is November in Stockholm.
    rows[0].consent_at = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    rows[1].consent_at = datetime(2026, 10, 5, tzinfo=UTC)
    rows[2].consent_at = datetime(2020, 1, 1, tzinfo=UTC)
    db.session.commit()
    leave(1, at=datetime(2026, 11, 2, tzinfo=UTC), reason=EndedReason.COMPLAINT)

    months = growth(at=A_MORNING, zone="Europe/Stockholm")

    assert len(months) == 12
    october, november = months[-2:]
    assert (october.confirmed, november.confirmed) == (1, 1)
    assert sum(one.confirmed for one in months) == 2
    assert dict(november.ended) == {EndedReason.COMPLAINT: 1}
    assert november.left == 1
