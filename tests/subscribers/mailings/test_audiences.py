"""Corrections reach exactly those who got what was wrong, and nobody gets it afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db
from subscribers.audience import subscribing
from subscribers.audience.erasing import erase
from subscribers.audience.models import EndedReason, Subscription, Topic
from subscribers.mailings.controlling import stop
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.sending import audiences, claiming, delivering, materialising
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.writing.queueing import queue
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import (
    announcement,
    queued,
    send_all,
    states,
    subscriber,
    subscribers,
)

WRONG = "release:1:r1:sv"
TOPICS = ("press-releases",)


def correction(*received: str, key: str = "correction:1:r2:sv") -> Mailing:
    return queued(
        key=key,
        kind=MailingKind.CORRECTION,
        subject="Rättelse: Drygt 10,6 miljoner",
        text="I en tidigare version angavs 10\u00a0641\u00a0000 kronor.",
        received=received,
    )


def catch_up(*missed: str, key: str = "release:1:r2:sv") -> Mailing:
    return queued(key=key, text="Rätt siffra från början.", missed=missed)


def stopped(key: str = WRONG) -> Mailing:
    mailing = db.session.scalars(sa.select(Mailing).where(Mailing.key == key)).one()
    stop(mailing, at=now())
    db.session.commit()
    return mailing


def written_down() -> None:
    while materialise(at=now()):
        pass


def postpone(*addresses: str) -> None:
    """Let these wait, as at a busy server."""
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.address.in_(addresses))
        .values(due_at=now() + timedelta(hours=1))
    )
    db.session.commit()


def subjects(post: PostOffice) -> dict[str, list[str]]:
    """What each reader has got, in order."""
    found: dict[str, list[str]] = {}
    for letter in post.letters:
        found.setdefault(letter.to, []).append(letter.message["Subject"].partition(":")[0])
    return found


def leave(subscription: Subscription) -> None:
    subscribing.end(subscription, reason=EndedReason.USER_LINK, at=now())
    db.session.commit()


def test_who_got_the_wrong_words_is_told_and_who_did_not_gets_the_right_ones(
    app: Flask, post: PostOffice
) -> None:
    names = ("sent", "deferred", "waiting", "left", "bounced", "erased", "twice")
    people = {name: subscriber(f"{name}@news.example") for name in names}
    queued()
    written_down()
    postpone("waiting@news.example")
    post.at_rcpt = lambda address: {
        "bounced@news.example": "550 5.1.1 no such user",
        "deferred@news.example": "451 4.2.1 later",  # of this reader alone: others still go out
    }.get(address)
    post.hangs_up_after_dot = lambda address: address == "twice@news.example"
    send_all()
    leave(people["left"])
    erase("erased@news.example", at=now())
    db.session.commit()

    post.at_rcpt, post.hangs_up_after_dot = (lambda _: None), (lambda _: False)
    post.letters.clear()
    claiming.release_expired(at=now() + timedelta(hours=2))  # whose answer was lost waits again
    wrong = stopped()
    told, late = correction(WRONG), catch_up(WRONG)
    send_all()

    assert subjects(post) == {
        "sent@news.example": ["Rättelse"],
        "twice@news.example": ["Rättelse"],
        "deferred@news.example": ["Drygt 10,6 miljoner kronor till demokratisamarbete"],
        "waiting@news.example": ["Drygt 10,6 miljoner kronor till demokratisamarbete"],
    }
    assert states(told.id) == states(late.id) == {"sent": 2}
    assert states(wrong.id)["cancelled"] == 3
    assert all("Rätt siffra" in post.to(f"{name}@news.example")[0].text for name in names[1:3])


def test_a_correction_goes_before_releases(app: Flask) -> None:
    mailing = correction(WRONG)

    assert mailing.kind is MailingKind.CORRECTION
    assert mailing.lane == Lane.CORRECTION


def test_received_by_nobody_is_written_to_nobody(app: Flask, post: PostOffice) -> None:
    subscribers(3)

    correction()
    send_all()

    assert post.letters == []


def test_who_said_yes_after_the_first_mailing_was_queued_has_missed_nothing(
    app: Flask, post: PostOffice
) -> None:
    subscribers(1)
    queued()
    stopped()
    new = subscriber("new@news.example")
    new.consent_at = A_MORNING + timedelta(minutes=1)
    db.session.commit()

    catch_up(WRONG)
    send_all()

    assert list(subjects(post)) == ["reader0@news.example"]


def test_a_mailing_stopped_before_it_was_written_down_was_missed_by_all_the_rest(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materialising, "CHUNK", 2)
    subscribers(5)
    queued()
    materialise(at=now())  # reader0 and reader1
    batch = claiming.claim(at=now(), size=1)
    assert batch is not None
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.id == batch.deliveries[0].id)
        .values(state=DeliveryState.SENT, sent_at=now(), lease_owner=None, lease_until=None)
    )
    db.session.commit()

    wrong = stopped()
    told, late = correction(WRONG), catch_up(WRONG)
    send_all()

    assert states(wrong.id) == {"sent": 1, "cancelled": 1}
    assert states(told.id) == {"sent": 1}
    assert states(late.id) == {"sent": 4}
    assert Counter(letter.to for letter in post.letters) == Counter(
        f"reader{n}@news.example" for n in range(5)
    )


def test_a_second_correction_reaches_all_who_got_either_each_once(
    app: Flask, post: PostOffice
) -> None:
    subscribers(3)
    queued()
    written_down()
    postpone("reader2@news.example")
    send_all()
    stopped()
    correction(WRONG)
    catch_up(WRONG)
    post.at_rcpt = lambda address: "451 later" if address.startswith("reader1") else None
    send_all()
    post.at_rcpt = lambda _: None
    post.letters.clear()

    for key in ("correction:1:r2:sv", "release:1:r2:sv"):
        stopped(key)
    correction(WRONG, "correction:1:r2:sv", "release:1:r2:sv", key="correction:1:r3:sv")
    catch_up(WRONG, "release:1:r2:sv", key="release:1:r3:sv")
    send_all()

    assert subjects(post) == {f"reader{n}@news.example": ["Rättelse"] for n in range(3)}


def test_queueing_a_correction_twice_is_one_mailing(app: Flask, post: PostOffice) -> None:
    subscribers(2)
    queued()
    send_all()
    stopped()
    post.letters.clear()

    first, second = correction(WRONG), correction(WRONG)
    send_all()

    assert first.id == second.id
    assert len(post.letters) == 2


def test_a_kill_in_the_middle_of_writing_down_repeats_nobody_and_skips_nobody(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materialising, "CHUNK", 2)
    addresses = subscribers(7)
    queued()
    send_all()
    stopped()
    post.letters.clear()
    told = correction(WRONG)
    original, calls = materialising._write_down, []

    def killed_in_the_second_part(*given: object, **more: object) -> None:
        original(*given, **more)  # type: ignore[arg-type]
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(materialising, "_write_down", killed_in_the_second_part)
    with pytest.raises(KeyboardInterrupt):
        written_down()
    db.session.rollback()
    assert states(told.id) == {"queued": 2}
    send_all()

    assert len(calls) == 5
    assert sorted(letter.to for letter in post.letters) == addresses
    assert states(told.id) == {"sent": 7}


def in_the_open(address: str) -> int:
    """A mail whose final dot may be out, at a server that does not answer."""
    taken = db.session.execute(
        sa.update(Delivery)
        .where(Delivery.address == address)
        .values(
            state=DeliveryState.TRANSMITTING,
            due_at=None,
            sent_at=None,
            lease_owner="elsewhere|1|x",
            lease_until=now() + timedelta(minutes=11),
        )
        .returning(Delivery.id)
    ).scalar_one()
    db.session.commit()
    return taken


def answered(delivery_id: int, state: DeliveryState, *, due_at: datetime | None = None) -> None:
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(state=state, due_at=due_at, lease_owner=None, lease_until=None)
    )
    db.session.commit()


@pytest.mark.parametrize(
    ("end", "told_as"), [(DeliveryState.SENT, "Rättelse"), (DeliveryState.DEFERRED, "Drygt 10,6")]
)
def test_a_mail_in_the_open_is_waited_for_while_the_others_are_told(
    app: Flask, post: PostOffice, end: DeliveryState, told_as: str
) -> None:
    """Its delivery lies before those of the others, behind a cursor that has passed it."""
    subscribers(3)
    queued()
    send_all()
    held = in_the_open("reader0@news.example")
    post.letters.clear()
    stopped()
    told, late = correction(WRONG), catch_up(WRONG)

    send_all()
    assert sorted(subjects(post)) == ["reader1@news.example", "reader2@news.example"]
    assert db.session.get_one(Mailing, told.id).state is MailingState.MATERIALISING
    assert db.session.get_one(Mailing, late.id).state is MailingState.MATERIALISING

    answered(held, end, due_at=now() if end is DeliveryState.DEFERRED else None)
    send_all()

    [subject] = subjects(post)["reader0@news.example"]
    assert subject.startswith(told_as)
    assert len(post.letters) == 3
    assert {db.session.get_one(Mailing, one.id).state for one in (told, late)} == {
        MailingState.FINISHED
    }


def test_waiting_for_a_mail_in_the_open_holds_up_no_other_mailing(
    app: Flask, post: PostOffice
) -> None:
    subscribers(1)
    queued()
    send_all()
    in_the_open("reader0@news.example")
    stopped()
    correction(WRONG)
    post.letters.clear()

    queued(key="release:2:r1:sv", subject="En annan nyhet")
    send_all()

    assert subjects(post) == {"reader0@news.example": ["En annan nyhet"]}


def test_a_correction_does_not_run_past_a_mailing_that_nobody_has_stopped(
    app: Flask, post: PostOffice
) -> None:
    subscribers(2)
    queued()
    written_down()
    postpone("reader1@news.example")
    send_all()
    told = correction(WRONG)

    send_all()

    assert states(told.id) == {"sent": 1}
    assert db.session.get_one(Mailing, told.id).state is MailingState.MATERIALISING


def test_what_a_sender_holds_when_its_mailing_is_stopped_does_not_leave(
    app: Flask, post: PostOffice
) -> None:
    subscribers(3)
    mailing_id = queued().id

    def stop_in_the_middle(address: str) -> str | None:
        with app.app_context():
            stop(db.session.get_one(Mailing, mailing_id), at=now())
            db.session.commit()
        return None

    post.at_rcpt = stop_in_the_middle
    send_all()

    assert post.letters == []
    assert states(mailing_id) == {"cancelled": 3}


def test_who_came_back_is_told_by_their_new_subscription(app: Flask, post: PostOffice) -> None:
    old = subscriber("reader@news.example")
    queued()
    send_all()
    leave(old)
    new = Subscription(
        subscriber=old.subscriber, topic=old.topic, state="active", asked_at=now(), consent_at=now()
    )
    db.session.add(new)
    db.session.commit()
    stopped()
    post.letters.clear()

    told = correction(WRONG)
    send_all()

    assert subjects(post) == {"reader@news.example": ["Rättelse"]}
    sent = db.session.scalars(sa.select(Delivery).where(Delivery.mailing_id == told.id)).one()
    assert sent.subscription_id == new.id


def test_two_topics_are_one_correction(app: Flask, post: PostOffice) -> None:
    first = subscriber("reader@news.example")
    topic = Topic(slug="partnerskap")
    second = Subscription(
        subscriber=first.subscriber,
        topic=topic,
        state="active",
        asked_at=A_MORNING,
        consent_at=A_MORNING,
    )
    db.session.add_all([topic, second])
    db.session.commit()
    queued(topics=(*TOPICS, "partnerskap"))
    send_all()
    stopped()
    post.letters.clear()

    queue(
        announcement(
            key="correction:1:r2:sv",
            topics=(*TOPICS, "partnerskap"),
            kind=MailingKind.CORRECTION,
            received=(WRONG,),
        ),
        at=now(),
    )
    db.session.commit()
    send_all()

    assert len(post.letters) == 1


def test_the_numbers_told_before_are_those_who_are_written_to(app: Flask, post: PostOffice) -> None:
    gone = subscriber("gone@news.example")
    subscribers(4)
    queued()
    written_down()
    postpone("reader3@news.example")
    send_all()
    leave(gone)

    assert audiences.how_many(audiences.received([WRONG], topics=TOPICS)) == 3
    assert audiences.how_many(audiences.missed([WRONG], topics=TOPICS)) == 1


def test_a_sweep_after_the_stop_settles_what_was_handed_back(app: Flask, post: PostOffice) -> None:
    """A worker of another machine died with a mail in the open: it may have arrived."""
    subscribers(1)
    queued()
    written_down()
    in_the_open("reader0@news.example")
    stopped()
    told, late = correction(WRONG), catch_up(WRONG)

    claiming.release_expired(at=now() + timedelta(hours=1))
    delivering.sweep()
    send_all()

    assert subjects(post) == {"reader0@news.example": ["Rättelse"]}
    assert states(told.id) == {"sent": 1}
    assert states(late.id) == {}
