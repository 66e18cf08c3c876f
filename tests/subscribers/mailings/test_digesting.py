"""Digests: each release once, to whom it is for, whatever ran twice, late or meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import db
from app.core.organisation import Organisation, unnamed
from subscribers.audience import subscribing
from subscribers.audience.models import (
    EndedReason,
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionState,
    Topic,
)
from subscribers.mailings import choosing, retaining
from subscribers.mailings.controlling import cancel, pause, resume, stop
from subscribers.mailings.digests import digesting
from subscribers.mailings.digests import readers as stretches
from subscribers.mailings.digests.announced import put_back, retell, take_back
from subscribers.mailings.digests.digesting import catch_up, last_hour, make_up, settle
from subscribers.mailings.models import (
    Announced,
    Delivery,
    DeliveryState,
    DigestRun,
    Lane,
    Mailing,
    MailingItem,
    MailingKind,
    MailingPart,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.writing.queueing import queue
from tests.subscribers.cast import how_many
from tests.subscribers.mailings.cast import announcement, subscriber

ALL = "press-releases"
MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # seven o'clock in Stockholm
BEFORE = MONDAY - timedelta(days=30)
IMMEDIATE, DAILY, WEEKLY = Frequency.IMMEDIATE, Frequency.DAILY, Frequency.WEEKLY
SOON = timedelta(minutes=2)  # after the hour


def topic(slug: str) -> Topic:
    found = db.session.scalar(sa.select(Topic).where(Topic.slug == slug))
    if found is None:
        found = Topic(slug=slug, name_sv=slug.capitalize(), name_en="")
        db.session.add(found)
    return found


def person(name: str, *, at: datetime = BEFORE, **wishes: Frequency) -> Subscriber:
    """Somebody who said yes to topics long ago; `all` is every press release."""
    someone: Subscriber | None = None
    for slug, frequency in wishes.items():
        wanted = topic(ALL if slug == "all" else slug)
        if someone is None:
            first = subscriber(f"{name}@news.example", topic=wanted)
            someone = first.subscriber
        else:
            first = Subscription(
                subscriber=someone, topic=wanted, state=SubscriptionState.ACTIVE, asked_at=at
            )
            db.session.add(first)
        first.frequency, first.consent_at = frequency, at
    db.session.commit()
    assert someone is not None
    return someone


def publish(number: int, *topics: str, at: datetime) -> Mailing:
    for slug in topics:
        topic(slug)
    mailing = queue(
        announcement(
            key=f"release:{number}:r1:sv",
            story=f"release:{number}",
            topics=(ALL, *topics),
            subject=f"Nyhet {number}",
            lead=f"Ingress {number}.",
            page_url=f"https://press.example/sv/releases/{number}",
        ),
        at=at,
    )
    db.session.commit()
    write_down(at=at)
    return mailing


def write_down(*, at: datetime) -> None:
    while materialise(at=at):
        pass
    db.session.rollback()


def begin(frequency: Frequency, *, at: datetime) -> None:
    """The period before the one that a test is about."""
    db.session.add(
        DigestRun(
            frequency=frequency.value,
            language="sv",
            starts_at=at - timedelta(days=7),
            ends_at=at,
            made_at=at,
            items=0,
            settled_at=at,
        )
    )
    db.session.commit()


def run(frequency: Frequency = WEEKLY, *, at: datetime = MONDAY + SOON) -> None:
    """As the job does it, until nothing is left to do."""
    for _ in range(3):
        settle(frequency, "sv", at=at)
        while make_up(frequency, "sv", at=at):
            pass
        write_down(at=at)


def got(name: str) -> list[str]:
    """The stories in each mail to somebody, however it came: `1`, `2+3` for a digest."""
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Delivery.mailing_id, MailingItem.story)
        .join(MailingItem, MailingItem.mailing_id == Delivery.mailing_id)
        .where(Delivery.address == f"{name}@news.example")
        .order_by(Delivery.mailing_id, MailingItem.story)
    ).all()
    mails: dict[int, list[str]] = {}
    for mailing_id, story in rows:
        mails.setdefault(mailing_id, []).append(story.partition(":")[2])
    return ["+".join(stories) for stories in mails.values()]


def digests() -> Sequence[Mailing]:
    db.session.rollback()
    return db.session.scalars(
        sa.select(Mailing).where(Mailing.kind == MailingKind.DIGEST).order_by(Mailing.id)
    ).all()


def words_of(mailing: Mailing) -> tuple[str, str]:
    """The mail as text and as HTML."""
    part = db.session.scalars(
        sa.select(MailingPart.template).where(MailingPart.mailing_id == mailing.id)
    ).one()
    message = message_from_bytes(part, policy=policy.default)
    texts = [message.get_body((kind,)) for kind in ("plain", "html")]
    return tuple(text.get_content() for text in texts if text)  # type: ignore[return-value]


def test_case_56_a_period_without_a_release_sends_nothing(app: Flask) -> None:
    person("dora", all=WEEKLY)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))

    run()

    assert digests() == []
    assert how_many(DigestRun) == 2


def test_case_56_made_up_twice_for_one_period_is_one_mail(app: Flask) -> None:
    person("dora", all=WEEKLY)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    publish(1, at=MONDAY - timedelta(days=3))

    run()
    run(at=MONDAY + timedelta(hours=5))

    assert got("dora") == ["1"]
    assert len(digests()) == 1


def test_case_56_two_who_make_it_up_at_once_make_one(app: Flask) -> None:
    person("dora", all=WEEKLY)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    publish(1, at=MONDAY - timedelta(days=3))
    together = threading.Barrier(4)

    def one_of_them() -> None:
        with app.app_context():
            together.wait()
            make_up(WEEKLY, "sv", at=MONDAY + SOON)

    db.session.rollback()
    threads = [threading.Thread(target=one_of_them) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(digests()) == 1
    assert how_many(DigestRun) == 2


def test_case_56_a_host_that_was_down_on_monday_makes_it_up_once(app: Flask) -> None:
    person("dora", all=WEEKLY)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY + timedelta(hours=30))  # after the hour: next week's

    run(at=MONDAY + timedelta(hours=33))
    assert got("dora") == ["1"]

    run(at=MONDAY + timedelta(days=7, minutes=2))
    assert got("dora") == ["1", "2"]


def test_case_56_days_without_a_host_are_one_digest_when_it_is_back(app: Flask) -> None:
    person("dora", all=DAILY)
    begin(DAILY, at=MONDAY - timedelta(days=4))
    for number in (1, 2, 3):
        publish(number, at=MONDAY - timedelta(days=4 - number))

    run(DAILY)

    assert got("dora") == ["1+2+3"]


def test_case_56_a_release_withdrawn_before_the_digest_is_not_in_it(app: Flask) -> None:
    person("dora", all=WEEKLY)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY - timedelta(days=2))
    take_back("release:1", "sv", at=MONDAY - timedelta(days=1))
    db.session.commit()

    run()

    assert got("dora") == ["2"]


def test_one_put_back_after_its_digest_comes_with_the_next(app: Flask) -> None:
    person("dora", all=WEEKLY)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    publish(1, at=MONDAY - timedelta(days=3))
    take_back("release:1", "sv", at=MONDAY - timedelta(days=1))
    db.session.commit()
    run()
    put_back("release:1", "sv", at=MONDAY + timedelta(days=1))
    db.session.commit()

    run(at=MONDAY + timedelta(days=7, minutes=2))

    assert got("dora") == ["1"]


def test_readers_of_digests_get_no_mail_of_each_release(app: Flask) -> None:
    for name, frequency in (("now", IMMEDIATE), ("day", DAILY), ("week", WEEKLY)):
        person(name, all=frequency)

    publish(1, at=MONDAY - timedelta(days=3))

    assert [got(name) for name in ("now", "day", "week")] == [["1"], [], []]


def test_each_gets_the_releases_of_their_topics(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("all", all=WEEKLY)
    person("water", vatten=WEEKLY)
    person("both", vatten=WEEKLY, skola=WEEKLY)
    person("none", odling=WEEKLY)
    publish(1, "vatten", at=MONDAY - timedelta(days=3))
    publish(2, "skola", at=MONDAY - timedelta(days=2))
    publish(3, at=MONDAY - timedelta(days=1))

    run()

    assert got("all") == ["1+2+3"]
    assert got("water") == ["1"]
    assert got("both") == ["1+2"]
    assert got("none") == []
    assert {one.lane for one in digests()} == {Lane.DIGEST}


def test_of_a_release_in_two_topics_the_mail_at_once_is_the_only_one(app: Flask) -> None:
    begin(DAILY, at=MONDAY - timedelta(days=1))
    person("dora", vatten=IMMEDIATE, skola=DAILY)

    publish(1, "vatten", "skola", at=MONDAY - timedelta(hours=3))
    publish(2, "skola", at=MONDAY - timedelta(hours=2))
    run(DAILY)

    assert got("dora") == ["1", "2"]


def test_in_two_kinds_of_digest_a_release_comes_once(app: Flask) -> None:
    begin(DAILY, at=MONDAY - timedelta(days=1))
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", vatten=DAILY, skola=WEEKLY)
    publish(1, "vatten", "skola", at=MONDAY - timedelta(hours=3))

    run(DAILY)
    run(WEEKLY)

    assert got("dora") == ["1"]


def test_who_turns_to_a_digest_gets_nothing_again(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    dora = person("dora", all=IMMEDIATE)
    publish(1, at=MONDAY - timedelta(days=3))
    choosing.change({dora.subscriptions[0]: WEEKLY}, at=MONDAY - timedelta(days=2))
    db.session.commit()
    publish(2, at=MONDAY - timedelta(days=1))

    run()

    assert got("dora") == ["1", "2"]


def test_who_turns_from_a_digest_gets_what_it_would_have_had(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    dora = person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    for wish in (IMMEDIATE, WEEKLY, IMMEDIATE):
        choosing.change({dora.subscriptions[0]: wish}, at=MONDAY - timedelta(days=2))
        db.session.commit()
    publish(2, at=MONDAY - timedelta(days=1))

    run()

    assert got("dora") == ["1", "2"]


def test_who_turns_from_a_digest_while_a_release_is_written_down_gets_it_once(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    dora = person("dora", all=WEEKLY)
    at = MONDAY - timedelta(days=3)
    queue(announcement(key="release:1:r1:sv", story="release:1"), at=at)
    choosing.change({dora.subscriptions[0]: IMMEDIATE}, at=at)
    db.session.commit()

    write_down(at=at)
    run()

    assert got("dora") == ["1"]


def test_there_is_nothing_to_catch_up_with_for_who_hears_at_once(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    dora = person("dora", all=IMMEDIATE)
    publish(1, at=MONDAY - timedelta(days=3))

    assert catch_up(dora.id, IMMEDIATE, at=MONDAY) is None
    assert catch_up(dora.id, WEEKLY, at=MONDAY) is None


def test_who_leaves_a_topic_before_the_digest_is_written_down_still_gets_the_rest(
    app: Flask,
) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    dora = person("dora", vatten=WEEKLY, skola=WEEKLY)
    publish(1, "vatten", at=MONDAY - timedelta(days=3))
    publish(2, "skola", at=MONDAY - timedelta(days=2))
    make_up(WEEKLY, "sv", at=MONDAY + SOON)
    left = next(one for one in dora.subscriptions if one.topic.slug == "skola")
    subscribing.end(left, reason=EndedReason.USER_LINK, at=MONDAY + SOON)
    db.session.commit()

    write_down(at=MONDAY + SOON)
    assert got("dora") == []
    run()

    assert got("dora") == ["1"]
    assert db.session.scalars(sa.select(DigestRun.settled_at).order_by(DigestRun.id)).all()[-1]


def test_a_digest_that_is_paused_unwritten_is_not_made_up_again(app: Flask, editor: User) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    make_up(WEEKLY, "sv", at=MONDAY + SOON)
    pause(digests()[0], by=editor, at=MONDAY + SOON)
    db.session.commit()

    run()

    assert len(digests()) == 1
    assert got("dora") == []


def test_who_says_yes_during_the_week_gets_the_whole_week(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    publish(1, at=MONDAY - timedelta(days=3))
    person("new", at=MONDAY - timedelta(days=1), all=WEEKLY)
    person("late", at=MONDAY + timedelta(minutes=1), all=WEEKLY)

    run()

    assert got("new") == ["1"]
    assert got("late") == []


def test_nobody_is_written_to_in_another_language_or_after_they_left(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    english, left = person("english", all=WEEKLY), person("left", all=WEEKLY)
    english.language = "en"
    subscribing.end_all(left, reason=EndedReason.USER_LINK, at=MONDAY - timedelta(days=2))
    db.session.commit()
    publish(1, at=MONDAY - timedelta(days=3))

    run()

    assert digests() == []


def test_the_mail_says_what_is_new_the_newest_first(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY - timedelta(days=2))
    retell(
        "release:1",
        "sv",
        key="release:1:r2:sv",
        topics=[ALL],
        subject="Rättad nyhet",
        lead="Ny ingress.",
        page_url="https://press.example/sv/releases/1",
        note="Fel belopp.",
        corrected_at=MONDAY - timedelta(days=2),
    )
    db.session.commit()

    run()
    mailing = digests()[0]
    text, html = words_of(mailing)

    assert mailing.subject == "2 pressmeddelanden: Nyhet 2"
    assert text.index("Nyhet 2") < text.index("Rättad nyhet")
    for words in (text, html):
        assert "Veckans pressmeddelanden" in words
        assert "Ny ingress." in words
        assert "Rättat den 21 november 2026: Fel belopp." in words
        assert "https://press.example/sv/releases/2" in words
        assert "/unsubscribe/" in words
        assert "/preferences/" in words


def test_what_a_release_says_cannot_break_the_mail(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    row = db.session.scalars(sa.select(Announced)).one()
    row.subject, row.lead = "<b>Nyhet\r\nBcc: eve@x.se", "<script>alert(1)</script>"
    db.session.commit()

    run()
    _, html = words_of(digests()[0])

    assert "<script>" not in html
    assert "><b>" not in html
    part = db.session.scalars(
        sa.select(MailingPart.template).where(MailingPart.mailing_id == digests()[0].id)
    ).one()
    assert b"\r\nBcc:" not in part.partition(b"\r\n\r\n")[0]


def test_more_releases_than_fit_are_mails_of_their_own(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digesting, "MOST", 2)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    for number in range(1, 6):
        publish(number, at=MONDAY - timedelta(days=6 - number))

    run()

    assert got("dora") == ["1+2", "3+4", "5"]


def test_a_mailing_that_waits_for_its_hour_is_in_the_digest_after_that(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    queue(
        announcement(story="release:1"),
        at=MONDAY - timedelta(days=1),
        starts_at=MONDAY + timedelta(hours=2),
    )
    db.session.commit()

    run()
    assert digests() == []
    run(at=MONDAY + timedelta(days=7, minutes=2))

    assert got("dora") == ["1"]


def test_a_correction_reaches_those_who_read_it_in_a_digest(app: Flask) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("week", all=WEEKLY)
    person("now", all=IMMEDIATE)
    person("else", odling=WEEKLY)
    mailing = publish(1, at=MONDAY - timedelta(days=3))
    run()
    db.session.execute(
        sa.update(Delivery).values(state=DeliveryState.SENT, due_at=None, sent_at=MONDAY)
    )
    db.session.execute(sa.update(Mailing).values(finished_at=MONDAY, state="finished"))
    db.session.commit()

    queue(
        announcement(
            key="correction:1:r2:sv",
            story="release:1",
            kind=MailingKind.CORRECTION,
            received=(mailing.key,),
        ),
        at=MONDAY + timedelta(hours=1),
    )
    db.session.commit()
    write_down(at=MONDAY + timedelta(hours=1))

    assert got("week") == ["1", "1"]
    assert got("now") == ["1", "1"]
    assert got("else") == []


@pytest.mark.parametrize(
    ("at", "hour", "expected"),
    [
        # Clocks go back on 25 October 2026 and forward on 28 March 2027.
        ("2026-10-24T06:00+00:00", 7, "2026-10-24T05:00+00:00"),
        ("2026-10-25T06:30+00:00", 7, "2026-10-25T06:00+00:00"),
        ("2027-03-28T04:59+00:00", 7, "2027-03-27T06:00+00:00"),
        ("2027-03-28T05:00+00:00", 7, "2027-03-28T05:00+00:00"),
        ("2027-03-28T01:30+00:00", 2, "2027-03-28T01:00+00:00"),  # an hour that is not there
        ("2026-11-22T23:30+00:00", 0, "2026-11-22T23:00+00:00"),
    ],
)
def test_the_hour_is_that_of_the_wall_clock(at: str, hour: int, expected: str) -> None:
    sender = _office(digest_hour=hour)

    found = last_hour(DAILY, sender, at=datetime.fromisoformat(at))

    assert found == datetime.fromisoformat(expected)


def test_the_weekly_one_has_its_day() -> None:
    wednesday = _office(digest_hour=7, digest_weekday=2)

    assert last_hour(WEEKLY, wednesday, at=MONDAY) == MONDAY - timedelta(days=5)
    assert last_hour(WEEKLY, wednesday, at=MONDAY + timedelta(days=2)) == MONDAY + timedelta(days=2)
    before = last_hour(WEEKLY, wednesday, at=MONDAY + timedelta(days=2), before=True)
    assert before == MONDAY - timedelta(days=5)


def test_another_hour_leaves_no_gap(app: Flask) -> None:
    """What was announced between the old hour and the new one is in the next digest."""
    office = _office(digest_hour=7)
    db.session.add(office)
    person("dora", all=DAILY)
    begin(DAILY, at=MONDAY)
    publish(1, at=MONDAY + timedelta(hours=1))
    office.digest_hour = 16
    db.session.commit()

    run(DAILY, at=MONDAY + timedelta(hours=9, minutes=2))

    assert got("dora") == ["1"]


def _office(**given: int) -> Organisation:
    office = unnamed("Centrum", "Centre")
    for name, value in given.items():
        setattr(office, name, value)
    return office


def test_whoever_stands_far_behind_the_others_is_found(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People are looked at a stretch at a time, and a stretch may hold nobody for a mailing."""
    monkeypatch.setattr(stretches, "LOOKS", 2)
    monkeypatch.setattr(stretches, "LEAST", 2)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    for number in range(7):
        person(f"water{number}", vatten=WEEKLY)
    person("last", skola=WEEKLY)
    publish(1, "vatten", at=MONDAY - timedelta(days=3))
    publish(2, "skola", at=MONDAY - timedelta(days=2))

    run()

    assert got("last") == ["2"]
    assert [got(f"water{number}") for number in range(7)] == [["1"]] * 7


