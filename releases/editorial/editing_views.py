"""Staff pages where a release is written, alone or together; also its versions in other languages.

What a page asks for by itself while it is open, it is answered in JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import auth_required
from markupsafe import Markup

from app.core.accounts import me, only, signed_in
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.security import csrf, set_policy
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, t
from releases.editorial import autosaving, editing_forms, questions, translating, workflow
from releases.editorial import presence as present
from releases.editorial.autosaving import Unsaved
from releases.editorial.comparing import compare, only_form_differs
from releases.editorial.merging import Clash, Clashing, listed, save_together, settle
from releases.editorial.models import Release, Revision
from releases.editorial.release_views import number, reading_of
from releases.editorial.workflow import WRITERS, Action
from releases.editorial.writing import Text, figures_of, text_of
from releases.review import commenting, signing_off

EXTRA_LINKS = 2
ASKED_BY_PAGES = {"editing.autosave", "editing.presence"}

blueprint = Blueprint("editing", __name__, url_prefix="/office/releases")


@blueprint.before_request
def _staff() -> ResponseReturnValue | None:
    """Nobody comes here without having signed in.

    A page that asks by itself is told so at once; it would take the sign-in page for an answer.
    """
    if request.endpoint not in ASKED_BY_PAGES:
        turned_away: ResponseReturnValue | None = _door()
        return turned_away
    if signed_in() is None:
        return jsonify(error="signed_out"), 401
    if current_app.config["WTF_CSRF_ENABLED"]:  # not before: a session that has ended has no token
        csrf.protect()
    return None


@blueprint.after_request
def _let_preview_in(response: Response) -> Response:
    """The editing page shows the preview in a frame."""
    if request.endpoint in ("editing.edit", "editing.save_text"):
        set_policy(response, frame_src="'self'")
    return response


@auth_required("session")
def _door() -> None:
    """Behind it are those who have signed in."""


@blueprint.get("/<int:release_id>/revisions/<int:revision_id>")
def revision(release_id: int, revision_id: int) -> ResponseReturnValue:
    """An earlier version, and what has changed since."""
    release = questions.release_by_id(release_id)
    chosen = questions.revision_of(release, revision_id)
    return render_template(
        "office/releases/revision.html",
        **reading_of(release, chosen),
        changes=compare(chosen, release.head),
        only_form=only_form_differs(chosen, release.head),
        may_edit=workflow.may(release, Action.EDIT, by=me()),
    )


@blueprint.get("/<int:release_id>/edit")
@only(*WRITERS)
def edit(release_id: int) -> ResponseReturnValue:
    """The head, or with `unsaved` the person's own words that were never saved."""
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.EDIT, by=me())
    unsaved = autosaving.unsaved(release, by=me())
    if unsaved and "unsaved" in request.args:
        text, base = unsaved.text, unsaved.base
        found = [editing_forms.clash_of(one, base, text) for one in unsaved.clashes]
        clashes = [clash for clash in found if clash is not None]
        return _editor(release, text, base=base, note=unsaved.note, taken=unsaved, clashes=clashes)
    return _editor(release, text_of(release.head), base=release.head, unsaved=unsaved)


@blueprint.post("/<int:release_id>/edit")
@only(*WRITERS)
def save_text(release_id: int) -> ResponseReturnValue:
    """Save as a new revision. A text that cannot be saved comes back with every word."""
    release = questions.release_by_id(release_id)
    base = questions.revision_of(release, number(request.form.get("base", "")))
    text, note = editing_forms.posted(release, base), request.form.get("note", "")
    for clash, choice in editing_forms.choices(base, text):
        text = settle(text, clash, choice)
    if wrong := editing_forms.wrong_link(text):
        kept = replace(text.cleaned(), links=text.links)
        return _editor(release, kept, base=base, note=note, error=wrong), 422
    try:
        saved = save_together(release, text, base=base, by=me(), at=now(), note=note)
    except Clashing as clashing:
        db.session.rollback()
        release = questions.release_by_id(release_id)
        head = questions.revision_of(release, clashing.facts["revision"])
        merged = clashing.merged
        return _editor(release, merged.text, base=head, note=note, clashes=merged.clashes), 409
    except BadInput as error:  # no headline
        db.session.rollback()
        wrong = ("headline", t(f"errors.{error.key}", **error.facts))
        return _editor(release, text.cleaned(), base=base, note=note, error=wrong), 422
    autosaving.forget(release, by=me())
    db.session.commit()
    if saved.merged_with:
        names = listed(saved.merged_with, interface_language())
        flash(t("editing.merged_done", names=names), "success")
    else:
        flash(t("releases.saved"), "success")
    return redirect(url_for("releases.one", release_id=release_id))


