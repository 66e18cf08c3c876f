"""The sitemaps, read as the protocol's schemas read them, and robots.txt."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from releases.editorial.models import State, Story
from releases.newsroom.machines import sitemaps
from tests.factories import round_
from tests.queries import counted_queries
from tests.releases.newsroom.desk import A_FRIDAY, Desk
from tests.releases.newsroom.test_published_rounds import files, published

BASE = "http://127.0.0.1:8000"
S, N, X = (f"{{{space}}}" for space in (sitemaps.SITEMAP, sitemaps.NEWS_SITEMAP, sitemaps.XHTML))
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?")


def read(content: bytes) -> list[ET.Element]:
    """The entries of a file, held against sitemap.xsd, siteindex.xsd and sitemap-news.xsd."""
    assert content.startswith(b"<?xml")
    assert len(content) < 50 * 1024 * 1024
    root = ET.fromstring(content)
    assert root.tag in (f"{S}urlset", f"{S}sitemapindex")
    kind = "url" if root.tag == f"{S}urlset" else "sitemap"
    assert len(root) <= 50_000
    for entry in root:
        assert entry.tag == f"{S}{kind}"
        names = [part.tag for part in entry]
        own = [name for name in names if name.startswith(S)]
        assert own == [name for name in (f"{S}loc", f"{S}lastmod") if name in own]  # in this order
        assert names[: len(own)] == own  # those of other schemas come last
        assert own[0] == f"{S}loc"
        where = entry.findtext(f"{S}loc") or ""
        assert where.startswith(f"{BASE}/")
        assert len(where) < 2048
        if changed := entry.findtext(f"{S}lastmod"):
            assert MOMENT.fullmatch(changed)
        for link in entry.iter(f"{X}link"):
            assert set(link.attrib) == {"rel", "hreflang", "href"}
        for about in entry.iter(f"{N}news"):
            parts = [f"{N}publication", f"{N}publication_date", f"{N}title"]
            assert [part.tag for part in about] == parts
            assert [part.tag for part in about[0]] == [f"{N}name", f"{N}language"]
            assert MOMENT.fullmatch(about.findtext(f"{N}publication_date") or "")
            assert about.findtext(f"{N}title")
    return list(root)


def where(entries: list[ET.Element]) -> list[str]:
    return [(entry.findtext(f"{S}loc") or "").removeprefix(BASE) for entry in entries]


def test_every_public_page_is_listed_once(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    round_()
    address = files(client, published(writer, editor))
    desk.release(slug="ett")
    desk.release("One", slug="one", language="en")
    desk.release(slug="borta", state=State.WITHDRAWN)
    desk.release(slug="utkast", state=State.DRAFT)

    paths = where(read(client.get("/sitemap.xml").data))

    assert len(paths) == len(set(paths))
    assert {"/sv/", "/en/", "/sv/releases/ett", "/en/releases/one", address} <= set(paths)
    assert address.replace("/sv/", "/en/") in paths
    assert not {"/sv/releases/borta", "/sv/releases/utkast"} & set(paths)
    assert not [path for path in paths if "office" in path or "search" in path]


def test_every_listed_page_is_there(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    round_()
    published(writer, editor)
    desk.release(published_at=datetime(2019, 12, 31, 23, 30, tzinfo=UTC))  # 2020 in Stockholm

    paths = where(read(client.get("/sitemap.xml").data))

    assert len(paths) > 6
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_a_page_names_the_same_in_the_other_language(client: FlaskClient, desk: Desk) -> None:
    story = Story(created_at=A_FRIDAY)
    desk.release(slug="tio", story=story)
    desk.release("Ten", slug="ten", story=story, language="en")
    desk.release(slug="ensam")

    entries = dict(zip(where(found := read(client.get("/sitemap.xml").data)), found, strict=True))

    def links(path: str) -> dict[str, str]:
        return {
            one.attrib["hreflang"]: one.attrib["href"] for one in entries[path].iter(f"{X}link")
        }

    both = {"sv": f"{BASE}/sv/releases/tio", "en": f"{BASE}/en/releases/ten"}
    assert links("/sv/releases/tio") == links("/en/releases/ten") == both
    assert links("/sv/releases/ensam") == {}
    assert links("/sv/") == {"sv": f"{BASE}/sv/", "en": f"{BASE}/en/"}


def test_a_large_newsroom_has_an_index_of_files(
    client: FlaskClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "RANGE", 4)
    for n in range(1, 11):
        desk.release(slug=f"n{n}")

    names = where(read(client.get("/sitemap.xml").data))
    parts = [where(read(client.get(name).data)) for name in names]

    assert names == [f"/sitemaps/{n}.xml" for n in range(4)]
    assert "/sv/" in parts[0]
    assert parts[1] == [f"/sv/releases/n{n}" for n in (4, 3, 2, 1)]
    assert parts[3] == ["/sv/releases/n10", "/sv/releases/n9"]
    for beyond in ("4", "99999999999999999999", "-1", "x"):
        assert client.get(f"/sitemaps/{beyond}.xml").status_code == 404


def test_a_file_asks_as_often_for_many_releases_as_for_few(client: FlaskClient, desk: Desk) -> None:
    def asked() -> list[int]:
        found = []
        for path in ("/sitemap.xml", "/sitemaps/1.xml", "/news-sitemap.xml"):
            with counted_queries() as questions:
                assert client.get(path).status_code == 200
            found.append(len(questions))
        return found

    desk.release(story=desk.story(), published_at=now())
    asked()
    desk.release(published_at=now())
    few = asked()
    for _ in range(30):
        desk.release(published_at=now())

    assert asked() == few


def test_google_news_is_told_of_the_last_two_days(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    at = now()
    desk.release("Ny & viktig", slug="ny", published_at=at - timedelta(hours=47))
    desk.release("New", slug="new", language="en", published_at=at - timedelta(hours=1))
    desk.release(slug="gammal", published_at=at - timedelta(hours=49))
    desk.release(slug="borta", published_at=at, state=State.WITHDRAWN)

    entries = read(client.get("/news-sitemap.xml").data)

    assert where(entries) == ["/en/releases/new", "/sv/releases/ny"]
    assert [one.findtext(f".//{N}title") for one in entries] == ["New", "Ny & viktig"]
    assert [one.findtext(f".//{N}language") for one in entries] == ["en", "sv"]
    assert [one.findtext(f".//{N}name") for one in entries] == [
        "Centre for Democracy",
        "Centrum för Demokrati",
    ]


def test_the_news_sitemap_may_be_empty(client: FlaskClient) -> None:
    assert read(client.get("/news-sitemap.xml").data) == []


def test_what_no_xml_can_hold_breaks_no_sitemap(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(name_sv="Centrum\x0b")
    desk.release("Rad\x0bbruten \ud7ff\ufffe &lt;b&gt;", published_at=now())

    [entry] = read(client.get("/news-sitemap.xml").data)

    assert entry.findtext(f".//{N}title", "").startswith("Rad")
    assert entry.findtext(f".//{N}name") == "Centrum"


def test_robots_are_told_where_not_to_go_and_nothing_secret(client: FlaskClient) -> None:
    answer = client.get("/robots.txt")

    assert answer.mimetype == "text/plain"
    lines = answer.text.splitlines()
    assert {"Disallow: /office/", "Disallow: /sv/search", "Disallow: /en/search"} <= set(lines)
    assert f"Sitemap: {BASE}/sitemap.xml" in lines
    assert f"Sitemap: {BASE}/news-sitemap.xml" in lines
    assert not re.search("embargo|preview|confirm|unsubscribe", answer.text)