def test_no_more_people_are_looked_at_in_one_transaction_than_can_be_quickly(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite everybody else who writes waits for it, such as who has just signed up."""
    monkeypatch.setattr(stretches, "LOOKS", 2)
    monkeypatch.setattr(stretches, "LEAST", 2)
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    for number in range(6):
        person(f"water{number}", vatten=WEEKLY)
    person("last", skola=WEEKLY)
    publish(1, "vatten", at=MONDAY - timedelta(days=3))
    publish(2, "skola", at=MONDAY - timedelta(days=2))
    make_up(WEEKLY, "sv", at=MONDAY + SOON)

    looked_at = []
    before = dict.fromkeys(_cursors(), 0)
    while materialise(at=MONDAY + SOON):
        after = _cursors()
        for mailing_id, cursor in after.items():
            passed = Subscription.id.between(before[mailing_id] + 1, cursor)
            looked_at.append(db.session.scalar(sa.select(sa.func.count()).where(passed)))
        before = after

    assert max(looked_at) == 2


def _cursors() -> dict[int, int]:
    of_digests = sa.select(Mailing.id, Mailing.audience_cursor).where(
        Mailing.kind == MailingKind.DIGEST
    )
    return dict(db.session.execute(of_digests).all())


def test_case_56_a_release_withdrawn_while_readers_are_looked_up_is_in_no_digest(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look takes seconds on a long list, and nobody waits for it."""
    begin(DAILY, at=MONDAY - timedelta(days=1))
    person("dora", all=DAILY)
    publish(1, at=MONDAY - timedelta(hours=3))
    publish(2, at=MONDAY - timedelta(hours=2))
    look = digesting.masks

    def withdrawn_meanwhile(digest: stretches.Digest, **part: int) -> list[str]:
        found = look(digest, **part)
        db.session.rollback()
        take_back("release:1", "sv", at=MONDAY)
        db.session.commit()
        return found

    with monkeypatch.context() as slow:
        slow.setattr(digesting, "masks", withdrawn_meanwhile)
        make_up(DAILY, "sv", at=MONDAY + SOON)
    run(DAILY, at=MONDAY + SOON)

    assert got("dora") == ["2"]


def a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers of two topics, one after the other, of whom few are looked at together."""
    monkeypatch.setattr(stretches, "LOOKED_OVER", 0)
    monkeypatch.setattr(stretches, "LEAST", 2)
    begin(DAILY, at=MONDAY - timedelta(days=1))
    for n in range(4):
        person(f"water{n}", vatten=DAILY)
    for n in range(4):
        person(f"school{n}", skola=DAILY)
    publish(1, "vatten", at=MONDAY - timedelta(hours=3))
    publish(2, "skola", at=MONDAY - timedelta(hours=2))


def test_the_first_mail_is_queued_before_the_last_reader_is_looked_at(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_crowd(monkeypatch)
    look, queued = digesting.masks, []

    def watched(digest: stretches.Digest, **part: int) -> list[str]:
        queued.append(len(digests()))
        return look(digest, **part)

    with monkeypatch.context() as slow:
        slow.setattr(digesting, "masks", watched)
        make_up(DAILY, "sv", at=MONDAY + SOON)

    assert queued == [0, 1, 1, 2]
    run(DAILY)
    assert [got("water3"), got("school3")] == [["1"], ["2"]]
    assert len(digests()) == 2


class Killed(BaseException):
    """The worker is gone."""


def break_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is killed when it has looked at half of the readers of Monday's digest."""
    look = digesting.masks

    def killed(digest: stretches.Digest, *, above: int, upto: int) -> list[str]:
        if above >= 4:
            raise Killed
        return look(digest, above=above, upto=upto)

    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(digesting, "masks", killed)
        make_up(DAILY, "sv", at=MONDAY + SOON)
    db.session.rollback()


def test_a_look_that_is_broken_off_is_gone_on_with_and_nobody_is_written_to_twice(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_crowd(monkeypatch)
    break_off(monkeypatch)

    run(DAILY)

    assert [got(f"water{n}") for n in range(4)] == [["1"]] * 4
    assert [got(f"school{n}") for n in range(4)] == [["2"]] * 4


def test_a_look_that_is_broken_off_is_gone_on_with_though_the_next_digest_is_due(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_crowd(monkeypatch)
    break_off(monkeypatch)

    run(DAILY, at=MONDAY + timedelta(days=1) + SOON)

    assert [got(f"water{n}") for n in range(4)] == [["1"]] * 4
    assert [got(f"school{n}") for n in range(4)] == [["2"]] * 4


def test_who_turns_to_mail_at_once_while_readers_are_looked_for_loses_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_crowd(monkeypatch)
    anna = db.session.scalars(
        sa.select(Subscriber).where(Subscriber.address == "school3@news.example")
    ).one()
    hers = anna.subscriptions[0].id
    look = digesting.masks

    def changed_meanwhile(digest: stretches.Digest, **part: int) -> list[str]:
        found = look(digest, **part)
        db.session.rollback()
        one = db.session.get(Subscription, hers)
        assert one is not None
        if one.frequency is DAILY:
            choosing.change({one: IMMEDIATE}, at=MONDAY + SOON)
            db.session.commit()
        return found

    with monkeypatch.context() as slow:
        slow.setattr(digesting, "masks", changed_meanwhile)
        make_up(DAILY, "sv", at=MONDAY + SOON)
    run(DAILY)

    assert got("school3") == ["2"]


def went_out(*names: str) -> None:
    """A server has taken the mails of these; the others wait."""
    for name in names:
        db.session.execute(
            sa.update(Delivery)
            .where(Delivery.address == f"{name}@news.example")
            .values(state=DeliveryState.SENT, due_at=None, sent_at=MONDAY + SOON)
        )
    db.session.commit()


def standing(name: str) -> list[tuple[str, str]]:
    """The stories of each mail to somebody, and what became of it."""
    stories = got(name)
    states = db.session.scalars(
        sa.select(Delivery.state)
        .where(Delivery.address == f"{name}@news.example")
        .order_by(Delivery.mailing_id)
    )
    return list(zip(stories, (state.value for state in states), strict=True))


def test_a_release_withdrawn_while_its_digest_goes_out_is_in_no_mail_after_that(
    app: Flask,
) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("had", all=WEEKLY)
    person("waits", all=WEEKLY)
    person("water", vatten=WEEKLY)
    publish(1, "vatten", at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY - timedelta(days=2))
    run()
    went_out("had")

    take_back("release:1", "sv", at=MONDAY + 2 * SOON)
    db.session.commit()
    run(at=MONDAY + 2 * SOON)

    assert standing("had") == [("1+2", "sent")]
    assert standing("waits") == [("1+2", "cancelled"), ("2", "queued")]
    assert standing("water") == [("1", "cancelled")]
    assert db.session.scalars(sa.select(DigestRun.settled_at).order_by(DigestRun.id)).all()[-1]


def test_a_release_withdrawn_at_the_moment_its_digest_is_queued_is_in_no_mail(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY - timedelta(days=2))
    db.session.rollback()
    stand = digesting._stand
    looked, withdrawn, queued = threading.Event(), threading.Event(), threading.Event()

    def looks(found: Sequence[Announced]) -> bool:
        answer = stand(found)
        looked.set()
        withdrawn.wait(0.5)  # by then another has withdrawn one, or waits until we are done
        return answer

    def withdraw() -> None:
        with app.app_context():
            looked.wait(10)
            take_back("release:1", "sv", at=MONDAY + SOON)
            db.session.flush()
            withdrawn.set()
            if db.engine.dialect.name == "postgresql":
                queued.wait(10)
            db.session.commit()

    other = threading.Thread(target=withdraw)
    other.start()
    try:
        with monkeypatch.context() as slow:
            slow.setattr(digesting, "_stand", looks)
            make_up(WEEKLY, "sv", at=MONDAY + SOON)
    finally:
        queued.set()
        other.join()
    run(at=MONDAY + 2 * SOON)

    assert got("dora") == ["2"]


def test_the_rest_of_a_digest_comes_though_the_next_is_made_up_when_a_release_is_withdrawn(
    app: Flask,
) -> None:
    tuesday = MONDAY + timedelta(days=1)
    begin(DAILY, at=MONDAY - timedelta(days=1))
    person("waits", all=DAILY)
    publish(1, at=MONDAY - timedelta(hours=3))
    publish(2, at=MONDAY - timedelta(hours=2))
    run(DAILY)
    run(DAILY, at=tuesday + SOON)

    take_back("release:1", "sv", at=tuesday + 2 * SOON)
    db.session.commit()
    run(DAILY, at=tuesday + 2 * SOON)

    assert standing("waits") == [("1+2", "cancelled"), ("2", "queued")]


def test_nobody_gets_an_old_digest_whose_rows_may_be_gone(app: Flask) -> None:
    begin(DAILY, at=MONDAY - timedelta(days=1))
    publish(1, at=MONDAY - timedelta(hours=3))
    run(DAILY)
    run(DAILY, at=MONDAY + timedelta(days=20) + SOON)
    person("anna", all=DAILY)  # whose row of that digest has been cleared
    db.session.execute(sa.update(DigestRun).values(settled_at=None))
    db.session.commit()

    run(DAILY, at=MONDAY + timedelta(days=20) + 2 * SOON)

    assert got("anna") == []


def test_what_a_person_called_off_does_not_go_out_anew_when_a_release_of_it_is_withdrawn(
    app: Flask, editor: User
) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY - timedelta(days=2))
    run()
    cancel(digests()[0], by=editor, at=MONDAY + SOON)
    db.session.commit()

    take_back("release:1", "sv", at=MONDAY + 2 * SOON)
    db.session.commit()
    run(at=MONDAY + 2 * SOON)

    assert standing("dora") == [("1+2", "cancelled")]


def test_what_the_office_paused_stays_paused_without_a_release_that_is_withdrawn(
    app: Flask, editor: User
) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, "vatten", at=MONDAY - timedelta(days=2))
    person("water", vatten=WEEKLY)
    run()
    assert (standing("water"), standing("dora")) == ([("2", "queued")], [("1+2", "queued")])
    pause(digests()[-1], by=editor, at=MONDAY + SOON)
    db.session.commit()

    take_back("release:1", "sv", at=MONDAY + 2 * SOON)
    db.session.commit()
    run(at=MONDAY + 2 * SOON)

    assert standing("dora") == [("1+2", "cancelled")]
    anew = digests()[-1]
    assert len(digests()) == 3
    assert (anew.state, anew.paused_because) == (MailingState.PAUSED, PausedBecause.PERSON)

    resume(anew, by=editor, at=MONDAY + 3 * SOON)
    db.session.commit()
    run(at=MONDAY + 3 * SOON)
    assert standing("dora") == [("1+2", "cancelled"), ("2", "queued")]

    db.session.execute(sa.update(DigestRun).values(settled_at=None))
    person("eva", all=WEEKLY)
    run(at=MONDAY + 4 * SOON)
    assert standing("eva") == [("2", "queued")]


@pytest.mark.parametrize(
    ("came_to", "after"), [("sent", []), ("cancelled", [("2", "queued")])], ids=str
)
def test_who_has_a_mail_in_the_open_when_it_is_called_off_is_waited_for(
    app: Flask, came_to: str, after: list[tuple[str, str]]
) -> None:
    begin(WEEKLY, at=MONDAY - timedelta(days=7))
    person("dora", all=WEEKLY)
    publish(1, at=MONDAY - timedelta(days=3))
    publish(2, at=MONDAY - timedelta(days=2))
    run()
    in_the_open = {"state": "transmitting", "lease_until": MONDAY + timedelta(hours=1)}
    db.session.execute(sa.update(Delivery).values(due_at=None, **in_the_open))
    db.session.commit()

    take_back("release:1", "sv", at=MONDAY + 2 * SOON)
    db.session.commit()
    run(at=MONDAY + 2 * SOON)
    assert len(digests()) == 1
    db.session.execute(sa.update(Delivery).values(state=came_to, lease_until=None))
    db.session.commit()
    run(at=MONDAY + 3 * SOON)

    assert standing("dora") == [("1+2", came_to), *after]


def test_whose_mail_was_called_off_gets_the_release_with_the_digest_they_have_changed_to(
    app: Flask,
) -> None:
    begin(DAILY, at=MONDAY - timedelta(days=1))
    person("dora", all=IMMEDIATE)
    mailing = publish(1, at=MONDAY - timedelta(hours=3))
    stop(mailing, at=MONDAY - timedelta(hours=2))
    (wanted,) = db.session.scalars(sa.select(Subscription))
    choosing.change({wanted: DAILY}, at=MONDAY - timedelta(hours=1))
    db.session.commit()

    run(DAILY, at=MONDAY + SOON)

    assert got("dora") == ["1", "1"], "called off, and then in the digest"


def test_what_is_put_back_after_the_rows_of_its_mailings_are_gone_is_not_mailed_twice(
    app: Flask,
) -> None:
    long_ago = MONDAY - timedelta(days=500)
    begin(DAILY, at=long_ago - timedelta(days=1))
    person("dora", at=long_ago - timedelta(days=9), all=DAILY)
    person("eva", all=IMMEDIATE)
    publish(1, at=long_ago - timedelta(hours=3))
    run(DAILY, at=long_ago + SOON)
    assert got("dora") == ["1"]
    ended = {"state": MailingState.FINISHED, "finished_at": long_ago}
    db.session.execute(sa.update(Mailing).values(ended))
    publish(2, at=MONDAY - timedelta(hours=5))
    deliveries = next(rule for rule in retaining.RULES if rule.name == "deliveries")
    retaining.run(deliveries, day=MONDAY.date(), at=MONDAY - timedelta(hours=4))

    take_back("release:1", "sv", at=MONDAY - timedelta(hours=3))
    put_back("release:1", "sv", at=MONDAY - timedelta(hours=2))
    db.session.commit()
    run(DAILY, at=MONDAY + SOON)

    assert got("dora") == ["2"]


def test_who_saves_a_change_twice_at_once_is_caught_up_with_once(app: Flask) -> None:
    begin(DAILY, at=MONDAY - timedelta(days=1))
    person("dora", all=DAILY)
    publish(1, at=MONDAY - timedelta(hours=3))
    (wanted,) = db.session.scalars(sa.select(Subscription))
    wanted_id = wanted.id

    def once_more() -> None:
        with app.app_context():
            same = db.session.get_one(Subscription, wanted_id)
            choosing.change({same: WEEKLY}, at=MONDAY - timedelta(seconds=59))
            db.session.commit()

    second = threading.Thread(target=once_more)
    choosing.change({wanted: WEEKLY}, at=MONDAY - timedelta(minutes=1))
    second.start()
    second.join(0.3)
    db.session.commit()
    second.join()

    assert got("dora") == ["1"]
