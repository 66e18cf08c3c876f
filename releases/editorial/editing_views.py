"""Staff pages where a release is written: the editing page and its earlier versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import me
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.html import is_web_address
from app.core.words.language import t
from releases.editorial import questions, workflow
from releases.editorial.comparing import compare
from releases.editorial.models import Release, Revision
from releases.editorial.release_views import number, reading_of
from releases.editorial.workflow import Action
from releases.editorial.writing import Text, contacts, figures_of, save, text_of

EXTRA_LINKS = 2

blueprint = Blueprint("editing", __name__, url_prefix="/office/releases")


@blueprint.before_request
@auth_required("session")
def _staff() -> None:
    """Nobody comes here without having signed in."""


@blueprint.get("/<int:release_id>/revisions/<int:revision_id>")
def revision(release_id: int, revision_id: int) -> ResponseReturnValue:
    """An earlier version, and what has changed since."""
    release = questions.release_by_id(release_id)
    chosen = questions.revision_of(release, revision_id)
    return render_template(
        "office/releases/revision.html",
        **reading_of(release, chosen),
        changes=compare(chosen, release.head),
    )


@blueprint.get("/<int:release_id>/edit")
def edit(release_id: int) -> ResponseReturnValue:
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.EDIT, by=me())
    return _editor(release, text_of(release.head), base=release.head)


@blueprint.post("/<int:release_id>/edit")
def save_text(release_id: int) -> ResponseReturnValue:
    """Save as a new revision. A text that cannot be saved comes back with every word."""
    release = questions.release_by_id(release_id)
    base = questions.revision_of(release, number(request.form.get("base", "")))
    text, note = _posted(release), request.form.get("note", "")
    if wrong := _wrong_link(text):
        kept = replace(text.cleaned(), links=text.links)
        return _editor(release, kept, base=base, note=note, error=wrong), 422
    try:
        save(
            release,
            text,
            base_id=base.id,
            by=me(),
            at=now(),
            note=note,
        )
    except Conflict:
        db.session.rollback()
        theirs = questions.release_by_id(release_id)
        again = _editor(theirs, text.cleaned(), base=theirs.head, note=note, conflict_from=base)
        return again, 409
    except BadInput as error:  # no headline
        db.session.rollback()
        wrong = ("headline", t(f"errors.{error.key}", **error.facts))
        return _editor(release, text.cleaned(), base=base, note=note, error=wrong), 422
    db.session.commit()
    flash(t("releases.saved"), "success")
    return redirect(url_for("releases.one", release_id=release_id))


def _editor(
    release: Release,
    text: Text,
    *,
    base: Revision,
    note: str = "",
    conflict_from: Revision | None = None,
    error: tuple[str, str] | None = None,
) -> str:
    """The editing page. `error` is (id of the field, sentence)."""
    round_ = release.story.round
    blank = {"label": "", "url": ""}
    return render_template(
        "office/releases/edit.html",
        **reading_of(release, base),
        text=replace(text, links=[*text.links, *([blank] * EXTRA_LINKS)]),
        base=base,
        theirs=base if conflict_from else None,
        their_changes=compare(conflict_from, base) if conflict_from else [],
        error=error,
        note=note,
        contacts=_offered(release, text),
        figures=figures_of(round_, release.language) if round_ else {},
    )


def _posted(release: Release) -> Text:
    form = request.form
    chosen = {number(value) for value in form.getlist("contact")}
    labels, urls = form.getlist("link_label"), form.getlist("link_url")
    return Text(
        headline=form.get("headline", ""),
        lead=form.get("lead", ""),
        body=form.get("body", ""),
        about_programme=form.get("about_programme", ""),
        contacts=[one for one in _offered(release, None) if one["id"] in chosen],
        links=[
            {"label": label.strip() or url.strip(), "url": url.strip()}
            for label, url in zip(labels, urls, strict=False)
            if label.strip() or url.strip()
        ],
    )


def _offered(release: Release, text: Text | None) -> list[dict[str, Any]]:
    """Contacts to choose from: those of the office, and those the head has printed already."""
    offered = {contact.id: contact.printed(release.language) for contact in contacts()}
    for printed in release.head.contacts:
        offered.setdefault(printed["id"], printed)
    if text is not None:
        chosen = {contact["id"] for contact in text.contacts}
        return [{**one, "chosen": one["id"] in chosen} for one in offered.values()]
    return list(offered.values())


def _wrong_link(text: Text) -> tuple[str, str] | None:
    """The first link that leads nowhere: the id of its field and what is wrong with it."""
    for place, link in enumerate(text.links, 1):
        if not is_web_address(link["url"]):
            said = link["url"] or link["label"]
            return f"link-url-{place}", t("errors.link_unreadable", url=said)
    return None
