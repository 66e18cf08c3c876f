"""Staff pages where the case officer ticks the rows of a round as compared with the decision."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import KEEPERS, me, only, signed_in_only
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.words.language import t
from releases.rounds import questions
from releases.rounds.confirming import confirm, unconfirm
from releases.rounds.importing import date_decision

blueprint = Blueprint("checks", __name__, url_prefix="/office/rounds")
signed_in_only(blueprint)


@blueprint.post("/<int:round_id>/rows/<any(check, check_shown, uncheck):act>")
@only(*KEEPERS)
def tick(round_id: int, act: str) -> ResponseReturnValue:
    """Tick the chosen rows, or all that were shown, or take the ticks of the chosen away."""
    round_, form = questions.round_by_id(round_id), request.form
    numbers = _numbers(form.getlist("shown" if act == "check_shown" else "row"))
    seen = form.get("version", 0, type=int)
    try:
        if not numbers:
            raise BadInput("no_rows_chosen")
        if act == "uncheck":
            done = unconfirm(round_, numbers, seen=seen)
        else:
            done = confirm(round_, numbers, by=me(), at=now(), seen=seen)
        if done:
            record(
                "round.untick" if act == "uncheck" else "round.tick",
                "round",
                round_.id,
                title=round_.name,
                by=me(),
                at=now(),
                rows=done,
            )
        db.session.commit()
        flash(
            t("rounds.check.undone" if act == "uncheck" else "rounds.check.done", n=done), "success"
        )
    except (BadInput, Conflict) as error:
        db.session.rollback()
        flash(t(f"errors.{error.key}"), "error")
    after = form.get("after", type=int) or None
    return redirect(url_for("rounds.one", round_id=round_id, after=after, _anchor="rows"))


@blueprint.post("/<int:round_id>/decided")
@only(*KEEPERS)
def decided(round_id: int) -> ResponseReturnValue:
    """The date of the decision, for a round that came without one."""
    try:
        day = date.fromisoformat(request.form.get("decided_on", ""))
        round_ = questions.round_by_id(round_id)
        date_decision(round_, day)
        record(
            "round.date",
            "round",
            round_.id,
            title=round_.name,
            by=me(),
            at=now(),
            day=day.isoformat(),
        )
        db.session.commit()
        flash(t("rounds.decided.saved"), "success")
    except ValueError:
        flash(t("rounds.choose.bad_date"), "error")
    except BadInput as error:
        db.session.rollback()
        flash(t(f"errors.{error.key}"), "error")
    return redirect(url_for("rounds.one", round_id=round_id, _anchor="rows"))


def _numbers(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]
