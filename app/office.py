"""The office's settings: the organisation, the people who may sign in, and each one's language.

The organisation and its people are for admins. The index shows everybody else who may change
something the way to their own part.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, Field, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional, ValidationError

from app.core import people
from app.core.accounts import EVERYBODY, Role, User, me, only, signed_in_only
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound, NotNow
from app.core.forms import (
    Form,
    Word,
    choices,
    email_address,
    long_text,
    required_choice,
    text,
    web_address,
)
from app.core.html import is_web_address
from app.core.organisation import Organisation, Rounding, organisation
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from releases.drafting.drafting import LANGUAGES as SPEECH
from releases.drafting.drafting import HouseStyle

blueprint = Blueprint("office", __name__, url_prefix="/office")
signed_in_only(blueprint)

ROLES = {
    Role.WRITER: "settings.role.writer",
    Role.REVIEWER: "settings.role.reviewer",
    Role.OFFICER: "settings.role.officer",
    Role.EDITOR: "settings.role.editor",
    Role.ADMIN: "settings.role.admin",
}
MAY = {
    Role.WRITER: "settings.may.writer",
    Role.REVIEWER: "settings.may.reviewer",
    Role.OFFICER: "settings.may.officer",
    Role.EDITOR: "settings.may.editor",
    Role.ADMIN: "settings.may.admin",
}
SPOKEN = {"sv": "settings.language.sv", "en": "settings.language.en"}
GLYPHS = {
    "–": "settings.glyph.en_dash",
    "—": "settings.glyph.em_dash",
    "”": "settings.glyph.quotation_mark",
}
ROUNDING = {
    Rounding.NEAREST: "settings.rounding.nearest",
    Rounding.DOWN: "settings.rounding.down",
}
DECIMALS = {
    "0": "settings.rounding_decimals.0",
    "1": "settings.rounding_decimals.1",
    "2": "settings.rounding_decimals.2",
}
HOURS = [SelectChoice(hour, f"{hour:02}:00") for hour in range(24)]
GRACE = {str(minutes): f"settings.grace.{minutes}" for minutes in (10, 30, 60, 180, 720)}
WEEKDAYS = {
    "0": "settings.weekday.0",
    "1": "settings.weekday.1",
    "2": "settings.weekday.2",
    "3": "settings.weekday.3",
    "4": "settings.weekday.4",
    "5": "settings.weekday.5",
    "6": "settings.weekday.6",
}
EXAMPLE = Decimal(10_641_000)


def social_links(form: Form, field: Field) -> None:
    """One on each line: `Facebook | https://…`."""
    for number, line in enumerate(_lines(field.data), 1):
        label, _, url = (part.strip() for part in line.partition("|"))
        if not label or not is_web_address(url):
            word = translate("settings.form.social_line", interface_language(), n=number)
            raise ValidationError(word)


def time_zone(form: Form, field: Field) -> None:
    if field.data not in available_timezones():
        raise ValidationError(translate("settings.form.time_zone", interface_language()))


class OrganisationForm(Form):
    name_sv = text("settings.name_sv", required=True)
    name_en = text("settings.name_en", required=True)
    short_name = text("settings.short_name", hint="settings.short_name_hint", most=60)
    street = text("settings.street")
    postcode = text("settings.postcode", most=20)
    town = text("settings.town", most=100)
    switchboard = text("settings.switchboard", most=40)
    press_email = text(
        "settings.press_email", hint="settings.press_email_hint", most=254, check=email_address
    )
    site = text("settings.site", most=300, check=web_address)
    social_text = long_text("settings.social", hint="settings.social_hint", check=social_links)
    about_sv = long_text("settings.about_sv", hint="settings.about_hint")
    about_en = long_text("settings.about_en", hint="settings.about_hint")
    about_on = DateField(
        Word("settings.about_on"),
        description=Word("settings.about_on_hint"),
        validators=[Optional()],
    )
    time_zone = text(
        "settings.time_zone",
        hint="settings.time_zone_hint",
        most=60,
        required=True,
        check=time_zone,
    )
    quote_glyph = RadioField(
        Word("settings.quote_glyph"),
        description=Word("settings.quote_glyph_hint"),
        choices=choices(GLYPHS.items()),
        validators=[required_choice()],
    )
    digit_at_sentence_start = BooleanField(
        Word("settings.digit_at_sentence_start"),
        description=Word("settings.digit_at_sentence_start_hint"),
    )
    rounding = RadioField(
        Word("settings.rounding"),
        description=Word("settings.rounding_hint"),
        choices=choices(ROUNDING.items()),
        validators=[required_choice()],
    )
    rounding_decimals = RadioField(
        Word("settings.rounding_decimals"),
        choices=choices(DECIMALS.items()),
        validators=[required_choice()],
    )
    embargo_terms_sv = long_text("settings.embargo_terms_sv", hint="settings.embargo_terms_hint")
    embargo_terms_en = long_text("settings.embargo_terms_en", hint="settings.embargo_terms_hint")
    digest_hour = SelectField(
        Word("settings.digest_hour"),
        description=Word("settings.digest_hour_hint"),
        choices=HOURS,
        coerce=int,
    )
    digest_weekday = SelectField(
        Word("settings.digest_weekday"), choices=choices(WEEKDAYS.items()), coerce=int
    )
    grace_minutes = SelectField(
        Word("settings.grace_minutes"),
        description=Word("settings.grace_minutes_hint"),
        choices=choices(GRACE.items()),
        coerce=int,
    )
    mailing_grace_minutes = SelectField(
        Word("settings.mailing_grace_minutes"),
        description=Word("settings.mailing_grace_minutes_hint"),
        choices=choices(GRACE.items()),
        coerce=int,
    )
    four_eyes = BooleanField(
        Word("settings.four_eyes"), description=Word("settings.four_eyes_hint")
    )


class PersonForm(Form):
    """What can be changed about somebody who has an account."""

    name = text("settings.person_name", required=True)
    role = RadioField(
        Word("settings.role"),
        choices=choices(ROLES.items()),
        validators=[required_choice()],
    )
    language = RadioField(
        Word("settings.person_language"),
        choices=choices(SPOKEN.items()),
        validators=[required_choice()],
    )


class NewPersonForm(PersonForm):
    email = text(
        "settings.email",
        hint="settings.email_hint",
        most=254,
        required=True,
        check=email_address,
    )


@blueprint.post("/language")
@only(*EVERYBODY)
def choose_language() -> ResponseReturnValue:
    """The person's own language, from now on, and back to where they were."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        abort(400)
    me().language = language
    db.session.commit()
    return redirect(_own_path(request.form.get("next", "")))


