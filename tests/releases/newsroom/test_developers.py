"""The page for programmers: what it shows can be asked for as it stands there."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import normal_url
from releases.newsroom.lists import listing
from releases.newsroom.machines.api_public import FLOOD
from tests.factories import round_
from tests.releases.newsroom.desk import Desk
from tests.releases.newsroom.test_published_rounds import published

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """A page is the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_example_on_the_page_works(
    client: FlaskClient, writer: User, editor: User, language: str
) -> None:
    round_()
    published(writer, editor, language=language)
    listing.list_releases()

    page = client.get(f"/{language}/developers").text
    samples = [unescape(one) for one in re.findall(r"(?s)<code>(.*?)</code></pre>", page)]
    addresses = re.findall(rf"{BASE}([^\s']+)", "\n".join(samples))
    main = page[page.index("<main") : page.index("</main>")]
    links = re.findall(r'href="(/[^"]*)"', main)

    assert len(addresses) >= 8
    assert len(links) >= 10
    for path in {*addresses, *links}:
        if "…" not in path:
            assert client.get(path).status_code == 200, path


def test_the_page_tells_the_limit_that_there_is(client: FlaskClient) -> None:
    assert FLOOD == "600 per minute"
    assert "600" in client.get("/en/developers").text


def test_the_page_does_without_anything_published(client: FlaskClient, desk: Desk) -> None:
    assert client.get("/sv/developers").status_code == 200
    assert 'href="/sv/developers"' in client.get("/sv/").text
