"""From a grants officer's file to a `Table`: what it says, and everything that is wrong with it.

`read` takes any bytes whatever and never raises. CSV in the usual encodings and the workbooks of
Excel and LibreOffice are opened, the header is looked for below title rows, every row is read, and
sums that the file states are compared with the rows. Whatever is doubtful becomes a `Problem`; the
checks that compare finished rows with each other are in `problems`.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import PurePath
from typing import Any
from xml.parsers import expat

import python_calamine
from babel import Locale

from releases.rounds import amounts, problems
from releases.rounds.headers import Columns, find_columns
from releases.rounds.kinds import kind_of
from releases.rounds.table import AwardStatus, Problem, Row, Severity, Table

MAX_BYTES = 20_000_000
MAX_UNPACKED_BYTES = 150_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 500
MAX_CELLS = 5_000_000
_CELL_CHARACTERS = 200_000
_DELIMITERS = ";,\t|"
_END = "\x1e"

_YES = """ja, j, x, yes, y, true, sant, 1, ny, new, första gången, ny sökande, ny aktör,
    ny mottagare, first time, new applicant, new grantee, new recipient"""
_NO = """nej, n, no, false, falskt, 0, -, –, —, tidigare, återkommande, befintlig, ej ny, inte ny,
    returning, existing, previous, not new"""
_STATUS_WORDS = {
    AwardStatus.GRANTED: """beviljad, beviljat, beviljas, beviljade, bifall, bifallen, bifalles,
        bifölls, godkänd, godkänt, tillstyrkt, ja, delvis, delvis beviljad, delvis bifall,
        delvis bifallen,
        beviljad delvis, beslutad, granted, approved, awarded, accepted, successful, funded, yes,
        active, completed, closed, partially approved, partly granted, partially granted, signed,
        pågående, pågår, avslutad, avslutat, slutredovisad, ongoing, live""",
    AwardStatus.REJECTED: """avslag, avslagen, avslaget, avslås, avslogs, ej beviljad, ej beviljat,
        inte beviljad, ej bifall, nekad, nekat, avvisad, avvisat, avvisas, avstyrkt, ej prioriterad,
        ej behörig, nej, rejected, refused, declined, denied, unsuccessful, ineligible,
        not eligible, not selected, not granted, not approved, not awarded, not funded, no""",
    AwardStatus.WITHDRAWN: """återtagen, återtaget, återkallad, återkallat, tillbakadragen,
        tillbakadraget, återkallas, indragen, indraget, avbruten, avbrutet, avskriven, avskrivet,
        withdrawn, cancelled, canceled,
        retracted, returned, terminated""",
}
_SUM_WORDS = (
    "summa", "totalt", "totala", "total", "totals", "totaler", "sum", "totalsumma", "totalbelopp",
    "slutsumma", "sammanlagt", "sammanlagd", "s a", "grand total", "overall total",
)  # fmt: skip
_SUMMED = """summa totalt total totals sum summarum beviljat beviljad beviljade beslutat beslutade
    belopp beloppet bidrag bidragen stöd medel pengar statsbidrag anslag fördelat fördelade utdelat
    tilldelat tilldelade samtliga alla awarded awards award amount amounts grant grants granted
    funding funded contribution contributions eu all of for för i in the allocated"""
_EVERYONE = """riket, hela riket, hela landet, sverige, samtliga, samtliga kommuner, alla,
    alla kommuner, all, all grants, all recipients, all awards, england, uk"""
_PART_WORDS = ("delsumma", "deltotal", "subtotal", "sub total", "varav", "därav", "of which")
_COUNTS = ("antal ", "number of ")
_AVERAGES = """genomsnitt, genomsnittligt belopp, genomsnittligt bidrag, medelvärde, medelbelopp,
    snitt, median, medianbelopp, average, average amount, average grant, mean, antal, count"""
_NOTHING = """n/a, ingen, inga, saknas, none, nil, null, nan, ej aktuellt, ej angivet, ej angiven,
    ej relevant, inte aktuellt, uppgift saknas, not applicable, not known, unknown, okänd, okänt"""
_CURRENCY_WORDS = {"kr", "sek", "kronor", "eur", "euro", "euros", "gbp", "pounds", "usd"}
_NOTE = re.compile(
    r"\*|källa|not\b|note|source|obs|kommentar|anm|utskri|uppdaterad|senast|rapport|tabell|"
    r"beslut(?:at|ad)? (?:av|den)|updated|last |data |exporter|genererad|generated|\(|©",
    re.IGNORECASE,
)


class Unreadable(Exception):
    """The bytes hold no table. Carries the code and facts of the problem it is told as."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


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
        grids = _open(content, filename)
        grid, columns, found = _choose(grids, sheet)
    except Unreadable as why:
        refusal = Problem(why.code, facts=why.facts)
        return Table((), (refusal,), currency=given or "SEK", language="sv")
    return _Reading(grid, columns, found).table(given, stated_total)