@blueprint.get("/settings/")
@only(Role.EDITOR)
def index() -> ResponseReturnValue:
    return render_template("office/settings/index.html")


@blueprint.get("/settings/organisation")
@only(Role.ADMIN)
def edit_organisation() -> ResponseReturnValue:
    sender = organisation()
    form = OrganisationForm(obj=sender, social_text=_social_text(sender))
    return _organisation_page(form)


@blueprint.post("/settings/organisation")
@only(Role.ADMIN)
def save_organisation() -> ResponseReturnValue:
    form = OrganisationForm()
    if not form.validate():
        return _organisation_page(form), 422
    sender = organisation()
    changed = _fill(sender, form)
    db.session.add(sender)
    if changed:
        record("organisation.change", "organisation", None, by=me(), at=now(), changed=changed)
    db.session.commit()
    _say("settings.saved")
    return redirect(url_for("office.index"))


@blueprint.get("/settings/users/")
@only(Role.ADMIN)
def users() -> ResponseReturnValue:
    everybody = db.session.scalars(sa.select(User).order_by(User.active.desc(), User.name, User.id))
    return render_template("office/settings/users.html", people=everybody.all(), roles=ROLES)


@blueprint.get("/settings/users/new")
@only(Role.ADMIN)
def new_user() -> ResponseReturnValue:
    form = NewPersonForm(role=Role.WRITER.value, language=interface_language())
    return render_template("office/settings/new_user.html", roles=role_options(), form=form)


@blueprint.post("/settings/users/new")
@only(Role.ADMIN)
def create_user() -> ResponseReturnValue:
    """An account with a password that is shown once."""
    form = NewPersonForm()
    if not form.validate():
        return render_template(
            "office/settings/new_user.html", roles=role_options(), form=form
        ), 422
    password = new_password()
    try:
        person = people.add(
            email=form.email.data,
            name=form.name.data,
            role=Role(form.role.data),
            language=form.language.data,
            password=password,
            by=me(),
            at=now(),
        )
        db.session.commit()
    except BadInput as error:
        db.session.rollback()
        form.email.errors = [translate(f"errors.{error.key}", interface_language(), **error.facts)]
        return render_template(
            "office/settings/new_user.html", roles=role_options(), form=form
        ), 422
    return _show_password(person, password)


@blueprint.get("/settings/users/<int:user_id>")
@only(Role.ADMIN)
def edit_user(user_id: int) -> ResponseReturnValue:
    person = _person(user_id)
    form = PersonForm(obj=person, role=person.role.value)
    return render_template(
        "office/settings/user.html", roles=role_options(), form=form, person=person
    )


