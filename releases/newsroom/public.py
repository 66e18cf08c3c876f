"""The newsroom as visitors see it. No sign-in, no cookie."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
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
from releases.editorial.models import Publication, Release, Revision
from releases.media.embedding import addresses_under
from releases.media.questions import Attached, attached, attached_to
from releases.media.renditions import FALLBACK
from releases.newsroom import corrections, feeds, pages, questions
from releases.newsroom.results import results
from releases.review import embargo_public
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
    try:
        found = questions.release_at(language, slug)
    except NotFound:  # to everybody but those let in before publication
        return embargo_public.early(language, slug, show=release_page)
    if found.live is None or not found.is_public:
        return _tombstone(found)
    sender, history = organisation(), corrections.history_of(found)
    page = release_page(
        found,
        found.live,
        sender=sender,
        moment=questions.round_moment(found.story.round_id, language)
        if found.story.round_id
        else None,
        published_at=found.published_at,
        update=corrections.last_update(found, history),
        told=corrections.corrections(history, language=language, zone=sender.time_zone),
        for_machines=True,
    )
    return _fresh(page, changed=pages.changed_at(found))


@blueprint.get(f"/{LANGUAGE}/releases/<slug>/versions/<int:number>")
def version(language: str, slug: str, number: int) -> ResponseReturnValue:
    """What visitors read before it was changed, with what is wrong about it."""
    found = questions.release_at(language, slug)
    if found.live is None or not found.is_public:
        return _tombstone(found)
    if number == found.live.number:
        return redirect(address(found))
    sender = organisation()
    revision, since = corrections.earlier_version(found, number)
    return release_page(
        found,
        revision,
        sender=sender,
        moment=questions.approved_at(found, revision.id),
        published_at=found.published_at,
        template="newsroom/version.html",
        told=corrections.corrections(since, language=language, zone=sender.time_zone),
        replaced_at=since[0].at,
    )


def release_page(
    release: Release,
    revision: Revision,
    *,
    sender: Organisation,
    moment: datetime | None,
    for_machines: bool = False,
    told: Sequence[corrections.Correction] = (),
    template: str = "newsroom/release.html",
    **more: object,
) -> str:
    """The page of one revision: the live one for visitors, any for a preview.

    Its round is shown as it stood at `moment`; as it stands now when none is given. What search
    engines read stands in it only when it is `for_machines`. `told` are its corrections.
    """
    text, url = _text(release, revision, sender, attached(revision)), address(release)
    round_ = release.story.round
    table = results(edition(round_, moment), release.language) if round_ else None
    other = questions.other_version(release)
    article = (
        pages.news_article(
            release,
            text=text,
            url=url,
            sender=sender.name(release.language),
            site=sender.site,
            zone=sender.time_zone,
        )
        | corrections.for_machines(told, zone=sender.time_zone)
        if for_machines
        else None
    )
    return render_template(
        template,
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
        article=article,
        told=told,
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
    text = _text(release, revision, sender, things or attached(revision), in_feed=True)
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


def _text(
    release: Release,
    revision: Revision,
    sender: Organisation,
    things: Attached,
    *,
    in_feed: bool = False,
) -> pages.Text:
    return pages.public_text(
        revision,
        language=release.language,
        glyph=sender.quote_glyph,
        attached=things,
        address=addresses_under(_base() if in_feed else ""),
        width=FALLBACK if in_feed else None,
    )


def _programme(release: Release) -> str:
    """The programme's name as it stands inside a sentence: `Om kommunala partnerskap`."""
    programme = questions.programme_of(release)
    if programme is None:
        return translate("newsroom.the_programme", release.language)
    return in_running_text(programme.title(release.language), language=release.language)


def _with_corrections(
    item: feeds.Item, history: Sequence[Publication], *, language: str, zone: str
) -> feeds.Item:
    """A feed item that opens with what has been corrected in it."""
    told = corrections.corrections(history, language=language, zone=zone)
    plain, html = corrections.in_feed(told)
    return replace(item, summary=plain + item.summary, html=html + item.html)


def _tombstone(release: Release) -> ResponseReturnValue:
    """Gone, and why: as a page, or as JSON for those who ask for that."""
    wanted = request.accept_mimetypes.best_match(["text/html", "application/json"])
    if wanted == "application/json":
        response = jsonify(status="withdrawn", reason=release.withdrawn_reason)
    else:
        response = make_response(render_template("newsroom/withdrawn.html", release=release))
    response.status_code = 410
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    return response


def _fresh(page: str, *, changed: datetime) -> Response:
    """A page that is asked for anew each time, at the cost of a 304 while it is the same."""
    response = make_response(page)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(hashlib.sha256(page.encode()).hexdigest())
    response.make_conditional(request)
    response.last_modified = changed.replace(microsecond=0)  # told, not relied upon
    return response


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