# Opening: bytes to grids of cells


@dataclass(frozen=True)
class _Grid:
    """One sheet: every row from the top, cells as text or numbers. A CSV file is one sheet."""

    name: str
    rows: list[list[Any]]
    unclosed_quote_at: int | None = None


def _open(content: bytes, filename: str) -> list[_Grid]:
    """Every sheet of the file. Raises Unreadable for what is no table or too large to be one."""
    if len(content) > MAX_BYTES:
        raise Unreadable("too_large", limit_mb=MAX_BYTES // 1_000_000)
    if not content.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Unreadable("empty_file")
    if content.startswith(b"PK\x03\x04"):
        return _open_workbook(_unpacked_safely(content))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Unreadable("password_protected")
        return _open_workbook(content)
    if PurePath(filename).suffix.lower() in {".xlsx", ".xlsm", ".xls", ".ods"} and (
        content.startswith(b"PK") or b"\0" in content[:1000]
    ):
        raise Unreadable("damaged_workbook")
    return [_grid_of_csv(_decoded(content))]


def _decoded(content: bytes) -> str:
    """The text of a CSV file: UTF-8, UTF-16 with its mark, else Windows-1252."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _looks_binary(text):
            return text
        break
    raise Unreadable("not_a_table")


def _looks_binary(text: str) -> bool:
    if text.startswith(("%PDF", "{\\rtf", "<!DOCTYPE", "<html", "<?xml")):
        return True
    return re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text) is not None


def _grid_of_csv(text: str) -> _Grid:
    """The records by the delimiter under which a header is found, else the most used."""
    by_delimiter = [_records(text, delimiter) for delimiter in _DELIMITERS]
    if (lines := _lines_in_quotes(by_delimiter)) is not None:
        by_delimiter = [_records(lines, delimiter) for delimiter in _DELIMITERS]
    if not any(by_delimiter):
        raise Unreadable("not_a_table")

    def promise(grid: _Grid | None) -> tuple[int, int]:
        if grid is None:
            return (-1, 0)
        columns = find_columns(_as_text(grid.rows[:40]))
        return (columns.score if columns else 0, sum(len(row) for row in grid.rows[:40]))

    best = max(by_delimiter, key=promise)
    if best is None:
        raise Unreadable("not_a_table")
    return best


def _lines_in_quotes(grids: Sequence[_Grid | None]) -> str | None:
    """The text without the quotes that some programs put round every whole line, else None."""
    if any(grid is None or any(len(row) > 1 for row in grid.rows) for grid in grids):
        return None
    lines = [row[0] if row else "" for grid in grids[:1] if grid for row in grid.rows]
    filled = [line for line in lines if line]
    together = len(filled) > 1 and all(re.search("[;,\t]", line) for line in filled)
    return "\n".join(lines) if together else None


def _records(text: str, delimiter: str) -> _Grid | None:
    """Every record, blank ones too. The end mark shows whether a quote was left open."""
    lines = io.StringIO(text.rstrip("\r\n") + "\n" + _END, newline="")
    rows: list[list[Any]] = []
    try:
        for record in csv.reader(lines, delimiter=delimiter):
            rows.append(record)
            if len(rows) > MAX_ROWS + 1:
                raise Unreadable("too_many_rows", limit=MAX_ROWS)
            if len(record) > MAX_COLUMNS:
                return None
    except csv.Error:
        return None
    unclosed = None if rows[-1] == [_END] else len(rows)
    if unclosed is None:
        rows.pop()
    else:
        rows[-1][-1] = rows[-1][-1].replace(_END, "")
    return _Grid("", rows, unclosed)


def _open_workbook(content: bytes) -> list[_Grid]:
    try:
        workbook = python_calamine.CalamineWorkbook.from_object(io.BytesIO(content))
        visible = python_calamine.SheetVisibleEnum.Visible
        sheets = sorted(workbook.sheets_metadata, key=lambda sheet: sheet.visible != visible)
        return [_Grid(sheet.name, _rows_of_sheet(workbook, sheet.name)) for sheet in sheets]
    except Unreadable:
        raise
    except python_calamine.PasswordError:
        raise Unreadable("password_protected") from None
    except BaseException as error:
        # A panic in the Rust reader is no Exception; ending the program must stay possible.
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise Unreadable("damaged_workbook") from error


def _rows_of_sheet(workbook: python_calamine.CalamineWorkbook, name: str) -> list[list[Any]]:
    """All rows from row 1, so that numbers are those the officer sees; [] for a chart."""
    try:
        sheet = workbook.get_sheet_by_name(name)
    except python_calamine.WorksheetNotFound:
        return []
    if sheet.start is None:
        return []
    if sheet.total_height > MAX_ROWS:
        raise Unreadable("too_many_rows", limit=MAX_ROWS)
    if sheet.total_width > MAX_COLUMNS or sheet.total_width * sheet.total_height > MAX_CELLS:
        raise Unreadable("too_wide", limit=MAX_COLUMNS)
    above: list[list[Any]] = [[] for _ in range(sheet.start[0])]
    left: list[Any] = [""] * sheet.start[1]
    return above + [[*left, *row] for row in sheet.iter_rows()][: sheet.height]


def _unpacked_safely(content: bytes) -> bytes:
    """A copy of a zipped workbook with only the parts that were looked at and found bearable.

    The reader lays a sheet out cell by cell, so two cells far apart would fill the memory; and it
    trusts what the zip says of itself. Therefore each part is unpacked here, within a limit, its
    cells are measured, and only then is it handed on.
    """
    copy = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(copy, "w") as safe:
            parts = packed.infolist()
            if any(part.flag_bits & 1 for part in parts):
                raise Unreadable("password_protected")
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or len(parts) > 5000:
                raise Unreadable("too_large_unpacked", limit_mb=MAX_UNPACKED_BYTES // 1_000_000)
            for part in {part.filename: part for part in parts}.values():
                data = packed.read(part)
                if part.filename == "mimetype" or _is_bearable(data):
                    safe.writestr(part.filename, data)
                if part.filename == "META-INF/manifest.xml" and b"encryption-data" in data:
                    raise Unreadable("password_protected")
    except Unreadable:
        raise
    except Exception as error:  # zipfile raises a dozen classes for a damaged file
        raise Unreadable("damaged_workbook") from error
    return copy.getvalue()


def _is_bearable(data: bytes) -> bool:
    """Whether a part is XML at all. Raises Unreadable when a cell lies too far out."""
    parser = expat.ParserCreate()
    extent = _Extent()
    parser.StartElementHandler = extent.start
    parser.StartDoctypeDeclHandler = extent.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError):
        return False
    return True


class _Extent:
    """How far from A1 the filled cells of a sheet lie, in Excel's XML or LibreOffice's."""

    def __init__(self) -> None:
        self.row = self.column = self.rows = self.columns = 0
        self.row_step = self.column_step = 1

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table:table":
            self.row = 0
        elif name == "table:table-row":
            self.row_step = int(attributes.get("table:number-rows-repeated", 1))
            self.row, self.column = self.row + self.row_step, 0
        elif name in {"table:table-cell", "table:covered-table-cell"}:
            self.column += int(attributes.get("table:number-columns-repeated", 1))
            if "office:value-type" in attributes:
                self.filled()
        elif name == "text:p":
            self.filled()
        else:
            self.start_in_excel(name.rpartition(":")[2], attributes)

    def start_in_excel(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheetData":
            self.row = 0
        elif name == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0
        elif name == "c":
            match = re.fullmatch(r"([A-Za-z]{1,4})([0-9]{1,8})", attributes.get("r", ""))
            self.column = _column_number(match[1]) if match else self.column + 1
            self.row = int(match[2]) if match else self.row
        elif name in {"v", "is", "f"} and self.column:
            self.filled()

    def filled(self) -> None:
        self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)
        if self.rows > MAX_ROWS:
            raise Unreadable("too_many_rows", limit=MAX_ROWS)
        if self.columns > MAX_COLUMNS or self.rows * self.columns > MAX_CELLS:
            raise Unreadable("too_wide", limit=MAX_COLUMNS)

    def doctype(self, *_: object) -> None:
        raise Unreadable("damaged_workbook")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


# Choosing the sheet and its header


def _choose(grids: list[_Grid], sheet: str | None) -> tuple[_Grid, Columns, list[Problem]]:
    """The sheet to read and its columns. Raises Unreadable when none has a header we know."""
    if sheet is not None:
        named = [grid for grid in grids if grid.name.casefold() == sheet.strip().casefold()]
        if not named:
            raise Unreadable("sheet_missing", sheet=sheet, sheets=[grid.name for grid in grids])
        grids = named
    if not any(_is_filled(row) for grid in grids for row in grid.rows):
        raise Unreadable("no_rows")
    headed = [
        (grid, columns)
        for grid in grids
        if (columns := find_columns(_as_text(grid.rows[:40]))) is not None
    ]
    if not headed:
        raise Unreadable("no_header")
    grid, columns = headed[0]
    others = [other.name for other, _ in headed[1:]]
    found = [Problem("more_sheets", Severity.WARNING, facts={"sheet": grid.name, "others": others})]
    return grid, columns, found if others else []


# Reading: rows of cells to rows of meaning


@dataclass
class _Line:
    """A row on its way: what its amount cell said, and the row itself."""

    row: Row
    amount: amounts.Amount | None = None
    currency: str | None = None
    said: str | None = None
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sum:
    """A row that states a sum: of the whole table, of a kind, or of the rows just above it."""

    number: int
    label: str
    amount: Decimal
    whole: bool
    kind: str | None


@dataclass
class _Reading:
    """One sheet being read; `found` collects what is wrong as it is met."""

    grid: _Grid
    columns: Columns
    found: list[Problem]
    lines: list[_Line] = field(default_factory=list)
    sums: list[_Sum] = field(default_factory=list)
    decimal: str | None = None

    def table(self, given: str | None, stated_total: Decimal | None) -> Table:
        self.tell_of_columns()
        self.decimal = amounts.decimal_mark(
            cell for row in self.body() for cell in self.cells(row, "amount", "amount_applied")
        )
        for number, cells in enumerate(self.body(), start=self.columns.row + 2):
            if _is_filled(cells) and not self.is_header_again(cells):
                self.read_row(number, cells)
        if not self.lines:
            self.tell("no_rows")
        currency = self.settle_currency(given)
        self.compare_sums(currency, stated_total)
        table = Table(
            rows=tuple(line.row for line in self.lines),
            problems=(),
            currency=currency,
            language=self.columns.language,
            columns=self.columns.names,
        )
        if self.lines and "amount" in self.columns.at and not table.awards:
            self.tell("no_awards")
        texts = {line.row.number: line.cells for line in self.lines}
        kinds = {line.row.number: self.said(line.cells, "kind") for line in self.lines}
        found = self.found + problems.doubts(table, cells=texts, kinds=kinds)
        return replace(table, problems=tuple(problems.in_order(found)))

    def body(self) -> list[list[Any]]:
        return self.grid.rows[self.columns.row + 1 :]

    def cells(self, row: Sequence[Any], *fields: str) -> list[Any]:
        at = [column for name in fields for column in self.columns.at.get(name, ())]
        return [row[column] for column in at if column < len(row)]

    def text(self, row: Sequence[Any], name: str) -> str:
        return " ".join(" ".join(_text(cell) for cell in self.cells(row, name)).split())

    def said(self, row: Sequence[Any], name: str) -> str:
        """The text of a field, nothing for a dash or another way to say so."""
        text = self.text(row, name)
        return "" if _is_nothing(text) else text

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

    def is_header_again(self, cells: Sequence[Any]) -> bool:
        """A long export repeats its header on every page."""
        header = [_text(cell) for cell in self.grid.rows[self.columns.row]]
        return [text for text in map(_text, cells) if text] == [text for text in header if text]

    def read_row(self, number: int, cells: list[Any]) -> None:
        if self.read_sum(number, cells) or self.is_remark(number, cells):
            return
        status = self.read_status(number, cells)
        line = _Line(Row(number, "", None, Decimal(0)), cells=tuple(_text(c) for c in cells))
        value = self.read_amount(number, cells, line, status)
        grantee = _without_number(self.said(cells, "grantee"))
        if not grantee and "grantee" in self.columns.at:
            self.tell("grantee_missing", row=number, of="grantee")
        line.row = Row(
            number=number,
            grantee=grantee,
            kind=kind_of(self.said(cells, "kind")),
            amount=value,
            partners=self.several(cells, "partners"),
            countries=self.several(cells, "countries"),
            themes=self.several(cells, "themes"),
            project=self.said(cells, "project"),
            amount_applied=self.read_applied(number, cells),
            first_timer=self.read_first_timer(number, cells),
            status=status or AwardStatus.GRANTED,
            note=self.text(cells, "note"),
        )
        self.lines.append(line)

    def read_amount(
        self, number: int, cells: list[Any], line: _Line, status: AwardStatus | None
    ) -> Decimal:
        """The granted sum in whole units; 0, and a problem, when the cell does not give one."""
        if "amount" not in self.columns.at:
            return Decimal(0)
        (cell,) = self.cells(cells, "amount") or [""]
        try:
            line.amount = amounts.parse_amount(cell, decimal=self.decimal)
        except amounts.AmountError as error:
            refused = status is not AwardStatus.GRANTED and self.is_refusal(cells)
            if error.code != "amount_missing" and not refused:
                self.tell(error.code, row=number, of="amount", text=_text(cell))
            elif status is AwardStatus.GRANTED:
                self.tell(error.code, row=number, of="amount")
            return Decimal(0)
        line.said = self.text(cells, "currency") or None
        value = amounts.to_money(line.amount.value * self.unit(cell, self.columns.unit))
        if line.amount.ambiguous:
            facts = {"text": _text(cell), "amount": value}
            self.tell("amount_ambiguous", Severity.WARNING, row=number, of="amount", **facts)
        if value < 0:
            self.tell("amount_negative", row=number, of="amount", amount=value)
        return value

    def is_refusal(self, cells: list[Any]) -> bool:
        """Whether the amount's cell says in words that there is none (`Avslag`)."""
        text = self.text(cells, "amount")
        refused = (AwardStatus.REJECTED, AwardStatus.WITHDRAWN)
        return not re.search(r"\d", text) and _status_of(_label(text)) in refused

    def unit(self, cell: object, unit: Decimal) -> Decimal:
        """The header's unit, unless the cell names its own (`1,2 mkr` under a header in tkr)."""
        words = re.findall(r"[^\W\d_]+", cell.casefold()) if isinstance(cell, str) else []
        return Decimal(1) if any(amounts.unit_of(word) for word in words) else unit

    def read_applied(self, number: int, cells: list[Any]) -> Decimal | None:
        (cell,) = self.cells(cells, "amount_applied") or [""]
        try:
            amount = amounts.parse_amount(cell, decimal=self.decimal)
        except amounts.BlankAmount:
            return None
        except amounts.AmountError:
            text = _text(cell)
            self.tell(
                "applied_unreadable", Severity.WARNING, row=number, of="amount_applied", text=text
            )
            return None
        return amounts.to_money(amount.value * self.unit(cell, self.columns.unit_of_applied))

    def read_first_timer(self, number: int, cells: list[Any]) -> bool | None:
        text = self.text(cells, "first_timer")
        word = text.casefold().strip(" .!")
        opening = re.split(r" ?[,(;:]| [-–] ", word)[0]
        if {word, opening} & _phrases(_YES):
            return True
        if {word, opening} & _phrases(_NO):
            return False
        if text:
            self.tell("first_timer_unreadable", row=number, of="first_timer", text=text)
        return None

    def read_status(self, number: int, cells: list[Any]) -> AwardStatus | None:
        """What was decided; None, and a warning, for a word that says nothing we know."""
        text = self.text(cells, "status")
        if not text or _is_date(text):
            instead = _status_of(_label(self.text(cells, "amount")))  # Avslag for an amount
            return instead or AwardStatus.GRANTED
        status = _status_of(_label(text))
        if status is None:
            self.tell("status_unknown", Severity.WARNING, row=number, of="status", text=text)
        return status

    def several(self, cells: list[Any], name: str) -> tuple[str, ...]:
        """The values of a cell, or of several columns, each once and in order."""
        splitter = {"partners": _partners, "countries": _countries}.get(name, _themes)
        values = [value for cell in self.cells(cells, name) for value in splitter(_text(cell))]
        if name == "countries":
            values = [self.country(value) for value in values]
        return tuple(dict.fromkeys(values))

    def country(self, value: str) -> str:
        """A two-letter code becomes a name in the language of the headers (KE: Kenya)."""
        if not re.fullmatch("[A-Z]{2}", value):
            return value
        return str(Locale.parse(self.columns.language).territories.get(value, value))

    def is_remark(self, number: int, cells: list[Any]) -> bool:
        """A footnote or a heading between groups: one text cell alone. It is told, not counted."""
        filled = [_text(cell) for cell in cells if _text(cell)]
        if len(filled) != 1 or _is_number(filled[0]):
            return False
        text = filled[0]
        starts = _NOTE.match(text)
        remark = bool(self.sums) or bool(starts) or kind_of(text) is not None or len(text) > 80
        if remark or text != self.text(cells, "grantee"):
            self.tell("row_skipped", Severity.WARNING, row=number, text=text)
            return True
        return False

    # Sums

    def read_sum(self, number: int, cells: list[Any]) -> bool:
        """Whether a row states a sum. If so it is kept for comparison and not as a grant."""
        texts = (_text(cell) for cell in cells)
        words = (text for text in texts if text and not _is_number(text))
        label = next(words, None)
        if label is None:
            return self.read_bare_sum(number, cells)
        grantee, kind_cell = self.text(cells, "grantee"), self.text(cells, "kind")
        if grantee not in ("", label):
            return False
        is_bare = _label(label) in _SUM_WORDS and grantee == label
        if not is_bare and {self.text(cells, "project"), kind_cell} - {"", label}:
            return False
        if _label(label) in _phrases(_AVERAGES) or _label(label).startswith(_COUNTS):
            self.tell("row_skipped", Severity.WARNING, row=number, text=label)
            return True
        whole, kind = _sum_of(label, alone=next(words, None) is None and "kind" in self.columns.at)
        if whole and kind_of(kind_cell):
            whole, kind = False, kind_of(kind_cell)
        if whole is None and self.is_sum_of_all(label, cells):
            whole = True
            if _label(label) not in _phrases(_EVERYONE):  # it may be a name after all
                self.tell("row_skipped", Severity.WARNING, row=number, text=label)
        if whole is None:
            return False
        try:
            amount = amounts.parse_amount(
                *(self.cells(cells, "amount") or [""]), decimal=self.decimal
            )
        except amounts.BlankAmount:
            return True
        except amounts.AmountError:
            text = _text(self.cells(cells, "amount")[0])
            self.tell("amount_unreadable", row=number, of="amount", text=text)
            return True
        (cell,) = self.cells(cells, "amount")
        value = amounts.to_money(amount.value * self.unit(cell, self.columns.unit))
        self.sums.append(_Sum(number, label, value, whole, kind))
        return True

    def is_sum_of_all(self, label: str, cells: list[Any]) -> bool:
        """Whether a row called `Summa …` or `Riket` holds exactly the sum of all above it."""
        starts = _label(label).startswith(tuple(f"{word} " for word in _SUM_WORDS))
        if not starts and _label(label) not in _phrases(_EVERYONE):
            return False
        try:
            (cell,) = self.cells(cells, "amount")
            amount = amounts.parse_amount(cell, decimal=self.decimal).value
        except ValueError:
            return False
        value = amounts.to_money(amount * self.unit(cell, self.columns.unit))
        return len(self.lines) > 1 and value == _total(self.lines)

    def read_bare_sum(self, number: int, cells: list[Any]) -> bool:
        """An amount with no words beside it that is the sum of all above it, as Excel leaves it."""
        try:
            (cell,) = self.cells(cells, "amount")
            amount = amounts.parse_amount(cell, decimal=self.decimal).value * self.columns.unit
        except ValueError:  # no such cell, or no amount
            return False
        if len(self.lines) < 2 or amounts.to_money(amount) != _total(self.lines):
            return False
        self.sums.append(_Sum(number, "", amounts.to_money(amount), whole=True, kind=None))
        return True

    def compare_sums(self, currency: str, stated_total: Decimal | None) -> None:
        """Compare every sum that the file or the officer states with the awards."""
        counted = _total(self.lines)
        wholes = [stated for stated in self.sums if stated.whole]
        last = wholes[-1] if wholes else None
        for stated in self.sums:
            if self.is_right(stated, counted, is_last=stated is last, alone=len(wholes) == 1):
                continue
            code = "total_row_differs" if stated is last else "breakdown_differs"
            self.tell(
                code,
                row=stated.number,
                of="amount",
                label=stated.label,
                stated=stated.amount,
                counted=counted if stated is last else self.part(stated),
                currency=currency,
            )
        if stated_total is not None and stated_total != counted:
            self.tell(
                "stated_total_differs", stated=stated_total, counted=counted, currency=currency
            )

    def is_right(self, stated: _Sum, counted: Decimal, *, is_last: bool, alone: bool) -> bool:
        above = [line for line in self.lines if line.row.number < stated.number]
        right = {self.part(stated)}
        if stated.whole and is_last:
            right = {counted} if alone else {counted, self.part(stated)}
        elif stated.whole or stated.kind is None:
            right.add(_total(above))
        if stated.kind is not None and "kind" in self.columns.at:
            right.add(_total(line for line in self.lines if line.row.kind == stated.kind))
        slack = Decimal("0.005") * len(self.lines) if counted != int(counted) else 0
        return any(abs(stated.amount - amount) <= slack for amount in right)

    def part(self, stated: _Sum) -> Decimal:
        """What a partial sum should be: the awards since the last sum, of its kind if any."""
        before = max((s.number for s in self.sums if s.number < stated.number), default=0)
        group = [line for line in self.lines if before < line.row.number < stated.number]
        of_kind = [line for line in self.lines if line.row.kind == stated.kind]
        if stated.kind is not None and of_kind and not set(map(id, of_kind)) & set(map(id, group)):
            group = of_kind  # a breakdown below the table
        return _total(group)

    # Currency

    def settle_currency(self, given: str | None) -> str:
        """The table's one currency: from a column, the header, the cells, the officer, in order."""
        for line in self.lines:
            line.currency = self.currency_of_line(line, given)
        awards = [line for line in self.lines if line.row.is_award]
        named = Counter(line.currency for line in awards if line.currency)
        unnamed = [line for line in awards if not line.currency]
        if unnamed and named and self.columns.language == "sv" and len(unnamed) < len(awards):
            named[given or "SEK"] += len(unnamed)
        if len(named) > 1:
            self.tell(
                "mixed_currencies",
                of="currency" if "currency" in self.columns.at else "amount",
                currencies=sorted(named),
                rows=self.rows_beside(named),
            )
        own = named.most_common(1)[0][0] if named else self.columns.currency
        if given and given not in amounts.CURRENCIES:
            self.tell("currency_unknown", text=given)
        elif (
            given and own and own != given and not (self.columns.krona and given in ("NOK", "DKK"))
        ):
            self.tell("currency_differs", file=own, given=given)
        assumed = "EUR" if self.columns.is_union else "SEK"
        if not own and not given and (self.columns.language == "en" or self.columns.is_union):
            self.tell("currency_assumed", Severity.WARNING, currency=assumed)
        return own or given or assumed

    def currency_of_line(self, line: _Line, given: str | None) -> str | None:
        cell = line.amount.currency if line.amount else None
        if line.said:
            stated = _currency_said(line.said)
            if stated is None:
                self.tell("currency_unknown", row=line.row.number, of="currency", text=line.said)
                return cell
        else:
            stated = self.columns.currency
            if self.columns.krona and given in ("NOK", "DKK"):
                stated = given
        only_krona = line.amount is not None and line.amount.krona
        if only_krona and (stated or given) in ("NOK", "DKK"):
            return stated or given
        if stated and cell and stated != cell:
            return cell  # the cell denies its column: told as two currencies
        return stated or cell

    def rows_beside(self, named: Counter[str]) -> list[int]:
        """The first rows in another currency than most."""
        most = named.most_common(1)[0][0]
        return [
            line.row.number
            for line in self.lines
            if line.row.is_award and line.currency and line.currency != most
        ][:10]


def _total(lines: Iterable[_Line]) -> Decimal:
    return sum((line.row.amount for line in lines if line.row.is_award), Decimal(0))


def _sum_of(label: str, *, alone: bool) -> tuple[bool | None, str | None]:
    """(whole, kind) of a row that states a sum: `Summa` is whole, `Summa kommuner` is of a kind.

    (None, None) for any other row. `Summa X` with an X that we do not know is taken for a sum only
    when it stands `alone` with its figures in a table that has kinds; it may be a company's name.
    """
    words = _label(label)
    for start in (*_PART_WORDS, *_SUM_WORDS):
        if words == start or words.startswith(f"{start} "):
            if start in _SUM_WORDS and set(words.removeprefix(start).split()) <= set(
                _SUMMED.split()
            ):
                return True, None
            rest = words.removeprefix(start).strip()
            if kind_of(rest):
                return False, kind_of(rest)
            if start in _PART_WORDS[:4] or (alone and start in ("summa", "totalt")):
                return False, None
    return None, None


def _label(text: str) -> str:
    """The words of a label without figures, years, currencies and punctuation."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return " ".join(word for word in words if word not in _CURRENCY_WORDS)


@cache
def _phrases(words: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in words.split(","))


def _status_of(label: str) -> AwardStatus | None:
    """What the words that a cell opens with decide (`avslag brist på medel`), the longest known."""
    words = label.split()
    openings = (" ".join(words[:n]) for n in range(len(words), 0, -1))
    return next((_statuses()[text] for text in openings if text in _statuses()), None)


@cache
def _statuses() -> dict[str, AwardStatus]:
    return {word: status for status, words in _STATUS_WORDS.items() for word in _phrases(words)}


# Cells


@lru_cache(maxsize=4096, typed=True)  # a row's cells are asked for several times
def _text(cell: Any) -> str:
    """A cell as text: composed letters, plain single spaces, line breaks kept."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    text = unicodedata.normalize("NFC", str(cell)[:_CELL_CHARACTERS])
    text = re.sub(r"[\u200b\u200c\u200d\u2060\ufeff\u00ad]|[^\S\n\r]*\x00", "", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _as_text(rows: Iterable[Iterable[Any]]) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in rows]


def _is_filled(row: Iterable[Any]) -> bool:
    return any(_text(cell) for cell in row)


@lru_cache(maxsize=4096)
def _is_number(text: str) -> bool:
    if not re.search(r"\d", text):
        return text in {"-", "–"}
    try:
        amounts.parse_amount(text)
    except amounts.AmountError:
        return False
    return True


def _without_number(name: str) -> str:
    """The name without the organisation's number, which for a sole trader is a person's."""
    return re.sub(r"[\s,;(]*\b(?:\d{2})?\d{6}[-–]\d{4}\b[\s)]*$", "", name) or name


def _currency_said(text: str) -> str | None:
    """The one currency that a cell such as `EUR`, `Pounds sterling` or `Euro (EUR)` names."""
    words = re.findall(r"us\$|[€£$]|[^\W\d_]+", text.casefold())
    found = {currency for word in words if (currency := amounts.currency_of(word))}
    elsewhere = any(re.match("norsk|norw|dansk|dani|island|isländ|tjeck|czech", w) for w in words)
    return found.pop() if len(found) == 1 and not elsewhere else None


def _is_date(text: str) -> bool:
    """A day in figures, with or without the time: a column `Beslut` may hold when it was made."""
    return re.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ][\d:.Z+ -]*)?", text) is not None