@blueprint.post("/<int:release_id>/autosave")
@only(*WRITERS)
def autosave(release_id: int) -> ResponseReturnValue:
    """Keep what stands in the form. The release is as it was."""
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.EDIT, by=me())
    base = questions.revision_of(release, number(request.form.get("base", "")))
    at = now()
    autosaving.keep(
        release,
        editing_forms.posted(release, base),
        base=base,
        note=request.form.get("note", ""),
        clashes=request.form.getlist("clash"),
        by=me(),
        at=at,
    )
    db.session.commit()
    return jsonify(saved_at=at.isoformat())


@blueprint.post("/<int:release_id>/unsaved/forget")
@only(*WRITERS)
def forget_unsaved(release_id: int) -> ResponseReturnValue:
    """Throw the person's own unsaved words away."""
    release = questions.release_by_id(release_id)
    autosaving.forget(release, by=me())
    db.session.commit()
    flash(t("editing.unsaved.forgotten"), "success")
    return redirect(url_for(".edit", release_id=release_id))


@blueprint.post("/<int:release_id>/presence")
@only(*WRITERS)
def presence(release_id: int) -> ResponseReturnValue:
    """This person has the page open; who else has, and which revision is the head."""
    release, at = questions.release_by_id(release_id), now()
    present.seen(release, by=me(), at=at)
    db.session.commit()
    author = release.head.author
    return jsonify(
        others=present.others(release, but=me(), at=at),
        head=release.head_id,
        head_by=author.name if author else None,
    )


for view in (autosave, presence):
    csrf.exempt(view)  # `_staff` asks for the token, once it knows that somebody is there


@blueprint.post("/<int:release_id>/versions/<language>")
@only(*WRITERS)
def begin_version(release_id: int, language: str) -> ResponseReturnValue:
    """A version in another language, made from this one."""
    if language not in LANGUAGES:
        raise NotFound("language_unknown")
    original = questions.release_by_id(release_id)
    made = translating.begin(original, language, by=me(), at=now())
    db.session.commit()
    flash(t("editing.begun"), "success")
    return redirect(url_for(".edit", release_id=made.id))


@blueprint.post("/<int:release_id>/follows")
@only(*WRITERS)
def follow_original(release_id: int) -> ResponseReturnValue:
    """Somebody has seen what changed in the original: this version follows it again."""
    release = questions.release_by_id(release_id)
    seen = number(request.form.get("revision", ""))
    translating.follow(release, revision_id=seen, by=me(), at=now())
    db.session.commit()
    assert release.follows is not None
    flash(t("editing.behind.followed", number=release.follows.number), "success")
    return redirect(url_for("releases.one", release_id=release_id))


def _editor(
    release: Release,
    text: Text,
    *,
    base: Revision,
    note: str = "",
    clashes: Sequence[Clash] = (),
    unsaved: Unsaved | None = None,
    taken: Unsaved | None = None,
    error: tuple[str, str] | None = None,
) -> str:
    """The editing page. `error` is (id of the field, sentence).

    `unsaved` are words that the person may go on with, `taken` those that stand in the editor.
    """
    round_ = release.story.round
    blank = {"label": "", "url": ""}
    people = editing_forms.people(release, text)
    return render_template(
        "office/releases/edit.html",
        **reading_of(release, base),
        text=replace(text, links=[*text.links, *([blank] * EXTRA_LINKS)]),
        base=base,
        clashes=[editing_forms.shown(one) for one in clashes],
        unsaved=unsaved,
        taken=taken,
        error=error,
        note=note,
        contacts=people,
        comments=commenting.for_editor(release),
        quotes=signing_off.for_editor(release),
        figures=figures_of(round_, release.language) if round_ else {},
        embeds=[*editing_forms.embeds(release, text, people)],
        chosen={
            "image": {one["id"] for one in text.images},
            "document": {one["id"] for one in text.documents},
        },
        original=_original(release),
        saved_at=taken.saved_at if taken else None,
        is_behind=translating.is_behind(release),
        original_changes=translating.changes_since(release),
        autosave_url=url_for(".autosave", release_id=release.id),
        presence_url=url_for(".presence", release_id=release.id),
        preview_url=url_for("preview.page", release_id=release.id),
    )


def _original(release: Release) -> dict[str, Any] | None:
    """The text that this one is a version of, as it stands now."""
    if release.original is None:
        return None
    head = release.original.head
    shown = {part: Markup(getattr(head, part)) for part in ("headline", "lead", "body")}  # noqa: S704 - cleaned when it was saved
    return {**shown, "language": release.original.language, "release_id": release.original_id}
