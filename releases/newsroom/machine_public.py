"""What search engines and other programs ask of the newsroom."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template
from flask.typing import ResponseReturnValue

from app.core.kept import kept
from app.core.words import LANGUAGES
from app.core.words.language import speak
from releases.newsroom import addressing, heads, questions
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
    """Every page a search engine should know."""
    found = questions.addresses()
    text = render_template("newsroom/sitemap.xml", addresses=found, languages=LANGUAGES)
    response = make_response(text)
    response.headers["Content-Type"] = "application/xml; charset=utf-8"
    return response


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    lines = ("User-agent: *", "Disallow: /office/", "", f"Sitemap: {base_url()}/sitemap.xml", "")
    return Response("\n".join(lines), mimetype="text/plain")


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
