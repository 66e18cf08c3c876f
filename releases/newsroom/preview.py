"""A release as its page will look, for those who work here."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.clock import now
from app.core.organisation import organisation
from app.core.words.language import speak
from releases.editorial.models import Release
from releases.editorial.questions import release_by_id
from releases.newsroom.public import release_page
from releases.newsroom.questions import approved_at

blueprint = Blueprint("preview", __name__, url_prefix="/office/releases")


@blueprint.get("/<int:release_id>/preview")
@auth_required("session")
def page(release_id: int) -> ResponseReturnValue:
    """The head, dated as it would be if it went out now, with the round that would go with it."""
    release = release_by_id(release_id)
    speak(release.language)
    return release_page(
        release,
        release.head,
        sender=organisation(),
        moment=_approved_at(release),
        published_at=release.published_at or release.publish_at or now(),
        preview_back=url_for("releases.one", release_id=release.id),
    )


def _approved_at(release: Release) -> datetime | None:
    """When the head was approved; None while it is not."""
    if release.approved_id is None or release.approved_id != release.head_id:
        return None
    return approved_at(release, release.approved_id)
