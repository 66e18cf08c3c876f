"""What is put on the shelf is there, be it a folder or a bucket that speaks S3."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, Response, request
from flask.testing import FlaskClient

from app.core import shelf
from app.core.accounts import User
from app.core.clock import now
from app.core.db import normal_url
from app.core.grafting import Graft
from app.core.storage import Silent
from releases.editorial.models import Release
from releases.media import encoding, storing
from tests.releases.media import buckets, folders, pictures
from tests.releases.newsroom.desk import Desk

LARGE = random.Random(1).randbytes(9_000_000)
A_DAY = timedelta(days=1)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """No row is asked for by the shelf."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with buckets.server() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "bucket"])
def app(app: Flask, request: pytest.FixtureRequest) -> Flask:
    if request.param == "bucket":
        app.config["STORAGE_URL"] = buckets.new_bucket(request.getfixturevalue("s3"))
        app.config["STORAGE_KEY_ID"] = buckets.KEY_ID
        app.config["STORAGE_SECRET"] = buckets.SECRET
    return app


@pytest.fixture
def key(app: Flask) -> str:
    key = shelf.new_key()
    shelf.put(key, {"a.pdf": b"first", "large.pdf": LARGE})
    return key


def sent(app: Flask, key: str, name: str, graft: Graft | None = None, **headers: str) -> Response:
    """What somebody hears who asks for a file with these headers."""
    given = {header.replace("_", "-"): value for header, value in headers.items()}
    with app.test_request_context("/", headers=given):
        response = shelf.send(
            key, name, mimetype="application/pdf", download_name="å b.pdf", graft=graft
        )
        pieces, status, heard = response.get_wsgi_response(request.environ)
        data = b"".join(pieces)
        pieces.close()  # type: ignore[attr-defined]
    return Response(data, status, heard)


def test_what_was_put_is_read_again(app: Flask, key: str) -> None:
    assert shelf.read(key, "a.pdf") == b"first"
    assert shelf.read(key, "large.pdf") == LARGE
    assert shelf.names(key) == {"a.pdf", "large.pdf"}


def test_what_is_not_there_is_not_found(app: Flask, key: str) -> None:
    with pytest.raises(FileNotFoundError):
        shelf.read(key, "b.pdf")
    with pytest.raises(FileNotFoundError):
        shelf.read(shelf.new_key(), "a.pdf")
    assert shelf.names(shelf.new_key()) == set()


def test_more_files_come_beside_those_that_are_there(app: Flask, key: str) -> None:
    shelf.put(key, {"b.pdf": b"second"})

    assert shelf.names(key) == {"a.pdf", "large.pdf", "b.pdf"}
    assert shelf.read(key, "a.pdf") == b"first"


