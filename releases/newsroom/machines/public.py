"""What search engines and other programs ask of the newsroom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template
from flask.typing import ResponseReturnValue

from app.core.clock import local, now, today
from app.core.kept import kept
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from app.core.words.language import speak
from releases.media.questions import attached
from releases.newsroom import addressing, corrections, questions
from releases.newsroom.feeds.feeding import guid_of
from releases.newsroom.lists import questions as lists
from releases.newsroom.lists.filing import filing_of
from releases.newsroom.machines import heads, ninjs, sitemaps
from releases.newsroom.public import tombstone
from releases.newsroom.wording import LANGUAGE, address, base_url, text_of
from releases.review.quotes import quotes_in

blueprint = Blueprint("machines", __name__)


@blueprint.app_context_processor
def _heads() -> dict[str, Any]:
    """Templates ask `heads` for what search engines read of their page."""
    return {"heads": heads}


@blueprint.get("/sitemap.xml")
@kept(max_age=60)
def sitemap() -> ResponseReturnValue:
    """Every page that a search engine should know; in a large newsroom the list of such files."""
    files = sitemaps.how_many()
    if files > 1:
        return _xml(
            sitemaps.index(f"{base_url()}/sitemaps/{number}.xml" for number in range(files + 1))
        )
    found = [*_single_pages(), *sitemaps.numbered(1, of=files)]
    return _xml(sitemaps.urlset(found, zone=organisation().time_zone))


@blueprint.get("/sitemaps/<int:number>.xml")
@kept(max_age=60)
def sitemap_file(number: int) -> ResponseReturnValue:
    """One of the files of a large newsroom: 0 has the lists, the others releases and rounds."""
    files = sitemaps.how_many()
    found = sitemaps.numbered(number, of=files) if number else _single_pages()
    return _xml(sitemaps.urlset(found, zone=organisation().time_zone))


@blueprint.get("/news-sitemap.xml")
@kept(max_age=60, until=timedelta(minutes=5))
def news_sitemap() -> ResponseReturnValue:
    """What Google News should know: the last two days, perhaps nothing."""
    sender = organisation()
    names = {language: sender.name(language) for language in LANGUAGES}
    found = sitemaps.latest(now())
    return _xml(sitemaps.news(found, names=names, zone=sender.time_zone))


@blueprint.get(f"/{LANGUAGE}/releases/<slug>/ninjs.json")
@kept()
def ninjs_item(language: str, slug: str) -> ResponseReturnValue:
    """A release for the systems of newsrooms; canceled, with a 410, when it was taken back."""
    found, sender = questions.release_at(language, slug), organisation()
    uri = guid_of(found)
    if found.live is None or not found.is_public:
        gone = ninjs.canceled(found, uri=uri, url=address(found), zone=sender.time_zone)
        return _json(gone, status=410)
    things, history = attached(found.live), corrections.history_of(found)
    item = ninjs.Item(
        release=found,
        uri=uri,
        url=address(found),
        text=text_of(found, found.live, sender, things, in_feed=True),
        version=found.live.number,
        sender=sender,
        filing=filing_of(found),
        quotes=quotes_in(found.live.body),
        told=corrections.corrections(history, language=language, zone=sender.time_zone),
        types=[str(one["content_type"]) for one in things.images],
    )
    return _json(ninjs.usable(item))


@blueprint.get(f"/<any({', '.join(LANGUAGES)}):language>/developers")
@kept()
def developers(language: str) -> ResponseReturnValue:
    """What programs can fetch here, with examples out of this newsroom."""
    sender, newest = organisation(), next(iter(questions.front(language, size=1).releases), None)
    known = lists.programmes(language)
    return render_template(
        "newsroom/developers.html",
        programme=known[0].slug if known else "",
        year=local(newest.published_at, sender.time_zone).year
        if newest and newest.published_at
        else today(now(), sender.time_zone).year,
    )


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """What programs that walk the web should leave alone. Names no page that is a secret."""
    closed = ["/office/", *(f"/{language}/search" for language in LANGUAGES)]
    lines = (
        "User-agent: *",
        *(f"Disallow: {path}" for path in closed),
        "",
        f"Sitemap: {base_url()}/sitemap.xml",
        f"Sitemap: {base_url()}/news-sitemap.xml",
        "",
    )
    response = Response("\n".join(lines), mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def moved(path: str, query: str) -> ResponseReturnValue | None:
    """To where a release is now that once had this address; why it is gone, when it is.

    Nobody keeps the redirect, as a release may get its old address back.
    """
    found = addressing.where_now(path, query)
    if found is None:
        return None
    if not found.release.is_public:
        speak(found.release.language)
        return tombstone(found.release)
    response = redirect(found.path, 301)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _single_pages() -> Iterator[sitemaps.Entry]:
    ours = current_app.url_map.bind("")
    paths = (path for path in sitemaps.SINGLE if ours.test(f"/{LANGUAGES[0]}/{path}", "GET"))
    return sitemaps.singles(paths)


def _xml(content: bytes) -> Response:
    return Response(content, content_type="application/xml; charset=utf-8")


def _json(document: dict[str, Any], *, status: int = 200) -> Response:
    text = json.dumps(document, ensure_ascii=False)
    return Response(text, status=status, mimetype="application/json")
