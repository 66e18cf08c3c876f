"""The shape of a results table once it is read: rows, problems and the table itself.

Plain frozen data, shared by reading (which makes it), figures (which counts it) and the round's
own database rows. Nothing here touches a database, a request or the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any


class AwardStatus(StrEnum):
    """What was decided about one row. Only GRANTED rows with an amount above 0 are awards."""

    GRANTED = "granted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Severity(StrEnum):
    ERROR = "error"  # the round cannot be stored
    WARNING = "warning"  # it can, and a person should look


@dataclass(frozen=True)
class Row:
    """One row of the table, its cells read but nothing left out.

    `number` is the row as the officer sees it in the spreadsheet (the header row is 1 in a plain
    file). `kind` is a key of `releases.rounds.kinds` or None when the cell is blank or unknown.
    """

    number: int
    grantee: str
    kind: str | None
    amount: Decimal
    partners: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    project: str = ""
    amount_applied: Decimal | None = None
    first_timer: bool | None = None
    status: AwardStatus = AwardStatus.GRANTED
    note: str = ""

    @property
    def is_award(self) -> bool:
        return self.status is AwardStatus.GRANTED and self.amount > 0


@dataclass(frozen=True)
class Problem:
    """Something wrong or doubtful in a file, told to the person who can mend it.

    `code` names the sentence in the word catalogues (`problems.<code>`); `facts` fill it.
    `row` and `column` are as in the spreadsheet: row number, header text. None: the file.
    """

    code: str
    severity: Severity = Severity.ERROR
    row: int | None = None
    column: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """How a file was opened, for the person who may want it opened in another way.

    `encoding` is a text file's, `sheet` and `sheets` a workbook's. `labels` names every column and
    `samples` gives its first cells; `used` says which of them each field was read from, and
    `is_said` whether a person had said so.
    """

    encoding: str | None = None
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    samples: tuple[tuple[str, ...], ...] = ()
    used: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_said: bool = False


@dataclass(frozen=True)
class Table:
    """A file as it was understood.

    `language` is that of the headers ('sv' or 'en') and so, most likely, of the cells.
    `columns` maps our field names to the header texts they were found under.
    """

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    currency: str
    language: str
    columns: dict[str, str] = field(default_factory=dict)
    source: Source = field(default_factory=Source)

    @property
    def awards(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.is_award)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)
