"""Importing a list, step by step: upload, look at how it reads, say yes, watch, read the report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from mmap import ACCESS_READ, mmap
from tempfile import TemporaryFile
from typing import IO

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core import jobs
from app.core.accounts import Role, User, me, only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, DomainError, NotNow
from app.core.storage import Silent
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, t
from subscribers.audience import importing, reading, topics, workbooks
from subscribers.audience.addresses import masked
from subscribers.audience.importing import LeftOut, Omission
from subscribers.audience.models import Frequency, ImportRun, ImportState
from subscribers.audience.reading import Reading
from subscribers.audience.subscribing import PRESS_RELEASES

blueprint = Blueprint("imports", __name__, url_prefix="/office/subscribers/imports")

LARGEST = 256 * 1024 * 1024  # bytes of a list
LATEST = 50
SHOWN = 200  # rows of a report on the page
HEAD = 6  # rows of a preview
USED = ("state", "frequency", "topic", "language", "email")  # columns that say something to us
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


@blueprint.before_request
def _let_lists_be_large() -> None:
    if request.endpoint == "imports.upload":
        request.max_content_length = LARGEST


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Addresses are theirs."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The latest lists, and where to bring a new one."""
    return _upload_page({})


@blueprint.post("/")
def upload() -> ResponseReturnValue:
    """Put a list on the shelf and show how it reads. Nobody is stored yet."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _upload_again(t("subscribers.office.import_no_file"))
    try:
        with workbooks.as_csv(file.stream) as table, TemporaryFile() as copy:
            run = _put_on_the_shelf(table, copy, name=file.filename)
    except DomainError as error:
        db.session.rollback()
        return _upload_again(t(f"errors.{error.key}", **error.facts))
    except Silent as silent:
        db.session.rollback()
        raise NotNow("storage_silent", file=file.filename) from silent
    db.session.commit()
    return redirect(url_for("imports.show", run_id=run.id))


@blueprint.get("/<int:run_id>")
def show(run_id: int) -> ResponseReturnValue:
    """What stands before a yes, while it runs, or the report."""
    run = importing.run(run_id)
    if run.state is ImportState.UPLOADED:
        return _preview(run, given={}, errors={})
    return render_template(
        "office/subscribers/import_run.html",
        run=run,
        left_out=list(islice(importing.left_out(run.id), SHOWN)),
        reasons=_by_reason(run.id),
        shown=SHOWN,
        named=named,
    )


@blueprint.get("/<int:run_id>/progress")
def progress(run_id: int) -> ResponseReturnValue:
    """How far it is, for the page that watches it."""
    run = importing.run(run_id)
    return jsonify(
        is_going=run.state is ImportState.RUNNING,
        done=run.rows_done,
        total=run.rows_total or 0,
        words=_so_far(run),
    )


@blueprint.post("/<int:run_id>/reading")
def read_otherwise(run_id: int) -> ResponseReturnValue:
    """Another column, separator or encoding than was found."""
    run = importing.run(run_id)
    column = request.form.get("email", type=int)
    separator = SEPARATORS.get(request.form.get("separator", ""))
    encoding = request.form.get("encoding", "")
    if column is None or not 0 <= column < 500 or separator is None:
        raise BadInput("import_no_address_column", columns="")
    if encoding not in reading.ENCODINGS:
        encoding = str(run.reading["encoding"])
    importing.read_otherwise(
        run,
        email=column,
        separator=separator,
        encoding=encoding,
        header=request.form.get("header") == "1",
    )
    db.session.commit()
    return redirect(url_for("imports.show", run_id=run.id))


@blueprint.post("/<int:run_id>/begin")
def begin(run_id: int) -> ResponseReturnValue:
    """Yes: from here a worker does it."""
    run = importing.run(run_id)
    given = request.form
    frequency = given.get("frequency", "")
    try:
        importing.begin(
            run,
            basis=given.get("basis", ""),
            language=given.get("language", ""),
            topics=given.getlist("topic"),
            frequency=Frequency(frequency if frequency in set(Frequency) else "immediate"),
            ask_first=given.get("ask") == "1",
            by=me(),
            at=now(),
        )
    except BadInput as error:
        db.session.rollback()
        field = {"import_basis_missing": "basis", "import_topic_missing": "topic"}
        errors = {field.get(error.key, "language"): [t(f"errors.{error.key}", **error.facts)]}
        return _preview(importing.run(run_id), given=given, errors=errors)
    db.session.commit()
    jobs.ring("import_lists")
    return redirect(url_for("imports.show", run_id=run_id))


@blueprint.post("/<int:run_id>/stop")
def stop(run_id: int) -> ResponseReturnValue:
    """End it where it is, or throw an upload away."""
    run = importing.run(run_id)
    had_begun = run.started_at is not None
    importing.stop(run, by=me(), at=now())
    importing.forget_file(run)
    flash(t("people.import.stopped" if had_begun else "people.import.thrown_away"), "success")
    where = url_for("imports.show", run_id=run_id) if had_begun else url_for("imports.index")
    return redirect(where)


@blueprint.get("/<int:run_id>/report.csv")
def report(run_id: int) -> ResponseReturnValue:
    """Every row that was left out: its lines and why. Never an address."""
    run = importing.run(run_id)
    answer = Response(stream_with_context(_report_lines(run.id)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="import-{run.id}.csv"'
    return answer


def _report_lines(run_id: int) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([t("subscribers.office.report_line"), t("subscribers.office.report_reason")])
    for left in importing.left_out(run_id):
        where = str(left.line) if left.line == left.last_line else f"{left.line}–{left.last_line}"
        writer.writerow([where, t(f"subscribers.left_out.{left.reason.value}")])
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def named(run: ImportRun) -> str:
    """What people call an import: by its file, or as the one address that somebody typed."""
    by_hand = run.rows_total == 1
    return run.file_name or t(f"people.import.{'by_hand' if by_hand else 'unnamed'}")


def _put_on_the_shelf(table: IO[bytes], copy: IO[bytes], *, name: str) -> ImportRun:
    """From a file on disk, so that no list is ever whole in memory."""
    table.seek(0)
    while part := table.read(1 << 20):
        copy.write(part)
    copy.flush()
    if copy.tell() == 0:
        raise BadInput("import_empty")
    with mmap(copy.fileno(), 0, access=ACCESS_READ) as content:
        return importing.upload(file=copy, content=content, file_name=name, by=me(), at=now())


def _upload_again(message: str) -> ResponseReturnValue:
    return _upload_page({"file": [message]}), 422


def _upload_page(errors: dict[str, list[str]]) -> str:
    runs = db.session.execute(
        sa.select(ImportRun, User.name)
        .outerjoin(User, User.id == ImportRun.by_id)
        .order_by(ImportRun.id.desc())
        .limit(LATEST)
    ).all()
    return render_template("office/subscribers/imports.html", runs=runs, named=named, errors=errors)


def _preview(run: ImportRun, *, given: object, errors: dict[str, list[str]]) -> ResponseReturnValue:
    found = Reading.from_data(run.reading)
    chosen = given.getlist("topic") if hasattr(given, "getlist") else [PRESS_RELEASES]
    try:
        with importing.opened(run) as file:
            head = reading.head(file, found, size=HEAD)
        sample = importing.try_out(run, topics=[slug for slug in chosen if slug])
    except FileNotFoundError:
        raise NotNow("import_file_gone") from None
    finally:
        db.session.rollback()
    width = max((len(row) for row in head), default=1)
    names = [*head[0], *([""] * width)][:width] if found.header and head else [""] * width
    page = render_template(
        "office/subscribers/import_preview.html",
        run=importing.run(run.id),
        reading=found,
        used={at: what for what in USED if (at := getattr(found, what)) is not None},
        separator=next(name for name, char in SEPARATORS.items() if char == found.separator),
        separators=list(SEPARATORS),
        encodings=reading.ENCODINGS,
        columns=[
            (at, name or t("people.import.column", n=at + 1)) for at, name in enumerate(names)
        ],
        head=[[_shown(cell) for cell in row] for row in head[1 if found.header else 0 :]],
        sample=sample,
        reasons=_counted(sample.problems),
        given=given,
        errors=errors,
        chosen=chosen,
        topics=topics.offered(),
        topic_name=lambda topic: topics.name_of(topic, interface_language()),
        frequencies=list(Frequency),
        languages=LANGUAGES,
    )
    return (page, 422) if errors else page


def _shown(cell: str) -> str:
    """A cell of a preview: enough to see which column is which."""
    text = cell.strip()
    return masked(text) if "@" in text else text[:40]


def _counted(problems: list[Omission]) -> list[tuple[str, int]]:
    counted = {reason: sum(one.reason is reason for one in problems) for reason in LeftOut}
    return [(reason.value, n) for reason, n in counted.items() if n]


def _by_reason(run_id: int) -> list[tuple[str, int]]:
    counted = importing.left_out_by_reason(run_id)
    return [(reason.value, counted[reason]) for reason in LeftOut if counted.get(reason)]


def _so_far(run: ImportRun) -> str:
    return t(
        "subscribers.import_so_far",
        imported=run.imported,
        already=run.already,
        left_out=run.left_out,
    )
