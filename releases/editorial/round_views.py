"""Staff pages of rounds: the list, the way in by three steps, and a round with its figures."""

from __future__ import annotations

from datetime import date

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from wtforms import FileField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from app.core import jobs
from app.core.accounts import KEEPERS, Role, me, only, signed_in, signed_in_only
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.forms import Form, Word
from app.core.organisation import organisation
from app.core.paging import row_before
from app.core.words import LANGUAGES
from app.core.words.language import interface_language, t
from releases.drafting.drafting import (
    NoAwards,
    TemplateProblem,
    warning_sentence,
)
from releases.editorial import uploads
from releases.editorial.binding import stale_among
from releases.editorial.questions import of_round
from releases.editorial.workflow import WRITERS
from releases.editorial.writing import draft_release, drafting_problem, figures_of
from releases.rounds import importing, questions
from releases.rounds.amounts import parse_amount
from releases.rounds.changing import versions
from releases.rounds.communicating import told_by
from releases.rounds.confirming import checks, ticks_of
from releases.rounds.encodings import OFFERED
from releases.rounds.exporting import csv_bytes, xlsx_bytes
from releases.rounds.models import Upload
from releases.rounds.uploading import read_upload

CURRENCIES = ("SEK", "EUR", "GBP", "USD", "NOK", "DKK")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

blueprint = Blueprint("rounds", __name__, url_prefix="/office/rounds")
signed_in_only(blueprint)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    before = row_before()
    page = questions.rounds_page(before=before)
    ticks = ticks_of([round_.id for round_ in page.items])
    return render_template("office/rounds/index.html", page=page, ticks=ticks)


@blueprint.get("/import")
@only(*KEEPERS)
def choose() -> ResponseReturnValue:
    """Step 1: the file and what it is."""
    form = ImportForm(formdata=None)
    return _choose(form)


@blueprint.post("/import")
@only(*KEEPERS)
def upload() -> ResponseReturnValue:
    """Keep the file for the preview; nothing becomes a round yet."""
    form = ImportForm()
    file = request.files.get("file")
    if not form.validate() or file is None or not file.filename:
        if file is None or not file.filename:
            form.file.errors = [t("rounds.choose.no_file")]
        return _choose(form), 422
    person = signed_in()
    assert person is not None
    kept = Upload(
        filename=file.filename[-255:],
        content=file.read(),
        form={
            name: str(form[name].data or "")
            for name in ("programme", "name", "decided_on", "stated_total", "currency")
        },
        by_id=person.id,
        at=now(),
    )
    uploads.begin(kept)
    db.session.add(kept)
    db.session.commit()
    if uploads.is_at_work(kept.form):
        jobs.ring("read_uploads")
    return redirect(url_for(".preview", upload_id=kept.id))


@blueprint.get("/import/<int:upload_id>")
@only(*KEEPERS)
def preview(upload_id: int) -> ResponseReturnValue:
    """Step 2: rows, figures and problems, before anything is stored."""
    kept = _upload(upload_id)
    if stored := kept.form.get("stored"):
        return redirect(url_for(".one", round_id=int(stored)))
    if uploads.is_at_work(kept.form) or kept.form.get("state") == "failed":
        return render_template("office/rounds/reading.html", upload=kept)
    programme = importing.programme_named(kept.form["programme"])
    return render_template(
        "office/rounds/preview.html",
        upload=kept,
        seen=(seen := uploads.seen(kept)),
        source=seen.source,
        problems=[(one, one.sentences[interface_language()]) for one in seen.told],
        rows=seen.rows,
        figures=seen.figures[interface_language()],
        encodings=OFFERED,
        known=importing.same_file(kept.content, programme=programme),
        new_programme=programme is None,
    )


@blueprint.post("/import/<int:upload_id>")
@only(*KEEPERS)
def store(upload_id: int) -> ResponseReturnValue:
    """Step 3: it becomes a round, a large file by the worker's hand."""
    kept = _upload(upload_id)
    if kept.form.get("state"):
        if kept.form["state"] == "read" and not uploads.seen(kept).can_be_stored:
            raise BadInput("round_has_errors", n=uploads.seen(kept).errors)
        if kept.form["state"] == "read":
            uploads.begin_storing(kept)
            db.session.commit()
            jobs.ring("read_uploads")
        return redirect(url_for(".preview", upload_id=upload_id))
    stored = uploads.store(kept, read_upload(kept), by=signed_in(), at=now())
    db.session.delete(kept)
    db.session.commit()
    flash(t("rounds.stored", name=stored.name), "success")
    return redirect(url_for(".one", round_id=stored.id))


