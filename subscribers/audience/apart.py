"""A process of its own that reads a workbook from stdin and prints one of its sheets as CSV.

Run by `workbooks` as a program. It imports nothing of ours, bounds its own memory, time and
output first, and may be killed by what it reads: a few bytes can ask for gigabytes. Each row of the
sheet is one line, so that the numbers of a report are those the officer sees.
"""

from __future__ import annotations

import csv
import io
import sys

MEMORY = 1_500_000_000
OUTPUT = 400_000_000
SECONDS = 60
LOOKED_AT = 20  # rows in which a sheet shows whether it holds addresses
PASSWORD = 3  # the exit code of a protected workbook
COLUMNS = 500


def bound() -> None:
    """Take at most so much, on systems that know such limits."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write_sheet(content: bytes, out: io.TextIOBase) -> None:
    """The first visible sheet with an @ near its beginning, else the first with anything."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_object(io.BytesIO(content))
    except python_calamine.PasswordError:
        sys.exit(PASSWORD)
    visible = python_calamine.SheetVisibleEnum.Visible
    chosen = None
    for one in sorted(workbook.sheets_metadata, key=lambda one: one.visible != visible):
        try:
            sheet = workbook.get_sheet_by_name(one.name)
        except python_calamine.WorksheetNotFound:  # a chart
            continue
        if sheet.start is None or sheet.total_width > COLUMNS:
            continue
        chosen = chosen or sheet
        head = [row for row, _ in zip(sheet.iter_rows(), range(LOOKED_AT), strict=False)]
        if any("@" in cell for row in head for cell in row if isinstance(cell, str)):
            chosen = sheet
            break
    if chosen is None or chosen.start is None:
        return
    writer = csv.writer(out)
    for _ in range(chosen.start[0]):
        writer.writerow([])
    left = [""] * chosen.start[1]
    for row in chosen.iter_rows():
        writer.writerow([*left, *(" ".join(str(cell).split()) for cell in row)])


if __name__ == "__main__":
    bound()
    write_sheet(
        sys.stdin.buffer.read(), io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    )
