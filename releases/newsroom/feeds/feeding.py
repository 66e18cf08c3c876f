"""From releases to feeds: what a feed says of its subject, and the document in each form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from flask import render_template

from app.core import shelf
from app.core.organisation import Organisation, organisation
from app.core.storage import Silent
from app.core.words import translate
from releases.editorial.models import Publication, Release, Revision
from releases.editorial.publications import when_public
from releases.media.embedding import Printed, addresses_under
from releases.media.questions import Attached, attached, attached_to
from releases.media.renditions import fallback, height_at
from releases.newsroom import corrections, pages
from releases.newsroom.feeds import subjects as feed_subjects
from releases.newsroom.feeds.atom import atom
from releases.newsroom.feeds.items import (
    Archive,
    Category,
    Feed,
    Gone,
    Item,
    Logo,
    Picture,
    feed_id,
    guid,
    told_apart,
)
from releases.newsroom.feeds.jsonfeed import jsonfeed
from releases.newsroom.feeds.rss import rss
from releases.newsroom.feeds.subjects import Subject, Window
from releases.newsroom.hub.pinging import hubs
from releases.newsroom.lists import filing
from releases.newsroom.questions import FEED
from releases.newsroom.wording import address, base_url, programme_words, text_of
from releases.rounds.alphabet import swedish_key


@dataclass(frozen=True)
class Form:
    """One way of writing a feed."""

    name: str
    content_type: str
    write: Callable[[Feed], bytes]


FORMS = {
    "rss": Form("RSS", "application/rss+xml", rss),
    "atom": Form("Atom", "application/atom+xml", atom),
    "json": Form("JSON Feed", "application/feed+json", jsonfeed),
}
ARCHIVED = ("rss", "atom")


@when_public
def keep_host(release: Release, at: datetime) -> None:
    """With the first publication, at the latest, the ids of feed items have their host."""
    if not organisation().tag_host:
        keep_own_host()


def keep_own_host() -> None:
    """Let the ids of feed items bear today's host for ever, if they bear none yet. No commit."""
    feed_subjects.keep_tag_host(_own_host())


def guid_of(release: Release) -> str:
    """What a release is called in every feed and file, for ever."""
    host = organisation().tag_host or _own_host()
    return guid(host=host, created_at=release.created_at, release_id=release.id)


def title_of(subject: Subject) -> str:
    """What the feed is called in a reader's list."""
    sender = organisation().name(subject.language)
    if subject.heading is None:
        return translate("feeds.title", subject.language, sender=sender)
    return translate("feeds.title_of", subject.language, sender=sender, what=subject.name)


def address_of(subject: Subject) -> str:
    """The feed's whole address without its form."""
    return f"{base_url()}/{subject.language}/{subject.path}feed"


def feed_of(subject: Subject) -> Feed:
    """The document that one subscribes to."""
    found = feed_subjects.newest(subject)
    gone = feed_subjects.withdrawn(subject, beside=found)
    whole = _head(subject, is_empty=not found and not gone)
    older = None
    if subject.heading is None:
        older = feed_subjects.last_window(subject.language)
    return replace(
        whole,
        changed_at=feed_subjects.changed_at(subject, found),
        items=tuple(_items(found)),
        gone=tuple(_gone(gone)),
        archive=Archive(
            older=archive_address(subject.language, older) if older and len(found) == FEED else ""
        ),
    )


def archive_of(language: str, name: str) -> Feed:
    """An archive document of a language's newsroom. Raises NotFound."""
    place, newer = feed_subjects.window(language, name)
    found = feed_subjects.archived(language, place)
    subject = feed_subjects.newsroom(language)
    public = [one for one in found if one.is_public][::-1]
    gone = [one for one in found if not one.is_public][::-1]
    return replace(
        _head(subject),
        address=archive_address(language, place),
        changed_at=max(pages.changed_at(one) for one in found),
        items=tuple(_items(public)),
        gone=tuple(_gone(gone)),
        archive=Archive(
            current=address_of(subject),
            older=archive_address(language, place.older) if place.older else "",
            newer=archive_address(language, newer) if newer else "",
        ),
    )


def archive_address(language: str, place: Window) -> str:
    return f"{base_url()}/{language}/feed/archive/{place.name}"


