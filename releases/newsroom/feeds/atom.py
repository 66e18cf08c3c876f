"""A feed as Atom 1.0 (RFC 4287), with tombstones (RFC 6721) and archives (RFC 5005). Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from app.core.formats import iso
from releases.newsroom.feeds.items import Feed, Gone, Item, markup, newest_first, words
from releases.newsroom.feeds.tree import (
    ATOM,
    HISTORY,
    TOMBSTONES,
    XML,
    links,
    say,
    show_pictures,
    written,
)

# Atom wants to know when a feed has changed, also of one that never had anything in it.
BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)


def atom(feed: Feed) -> bytes:
    """The document, newest first, in UTF-8. It names one hub: a second such link is invalid."""
    root = ET.Element("feed", {"xmlns": ATOM, f"{{{XML}}}lang": feed.language})
    say(root, "id", feed.id)
    say(root, "title", feed.title)
    say(root, "subtitle", feed.description)
    say(root, "updated", iso(feed.changed_at or BEFORE_ALL, "UTC"))
    _sign(root, feed.author, feed.author_url)
    if feed.rights:
        say(root, "rights", feed.rights)
    if feed.logo:
        say(root, "logo", feed.logo.url)
    page = {"rel": "alternate", "type": "text/html", "hreflang": feed.language, "href": feed.url}
    named = set()
    for link in [page, *links(feed, form="atom")]:
        if link["rel"] not in named:
            ET.SubElement(root, "link", link)
        named.add(link["rel"])
    if feed.archive.current:
        ET.SubElement(root, f"{{{HISTORY}}}archive")
    for gone in feed.gone:
        _bury(root, gone)
    for item in newest_first(feed.items):
        _add(root, item, feed)
    return written(root)


def _add(root: ET.Element, item: Item, feed: Feed) -> None:
    entry = ET.SubElement(root, "entry")
    say(entry, "id", item.guid)
    say(entry, "title", item.title)
    say(entry, "published", iso(item.published_at, "UTC"))
    say(entry, "updated", _to_the_thousandth(item.changed_at))
    page = {"rel": "alternate", "type": "text/html", "hreflang": feed.language, "href": item.url}
    ET.SubElement(entry, "link", page)
    if words(item.creator):  # readers that do not look for it at the top find it here
        _sign(entry, item.creator, feed.author_url)
    for picture in item.pictures:
        file = {"rel": "enclosure", "type": picture.type, "href": picture.url}
        file["length"] = str(picture.length)
        ET.SubElement(entry, "link", file)
    for category in item.categories:
        filed = {"term": category.term, "label": words(category.label), "scheme": category.scheme}
        ET.SubElement(entry, "category", filed)
    if words(item.summary):
        say(entry, "summary", item.summary)
    content = ET.SubElement(entry, "content", type="html")
    content.text = markup(item.html, url=item.url)
    show_pictures(entry, item.pictures)


def _sign(parent: ET.Element, name: str, url: str) -> None:
    author = ET.SubElement(parent, "author")
    say(author, "name", name)
    if url:
        say(author, "uri", url)


def _bury(root: ET.Element, gone: Gone) -> None:
    stone = ET.SubElement(root, f"{{{TOMBSTONES}}}deleted-entry", ref=gone.guid)
    stone.set("when", iso(gone.at, "UTC"))
    if words(gone.reason):
        say(stone, f"{{{TOMBSTONES}}}comment", gone.reason)


def _to_the_thousandth(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
