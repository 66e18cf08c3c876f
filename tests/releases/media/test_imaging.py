"""What becomes of a picture that somebody uploads, whatever it is."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from app.core.errors import BadInput
from releases.media.imaging import make_picture
from releases.media.renditions import first_names
from tests.releases.media import pictures


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def high(content: bytes, name: str = "x.jpg") -> Image.Image:
    made = make_picture(content, name=name)
    return opened(next(one for file, one in made.files.items() if file.startswith("high.")))


def is_about(colour: object, wanted: tuple[int, ...], *, within: int = 12) -> bool:
    assert isinstance(colour, tuple)
    return all(abs(a - b) <= within for a, b in zip(colour, wanted, strict=True))


HOSTILE = {
    "bomb.png": (pictures.bomb(), "image_too_many_pixels"),
    "small-bomb.png": (pictures.bomb(12_000), "image_too_many_pixels"),
    "truncated.jpg": (pictures.truncated(), "image_broken"),
    "page.jpg": (pictures.PAGE, "file_is_a_page"),
    "script.gif": (pictures.gif_that_is_a_script(), "image_is_a_program"),
    "archive.jpg": (pictures.jpeg_with_an_archive(), "image_is_a_program"),
    "script-behind.jpg": (pictures.jpeg() + b"<script>alert(1)</script>", "image_is_a_program"),
    "php.png": (pictures.saved(pictures.photo(), "PNG") + b"<?php system()", "image_is_a_program"),
    "drawing.svg": (pictures.SVG, "image_svg"),
    "drawing.png": (pictures.SVG, "image_svg"),
    "telephone.heic": (pictures.HEIC, "image_heic"),
    "only-a-header.png": (b"\x89PNG\r\n\x1a\n", "image_broken"),
    "only-a-header.jpg": (b"\xff\xd8\xff\xe0", "image_broken"),
    "only-a-header.webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image_broken"),
    "only-a-header.tif": (b"II*\x00\x08\x00\x00\x00", "image_broken"),
    "noise.jpg": (b"\x93\x11\x02" * 500, "image_unknown"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name_and_reason(name: str) -> None:
    content, reason = HOSTILE[name]

    with pytest.raises(BadInput) as refused:
        make_picture(content, name=name)

    assert refused.value.key == reason
    assert refused.value.facts["file"] == name


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_every_usual_format_is_taken_whatever_the_file_is_called(form: str) -> None:
    content = pictures.saved(pictures.photo(), form)

    made = make_picture(content, name="bild.doc")

    assert (made.width, made.height) == (640, 400)
    assert set(made.files) == first_names(made.width, made.content_type)


def test_no_file_of_a_picture_keeps_what_the_camera_wrote() -> None:
    made = make_picture(pictures.jpeg_from_a_telephone(), name="x.jpg")

    for name, content in made.files.items():
        image = opened(content)
        assert not image.getexif(), name
        assert not image.getexif().get_ifd(0x8825), name
        assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(image.info), name
        for word in (b"SERIAL", b"Anna", b"Fabrik", b"a comment", b"xmpmeta", b"Visby"):
            assert word not in content, name


def test_no_file_of_a_picture_keeps_the_words_of_a_png() -> None:
    made = make_picture(pictures.png_with_words(), name="x.png")

    assert not [name for name, content in made.files.items() if b"SECRET" in content]


def test_what_is_made_at_once_is_one_file_for_print_and_one_for_every_program() -> None:
    made = make_picture(pictures.jpeg(2000, 1000), name="x.jpg")

    sizes = {name: opened(content).size for name, content in made.files.items()}
    assert sizes == {"high.jpg": (2000, 1000), "960.jpg": (960, 480)}
    assert made.size == len(made.files["high.jpg"])


def test_a_small_picture_is_not_made_larger() -> None:
    made = make_picture(pictures.jpeg(700, 300), name="x.jpg")

    assert set(made.files) == {"high.jpg", "700.jpg"}


def test_a_very_large_picture_is_brought_down_to_six_thousand_pixels() -> None:
    made = make_picture(pictures.jpeg(7000, 1400), name="x.jpg")

    assert (made.width, made.height) == (6000, 1200)


def test_a_picture_taken_on_its_side_stands_up() -> None:
    image = high(pictures.lying_on_its_side())

    assert image.size == (40, 60)
    assert is_about(image.getpixel((35, 5)), (254, 0, 0))
    assert is_about(image.getpixel((5, 5)), (0, 0, 254))


def test_a_picture_for_print_gets_the_colours_of_a_screen() -> None:
    image = high(pictures.cmyk())

    assert image.mode == "RGB"
    assert is_about(
        image.getpixel((320, 200)),
        pictures.photo().getpixel((320, 200)),
        within=40,  # type: ignore[arg-type]
    )


def test_colours_are_read_by_the_pictures_own_profile() -> None:
    image = high(pictures.with_another_profile(), "x.tif")

    assert image.mode == "RGB"
    red, green, blue = image.getpixel((20, 20))  # type: ignore[misc]
    assert red > 200 and green < 60 and 80 < blue < 180


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    image = high(pictures.sixteen_bits(), "x.png").convert("RGB")

    assert is_about(image.getpixel((25, 25)), (127, 127, 127), within=2)


def test_what_one_can_see_through_stays_so_and_stands_on_white_where_it_cannot() -> None:
    made = make_picture(pictures.drawn_with_a_hole(), name="x.png")

    assert made.content_type == "image/png"
    assert opened(made.files["high.png"]).getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert is_about(opened(made.files["300.jpg"]).getpixel((5, 5)), (255, 255, 255))


def test_a_drawing_of_few_colours_is_kept_sharp() -> None:
    image = Image.new("RGB", (200, 100), "white")
    image.paste("navy", (20, 20, 80, 80))

    made = make_picture(pictures.saved(image, "PNG"), name="x.png")

    assert made.content_type == "image/png"
    assert opened(made.files["high.png"]).getpixel((19, 19)) == (255, 255, 255)


def test_a_moving_picture_is_its_first_frame() -> None:
    made = make_picture(pictures.animated(), name="x.gif")

    image = opened(made.files["high.png"])
    assert getattr(image, "n_frames", 1) == 1
    assert is_about(image.convert("RGB").getpixel((40, 30)), (255, 0, 0))


def test_what_the_picture_says_of_itself_is_proposed() -> None:
    said = make_picture(pictures.jpeg_from_a_telephone(), name="x.jpg").said

    assert said.credit == "Anna Larsson/TT"
    assert said.caption == {"": "Visby hamn", "en": "Visby harbour"}
    assert said.alt == {"sv": "Båtar vid en kaj"}
    assert said.licence == "cc-by"


def test_the_holder_of_the_rights_is_proposed_when_nobody_else_is_named() -> None:
    exif = Image.Exif()
    exif[0x8298] = "Copyright (c) 2019-2024 Region Gotland."

    said = make_picture(pictures.jpeg(exif=exif), name="x.jpg").said

    assert said.credit == "Region Gotland"


def test_words_of_the_picture_desk_are_read_in_their_own_encoding() -> None:
    def field(number: int, text: bytes) -> bytes:
        return b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text

    words = field(80, "Åsa Öberg".encode("cp1252")) + field(120, "Sjön vid Åre".encode("cp1252"))
    block = b"8BIM\x04\x04\x00\x00" + len(words).to_bytes(4, "big") + words
    block += b"\x00" * (len(words) % 2)
    data = b"Photoshop 3.0\x00" + block
    plain = pictures.jpeg()
    content = plain[:2] + b"\xff\xed" + (len(data) + 2).to_bytes(2, "big") + data + plain[2:]

    said = make_picture(content, name="x.jpg").said

    assert said.credit == "Åsa Öberg"
    assert said.caption == {"": "Sjön vid Åre"}


def test_a_camera_that_signs_with_its_own_name_is_not_believed() -> None:
    exif = Image.Exif()
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA"

    said = make_picture(pictures.jpeg(exif=exif), name="x.jpg").said

    assert not said


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "I;16"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_whatever_its_colours_are_kept_in_a_picture_stands_up_once(mode: str, form: str) -> None:
    image = Image.new("L", (60, 40), 255).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6

    made = make_picture(pictures.saved(image, form, exif=exif), name="x")

    assert (made.width, made.height) == (40, 60)


def test_hostile_metadata_does_not_stand_in_the_way_of_a_good_picture() -> None:
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x:xmpmeta>&b;</x:xmpmeta>'

    made = make_picture(pictures.jpeg(xmp=laughs), name="x.jpg")

    assert not made.said
