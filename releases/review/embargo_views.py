"""Staff pages about who may read a release before it is public, and who has."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import jobs
from app.core.accounts import Role, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotNow
from app.core.paging import row_before
from app.core.words.language import t
from releases.editorial.models import Release
from releases.editorial.questions import release_by_id
from releases.review import embargo, inviting

blueprint = Blueprint("embargoes", __name__, url_prefix="/office/releases/<int:release_id>/embargo")
signed_in_only(blueprint)


@blueprint.get("/")
def page(release_id: int) -> ResponseReturnValue:
    """Who has a link, and what they have seen."""
    return _page(release_by_id(release_id))


@blueprint.post("/let-in")
@only(Role.EDITOR)
def let_in(release_id: int) -> ResponseReturnValue:
    """A link for each person on the lines that were written; all of them or nobody."""
    release, at, by = release_by_id(release_id), now(), me()
    try:
        people = embargo.people_in(request.form.get("people", ""))
        for person in people:
            embargo.let_in(
                release,
                name=person.name,
                email=person.email,
                organisation=person.organisation,
                by=by,
                at=at,
            )
    except BadInput as error:
        db.session.rollback()
        wrong = t(f"errors.{error.key}", **error.facts)
        written = request.form.get("people", "")
        return _page(release_by_id(release_id), wrong=wrong, written=written), 422
    db.session.commit()
    jobs.ring("deliver")
    return _done(release_id, "embargo.done.let_in", n=len(people))


@blueprint.post("/<int:invitation_id>/revoke")
@only(Role.EDITOR)
def revoke(release_id: int, invitation_id: int) -> ResponseReturnValue:
    """Their link works no longer, from the next click on."""
    invitation = embargo.invitation_by_id(release_by_id(release_id), invitation_id)
    inviting.revoke(invitation, by=me(), at=now())
    db.session.commit()
    return _done(release_id, "embargo.done.revoked", name=invitation.name)


@blueprint.post("/<int:invitation_id>/resend")
@only(Role.EDITOR)
def resend(release_id: int, invitation_id: int) -> ResponseReturnValue:
    """The same letter once more, with the same link and the time as it is now."""
    release = release_by_id(release_id)
    invitation = embargo.invitation_by_id(release, invitation_id)
    if release.published_at is not None or not inviting.is_open(invitation, at=now()):
        raise NotNow("embargo_is_over")
    embargo.write_to(invitation, at=now())
    db.session.commit()
    jobs.ring("deliver")
    return _done(release_id, "embargo.done.resent", name=invitation.name)


@blueprint.get("/log")
@only(Role.WRITER, Role.EDITOR)
def log(release_id: int) -> ResponseReturnValue:
    """Everything that those let in were shown, the latest first."""
    release = release_by_id(release_id)
    found, next_ = embargo.visits(release, before=row_before())
    return render_template("office/embargo/log.html", release=release, visits=found, next=next_)


def _page(release: Release, **more: object) -> str:
    return render_template(
        "office/embargo/page.html", release=release, **embargo.panel(release, me()), **more
    )


def _done(release_id: int, key: str, **facts: object) -> ResponseReturnValue:
    flash(t(key, **facts), "success")
    return redirect(url_for(".page", release_id=release_id))
