"""Hubs outside are told of every change once, however it goes wrong in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from app.core.organisation import Organisation, unnamed
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.newsroom.hub import pinging
from releases.newsroom.hub.outside import RETRY_AFTER
from releases.newsroom.hub.pinging import feeds_of, hub_state, hubs, ping_hub
from releases.newsroom.lists import listing
from releases.newsroom.models import HubPing
from subscribers.audience.models import Topic
from tests import factories
from tests.factories import A_MORNING
from tests.outside import Answer, Outside, outside

FRONT = {f"http://127.0.0.1:8000/sv/feed.{form}" for form in ("rss", "atom", "json")}


def office(hub_url: str = "", *, own_hub: bool = False) -> Organisation:
    sender = unnamed("Pressrummet", "The newsroom")
    sender.hub_url, sender.own_hub = hub_url, own_hub
    db.session.add(sender)
    db.session.commit()
    return sender


@pytest.fixture
def hub(app: Flask) -> Iterator[Outside]:
    app.config["ALLOW_LOOPBACK"] = True
    with outside(lambda _: Answer(204)) as world:
        office(f"{world.url}/")
        yield world


def published(writer: User, editor: User) -> Release:
    return factories.release(writer, state=State.PUBLISHED, editor=editor)


def pings(*which: sa.ColumnElement[bool]) -> list[HubPing]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(HubPing).where(*which).order_by(HubPing.id)))


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinging, "now", lambda: moment)


def told(hub: Outside) -> list[str]:
    return [request.form["hub.url"] for request in hub.came("POST")]


def test_a_publication_is_told_to_the_hub_for_every_feed_it_stands_in(
    hub: Outside, writer: User, editor: User
) -> None:
    release = published(writer, editor)

    ping_hub()

    assert sorted(told(hub)) == sorted(feeds_of(release))
    first = hub.came("POST")[0]
    assert first.form["hub.mode"] == "publish"
    assert first.form["hub.topic"] == first.form["hub.url"]
    assert first.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_the_feeds_of_a_release_are_those_of_its_language_programme_and_places(
    app: Flask, writer: User
) -> None:
    feeds = feeds_of(factories.release(writer))

    assert set(feeds[:3]) == FRONT
    paths = {url.removeprefix("http://127.0.0.1:8000/sv/") for url in feeds}
    assert "programmes/kommunala-partnerskap/feed.atom" in paths
    assert "places/1080-karlskrona/feed.rss" not in paths
    assert "places/2080-falun/feed.json" in paths
    assert all(url.startswith("http://127.0.0.1:8000/sv/") for url in feeds)


def test_every_feed_that_is_told_of_is_there_and_says_so_itself(
    client: FlaskClient, writer: User, editor: User
) -> None:
    office()
    release = published(writer, editor)
    topic = Topic(slug="vatten", name_sv="Vatten")
    release.story.topics.append(topic)
    db.session.commit()
    listing.list_release(release, A_MORNING)
    db.session.commit()

    feeds = feeds_of(release)

    assert any("/topics/vatten/" in url for url in feeds)
    for url in feeds:
        answer = client.get(url.removeprefix("http://127.0.0.1:8000"))
        assert answer.status_code == 200, url
        assert url in answer.get_data(as_text=True).replace("\\/", "/"), url


def test_the_whole_newsroom_is_told_before_its_parts(
    hub: Outside, writer: User, editor: User
) -> None:
    published(writer, editor)

    ping_hub()

    assert set(told(hub)[:3]) == FRONT


def test_a_burst_of_changes_is_told_once(hub: Outside, writer: User, editor: User) -> None:
    release = published(writer, editor)
    workflow.withdraw(release, reason="Fel", by=editor, at=A_MORNING)
    workflow.reinstate(release, by=editor, at=A_MORNING)
    db.session.commit()

    ping_hub()

    assert len(told(hub)) == len(set(told(hub)))


def test_nothing_is_told_twice(hub: Outside, writer: User, editor: User) -> None:
    published(writer, editor)
    ping_hub()
    count = len(hub.requests)

    ping_hub()

    assert len(hub.requests) == count
    assert pings(HubPing.due_at.is_not(None)) == []


def test_a_withdrawal_is_told_too(hub: Outside, writer: User, editor: User) -> None:
    release = published(writer, editor)
    ping_hub()
    hub.requests.clear()
    workflow.withdraw(release, reason="Fel", by=editor, at=A_MORNING)
    db.session.commit()

    ping_hub()

    assert set(told(hub)) >= FRONT


def test_what_is_rolled_back_is_not_told(hub: Outside, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.rollback()

    ping_hub()

    assert hub.requests == []


def test_without_a_hub_nothing_is_written_down(app: Flask, writer: User, editor: User) -> None:
    office()

    published(writer, editor)

    assert pings() == []
    assert hubs() == []


def test_a_hub_that_fails_is_asked_again_ever_later_and_then_no_more(
    hub: Outside, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.script = lambda _: Answer(500)
    published(writer, editor)
    feed, moment = min(FRONT), A_MORNING

    waits = []
    for _ in range(len(RETRY_AFTER) + 1):
        at(moment, monkeypatch)
        ping_hub()
        [ping] = pings(HubPing.feed_url == feed)
        if ping.due_at is not None:
            waits.append(ping.due_at - moment)
            moment = ping.due_at

    assert tuple(waits) == RETRY_AFTER
    assert sum(waits, timedelta()) < timedelta(days=1)
    [ping] = pings(HubPing.feed_url == feed)
    assert (ping.due_at, ping.answer) == (None, "500")
    assert feed in {one.feed_url for one in pings(HubPing.attempts > 1)}
    assert hub_state().failing


def test_after_giving_up_the_next_change_is_told(
    hub: Outside, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = published(writer, editor)
    db.session.execute(sa.update(HubPing).values(due_at=None, attempts=12, answer="500"))
    db.session.commit()

    workflow.withdraw(release, reason="Fel", by=editor, at=A_MORNING)
    db.session.commit()
    ping_hub()

    assert set(told(hub)) >= FRONT
    assert hub_state().failing == []


def test_a_hub_that_is_down_is_left_alone_for_all_feeds(
    app: Flask, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["ALLOW_LOOPBACK"] = True
    office("http://127.0.0.1:9/")
    published(writer, editor)
    at(A_MORNING, monkeypatch)

    ping_hub()

    tried = pings(HubPing.pinged_at.is_not(None))
    assert [one.answer for one in tried] == ["no_answer"]
    assert {one.due_at for one in pings()} == {A_MORNING + RETRY_AFTER[0]}


def test_a_change_during_a_ping_is_told_after_it(
    hub: Outside, app: Flask, writer: User, editor: User
) -> None:
    release_id, editor_id = published(writer, editor).id, editor.id
    changed = []

    def change(_: object) -> Answer:
        if not changed:
            changed.append(True)
            with app.app_context():
                stored = db.session.get_one(Release, release_id)
                by = db.session.get_one(User, editor_id)
                workflow.withdraw(stored, reason="Fel", by=by, at=A_MORNING)
                db.session.commit()
        return Answer(204)

    hub.script = change
    db.session.rollback()

    ping_hub()

    assert changed
    assert told(hub).count(told(hub)[0]) == 2


def test_a_ping_whose_worker_was_killed_comes_back(
    hub: Outside, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(writer, editor)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(pinging, "ask", killed)
        with pytest.raises(SystemExit):
            ping_hub()
    db.session.rollback()
    ping_hub()
    [held] = pings(HubPing.due_at.is_not(None))
    assert held.feed_url not in told(hub)

    assert held.due_at is not None
    at(held.due_at, monkeypatch)
    ping_hub()

    assert held.feed_url in told(hub)


def test_an_address_inside_our_own_network_is_never_asked(
    app: Flask, writer: User, editor: User
) -> None:
    with outside() as world:
        office(f"{world.url}/")
        published(writer, editor)

        ping_hub()

        assert world.requests == []
    assert {one.answer for one in pings(HubPing.pinged_at.is_not(None))} == {"not_public"}


def test_our_feeds_name_the_hub_outside_and_our_own(app: Flask) -> None:
    office("https://hub.example/", own_hub=True)

    assert hubs() == ["https://hub.example/", "http://127.0.0.1:8000/hub"]


def test_an_administrator_chooses_the_hub_and_sees_how_it_goes(
    hub: Outside, client: FlaskClient, admin: User, writer: User, editor: User
) -> None:
    published(writer, editor)
    ping_hub()
    signed_in = factories.signed_in(client, admin)

    page = signed_in.get("/office/settings/hub/").get_data(as_text=True)
    saved = signed_in.post("/office/settings/hub/", data={"hub_url": "", "own_hub": "y"})

    assert "204" in page
    assert saved.status_code == 302
    assert hubs() == ["http://127.0.0.1:8000/hub"]


def test_a_hub_that_is_no_web_address_is_refused_with_the_words_kept(
    client: FlaskClient, app: Flask, admin: User
) -> None:
    office()
    signed_in = factories.signed_in(client, admin)

    answer = signed_in.post("/office/settings/hub/", data={"hub_url": "javascript:alert(1)"})

    assert answer.status_code == 422
    assert "javascript:alert(1)" in answer.get_data(as_text=True)
    assert hubs() == []


def test_telling_now_reaches_the_hub(hub: Outside, client: FlaskClient, admin: User) -> None:
    signed_in = factories.signed_in(client, admin)

    signed_in.post("/office/settings/hub/tell")
    ping_hub()

    assert set(told(hub)) >= FRONT


def test_the_hubs_are_the_administrators_alone(client: FlaskClient, editor: User) -> None:
    answer = factories.signed_in(client, editor).get("/office/settings/hub/")

    assert answer.status_code == 403
