"""The mail catcher: what is sent lands in a folder, and its pages show it without harm."""

from __future__ import annotations

import shutil
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.catcher import KEEP, Catcher, controller
from app.core.accounts import User
from app.core.db import normal_url
from app.serving import free_port
from tests import factories

MAIL = """\
From: Press <press@press.example>
To: <anna@example.org>
Subject: =?utf-8?q?Sex_kommuner_i_=C3=85re?=
List-Unsubscribe: <{address}/unsubscribe/sesam>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="x"

--x
Content-Type: text/plain; charset="utf-8"

Read it at {address}/sv/

--x
Content-Type: text/html; charset="utf-8"

<html><head><title>x</title></head>
<body><script>alert(1)</script><a href="/sv/">Read</a></body></html>
--x--
"""


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """One kind of database is enough for pages that ask it nothing."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Path:
    app.config["OUTBOX"] = str(tmp_path / "outbox")
    return tmp_path / "outbox"


@pytest.fixture
def staff(client: FlaskClient, writer: User) -> FlaskClient:
    return factories.signed_in(client, writer)


@pytest.fixture
def smtp(folder: Path) -> Iterator[smtplib.SMTP]:
    server = controller(folder, port=free_port(0))
    server.start()
    try:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as connection:
            yield connection
    finally:
        server.stop()


def catch(folder: Path, *, address: str = "http://127.0.0.1:8000") -> str:
    """One mail in the folder; its name."""
    front = "X-Envelope-From: bounce@press.example\nX-Envelope-To: anna@example.org\n"
    Catcher(folder).keep((front + MAIL.format(address=address)).encode())
    return max(folder.glob("*.eml")).stem


def test_what_is_sent_becomes_a_file_with_its_envelope(smtp: smtplib.SMTP, folder: Path) -> None:
    smtp.sendmail("bounce+7@press.example", ["anna@example.org"], MAIL.format(address="http://x"))

    [path] = folder.iterdir()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert path.suffix == ".eml"
    assert lines[0] == "X-Envelope-From: bounce+7@press.example"
    assert lines[1] == "X-Envelope-To: anna@example.org"
    assert "List-Unsubscribe: <http://x/unsubscribe/sesam>" in lines


def test_the_catcher_keeps_the_newest(tmp_path: Path) -> None:
    catcher = Catcher(tmp_path)

    for number in range(KEEP + 50):
        catcher.keep(str(number).encode())

    kept = sorted(tmp_path.glob("*.eml"))
    assert len(kept) == KEEP
    assert kept[0].read_bytes() == b"50"
    assert kept[-1].read_bytes() == str(KEEP + 49).encode()


def test_the_list_shows_the_newest_first(staff: FlaskClient, folder: Path) -> None:
    names = [catch(folder), catch(folder)]

    page = staff.get("/office/outbox").text

    assert page.index(names[1]) < page.index(names[0])
    assert "Sex kommuner i Åre" in page
    assert "anna@example.org" in page


def test_an_empty_catcher_says_so(staff: FlaskClient, folder: Path) -> None:
    assert staff.get("/office/outbox").status_code == 200


def test_a_mail_shows_its_text_and_headers_and_frames_its_page(
    staff: FlaskClient, folder: Path
) -> None:
    name = catch(folder)

    answer = staff.get(f"/office/outbox/{name}")

    assert 'href="http://127.0.0.1:8000/sv/"' in answer.text
    assert "List-Unsubscribe=One-Click" in answer.text
    assert f'src="/office/outbox/{name}/html"' in answer.text
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "alert(1)" not in answer.text


def test_a_mails_html_can_do_nothing_but_open_links_in_a_new_tab(
    staff: FlaskClient, folder: Path
) -> None:
    name = catch(folder)

    answer = staff.get(f"/office/outbox/{name}/html")

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'"
    )
    assert "script" not in policy
    assert "allow-same-origin" not in policy
    assert '<head><base target="_blank">' in answer.text


def test_leaving_by_one_click_is_offered_for_our_own_address_only(
    staff: FlaskClient, folder: Path
) -> None:
    ours, theirs = catch(folder), catch(folder, address="http://127.0.0.1:8000.evil.example")

    assert 'action="/unsubscribe/sesam"' in staff.get(f"/office/outbox/{ours}").text
    assert "/unsubscribe/sesam" not in staff.get(f"/office/outbox/{theirs}").text.split("<dl")[0]


@pytest.mark.parametrize("name", ["1-1", "..%2fsettings", "%2e%2e", "x"])
def test_there_is_no_way_to_another_file(staff: FlaskClient, folder: Path, name: str) -> None:
    (folder.parent / "settings.eml").write_text("secret")

    assert staff.get(f"/office/outbox/{name}").status_code == 404
    assert staff.get(f"/office/outbox/{name}/html").status_code == 404


def test_an_installation_without_a_catcher_has_no_such_page(staff: FlaskClient) -> None:
    assert staff.get("/office/outbox").status_code == 404


def test_only_staff_see_what_was_caught(client: FlaskClient, folder: Path) -> None:
    name = catch(folder)

    for path in ("", f"/{name}", f"/{name}/html"):
        assert client.get(f"/office/outbox{path}").status_code in (302, 401)