def feed_item(
    release: Release,
    revision: Revision,
    *,
    sender: Organisation,
    published_at: datetime,
    things: Attached | None = None,
    places: Sequence[str] = (),
) -> Item:
    """A release in a feed: with its live words for readers, with any for a preview.

    `things` are its pictures and documents, `places` the codes that it is listed under: both are
    asked for once for a whole feed.
    """
    things = things or attached(revision)
    text = text_of(release, revision, sender, things, in_feed=True)
    whole = render_template(
        "newsroom/feed_item.html",
        text=text,
        programme=programme_words(release),
        language=release.language,
    )
    changed_at = max(release.changed_at or published_at, published_at)
    return Item(
        guid=guid_of(release),
        url=address(release),
        title=text.title or text.summary or sender.name(release.language),
        summary=pages.public_plain(revision.lead),
        html=whole,
        published_at=published_at,
        changed_at=told_apart(changed_at, release.id),
        creator=sender.name(release.language),
        categories=tuple(_categories(release, places)),
        pictures=tuple(picture for one in things.images if (picture := _picture(one))),
    )


def _head(subject: Subject, *, is_empty: bool = False) -> Feed:
    """A feed without its items. One that never had any leads to the newsroom's front page, since
    its own page is not there yet."""
    sender, language = organisation(), subject.language
    name = sender.name(language)
    about = "/".join(filter(None, (language, subject.heading, subject.key)))
    words = "feeds.description" if subject.heading is None else "feeds.description_of"
    return Feed(
        id=feed_id(host=sender.tag_host or _own_host(), subject=about),
        title=title_of(subject),
        description=translate(words, language, sender=name, what=subject.name),
        language=language,
        url=f"{base_url()}/{language}/{'' if is_empty else subject.path}",
        address=address_of(subject),
        author=name,
        author_url=sender.site or f"{base_url()}/{language}/",
        rights=translate("feeds.rights", language, sender=name),
        hubs=tuple(hubs()),
        logo=_logo(sender),
    )


def _items(found: Sequence[Release]) -> Iterator[Item]:
    """With everything that is asked for once for all of them."""
    sender = organisation()
    things = attached_to([one.live for one in found if one.live])
    places = feed_subjects.places_of(found)
    histories = corrections.histories(found)
    for release, its in zip(found, things, strict=True):
        assert release.live is not None and release.published_at is not None
        item = feed_item(
            release,
            release.live,
            sender=sender,
            published_at=release.published_at,
            things=its,
            places=places[release.id],
        )
        yield _with_corrections(
            item, histories[release.id], language=release.language, zone=sender.time_zone
        )


def _with_corrections(
    item: Item, history: Sequence[Publication], *, language: str, zone: str
) -> Item:
    """An item that opens with what has been corrected in it."""
    told = corrections.corrections(history, language=language, zone=zone)
    plain, html = corrections.in_feed(told)
    return replace(item, summary=plain + item.summary, html=html + item.html)


def _gone(found: Sequence[Release]) -> Iterator[Gone]:
    for one in found:
        yield Gone(
            guid=guid_of(one),
            at=pages.changed_at(one),
            reason=one.withdrawn_reason,
        )


def _categories(release: Release, places: Sequence[str]) -> Iterator[Category]:
    """Programme, topics and places by name, each with the page that lists its like as scheme."""
    language, round_ = release.language, release.story.round
    kinds: Mapping[str, Sequence[filing.Named]] = {
        "programmes": [filing.programme_named(round_.programme, language)] if round_ else [],
        "topics": [filing.topic_named(one, language) for one in release.story.topics],
        "places": filing.places_named(places, language),
    }
    for kind, found in kinds.items():
        for one in sorted(found, key=lambda it: swedish_key(it.name)):
            yield Category(one.key, one.name, f"{base_url()}/{language}/{kind}/")


def _picture(printed: Printed) -> Picture | None:
    """A printed picture as the one JPEG that every program can show; None while it is not there."""
    width = fallback(printed["width"])
    name = f"{width}.jpg"
    length = _length(printed["key"], name)
    if not length:
        return None
    return Picture(
        url=addresses_under(base_url())(printed["key"], name),
        length=length,
        width=width,
        height=height_at(width, width=printed["width"], height=printed["height"]),
        description=str(printed["caption"] or printed["alt"]),
        credit=str(printed["credit"]),
    )


def _length(key: str, name: str) -> int:
    """The size of a picture's file in bytes; 0 when it cannot be read."""
    try:
        return _length_for_good(key, name)
    except (OSError, Silent):
        return 0


@lru_cache(maxsize=4096)
def _length_for_good(key: str, name: str) -> int:
    """A name never gets other bytes, so its file is measured once."""
    return len(shelf.read(key, name))


def _logo(sender: Organisation) -> Logo | None:
    if not sender.logo_key:
        return None
    url = f"{base_url()}/logo"
    return Logo(url, sender.logo_type, sender.logo_width, sender.logo_height)


def _own_host() -> str:
    return urlsplit(base_url()).hostname or "localhost"
