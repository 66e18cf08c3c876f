"""The page of the workers: who sends and tidies, on which machine, and how right its clock is."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import Role, me, only, signed_in_only
from app.core.beats import shared_now
from app.core.db import db
from app.core.words.language import t
from app.workers import let_go, workers

blueprint = Blueprint("workers", __name__, url_prefix="/office/workers")
signed_in_only(blueprint)


@blueprint.get("/")
@only(Role.ADMIN)
def index() -> ResponseReturnValue:
    found = workers(at=shared_now())
    return render_template(
        "office/workers/index.html",
        workers=found,
        nobody_works=not any(worker.state == "working" for worker in found),
    )


@blueprint.post("/let-go")
@only(Role.ADMIN)
def forget() -> ResponseReturnValue:
    """Of a machine that has been taken away for good."""
    let_go(request.form.get("name", ""), by=me(), at=shared_now())
    db.session.commit()
    flash(t("workers.let_go_done"), "success")
    return redirect(url_for(".index"))
