"""What RSS and Atom share as XML: namespaces, elements with words, links, pictures. Pure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from releases.newsroom.feeds.items import Feed, Picture, words

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"  # RFC 5005
MEDIA = "http://search.yahoo.com/mrss/"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"  # RFC 6721
XML = "http://www.w3.org/XML/1998/namespace"

for prefix, namespace in {
    "at": TOMBSTONES,
    "atom": ATOM,
    "content": CONTENT,
    "dc": DC,
    "fh": HISTORY,
    "media": MEDIA,
}.items():
    ET.register_namespace(prefix, namespace)

# Elements with plain text in them; those with HTML in them are left as they are.
PLAIN = re.compile(
    rb"<(title|subtitle|summary|category|copyright|rights|name|at:comment|media:\w+|dc:\w+)"
    rb"\b[^>]*>[^<]*"
)


def say(parent: ET.Element, name: str, text: str, **attributes: str) -> ET.Element:
    """A new element with plain words in it."""
    element = ET.SubElement(parent, name, attributes)
    element.text = words(text)
    return element


def links(feed: Feed, *, form: str) -> list[dict[str, str]]:
    """A document's links to itself, to hubs and to the rest of its archive, as attributes."""
    here = {"type": f"application/{form}+xml"}
    kept = feed.archive
    others = {"current": kept.current, "prev-archive": kept.older, "next-archive": kept.newer}
    return [
        {"rel": "self", "href": f"{feed.address}.{form}", **here},
        *({"rel": "hub", "href": hub} for hub in feed.hubs),
        *({"rel": rel, "href": f"{at}.{form}", **here} for rel, at in others.items() if at),
    ]


def show_pictures(parent: ET.Element, pictures: tuple[Picture, ...]) -> None:
    """Each picture as Media RSS: the file, a small one, what it shows and who took it."""
    for picture in pictures:
        size = {"width": str(picture.width), "height": str(picture.height)}
        file = {"url": picture.url, "type": picture.type, "medium": "image"}
        file["fileSize"] = str(picture.length)
        content = ET.SubElement(parent, f"{{{MEDIA}}}content", file | size)
        if words(picture.description):
            say(content, f"{{{MEDIA}}}description", picture.description, type="plain")
        ET.SubElement(content, f"{{{MEDIA}}}thumbnail", {"url": picture.url} | size)
        if words(picture.credit):
            role = {"role": "photographer", "scheme": "urn:ebu"}
            say(content, f"{{{MEDIA}}}credit", picture.credit, **role)


def written(root: ET.Element) -> bytes:
    """The document in UTF-8, an element on each line.

    In plain texts `&` and `<` are written as hexadecimal references: readers that take every text
    for HTML get them right too (RSS Best Practices Profile, "Character data").
    """
    ET.indent(root, space=" ")
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return PLAIN.sub(
        lambda found: found[0].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;"), content
    )