@blueprint.post("/import/<int:upload_id>/cancel")
@only(*KEEPERS)
def cancel(upload_id: int) -> ResponseReturnValue:
    db.session.delete(_upload(upload_id))
    db.session.commit()
    flash(t("rounds.cancelled"), "info")
    return redirect(url_for(".choose"))


@blueprint.get("/<int:round_id>")
def one(round_id: int) -> ResponseReturnValue:
    """A round: its figures, its rows, and the releases made from it."""
    stored = questions.round_by_id(round_id)
    return render_template(
        "office/rounds/one.html",
        round=stored,
        figures=uploads.telling(figures_of(stored, interface_language())),
        page=(page := questions.awards_page(stored, after=request.args.get("after", 0, type=int))),
        rows=[award.row() for award in page.items],
        ticks=ticks_of([round_id])[round_id],
        checks=checks(page.items),
        releases=(releases := of_round(stored, to=signed_in())),
        stale=stale_among(releases),
        history=versions(stored),
        told_by=told_by(stored),
        may_tell=me().may(*KEEPERS),
        today=today(now(), organisation().time_zone).isoformat(),
        may_word=(person := signed_in()) is not None and person.may(Role.EDITOR),
    )


@blueprint.post("/<int:round_id>/draft")
@only(*WRITERS)
def draft(round_id: int) -> ResponseReturnValue:
    """A new release with the round's draft."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        raise BadInput("language_unknown")
    try:
        release, drafted = draft_release(
            questions.round_by_id(round_id), language, by=signed_in(), at=now()
        )
    except (TemplateProblem, NoAwards) as error:
        db.session.rollback()
        flash(drafting_problem(error, interface_language()), "error")
        return redirect(url_for(".one", round_id=round_id))
    db.session.commit()
    for code, facts in drafted.warnings:
        flash(warning_sentence(code, facts, language=interface_language()), "warning")
    return redirect(url_for("editing.edit", release_id=release.id))


@blueprint.get("/<int:round_id>/export.<any(csv, xlsx):form>")
@only(*KEEPERS)
def export(round_id: int, form: str) -> ResponseReturnValue:
    """The round as a spreadsheet."""
    stored = questions.round_by_id(round_id)
    content, mimetype = (
        (csv_bytes(stored), "text/csv; charset=utf-8")
        if form == "csv"
        else (xlsx_bytes(stored), XLSX)
    )
    name = importing.slug_of(f"{stored.programme.name} {stored.name}") or "round"
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


class ImportForm(Form):
    """The file's frame: what a spreadsheet does not say about itself."""

    file = FileField()
    programme = StringField(
        validators=[DataRequired(Word("rounds.choose.required")), Length(max=200)]
    )
    name = StringField(validators=[DataRequired(Word("rounds.choose.required")), Length(max=200)])
    decided_on = StringField(validators=[Optional()])
    stated_total = StringField(validators=[Optional(), Length(max=40)])
    currency = SelectField(choices=["", *CURRENCIES])

    def validate_decided_on(self, field: StringField) -> None:
        try:
            date.fromisoformat(field.data)
        except ValueError:
            raise ValidationError(t("rounds.choose.bad_date")) from None

    def validate_stated_total(self, field: StringField) -> None:
        try:
            parse_amount(field.data)
        except ValueError:
            raise ValidationError(t("rounds.choose.bad_total")) from None


def _choose(form: ImportForm) -> str:
    return render_template(
        "office/rounds/choose.html", form=form, programmes=questions.programmes()
    )


def _upload(upload_id: int) -> Upload:
    person, kept = signed_in(), db.session.get(Upload, upload_id)
    if kept is None or person is None or kept.by_id != person.id:
        raise NotFound("upload_gone")
    return kept
