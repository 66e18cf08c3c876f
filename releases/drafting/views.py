"""The office's pages about programmes: what each is called, what its money is for."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required
from markupsafe import Markup

from app.core.accounts import Role, me, only
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.html import plain
from app.core.organisation import organisation
from app.core.words import translate
from app.core.words.language import interface_language
from releases.drafting.drafting import (
    LANGUAGES,
    SHIPPED,
    NoAwards,
    TemplateProblem,
    headlines,
)
from releases.drafting.forms import SHAPES, ProgrammeForm
from releases.drafting.language import in_running_text
from releases.drafting.markup import capital
from releases.drafting.templates import edited_template, parts
from releases.editorial.writing import context_of, house_style
from releases.rounds.models import HeadlineShape, Programme, Round
from releases.rounds.questions import programme_by_id, programmes
from subscribers.audience.topics import rename_programme

blueprint = Blueprint("programmes", __name__, url_prefix="/office/programmes")

EXAMPLE = Decimal(10_641_000)


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """Programmes are how the office writes; editors and admins decide that."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("office/programmes/index.html", programmes=programmes())


@blueprint.get("/<int:programme_id>")
def edit(programme_id: int) -> ResponseReturnValue:
    programme = programme_by_id(programme_id)
    return _page(programme, ProgrammeForm(obj=programme))


@blueprint.post("/<int:programme_id>")
def save(programme_id: int) -> ResponseReturnValue:
    programme = programme_by_id(programme_id)
    form = ProgrammeForm()
    is_good = form.validate()
    if is_good and _is_taken(form.name.data, programme):
        form.name.errors = [translate("settings.programme_taken", interface_language())]
        is_good = False
    if not is_good:
        return _page(programme, form), 422
    form.populate_obj(programme)
    programme.headline_shape = HeadlineShape(form.headline_shape.data)
    rename_programme(programme.slug, name_sv=programme.name, name_en=programme.name_en)
    record("programme.change", "programme", programme.id, title=programme.name, by=me(), at=now())
    db.session.commit()
    flash(translate("settings.saved", interface_language()), "success")
    return redirect(url_for("programmes.edit", programme_id=programme.id))


def headline_with(purpose: str, language: str) -> str:
    """How a purpose reads in a headline: `Drygt 10,6 miljoner kronor till …`. Plain text."""
    words = LANGUAGES[language]
    amount = words.rounded(EXAMPLE, currency="SEK", style=house_style(organisation()))
    phrase = in_running_text(purpose.strip().rstrip("."), language=language)
    said = f"{amount} {words.purpose(phrase)}" if phrase else amount
    return str(capital(Markup.escape(said)).unescape())


def newest_round(programme: Programme) -> Round | None:
    return db.session.scalar(
        sa.select(Round)
        .where(Round.programme_id == programme.id)
        .order_by(Round.id.desc())
        .limit(1)
    )


def headlines_of(round_: Round, language: str) -> dict[str, str]:
    """The round's headline in each shape, by the programme's own wording. None when it fails."""
    kept = edited_template(round_.programme, language)
    try:
        made = headlines(
            round_.rows(),
            currency=round_.currency,
            context=context_of(round_, language),
            template=parts(kept) if kept else SHIPPED[language],
        )
    except (NoAwards, TemplateProblem):
        return {}
    return {shape: plain(headline) for shape, headline in made.items()}


def _page(programme: Programme, form: ProgrammeForm) -> str:
    newest = newest_round(programme)
    said = {code: headlines_of(newest, code) for code in LANGUAGES} if newest else {}
    return render_template(
        "office/programmes/edit.html",
        programme=programme,
        form=form,
        newest=newest,
        shapes=[
            (shape.value, word, {code: of.get(shape.value, "") for code, of in said.items()})
            for shape, word in SHAPES.items()
        ],
        examples={
            "sv": headline_with(form.purpose_sv.data or "", "sv"),
            "en": headline_with(form.purpose_en.data or "", "en"),
        },
    )


def _is_taken(name: str, programme: Programme) -> bool:
    taken = sa.select(Programme.id).where(Programme.name == name, Programme.id != programme.id)
    return db.session.scalar(taken) is not None
