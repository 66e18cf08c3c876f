"""The staff page where a release gets another address."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import Role, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from app.core.words.language import t
from releases.editorial.models import Release
from releases.editorial.questions import release_by_id
from releases.newsroom import addressing
from releases.newsroom.wording import base_url

blueprint = Blueprint("addresses", __name__, url_prefix="/office/releases/<int:release_id>/address")
signed_in_only(blueprint)


@blueprint.get("/")
@only(Role.EDITOR)
def page(release_id: int) -> ResponseReturnValue:
    """What its address is, what it could be, and which old ones lead to it."""
    release = release_by_id(release_id)
    return _page(release, slug=addressing.proposed(release))


@blueprint.post("/")
@only(Role.EDITOR)
def move(release_id: int) -> ResponseReturnValue:
    """Another address from now on; the old one leads to it."""
    release, slug = release_by_id(release_id), request.form.get("slug", "")
    try:
        addressing.move(release, slug=slug, take=request.form.get("take") == "1", by=me(), at=now())
    except BadInput as error:
        db.session.rollback()
        release = release_by_id(release_id)
        wrong = t(f"errors.{error.key}", **error.facts)
        may_take = error.key == "address_leads_elsewhere"
        return _page(release, slug=slug, wrong=wrong, may_take=may_take), 422
    db.session.commit()
    flash(t("machines.address.done"), "success")
    return redirect(url_for("releases.one", release_id=release_id))


def _page(release: Release, **more: object) -> str:
    return render_template(
        "office/releases/address.html",
        release=release,
        begins=f"{base_url()}/{release.language}/releases/",
        old_paths=addressing.old_paths(release),
        **more,
    )
