"""What those let in before publication see, at the release's own address: first the terms, then the
text with their name on it.

The newsroom asks here when it has nothing public at an address. Whoever has no link of ours hears
what everybody hears about an address that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.db import db, writing
from app.core.errors import NotFound
from app.core.organisation import organisation
from app.core.security import csrf, limiter
from app.core.words import LANGUAGES
from app.core.words.language import speak
from releases.editorial.models import Release, Revision
from releases.newsroom.questions import approved_at
from releases.review import embargo
from releases.review.inviting import invited, visit
from releases.review.models import Invitation, Purpose

blueprint = Blueprint("embargo", __name__)
csrf.exempt(blueprint)

FORM_BYTES = 4 * 1024
ACCEPTS = "60 per hour"
FILE = re.compile(r"(/media/[\w-]+/[\w.-]+)(\?[^\"\s,]*)?(?=[\"\s,])")


def early(language: str, slug: str, *, show: Callable[..., str]) -> ResponseReturnValue:
    """The page of a release that is not public, for whom it is shown to all the same.

    `show` makes the page of a revision (`newsroom.public.release_page`). Every showing is put on
    record before it is sent. Raises NotFound without a link that works.
    """
    token, at = request.args.get("embargo", ""), now()
    release = _invited(token, at=at).release
    if release.published_at is not None:
        return _secret(redirect(embargo.path_of(release)))
    if (language, slug) != (release.language, release.slug):
        return _secret(redirect(f"{embargo.path_of(release)}?embargo={token}"))
    with writing():
        invitation = _invited(token, at=at)
        release = invitation.release
        revision = embargo.readable(release)
        what = _what(invitation, revision)
        if request.method == "GET":
            shown = revision.id if revision and what == "page" else None
            visit(invitation, what, revision_id=shown, at=at)
            db.session.commit()
    speak(release.language)
    if what == "page" and revision is not None:
        return _secret(make_response(_page(invitation, revision, token, at=at, show=show)))
    line = embargo.line(release, release.language, at=at)
    return _secret(
        make_response(
            render_template(
                f"embargo/{what}.html",
                invitation=invitation,
                line=line,
                terms=embargo.terms(release.language),
            )
        )
    )


@blueprint.post(f"/<any({', '.join(LANGUAGES)}):language>/releases/<slug>")
@limiter.limit(ACCEPTS)
def accept(language: str, slug: str) -> ResponseReturnValue:
    """Yes to the terms, and on to the text."""
    request.max_content_length = FORM_BYTES
    token, at = request.args.get("embargo", ""), now()
    invitation = _invited(token, at=at)
    if request.form.get("accept") == "1":
        embargo.accept(invitation, at=at)
        db.session.commit()
    return _secret(redirect(f"{embargo.path_of(invitation.release)}?embargo={token}", 303))


def _what(invitation: Invitation, revision: Revision | None) -> str:
    if invitation.accepted_at is None:
        return "terms"
    return "closed" if revision is None else "page"


def _page(
    invitation: Invitation,
    revision: Revision,
    token: str,
    *,
    at: datetime,
    show: Callable[..., str],
) -> str:
    release: Release = invitation.release
    text = show(
        release,
        revision,
        sender=organisation(),
        moment=approved_at(release, revision.id),
        template="embargo/page.html",
        published_at=release.publish_at,
        embargo=embargo.line(release, release.language, at=at),
        reader=", ".join(part for part in (invitation.name, invitation.organisation) if part),
        shown_at=at,
    )
    return FILE.sub(lambda found: _with_token(found[1], found[2] or "", token), text)


def _with_token(address: str, query: str, token: str) -> str:
    """The address of a file, so that it is opened for this reader."""
    return f"{address}{query}{'&amp;' if query else '?'}embargo={escape(token)}"


def _secret(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _invited(token: str, *, at: datetime) -> Invitation:
    try:
        return invited(token, Purpose.EMBARGO, at=at)
    except NotFound:
        raise NotFound("not_in_newsroom") from None
