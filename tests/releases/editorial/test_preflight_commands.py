"""The preflight, the hour and what was told to applicants, by script."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from flask import Flask

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from releases import commands
from releases.editorial import workflow
from releases.editorial.models import Release, State
from tests import factories
from tests.factories import A_MORNING
from tests.releases.editorial.test_preflight import QUOTE, revise


@pytest.fixture
def blocked(writer: User, editor: User) -> Release:
    release = factories.release(writer)
    revise(release, writer, body=release.head.body + QUOTE)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head.id, by=editor, at=A_MORNING)
    db.session.commit()
    return release


def run(app: Flask, *words: object) -> Result:
    group = commands.round_group if words[0] == "round" else commands.release_group
    return app.test_cli_runner().invoke(group, [str(word) for word in words[1:]])


def test_the_preflight_is_one_document_and_its_code_says_whether_something_blocks(
    app: Flask, blocked: Release, writer: User
) -> None:
    result = run(app, "release", "preflight", blocked.id, "--json")

    told = {one["code"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert told["quote_unsigned"]["blocks"]
    assert told["gaps"]["weight"] == "warn"
    fresh = factories.release(writer)
    assert run(app, "release", "preflight", fresh.id).exit_code == 0


def test_a_blocked_release_is_not_published_and_its_lines_are_told(
    app: Flask, blocked: Release, editor: User
) -> None:
    result = run(app, "release", "publish", blocked.id, "--by", editor.email)

    assert result.exit_code == 1
    assert "Karin Ek" in result.stderr
    db.session.refresh(blocked)
    assert blocked.state is State.APPROVED


def test_a_line_is_taken_on_with_a_reason(app: Flask, blocked: Release, editor: User) -> None:
    lines = json.loads(run(app, "release", "preflight", blocked.id, "--json").stdout)
    line = next(one["line"] for one in lines if one["blocks"])
    words = ("release", "override", blocked.id, line, "--by", editor.email, "--reason")

    assert run(app, *words, "kort").exit_code == 1
    assert run(app, *words, "Hon sa ja på mötet.").exit_code == 0
    assert run(app, "release", "publish", blocked.id, "--by", editor.email).exit_code == 0
    db.session.refresh(blocked)
    assert blocked.state is State.PUBLISHED


def test_the_mail_is_scheduled_with_the_release(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    at = (now() + timedelta(days=1)).replace(microsecond=0)
    words = ("release", "schedule", release.id, "--by", editor.email, "--at", at.isoformat())

    later = at + timedelta(hours=2)
    assert run(app, *words, "--mail-at", later.isoformat()).exit_code == 0
    db.session.refresh(release)
    assert (release.publish_at, release.mail_at, release.mail_wanted) == (at, later, True)
    assert run(app, *words, "--no-mail").exit_code == 0
    db.session.refresh(release)
    assert (release.mail_at, release.mail_wanted) == (None, False)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--mail-at", "2030-01-01T10:00"],
        ["--mail-at", "x"],
        ["--mail-at", "9999-12-31T23:59-10:00"],
        ["--mail-at", "2030-01-01T10:00+01:00", "--no-mail"],
    ],
)
def test_a_wrong_use_is_told_apart_from_a_refusal(
    app: Flask, writer: User, editor: User, wrong: list[str]
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    words = ("release", "schedule", release.id, "--by", editor.email)

    assert run(app, *words, "--at", "2030-01-01T09:00+01:00", *wrong).exit_code == 2


def test_applicants_are_told_by_script(app: Flask, writer: User) -> None:
    round_ = factories.round_()
    words = ("round", "communicated", round_.id, "--reference", "2026/1", "--by", writer.email)

    assert run(app, *words, "--on", "2026-01-02").exit_code == 0
    db.session.refresh(round_)
    assert round_.decision_reference == "2026/1"
    assert round_.communicated_at == datetime(2026, 1, 2, 11, tzinfo=UTC)
    assert run(app, *words).exit_code == 1
