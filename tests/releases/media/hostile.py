"""Files that somebody has made to do harm, and odd ones that only look so. Each made here."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from tests.releases.media import pictures
from tests.releases.media.pictures import jpeg, photo, saved


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*before_pixels: bytes, width: int = 8, height: int = 8) -> bytes:
    """A grey one, with `before_pixels` among its chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\x00" + b"\x80" * width) * height))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before_pixels) + pixels + chunk(b"IEND", b"")


def png_of_nothing(side: int, *, channels: int = 0) -> bytes:
    """Real pixels, all the same: `side` × `side` of them, in black and white or in colour."""
    kind = {0: (1, 0), 3: (8, 2), 4: (8, 6)}[channels]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, *kind, 0, 0, 0))
    row = b"\x00" + b"\x7f" * (side * channels or -(-side // 8))
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def tiff_that_says(side: int) -> bytes:
    """As a fax machine packs white."""
    content = bytearray(saved(Image.new("1", (500, 500)), "TIFF", compression="group4"))
    first = struct.unpack("<I", content[4:8])[0]
    for n in range(struct.unpack("<H", content[first : first + 2])[0]):
        at = first + 2 + 12 * n
        if struct.unpack("<H", content[at : at + 2])[0] in (256, 257):
            content[at + 2 : at + 12] = struct.pack("<HII", 4, 1, side)
    return bytes(content)


def gif_that_says(width: int, height: int) -> bytes:
    small = saved(Image.new("P", (9, 9)), "GIF")
    return small[:6] + struct.pack("<HH", width, height) + small[10:]


def gif_of_many_frames() -> bytes:
    frames = [Image.new("L", (300, 300), shade) for shade in range(200)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)


def webp_that_says(width: int, height: int) -> bytes:
    """An animation on a canvas that is far larger than its one frame."""
    frame = saved(photo(16, 16), "WEBP")[12:]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    anmf = b"\x00" * 6 + (15).to_bytes(3, "little") * 2 + b"\x64\x00\x00\x00" + frame
    parts = [(b"VP8X", b"\x02\x00\x00\x00" + size), (b"ANIM", b"\x00" * 6), (b"ANMF", anmf)]
    body = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)
        for name, data in parts
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_that_says(width: int, height: int) -> bytes:
    content = jpeg(16, 16)
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def avif_that_says(width: int, height: int) -> bytes:
    content = saved(photo(64, 64), "AVIF")
    at = content.index(b"ispe") + 8
    return content[:at] + struct.pack(">II", width, height) + content[at + 8 :]


def exif(data: bytes) -> bytes:
    body = b"Exif\x00\x00" + data
    plain = jpeg(64, 64)
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def exif_that_goes_in_a_circle() -> bytes:
    """Its directory says that the next one is itself, and so does that of its position."""
    entry = struct.pack("<HHII", 0x8825, 4, 1, 8)
    return exif(b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 1) + entry + struct.pack("<I", 8))


def exif_of_many_entries() -> bytes:
    entries = b"".join(struct.pack("<HHII", n, 2, 0x7FFFFFFF, 8) for n in range(5000))
    return exif(b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 5000) + entries)


def text_bomb() -> bytes:
    """80 MB of blanks in a comment of 80 kB."""
    return png(chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(b" " * 80_000_000, 9)))


def profile_bomb() -> bytes:
    return png(chunk(b"iCCP", b"p\x00\x00" + zlib.compress(b" " * 80_000_000, 9)))


def png_with_a_page() -> bytes:
    return saved(photo(16, 16), "PNG") + b"<!DOCTYPE html><html><body onload=alert(1)>"


def tiff_that_goes_in_a_circle() -> bytes:
    content = bytearray(saved(photo(16, 16), "TIFF"))
    first = struct.unpack("<I", content[4:8])[0]
    count = struct.unpack("<H", content[first : first + 2])[0]
    content[first + 2 + 12 * count :][:4] = struct.pack("<I", first)
    return bytes(content)


REFUSED = {
    "bomb.png": (pictures.bomb(), "för många bildpunkter"),
    "real-bomb.png": (png_of_nothing(12_000), "för många bildpunkter"),
    "bomb.tif": (tiff_that_says(30_000), "för många bildpunkter"),
    "bomb.gif": (gif_that_says(65_535, 65_535), "för många bildpunkter"),
    "bomb.webp": (webp_that_says(16_383, 16_383), "för många bildpunkter"),
    "bomb.jpg": (jpeg_that_says(65_500, 65_500), "för många bildpunkter"),
    "bomb.avif": (avif_that_says(60_000, 60_000), "skadad"),
    "large.avif": (avif_that_says(16_000, 16_000), "för många bildpunkter"),
    "profile.png": (profile_bomb(), "skadad"),
    "comment.png": (text_bomb(), "skadad"),
    "archive.gif": (
        saved(Image.new("P", (9, 9)), "GIF") + pictures.DOCX,
        "också något annat",
    ),
    "archive.jpg": (pictures.jpeg_with_an_archive(), "också något annat"),
    "page.png": (png_with_a_page(), "också något annat"),
    "script.gif": (pictures.gif_that_is_a_script(), "också något annat"),
    "script.svg": (pictures.SVG, "SVG-fil"),
    "telephone.heic": (pictures.HEIC, "HEIC-bild"),
    "nothing.jpg": (b"", "tom"),
    "page.jpg": (pictures.PAGE, "webbsida"),
    "program.jpg": (b"MZ\x90\x00" * 500, "varken en bild eller ett dokument"),
} | {
    f"cut.{form.lower()}": (saved(photo(300, 200), form)[:400], "skadad")
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
}
TAKEN = {
    "thin.png": png(width=1, height=100_000),
    "flat.png": png(width=100_000, height=1),
    "one-pixel.png": png(width=1, height=1),
    "many-frames.gif": gif_of_many_frames(),
    "larger-than-kept.png": png_of_nothing(6_200),
    "cmyk.jpg": pictures.cmyk(),
    "sixteen-bits.png": pictures.sixteen_bits(),
    "wrong.pdf": jpeg(100, 80),
    "circle.jpg": exif_that_goes_in_a_circle(),
    "entries.jpg": exif_of_many_entries(),
    "circle.tif": tiff_that_goes_in_a_circle(),
    "profile.jpg": jpeg(64, 64, icc_profile=b"no profile at all" * 99),
    "entity.jpg": jpeg(
        64,
        64,
        xmp=b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x:xmpmeta>&e;</x:xmpmeta>',
    ),
}
NAMES = {
    "../../etc/passwd": "passwd",
    "..\\..\\boot.ini": "....boot.ini",  # as Werkzeug reads it
    "a\x00.jpg": "a .jpg",
    "gpj.\u202eexe.jpg": "gpj. exe.jpg",
    "å" * 400 + ".jpg": "å" * 251 + ".jpg",
    "\u200b.jpg": ".jpg",
    "<img src=x onerror=alert(1)>.jpg": "<img src=x onerror=alert(1)>.jpg",
}
