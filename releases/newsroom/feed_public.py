"""The newsroom as feeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue

from app.core.kept import kept
from app.core.organisation import Organisation, organisation
from app.core.words import LANGUAGES, translate
from releases.editorial.models import Publication, Release, Revision
from releases.media.questions import Attached, attached, attached_to
from releases.newsroom import corrections, feeds, pages, questions
from releases.newsroom.wording import address, base_url, programme_words, text_of

blueprint = Blueprint("feeds", __name__)
LANGUAGE = f"<any({', '.join(LANGUAGES)}):language>"


@blueprint.get(f"/{LANGUAGE}/feed.rss")
@kept(max_age=60)
def rss(language: str) -> ResponseReturnValue:
    """The latest releases with their full text."""
    found = questions.feed(language)
    sender = organisation()
    channel = feeds.Channel(
        title=translate("newsroom.feed_title", language, sender=sender.name(language)),
        url=f"{base_url()}/{language}/",
        feed_url=f"{base_url()}/{language}/feed.rss",
        description=translate("newsroom.feed_text", language, sender=sender.name(language)),
        language=language,
        copyright=sender.name(language),
    )
    things = attached_to([one.live for one in found if one.live])
    items = [_item(one, sender=sender, things=its) for one, its in zip(found, things, strict=True)]
    histories = corrections.histories(found)
    items = [
        _with_corrections(item, histories[one.id], language=language, zone=sender.time_zone)
        for one, item in zip(found, items, strict=True)
    ]
    content = feeds.rss(channel, items)
    moments = [pages.changed_at(one) for one in found]
    if withdrawn := questions.last_withdrawal(language):
        moments.append(withdrawn)
    response = make_response(content)
    response.headers["Content-Type"] = "application/rss+xml; charset=utf-8"
    if moments:
        response.last_modified = max(moments).replace(microsecond=0)
    return response


def feed_item(
    release: Release,
    revision: Revision,
    *,
    sender: Organisation,
    published_at: datetime,
    things: Attached | None = None,
) -> feeds.Item:
    """A release in the feed: with its live words for readers, with any for a preview.

    `things` are its pictures and documents, asked for once for a whole feed.
    """
    text = text_of(release, revision, sender, things or attached(revision), in_feed=True)
    programme = questions.programme_of(release)
    whole = render_template(
        "newsroom/feed_item.html",
        text=text,
        programme=programme_words(release),
        language=release.language,
    )
    return feeds.Item(
        guid=feeds.guid(base_url=base_url(), created_at=release.created_at, release_id=release.id),
        url=address(release),
        title=text.title,
        summary=pages.public_plain(revision.lead),
        html=whole,
        published_at=published_at,
        changed_at=max(release.changed_at or published_at, published_at),
        category=programme.title(release.language) if programme else "",
        creator=sender.name(release.language),
    )


def _item(release: Release, *, sender: Organisation, things: Attached) -> feeds.Item:
    assert release.live is not None and release.published_at is not None
    return feed_item(
        release,
        release.live,
        sender=sender,
        published_at=release.published_at,
        things=things,
    )


def _with_corrections(
    item: feeds.Item, history: Sequence[Publication], *, language: str, zone: str
) -> feeds.Item:
    """A feed item that opens with what has been corrected in it."""
    told = corrections.corrections(history, language=language, zone=zone)
    plain, html = corrections.in_feed(told)
    return replace(item, summary=plain + item.summary, html=html + item.html)
