"""An address that leads nowhere leads on, tells nothing, and a broken office still has a page."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import db, normal_url
from releases.editorial.models import State
from releases.media.questions import Attached
from releases.newsroom.pages import public_text
from tests.releases.newsroom.desk import Desk


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def test_a_missing_page_offers_the_search_and_the_latest(client: FlaskClient, desk: Desk) -> None:
    for number in range(5):
        desk.release(f"Nyhet nummer {number}")

    answer = client.get("/sv/releases/finns-inte")

    assert answer.status_code == 404
    assert 'action="/sv/search"' in answer.text
    assert re.findall(r"Nyhet nummer (\d)", answer.text) == ["0", "1", "2"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_draft_and_nothing_at_all_look_the_same(client: FlaskClient, desk: Desk) -> None:
    desk.release("Hemlig", slug="hemlig", state=State.DRAFT)

    secret, nothing = client.get("/sv/releases/hemlig"), client.get("/sv/releases/ingenting")

    assert secret.status_code == nothing.status_code == 404
    assert secret.text.replace("hemlig", "ingenting") == nothing.text
    assert "Hemlig" not in secret.text


def test_nothing_is_offered_while_nothing_is_published(client: FlaskClient) -> None:
    assert "latest-title" not in client.get("/en/missing").text


def test_a_page_that_failed_asks_for_no_style_that_needs_the_database(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_args: object, **_more: object) -> None:
        raise OSError("no such host db.internal")

    for name in ("execute", "scalar", "scalars"):
        monkeypatch.setattr(db.session, name, silent)
    app.testing = False
    client = app.test_client()

    page = client.get("/sv/")

    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert page.status_code == 500
    assert sheets
    for sheet in sheets:
        with client.get(sheet) as answer:
            assert answer.status_code == 200
            assert answer.mimetype == "text/css"


def test_the_front_leads_to_other_years_once_there_are_some(
    client: FlaskClient, desk: Desk
) -> None:
    desk.release(published_at=datetime(2026, 3, 1, 8, tzinfo=UTC))
    assert "/sv/years/" not in client.get("/sv/").text.split("<footer")[0]

    desk.release(published_at=datetime(2024, 3, 1, 8, tzinfo=UTC))

    page = client.get("/sv/").text
    for year in (2026, 2024):
        assert f'href="/sv/years/{year}/"' in page


def test_a_picture_stands_under_the_lead_unless_the_text_shows_it_itself(desk: Desk) -> None:
    printed = {
        "id": 7,
        "key": "k" * 43,
        "filename": "hamn.jpg",
        "content_type": "image/jpeg",
        "size": 1000,
        "width": 1600,
        "height": 900,
        "alt": "En hamn",
        "caption": "",
        "credit": "",
        "licence": "",
    }
    plain = desk.release(body="<p>Utan.</p>").live
    shown = desk.release(body='<p>Med.</p><figure data-image="7"></figure>').live
    assert plain is not None
    assert shown is not None

    tops = [
        public_text(one, language="sv", glyph="–", attached=Attached([printed], [])).top
        for one in (plain, shown)
    ]

    assert tops[0] is not None
    assert tops[0].alt == "En hamn"
    assert tops[1] is None