def test_a_large_upload_goes_there_from_the_disk(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(pictures.PDF + b" " * 6_000_000 + b"%%EOF")
    key = shelf.new_key()

    with (tmp_path / "upload").open("rb") as file:
        made = storing.make(file, filename="a.pdf")
    assert isinstance(made.what, storing.Paper)
    shelf.put(key, {"document.pdf": made.what.content})

    assert shelf.read(key, "document.pdf") == (tmp_path / "upload").read_bytes()


def test_a_key_is_swept_away_with_all_its_files_and_no_other(app: Flask, key: str) -> None:
    other = shelf.new_key()
    shelf.put(other, {"a.pdf": b"other"})

    shelf.sweep_away(key)
    shelf.sweep_away(shelf.new_key())

    assert shelf.names(key) == set()
    assert shelf.names(other) == {"a.pdf"}


def test_the_old_ones_of_one_shelf_are_found_and_no_others(app: Flask) -> None:
    keys = [f"{first}{shelf.new_key()[1:]}" for first in "AAB-_a"]
    for one in keys:
        shelf.put(one, {"a.pdf": b"x", "b.pdf": b"x"})

    later = now() + timedelta(minutes=1)
    assert set(shelf.older_than(later, shelf="A")) == set(keys[:2])
    assert set(shelf.older_than(later, shelf="-")) == {keys[3]}
    assert set(shelf.older_than(later, shelf="C")) == set()
    assert set(shelf.older_than(now() - A_DAY, shelf="A")) == set()


def test_a_file_is_sent_with_its_size_its_date_and_a_name(app: Flask, key: str) -> None:
    answer = sent(app, key, "large.pdf")

    assert answer.status_code == 200
    assert answer.data == LARGE
    assert answer.headers["Content-Length"] == str(len(LARGE))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "filename*=UTF-8''%C3%A5%20b.pdf" in answer.headers["Content-Disposition"]
    assert answer.last_modified is not None and answer.last_modified <= now()
    assert answer.headers["ETag"].startswith('"')


def test_who_has_the_file_is_told_so(app: Flask, key: str) -> None:
    first = sent(app, key, "a.pdf")

    by_tag = sent(app, key, "a.pdf", If_None_Match=first.headers["ETag"])
    by_date = sent(app, key, "a.pdf", If_Modified_Since=first.headers["Last-Modified"])
    other = sent(app, key, "a.pdf", If_None_Match='"another"')

    assert (by_tag.status_code, by_tag.data) == (304, b"")
    assert (by_date.status_code, by_date.data) == (304, b"")
    assert (other.status_code, other.data) == (200, b"first")


@pytest.mark.parametrize(
    ("asked", "piece"),
    [
        ("bytes=0-0", LARGE[:1]),
        ("bytes=100-3000099", LARGE[100:3_000_100]),
        ("bytes=8999990-", LARGE[-10:]),
        ("bytes=-5", LARGE[-5:]),
        ("bytes=8999990-99999999", LARGE[-10:]),
    ],
)
def test_a_part_is_sent_to_who_asks_for_a_part(
    app: Flask, key: str, asked: str, piece: bytes
) -> None:
    answer = sent(app, key, "large.pdf", Range=asked)

    assert answer.status_code == 206
    assert answer.data == piece
    assert answer.headers["Content-Length"] == str(len(piece))
    start = LARGE.index(piece[:64]) if len(piece) > 1 else 0
    assert answer.headers["Content-Range"] == (
        f"bytes {start}-{start + len(piece) - 1}/{len(LARGE)}"
    )


def test_a_part_of_a_file_that_has_changed_since_is_the_whole_file(app: Flask, key: str) -> None:
    fresh = sent(app, key, "a.pdf").headers["ETag"]

    same = sent(app, key, "a.pdf", Range="bytes=1-2", If_Range=fresh)
    changed = sent(app, key, "a.pdf", Range="bytes=1-2", If_Range='"another"')

    assert (same.status_code, same.data) == (206, b"ir")
    assert (changed.status_code, changed.data) == (200, b"first")


@pytest.mark.parametrize("asked", ["bytes=0-3", "bytes=3-12", "bytes=4-8", "bytes=9-", "bytes=-8"])
def test_a_part_of_a_file_with_words_put_in_is_a_part_of_the_two_together(
    app: Flask, key: str, asked: str
) -> None:
    whole = b"fir" + b"<words>" + b"st"
    graft = Graft(3, b"<words>")

    answer = sent(app, key, "a.pdf", graft, Range=asked)

    start, _, end = asked.removeprefix("bytes=").partition("-")
    last = min(int(end), len(whole) - 1) if start and end else len(whole) - 1
    first = int(start) if start else len(whole) - int(end)
    assert answer.data == whole[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


def test_words_that_change_change_the_tag(app: Flask, key: str) -> None:
    grafts = (None, Graft(3, b"one"), Graft(3, b"two"))

    assert len({sent(app, key, "a.pdf", graft).headers["ETag"] for graft in grafts}) == 3


def test_a_picture_goes_all_the_way_from_the_upload_to_its_reader(
    app: Flask, client: FlaskClient, desk: Desk, writer: User
) -> None:
    release: Release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)
    encoding.encode_images()

    for name in ("960.jpg", "480.avif", "lead-50-50-800.webp", "high.jpg"):
        answer = client.get(f"/media/{image.key}/{name}", buffered=True)
        assert answer.status_code == 200, name
    assert client.get(f"/media/{image.key}/1600.avif").status_code == 404
    assert client.get(f"/media/{image.key}/lead-1-1-800.webp").status_code == 404


def test_strays_are_swept_away_and_what_has_a_row_is_not(
    app: Flask, desk: Desk, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = folders.document(desk.release().story, writer)
    stray = shelf.new_key()
    shelf.put(stray, {"a.pdf": b"x"})
    at = now() + 2 * A_DAY

    for minute in range(len(shelf.SHELVES)):
        monkeypatch.setattr(storing, "now", lambda m=minute: at + timedelta(minutes=m))
        storing.clear_shelves()

    assert shelf.names(stray) == set()
    assert shelf.names(document.key) == {"document.pdf"}


def test_a_bucket_that_does_not_answer_is_said_to_be_silent_and_visitors_may_come_back(
    app: Flask, client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    document = folders.document(release.story, writer)
    folders.attach(release, document)
    app.extensions.pop("shelf")
    app.config["STORAGE_URL"] = "s3://bucket?endpoint=http://127.0.0.1:9"

    answer = client.get(f"/media/{document.key}/document.pdf")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    with pytest.raises(Silent):
        shelf.read(document.key, "document.pdf")
    with pytest.raises(Silent):
        shelf.put(shelf.new_key(), {"a": b"x"})


def test_a_key_that_opens_nothing_is_said_to_be_silence_too(app: Flask, s3: str) -> None:
    app.config["STORAGE_URL"] = f"s3://no-such-bucket?endpoint={s3}"
    app.extensions.pop("shelf", None)

    with pytest.raises(Silent):
        shelf.put(shelf.new_key(), {"a": b"x"})


def test_every_column_that_holds_a_key_says_so() -> None:
    from app.core.db import Base

    said = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if "shelf" in column.info
    }
    assert {"image.key", "document.key", "press_kit.key", "organisation.logo_key"} <= said
