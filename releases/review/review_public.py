"""What a reviewer from outside sees behind their link: the submitted text, and room for an answer.

As on every page behind a secret link there is no cookie, nothing is kept by the browser and no
address is passed on. A GET changes nothing but the record of the visit; only a button acts.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from limits import parse

from app.core import jobs
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotFound, NotNow
from app.core.security import behind_secret_links, csrf, limiter
from app.core.words import translate
from app.core.words.language import speak, t
from releases.editorial.models import Release, Revision, State
from releases.editorial.texts import about_heading
from releases.review import commenting, deciding, inviting, outside
from releases.review.models import Invitation, Purpose, Review, Verdict

blueprint = Blueprint("invited", __name__, url_prefix="/invited")
csrf.exempt(blueprint)
behind_secret_links(blueprint)

BAD_LINKS = parse("30/minute")
ACTS = "30 per minute; 200 per hour"
STILL_DISCUSSED = {State.DRAFT, State.IN_REVIEW, State.SENT_BACK}
DONE = ("comment", "passed", "changes")


@blueprint.errorhandler(NotFound)
def _closed(_error: NotFound) -> ResponseReturnValue:
    """One page for what is revoked, past its time or none of ours; 429 for who goes on trying."""
    db.session.rollback()
    if not limiter.limiter.hit(BAD_LINKS, "bad link", request.remote_addr or ""):
        return make_response(render_template("review/gone.html", words=translate), 429)
    return make_response(render_template("review/gone.html", words=translate), 404)


@blueprint.get("/<token>")
def page(token: str) -> ResponseReturnValue:
    """The text as it was last put to review."""
    invitation = inviting.invited(token, Purpose.REVIEW, at=now())
    shown = outside.submitted_revision(invitation.release)
    if request.method == "GET":
        outside.look(invitation, shown, at=now())
    return _page(token, invitation, shown)


@blueprint.post("/<token>/comments")
@limiter.limit(ACTS)
def comment(token: str) -> ResponseReturnValue:
    """Say something about the text, or about a passage of it."""
    invitation = inviting.invited(token, Purpose.REVIEW, at=now())
    shown = outside.submitted_revision(invitation.release)
    form = request.form
    try:
        _expect_discussed(invitation.release)
        made = commenting.comment(
            invitation.release,
            shown,
            text=form.get("text", ""),
            part=form.get("part", ""),
            passage=form.get("passage", ""),
            before=form.get("words_before", "")[:60],
            after=form.get("words_after", "")[:60],
            invitation=invitation,
            at=now(),
        )
        inviting.visit(invitation, "comment", revision_id=shown.id, at=now())
    except (BadInput, NotNow) as error:
        return _page_again(token, error, part="comment")
    return _done(token, "comment", f"comment-{made.id}")


@blueprint.post("/<token>/answer")
@limiter.limit(ACTS)
def answer(token: str) -> ResponseReturnValue:
    """No objections, or what should change."""
    invitation = inviting.invited(token, Purpose.REVIEW, at=now())
    wanted = request.form.get("verdict", "")
    try:
        if wanted not in set(Verdict):
            raise BadInput("verdict_missing")
        review = _review(invitation)
        if review is None or request.form.get("revision", "") != str(review.revision_id):
            raise NotNow("review_over")
        deciding.decide(
            review,
            verdict=Verdict(wanted),
            reason=request.form.get("reason", "")[:5000],
            invitation=invitation,
            at=now(),
        )
        inviting.visit(invitation, wanted, revision_id=review.revision_id, at=now())
    except (BadInput, NotNow, Conflict) as error:
        return _page_again(token, error, part="answer")
    return _done(token, wanted, "answer")


def _page_again(token: str, error: DomainError, *, part: str) -> ResponseReturnValue:
    """Every word that was written, and what is wrong with it."""
    db.session.rollback()
    invitation = inviting.invited(token, Purpose.REVIEW, at=now())
    speak(invitation.language)
    sentence = t(f"errors.{error.key}", **error.facts)
    shown = outside.submitted_revision(invitation.release)
    return make_response(
        _page(token, invitation, shown, error=sentence, wrong=part, written=request.form), 422
    )


def _page(token: str, invitation: Invitation, shown: Revision, **more: Any) -> str:
    speak(invitation.language)
    release = invitation.release
    review = _review(invitation)
    said = request.args.get("said", "")
    given: dict[str, Any] = {"error": "", "wrong": "", "written": {}, **more}
    return render_template(
        "review/invited.html",
        token=token,
        invitation=invitation,
        release=release,
        revision=shown,
        heading=about_heading(release),
        words=translate,
        commented=commenting.commented(release, shown, of=invitation),
        review=review,
        waits=review is not None and review.verdict is None,
        is_discussed=release.state in STILL_DISCUSSED,
        is_newer=_is_newer(invitation, shown),
        done=said if said in DONE else "",
        **given,
    )


def _review(invitation: Invitation) -> Review | None:
    """Their review of what is in review now; None when nothing is asked of them any more."""
    review = outside.review_of(invitation)
    release = invitation.release
    if review is None or review.submission != release.submission:
        return None
    return review if release.state is State.IN_REVIEW or review.verdict else None


def _is_newer(invitation: Invitation, shown: Revision) -> bool:
    """Whether the text has been changed and put to review again since they were asked."""
    review = outside.review_of(invitation)
    return review is not None and review.revision_id != shown.id


def _expect_discussed(release: Release) -> None:
    if release.state not in STILL_DISCUSSED:
        raise NotNow("review_over")


def _done(token: str, what: str, anchor: str) -> ResponseReturnValue:
    db.session.commit()
    jobs.ring("deliver")
    return redirect(url_for(".page", token=token, said=what, _anchor=anchor), 303)
