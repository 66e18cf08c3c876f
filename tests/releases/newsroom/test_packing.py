"""Everything of a release in one file: what is in it, and who may have it."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from app.core import shelf
from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.newsroom.sharing import packing, press_kits
from releases.newsroom.sharing.blocks import blocks_of, parts_of
from releases.newsroom.sharing.typesetting import typeset
from tests import factories
from tests.factories import A_MORNING
from tests.releases.media import folders, pictures
from tests.releases.newsroom.kits import correct, full_release, kit_rows, path_of

SetClock = Callable[[datetime], None]


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Files are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    def set_to(at: datetime) -> None:
        monkeypatch.setattr(press_kits, "now", lambda: at)

    set_to(A_MORNING)
    return set_to


@pytest.fixture
def published(app: Flask, writer: User, editor: User, set_clock: SetClock) -> Release:
    return full_release(writer, editor)


def opened(client: FlaskClient, release: Release) -> zipfile.ZipFile:
    press_kits.make_press_kits()
    answer = client.get(path_of(release, "zip"), buffered=True)
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.data))


def read_pdf(client: FlaskClient, release: Release) -> PdfReader:
    press_kits.make_press_kits()
    answer = client.get(path_of(release, "pdf"), buffered=True)
    assert answer.mimetype == "application/pdf"
    return PdfReader(io.BytesIO(answer.data))


def said(reader: PdfReader) -> str:
    text = "\n".join(page.extract_text() for page in reader.pages)
    return re.sub(r"\s+", " ", text)


# The PDF


def test_the_pdf_says_what_the_page_says(client: FlaskClient, published: Release) -> None:
    text = said(read_pdf(client, published))

    for words in (
        "Centrum för Demokrati",
        "Pressmeddelande",
        published.live.title.replace("\u00a0", " "),
        "Vi är glada",
        "Så går det till",
        "Så fördelas pengarna",
        "Falun",
        "Region Gotland",
        "Åkrar & ängar",
        "Foto: Anna Larsson",
        "Fri att använda i redaktionellt sammanhang",
        "Bo Ek, chef",
        "Beslutet",
        "Centrum arbetar med demokrati.",
        f"/sv/releases/{published.slug}",
        "1 (",
    ):
        assert words in text, words


def test_the_pdf_can_be_read_aloud(client: FlaskClient, published: Release) -> None:
    reader = read_pdf(client, published)
    root: Any = reader.trailer["/Root"]

    assert root["/Lang"].startswith("sv")
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == published.live.title
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()
    kinds = structure(root["/StructTreeRoot"])
    assert {"/H1", "/H2", "/P", "/L", "/Table", "/TH", "/Figure", "/Link"} <= kinds.keys()
    assert kinds["/Figure"] == ["Båtar vid en kaj"]


def structure(node: Any) -> dict[str, list[str]]:
    """The kinds of elements in a PDF's tree, with what each says instead of what it shows."""
    found: dict[str, list[str]] = {}
    waiting = [node]
    while waiting:
        one = waiting.pop().get_object()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            if "/S" in one:
                found.setdefault(one["/S"], []).extend([one["/Alt"]] if "/Alt" in one else [])
            if "/K" in one and not isinstance(one["/K"], int):
                waiting.append(one["/K"]) if hasattr(one["/K"], "get_object") else None
    return found


def test_markup_of_typst_is_only_text_in_the_pdf(client: FlaskClient, published: Release) -> None:
    text = said(read_pdf(client, published))

    assert '#panic("nej") $x$ *fet* @ref <etikett> \\ = //' in text


def test_a_correction_stands_at_the_top_of_the_pdf(
    client: FlaskClient,
    published: Release,
    writer: User,
    editor: User,
    set_clock: SetClock,
) -> None:
    correct(published, writer, editor)
    set_clock(A_MORNING + timedelta(hours=2))

    text = said(read_pdf(client, published))

    assert "Summan var fel." in text
    assert text.index("Rättelse") < text.index("Efter rättelsen")


# The ZIP


