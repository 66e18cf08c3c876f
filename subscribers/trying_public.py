"""Where the links of a test mail lead: a page that says that they do nothing, and does nothing.

Not behind secret links: what a test's links hold is no secret and nobody's.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.core.security import behind_secret_links, csrf
from app.core.words.language import speak

blueprint = Blueprint("trying", __name__)
csrf.exempt(blueprint)
behind_secret_links(blueprint)


# Written out: a fixed beginning goes before the pages behind secret links.
@blueprint.get("/unsubscribe/test-<any(sv, en):lang>", defaults={"page": "unsubscribe"})
@blueprint.get("/preferences/test-<any(sv, en):lang>", defaults={"page": "preferences"})
def explain(page: str, lang: str) -> ResponseReturnValue:
    """What the reader of a real mail would do here, and that this is none."""
    speak(lang)
    return render_template("subscribers/test_mail.html", page=page)


@blueprint.post("/unsubscribe/test-<any(sv, en):lang>", defaults={"page": "unsubscribe"})
@blueprint.post("/preferences/test-<any(sv, en):lang>", defaults={"page": "preferences"})
def take_nothing(page: str, lang: str) -> ResponseReturnValue:
    """One click of a mail program (RFC 8058) is answered as ever, and ends nothing."""
    return explain(page, lang)
