"""`pressrum subscriber …`, as a script runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app.core.db import db
from subscribers.audience import subscribing
from subscribers.audience.models import EndedReason, Subscriber
from subscribers.commands import group
from tests.factories import A_MORNING
from tests.subscribers.cast import DORA, active, how_many


@pytest.fixture
def run(app: Flask) -> object:
    def run(*words: str, stdin: bytes | None = None) -> Result:
        return app.test_cli_runner().invoke(group, words, input=stdin)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("E-post\ndora@reader.example\nnonsense\nleft@reader.example\n")
    return path


def test_an_import_prints_one_json_document_and_its_words_on_stderr(run, file: Path) -> None:  # type: ignore[no-untyped-def]
    subscribing.end(active("left@reader.example"), reason=EndedReason.USER_LINK, at=A_MORNING)
    db.session.commit()

    result = run("import", str(file), "--basis", "Kundlistan", "--language", "sv", "--json")

    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert (said["imported"], said["already"]) == (1, 0)
    assert [(left["line"], left["reason"]) for left in said["left_out"]] == [
        (3, "unreadable"),
        (4, "ended"),
    ]
    assert all(left["message"] for left in said["left_out"])
    assert "Rad 3: " in result.stderr


def test_an_import_twice_changes_nothing_the_second_time(run, file: Path) -> None:  # type: ignore[no-untyped-def]
    words = ("import", str(file), "--basis", "Kundlistan", "--language", "sv", "--json")
    run(*words)

    assert json.loads(run(*words).stdout)["already"] == 2
    assert how_many(Subscriber) == 2


def test_an_import_reads_a_pipe(run) -> None:  # type: ignore[no-untyped-def]
    words = ("import", "-", "--basis", "Kundlistan", "--language", "en")

    assert run(*words, stdin=b"email\ndora@reader.example\n").exit_code == 0
    assert how_many(Subscriber) == 1


def test_case_36_an_empty_basis_is_refused_with_the_reason(run, file: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("import", str(file), "--basis", " ", "--language", "sv", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "import_basis_missing"
    assert "Ange varför" in result.stderr
    assert how_many(Subscriber) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("import", "FILE", "--language", "sv"),
        ("import", "FILE", "--basis", "x", "--language", "de"),
        ("import", "no such file", "--basis", "x", "--language", "sv"),
        ("erase",),
    ],
)
def test_wrong_usage_ends_with_2(run, file: Path, words: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    given = [str(file) if word == "FILE" else word for word in words]

    assert run(*given).exit_code == 2


def test_an_export_goes_to_stdout_or_to_a_file_that_others_cannot_read(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    active()
    path = tmp_path / "out.csv"

    printed, written = run("export"), run("export", "--out", str(path))

    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert printed.stdout_bytes == path.read_bytes()
    assert path.read_bytes().startswith(b"\xef\xbb\xbfemail,")
    assert path.stat().st_mode & 0o077 == 0


def test_erasing_says_so_and_can_be_repeated(run) -> None:  # type: ignore[no-untyped-def]
    active()

    first, second = run("erase", DORA), run("erase", DORA)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "är raderad" in first.stdout
    assert "redan raderad" in second.stdout
    assert db.session.scalars(sa.select(Subscriber.address)).one() is None


@pytest.mark.parametrize("address", ["somebody@else.example", "nonsense"])
def test_what_cannot_be_erased_is_refused(run, address: str) -> None:  # type: ignore[no-untyped-def]
    result = run("erase", address)

    assert result.exit_code == 1
    assert result.stderr.strip()