@blueprint.post("/settings/users/<int:user_id>")
@only(Role.ADMIN)
def save_user(user_id: int) -> ResponseReturnValue:
    person = _person(user_id)
    form = PersonForm()
    if not form.validate():
        return render_template(
            "office/settings/user.html", roles=role_options(), form=form, person=person
        ), 422
    try:
        people.change(
            person,
            name=form.name.data,
            role=Role(form.role.data),
            language=form.language.data,
            by=me(),
            at=now(),
        )
        db.session.commit()
    except NotNow as error:
        db.session.rollback()
        form.role.errors = [translate(f"errors.{error.key}", interface_language(), **error.facts)]
        return render_template(
            "office/settings/user.html", roles=role_options(), form=form, person=person
        ), 422
    _say("settings.saved")
    return redirect(url_for("office.users"))


@blueprint.post("/settings/users/<int:user_id>/deactivate")
@only(Role.ADMIN)
def deactivate(user_id: int) -> ResponseReturnValue:
    """They cannot sign in any more and are signed out everywhere; what they did stays."""
    person = _person(user_id)
    people.deactivate(person, by=me(), at=now())
    db.session.commit()
    _say("settings.deactivated", name=person.name)
    return redirect(url_for("office.users"))


@blueprint.post("/settings/users/<int:user_id>/reactivate")
@only(Role.ADMIN)
def reactivate(user_id: int) -> ResponseReturnValue:
    person = _person(user_id)
    people.reactivate(person, by=me(), at=now())
    db.session.commit()
    _say("settings.reactivated", name=person.name)
    return redirect(url_for("office.users"))


@blueprint.post("/settings/users/<int:user_id>/password")
@only(Role.ADMIN)
def reset_password(user_id: int) -> ResponseReturnValue:
    """A new password, shown once; the old one and every open session end."""
    person = _person(user_id)
    if person.id == me().id:
        return redirect(url_for("security.change_password"))
    password = new_password()
    people.reset_password(person, password, by=me(), at=now())
    db.session.commit()
    return _show_password(person, password)


def roundings() -> list[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """What each choice makes of 10 641 000 kronor: per number of decimals, each rule's words."""
    return [
        (decimals, [(rule.value, _said(rule, int(decimals))) for rule in ROUNDING])
        for decimals in DECIMALS
    ]


def role_options() -> list[tuple[str, str, str]]:
    """Each role with its name and what it may do, in the page's language."""
    language = interface_language()
    return [
        (role.value, translate(ROLES[role], language), translate(MAY[role], language))
        for role in Role
    ]


def new_password() -> str:
    """Easy to read out and to type: four groups of four, without letters that look alike."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _said(rule: Rounding, decimals: int) -> dict[str, str]:
    style = HouseStyle(rounding=rule.value, rounding_decimals=decimals)
    return {
        code: words.rounded(EXAMPLE, currency="SEK", style=style) for code, words in SPEECH.items()
    }


def _organisation_page(form: OrganisationForm) -> str:
    return render_template(
        "office/settings/organisation.html", form=form, rules=ROUNDING, roundings=roundings()
    )


def _show_password(person: User, password: str) -> ResponseReturnValue:
    """The only page that ever shows it. Not a redirect: nothing is to keep it in between."""
    return render_template("office/settings/password.html", person=person, password=password)


def _fill(sender: Organisation, form: OrganisationForm) -> list[str]:
    """Take over what the form says. Returns the names of what changed."""
    names = [column.name for column in Organisation.__table__.columns]
    before = {name: getattr(sender, name) for name in names}
    form.populate_obj(sender)
    sender.rounding = Rounding(form.rounding.data)
    sender.rounding_decimals = int(form.rounding_decimals.data)
    pairs = [line.partition("|") for line in _lines(form.social_text.data)]
    sender.social = [{"label": name.strip(), "url": url.strip()} for name, _, url in pairs]
    return sorted(name for name, value in before.items() if getattr(sender, name) != value)


def _social_text(sender: Organisation) -> str:
    return "\n".join(f"{link['label']} | {link['url']}" for link in sender.social)


def _lines(written: str | None) -> list[str]:
    return [line for line in (written or "").splitlines() if line.strip()]


def _person(user_id: int) -> User:
    found = db.session.get(User, user_id)
    if found is None:
        raise NotFound("no_such_user", email=user_id)
    return found


def _say(key: str, **facts: object) -> None:
    flash(translate(key, interface_language(), **facts), "success")


def _own_path(wanted: str) -> str:
    """A path of this site and nothing else; the desk when it is none."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and not parts.netloc and "\\" not in wanted else "/office/"
