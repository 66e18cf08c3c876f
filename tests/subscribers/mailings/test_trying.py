"""Test mails: what readers will get, to one's own address, with links that do nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotAllowed, NotNow
from subscribers.audience.models import Subscription, SubscriptionState, Suppression
from subscribers.mailings.models import Mailing, MailingState
from subscribers.mailings.sending.domain_groups import group_by_name
from subscribers.mailings.writing import trying
from subscribers.mailings.writing.queueing import queue_confirmation
from subscribers.mailings.writing.trying import send_test, send_test_of
from tests import factories
from tests.factories import signed_in
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import announcement, queued, send_all, states, subscriber

ADDRESS = "chef@lund.example"


def test_case_57_a_test_looks_like_the_mail_and_counts_for_nothing(
    app: Flask, post: PostOffice, editor: User
) -> None:
    person = subscriber(ADDRESS)
    mailing = queued()
    mailing.state, mailing.paused_from = MailingState.PAUSED, MailingState.MATERIALISING
    send_test(mailing, to=ADDRESS, by=editor, at=now())
    db.session.commit()
    before = group_by_name("other").recent

    send_all()

    (letter,) = post.letters
    assert letter.to == ADDRESS
    assert letter.message["Subject"] == "[Test] Drygt 10,6 miljoner kronor till demokratisamarbete"
    assert "10\u00a0641\u00a0000 kronor" in letter.text
    assert states(mailing.id) == {}
    assert db.session.get_one(Subscription, person.id).state is SubscriptionState.ACTIVE
    assert db.session.scalars(sa.select(Suppression)).all() == []
    assert group_by_name("other").recent.replace("a", "") == before


def test_case_57_every_link_of_a_test_says_what_it_is_and_does_nothing(
    app: Flask, client: FlaskClient, post: PostOffice, editor: User
) -> None:
    person = subscriber(ADDRESS)
    send_test(queued(), to=ADDRESS, by=editor, at=now())
    db.session.commit()
    db.session.execute(
        sa.update(Mailing).values(state=MailingState.PAUSED).where(Mailing.key == "release:1:r1:sv")
    )
    db.session.commit()
    send_all()
    (letter,) = post.letters

    links = set(
        re.findall(
            r"http://127\.0\.0\.1:8000(/(?:unsubscribe|preferences)/[^\s\"<>]+)",
            letter.text + letter.html + str(letter.message["List-Unsubscribe"]),
        )
    )

    assert links == {"/unsubscribe/test-sv", "/preferences/test-sv"}
    for link in links:
        for answer in (
            client.get(urlsplit(link).path),
            client.post(link, data={"List-Unsubscribe": "One-Click"}),
            client.post(link, data={"confirm": "1"}),
        ):
            assert answer.status_code == 200
            assert "Det här var ett provmejl" in answer.text
    mailto = re.search(r"mailto:([^?>]+)", str(letter.message["List-Unsubscribe"]))
    assert mailto is None or mailto[1] == "test@bounce.press.example"
    assert db.session.get_one(Subscription, person.id).state is SubscriptionState.ACTIVE


def test_case_57_a_release_is_tried_before_anything_is_queued(
    app: Flask, post: PostOffice, editor: User
) -> None:
    send_test_of(announcement(), to=editor.email, by=editor, at=now())
    db.session.commit()

    send_all()

    (letter,) = post.letters
    assert letter.to == editor.email
    keys = db.session.scalars(sa.select(Mailing.key)).all()
    assert [key.partition(":")[0] for key in keys] == ["test"]


def test_a_writer_tries_a_mail_on_themselves_only(app: Flask, writer: User) -> None:
    mailing = queued()

    send_test(mailing, to=writer.email.upper(), by=writer, at=now())

    with pytest.raises(NotAllowed):
        send_test(mailing, to=ADDRESS, by=writer, at=now())


def test_a_test_goes_to_one_address_that_may_be_written_to(app: Flask, editor: User) -> None:
    mailing, person = queued(), subscriber(ADDRESS)
    hashed = person.subscriber.address_hash
    db.session.add(Suppression(address_hash=hashed, scope="all", reason="x", created_at=now()))
    db.session.commit()

    for to in (ADDRESS, "a@x.se, b@x.se", "A <a@x.se>", "a@x.se\r\nBcc: b@x.se", ""):
        with pytest.raises(BadInput):
            send_test(mailing, to=to, by=editor, at=now())


def test_nobody_sends_tests_without_end(app: Flask, editor: User) -> None:
    mailing, at = queued(), now()
    for _ in range(trying.MOST):
        send_test(mailing, to=ADDRESS, by=editor, at=at)

    with pytest.raises(NotNow):
        send_test(mailing, to=ADDRESS, by=editor, at=at)

    send_test(mailing, to=ADDRESS, by=editor, at=at + timedelta(hours=1, seconds=1))


def test_a_test_is_in_the_log_without_the_whole_address(app: Flask, editor: User) -> None:
    send_test(queued(), to=ADDRESS, by=editor, at=now())

    event = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "mailing.test")
    ).one()
    assert ADDRESS not in str(event.facts)
    assert event.actor_id == editor.id


def test_a_confirmation_is_nothing_to_try(app: Flask, editor: User) -> None:
    asked = subscriber("new@news.example", state=SubscriptionState.PENDING)

    with pytest.raises(NotNow):
        send_test(queue_confirmation(asked, at=now()), to=ADDRESS, by=editor, at=now())


def test_the_mailings_page_sends_a_test_and_keeps_a_wrong_address(
    client: FlaskClient, post: PostOffice, editor: User
) -> None:
    mailing_id = queued().id
    browser = signed_in(client, editor)

    wrong = browser.post(f"/office/mailings/{mailing_id}/test", data={"to": "nobody at home"})
    right = browser.post(f"/office/mailings/{mailing_id}/test", data={"to": ADDRESS})

    assert wrong.status_code == 422
    assert 'value="nobody at home"' in wrong.text
    assert right.status_code == 302
    send_all()
    assert [letter.to for letter in post.letters] == [ADDRESS]


def test_the_preview_of_a_release_sends_a_test_of_what_it_shows(
    client: FlaskClient, post: PostOffice, writer: User
) -> None:
    release_id = factories.release(writer).id
    browser = signed_in(client, writer)
    page = browser.get(f"/office/releases/{release_id}/preview?show=mail").text
    assert f"/office/releases/{release_id}/preview/test" in page

    answer = browser.post(f"/office/releases/{release_id}/preview/test", data={})

    assert answer.status_code == 302
    send_all()
    (letter,) = post.letters
    assert letter.to == writer.email
    assert str(letter.message["Subject"]).startswith("[Test] ")
