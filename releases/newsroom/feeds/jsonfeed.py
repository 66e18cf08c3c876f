"""A feed as JSON Feed 1.1 (jsonfeed.org/version/1.1). Pure."""

from __future__ import annotations

import json
from typing import Any

from app.core.formats import iso
from releases.newsroom.feeds.items import Feed, Item, Picture, markup, newest_first, words

VERSION = "https://jsonfeed.org/version/1.1"


def jsonfeed(feed: Feed) -> bytes:
    """The document, newest first, in UTF-8. What is empty is left out."""
    author = {"name": words(feed.author), "url": feed.author_url}
    whole = {
        "version": VERSION,
        "title": words(feed.title),
        "home_page_url": feed.url,
        "feed_url": f"{feed.address}.json",
        "description": words(feed.description),
        "icon": feed.logo.url if feed.logo and feed.logo.width == feed.logo.height else "",
        "authors": [_said(author)],
        "language": feed.language,
        "hubs": [{"type": "WebSub", "url": hub} for hub in feed.hubs],
        "items": [_item(item, language=feed.language) for item in newest_first(feed.items)],
    }
    kept = {name: value for name, value in whole.items() if value or name == "items"}
    return json.dumps(kept, ensure_ascii=False, indent=1).encode()


def _item(item: Item, *, language: str) -> dict[str, Any]:
    labels = [words(category.label) for category in item.categories]
    whole = {
        "id": item.guid,
        "url": item.url,
        "title": words(item.title),
        "content_html": markup(item.html, url=item.url),
        "summary": words(item.summary),
        "image": item.pictures[0].url if item.pictures else "",
        "date_published": iso(item.published_at, "UTC"),
        "date_modified": iso(item.changed_at, "UTC"),
        "authors": [{"name": words(item.creator)}] if words(item.creator) else [],
        "tags": list(dict.fromkeys(labels)),
        "language": language,
        "attachments": [_attachment(picture) for picture in item.pictures],
    }
    return {name: value for name, value in whole.items() if value or name == "content_html"}


def _attachment(picture: Picture) -> dict[str, Any]:
    by = " – ".join(part for part in map(words, (picture.description, picture.credit)) if part)
    return _said(
        {
            "url": picture.url,
            "mime_type": picture.type,
            "title": by,
            "size_in_bytes": picture.length,
        }
    )


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value}
