"""Lists that come as workbooks of Excel or LibreOffice: made into CSV before they are read."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from app.core.errors import BadInput
from subscribers.audience.apart import PASSWORD
from subscribers.audience.reading import WORKBOOKS

SECONDS = 90
UNPACKED = 500_000_000  # what a workbook may say of itself; its process is bounded besides


def is_workbook(file: IO[bytes]) -> bool:
    """By its first bytes: the ending of a name says little."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    return start.startswith(WORKBOOKS)


@contextmanager
def as_csv(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The sheet with the addresses as a CSV file on disk; what is no workbook comes as it is.

    Read by a process with bounded memory and time. Raises BadInput for one that is damaged,
    protected, or larger than a list of addresses can be.
    """
    if not is_workbook(file):
        yield file
        return
    _look_into(file)
    with tempfile.TemporaryFile() as copy, tempfile.TemporaryFile() as out:
        file.seek(0)
        while part := file.read(1 << 20):
            copy.write(part)
        copy.seek(0)
        _convert(copy, out)
        out.seek(0)
        yield out


def _look_into(file: IO[bytes]) -> None:
    """A zipped workbook that unpacks to more than any list is refused before it is unpacked."""
    if file.read(2) != b"PK":
        return
    try:
        with ZipFile(file) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadInput("import_workbook_damaged") from error
    if size > UNPACKED:
        raise BadInput("import_workbook_large")


def _convert(workbook: IO[bytes], out: IO[bytes]) -> None:
    program = str(Path(__file__).with_name("apart.py"))
    try:
        answer = subprocess.run(  # noqa: S603 -- our own program, told nothing by the file
            [sys.executable, "-I", program],
            stdin=workbook,
            stdout=out,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise BadInput("import_workbook_damaged") from error
    if answer.returncode == PASSWORD:
        raise BadInput("import_workbook_locked")
    if answer.returncode != 0:
        raise BadInput("import_workbook_damaged")
