"""A process of its own that reads one .xls file from stdin and prints its cells as JSON.

Run by `workbooks` and never imported. It imports nothing of ours, bounds its own memory and time
first, and may be killed by what it reads. Whatever it does not print is told as a damaged file.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

MEMORY = 1_000_000_000
SECONDS = 45


def bound() -> None:
    """Take at most so much memory and time, on systems that know such limits."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def sheets(content: bytes, limits: dict[str, Any]) -> dict[str, Any]:
    """The sheets, visible ones first, or the code of what is wrong with them."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_object(io.BytesIO(content))
    except python_calamine.PasswordError:
        return {"code": "password_protected", "facts": {}}
    visible = python_calamine.SheetVisibleEnum.Visible
    found: list[tuple[str, list[list[Any]]]] = []
    for one in sorted(workbook.sheets_metadata, key=lambda one: one.visible != visible):
        wanted = limits["sheet"]
        if wanted is not None and one.name.casefold() != wanted.strip().casefold():
            found.append((one.name, []))
            continue
        try:
            sheet = workbook.get_sheet_by_name(one.name)
        except python_calamine.WorksheetNotFound:  # a chart
            found.append((one.name, []))
            continue
        if sheet.start is None:
            found.append((one.name, []))
            continue
        height, width = sheet.total_height, sheet.total_width
        if height > limits["rows"]:
            return {"code": "too_many_rows", "facts": {"limit": limits["rows"]}}
        if width > limits["columns"] or width * height > limits["cells"]:
            return {"code": "too_wide", "facts": {"limit": limits["columns"]}}
        above: list[list[Any]] = [[] for _ in range(sheet.start[0])]
        left: list[Any] = [""] * sheet.start[1]
        rows = [[*left, *map(plain, row)] for row in sheet.iter_rows()]
        found.append((one.name, above + rows[: sheet.height]))
    return {"sheets": found}


def plain(cell: Any) -> Any:
    """A cell as JSON can hold it; dates and times as ISO text."""
    if isinstance(cell, str | int | float | bool):
        return cell
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


if __name__ == "__main__":
    bound()
    json.dump(sheets(sys.stdin.buffer.read(), json.loads(sys.argv[1])), sys.stdout)