def test_the_zip_holds_everything_in_one_folder(client: FlaskClient, published: Release) -> None:
    archive = opened(client, published)
    names = archive.namelist()

    folder = {name.partition("/")[0] for name in names}
    [only] = folder
    assert only == published.slug[:60].rstrip("-") or published.slug.startswith(only)
    assert sorted(name.removeprefix(f"{only}/") for name in names) == sorted(
        [
            f"{only}.pdf",
            f"{only}.txt",
            f"{only}.html",
            "bidrag.csv",
            "bidrag.xlsx",
            "bilder/Akrar-angar_Foto-Anna-Larsson.jpg",
            "bilder/bildtexter.txt",
            "dokument/Beslut-2026.pdf",
        ]
    )
    assert all(name.isascii() for name in names)
    assert archive.testzip() is None


def member(archive: zipfile.ZipFile, ending: str) -> bytes:
    [name] = [name for name in archive.namelist() if name.endswith(ending)]
    return archive.read(name)


def test_the_text_opens_in_every_editor(client: FlaskClient, published: Release) -> None:
    archive = opened(client, published)
    [name] = [one for one in archive.namelist() if re.fullmatch(r"[^/]+/[^/]+\.txt", one)]
    text = archive.read(name).decode("utf-8")

    assert text.count("\n") == text.count("\r\n")
    assert "\r\n\r\n\r\n" not in text
    assert "Åkrar & ängar" in text
    assert "Bo Ek, chef" in text
    assert '#panic("nej") $x$ *fet* @ref <etikett>' in text


def test_captions_say_who_took_a_picture_and_what_one_may_do(
    client: FlaskClient, published: Release
) -> None:
    text = member(opened(client, published), "bildtexter.txt").decode()

    assert (
        "bilder/Akrar-angar_Foto-Anna-Larsson.jpg\r\nÅkrar & ängar\r\nFoto: Anna Larsson\r\n"
        in text
    )
    assert "Fri att använda i redaktionellt sammanhang, ange fotograf." in text


def test_the_picture_is_the_one_for_print(client: FlaskClient, published: Release) -> None:
    content = member(opened(client, published), "Larsson.jpg")

    assert Image.open(io.BytesIO(content)).size == (1200, 800)


def test_the_table_is_the_public_one(client: FlaskClient, published: Release) -> None:
    archive = opened(client, published)

    lines = member(archive, ".csv").decode("utf-8-sig").splitlines()
    book = openpyxl.load_workbook(io.BytesIO(member(archive, ".xlsx")))
    rows = list(book.worksheets[0].values)
    assert lines[0].startswith("Mottagare;") or "Belopp" in lines[0] or len(lines) == 4
    assert any(line.startswith("Falun;") for line in lines)
    assert 1_200_000 in rows[1]
    assert len(rows) == 4


def test_the_html_shows_its_pictures_from_beside_it(
    client: FlaskClient, published: Release
) -> None:
    archive = opened(client, published)

    page = member(archive, ".html").decode()
    for source in re.findall(r'src="([^"]+)"', page):
        assert any(name.endswith(f"/{source}") for name in archive.namelist()), source
    assert 'src="bilder/' in page
    assert "<script" not in page
    assert "&lt;etikett&gt;" in page


def test_the_same_release_gives_the_same_bytes(app: Flask, published: Release) -> None:
    once, again = (packing.pack(packing.gather(published)) for _ in range(2))

    assert once.pdf == again.pdf
    assert once.zip.read() == again.zip.read()
    once.zip.close()
    again.zip.close()


def test_two_pictures_with_one_caption_are_two_files(
    client: FlaskClient, app: Flask, published: Release, writer: User
) -> None:
    more = folders.image(published.story, writer, caption_sv="Åkrar & ängar")
    published.live.images = [*published.live.images, more.printed("sv")]
    db.session.commit()

    names = opened(client, published).namelist()

    assert len([name for name in names if "Akrar-angar_Foto" in name]) == 2
    assert len(set(names)) == len(names)


def test_a_release_of_words_alone_has_no_empty_folders(
    client: FlaskClient, writer: User, editor: User, set_clock: SetClock
) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)

    names = opened(client, release).namelist()

    assert not [name for name in names if "/bilder/" in name or "/dokument/" in name]


