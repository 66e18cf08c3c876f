"""Slips that people make in tables: an amount in thousands, a project written twice.

Nothing here is certain, so all of it is warnings, and each looks for the few among many: what half
of the rows do is how the table is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from releases.rounds import register
from releases.rounds.table import AwardStatus, Problem, Row, Severity, Table

_NAMED = 10  # rows and names that one sentence tells
_ALIKE = 0.85
_MOST_PROJECTS = 30  # of one grantee: beyond it titles are not compared


def slips(table: Table) -> list[Problem]:
    """What looks like a slip in the amounts, projects and decisions of a table."""
    return [*_thousands(table), *_projects(table), *_alike_projects(table), *_not_granted(table)]


def warning(table: Table, code: str, row: Row, of: str, **facts: Any) -> Problem:
    return Problem(code, Severity.WARNING, row.number, table.columns.get(of), facts)


def _thousands(table: Table) -> Iterable[Problem]:
    """The few amounts that lie about a thousand times below or above the others, far from all."""
    awards = sorted(table.awards, key=lambda row: row.amount)
    if len(awards) < 5:
        return
    middle = Decimal(median(row.amount for row in awards))
    few = max(1, len(awards) // 10)
    below = [row for row in awards[: few + 1] if 200 <= middle / row.amount <= 5000]
    if 0 < len(below) <= few and below[-1].amount * 20 <= awards[len(below)].amount:
        for row in below if below[0] is awards[0] else []:
            yield warning(table, "amount_far_below", row, "amount", amount=row.amount, usual=middle)
    above = [row for row in awards[-few - 1 :] if 200 <= row.amount / middle <= 5000]
    if 0 < len(above) <= few and awards[-len(above) - 1].amount * 20 <= above[0].amount:
        for row in above if above[-1] is awards[-1] else []:
            yield warning(table, "amount_far_above", row, "amount", amount=row.amount, usual=middle)


def _projects(table: Table) -> Iterable[Problem]:
    """A project on two or three rows with the same amount on each: perhaps counted twice.

    Not rows that are the same in every cell, which are told as duplicates, nor a title that many
    rows share, which is no project's name.
    """
    found: dict[tuple[str, Decimal], list[Row]] = {}
    for row in table.awards:
        if row.project:
            found.setdefault((row.project.casefold(), row.amount), []).append(row)
    for rows in found.values():
        if not 1 < len(rows) <= 3:
            continue
        first = rows[0]
        for row in rows[1:]:
            if _without_number(row) != _without_number(first):
                facts = {"project": row.project, "amount": row.amount, "other_row": first.number}
                yield warning(table, "project_twice", row, "project", **facts)


def _alike_projects(table: Table) -> Iterable[Problem]:
    """One grantee's two projects with the same amount and almost the same title."""
    found: dict[tuple[str, Decimal], list[Row]] = {}
    for row in table.awards:
        if row.project:
            found.setdefault((register.identity(row), row.amount), []).append(row)
    for rows in found.values():
        if not 1 < len(rows) <= _MOST_PROJECTS:
            continue
        for at, row in enumerate(rows):
            if other := next((one for one in rows[:at] if _almost(one.project, row.project)), None):
                facts = {"project": row.project, "other": other.project, "other_row": other.number}
                yield warning(table, "project_two_titles", row, "project", **facts)


def _almost(one: str, other: str) -> bool:
    """Two titles that differ by a slip, and not by a number (`Etapp 1`, `Etapp 2`)."""
    if one.casefold() == other.casefold() or _digits(one) != _digits(other):
        return False
    return difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio() >= _ALIKE


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _not_granted(table: Table) -> Iterable[Problem]:
    """The rows that are rejected or withdrawn, and so left out: how many, where and whose."""
    if not table.awards:
        return
    if rejected := [row for row in table.rows if row.status is AwardStatus.REJECTED]:
        yield _left_out(table, "rows_rejected", rejected)
    if withdrawn := [row for row in table.rows if row.status is AwardStatus.WITHDRAWN]:
        yield _left_out(table, "rows_withdrawn", withdrawn)


def _left_out(table: Table, code: str, rows: Sequence[Row]) -> Problem:
    first = rows[:_NAMED]
    more = ["…"] if len(rows) > _NAMED else []
    facts = {
        "count": len(rows),
        "rows": [row.number for row in first] + more,
        "grantees": [row.grantee for row in first if row.grantee] + more,
    }
    column = table.columns.get("status") or table.columns.get("amount")
    return Problem(code, Severity.WARNING, rows[0].number, column, facts)


def _without_number(row: Row) -> tuple[object, ...]:
    return (row.grantee, row.kind, row.partners, row.countries, row.themes, row.note, row.status)
