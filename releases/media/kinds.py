"""What a file is, told from its first bytes; its name and what a browser says count for nothing.

A file that is a picture and a program at once (a GIF that is also a script, a JPEG with an archive
behind it) is told apart too: encoding it anew would make it harmless, but nobody sends one by
mistake, and whoever finds one in their folder should hear of it.
"""

from __future__ import annotations

import re
from mmap import mmap

PICTURES = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF")
BEGINNINGS = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("TIFF", b"II*\x00"),
    ("TIFF", b"MM\x00*"),
    ("PDF", b"%PDF-"),
    ("ZIP", b"PK\x03\x04"),
    ("OLE", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
)
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
SVG = re.compile(rb"(?i)<svg[\s>]")
PAGE = re.compile(rb"(?i)<(?:!doctype html|html|head|body|script)[\s>]")
# Long enough that chance does not write them into the pixels of a large photograph.
PROGRAM = re.compile(rb"(?i)<script[\s>]|<\?php\s|<!doctype html|<html[\s>]\s*<")
# Where a width or a length stands, an engine of scripts would read a comment or an assignment.
SCRIPT = re.compile(rb"GIF8[79]a(?:/\*|=[ -~])|\xff\xd8\xff\xe0/\*")
END_OF_ARCHIVE = b"PK\x05\x06"
LOOKED_AT = 2048


def kind_of(content: bytes | mmap) -> str:
    """One of PICTURES, PDF, ZIP, OLE, HEIC, SVG, PAGE; empty for anything else."""
    start = content[:LOOKED_AT]
    for kind, beginning in BEGINNINGS:
        if start.startswith(beginning):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp":
        return _film_or_picture(start)
    if SVG.search(start):
        return "SVG"
    return "PAGE" if PAGE.search(start) else ""


def is_also_a_program(content: bytes | mmap) -> bool:
    """Whether a picture is something else as well, that a browser or a machine could run."""
    if SCRIPT.match(content):
        return True
    if b"%PDF-" in content[:1024] or END_OF_ARCHIVE in content[-66_000:]:
        return True
    return PROGRAM.search(content) is not None


def _film_or_picture(content: bytes) -> str:
    """AVIF and HEIC are written in the container that films are; their brands tell."""
    size = min(int.from_bytes(content[:4], "big"), LOOKED_AT)
    brands = {content[at : at + 4] for at in (8, *range(16, max(size, 16), 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & HEIC else ""
