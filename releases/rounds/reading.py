"""From a grants officer's file to a `Table`: what it says, and everything that is wrong with it.

`read` takes any bytes whatever and never raises. `opening` turns them into grids of cells; here the
header is looked for below title rows and every row is read; `totals` compares the sums that the
file states. Whatever is doubtful becomes a `Problem`; the checks that compare finished rows with
each other are in `problems`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
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
from releases.rounds.grids import HEAD, Grid, Unreadable
from releases.rounds.headers import (
    Columns,
    Said,
    find_columns,
    find_said_columns,
    labels_of,
    likely_header,
)
from releases.rounds.kinds import kind_of
from releases.rounds.opening import open_grids
from releases.rounds.sheet import Line, Sheet
from releases.rounds.table import AwardStatus, Problem, Row, Severity, Source, Table
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


Progress = Callable[[int, int], object]
_STEP = 500  # rows between two reports of progress


def read(
    content: bytes,
    *,
    filename: str,
    currency: str | None = None,
    stated_total: Decimal | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    columns: Said | None = None,
    progress: Progress | None = None,
) -> Table:
    """The table in a file of any kind, with a problem for everything wrong or doubtful in it.

    `currency` is what the officer says the amounts are in, `stated_total` what they should add up
    to in whole units of it, `sheet` the workbook's sheet to read (else the first with a
    recognisable header), `encoding` a text file's (else it is found out). `columns` says which
    headers belong to which field, where the guess is not to be trusted; it is left aside when the
    file has not all of them. `progress` hears now and then how many rows of how many are read.
    Never raises: what is no table comes back as no rows and one error.
    """
    given = currency.strip().upper() if currency and currency.strip() else None
    try:
        opened = _choose(
            open_grids(content, filename, encoding=encoding, sheet=sheet), sheet, columns
        )
    except Unreadable as why:
        refusal = Problem(why.code, facts=why.facts)
        return Table((), (refusal,), currency=given or "SEK", language="sv")
    if opened.grid is None or opened.columns is None:
        problem = Problem("no_header" if opened.grid else "no_rows")
        return Table(
            (),
            tuple(opened.letters()) or (problem,),
            currency=given or "SEK",
            language="sv",
            source=opened.source(),
        )
    reading = _Reading(Sheet(opened.grid, opened.columns, opened.found()), progress=progress)
    return replace(reading.table(given, stated_total), source=opened.source())


@dataclass
class _Opened:
    """The sheet to read among those of a file; `columns` is None when none has a header we know."""

    grid: Grid | None = None
    columns: Columns | None = None
    is_said: bool = False
    names: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def found(self) -> list[Problem]:
        """What there is to tell before a row is read."""
        if self.grid is None or not self.others:
            return self.letters()
        facts = {"sheet": self.grid.name, "others": self.others}
        return [*self.letters(), Problem("more_sheets", Severity.WARNING, facts=facts)]

    def letters(self) -> list[Problem]:
        """That letters of a text file came out wrong, and what would mend them."""
        grid = self.grid
        if grid is None:
            return []
        if grid.broken and grid.rather:
            found = self.columns.at.keys() if self.columns else set()
            sure = grid.rather == "UTF-8" or not {"grantee", "amount"} <= found
            facts = {"word": grid.broken, "encoding": grid.encoding, "rather": grid.rather}
            severity = Severity.ERROR if sure else Severity.WARNING
            return [Problem("encoding_doubtful", severity, facts=facts)]
        if grid.broken:
            return [Problem("letters_broken", facts={"word": grid.broken})]
        if grid.is_guess and self.columns is not None:
            facts = {"encoding": grid.encoding}
            return [Problem("encoding_guessed", Severity.WARNING, facts=facts)]
        return []

    def source(self) -> Source:
        if self.grid is None:
            return Source(sheets=tuple(self.names))
        rows = as_text(self.grid.rows[:HEAD])
        header = self.columns.row if self.columns else likely_header(rows)
        width = max(map(len, rows), default=0)
        header_cells = rows[header] if header is not None else []
        labels = labels_of([*header_cells, *[""] * (width - len(header_cells))])
        body = rows[(header or 0) + 1 :]
        at = self.columns.at if self.columns else {}
        return Source(
            encoding=self.grid.encoding,
            sheet=self.grid.name,
            sheets=tuple(self.names),
            labels=tuple(labels) if header is not None else (),
            samples=tuple(_samples(body, column) for column in range(width)),
            used={name: tuple(labels[column] for column in at[name]) for name in at},
            is_said=self.is_said,
        )


def _samples(rows: Sequence[Sequence[str]], column: int) -> tuple[str, ...]:
    """The first three different cells of a column, shortened."""
    cells = (" ".join(row[column].split())[:60] for row in rows if column < len(row))
    return tuple(dict.fromkeys(cell for cell in cells if cell))[:3]


def _choose(grids: Iterator[Grid], sheet: str | None, said: Said | None) -> _Opened:
    """The sheet to read, which alone is kept whole. Raises Unreadable when the named is missing."""
    opened = _Opened()
    for grid in grids:
        opened.names.append(grid.name)
        if sheet is not None and grid.name.casefold() != sheet.strip().casefold():
            continue
        head = as_text(grid.rows[:HEAD])
        own = find_said_columns(head, said) if said else None
        columns = own or find_columns(head)
        if opened.columns is not None:
            opened.others += [grid.name] if columns else []
        elif columns is not None:
            opened.grid, opened.columns, opened.is_said = grid, columns, own is not None
        elif opened.grid is None and any(is_filled(row) for row in grid.rows):
            opened.grid = grid
        del grid
    if sheet is not None and sheet.strip().casefold() not in map(str.casefold, opened.names):
        raise Unreadable("sheet_missing", sheet=sheet, sheets=opened.names)
    return opened


@dataclass
class _Reading:
    """A sheet's rows of cells on their way to rows of meaning."""

    sheet: Sheet
    progress: Progress | None = None
    lines: list[Line] = field(default_factory=list)
    prints: dict[int, bytes] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.totals = Totals(self.sheet, self.lines)

    def table(self, given: str | None, stated_total: Decimal | None) -> Table:
        self.sheet.tell_of_columns()
        self.sheet.decimal = amounts.decimal_mark(
            cell
            for row in self.sheet.body()
            for cell in self.sheet.cells(row, "amount", "amount_applied")
        )
        first = self.sheet.columns.row + 2
        last = len(self.sheet.grid.rows)
        for number, cells in enumerate(self.sheet.body(), start=first):
            if self.progress and (number % _STEP == 0 or number == last):
                self.progress(number, last)
            if is_filled(cells) and not self.sheet.is_header_again(cells):
                self.read_row(number, cells)
        if not self.lines:
            self.sheet.tell("no_rows")
        currency = settle_currency(self.sheet, self.lines, given)
        self.totals.compare_sums(currency, stated_total)
        self.totals.compare_counts()
        table = Table(
            rows=tuple(line.row for line in self.lines),
            problems=(),
            currency=currency,
            language=self.sheet.columns.language,
            columns=self.sheet.columns.names,
        )
        if self.lines and "amount" in self.sheet.columns.at and not table.awards:
            self.sheet.tell("no_awards")
        found = self.sheet.found + problems.doubts(table, prints=self.prints, kinds=self.kinds)
        return replace(table, problems=tuple(problems.in_order(found)))

    def read_row(self, number: int, cells: list[Any]) -> None:
        if self.totals.read_sum(number, cells) or self.is_remark(number, cells):
            self.sheet.tell_of_blank_formulas(number, severity=Severity.WARNING)
            return
        self.sheet.tell_of_blank_formulas(number, severity=Severity.ERROR)
        status = self.read_status(number, cells)
        line = Line(Row(number, "", None, Decimal(0)))
        kind = self.sheet.said(cells, "kind")
        self.kinds[number] = kind
        self.prints[number] = _print_of(cells)
        value = self.read_amount(number, cells, line, status)
        grantee = without_number(self.sheet.said(cells, "grantee"))
        if not grantee and "grantee" in self.sheet.columns.at:
            self.sheet.tell("grantee_missing", row=number, of="grantee")
        line.row = Row(
            number=number,
            grantee=grantee,
            kind=kind_of(kind),
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


def _print_of(cells: Sequence[Any]) -> bytes:
    """What two rows share only when every cell of theirs is the same; a row itself is longer."""
    text = "\x1f".join(text_of(cell) for cell in cells)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
