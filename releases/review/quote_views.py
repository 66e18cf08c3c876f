"""Staff pages about the quotes of a release: asking, writing answers down, taking words over."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import jobs
from app.core.accounts import me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.words.language import t
from releases.editorial.models import Release
from releases.editorial.questions import release_by_id
from releases.review import inviting, signing_off
from releases.review.models import Answer
from releases.review.signing_off import ASKERS
from releases.review.taking_over import take_over as take_words_over

blueprint = Blueprint("signing", __name__, url_prefix="/office/releases/<int:release_id>/quotes")
signed_in_only(blueprint)


@blueprint.get("/")
def page(release_id: int) -> ResponseReturnValue:
    """Every quote of the text and how far it has come."""
    return _page(release_by_id(release_id))


@blueprint.post("/ask")
@only(*ASKERS)
def ask(release_id: int) -> ResponseReturnValue:
    """The question to a quote's speaker, by mail."""
    release, form = release_by_id(release_id), request.form
    quote = signing_off.quote_of(release, form.get("fingerprint", ""))
    try:
        asked = signing_off.ask(
            release,
            quote,
            name=form.get("name", ""),
            email=form.get("email", ""),
            by=me(),
            at=now(),
        )
    except BadInput as error:
        return _again(release_id, error, form="ask")
    db.session.commit()
    jobs.ring("deliver")
    assert asked.invitation is not None
    return _done(release_id, "quotes.done.asked", name=asked.invitation.name)


@blueprint.post("/record")
@only(*ASKERS)
def record(release_id: int) -> ResponseReturnValue:
    """An answer that came by phone or in person."""
    release, form = release_by_id(release_id), request.form
    quote = signing_off.quote_of(release, form.get("fingerprint", ""))
    said = form.get("answer", "")
    try:
        signing_off.record_answer(
            release,
            quote,
            Answer(said) if said in set(Answer) else Answer.PENDING,
            words=form.get("words", ""),
            how=form.get("how", ""),
            by=me(),
            at=now(),
        )
    except BadInput as error:
        return _again(release_id, error, form="record")
    db.session.commit()
    jobs.ring("deliver")
    return _done(release_id, "quotes.done.recorded")


@blueprint.post("/<int:sign_off_id>/take-over")
@only(*ASKERS)
def take_over(release_id: int, sign_off_id: int) -> ResponseReturnValue:
    """The speaker's own words into the text, as a new version."""
    release = release_by_id(release_id)
    sign_off = signing_off.sign_off_by_id(release, sign_off_id)
    take_words_over(release, sign_off, by=me(), at=now())
    db.session.commit()
    return _done(release_id, "quotes.done.taken_over")


@blueprint.post("/<int:sign_off_id>/revoke")
@only(*ASKERS)
def revoke_link(release_id: int, sign_off_id: int) -> ResponseReturnValue:
    """The link of the person asked works no longer; what they have answered stays."""
    sign_off = signing_off.sign_off_by_id(release_by_id(release_id), sign_off_id)
    if sign_off.invitation is None:
        raise NotFound("no_such_quote")
    inviting.revoke(sign_off.invitation, by=me(), at=now())
    db.session.commit()
    return _done(release_id, "quotes.done.revoked")


def _page(release: Release, **more: object) -> str:
    return render_template(
        "office/quotes/page.html", release=release, **signing_off.panel(release, me()), **more
    )


def _again(release_id: int, error: BadInput, *, form: str) -> ResponseReturnValue:
    """The quotes once more, with what is wrong and everything that was written."""
    db.session.rollback()
    sentence = t(f"errors.{error.key}", **error.facts)
    wrong = (request.form.get("fingerprint", ""), form, sentence)
    page = _page(release_by_id(release_id), quote_error=wrong, given=request.form)
    return page, 422


def _done(release_id: int, key: str, **facts: object) -> ResponseReturnValue:
    flash(t(key, **facts), "success")
    return redirect(url_for("releases.one", release_id=release_id, _anchor="quotes"))
