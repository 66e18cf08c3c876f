"""What search engines and other programs ask of the newsroom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, redirect
from flask.typing import ResponseReturnValue

from app.core.clock import now
from app.core.kept import kept
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from app.core.words.language import speak
from releases.newsroom import addressing, heads, sitemaps
from releases.newsroom.public import tombstone
from releases.newsroom.wording import base_url

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
    found = [*_single_pages(), *sitemaps.numbered(1)]
    return _xml(sitemaps.urlset(found, zone=organisation().time_zone))


@blueprint.get("/sitemaps/<int:number>.xml")
@kept(max_age=60)
def sitemap_file(number: int) -> ResponseReturnValue:
    """One of the files of a large newsroom: 0 has the lists, the others releases and rounds."""
    found = sitemaps.numbered(number) if number else _single_pages()
    return _xml(sitemaps.urlset(found, zone=organisation().time_zone))


@blueprint.get("/news-sitemap.xml")
@kept(max_age=60, until=timedelta(minutes=5))
def news_sitemap() -> ResponseReturnValue:
    """What Google News should know: the last two days, perhaps nothing."""
    sender = organisation()
    names = {language: sender.name(language) for language in LANGUAGES}
    found = sitemaps.latest(now())
    return _xml(sitemaps.news(found, names=names, zone=sender.time_zone))


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
