"""Changing a round after its import: a corrected file, or one row mended by hand.

What the round held before is kept as a RoundVersion: the file as it came and the rows as they were.
Nothing is written when nothing changes. An award that is the same in both keeps its row in the
database, its number (`changes.renumbered` says how) and, when not a cell of it changed, the mark of
the person who has checked it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer

from app.core.accounts import User
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict, NotFound
from releases.rounds.changes import FIELDS, RowChanges, differing, renumbered, row_changes
from releases.rounds.importing import digest, same_file
from releases.rounds.models import Award, Round, RoundVersion
from releases.rounds.register import place_code
from releases.rounds.table import AwardStatus, Row, Table

LISTS = ("partners", "countries", "themes")
MOST_VERSIONS = 50


@dataclass(frozen=True)
class Version:
    """One state of a round: who made it, when, from which file, and how its rows differ from the
    version before. `changes` is None for the first, and where comparing would take too long."""

    number: int
    filename: str
    by: str
    at: datetime
    changes: RowChanges | None
    is_present: bool


def replace_rows(
    round_: Round,
    table: Table,
    *,
    content: bytes,
    filename: str,
    by: User | None,
    at: datetime,
    base: int | None = None,
) -> RowChanges:
    """Put a corrected file's rows in place of the round's, and say what that changed.

    The same file, or another with the same rows, changes nothing and is not kept.
    `base` is the version that the person saw the changes against. Raises Conflict when the round is
    another by now, and BadInput for a table with errors or the file of another round.
    """
    if table.errors or not table.awards:
        raise BadInput("round_has_errors", n=len(table.errors))
    _expect(round_, base)
    known = same_file(content, programme=round_.programme)
    if known is not None and known.id == round_.id:
        return RowChanges()
    if known is not None:
        raise BadInput("file_is_another_round", name=known.name)
    changes = coming(round_, table)
    if not changes and table.currency == round_.currency:
        return changes
    rows = as_numbered(round_, table)
    _keep(round_, content=round_.content, by=by, at=at)
    _raise_version(
        round_,
        filename=filename[-255:],
        sha256=digest(content),
        content=content,
        currency=table.currency,
        language=table.language,
        row_count=len(table.rows),
    )
    _put(round_, rows)
    _record("round.correct", round_, by=by, at=at, changed=len(changes))
    return changes


def edit_row(
    round_: Round,
    number: int,
    row: Row,
    *,
    by: User | None,
    at: datetime,
    base: int | None = None,
) -> RowChanges:
    """Mend one row by hand; its number stays. Raises NotFound, Conflict and BadInput."""
    rows = round_.rows()
    old = next((one for one in rows if one.number == number), None)
    if old is None:
        raise NotFound("no_such_row", number=number)
    if not row.grantee.strip():
        raise BadInput("row_needs_grantee")
    _expect(round_, base)
    new = replace(row, number=number)
    if not differing(old, new):
        return RowChanges()
    # The round goes on holding this very file, so this version need not carry it too.
    _keep(round_, content=b"", by=by, at=at)
    _raise_version(round_)
    _put(round_, [new if one.number == number else one for one in rows])
    _record("round.row", round_, by=by, at=at, row=number)
    return row_changes([old], [new])


def coming(round_: Round, table: Table) -> RowChanges:
    """What a table would change in the round. Writes nothing."""
    return row_changes(round_.rows(), table.rows)


def as_numbered(round_: Round, table: Table) -> list[Row]:
    """The table's rows under the numbers that they would have in the round."""
    return renumbered(round_.rows(), table.rows, used=_used(round_))


def change_to(round_: Round, number: int) -> RowChanges:
    """What a version changed in the one before it. Raises NotFound."""
    before = rows_of(version_of(round_, number - 1))
    is_present = number == round_.version
    return row_changes(before, round_.rows() if is_present else rows_of(version_of(round_, number)))


def versions(round_: Round, *, compare_at_most: int = 20_000) -> list[Version]:
    """The round's versions, the present one first: who made each and what it changed.

    Rows are compared, the latest versions first, until `compare_at_most` rows have been read.
    """
    kept = list(
        db.session.scalars(
            sa.select(RoundVersion)
            .where(RoundVersion.round_id == round_.id)
            .options(defer(RoundVersion.rows))
            .order_by(RoundVersion.number.desc())
            .limit(MOST_VERSIONS)
        )
    )
    names = _names({round_.imported_by_id, *(one.replaced_by_id for one in kept)})
    affordable = compare_at_most // max(round_.row_count, 1)
    known = _rows_of_all(kept[:affordable])
    number, filename = round_.version, round_.filename
    after = round_.rows() if known else []
    found = []
    for one in kept:
        changes = None
        if one.id in known:
            before = known[one.id]
            changes, after = row_changes(before, after), before
        found.append(
            Version(
                number,
                filename,
                names.get(one.replaced_by_id or 0, ""),
                one.replaced_at,
                changes,
                number == round_.version,
            )
        )
        number, filename = one.number, one.filename
    if number == 1:
        by = names.get(round_.imported_by_id or 0, "")
        is_present = round_.version == 1
        found.append(Version(1, filename, by, round_.imported_at, None, is_present))
    return found


