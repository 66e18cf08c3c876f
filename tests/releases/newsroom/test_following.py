"""Our own hub: nobody is followed against their will, and nobody who follows misses a change."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotNow
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.newsroom.hub import following
from releases.newsroom.hub.following import (
    ASKED_OF_A_HOST,
    LONGEST,
    MOST_OF_A_HOST,
    SHORTEST,
    USUAL,
    ask,
    confirm_followers,
    deliver_feeds,
)
from releases.newsroom.hub.outside import RETRY_AFTER
from releases.newsroom.hub.pinging import ping_hub
from releases.newsroom.models import Follower, FollowerState
from tests import factories
from tests.factories import A_MORNING
from tests.outside import Answer, Outside, Request, echo, outside
from tests.releases.newsroom.test_pinging import office

FEED = "http://127.0.0.1:8000/sv/feed.rss"


@pytest.fixture
def world(app: Flask) -> Iterator[Outside]:
    """A follower's server on this machine; our own hub is on."""
    app.config["ALLOW_LOOPBACK"] = True
    office(own_hub=True)
    with outside() as there:
        yield there


def request(callback: str, mode: str = "subscribe", **more: str) -> None:
    ask(mode, topic=more.pop("topic", FEED), callback=callback, at=now(), **more)  # type: ignore[arg-type]
    db.session.commit()


def followers(*which: sa.ColumnElement[bool]) -> list[Follower]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Follower).where(*which).order_by(Follower.id)))


def following_at(callback: str, **more: str) -> Follower:
    request(callback, **more)
    confirm_followers()
    [one] = followers(Follower.callback == callback)
    assert one.state is FollowerState.ACTIVE
    return one


def let_time_pass() -> None:
    """As if what has been asked had been asked a minute ago, and what waits were due."""
    passed = timedelta(minutes=1)
    for row in followers():
        row.asked_at -= passed
        if row.due_at is not None:
            row.due_at = now()
    db.session.commit()


def publish(writer: User, editor: User) -> Release:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    ping_hub()
    return release


def brought(world: Outside) -> list[Request]:
    return world.came("POST")


def test_a_callback_is_asked_with_a_challenge_before_it_follows(world: Outside) -> None:
    request(f"{world.url}/cb?id=7", lease_seconds="864000")

    confirm_followers()

    [asked] = world.requests
    assert asked.method == "GET"
    assert asked.path == "/cb"
    assert asked.query["id"] == "7"
    assert asked.query["hub.mode"] == "subscribe"
    assert asked.query["hub.topic"] == FEED
    assert asked.query["hub.lease_seconds"] == "864000"
    assert len(asked.query["hub.challenge"]) > 30
    [one] = followers()
    assert one.state is FollowerState.ACTIVE
    assert one.expires_at is not None
    assert abs(one.expires_at - now() - timedelta(days=10)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"no challenge of mine"),
        Answer(200, b""),
        Answer(404),
        Answer(302, headers={"Location": "/echo"}),
    ],
)
def test_a_callback_that_does_not_repeat_the_challenge_follows_nothing(
    world: Outside, answer: Answer, writer: User, editor: User
) -> None:
    world.script = lambda _: answer
    request(f"{world.url}/cb")
    for _ in range(4):
        confirm_followers()
        let_time_pass()

    publish(writer, editor)
    deliver_feeds()

    assert brought(world) == []
    assert {one.state for one in followers()} == {FollowerState.ENDED}


def test_a_challenge_with_something_around_it_is_none(world: Outside) -> None:
    world.script = lambda asked: Answer(200, b"<p>" + echo(asked).body)
    request(f"{world.url}/cb")

    confirm_followers()

    assert followers(Follower.state == FollowerState.ACTIVE) == []


def test_a_callback_that_is_down_is_asked_three_times(world: Outside) -> None:
    world.script = lambda _: Answer(503)
    request(f"{world.url}/cb")

    for _ in range(5):
        confirm_followers()
        let_time_pass()

    assert len(world.requests) == 3


def test_a_feed_that_is_not_there_is_denied(world: Outside) -> None:
    request(f"{world.url}/cb", topic="http://127.0.0.1:8000/sv/topics/nothing/feed.rss")

    confirm_followers()

    [said] = world.requests
    assert said.query["hub.mode"] == "denied"
    assert said.query["hub.topic"].endswith("/nothing/feed.rss")
    assert said.query["hub.reason"]
    assert followers(Follower.state == FollowerState.ACTIVE) == []


