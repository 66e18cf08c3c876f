"""What search engines and other programs ask of the newsroom."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template
from flask.typing import ResponseReturnValue

from app.core.kept import kept
from app.core.words import LANGUAGES
from releases.newsroom import questions
from releases.newsroom.wording import base_url

blueprint = Blueprint("machines", __name__)


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
