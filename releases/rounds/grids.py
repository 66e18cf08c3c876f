"""The grid of cells that every kind of file becomes, and how large a file may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_BYTES = 20_000_000
MAX_UNPACKED_BYTES = 150_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 500
MAX_CELLS = 5_000_000
HEAD = 40  # rows looked at to find the header


class Unreadable(Exception):
    """The bytes hold no table. Carries the code and facts of the problem it is told as."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Grid:
    """One sheet: every row from the top, cells as text or numbers. A CSV file is one sheet.

    `encoding` is a text file's, by its name in `encodings`; and `is_guess` true when it may be
    another; `broken` is a word of it whose letters cannot be right, and `rather` the encoding that
    mends it, if one does. `blank_formulas` are the
    cells, (row, column) from 0, whose formula the workbook keeps without its result.
    """

    name: str
    rows: list[list[Any]]
    unclosed_quote_at: int | None = None
    encoding: str | None = None
    broken: str | None = None
    rather: str | None = None
    is_guess: bool = False
    blank_formulas: frozenset[tuple[int, int]] = frozenset()
