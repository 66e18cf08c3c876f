"""Much at once: as few statements for many as for a few, and nothing different comes of it."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.alerts import Alert
from app.core.db import db
from app.serving import free_port
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState, Suppression
from subscribers.mailings.models import Bounce, Delivery, DomainGroup, InboundEvent, InboundKind
from subscribers.mailings.returns import applying, lmtp, mailboxes
from subscribers.mailings.returns.applying import Came, Taken
from subscribers.mailings.returns.notices import Event
from subscribers.mailings.sending import breaking
from tests.queries import statements
from tests.subscribers.mailings.returns import samples
from tests.subscribers.mailings.returns.cast import (
    LATER,
    about,
    count,
    mailing,
    reader,
    refuse,
    report,
    sent,
)

pytestmark = pytest.mark.usefixtures("app")


def mails(number: int, *, start: int = 0) -> list[Delivery]:
    """One mailing to people at half as many domains."""
    under = mailing(start)
    people = (reader(f"r{n}@d{n // 2}.example") for n in range(start, start + number))
    return [sent(person, under) for person in people]


def take_in(*raw: bytes) -> list[Taken]:
    taken = applying.take_in([Came(one) for one in raw], source="pipe", at=LATER)
    db.session.commit()
    return taken


REASONS = ("unknown", "full", "refused", "closed")


def test_a_hundred_reports_are_taken_in_by_as_many_statements_as_ten() -> None:
    known = [report(mail, REASONS[n % 4]) for n, mail in enumerate(mails(170))]
    take_in(*known[:60])  # what the breaker makes of so many has been made of them
    with statements() as few:
        take_in(*known[60:70])
    with statements() as many:
        take_in(*known[70:])

    assert count(InboundEvent) == 170
    assert len(many) <= len(few) <= 25


def test_a_hundred_refusals_on_the_spot_are_marked_by_as_many_statements_as_ten() -> None:
    everybody = mails(120)
    refuse(*everybody[:10])
    with statements() as few:
        refuse(*everybody[10:20])
    with statements() as many:
        refuse(*everybody[20:120])

    assert count(Bounce) == 120
    told = [len([one for one in some if "delivery_id" in one]) for some in (few, many)]
    assert told[0] == told[1]


def test_a_hundred_notices_are_taken_by_as_many_statements_as_ten() -> None:
    events = [
        Event(InboundKind.HARD, f"{n}", mail.address or "", enhanced="5.1.1", said="550 gone")
        for n, mail in enumerate(mails(170))
    ]

    def tell(some: list[Event]) -> list[Taken]:
        taken = applying.take_notices("postmark", some, at=LATER)
        db.session.commit()
        return taken

    tell(events[:60])
    with statements() as few:
        tell(events[60:70])
    with statements() as many:
        taken = tell(events[70:])

    assert all(one.applied for one in taken)
    assert len(many) <= len(few) <= 25


def test_together_they_come_to_the_same_as_one_by_one() -> None:
    everybody = mails(24)
    known = [report(mail, REASONS[n % 4]) for n, mail in enumerate(everybody)]

    take_in(*known)

    together = outcome()
    wipe()
    for one in known:
        take_in(one)
    assert outcome() == together


def outcome() -> list[tuple[object, ...]]:
    """What the database holds of each mail and its reader."""
    db.session.expire_all()
    rows = db.session.execute(
        sa.select(
            Delivery.id,
            Delivery.state,
            Delivery.enhanced,
            Bounce.hard,
            Bounce.enhanced,
            Subscription.state,
            Subscription.ended_reason,
            Suppression.reason,
        )
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Bounce, Bounce.delivery_id == Delivery.id)
        .outerjoin(Suppression, Suppression.address_hash == Delivery.address_hash)
        .order_by(Delivery.id)
    )
    alerts = db.session.execute(sa.select(Alert.code, Alert.subject).order_by(Alert.subject))
    return [*map(tuple, rows), *map(tuple, alerts)]


def wipe() -> None:
    for model in (Suppression, Bounce, InboundEvent, Alert):
        db.session.execute(sa.delete(model))
    db.session.execute(sa.update(Delivery).values(state="sent", code=None, enhanced=None))
    db.session.execute(
        sa.update(Subscription).values(state="active", ended_at=None, ended_reason=None)
    )
    db.session.commit()


def test_what_comes_twice_among_many_counts_once() -> None:
    one, two = mails(2)

    taken = take_in(report(one), report(two), report(one))

    assert [one.is_new for one in taken] == [True, True, False]
    assert (count(InboundEvent), count(Bounce)) == (2, 2)


def test_of_two_reports_on_one_mail_the_harder_counts_in_whatever_order() -> None:
    one, two = mails(2)

    take_in(report(one, "full"), report(two), report(one), report(two, "full"))

    db.session.expire_all()
    assert count(Bounce, Bounce.hard) == 2
    assert count(Suppression) == 2


def test_every_kind_of_return_may_come_in_one_batch() -> None:
    hard, spam, away = mails(3)
    leaver = sent(reader("leaver@reader.example"), mailing(99))
    head = "From: <who@elsewhere.example>\nSubject: unsubscribe"
    from subscribers.mailings.sending import envelopes

    vacation = samples.answering_machines(about(away))
    taken = take_in(
        report(hard),
        samples.feedback(about(spam)),
        next(iter(vacation))[1],
        samples.plain(about(leaver, to=envelopes.leaving(leaver.id)), head, ""),
        b"no mail at all",
    )

    assert [one.kind.value for one in taken] == [
        "hard",
        "complaint",
        "auto_reply",
        "unsubscribe",
        "unparsed",
    ]
    ended = dict(
        db.session.execute(
            sa.select(Subscription.id, Subscription.ended_reason).where(
                Subscription.state == SubscriptionState.ENDED
            )
        ).all()
    )
    assert ended == {
        hard.subscription_id: EndedReason.BOUNCE,
        spam.subscription_id: EndedReason.COMPLAINT,
        leaver.subscription_id: EndedReason.MAILTO,
    }


def test_of_many_complaints_those_weigh_more_whose_bounce_came_before() -> None:
    everybody = mails(4)
    take_in(*[report(one) for one in everybody[:2]])

    take_in(*[samples.feedback(about(one)) for one in everybody])

    assert db.session.scalars(sa.select(Suppression.reason)).all() == ["complaint"] * 4


def test_several_domains_that_refuse_everybody_at_once_are_each_held() -> None:
    under = mailing()
    everybody = [
        sent(reader(f"r{n}@{town}.example"), under)
        for town in ("north", "south")
        for n in range(12)
    ]
    lone = sent(reader("anna@alone.example"), under)

    take_in(*[report(one) for one in (*everybody, lone)])

    held = db.session.scalars(sa.select(DomainGroup).where(DomainGroup.held_because == "outage"))
    assert sorted(group.domains[0] for group in held) == ["north.example", "south.example"]
    assert count(Suppression) == 1
    assert count(Subscription, Subscription.state == SubscriptionState.ENDED) == 1


def test_a_run_of_refusals_of_us_that_ends_in_the_midst_of_many_answers_is_a_run() -> None:
    everybody = mails(breaking.POLICY_RUN + 1)
    last = report(everybody[-1])

    take_in(*[report(one, "refused") for one in everybody[:-1]], last)

    group = db.session.get(DomainGroup, "other", populate_existing=True)
    assert group is not None
    assert group.held_because == "policy"


def test_one_that_nobody_can_store_among_many_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everybody = mails(9)
    known = [report(one) for one in everybody]
    read = applying.reading.read

    def stumble(raw: bytes) -> object:
        if raw == known[4]:
            raise MemoryError
        return read(raw)

    monkeypatch.setattr(applying.reading, "read", stumble)

    stored = mailboxes.store([Came(raw) for raw in known], source="pipe")

    assert [one is None for one in stored] == [n == 4 for n in range(9)]
    assert count(InboundEvent) == 8


def test_a_mail_after_a_clean_week_clears_the_marks_of_each_reader_by_themselves() -> None:
    day = timedelta(days=1)
    anna, bo = reader(), reader("bo@reader.example")
    for n in range(4):
        at = LATER + 2 * n * day
        under = mailing(n)
        for one in (anna, bo):
            raw = report(sent(one, under, at=at), "full")
            applying.take_in([Came(raw)], source="pipe", at=at)
    db.session.commit()
    sent(anna, mailing(50), at=LATER + 8 * day)  # of which nothing came back

    under = mailing(51)
    late = LATER + 16 * day
    raws = [report(sent(one, under, at=late), "full") for one in (anna, bo)]
    applying.take_in([Came(raw) for raw in raws], source="pipe", at=late)
    db.session.commit()

    db.session.expire_all()
    assert anna.state is SubscriptionState.ACTIVE
    assert bo.state is SubscriptionState.ENDED


def test_lmtp_stores_together_what_waits_and_answers_each_by_itself(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = mails(12)
    letters = [(about(one).to, report(one).replace(b"\n", b"\r\n")) for one in everybody]
    db.session.rollback()
    batches: list[int] = []
    first, store = threading.Event(), mailboxes.store

    def watched(came: Sequence[Came], *, source: str) -> list[Taken | None]:
        batches.append(len(came))
        first.wait(20)
        return store(came, source=source)

    monkeypatch.setattr(mailboxes, "store", watched)
    port = free_port(0)
    app.config["LMTP_LISTEN"] = f"127.0.0.1:{port}"
    box = lmtp.listening(app)
    assert box is not None
    refused: list[object] = []

    def hand_over(to: str, raw: bytes) -> None:
        with smtplib.LMTP("127.0.0.1", port) as carrier:
            refused.append(carrier.sendmail("", [to], raw))

    try:
        threads = [threading.Thread(target=hand_over, args=letter) for letter in letters]
        for thread in threads:
            thread.start()
        handler = box.handler
        until = threading.Event()
        for _ in range(400):
            if len(handler._waiting) == len(letters) - batches[0] if batches else False:
                break
            until.wait(0.05)
        first.set()
        for thread in threads:
            thread.join(30)
    finally:
        first.set()
        box.stop()

    assert refused == [{}] * 12
    assert (len(batches), sum(batches)) == (2, 12)
    assert count(InboundEvent) == 12


@pytest.mark.parametrize("how", ["together", "hard first", "soft first"])
def test_who_is_refused_and_full_in_one_outage_is_neither_ended_nor_kept_silent(how: str) -> None:
    one, two = mailing(1), mailing(2)
    people = [reader(f"r{n}@big.example") for n in range(30)]
    full, *_ = [sent(person, one) for person in people]
    refused, *others = [sent(person, two) for person in people]
    reports = {"hard": report(refused), "soft": report(full, "full")}
    if how == "together":
        take_in(reports["hard"], reports["soft"])
    else:
        first = how.partition(" ")[0]
        take_in(reports.pop(first))
        take_in(*reports.values())

    refuse(*others, at=LATER + timedelta(minutes=5))

    db.session.expire_all()
    assert people[0].state is SubscriptionState.ACTIVE
    assert count(Suppression) == 0
