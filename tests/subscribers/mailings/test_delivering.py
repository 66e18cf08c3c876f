"""A queued mailing, from its rows to a real mail server and back."""

from __future__ import annotations

import re
import socket
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db
from app.core.tokens import seal
from subscribers.audience.links import read_unsubscribe
from subscribers.audience.models import EndedReason, SubscriptionState, Suppression
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Mailing,
    MailingKind,
)
from subscribers.mailings.sending import claiming, delivering, envelopes, fencing, materialising
from subscribers.mailings.sending.audiences import audience_of
from subscribers.mailings.sending.delivering import sweep
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.sending.statements import numbers, stored
from subscribers.mailings.writing.messages import Slot
from subscribers.mailings.writing.queueing import (
    queue,
    queue_confirmation,
    queue_letter,
    secret_url,
)
from tests.conftest import SECRET
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.queries import plans
from tests.subscribers.mailings.cast import (
    announcement,
    delivery,
    queued,
    send_all,
    states,
    subscriber,
    subscribers,
)


def test_each_subscriber_gets_one_mail_in_their_language(app: Flask, post: PostOffice) -> None:
    swedish = subscribers(3)
    subscriber("reader@abroad.example", language="en")
    mailing = queued()

    send_all()

    assert sorted(letter.to for letter in post.letters) == swedish
    assert states(mailing.id) == {"sent": 3}
    assert db.session.get_one(Mailing, mailing.id).state.value == "finished"


def test_a_mail_is_whole_in_text_and_html_and_can_be_left_in_one_click(
    app: Flask, post: PostOffice
) -> None:
    subscription = subscriber("åsa@exempel.example".replace("å", "a"))
    queued()

    send_all()

    (letter,) = post.letters
    message = letter.message
    assert message["To"] == "asa@exempel.example"
    assert message["Subject"] == "Drygt 10,6 miljoner kronor till demokratisamarbete"
    assert message["List-Id"] == "<press-releases.press.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "10\u00a0641\u00a0000 kronor" in letter.text
    assert "10\u00a0641\u00a0000 kronor" in unescape(letter.html)
    raw_header = re.search(rb"(?m)^List-Unsubscribe: <([^>\s]+)>, <mailto:[^>\s]+>\r?$", letter.raw)
    assert raw_header, "the header must stand unfolded and unencoded"
    link = raw_header.group(1).decode()
    assert link in letter.text
    assert link in letter.html
    found = read_unsubscribe(link.rpartition("/")[2], secrets=[SECRET])
    assert found.public_id == subscription.public_id
    assert b"pressrum-slot" not in letter.raw
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998


def test_a_mail_bears_the_message_id_and_envelope_sender_of_its_delivery(
    app: Flask, post: PostOffice
) -> None:
    subscribers(1)
    queued()

    send_all()

    (letter,) = post.letters
    row = delivery("reader0@news.example")
    assert letter.message["Message-ID"] == f"<{envelopes.message_id(row.id)}>"
    assert letter.sender == envelopes.sender(row.id)
    assert re.fullmatch(r"b\+\d+\.[0-9a-f]{16}@bounce\.press\.example", letter.sender)


def test_queueing_the_same_revision_twice_mails_once(app: Flask, post: PostOffice) -> None:
    subscribers(2)
    first = queued()
    second = queued()

    send_all()

    assert first.id == second.id
    assert len(post.letters) == 2


def test_nothing_is_queued_when_publishing_is_rolled_back(app: Flask, post: PostOffice) -> None:
    subscribers(1)
    queue(announcement(), at=A_MORNING)
    db.session.rollback()

    send_all()

    assert post.letters == []


def test_who_says_yes_after_the_mailing_was_queued_is_not_in_it(
    app: Flask, post: PostOffice
) -> None:
    subscribers(1)
    queued()
    late = subscriber("late@news.example")
    late.consent_at = A_MORNING + timedelta(minutes=1)
    db.session.commit()

    send_all()

    assert [letter.to for letter in post.letters] == ["reader0@news.example"]


