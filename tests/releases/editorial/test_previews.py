"""The preview: what readers will meet, from the head or from words that nobody has saved."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial.autosaving import keep
from releases.editorial.models import Release, Revision
from releases.editorial.writing import save, text_of
from subscribers.mailings.models import Mailing
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.looking import words

LATER = A_MORNING + timedelta(minutes=5)
WAYS = ("page", "phone", "mail", "text", "feed")
CONTACT = {"id": 1, "name": "Lo Lind", "title": "", "phone": "070-174 06 10", "email": ""}


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """A page looks the same whichever database it comes from."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def release(client: FlaskClient, writer: User) -> Release:
    """With words of its own in every part, and a gap."""
    made = factories.release(writer)
    text = replace(
        text_of(made.head),
        headline="Pengar till vatten",
        lead="Tre mottagare delar.",
        body='<p>Brödtexten.</p><p>Citat <mark data-gap="quote">[vem?]</mark>.</p>',
        contacts=[CONTACT],
    )
    save(made, text, base_id=made.head_id or 0, by=writer, at=LATER)
    db.session.commit()
    signed_in(client, writer)
    return made


def framed(client: FlaskClient, release: Release, way: str, **more: Any) -> TestResponse:
    query = {"as": way, **more}
    return client.get(f"/office/releases/{release.id}/preview", query_string=query)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_shows_the_text_as_readers_get_it(
    client: FlaskClient, release: Release, way: str
) -> None:
    answer = framed(client, release, way)

    said = words(answer.text)
    assert answer.status_code == 200
    for part in ("Pengar till vatten", "Tre mottagare delar.", "Brödtexten.", "Lo Lind"):
        assert part in said
    assert "[vem?]" not in said


@pytest.mark.parametrize("way", WAYS)
def test_only_our_own_pages_may_frame_it_and_no_script_runs_in_it(
    client: FlaskClient, release: Release, way: str
) -> None:
    answer = framed(client, release, way)

    policy = answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "frame-ancestors 'self'" in policy
    assert "script-src 'none'" in policy
    assert "default-src 'none'" in policy
    assert ("'unsafe-inline'" in policy) == (way == "mail")


def test_the_pages_with_a_frame_may_show_only_our_own(
    client: FlaskClient, release: Release
) -> None:
    for more in ("preview", "edit"):
        answer = client.get(f"/office/releases/{release.id}/{more}")
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-src 'self'" in policy, more
        assert "frame-ancestors 'none'" in policy, more
    other = client.get(f"/office/releases/{release.id}").headers["Content-Security-Policy"]
    assert "frame-src" not in other


@pytest.mark.parametrize("way", WAYS)
def test_the_page_for_people_has_a_frame_for_each_way(
    client: FlaskClient, release: Release, way: str
) -> None:
    page = client.get(f"/office/releases/{release.id}/preview?show={way}").text

    [source] = re.findall(r'<iframe[^>]*src="([^"]*)"', page)
    assert source == f"/office/releases/{release.id}/preview?as={way}"
    assert page.count('aria-current="page"') == 1
    assert ("Ämnesrad" in page) == (way in ("mail", "text"))


def test_a_way_that_there_is_not_is_the_page(client: FlaskClient, release: Release) -> None:
    answer = framed(client, release, "fax")

    assert "<h1>Pengar till vatten</h1>" in answer.text


def test_the_mail_is_the_real_one_and_its_foot_leads_nowhere(
    client: FlaskClient, release: Release
) -> None:
    html, text = framed(client, release, "mail").text, framed(client, release, "text").text

    assert 'class="foot"' in html
    assert "Avregistrera" in words(html)
    assert not re.search(r'href="[^"]*(unsubscribe|preferences|nowhere)', html)
    assert f"/sv/releases/{release.slug}" in html
    assert "/unsubscribe/…" in text


def test_the_feed_item_knows_no_figures_and_all_its_links_are_whole(
    client: FlaskClient, release: Release, writer: User
) -> None:
    body = '<p><data value="3" data-figure="grantees.count">tre</data> <a href="/sv/">här</a></p>'
    text = replace(text_of(release.head), body=body)
    save(release, text, base_id=release.head_id or 0, by=writer, at=LATER)
    db.session.commit()

    page = framed(client, release, "feed").text

    assert "<data" not in page
    assert 'href="/sv/"' not in page
    assert "<p>tre <a" in page


@pytest.mark.parametrize("way", WAYS)
def test_unsaved_words_are_shown_to_whoever_wrote_them(
    client: FlaskClient, release: Release, writer: User, editor: User, way: str
) -> None:
    mine = replace(text_of(release.head), headline="Osparad rubrik")
    keep(release, mine, base=release.head, by=writer, at=LATER)
    db.session.commit()
    head = release.head_id

    own = framed(signed_in(client, writer), release, way, unsaved=1).text
    saved = framed(client, release, way).text
    others = framed(signed_in(client, editor), release, way, unsaved=1).text

    db.session.expire_all()
    assert "Osparad rubrik" in words(own)
    assert "Osparad rubrik" not in words(saved) + words(others)
    assert db.session.scalar(sa.select(sa.func.count(Revision.id))) == 2
    assert db.session.get_one(Release, release.id).head_id == head


def test_looking_sends_nothing(client: FlaskClient, release: Release) -> None:
    for way in WAYS:
        framed(client, release, way)

    assert db.session.scalar(sa.select(sa.func.count(Mailing.id))) == 0


def test_the_preview_speaks_the_releases_language_around_the_offices(
    client: FlaskClient, release: Release, writer: User
) -> None:
    english = factories.release(writer, language="en")

    inner = framed(client, english, "page").text
    around = client.get(f"/office/releases/{english.id}/preview").text

    assert '<html lang="en">' in inner
    assert '<html lang="sv">' in around
