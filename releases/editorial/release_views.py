"""Staff pages of releases: the desk, one release with its next step, and the editing page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core import jobs
from app.core.accounts import Role, User, me
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotNow
from app.core.html import gaps, is_web_address
from app.core.organisation import organisation
from app.core.words import translate
from app.core.words.language import interface_language, t
from releases.editorial import fact_check, questions, workflow
from releases.editorial.binding import stale_among, update_of
from releases.editorial.comparing import compare
from releases.editorial.models import Release, Revision, State
from releases.editorial.texts import about_heading
from releases.editorial.workflow import Action
from releases.editorial.writing import Text, contacts, figures_of, save, text_of
from releases.rounds.confirming import ticks

EXTRA_LINKS = 2

blueprint = Blueprint("releases", __name__, url_prefix="/office")


@blueprint.before_request
@auth_required("session")
def _staff() -> None:
    """Nobody comes here without having signed in."""


@blueprint.get("/")
def desk() -> ResponseReturnValue:
    """What waits for this person, and what is going on."""
    person = me()
    reviewing = questions.waiting(State.IN_REVIEW) if person.may(Role.EDITOR) else []
    piles = {
        "reviewing": [one for one in reviewing if workflow.may(one, Action.APPROVE, by=person)],
        "approved": questions.waiting(State.APPROVED) if person.may(Role.EDITOR) else [],
        "returned": questions.waiting(State.SENT_BACK),
        "drafts": questions.waiting(State.DRAFT),
        "scheduled": questions.waiting(State.SCHEDULED),
        "published": questions.releases_page(state=State.PUBLISHED).items[:5],
    }
    stale = stale_among(one for pile in piles.values() for one in pile)
    return render_template("office/releases/desk.html", **piles, stale=stale)


@blueprint.get("/releases/")
def index() -> ResponseReturnValue:
    """All releases, the last changed first, or those in one state."""
    wanted = request.args.get("state", "")
    state = State(wanted) if wanted in set(State) else None
    before = request.args.get("before", type=int)
    page = questions.releases_page(state=state, before=before)
    return render_template(
        "office/releases/index.html",
        page=page,
        stale=stale_among(page.items),
        state=state,
        states=State,
    )


@blueprint.get("/releases/<int:release_id>")
def one(release_id: int) -> ResponseReturnValue:
    """What it says now, where it stands, and the next step."""
    release = questions.release_by_id(release_id)
    person = me()
    live = release.live if release.has_unpublished_changes else None
    update = update_of(release)
    return render_template(
        "office/releases/one.html",
        **_reading(release, release.head),
        may={action.value: workflow.may(release, action, by=person) for action in Action},
        four_eyes=_four_eyes_stand_in_the_way(release, person),
        gaps=gaps(release.head.headline + release.head.lead + release.head.body),
        events=questions.history(release),
        others=questions.other_languages(release),
        since_live=compare(live, release.head) if live else [],
        update=update,
        figure_names=update.names(interface_language()),
        unchecked=_unchecked_rows(release),
        **_facts(release),
    )


@blueprint.post("/releases/<int:release_id>/facts")
def dismiss_finding(release_id: int) -> ResponseReturnValue:
    """A person has looked at a finding of the fact check and says that the words are right."""
    release = questions.release_by_id(release_id)
    wanted = request.form.get("finding", "")
    found = fact_check.finding_of(release, release.head, wanted)
    fact_check.dismiss(release, found, by=me(), at=now())
    db.session.commit()
    flash(t("checking.done"), "success")
    return redirect(url_for(".one", release_id=release.id, _anchor="fact-check"))


@blueprint.get("/releases/<int:release_id>/revisions/<int:revision_id>")
def revision(release_id: int, revision_id: int) -> ResponseReturnValue:
    """An earlier version, and what has changed since."""
    release = questions.release_by_id(release_id)
    chosen = questions.revision_of(release, revision_id)
    return render_template(
        "office/releases/revision.html",
        **_reading(release, chosen),
        changes=compare(chosen, release.head),
    )


@blueprint.get("/releases/<int:release_id>/edit")
def edit(release_id: int) -> ResponseReturnValue:
    release = questions.release_by_id(release_id)
    workflow.find_move(release, Action.EDIT, by=me())
    return _editor(release, text_of(release.head), base=release.head)


@blueprint.post("/releases/<int:release_id>/edit")
def save_edit(release_id: int) -> ResponseReturnValue:
    """Save as a new revision. A text that cannot be saved comes back with every word."""
    release = questions.release_by_id(release_id)
    base = questions.revision_of(release, _number(request.form.get("base", "")))
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
    return redirect(url_for(".one", release_id=release_id))


@blueprint.post("/releases/<int:release_id>/<any(submit, publish, unschedule):action>")
def plain_step(release_id: int, action: str) -> ResponseReturnValue:
    """The steps that need nothing but the button."""
    release = questions.release_by_id(release_id)
    _expect_head(release)
    step = {
        "submit": workflow.submit,
        "publish": workflow.publish,
        "unschedule": workflow.unschedule,
    }[action]
    step(release, by=me(), at=now())
    return _done(release, action)


@blueprint.post("/releases/<int:release_id>/approve")
def approve(release_id: int) -> ResponseReturnValue:
    """Approval of the revision that the person has read."""
    release = questions.release_by_id(release_id)
    read = _number(request.form.get("revision", ""))
    workflow.approve(release, revision_id=read, by=me(), at=now())
    return _done(release, "approve")


@blueprint.post("/releases/<int:release_id>/<any(send_back, withdraw):action>")
def step_with_reason(release_id: int, action: str) -> ResponseReturnValue:
    release = questions.release_by_id(release_id)
    step = {"send_back": workflow.send_back, "withdraw": workflow.withdraw}[action]
    try:
        step(release, reason=request.form.get("reason", ""), by=me(), at=now())
    except BadInput as error:
        return _refused(release, error)
    return _done(release, action)


@blueprint.post("/releases/<int:release_id>/schedule")
def schedule(release_id: int) -> ResponseReturnValue:
    """A moment on the organisation's own clock."""
    release = questions.release_by_id(release_id)
    try:
        moment = _local_moment(request.form.get("publish_at", ""))
        workflow.schedule(release, publish_at=moment, by=me(), at=now())
    except BadInput as error:
        return _refused(release, error)
    return _done(release, "schedule")


