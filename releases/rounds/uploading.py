"""Files on their way in: how each one is to be read, as the person who brought it has said.

What they say is kept in `Upload.form`: the encoding, the sheet, and which column holds what. What
they say of the columns is kept for the programme's next file when the round is stored.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence

from releases.rounds import importing
from releases.rounds.amounts import parse_amount
from releases.rounds.headers import SEVERAL, Said
from releases.rounds.models import Programme, Upload
from releases.rounds.reading import Progress, read
from releases.rounds.table import Table

FIELDS = (
    "grantee", "kind", "amount", "amount_applied", "currency", "project", "partners", "countries",
    "themes", "first_timer", "status", "note",
)  # fmt: skip
LARGE_BYTES = 1_000_000
LARGE_ROWS = 5_000


class ColumnsUnclear(ValueError):
    """Two columns were given to a field that has only one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def is_large(content: bytes) -> bool:
    """Whether reading takes longer than a person should wait for a page."""
    if len(content) > LARGE_BYTES:
        return True
    if not content.startswith(b"PK\x03\x04"):
        return max(content.count(b"\n"), content.count(b"\r")) > LARGE_ROWS
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return sum(part.file_size for part in packed.infolist()) > 2 * LARGE_BYTES
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def read_upload(kept: Upload, *, progress: Progress | None = None) -> Table:
    """The table in a file, read as its person has said."""
    form = kept.form
    total = form["stated_total"]
    return read(
        kept.content,
        filename=kept.filename,
        currency=form["currency"] or None,
        stated_total=parse_amount(total).value if total else None,
        sheet=form.get("sheet") or None,
        encoding=form.get("encoding") or None,
        columns=said_of(kept),
        progress=progress,
    )


def said_of(kept: Upload) -> Said:
    """What was said of this file's columns, else of the programme's last file."""
    if "columns" in kept.form:
        return dict(json.loads(kept.form["columns"]))
    return importing.columns_of(importing.programme_named(kept.form["programme"]))


def open_as(kept: Upload, *, encoding: str, sheet: str) -> None:
    """Read the file in another encoding or from another sheet from now on; "" lets it be found."""
    kept.form = kept.form | {"encoding": encoding, "sheet": sheet}


def say_columns(kept: Upload, chosen: Sequence[tuple[str, str]]) -> None:
    """Keep what each column holds: (label, field), no field for one that is used for nothing.

    Raises ColumnsUnclear when two columns were given to a field that has only one.
    """
    said: dict[str, list[str]] = {}
    for label, name in chosen:
        said.setdefault(name, []).append(label)
    for name, labels in said.items():
        if name and name not in SEVERAL and len(labels) > 1:
            raise ColumnsUnclear(name)
    kept.form = kept.form | {"columns": json.dumps(said, ensure_ascii=False)}


def remember(kept: Upload, programme: Programme) -> None:
    """Keep what was said of the columns for the programme's next file."""
    said: Mapping[str, Sequence[str]] = said_of(kept)
    if "columns" in kept.form:
        importing.remember_columns(programme, said)
