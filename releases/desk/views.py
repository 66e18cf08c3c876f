"""Staff pages: the desk, and all releases."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, User, me, only
from app.core.clock import now
from app.core.db import db
from app.core.words.language import t
from releases.desk import access
from releases.editorial import questions, workflow
from releases.editorial.binding import stale_among
from releases.editorial.models import State
from releases.editorial.workflow import WRITERS, Action

ID_DIGITS = 15

blueprint = Blueprint("desk", __name__, url_prefix="/office")


@blueprint.before_request
@auth_required("session")
def _staff() -> None:
    """Nobody comes here without having signed in."""


@blueprint.get("/")
def today() -> ResponseReturnValue:
    """What waits for this person, and what is going on."""
    person = me()
    reviewing = questions.waiting(State.IN_REVIEW, to=person) if person.may(Role.EDITOR) else []
    piles = {
        "reviewing": [one for one in reviewing if workflow.may(one, Action.APPROVE, by=person)],
        "approved": questions.waiting(State.APPROVED, to=person) if person.may(Role.EDITOR) else [],
        "returned": questions.waiting(State.SENT_BACK, to=person),
        "drafts": questions.waiting(State.DRAFT, to=person),
        "scheduled": questions.waiting(State.SCHEDULED, to=person),
        "published": questions.releases_page(
            questions.Wanted(state=State.PUBLISHED), to=person
        ).items[:5],
    }
    stale = stale_among(one for pile in piles.values() for one in pile)
    return render_template("office/desk/today.html", **piles, stale=stale)


@blueprint.get("/releases/")
def releases() -> ResponseReturnValue:
    """All releases, the last changed first, or those in one state."""
    wanted = request.args.get("state", "")
    state = State(wanted) if wanted in set(State) else None
    before = request.args.get("before", type=int)
    page = questions.releases_page(questions.Wanted(state=state), to=me(), before=before)
    return render_template(
        "office/desk/releases.html",
        page=page,
        stale=stale_among(page.items),
        state=state,
        states=State,
    )


@blueprint.post("/releases/<int:release_id>/access")
@only(*WRITERS)
def limit_access(release_id: int) -> ResponseReturnValue:
    """Who of the office may see the story: everybody, or the people chosen."""
    release = questions.release_by_id(release_id)
    if request.form.get("limited") == "yes":
        given = request.form.getlist("person")
        chosen = [int(one) for one in given if one.isdecimal() and len(one) <= ID_DIGITS]
        people = db.session.scalars(sa.select(User).where(User.id.in_(chosen), User.active))
        access.limit(release, people, by=me(), at=now())
        db.session.commit()
        flash(t("desk.access.limited"), "success")
    else:
        access.open_up(release, by=me(), at=now())
        db.session.commit()
        flash(t("desk.access.opened"), "success")
    return redirect(url_for("releases.one", release_id=release_id, _anchor="access"))
