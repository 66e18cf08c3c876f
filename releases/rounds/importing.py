"""Importing: a file that was read well becomes a round; one with errors becomes nothing."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa

from app.core.accounts import User
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput
from releases.rounds.models import Award, Programme, Round
from releases.rounds.register import place_code
from releases.rounds.table import Row, Table
from subscribers.audience.models import Topic

BATCH = 1000


def store(
    table: Table,
    *,
    content: bytes,
    filename: str,
    programme: Programme,
    name: str,
    decided_on: date | None = None,
    by: User | None,
    at: datetime,
) -> Round:
    """The round of a table without errors, its file kept as it came.

    The same file in the same programme is the same round: it is given back and nothing is written.
    Raises BadInput when the table has errors or the round has no name.
    """
    if table.errors or not table.awards:
        raise BadInput("round_has_errors", n=len(table.errors))
    if not name.strip():
        raise BadInput("round_needs_name")
    if known := same_file(content, programme=programme):
        return known
    stored = Round(
        programme=programme,
        name=name.strip(),
        decided_on=decided_on,
        currency=table.currency,
        language=table.language,
        filename=filename[-255:],
        sha256=digest(content),
        content=content,
        row_count=len(table.rows),
        imported_at=at,
        imported_by_id=by.id if by else None,
    )
    try:
        with db.session.begin_nested():
            db.session.add(stored)
            db.session.flush()
            _insert_awards(stored, table.rows)
    except sa.exc.IntegrityError:  # somebody imported the same file at this very moment
        if known := same_file(content, programme=programme):
            return known
        raise
    record(
        "round.import",
        "round",
        stored.id,
        title=stored.name,
        by=by,
        at=at,
        programme=programme.name,
        rows=stored.row_count,
    )
    return stored


def date_decision(round_: Round, day: date) -> None:
    """Say when a round was decided that came without a date. Raises BadInput when it has one."""
    dated = guarded(
        sa.update(Round)
        .where(Round.id == round_.id, Round.decided_on.is_(None))
        .values(decided_on=day)
    )
    if not dated:
        raise BadInput("round_is_dated")
    db.session.refresh(round_)


def columns_of(programme: Programme | None) -> dict[str, list[str]]:
    """What a person has said the columns of a programme's files are, as reading takes it."""
    said = programme.columns if programme is not None else {}
    return {name: labels.split("\n") for name, labels in (said or {}).items()}


def remember_columns(programme: Programme, said: Mapping[str, Sequence[str]]) -> None:
    """Keep what a person said of the columns for the programme's next file."""
    programme.columns = {name: "\n".join(labels) for name, labels in said.items() if labels}


def same_file(content: bytes, *, programme: Programme | None) -> Round | None:
    """The round that this very file already made in this programme."""
    if programme is None or programme.id is None:
        return None
    return db.session.scalar(
        sa.select(Round).where(Round.programme_id == programme.id, Round.sha256 == digest(content))
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def programme_named(name: str) -> Programme | None:
    wanted = " ".join(name.split())
    return db.session.scalar(sa.select(Programme).where(Programme.name == wanted))


def make_programme(name: str) -> Programme:
    """A new programme, whose address no topic has either. Raises BadInput when the name is empty
    or too long."""
    wanted = " ".join(name.split())
    if not wanted or len(wanted) > 200:
        raise BadInput("programme_needs_name")
    slug = slug_of(wanted) or "program"
    taken = {
        one
        for column in (Programme.slug, Topic.slug)
        for one in db.session.scalars(sa.select(column).where(column.startswith(slug)))
    }
    programme = Programme(name=wanted, slug=free_slug(slug, taken=taken))
    db.session.add(programme)
    db.session.flush()
    return programme


def slug_of(text: str, *, longest: int = 80) -> str:
    """Letters a to z, digits and hyphens; å, ä and ö lose their marks. May be empty."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", ascii_only)
    slug = ""
    for word in words:
        if len(slug) + len(word) + 1 > longest:
            break
        slug += f"-{word}" if slug else word[:longest]
    return slug


def free_slug(wanted: str, *, taken: Collection[str]) -> str:
    """The slug itself, or the first of wanted-2, wanted-3 … that nobody has."""
    number, slug = 2, wanted
    while slug in taken:
        slug, number = f"{wanted}-{number}", number + 1
    return slug


def _insert_awards(round_: Round, rows: Sequence[Row]) -> None:
    """Write the rows by batches, so that a large file is not in memory a second time."""
    for start in range(0, len(rows), BATCH):
        batch = [_award(row) | {"round_id": round_.id} for row in rows[start : start + BATCH]]
        db.session.execute(sa.insert(Award), batch)


def _award(row: Row) -> dict[str, object]:
    return {
        "number": row.number,
        "grantee": row.grantee,
        "kind": row.kind,
        "amount": row.amount,
        "partners": list(row.partners),
        "countries": list(row.countries),
        "themes": list(row.themes),
        "project": row.project,
        "amount_applied": row.amount_applied,
        "first_timer": row.first_timer,
        "status": row.status,
        "note": row.note,
        "place": place_code(row.grantee, row.kind),
    }
