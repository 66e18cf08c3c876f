"""Staff pages between a file and its round: how it is opened, its columns, how far it is read."""

from __future__ import annotations

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import defer

from app.core import jobs
from app.core.accounts import KEEPERS, me, only, signed_in_only
from app.core.db import db
from app.core.errors import NotFound
from app.core.words.language import t
from releases.editorial import uploads
from releases.rounds.encodings import OFFERED
from releases.rounds.models import Upload
from releases.rounds.uploading import FIELDS, ColumnsUnclear, open_as, say_columns

blueprint = Blueprint("uploads", __name__, url_prefix="/office/rounds/import")
signed_in_only(blueprint)


@blueprint.post("/<int:upload_id>/opening")
@only(*KEEPERS)
def opening(upload_id: int) -> ResponseReturnValue:
    """Read the file in another encoding or from another sheet."""
    kept, form = _upload(upload_id), request.form
    encoding = form.get("encoding", "")
    open_as(kept, encoding=encoding if encoding in OFFERED else "", sheet=form.get("sheet", ""))
    return _read_again(kept)


@blueprint.get("/<int:upload_id>/columns")
@only(*KEEPERS)
def columns(upload_id: int) -> ResponseReturnValue:
    """Every column of the file with some of its cells, and what it is taken for."""
    kept = _upload(upload_id)
    if uploads.is_at_work(kept.form):
        return redirect(preview_address(kept))
    return _columns_page(kept)


@blueprint.post("/<int:upload_id>/columns")
@only(*KEEPERS)
def say(upload_id: int) -> ResponseReturnValue:
    """Keep what the person said of the columns, and read the file by it."""
    kept = _upload(upload_id)
    labels = request.form.getlist("label")
    fields = [name if name in FIELDS else "" for name in request.form.getlist("field")]
    try:
        say_columns(kept, list(zip(labels, fields, strict=False)))
    except ColumnsUnclear as unclear:
        column = t(f"rounds.column.{unclear.name}")
        wrong = t("importing.columns.twice", field=column)
        chosen = dict(zip(labels, fields, strict=False))
        return _columns_page(kept, chosen=chosen, wrong=wrong), 422
    flash(t("importing.columns.said"), "success")
    return _read_again(kept)


@blueprint.get("/<int:upload_id>/progress")
@only(*KEEPERS)
def progress(upload_id: int) -> ResponseReturnValue:
    """How far the worker has come with a large file."""
    form = _upload(upload_id).form
    done, rows = int(form.get("done", "0")), int(form.get("all", "0"))
    return jsonify(is_going=uploads.is_at_work(form), done=done, total=rows)


def preview_address(kept: Upload) -> str:
    """The page that shows what a file holds: of a new round, or of a correction."""
    if of := kept.form.get("round"):
        return url_for("round_changes.preview", round_id=int(of), upload_id=kept.id)
    return url_for("rounds.preview", upload_id=kept.id)


def _read_again(kept: Upload) -> ResponseReturnValue:
    if "round" not in kept.form:
        uploads.begin(kept)
    db.session.commit()
    jobs.ring("read_uploads")
    return redirect(preview_address(kept))


def _columns_page(kept: Upload, *, chosen: dict[str, str] | None = None, wrong: str = "") -> str:
    source = uploads.seen(kept).source
    guessed = {label: name for name, labels in source.used.items() for label in labels}
    return render_template(
        "office/rounds/columns.html",
        upload=kept,
        source=source,
        chosen=guessed if chosen is None else chosen,
        fields=FIELDS,
        wrong=wrong,
        back=preview_address(kept),
    )


def _upload(upload_id: int) -> Upload:
    kept = db.session.get(Upload, upload_id, options=[defer(Upload.content)])
    if kept is None or kept.by_id != me().id:
        raise NotFound("upload_gone")
    return kept
