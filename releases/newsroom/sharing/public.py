"""What other sites show of ours: pictures for link previews, pages for their frames, oEmbed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from app.core import shelf
from app.core.errors import NotFound
from app.core.kept import kept
from app.core.organisation import organisation
from app.core.security import set_policy
from app.core.words import translate
from app.core.words.language import interface_language
from releases.editorial.models import Release
from releases.media.naming import file_size
from releases.media.questions import attached
from releases.newsroom import pages, questions
from releases.newsroom.feeds import subjects as feed_subjects
from releases.newsroom.feeds.subjects import Subject
from releases.newsroom.lists import questions as lists
from releases.newsroom.models import PressKit
from releases.newsroom.sharing import cards, embeds, press_kits
from releases.newsroom.wording import LANGUAGE, address, base_url, text_of

blueprint = Blueprint("sharing", __name__)
A_WHILE = 5 * 60  # others keep pictures too: one that was withdrawn must not stay for long
SHOWN = 5  # releases in a frame of the latest
FORMS = ("json", "xml")
FRAMED = {"frame_ancestors": "*", "script_src": "'none'", "connect_src": "'none'"}


@blueprint.get(f"/{LANGUAGE}/releases/<slug>/card.png")
@kept(max_age=A_WHILE)
def card(language: str, slug: str) -> ResponseReturnValue:
    """A release as a picture. One that has been withdrawn shows no more than the newsroom's name.

    Its address holds a mark (`cards.mark`) that nobody has to know to be shown the picture.
    """
    release = questions.release_at(language, slug)
    sender = organisation()
    if not release.is_public:
        return _drawn(cards.front_card(language, sender=sender, base=base_url()))
    return _drawn(cards.card_of(release, sender=sender, base=base_url()))


@blueprint.get(f"/{LANGUAGE}/card.png")
@kept(max_age=A_WHILE)
def newsroom_card(language: str) -> ResponseReturnValue:
    """The newsroom as a picture."""
    return _drawn(cards.front_card(language, sender=organisation(), base=base_url()))


@blueprint.get(f"/{LANGUAGE}/releases/<slug>/embed")
@kept()
def embed(language: str, slug: str) -> ResponseReturnValue:
    """One release for a frame: sender, headline, date, lead and the way to its page."""
    release = questions.release_at(language, slug)
    if not release.is_public:
        return _framed(render_template("newsroom/embed_gone.html"), 410)
    return _framed(
        render_template(
            "newsroom/embed.html",
            release=release,
            url=address(release),
            plain=pages.public_plain,
        )
    )


@blueprint.get(f"/{LANGUAGE}/embed/latest")
@kept("programme", "topic")
def embed_latest(language: str) -> ResponseReturnValue:
    """The newest releases for a frame: all of them, a programme's, or a topic's."""
    subject = _subject(language, request.args)
    return _framed(
        render_template(
            "newsroom/embed_latest.html",
            releases=_latest(subject),
            what=subject.name,
            plain=pages.public_plain,
        )
    )


@blueprint.get("/oembed")
@kept("url", "maxwidth", "maxheight", "format")
def oembed() -> ResponseReturnValue:
    """What a site has to know to show one of our pages (oEmbed 1.0, type rich)."""
    form = request.args.get("format", "json")
    if form not in FORMS:
        return _for_all(Response("json or xml\n", 501, mimetype="text/plain"))
    answer = _embedding(request.args.get("url", ""))
    if form == "xml":
        return _for_all(Response(embeds.as_xml(answer), content_type="text/xml; charset=utf-8"))
    return _for_all(jsonify(answer))


@blueprint.get(f"/{LANGUAGE}/releases/<slug>/press-kit.<any(zip, pdf):form>")
def press_kit(language: str, slug: str, form: str) -> ResponseReturnValue:
    """Everything of a release in one file. While a worker makes it: come again in a minute."""
    release = questions.release_at(language, slug)
    if not release.is_public:
        abort(410)
    kit = press_kits.kit_of(release)
    if kit is None and press_kits.is_coming(release):
        answer = Response(translate("sharing.kit_at_work", language), 503, mimetype="text/plain")
        answer.headers["Retry-After"] = "60"
        return answer
    if kit is None or kit.key is None:
        raise NotFound("not_in_newsroom")
    if form == "zip":
        answer = shelf.send(
            kit.key, press_kits.ZIP, mimetype="application/zip", download_name=f"{slug}.zip"
        )
    else:
        answer = shelf.send(kit.key, press_kits.PDF, mimetype="application/pdf")
        answer.headers["Content-Disposition"] = f'inline; filename="{slug}.pdf"'
    answer.headers["Cache-Control"] = "no-cache"  # it is made anew with each correction
    answer.headers["X-Robots-Tag"] = "noindex"  # the page is what should be found
    return answer


@blueprint.app_template_filter("file_size")
def said_size(size: int) -> str:
    """`1,2 MB`, in the language of the page."""
    return file_size(size, interface_language())


@blueprint.app_template_global()
def press_kit_of(release: Release) -> PressKit | None:
    """The press kit that a release's page offers."""
    return press_kits.kit_of(release)


