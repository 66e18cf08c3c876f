"""What the person quoted sees behind their link: their words, where they stand, and four answers.

No cookie and no CSRF token: the page acts on a secret link, never on a signed-in browser. Opening
it changes nothing but the record of having been opened.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from limits import parse
from markupsafe import Markup

from app.core.clock import now
from app.core.db import db, writing
from app.core.errors import BadInput, Conflict, DomainError, NotFound, NotNow
from app.core.html import plain, without_gaps
from app.core.jobs import ring
from app.core.organisation import organisation
from app.core.security import behind_secret_links, csrf, limiter
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, speak, t
from releases.review import quotes, signing_off
from releases.review.inviting import invited, visit
from releases.review.models import Answer, Invitation, Purpose, SignOff
from releases.review.signing_off import Sheet

blueprint = Blueprint("quotes", __name__)
csrf.exempt(blueprint)
behind_secret_links(blueprint)

BAD_LINKS = parse("30/minute")
ANSWERS = "60 per hour"
FIELDS = {  # which field a refusal is about
    "quote_words_missing": "words",
    "quote_too_long": "words",
    "quote_reason_missing": "reason",
    "name_missing": "name",
    "email_unreadable": "email",
    "quote_passed_to_oneself": "email",
}


@blueprint.get("/quote/<token>")
def page(token: str) -> ResponseReturnValue:
    """The quote and how to answer; what has been answered, once it has."""
    _invited(token)  # nobody takes the write lock with a link that is none
    with writing():
        invitation = _invited(token)
        if request.method == "GET":
            visit(invitation, "quote", revision_id=invitation.release.head_id, at=now())
            db.session.commit()
    return _page(invitation)


@blueprint.post("/quote/<token>")
@limiter.limit(ANSWERS)
def reply(token: str) -> ResponseReturnValue:
    """Yes, other words, no, or somebody else: about the words that were on the page."""
    invitation = _invited(token)
    release, at = invitation.release, now()
    said = request.form.get("answer", "")
    try:
        paper = signing_off.sheet(invitation)
        about = signing_off.asked_about(paper, request.form.get("fingerprint", ""), at=at)
        _take(about, said, at=at)
    except (BadInput, Conflict, NotNow) as error:
        db.session.rollback()
        status = 422 if isinstance(error, BadInput) else 409
        return _page(_invited(token), error=error, said=said), status
    visit(invitation, f"quote.{said}", revision_id=release.head_id, at=at)
    db.session.commit()
    ring("deliver")
    return redirect(request.full_path.rstrip("?"), 303)


def _take(about: SignOff, said: str, *, at: datetime) -> None:
    form = request.form
    match said:
        case "approve":
            signing_off.answer(about, Answer.APPROVED, at=at)
        case "edit":
            words, note = form.get("words", ""), form.get("note", "")
            signing_off.answer(about, Answer.EDITED, words=words, note=note, at=at)
        case "decline":
            signing_off.answer(about, Answer.DECLINED, note=form.get("reason", ""), at=at)
        case "pass_on":
            name, email = form.get("name", ""), form.get("email", "")
            signing_off.pass_on(about, name=name, email=email, at=at)
        case _:
            abort(400)


def _page(invitation: Invitation, *, error: DomainError | None = None, said: str = "") -> str:
    paper, release = signing_off.sheet(invitation), invitation.release
    wanted = request.args.get("language", "")
    speak(wanted if wanted in LANGUAGES else invitation.language)
    refusal = t(f"errors.{error.key}", **error.facts) if error else ""
    return render_template(
        "quotes/page.html",
        paper=paper,
        release=release,
        headline=release.head.title,
        text_lead=plain(without_gaps(release.head.lead)),
        before=quotes.before(release.head.body, paper.quote.index) if paper.quote else "",
        here=_in_house_style(paper),
        refusal=refusal,
        field=FIELDS.get(error.key, "") if error else "",
        said=said,
        given=request.form,
        other=next(one for one in LANGUAGES if one != interface_language()),
    )


def _in_house_style(paper: Sheet) -> Markup:
    if paper.quote is None:
        return Markup()
    glyph, language = organisation().quote_glyph, paper.invitation.release.language
    said = quotes.spoken_alone(paper.quote, language=language, glyph=glyph)
    return Markup(said)  # noqa: S704 - each part is escaped


def _invited(token: str) -> Invitation:
    """Whose link it is; else one and the same page for what is expired, revoked or invented."""
    try:
        return invited(token, Purpose.SIGN_OFF, at=now())
    except NotFound:
        if not limiter.limiter.hit(BAD_LINKS, "bad link", request.remote_addr or ""):
            abort(429)
        abort(make_response(render_template("quotes/gone.html"), 404))