def version_of(round_: Round, number: int) -> RoundVersion:
    """An earlier version. Raises NotFound."""
    found = db.session.scalar(
        sa.select(RoundVersion).where(
            RoundVersion.round_id == round_.id, RoundVersion.number == number
        )
    )
    if found is None:
        raise NotFound("no_such_version", number=number)
    return found


def earlier(round_: Round, *, most: int | None = None) -> list[RoundVersion]:
    """The round's earlier versions with their rows, the latest first; at most so many."""
    return list(
        db.session.scalars(
            sa.select(RoundVersion)
            .where(RoundVersion.round_id == round_.id)
            .order_by(RoundVersion.number.desc())
            .limit(most)
        )
    )


def file_of(round_: Round, number: int) -> tuple[str, bytes]:
    """Name and bytes of a version's file as it came. Raises NotFound."""
    if number == round_.version:
        return round_.filename, round_.content
    version = version_of(round_, number)
    if version.content or version.sha256 == round_.sha256:
        return version.filename, version.content or round_.content
    content = db.session.scalar(
        sa.select(RoundVersion.content)
        .where(RoundVersion.round_id == round_.id, RoundVersion.sha256 == version.sha256)
        .where(RoundVersion.number > number)
        .order_by(RoundVersion.number.desc())
        .limit(1)
    )
    return version.filename, content or b""


def rows_of(version: RoundVersion) -> list[Row]:
    """The rows that a version held."""
    return [row_from_json(one) for one in version.rows]


def row_as_json(row: Row) -> dict[str, Any]:
    """A row as JSON can hold it, amounts as text so that no decimal is lost."""
    kept: dict[str, Any] = {"number": row.number}
    for name in FIELDS:
        value = getattr(row, name)
        kept[name] = list(value) if name in LISTS else value
    applied = row.amount_applied
    return kept | {
        "amount": str(row.amount),
        "amount_applied": None if applied is None else str(applied),
        "status": row.status.value,
    }


def row_from_json(kept: dict[str, Any]) -> Row:
    applied = kept["amount_applied"]
    lists = {name: tuple(kept[name]) for name in LISTS}
    return Row(
        **(kept | lists)
        | {
            "amount": Decimal(kept["amount"]),
            "amount_applied": None if applied is None else Decimal(applied),
            "status": AwardStatus(kept["status"]),
        }
    )


def _record(action: str, round_: Round, *, by: User | None, at: datetime, **facts: Any) -> None:
    record(action, "round", round_.id, title=round_.name, by=by, at=at, **facts)


def _expect(round_: Round, base: int | None) -> None:
    if base is not None and base != round_.version:
        raise Conflict("round_changed_meanwhile")


def _keep(round_: Round, *, content: bytes, by: User | None, at: datetime) -> None:
    """Write down what the round holds now, before it is changed."""
    version = RoundVersion(
        round_id=round_.id,
        number=round_.version,
        filename=round_.filename,
        sha256=round_.sha256,
        content=content,
        currency=round_.currency,
        rows=[row_as_json(row) for row in round_.rows()],
        replaced_at=at,
        replaced_by_id=by.id if by else None,
    )
    try:
        with db.session.begin_nested():
            db.session.add(version)
    except sa.exc.IntegrityError as error:  # somebody changed it at this very moment
        raise Conflict("round_changed_meanwhile") from error


def _raise_version(round_: Round, **values: object) -> None:
    won = guarded(
        sa.update(Round)
        .where(Round.id == round_.id, Round.version == round_.version)
        .values(version=round_.version + 1, **values)
    )
    if not won:
        raise Conflict("round_changed_meanwhile")
    db.session.expire(round_, ["version", *values])


def _put(round_: Round, rows: Sequence[Row]) -> None:
    """Make the round's awards these rows, each under its number."""
    present = {award.number: award for award in round_.awards}
    kept = []
    for row in rows:
        award = present.get(row.number) or Award(number=row.number)
        if award.id is None or differing(award.row(), row):
            _fill(award, row)
        kept.append(award)
    round_.awards = kept
    db.session.flush()


def _fill(award: Award, row: Row) -> None:
    for name in FIELDS:
        value = getattr(row, name)
        setattr(award, name, list(value) if name in LISTS else value)
    award.place = place_code(row.grantee, row.kind)
    award.checked_at = award.checked_by_id = None


def _used(round_: Round) -> Iterable[int]:
    """The numbers that awards of earlier versions had."""
    return {row["number"] for version in earlier(round_) for row in version.rows}


def _rows_of_all(kept: Sequence[RoundVersion]) -> dict[int, list[Row]]:
    """The rows of several versions, asked for at once."""
    wanted = [one.id for one in kept]
    if not wanted:
        return {}
    query = sa.select(RoundVersion.id, RoundVersion.rows).where(RoundVersion.id.in_(wanted))
    return {
        found.id: [row_from_json(row) for row in found.rows] for found in db.session.execute(query)
    }


def _names(ids: set[int | None]) -> dict[int, str]:
    wanted = [one for one in ids if one is not None]
    if not wanted:
        return {}
    found = db.session.execute(sa.select(User.id, User.name).where(User.id.in_(wanted)))
    return {row.id: row.name for row in found}
