"""Pictures, documents and contacts where a body embeds them."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.html import clean, plain
from releases.media.embedding import (
    addresses_under,
    embedded,
    paper_of,
    picture_of,
    site_address,
    spelled_out,
)
from releases.media.naming import file_size, picture_name

IMAGE: dict[str, Any] = {
    "id": 12,
    "key": "KEY",
    "filename": "IMG_0012.jpg",
    "content_type": "image/jpeg",
    "size": 3_140_000,
    "width": 4000,
    "height": 3000,
    "alt": "Båtar vid en kaj",
    "caption": "Visby hamn.",
    "credit": "Anna Larsson",
    "licence": "cc-by",
}
DOCUMENT: dict[str, Any] = {
    "id": 3,
    "key": "DOC",
    "filename": "beslut.pdf",
    "content_type": "application/pdf",
    "size": 1_240_000,
    "title": "Beslutet",
}
CONTACT: dict[str, Any] = {
    "id": 2,
    "name": "Eva Ek",
    "title": "presschef",
    "phone": "08-550 123 45",
    "email": "eva@press.example",
}
FIGURE = '<figure data-image="12"></figure>'


def shown(body: str, *, width: int | None = None, **changed: Any) -> str:
    return embedded(
        body,
        images=[{**IMAGE, **changed}],
        documents=[DOCUMENT],
        contacts=[CONTACT],
        language="sv",
        address=site_address,
        width=width,
    )


def told(body: str) -> str:
    return plain(
        spelled_out(
            body,
            images=[IMAGE],
            documents=[DOCUMENT],
            contacts=[CONTACT],
            language="sv",
            address=addresses_under("https://press.example"),
        )
    )


def test_a_picture_stands_where_the_text_has_it() -> None:
    text = shown(f"<p>Före</p>{FIGURE}<p>Efter</p>")

    assert text == (
        '<p>Före</p><figure class="picture"><img src="/media/KEY/960.jpg" alt="Båtar vid en kaj" '
        'width="960" height="720" loading="lazy"><figcaption>Visby hamn. '
        '<span class="picture__credit">Foto: Anna Larsson</span></figcaption></figure><p>Efter</p>'
    )


def test_a_picture_that_has_been_encoded_is_offered_in_every_format_best_first() -> None:
    text = shown(FIGURE, encoded=True)

    def offered(form: str) -> str:
        return ", ".join(f"/media/KEY/{width}.{form} {width}w" for width in (480, 960, 1600))

    sizes = 'sizes="(min-width: 47rem) 44rem, calc(100vw - 2rem)"'
    assert (
        f'<picture><source type="image/avif" srcset="{offered("avif")}" {sizes}>'
        f'<source type="image/webp" srcset="{offered("webp")}" {sizes}>'
        f'<img src="/media/KEY/960.jpg" srcset="{offered("jpg")}" {sizes} alt="Båtar vid en kaj" '
        'width="960" height="720" loading="lazy"></picture>'
    ) in text


def test_a_crop_is_named_by_its_point_so_that_no_address_gets_another_picture() -> None:
    printed = {**IMAGE, "encoded": True, "focal": (30, 70)}

    lead = picture_of(printed, language="sv", address=site_address).crop("lead")

    assert (lead.width, lead.height) == (1600, 900)
    assert lead.src == "/media/KEY/lead-30-70-800.jpg"
    assert [one.type for one in lead.sources] == ["image/avif", "image/webp"]
    assert lead.sources[0].srcset == (
        "/media/KEY/lead-30-70-800.avif 800w, /media/KEY/lead-30-70-1600.avif 1600w"
    )


def test_a_crop_that_is_not_made_yet_is_the_whole_picture_in_the_place_of_the_crop() -> None:
    printed = {**IMAGE, "encoded": False, "focal": (30, 70)}

    square = picture_of(printed, language="sv", address=site_address).crop("square")

    assert (square.src, square.srcset, square.sources) == ("/media/KEY/960.jpg", "", ())
    assert (square.width, square.height) == (400, 400)


def test_a_mail_gets_one_jpeg_at_one_size() -> None:
    text = shown(FIGURE, width=560, encoded=True)

    assert "srcset" not in text
    assert '<img src="/media/KEY/960.jpg" alt="Båtar vid en kaj" width="560" height="420"' in text


@pytest.mark.parametrize("field", ["alt", "caption", "credit"])
def test_what_people_wrote_of_a_picture_is_text_and_nothing_else(field: str) -> None:
    hostile = '"><script>alert(1)</script>'

    text = shown(FIGURE, **{field: hostile})

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_picture_without_words_has_no_empty_caption() -> None:
    text = shown(FIGURE, caption="", credit="", alt="")

    assert "figcaption" not in text
    assert 'alt=""' in text


def test_what_is_not_among_the_printed_vanishes() -> None:
    body = '<p>a</p><figure data-image="13"></figure><figure data-document="12"></figure><p>b</p>'

    assert shown(body) == "<p>a</p><p>b</p>"


def test_a_document_is_a_link_with_its_kind_and_size() -> None:
    text = shown('<figure data-document="3"></figure>')

    assert '<a href="/media/DOC/document.pdf">Beslutet</a>' in text
    assert "(PDF, 1,2\u00a0MB)" in text


def test_a_contact_is_name_telephone_and_address() -> None:
    text = shown('<figure data-contact="2"></figure>')

    assert text == (
        '<p class="contact-line">Eva Ek, presschef<br><a href="tel:+46855012345">08-550 123 45</a>'
        '<br><a href="mailto:eva@press.example">eva@press.example</a></p>'
    )


def test_the_cleaner_lets_through_exactly_what_is_embedded() -> None:
    body = clean(f"<p>a</p>{FIGURE}")

    assert 'src="/media/KEY/960.jpg"' in shown(body)


def test_text_without_pictures_tells_what_they_show_and_where_they_are() -> None:
    text = told(f'<p>Före</p>{FIGURE}<figure data-document="3"></figure>')

    assert text == (
        "Före\n\nBild: Visby hamn.\nFoto: Anna Larsson\nhttps://press.example/media/KEY/high.jpg"
        "\n\nBeslutet (PDF, 1,2\u00a0MB)\nhttps://press.example/media/DOC/document.pdf"
    )


def test_text_tells_how_to_reach_an_embedded_contact() -> None:
    text = told('<figure data-contact="2"></figure>')

    assert text == "Eva Ek, presschef\n08-550 123 45\neva@press.example"


def test_a_picture_to_take_along_says_format_pixels_size_and_terms() -> None:
    picture = picture_of(IMAGE, language="sv", address=site_address)

    assert picture.facts == "JPEG, 4\u00a0000 × 3\u00a0000 pixlar, 3,1\u00a0MB"
    assert picture.download == "/media/KEY/high.jpg"
    assert picture.terms == "Fri att använda, ange fotograf (CC BY 4.0)."
    assert picture.licence_url == "https://creativecommons.org/licenses/by/4.0/"


def test_the_english_page_speaks_english_of_it() -> None:
    picture = picture_of(IMAGE, language="en", address=site_address)
    paper = paper_of(DOCUMENT, language="en", address=site_address)

    assert picture.credit == "Photo: Anna Larsson"
    assert picture.facts == "JPEG, 4,000 × 3,000 pixels, 3.1\u00a0MB"
    assert picture.download == "/media/KEY/high.jpg?language=en"
    assert paper.facts == "PDF, 1.2\u00a0MB"


@pytest.mark.parametrize(
    ("size", "swedish", "english"),
    [
        (1, "1 kB", "1 kB"),
        (340_400, "340 kB", "340 kB"),
        (999_499, "999 kB", "999 kB"),
        (999_500, "1 MB", "1 MB"),
        (1_250_000, "1,3 MB", "1.3 MB"),
        (12_040_000, "12 MB", "12 MB"),
    ],
)
def test_sizes_are_told_as_people_read_them(size: int, swedish: str, english: str) -> None:
    assert file_size(size, "sv").replace("\u00a0", " ") == swedish
    assert file_size(size, "en").replace("\u00a0", " ") == english


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "Visby-hamn_Foto-Anna-Larsson.jpg"),
        ({"caption": "", "filename": "Hamnen i Visby.tif"}, "Hamnen-i-Visby_Foto-Anna-Larsson.jpg"),
        ({"caption": "", "filename": "DSC_4711 (2).jpg"}, "Pressbild_Foto-Anna-Larsson.jpg"),
        ({"caption": "", "filename": "2026-11-23 08.15.jpg", "credit": ""}, "Pressbild.jpg"),
        ({"caption": "A/B: C\\D..", "credit": 'X\u202e"Y"'}, "A-B-C-D_Foto-X-Y.jpg"),
        (
            {"caption": "Anna Ek, Bo Al och Cia By öppnar den nya bron över sundet i går. Mer."},
            "Anna-Ek-Bo-Al-och-Cia-By-öppnar-den-nya-bron-över-sundet-i_Foto-Anna-Larsson.jpg",
        ),
    ],
)
def test_the_file_for_print_is_named_by_what_it_shows(changed: dict[str, str], name: str) -> None:
    assert picture_name({**IMAGE, **changed}, "sv") == name
