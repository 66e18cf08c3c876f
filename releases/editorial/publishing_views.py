"""Staff pages of what stands between a release and its publication, and of its hour."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.core.accounts import Role, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.organisation import organisation
from app.core.words.language import interface_language, t
from releases.editorial import preflight, questions, workflow
from releases.editorial.models import Release
from releases.editorial.preflight_page import (
    filled_in,
    how_long,
    schedule_of,
    suggestions,
    whole,
)
from releases.editorial.scheduling import Twice, moment, parse_clock, parse_day, spoken
from releases.editorial.workflow import Action

FIELDS = ("day", "time", "fold", "mail", "mail_day", "mail_time", "mail_fold")
FOLDS = {"time": "fold", "mail_time": "mail_fold"}
Fields = MultiDict[str, str]

blueprint = Blueprint("publishing", __name__, url_prefix="/office/releases")
signed_in_only(blueprint)


@blueprint.get("/<int:release_id>/preflight")
def show(release_id: int) -> ResponseReturnValue:
    """Every line, how to put it right, and at its end the way out."""
    release = questions.release_by_id(release_id)
    return _page(release, request.args)


@blueprint.post("/<int:release_id>/preflight/take-on")
@only(Role.EDITOR)
def take_on(release_id: int) -> ResponseReturnValue:
    """Somebody takes a blocking line upon themselves."""
    release = questions.release_by_id(release_id)
    if request.form.get("revision", "") != str(release.head_id):
        raise Conflict("changed_meanwhile")
    key, reason = request.form.get("line", ""), request.form.get("reason", "")
    try:
        preflight.override(release, key, reason=reason, by=me(), at=now())
    except BadInput as error:
        db.session.rollback()
        wrong = {"line": key, "reason": reason, "text": t(f"errors.{error.key}", **error.facts)}
        return _page(questions.release_by_id(release_id), request.args, wrong_reason=wrong), 422
    db.session.commit()
    flash(t("preflight.taken_on_done"), "success")
    return redirect(url_for(".show", release_id=release.id))


@blueprint.post("/<int:release_id>/schedule")
@only(Role.EDITOR)
def schedule(release_id: int) -> ResponseReturnValue:
    """A moment on the organisation's own clock, and whether and when it is mailed."""
    release = questions.release_by_id(release_id)
    form, at = request.form, now()
    errors: dict[str, BadInput] = {}
    publish_at = _asked(form, "day", "time", "fold", errors)
    mail_at = None
    if form.get("mail") == "later":
        mail_at = _asked(form, "mail_day", "mail_time", "mail_fold", errors)
    if publish_at is not None and not errors:
        try:
            workflow.schedule(
                release,
                publish_at=publish_at,
                mail_at=mail_at,
                mail_wanted=form.get("mail") != "none",
                by=me(),
                at=at,
            )
        except BadInput as error:
            field = "mail_time" if error.key == "mail_before_publication" else "time"
            errors[field] = error
    if errors:
        db.session.rollback()
        return _page(questions.release_by_id(release_id), form, errors=errors), 422
    db.session.commit()
    assert publish_at is not None
    said = spoken(publish_at, interface_language(), organisation().time_zone)
    flash(t("schedule.done", moment=said, left=how_long(at, publish_at)), "success")
    return redirect(url_for("releases.one", release_id=release.id))


@blueprint.get("/<int:release_id>/schedule/spoken")
def said(release_id: int) -> ResponseReturnValue:
    """What a day and a time are in words, for the form while it is being filled in."""
    questions.release_by_id(release_id)
    errors: dict[str, BadInput] = {}
    at = now()
    asked = _asked(request.args, "day", "time", "fold", errors)
    if asked is None:
        error = errors["time"]
        return jsonify(wrong=t(f"errors.{error.key}", **error.facts))
    if asked <= at:
        return jsonify(wrong=t("errors.time_has_passed"))
    words = spoken(asked, interface_language(), organisation().time_zone)
    return jsonify(says=f"{words}, {how_long(at, asked)}")


def _asked(
    form: Fields, day: str, time: str, fold: str, errors: dict[str, BadInput]
) -> datetime | None:
    """The moment that a form asks for; what is wrong with it is added to `errors`."""
    chosen = {"0": 0, "1": 1}.get(form.get(fold, ""))
    zone = organisation().time_zone
    try:
        return moment(parse_day(form.get(day, "")), parse_clock(form.get(time, "")), zone, chosen)
    except BadInput as error:
        errors[time] = error
        return None


def _page(
    release: Release,
    given: Fields,
    *,
    errors: dict[str, BadInput] | None = None,
    wrong_reason: dict[str, str] | None = None,
) -> str:
    at, person = now(), me()
    lines = preflight.preflight(release, at=at)
    form = filled_in(release, at=at)
    form |= {name: given[name] for name in FIELDS if name in given}
    return render_template(
        "office/releases/preflight.html",
        release=release,
        preflight=whole(release, lines, person),
        blocking=len(preflight.blocking(lines)),
        may={action.value: workflow.may(release, action, by=person) for action in Action},
        wrong_reason=wrong_reason or {},
        **schedule_form(release, form, errors or {}, at=at),
    )


def schedule_form(
    release: Release, form: dict[str, str], errors: dict[str, BadInput], *, at: datetime
) -> dict[str, Any]:
    """What the form of the hour needs. `folds` are the two readings of a time that comes twice."""
    twice = {name for name, one in errors.items() if isinstance(one, Twice)}
    twice |= {name for name, fold in FOLDS.items() if form.get(fold)}
    return {
        "schedule": schedule_of(release, at=at),
        "form": form,
        "good_times": suggestions(at),
        "wrong": {name: t(f"errors.{one.key}", **one.facts) for name, one in errors.items()},
        "folds": {
            name: [(n, t(f"schedule.which.{n}", time=form.get(name, ""))) for n in ("0", "1")]
            for name in twice
        },
        "mail_choices": [(one, t(f"schedule.mail.{one}")) for one in ("with", "later", "none")],
        "shortest": preflight.SHORTEST_REASON,
    }
