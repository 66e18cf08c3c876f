"""The settings page of the hubs: who is told when a feed changes, and how that goes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField

from app.core.accounts import Role, me, only, signed_in_only
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.forms import Form, Word, text, web_address
from app.core.jobs import ring
from app.core.organisation import organisation
from app.core.words import catalogue
from app.core.words.language import interface_language, t
from releases.newsroom.hub.outside import is_good
from releases.newsroom.hub.pinging import OWN_HUB, hub_state, mark_front
from releases.newsroom.wording import base_url

blueprint = Blueprint("hub_settings", __name__, url_prefix="/office/settings/hub")
signed_in_only(blueprint)


class HubForm(Form):
    hub_url = text("hub.hub_url", hint="hub.hub_url_hint", most=500, check=web_address)
    own_hub = BooleanField(Word("hub.own_hub"), description=Word("hub.own_hub_hint"))


@blueprint.get("/")
@only(Role.ADMIN)
def show() -> ResponseReturnValue:
    return _page(HubForm(obj=organisation()))


@blueprint.post("/")
@only(Role.ADMIN)
def save() -> ResponseReturnValue:
    form = HubForm()
    if not form.validate():
        return _page(form), 422
    sender = organisation()
    before = {name: getattr(sender, name) for name in ("hub_url", "own_hub")}
    form.populate_obj(sender)
    if changed := sorted(name for name, was in before.items() if getattr(sender, name) != was):
        db.session.add(sender)
        record("organisation.change", "organisation", None, by=me(), at=now(), changed=changed)
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for(".show"))


@blueprint.post("/tell")
@only(Role.ADMIN)
def tell() -> ResponseReturnValue:
    """Tell the hubs now, to see whether they listen."""
    mark_front(at=now())
    db.session.commit()
    ring("ping_hub")
    flash(t("hub.telling"), "success")
    return redirect(url_for(".show"))


def said(answer: str) -> str:
    """What a hub answered, in words."""
    key = f"hub.answer.{answer}"
    if key in catalogue(interface_language()):
        return t(key)
    return t("hub.answer.good" if is_good(answer) else "hub.answer.bad", status=answer)


def _page(form: HubForm) -> str:
    return render_template(
        "office/settings/hub.html",
        form=form,
        state=hub_state(),
        sender=organisation(),
        said=said,
        own_address=f"{base_url()}{OWN_HUB}",
    )
