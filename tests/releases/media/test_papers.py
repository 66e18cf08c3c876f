"""Which documents are handed on to readers, told by what they hold."""

from __future__ import annotations

import zlib

import pytest

from app.core.errors import BadInput
from releases.media import papers
from releases.media.papers import form_of
from tests.releases.media import pictures
from tests.releases.media.pictures import TYPES, packed


def pdf(*objects: bytes) -> bytes:
    return b"%PDF-1.7\n" + b"\n".join(objects) + b"\ntrailer\n<<>>\n%%EOF\n"


def packed_object(content: bytes) -> bytes:
    """As programs write them since 2003."""
    data = zlib.compress(content)
    return (
        b"9 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\r\n"
        % len(data)
        + data
        + b"\nendstream\nendobj"
    )


GOOD = {
    "PDF": pictures.PDF,
    "Word": pictures.DOCX,
    "Excel": pictures.XLSX,
    "ODT": pictures.ODT,
    "ODS": pictures.ODS,
}
BAD = {
    "macros.docx": (
        packed(TYPES, ("word/document.xml", ""), ("word/vbaProject.bin", "x")),
        "document_has_macros",
    ),
    "macros-by-type.docx": (
        packed(pictures.MACRO_TYPES, ("word/document.xml", "")),
        "document_has_macros",
    ),
    "macros.ods": (
        packed(
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("Basic/Standard/Module1.xml", "<x/>"),
        ),
        "document_has_macros",
    ),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "document_is_old"),
    "archive.docx": (packed(("readme.txt", "hello")), "document_unknown"),
    "slides.pptx": (packed(TYPES, ("ppt/presentation.xml", "")), "document_unknown"),
    "cut.docx": (pictures.DOCX[:-30], "document_broken"),
    "flipped.docx": (
        pictures.DOCX.replace(b"word/document.xml", b"word/dokument.xml", 1),
        "document_broken",
    ),
    "cut.pdf": (pictures.PDF[:30], "document_broken"),
    "script.pdf": (
        pdf(b"1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >> endobj"),
        "document_has_scripts",
    ),
    "hidden-script.pdf": (
        pdf(b"1 0 obj << /AA << /O << /S/J#61v#61Script /JS 5 0 R >> >> >> endobj"),
        "document_has_scripts",
    ),
    "packed-script.pdf": (
        pdf(packed_object(b"1 0 << /OpenAction << /S /JavaScript /JS (x) >> >>")),
        "document_has_scripts",
    ),
    "launch.pdf": (
        pdf(b"1 0 obj << /OpenAction << /S /Launch /F (cmd.exe) >> >> endobj"),
        "document_has_scripts",
    ),
    "locked.pdf": (pdf(b"trailer << /Root 1 0 R /Encrypt 7 0 R >>"), "document_is_locked"),
    "page.pdf": (pictures.PAGE, "file_is_a_page"),
    "program.pdf": (b"MZ\x90\x00" * 100, "document_unknown"),
}


def test_a_pdf_that_only_opens_at_a_page_and_tells_of_scripts_is_taken() -> None:
    opens = b"1 0 obj << /OpenAction [3 0 R /Fit] /JavaScripts (a name) /Title (Launch) >> endobj"

    assert form_of(pdf(opens, packed_object(b"1 0 << /Type /Catalog >>")), name="a.pdf").label


def test_a_packed_object_that_unpacks_to_far_more_than_it_is_costs_no_more_than_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(papers, "MOST_UNPACKED", 1000)
    many = [packed_object(b" " * 900) for _ in range(5)]

    assert sum(len(part) for part in papers._unpacked(pdf(*many))) <= 1000


@pytest.mark.parametrize("label", GOOD)
def test_a_document_is_known_by_what_it_holds(label: str) -> None:
    assert form_of(GOOD[label], name="whatever.bin").label == label


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_could_harm_or_disappoint_is_refused(name: str) -> None:
    content, reason = BAD[name]

    with pytest.raises(BadInput) as refused:
        form_of(content, name=name)

    assert refused.value.key == reason
    assert refused.value.facts["file"] == name


def test_a_document_that_unpacks_to_far_more_than_it_is_is_refused() -> None:
    nothing = "\x00" * (160 * 1024 * 1024)

    with pytest.raises(BadInput, match="document_broken"):
        form_of(packed(TYPES, ("word/document.xml", nothing), ("a", nothing)), name="x.docx")
