"""Staff pages: the desk, and all releases."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me
from releases.editorial import questions, workflow
from releases.editorial.binding import stale_among
from releases.editorial.models import State
from releases.editorial.workflow import Action

blueprint = Blueprint("desk", __name__, url_prefix="/office")


@blueprint.before_request
@auth_required("session")
def _staff() -> None:
    """Nobody comes here without having signed in."""


@blueprint.get("/")
def today() -> ResponseReturnValue:
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
    return render_template("office/desk/today.html", **piles, stale=stale)


@blueprint.get("/releases/")
def releases() -> ResponseReturnValue:
    """All releases, the last changed first, or those in one state."""
    wanted = request.args.get("state", "")
    state = State(wanted) if wanted in set(State) else None
    before = request.args.get("before", type=int)
    page = questions.releases_page(state=state, before=before)
    return render_template(
        "office/desk/releases.html",
        page=page,
        stale=stale_among(page.items),
        state=state,
        states=State,
    )
