"""Real files of kinds that no package here can write: LibreOffice's ODS and Excel's old XLS."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | None
Sheets = dict[str, Sequence[Sequence[Cell]]]


def ods(sheets: Sheets) -> bytes:
    """A workbook of LibreOffice. A cell that begins with `=` is a formula with the result 7."""
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(
            f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows
        )
        + "</table:table>"
        for name, rows in sheets.items()
    )
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mimetype}"/>'
        "</manifest:manifest>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("mimetype", mimetype)
        file.writestr("META-INF/manifest.xml", manifest)
        file.writestr("content.xml", content)
    return packed.getvalue()


def _ods_cell(cell: Cell) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, str) and cell.startswith("="):
        return (
            f"<table:table-cell table:formula={quoteattr('of:' + cell)} "
            'office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
        )
    if isinstance(cell, str):
        return (
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p>'
            "</table:table-cell>"
        )
    return (
        f'<table:table-cell office:value-type="float" office:value="{cell}">'
        f"<text:p>{cell}</text:p></table:table-cell>"
    )


def xls(sheets: Sheets, *, protected: bool = False, far: bool = False) -> bytes:
    """A workbook of Excel 97: BIFF8 records in a compound file.

    `protected` asks for a password; `far` puts a cell in the last row and column there is.
    """
    globals_ = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    if protected:
        globals_ += _record(0x002F, struct.pack("<HHH", 1, 1, 1) + bytes(48))
    globals_ += _record(0x0042, struct.pack("<H", 1200))
    bodies = [_sheet(rows, far=far) for rows in sheets.values()]
    names = [_short_text(name) for name in sheets]
    length = len(globals_) + sum(4 + 6 + len(name) for name in names) + 4
    bound = b""
    for name, body in zip(names, bodies, strict=True):
        bound += _record(0x0085, struct.pack("<IH", length, 0) + name)
        length += len(body)
    return _compound(globals_ + bound + _record(0x000A, b"") + b"".join(bodies))


def _sheet(rows: Sequence[Sequence[Cell]], *, far: bool) -> bytes:
    body = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            at = struct.pack("<HHH", number, column, 0)
            if isinstance(cell, str):
                text = cell.encode("utf-16-le")
                body += _record(0x0204, at + struct.pack("<HB", len(text) // 2, 1) + text)
            elif cell is not None:
                body += _record(0x0203, at + struct.pack("<d", cell))
    if far:
        body += _record(0x0203, struct.pack("<HHHd", 65535, 65535, 0, 1.0))
    return body + _record(0x000A, b"")


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _short_text(text: str) -> bytes:
    encoded = text.encode("utf-16-le")
    return struct.pack("<BB", len(encoded) // 2, 1) + encoded


def _compound(stream: bytes) -> bytes:
    """One stream called Workbook: a header, a table of sectors, a directory and the stream."""
    end, free, table = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    stream = stream.ljust(4096, b"\0")
    stream += bytes(-len(stream) % 512)
    count = len(stream) // 512
    tables = (count + 1 + 127) // 127
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, tables, tables, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *range(tables), *[free] * (109 - tables))
    chain = [table] * tables + [end]
    chain += [len(chain) + n + 1 for n in range(count - 1)] + [end]
    chain += [free] * (tables * 128 - len(chain))
    directory = _entry("Root Entry", kind=5, child=1, start=end, size=0)
    directory += _entry("Workbook", kind=2, child=free, start=tables + 1, size=len(stream))
    return header + struct.pack(f"<{len(chain)}I", *chain) + directory.ljust(512, b"\0") + stream


def _entry(name: str, *, kind: int, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    none = 0xFFFFFFFF
    entry = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, none, none, child)
    return entry + bytes(36) + struct.pack("<IQ", start, size)
