"""Feeds for people: the page behind a feed's address, the list of all feeds, what programs find."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import normal_url
from releases.editorial.models import State
from tests import factories
from tests.releases.newsroom.desk import Desk

BASE = "http://127.0.0.1:8000"
BROWSER = {"Sec-Fetch-Dest": "document"}
TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def found_by_programs(page: str) -> list[tuple[str, str, str]]:
    """(type, title, address) of the feeds that a page names in its head."""
    links = re.findall(
        r'<link rel="alternate" type="([^"]+)" title="([^"]+)" href="([^"]+)">', page
    )
    return [(type_, title, href) for type_, title, href in links if type_ in TYPES.values()]


@pytest.mark.parametrize("form", TYPES)
def test_a_person_gets_a_page_and_a_program_the_feed(
    client: FlaskClient, desk: Desk, form: str
) -> None:
    desk.organisation()
    desk.release("Tio miljoner", slug="tio")
    path = f"/sv/feed.{form}"

    page = client.get(path, headers=BROWSER)

    assert page.content_type == "text/html; charset=utf-8"
    assert f'value="{BASE}{path}"' in page.text
    assert 'href="/sv/releases/tio"' in page.text
    assert 'href="?raw=1"' in page.text
    assert 'content="noindex"' in page.text
    for said in ({}, {"Sec-Fetch-Dest": "empty"}, {"Accept": "text/html"}):
        answer = client.get(path, headers=said)
        assert answer.content_type == f"{TYPES[form]}; charset=utf-8"
    for answer in (page, client.get(path), client.head(path)):
        assert "Sec-Fetch-Dest" in answer.headers["Vary"]


def test_the_page_and_the_feed_are_never_taken_for_each_other(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release()
    page = client.get("/sv/feed.rss", headers=BROWSER)
    feed = client.get("/sv/feed.rss")

    assert page.headers["ETag"] != feed.headers["ETag"]
    known = {"If-None-Match": page.headers["ETag"]}
    assert client.get("/sv/feed.rss", headers=known).status_code == 200
    assert client.get("/sv/feed.rss", headers={**known, **BROWSER}).status_code == 304


def test_the_document_can_be_looked_at(client: FlaskClient, desk: Desk) -> None:
    desk.release()

    for form in TYPES:
        answer = client.get(f"/sv/feed.{form}?raw=1", headers=BROWSER)

        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.data == client.get(f"/sv/feed.{form}").data


def test_the_page_of_an_empty_feed_says_what_to_do(client: FlaskClient, desk: Desk) -> None:
    page = client.get("/en/places/0980-gotland/feed.atom", headers=BROWSER).text

    assert "Nothing has been published here yet" in page
    assert "<h1>Gotland</h1>" in page
    assert 'href="/sv/places/0980-gotland/feed.atom" lang="sv"' in page


def test_every_feed_there_is_stands_on_one_page(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    desk.organisation()
    factories.release(writer, state=State.PUBLISHED, editor=editor)

    page = client.get("/sv/feeds").text

    for start in ("", "programmes/kommunala-partnerskap/", "places/2080-falun/"):
        for form, type_ in TYPES.items():
            assert f'href="{BASE}/sv/{start}feed.{form}" type="{type_}"' in page
    for address in re.findall(rf'href="{BASE}(/sv/[^"]*feed\.\w+)"', page):
        assert client.get(address).status_code == 200, address


def test_an_empty_newsroom_has_its_feeds_and_says_how(client: FlaskClient) -> None:
    page = client.get("/en/feeds").text

    assert f'href="{BASE}/en/feed.rss"' in page
    assert "How to subscribe" in page
    assert "Programmes</h2>" not in page


def test_pages_lead_programs_to_their_feeds(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    desk.organisation()
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    whole = [
        (TYPES[form], f"Pressmeddelanden ({name})", f"{BASE}/sv/feed.{form}")
        for form, name in (("rss", "RSS"), ("atom", "Atom"), ("json", "JSON Feed"))
    ]

    for path in ("/sv/", f"/sv/releases/{release.slug}", "/sv/feeds"):
        assert found_by_programs(client.get(path).text) == whole, path
    for path in ("/sv/programmes/kommunala-partnerskap/", "/sv/places/2080-falun/"):
        own, rest = (found := found_by_programs(client.get(path).text))[:3], found[3:]
        assert [href for _, _, href in own] == [f"{BASE}{path}feed.{form}" for form in TYPES]
        assert rest == whole