def test_an_english_release_has_an_english_kit(
    client: FlaskClient, writer: User, editor: User, set_clock: SetClock
) -> None:
    release = factories.release(writer, language="en", state=State.PUBLISHED, editor=editor)

    assert "Press release" in said(read_pdf(client, release))
    assert [name for name in opened(client, release).namelist() if name.endswith("/awards.csv")]


def test_an_emoji_alone_is_a_headline_and_an_alt_text(
    app: Flask, published: Release, set_clock: SetClock
) -> None:
    published.live.headline = "🎉"
    published.live.images = [{**one, "alt": "🎉"} for one in published.live.images]
    published.live.documents = [{**one, "title": "🎉"} for one in published.live.documents]
    published.live.links = [{"label": "🎉", "url": "https://fest.example"}]
    published.live.body = (
        "<h2>🎉</h2><p>🎉</p><ul><li>🎉</li></ul><blockquote><p>🎉</p></blockquote>"
        '<p><a href="https://fest.example">🎉</a></p><table><tbody><tr><th>🎉</th><th>B</th></tr>'
        "<tr><td>🎉</td><td></td></tr></tbody></table>"
    )
    db.session.commit()

    packed = packing.pack(packing.gather(published))

    assert PdfReader(io.BytesIO(packed.pdf)).metadata.title == "Centrum för Demokrati"  # type: ignore[union-attr]
    packed.zip.close()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<p></p>",
        "<blockquote>" * 60 + "<p>djupt</p>" + "</blockquote>" * 60,
        "<ul><li>" * 40 + "djupt" + "</li></ul>" * 40,
        "<table><tbody><tr><td></td></tr><tr><td>a</td><td>b</td><td>c</td></tr></tbody></table>",
        "<h3>Först</h3><h2>Sedan</h2><h3>Till sist</h3>",
        f"<p>{'x' * 5000}</p>",
        "<p>" + "ord " * 20_000 + "</p>",
        '<p><a href="https://x.example/' + "y" * 9000 + '">lång</a></p>',
        '<p><a href="https://x.example/å ä">mellanslag</a> <a href="mailto:å@x">m</a></p>',
        "<p>שלום ערב \u0628 العربية ไทย 日本語 \u202e \u200d \ufeff \u2028 a\u0301\u0302\u0303</p>",
        '<figure data-image="999"></figure><figure data-contact="7"></figure>',
        "<aside><p>Fakta</p></aside><ol><li><p>Ett</p><ul><li>Två</li></ul></li></ol>",
    ],
)
def test_no_text_stops_a_kit(app: Flask, writer: User, editor: User, body: str) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    release.live.body = body
    db.session.commit()

    packed = packing.pack(packing.gather(release))

    assert PdfReader(io.BytesIO(packed.pdf)).pages
    packed.zip.close()


def test_whatever_is_typed_a_pdf_is_made(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.PUBLISHED, editor=editor)
    facts = packing.gather(release).facts

    @settings(max_examples=25)
    @given(st.text(max_size=200), st.text(max_size=40))
    def make(text: str, word: str) -> None:
        paragraph = {"kind": "paragraph", "parts": [{"text": text}, {"text": word, "strong": True}]}
        quote = {"kind": "quote", "blocks": [paragraph], "by": [{"text": word, "emph": True}]}
        listed = {"kind": "list", "ordered": True, "items": [[paragraph], [quote]]}
        more = {"body": [paragraph, quote, listed], "sender": word, "title": text or "A"}
        assert typeset("press_kit.typ", {**facts, **more}, form="pdf").startswith(b"%PDF")

    make()


def test_a_transparent_picture_stands_on_white() -> None:
    made = Image.open(io.BytesIO(packing.for_paper(pictures.drawn_with_a_hole())))

    assert made.format == "JPEG"
    assert made.getpixel((5, 5)) == pytest.approx((255, 255, 255), abs=3)


# Blocks


def test_a_body_becomes_plain_data() -> None:
    body = (
        "<h2>Rubrik</h2><p>Ett <strong>fett <em>och lutat</em></strong> ord,<br>"
        '<a href="https://x.example">länk</a>.</p>'
    )

    heading, paragraph = blocks_of(body)

    assert heading == {"kind": "heading", "level": 2, "parts": [part("Rubrik")]}
    assert paragraph["parts"] == [
        part("Ett "),
        part("fett ", strong=True),
        part("och lutat", strong=True, emph=True),
        part(" ord,"),
        {"break": True},
        part("länk", link="https://x.example"),
        part("."),
    ]


