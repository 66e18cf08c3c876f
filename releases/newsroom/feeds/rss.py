"""A feed as RSS 2.0, by the RSS best-practices profile. Pure.

Full text in content:encoded after a short description, one enclosure (many readers know no more),
every picture as Media RSS.
"""

from __future__ import annotations

import html
import xml.etree.ElementTree as ET

from app.core.formats import iso, rfc822
from releases.newsroom.feeds.items import Feed, Item, Logo, markup, newest_first, words
from releases.newsroom.feeds.tree import (
    ATOM,
    CONTENT,
    DC,
    HISTORY,
    XML,
    links,
    say,
    show_pictures,
    written,
)

MINUTES_TO_LIVE = 15
WIDEST, HIGHEST = 144, 400  # of a channel's picture, by the specification
LOGOS = {"image/gif", "image/jpeg", "image/png"}
SPOKEN = {"en": "en-gb"}


def rss(feed: Feed) -> bytes:
    """The document, newest first, in UTF-8."""
    root = ET.Element("rss", {"version": "2.0", f"{{{XML}}}lang": feed.language})
    top = ET.SubElement(root, "channel")
    say(top, "title", feed.title)
    say(top, "link", feed.url)
    say(top, "description", feed.description)
    say(top, "language", SPOKEN.get(feed.language, feed.language))
    if feed.rights:
        say(top, "copyright", feed.rights)
    if feed.changed_at:
        say(top, "lastBuildDate", rfc822(feed.changed_at))
    say(top, "docs", "https://www.rssboard.org/rss-specification")
    say(top, "ttl", str(MINUTES_TO_LIVE))
    if feed.logo and feed.logo.type in LOGOS:
        _show_logo(top, feed, feed.logo)
    for link in links(feed, form="rss"):
        ET.SubElement(top, f"{{{ATOM}}}link", link)
    if feed.archive.current:
        ET.SubElement(top, f"{{{HISTORY}}}archive")
    for item in newest_first(feed.items):
        _add(top, item)
    return written(root)


def _add(top: ET.Element, item: Item) -> None:
    entry = ET.SubElement(top, "item")
    say(entry, "title", item.title)
    say(entry, "link", item.url)
    say(entry, "guid", item.guid, isPermaLink="false")
    say(entry, "pubDate", rfc822(item.published_at))
    if item.was_changed:
        say(entry, f"{{{ATOM}}}updated", iso(item.changed_at, "UTC"))
    # By the specification this is HTML, so that plain words are escaped once more.
    say(entry, "description", html.escape(words(item.summary), quote=False))
    whole = ET.SubElement(entry, f"{{{CONTENT}}}encoded")
    whole.text = markup(item.html, url=item.url)
    for category in item.categories:
        say(entry, "category", category.label, domain=category.scheme)
    if words(item.creator):
        say(entry, f"{{{DC}}}creator", item.creator)
    for lead in item.pictures[:1]:
        file = {"url": lead.url, "length": str(lead.length), "type": lead.type}
        ET.SubElement(entry, "enclosure", file)
    show_pictures(entry, item.pictures)


def _show_logo(top: ET.Element, feed: Feed, logo: Logo) -> None:
    """The channel's picture, no larger than RSS allows; title and link have to be the channel's."""
    image = ET.SubElement(top, "image")
    say(image, "url", logo.url)
    say(image, "title", feed.title)
    say(image, "link", feed.url)
    if logo.width and logo.height:
        scale = min(1.0, WIDEST / logo.width, HIGHEST / logo.height)
        say(image, "width", str(max(1, int(logo.width * scale))))
        say(image, "height", str(max(1, int(logo.height * scale))))
