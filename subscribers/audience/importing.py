"""Importing a list of addresses that an office brings along, with the consent it stands on.

The file is read as a stream and stored in batches; the caller commits after each, so that an
import that was broken off goes on when it is started again. An import never changes anybody's
state: who left, was suppressed or was erased stays out, and the report says so row by row.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice
from typing import IO

import sqlalchemy as sa

from app.core.accounts import User
from app.core.audit import record
from app.core.db import db
from app.core.errors import BadInput
from app.core.words import LANGUAGES
from subscribers.audience import addresses
from subscribers.audience.addresses import Address, secrets_in_force
from subscribers.audience.erasing import ERASED
from subscribers.audience.models import (
    Subscriber,
    Subscription,
    SubscriptionState,
    Topic,
    new_public_id,
)
from subscribers.audience.subscribing import PRESS_RELEASES, insert_new, subscriber_row, suppressed

BATCH = 2000
CHUNK = 1 << 16
# Headers as people write them, without spaces, hyphens and case; the surer names first.
ADDRESS_HEADERS = (
    ("email", "emailaddress", "epost", "epostadress", "mail", "mailadress", "mailaddress"),
    ("address", "adress"),
)
STATE_HEADERS = {"state", "status"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class LeftOut(StrEnum):
    """Why a row was not imported."""

    UNREADABLE = "unreadable"
    PENDING = "pending"  # has asked, and must confirm
    ENDED = "ended"
    SUPPRESSED = "suppressed"
    ERASED = "erased"


@dataclass(frozen=True)
class Row:
    """One record of a file: the lines it stands on, its address cell, its state if it tells one."""

    line: int
    last_line: int
    email: str
    state: str = ""


@dataclass(frozen=True, order=True)
class Omission:
    """A record that was left out. A forgotten quotation mark can make one of many lines."""

    line: int
    last_line: int
    reason: LeftOut


@dataclass
class Report:
    """What became of the rows so far; `left_out` in the file's order."""

    imported: int = 0
    already: int = 0
    left_out: list[Omission] = field(default_factory=list)

    def leave_out(self, row: Row, reason: LeftOut) -> None:
        self.left_out.append(Omission(row.line, row.last_line, reason))


def import_file(
    file: IO[bytes],
    *,
    basis: str,
    language: str,
    topic: str = PRESS_RELEASES,
    by: User | None = None,
    at: datetime,
) -> Iterator[Report]:
    """Add the addresses of a CSV file as active subscribers; sends nothing.

    Yields the one growing report after each batch, for the caller to commit. `basis` says why we
    may write to them and is kept as the source of each consent. `file` must be seekable. Raises
    BadInput, before anything is stored, without a basis or for a file that holds no addresses.
    """
    if not basis.strip():
        raise BadInput("import_basis_missing")
    if language not in LANGUAGES:
        raise BadInput("language_unknown")
    rows = read_rows(file)
    rows = chain(list(islice(rows, 1)), rows)  # what is no table shows before the first batch
    topic_id = db.session.scalars(sa.select(Topic.id).where(Topic.slug == topic)).one()
    report = Report()
    record(
        "subscriber.import",
        "subscriber",
        None,
        title=basis.strip(),
        by=by,
        at=at,
        language=language,
    )
    while batch := list(islice(rows, BATCH)):
        wanted = _readable(batch, report)
        new = _sort_out(wanted, report, topic_id=topic_id, topic=topic)
        report.left_out.sort()
        added = _store(new, basis=basis.strip()[:500], language=language, topic_id=topic_id, at=at)
        report.imported += added
        report.already += len(new) - added
        yield report
    record(
        "subscriber.imported",
        "subscriber",
        None,
        title=basis.strip(),
        by=by,
        at=at,
        imported=report.imported,
        already=report.already,
        left_out=len(report.left_out),
    )
    yield report


def read_rows(file: IO[bytes]) -> Iterator[Row]:
    """The records of a CSV file: any of the usual separators and encodings, with or without header.

    Raises BadInput when it is empty, is no text, or when no column holds addresses.
    """
    encoding = _encoding(file)
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        yield from _read_text(text)
    finally:
        text.detach()


def _read_text(text: io.TextIOWrapper) -> Iterator[Row]:
    head = text.read(CHUNK)
    text.seek(0)
    reader = csv.reader(text, delimiter=_separator(head))
    records = _records(reader)
    first = next((record for record in records if any(record[2])), None)
    if first is None:
        raise BadInput("import_empty")
    email, state, is_header = _columns(first[2])
    for line, last_line, cells in records if is_header else chain([first], records):
        if _swallowed_others(cells):
            yield Row(line, last_line, "")
        elif any(cell.strip() for cell in cells):
            yield Row(line, last_line, _cell(cells, email), _cell(cells, state).lower())


