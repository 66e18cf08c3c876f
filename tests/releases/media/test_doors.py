"""Who gets a file, and what comes with it."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import PIL.Image
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import shelf
from app.core.accounts import User
from app.core.db import db, normal_url
from releases.editorial.models import Change, Publication, Revision, State, StoryAccess
from releases.media import access, encoding, storing
from releases.media.credits import said_by
from releases.media.models import Document, Image
from releases.media.renditions import names
from tests import factories
from tests.factories import A_MORNING
from tests.releases.media import folders
from tests.releases.newsroom.desk import Desk


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Doors are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def fetched(
    client: FlaskClient, thing: Image | Document, name: str = "", **query: str
) -> TestResponse:
    name = name or ("960.jpg" if isinstance(thing, Image) else "document.pdf")
    return client.get(f"/media/{thing.key}/{name}", query_string=query, buffered=True)


@pytest.mark.parametrize("state", [State.DRAFT, State.APPROVED])
def test_nobody_outside_gets_a_file_before_publication(
    client: FlaskClient, desk: Desk, writer: User, state: State
) -> None:
    release = desk.release(state=state)
    image = folders.image(release.story, writer)
    folders.attach(release, image)

    assert fetched(client, image).status_code == 404
    assert fetched(client, image, embargo="let-me-in").status_code == 404


def test_everybody_gets_every_file_of_a_published_picture(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)

    encoding.encode_images()
    made = names(image.width, image.height, image.content_type)
    for name, content_type in made.items():
        answer = fetched(client, image, name)
        assert answer.status_code == 200, name
        assert answer.content_type == content_type
        kept = "no-cache" if name == "high.jpg" else "max-age=31536000, immutable"
        assert answer.headers["Cache-Control"] == f"public, {kept}"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "Set-Cookie" not in answer.headers
        assert name == "high.jpg" or answer.data == shelf.read(image.key, name)


def test_a_file_that_the_published_text_does_not_have_stays_inside(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    shown, other = (folders.image(release.story, writer) for _ in range(2))
    folders.attach(release, shown)

    assert fetched(client, other).status_code == 404


def test_one_published_language_makes_the_picture_public(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    swedish = desk.release()
    english = desk.release(language="en", state=State.DRAFT, story=swedish.story)
    image = folders.image(swedish.story, writer)
    folders.attach(swedish, image)
    folders.attach(english, image)

    assert fetched(client, image).status_code == 200


def test_a_new_unpublished_version_neither_shows_nor_hides_a_picture(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    old, new = (folders.image(release.story, writer) for _ in range(2))
    folders.attach(release, old)
    desk.rewrite(release, "Ny rubrik")
    folders.attach(release, new)

    assert fetched(client, old).status_code == 200
    assert fetched(client, new).status_code == 404


def test_a_picture_of_an_earlier_published_version_can_still_be_seen(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)
    first = release.live_id
    desk.rewrite(release, "Rättad rubrik")
    db.session.add(
        Publication(release_id=release.id, revision_id=first, change=Change.FIRST, at=A_MORNING)
    )
    release.live_id = release.head_id
    db.session.commit()
    assert db.session.get_one(Revision, release.live_id).images == []

    assert fetched(client, image).status_code == 200


def test_nobody_outside_gets_a_file_of_a_withdrawn_release(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release(state=State.WITHDRAWN)
    document = folders.document(release.story, writer)
    folders.attach(release, document)

    assert fetched(client, document).status_code == 404


def test_the_office_sees_a_file_before_publication_and_no_browser_keeps_it(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    image = folders.image(desk.release(state=State.DRAFT).story, writer)

    answer = fetched(factories.signed_in(client, writer), image)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_limited_story_is_closed_to_colleagues_too(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    story = desk.release(state=State.DRAFT).story
    image = folders.image(story, writer)
    story.limited = True
    db.session.add(StoryAccess(story_id=story.id, user_id=writer.id))
    db.session.commit()

    assert fetched(factories.signed_in(client, editor), image).status_code == 404
    assert fetched(factories.signed_in(client, writer), image).status_code == 200


def test_what_was_taken_away_is_gone_for_everybody_at_once(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release(state=State.DRAFT)
    image = folders.image(release.story, writer)
    storing.remove(image, by=writer, at=A_MORNING)
    db.session.commit()

    assert fetched(factories.signed_in(client, writer), image).status_code == 404


def test_an_embargo_opens_the_door_for_its_token_only(
    client: FlaskClient, desk: Desk, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = folders.image(desk.release(state=State.DRAFT).story, writer)
    known = (image.story_id, "a token")
    monkeypatch.setattr(
        access, "may_see_before", lambda story_id, token: (story_id, token) == known
    )

    answer = fetched(client, image, embargo="a token")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert fetched(client, image, embargo="another").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "320.webp",
        "lead-50-50-1.jpg",
        "lead-1e1-50-800.jpg",
        "high.png",
        "..%2fpressrum.db",
        "%2e%2e",
        "document.pdf",
        ".",
        "960.JPG",
    ],
)
def test_there_are_no_files_but_its_own(
    client: FlaskClient, desk: Desk, writer: User, name: str
) -> None:
    release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)

    assert client.get(f"/media/{image.key}/{name}").status_code in (404, 308)
    assert client.get(f"/media/{image.key}/{name}", follow_redirects=True).status_code == 404


def test_what_is_not_there_and_what_is_not_public_look_alike(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    image = folders.image(desk.release(state=State.DRAFT).story, writer)

    hidden = fetched(client, image)
    missing = client.get(f"/media/{'x' * 43}/960.jpg")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.data == missing.data
    assert hidden.headers["Cache-Control"] == "no-store"


def test_a_row_whose_files_are_lost_is_not_found(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)
    shutil.rmtree(folders.of(image.key))

    assert fetched(client, image).status_code == 404


def test_the_file_for_print_is_saved_under_what_it_shows_and_whose_it_is(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    image = folders.image(release.story, writer, credit="Åsa Öberg/TT")
    folders.attach(release, image)

    swedish = fetched(client, image, "high.jpg").headers["Content-Disposition"]
    english = fetched(client, image, "high.jpg", language="en").headers["Content-Disposition"]

    assert "attachment" in swedish
    assert "filename=Visby-hamn_Foto-Asa-Oberg-TT.jpg" in swedish
    assert "filename*=UTF-8''Visby-hamn_Foto-%C3%85sa-%C3%96berg-TT.jpg" in swedish
    assert "Visby-harbour_Photo-Asa-Oberg-TT.jpg" in english


def test_the_file_for_print_says_inside_what_its_name_says_and_follows_the_office(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)
    before = fetched(client, image, "high.jpg")

    storing.describe(image, {"credit": "Bo Ek/TT"}, was=folders.WORDS, by=writer, at=A_MORNING)
    db.session.commit()
    headers = {"If-None-Match": before.headers["ETag"]}
    after = client.get(f"/media/{image.key}/high.jpg", headers=headers, buffered=True)

    assert said_by(PIL.Image.open(io.BytesIO(before.data))).creator == "Anna Larsson"
    assert after.status_code == 200
    assert said_by(PIL.Image.open(io.BytesIO(after.data))).credit == "Bo Ek/TT"
    assert "Foto-Bo-Ek-TT.jpg" in after.headers["Content-Disposition"]


def test_a_document_is_saved_and_never_opened_in_the_page(
    client: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release()
    document = folders.document(release.story, writer, filename="Beslut\r\nX: 1 2026.html")
    folders.attach(release, document)

    answer = fetched(client, document)

    assert answer.headers["Content-Disposition"] == "attachment; filename=Beslut-X-1-2026.pdf"
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_key_is_looked_up_whatever_it_is(client: FlaskClient) -> None:
    assert client.get("/media/%00/960.jpg").status_code in (400, 404)
    assert client.get(f"/media/{'å' * 200}/960.jpg").status_code == 404
