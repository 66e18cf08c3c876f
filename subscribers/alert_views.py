"""The office's page about alerts, who is told of them, and the line at the top of every page."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core import jobs
from app.core.accounts import Role, me, only, signed_in, signed_in_only
from app.core.alerts import PAGE, open_alerts, past_alerts
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.forms import Form, email_address, text
from app.core.organisation import organisation
from app.core.paging import row_before
from app.core.words import translate
from app.core.words.language import interface_language
from subscribers.mailings.watching import alarming
from subscribers.mailings.watching.alarming import Alarm, told

blueprint = Blueprint("alerts", __name__, url_prefix="/office")
signed_in_only(blueprint)


class OperatorForm(Form):
    operator_email = text(
        "alerts.operator_email",
        hint="alerts.operator_email_hint",
        most=254,
        check=email_address,
    )


@blueprint.app_template_global("mailing_alarm")
def mailing_alarm() -> Alarm | None:
    """What the top of the page says to those who can look into it; None when all is well."""
    person = signed_in()
    if person is None or not person.may(Role.WRITER, Role.EDITOR):
        return None
    return alarming.alarm(interface_language(), at=now())


@blueprint.app_template_filter("lasted")
def lasted(length: timedelta) -> str:
    """How long something took, to the minute, the hour or the day: `3 timmar`."""
    minutes = max(1, round(length.total_seconds() / 60))
    for unit, size in (("days", 48 * 60), ("hours", 120)):
        if minutes >= size:
            n = round(minutes / (1440 if unit == "days" else 60))
            return translate(f"alerts.{unit}", interface_language(), n=n)
    return translate("alerts.minutes", interface_language(), n=minutes)


@blueprint.get("/alerts")
@only(Role.WRITER, Role.EDITOR)
def index() -> ResponseReturnValue:
    """The open ones with what to do, then those that are over."""
    language = interface_language()
    found = past_alerts(before=row_before())
    return render_template(
        "office/alerts/index.html",
        open=told(open_alerts(), language),
        past=told(found[:PAGE], language),
        older=found[PAGE - 1].id if len(found) > PAGE else None,
    )


@blueprint.get("/settings/alerts")
@only(Role.ADMIN)
def settings() -> ResponseReturnValue:
    return _settings_page(OperatorForm(obj=organisation()))


@blueprint.post("/settings/alerts")
@only(Role.ADMIN)
def save() -> ResponseReturnValue:
    form = OperatorForm()
    if not form.validate():
        return _settings_page(form), 422
    sender = organisation()
    if sender.operator_email != form.operator_email.data:
        sender.operator_email = form.operator_email.data
        db.session.add(sender)
        record(
            "organisation.change",
            "organisation",
            None,
            by=me(),
            at=now(),
            changed=["operator_email"],
        )
    db.session.commit()
    flash(translate("alerts.saved", interface_language()), "success")
    return redirect(url_for("alerts.settings"))


@blueprint.post("/settings/alerts/test")
@only(Role.ADMIN)
def try_out() -> ResponseReturnValue:
    """A letter that goes the way of the alerts."""
    to = alarming.tell_of_test(at=now())
    db.session.commit()
    jobs.ring("deliver")
    if to:
        said = translate("alerts.tried", interface_language(), n=len(to), who=", ".join(to))
        flash(said, "success")
    else:
        flash(translate("alerts.tried_nobody", interface_language()), "warning")
    return redirect(url_for("alerts.settings"))


def _settings_page(form: OperatorForm) -> str:
    return render_template("office/alerts/settings.html", form=form)
