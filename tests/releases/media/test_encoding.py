"""A worker makes the files of a picture after it has been uploaded."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from app.core import jobs, shelf
from app.core.accounts import User
from app.core.db import db
from app.core.errors import NotFound
from app.core.storage import Silent
from releases.media import encoding, imaging
from releases.media.encoding import encode_images
from releases.media.models import MOST_TRIES, Image
from releases.media.questions import attached
from releases.media.renditions import names
from releases.media.turns import turn
from tests.releases.media import folders
from tests.releases.newsroom.desk import Desk


@pytest.fixture
def image(desk: Desk, writer: User) -> Image:
    return folders.image(desk.release().story, writer)


def all_names(image: Image) -> set[str]:
    return set(
        names(image.width, image.height, image.content_type, focal=(image.focal_x, image.focal_y))
    )


def fail(*_args: object, **_more: object) -> None:
    raise ValueError("an encoder that does not like it")


def test_every_file_is_made_and_the_picture_says_so(image: Image) -> None:
    encode_images()

    assert shelf.names(image.key) == all_names(image)
    assert image.encoded_at is not None
    assert image.encode_failures == 0


def test_readers_are_offered_the_files_only_once_they_are_there(desk: Desk, writer: User) -> None:
    release = desk.release()
    image = folders.image(release.story, writer)
    folders.attach(release, image)
    assert attached(release.head).images[0]["encoded"] is False

    encode_images()

    assert attached(release.head).images[0]["encoded"] is True


def test_what_is_there_already_is_not_made_again(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put(image.key, {"480.avif": b"made before"})
    first = shelf.read(image.key, "960.jpg")

    encode_images()

    assert shelf.read(image.key, "480.avif") == b"made before"
    assert shelf.read(image.key, "960.jpg") == first
    assert shelf.names(image.key) == all_names(image)


def test_work_that_was_broken_off_is_gone_on_with(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As a process ends: nothing catches it."""

    put, count = shelf.put, iter(range(100))

    def dying(key: str, files: dict[str, bytes]) -> None:
        if next(count) == 4:
            raise Killed
        put(key, files)

    monkeypatch.setattr(encoding.shelf, "put", dying)
    with pytest.raises(Killed):
        encode_images()
    db.session.rollback()
    assert len(shelf.names(image.key)) == 2 + 4

    encode_images()

    db.session.refresh(image)
    assert shelf.names(image.key) == all_names(image)
    assert image.encoded_at is not None


def test_a_picture_that_cannot_be_made_is_given_up_after_three_tries(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    monkeypatch.setattr(
        encoding.imaging, "renditions", lambda *_args, **_more: tries.append(1) or fail()
    )

    for _ in range(MOST_TRIES + 2):
        encode_images()

    db.session.refresh(image)
    assert len(tries) == MOST_TRIES
    assert image.is_given_up


def test_one_that_fails_does_not_stand_in_the_way_of_the_next(
    desk: Desk, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = desk.release().story
    bad, good = folders.image(story, writer), folders.image(story, writer)
    made = encoding.make_missing
    monkeypatch.setattr(
        encoding, "make_missing", lambda work: fail() if work.id == bad.id else made(work)
    )

    encode_images()

    db.session.refresh(bad)
    db.session.refresh(good)
    assert (bad.encoded_at, bad.encode_failures) == (None, 1)
    assert good.encoded_at is not None


def test_a_picture_that_was_given_up_can_be_tried_anew(image: Image) -> None:
    image.encode_failures = MOST_TRIES
    db.session.commit()
    encode_images()
    assert image.encoded_at is None

    encoding.try_again(image)
    db.session.commit()
    encode_images()

    db.session.refresh(image)
    assert image.encoded_at is not None


def test_what_is_made_already_is_not_tried_anew(image: Image) -> None:
    encode_images()

    with pytest.raises(NotFound):
        encoding.try_again(image)


def test_a_storage_that_is_silent_for_a_while_is_not_held_against_the_picture(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_key: str) -> set[str]:
        raise Silent("no route to host")

    with monkeypatch.context() as away:
        away.setattr(encoding.shelf, "names", silent)
        for _ in range(MOST_TRIES + 1):
            encode_images()
    db.session.refresh(image)
    assert image.encode_failures == 0

    encode_images()

    db.session.refresh(image)
    assert image.encoded_at is not None


def test_a_picture_whose_first_files_are_lost_is_not_said_to_be_ready(image: Image) -> None:
    shelf.sweep_away(image.key)

    encode_images()

    db.session.refresh(image)
    assert (image.encoded_at, image.encode_failures) == (None, 1)


def test_a_point_that_is_chosen_meanwhile_leaves_the_work_to_do(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = encoding.make_missing

    def meanwhile(work: encoding.Work) -> None:
        made(work)
        db.session.get_one(Image, image.id).focal_x = 10
        db.session.commit()

    with monkeypatch.context() as racing:
        racing.setattr(encoding, "make_missing", meanwhile)
        encode_images()
    db.session.refresh(image)
    assert image.encoded_at is None

    encode_images()

    db.session.refresh(image)
    assert image.encoded_at is not None
    assert "lead-10-50-800.avif" in shelf.names(image.key)


def test_only_one_on_a_machine_works_at_a_time(app: Flask, image: Image) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def holding() -> None:
        with app.app_context(), turn("encoding", wait=False) as ours:
            assert ours
            at_work.set()
            go_on.wait(10)

    other = threading.Thread(target=holding)
    other.start()
    at_work.wait(10)
    try:
        encode_images()
        db.session.refresh(image)
        assert (image.encoded_at, image.encode_failures) == (None, 0)
    finally:
        go_on.set()
        other.join()


def test_a_worker_that_is_told_to_end_begins_no_other_picture(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(jobs, "stopping", stopping)

    encode_images()

    assert image.encode_failures == 0


def test_nobody_waits_in_the_database_while_files_are_made(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_open, made = [], imaging.renditions

    def looking(*args: object, **more: object) -> object:
        was_open.append(db.session().in_transaction())
        return made(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(encoding.imaging, "renditions", looking)

    encode_images()

    assert was_open == [False]
