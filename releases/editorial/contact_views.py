"""The office's pages about the people printed on releases."""

from __future__ import annotations

import re
from typing import Literal

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required
from wtforms import BooleanField, DateField, Field, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional, ValidationError

from app.core.accounts import Role, me, only
from app.core.audit import record
from app.core.clock import now, today
from app.core.db import db
from app.core.forms import Form, Word, email_address, text
from app.core.organisation import organisation
from app.core.words import translate
from app.core.words.language import interface_language
from releases.editorial import contacts
from releases.editorial.contacts import contact_by_id
from releases.editorial.models import Contact

blueprint = Blueprint("contacts", __name__, url_prefix="/office/settings/contacts")


def phone_number(form: Form, field: Field) -> None:
    if field.data and (
        not re.fullmatch(r"\+?[\d\s\u00a0()./–-]+", field.data) or not re.search(r"\d", field.data)
    ):
        raise ValidationError(translate("settings.form.phone", interface_language()))


def _number_or_nobody(value: object) -> int | None:
    return int(str(value)) if value not in (None, "", "None") else None


class ContactForm(Form):
    name = text("settings.contact_name", required=True)
    title_sv = text("settings.title_sv", hint="settings.title_sv_hint")
    title_en = text("settings.title_en", hint="settings.title_en_hint")
    phone = text(
        "settings.phone", hint="settings.phone_hint", most=40, required=True, check=phone_number
    )
    email = text("settings.email", most=254, check=email_address)
    listed = BooleanField(
        Word("look.contact_listed"), description=Word("look.contact_listed_hint"), default=True
    )
    away_from = DateField(Word("preflight.away.from"), validators=[Optional()])
    away_until = DateField(Word("preflight.away.until"), validators=[Optional()])
    deputy_id = SelectField(Word("preflight.away.deputy"), coerce=_number_or_nobody)

    def offer_deputies(self, contact: Contact | None) -> ContactForm:
        """Let the choice be among everybody else."""
        others = [SelectChoice(one.id, one.name) for one in contacts.deputies_for(contact)]
        self.deputy_id.choices = [SelectChoice("", Word("preflight.away.nobody")), *others]
        return self

    def validate_away_until(self, field: Field) -> None:
        if self.away_from.data and field.data and field.data < self.away_from.data:
            raise ValidationError(translate("errors.absence_backwards", interface_language()))


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Who is printed on releases is for editors and admins to say."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    everybody = contacts.everybody()
    return render_template(
        "office/settings/contacts.html",
        printed=[one for one in everybody if one.active],
        taken_off=[one for one in everybody if not one.active],
        today=(day := today(now(), organisation().time_zone)),
        answering={one.id: contacts.answers_for(one, day) for one in everybody},
    )


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    return render_template(
        "office/settings/contact.html", form=ContactForm().offer_deputies(None), contact=None
    )


@blueprint.post("/new")
def create() -> ResponseReturnValue:
    form = ContactForm().offer_deputies(None)
    if not form.validate():
        page = render_template("office/settings/contact.html", form=form, contact=None)
        return page, 422
    return _done(contacts.add(form.data, by=me()), "add")


@blueprint.get("/<int:contact_id>")
def edit(contact_id: int) -> ResponseReturnValue:
    contact = contact_by_id(contact_id)
    form = ContactForm(obj=contact).offer_deputies(contact)
    return render_template("office/settings/contact.html", form=form, contact=contact)


@blueprint.post("/<int:contact_id>")
def save(contact_id: int) -> ResponseReturnValue:
    contact = contact_by_id(contact_id)
    form = ContactForm().offer_deputies(contact)
    if not form.validate():
        page = render_template("office/settings/contact.html", form=form, contact=contact)
        return page, 422
    contacts.change(contact, form.data, by=me())
    return _done(contact, "change")


@blueprint.post("/<int:contact_id>/<any(up, down):to>")
def move(contact_id: int, to: Literal["up", "down"]) -> ResponseReturnValue:
    contact = contact_by_id(contact_id)
    contacts.move(contact, to, by=me())
    _remember(contact, "move")
    db.session.commit()
    return redirect(url_for("contacts.index"))


@blueprint.post("/<int:contact_id>/take-off")
def take_off(contact_id: int) -> ResponseReturnValue:
    contact = contact_by_id(contact_id)
    contacts.take_off(contact, by=me())
    return _done(contact, "take_off")


@blueprint.post("/<int:contact_id>/put-back")
def put_back(contact_id: int) -> ResponseReturnValue:
    contact = contact_by_id(contact_id)
    contacts.put_back(contact, by=me())
    return _done(contact, "put_back")


def _remember(contact: Contact, act: str) -> None:
    record(f"contact.{act}", "contact", contact.id, title=contact.name, by=me(), at=now())


def _done(contact: Contact, act: str) -> ResponseReturnValue:
    _remember(contact, act)
    db.session.commit()
    flash(translate("settings.saved", interface_language()), "success")
    return redirect(url_for("contacts.index"))
