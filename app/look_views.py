"""The office's pages about the newsroom's look, and about how accessible it is."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField
from wtforms.validators import Optional

from app.core.accounts import Role, me, only, signed_in_only
from app.core.audit import record
from app.core.clock import now
from app.core.colours import colour, on_dark, on_light
from app.core.db import db
from app.core.errors import BadInput
from app.core.forms import Form, Word, long_text
from app.core.organisation import organisation
from app.core.words.language import t
from app.house import TYPEFACES
from app.looking import dress, made_logo, put_up, take_down

blueprint = Blueprint("look", __name__, url_prefix="/office/settings")
signed_in_only(blueprint)
SHIPPED = "#0d5249"


class AccessibilityForm(Form):
    accessibility_sv = long_text("look.shortcomings_sv", hint="look.shortcomings_hint")
    accessibility_en = long_text("look.shortcomings_en", hint="look.shortcomings_hint")
    accessibility_on = DateField(
        Word("look.looked_on"), description=Word("look.looked_on_hint"), validators=[Optional()]
    )


@blueprint.get("/look")
@only(Role.ADMIN)
def show() -> ResponseReturnValue:
    sender = organisation()
    return _page(accent=sender.accent, typeface=sender.typeface)


@blueprint.post("/look")
@only(Role.ADMIN)
def save() -> ResponseReturnValue:
    """The colour and typeface. Of the two ways to name a colour the one that was used counts."""
    sender, typeface = organisation(), request.form.get("typeface", "")
    written, picked = (request.form.get(name, "") for name in ("accent", "picked"))
    accent = (
        picked
        if written == sender.accent and picked not in ("", _shown(sender.accent))
        else written
    )
    try:
        changed = dress(sender, accent=accent, typeface=typeface, by=me())
    except BadInput as error:
        wrong = t(f"errors.{error.key}", **error.facts)
        return _page(accent=accent, typeface=typeface, error=wrong), 422
    if changed:
        record("organisation.change", "organisation", None, by=me(), at=now(), changed=changed)
    db.session.add(sender)
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for(".show"))


@blueprint.post("/look/logo")
@only(Role.ADMIN)
def save_logo() -> ResponseReturnValue:
    """Put up the logo that was sent, or take down the one there is."""
    sender = organisation()
    if "take-down" in request.form:
        take_down(sender, by=me())
        return _logo_changed()
    file = request.files.get("logo")
    if file is None or not file.filename:
        return _page(
            accent=sender.accent, typeface=sender.typeface, logo_error=t("look.logo_none")
        ), 422
    db.session.commit()  # nothing is open while the picture is worked on
    try:
        logo = made_logo(file.read(), filename=file.filename)
    except BadInput as error:
        wrong = t(f"errors.{error.key}", **error.facts)
        return _page(accent=sender.accent, typeface=sender.typeface, logo_error=wrong), 422
    put_up(sender, logo, by=me())
    return _logo_changed()


@blueprint.get("/accessibility")
@only(Role.ADMIN)
def edit_accessibility() -> ResponseReturnValue:
    return _accessibility_page(AccessibilityForm(obj=organisation()))


@blueprint.post("/accessibility")
@only(Role.ADMIN)
def save_accessibility() -> ResponseReturnValue:
    form = AccessibilityForm()
    if not form.validate():
        return _accessibility_page(form), 422
    sender = organisation()
    names = ("accessibility_sv", "accessibility_en", "accessibility_on")
    changed = [name for name in names if getattr(sender, name) != form[name].data]
    form.populate_obj(sender)
    if changed:
        record("organisation.change", "organisation", None, by=me(), at=now(), changed=changed)
    db.session.add(sender)
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for("office.index"))


def _logo_changed() -> ResponseReturnValue:
    record("organisation.change", "organisation", None, by=me(), at=now(), changed=["logo"])
    db.session.add(organisation())
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for(".show"))


def _page(*, accent: str, typeface: str, error: str = "", logo_error: str = "") -> str:
    shown = _shown(accent)
    return render_template(
        "office/settings/look.html",
        accent=accent,
        shown=shown,
        light=on_light(shown),
        dark=on_dark(shown),
        typeface=typeface,
        typefaces=[(name, t(f"look.typeface.{name or 'shipped'}")) for name in TYPEFACES],
        error=error,
        logo_error=logo_error,
    )


def _accessibility_page(form: AccessibilityForm) -> str:
    return render_template("office/settings/accessibility.html", form=form)


def _shown(accent: str) -> str:
    """The colour that the page shows: what was written, or ours while that is none."""
    try:
        return colour(accent)
    except BadInput:
        return SHIPPED
