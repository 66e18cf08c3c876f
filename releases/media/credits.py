"""What a picture says about itself: who took it, whose it is, what it shows. Pure.

Read from IPTC, XMP and EXIF, in the fields that picture desks fill in (IPTC Photo Metadata
Standard): Creator, Credit Line, Copyright Notice, Description, Alt Text, Web Statement of Rights.
All of it is proposed in a form and believed by nobody else.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from PIL import Image, ImageFile, IptcImagePlugin

from releases.media.licences import licence_at

MOST_XML = 256 * 1024
UTF8 = b"\x1b%G"
ARTIST, COPYRIGHT, DESCRIPTION = 0x013B, 0x8298, 0x010E
NS = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "rights": "http://ns.adobe.com/xap/1.0/rights/",
    "cc": "http://creativecommons.org/ns#",
    "iptc": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What cameras and programs write on their own account.
NOTHING = re.compile(
    r"(?i)(olympus digital camera|sony dsc|samsung|digital camera|dcim|untitled|unknown|default|"
    r"picture|image|photo|\W*|exif_jpeg.*|screenshot|created with .*|ascii)"
)
RIGHTS = re.compile(
    r"(?i)^(?:copyright|\(c\)|©|\d{4}|[\s:,–-])+|[\s.,]*(?:all rights reserved|alla rättigheter).*$"
)


@dataclass(frozen=True)
class Said:
    """`caption` and `alt` by language; those whose language nobody says stand under ''."""

    creator: str = ""
    source: str = ""
    rights: str = ""
    licence: str = ""
    caption: dict[str, str] = field(default_factory=dict)
    alt: dict[str, str] = field(default_factory=dict)

    @property
    def credit(self) -> str:
        """As printed after `Foto:`: `Anna Larsson/TT`; the holder of the rights if nobody else.

        Of a credit line that names the creator too, as the standard has it, nothing is said twice.
        """
        creator, source = self.creator, self.source
        if creator.lower() in source.lower():
            creator = ""
        elif source.lower() in creator.lower():
            source = ""
        named = "/".join(part for part in (creator, source) if part)
        return named or RIGHTS.sub("", self.rights).strip(" .,;")

    def __bool__(self) -> bool:
        return bool(self.credit or self.caption or self.alt or self.licence)


def said_by(image: Image.Image) -> Said:
    """What there is to read in an opened picture; nothing where that is broken."""
    said = Said()
    for read in (_exif, _iptc, _xmp):  # the later the surer
        with suppress(Exception):  # metadata is written by everybody; a picture without it is fine
            said = _together(said, read(image))
    return said


def _together(old: Said, new: Said) -> Said:
    return Said(
        creator=new.creator or old.creator,
        source=new.source or old.source,
        rights=new.rights or old.rights,
        licence=new.licence or old.licence,
        caption=new.caption or old.caption,
        alt=new.alt or old.alt,
    )


def _exif(image: Image.Image) -> Said:
    exif = image.getexif()
    said = {tag: _neat(exif.get(tag, "")) for tag in (ARTIST, COPYRIGHT, DESCRIPTION)}
    return Said(
        creator=said[ARTIST], rights=said[COPYRIGHT], caption=_unsaid_language(said[DESCRIPTION])
    )


def _iptc(image: Image.Image) -> Said:
    found = IptcImagePlugin.getiptcinfo(cast("ImageFile.ImageFile", image)) or {}
    is_utf8 = found.get((1, 90)) == UTF8

    def text(number: int) -> str:
        value = found.get((2, number), b"")
        parts = value if isinstance(value, list) else [value]
        return ", ".join(said for part in parts if (said := _neat(_decoded(part, is_utf8))))

    return Said(
        creator=text(80), source=text(110), rights=text(116), caption=_unsaid_language(text(120))
    )


def _xmp(image: Image.Image) -> Said:
    given = image.info.get("xmp") or b""
    xml = given.encode() if isinstance(given, str) else bytes(given)
    xml = xml.rstrip(b"\x00 ")
    if not xml or len(xml) > MOST_XML or b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        return Said()
    root = ET.fromstring(xml)  # noqa: S314 - small, and without a DTD there is nothing to expand
    creators = [name for _, name in _values(root, "dc", "creator")]
    statement = _first(root, "rights", "WebStatement") or _first(root, "cc", "license")
    return Said(
        creator=", ".join(creators),
        source=_first(root, "photoshop", "Credit"),
        rights=_first(root, "dc", "rights"),
        licence=licence_at(statement),
        caption=_by_language(root, "dc", "description"),
        alt=_by_language(root, "iptc", "AltTextAccessibility"),
    )


def _values(root: ET.Element, space: str, name: str) -> Iterator[tuple[str, str]]:
    """(language, text) of a property, written as an attribute, an element or a list."""
    tag = f"{{{NS[space]}}}{name}"
    for about in root.iter(f"{{{NS['rdf']}}}Description"):
        if said := _neat(about.get(tag, "")):
            yield "", said
    for found in root.iter(tag):
        items = list(found.iter(f"{{{NS['rdf']}}}li")) or [found]
        for item in items:
            address = item.get(f"{{{NS['rdf']}}}resource", "")
            if said := _neat(item.text or address):
                yield item.get(LANG, ""), said


def _first(root: ET.Element, space: str, name: str) -> str:
    return next((said for _, said in _values(root, space, name)), "")


def _by_language(root: ET.Element, space: str, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for language, said in _values(root, space, name):
        short = language.lower().partition("-")[0]
        found.setdefault(short if short in ("sv", "en") else "", said)
    return found


def _decoded(value: object, is_utf8: bool) -> str:
    if not isinstance(value, bytes):
        return ""
    if not is_utf8:
        with suppress(UnicodeDecodeError):
            return value.decode("utf-8")
    return value.decode("utf-8" if is_utf8 else "cp1252", "replace")


def _unsaid_language(text: str) -> dict[str, str]:
    return {"": text} if text else {}


def _neat(value: object) -> str:
    """One line of text; nothing for what only a camera would say."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    text = _mended(text)  # first: half of an `Å` so read is a control character
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    if NOTHING.fullmatch(text) or "\ufffd" in text:
        return ""
    return text


def _mended(text: str) -> str:
    """UTF-8 that EXIF's readers took for Latin-1, as its fields have no encoding of their own."""
    with suppress(UnicodeError):
        return text.encode("latin-1").decode("utf-8")
    return text
