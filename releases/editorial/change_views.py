"""Staff pages where a round is changed after its import: a corrected file, one row, the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, SelectField
from wtforms.validators import ValidationError

from app.core import jobs
from app.core.accounts import KEEPERS, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.formats import amount as written_amount
from app.core.forms import Form, Word, long_text, text
from app.core.words.language import interface_language, t
from releases.drafting.drafting import Context, say_all
from releases.editorial.alerting import tell_figures_changed
from releases.editorial.binding import figures_now, stale_among
from releases.editorial.comparing import Parts
from releases.editorial.comparing import changes as words_changed
from releases.editorial.questions import of_round
from releases.editorial.round_views import ImportForm
from releases.rounds import changing, importing, questions
from releases.rounds.amounts import CURRENCIES, AmountError, parse_amount
from releases.rounds.changes import RowChanges, figure_changes
from releases.rounds.encodings import OFFERED
from releases.rounds.figures import Figure, compute
from releases.rounds.kinds import KINDS
from releases.rounds.models import Round, Upload
from releases.rounds.naming import called
from releases.rounds.problems import message
from releases.rounds.table import AwardStatus, Row
from releases.rounds.uploading import read_upload

SHOWN_CHANGES = 200
ANSWERS = {"": None, "yes": True, "no": False}

blueprint = Blueprint("round_changes", __name__, url_prefix="/office/rounds")
signed_in_only(blueprint)


# A corrected file, by the same three steps as the first one


@blueprint.get("/<int:round_id>/correct")
@only(*KEEPERS)
def choose(round_id: int) -> ResponseReturnValue:
    """Step 1: the corrected file."""
    round_ = questions.round_by_id(round_id)
    return _choose(round_, CorrectionForm(formdata=None, currency=round_.currency))


@blueprint.post("/<int:round_id>/correct")
@only(*KEEPERS)
def upload(round_id: int) -> ResponseReturnValue:
    """Keep the file for the preview; the round stays as it is."""
    round_, form = questions.round_by_id(round_id), CorrectionForm()
    file = request.files.get("file")
    if not form.validate() or file is None or not file.filename:
        if file is None or not file.filename:
            form.file.errors = [t("rounds.choose.no_file")]
        return _choose(round_, form), 422
    kept = Upload(
        filename=file.filename[-255:],
        content=file.read(),
        form={
            "round": str(round_.id),
            "version": str(round_.version),
            "programme": round_.programme.name,
            "name": round_.name,
            "decided_on": "",
            "stated_total": str(form.stated_total.data or ""),
            "currency": str(form.currency.data or ""),
        },
        by_id=me().id,
        at=now(),
    )
    db.session.add(kept)
    db.session.commit()
    return redirect(url_for(".preview", round_id=round_id, upload_id=kept.id))


@blueprint.get("/<int:round_id>/correct/<int:upload_id>")
@only(*KEEPERS)
def preview(round_id: int, upload_id: int) -> ResponseReturnValue:
    """Step 2: what would change, before anything does."""
    round_, kept = questions.round_by_id(round_id), _upload(round_id, upload_id)
    table = read_upload(kept)
    usable = not table.errors and bool(table.awards)
    changes = changing.coming(round_, table) if usable else RowChanges()
    old, new = (
        figures_now(round_),
        compute(changing.as_numbered(round_, table), currency=table.currency),
    )
    releases = of_round(round_, to=me())
    stale = stale_among(releases, figures=new) if usable else set()
    known = importing.same_file(kept.content, programme=round_.programme)
    return render_template(
        "office/rounds/correction.html",
        round=round_,
        upload=kept,
        source=table.source,
        encodings=OFFERED,
        problems=[(one, message(one, interface_language())) for one in table.problems],
        changes=told(changes),
        figures=_figures_changed(old, new, table.language) if usable else [],
        releases=[one for one in releases if one.id in stale],
        stale=stale,
        known=known,
        usable=usable and (bool(changes) or table.currency != round_.currency),
        is_behind=kept.form["version"] != str(round_.version),
    )


@blueprint.post("/<int:round_id>/correct/<int:upload_id>")
@only(*KEEPERS)
def store(round_id: int, upload_id: int) -> ResponseReturnValue:
    """Step 3: the round changes. Only if it still is what the changes were shown against."""
    round_, kept = questions.round_by_id(round_id), _upload(round_id, upload_id)
    try:
        changes = changing.replace_rows(
            round_,
            read_upload(kept),
            content=kept.content,
            filename=kept.filename,
            by=me(),
            at=now(),
            base=int(kept.form["version"]),
        )
    except Conflict as error:
        db.session.rollback()
        flash(t(f"errors.{error.key}"), "error")
        return redirect(url_for(".choose", round_id=round_id))
    db.session.delete(kept)
    _keep(round_, changes)
    return redirect(url_for("rounds.one", round_id=round_id))


@blueprint.post("/<int:round_id>/correct/<int:upload_id>/cancel")
@only(*KEEPERS)
def cancel(round_id: int, upload_id: int) -> ResponseReturnValue:
    db.session.delete(_upload(round_id, upload_id))
    db.session.commit()
    flash(t("rounds.correct.cancelled"), "info")
    return redirect(url_for("rounds.one", round_id=round_id))


# One row


@blueprint.get("/<int:round_id>/rows/<int:number>")
@only(*KEEPERS)
def row(round_id: int, number: int) -> ResponseReturnValue:
    round_ = questions.round_by_id(round_id)
    present = _row(round_, number)
    return _row_page(round_, present, RowForm(formdata=None, data=_as_form(round_, present)))


@blueprint.post("/<int:round_id>/rows/<int:number>")
@only(*KEEPERS)
def save_row(round_id: int, number: int) -> ResponseReturnValue:
    round_ = questions.round_by_id(round_id)
    present, form = _row(round_, number), RowForm()
    if not form.validate():
        return _row_page(round_, present, form), 422
    try:
        changes = changing.edit_row(
            round_,
            number,
            form.row(present),
            by=me(),
            at=now(),
            base=int(form.version.data) if (form.version.data or "").isdecimal() else 0,
        )
    except Conflict as error:
        db.session.rollback()
        round_ = questions.round_by_id(round_id)
        form.version.data = str(round_.version)
        wrong = t(f"errors.{error.key}")
        return _row_page(round_, _row(round_, number), form, wrong=wrong), 409
    _keep(round_, changes)
    return redirect(url_for("rounds.one", round_id=round_id))


# History


@blueprint.get("/<int:round_id>/versions/<int:number>")
def version(round_id: int, number: int) -> ResponseReturnValue:
    """What one version changed in the one before it."""
    round_ = questions.round_by_id(round_id)
    found = changing.change_to(round_, number)
    return render_template(
        "office/rounds/version.html", round=round_, number=number, changes=told(found)
    )


@blueprint.get("/<int:round_id>/versions/<int:number>/file")
@only(*KEEPERS)
def file(round_id: int, number: int) -> ResponseReturnValue:
    """A version's file as it came."""
    name, content = changing.file_of(questions.round_by_id(round_id), number)
    response = Response(content, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def told(changes: RowChanges) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Changes of rows for people: (what, grantee, [(column, before, after)]), the first of them."""
    language = interface_language()
    found = [
        (
            "changed",
            one.new.grantee,
            [
                (
                    t(f"rounds.column.{name}"),
                    _cell(one.old, name, language),
                    _cell(one.new, name, language),
                )
                for name in one.fields
            ],
        )
        for one in changes.changed
    ]
    amount = t("rounds.column.amount")
    found += [
        ("added", one.grantee, [(amount, "", _cell(one, "amount", language))])
        for one in changes.added
    ]
    found += [
        ("removed", one.grantee, [(amount, _cell(one, "amount", language), "")])
        for one in changes.removed
    ]
    return found[:SHOWN_CHANGES]


class CorrectionForm(ImportForm):
    """As at the first import; the programme, the name and the date stay."""

    programme = None
    name = None
    decided_on = None


def _an_amount(form: Form, field: Any) -> None:
    try:
        if field.data and parse_amount(field.data).value >= 0:
            return
    except AmountError:
        pass
    if field.data:
        raise ValidationError(t("rounds.choose.bad_total"))


class RowForm(Form):
    """One row's cells, as text that a person can write."""

    version = HiddenField()
    grantee = text("rounds.column.grantee", most=500, required=True)
    kind = SelectField(Word("rounds.column.kind"))
    amount = text("rounds.column.amount", most=40, required=True, check=_an_amount)
    partners = text("rounds.column.partners", most=2000, hint="rounds.row.several")
    countries = text("rounds.column.countries", most=2000, hint="rounds.row.several")
    themes = text("rounds.column.themes", most=2000, hint="rounds.row.several")
    project = long_text("rounds.column.project")
    first_timer = SelectField(Word("rounds.column.first_timer"))
    status = SelectField(Word("rounds.column.status"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", t("rounds.row.unsaid"))] + [
            (kind, t(f"rounds.kind.{kind}")) for kind in KINDS
        ]
        self.first_timer.choices = [
            ("", t("rounds.row.unsaid")),
            ("yes", t("rounds.yes")),
            ("no", t("rounds.no")),
        ]
        self.status.choices = [
            (status.value, t(f"rounds.status.{status.value}")) for status in AwardStatus
        ]

    def row(self, present: Row) -> Row:
        """The row as the form has it; what the form does not ask stays."""
        return Row(
            number=present.number,
            grantee=" ".join(self.grantee.data.split()),
            kind=self.kind.data or None,
            amount=parse_amount(self.amount.data).value,
            partners=_listed(self.partners.data),
            countries=_listed(self.countries.data),
            themes=_listed(self.themes.data),
            project=self.project.data,
            amount_applied=present.amount_applied,
            first_timer=ANSWERS[self.first_timer.data or ""],
            status=AwardStatus(self.status.data),
            note=present.note,
        )


def _choose(round_: Round, form: CorrectionForm) -> str:
    return render_template(
        "office/rounds/correct.html", round=round_, form=form, currencies=CURRENCIES
    )


def _row_page(round_: Round, present: Row, form: RowForm, *, wrong: str = "") -> str:
    return render_template(
        "office/rounds/row.html", round=round_, row=present, form=form, wrong=wrong
    )


def _upload(round_id: int, upload_id: int) -> Upload:
    kept = db.session.get(Upload, upload_id)
    if kept is None or kept.by_id != me().id or kept.form.get("round") != str(round_id):
        raise NotFound("upload_gone")
    return kept


def _row(round_: Round, number: int) -> Row:
    found = next((award.row() for award in round_.awards if award.number == number), None)
    if found is None:
        raise NotFound("no_such_row", number=number)
    return found


def _keep(round_: Round, changes: RowChanges) -> None:
    """Commit, once those whose texts are concerned have been told."""
    if changes:
        tell_figures_changed(round_, by=me(), at=now())
    db.session.commit()
    jobs.ring("deliver")
    _tell(round_, changes)


def _tell(round_: Round, changes: RowChanges) -> None:
    """What was done, and which texts it touches."""
    if not changes:
        flash(t("rounds.correct.nothing"), "info")
        return
    flash(t("rounds.correct.stored", n=len(changes)), "success")
    if stale := stale_among(of_round(round_, to=me())):
        flash(t("rounds.correct.made_stale", n=len(stale)), "warning")


def _figures_changed(
    old: Mapping[str, Figure], new: Mapping[str, Figure], source: str
) -> list[tuple[str, Parts]]:
    """The figures of the whole round that change, as (what, changes of its words)."""
    language = interface_language()
    context = Context(language=language, programme="", source_language=source)
    before, after = say_all(old, context=context), say_all(new, context=context)
    names = [one.name for one in figure_changes(old, new) if not one.name.startswith("award.")]
    words = [
        (
            name,
            before[name].text if name in before else "",
            after[name].text if name in after else "",
        )
        for name in names
    ]
    return [
        (
            called(name, language, new, old),
            words_changed(was, is_now) if "list" in name else _whole(was, is_now),
        )
        for name, was, is_now in words
        if was != is_now
    ]


def _whole(old: str, new: str) -> Parts:
    """Old and new each as one piece."""
    pairs = [("delete", old), ("same", " "), ("insert", new)]
    return [(op, text) for op, text in pairs if text]


def _cell(row: Row, name: str, language: str) -> str:
    value = getattr(row, name)
    if value is None or value == "":
        return ""
    if name in ("amount", "amount_applied"):
        return written_amount(value, language)
    if name == "kind":
        return t(f"rounds.kind.{value}")
    if name == "status":
        return t(f"rounds.status.{value.value}")
    if name == "first_timer":
        return t("rounds.yes" if value else "rounds.no")
    return "; ".join(value) if isinstance(value, tuple) else str(value)


def _as_form(round_: Round, row: Row) -> dict[str, str]:
    answer = next(key for key, value in ANSWERS.items() if value is row.first_timer)
    return {
        "version": str(round_.version),
        "grantee": row.grantee,
        "kind": row.kind or "",
        "amount": written_amount(row.amount, interface_language()),
        "partners": "; ".join(row.partners),
        "countries": "; ".join(row.countries),
        "themes": "; ".join(row.themes),
        "project": row.project,
        "first_timer": answer,
        "status": row.status.value,
    }


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item for item in (" ".join(part.split()) for part in text.split(";")) if item)
