"""Staff pages of a release's versions: all of them, two beside each other, an old one restored."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.paging import row_before
from app.core.words.language import t
from releases.editorial import questions, workflow
from releases.editorial.comparing import compare as changes_between
from releases.editorial.comparing import only_form_differs
from releases.editorial.release_views import number
from releases.editorial.revisions import versions_page
from releases.editorial.workflow import WRITERS, Action
from releases.editorial.writing import restore as restore_words

blueprint = Blueprint("versions", __name__, url_prefix="/office/releases")
signed_in_only(blueprint)


@blueprint.get("/<int:release_id>/versions")
def index(release_id: int) -> ResponseReturnValue:
    """Every version, the latest first, and two to choose for comparing."""
    release = questions.release_by_id(release_id)
    before = row_before()
    return render_template(
        "office/releases/versions.html",
        release=release,
        page=versions_page(release, before=before),
        is_first=before is None,
    )


@blueprint.get("/<int:release_id>/compare")
def compare(release_id: int) -> ResponseReturnValue:
    """Two versions, whichever is the older of them first."""
    release = questions.release_by_id(release_id)
    chosen = [number(request.args.get(name, "")) for name in ("old", "new")]
    old, new = (questions.revision_of(release, one) for one in chosen)
    return render_template(
        "office/releases/compare.html",
        release=release,
        old=old,
        new=new,
        changes=changes_between(old, new),
        only_form=only_form_differs(old, new),
    )


@blueprint.post("/<int:release_id>/revisions/<int:revision_id>/restore")
@only(*WRITERS)
def restore(release_id: int, revision_id: int) -> ResponseReturnValue:
    """An old version's words as a new version, on top of the head that the page showed."""
    release = questions.release_by_id(release_id)
    chosen = questions.revision_of(release, revision_id)
    workflow.find_move(release, Action.EDIT, by=me())
    seen = number(request.form.get("revision", ""))
    made = restore_words(release, chosen, base_id=seen, by=me(), at=now())
    db.session.commit()
    if made.id == seen:
        flash(t("editing.restored_same", number=chosen.number), "info")
    else:
        flash(t("editing.restored_done", number=chosen.number), "success")
    return redirect(url_for("releases.one", release_id=release_id))
