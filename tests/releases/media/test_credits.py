"""What real picture desks, telephones and agencies write into files, and what is read from it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from releases.media.credits import Said, said_by
from releases.media.imaging import make_picture
from tests.releases.media import pictures

UTF8 = b"\x1b%G"
BYLINE, CREDIT, COPYRIGHT, CAPTION = 80, 110, 116, 120


def dataset(record: int, number: int, value: bytes) -> bytes:
    return bytes((0x1C, record, number)) + len(value).to_bytes(2, "big") + value


def iptc(*fields: tuple[int, bytes], charset: bytes = b"") -> bytes:
    """A JPEG as a picture desk saves it."""
    data = dataset(1, 90, charset) if charset else b""
    data += b"".join(dataset(2, number, value) for number, value in fields)
    block = (
        b"8BIM\x04\x04\x00\x00" + len(data).to_bytes(4, "big") + data + b"\x00" * (len(data) % 2)
    )
    segment = b"Photoshop 3.0\x00" + block
    plain = pictures.jpeg()
    return plain[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + plain[2:]


def xmp(properties: str, **attributes: str) -> bytes:
    more = " ".join(f'{name.replace("_", ":")}="{text}"' for name, text in attributes.items())
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" '
        'xmlns:cc="http://creativecommons.org/ns#" '
        'xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" '
        f"{more}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
        f'{" " * 2000}<?xpacket end="w"?>'
    )
    return pictures.jpeg(xmp=packet.encode())


def alternatives(**texts: str) -> str:
    items = (
        f'<rdf:li xml:lang="{language.replace("_", "-")}">{text}</rdf:li>'
        for language, text in texts.items()
    )
    return f"<rdf:Alt>{''.join(items)}</rdf:Alt>"


def said(content: bytes) -> Said:
    return make_picture(content, name="x.jpg").said


@pytest.mark.parametrize(("charset", "coding"), [(UTF8, "utf-8"), (b"", "utf-8"), (b"", "cp1252")])
def test_the_fields_of_a_picture_desk_are_read_whatever_they_are_written_in(
    charset: bytes, coding: str
) -> None:
    texts = {
        BYLINE: "Åsa Öberg",
        CREDIT: "TT Nyhetsbyrån",
        COPYRIGHT: "© TT",
        CAPTION: "Sjön vid Åre – i maj",
    }
    content = iptc(*((n, text.encode(coding)) for n, text in texts.items()), charset=charset)

    found = said(content)

    assert found.credit == "Åsa Öberg/TT Nyhetsbyrån"
    assert found.rights == "© TT"
    assert found.caption == {"": "Sjön vid Åre – i maj"}


def test_several_photographers_are_all_named() -> None:
    assert said(iptc((BYLINE, b"Anna Larsson"), (BYLINE, b"Bo Ek"))).credit == "Anna Larsson, Bo Ek"


@pytest.mark.parametrize(
    ("creator", "line", "credit"),
    [
        ("Anna Larsson", "Anna Larsson/TT", "Anna Larsson/TT"),
        ("Anna Larsson", "TT", "Anna Larsson/TT"),
        ("Anna Larsson/TT", "TT", "Anna Larsson/TT"),
        ("ANNA LARSSON", "anna larsson", "anna larsson"),
        ("", "Region Gotland", "Region Gotland"),
        ("Anna Larsson", "", "Anna Larsson"),
    ],
)
def test_a_credit_says_nothing_twice(creator: str, line: str, credit: str) -> None:
    assert Said(creator=creator, source=line).credit == credit


def test_captions_in_several_languages_come_to_their_own_fields() -> None:
    found = said(
        xmp(
            "<dc:description>"
            + alternatives(x_default="Harbour", sv_SE="Visby hamn", en="Visby harbour", de="Hafen")
            + "</dc:description>"
        )
    )

    assert found.caption["sv"] == "Visby hamn"
    assert found.caption["en"] == "Visby harbour"


def test_a_statement_of_rights_is_a_licence_that_is_known() -> None:
    address = "https://creativecommons.org/licenses/by-sa/4.0/deed.sv"

    assert said(xmp(f"<xmpRights:WebStatement>{address}</xmpRights:WebStatement>")).licence == (
        "cc-by-sa"
    )
    assert said(xmp(f'<cc:license rdf:resource="{address}"/>')).licence == "cc-by-sa"
    assert said(xmp("", xmpRights_WebStatement="https://agency.example/terms")).licence == ""


def test_a_creator_written_as_an_attribute_is_read_too() -> None:
    assert said(xmp("", photoshop_Credit="Region Gotland")).credit == "Region Gotland"


def test_a_file_with_nothing_but_exif_is_read() -> None:
    exif = Image.Exif()
    for tag, text in ((0x013B, "Åsa Öberg"), (0x8298, "© 2026 Åsa Öberg"), (0x010E, "Sjön")):
        exif[tag] = text.encode()  # as telephones do, though the standard says ASCII

    found = said(pictures.jpeg(exif=exif))

    assert (found.credit, found.caption) == ("Åsa Öberg", {"": "Sjön"})


def test_the_surer_field_goes_before_the_less_sure() -> None:
    exif = Image.Exif()
    exif[0x013B] = "Kamerans ägare"
    content = pictures.jpeg(
        exif=exif,
        xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq>'
        b"<rdf:li>Anna Larsson</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF>"
        b"</x:xmpmeta>",
    )

    assert said(content).credit == "Anna Larsson"


XXE = b"""<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>
<rdf:li>&e;</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    "packet",
    [
        XXE,
        XXE.decode().encode("utf-16"),
        b"<x:xmpmeta>" + b"<a>" * 50_000,
        b"\xff\xfe\x00<",
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b" " * 60_000,
    ],
    ids=["entity", "entity-utf-16", "deep", "noise", "blank"],
)
def test_hostile_metadata_costs_nothing_and_says_nothing(packet: bytes) -> None:
    file = io.BytesIO()
    image = pictures.photo(20, 20)
    image.info.clear()
    image.save(file, "JPEG")
    opened = Image.open(io.BytesIO(file.getvalue()))
    opened.info["xmp"] = packet

    assert not said_by(opened)
