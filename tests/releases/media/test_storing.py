"""Pictures and documents come to a story, are described, and are taken away again."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import shelf
from app.core.accounts import User
from app.core.audit import AuditEvent, sentence
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound, NotNow
from releases.editorial.models import State
from releases.media import storing
from releases.media.models import Image
from releases.media.questions import attached, documents_of, images_of, removed_of
from tests.factories import A_MORNING
from tests.releases.media import folders, pictures
from tests.releases.newsroom.desk import Desk

A_DAY = timedelta(days=1)


def test_a_picture_lies_on_its_shelf_to_be_seen_at_once(desk: Desk, writer: User) -> None:
    story = desk.release().story

    image = folders.image(story, writer)

    files = shelf.names(image.key)
    assert files == {"high.jpg", "960.jpg"}
    assert len(image.key) >= 43
    assert (image.width, image.height, image.content_type) == (1200, 800, "image/jpeg")
    assert image.size == len(shelf.read(image.key, "high.jpg"))
    assert images_of(story.id) == [image]


def test_a_document_is_handed_on_as_it_came(desk: Desk, writer: User) -> None:
    story = desk.release().story

    document = folders.document(story, writer)

    assert shelf.read(document.key, "document.pdf") == pictures.PDF
    assert documents_of(story.id) == [document]


def test_nothing_half_written_is_left_beside_a_picture(desk: Desk, writer: User) -> None:
    image = folders.image(desk.release().story, writer)

    assert [folder.name for folder in folders.of(image.key).parent.iterdir()] == [image.key]


def test_what_the_file_says_is_written_down_as_a_proposal(desk: Desk, writer: User) -> None:
    made = storing.make(pictures.jpeg_from_a_telephone(), filename="x.jpg")

    image = storing.add(desk.release().story, made, language="sv", by=writer, at=A_MORNING)

    assert isinstance(image, Image)
    assert image.credit == "Anna Larsson/TT"
    assert (image.caption_sv, image.caption_en) == ("Visby hamn", "Visby harbour")
    assert (image.alt_sv, image.alt_en) == ("Båtar vid en kaj", "")
    assert image.licence == "cc-by"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\anna\\Bilder\\hamn.jpg", "hamn.jpg"),
        ("../../etc/passwd", "passwd"),
        ("A\u030as\u0308n \x00\x1b[2J.jpg", "Ås\u0308n [2J.jpg"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        ("", "file"),
    ],
)
def test_the_name_of_an_upload_is_kept_without_what_could_mislead(given: str, kept: str) -> None:
    assert storing.neat_name(given) == kept


@pytest.mark.parametrize("content", [b"", b"hello", b"\x7fELF" + b"\x00" * 99])
def test_what_is_neither_picture_nor_document_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        storing.make(content, filename="bild.jpg")

    assert refused.value.key in ("file_empty", "file_unknown")
    assert refused.value.facts == {"file": "bild.jpg"}


def test_words_that_two_people_write_in_different_fields_are_all_kept(
    desk: Desk, writer: User, editor: User
) -> None:
    image = folders.image(desk.release().story, writer)
    was = dict(folders.WORDS)

    storing.describe(image, {**was, "alt_sv": "Fyra båtar"}, was=was, by=writer, at=A_MORNING)
    storing.describe(image, {**was, "credit": "Bo Ek"}, was=was, by=editor, at=A_MORNING)

    assert (image.alt_sv, image.credit) == ("Fyra båtar", "Bo Ek")


def test_words_that_two_people_write_in_the_same_field_are_not_written_over(
    desk: Desk, writer: User, editor: User
) -> None:
    image = folders.image(desk.release().story, writer)
    was = dict(folders.WORDS)
    storing.describe(image, {**was, "alt_sv": "Fyra båtar"}, was=was, by=writer, at=A_MORNING)

    mine = {**was, "alt_sv": "Fem båtar", "credit": "Bo Ek"}
    theirs = storing.describe(image, mine, was=was, by=editor, at=A_MORNING)

    assert theirs == {"alt_sv": "Fyra båtar"}
    assert (image.alt_sv, image.credit) == ("Fyra båtar", "Anna Larsson")


def test_words_that_do_not_fit_are_refused_with_their_length(desk: Desk, writer: User) -> None:
    image = folders.image(desk.release().story, writer)

    with pytest.raises(BadInput) as refused:
        storing.describe(image, {"credit": "x" * 201}, was={}, by=writer, at=A_MORNING)

    assert refused.value.facts == {"field": "credit", "most": 200, "n": 201}


def test_a_licence_nobody_knows_is_refused(desk: Desk, writer: User) -> None:
    image = folders.image(desk.release().story, writer)

    with pytest.raises(BadInput, match="no_such_licence"):
        storing.describe(image, {"licence": "free"}, was={}, by=writer, at=A_MORNING)


@pytest.mark.parametrize("state", [State.PUBLISHED, State.APPROVED])
def test_what_a_public_or_approved_text_shows_is_not_taken_away(
    desk: Desk, writer: User, state: State
) -> None:
    release = desk.release("Tio miljoner", state=state)
    image = folders.image(release.story, writer)
    folders.attach(release, image)

    with pytest.raises(NotNow) as refused:
        storing.remove(image, by=writer, at=A_MORNING)

    assert refused.value.facts["title"] == "Tio miljoner"
    assert image.removed_at is None


@pytest.mark.parametrize("state", [State.DRAFT, State.WITHDRAWN])
def test_what_only_a_draft_or_a_withdrawn_text_shows_may_go(
    desk: Desk, writer: User, state: State
) -> None:
    release = desk.release(state=state)
    document = folders.document(release.story, writer)
    folders.attach(release, document)

    storing.remove(document, by=writer, at=A_MORNING)

    assert documents_of(release.story_id) == []
    assert attached(release.head).documents == []


def test_what_was_taken_away_can_be_brought_back_for_a_day(desk: Desk, writer: User) -> None:
    image = folders.image(desk.release().story, writer)
    storing.remove(image, by=writer, at=A_MORNING)
    db.session.commit()
    assert removed_of(image.story_id, since=A_MORNING - A_DAY) == [image]

    storing.bring_back(image, by=writer, at=A_MORNING + timedelta(hours=23))

    assert images_of(image.story_id) == [image]


def test_nothing_is_brought_back_after_a_day(desk: Desk, writer: User) -> None:
    image = folders.image(desk.release().story, writer)
    storing.remove(image, by=writer, at=A_MORNING)

    with pytest.raises(NotFound):
        storing.bring_back(image, by=writer, at=A_MORNING + A_DAY)


def test_files_go_a_day_after_they_were_taken_away(desk: Desk, writer: User) -> None:
    story = desk.release().story
    old, new, kept = (folders.image(story, writer) for _ in range(3))
    storing.remove(old, by=writer, at=now() - A_DAY - timedelta(minutes=1))
    storing.remove(new, by=writer, at=now() - A_DAY + timedelta(minutes=5))
    db.session.commit()
    folders_there = [folders.of(one.key) for one in (old, new, kept)]

    storing.clear_shelves()

    assert [folder.exists() for folder in folders_there] == [False, True, True]
    assert set(db.session.scalars(sa.select(Image.id))) == {new.id, kept.id}


def test_files_without_a_row_are_swept_away_within_the_hour_after_a_day(
    desk: Desk, writer: User, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    kept = folders.document(desk.release().story, writer)
    stray, fresh, begun = (shelf.new_key() for _ in range(3))
    shelf.put(stray, {"document.pdf": b"x"})
    shelf.put(fresh, {"document.pdf": b"x"})
    half = folders.of(begun).with_name(f".{begun}")
    half.mkdir(parents=True)
    at = now()
    for folder in (folders.of(stray), folders.of(kept.key), half):
        os.utime(folder, ((at - 2 * A_DAY).timestamp(),) * 2)

    for minute in range(len(shelf.SHELVES)):
        monkeypatch.setattr(storing, "now", lambda m=minute: at + timedelta(minutes=m))
        storing.clear_shelves()

    left = {folder.name for folder in Path(app.config["VAR"]).glob("media/*/*")}
    assert left == {kept.key, fresh}


def test_a_story_does_not_take_files_without_end(
    desk: Desk, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "MOST_IN_A_STORY", 1)
    story = desk.release().story
    folders.document(story, writer)

    with pytest.raises(BadInput, match="story_is_full"):
        folders.document(story, writer)


def test_every_act_is_on_record_as_one_on_the_release(desk: Desk, writer: User) -> None:
    release = desk.release("Tio miljoner")
    document = folders.document(release.story, writer)
    storing.remove(document, by=writer, at=A_MORNING)
    storing.bring_back(document, by=writer, at=A_MORNING)
    db.session.commit()

    acts = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert {(act.subject, act.subject_id) for act in acts} == {("release", release.id)}
    assert [sentence(act, "sv") for act in acts] == [
        "Alva lade till filen Beslut 2026.pdf i ”Tio miljoner”.",
        "Alva beskrev filen Beslut 2026.pdf i ”Tio miljoner”.",
        "Alva tog bort filen Beslut 2026.pdf ur ”Tio miljoner”.",
        "Alva lade tillbaka filen Beslut 2026.pdf i ”Tio miljoner”.",
    ]
