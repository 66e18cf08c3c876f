"""`pressrum archive import`: the releases of another newsroom, from its feed or its export."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.core import jobs
from app.core.clock import now
from app.core.commands import json_option, refusals, say, say_json
from app.core.errors import BadInput, DomainError
from app.core.fetching import Unfetchable
from app.core.html import is_web_address
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from releases.newsroom.archive.archiving import (
    MOST_BYTES,
    Choices,
    Report,
    Trouble,
    bring_in,
    fetched_pages,
    origin_of,
    read_bytes,
    redirects,
)
from releases.newsroom.archive.reading import Page

group = AppGroup("archive", help="Older releases: bring them in from another newsroom.")


@group.command("import")
@click.argument("source", metavar="FEED-OR-FILE")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of all items; else as they say.")
@click.option(
    "--redirects",
    "map_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write old and new addresses here: as CSV, or as a map for nginx when it ends in .conf.",
)
@click.option("--dry-run", is_flag=True, help="Read everything, fetch no pictures, store nothing.")
@click.option("--no-pictures", is_flag=True, help="Leave pictures where they are.")
@json_option
def import_(
    source: str,
    language: str | None,
    map_file: Path | None,
    dry_run: bool,
    no_pictures: bool,
    as_json: bool,
) -> None:
    """Add the releases of an RSS or Atom feed, or of a WordPress export, as published on their day.

    FEED-OR-FILE is an address, a file, or - for standard input. Nothing is mailed. Safe to run
    again after it was broken off, and later for what is new; what has changed since is told only.
    """
    at = now()
    is_feed = is_web_address(source)
    choices = Choices(
        language=language or "",
        dry_run=dry_run,
        pictures=not no_pictures,
        origin=origin_of(source) if is_feed else "",
    )
    with refusals():
        pages = fetched_pages(source, at=at) if is_feed else _read(source)
        report = bring_in(pages, choices, at=at, progress=_Counter())
    for trouble in report.troubles:
        say(_line(trouble))
    if map_file is not None and not dry_run:
        _write(map_file, redirects(report, form="conf" if map_file.suffix == ".conf" else "csv"))
    if report.added and not dry_run:
        jobs.ring("list_releases")
    if as_json:
        say_json(as_data(report, dry_run=dry_run))
    else:
        click.echo(_summary(report, dry_run=dry_run))


def as_data(report: Report, *, dry_run: bool) -> dict[str, Any]:
    """The report as the JSON document that the command prints."""
    return {
        "dry_run": dry_run,
        "added": report.added,
        "known": report.known,
        "changed": report.changed,
        "refused": report.refused,
        "pictures": {"fetched": report.pictures, "failed": report.pictures_failed},
        "redirects": len(report.moved),
        "problems": [
            {
                "row": trouble.row,
                "title": trouble.title,
                "code": trouble.code,
                "message": _sentence(trouble),
                "severity": "error" if trouble.refused else "warning",
            }
            for trouble in report.troubles
        ],
    }


def _read(source: str) -> Iterator[Page]:
    """A file or standard input; no more than what a feed may have is ever in memory."""
    try:
        if source == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError):
        raise BadInput("archive_no_file", file=source[:300]) from None
    yield from read_bytes(content, at=now())


def _sentence(trouble: Trouble) -> str:
    language, facts = interface_language(), dict(trouble.facts)
    error = facts.get("error")
    if isinstance(error, DomainError):
        facts["error"] = translate(f"errors.{error.key}", language, **error.facts)
    elif isinstance(error, Unfetchable):
        facts["error"] = translate(f"errors.archive_{error.reason}", language)
    return translate(f"archive.{trouble.code}", language, **facts)


def _line(trouble: Trouble) -> str:
    title = trouble.title[:80] + ("…" if len(trouble.title) > 80 else "")
    where = f"{trouble.row} {title}: " if trouble.row else ""
    return "".join(c if c.isprintable() else " " for c in where + _sentence(trouble))


def _summary(report: Report, *, dry_run: bool) -> str:
    language = interface_language()
    return translate(
        "archive.would" if dry_run else "archive.done",
        language,
        added=report.added,
        known=report.known,
        changed=report.changed,
        refused=report.refused,
        fetched=report.pictures,
        failed=report.pictures_failed,
    )


def _write(path: Path, text: str) -> None:
    """Whole or not at all; what stood there before stays until then."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        say(translate("archive.map_failed", interface_language(), file=path, error=error.strerror))
        sys.exit(1)


class _Counter:
    """Tells on stderr how far a long import has come, every other second."""

    def __init__(self) -> None:
        self.told = time.monotonic()

    def __call__(self, report: Report) -> None:
        if time.monotonic() - self.told > 2:
            self.told = time.monotonic()
            say(translate("archive.progress", interface_language(), n=report.seen))
