"""Workbooks of Excel and LibreOffice, opened within limits however they were made."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.parsers import expat

import python_calamine

from releases.rounds.grids import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_UNPACKED_BYTES,
    Grid,
    Unreadable,
)


def open_workbook(content: bytes) -> list[Grid]:
    try:
        workbook = python_calamine.CalamineWorkbook.from_object(io.BytesIO(content))
        visible = python_calamine.SheetVisibleEnum.Visible
        sheets = sorted(workbook.sheets_metadata, key=lambda sheet: sheet.visible != visible)
        return [Grid(sheet.name, _rows_of_sheet(workbook, sheet.name)) for sheet in sheets]
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


def unpacked_safely(content: bytes) -> bytes:
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
