"""The page about whether mail is accepted: on demand, kept, and in the reader's own words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import normal_url
from tests import factories
from tests.nameserver import NameServer
from tests.postoffice import PostOffice

PAGE = "/office/settings/deliverability/"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What the page shows lies in a file."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def dns(app: Flask) -> Iterator[NameServer]:
    with NameServer() as server:
        app.config.update(BASE_URL="http://press.example.org", DNS_SERVER=server.address)
        yield server


@pytest.fixture
def browser(client: FlaskClient, admin: User) -> FlaskClient:
    return factories.signed_in(client, admin)


def test_before_anybody_has_looked_the_page_asks_nothing_of_the_world(
    browser: FlaskClient, dns: NameServer
) -> None:
    page = browser.get(PAGE).text

    assert "Inget är kontrollerat än" in page
    assert dns.asked == []


def test_a_look_finds_what_is_wrong_and_says_what_to_paste(
    browser: FlaskClient, dns: NameServer, post: PostOffice
) -> None:
    answer = browser.post(PAGE, follow_redirects=True)

    assert answer.status_code == 200
    assert "press.example har ingen DMARC-post" in answer.text
    assert "v=DMARC1; p=none; rua=mailto:dmarc-reports@press.example" in answer.text
    assert post.letters == []


def test_what_was_found_is_kept_and_read_in_the_readers_language(
    browser: FlaskClient, dns: NameServer, post: PostOffice
) -> None:
    browser.post(PAGE)
    asked = len(dns.asked)
    browser.post("/office/language", data={"language": "en", "next": PAGE})

    page = browser.get(PAGE).text

    assert "press.example has no DMARC record" in page
    assert len(dns.asked) == asked


@pytest.mark.parametrize("content", ["", "{", "[]", '{"at": "2026-11-23", "findings": [{}]}'])
def test_a_file_that_cannot_be_read_counts_as_none(
    app: Flask, browser: FlaskClient, content: str
) -> None:
    (app.config["VAR"] / "deliverability.json").write_text(content)

    assert "Inget är kontrollerat än" in browser.get(PAGE).text


def test_a_finding_whose_words_are_gone_is_left_out(app: Flask, browser: FlaskClient) -> None:
    old = (
        '{"at": "2026-11-23T08:00:00+00:00", "findings": [{"name": "spf", "level": "ok",'
        ' "key": "spf.of_old", "facts": {}, "record": null}]}'
    )
    (app.config["VAR"] / "deliverability.json").write_text(old)

    assert browser.get(PAGE).status_code == 200
