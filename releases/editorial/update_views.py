"""Staff pages that bring a release up to date after its round has changed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict
from app.core.words.language import t
from releases.editorial import questions, workflow
from releases.editorial.binding import Look, bring_up_to_date, update_of
from releases.editorial.workflow import WRITERS, Action

SHOWN = 8

blueprint = Blueprint("updates", __name__, url_prefix="/office/releases")
signed_in_only(blueprint)


@blueprint.get("/<int:release_id>/update")
@only(*WRITERS)
def show(release_id: int) -> ResponseReturnValue:
    """The sentences that would change, and those to look at; nothing is written."""
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.EDIT, by=me())
    update = update_of(release)
    said = update.refreshed.rebound if update.refreshed else ()
    return render_template(
        "office/releases/update.html",
        release=release,
        update=update,
        can_say=any(one.new is not None for one in said),
    )


@blueprint.post("/<int:release_id>/update")
@only(*WRITERS)
def save(release_id: int) -> ResponseReturnValue:
    """Save the text with its figures said anew as a new version."""
    release = questions.release_by_id(release_id)
    before, look = release.head_id, update_of(release).look
    base = request.form.get("base", 0, type=int)
    try:
        bring_up_to_date(release, by=me(), at=now(), base_id=base)
    except Conflict:
        db.session.rollback()
        flash(t("errors.changed_meanwhile"), "error")
        return redirect(url_for(".show", release_id=release_id))
    db.session.commit()
    if release.head_id == before:
        flash(t("releases.update.fresh"), "info")
    elif not look:
        flash(t("releases.update.done"), "success")
    else:
        flash(t("releases.update.done_look"), "success")
        for one in look[:SHOWN]:
            _point_out(one)
        return redirect(url_for("editing.edit", release_id=release_id))
    return redirect(url_for("releases.one", release_id=release_id))


def _point_out(look: Look) -> None:
    """Beside the editor: the sentence, why, and what the template says."""
    said = f"”{look.sentence}” – " if look.sentence else ""
    house = f" {t('releases.update.house')} ”{look.house}”" if look.house else ""
    flash(f"{said}{t(f'releases.update.reason.{look.reason}')}.{house}", "warning")
