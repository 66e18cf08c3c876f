"""Staff pages of a review: asking, reading, commenting, answering; a programme's chain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import jobs
from app.core.accounts import EVERYBODY, Role, User, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.organisation import organisation
from app.core.security import only_reads
from app.core.words import translate
from app.core.words.language import t
from releases.desk.notifying import colleagues
from releases.editorial import workflow
from releases.editorial.models import Release, Revision
from releases.editorial.questions import release_by_id, revision_of
from releases.editorial.texts import about_heading
from releases.editorial.workflow import WRITERS
from releases.review import chaining, commenting, deciding, inviting, outside, reviewing
from releases.review.models import Comment, Verdict
from releases.review.reviewing import Request
from releases.rounds.models import Programme
from releases.rounds.questions import programme_by_id

blueprint = Blueprint("review", __name__, url_prefix="/office")
signed_in_only(blueprint)

# Each address names its release, so that the guard of limited stories stands before it.
ONE_REVIEW = "/releases/<int:release_id>/reviews/<int(max=9223372036854775807):review_id>"
ONE_COMMENT = "/releases/<int:release_id>/comments/<int(max=9223372036854775807):comment_id>"
ONE_INVITATION = (
    "/releases/<int:release_id>/invitations/<int(max=9223372036854775807):invitation_id>"
)


@blueprint.get("/releases/<int:release_id>/read")
def read(release_id: int) -> ResponseReturnValue:
    """The text with what has been said beside it, and the reader's own answer."""
    return _reading_page(release_by_id(release_id))


@blueprint.post("/releases/<int:release_id>/submit")
@only(*WRITERS)
def submit(release_id: int) -> ResponseReturnValue:
    """Ask for review of the revision that the page showed. Without names the usual people."""
    release = release_by_id(release_id)
    _expect_head(release)
    try:
        workflow.submit(release, request=_request(), by=me(), at=now())
    except BadInput as error:
        return _form_again(release, error, "submit")
    _commit_letters()
    flash(t("releases.done.submit"), "success")
    return redirect(url_for("releases.one", release_id=release.id))


@blueprint.post("/releases/<int:release_id>/ask")
@only(*WRITERS)
def ask(release_id: int) -> ResponseReturnValue:
    """Ask more people while the text is in review."""
    release = release_by_id(release_id)
    _expect_head(release)
    try:
        asked = deciding.ask_more(release, _request(), by=me(), at=now())
    except BadInput as error:
        return _form_again(release, error, "ask")
    _commit_letters()
    flash(t("review.done.ask", n=len(asked)), "success")
    return redirect(url_for("releases.one", release_id=release.id, _anchor="review"))


@blueprint.post(f"{ONE_REVIEW}/answer")
@only(*EVERYBODY)
def answer(release_id: int, review_id: int) -> ResponseReturnValue:
    """It may go on, or something has to change first."""
    release = release_by_id(release_id)
    review = deciding.review_of(release, review_id)
    verdict = _verdict()
    try:
        deciding.decide(
            review,
            verdict=verdict,
            reason=request.form.get("reason", ""),
            by=me(),
            at=now(),
        )
    except BadInput as error:
        db.session.rollback()
        return _reading_page(release, answering=review, error=error), 422
    _commit_letters()
    flash(t(f"review.done.{verdict.value}"), "success")
    return redirect(url_for("releases.one", release_id=release.id, _anchor="review"))


@blueprint.post("/releases/<int:release_id>/comments")
@only(*EVERYBODY)
def comment(release_id: int) -> ResponseReturnValue:
    """Say something about the text or a passage of it, or suggest other words."""
    release = release_by_id(release_id)
    form = request.form
    try:
        made = commenting.comment(
            release,
            _revision(release),
            text=form.get("text", ""),
            part=form.get("part", ""),
            passage=form.get("passage", ""),
            before=form.get("words_before", "")[:60],
            after=form.get("words_after", "")[:60],
            replacement=form.get("replacement", "") if form.get("suggests") else None,
            by=me(),
            at=now(),
        )
    except (BadInput, Conflict) as error:
        db.session.rollback()
        return _reading_page(release, error=error), 422
    _commit_letters()
    return redirect(_at_comment(made))


@blueprint.post(f"{ONE_COMMENT}/answers")
@only(*EVERYBODY)
def answer_comment(release_id: int, comment_id: int) -> ResponseReturnValue:
    release = release_by_id(release_id)
    about = commenting.comment_on(release, comment_id)
    try:
        made = commenting.answer(about, text=request.form.get("text", ""), by=me(), at=now())
    except BadInput as error:
        db.session.rollback()
        return _reading_page(release, error=error, about=about), 422
    _commit_letters()
    return redirect(_at_comment(made))


@blueprint.post(f"{ONE_COMMENT}/<any(resolve, reopen):action>")
@only(*EVERYBODY)
def settle_comment(release_id: int, comment_id: int, action: str) -> ResponseReturnValue:
    """It is dealt with, or it is not after all."""
    about = commenting.comment_on(release_by_id(release_id), comment_id)
    step = {"resolve": commenting.resolve, "reopen": commenting.reopen}[action]
    step(about, by=me(), at=now())
    db.session.commit()
    return redirect(_at_comment(about))


@blueprint.post(f"{ONE_COMMENT}/<any(accept, reject):action>")
@only(*WRITERS)
def settle_suggestion(release_id: int, comment_id: int, action: str) -> ResponseReturnValue:
    """Put the suggested words into the text, or leave it as it is."""
    release = release_by_id(release_id)
    about = commenting.comment_on(release, comment_id)
    step = {"accept": commenting.accept, "reject": commenting.reject}[action]
    try:
        step(about, by=me(), at=now())
    except (BadInput, Conflict) as error:
        db.session.rollback()
        return _reading_page(release, error=error, about=about), 409
    _commit_letters()
    flash(t(f"review.done.{action}"), "success")
    return redirect(_at_comment(about))


