"""The office's page about one house template: its wording, tried on a real round.

It stands here and not in `drafting`, since a draft needs what `writing` knows of the office.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me, require
from app.core.clock import now
from app.core.db import db
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from releases.drafting.drafting import (
    SHIPPED,
    Draft,
    NoAwards,
    SaidFigure,
    Template,
    TemplateProblem,
    draft,
    say_all,
    warning_sentence,
)
from releases.drafting.models import HouseTemplate
from releases.drafting.templates import edit, house_template, parts, reset
from releases.editorial.writing import context_of
from releases.rounds.figures import compute
from releases.rounds.models import Programme, Round
from releases.rounds.questions import programme_by_id

blueprint = Blueprint("house_templates", __name__, url_prefix="/office/programmes")

ADDRESS = "/<int:programme_id>/templates/<language>"
ROUNDS = 30  # offered for the preview, the newest first


@dataclass(frozen=True)
class Problem:
    """What is wrong with the wording, and where."""

    part: str
    line: int | None
    sentence: str


@dataclass(frozen=True)
class Preview:
    """The wording tried on a round: a draft, or why there is none."""

    draft: Draft | None = None
    warnings: tuple[str, ...] = ()
    refusal: str = ""


@blueprint.before_request
@auth_required("session")
def _editors_only() -> None:
    """How drafts are worded is for editors and admins to say."""
    require(me(), Role.EDITOR)


@blueprint.get(ADDRESS)
def show(programme_id: int, language: str) -> ResponseReturnValue:
    """The wording as it is kept, tried on the newest round."""
    programme = _programme(programme_id, language)
    kept = _kept(programme, language)
    return _page(programme, language, parts(kept) if kept else SHIPPED[language])


@blueprint.post(ADDRESS)
def save(programme_id: int, language: str) -> ResponseReturnValue:
    """Keep the wording if it could ever be used."""
    programme = _programme(programme_id, language)
    written = _written()
    try:
        edit(house_template(programme, language), written, by=me(), at=now())
    except TemplateProblem as problem:
        db.session.rollback()
        return _page(_programme(programme_id, language), language, written, problem), 422
    db.session.commit()
    flash(translate("settings.template_saved", interface_language()), "success")
    return redirect(_address(programme_id, language))


@blueprint.post(f"{ADDRESS}/preview")
def preview(programme_id: int, language: str) -> ResponseReturnValue:
    """Try the wording as it stands in the form; nothing is kept."""
    return _page(_programme(programme_id, language), language, _written())


@blueprint.post(f"{ADDRESS}/reset")
def as_shipped(programme_id: int, language: str) -> ResponseReturnValue:
    """Back to the wording that Pressrum came with."""
    programme = _programme(programme_id, language)
    reset(house_template(programme, language), by=me())
    db.session.commit()
    flash(translate("settings.template_reset", interface_language()), "success")
    return redirect(_address(programme_id, language))


def _page(
    programme: Programme,
    language: str,
    written: Template,
    problem: TemplateProblem | None = None,
) -> str:
    rounds = _rounds(programme)
    chosen = _chosen(rounds)
    shown = Preview()
    if chosen and problem is None:
        try:
            shown = _tried(written, chosen, language)
        except TemplateProblem as found:
            problem = found
    return render_template(
        "office/programmes/template.html",
        programme=programme,
        template_language=language,
        written=written,
        is_edited=_kept(programme, language) is not None,
        rounds=[(one.id, one.name) for one in rounds],
        chosen=chosen,
        preview=shown,
        problem=problem and _told(problem),
        figures=_figures(chosen, language) if chosen else {},
    )


def _tried(written: Template, round_: Round, language: str) -> Preview:
    """Raises TemplateProblem."""
    try:
        made = draft(
            round_.rows(),
            currency=round_.currency,
            context=context_of(round_, language),
            template=written,
        )
    except NoAwards as problem:
        return Preview(refusal=translate(problem.key, interface_language()))
    told = (
        warning_sentence(code, facts, language=interface_language())
        for code, facts in made.warnings
    )
    return Preview(draft=made, warnings=tuple(told))


def _figures(round_: Round, language: str) -> dict[str, SaidFigure]:
    """The figures of the round as a whole; those of single awards are too many to list."""
    figures = compute(round_.rows(), currency=round_.currency)
    said = say_all(figures, context=context_of(round_, language))
    return {name: one for name, one in said.items() if not name.startswith("award.")}


def _kept(programme: Programme, language: str) -> HouseTemplate | None:
    """The office's own wording; None while it is as shipped. Writes nothing, unlike its verb."""
    return db.session.scalar(
        sa.select(HouseTemplate).where(
            HouseTemplate.programme_id == programme.id,
            HouseTemplate.language == language,
            HouseTemplate.edited_at.is_not(None),
        )
    )


def _told(problem: TemplateProblem) -> Problem:
    return Problem(problem.part, problem.line, problem.told_in(interface_language()))


def _written() -> Template:
    """The three parts as they stand in the form, with the line ends that templates have."""
    return Template(
        *(request.form.get(part, "").replace("\r\n", "\n") for part in ("headline", "lead", "body"))
    )


def _rounds(programme: Programme) -> list[Round]:
    return list(
        db.session.scalars(
            sa.select(Round)
            .where(Round.programme_id == programme.id)
            .order_by(Round.id.desc())
            .limit(ROUNDS)
        )
    )


def _chosen(rounds: list[Round]) -> Round | None:
    """The round that was asked for, else the newest."""
    wanted = request.values.get("round", type=int)
    return next((one for one in rounds if one.id == wanted), rounds[0] if rounds else None)


def _programme(programme_id: int, language: str) -> Programme:
    if language not in LANGUAGES:
        abort(404)
    return programme_by_id(programme_id)


def _address(programme_id: int, language: str) -> str:
    return url_for(
        "house_templates.show",
        programme_id=programme_id,
        language=language,
        round=request.values.get("round", type=int),
    )