def test_a_change_is_brought_whole_and_signed(
    world: Outside, client: FlaskClient, writer: User, editor: User
) -> None:
    following_at(f"{world.url}/cb", secret="a shared secret")
    publish(writer, editor)

    deliver_feeds()

    [came] = brought(world)
    page = client.get("/sv/feed.rss")
    assert came.body == page.get_data()
    assert b"<item>" in came.body
    assert came.headers["Content-Type"] == page.headers["Content-Type"]
    assert f'<{FEED}>; rel="self"' in came.headers["Link"]
    assert '<http://127.0.0.1:8000/hub>; rel="hub"' in came.headers["Link"]
    signed = hmac.new(b"a shared secret", came.body, hashlib.sha256).hexdigest()
    assert came.headers["X-Hub-Signature"] == f"sha256={signed}"


def test_without_a_secret_nothing_is_signed(world: Outside, writer: User, editor: User) -> None:
    following_at(f"{world.url}/cb")
    publish(writer, editor)

    deliver_feeds()

    assert "X-Hub-Signature" not in brought(world)[0].headers


def test_a_secret_cannot_be_read_from_the_database(world: Outside) -> None:
    one = following_at(f"{world.url}/cb", secret="a shared secret")

    assert "secret" not in one.secret
    assert following._revealed(one.secret) == b"a shared secret"


def test_a_change_is_brought_once_to_each(world: Outside, writer: User, editor: User) -> None:
    for n in range(20):
        request(f"{world.url}/{n}")
    confirm_followers()
    publish(writer, editor)

    deliver_feeds()
    deliver_feeds()

    assert sorted(one.path for one in brought(world)) == sorted(f"/{n}" for n in range(20))


def test_a_feed_is_written_once_for_all_who_follow_it(
    world: Outside, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        request(f"{world.url}/{n}")
    confirm_followers()
    publish(writer, editor)
    written = []
    feed_now = following.feed_now

    def count(url: str) -> following.Feed | None:
        written.append(url)
        return feed_now(url)

    monkeypatch.setattr(following, "feed_now", count)
    deliver_feeds()

    assert written == [FEED]


def test_who_follows_the_english_feed_is_not_brought_the_swedish(
    world: Outside, writer: User, editor: User
) -> None:
    following_at(f"{world.url}/cb", topic="http://127.0.0.1:8000/en/feed.rss")
    publish(writer, editor)

    deliver_feeds()

    assert brought(world) == []


def test_leaving_has_to_be_confirmed_too(world: Outside, writer: User, editor: User) -> None:
    callback = f"{world.url}/cb"
    following_at(callback)
    world.script = lambda asked: Answer(404) if asked.query else Answer(200)

    request(callback, "unsubscribe")
    confirm_followers()
    publish(writer, editor)
    deliver_feeds()

    assert len(brought(world)) == 1


def test_who_confirms_that_they_leave_is_brought_nothing_more(
    world: Outside, writer: User, editor: User
) -> None:
    callback = f"{world.url}/cb"
    following_at(callback)
    request(callback, "unsubscribe")

    confirm_followers()
    publish(writer, editor)
    deliver_feeds()

    assert world.requests[-1].query["hub.mode"] == "unsubscribe"
    assert "hub.lease_seconds" not in world.requests[-1].query
    assert followers() == []
    assert brought(world) == []


def test_leaving_what_nobody_follows_asks_nobody(world: Outside) -> None:
    request(f"{world.url}/cb", "unsubscribe")

    confirm_followers()

    assert world.requests == []
    assert followers() == []


def test_nobody_changes_the_secret_of_somebody_elses_callback(
    world: Outside, writer: User, editor: User
) -> None:
    callback = f"{world.url}/cb"
    following_at(callback, secret="mine")
    world.script = lambda asked: Answer(404) if asked.query else Answer(200)

    request(callback, secret="theirs")
    confirm_followers()
    publish(writer, editor)
    deliver_feeds()

    [came] = brought(world)
    signed = hmac.new(b"mine", came.body, hashlib.sha256).hexdigest()
    assert came.headers["X-Hub-Signature"] == f"sha256={signed}"


def test_following_again_gives_a_new_lease_and_secret(
    world: Outside, writer: User, editor: User
) -> None:
    callback = f"{world.url}/cb"
    following_at(callback, secret="old", lease_seconds=str(SHORTEST))
    one = following_at(callback, secret="new", lease_seconds=str(LONGEST))

    assert one.expires_at is not None
    assert one.expires_at - now() > timedelta(days=29)
    publish(writer, editor)
    deliver_feeds()
    [came] = brought(world)
    signed = hmac.new(b"new", came.body, hashlib.sha256).hexdigest()
    assert came.headers["X-Hub-Signature"] == f"sha256={signed}"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", USUAL),
        ("a week", USUAL),
        ("-5", USUAL),
        ("0", SHORTEST),
        ("60", SHORTEST),
        ("172800", 172800),
        ("9" * 50, LONGEST),
    ],
)
def test_a_lease_is_between_a_day_and_a_month(world: Outside, asked: str, given: int) -> None:
    request(f"{world.url}/cb", lease_seconds=asked)

    assert followers()[0].lease_seconds == given


