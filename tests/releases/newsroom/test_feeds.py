"""The newsroom's feeds, asked for as programs ask for them."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import cli
from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial import topics, workflow
from releases.editorial.models import Change, Release, State, Story
from releases.editorial.publications import went_live
from releases.newsroom.feeds.feeding import keep_own_host
from releases.newsroom.feeds.subjects import FEED
from releases.newsroom.feeds.tree import ATOM, CONTENT, MEDIA, TOMBSTONES
from releases.newsroom.models import Heading, Listing
from subscribers.audience.models import Topic
from tests import factories
from tests.queries import counted_queries
from tests.releases.media import folders
from tests.releases.newsroom.desk import A_FRIDAY, Desk
from tests.releases.newsroom.feed_rules import problems

BASE = "http://127.0.0.1:8000"
FORMS = ("rss", "atom", "json")
A_HUB = "https://hub.example/"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Documents are the same on both databases; what they ask of them: test_feed_archives.py."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def read(content: bytes) -> Any:
    found = feedparser.parse(content)
    assert found.bozo == 0, found.get("bozo_exception")
    return found


def ids(client: FlaskClient, path: str = "/sv/feed") -> dict[str, list[str]]:
    """The ids that a feed gives in each form."""
    return {
        "rss": [entry.id for entry in read(client.get(f"{path}.rss").data).entries],
        "atom": [entry.id for entry in read(client.get(f"{path}.atom").data).entries],
        "json": [item["id"] for item in client.get(f"{path}.json").get_json(force=True)["items"]],
    }


def titles(client: FlaskClient, path: str) -> list[str]:
    return [entry.title for entry in read(client.get(path).data).entries]


def listed(release: Release, kind: Heading, key: str) -> None:
    assert release.published_at is not None
    db.session.add(
        Listing(
            release_id=release.id,
            kind=kind,
            key=key,
            language=release.language,
            published_at=release.published_at,
        )
    )
    db.session.commit()


@pytest.fixture
def rich(desk: Desk, writer: User) -> list[str]:
    """An office with everything that a feed can tell of; the paths of its feeds."""
    desk.organisation(
        site="https://www.example.org",
        logo_key="logo",
        logo_type="image/png",
        logo_width=600,
        logo_height=200,
        hub_url=A_HUB,
        own_hub=True,
    )
    story = desk.story()
    topic = Topic(slug="klimat", name_sv="Klimat & miljö", name_en="Climate")
    story.topics.append(topic)
    pictured = desk.release(
        "R&D: <data value='10' data-figure='total'>tio</data> miljoner < tjugo",
        story=story,
        lead="Elva &amp; fler.",
        body='<p>Se <a href="/sv/">mer</a> och <a href="https://x.example/?a=1&amp;b=2">här</a>.</p>',
        about_programme="Programmet.",
        contacts=[{"name": "Felicia Wede", "phone": "072-450 01 50", "email": "f@icld.example"}],
    )
    inside = folders.image(
        story, writer, caption_sv='Visby "hamn" & kaj', credit="Anna Å. <Larsson>"
    )
    beside = folders.image(story, writer)
    body = f'{pictured.head.body}<figure data-image="{inside.id}"></figure>'
    folders.attach(pictured, inside, beside, folders.document(story, writer), body=body)
    listed(pictured, Heading.PROGRAMME, str(story.round.programme_id) if story.round else "")
    listed(pictured, Heading.TOPIC, str(topic.id))
    listed(pictured, Heading.PLACE, "1080")
    twin = desk.release("Samma sekund", published_at=pictured.published_at)
    correct(twin, desk.release("Rättad", changed_at=A_FRIDAY + timedelta(days=1)))
    desk.release("In English", language="en")
    return [
        *("/sv/", "/en/", "/sv/programmes/partnerskap/", "/en/programmes/partnerskap/"),
        *("/sv/topics/klimat/", "/sv/places/1080-karlskrona/", "/en/places/01-region-stockholm/"),
    ]


def correct(*releases: Release) -> None:
    for release in releases:
        went_live(release, Change.FIRST, by=None, at=A_FRIDAY)
        note = "I en tidigare version stod 4 < 3 & annat."
        went_live(release, Change.CORRECTION, note=note, by=None, at=A_FRIDAY + timedelta(days=1))
    db.session.commit()


def test_every_feed_of_a_rich_office_is_valid_without_a_warning(
    client: FlaskClient, rich: list[str]
) -> None:
    for path in rich:
        for form in FORMS:
            answer = client.get(f"{path}feed.{form}")
            served = answer.headers["Content-Type"]

            assert answer.status_code == 200, path
            assert (
                problems(answer.data, content_type=served, address=f"{BASE}{path}feed.{form}") == []
            ), path
            if form != "json":
                read(answer.data)


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

    for form, version in (("rss", "rss20"), ("atom", "atom10")):
        answer = client.get(f"/sv/feed.{form}")
        found = read(answer.data)
        [entry] = found.entries

        assert answer.headers["Content-Type"] == f"application/{form}+xml; charset=utf-8"
        assert found.version == version
        assert entry.title == "Tio miljoner till samarbete"
        assert entry.link == f"{BASE}/sv/releases/tio"
        assert entry.summary == "Elva mottagare."
        assert entry.author == "Centrum för Demokrati"
        assert [tag.label or tag.term for tag in entry.tags] == ["Kommunala partnerskap"]
        assert entry.published_parsed[:6] == (2022, 10, 28, 6, 0, 0)
        whole = entry.content[0].value
        for part in (
            *("Elva mottagare.", "Brödtext.", "Felicia Wede", "072-450 01 50", "Programmet."),
        ):
            assert part in whole
        assert "<data" not in whole


def test_the_json_feed_says_the_same(client: FlaskClient, desk: Desk) -> None:
    desk.organisation(site="https://www.example.org")
    desk.release("Rubrik", slug="ett", published_at=A_FRIDAY, story=desk.story())

    answer = client.get("/sv/feed.json")
    found = json.loads(answer.data)
    [item] = found["items"]

    assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    assert found["authors"] == [{"name": "Centrum för Demokrati", "url": "https://www.example.org"}]
    assert item["title"] == "Rubrik"
    assert item["url"] == f"{BASE}/sv/releases/ett"
    assert item["date_published"] == "2022-10-28T06:00:00+00:00"
    assert item["summary"] == "Elva mottagare delar på pengarna."
    assert item["tags"] == ["Kommunala partnerskap"]
    assert "Mer om saken." in item["content_html"]


def test_an_id_is_the_same_in_all_forms_and_outlives_slug_headline_and_host(
    app: Flask, client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    desk.organisation()
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    before = ids(client)
    release.slug = "ny"
    db.session.commit()
    app.config["BASE_URL"] = "https://nyheter.example"

    after = ids(client)

    assert before == after
    [guid] = after["rss"]
    assert guid == f"tag:127.0.0.1,2026-11-23:release/{release.id}"
    assert after["atom"] == after["json"] == [guid]
    assert not read(client.get("/sv/feed.rss").data).entries[0].guidislink


def test_a_feeds_own_id_outlives_its_host_and_differs_from_every_other(
    app: Flask, client: FlaskClient, rich: list[str], admin: User
) -> None:
    keep_own_host()
    db.session.commit()

    def own() -> list[str]:
        return [read(client.get(f"{path}feed.atom").data).feed.id for path in rich]

    before = own()
    app.config["BASE_URL"] = "https://nyheter.example"

    assert own() == before
    assert len(set(before)) == len(rich)


def test_the_host_of_ids_is_written_once(app: Flask, desk: Desk) -> None:
    sender = desk.organisation()
    keep_own_host()
    app.config["BASE_URL"] = "https://nyheter.example"
    keep_own_host()
    db.session.commit()

    assert sender.tag_host == "127.0.0.1"


def test_an_upgrade_keeps_the_host_that_ids_have_had(app: Flask, desk: Desk) -> None:
    sender = desk.organisation()

    answer = app.test_cli_runner().invoke(cli.migrate)

    assert answer.exit_code == 0, answer.output
    db.session.refresh(sender)
    assert sender.tag_host == "127.0.0.1"


def test_the_first_publication_writes_down_the_host(desk: Desk, writer: User, editor: User) -> None:
    sender = desk.organisation()

    factories.release(writer, state=State.PUBLISHED, editor=editor)

    assert sender.tag_host == "127.0.0.1"


def test_the_feed_holds_the_newest_only_and_in_order(client: FlaskClient, desk: Desk) -> None:
    for n in range(FEED + 2):
        desk.release(f"Nyhet {n}")

    expected = [f"Nyhet {n}" for n in range(FEED)]

    assert titles(client, "/sv/feed.rss") == titles(client, "/sv/feed.atom") == expected
    found = client.get("/sv/feed.json").get_json(force=True)
    assert [item["title"] for item in found["items"]] == expected


@pytest.mark.parametrize("path", ["/en/feed", "/sv/places/0980-gotland/feed"])
def test_a_feed_with_nothing_yet_is_valid_and_empty(client: FlaskClient, path: str) -> None:
    for form in FORMS:
        answer = client.get(f"{path}.{form}")
        served = answer.headers["Content-Type"]

        assert problems(answer.data, content_type=served, address=f"{BASE}{path}.{form}") == []
        assert b"release/" not in answer.data


def test_each_heading_has_its_own(client: FlaskClient, rich: list[str]) -> None:
    one = ["R&D: tio miljoner < tjugo"]

    assert titles(client, "/sv/programmes/partnerskap/feed.atom") == one
    assert titles(client, "/sv/topics/klimat/feed.atom") == one
    assert titles(client, "/sv/places/1080-karlskrona/feed.atom") == one
    assert titles(client, "/en/programmes/partnerskap/feed.atom") == []
    assert len(titles(client, "/sv/feed.atom")) == 3


def test_a_feed_has_one_address(client: FlaskClient, rich: list[str]) -> None:
    db.session.add(Topic(slug="partnerskap"))
    db.session.commit()
    leads = {
        "/sv/topics/partnerskap/feed.rss": "/sv/programmes/partnerskap/feed.rss",
        "/sv/topics/press-releases/feed.json": "/sv/feed.json",
        "/sv/places/1080/feed.atom": "/sv/places/1080-karlskrona/feed.atom",
        "/sv/places/1080-fel/feed.atom": "/sv/places/1080-karlskrona/feed.atom",
    }

    for path, home in leads.items():
        answer = client.get(path)

        assert (answer.status_code, answer.headers["Location"]) == (301, f"{BASE}{home}")


def test_what_nobody_has_heard_of_has_no_feed(client: FlaskClient, desk: Desk) -> None:
    desk.release("Utkast", story=desk.story(), state=State.DRAFT)
    db.session.add(Topic(slug="hemligt", active=False))
    db.session.commit()

    for path in (
        *("/sv/programmes/partnerskap/", "/sv/topics/hemligt/", "/sv/topics/partnerskap/"),
        *("/sv/places/9999-x/", "/sv/places/x/", "/de/", "/sv/programmes/x/"),
    ):
        assert client.get(f"{path}feed.rss").status_code == 404, path
    assert client.get("/sv/feed.xml").status_code == 404


def test_what_it_is_filed_under_stands_with_it(client: FlaskClient, rich: list[str]) -> None:
    root = ET.fromstring(client.get("/sv/topics/klimat/feed.atom").data)
    found = [one.attrib for one in root.iter(f"{{{ATOM}}}category")]

    assert found == [
        {"term": term, "label": label, "scheme": f"{BASE}/sv/{kind}/"}
        for term, label, kind in (
            ("partnerskap", "Kommunala partnerskap", "programmes"),
            ("klimat", "Klimat & miljö", "topics"),
            ("1080", "Karlskrona", "places"),
        )
    ]
    rss = ET.fromstring(client.get("/sv/topics/klimat/feed.rss").data)
    assert [(one.text, one.get("domain")) for one in rss.iter("category")] == [
        (one["label"], one["scheme"]) for one in found
    ]


def test_pictures_come_along_with_their_credit(client: FlaskClient, rich: list[str]) -> None:
    item = ET.fromstring(client.get("/sv/topics/klimat/feed.rss").data).find(".//item")
    assert item is not None
    shown = item.findall(f"{{{MEDIA}}}content")
    [enclosure] = item.findall("enclosure")

    assert [one.findtext(f"{{{MEDIA}}}credit") for one in shown] == [
        "Anna Å. <Larsson>",
        "Anna Larsson",
    ]
    assert shown[0].findtext(f"{{{MEDIA}}}description") == 'Visby "hamn" & kaj'
    assert (shown[0].get("width"), shown[0].get("height")) == ("960", "640")
    assert enclosure.get("url") == shown[0].get("url")
    for one in shown:
        with client.get((one.get("url") or "").removeprefix(BASE)) as file:
            assert file.content_type == "image/jpeg"
            assert one.get("fileSize") == str(len(file.data))
    assert enclosure.get("length") == shown[0].get("fileSize")
    whole = item.findtext(f"{{{CONTENT}}}encoded") or ""
    assert f'<img src="{enclosure.get("url")}"' in whole
    assert "Foto: Anna Larsson" in whole

    entry = ET.fromstring(client.get("/sv/topics/klimat/feed.atom").data).find(f"{{{ATOM}}}entry")
    assert entry is not None
    files = [one for one in entry.findall(f"{{{ATOM}}}link") if one.get("rel") == "enclosure"]
    assert [one.get("href") for one in files] == [one.get("url") for one in shown]
    [json_item] = client.get("/sv/topics/klimat/feed.json").get_json(force=True)["items"]
    assert json_item["image"] == enclosure.get("url")
    assert [one["url"] for one in json_item["attachments"]] == [one.get("url") for one in shown]


def test_a_picture_whose_file_is_not_there_is_left_out(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release(story=desk.story())
    image = folders.image(release.story, writer)
    folders.attach(release, image)
    shutil.rmtree(folders.of(image.key))

    answer = client.get("/sv/feed.rss")

    assert b"enclosure" not in answer.data
    assert len(read(answer.data).entries) == 1


def test_a_correction_opens_the_item_and_moves_its_time_but_not_its_place(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release("Nyast")
    old = desk.release("Rättad", changed_at=A_FRIDAY + timedelta(days=1))
    correct(old)

    found = read(client.get("/sv/feed.atom").data)
    [_newest, entry] = found.entries
    [_, item] = client.get("/sv/feed.json").get_json(force=True)["items"]

    opening = "Rättelse 29 oktober 2022 kl. 08.00: I en tidigare version stod 4 < 3 & annat."
    assert entry.title == item["title"] == "Rättad"
    assert entry.summary.startswith(opening)
    assert item["summary"].startswith(opening)
    assert item["content_html"].startswith(
        "<p><strong>Rättelse 29 oktober 2022 kl. 08.00:</strong>"
    )
    assert item["date_modified"] == "2022-10-29T06:00:00+00:00"
    assert entry.updated_parsed[:4] == (2022, 10, 29, 6)
    assert found.feed.updated == "2022-10-29T06:00:00+00:00"


def test_two_releases_of_the_same_second_are_told_apart(client: FlaskClient, desk: Desk) -> None:
    for _ in range(3):
        desk.release(published_at=A_FRIDAY)

    entries = read(client.get("/sv/feed.atom").data).entries

    assert len({entry.updated for entry in entries}) == 3
    assert {entry.updated_parsed[:6] for entry in entries} == {(2022, 10, 28, 6, 0, 0)}


def withdrawn_by_the_book(writer: User, editor: User) -> Release:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    at = factories.A_MORNING + timedelta(hours=1)
    workflow.withdraw(release, reason="Fel belopp & fel land", by=editor, at=at)
    db.session.commit()
    return release


def test_a_withdrawn_release_leaves_a_tombstone_in_atom_alone(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    release = withdrawn_by_the_book(writer, editor)
    programme = release.story.round.programme.slug if release.story.round else ""

    for path in ("/sv/", f"/sv/programmes/{programme}/"):
        root = ET.fromstring(client.get(f"{path}feed.atom").data)
        [stone] = root.findall(f"{{{TOMBSTONES}}}deleted-entry")

        assert stone.get("ref") == f"tag:127.0.0.1,2026-11-23:release/{release.id}"
        assert stone.get("when") == "2026-11-23T09:00:00+00:00"
        assert stone.findtext(f"{{{TOMBSTONES}}}comment") == "Fel belopp & fel land"
        assert root.findtext(f"{{{ATOM}}}updated") == "2026-11-23T09:00:00+00:00"
        assert client.get(f"{path}feed.json").get_json(force=True)["items"] == []
        assert read(client.get(f"{path}feed.rss").data).entries == []
        assert client.get(f"{path}feed.rss").headers["Last-Modified"].endswith("09:00:00 GMT")


def test_a_place_buries_what_was_about_it(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    withdrawn_by_the_book(writer, editor)

    falun = ET.fromstring(client.get("/sv/places/2080-falun/feed.atom").data)
    karlskrona = ET.fromstring(client.get("/sv/places/1080-karlskrona/feed.atom").data)

    assert len(falun.findall(f"{{{TOMBSTONES}}}deleted-entry")) == 1
    assert karlskrona.findall(f"{{{TOMBSTONES}}}deleted-entry") == []


def test_the_only_thing_a_validator_says_of_tombstones_is_that_it_does_not_know_them(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    withdrawn_by_the_book(writer, editor)

    answer = client.get("/sv/feed.atom")

    assert problems(
        answer.data, content_type=answer.headers["Content-Type"], address=f"{BASE}/sv/feed.atom"
    ) == [f"UnknownNamespace: {TOMBSTONES}"]


def test_what_is_put_back_returns_under_the_same_id(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    before = ids(client)
    at = factories.A_MORNING + timedelta(hours=1)
    workflow.withdraw(release, reason="Fel", by=editor, at=at)
    db.session.commit()
    assert ids(client)["atom"] == []
    workflow.reinstate(release, by=editor, at=at + timedelta(hours=1))
    db.session.commit()

    answer = client.get("/sv/feed.atom")

    assert ids(client) == before
    assert answer.last_modified is not None
    assert answer.last_modified.isoformat() == "2026-11-23T10:00:00+00:00"
    assert b"deleted-entry" not in answer.data


def test_who_has_the_feed_already_is_told_so(client: FlaskClient, desk: Desk) -> None:
    desk.release(published_at=A_FRIDAY)
    for form in FORMS:
        first = client.get(f"/sv/feed.{form}")
        etag, changed = first.headers["ETag"], first.headers["Last-Modified"]

        assert changed == "Fri, 28 Oct 2022 06:00:00 GMT"
        assert not etag.startswith("W/")
        for method in (client.get, client.head):
            for condition in ({"If-None-Match": etag}, {"If-Modified-Since": changed}):
                answer = method(f"/sv/feed.{form}", headers=condition)
                assert answer.status_code == 304
                assert answer.data == b""
                assert answer.headers["ETag"] == etag
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert client.get(f"/sv/feed.{form}").headers["ETag"] == etag


def test_a_change_or_a_withdrawal_renews_the_feed(client: FlaskClient, desk: Desk) -> None:
    release = desk.release("Borta", published_at=A_FRIDAY - timedelta(days=1))
    desk.release("Kvar", published_at=A_FRIDAY)
    first = client.get("/sv/feed.rss")
    release.state = State.WITHDRAWN
    release.changed_at = A_FRIDAY + timedelta(days=3)
    db.session.commit()

    by_etag = client.get("/sv/feed.rss", headers={"If-None-Match": first.headers["ETag"]})
    by_date = client.get(
        "/sv/feed.rss", headers={"If-Modified-Since": first.headers["Last-Modified"]}
    )

    assert by_etag.status_code == by_date.status_code == 200
    assert [entry.title for entry in read(by_date.data).entries] == ["Kvar"]


def test_a_release_that_is_filed_under_a_topic_later_renews_the_topics_feed(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    first, second = (factories.release(writer, state=State.PUBLISHED, editor=editor) for _ in "ab")
    klimat = topics.add(name_sv="Klimat", name_en="", by=editor, at=factories.A_MORNING)
    topics.file_under(first, [klimat.id], by=editor, at=factories.A_MORNING)
    db.session.commit()
    before = client.get("/sv/topics/klimat/feed.rss")
    later = factories.A_MORNING + timedelta(hours=1)
    topics.file_under(second, [klimat.id], by=editor, at=later)
    db.session.commit()

    answer = client.get(
        "/sv/topics/klimat/feed.rss",
        headers={"If-Modified-Since": before.headers["Last-Modified"]},
    )

    assert answer.status_code == 200
    assert len(read(before.data).entries) == 1
    assert len(read(answer.data).entries) == 2


def test_a_place_that_a_correction_takes_away_has_another_feed_from_then_on(
    client: FlaskClient, desk: Desk
) -> None:
    moved = desk.release(published_at=A_FRIDAY)
    listed(moved, Heading.PLACE, "1080")
    before = client.get("/sv/places/1080-karlskrona/feed.rss")
    db.session.execute(sa.delete(Listing))
    moved.changed_at = A_FRIDAY + timedelta(hours=1)
    db.session.commit()

    answer = client.get(
        "/sv/places/1080-karlskrona/feed.rss",
        headers={"If-Modified-Since": before.headers["Last-Modified"]},
    )

    assert answer.status_code == 200
    assert read(answer.data).entries == []


def test_pages_of_other_hosts_may_read_it_and_caches_may_keep_it(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release()

    for method in (client.get, client.head):
        answer = method("/sv/feed.json", headers={"Origin": "https://reader.example"})

        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert "Sec-Fetch-Dest" in answer.headers["Vary"]
        assert "Cookie" not in answer.headers["Vary"]
        assert "Set-Cookie" not in answer.headers


def test_feeds_name_their_hubs_in_the_document_and_in_the_header(
    client: FlaskClient, rich: list[str]
) -> None:
    both = [A_HUB, f"{BASE}/hub"]

    for form in FORMS:
        answer = client.get(f"/sv/feed.{form}")

        assert answer.headers.getlist("Link") == [
            f'<{BASE}/sv/feed.{form}>; rel="self"',
            *(f'<{hub}>; rel="hub"' for hub in both),
        ]
        if form == "json":
            assert [one["url"] for one in json.loads(answer.data)["hubs"]] == both
        else:
            links = read(answer.data).feed.links
            named = [link.href for link in links if link.rel == "hub"]
            assert named == (both if form == "rss" else both[:1])


def test_without_a_hub_none_is_named(client: FlaskClient, desk: Desk) -> None:
    desk.organisation()
    desk.release()

    for form in FORMS:
        answer = client.get(f"/sv/feed.{form}")

        assert answer.headers.getlist("Link") == [f'<{BASE}/sv/feed.{form}>; rel="self"']
        assert b"hub" not in answer.data


def test_hostile_words_do_no_harm_in_the_feed(client: FlaskClient, desk: Desk) -> None:
    desk.release(
        "Rubrik ]]> &amp; <script>alert(1)</script>",
        lead="Ingress <img src=x onerror=y>",
        body="<p>Text</p><script>alert(2)</script><p onclick=x>]]></p>",
    )

    root = ET.fromstring(client.get("/sv/feed.rss").data)
    whole = root.findtext(f".//{{{CONTENT}}}encoded")

    assert whole is not None
    for harm in ("<script", "onclick", "onerror", "<img"):
        assert harm not in whole
    assert (root.findtext(".//item/title") or "").startswith("Rubrik ]]> &")


def test_a_headline_that_is_nothing_but_a_gap_leaves_no_nameless_item(
    client: FlaskClient, desk: Desk
) -> None:
    gap = '<mark data-gap="headline">[Rubrik]</mark>'
    desk.release(gap, lead="Ingress.")
    desk.release(gap, lead="")

    for form in FORMS:
        answer = client.get(f"/sv/feed.{form}")
        served = answer.headers["Content-Type"]
        assert problems(answer.data, content_type=served, address=f"{BASE}/sv/feed.{form}") == []
    assert titles(client, "/sv/feed.rss") == ["Ingress.", "Organisationen"]


def test_however_many_releases_the_questions_are_as_many(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    desk.organisation()

    def questions() -> int:
        with counted_queries() as asked:
            assert client.get("/sv/feed.atom").status_code == 200
        return len(asked)

    def publish() -> None:
        release = desk.release(story=Story(created_at=A_FRIDAY))
        release.story.topics.append(Topic(slug=f"amne-{desk.count}"))
        folders.attach(release, folders.image(release.story, writer))
        listed(release, Heading.PLACE, "1080")

    publish()
    questions()
    publish()
    few = questions()
    for _ in range(6):
        publish()

    assert questions() == few


def test_a_poll_that_has_the_latest_asks_next_to_nothing(client: FlaskClient, desk: Desk) -> None:
    desk.release()
    etag = client.get("/sv/feed.atom").headers["ETag"]

    with counted_queries() as asked:
        answer = client.get("/sv/feed.atom", headers={"If-None-Match": etag})

    assert answer.status_code == 304
    assert [one for one in asked if "FROM generation" not in one] in ([], ["BEGIN"])


def test_what_is_published_is_in_the_feeds_of_its_headings_at_once(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    assert titles(client, "/sv/places/2080-falun/feed.rss") == []
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    assert release.live is not None

    assert titles(client, "/sv/places/2080-falun/feed.rss") == [release.live.title]
