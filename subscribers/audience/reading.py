"""Lists of addresses as offices keep them: where the addresses stand in a file, and row by row.

A file is looked through once, then read as a stream from any row on, so that its size does not
matter. Workbooks are made into CSV first (`workbooks`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import IO, Any, NamedTuple

from app.core.errors import BadInput
from subscribers.audience import addresses

CHUNK = 1 << 16
SEPARATORS = ",;\t"
BETWEEN = re.compile(f"[{SEPARATORS}]")
ENCODINGS = ("utf-8-sig", "cp1252", "utf-16")
# Headers as people write them, without spaces, hyphens and case; the surer names first.
ADDRESS_HEADERS = (
    (
        *("email", "emailaddress", "emailadress", "epost", "epostadress"),
        *("mail", "mailadress", "mailaddress", "mejl", "mejladress"),
    ),
    ("address", "adress"),
)
OTHER_HEADERS = {"state": {"state", "status"}, "language": {"language", "språk"}}
# Only a list that we have written ourselves says what these mean to us.
OUR_HEADERS = {"topic": {"topic"}, "frequency": {"frequency"}}
OUR_MARK = "consentsource"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NO_TEXT = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff")
CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r"})
MOST_CONTROLS = 0.01  # of the beginning; a stray one here and there is somebody's slip
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
LOOKED_AT = 20  # records among which the headers are looked for, below titles
BROKEN = ["\0"]  # stands for a record that the csv reader gave up on
_Record = tuple[int, int, list[str]]  # its first line, its last, its cells
NO_RECORD: _Record = 0, 0, []


class Row(NamedTuple):
    """One record: the lines it stands on, its address cell, and what else it tells, if anything."""

    line: int
    last_line: int
    email: str
    state: str = ""
    language: str = ""
    topic: str = ""
    frequency: str = ""


@dataclass(frozen=True)
class Reading:
    """How a file is written and which of its columns holds what, counted from 0."""

    encoding: str
    separator: str
    header: bool
    email: int
    state: int | None = None
    language: int | None = None
    topic: int | None = None
    frequency: int | None = None
    titles: int = 0  # how many records that are not blank stand above the header

    @cached_property
    def is_plain(self) -> bool:
        """Whether the file tells nothing of anybody but the address."""
        return self.state is self.language is self.topic is self.frequency is None

    def as_data(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Reading:
        return cls(**data)


def find_out(file: IO[bytes]) -> Reading:
    """How to read a CSV file: any of the usual separators and encodings, with or without header.

    Looks through the whole file for its encoding. Raises BadInput when it is empty, is no text, or
    when no column holds addresses.
    """
    encoding = _encoding(file)
    with _Text(file, encoding) as text:
        head = text.read(CHUNK)
    usual = _separator(head)
    for separator in sorted(SEPARATORS, key=lambda one: one != usual):
        found = _below_titles(_first(file, encoding, separator), encoding, separator)
        if found:
            return found
    first = _first(file, encoding, usual)
    if not first:
        raise BadInput("import_empty")
    return _columns(first[0], encoding=encoding, separator=usual)


def _first(file: IO[bytes], encoding: str, separator: str) -> list[list[str]]:
    return list(islice(filter(any, _head(file, encoding, separator)), LOOKED_AT))


def _below_titles(records: list[list[str]], encoding: str, separator: str) -> Reading | None:
    """How to read a list that names its columns, be it below some titles.

    Headers below somebody's address are none: that is a list without any, and nobody of it may
    be taken for a title.
    """
    people = (at for at, cells in enumerate(records) if any(map(_holds_address, cells)))
    above = records[: next(people, None)]
    for known in ADDRESS_HEADERS:
        for titles, cells in enumerate(above):
            if any(_plain_name(cell) in known for cell in cells):
                found = _columns(cells, encoding=encoding, separator=separator)
                return replace(found, titles=titles)
    return None


def _holds_address(cell: str) -> bool:
    """Whether it is an address, or is made of one and others by another separator."""
    return any(map(_is_address, BETWEEN.split(cell)))


def _is_address(cell: str) -> bool:
    try:
        addresses.normal(cell.strip(addresses.SPACES))
    except BadInput:
        return False
    return True


def head(file: IO[bytes], reading: Reading, *, size: int) -> list[list[str]]:
    """The first records that are not blank, the header too but no titles: for a preview."""
    records = _head(file, reading.encoding, reading.separator)
    filled = islice(filter(any, records), reading.titles, None)
    return list(islice(filter(_is_filled, filled), size))


def rows(file: IO[bytes], reading: Reading, *, after: int = 0) -> Iterator[Row]:
    """The records of a file that are not blank, in its order; those behind the first `after`.

    Of the titles above the headers those that look like somebody: nobody is left out unsaid.
    """
    with _Text(file, reading.encoding) as text:
        records = _records(csv.reader(text, delimiter=reading.separator))
        at = reading.email
        for line, last_line, cells in chain(_titles(records, reading), records):
            if not (len(cells) > at and cells[at].strip()) and not _is_filled(cells):
                continue
            if after:
                after -= 1
            elif last_line > line and _swallowed_others(cells):
                yield Row(line, last_line, "")
            else:
                yield _row(line, last_line, cells, reading)


def _titles(records: Iterator[_Record], reading: Reading) -> Iterator[_Record]:
    """Reads to the end of the headers and gives what holds an @ above them, where addresses are
    looked for."""
    for title in range(reading.titles + reading.header):
        line, last_line, cells = next((one for one in records if any(one[2])), NO_RECORD)
        somebody = next((cell for cell in cells if "@" in cell), None)
        if somebody is not None and title < reading.titles:
            yield line, last_line, [""] * reading.email + [somebody]


def count(file: IO[bytes], reading: Reading) -> int:
    """How many records there are to import."""
    return sum(1 for _ in rows(file, reading))


def _row(line: int, last_line: int, cells: list[str], reading: Reading) -> Row:
    email = _cell(cells, reading.email)
    if reading.is_plain:
        return Row(line, last_line, email)
    return Row(
        line,
        last_line,
        email,
        _cell(cells, reading.state).lower(),
        _cell(cells, reading.language).lower(),
        _cell(cells, reading.topic),
        _cell(cells, reading.frequency).lower(),
    )


def _is_filled(cells: list[str]) -> bool:
    return any(cells) and any(cell.strip() for cell in cells)


def _head(file: IO[bytes], encoding: str, separator: str) -> Iterator[list[str]]:
    with _Text(file, encoding) as text:
        for _line, _last, cells in _records(csv.reader(text, delimiter=separator)):
            yield cells


class _Text:
    """A file as text from its beginning; left open when done."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        file.seek(0)
        self.wrapper = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")

    def __enter__(self) -> io.TextIOWrapper:
        return self.wrapper

    def __exit__(self, *_error: object) -> None:
        if not self.wrapper.closed:  # a reading left off halfway may outlive its file
            self.wrapper.detach()


