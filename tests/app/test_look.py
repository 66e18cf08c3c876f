"""The newsroom's look: what the office chooses is what visitors get, and it can always be read."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw

from app.core import shelf
from app.core.accounts import User
from app.core.audit import AuditEvent
from app.core.db import db, normal_url
from app.core.organisation import organisation
from app.house import TYPEFACES, house_style
from app.looking import HIGHEST, WIDEST, made_logo
from tests.factories import signed_in


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """A look is the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def drawn(size: tuple[int, int] = (900, 300), *, mode: str = "RGBA", form: str = "PNG") -> bytes:
    """A ring on nothing, or on white."""
    picture = Image.new(mode, size, (0, 0, 0, 0) if mode == "RGBA" else (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    edge = size[1] // 10
    box = (edge, edge, size[1] - edge, size[1] - edge)
    pen.ellipse(box, outline=(13, 82, 73), width=max(edge, 1))
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def dress(client: FlaskClient, **said: str) -> tuple[int, str]:
    answer = client.post("/office/settings/look", data={"accent": "", "typeface": "", **said})
    return answer.status_code, answer.text


def send_logo(client: FlaskClient, content: bytes, name: str = "logo.png") -> tuple[int, str]:
    data = {"logo": (io.BytesIO(content), name)}
    answer = client.post("/office/settings/look/logo", data=data)
    return answer.status_code, answer.text


def sheet_of(client: FlaskClient) -> str:
    """The style sheet that the front page asks for."""
    found = re.findall(r'<link rel="stylesheet" href="([^"]+)"', client.get("/sv/").text)
    assert len(found) == 1
    answer = client.get(found[0])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    return answer.text


def test_a_public_page_has_one_style_sheet_with_everything_in_it(client: FlaskClient) -> None:
    text = sheet_of(client)

    for part in ("--accent: #0d5249", ".masthead", ".button", "@media print", "text-wrap"):
        assert part in text
    assert "/*" not in text
    assert ".editor__surface" not in text


def test_the_house_s_colour_reaches_every_page(client: FlaskClient, admin: User) -> None:
    before = sheet_of(client)

    status, _ = dress(signed_in(client, admin), accent="#8A1C5B")

    after = sheet_of(client)
    assert status == 302
    assert "--accent:#8a1c5b" in after
    assert after != before


def test_a_pale_colour_is_darkened_and_the_page_says_so(client: FlaskClient, admin: User) -> None:
    dress(signed_in(client, admin), accent="#ffd500")

    page = client.get("/office/settings/look").text
    assert organisation().accent == "#ffd500"
    assert "#ffd500 är för ljus" in page
    assert "--accent:#ffd500" not in sheet_of(client).split("@media (prefers-color-scheme:dark)")[0]


def test_the_picker_counts_when_the_code_was_left_alone(client: FlaskClient, admin: User) -> None:
    signed_in(client, admin)
    dress(client, accent="#8a1c5b")

    dress(client, accent="#8a1c5b", picked="#224466")
    assert organisation().accent == "#224466"
    dress(client, accent="#334455", picked="#224466")
    assert organisation().accent == "#334455"
    dress(client, accent="", picked="#334455")
    assert organisation().accent == ""


def test_what_is_no_colour_is_refused_with_every_word_kept(
    client: FlaskClient, admin: User
) -> None:
    status, page = dress(signed_in(client, admin), accent="}body{display:none", typeface="humanist")

    assert status == 422
    assert 'value="}body{display:none"' in page
    assert re.search(r'value="humanist" checked', page)
    assert organisation().accent == ""


def test_a_typeface_that_is_not_offered_is_refused(client: FlaskClient, admin: User) -> None:
    status, _ = dress(signed_in(client, admin), typeface="comic")

    assert status == 422
    assert organisation().typeface == ""


@pytest.mark.parametrize("name", [name for name in TYPEFACES if name])
def test_a_typeface_is_shown_to_the_office_in_itself(
    client: FlaskClient, admin: User, app: Flask, name: str
) -> None:
    dress(signed_in(client, admin), typeface=name)

    assert f"--display:{TYPEFACES[name]['display']}" in sheet_of(client)
    shown = (Path(str(app.static_folder)) / "styles" / "look.css").read_text(encoding="utf-8")
    for stack in TYPEFACES[name].values():
        assert stack in shown
    assert f"face--{name}" in shown


def test_a_house_that_wants_nothing_changes_nothing() -> None:
    assert house_style("", "") == ""


def test_a_sheet_that_is_not_the_present_one_leads_to_it(client: FlaskClient) -> None:
    answer = client.get("/house.css?v=old")

    assert answer.status_code == 302
    assert answer.location.startswith("/house.css?v=")
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_a_logo_stands_in_the_masthead_with_its_size(client: FlaskClient, admin: User) -> None:
    status, _ = send_logo(signed_in(client, admin), drawn())

    page = client.get("/sv/").text
    found = re.search(r'<img class="masthead__logo[^>]+>', page)
    assert status == 302
    assert found is not None
    assert "masthead__logo--clear" in found[0]
    src = re.search(r'src="([^"]+)"', found[0])
    assert src is not None
    with client.get(src[1]) as answer:
        content = answer.data
    assert answer.status_code == 200
    assert answer.mimetype == "image/png"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with Image.open(io.BytesIO(content)) as shown:
        assert (shown.width, shown.height) == (
            organisation().logo_width,
            organisation().logo_height,
        )
        assert shown.width <= WIDEST
        assert shown.height <= HIGHEST


def test_a_logo_loses_its_empty_border_and_what_else_was_in_the_file() -> None:
    content = drawn()
    padded = content[:-12] + b"\x00\x00\x00\x04tEXtsecr" + content[-12:]

    logo = made_logo(content, filename="logo.png")

    assert logo.width == logo.height == HIGHEST
    assert b"secr" in padded
    assert b"secr" not in logo.content


def test_a_logo_without_a_see_through_ground_becomes_webp() -> None:
    logo = made_logo(drawn(mode="RGB", form="JPEG"), filename="logo.jpg")

    assert logo.content_type == "image/webp"
    assert logo.content[8:12] == b"WEBP"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "logo.svg"),
        (b"<html><body>logo</body></html>", "logo.png"),
        (drawn()[:200], "broken.png"),
        (drawn((400, 12)), "thin.png"),
        (b"", "empty.png"),
    ],
)
def test_what_can_be_no_logo_is_refused_in_words(
    client: FlaskClient, admin: User, content: bytes, name: str
) -> None:
    status, page = send_logo(signed_in(client, admin), content, name)

    assert status == 422
    assert name in page
    assert organisation().logo_key == ""


def test_a_logo_that_is_taken_down_is_gone_from_the_pages(client: FlaskClient, admin: User) -> None:
    signed_in(client, admin)
    send_logo(client, drawn())

    client.post("/office/settings/look/logo", data={"take-down": "1"})

    assert "masthead__logo" not in client.get("/sv/").text
    assert client.get("/logo").status_code == 404


def test_the_sweep_leaves_the_logo_where_it_is(client: FlaskClient, admin: User) -> None:
    send_logo(signed_in(client, admin), drawn())

    key = organisation().logo_key
    assert shelf.known([key, "x" * 43]) == {key}


def test_only_an_admin_changes_the_look(client: FlaskClient, editor: User) -> None:
    signed_in(client, editor)

    assert client.get("/office/settings/look").status_code == 403
    assert dress(client, accent="#8a1c5b")[0] == 403
    assert send_logo(client, drawn())[0] == 403
    assert client.post("/office/settings/accessibility", data={}).status_code == 403


def test_a_change_of_the_look_is_in_the_log(client: FlaskClient, admin: User) -> None:
    dress(signed_in(client, admin), accent="#8a1c5b")

    entry = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert entry is not None
    assert entry.action == "organisation.change"
