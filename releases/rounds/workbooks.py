"""Workbooks of Excel and LibreOffice, opened within limits however they were made."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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

_APART = Path(__file__).with_name("apart.py")
_SECONDS = 60


def open_workbook(content: bytes, *, sheet: str | None = None) -> Iterator[Grid]:
    """The sheets of a zipped workbook, visible ones first; only the named `sheet` with its rows.

    Raises Unreadable for one that is damaged, protected or beyond the limits.
    """
    safe, formulas = unpacked_safely(content)
    with _told():
        workbook = python_calamine.CalamineWorkbook.from_object(io.BytesIO(safe))
        visible = python_calamine.SheetVisibleEnum.Visible
        sheets = sorted(workbook.sheets_metadata, key=lambda one: one.visible != visible)
    for one in sheets:
        if sheet is not None and one.name.casefold() != sheet.strip().casefold():
            yield Grid(one.name, [])
            continue
        with _told():
            rows = _rows_of_sheet(workbook, one.name)
        yield Grid(one.name, rows, blank_formulas=formulas.get(one.name, frozenset()))
        del rows


def open_old_workbook(content: bytes, *, sheet: str | None = None) -> Iterator[Grid]:
    """The sheets of an .xls file, read by a process of its own with bounded memory and time.

    Such a file cannot be measured before it is read: a few bytes may ask for gigabytes, and the
    reader then takes its whole process with it.
    """
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Unreadable("password_protected")
    if _asks_for_password(content):
        raise Unreadable("password_protected")
    limits = {"rows": MAX_ROWS, "columns": MAX_COLUMNS, "cells": MAX_CELLS, "sheet": sheet}
    try:
        answer = subprocess.run(  # noqa: S603 -- our own program, told nothing by the file
            [sys.executable, "-I", str(_APART), json.dumps(limits)],
            input=content,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
        found = json.loads(answer.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise Unreadable("damaged_workbook") from error
    if "code" in found:
        raise Unreadable(found["code"], **found["facts"])
    for name, rows in found["sheets"]:
        yield Grid(name, rows)


def _asks_for_password(content: bytes) -> bool:
    """Whether a FILEPASS record is among the first of an .xls file ([MS-XLS] 2.4.117)."""
    at = content.find(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    for _ in range(10 if at >= 0 else 0):
        kind, length = content[at : at + 2], content[at + 2 : at + 4]
        if kind == b"\x2f\x00":
            return True
        at += 4 + int.from_bytes(length, "little")
    return False


@contextmanager
def _told() -> Iterator[None]:
    """Whatever the Rust reader fails with, as the problem that a person is told."""
    try:
        yield
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


def unpacked_safely(content: bytes) -> tuple[bytes, dict[str, frozenset[tuple[int, int]]]]:
    """A copy of a zipped workbook with only the parts that were looked at and found bearable, and
    by sheet the cells that hold a formula without its result.

    The reader lays a sheet out cell by cell, so two cells far apart would fill the memory; and it
    trusts what the zip says of itself. Therefore each part is unpacked here, within a limit, its
    cells are measured, and only then is it handed on.
    """
    copy = io.BytesIO()
    blank: dict[str, frozenset[tuple[int, int]]] = {}
    names: dict[str, str] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(copy, "w") as safe:
            parts = packed.infolist()
            if any(part.flag_bits & 1 for part in parts):
                raise Unreadable("password_protected")
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or len(parts) > 5000:
                raise Unreadable("too_large_unpacked", limit_mb=MAX_UNPACKED_BYTES // 1_000_000)
            for part in {part.filename: part for part in parts}.values():
                data = packed.read(part)
                extent = _extent_of(data)
                if part.filename == "mimetype" or extent is not None:
                    safe.writestr(part.filename, data)
                if extent is not None and extent.blank_formulas:
                    blank[part.filename] = frozenset(extent.blank_formulas)
            if blank:
                names = _sheet_names(packed)
                if part.filename == "META-INF/manifest.xml" and b"encryption-data" in data:
                    raise Unreadable("password_protected")
    except Unreadable:
        raise
    except Exception as error:  # zipfile raises a dozen classes for a damaged file
        raise Unreadable("damaged_workbook") from error
    return copy.getvalue(), {names[part]: cells for part, cells in blank.items() if part in names}


def _sheet_names(packed: zipfile.ZipFile) -> dict[str, str]:
    """The sheets of an Excel workbook by the parts that hold them; {} for another workbook."""
    names: dict[str, str] = {}
    targets: dict[str, str] = {}

    def relation(_name: str, attributes: dict[str, str]) -> None:
        target = attributes.get("Target", "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        targets[attributes.get("Id", "")] = path

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "sheet":
            given = next((v for key, v in attributes.items() if key.rpartition(":")[2] == "id"), "")
            names[targets.get(given, "")] = attributes.get("name", "")

    for part, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        parser = expat.ParserCreate()
        parser.StartElementHandler = handler
        try:
            parser.Parse(packed.read(part), True)
        except (KeyError, expat.ExpatError):
            return {}
    return names


def _extent_of(data: bytes) -> _Extent | None:
    """How far a part's cells lie, or None when it is no XML. Raises Unreadable beyond limits."""
    parser = expat.ParserCreate()
    extent = _Extent(parser)
    parser.StartElementHandler = extent.start
    parser.EndElementHandler = extent.end
    parser.StartDoctypeDeclHandler = extent.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError):
        return None
    return extent


class _Extent:
    """How far from A1 the filled cells of a sheet lie, in Excel's XML or LibreOffice's."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.row = self.column = self.rows = self.columns = 0
        self.row_step = self.column_step = 1
        self.has_formula = self.has_value = self.is_in_value = False
        self.blank_formulas: set[tuple[int, int]] = set()

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
            self.has_formula = self.has_value = self.is_in_value = False
        elif name in {"v", "is", "f"} and self.column:
            self.filled()
            if name == "f":
                self.has_formula = True
                self.parser.CharacterDataHandler = self.text  # some write an empty value
            elif not self.has_formula:
                self.has_value = True
            self.is_in_value = name != "f"

    def text(self, text: str) -> None:
        self.has_value = self.has_value or (self.is_in_value and bool(text.strip()))

    def end(self, name: str) -> None:
        if self.has_formula and name.rpartition(":")[2] == "c":
            self.parser.CharacterDataHandler = None
            if not self.has_value:
                self.blank_formulas.add((self.row - 1, self.column - 1))

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
