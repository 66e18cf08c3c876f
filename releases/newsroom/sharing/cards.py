"""The pictures that networks show beside a shared link, 1200 × 630 pixels, made of words.

A release with a picture of its own shares that one instead. The address of a card holds a mark of
what stands on it: networks keep a picture for good, and so meet a corrected headline as a new one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from app.core import shelf
from app.core.colours import on_light
from app.core.formats import long_date
from app.core.organisation import Organisation
from app.core.storage import Silent
from app.core.words import translate
from releases.editorial.models import Release
from releases.newsroom.pages import Text, public_plain, shortened
from releases.newsroom.sharing.typesetting import typeset

WIDTH, HEIGHT = 1200, 630
ACCENT = "#0d5249"  # as shipped: --accent of tokens.css in its light form
MOST_LETTERS = 280
DRAWN = 2  # goes up when card.typ changes, so that networks fetch the new ones
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LOGOS = {"image/png": "logo.png", "image/webp": "logo.webp"}  # the files under its key


@dataclass(frozen=True)
class Card:
    """What stands on a card; all plain text. `site` is the newsroom's host."""

    language: str
    sender: str
    headline: str
    kind: str
    date: str
    site: str
    accent: str


@dataclass(frozen=True)
class Logo:
    """The organisation's logotype as a file that typst can draw."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Shared:
    """The picture of a page as heads of pages name it: Open Graph, and Twitter's cards after it."""

    url: str
    content_type: str
    width: int
    height: int
    alt: str


def card_of(release: Release, *, sender: Organisation, base: str) -> Card:
    """The card of a release that visitors may read."""
    language = release.language
    assert release.live is not None
    assert release.published_at is not None
    return Card(
        language=language,
        sender=sender.name(language),
        headline=shortened(public_plain(release.live.headline), MOST_LETTERS),
        kind=translate("newsroom.press_release", language),
        date=long_date(release.published_at, language, sender.time_zone),
        site=host(base),
        accent=accent_of(sender),
    )


def front_card(language: str, *, sender: Organisation, base: str) -> Card:
    """The newsroom's own card, for its lists; says nothing about any release."""
    return Card(
        language=language,
        sender=sender.name(language),
        headline=translate("newsroom.press_releases", language),
        kind="",
        date="",
        site=host(base),
        accent=accent_of(sender),
    )


def logo_of(sender: Organisation) -> Logo | None:
    """The logotype, when there is one and its file can be had; a name stands in for it."""
    name = LOGOS.get(sender.logo_type)
    if not sender.logo_key or name is None:
        return None
    try:
        return Logo(name, shelf.read(sender.logo_key, name))
    except (FileNotFoundError, Silent):
        return None


def draw(card: Card, logo: Logo | None = None) -> bytes:
    """The card as a PNG. Raises typesetting.CannotTypeset."""
    files = {logo.name: logo.content} if logo else {}
    facts = {**asdict(card), "logo": logo.name if logo else None}
    return typeset("card.typ", facts, files=files, form="png")


def mark(card: Card, sender: Organisation) -> str:
    """A word that changes with what can be seen on the card."""
    seen = repr((DRAWN, card, sender.logo_key))
    return hashlib.sha256(seen.encode()).hexdigest()[:12]


def shared(text: Text, card: Card, *, path: str, sender: Organisation, base: str) -> Shared:
    """The release's first picture, or the card of its headline; `path` is the card's address."""
    if text.pictures:
        first = text.pictures[0]
        return Shared(
            url=f"{base}{first.src}",
            content_type="image/jpeg",
            width=first.width,
            height=first.height,
            alt=first.alt,
        )
    return shared_card(card, path=path, sender=sender, base=base)


def shared_card(card: Card, *, path: str, sender: Organisation, base: str) -> Shared:
    """A card with the address that networks may keep it under."""
    return Shared(
        url=f"{base}{path}?v={mark(card, sender)}",
        content_type="image/png",
        width=WIDTH,
        height=HEIGHT,
        alt=f"{card.sender}: {card.headline}",
    )


def accent_of(sender: Organisation) -> str:
    """The organisation's colour as its pages have it on paper, ours when it has chosen none."""
    return on_light(sender.accent).accent if COLOUR.fullmatch(sender.accent) else ACCENT


def host(base: str) -> str:
    """`press.example.org`, without a port that no reader types."""
    return urlsplit(base).hostname or ""
