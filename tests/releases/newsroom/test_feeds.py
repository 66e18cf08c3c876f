"""The feed, read back as a reader's program reads it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
from flask.testing import FlaskClient

from app.core.db import db
from releases.editorial.models import State
from releases.newsroom import feeds
from releases.newsroom.feeds import Channel, Item, absolute, guid, rss, without_figures
from releases.newsroom.questions import FEED
from tests.releases.newsroom.desk import A_FRIDAY, Desk

CHANNEL = Channel(
    title="Nyheter",
    url="https://press.example/sv/",
    feed_url="https://press.example/sv/feed.rss",
    description="Allt",
    language="sv",
)


def item(**more: Any) -> Item:
    given: dict[str, Any] = {
        "guid": "tag:press.example,2022-10-28:release/1",
        "url": "https://press.example/sv/releases/ett",
        "title": "Rubrik",
        "summary": "Ingress",
        "html": "<p>Text</p>",
        "published_at": A_FRIDAY,
        "changed_at": A_FRIDAY,
        **more,
    }
    return Item(**given)


def read(content: bytes) -> Any:
    found = feedparser.parse(content)
    assert found.bozo == 0, found.get("bozo_exception")
    return found


def test_a_reader_finds_the_whole_release(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    desk.release(
        "Tio <data value='10' data-figure='total'>miljoner</data> till samarbete",
        slug="tio",
        story=desk.story(),
        published_at=A_FRIDAY,
        lead="Elva mottagare.",
        body="<p>Brödtext.</p>",
        about_programme="Programmet.",
        contacts=[{"name": "Felicia Wede", "phone": "072-450 01 50"}],
    )

    answer = client.get("/sv/feed.rss")
    found = read(answer.data)
    [entry] = found.entries

    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert found.version == "rss20"
    assert found.feed.language == "sv"
    assert entry.title == "Tio miljoner till samarbete"
    assert entry.link == "http://127.0.0.1:8000/sv/releases/tio"
    assert entry.summary == "Elva mottagare."
    assert entry.author == "Centrum för Demokrati"
    assert [tag.term for tag in entry.tags] == ["Kommunala partnerskap"]
    assert entry.published == "Fri, 28 Oct 2022 06:00:00 GMT"
    whole = entry.content[0].value
    for part in ("Elva mottagare.", "Brödtext.", "Felicia Wede", "072-450 01 50", "Programmet."):
        assert part in whole
    assert "<data" not in whole


def test_the_feed_holds_the_newest_only_and_in_order(client: FlaskClient, desk: Desk) -> None:
    for n in range(FEED + 2):
        desk.release(f"Nyhet {n}")

    entries = read(client.get("/sv/feed.rss").data).entries

    assert [entry.title for entry in entries] == [f"Nyhet {n}" for n in range(FEED)]


def test_an_empty_newsroom_has_a_valid_feed(client: FlaskClient) -> None:
    found = read(client.get("/en/feed.rss").data)

    assert found.entries == []
    assert found.feed.language == "en-gb"


def test_the_guid_outlives_a_new_address(client: FlaskClient, desk: Desk) -> None:
    release = desk.release(slug="gammal", published_at=A_FRIDAY)
    before = read(client.get("/sv/feed.rss").data).entries[0]
    release.slug = "ny"
    db.session.commit()
    after = read(client.get("/sv/feed.rss").data).entries[0]

    assert before.id == after.id == f"tag:127.0.0.1,2022-10-28:release/{release.id}"
    assert before.link != after.link
    assert not after.guidislink


def test_who_has_the_feed_already_is_told_so(client: FlaskClient, desk: Desk) -> None:
    desk.release(published_at=A_FRIDAY)
    first = client.get("/sv/feed.rss")
    etag, changed = first.headers["ETag"], first.headers["Last-Modified"]

    assert changed == "Fri, 28 Oct 2022 06:00:00 GMT"
    for method in (client.get, client.head):
        for condition in ({"If-None-Match": etag}, {"If-Modified-Since": changed}):
            answer = method("/sv/feed.rss", headers=condition)
            assert answer.status_code == 304
            assert answer.data == b""
            assert answer.headers["ETag"] == etag
    assert client.get("/sv/feed.rss").headers["ETag"] == etag


def test_a_change_or_a_withdrawal_renews_the_feed(client: FlaskClient, desk: Desk) -> None:
    release = desk.release("Borta", published_at=A_FRIDAY - timedelta(days=1))
    desk.release("Kvar", published_at=A_FRIDAY)
    first = client.get("/sv/feed.rss")
    release.state = State.WITHDRAWN
    release.updated_at = A_FRIDAY + timedelta(days=3)
    db.session.commit()

    by_etag = client.get("/sv/feed.rss", headers={"If-None-Match": first.headers["ETag"]})
    by_date = client.get(
        "/sv/feed.rss", headers={"If-Modified-Since": first.headers["Last-Modified"]}
    )

    assert by_etag.status_code == by_date.status_code == 200
    assert [entry.title for entry in read(by_date.data).entries] == ["Kvar"]


def test_hostile_words_do_no_harm_in_the_feed(client: FlaskClient, desk: Desk) -> None:
    desk.release(
        "Rubrik ]]> &amp; <script>alert(1)</script>",
        lead="Ingress <img src=x onerror=y>",
        body="<p>Text</p><script>alert(2)</script><p onclick=x>]]></p>",
    )

    [entry] = read(client.get("/sv/feed.rss").data).entries

    whole = ET.fromstring(client.get("/sv/feed.rss").data).findtext(
        f".//{{{feeds.CONTENT}}}encoded"
    )
    assert whole is not None
    for harm in ("<script", "onclick", "onerror", "<img"):
        assert harm not in whole
    assert entry.title.startswith("Rubrik ]]>")


def test_characters_that_xml_cannot_hold_are_dropped() -> None:
    found = read(rss(CHANNEL, [item(title="A\x00\x08B\ufffeC\ud800D\tE😀")]))

    assert found.entries[0].title == "ABCD\tE😀"


def test_links_of_a_text_lead_somewhere_from_anywhere() -> None:
    text = '<a href="/sv/">a</a><a href="#b">b</a><a href="https://x.y/?a=1&amp;b=2">c</a>'

    assert absolute(text, url="https://press.example/sv/releases/ett") == (
        '<a href="https://press.example/sv/">a</a>'
        '<a href="https://press.example/sv/releases/ett#b">b</a>'
        '<a href="https://x.y/?a=1&amp;b=2">c</a>'
    )


def test_figures_stay_as_words() -> None:
    text = '<p>På <data value="10" data-figure="total">tio</data> kronor</p>'

    assert without_figures(text) == "<p>På tio kronor</p>"


def test_the_feeds_own_date_is_that_of_its_last_change() -> None:
    later = A_FRIDAY + timedelta(days=2)
    old = item(published_at=A_FRIDAY - timedelta(days=9), changed_at=later, title="Gammal")

    found = read(rss(CHANNEL, [old, item(title="Ny")]))

    assert [entry.title for entry in found.entries] == ["Ny", "Gammal"]
    assert found.feed.updated == "Sun, 30 Oct 2022 06:00:00 GMT"
    [link] = [link for link in found.feed.links if link.rel == "self"]
    assert link.href == CHANNEL.feed_url


def test_the_same_releases_are_the_same_bytes() -> None:
    assert rss(CHANNEL, [item()]) == rss(CHANNEL, [item()])


def test_a_guid_names_the_host_the_day_and_the_release() -> None:
    late = datetime(2022, 10, 28, 23, 30, tzinfo=UTC)

    made = guid(base_url="https://press.example:8443", created_at=late, release_id=7)

    assert made == "tag:press.example,2022-10-28:release/7"
