"""The settings page of the preflight: what blocks, what is pointed out, what is not looked at."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me, only
from app.core.clock import now
from app.core.db import db
from app.core.words.language import t
from releases.editorial.preflight import (
    GROUPS,
    NOT_OFF,
    SHIPPED,
    UNCHANGING,
    Weight,
    weigh,
    weights_here,
)

blueprint = Blueprint("preflight_settings", __name__, url_prefix="/office/settings/preflight")


@blueprint.before_request
@auth_required("session")
@only(Role.ADMIN)
def _admins_only() -> None:
    """What this office demands of a text is for its administrators to say."""


@blueprint.get("/")
def show() -> ResponseReturnValue:
    return render_template(
        "office/settings/preflight.html",
        groups=GROUPS,
        weights=(weights := weights_here()),
        choices={code: _choices(code) for code in SHIPPED},
        shipped=SHIPPED,
        lowered=NOT_OFF,
        differs=weights != SHIPPED,
    )


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """The weight of each line that was chosen; what was not sent stays as shipped."""
    choices = {code: request.form[code] for code in SHIPPED if code in request.form}
    weigh(choices, by=me(), at=now())
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for(".show"))


@blueprint.post("/shipped")
def back() -> ResponseReturnValue:
    """Everything as it was shipped."""
    weigh({}, by=me(), at=now())
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for(".show"))


def _choices(code: str) -> list[Weight]:
    if code in UNCHANGING:
        return []
    return [weight for weight in Weight if not (weight is Weight.OFF and code in NOT_OFF)]
