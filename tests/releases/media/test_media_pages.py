"""The office's page of a story's pictures and documents."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, g
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.db import db, normal_url
from app.core.errors import BadInput
from app.core.storage import Silent
from releases.editorial.models import Release, State
from releases.media import papers, storing, views
from releases.media.encoding import encode_images
from releases.media.models import MOST_TRIES, Image
from releases.media.questions import documents_of, images_of
from releases.media.turns import turn
from tests import factories
from tests.factories import A_MORNING
from tests.releases.media import folders, pictures
from tests.releases.newsroom.desk import Desk


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def release(desk: Desk) -> Release:
    return desk.release("Tio miljoner", state=State.DRAFT)


@pytest.fixture
def office(client: FlaskClient, writer: User) -> FlaskClient:
    return factories.signed_in(client, writer)


def address(release: Release, step: str = "") -> str:
    return f"/office/stories/{release.story_id}/media{step}"


def file(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def fields(image: Image, **words: str) -> dict[str, str]:
    """A form as the page drew it, with `words` written by the person."""
    stood = {f"was-image-{image.id}-{n}": getattr(image, n) for n in storing.IMAGE_WORDS}
    here = {f"image-{image.id}-{n}": words.get(n, getattr(image, n)) for n in storing.IMAGE_WORDS}
    return {**stood, **here}


def point(image: Image, x: str, y: str) -> dict[str, str]:
    """The two numbers as somebody has written them, beside those that stood there."""
    stood = {f"was-image-{image.id}-{n}": str(getattr(image, n)) for n in ("focal_x", "focal_y")}
    return {**stood, f"image-{image.id}-focal_x": x, f"image-{image.id}-focal_y": y}


def read(office: FlaskClient, release: Release) -> str:
    return office.get(address(release)).get_data(as_text=True)


def test_an_empty_page_says_what_to_do(office: FlaskClient, release: Release) -> None:
    text = read(office, release)

    assert "Här finns inga bilder ännu." in text
    assert "Släpp filerna här eller välj dem." in text


def test_several_files_come_with_one_form(office: FlaskClient, release: Release) -> None:
    files = [file(pictures.jpeg(), "a.jpg"), file(pictures.PDF, "b.pdf")]

    answer = office.post(address(release), data={"files": files})

    assert answer.status_code == 302
    assert [one.filename for one in images_of(release.story_id)] == ["a.jpg"]
    assert [one.filename for one in documents_of(release.story_id)] == ["b.pdf"]


def test_of_several_files_only_the_bad_one_is_refused_and_by_name(
    office: FlaskClient, release: Release
) -> None:
    files = [file(pictures.jpeg(), "good.jpg"), file(pictures.SVG, "bad.jpg")]

    answer = office.post(address(release), data={"files": files}, follow_redirects=True)

    assert "”bad.jpg” är en SVG-fil" in answer.get_data(as_text=True)
    assert [one.filename for one in images_of(release.story_id)] == ["good.jpg"]


def test_the_pages_script_gets_a_card_for_each_file(office: FlaskClient, release: Release) -> None:
    answer = office.post(address(release, "/upload"), data={"file": file(pictures.jpeg(), "a.jpg")})

    image = images_of(release.story_id)[0]
    assert answer.json["kind"] == "image"
    assert f'name="image-{image.id}-alt_sv"' in answer.json["html"]
    assert answer.json["message"] == "a.jpg är uppladdad."


def test_the_pages_script_hears_why_a_file_is_refused(
    office: FlaskClient, release: Release
) -> None:
    data = {"file": file(pictures.bomb(), "a.png")}

    answer = office.post(address(release, "/upload"), data=data)

    assert answer.status_code == 422
    assert "”a.png” har för många bildpunkter" in answer.json["message"]
    assert images_of(release.story_id) == []


def test_those_who_have_signed_in_may_send_more_than_an_ordinary_form_holds(
    app: Flask, office: FlaskClient, release: Release
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10_000
    large = pictures.PDF + b" " * 20_000 + b"%%EOF"

    ours = office.post(address(release, "/upload"), data={"file": file(large, "a.pdf")})
    g.pop("_login_user", None)  # the requests of a test share it
    theirs = app.test_client().post(address(release, "/upload"), data={"file": file(large, "a")})

    assert ours.status_code == 200
    assert theirs.status_code in (302, 413)
    assert len(documents_of(release.story_id)) == 1


def test_a_document_that_is_too_large_is_told_how_large_it_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(papers, "MOST_BYTES", 1024 * 1024)

    with pytest.raises(BadInput) as refused:
        storing.make(pictures.PDF + b" " * 1024 * 1024, filename="a.pdf")

    assert refused.value.facts == {"file": "a.pdf", "most": 1}


def test_words_are_kept(office: FlaskClient, release: Release, writer: User) -> None:
    image = folders.image(release.story, writer)

    office.post(address(release), data=fields(image, alt_sv="Fyra båtar", licence="cc0"))

    db.session.refresh(image)
    assert (image.alt_sv, image.licence, image.credit) == ("Fyra båtar", "cc0", "Anna Larsson")


def test_a_rejected_form_keeps_every_word_and_saves_the_good_ones(
    office: FlaskClient, release: Release, writer: User
) -> None:
    bad, good = folders.image(release.story, writer), folders.image(release.story, writer)
    data = {**fields(bad, credit="x" * 201, alt_sv="Nya ord"), **fields(good, alt_sv="Bra ord")}

    answer = office.post(address(release), data=data)

    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "x" * 201 in text and "Nya ord" in text
    assert "Texten har 201 tecken. Den får ha högst 200." in text
    assert f'href="#image-{bad.id}-credit"' in text
    db.session.expire_all()
    assert (bad.alt_sv, good.alt_sv) == ("Båtar vid en kaj", "Bra ord")


def test_what_somebody_else_wrote_meanwhile_is_shown_beside_ones_own_words(
    office: FlaskClient, release: Release, writer: User, editor: User
) -> None:
    image = folders.image(release.story, writer)
    mine = fields(image, alt_sv="Mina ord")
    theirs = {"alt_sv": "Deras ord"}
    storing.describe(image, theirs, was={"alt_sv": image.alt_sv}, by=editor, at=A_MORNING)
    db.session.commit()

    first = office.post(address(release), data=mine)
    text = first.get_data(as_text=True)
    assert first.status_code == 422
    assert "Någon annan har under tiden skrivit: ”Deras ord”." in text
    assert "Mina ord</textarea>" in text

    was = dict(re.findall(r'<input type="hidden" name="(was-[^"]+)" value="([^"]*)">', text))
    office.post(address(release), data={**mine, **was})
    db.session.refresh(image)
    assert image.alt_sv == "Mina ord"


def test_taking_one_away_keeps_the_words_written_for_another(
    office: FlaskClient, release: Release, writer: User
) -> None:
    gone, kept = folders.image(release.story, writer), folders.image(release.story, writer)
    data = {**fields(gone), **fields(kept, alt_sv="Nya ord"), "remove": f"image-{gone.id}"}

    office.post(address(release), data=data)

    db.session.expire_all()
    assert [one.alt_sv for one in images_of(release.story_id)] == ["Nya ord"]
    assert "Lägg tillbaka" in read(office, release)


def test_what_was_taken_away_comes_back(
    office: FlaskClient, release: Release, writer: User
) -> None:
    document = folders.document(release.story, writer)
    office.post(address(release), data={"remove": f"document-{document.id}"})
    assert documents_of(release.story_id) == []

    office.post(address(release), data={"bring_back": f"document-{document.id}"})

    assert documents_of(release.story_id) == [document]


def test_what_is_published_is_not_taken_away_and_the_page_says_where_it_is(
    office: FlaskClient, desk: Desk, writer: User
) -> None:
    release = desk.release("Elva miljoner")
    image = folders.image(release.story, writer)
    folders.attach(release, image)

    answer = office.post(
        address(release), data={"remove": f"image-{image.id}"}, follow_redirects=True
    )

    assert "”IMG_0012.jpg” finns i ”Elva miljoner”" in answer.get_data(as_text=True)
    assert images_of(release.story_id) == [image]


def test_nothing_of_another_story_is_taken_away(
    office: FlaskClient, desk: Desk, release: Release, writer: User
) -> None:
    other = folders.image(desk.release(state=State.DRAFT).story, writer)

    office.post(address(release), data={"remove": f"image-{other.id}"})

    db.session.refresh(other)
    assert other.removed_at is None


def test_the_page_says_what_is_left_to_say_in_the_languages_of_the_story(
    office: FlaskClient, release: Release, writer: User
) -> None:
    folders.image(release.story, writer, alt_sv="", alt_en="", credit="", licence="stock")

    text = read(office, release)

    assert "<li>alt-text på svenska saknas</li>" in text
    assert "<li>fotograf saknas</li>" in text
    assert "<li>medier får inte använda bilden</li>" in text
    assert "<li>alt-text på engelska saknas</li>" not in text


def test_those_who_only_read_can_look_and_not_change(
    client: FlaskClient, release: Release, writer: User
) -> None:
    folders.image(release.story, writer)
    reviewer = factories.user("rut@press.example", role=Role.REVIEWER)
    office = factories.signed_in(client, reviewer)

    assert office.post(address(release), data={}).status_code == 403
    assert office.post(address(release, "/upload"), data={}).status_code == 403
    text = read(office, release)
    assert '<fieldset class="media__all" disabled>' in text
    assert "IMG_0012.jpg" in text
    assert "data-upload" not in text


def test_nobody_waits_in_the_database_while_a_picture_is_worked_on(
    office: FlaskClient, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_open = []
    make = storing.make

    def looking(content: bytes, *, filename: str) -> storing.Made:
        was_open.append(db.session().in_transaction())
        return make(content, filename=filename)

    monkeypatch.setattr(views.storing, "make", looking)
    office.post(address(release, "/upload"), data={"file": file(pictures.jpeg(), "a.jpg")})

    assert was_open == [False]


def test_a_story_that_is_not_there_is_not_found(office: FlaskClient) -> None:
    assert office.get("/office/stories/4711/media").status_code == 404
    assert office.post("/office/stories/4711/media", data={}).status_code == 404


def test_the_point_where_the_eye_lands_is_kept_and_its_crops_are_made_anew(
    office: FlaskClient, release: Release, writer: User
) -> None:
    image = folders.image(release.story, writer)
    encode_images()

    office.post(address(release), data={**fields(image), **point(image, "37", "62 %")})

    db.session.refresh(image)
    assert (image.focal_x, image.focal_y) == (37, 62)
    assert image.encoded_at is None


@pytest.mark.parametrize(
    ("x", "y"), [("101", "0"), ("-1", "0"), ("", "0"), ("½", "0"), ("1e1", "0")]
)
def test_a_point_outside_the_picture_is_told_beside_its_field(
    office: FlaskClient, release: Release, writer: User, x: str, y: str
) -> None:
    image = folders.image(release.story, writer)

    answer = office.post(address(release), data={**fields(image), **point(image, x, y)})

    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="image-{image.id}-focal_x-error">Skriv ett helt tal från 0 till 100.' in text
    assert f'value="{x}"' in text
    db.session.refresh(image)
    assert (image.focal_x, image.focal_y) == (50, 50)


def test_a_point_that_somebody_else_has_chosen_meanwhile_is_told(
    office: FlaskClient, release: Release, writer: User, editor: User
) -> None:
    image = folders.image(release.story, writer)
    mine = {**fields(image), **point(image, "10", "10")}
    storing.focus(image, (80, 20), was=(50, 50), by=editor, at=A_MORNING)
    db.session.commit()

    text = office.post(address(release), data=mine).get_data(as_text=True)

    assert "Någon annan har under tiden skrivit: ”80”." in text
    db.session.refresh(image)
    assert (image.focal_x, image.focal_y) == (80, 20)


def test_a_form_that_leaves_the_point_alone_leaves_the_files_alone(
    office: FlaskClient, release: Release, writer: User
) -> None:
    image = folders.image(release.story, writer)
    encode_images()

    office.post(address(release), data={**fields(image), **point(image, "50", "50")})

    db.session.refresh(image)
    assert image.encoded_at is not None


def test_a_picture_that_was_given_up_says_so_and_can_be_tried_again(
    office: FlaskClient, release: Release, writer: User
) -> None:
    image = folders.image(release.story, writer)
    assert "visas bara i en storlek" not in read(office, release)
    image.encode_failures = MOST_TRIES
    db.session.commit()
    assert "visas bara i en storlek" in read(office, release)

    office.post(address(release), data={"encode": f"image-{image.id}"})

    db.session.refresh(image)
    assert image.encode_failures == 0


def test_a_storage_that_is_silent_is_told_and_no_words_are_lost(
    office: FlaskClient, release: Release, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = folders.image(release.story, writer)

    def silent(*_args: object) -> None:
        raise Silent("no route to host")

    monkeypatch.setattr(storing.shelf, "put", silent)
    by_script = office.post(address(release, "/upload"), data={"file": file(pictures.jpeg(), "a")})
    data = {**fields(image, alt_sv="Nya ord"), "files": [file(pictures.jpeg(), "b.jpg")]}
    by_form = office.post(address(release), data=data, follow_redirects=True)

    assert by_script.status_code == 422
    assert by_script.json["message"] == "”a” gick inte att spara just nu. Försök igen om en stund."
    assert "”b.jpg” gick inte att spara just nu." in by_form.get_data(as_text=True)
    db.session.refresh(image)
    assert image.alt_sv == "Nya ord"


def test_one_upload_of_a_machine_is_worked_on_at_a_time(
    office: FlaskClient, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_free = []
    make = storing.make

    def looking(upload: bytes, *, filename: str) -> storing.Made:
        with turn("decoding", wait=False) as ours:
            was_free.append(ours)
        return make(upload, filename=filename)

    monkeypatch.setattr(views.storing, "make", looking)
    office.post(address(release, "/upload"), data={"file": file(pictures.jpeg(), "a.jpg")})

    assert was_free == [False]
    with turn("decoding", wait=False) as ours:
        assert ours
