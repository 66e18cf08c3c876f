"""From a grants officer's file to a `Table`: what it says, and everything that is wrong with it.

`read` takes any bytes whatever and never raises. `opening` turns them into grids of cells; here the
header is looked for below title rows and every row is read; `totals` compares the sums that the
file states. Whatever is doubtful becomes a `Problem`; the checks that compare finished rows with
each other are in `problems`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from babel import Locale

from releases.rounds import amounts, problems
from releases.rounds.cells import (
    as_text,
    countries_in,
    is_date,
    is_filled,
    is_number,
    label_of,
    partners_in,
    phrases,
    status_of,
    text_of,
    themes_in,
    without_number,
)
from releases.rounds.currency import settle_currency
from releases.rounds.grids import Grid, Unreadable
from releases.rounds.headers import Columns, find_columns
from releases.rounds.kinds import kind_of
from releases.rounds.opening import open_grids
from releases.rounds.sheet import Line, Sheet
from releases.rounds.table import AwardStatus, Problem, Row, Severity, Table
from releases.rounds.totals import Totals

_YES = """ja, j, x, yes, y, true, sant, 1, ny, new, första gången, ny sökande, ny aktör,
    ny mottagare, first time, new applicant, new grantee, new recipient"""
_NO = """nej, n, no, false, falskt, 0, -, –, —, tidigare, återkommande, befintlig, ej ny, inte ny,
    returning, existing, previous, not new"""
_NOTE = re.compile(
    r"\*|källa|not\b|note|source|obs|kommentar|anm|utskri|uppdaterad|senast|rapport|tabell|"
    r"beslut(?:at|ad)? (?:av|den)|updated|last |data |exporter|genererad|generated|\(|©",
    re.IGNORECASE,
)


def read(
    content: bytes,
    *,
    filename: str,
    currency: str | None = None,
    stated_total: Decimal | None = None,
    sheet: str | None = None,
) -> Table:
    """The table in a CSV file or workbook, with a problem for everything wrong or doubtful in it.

    `currency` is what the officer says the amounts are in, `stated_total` what they should add up
    to in whole units of it, and `sheet` the workbook's sheet to read (else the first with a
    recognisable header). Never raises: what is no table comes back as no rows and one error.
    """
    given = currency.strip().upper() if currency and currency.strip() else None
    try:
        grids = open_grids(content, filename)
        grid, columns, found = _choose(grids, sheet)
    except Unreadable as why:
        refusal = Problem(why.code, facts=why.facts)
        return Table((), (refusal,), currency=given or "SEK", language="sv")
    return _Reading(Sheet(grid, columns, found)).table(given, stated_total)


def _choose(grids: list[Grid], sheet: str | None) -> tuple[Grid, Columns, list[Problem]]:
    """The sheet to read and its columns. Raises Unreadable when none has a header we know."""
    if sheet is not None:
        named = [grid for grid in grids if grid.name.casefold() == sheet.strip().casefold()]
        if not named:
            raise Unreadable("sheet_missing", sheet=sheet, sheets=[grid.name for grid in grids])
        grids = named
    if not any(is_filled(row) for grid in grids for row in grid.rows):
        raise Unreadable("no_rows")
    headed = [
        (grid, columns)
        for grid in grids
        if (columns := find_columns(as_text(grid.rows[:40]))) is not None
    ]
    if not headed:
        raise Unreadable("no_header")
    grid, columns = headed[0]
    others = [other.name for other, _ in headed[1:]]
    found = [Problem("more_sheets", Severity.WARNING, facts={"sheet": grid.name, "others": others})]
    return grid, columns, found if others else []


@dataclass
class _Reading:
    """A sheet's rows of cells on their way to rows of meaning."""

    sheet: Sheet
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.totals = Totals(self.sheet, self.lines)

    def table(self, given: str | None, stated_total: Decimal | None) -> Table:
        self.sheet.tell_of_columns()
        self.sheet.decimal = amounts.decimal_mark(
            cell
            for row in self.sheet.body()
            for cell in self.sheet.cells(row, "amount", "amount_applied")
        )
        for number, cells in enumerate(self.sheet.body(), start=self.sheet.columns.row + 2):
            if is_filled(cells) and not self.sheet.is_header_again(cells):
                self.read_row(number, cells)
        if not self.lines:
            self.sheet.tell("no_rows")
        currency = settle_currency(self.sheet, self.lines, given)
        self.totals.compare_sums(currency, stated_total)
        table = Table(
            rows=tuple(line.row for line in self.lines),
            problems=(),
            currency=currency,
            language=self.sheet.columns.language,
            columns=self.sheet.columns.names,
        )
        if self.lines and "amount" in self.sheet.columns.at and not table.awards:
            self.sheet.tell("no_awards")
        texts = {line.row.number: line.cells for line in self.lines}
        kinds = {line.row.number: self.sheet.said(line.cells, "kind") for line in self.lines}
        found = self.sheet.found + problems.doubts(table, cells=texts, kinds=kinds)
        return replace(table, problems=tuple(problems.in_order(found)))

    def read_row(self, number: int, cells: list[Any]) -> None:
        if self.totals.read_sum(number, cells) or self.is_remark(number, cells):
            return
        status = self.read_status(number, cells)
        line = Line(Row(number, "", None, Decimal(0)), cells=tuple(text_of(c) for c in cells))
        value = self.read_amount(number, cells, line, status)
        grantee = without_number(self.sheet.said(cells, "grantee"))
        if not grantee and "grantee" in self.sheet.columns.at:
            self.sheet.tell("grantee_missing", row=number, of="grantee")
        line.row = Row(
            number=number,
            grantee=grantee,
            kind=kind_of(self.sheet.said(cells, "kind")),
            amount=value,
            partners=self.several(cells, "partners"),
            countries=self.several(cells, "countries"),
            themes=self.several(cells, "themes"),
            project=self.sheet.said(cells, "project"),
            amount_applied=self.read_applied(number, cells),
            first_timer=self.read_first_timer(number, cells),
            status=status or AwardStatus.GRANTED,
            note=self.sheet.text(cells, "note"),
        )
        self.lines.append(line)

    def read_amount(
        self, number: int, cells: list[Any], line: Line, status: AwardStatus | None
    ) -> Decimal:
        """The granted sum in whole units; 0, and a problem, when the cell does not give one."""
        if "amount" not in self.sheet.columns.at:
            return Decimal(0)
        (cell,) = self.sheet.cells(cells, "amount") or [""]
        try:
            line.amount = amounts.parse_amount(cell, decimal=self.sheet.decimal)
        except amounts.AmountError as error:
            refused = status is not AwardStatus.GRANTED and self.is_refusal(cells)
            if error.code != "amount_missing" and not refused:
                self.sheet.tell(error.code, row=number, of="amount", text=text_of(cell))
            elif status is AwardStatus.GRANTED:
                self.sheet.tell(error.code, row=number, of="amount")
            return Decimal(0)
        line.said = self.sheet.text(cells, "currency") or None
        value = amounts.to_money(line.amount.value * self.sheet.unit(cell, self.sheet.columns.unit))
        if line.amount.ambiguous:
            facts = {"text": text_of(cell), "amount": value}
            self.sheet.tell("amount_ambiguous", Severity.WARNING, row=number, of="amount", **facts)
        if value < 0:
            self.sheet.tell("amount_negative", row=number, of="amount", amount=value)
        return value

    def is_refusal(self, cells: list[Any]) -> bool:
        """Whether the amount's cell says in words that there is none (`Avslag`)."""
        text = self.sheet.text(cells, "amount")
        refused = (AwardStatus.REJECTED, AwardStatus.WITHDRAWN)
        return not re.search(r"\d", text) and status_of(label_of(text)) in refused

    def read_applied(self, number: int, cells: list[Any]) -> Decimal | None:
        (cell,) = self.sheet.cells(cells, "amount_applied") or [""]
        try:
            amount = amounts.parse_amount(cell, decimal=self.sheet.decimal)
        except amounts.BlankAmount:
            return None
        except amounts.AmountError:
            text = text_of(cell)
            self.sheet.tell(
                "applied_unreadable", Severity.WARNING, row=number, of="amount_applied", text=text
            )
            return None
        return amounts.to_money(
            amount.value * self.sheet.unit(cell, self.sheet.columns.unit_of_applied)
        )

    def read_first_timer(self, number: int, cells: list[Any]) -> bool | None:
        text = self.sheet.text(cells, "first_timer")
        word = text.casefold().strip(" .!")
        opening = re.split(r" ?[,(;:]| [-–] ", word)[0]
        if {word, opening} & phrases(_YES):
            return True
        if {word, opening} & phrases(_NO):
            return False
        if text:
            self.sheet.tell("first_timer_unreadable", row=number, of="first_timer", text=text)
        return None

    def read_status(self, number: int, cells: list[Any]) -> AwardStatus | None:
        """What was decided; None, and a warning, for a word that says nothing we know."""
        text = self.sheet.text(cells, "status")
        if not text or is_date(text):
            instead = status_of(label_of(self.sheet.text(cells, "amount")))  # Avslag for an amount
            return instead or AwardStatus.GRANTED
        status = status_of(label_of(text))
        if status is None:
            self.sheet.tell("status_unknown", Severity.WARNING, row=number, of="status", text=text)
        return status

    def several(self, cells: list[Any], name: str) -> tuple[str, ...]:
        """The values of a cell, or of several columns, each once and in order."""
        splitter = {"partners": partners_in, "countries": countries_in}.get(name, themes_in)
        values = [
            value for cell in self.sheet.cells(cells, name) for value in splitter(text_of(cell))
        ]
        if name == "countries":
            values = [self.country(value) for value in values]
        return tuple(dict.fromkeys(values))

    def country(self, value: str) -> str:
        """A two-letter code becomes a name in the language of the headers (KE: Kenya)."""
        if not re.fullmatch("[A-Z]{2}", value):
            return value
        return str(Locale.parse(self.sheet.columns.language).territories.get(value, value))

    def is_remark(self, number: int, cells: list[Any]) -> bool:
        """A footnote or a heading between groups: one text cell alone. It is told, not counted."""
        filled = [text_of(cell) for cell in cells if text_of(cell)]
        if len(filled) != 1 or is_number(filled[0]):
            return False
        text = filled[0]
        starts = _NOTE.match(text)
        remark = (
            bool(self.totals.sums) or bool(starts) or kind_of(text) is not None or len(text) > 80
        )
        if remark or text != self.sheet.text(cells, "grantee"):
            self.sheet.tell("row_skipped", Severity.WARNING, row=number, text=text)
            return True
        return False