def test_a_pending_a_left_and_a_suppressed_address_get_nothing(
    app: Flask, post: PostOffice
) -> None:
    subscriber("pending@news.example", state=SubscriptionState.PENDING)
    left = subscriber("left@news.example")
    left.state, left.ended_at, left.ended_reason = (
        SubscriptionState.ENDED,
        A_MORNING,
        EndedReason.USER_LINK,
    )
    stopped = subscriber("stopped@news.example")
    db.session.add(
        Suppression(
            address_hash=stopped.subscriber.address_hash,
            scope="all",
            reason="complaint",
            created_at=A_MORNING,
        )
    )
    db.session.commit()
    queued()

    send_all()

    assert post.letters == []


def test_case_20_an_unsubscribe_between_queueing_and_sending_wins(
    app: Flask, post: PostOffice
) -> None:
    leaver = subscriber("leaver@news.example")
    mailing = queued()
    while materialise(at=now()):
        pass
    leaver.state, leaver.ended_at = SubscriptionState.ENDED, now()
    db.session.commit()

    send_all()

    assert post.letters == []
    assert states(mailing.id) == {"suppressed": 1}


def test_a_large_audience_is_written_down_in_parts_and_completely(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.mailings.sending.materialising.CHUNK", 3)
    subscribers(10)
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 10}
    assert len({letter.to for letter in post.letters}) == 10


def test_a_full_mailbox_is_tried_again_later_and_the_others_are_served(
    app: Flask, post: PostOffice
) -> None:
    subscribers(3)
    post.at_rcpt = lambda to: "452 4.2.2 mailbox full" if to.startswith("reader1@") else None
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 2, "deferred": 1}
    waiting = delivery("reader1@news.example")
    assert (waiting.code, waiting.enhanced) == (452, "4.2.2")
    assert waiting.due_at is not None
    assert timedelta(seconds=40) < waiting.due_at - now() < timedelta(seconds=80)
    assert db.session.get_one(Mailing, mailing.id).finished_at is None

    post.at_rcpt = lambda to: None
    send_all()
    assert states(mailing.id)["deferred"] == 1, "not before its time"

    db.session.execute(sa.update(Delivery).where(Delivery.due_at > now()).values(due_at=now()))
    db.session.commit()
    send_all()
    assert states(mailing.id) == {"sent": 3}


def test_case_23_an_unknown_user_ends_that_delivery_only(app: Flask, post: PostOffice) -> None:
    subscribers(5)
    post.at_rcpt = lambda to: "550 5.1.1 no such user" if to.startswith("reader0@") else None
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 4, "failed": 1}
    lost = delivery("reader0@news.example")
    assert (lost.code, lost.enhanced) == (550, "5.1.1")
    assert lost.reply == "5.1.1 no such user"
    attempt = db.session.scalars(sa.select(DeliveryAttempt)).one()
    assert attempt.delivery_id == lost.id


def test_a_refusal_after_the_dot_counts_as_a_refusal(app: Flask, post: PostOffice) -> None:
    subscribers(2)
    post.at_data = lambda to: "554 5.6.0 no thank you" if to.startswith("reader0@") else None
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 1, "failed": 1}


def test_a_server_that_is_away_fails_nobody(app: Flask, post: PostOffice) -> None:
    subscribers(30)
    mailing = queued()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        app.extensions["mail"].port, port = closed.getsockname()[1], app.extensions["mail"].port
    send_all()
    counts = states(mailing.id)
    assert set(counts) <= {"queued", "deferred"}
    assert sum(counts.values()) == 30

    app.extensions["mail"].port = port
    db.session.execute(sa.update(Delivery).values(due_at=now()))
    db.session.commit()
    send_all()

    assert states(mailing.id) == {"sent": 30}


def test_a_delivery_is_given_up_when_the_news_is_stale(app: Flask, post: PostOffice) -> None:
    subscribers(1)
    post.at_rcpt = lambda to: "450 4.2.0 later"
    mailing = queued()
    send_all()
    db.session.execute(
        sa.update(Delivery).values(due_at=now(), first_try_at=now() - timedelta(hours=49))
    )
    db.session.commit()

    send_all()

    assert states(mailing.id) == {"failed": 1}


