"""Files on their way in, as a person is shown them; large ones are read and stored by the worker.

A large file would hold a page for as long as it takes to read. Its state therefore stands in
`Upload.form`: waiting, reading, read, storing, stored or failed, with how far the worker has come
and, at the end, what there is to show. The file itself is read again when it becomes a round, so
that no second copy of its rows is kept anywhere. The job commits as it goes: others look on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import jobs
from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import DomainError
from app.core.words import LANGUAGES
from releases.drafting.drafting import Context, SaidFigure, say_all
from releases.rounds import importing
from releases.rounds.changing import row_as_json, row_from_json
from releases.rounds.figures import compute
from releases.rounds.models import Round, Upload
from releases.rounds.problems import message
from releases.rounds.table import Row, Severity, Source, Table
from releases.rounds.uploading import is_large, read_upload, remember

SHOWN_ROWS = 200
SHOWN_PROBLEMS = 200
TELLING = (
    "total",
    "grantees.count",
    "projects.count",
    "kinds",
    "firsttimers.count",
    "countries.list",
)
AT_WORK = ("waiting", "reading", "to store", "storing")
KEPT_FOR = timedelta(days=1)  # when nobody makes a round of it
SILENT_FOR = timedelta(minutes=2)  # then the worker that had it is taken for dead
TRIES = 3
UNCLEAR = {"no_header", "no_grantee_column", "no_amount_column", "amount_columns_unclear"}
LETTERS = {"encoding_doubtful", "letters_broken"}  # to be mended first


@dataclass(frozen=True)
class Told:
    """One problem, its sentence in every language."""

    code: str
    severity: str
    row: int | None
    column: str | None
    sentences: dict[str, str]


@dataclass(frozen=True)
class Seen:
    """What a person is shown of a file before it is stored: not all of it when it is large."""

    row_count: int
    award_count: int
    errors: int
    warnings: int
    told: list[Told]
    rows: list[Row]
    currency: str
    figures: dict[str, list[tuple[str, str]]]
    source: Source

    @property
    def can_be_stored(self) -> bool:
        return not self.errors and self.award_count > 0

    @property
    def is_misread(self) -> bool:
        """Whether another encoding comes before everything else."""
        return any(one.code in LETTERS and one.severity == "error" for one in self.told)

    @property
    def is_unclear(self) -> bool:
        """Whether a person who says what the columns are can help."""
        codes = {one.code for one in self.told}
        return bool(self.source.labels) and not self.is_misread and bool(codes & UNCLEAR)


class Gone(Exception):
    """The person gave the file up while it was being read."""


def begin(kept: Upload) -> None:
    """Leave a large file to the worker; ring `read_uploads` when this is committed."""
    if is_large(kept.content):
        kept.form = _without_state(kept.form) | {"state": "waiting"}


def begin_storing(kept: Upload) -> None:
    """Leave the storing of a large file to the worker as well."""
    kept.form = kept.form | {"state": "to store", "tries": "0", "done": "0"}


def is_at_work(form: dict[str, str]) -> bool:
    return form.get("state") in AT_WORK


def seen(kept: Upload) -> Seen:
    """What there is to show of a file that nobody is at work with."""
    if result := kept.form.get("result"):
        return _from_json(json.loads(result))
    return seen_of(read_upload(kept))


def seen_of(table: Table) -> Seen:
    errors = len(table.errors)
    first = sorted(table.problems, key=lambda problem: problem.severity is not Severity.ERROR)
    return Seen(
        row_count=len(table.rows),
        award_count=len(table.awards),
        errors=errors,
        warnings=len(table.problems) - errors,
        told=[
            Told(
                problem.code,
                problem.severity.value,
                problem.row,
                problem.column,
                {language: message(problem, language) for language in LANGUAGES},
            )
            for problem in first[:SHOWN_PROBLEMS]
        ],
        rows=list(table.rows[:SHOWN_ROWS]),
        currency=table.currency,
        figures={language: _figures(table, language) for language in LANGUAGES},
        source=table.source,
    )


def telling(said: dict[str, SaidFigure]) -> list[tuple[str, str]]:
    """The figures that a person checks first, as (name, words)."""
    return [(name, said[name].text) for name in TELLING if name in said]


@jobs.job("read_uploads")
def read_uploads() -> None:
    """Read every large file that waits, and store those that were asked for."""
    waiting = db.session.execute(sa.select(Upload.id, Upload.form)).all()
    db.session.commit()
    for upload_id, form in waiting:
        if _is_due(form, at=now()) and _claim(upload_id, form, at=now()):
            try:
                _work(upload_id)
            except Gone:
                db.session.rollback()


@jobs.job("sweep_uploads")
def sweep_uploads() -> None:
    """Forget files that nobody made a round of within a day."""
    db.session.execute(sa.delete(Upload).where(Upload.at < now() - KEPT_FOR))
    db.session.commit()


def _is_due(form: dict[str, str], *, at: datetime) -> bool:
    if form.get("state") in ("waiting", "to store"):
        return True
    if form.get("state") not in ("reading", "storing"):
        return False
    return datetime.fromisoformat(form["beat"]) < at - SILENT_FOR


def _claim(upload_id: int, form: dict[str, str], *, at: datetime) -> bool:
    """Take a file, once among all workers; one that nobody could read is given up."""
    tries = int(form.get("tries", "0")) + 1
    stores = form["state"] in ("to store", "storing")
    state = "storing" if stores else "reading"
    taken = form | {"state": state if tries <= TRIES else "failed", "tries": str(tries)}
    won = guarded(
        sa.update(Upload)
        .where(Upload.id == upload_id, Upload.form == form)
        .values(form=taken | {"beat": at.isoformat()})
    )
    db.session.commit()
    return won and tries <= TRIES


def _work(upload_id: int) -> None:
    kept = db.session.get(Upload, upload_id)
    if kept is None:
        raise Gone
    db.session.expunge(kept)
    db.session.commit()  # nothing is open while it is read
    table = read_upload(kept, progress=_Beat(kept))
    if kept.form["state"] == "reading":
        result = json.dumps(_as_json(seen_of(table)), ensure_ascii=False)
        _put(kept, state="read", result=result)
        return
    try:
        stored = store(kept, table, by=db.session.get(User, kept.by_id), at=now())
    except DomainError as error:
        db.session.rollback()
        _put(kept, state="read", refused=error.key)
        return
    _put(kept, state="stored", stored=str(stored.id), result="")


def store(kept: Upload, table: Table, *, by: User | None, at: datetime) -> Round:
    """The round of a file, what was said of its columns remembered. Raises BadInput."""
    name = kept.form["programme"]
    decided = kept.form["decided_on"]
    programme = importing.programme_named(name) or importing.make_programme(name)
    remember(kept, programme)
    return importing.store(
        table,
        content=kept.content,
        filename=kept.filename,
        programme=programme,
        name=kept.form["name"],
        decided_on=date.fromisoformat(decided) if decided else None,
        by=by,
        at=at,
    )


class _Beat:
    """Writes down, at most once a second, how far the reading has come."""

    def __init__(self, kept: Upload) -> None:
        self.kept = kept
        self.at = now()

    def __call__(self, done: int, rows: int) -> None:
        if jobs.stopping.is_set():
            _put(self.kept, state="waiting" if self.kept.form["state"] == "reading" else "to store")
            raise Gone
        if now() - self.at >= timedelta(seconds=1):
            self.at = now()
            _put(self.kept, done=str(done), all=str(rows), beat=self.at.isoformat())


def _put(kept: Upload, **facts: str) -> None:
    kept.form = kept.form | facts
    values: dict[str, Any] = {"form": kept.form}
    if facts.get("state") == "stored":
        values["content"] = b""  # the round has it now
    if not guarded(sa.update(Upload).where(Upload.id == kept.id).values(**values)):
        raise Gone
    db.session.commit()


def _without_state(form: dict[str, str]) -> dict[str, str]:
    state = ("state", "done", "all", "beat", "tries", "result", "refused")
    return {name: value for name, value in form.items() if name not in state}


def _figures(table: Table, language: str) -> list[tuple[str, str]]:
    context = Context(language=language, programme="", source_language=table.language)
    figures = compute(table.rows, currency=table.currency)
    return telling(say_all({n: figures[n] for n in TELLING if n in figures}, context=context))


def _as_json(one: Seen) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("row_count", "award_count", "errors", "warnings")},
        "told": [asdict(told) for told in one.told],
        "rows": [row_as_json(row) for row in one.rows],
        "currency": one.currency,
        "figures": one.figures,
        "source": asdict(one.source),
    }


def _from_json(kept: dict[str, Any]) -> Seen:
    source = kept["source"]
    return Seen(
        **(
            kept
            | {
                "told": [Told(**told) for told in kept["told"]],
                "rows": [row_from_json(row) for row in kept["rows"]],
                "source": Source(
                    encoding=source["encoding"],
                    sheet=source["sheet"],
                    sheets=tuple(source["sheets"]),
                    labels=tuple(source["labels"]),
                    samples=_tuples(source["samples"]),
                    used={name: tuple(labels) for name, labels in source["used"].items()},
                    is_said=source["is_said"],
                ),
            }
        )
    )


def _tuples(lists: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(one) for one in lists)
