"""What the office says of a picture travels in the file for print, and nothing else does."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, IptcImagePlugin

from app.core.grafting import grafted
from releases.media.crediting import credited
from releases.media.credits import said_by
from releases.media.imaging import make_picture
from tests.releases.media import pictures

PRINTED: dict[str, Any] = {
    "content_type": "image/jpeg",
    "alt": "Båtar vid en kaj",
    "caption": 'Visby hamn <i maj> & "juni"',
    "credit": "Åsa Öberg/TT",
    "licence": "cc-by",
}


def download(content: bytes, **said: str) -> bytes:
    """The file for print of an upload, as a reader gets it."""
    made = make_picture(content, name="x")
    high = next(one for name, one in made.files.items() if name.startswith("high."))
    printed = {**PRINTED, "content_type": made.content_type, **said}
    return grafted(io.BytesIO(high), credited(printed, "sv")).read()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("upload", [pictures.jpeg(), pictures.drawn_with_a_hole()])
def test_all_that_was_said_is_read_again_from_the_download(upload: bytes) -> None:
    said = said_by(opened(download(upload)))

    assert (said.creator, said.source) == ("Åsa Öberg", "Åsa Öberg/TT")
    assert said.credit == "Åsa Öberg/TT"
    assert said.rights == "© Åsa Öberg/TT"
    assert said.caption == {"": 'Visby hamn <i maj> & "juni"'}
    assert said.alt == {"": "Båtar vid en kaj"}
    assert said.licence == "cc-by"


def test_older_archives_read_it_in_their_own_fields() -> None:
    iptc = IptcImagePlugin.getiptcinfo(opened(download(pictures.jpeg()))) or {}

    assert iptc[(1, 90)] == b"\x1b%G"
    assert iptc[(2, 80)] == "Åsa Öberg".encode()
    assert iptc[(2, 110)] == "Åsa Öberg/TT".encode()
    assert iptc[(2, 116)] == "© Åsa Öberg/TT".encode()
    assert iptc[(2, 120)] == PRINTED["caption"].encode()


def test_a_long_name_is_cut_between_letters_where_the_old_fields_end() -> None:
    content = download(pictures.jpeg(), credit="Ö" * 40)

    iptc = IptcImagePlugin.getiptcinfo(opened(content)) or {}
    assert iptc[(2, 80)] == ("Ö" * 16).encode()
    assert said_by(opened(content)).creator == "Ö" * 40


def test_the_picture_itself_is_the_same() -> None:
    made = make_picture(pictures.jpeg(), name="x")

    plain, said = opened(made.files["high.jpg"]), opened(download(pictures.jpeg()))

    assert plain.tobytes() == said.tobytes()


def test_what_was_given_to_everybody_has_no_copyright_notice() -> None:
    content = download(pictures.jpeg(), licence="cc0")

    assert said_by(opened(content)).rights == ""
    assert b"<xmpRights:Marked>False</xmpRights:Marked>" in content
    assert b"creativecommons.org/publicdomain/zero/1.0/" in content


def test_terms_are_told_in_the_language_of_the_page() -> None:
    assert "Fri att använda, ange fotograf (CC BY 4.0)." in credited(PRINTED, "sv").more.decode(
        errors="replace"
    )
    assert b"Free to use" in credited(PRINTED, "en").more


def test_a_picture_of_which_nothing_is_said_says_nothing() -> None:
    nothing = dict.fromkeys(("alt", "caption", "credit", "licence"), "")
    content = download(pictures.jpeg(), **nothing)

    assert not said_by(opened(content))
    assert b"dc:creator" not in content


def test_nothing_of_the_upload_is_in_the_download() -> None:
    content = download(pictures.jpeg_from_a_telephone())

    for word in (b"SERIAL", b"Fabrik", b"a comment", b"Visby harbour", b"Anna"):
        assert word not in content
    assert not opened(content).getexif()


def test_the_longest_words_fit() -> None:
    longest = {"alt": "Ö" * 500, "caption": "Ö" * 1000, "credit": "Ö" * 200}

    assert said_by(opened(download(pictures.jpeg(), **longest))).alt == {"": "Ö" * 500}
