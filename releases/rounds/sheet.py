"""A sheet with its columns known: what a row says of each field, and what is told about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from releases.rounds import amounts
from releases.rounds.cells import is_nothing, text_of
from releases.rounds.grids import Grid
from releases.rounds.headers import Columns
from releases.rounds.table import Problem, Row, Severity


@dataclass
class Line:
    """A row on its way: what its amount cell said, and the row itself."""

    row: Row
    amount: amounts.Amount | None = None
    currency: str | None = None
    said: str | None = None


@dataclass
class Sheet:
    """One sheet being read; `found` collects what is wrong as it is met."""

    grid: Grid
    columns: Columns
    found: list[Problem]
    decimal: str | None = None

    def body(self) -> list[list[Any]]:
        return self.grid.rows[self.columns.row + 1 :]

    def cells(self, row: Sequence[Any], *fields: str) -> list[Any]:
        at = [column for name in fields for column in self.columns.at.get(name, ())]
        return [row[column] for column in at if column < len(row)]

    def text(self, row: Sequence[Any], name: str) -> str:
        return " ".join(" ".join(text_of(cell) for cell in self.cells(row, name)).split())

    def said(self, row: Sequence[Any], name: str) -> str:
        """The text of a field, nothing for a dash or another way to say so."""
        text = self.text(row, name)
        return "" if is_nothing(text) else text

    def tell(
        self,
        code: str,
        severity: Severity = Severity.ERROR,
        *,
        row: int | None = None,
        of: str | None = None,
        **facts: Any,
    ) -> None:
        column = self.columns.names.get(of) if of else None
        self.found.append(Problem(code, severity, row=row, column=column, facts=facts))

    def tell_of_columns(self) -> None:
        if "grantee" not in self.columns.at:
            self.tell("no_grantee_column")
        if "amount" not in self.columns.at:
            self.tell("no_amount_column")
        if self.columns.rivals:
            self.tell("amount_columns_unclear", columns=list(self.columns.rivals))
        if self.columns.unit == 1000:
            self.tell("amounts_in_thousands", Severity.WARNING, of="amount")
        elif self.columns.unit > 1:
            self.tell("amounts_in_millions", Severity.WARNING, of="amount")
        if self.grid.unclosed_quote_at is not None:
            self.tell("quote_unclosed", row=self.grid.unclosed_quote_at)

    def tell_of_blank_formulas(self, number: int, *, severity: Severity) -> None:
        """Say which of a row's fields hold a formula whose result the workbook has not kept."""
        if not self.grid.blank_formulas:
            return
        for name, columns in self.columns.at.items():
            if any((number - 1, column) in self.grid.blank_formulas for column in columns):
                self.tell("formula_without_value", severity, row=number, of=name)

    def is_header_again(self, cells: Sequence[Any]) -> bool:
        """A long export repeats its header on every page."""
        header = [text_of(cell) for cell in self.grid.rows[self.columns.row]]
        return [text for text in map(text_of, cells) if text] == [text for text in header if text]

    def unit(self, cell: object, unit: Decimal) -> Decimal:
        """The header's unit, unless the cell names its own (`1,2 mkr` under a header in tkr)."""
        words = re.findall(r"[^\W\d_]+", cell.casefold()) if isinstance(cell, str) else []
        return Decimal(1) if any(amounts.unit_of(word) for word in words) else unit
