"""What visitors, feed readers and search engines meet after a correction and a withdrawal."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import db, normal_url
from releases.editorial.models import Change, Publication, Release, Revision, State
from tests.releases.newsroom.desk import Desk

FIRST = datetime(2019, 12, 5, 5, 0, tzinfo=UTC)
SECOND = datetime(2019, 12, 6, 9, 15, tzinfo=UTC)
WRONG = "Elva får dela på <data value='10641000' data-figure='total'>10 641 000 kronor</data>."
NOTE = "I en tidigare version angavs 10 641 000 kronor. Rätt uppgift är 11 641 000 kronor."


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def published(desk: Desk, *, language: str = "sv", **more: Any) -> Release:
    release = desk.release(slug="tio", language=language, published_at=FIRST, lead=WRONG, **more)
    remember(release, Change.FIRST, at=FIRST)
    return release


def remember(release: Release, change: Change, *, at: datetime, note: str = "") -> None:
    db.session.add(
        Publication(
            release_id=release.id, revision_id=release.live_id, change=change, note=note, at=at
        )
    )
    db.session.commit()


def changed(
    release: Release,
    change: Change = Change.CORRECTION,
    *,
    at: datetime = SECOND,
    note: str = NOTE,
    lead: str = "Elva får dela på 11 641 000 kronor.",
) -> Release:
    """Other words go live."""
    head = release.head
    revision = Revision(
        release_id=release.id,
        number=head.number + 1,
        headline=head.headline,
        lead=lead,
        body=head.body,
        created_at=at,
    )
    db.session.add(revision)
    db.session.flush()
    ids = dict.fromkeys(("head_id", "approved_id", "live_id"), revision.id)
    db.session.execute(
        sa.update(Release).where(Release.id == release.id).values(changed_at=at, **ids)
    )
    db.session.expire(release)
    remember(release, change, at=at, note=note)
    return release


def words(answer: TestResponse) -> str:
    """The page as read, without marks and with single spaces."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1>", "", answer.text)
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("\u00a0", " ").split())


def article(answer: TestResponse) -> dict[str, Any]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', answer.text)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_a_correction_stands_below_the_date_with_its_own(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk))

    page = words(client.get("/sv/releases/tio"))

    dated = page.index("5 december 2019 kl. 06.00 · Pressmeddelande")
    told = page.index(f"Rättelse 6 december 2019 kl. 10.15 : {NOTE}")
    assert dated < told < page.index("Elva får dela på 11 641 000 kronor.")
    assert "Uppdaterad" not in page
    assert "Elva får dela på 10 641 000 kronor." not in page


def test_a_correction_in_english_is_dated_the_english_way(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk, language="en"), note="Wrong.")

    page = words(client.get("/en/releases/tio"))

    assert "Correction, 6 December 2019, 10:15 : Wrong." in page


def test_the_newest_correction_comes_first_and_each_leads_to_what_it_corrected(
    client: FlaskClient, desk: Desk
) -> None:
    release = changed(published(desk))
    changed(release, at=SECOND + timedelta(days=1), note="Ännu en.")

    answer = client.get("/sv/releases/tio")

    assert words(answer).index("Ännu en.") < words(answer).index(NOTE)
    assert re.findall(r"/sv/releases/tio/versions/(\d+)", answer.text) == ["2", "1"]


def test_a_typo_is_a_dated_line_and_no_more(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk), Change.TYPO, note="")

    page = words(client.get("/sv/releases/tio"))

    assert "Uppdaterad 6 december 2019 kl. 10.15" in page
    assert "Rättelse" not in page


def test_a_note_with_marks_in_it_is_only_words(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk), note="<script>alert(1)</script> & annat")

    page = client.get("/sv/releases/tio").text
    feed = feedparser.parse(client.get("/sv/feed.rss").data)

    assert "<script>alert(1)" not in page
    assert "<script>" not in feed.entries[0].content[0].value


def test_the_earlier_wording_stays_readable_and_says_what_is_wrong_about_it(
    client: FlaskClient, desk: Desk
) -> None:
    changed(published(desk))

    answer = client.get("/sv/releases/tio/versions/1")
    page = words(answer)

    assert answer.status_code == 200
    assert page.index("Tidigare version") < page.index(NOTE) < page.index("10 641 000 kronor .")
    assert '<meta name="robots" content="noindex">' in answer.text
    assert '<link rel="canonical" href="http://127.0.0.1:8000/sv/releases/tio">' in answer.text
    assert "ld+json" not in answer.text
    assert 'hreflang="sv" href' not in answer.text


@pytest.mark.parametrize("number", ["0", "2", "3", "99", "99999999999999999999", "-1", "x"])
def test_only_what_has_been_live_has_a_version_page(
    client: FlaskClient, desk: Desk, number: str
) -> None:
    """Version 2 was written and never published; 3 is the present one after it."""
    release = published(desk)
    unpublished = Revision(
        release_id=release.id, number=2, headline="Hemligt", lead="", body="", created_at=FIRST
    )
    db.session.add(unpublished)
    db.session.flush()
    release.head_id = unpublished.id
    release.state = State.DRAFT
    db.session.commit()

    assert client.get(f"/sv/releases/tio/versions/{number}").status_code == 404


