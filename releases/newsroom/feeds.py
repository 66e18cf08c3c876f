"""The newsroom as RSS 2.0, by the RSS best-practices profile. Pure: data in, bytes out.

Full text in content:encoded, after a short description; absolute links; a guid that outlives every
change of headline and address; times from the data, so that the same releases give the same bytes.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from app.core.formats import iso, rfc822

CONTENT = "http://purl.org/rss/1.0/modules/content/"
ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
MINUTES_TO_LIVE = 15

ET.register_namespace("content", CONTENT)
ET.register_namespace("atom", ATOM)
ET.register_namespace("dc", DC)

# What XML 1.0 cannot hold, not even escaped.
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Item:
    """One release as the feed tells it. `summary` is plain text, `html` the whole text, safe."""

    guid: str
    url: str
    title: str
    summary: str
    html: str
    published_at: datetime
    changed_at: datetime
    category: str = ""
    creator: str = ""


@dataclass(frozen=True)
class Channel:
    title: str
    url: str
    feed_url: str
    description: str
    language: str
    copyright: str = ""


def rss(channel: Channel, items: Sequence[Item]) -> bytes:
    """The feed, newest first, in UTF-8."""
    root = ET.Element("rss", version="2.0")
    top = ET.SubElement(root, "channel")
    _say(top, "title", channel.title)
    _say(top, "link", channel.url)
    _say(top, "description", channel.description)
    _say(top, "language", "en-gb" if channel.language == "en" else channel.language)
    if channel.copyright:
        _say(top, "copyright", channel.copyright)
    newest_first = sorted(items, key=lambda item: item.published_at, reverse=True)
    if items:
        _say(top, "lastBuildDate", rfc822(max(item.changed_at for item in items)))
    _say(top, "docs", "https://www.rssboard.org/rss-specification")
    _say(top, "ttl", str(MINUTES_TO_LIVE))
    own = {"href": channel.feed_url, "rel": "self", "type": "application/rss+xml"}
    ET.SubElement(top, f"{{{ATOM}}}link", own)
    for item in newest_first:
        _add(top, item)
    ET.indent(root, space=" ")
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def guid(*, base_url: str, created_at: datetime, release_id: int) -> str:
    """A tag URI (RFC 4151) from facts that never change; the slug may."""
    host = urlsplit(base_url).hostname or "localhost"
    return f"tag:{host},{created_at.astimezone(UTC):%Y-%m-%d}:release/{release_id}"


def absolute(text: str, *, url: str) -> str:
    """HTML whose links all carry a host, as a feed reader has no page to start from."""

    def whole(found: re.Match[str]) -> str:
        return f'href="{html.escape(_joined(url, html.unescape(found[1])))}"'

    return re.sub(r'href="([^"]*)"', whole, text)


def without_figures(text: str) -> str:
    """HTML without the marks that tie words to a round: feed readers know no <data>."""
    return re.sub(r'</?data(?:\s+[a-z-]+="[^"]*")*\s*>', "", text)


def _add(top: ET.Element, item: Item) -> None:
    entry = ET.SubElement(top, "item")
    _say(entry, "title", item.title)
    _say(entry, "link", item.url)
    _say(entry, "guid", item.guid).set("isPermaLink", "false")
    _say(entry, "pubDate", rfc822(item.published_at))
    if item.changed_at > item.published_at:
        _say(entry, f"{{{ATOM}}}updated", iso(item.changed_at, "UTC"))
    _say(entry, "description", item.summary)
    whole = absolute(without_figures(item.html), url=item.url)
    _say(entry, f"{{{CONTENT}}}encoded", whole)
    if item.category:
        _say(entry, "category", item.category)
    if item.creator:
        _say(entry, f"{{{DC}}}creator", item.creator)


def _say(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = ILLEGAL.sub("", text)
    return element


def _joined(url: str, href: str) -> str:
    try:
        return urljoin(url, href)
    except ValueError:
        return url