def test_a_lease_that_ran_out_ends_it(world: Outside, writer: User, editor: User) -> None:
    one = following_at(f"{world.url}/cb")
    one.expires_at = now() - timedelta(seconds=1)
    db.session.commit()
    publish(writer, editor)

    deliver_feeds()
    confirm_followers()

    assert brought(world) == []
    assert followers() == []


def test_a_callback_that_is_gone_ends_it(world: Outside, writer: User, editor: User) -> None:
    following_at(f"{world.url}/cb")
    world.script = lambda _: Answer(410)
    publish(writer, editor)

    deliver_feeds()

    assert followers() == []


def test_a_callback_that_fails_is_tried_for_a_day_and_then_keeps_its_lease(
    world: Outside, writer: User, editor: User
) -> None:
    following_at(f"{world.url}/cb")
    world.script = lambda _: Answer(500)
    publish(writer, editor)

    for _ in range(len(RETRY_AFTER) + 3):
        deliver_feeds()
        let_time_pass()

    assert len(brought(world)) == len(RETRY_AFTER) + 1
    [one] = followers()
    assert (one.state, one.due_at) == (FollowerState.ACTIVE, None)


def test_the_next_change_reaches_who_could_not_be_reached(
    world: Outside, writer: User, editor: User
) -> None:
    one = following_at(f"{world.url}/cb")
    world.script = lambda _: Answer(500)
    release = publish(writer, editor)
    deliver_feeds()
    db.session.execute(sa.update(Follower).values(due_at=None, attempts=0))
    workflow.withdraw(release, reason="Fel", by=editor, at=A_MORNING)
    db.session.commit()
    world.script = echo
    ping_hub()

    deliver_feeds()

    assert brought(world)[-1].body.count(b"<item>") == 0
    assert followers(Follower.id == one.id)[0].told_at is not None


