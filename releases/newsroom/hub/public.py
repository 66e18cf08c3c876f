"""Our own WebSub hub: where programs say which feed they want to be brought.

No cookie and no CSRF token: the request acts on an address that is asked for its consent before
anything happens, never on a signed-in browser.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotNow
from app.core.jobs import ring
from app.core.organisation import organisation
from app.core.security import csrf, limiter
from app.core.words import translate
from releases.newsroom.hub import following
from releases.newsroom.hub.pinging import OWN_HUB

blueprint = Blueprint("hub", __name__)
csrf.exempt(blueprint)

ASKS = "60 per minute"
FORM_BYTES = 16 * 1024


@blueprint.before_request
def _take_little() -> None:
    request.max_content_length = FORM_BYTES
    request.max_form_memory_size = FORM_BYTES


@blueprint.post(OWN_HUB)
@limiter.limit(ASKS)
def ask() -> ResponseReturnValue:
    """Follow a feed, or stop: 202, and the callback is asked. The reason, when it is refused."""
    if not organisation().own_hub:
        abort(404)
    form = request.form
    try:
        following.ask(
            form.get("hub.mode", ""),
            topic=form.get("hub.topic", ""),
            callback=form.get("hub.callback", ""),
            lease_seconds=form.get("hub.lease_seconds", ""),
            secret=form.get("hub.secret", ""),
            at=now(),
        )
    except (BadInput, NotNow) as error:
        db.session.rollback()
        text = translate(f"errors.{error.key}", "en", **error.facts)
        return _said(text, 400 if isinstance(error, BadInput) else 429)
    db.session.commit()
    ring("confirm_followers")
    return _said("", 202)


def _said(text: str, status: int) -> Response:
    """Plain English, for a program's log."""
    response = Response(f"{text}\n" if text else "", status, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    if status == 429:
        response.headers["Retry-After"] = "600"
    return response