@blueprint.app_template_global()
def shared_front(language: str) -> cards.Shared:
    """The picture that a list of the newsroom is shared with."""
    sender, base = organisation(), base_url()
    front = cards.front_card(language, sender=sender, base=base)
    return cards.shared_card(front, path=f"/{language}/card.png", sender=sender, base=base)


@blueprint.app_template_global()
def embed_code_latest(language: str) -> str:
    """The code that shows the newest releases on another site."""
    return embeds.code(
        f"{base_url()}/{language}/embed/latest",
        title=_title_of_latest(language),
        height=embeds.LATEST_HEIGHT,
    )


@blueprint.app_template_global()
def embed_code(release: Release) -> str:
    """The code that shows a release on another site."""
    assert release.live is not None
    return embeds.code(f"{address(release)}/embed", title=_title(release))


@blueprint.app_template_global()
def shared_release(release: Release, text: pages.Text) -> cards.Shared:
    """The picture that a public release is shared with: its own first one, else its card."""
    sender, base = organisation(), base_url()
    return cards.shared(
        text,
        cards.card_of(release, sender=sender, base=base),
        path=f"/{release.language}/releases/{release.slug}/card.png",
        sender=sender,
        base=base,
    )


def _drawn(shown: cards.Card) -> Response:
    made = cards.draw(shown, cards.logo_of(organisation()))
    response = Response(made, mimetype="image/png")
    # Other sites show it as it is; nothing in it is anybody's own.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _framed(text: str, status: int = 200) -> Response:
    response = set_policy(make_response(text, status), **FRAMED)
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _for_all(response: Response) -> Response:
    """Readable for programs of other sites; without any visitor's cookies."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _subject(language: str, asked: Mapping[str, str]) -> Subject:
    """What a list is of, by the slug that was asked for. Raises NotFound."""
    programme, topic = (asked.get(name, "").replace("\0", "") for name in ("programme", "topic"))
    if programme:
        return feed_subjects.programme_subject(language, programme)
    if topic:
        return feed_subjects.topic_subject(language, topic)
    return feed_subjects.newsroom(language)


def _latest(subject: Subject) -> list[Release]:
    if subject.heading is None:
        return questions.front(subject.language, size=SHOWN).releases
    return lists.under(subject.heading, subject.key, subject.language, size=SHOWN).releases


def _embedding(url: str) -> dict[str, Any]:
    """The answer about one of our addresses. Raises NotFound for any other."""
    target = embeds.target_of(url, base=base_url())
    if target is None:
        raise NotFound("not_in_newsroom")
    if not target.slug:
        shown, title = f"{base_url()}/{target.language}/embed/latest", ""
        picture, height = shared_front(target.language), embeds.LATEST_HEIGHT
    else:
        release = questions.release_at(target.language, target.slug)
        if release.live is None or not release.is_public:
            raise NotFound("not_in_newsroom")
        text = text_of(release, release.live, organisation(), attached(release.live))
        shown, title = f"{address(release)}/embed", text.title
        picture, height = shared_release(release, text), embeds.HEIGHT
    width, height = embeds.room(request.args, height=height)
    title = title or _title_of_latest(target.language)
    name = organisation().name(target.language)
    return {
        "type": "rich",
        "version": "1.0",
        "title": title,
        "author_name": name,
        "author_url": f"{base_url()}/{target.language}/",
        "provider_name": name,
        "provider_url": base_url(),
        "cache_age": 3600,
        "thumbnail_url": picture.url,
        "thumbnail_width": picture.width,
        "thumbnail_height": picture.height,
        "html": embeds.code(shown, title=title, width=width, height=height),
        "width": width,
        "height": height,
    }


def _title(release: Release) -> str:
    assert release.live is not None
    title = pages.public_plain(release.live.headline)
    return translate("sharing.embed_title", release.language, title=title)


def _title_of_latest(language: str) -> str:
    return translate("sharing.latest_title", language, sender=organisation().name(language))
