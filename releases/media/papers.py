"""Documents as they were uploaded: which kind they are, and whether they may be handed on. Pure.

They are given to readers as they came. So what could run on a reader's machine is refused, and
what could not be opened there too.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap

from app.core.errors import BadInput
from releases.media.kinds import kind_of

MOST_BYTES = 25 * 1024 * 1024
MOST_UNPACKED = 300 * 1024 * 1024
MOST_MEMBERS = 10_000
MOST_TYPES = 1024 * 1024  # of the member that lists the types of the others
MOST_HEADER = 4096  # of a packed object, before what it holds


def _name(word: str) -> str:
    """A PDF's name, each letter of which may be written as its number: `/J#61vaScript`."""
    return "/" + "".join(f"(?:{letter}|#{ord(letter):02x})" for letter in word)


# What makes a reader's machine do something by itself: scripts, and the starting of programs.
RUNS = re.compile(rf"(?:{_name('JavaScript')}|{_name('Launch')})(?![0-9A-Za-z#])".encode())
LOCKED = re.compile(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)")
PACKED = re.compile(rb"/Type\s*/ObjStm")
STREAM = re.compile(rb"stream\r?\n")


@dataclass(frozen=True)
class Form:
    """One kind of document. `label` is what people call it, in both languages."""

    content_type: str
    extension: str
    label: str

    @property
    def file(self) -> str:
        """What its one file is called on the shelf and in its address."""
        return f"document.{self.extension}"


OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN = "application/vnd.oasis.opendocument."
PDF = Form("application/pdf", "pdf", "PDF")
BY_MEMBER = {
    "word/document.xml": Form(f"{OFFICE}wordprocessingml.document", "docx", "Word"),
    "xl/workbook.xml": Form(f"{OFFICE}spreadsheetml.sheet", "xlsx", "Excel"),
}
BY_MIMETYPE = {
    f"{OPEN}text": Form(f"{OPEN}text", "odt", "ODT"),
    f"{OPEN}spreadsheet": Form(f"{OPEN}spreadsheet", "ods", "ODS"),
}
FORMS = {form.content_type: form for form in (PDF, *BY_MEMBER.values(), *BY_MIMETYPE.values())}
REFUSED = {"OLE": "document_is_old", "PAGE": "file_is_a_page"}


def form_of(content: bytes | mmap, *, name: str) -> Form:
    """Which kind of document it is. Raises BadInput, which says what is wrong with `name`."""
    kind = kind_of(content)
    if kind not in ("PDF", "ZIP"):
        raise BadInput(REFUSED.get(kind, "document_unknown"), file=name)
    if len(content) > MOST_BYTES:
        raise BadInput("file_too_large", file=name, most=MOST_BYTES // 1024**2)
    if kind == "PDF":
        return _printed(content, name=name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _packed(archive, name=name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput("document_broken", file=name) from error


def _printed(content: bytes | mmap, *, name: str) -> Form:
    if b"%%EOF" not in content[-2048:]:
        raise BadInput("document_broken", file=name)
    if LOCKED.search(content):
        raise BadInput("document_is_locked", file=name)
    if any(RUNS.search(part) for part in (content, *_unpacked(content))):
        raise BadInput("document_has_scripts", file=name)
    return PDF


def _unpacked(content: bytes | mmap) -> Iterator[bytes]:
    """What newer PDFs pack away of their objects (ISO 32000, 7.5.7); pages and pictures not."""
    left = MOST_UNPACKED
    for found in PACKED.finditer(content):
        start = STREAM.search(content, found.end(), found.end() + MOST_HEADER)
        if start is None or left <= 0:
            continue
        with suppress(zlib.error):
            part = zlib.decompressobj().decompress(content[start.end() :], left)
            left -= len(part)
            yield part


def _packed(archive: zipfile.ZipFile, *, name: str) -> Form:
    members = {info.filename: info for info in archive.infolist()}
    unpacked = sum(info.file_size for info in archive.infolist())
    if len(archive.infolist()) > MOST_MEMBERS or unpacked > MOST_UNPACKED:
        raise BadInput("document_broken", file=name)
    form = _form(archive, members)
    if form is None:
        raise BadInput("document_unknown", file=name)
    if _has_macros(archive, members):
        raise BadInput("document_has_macros", file=name)
    if archive.testzip() is not None:
        raise BadInput("document_broken", file=name)
    return form


def _form(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Form | None:
    if "[Content_Types].xml" in members:
        return next((form for member, form in BY_MEMBER.items() if member in members), None)
    if "mimetype" in members and members["mimetype"].file_size < 200:
        said = archive.read("mimetype").decode("ascii", "replace").strip()
        return BY_MIMETYPE.get(said)
    return None


def _has_macros(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> bool:
    names = [member.lower() for member in members]
    if any(name.endswith(("vbaproject.bin", "vbadata.xml")) for name in names):
        return True
    if any(name.startswith(("basic/", "scripts/")) for name in names):
        return True
    types = members.get("[Content_Types].xml")
    if types is None:
        return False
    if types.file_size > MOST_TYPES:
        return True  # nobody can say
    return b"macroenabled" in archive.read(types).lower()