def test_the_present_version_is_the_page_itself(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk))

    answer = client.get("/sv/releases/tio/versions/2")

    assert answer.status_code == 302
    assert answer.location == "http://127.0.0.1:8000/sv/releases/tio"


def test_machines_are_told_of_the_correction(client: FlaskClient, desk: Desk) -> None:
    release = published(desk)
    assert "correction" not in article(client.get("/sv/releases/tio"))

    changed(release)

    data = article(client.get("/sv/releases/tio"))
    assert data["datePublished"] == "2019-12-05T06:00:00+01:00"
    assert data["dateModified"] == "2019-12-06T10:15:00+01:00"
    assert data["correction"] == [
        {
            "@type": "CorrectionComment",
            "text": NOTE,
            "datePublished": "2019-12-06T10:15:00+01:00",
        }
    ]


def test_the_languages_still_point_at_each_other(client: FlaskClient, desk: Desk) -> None:
    story = desk.story()
    swedish = published(desk, story=story)
    desk.release("Ten million", language="en", slug="ten", story=story, published_at=FIRST)
    before = re.findall(r'<link rel="(?:canonical|alternate)"[^>]*>', page(client))

    changed(swedish)

    assert re.findall(r'<link rel="(?:canonical|alternate)"[^>]*>', page(client)) == before
    assert any('hreflang="en"' in link for link in before)


def page(client: FlaskClient) -> str:
    return client.get("/sv/releases/tio").text


def test_a_feed_reader_meets_the_note_first_in_the_same_item(
    client: FlaskClient, desk: Desk
) -> None:
    release = published(desk)
    [before] = feedparser.parse(client.get("/sv/feed.rss").data).entries

    changed(release)

    found = feedparser.parse(client.get("/sv/feed.rss").data)
    [after] = found.entries
    assert found.bozo == 0
    assert (after.id, after.link, after.title, after.published) == (
        before.id,
        before.link,
        before.title,
        before.published,
    )
    opening = f"Rättelse 6 december 2019 kl. 10.15: {NOTE}"
    assert after.summary.startswith(opening)
    assert re.sub(r"<[^>]+>", "", after.content[0].value).startswith(opening)
    assert after.updated == "2019-12-06T09:15:00+00:00"
    assert "updated" not in before


def test_the_sitemap_says_when_it_changed(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk))

    assert "<lastmod>2019-12-06T10:15:00+01:00</lastmod>" in client.get("/sitemap.xml").text


@pytest.mark.parametrize("path", ["/sv/releases/tio", "/sv/feed.rss"])
def test_what_is_kept_is_asked_for_anew_after_a_correction_and_a_withdrawal(
    client: FlaskClient, desk: Desk, path: str
) -> None:
    release = published(desk)
    first = client.get(path)
    kept = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=kept).status_code == 304

    changed(release)
    second = client.get(path, headers=kept)
    assert second.status_code == 200
    assert second.last_modified is not None and first.last_modified is not None
    assert second.last_modified > first.last_modified

    kept = {"If-None-Match": second.headers["ETag"]}
    withdraw(release)
    third = client.get(path, headers=kept)
    assert third.status_code == (410 if "releases" in path else 200)
    assert NOTE not in third.text


def withdraw(release: Release) -> None:
    release.state = State.WITHDRAWN
    release.withdrawn_reason = "Uppgifterna var fel från början."
    release.changed_at = release.updated_at = SECOND + timedelta(days=1)
    db.session.commit()


@pytest.mark.parametrize("path", ["/sv/releases/tio", "/sv/releases/tio/versions/1"])
@pytest.mark.parametrize(
    "accepted", ["text/html", "*/*", "application/json", "application/rss+xml", ""]
)
def test_a_withdrawn_release_is_gone_whoever_asks(
    client: FlaskClient, desk: Desk, path: str, accepted: str
) -> None:
    withdraw(changed(published(desk)))

    answer = client.get(path, headers={"Accept": accepted})

    assert answer.status_code == 410
    assert "Uppgifterna var fel från början." in (answer.json or {}).get("reason", answer.text)
    assert "11 641 000" not in answer.text
    assert "noindex" in answer.text or answer.is_json


def test_a_withdrawn_release_leaves_the_feed_and_the_sitemap(
    client: FlaskClient, desk: Desk
) -> None:
    release = published(desk)
    withdraw(release)

    assert feedparser.parse(client.get("/sv/feed.rss").data).entries == []
    assert "/sv/releases/tio" not in client.get("/sitemap.xml").text


def test_a_visitor_of_an_earlier_version_gets_no_cookie(client: FlaskClient, desk: Desk) -> None:
    changed(published(desk))

    assert "Set-Cookie" not in client.get("/sv/releases/tio/versions/1").headers
