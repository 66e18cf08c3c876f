"""Staff pages of one release: what it says, where it stands, and the next step."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import jobs
from app.core.accounts import KEEPERS, Role, User, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotNow
from app.core.words import translate
from app.core.words.language import interface_language, t
from releases.desk import access
from releases.desk.asking import facts_of
from releases.desk.steps import next_step
from releases.editorial import fact_check, preflight_page, publications, questions, topics, workflow
from releases.editorial.binding import update_of
from releases.editorial.comparing import compare
from releases.editorial.models import Release, Revision, State
from releases.editorial.texts import about_heading
from releases.editorial.translating import changes_since, is_behind
from releases.editorial.workflow import JUDGES, WRITERS, Action
from releases.newsroom import addressing
from releases.newsroom.sharing import press_kits
from releases.review import commenting, deciding, embargo, signing_off

blueprint = Blueprint("releases", __name__, url_prefix="/office")
signed_in_only(blueprint)


@blueprint.get("/releases/<int:release_id>")
def one(release_id: int) -> ResponseReturnValue:
    """What it says now, where it stands, and the next step."""
    release = questions.release_by_id(release_id)
    person = me()
    live = release.live if release.has_unpublished_changes else None
    update = update_of(release)
    return render_template(
        "office/releases/one.html",
        **reading_of(release, release.head),
        may={action.value: workflow.may(release, action, by=person) for action in Action},
        four_eyes=_four_eyes_stand_in_the_way(release, person),
        events=questions.history(release),
        others=questions.other_languages(release),
        since_live=compare(live, release.head) if live else [],
        original_changes=changes_since(release) if is_behind(release) else None,
        may_begin=person.may(*WRITERS),
        update=update,
        figure_names=update.names(interface_language()),
        **_facts(release),
        **preflight_page.panel(release, person),
        **publications.panel(release),
        **signing_off.panel(release, person),
        **embargo.panel(release, person),
        **access.panel(release, person),
        **topics.panel(release, person),
        **addressing.panel(release, person),
        **press_kits.panel(release, person),
        step=next_step(release, person, facts_of([release], person)[release.id]),
        **deciding.panel(release, person),
        **commenting.panel(release, person),
    )


@blueprint.post("/releases/<int:release_id>/facts")
@only(*KEEPERS)
def dismiss_finding(release_id: int) -> ResponseReturnValue:
    """A person has looked at a finding of the fact check and says that the words are right."""
    release = questions.release_by_id(release_id)
    wanted = request.form.get("finding", "")
    found = fact_check.finding_of(release, release.head, wanted)
    fact_check.dismiss(release, found, by=me(), at=now())
    db.session.commit()
    flash(t("checking.done"), "success")
    return redirect(url_for(".one", release_id=release.id, _anchor="fact-check"))


@blueprint.post("/releases/<int:release_id>/<any(publish, unschedule, reinstate):action>")
@only(*WRITERS)
def plain_step(release_id: int, action: str) -> ResponseReturnValue:
    """The steps that need nothing but the button."""
    release = questions.release_by_id(release_id)
    _expect_head(release)
    if action == "publish" and release.is_public:
        return redirect(url_for("after.change", release_id=release.id))
    if action == "publish":
        return _publish(release)
    if action == "unschedule":
        workflow.unschedule(release, by=me(), at=now())
    else:
        workflow.reinstate(release, by=me(), at=now())
    return _done(release, action)


@blueprint.post("/releases/<int:release_id>/approve")
@only(Role.EDITOR)
def approve(release_id: int) -> ResponseReturnValue:
    """Approval of the revision that the person has read."""
    release = questions.release_by_id(release_id)
    read = number(request.form.get("revision", ""))
    workflow.approve(release, revision_id=read, by=me(), at=now())
    return _done(release, "approve")


@blueprint.post("/releases/<int:release_id>/send_back")
@only(*JUDGES)
def send_back(release_id: int) -> ResponseReturnValue:
    """To the writer again, with what should change."""
    release = questions.release_by_id(release_id)
    try:
        workflow.send_back(release, reason=request.form.get("reason", ""), by=me(), at=now())
    except BadInput as error:
        return _refused(release, error)
    return _done(release, "send_back")


def _publish(release: Release) -> ResponseReturnValue:
    """Out now. What stands in the way is told by the preflight, beside how to put it right."""
    asked = request.form.getlist("mail")  # an empty one says that the form had the choice
    try:
        workflow.publish(release, mail=any(asked) if asked else None, by=me(), at=now())
    except NotNow as error:
        if error.key != "preflight_blocks":
            raise
        db.session.rollback()
        flash(t(f"errors.{error.key}", n=error.facts["n"]), "error")
        return redirect(url_for("publishing.show", release_id=release.id))
    return _done(release, "publish")


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
    if number(request.form.get("revision", "")) != release.head_id:
        raise Conflict("changed_meanwhile")


def _four_eyes_stand_in_the_way(release: Release, person: User) -> bool:
    """Whether the only thing between this person and approving is that they wrote the text."""
    return (
        release.state is State.IN_REVIEW
        and person.may(Role.EDITOR)
        and not workflow.may(release, Action.APPROVE, by=person)
    )


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


def reading_of(release: Release, shown: Revision) -> dict[str, Any]:
    """What the partial that shows a revision needs."""
    return {
        "release": release,
        "revision": shown,
        "heading": about_heading(release),
        "words": translate,
    }


def number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise NotNow("changed_meanwhile")
    return int(text)