def test_a_delivery_whose_worker_was_killed_comes_back(
    world: Outside, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    following_at(f"{world.url}/cb")
    publish(writer, editor)

    def killed(*_: object) -> list[str]:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(following, "_together", killed)
        with pytest.raises(SystemExit):
            deliver_feeds()
    deliver_feeds()
    assert brought(world) == []  # it is still held

    let_time_pass()
    deliver_feeds()

    assert len(brought(world)) == 1


@pytest.mark.parametrize(
    "callback",
    [
        "http://10.0.0.1/cb",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:22/",
        "http://[::1]/",
        "http://localhost/cb",
        "http://16909060/",
        "http://1.2.772/",
        "http://0x1.2.3.0X4/",
        "ftp://news.example/",
        "javascript:alert(1)",
        "http://user:pass@news.example/",
        "https://news.example./cb",
        "http://news.example/å",
        "http://news.example/\r\nX: y",
        f"https://news.example/{'a' * 1000}",
        "",
    ],
)
def test_a_callback_that_is_not_on_the_open_web_is_refused(app: Flask, callback: str) -> None:
    with pytest.raises(BadInput) as refused:
        request(callback)

    assert refused.value.key == "hub_callback"
    assert followers() == []


def test_a_name_that_leads_into_our_network_is_not_asked(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    office(own_hub=True)
    request("http://localtest.example/cb")

    confirm_followers()  # the name leads nowhere, or inside

    assert followers(Follower.state == FollowerState.ACTIVE) == []


@pytest.mark.parametrize(
    "topic",
    [
        "http://other.example/sv/feed.rss",
        "http://127.0.0.1:8000/sv/feed.xml",
        "http://127.0.0.1:8000/de/feed.rss",
        "http://127.0.0.1:8000/office/feed.rss",
        "http://127.0.0.1:8000/sv/topics/../office/feed.rss",
        "http://127.0.0.1:8000/sv/feed.rss?x=1",
        "http://127.0.0.1:80000/sv/feed.rss",
        f"http://127.0.0.1:8000/sv/topics/{'a' * 600}/feed.rss",
        "",
    ],
)
def test_only_our_feeds_can_be_followed(app: Flask, topic: str) -> None:
    with pytest.raises(BadInput) as refused:
        request("https://news.example/cb", topic=topic)

    assert refused.value.key == "hub_topic"


def test_a_secret_has_less_than_200_bytes(app: Flask) -> None:
    with pytest.raises(BadInput):
        request("https://news.example/cb", secret="ö" * 100)

    request("https://news.example/cb", secret="o" * 199)


def test_a_host_may_have_so_many_callbacks_and_no_more(app: Flask) -> None:
    rows = [row(f"https://news.example:{8000 + n}/{n}", n) for n in range(MOST_OF_A_HOST)]
    db.session.execute(sa.insert(Follower), rows)
    db.session.commit()

    with pytest.raises(NotNow):
        request("http://NEWS.example/other")
    request("http://news.example.org/other")


def test_a_host_that_confirms_nothing_is_not_asked_for_ever(app: Flask) -> None:
    for n in range(ASKED_OF_A_HOST):
        request(f"https://victim.example/{n}")

    with pytest.raises(NotNow) as refused:
        request("https://victim.example/more")

    assert refused.value.key == "hub_too_soon"


def test_the_same_request_is_not_repeated_at_once(app: Flask) -> None:
    request("https://victim.example/cb")

    with pytest.raises(NotNow):
        request("https://victim.example/cb")


def row(callback: str, n: int) -> dict[str, object]:
    return {
        "key": n.to_bytes(32, "big"),
        "feed_url": FEED,
        "callback": callback,
        "secret": "",
        "state": FollowerState.ACTIVE,
        "lease_seconds": USUAL,
        "asked_at": A_MORNING,
        "expires_at": now() + timedelta(days=1),
    }


def post(client: FlaskClient, **form: str) -> tuple[int, str]:
    given = {f"hub.{name}": value for name, value in form.items()}
    answer = client.post("/hub", data=given)
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, answer.get_data(as_text=True)


def test_the_hub_answers_202_and_asks_later(client: FlaskClient, world: Outside) -> None:
    client.application.config["WTF_CSRF_ENABLED"] = True

    status, text = post(client, mode="subscribe", topic=FEED, callback=f"{world.url}/cb")

    assert (status, text) == (202, "")
    assert world.requests == []
    assert len(followers(Follower.state == FollowerState.ASKED)) == 1


def test_the_hub_says_what_is_wrong(client: FlaskClient, world: Outside) -> None:
    status, text = post(client, mode="subscribe", topic="nothing", callback=f"{world.url}/cb")

    assert status == 400
    assert "hub.topic" in text


@pytest.mark.parametrize("mode", ["", "publish", "denied", "SUBSCRIBE"])
def test_the_hub_knows_two_modes(client: FlaskClient, world: Outside, mode: str) -> None:
    status, _ = post(client, mode=mode, topic=FEED, callback=f"{world.url}/cb")

    assert status == 400


def test_a_hub_that_is_off_is_not_there(client: FlaskClient, app: Flask) -> None:
    office()

    status, _ = post(client, mode="subscribe", topic=FEED, callback="https://news.example/")

    assert status == 404


def test_a_huge_request_is_refused(client: FlaskClient, world: Outside) -> None:
    status, _ = post(client, mode="subscribe", topic=FEED, callback="x" * 100_000)

    assert status in (400, 413)


def test_guessing_is_slowed_down(client: FlaskClient, world: Outside) -> None:
    answers = [post(client, mode="x")[0] for _ in range(62)]

    assert answers[:60] == [400] * 60
    assert answers[60:] == [429] * 2