def _records(reader: Iterator[list[str]]) -> Iterator[tuple[int, int, list[str]]]:
    """Each record with the numbers of its first and last line."""
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = ["\0"]  # a cell without end: a row that nobody can read
        yield line, reader.line_num, cells  # type: ignore[attr-defined]


def _swallowed_others(cells: list[str]) -> bool:
    """A cell that goes over lines and holds addresses: somewhere a quotation mark is missing."""
    return any("\n" in cell and "@" in cell for cell in cells)


def _columns(cells: list[str]) -> tuple[int, int | None, bool]:
    """Where the address and perhaps the state stand, and whether this row is the header.

    Raises BadInput.
    """
    names = [_plain_name(cell) for cell in cells]
    state = next((at for at, name in enumerate(names) if name in STATE_HEADERS), None)
    for known in ADDRESS_HEADERS:
        for at, name in enumerate(names):
            if name in known:
                return at, state, True
    for at, cell in enumerate(cells):
        if "@" in cell:
            return at, None, False
    if len(cells) == 1:
        return 0, None, True
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
    return max(",;\t", key=line.count)


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 when the whole file is, else Windows-1252, which Excel writes. Raises BadInput."""
    start = file.read(4)
    file.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")):
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


def _readable(batch: list[Row], report: Report) -> dict[str, tuple[Row, Address]]:
    """The addresses of a batch by their normal form, each once, with their rows."""
    secrets = secrets_in_force()
    found: dict[str, tuple[Row, Address]] = {}
    for row in batch:
        try:
            address = addresses.read(row.email, secrets=secrets)
        except BadInput:
            report.leave_out(row, LeftOut.UNREADABLE)
            continue
        if row.state in (SubscriptionState.ENDED, SubscriptionState.PENDING):
            report.leave_out(row, LeftOut(row.state))
        elif address.norm in found:
            report.already += 1
        else:
            found[address.norm] = (row, address)
    return found


def _sort_out(
    wanted: dict[str, tuple[Row, Address]], report: Report, *, topic_id: int, topic: str
) -> list[Address]:
    """Those of `wanted` that may come in; the others go into the report."""
    hashes = [known for _, address in wanted.values() for known in address.known_hashes]
    standing = _standing(hashes, topic_id=topic_id, topic=topic)
    new: list[Address] = []
    for row, address in wanted.values():
        found = {mark for known in address.known_hashes for mark in standing[known]}
        weightiest = next((mark for mark in WEIGHT if mark in found), None)
        if weightiest is None:
            new.append(address)
        elif weightiest == SubscriptionState.ACTIVE:
            report.already += 1
        else:
            report.leave_out(row, LeftOut(weightiest))
    return new


# What counts when several things are true of one address.
WEIGHT = ("erased", "suppressed", "active", "pending", "ended")


def _standing(hashes: list[bytes], *, topic_id: int, topic: str) -> defaultdict[bytes, set[str]]:
    """What we know of addresses, by their hashes."""
    marks: defaultdict[bytes, set[str]] = defaultdict(set)
    theirs = sa.and_(Subscription.subscriber_id == Subscriber.id, Subscription.topic_id == topic_id)
    known = (
        sa.select(Subscriber.address_hash, Subscriber.erased_at, Subscription.state)
        .outerjoin(Subscription, theirs)
        .where(Subscriber.address_hash.in_(hashes))
    )
    for address_hash, erased_at, state in db.session.execute(known):
        if erased_at is not None:
            marks[address_hash].add("erased")
        if state is not None:
            marks[address_hash].add(state.value)
    for suppression in suppressed(hashes, topic=topic):
        mark = "erased" if suppression.reason == ERASED else "suppressed"
        marks[suppression.address_hash].add(mark)
    return marks


def _store(new: list[Address], *, basis: str, language: str, topic_id: int, at: datetime) -> int:
    """Write down new subscribers and subscriptions. Returns how many were not there before."""
    known = _subscriber_ids(new)
    insert_new(
        Subscriber,
        [
            subscriber_row(address, language=language, at=at)
            for address in new
            if not known.keys() & set(address.known_hashes)
        ],
    )
    added = insert_new(
        Subscription,
        [
            {
                "public_id": new_public_id(),
                "subscriber_id": subscriber_id,
                "topic_id": topic_id,
                "state": SubscriptionState.ACTIVE,
                "asked_at": at,
                "consent_source": basis,
                "consent_text_version": "",
                "consent_at": at,
            }
            for subscriber_id in _subscriber_ids(new).values()
        ],
        Subscription.id,
    )
    return len(added)


def _subscriber_ids(people: list[Address]) -> dict[bytes, int]:
    hashes = [known for address in people for known in address.known_hashes]
    rows = sa.select(Subscriber.address_hash, Subscriber.id).where(
        Subscriber.address_hash.in_(hashes)
    )
    return {row.address_hash: row.id for row in db.session.execute(rows)}