def test_case_45_a_server_that_closes_after_the_dot_leaves_one_uncertain_and_repeatable(
    app: Flask, post: PostOffice
) -> None:
    subscribers(3)
    post.hangs_up_after_dot = lambda to: to.startswith("reader1@") and not post.to(to)[1:]
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 2, "transmitting": 1}
    assert db.session.get_one(Mailing, mailing.id).finished_at is None

    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.lease_until.is_not(None))
        .values(lease_until=now() - timedelta(seconds=1))
    )
    db.session.commit()
    sweep()
    send_all()

    assert states(mailing.id) == {"sent": 3}
    assert delivery("reader1@news.example").uncertain_count == 1
    first, second = post.to("reader1@news.example")
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_the_fence_stops_a_sender_whose_row_was_taken_from_it(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribers(1)
    mailing = queued()
    fence = fencing.fence

    def too_late(*mails: Any, **more: Any) -> Any:
        db.session.execute(sa.update(Delivery).values(lease_owner="another|b|n|1|1|x"))
        return fence(*mails, **more)

    monkeypatch.setattr(fencing, "fence", too_late)
    send_all()

    assert post.letters == []
    assert states(mailing.id) == {"claimed": 1}


def test_a_database_that_fails_at_the_fence_leaves_nobody_held(
    app: Flask, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribers(3)
    mailing = queued()

    def locked(*_: object, **__: object) -> None:
        db.session.execute(sa.text("SELECT * FROM no_such_table"))

    with monkeypatch.context() as patch, pytest.raises(sa.exc.DBAPIError):
        patch.setattr(fencing, "fence", locked)
        patch.setattr(delivering, "LOOK_SECONDS", 0.01)
        send_all()
    assert post.letters == []
    assert states(mailing.id) == {"queued": 3}

    send_all()
    assert states(mailing.id) == {"sent": 3}


def test_an_expired_claim_goes_back_and_an_uncertain_one_is_counted(app: Flask) -> None:
    subscribers(2)
    mailing = queued()
    materialise(at=now())
    past = now() - timedelta(seconds=1)
    one, two = db.session.scalars(sa.select(Delivery).order_by(Delivery.id)).all()
    for row, state in ((one, DeliveryState.CLAIMED), (two, DeliveryState.TRANSMITTING)):
        row.state, row.due_at, row.lease_until = state, None, past
        row.lease_owner = "far away|b|n|1|1|x"
    db.session.commit()

    sweep()

    assert states(mailing.id) == {"queued": 2}
    assert [row.uncertain_count for row in (one, two)] == [0, 1]


def test_a_living_claim_of_another_machine_is_left_alone(app: Flask) -> None:
    subscribers(1)
    mailing = queued()
    materialise(at=now())
    row = db.session.scalars(sa.select(Delivery)).one()
    row.state, row.due_at = DeliveryState.CLAIMED, None
    row.lease_owner, row.lease_until = "far away|b|n|1|1|x", now() + timedelta(minutes=1)
    db.session.commit()

    sweep()

    assert states(mailing.id) == {"claimed": 1}


def test_two_claims_at_once_never_share_a_row(app: Flask) -> None:
    subscribers(40)
    queued()
    while materialise(at=now()):
        pass
    taken: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        with app.app_context():
            while batch := claiming.claim(at=now(), size=3):
                with lock:
                    taken.extend(one.id for one in batch.deliveries)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 40
    assert len(set(taken)) == 40


def test_a_confirmation_goes_before_a_release(app: Flask) -> None:
    subscribers(2)
    queued()
    while materialise(at=now()):
        pass
    asked = subscriber("new@news.example", state=SubscriptionState.PENDING)
    confirmation = queue_confirmation(asked, at=now())
    db.session.commit()

    batch = claiming.claim(at=now())

    assert batch is not None
    assert batch.mailing_id == confirmation.id


def test_case_14_a_confirmation_is_a_system_mail(app: Flask, post: PostOffice) -> None:
    asked = subscriber("new@news.example", state=SubscriptionState.PENDING)
    queue_confirmation(asked, at=now())
    db.session.commit()

    send_all()

    (letter,) = post.letters
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert letter.message["List-Unsubscribe"] is None
    assert "/confirm/" in letter.text


def test_words_that_look_like_a_mark_of_ours_stop_no_mail(app: Flask, post: PostOffice) -> None:
    typed = f"Hej {Slot.LINK} {Slot.CONFIRM} {str(Slot.LINK).replace('link', f'li{Slot.LINK}nk')}"
    colleague = {"to": "bo@press.example", "language": "sv", "at": A_MORNING}
    queue_letter(key="a", subject=typed, text=typed, html=f"<p>{typed}</p>", **colleague)
    subscriber("eva@exempel.example")
    mailing = queue(announcement(text=typed, html=f"<p>{typed}</p>"), at=A_MORNING)
    db.session.commit()

    send_all()

    assert sorted(letter.to for letter in post.letters) == [
        "bo@press.example",
        "eva@exempel.example",
    ]
    assert states(mailing.id) == {"sent": 1}
    assert all(str(Slot.LINK) not in letter.text + letter.html for letter in post.letters)


def test_a_letter_holds_its_link_also_when_somebody_has_written_its_mark(
    app: Flask, post: PostOffice
) -> None:
    words = f"{Slot.UNSUBSCRIBE} {secret_url('invited/')}"
    sealed = ("invitation review", b"12345678")
    queue_letter(
        key="a",
        to="eva@lund.example",
        language="sv",
        subject="Läs",
        text=words,
        html=f"<p>{words}</p>",
        at=A_MORNING,
        sealed_from=sealed,
    )
    db.session.commit()

    send_all()

    (letter,) = post.letters
    token = seal(sealed[1], purpose=sealed[0], secret=SECRET)
    assert "… http" in letter.text
    assert f"/invited/{token}" in letter.text


@pytest.mark.usefixtures("new_tables")
def test_case_47_claiming_and_sweeping_keep_to_their_indexes(app: Flask) -> None:
    at, database = now(), db.engine.dialect.name
    claim = {"mailing": 1, "group": "other", "at": at, "size": 20, "holder": "h", "lease": at}
    statements = {
        "ix_delivery_due": (claiming.claim_statement(database), claim),
        "ix_delivery_held": (sa.select(Delivery.id).where(Delivery.lease_until < at), {}),
    }

    for index, (statement, given) in statements.items():
        with plans(without=["enable_seqscan"]) as found:
            db.session.execute(statement, given)
        *_, plan = found.values()
        assert index in plan, plan


@pytest.mark.usefixtures("new_tables")
@pytest.mark.parametrize("kind", [MailingKind.RELEASE, MailingKind.CONFIRMATION])
def test_case_47_a_fence_finds_its_mails_by_their_numbers(app: Flask, kind: MailingKind) -> None:
    connection = db.session.connection()
    given = {
        "ids": numbers([1, 2, 3], connection),
        "holder": "h",
        "new_lease": stored(now(), connection),
    }

    with plans() as found:
        fencing._fence_of(kind).run(connection, given).all()

    *_, plan = found.values()
    assert "pk_delivery" in plan or "SEARCH delivery USING INTEGER PRIMARY KEY" in plan, plan
    assert "SubPlan" in plan or "SCALAR SUBQUERY" in plan, "a join may begin at the mailing"


@pytest.mark.usefixtures("new_tables")
def test_case_53_the_next_people_of_several_topics_are_found_without_sorting_all(
    app: Flask,
) -> None:
    mailing = queued(topics=("press-releases", "climate", "culture"))
    audience = audience_of(mailing)
    assert audience.among is not None
    among = audience.among.where(audience.place > 0)

    with plans(without=["enable_seqscan", "enable_bitmapscan"]) as found:  # as with a long list
        materialising._end_of_part(among, audience)

    *_, plan = found.values()
    assert "SCAN subscription" not in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_an_audience_is_written_down_though_the_mail_server_is_away(app: Flask) -> None:
    subscribers(2)
    first, second = queued(), queued(key="release:2:r1:sv")

    send_all()

    assert states(first.id) == {"deferred": 2}
    assert sum(states(second.id).values()) == 2
