"""`pressrum subscriber …`: import, export, erase, allow."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn, TextIO

import click
from flask.cli import AppGroup

from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import DomainError, NotFound
from app.core.jobs import ring
from app.core.words import LANGUAGES
from app.core.words.language import t
from subscribers.audience import blocking, erasing, exporting, importing, workbooks
from subscribers.audience.importing import Omission, Report
from subscribers.audience.models import Frequency
from subscribers.audience.subscribing import PRESS_RELEASES
from subscribers.mailings import inviting
from subscribers.mailings.returns.refusals import forgive

group = AppGroup("subscriber", help="People who subscribe: import, export, block, erase.")


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--basis", required=True, help="Why we may write to them, kept with each consent.")
@click.option("--language", required=True, type=click.Choice(LANGUAGES), help="Of our mails.")
@click.option("--topic", "topics", multiple=True, default=(PRESS_RELEASES,), help="By its slug.")
@click.option(
    "--frequency",
    type=click.Choice([one.value for one in Frequency]),
    default=Frequency.IMMEDIATE.value,
    help="How soon they hear of a release.",
)
@click.option("--ask-first", is_flag=True, help="Mail each one a link to say yes with.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(
    file: str,
    basis: str,
    language: str,
    topics: tuple[str, ...],
    frequency: str,
    ask_first: bool,
    as_json: bool,
) -> None:
    """Add the addresses of a list FILE as active subscribers. Nothing is mailed.

    CSV, or a workbook of Excel or LibreOffice. Safe to run again after it was broken off. Who left,
    was suppressed or was erased stays out.
    """
    try:
        with _opened(file) as table:
            report = None
            for report in importing.import_file(
                table,
                basis=basis,
                language=language,
                topics=topics,
                frequency=Frequency(frequency),
                file_name=Path(file).name,
                ask=inviting.invite(language=language, at=now()) if ask_first else None,
                at=now(),
            ):
                db.session.commit()
                click.echo(_progress(report), err=True)
    except DomainError as error:
        _refuse(error, as_json=as_json)
    assert report is not None
    if ask_first:
        ring("deliver")
    for omission in importing.left_out(report.run_id):
        click.echo(why_left_out(omission), err=True)
    if as_json:
        _print_as_json(report)


def _print_as_json(report: Report) -> None:
    """The document that the outside contract promises, a row at a time: there may be a million."""
    click.echo(
        f'{{"imported": {report.imported}, "already": {report.already}, "left_out": [', nl=False
    )
    for number, left in enumerate(importing.left_out(report.run_id)):
        row = {"line": left.line, "reason": left.reason.value, "message": why_left_out(left)}
        click.echo((", " if number else "") + json.dumps(row, ensure_ascii=False), nl=False)
    click.echo("]}")


@group.command("export")
@click.option("--out", type=click.Path(dir_okay=False, writable=True), help="Instead of stdout.")
def export(out: str | None) -> None:
    """Write all subscribers as CSV, for a spreadsheet or another installation."""
    with _private_file(out) if out else _stdout() as file:
        count = exporting.export(file)
    record("subscriber.export", "subscriber", None, by=None, at=now(), count=count)
    db.session.commit()
    click.echo(t("subscribers.exported", n=count), err=True)


@group.command("erase")
@click.argument("email")
def erase(email: str) -> None:
    """Forget an address for good. What was sent stays counted; no import brings it back."""
    try:
        erased = erasing.erase(email, at=now())
    except DomainError as error:
        _refuse(error, as_json=False)
    record("subscriber.erase", "subscriber", None, by=None, at=now())
    db.session.commit()
    click.echo(t("subscribers.erased" if erased else "subscribers.erased_before"))


@group.command("block")
@click.argument("email")
@click.option("--because", required=True, help="The reason, kept in the log.")
def block(email: str, because: str) -> None:
    """Let nobody write to an address any more, known or not."""
    try:
        added = blocking.block(email, because=because, by=None, at=now())
    except DomainError as error:
        _refuse(error, as_json=False)
    db.session.commit()
    click.echo(t("people.blocked" if added else "people.blocked_before"))


@group.command("unblock")
@click.argument("email")
@click.option("--because", required=True, help="The reason, kept in the log.")
def unblock(email: str, because: str) -> None:
    """Allow an address to be written to again. Nobody subscribes by it."""
    try:
        found = [(line.suppression, line.subscriber_id) for line in blocking.of_address(email)]
        if not found:
            raise NotFound("no_such_block")
        for one, subscriber_id in found:
            blocking.unblock(one.address_hash, scope=one.scope, because=because, by=None, at=now())
            if subscriber_id is not None:
                forgive(subscriber_id, at=now())
    except DomainError as error:
        _refuse(error, as_json=False)
    db.session.commit()
    click.echo(t("people.unblocked"))


def why_left_out(omission: Omission) -> str:
    """A sentence for the person who can mend the file."""
    line, last_line = omission.line, omission.last_line
    one = t("subscribers.line", line=line)
    where = one if line == last_line else t("subscribers.lines", line=line, last_line=last_line)
    why = t(f"subscribers.left_out.{omission.reason.value}")
    return f"{where}: {why}"


def _progress(report: Report) -> str:
    return t(
        "subscribers.import_so_far",
        imported=report.imported,
        already=report.already,
        left_out=report.left_out,
    )


def _refuse(error: DomainError, *, as_json: bool) -> NoReturn:
    db.session.rollback()
    message = t(f"errors.{error.key}", **error.facts)
    click.echo(message, err=True)
    if as_json:
        click.echo(json.dumps({"error": error.key, "message": message}, ensure_ascii=False))
    sys.exit(1)


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    """A file, or a pipe's content in a temporary one: the importer looks through it first."""
    with click.open_file(path, "rb") as file, tempfile.TemporaryFile() as copy:
        if not file.seekable():
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
        with workbooks.as_csv(file) as table:
            yield table


@contextmanager
def _private_file(path: str) -> Iterator[TextIO]:
    """A file of personal data, readable by its owner only."""
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(target, "w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _stdout() -> Iterator[TextIO]:
    """Standard output as UTF-8, whatever the terminal speaks."""
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    yield file
    file.flush()
    file.detach()
