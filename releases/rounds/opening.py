"""Opening a file: bytes to grids of cells, one per sheet.

Text files are taken apart here; `workbooks` opens those of Excel and LibreOffice, `giving` JSON.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from releases.rounds.cells import as_text
from releases.rounds.encodings import decoded
from releases.rounds.giving import grid_of_json, looks_like_json
from releases.rounds.grids import HEAD, MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Grid, Unreadable
from releases.rounds.headers import find_columns
from releases.rounds.workbooks import open_old_workbook, open_workbook

_DELIMITERS = ";,\t|"
_END = "\x1e"
_SNIFFED = 100_000  # characters that show which delimiter a file is written with


def open_grids(
    content: bytes, filename: str, *, encoding: str | None = None, sheet: str | None = None
) -> Iterator[Grid]:
    """The sheets of the file, one at a time; one that is not the named `sheet` comes empty.

    Raises Unreadable for what is no table or too large to be one.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable("too_large", limit_mb=MAX_BYTES // 1_000_000)
    if not content.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Unreadable("empty_file")
    suffix = PurePath(filename).suffix.lower()
    if content.startswith(b"PK\x03\x04"):
        yield from open_workbook(content, sheet=sheet)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        yield from open_old_workbook(content, sheet=sheet)
    elif suffix in {".xlsx", ".xlsm", ".xls", ".ods"} and (
        content.startswith(b"PK") or b"\0" in content[:1000]
    ):
        raise Unreadable("damaged_workbook")
    elif looks_like_json(content, suffix):
        yield grid_of_json(content)
    else:
        yield _grid_of_text(content, encoding)


def _grid_of_text(content: bytes, encoding: str | None) -> Grid:
    file = decoded(content, encoding)
    grid = _grid_of_csv(file.text)
    return replace(
        grid,
        encoding=file.encoding,
        broken=file.broken,
        rather=file.rather,
        is_guess=file.is_guess,
    )


def _grid_of_csv(text: str) -> Grid:
    """The records by the delimiter under which a header is found, else the most used."""
    head = text[:_SNIFFED]
    heads = [_records(head, delimiter, at_most=HEAD) for delimiter in _DELIMITERS]
    if (lines := _lines_in_quotes(text, heads)) is not None:
        text = lines
        heads = [_records(text[:_SNIFFED], delimiter, at_most=HEAD) for delimiter in _DELIMITERS]

    def promise(delimiter: str) -> tuple[int, int]:
        grid = heads[_DELIMITERS.index(delimiter)]
        if grid is None:
            return (-1, 0)
        columns = find_columns(as_text(grid.rows))
        return (columns.score if columns else 0, sum(len(row) for row in grid.rows))

    for delimiter in sorted(_DELIMITERS, key=promise, reverse=True):
        if (grid := _records(text, delimiter)) is not None:
            return grid
    raise Unreadable("not_a_table")


def _lines_in_quotes(text: str, heads: Sequence[Grid | None]) -> str | None:
    """The text without the quotes that some programs put round every whole line, else None."""
    if any(grid is None or any(len(row) > 1 for row in grid.rows) for grid in heads):
        return None
    whole = _records(text, _DELIMITERS[0])
    if whole is None or any(len(row) > 1 for row in whole.rows):
        return None
    lines = [row[0] if row else "" for row in whole.rows]
    filled = [line for line in lines if line]
    together = len(filled) > 1 and all(re.search("[;,\t]", line) for line in filled)
    return "\n".join(lines) if together else None


def _records(text: str, delimiter: str, *, at_most: int | None = None) -> Grid | None:
    """Every record, blank ones too. The end mark shows whether a quote was left open."""
    lines = io.StringIO(text.rstrip("\r\n") + "\n" + _END, newline="")
    rows: list[list[Any]] = []
    try:
        for record in csv.reader(lines, delimiter=delimiter):
            rows.append(record)
            if at_most is not None and len(rows) == at_most:
                return Grid("", rows)
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
