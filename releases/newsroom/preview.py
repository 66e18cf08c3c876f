"""A release as its page will look, for those who work here."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.clock import now
from app.core.organisation import organisation
from app.core.words.language import speak
from releases.editorial.questions import release_by_id
from releases.newsroom.public import release_page

blueprint = Blueprint("preview", __name__, url_prefix="/office/releases")


@blueprint.get("/<int:release_id>/preview")
@auth_required("session")
def page(release_id: int) -> ResponseReturnValue:
    """The head, dated as it would be if it went out now."""
    release = release_by_id(release_id)
    speak(release.language)
    return release_page(
        release,
        release.head,
        sender=organisation(),
        published_at=release.published_at or release.publish_at or now(),
        preview_back=url_for("releases.one", release_id=release.id),
    )
