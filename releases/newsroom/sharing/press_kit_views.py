"""The button by which a press kit is made again, after something went wrong or was changed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import Role, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.words.language import t
from releases.editorial.questions import release_by_id
from releases.newsroom.sharing import press_kits

blueprint = Blueprint("press_kits", __name__, url_prefix="/office/releases")
signed_in_only(blueprint)


@blueprint.post("/<int:release_id>/press-kit")
@only(Role.EDITOR)
def make(release_id: int) -> ResponseReturnValue:
    """Have it made anew; a worker begins at once."""
    release = release_by_id(release_id)
    press_kits.make_anew(release, at=now())
    db.session.commit()
    flash(t("sharing.kit_begun"), "success")
    return redirect(url_for("releases.one", release_id=release.id, _anchor="press-kit"))
