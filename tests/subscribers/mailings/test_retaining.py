"""Rules of keeping, as they run by themselves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from subscribers.audience import erasing, subscribing
from subscribers.audience.models import (
    EndedReason,
    ImportRun,
    ImportState,
    RetentionRun,
    Subscriber,
    SubscriptionState,
    Suppression,
)
from subscribers.mailings import retaining
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    InboundEvent,
    InboundKind,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.questions import counts
from tests.factories import A_MORNING
from tests.subscribers.audience.test_erasing import mailed
from tests.subscribers.audience.test_importing import import_, omissions
from tests.subscribers.cast import DORA, active, how_many, pending, state_of

MUCH_LATER = A_MORNING + timedelta(days=800)


def mailing(people: int, *, kind: MailingKind = MailingKind.RELEASE, key: str = "x") -> Mailing:
    """One that ended in the morning, with so many deliveries."""
    one = Mailing(
        key=key,
        kind=kind,
        lane=2,
        state=MailingState.FINISHED,
        language="sv",
        topics=[],
        subject="Beslut",
        queued_at=A_MORNING,
        finished_at=A_MORNING,
    )
    db.session.add(one)
    db.session.flush()
    for n in range(people):
        row = Delivery(
            mailing_id=one.id,
            address=f"r{n}@reader.example",
            address_hash=bytes([n]) * 32,
            state=DeliveryState.SENT if n else DeliveryState.FAILED,
            reply=f"<r{n}@reader.example> ok",
        )
        db.session.add(row)
        db.session.flush()
        db.session.add(DeliveryAttempt(delivery_id=row.id, at=A_MORNING, reply=row.reply))
    db.session.commit()
    return one


def rule(name: str) -> retaining.Rule:
    return next(one for one in retaining.RULES if one.name == name)


def clear(name: str, *, days: int) -> int:
    at = A_MORNING + timedelta(days=days)
    cleared = retaining.run(rule(name), day=at.date(), at=at)
    db.session.commit()
    db.session.expire_all()
    return cleared


def addresses() -> set[str | None]:
    return set(db.session.scalars(sa.select(Delivery.address)))


def test_addresses_leave_ended_mailings_after_thirty_days(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "CHUNK", 10)
    mailing(25)
    mailing(1, kind=MailingKind.NOTICE, key="y")

    early, late, again = (clear("addresses", days=n) for n in (29, 31, 32))

    assert (early, late, again) == (0, 26, 0)
    assert addresses() == {None}
    assert set(db.session.scalars(sa.select(DeliveryAttempt.reply))) == {""}


def test_a_mailing_that_still_runs_keeps_its_addresses(app: Flask) -> None:
    mailing(2).finished_at = None
    db.session.commit()

    assert clear("addresses", days=99) == 0


def test_figures_outlive_the_rows_and_the_highest_number_stays(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "CHUNK", 10)
    old = mailing(25)
    before = counts(old.id)

    cleared = clear("deliveries", days=401)

    assert cleared == 24
    assert counts(old.id) == before
    assert how_many(Delivery) == 1
    assert db.session.scalar(sa.select(Delivery.id)) == 25
    assert clear("deliveries", days=402) == 0


def test_mails_to_one_person_go_whole(app: Flask) -> None:
    mailing(1, kind=MailingKind.CONFIRMATION)
    mailing(3, key="y")

    clear("deliveries", days=401)

    assert db.session.scalars(sa.select(Mailing.kind)).all() == [MailingKind.RELEASE]


def test_a_list_that_was_asked_goes_in_parts_too(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "CHUNK", 10)
    mailing(25, kind=MailingKind.CONFIRMATION)
    mailing(1, key="y")
    at = A_MORNING + timedelta(days=401)

    rule("deliveries").clear(at - timedelta(days=400), at)

    assert how_many(Delivery) == 16
    db.session.rollback()
    clear("deliveries", days=401)
    assert db.session.scalars(sa.select(Mailing.key)).all() == ["y"]


def test_what_came_back_is_kept_word_for_word_for_a_month(app: Flask) -> None:
    event = InboundEvent(
        key=b"k" * 32,
        source="pipe",
        kind=InboundKind.HARD,
        raw=b"To: dora@reader.example",
        said="no such user",
        received_at=A_MORNING,
    )
    db.session.add(event)
    db.session.commit()

    assert (clear("inbound", days=29), event.raw) == (0, b"To: dora@reader.example")
    assert (clear("inbound", days=31), event.raw, event.said) == (1, None, "")
    assert (clear("inbound", days=401), how_many(InboundEvent)) == (1, 0)


def test_who_left_long_ago_is_forgotten_and_no_list_brings_them_back(app: Flask) -> None:
    left = active()
    active("still@reader.example")
    subscribing.end(left, reason=EndedReason.USER_LINK, at=A_MORNING)
    db.session.commit()

    assert clear("ended", days=364) == 0
    assert clear("ended", days=366) == 1

    assert db.session.scalars(sa.select(Subscriber.address).order_by(Subscriber.id)).all() == [
        None,
        "still@reader.example",
    ]
    assert db.session.scalars(sa.select(Suppression.reason)).all() == ["left"]
    assert omissions(import_(f"email\n{DORA}\n")) == [(2, "erased")]


def test_who_is_active_in_anything_is_not_forgotten(app: Flask) -> None:
    ended = active()
    subscribing.end(ended, reason=EndedReason.USER_LINK, at=A_MORNING)
    active(at=A_MORNING + timedelta(minutes=5))

    assert clear("ended", days=900) == 0


def test_a_list_that_nobody_said_yes_to_goes_after_a_week(app: Flask) -> None:
    run = ImportRun(
        file_name="list.csv",
        file_bytes=1,
        file_key="A" * 43,
        state=ImportState.UPLOADED,
        language="sv",
        created_at=A_MORNING,
    )
    db.session.add(run)
    db.session.commit()

    assert clear("lists", days=6) == 0
    assert clear("lists", days=8) == 1
    assert (run.file_key, run.state) == (None, ImportState.STOPPED)


def test_the_days_round_is_done_once_and_written_down(app: Flask) -> None:
    mailing(3)

    retaining.keep_rules()
    first = db.session.scalars(sa.select(RetentionRun).order_by(RetentionRun.id)).all()
    named = [one.rule for one in first]
    mailing(2, key="y")
    retaining.keep_rules()

    assert named == [one.name for one in retaining.RULES]
    assert how_many(RetentionRun) == len(retaining.RULES)


def test_the_days_round_ends_what_nobody_confirmed(app: Flask) -> None:
    stale = pending(at=A_MORNING.replace(year=2020))

    retaining.keep_rules()

    assert state_of(stale) is SubscriptionState.ENDED


def test_each_minute_an_answer_that_came_after_an_erasure_is_forgotten(app: Flask) -> None:
    delivery = mailed(active())
    erasing.erase(DORA, at=now())
    delivery.reply = f"550 <{DORA}> unknown"
    db.session.commit()

    retaining.forget_stragglers()

    assert DORA not in (delivery.reply or "")


def test_what_a_rule_did_is_added_up_on_its_day(app: Flask) -> None:
    one = mailing(3)
    one.finished_at = now() - timedelta(days=40)
    db.session.commit()

    retaining.keep_rules()

    assert retaining.lately()["addresses"][0].cleared == 3
    assert retaining.lately()["addresses"][0].day >= date(2026, 1, 1)


@pytest.mark.parametrize("days", [0, 6, 4000])
def test_days_that_make_no_sense_are_refused(app: Flask, admin: User, days: int) -> None:
    with pytest.raises(BadInput):
        retaining.change({"addresses": days, "ended": 100}, by=admin, at=A_MORNING)
