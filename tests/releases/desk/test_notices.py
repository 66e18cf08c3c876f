"""Notifications: each thing told once, on the desk and by mail, and only what one wants."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from app.core.words import LANGUAGES, catalogue
from releases.desk import reading_notices
from releases.desk.models import Notification
from releases.desk.notifying import CHANNELS, Kind, mute, tell
from releases.editorial import translating
from releases.editorial.models import Release, State
from releases.editorial.writing import save, text_of
from subscribers.mailings.models import Mailing
from subscribers.mailings.sending.delivering import deliver
from tests import factories
from tests.factories import signed_in
from tests.postoffice import PostOffice
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

NUMBERS = count(1)


def say(release: Release, *people: User, key: str = "", kind: Kind = Kind.COMMENT) -> None:
    key = key or f"comment:{next(NUMBERS)}"
    tell(people, kind, release, key=key, at=now(), who="Bo", text="Stämmer det?")
    db.session.commit()


def told(person: User) -> list[Notification]:
    return list(
        db.session.scalars(
            sa.select(Notification).where(Notification.user_id == person.id).order_by("id")
        )
    )


def test_the_same_thing_is_told_once(writer: User, editor: User) -> None:
    release = factories.release(writer)

    for _ in range(2):
        say(release, writer, writer, editor, key="comment:1")

    assert [len(told(person)) for person in (writer, editor)] == [1, 1]
    assert db.session.scalar(sa.select(sa.func.count(Mailing.id))) == 2


def test_whoever_did_it_and_whoever_has_left_are_not_told(writer: User, editor: User) -> None:
    release = factories.release(writer)
    editor.active = False

    tell([writer, editor, None], Kind.APPROVED, release, key="x", at=now(), but=writer, who="Bo")

    assert told(writer) == told(editor) == []


def test_two_who_tell_the_same_at_once_both_go_on_and_one_mail_is_written(
    app: Flask, writer: User, editor: User
) -> None:
    release_id = factories.release(writer).id
    ids = [editor.id, writer.id]
    db.session.rollback()  # nothing open here while the others write
    together, failures = threading.Barrier(2), []

    def tell_them(order: list[int]) -> None:
        with app.app_context(), app.test_request_context():
            try:
                together.wait()
                people = [db.session.get_one(User, one) for one in order]
                release = db.session.get_one(Release, release_id)
                release.withdrawn_reason = f"{release.withdrawn_reason}."  # work of its own
                tell(people, Kind.COMMENT, release, key="c:1", at=now(), who="Bo", text="!")
                db.session.commit()
            except Exception as error:
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=tell_them, args=[order]) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert db.session.scalar(sa.select(sa.func.count(Notification.id))) == 2
    assert db.session.scalar(sa.select(sa.func.count(Mailing.id))) == 2


def test_a_mail_leads_to_the_thing_and_to_the_settings(
    app: Flask, writer: User, post: PostOffice
) -> None:
    release = factories.release(writer)
    writer.language = "en"
    say(release, writer)

    deliver()

    [letter] = post.to(writer.email)
    subject = str(letter.message["Subject"])
    assert subject == f"New comment: {release.head.title}".replace("\u00a0", " ")
    for part in (letter.text, letter.html):
        assert f"/office/releases/{release.id}" in part
        assert "/office/notifications/settings" in part
        assert "Stämmer det?" in part


def test_what_was_switched_off_is_neither_shown_nor_mailed(
    app: Flask, client: FlaskClient, writer: User, editor: User, post: PostOffice
) -> None:
    release = factories.release(writer)
    mute(writer, wanted={"comment:mail"})
    mute(editor, wanted={"comment:desk"})

    say(release, writer, editor)
    deliver()

    assert [letter.to for letter in post.letters] == [writer.email]
    assert reading_notices.unread(writer) == 0
    assert reading_notices.unread(editor) == 1
    assert "Stämmer det?" not in signed_in(client, writer).get("/office/notifications").text


def test_an_account_that_no_mail_can_reach_is_told_on_the_desk(writer: User) -> None:
    release = factories.release(writer)
    writer.email = "alva"
    db.session.flush()

    say(release, writer)

    assert reading_notices.unread(writer) == 1


def test_a_moment_is_told_on_the_organisations_clock(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    moment = factories.A_MORNING.isoformat()
    tell([writer], Kind.SCHEDULED, release, key="s:1", at=now(), moment=moment)
    db.session.commit()

    page = signed_in(client, writer).get("/office/notifications").text

    assert "publiceras 23 november 2026 kl. 09.00" in words(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_its_words(language: str) -> None:
    known = catalogue(language)

    for kind in Kind:
        for key in ("notices.{}", "notices.subject.{}", "desk.notices.kind.{}"):
            assert key.format(kind.value) in known
    for channel in CHANNELS:
        assert f"desk.notices.channel.{channel}" in known


def test_the_unread_come_first_and_pages_leave_nothing_out(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    for number in range(70):
        say(release, writer, key=f"c:{number}")
    for one in told(writer)[::2]:
        one.read_at = now()
    db.session.commit()

    seen, before, read = [], None, False
    for _ in range(3):
        page = reading_notices.notices_page(writer, before=before, read=read)
        seen += page.items
        before, read = page.next, page.items[-1].read_at is not None

    assert page.next is None
    assert [one.read_at is None for one in seen] == [True] * 35 + [False] * 35
    assert len({one.id for one in seen}) == 70


def test_one_is_marked_as_read(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    say(release, writer)
    say(release, writer)
    first = told(writer)[0]

    signed_in(client, writer).post(f"/office/notifications/{first.id}/read")

    assert reading_notices.unread(writer) == 1
    assert told(writer)[0].read_at is not None


def test_nobody_marks_anothers_notification(writer: User, editor: User) -> None:
    say(factories.release(writer), writer)

    with pytest.raises(NotFound):
        reading_notices.mark_read(editor, told(writer)[0].id, at=now())

    assert reading_notices.unread(writer) == 1


def test_marking_all_leaves_what_came_after_the_page_was_shown(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    say(release, writer)
    page = signed_in(client, writer).get("/office/notifications").text
    upto = re.search(r'name="upto" value="(\d+)"', page)
    assert upto is not None
    say(release, writer)

    client.post("/office/notifications/read", data={"upto": upto[1]})

    assert [one.read_at is not None for one in told(writer)] == [True, False]


def test_the_header_counts_the_unread_by_one_small_question(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    for number in range(120):
        say(release, writer, key=f"c:{number}")
    signed_in(client, writer).get("/office/notifications/settings")

    with counted_queries() as asked:
        page = client.get("/office/notifications/settings").text

    assert 'aria-hidden="true">99+</span>' in page
    assert len([one for one in asked if "FROM notification" in one]) == 1


def test_the_settings_keep_what_was_ticked(client: FlaskClient, writer: User) -> None:
    wanted = ["approved:desk", "approved:mail", "failed:mail", "nonsense"]

    signed_in(client, writer).post("/office/notifications/settings", data={"wanted": wanted})
    page = client.get("/office/notifications/settings").text

    assert set(re.findall(r'value="(\w+:\w+)" checked', page)) == set(wanted[:3])
    assert len(writer.muted) == len(Kind) * len(CHANNELS) - 3


def test_a_translator_is_told_once_that_the_original_has_moved_on(
    writer: User, editor: User
) -> None:
    original = factories.release(writer)
    version = translating.begin(original, "en", by=editor, at=now())
    for number in range(2):
        text = replace(text_of(original.head), headline=f"Rubrik {number}")
        save(original, text, base_id=original.head_id or 0, by=writer, at=now())
    db.session.commit()

    [notice] = [one for one in told(editor) if one.kind == "original_changed"]

    assert notice.release_id == version.id
    assert not told(writer)


def test_the_writer_is_told_when_it_will_go_out(writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)

    [notice] = [one for one in told(writer) if one.kind == "scheduled"]

    assert notice.release_id == release.id
    assert not [one for one in told(editor) if one.kind == "scheduled"]


def test_a_list_of_notifications_asks_as_often_however_long(
    client: FlaskClient, writer: User
) -> None:
    release, counts = factories.release(writer), []
    signed_in(client, writer).get("/office/notifications")
    for _ in range(2):
        for _n in range(10):
            say(release, writer)
        with counted_queries() as asked:
            client.get("/office/notifications")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_notifications_are_grouped_by_day(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    for number, at in enumerate((now() - timedelta(days=2), now(), now())):
        tell([writer], Kind.PUBLISHED, release, key=f"p:{number}", at=at)
    db.session.commit()

    page = signed_in(client, writer).get("/office/notifications").text

    assert len(re.findall(r'class="notices__day"', page)) == 2
    assert [len(re.findall("<li", part)) for part in page.split('class="notices__day"')[1:]] == [
        2,
        1,
    ]


def test_anybody_has_their_own_pages(client: FlaskClient, app: Flask) -> None:
    for role in Role:
        person = factories.user(f"{role.value}@press.example", role=role)
        page = signed_in(client, person).get("/office/notifications")
        assert page.status_code == 200
        assert "Inga aviseringar än" in page.text


def test_opening_one_marks_it_as_read_and_leads_to_what_it_tells(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    say(release, writer)
    [notice] = told(writer)

    answer = signed_in(client, writer).post(
        f"/office/notifications/{notice.id}/read", data={"open": "1"}
    )

    assert answer.location == f"/office/releases/{release.id}"
    assert reading_notices.unread(writer) == 0


def test_a_letter_to_a_colleague_is_not_for_other_colleagues(
    client: FlaskClient, writer: User, editor: User, admin: User
) -> None:
    say(factories.release(writer), writer)
    letter = db.session.scalars(sa.select(Mailing)).one()

    for person, status in ((editor, 404), (writer, 404), (admin, 200)):
        signed_in(client, person)
        for page in ("", "/html", "/progress"):
            answer = client.get(f"/office/mailings/{letter.id}{page}")
            assert answer.status_code == status, (person.name, page)
