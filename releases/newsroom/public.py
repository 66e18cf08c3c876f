"""The newsroom as visitors see it. No sign-in, no cookie."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import (
    Blueprint,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.kept import kept
from app.core.organisation import Organisation, organisation
from releases.editorial.models import Release, Revision
from releases.media.questions import attached
from releases.newsroom import corrections, pages, questions
from releases.newsroom.lists import questions as lists
from releases.newsroom.machines import heads
from releases.newsroom.results import results
from releases.newsroom.sharing.links import share_links
from releases.newsroom.wording import LANGUAGE, address, first_picture, programme_words, text_of
from releases.review import embargo_public
from releases.rounds.editions import edition

blueprint = Blueprint("newsroom", __name__)


@blueprint.get(f"/{LANGUAGE}/")
@kept("before")
def front(language: str) -> ResponseReturnValue:
    """The latest release large, the others by month, older ones a page further."""
    before = questions.place(request.args["before"]) if "before" in request.args else None
    page = questions.front(language, before=before)
    top = page.releases[0] if page.releases and before is None else None
    rest = page.releases[1:] if top else page.releases
    return render_template(
        "newsroom/front.html",
        page=page,
        top=top,
        picture=first_picture(top) if top else None,
        months=pages.by_month(rest, language=language, zone=organisation().time_zone),
        before=before,
        years=lists.years(language, organisation().time_zone),
        plain=pages.public_plain,
    )


@blueprint.get(f"/{LANGUAGE}/releases/")
def releases(language: str) -> ResponseReturnValue:
    """Where people land who shorten an address."""
    return redirect(f"/{language}/", 301)


@blueprint.get(f"/{LANGUAGE}/releases/<slug>")
@kept()
def release(language: str, slug: str) -> ResponseReturnValue:
    """A published release, or the tombstone of a withdrawn one."""
    try:
        found = questions.release_at(language, slug)
    except NotFound:  # to everybody but those let in before publication
        return embargo_public.early(language, slug, show=release_page)
    if found.live is None or not found.is_public:
        return tombstone(found)
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
    response = make_response(page)
    response.last_modified = pages.changed_at(found).replace(microsecond=0)
    return response


@blueprint.get(f"/{LANGUAGE}/releases/<slug>/versions/<int:number>")
@kept()
def version(language: str, slug: str, number: int) -> ResponseReturnValue:
    """What visitors read before it was changed, with what is wrong about it."""
    found = questions.release_at(language, slug)
    if found.live is None or not found.is_public:
        return tombstone(found)
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
    text, url = text_of(release, revision, sender, attached(revision)), address(release)
    round_ = release.story.round
    table = results(edition(round_, moment), release.language) if round_ else None
    other = questions.other_version(release)
    head = heads.hidden(url)
    if for_machines:
        head = heads.release_page(
            release, revision, text=text, told=told, results=table, other=other
        )
    return render_template(
        template,
        release=release,
        text=text,
        url=url,
        other_url=address(other) if other else None,
        results=table,
        programme=programme_words(release),
        shares=share_links(
            title=text.title,
            url=url,
            sender=sender.name(release.language),
            language=release.language,
        ),
        about=pages.paragraphs(sender.about(release.language)),
        social=pages.web_links(sender.social or []),
        latest=questions.latest(release.language, but=release),
        plain=pages.public_plain,
        head=head,
        told=told,
        **more,
    )


def tombstone(release: Release) -> ResponseReturnValue:
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