@blueprint.post(f"{ONE_INVITATION}/<any(revoke, resend):action>")
@only(*WRITERS)
def invitation(release_id: int, invitation_id: int, action: str) -> ResponseReturnValue:
    """Let a link work no longer, or send it once more."""
    release = release_by_id(release_id)
    found = outside.invitation_of(release, invitation_id)
    if action == "revoke":
        inviting.revoke(found, by=me(), at=now())
    else:
        outside.send_again(found, at=now())
    _commit_letters()
    flash(t(f"review.done.{action}", name=found.name), "success")
    return redirect(url_for("releases.one", release_id=release.id, _anchor="review"))


@blueprint.get("/programmes/<int:programme_id>/review")
@only(Role.EDITOR)
def chain(programme_id: int) -> ResponseReturnValue:
    """The steps that a text about the programme has to pass."""
    programme = programme_by_id(programme_id)
    return _chain_page(programme, chaining.drafts(programme))


@blueprint.post("/programmes/<int:programme_id>/review/steps")
@only(Role.EDITOR)
@only_reads
def rearrange_chain(programme_id: int) -> ResponseReturnValue:
    """The buttons of the form: it comes back rearranged, nothing is saved yet."""
    programme = programme_by_id(programme_id)
    steps = chaining.rearranged(_steps(), request.form.get("press", ""))
    return _chain_page(programme, steps, is_changed=True)


@blueprint.post("/programmes/<int:programme_id>/review")
@only(Role.EDITOR)
def set_chain(programme_id: int) -> ResponseReturnValue:
    programme = programme_by_id(programme_id)
    steps = _steps()
    try:
        chaining.set_chain(programme, steps, by=me(), at=now())
    except BadInput as error:
        db.session.rollback()
        return _chain_page(programme, steps, error=error), 422
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for(".chain", programme_id=programme.id))


def _reading_page(release: Release, **more: Any) -> str:
    person = me()
    error = more.pop("error", None)
    return render_template(
        "office/review/read.html",
        release=release,
        revision=release.head,
        heading=about_heading(release),
        words=translate,
        commented=commenting.commented(release, release.head),
        name_of=commenting.name_of,
        may_write=person.may(*WRITERS),
        may_edit=workflow.may(release, workflow.Action.EDIT, by=person),
        error=t(f"errors.{error.key}", **error.facts) if error else "",
        written=request.form,
        **deciding.panel(release, person),
        **more,
    )


def _form_again(release: Release, error: BadInput, action: str) -> ResponseReturnValue:
    """Every word that was written, and what is wrong with it."""
    db.session.rollback()
    page = render_template(
        "office/review/submit.html",
        release=release,
        revision=release.head,
        action=action,
        error=t(f"errors.{error.key}", **error.facts),
        written=request.form,
        chosen=set(request.form.getlist("reviewer")),
        **deciding.panel(release, me()),
    )
    return page, 422


def _chain_page(
    programme: Programme,
    steps: list[chaining.Draft],
    *,
    error: BadInput | None = None,
    is_changed: bool = False,
) -> str:
    return render_template(
        "office/review/chain.html",
        programme=programme,
        steps=steps,
        roles=list(Role),
        people=sorted(colleagues(*Role), key=lambda one: one.name.casefold()),
        most=chaining.MOST_STEPS,
        error=t(f"errors.{error.key}", **error.facts) if error else "",
        is_changed=is_changed,
    )


def _request() -> Request:
    """Who the form asks for. Raises BadInput."""
    chosen = filter(None, map(_number, request.form.getlist("reviewer")))
    people = [person for one in chosen if (person := db.session.get(User, one)) is not None]
    return Request(
        people=tuple(people),
        outsiders=reviewing.outsiders(request.form.get("outsiders", "")),
        due_at=_local_moment(request.form.get("due_at", "")),
        message=request.form.get("message", "").replace("\r\n", "\n").strip()[:2000],
    )


def _local_moment(text: str) -> datetime | None:
    """A wall-clock time from a form, in the organisation's zone; None when none is given."""
    if not text.strip():
        return None
    try:
        there = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(organisation().time_zone))
        return outside.closes_at(there, at=there) - outside.AFTER_DUE  # a link has its time too
    except (ValueError, OverflowError):
        raise BadInput("time_unreadable") from None


def _steps() -> list[chaining.Draft]:
    """The steps as the form has them, in its order."""
    columns = [request.form.getlist(name) for name in ("label_sv", "label_en", "who")]
    rows = list(zip(*columns, strict=False))[: chaining.MOST_STEPS]
    return [dict(zip(("label_sv", "label_en", "who"), row, strict=True)) for row in rows]


def _verdict() -> Verdict:
    wanted = request.form.get("verdict", "")
    if wanted not in set(Verdict):
        raise BadInput("verdict_missing")
    return Verdict(wanted)


def _revision(release: Release) -> Revision:
    """The revision that the page showed, on which the passage was chosen."""
    wanted = _number(request.form.get("revision", ""))
    return revision_of(release, wanted) if wanted else release.head


def _number(text: str) -> int | None:
    """A row's number as a form has it; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _expect_head(release: Release) -> None:
    if request.form.get("revision", "") != str(release.head_id):
        raise Conflict("changed_meanwhile")


def _at_comment(about: Comment) -> str:
    return url_for(
        ".read", release_id=about.release_id, _anchor=f"comment-{about.parent_id or about.id}"
    )


def _commit_letters() -> None:
    db.session.commit()
    jobs.ring("deliver")
