"""The newsroom as visitors see it. No sign-in, no cookie."""

from __future__ import annotations

import hashlib
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.organisation import Organisation, organisation
from app.core.words import LANGUAGES, translate
from releases.drafting.language import in_running_text
from releases.editorial.models import Release, Revision
from releases.newsroom import feeds, pages, questions
from releases.newsroom.results import results
from releases.rounds.editions import edition

blueprint = Blueprint("newsroom", __name__)
LANGUAGE = f"<any({', '.join(LANGUAGES)}):language>"


@blueprint.get(f"/{LANGUAGE}/")
def front(language: str) -> ResponseReturnValue:
    """The latest release large, the others by month, older ones a page further."""
    before = _number(request.args["before"]) if "before" in request.args else None
    page = questions.front(language, before=before)
    top = page.releases[0] if page.releases and before is None else None
    rest = page.releases[1:] if top else page.releases
    return render_template(
        "newsroom/front.html",
        page=page,
        top=top,
        months=pages.by_month(rest, language=language, zone=organisation().time_zone),
        before=before,
        plain=pages.public_plain,
    )


@blueprint.get(f"/{LANGUAGE}/releases/")
def releases(language: str) -> ResponseReturnValue:
    """Where people land who shorten an address."""
    return redirect(f"/{language}/", 301)


@blueprint.get(f"/{LANGUAGE}/releases/<slug>")
def release(language: str, slug: str) -> ResponseReturnValue:
    """A published release, or the tombstone of a withdrawn one."""
    found = questions.release_at(language, slug)
    if found.live is None or not found.is_public:
        return render_template("newsroom/withdrawn.html", release=found), 410
    sender = organisation()
    article = pages.news_article(
        found,
        text=_text(found, found.live, sender),
        url=address(found),
        sender=sender.name(language),
        site=sender.site,
        zone=sender.time_zone,
    )
    return release_page(
        found,
        found.live,
        sender=sender,
        moment=questions.round_moment(found.story.round_id, language)
        if found.story.round_id
        else None,
        published_at=found.published_at,
        updated_at=pages.changed_at(found) if pages.is_changed(found) else None,
        article=article,
    )


def release_page(
    release: Release,
    revision: Revision,
    *,
    sender: Organisation,
    moment: datetime | None,
    **more: object,
) -> str:
    """The page of one revision: the live one for visitors, any for a preview.

    Its round is shown as it stood at `moment`; as it stands now when none is given.
    """
    text, url = _text(release, revision, sender), address(release)
    round_ = release.story.round
    table = results(edition(round_, moment), release.language) if round_ else None
    other = questions.other_version(release)
    return render_template(
        "newsroom/release.html",
        release=release,
        text=text,
        url=url,
        other_url=address(other) if other else None,
        results=table,
        programme=_programme(release),
        shares=pages.share_links(title=text.title, url=url),
        about=pages.paragraphs(sender.about(release.language)),
        social=pages.web_links(sender.social or []),
        latest=questions.latest(release.language, but=release),
        plain=pages.public_plain,
        **more,
    )


@blueprint.get(f"/{LANGUAGE}/feed.rss")
def rss(language: str) -> ResponseReturnValue:
    """The latest releases with their full text."""
    found = questions.feed(language)
    sender = organisation()
    channel = feeds.Channel(
        title=translate("newsroom.feed_title", language, sender=sender.name(language)),
        url=f"{_base()}/{language}/",
        feed_url=f"{_base()}/{language}/feed.rss",
        description=translate("newsroom.feed_text", language, sender=sender.name(language)),
        language=language,
        copyright=sender.name(language),
    )
    content = feeds.rss(channel, [_item(one, sender=sender) for one in found])
    moments = [pages.changed_at(one) for one in found]
    if withdrawn := questions.last_withdrawal(language):
        moments.append(withdrawn)
    return _kept(content, "application/rss+xml; charset=utf-8", max(moments, default=None))


@blueprint.get("/sitemap.xml")
def sitemap() -> ResponseReturnValue:
    """Every page a search engine should know."""
    found = questions.addresses()
    text = render_template("newsroom/sitemap.xml", addresses=found, languages=LANGUAGES)
    return _kept(text.encode(), "application/xml; charset=utf-8", None)


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    lines = ("User-agent: *", "Disallow: /office/", "", f"Sitemap: {_base()}/sitemap.xml", "")
    return Response("\n".join(lines), mimetype="text/plain")


def address(release: Release) -> str:
    """The release's address for the world."""
    return f"{_base()}/{release.language}/releases/{release.slug}"


def _item(release: Release, *, sender: Organisation) -> feeds.Item:
    assert release.live is not None and release.published_at is not None
    text = _text(release, release.live, sender)
    programme = questions.programme_of(release)
    whole = render_template(
        "newsroom/feed_item.html",
        text=text,
        programme=_programme(release),
        language=release.language,
    )
    return feeds.Item(
        guid=feeds.guid(base_url=_base(), created_at=release.created_at, release_id=release.id),
        url=address(release),
        title=text.title,
        summary=pages.public_plain(release.live.lead),
        html=whole,
        published_at=release.published_at,
        changed_at=pages.changed_at(release),
        category=programme.title(release.language) if programme else "",
        creator=sender.name(release.language),
    )


def _text(release: Release, revision: Revision, sender: Organisation) -> pages.Text:
    return pages.public_text(revision, language=release.language, glyph=sender.quote_glyph)


def _programme(release: Release) -> str:
    """The programme's name as it stands inside a sentence: `Om kommunala partnerskap`."""
    programme = questions.programme_of(release)
    if programme is None:
        return translate("newsroom.the_programme", release.language)
    return in_running_text(programme.title(release.language), language=release.language)


def _kept(content: bytes, kind: str, changed: datetime | None) -> Response:
    """An answer that clients keep and ask about: unchanged costs them a 304."""
    response = make_response(content)
    response.headers["Content-Type"] = kind
    response.headers["Cache-Control"] = "public, max-age=60"
    response.set_etag(hashlib.sha256(content).hexdigest())
    if changed is not None:
        response.last_modified = changed.replace(microsecond=0)
    response.make_conditional(request)
    return response


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NotFound("not_in_newsroom")
    return int(text)


def _base() -> str:
    base: str = current_app.config["BASE_URL"]
    return base
