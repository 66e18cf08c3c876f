"""Files as people and others send them, made here so that nobody has to believe a fixture."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

XMP = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
 photoshop:Credit="TT"
 xmpRights:WebStatement="https://creativecommons.org/licenses/by/4.0/">
<dc:creator><rdf:Seq><rdf:li>Anna Larsson</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Visby hamn</rdf:li>
<rdf:li xml:lang="en-GB">Visby harbour</rdf:li></rdf:Alt></dc:description>
<Iptc4xmpCore:AltTextAccessibility><rdf:Alt><rdf:li xml:lang="sv">Båtar vid en kaj</rdf:li>
</rdf:Alt></Iptc4xmpCore:AltTextAccessibility>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def photo(width: int = 640, height: int = 400, *, mode: str = "RGB") -> Image.Image:
    """Something with as many colours as a photograph, the same each time."""
    across = Image.linear_gradient("L").resize((width, height))
    down = Image.linear_gradient("L").rotate(90).resize((width, height))
    middle = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, down, middle)).convert(mode)


def saved(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def jpeg(width: int = 640, height: int = 400, **options: Any) -> bytes:
    return saved(photo(width, height), "JPEG", **{"quality": 80, **options})


def jpeg_from_a_telephone() -> bytes:
    """With the place it was taken, the owner's name and a serial number in it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "Fabrik", "Anna Larsson"
    exif[0x8298], exif[0x010E] = "© 2026 Anna Larsson", "Visby hamn"
    exif.get_ifd(0x8769)[0xA431] = "SERIAL-4711"
    exif.get_ifd(0x8825).update({1: "N", 2: (57.0, 38.0, 20.0), 3: "E", 4: (18.0, 17.0, 5.0)})
    return jpeg(exif=exif, comment=b"a comment of the camera", xmp=XMP.encode())


def lying_on_its_side() -> bytes:
    """60 × 40 as stored, to be turned by a quarter: red ends up at the top right."""
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 30, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(image, "JPEG", exif=exif, quality=95, subsampling=0)


def cmyk() -> bytes:
    return saved(photo().convert("CMYK"), "JPEG", quality=80)


def with_another_profile() -> bytes:
    """Colours that mean something else than their numbers say in sRGB."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = Image.new("LAB", (40, 40), (128, 200, 128))
    return saved(image, "TIFF", icc_profile=profile.tobytes())


def sixteen_bits() -> bytes:
    """A scan in grey: half as bright as can be."""
    return saved(Image.new("I;16", (50, 50), 32768), "PNG")


def drawn_with_a_hole() -> bytes:
    """A logotype out of a palette, one colour of which is nothing."""
    image = Image.new("P", (300, 200), 0)
    image.putpalette([0, 0, 0, 200, 30, 30])
    image.paste(1, (50, 50, 250, 150))
    return saved(image, "PNG", transparency=0)


def animated() -> bytes:
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("red", "blue")]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def png_with_words() -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", "SECRET-AUTHOR")
    return saved(photo(), "PNG", pnginfo=words)


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that says it is 60,000 × 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00" * 100_000)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def truncated() -> bytes:
    whole = jpeg()
    return whole[: len(whole) // 2]


def gif_that_is_a_script() -> bytes:
    return b"GIF89a/*" + saved(Image.new("P", (9, 9)), "GIF")[8:] + b"*/=1;alert(1)//"


def jpeg_with_an_archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Evil.class", b"\xca\xfe\xba\xbe")
    return jpeg() + file.getvalue()


def packed(*members: tuple[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


TYPES = ("[Content_Types].xml", "<Types/>")
MACRO_TYPES = (
    "[Content_Types].xml",
    '<Types><Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'
    "</Types>",
)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
DOCX = packed(TYPES, ("word/document.xml", "<w/>"))
XLSX = packed(TYPES, ("xl/workbook.xml", "<w/>"))
ODT = packed(("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "<w/>"))
ODS = packed(
    ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", "<w/>")
)
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64
