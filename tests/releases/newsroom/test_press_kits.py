"""When press kits are made, by whom, and what happens when that goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.core import jobs, shelf
from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import Release, State
from releases.newsroom.sharing import packing, press_kits
from releases.newsroom.sharing.typesetting import CannotTypeset
from tests import factories
from tests.factories import A_MORNING
from tests.releases.newsroom.kits import correct, full_release, kit_rows

SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    def set_to(at: datetime) -> None:
        monkeypatch.setattr(press_kits, "now", lambda: at)

    set_to(A_MORNING)
    return set_to


@pytest.fixture
def published(app: Flask, writer: User, editor: User, set_clock: SetClock) -> Release:
    return full_release(writer, editor)


# When it is made


def test_a_kit_is_wanted_as_soon_as_something_is_public(published: Release) -> None:
    [kit] = kit_rows()

    assert (kit.release_id, kit.revision_id) == (published.id, published.live_id)
    assert kit.key is None
    assert press_kits.is_coming(published)


def test_a_kit_is_made_once(published: Release) -> None:
    press_kits.make_press_kits()
    [kit] = kit_rows()
    key = kit.key
    press_kits.make_press_kits()

    [kit] = kit_rows()
    assert key is not None
    assert kit.key == key
    assert kit.failures == 0
    assert kit.zip_size == len(shelf.read(key, press_kits.ZIP))
    assert kit.pdf_size == len(shelf.read(key, press_kits.PDF))


def test_a_correction_has_a_kit_of_its_own_and_the_old_one_goes(
    published: Release, writer: User, editor: User, set_clock: SetClock
) -> None:
    press_kits.make_press_kits()
    old = kit_rows()[0].key
    correct(published, writer, editor)
    set_clock(A_MORNING + timedelta(hours=2))
    press_kits.make_press_kits()

    [kit] = kit_rows()
    assert old is not None
    assert kit.revision_id == published.live_id
    assert kit.key not in (None, old)
    assert shelf.names(old) == set()


def test_two_workers_make_it_once(published: Release) -> None:
    [kit] = kit_rows()
    kit_id = kit.id

    assert press_kits._take(kit, at=A_MORNING)
    assert not press_kits.make(kit_id, at=A_MORNING)


def test_a_kit_whose_maker_was_killed_is_made_by_the_next(
    published: Release, set_clock: SetClock
) -> None:
    [kit] = kit_rows()
    press_kits._take(kit, at=A_MORNING)

    press_kits.make_press_kits()
    assert kit_rows()[0].key is None
    set_clock(A_MORNING + press_kits.AGAIN)
    press_kits.make_press_kits()

    assert kit_rows()[0].key is not None


def test_what_was_published_while_a_kit_was_made_is_not_lost(
    published: Release, monkeypatch: pytest.MonkeyPatch, set_clock: SetClock
) -> None:
    really = packing.pack

    def pack_meanwhile(material: packing.Material) -> packing.Packed:
        press_kits.want(published, A_MORNING + timedelta(minutes=1))
        db.session.commit()
        return really(material)

    monkeypatch.setattr(packing, "pack", pack_meanwhile)
    press_kits.make_press_kits()
    assert kit_rows()[0].key is None
    monkeypatch.setattr(packing, "pack", really)
    set_clock(A_MORNING + timedelta(minutes=2))
    press_kits.make_press_kits()

    assert kit_rows()[0].key is not None


def test_a_kit_that_fails_is_tried_five_times_and_then_given_up(
    published: Release,
    monkeypatch: pytest.MonkeyPatch,
    set_clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = []

    def fail(_material: packing.Material) -> packing.Packed:
        tries.append(1)
        raise CannotTypeset("broken")

    monkeypatch.setattr(packing, "pack", fail)
    with caplog.at_level(logging.ERROR):
        for number in range(9):
            set_clock(A_MORNING + number * press_kits.AGAIN)
            press_kits.make_press_kits()

    assert len(tries) == 5
    assert f"press kit of release {published.id} is given up" in caplog.text
    assert not press_kits.is_coming(published)


def test_a_kit_that_fails_does_not_stop_the_others(
    published: Release, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.release(writer, language="en", state=State.PUBLISHED, editor=editor)
    really = packing.gather

    def fail_for_one(release: Release) -> packing.Material:
        if release.id == published.id:
            raise FileNotFoundError("high.jpg")
        return really(release)

    monkeypatch.setattr(packing, "gather", fail_for_one)
    press_kits.make_press_kits()

    assert press_kits.kit_of(published) is None
    assert press_kits.kit_of(other) is not None


def test_publishing_rings_for_the_worker(
    writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(jobs, "ring", rung.append)

    factories.release(writer, state=State.PUBLISHED, editor=editor)

    assert "make_press_kits" in rung
    assert "make_press_kits" in jobs.in_order()
