"""Links are asked once a day, whoever prints them, and nobody is called dead without a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import db
from app.core.fetching import Answer, Unfetchable
from releases.editorial import link_checking
from releases.editorial.link_checking import addresses_in, asked, check, check_links
from releases.editorial.models import LinkCheck, Release, State
from releases.editorial.writing import save, text_of
from tests import factories
from tests.factories import A_MORNING

Ask = Callable[[str], Answer]
HALF_PAST = A_MORNING.replace(minute=30)
URL = "https://news.example/a"


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the world, which answers 200 to all."""
    urls: list[str] = []

    def fetch(url: str) -> Answer:
        urls.append(url)
        return Answer(200, url)

    monkeypatch.setattr(link_checking, "fetch", fetch)
    return urls


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_checking, "now", lambda: moment)


def printing(writer: User, *urls: str, saved_at: datetime = A_MORNING) -> Release:
    release = factories.release(writer)
    links = [{"label": "x", "url": url} for url in urls]
    text = replace(text_of(release.head), links=links)
    save(release, text, base_id=release.head.id, by=writer, at=saved_at)
    db.session.commit()
    return release


def known(url: str = URL) -> LinkCheck | None:
    db.session.rollback()
    return db.session.scalar(sa.select(LinkCheck).where(LinkCheck.url == url))


def test_the_addresses_of_a_text_are_found_wherever_they_stand(app: Flask, writer: User) -> None:
    release = factories.release(writer)
    body = (
        '<p><a href="https://a.example/?x=1&amp;y=2">a</a> <a href="mailto:x@a.example">m</a></p>'
    )
    links = [
        {"label": "b", "url": "https://b.example/"},
        {"label": "a", "url": "https://b.example/"},
    ]
    text = replace(text_of(release.head), body=body, links=links)
    save(release, text, base_id=release.head.id, by=writer, at=A_MORNING)

    assert addresses_in(release.head) == ["https://a.example/?x=1&y=2", "https://b.example/"]


def test_what_was_saved_just_now_is_asked_within_the_minute(
    app: Flask, writer: User, asking: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printing(writer, URL, saved_at=HALF_PAST)
    printing(writer, "https://news.example/old", saved_at=HALF_PAST - timedelta(hours=3))

    at(HALF_PAST + timedelta(minutes=1), monkeypatch)
    check_links()

    assert asking == [URL]
    found = known()
    assert found is not None
    assert (found.works, found.answer) == (True, "200")


def test_older_texts_are_looked_after_on_the_hour(
    app: Flask, writer: User, asking: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printing(writer, URL, saved_at=A_MORNING)
    printing(writer, "https://news.example/ancient", saved_at=A_MORNING - timedelta(days=60))

    at((A_MORNING + timedelta(hours=3)).replace(minute=0), monkeypatch)
    check_links()

    assert asking == [URL]


def test_an_address_is_asked_once_a_day_whoever_prints_it(
    app: Flask, writer: User, asking: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printing(writer, URL)
    printing(writer, URL)

    for hours in (0, 1, 23, 24, 25):
        at(A_MORNING + timedelta(hours=hours), monkeypatch)
        check_links()

    assert asking == [URL, URL]


def test_of_two_workers_one_asks(app: Flask, asking: list[str]) -> None:
    check(URL, at=A_MORNING)
    check(URL, at=A_MORNING)

    assert asking == [URL]


def test_a_worker_killed_while_asking_leaves_it_unknown_until_tomorrow(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(url: str) -> Answer:
        raise KeyboardInterrupt

    monkeypatch.setattr(link_checking, "fetch", die)
    with pytest.raises(KeyboardInterrupt):
        check(URL, at=A_MORNING)

    found = known()
    assert found is not None
    assert found.works is None


def test_a_withdrawn_text_is_left_alone(
    app: Flask, writer: User, asking: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = printing(writer, URL)
    release.state = State.WITHDRAWN
    db.session.commit()

    at(A_MORNING, monkeypatch)
    check_links()

    assert asking == []


@pytest.mark.parametrize(
    ("status", "works"),
    [
        *((status, True) for status in (200, 204, 304, 401, 403, 429, 503)),
        *((status, False) for status in (404, 410, 500)),
    ],
)
def test_a_server_that_minds_programs_is_not_dead(
    monkeypatch: pytest.MonkeyPatch, status: int, works: bool
) -> None:
    monkeypatch.setattr(link_checking, "fetch", lambda url: Answer(status, url))

    assert asked(URL) == (works, str(status))


@pytest.mark.parametrize(
    ("reason", "works"),
    [("no_such_host", False), ("timeout", False), ("not_public", None), ("no_resolver", None)],
)
def test_what_we_cannot_say_we_do_not_say(
    monkeypatch: pytest.MonkeyPatch, reason: str, works: bool | None
) -> None:
    def fail(url: str) -> Answer:
        raise Unfetchable(reason)

    monkeypatch.setattr(link_checking, "fetch", fail)

    assert asked(URL) == (works, reason)


def test_a_slow_world_does_not_hold_up_the_other_jobs(
    app: Flask, writer: User, asking: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printing(writer, *(f"https://news.example/{n}" for n in range(5)))
    ticks = iter([0.0, 5.0, 15.0, 25.0])
    monkeypatch.setattr(link_checking, "time", SimpleNamespace(monotonic=lambda: next(ticks)))

    at(A_MORNING, monkeypatch)
    check_links()

    assert len(asking) == 2
