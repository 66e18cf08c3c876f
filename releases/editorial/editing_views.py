"""Staff pages where a release is written, alone or together; also its versions in other languages.

What a page asks for by itself while it is open, it is answered in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
from app.core.html import clean, clean_inline, embedded, is_web_address, plain
from app.core.security import csrf, set_policy
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, t
from releases.editorial import autosaving, questions, translating, workflow
from releases.editorial import presence as present
from releases.editorial.autosaving import Unsaved
from releases.editorial.comparing import changes, compare, only_form_differs
from releases.editorial.merging import (
    BETWEEN,
    LISTS,
    WHOLE,
    Clash,
    Clashing,
    listed,
    save_together,
    settle,
)
from releases.editorial.models import Release, Revision
from releases.editorial.release_views import number, reading_of
from releases.editorial.workflow import WRITERS, Action
from releases.editorial.writing import Text, contacts, figures_of, text_of
from releases.media.embedding import site_address
from releases.media.questions import documents_of, images_of
from releases.media.renditions import widths

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
        found = [_clash(one, base, text) for one in unsaved.clashes]
        clashes = [clash for clash in found if clash is not None]
        return _editor(release, text, base=base, note=unsaved.note, taken=unsaved, clashes=clashes)
    return _editor(release, text_of(release.head), base=release.head, unsaved=unsaved)


@blueprint.post("/<int:release_id>/edit")
@only(*WRITERS)
def save_text(release_id: int) -> ResponseReturnValue:
    """Save as a new revision. A text that cannot be saved comes back with every word."""
    release = questions.release_by_id(release_id)
    base = questions.revision_of(release, number(request.form.get("base", "")))
    text, note = _posted(release, base), request.form.get("note", "")
    for clash, choice in _choices(base, text):
        text = settle(text, clash, choice)
    if wrong := _wrong_link(text):
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
        _posted(release, base),
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
    images, documents = _images(release, text), _documents(release, text)
    people = _offered(release, text)
    return render_template(
        "office/releases/edit.html",
        **reading_of(release, base),
        text=replace(text, links=[*text.links, *([blank] * EXTRA_LINKS)]),
        base=base,
        clashes=[_shown(one) for one in clashes],
        unsaved=unsaved,
        taken=taken,
        error=error,
        note=note,
        contacts=people,
        figures=figures_of(round_, release.language) if round_ else {},
        embeds=[*_embeds(images, documents, people)],
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


# The form


def _posted(release: Release, base: Revision) -> Text:
    form = request.form
    body = clean(form.get("body", ""))
    labels, urls = form.getlist("link_label"), form.getlist("link_url")
    on_top = text_of(base)
    return Text(
        headline=form.get("headline", ""),
        lead=form.get("lead", ""),
        body=body,
        about_programme=form.get("about_programme", ""),
        contacts=_chosen("contact", body, _offered(release, on_top)),
        links=[
            {"label": label.strip() or url.strip(), "url": url.strip()}
            for label, url in zip(labels, urls, strict=False)
            if label.strip() or url.strip()
        ],
        images=_chosen("image", body, _images(release, on_top)),
        documents=_chosen("document", body, _documents(release, on_top)),
    )


def _chosen(kind: str, body: str, offered: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the form has ticked, and what stands in the text itself."""
    ticked = {number(value) for value in request.form.getlist(kind)} | {*embedded(body, kind)}
    return [
        {name: value for name, value in one.items() if name != "chosen"}
        for one in offered
        if one["id"] in ticked
    ]


def _offered(release: Release, text: Text) -> list[dict[str, Any]]:
    """Contacts to choose from: those of the office, and those that are printed already."""
    mine = [contact.printed(release.language) for contact in contacts()]
    return _with_printed(mine, text.contacts, release.head.contacts)


def _images(release: Release, text: Text) -> list[dict[str, Any]]:
    stored = [one.printed(release.language) for one in images_of(release.story_id)]
    return _with_printed(stored, text.images, release.head.images)


def _documents(release: Release, text: Text) -> list[dict[str, Any]]:
    stored = [one.printed(release.language) for one in documents_of(release.story_id)]
    return _with_printed(stored, text.documents, release.head.documents)


