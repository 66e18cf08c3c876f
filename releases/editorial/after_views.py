"""Staff pages of what is done to a release that has gone out: changing it and taking it back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core import jobs
from app.core.accounts import Role, me, only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotNow
from app.core.formats import date_and_time
from app.core.organisation import organisation
from app.core.words import translate
from app.core.words.language import t
from releases.editorial import questions, workflow
from releases.editorial.comparing import compare
from releases.editorial.correcting import reach
from releases.editorial.models import Change, Release
from releases.editorial.noting import differing, proposed_note, wrong_since
from releases.editorial.publications import publications
from releases.editorial.withdrawing import consequences, first_word
from releases.editorial.workflow import Action

blueprint = Blueprint("after", __name__, url_prefix="/office/releases")


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors() -> None:
    """What readers have in their hands is for those who publish."""


@blueprint.get("/<int:release_id>/change")
def change(release_id: int) -> ResponseReturnValue:
    """A newer text of a live release: what it is to those who have read the one before."""
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.PUBLISH, by=me())
    if not release.is_public:
        return redirect(url_for("releases.one", release_id=release.id))
    given = {"note": proposed_note(release), "since": str(_suggested_since(release) or "")}
    kind = Change.CORRECTION if _figures_differ(release) else ""
    return _change_page(release, {**given, "change": kind})


@blueprint.post("/<int:release_id>/change")
@only(Role.EDITOR)
def publish_change(release_id: int) -> ResponseReturnValue:
    """Out with it, as a typo or as a correction."""
    release = questions.release_by_id(release_id)
    if request.form.get("revision", "") != str(release.head_id):
        raise Conflict("changed_meanwhile")
    given = {name: request.form.get(name, "") for name in ("change", "note", "since")}
    if not release.is_public or given["change"] not in (Change.TYPO, Change.CORRECTION):
        return _change_page(release, given, errors={"change": t("errors.change_unsaid")}), 422
    is_correction = given["change"] == Change.CORRECTION
    try:
        workflow.publish(
            release,
            by=me(),
            at=now(),
            change=Change(given["change"]),
            note=given["note"] if is_correction else "",
            since=int(given["since"]) if given["since"].isdecimal() else None,
        )
    except BadInput as error:
        db.session.rollback()
        wrong = {"note": t(f"errors.{error.key}", **error.facts)}
        return _change_page(questions.release_by_id(release_id), given, errors=wrong), 422
    except NotNow as error:
        if error.key != "preflight_blocks":
            raise
        db.session.rollback()
        flash(t(f"errors.{error.key}", n=error.facts["n"]), "error")
        return redirect(url_for("publishing.show", release_id=release_id))
    db.session.commit()
    jobs.ring("deliver")
    flash(t(f"after.done.{given['change']}"), "success")
    return redirect(url_for("releases.one", release_id=release_id))


@blueprint.get("/<int:release_id>/withdraw")
def ask_to_withdraw(release_id: int) -> ResponseReturnValue:
    """What would happen, in numbers, before anything does."""
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.WITHDRAW, by=me())
    return _withdraw_page(release, {})


@blueprint.post("/<int:release_id>/withdraw")
@only(Role.EDITOR)
def withdraw(release_id: int) -> ResponseReturnValue:
    """Take it back, when the person has said why and shown that they mean this one."""
    release = questions.release_by_id(release_id)
    given = {name: request.form.get(name, "") for name in ("reason", "word", "mail")}
    errors = {}
    if given["word"].strip().casefold() != first_word(release).casefold():
        errors["word"] = t("errors.first_word_differs", word=first_word(release))
    if not given["reason"].strip():
        errors["reason"] = t("errors.withdrawal_needs_reason")
    if errors:
        return _withdraw_page(release, given, errors=errors), 422
    workflow.withdraw(release, reason=given["reason"], mail=bool(given["mail"]), by=me(), at=now())
    db.session.commit()
    jobs.ring("deliver")
    flash(t("releases.done.withdraw"), "success")
    return redirect(url_for("releases.one", release_id=release_id))


def _change_page(
    release: Release, given: dict[str, str], *, errors: dict[str, str] | None = None
) -> str:
    history = publications(release)
    since = int(given["since"]) if given["since"].isdecimal() else None
    numbers = {one.revision.number for one in history}
    language = release.language
    moment = date_and_time(now(), language, organisation().time_zone)
    return render_template(
        "office/releases/change.html",
        release=release,
        given=given,
        errors=errors or {},
        differing=compare(release.live, release.head) if release.live else [],
        history=history,
        reaches={one.revision.number: reach(release, since=one.revision.number) for one in history},
        reach=reach(release, since=since if since in numbers else None),
        label=translate("after.correction", language, moment=moment),
        updated=translate("newsroom.updated", language, moment=moment),
    )


def _withdraw_page(
    release: Release, given: dict[str, str], *, errors: dict[str, str] | None = None
) -> str:
    return render_template(
        "office/releases/withdraw.html",
        release=release,
        given=given,
        errors=errors or {},
        consequences=consequences(release),
        word=first_word(release),
    )


def _figures_differ(release: Release) -> bool:
    return release.live is not None and bool(differing(release.live, release.head))


def _suggested_since(release: Release) -> int | None:
    return wrong_since(release, publications(release))
