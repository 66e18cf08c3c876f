"""The alert of a disk that fills up: in time, once for each machine, over when there is room."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from flask import Flask

from app.core import alerts, jobs
from app.core.alerts import open_alerts, past_alerts
from app.core.beats import this_machine
from app.core.db import db
from app.space import asked_for, watch
from tests.factories import A_MORNING

MB = 1 << 20
GB = 1 << 30


@pytest.mark.parametrize(
    ("total", "asked"),
    [(GB, 256 * MB), (20 * GB, GB), (100 * GB, 2 * GB), (4000 * GB, 2 * GB)],
)
def test_a_twentieth_should_be_free_within_bounds(total: int, asked: int) -> None:
    assert asked_for(total) == asked


def test_a_disk_that_fills_up_is_told_of_once_with_how_much_is_left(app: Flask) -> None:
    watch(free=GB, total=20 * GB, at=A_MORNING)
    assert not open_alerts()

    watch(free=900 * MB, total=20 * GB, at=A_MORNING)
    watch(free=10 * MB, total=20 * GB, at=A_MORNING)

    [alert] = open_alerts()
    words = alerts.in_words(alert, "sv")
    assert (alert.code, alert.subject) == ("disk_full", this_machine())
    assert this_machine() in words.title
    assert "900 MB" in words.text


def test_it_is_over_when_there_is_room_and_some_to_spare(app: Flask) -> None:
    watch(free=900 * MB, total=20 * GB, at=A_MORNING)

    watch(free=1100 * MB, total=20 * GB, at=A_MORNING)
    assert len(open_alerts()) == 1
    watch(free=2 * GB, total=20 * GB, at=A_MORNING)

    assert not open_alerts()
    assert len(past_alerts()) == 1


def test_every_worker_looks_at_the_disk_that_its_files_lie_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(free=MB, total=20 * GB)
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or full)

    jobs.run("watch_space")
    db.session.rollback()

    assert asked == [app.config["VAR"]]
    assert "watch_space" in jobs._everywhere
    assert [alert.code for alert in open_alerts()] == ["disk_full"]