def _done(release: Release, action: str) -> ResponseReturnValue:
    db.session.commit()
    if action == "publish":
        jobs.ring("deliver")
    flash(t(f"releases.done.{action}"), "success")
    return redirect(url_for(".one", release_id=release.id))


def _refused(release: Release, error: DomainError) -> ResponseReturnValue:
    db.session.rollback()
    flash(t(f"errors.{error.key}", **error.facts), "error")
    return redirect(url_for(".one", release_id=release.id))


def _expect_head(release: Release) -> None:
    """The button was on a page that showed one revision; it must not act on another."""
    if _number(request.form.get("revision", "")) != release.head_id:
        raise Conflict("changed_meanwhile")


def _four_eyes_stand_in_the_way(release: Release, person: User) -> bool:
    """Whether the only thing between this person and approving is that they wrote the text."""
    return (
        release.state is State.IN_REVIEW
        and person.may(Role.EDITOR)
        and not workflow.may(release, Action.APPROVE, by=person)
    )


def _unchecked_rows(release: Release) -> int:
    """How many rows of its round nobody has compared with the decision."""
    round_id = release.story.round_id
    if round_id is None or release.state is State.WITHDRAWN:
        return 0
    return ticks(round_id).unchecked


def _facts(release: Release) -> dict[str, Any]:
    """What the fact check says of the head; nothing without a round."""
    if release.story.round is None:
        return {}
    language = interface_language()
    facts = fact_check.fact_check(release, release.head)
    return {
        "findings": facts,
        "told": [fact_check.told(one, language) for one in facts.told],
        "marked": fact_check.marked(release.head, facts.told, language=language),
    }


def _reading(release: Release, shown: Revision) -> dict[str, Any]:
    """What the partial that shows a revision needs."""
    return {
        "release": release,
        "revision": shown,
        "heading": about_heading(release),
        "words": translate,
    }


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
        **_reading(release, base),
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
    chosen = {_number(value) for value in form.getlist("contact")}
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
    for number, link in enumerate(text.links, 1):
        if not is_web_address(link["url"]):
            said = link["url"] or link["label"]
            return f"link-url-{number}", t("errors.link_unreadable", url=said)
    return None


def _local_moment(text: str) -> datetime:
    """A wall-clock time from a form, in the organisation's zone. Raises BadInput."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(organisation().time_zone))
    except ValueError:
        raise BadInput("time_unreadable") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise NotNow("changed_meanwhile")
    return int(text)
