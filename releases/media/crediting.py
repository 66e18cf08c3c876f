"""What the office has said of a picture, as the words that travel inside the file for print. Pure.

A downloaded file is soon parted from the page that says whose it is. So creator, credit line,
copyright notice, terms, caption and alternative text are put into it as it is sent, in the fields
that picture desks read (IPTC Photo Metadata Standard 2023): as XMP, and in JPEG as IPTC-IIM too,
which older archives read alone. Nothing else is in there, since the file was encoded anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from app.core.grafting import Graft
from app.core.words import translate
from releases.media.licences import LICENCES

AFTER_JFIF = 20  # Pillow begins each JPEG with SOI and an APP0 of 18 bytes
AFTER_IHDR = 33  # and a PNG with its signature and the header chunk
XMP = b"http://ns.adobe.com/xap/1.0/\x00"
PHOTOSHOP = b"Photoshop 3.0\x00"
# Number of a dataset in record 2 → how many bytes IIM 4.1 lets it have.
BYLINE, CREDIT, COPYRIGHT, CAPTION = (80, 32), (110, 32), (116, 128), (120, 2000)
PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/">
{properties}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def credited(printed: Mapping[str, Any], language: str) -> Graft:
    """What is put into the high-resolution file of a printed picture, and where."""
    xmp = _xmp(printed, language).encode()
    if printed["content_type"] == "image/png":
        return Graft(AFTER_IHDR, _chunk(b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + xmp))
    segments = _segment(0xE1, XMP + xmp) + _segment(0xED, PHOTOSHOP + _iim(printed))
    return Graft(AFTER_JFIF, segments)


def _xmp(printed: Mapping[str, Any], language: str) -> str:
    licence = LICENCES.get(str(printed["licence"]))
    terms = translate(f"media.licence.{licence.code}.terms", language) if licence else ""
    properties = (
        _listed("dc:creator", "Seq", _creator(printed)),
        _plain("photoshop:Credit", str(printed["credit"])),
        _listed("dc:rights", "Alt", _copyright(printed)),
        _plain("xmpRights:Marked", str(bool(_copyright(printed))) if licence else ""),
        _listed("xmpRights:UsageTerms", "Alt", terms),
        _plain("xmpRights:WebStatement", licence.url if licence else ""),
        _listed("dc:description", "Alt", str(printed["caption"])),
        _listed("Iptc4xmpCore:AltTextAccessibility", "Alt", str(printed["alt"])),
    )
    return PACKET.format(properties="\n".join(one for one in properties if one))


def _iim(printed: Mapping[str, Any]) -> bytes:
    fields = (
        (BYLINE, _creator(printed)),
        (CREDIT, str(printed["credit"])),
        (COPYRIGHT, _copyright(printed)),
        (CAPTION, str(printed["caption"])),
    )
    data = _dataset(1, 90, b"\x1b%G") + _dataset(2, 0, b"\x00\x04")  # UTF-8; version 4
    for (number, most), text in fields:
        if text:
            data += _dataset(2, number, text.encode()[:most].decode(errors="ignore").encode())
    return b"8BIM\x04\x04\x00\x00" + len(data).to_bytes(4, "big") + data + b"\x00" * (len(data) % 2)


def _creator(printed: Mapping[str, Any]) -> str:
    """The person in `Anna Larsson/TT`."""
    return str(printed["credit"]).partition("/")[0].strip()


def _copyright(printed: Mapping[str, Any]) -> str:
    """Theirs who are credited; nobody's when it has been given up."""
    free = printed["licence"] == "cc0"
    return f"© {printed['credit']}" if printed["credit"] and not free else ""


def _plain(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _listed(name: str, kind: str, text: str) -> str:
    language = ' xml:lang="x-default"' if kind == "Alt" else ""
    item = f"<rdf:{kind}><rdf:li{language}>{escape(text)}</rdf:li></rdf:{kind}>"
    return f"<{name}>{item}</{name}>" if text else ""


def _dataset(record: int, number: int, value: bytes) -> bytes:
    return bytes((0x1C, record, number)) + len(value).to_bytes(2, "big") + value


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _chunk(content: bytes) -> bytes:
    crc = zlib.crc32(b"iTXt" + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + b"iTXt" + content + crc
