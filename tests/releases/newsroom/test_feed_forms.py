"""The three forms of a feed: whatever stands in it, they are valid and say the same."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import atoma
import feedparser
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import html
from app.core.db import normal_url
from app.core.organisation import unnamed
from releases.editorial.models import Release, Revision, Story
from releases.newsroom import pages
from releases.newsroom.feeds.atom import atom
from releases.newsroom.feeds.feeding import FORMS, feed_item
from releases.newsroom.feeds.items import (
    Category,
    Feed,
    Gone,
    Item,
    Logo,
    Picture,
    absolute,
    feed_id,
    guid,
    told_apart,
    without_figures,
    words,
)
from releases.newsroom.feeds.jsonfeed import jsonfeed
from releases.newsroom.feeds.rss import rss
from releases.newsroom.feeds.tree import ATOM, CONTENT
from tests.releases.newsroom.desk import A_FRIDAY
from tests.releases.newsroom.feed_rules import problems

FEED = Feed(
    id=feed_id(host="press.example", subject="sv"),
    title="Nyheter",
    description="Allt",
    language="sv",
    url="https://press.example/sv/",
    address="https://press.example/sv/feed",
    author="Centret",
)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Nothing here is stored."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


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


def feed(*items: Item, **more: Any) -> Feed:
    moments = [one.changed_at for one in items]
    return replace(FEED, items=items, **{"changed_at": max(moments, default=None), **more})


def objections(whole: Feed) -> list[str]:
    """What validators say of it in any form."""
    return [
        f"{form}: {one}"
        for form, its in FORMS.items()
        for one in problems(
            its.write(whole),
            content_type=f"{its.content_type}; charset=utf-8",
            address=f"{whole.address}.{form}",
        )
    ]


@dataclass(frozen=True)
class Said:
    """What a reader gets out of an item."""

    id: str
    url: str
    title: str
    summary: str
    html: str
    at: datetime


def said_by(whole: Feed) -> Iterator[list[Said]]:
    """The items as each form tells them, read back strictly."""
    yield [
        Said(
            id=one.findtext("guid", ""),
            url=one.findtext("link", ""),
            title=one.findtext("title", ""),
            summary=html.plain(one.findtext("description", "")),
            html=one.findtext(f"{{{CONTENT}}}encoded", ""),
            at=datetime.strptime(one.findtext("pubDate", ""), "%a, %d %b %Y %H:%M:%S %Z").replace(
                tzinfo=UTC
            ),
        )
        for one in ET.fromstring(rss(whole)).iter("item")
    ]
    yield [
        Said(
            id=one.findtext(f"{{{ATOM}}}id", ""),
            url=next(
                link.get("href", "")
                for link in one.findall(f"{{{ATOM}}}link")
                if link.get("rel") == "alternate"
            ),
            title=one.findtext(f"{{{ATOM}}}title", ""),
            summary=one.findtext(f"{{{ATOM}}}summary", ""),
            html=one.findtext(f"{{{ATOM}}}content", ""),
            at=datetime.fromisoformat(one.findtext(f"{{{ATOM}}}published", "")),
        )
        for one in ET.fromstring(atom(whole)).iter(f"{{{ATOM}}}entry")
    ]
    yield [
        Said(
            id=one["id"],
            url=one["url"],
            title=one.get("title", ""),
            summary=one.get("summary", ""),
            html=one["content_html"],
            at=datetime.fromisoformat(one["date_published"]),
        )
        for one in json.loads(jsonfeed(whole))["items"]
    ]


def said_to_another(whole: Feed) -> Iterator[Said]:
    """The first item of each form as the reader `atoma` understands it."""
    one = atoma.parse_rss_bytes(rss(whole)).items[0]
    yield Said(
        one.guid,
        one.link,
        one.title,
        html.plain(one.description),
        one.content_encoded,
        one.pub_date,
    )
    one = atoma.parse_atom_bytes(atom(whole)).entries[0]
    page = next(link.href for link in one.links if link.rel == "alternate")
    yield Said(one.id_, page, one.title.value, one.summary.value, one.content.value, one.published)
    one = atoma.parse_json_feed_bytes(jsonfeed(whole)).items[0]
    yield Said(one.id_, one.url, one.title, one.summary, one.content_html, one.date_published)


# Letters of every kind, with the ones that have broken feeds in between.
NASTY = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "]]>",
            "&amp;",
            "&#x26;",
            "AT&T",
            "<b>",
            "1 < 2 > 0",
            "\u202eab\u202c",
            "\u200f\u200e",
            "👩‍👩‍👧‍👦 🇸🇪",
            "\x00\x0b\x1f",
            "\x85\x9f\ufffd\ufffe",
            "\ud800",
            "10\u00a0641\u00a0000 kronor",
            "\r\n\t",
            "e\u0301",
            "-->",
            "\U0010ffff",
            "x" * 5000,
        ]
    ),
)
TEXTS = st.lists(NASTY, min_size=1, max_size=4).map(" ".join)


@settings(max_examples=150)
@given(title=TEXTS, summary=TEXTS, caption=TEXTS, credit=TEXTS, label=TEXTS)
def test_any_plain_words_give_valid_feeds_that_read_back_equal(
    title: str, summary: str, caption: str, credit: str, label: str
) -> None:
    picture = Picture("https://press.example/media/k/960.jpg", 9, 960, 640, caption, credit)
    one = item(
        title=f"Rubrik {title}",
        summary=f"Ingress {summary}",
        pictures=(picture,),
        categories=(Category("a", f"Ämne {label}", "https://press.example/sv/topics/"),),
    )
    whole = feed(one, title=f"Nyheter {title}", author=f"Centret {label}")

    expected = Said(
        one.guid, one.url, words(one.title), words(one.summary), "<p>Text</p>", A_FRIDAY
    )
    for form in said_by(whole):
        [found] = form
        assert replace(found, summary="") == replace(expected, summary="")
    atom_said, json_said = list(said_by(whole))[1:]
    assert atom_said[0].summary == json_said[0].summary == expected.summary
    for said in said_to_another(whole):
        assert replace(said, summary="") == replace(expected, summary="")
    assert [one for one in objections(whole) if "ContainsHTML" not in one] == []
    assert feedparser.parse(rss(whole)).bozo == 0
    assert feedparser.parse(atom(whole)).bozo == 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headline=TEXTS, lead=TEXTS, body=TEXTS)
def test_any_text_that_somebody_saves_gives_valid_feeds_that_agree(
    app: Flask, headline: str, lead: str, body: str
) -> None:
    headline, lead, body = (
        text.encode(errors="ignore").decode() for text in (headline, lead, body)
    )
    saved = Revision(
        number=1,
        headline=html.clean_inline(f"Rubrik {headline}"),
        lead=html.clean_inline(lead),
        body=html.clean(f"<p>{body}</p>"),
        about_programme=body,
        contacts=[{"name": headline, "phone": "", "email": ""}],
        images=[],
        documents=[],
        links=[],
        note="",
        created_at=A_FRIDAY,
    )
    release = Release(
        id=7, story=Story(created_at=A_FRIDAY), language="sv", slug="ett", created_at=A_FRIDAY
    )
    with app.test_request_context("/sv/feed.rss"):
        one = feed_item(
            release, saved, sender=unnamed("Centret", "The Centre"), published_at=A_FRIDAY
        )
    whole = feed(one)

    first, *others = ([replace(it, summary="") for it in form] for form in said_by(whole))
    assert all(other == first for other in others)
    assert first[0].title == words(pages.public_plain(saved.headline))
    assert [one for one in objections(whole) if "ContainsHTML" not in one] == []


def test_characters_that_no_feed_can_hold_are_dropped() -> None:
    whole = feed(item(title="A\x00\x08B\ufffeC\ud800D\tE😀\x85\ufffd"))

    assert [form[0].title for form in said_by(whole)] == ["ABCD E😀"] * 3


def test_no_break_spaces_hold_a_figure_and_its_unit_together() -> None:
    whole = feed(item(title="10\u00a0641\u00a0000\u00a0kronor"))

    assert [form[0].title for form in said_by(whole)] == ["10\u00a0641\u00a0000\u00a0kronor"] * 3


def test_words_that_look_like_html_are_meant_as_words_in_every_form() -> None:
    whole = feed(item(summary="5 <em>6 & 7</em>"))

    described = ET.fromstring(rss(whole)).findtext(".//item/description")
    assert described == "5 &lt;em&gt;6 &amp; 7&lt;/em&gt;"  # HTML, by the specification
    assert [form[0].summary for form in said_by(whole)] == ["5 <em>6 & 7</em>"] * 3


def test_titles_are_written_so_that_no_reader_takes_them_for_html() -> None:
    for content in (rss(feed(item(title="AT&T <3"))), atom(feed(item(title="AT&T <3")))):
        assert b"<title>AT&#x26;T &#x3C;3</title>" in content


def test_links_of_a_text_lead_somewhere_from_anywhere() -> None:
    text = (
        '<a href="/sv/">a</a><a href="#b">b</a><a href="https://x.y/?a=1&amp;b=2">c</a>'
        '<img src="/media/k/960.jpg" alt="">'
    )

    assert absolute(text, url="https://press.example/sv/releases/ett") == (
        '<a href="https://press.example/sv/">a</a>'
        '<a href="https://press.example/sv/releases/ett#b">b</a>'
        '<a href="https://x.y/?a=1&amp;b=2">c</a>'
        '<img src="https://press.example/media/k/960.jpg" alt="">'
    )


def test_words_about_attributes_are_no_links() -> None:
    text = '<p>Skriv href="/sv/" i en länk, src="x" i en bild.</p>'

    assert absolute(text, url="https://press.example/sv/") == text


def test_figures_stay_as_words() -> None:
    text = '<p>På <data value="10" data-figure="total">tio</data> kronor</p>'

    assert without_figures(text) == "<p>På tio kronor</p>"


def test_the_feeds_own_date_is_that_of_its_last_change() -> None:
    later = A_FRIDAY + timedelta(days=2)
    old = item(published_at=A_FRIDAY - timedelta(days=9), changed_at=later, title="Gammal")
    whole = feed(old, item(title="Ny", guid="tag:press.example,2022-10-28:release/2"))

    for content in (rss(whole), atom(whole)):
        found = feedparser.parse(content)
        assert [entry.title for entry in found.entries] == ["Ny", "Gammal"]
        assert found.feed.updated_parsed[:6] == (2022, 10, 30, 6, 0, 0)


def test_the_same_releases_are_the_same_bytes() -> None:
    for form in FORMS.values():
        assert form.write(feed(item())) == form.write(feed(item()))


def test_a_logo_is_shown_as_large_as_each_form_allows() -> None:
    large = Logo("https://press.example/logo", "image/png", 1200, 3000)
    drawn = Logo("https://press.example/logo", "image/svg+xml", 400, 400)

    image = ET.fromstring(rss(feed(item(), logo=large))).find(".//image")
    assert image is not None
    assert (image.findtext("width"), image.findtext("height")) == ("144", "360")
    assert ET.fromstring(rss(feed(item(), logo=drawn))).find(".//image") is None
    assert json.loads(jsonfeed(feed(item(), logo=drawn)))["icon"] == drawn.url
    assert "icon" not in json.loads(jsonfeed(feed(item(), logo=large)))
    assert objections(feed(item(), logo=large)) == objections(feed(item(), logo=drawn)) == []


def test_a_tombstone_says_which_when_and_why() -> None:
    stone = Gone("tag:press.example,2022-10-28:release/9", A_FRIDAY, "Fel & för tidigt")

    content = atom(feed(gone=(stone,), changed_at=A_FRIDAY))

    assert (
        b'<at:deleted-entry ref="tag:press.example,2022-10-28:release/9"'
        b' when="2022-10-28T06:00:00+00:00">' in content
    )
    assert b"<at:comment>Fel &#x26; f\xc3\xb6r tidigt</at:comment>" in content
    assert b"tombstones" not in atom(feed(item()))


def test_a_guid_names_the_host_the_day_and_the_release() -> None:
    late = datetime(2022, 10, 28, 23, 30, tzinfo=UTC)

    def made(host: str) -> str:
        return guid(host=host, created_at=late, release_id=7)

    assert made("Press.Example") == "tag:press.example,2022-10-28:release/7"
    assert made("räksmörgås.example") == "tag:xn--rksmrgs-5wao1o.example,2022-10-28:release/7"
    assert made("::1") == "tag:--1,2022-10-28:release/7"


def test_releases_of_one_second_differ_by_their_numbers_and_stay_in_it() -> None:
    moments = {told_apart(A_FRIDAY.replace(microsecond=999_999), number) for number in range(1000)}

    assert len(moments) == 1000
    assert {moment.replace(microsecond=0) for moment in moments} == {A_FRIDAY}
