"""Opening a file: bytes to grids of cells, one per sheet. Workbooks are left to `workbooks`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from releases.rounds.cells import as_text
from releases.rounds.grids import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Grid, Unreadable
from releases.rounds.headers import find_columns
from releases.rounds.workbooks import open_workbook, unpacked_safely

_DELIMITERS = ";,\t|"
_END = "\x1e"


def open_grids(content: bytes, filename: str) -> list[Grid]:
    """Every sheet of the file. Raises Unreadable for what is no table or too large to be one."""
    if len(content) > MAX_BYTES:
        raise Unreadable("too_large", limit_mb=MAX_BYTES // 1_000_000)
    if not content.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Unreadable("empty_file")
    if content.startswith(b"PK\x03\x04"):
        return open_workbook(unpacked_safely(content))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Unreadable("password_protected")
        return open_workbook(content)
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


def _grid_of_csv(text: str) -> Grid:
    """The records by the delimiter under which a header is found, else the most used."""
    by_delimiter = [_records(text, delimiter) for delimiter in _DELIMITERS]
    if (lines := _lines_in_quotes(by_delimiter)) is not None:
        by_delimiter = [_records(lines, delimiter) for delimiter in _DELIMITERS]
    if not any(by_delimiter):
        raise Unreadable("not_a_table")

    def promise(grid: Grid | None) -> tuple[int, int]:
        if grid is None:
            return (-1, 0)
        columns = find_columns(as_text(grid.rows[:40]))
        return (columns.score if columns else 0, sum(len(row) for row in grid.rows[:40]))

    best = max(by_delimiter, key=promise)
    if best is None:
        raise Unreadable("not_a_table")
    return best


def _lines_in_quotes(grids: Sequence[Grid | None]) -> str | None:
    """The text without the quotes that some programs put round every whole line, else None."""
    if any(grid is None or any(len(row) > 1 for row in grid.rows) for grid in grids):
        return None
    lines = [row[0] if row else "" for grid in grids[:1] if grid for row in grid.rows]
    filled = [line for line in lines if line]
    together = len(filled) > 1 and all(re.search("[;,\t]", line) for line in filled)
    return "\n".join(lines) if together else None


def _records(text: str, delimiter: str) -> Grid | None:
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
    return Grid("", rows, unclosed)
