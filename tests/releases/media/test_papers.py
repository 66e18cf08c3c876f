"""Which documents are handed on to readers, told by what they hold."""

from __future__ import annotations

import pytest

from app.core.errors import BadInput
from releases.media.papers import form_of
from tests.releases.media import pictures
from tests.releases.media.pictures import TYPES, packed

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
    "page.pdf": (pictures.PAGE, "file_is_a_page"),
    "program.pdf": (b"MZ\x90\x00" * 100, "document_unknown"),
}


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
