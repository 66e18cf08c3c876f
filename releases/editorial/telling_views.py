"""Staff pages where it is recorded that those who applied have been told of the decision."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import KEEPERS, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotNow
from app.core.words.language import t
from releases.editorial.scheduling import parse_day
from releases.rounds.communicating import communicate, take_back
from releases.rounds.questions import round_by_id

blueprint = Blueprint("telling", __name__, url_prefix="/office/rounds")
signed_in_only(blueprint)


@blueprint.post("/<int:round_id>/told")
@only(*KEEPERS)
def told(round_id: int) -> ResponseReturnValue:
    """They have been told, on a day and by a decision with a number."""
    day, reference = request.form.get("told_on", ""), request.form.get("reference", "")
    try:
        on = parse_day(day) if day.strip() else None
        communicate(round_by_id(round_id), reference=reference, on=on, by=me(), at=now())
        db.session.commit()
        flash(t("preflight.told.saved"), "success")
    except (BadInput, NotNow) as error:
        db.session.rollback()
        flash(t(f"errors.{error.key}", **error.facts), "error")
        return _back(round_id, reference=reference[:200], told_on=day[:10])
    return _back(round_id)


@blueprint.post("/<int:round_id>/told/undo")
@only(*KEEPERS)
def undo(round_id: int) -> ResponseReturnValue:
    """It was recorded by mistake."""
    try:
        take_back(round_by_id(round_id), reason=request.form.get("reason", ""), by=me(), at=now())
        db.session.commit()
        flash(t("preflight.told.undone"), "success")
    except (BadInput, NotNow) as error:
        db.session.rollback()
        flash(t(f"errors.{error.key}", **error.facts), "error")
    return _back(round_id)


def _back(round_id: int, *, reference: str = "", told_on: str = "") -> ResponseReturnValue:
    """To its place on the round's page; what was written and refused goes along."""
    place = url_for(
        "rounds.one",
        round_id=round_id,
        reference=reference or None,
        told_on=told_on or None,
        _anchor="told",
    )
    return redirect(place)
