"""A round out again: as a table for people and programs. As 360Giving: `releases.rounds.open_data`.

Text that a spreadsheet would run as a formula begins with an apostrophe instead; numbers stay
numbers, negative ones too. Rows are written as they come, so a long round takes no more memory than
a short one.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from app.core.words import translate
from releases.rounds.models import Round
from releases.rounds.table import Row

# Everything the office has; what is public is less, and chosen by `releases.rounds.editions`.
COLUMNS = (
    "grantee",
    "kind",
    "partners",
    "countries",
    "themes",
    "amount",
    "currency",
    "first_timer",
    "project",
    "amount_applied",
    "status",
    "note",
)
# The last four are the same signs in the full width of Chinese and Japanese letters.
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
NO_CELL_HOLDS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
IN_MEMORY = 2**20

Cell = str | Decimal


@dataclass(frozen=True)
class Sheet:
    """Rows to be written out, and how. `about` are lines (what, says) about the file itself."""

    rows: Iterable[Row]
    columns: Sequence[str]
    currency: str
    language: str
    about: Sequence[tuple[str, str]] = ()


def sheet_of(round_: Round) -> Sheet:
    """All that the office has of a round, headers in the language of its file."""
    return Sheet(round_.rows(), COLUMNS, round_.currency, round_.language)


def csv_bytes(round_: Round) -> bytes:
    return b"".join(csv_lines(sheet_of(round_)))


def xlsx_bytes(round_: Round) -> bytes:
    with xlsx_file(sheet_of(round_)) as file:
        return file.read()


def csv_lines(sheet: Sheet) -> Iterator[bytes]:
    """CSV that Excel opens by a double click: UTF-8 with BOM, CRLF, semicolons in Swedish."""
    line = io.StringIO()
    writer = csv.writer(
        line, delimiter=";" if sheet.language == "sv" else ",", lineterminator="\r\n"
    )
    yield b"\xef\xbb\xbf"
    for row in cells(sheet):
        writer.writerow(row)
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()


def xlsx_file(sheet: Sheet) -> IO[bytes]:
    """A workbook, amounts as numbers; a second sheet says what is known about the file."""
    import openpyxl  # large, and loaded only where somebody asks for a workbook

    book = openpyxl.Workbook(write_only=True)
    first = book.create_sheet(translate("rounds.sheet", sheet.language))
    for row in cells(sheet):
        first.append([_writable(cell) for cell in row])
    if sheet.about:
        second = book.create_sheet(translate("rounds.sheet.about", sheet.language))
        for what, says in sheet.about:
            second.append([_writable(harmless(what)), _writable(harmless(says))])
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller's to close
    book.save(file)
    file.seek(0)
    return file


def cells(sheet: Sheet) -> Iterator[list[Cell]]:
    """Header and rows; amounts are numbers, everything else is text."""
    yield [translate(f"rounds.column.{name}", sheet.language) for name in sheet.columns]
    for row in sheet.rows:
        yield [harmless(_cell(row, name, sheet)) for name in sheet.columns]


def harmless(cell: Cell) -> Cell:
    """Text that no spreadsheet takes for a formula. Numbers are left alone."""
    if not isinstance(cell, str):
        return cell
    risky = cell.lstrip().startswith(FORMULA_STARTS) or cell.startswith(("\t", "\r", "\n"))
    return f"'{cell}" if risky else cell


def plain_number(amount: Decimal) -> Decimal:
    """Without decimals when there are none, with two when there are some."""
    return amount.quantize(Decimal(1 if amount == amount.to_integral_value() else "0.01"))


def _cell(row: Row, name: str, sheet: Sheet) -> Cell:
    language = sheet.language
    match name:
        case "kind":
            return translate(f"rounds.kind.{row.kind}", language) if row.kind else ""
        case "partners" | "countries" | "themes":
            return "; ".join(getattr(row, name))
        case "amount":
            return plain_number(row.amount)
        case "currency":
            return sheet.currency
        case "first_timer" if row.first_timer is None:
            return ""
        case "first_timer":
            return translate("rounds.yes" if row.first_timer else "rounds.no", language)
        case "amount_applied":
            return "" if row.amount_applied is None else plain_number(row.amount_applied)
        case "status":
            return translate(f"rounds.status.{row.status.value}", language)
    return str(getattr(row, name))


def _writable(cell: Cell) -> Cell:
    """Without the control characters that no workbook can hold."""
    return NO_CELL_HOLDS.sub("", cell) if isinstance(cell, str) else cell