def _with_printed(
    stored: Iterable[dict[str, Any]], *printed: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What may be chosen, each once and as it is now; what is there no more as it was printed."""
    offered = {one["id"]: one for one in stored}
    for one in (one for many in printed for one in many):
        offered.setdefault(one["id"], one)
    chosen = {one["id"] for one in printed[0]}
    return [{**one, "chosen": one["id"] in chosen} for one in offered.values()]


def _embeds(
    images: Iterable[dict[str, Any]],
    documents: Iterable[dict[str, Any]],
    people: Iterable[dict[str, Any]],
) -> Iterable[dict[str, Any]]:
    """What can be put into the text, as the editor shows it."""
    for one in images:
        label = one["caption"] or one["filename"]
        small = site_address(one["key"], f"{widths(one['width'])[0]}.webp")
        yield {"kind": "image", "id": one["id"], "label": label, "src": small, "alt": one["alt"]}
    for one in documents:
        yield {"kind": "document", "id": one["id"], "label": one["title"], "src": "", "alt": ""}
    for one in people:
        yield {"kind": "contact", "id": one["id"], "label": one["name"], "src": "", "alt": ""}


def _choices(base: Revision, text: Text) -> Iterable[tuple[Clash, str]]:
    """The places where the page showed two texts, and which the person wants.

    Things of lists are named by their number alone and looked up.
    """
    for at, given in enumerate(request.form.getlist("clash")):
        choice = request.form.get(f"choice-{at}", "mine")
        if (clash := _clash(given, base, text)) is not None:
            yield clash, choice


def _clash(given: str, base: Revision, text: Text) -> Clash | None:
    """A clash as a page carried it; None for what no page of ours wrote."""
    try:
        told = json.loads(given)
        part = str(told["part"])
        if part in LISTS:
            theirs, mine = getattr(text_of(base), part), getattr(text, part)
            sides = _numbered(theirs, told["id"]), _numbered(mine, told["id"])
            return Clash(part, *sides) if any(sides) else None
        if part not in (*WHOLE, *BETWEEN):
            return None
        return Clash(part, *(_safe(part, str(told[n])) for n in ("theirs", "mine", "after")))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _safe(part: str, words: str) -> str:
    if part == "about_programme":  # plain text, escaped where it is shown
        return words
    return clean(words) if part == "body" else clean_inline(words)


def _numbered(things: Iterable[dict[str, Any]], wanted: object) -> tuple[dict[str, Any], ...]:
    return tuple(one for one in things if one.get("id") == wanted)


def _shown(clash: Clash) -> dict[str, Any]:
    """A clash as the page shows it, and as its form carries it to the next save."""
    if clash.part in LISTS:
        [one] = {thing["id"] for side in (clash.mine, clash.theirs) for thing in _things(side)}
        carried: dict[str, Any] = {"part": clash.part, "id": one}
        sides = [", ".join(map(_name, _things(side))) for side in (clash.mine, clash.theirs)]
    else:
        carried = {name: getattr(clash, name) for name in ("part", "theirs", "mine", "after")}
        is_html = clash.part != "about_programme"
        sides = [Markup(one) if is_html else str(one) for one in (clash.mine, clash.theirs)]  # noqa: S704 - cleaned by whoever saved it
    return {
        "part": clash.part,
        "mine": sides[0],
        "theirs": sides[1],
        "difference": changes(*map(plain, sides)) if all(sides) else [],
        "carried": json.dumps(carried),
        "may_keep_both": clash.part not in (*LISTS, "headline"),
    }


def _things(side: str | tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    return side if isinstance(side, tuple) else ()


def _name(thing: dict[str, Any]) -> str:
    """A contact, picture or document in a line."""
    names = ("name", "title", "caption", "filename", "phone", "email", "alt", "credit")
    return ", ".join(str(thing[one]) for one in names if thing.get(one))


def _wrong_link(text: Text) -> tuple[str, str] | None:
    """The first link that leads nowhere: the id of its field and what is wrong with it."""
    for place, link in enumerate(text.links, 1):
        if not is_web_address(link["url"]):
            said = link["url"] or link["label"]
            return f"link-url-{place}", t("errors.link_unreadable", url=said)
    return None
