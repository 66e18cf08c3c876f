"""The office's pages about what came back: bounces, complaints, and what moved nothing.

For editors, since addresses and people's own words stand in it.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, only
from app.core.paging import row_before
from subscribers.mailings.models import InboundKind
from subscribers.mailings.returns import questions

blueprint = Blueprint("returns", __name__, url_prefix="/office/returns")


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Not for writers: what came back names readers."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The list, the newest first, of one kind or of all."""
    which = request.args.get("kind", "")
    return render_template(
        "office/returns/index.html",
        page=questions.came_back(which=which, before=row_before()),
        which=which,
        kinds=[kind for kind in InboundKind if kind is not InboundKind.AUTO_REPLY],
    )


@blueprint.get("/<int:event_id>")
def show(event_id: int) -> ResponseReturnValue:
    """One: what we understood, what followed, and how it came."""
    line = questions.event(event_id)
    head, words = questions.as_it_came(line.event)
    return render_template(
        "office/returns/show.html",
        line=line,
        event=line.event,
        head=head,
        words=words,
        suppressed=questions.caused_suppression(event_id),
    )
