"""What a feed says, whatever its form: a head, items, and what has been taken away. Pure.

All three forms are written from this, so that they agree: ids that outlive every change of
headline, slug and host, words without what XML cannot hold, and moments from the data, so that the
same releases give the same bytes.
"""

from __future__ import annotations

import html
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin

# What XML 1.0 cannot hold, not even escaped; and what it can hold but validators of feeds and HTML
# object to: control characters, code points that are no characters, the sign for a lost one.
PLANES = "".join(
    f"{chr(start)}-{chr(start + 0xFFFD)}" for start in range(0x10000, 0x110000, 0x10000)
)
UNWANTED = re.compile(f"[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffc{PLANES}]")
TAG = re.compile(r'<[a-z][a-z0-9]*(?:\s+[\w:-]+(?:="[^"]*")?)*\s*/?>')
LINK = re.compile(r'(\s(?:href|src)=)"([^"]*)"')
BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True)
class Category:
    """What an item is filed under. `scheme` is the address of the list that it is taken from."""

    term: str
    label: str
    scheme: str


@dataclass(frozen=True)
class Picture:
    """A picture as one JPEG. `length` in bytes; `credit` is the photographer's name alone."""

    url: str
    length: int
    width: int
    height: int
    description: str = ""
    credit: str = ""
    type: str = "image/jpeg"


@dataclass(frozen=True)
class Item:
    """One release as a feed tells it. `summary` is plain text, `html` the whole text, safe."""

    guid: str
    url: str
    title: str
    summary: str
    html: str
    published_at: datetime
    changed_at: datetime
    creator: str = ""
    categories: tuple[Category, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def was_changed(self) -> bool:
        """After it was published; what tells moments of a second apart is no change."""
        return self.changed_at.replace(microsecond=0) > self.published_at


@dataclass(frozen=True)
class Gone:
    """An item that was taken away, and why, in plain text."""

    guid: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Logo:
    """The sender's mark, with its size in pixels (0 when nobody knows)."""

    url: str
    type: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Archive:
    """Where a document stands among those that together hold everything (RFC 5005).

    Addresses without their form, as `Feed.address`. `current` is what one subscribes to: empty in
    that document itself.
    """

    current: str = ""
    older: str = ""
    newer: str = ""


@dataclass(frozen=True)
class Feed:
    """A feed before it has a form. `address` is its own without the form: `https://…/sv/feed`.

    `changed_at` moves with everything that changes its items; None for one that never had any.
    `url` is the page that shows the same to people, whole like every address here.
    """

    id: str
    title: str
    description: str
    language: str
    url: str
    address: str
    author: str
    author_url: str = ""
    rights: str = ""
    changed_at: datetime | None = None
    items: tuple[Item, ...] = ()
    gone: tuple[Gone, ...] = ()
    hubs: tuple[str, ...] = ()
    logo: Logo | None = None
    archive: Archive = field(default_factory=Archive)


def guid(*, host: str, created_at: datetime, release_id: int) -> str:
    """A tag URI (RFC 4151) from facts that never change. `host` is the first one we ever had."""
    return f"tag:{tag_authority(host)},{created_at.astimezone(UTC):%Y-%m-%d}:release/{release_id}"


def feed_id(*, host: str, subject: str) -> str:
    """A feed's own id, of what it is about: `sv`, `sv/programme/3`. It outlives its address too."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"tag:{tag_authority(host)}:feed/{subject}").urn


def tag_authority(host: str) -> str:
    """A host as RFC 4151 wants it: in ASCII, small letters."""
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        name = host
    return re.sub(r"[^a-z0-9.-]", "-", name.lower()) or "localhost"


def told_apart(moment: datetime, number: int) -> datetime:
    """The moment, with the part of a second that tells two releases of the same second apart.

    Atom's validators warn when two entries were changed at the same instant, as those are that go
    out by the clock. The part comes from the release's number, so it is the same for ever.
    """
    return moment.replace(microsecond=number % 1000 * 1000)


def words(text: str) -> str:
    """Plain text that every form can hold, on one line."""
    return BLANKS.sub(" ", UNWANTED.sub("", text)).strip(" ")


def markup(text: str, *, url: str) -> str:
    """HTML that every form can hold: known to feed readers, its links whole."""
    whole = absolute(without_figures(text), url=url)
    return UNWANTED.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


def absolute(text: str, *, url: str) -> str:
    """HTML whose links all carry a host, as a feed reader has no page to start from."""

    def whole(found: re.Match[str]) -> str:
        return f'{found[1]}"{html.escape(_joined(url, html.unescape(found[2])))}"'

    return TAG.sub(lambda tag: LINK.sub(whole, tag[0]), text)


def without_figures(text: str) -> str:
    """HTML without the marks that tie words to a round: feed readers know no <data>."""
    return re.sub(r'</?data(?:\s+[a-z-]+="[^"]*")*\s*>', "", text)


def newest_first(items: tuple[Item, ...]) -> list[Item]:
    """In the order of publication. A correction does not move an item."""
    return sorted(items, key=lambda item: item.published_at, reverse=True)


def _joined(url: str, href: str) -> str:
    try:
        return urljoin(url, href)
    except ValueError:
        return url
