"""How long things are kept: each rule in plain words, its days, and what it did lately."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me, only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from app.core.words.language import t
from subscribers.mailings import retaining

blueprint = Blueprint("retention", __name__, url_prefix="/office/retention")


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Administrators change it; editors answer for it to those who ask."""


@blueprint.get("/")
def show() -> ResponseReturnValue:
    return _page({})


@blueprint.post("/")
@only(Role.ADMIN)
def save() -> ResponseReturnValue:
    """Other numbers of days; they hold from the next round."""
    given = {rule.name: request.form.get(rule.name, 0, type=int) for rule in retaining.RULES}
    named = {name: days for name, days in given.items() if name in request.form}
    try:
        retaining.change(named, by=me(), at=now())
    except BadInput as error:
        db.session.rollback()
        wrong = [
            rule.name
            for rule in retaining.RULES
            if rule.setting
            and rule.name in named
            and not rule.least <= named[rule.name] <= retaining.LONGEST
        ]
        return _page({name: [t(f"errors.{error.key}", **error.facts)] for name in wrong})
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for("retention.show"))


def _page(errors: dict[str, list[str]]) -> ResponseReturnValue:
    page = render_template(
        "office/retention.html",
        rules=retaining.RULES,
        days_of=retaining.days_of,
        lately=retaining.lately(),
        given=request.form,
        errors=errors,
    )
    return (page, 422) if errors else page