def _parts(text: str) -> list[str]:
    parts = map(str.strip, re.split(r"[;|\n]", text))
    return [part for part in parts if not _is_nothing(part)]


def _is_nothing(text: str) -> bool:
    """A blank, a dash or a word by which people leave a cell blank."""
    return not text.strip(" -–—.?/") or text.casefold().strip("#!.() ") in _phrases(_NOTHING)


def _themes(text: str) -> list[str]:
    """The themes in a cell. A comma parts a bare list (`Kultur, demokrati`) and not a phrase that
    joins its own parts (`Skydd, bevarande och hållbart bruk`)."""
    whole = _parts(text)
    if len(whole) != 1 or re.search(r"\b(?:och|and|samt|eller|or)\b|[&(]|\d,", text, re.IGNORECASE):
        return whole
    listed = [part for part in map(str.strip, whole[0].split(",")) if part]
    return listed if all(len(part.split()) <= 4 for part in listed) else whole


def _countries(text: str) -> list[str]:
    """The countries in a cell; `och` and a slash part only names that are countries each."""
    found: list[str] = []
    for part in _parts(text.replace(",", ";")):
        sides = re.split(r" ?[/&] ?| och | and | samt ", part)
        known = part.casefold() not in _territories() and all(
            side.casefold() in _territories() or re.fullmatch("[A-Z]{2}", side) for side in sides
        )
        found += sides if known else [part]
    return found


@cache
def _territories() -> frozenset[str]:
    """The names of all countries in Swedish and English."""
    names = (str(name) for code in ("sv", "en") for name in Locale(code).territories.values())
    return frozenset(name.casefold() for name in names)


def _partners(text: str) -> list[str]:
    """The partners in a cell. A comma never parts them (`Makueni County, Kenya`).

    `och`, `and`, `&` and a slash do only between two names that each say what body they are
    (`Makueni County och Homa Bay County`), since many a name holds such a word itself.
    """
    return [name for part in _parts(text) for name in _joined_names(part)]


_BODY = re.compile(
    r"\b(county|city|municipality|district|province|council|kommun|region|stad|university|"
    r"universitet|association|government|town|township|metropolitan)\b",
    re.IGNORECASE,
)


def _joined_names(text: str) -> list[str]:
    sides = [side.strip() for side in re.split(r" / | och | and | & ", text)]
    if len(sides) > 1 and all(_BODY.search(side) and side[0].isupper() for side in sides):
        return sides
    return [text]