def part(text: str, *, strong: bool = False, emph: bool = False, link: str = "") -> dict[str, Any]:
    return {"text": text, "strong": strong, "emph": emph, "link": link}


def test_headings_never_skip_a_level() -> None:
    levels = [one["level"] for one in blocks_of("<h3>a</h3><h3>b</h3><h2>c</h2><h3>d</h3>")]

    assert levels == [2, 3, 2, 3]


def test_a_table_is_as_wide_as_its_longest_row() -> None:
    [table] = blocks_of(
        "<table><tbody><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></tbody></table>"
    )

    assert table["across"] == 2
    assert table["head"] == []
    assert table["rows"] == [[[part("a")], []], [[part("b")], [part("c")]]]


def test_a_script_is_no_link() -> None:
    [one] = parts_of('<a href="javascript:alert(1)">klicka</a>')

    assert one == part("klicka")


# Who may have it


def test_the_page_offers_the_kit_with_its_size(client: FlaskClient, published: Release) -> None:
    page = f"/sv/releases/{published.slug}"
    before = client.get(page).text
    press_kits.make_press_kits()
    after = client.get(page).text

    assert "press-kit" not in before
    assert re.search(r"Ladda ned allt.*ZIP, \d+\u00a0kB", after)
    assert re.search(r"PDF.*, \d+\u00a0kB", after)


def test_who_comes_too_early_is_asked_to_come_again(
    client: FlaskClient, published: Release
) -> None:
    answer = client.get(path_of(published, "zip"))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"


def test_a_withdrawn_release_has_no_kit_and_no_files_of_one(
    client: FlaskClient, published: Release, editor: User
) -> None:
    press_kits.make_press_kits()
    key = kit_rows()[0].key
    workflow.withdraw(published, reason="Fel", by=editor, at=A_MORNING)
    db.session.commit()

    assert client.get(path_of(published, "zip")).status_code == 410
    press_kits.make_press_kits()
    assert key is not None
    assert kit_rows() == []
    assert shelf.names(key) == set()


def test_what_is_not_published_has_no_kit(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)

    assert client.get(path_of(release, "zip")).status_code == 404
    assert kit_rows() == []


def test_files_are_called_by_the_release(client: FlaskClient, published: Release) -> None:
    press_kits.make_press_kits()

    kit, pdf = (client.get(path_of(published, form), buffered=True) for form in ("zip", "pdf"))

    assert kit.mimetype == "application/zip"
    assert f"{published.slug}.zip" in kit.headers["Content-Disposition"]
    assert kit.headers["Content-Disposition"].startswith("attachment")
    assert pdf.headers["Content-Disposition"] == f'inline; filename="{published.slug}.pdf"'
    assert "Set-Cookie" not in kit.headers
    known = {"If-None-Match": kit.headers["ETag"]}
    again = client.get(path_of(published, "zip"), headers=known, buffered=True)
    assert again.status_code == 304


# In the office


def test_an_editor_has_a_kit_made_again_after_failures(
    client: FlaskClient, published: Release, editor: User
) -> None:
    [kit] = kit_rows()
    kit.failures = press_kits.MOST_TRIES
    db.session.commit()
    factories.signed_in(client, editor)
    page = f"/office/releases/{published.id}"

    assert "gick inte att göra" in client.get(page).text
    answer = client.post(f"{page}/press-kit", follow_redirects=True)
    assert "Presspaketet görs nu" in answer.text
    press_kits.now = lambda: datetime.now(A_MORNING.tzinfo) + timedelta(days=36500)  # type: ignore
    press_kits.make_press_kits()

    assert kit_rows()[0].key is not None


def test_nobody_makes_a_kit_of_a_draft(client: FlaskClient, writer: User, editor: User) -> None:
    release = factories.release(writer)
    factories.signed_in(client, editor)

    assert client.post(f"/office/releases/{release.id}/press-kit").status_code == 409
    assert kit_rows() == []