def _records(reader: Iterator[list[str]]) -> Iterator[_Record]:
    """Each record with the numbers of its first and last line."""
    line = reader.line_num + 1  # type: ignore[attr-defined]
    while True:
        try:
            for cells in reader:
                last_line = reader.line_num  # type: ignore[attr-defined]
                yield line, last_line, cells
                line = last_line + 1
            return
        except csv.Error:  # a cell without end: a row that nobody can read
            last_line = reader.line_num  # type: ignore[attr-defined]
            yield line, last_line, BROKEN
            line = last_line + 1


def _swallowed_others(cells: list[str]) -> bool:
    """A cell that goes over lines and holds addresses: somewhere a quotation mark is missing."""
    return any("\n" in cell and "@" in cell for cell in cells)


def _columns(cells: list[str], *, encoding: str, separator: str) -> Reading:
    """Where the address and the rest stand, and whether this row is the header: not one that holds
    somebody's address. Raises BadInput."""
    names = [] if any(map(_is_address, cells)) else [_plain_name(cell) for cell in cells]
    others: dict[str, Any] = {
        what: next((at for at, name in enumerate(names) if name in known), None)
        for what, known in (OTHER_HEADERS | (OUR_HEADERS if OUR_MARK in names else {})).items()
    }
    for known in ADDRESS_HEADERS:
        for at, name in enumerate(names):
            if name in known:
                return Reading(encoding, separator, True, at, **others)
    for at, cell in enumerate(cells):
        if "@" in cell:
            return Reading(encoding, separator, False, at)
    if len(cells) == 1:
        return Reading(encoding, separator, True, 0)
    raise BadInput("import_no_address_column", columns=", ".join(filter(None, cells))[:300])


def _plain_name(header: str) -> str:
    folded = unicodedata.normalize("NFC", header).casefold()
    return "".join(char for char in folded if char.isalnum())


def _cell(cells: list[str], at: int | None) -> str:
    """A cell, without the apostrophe that our own export puts before what looks like a formula."""
    if at is None or at >= len(cells):
        return ""
    cell = cells[at].strip(addresses.SPACES)
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def _separator(head: str) -> str:
    lines = [line for line in head.splitlines() if line.strip()]
    line = lines[0] if lines else ""
    return max(SEPARATORS, key=line.count)


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 when the whole file is, else Windows-1252, which Excel writes. Raises BadInput."""
    file.seek(0)
    start = file.read(CHUNK)
    file.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    controls = len(start) - len(start.translate(None, CONTROLS))
    if start.startswith(NO_TEXT + WORKBOOKS) or controls > max(len(start) * MOST_CONTROLS, 2):
        raise BadInput("import_not_csv")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while part := file.read(CHUNK):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8-sig"


def list_of_one(text: str) -> IO[bytes]:
    """One typed address as the list that it is, whatever has been typed."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["email"], [" ".join(text.split()) or "-"]])
    return io.BytesIO(file.getvalue().encode())
