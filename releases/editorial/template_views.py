"""The office's page about one house template: its wording, tried on a real round.

It stands here and not in `drafting`, since a draft needs what `writing` knows of the office.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from app.core.accounts import Role, me, only
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict
from app.core.security import only_reads
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from releases.drafting.drafting import (
    SHIPPED,
    Draft,
    NoAwards,
    Template,
    TemplateProblem,
    draft,
    warning_sentence,
)
from releases.drafting.offering import Offered, offered
from releases.drafting.templates import (
    edit,
    edited_template,
    house_template,
    parts,
    reset,
    version,
    versions,
)
from releases.editorial.comparing import changes
from releases.editorial.writing import context_of
from releases.rounds.models import Programme, Round
from releases.rounds.questions import programme_by_id

blueprint = Blueprint("house_templates", __name__, url_prefix="/office/programmes")

ADDRESS = "/<int:programme_id>/templates/<language>"
VERSION = f"{ADDRESS}/versions/<int:number>"
ROUNDS = 30  # offered for the preview, the newest first
PARTS = {
    "headline": "settings.part.headline",
    "lead": "settings.part.lead",
    "body": "settings.part.body",
}


@dataclass(frozen=True)
class Problem:
    """What is wrong with the wording, and where; `words` is that line itself."""

    part: str
    line: int | None
    words: str
    sentence: str


@dataclass(frozen=True)
class Tried:
    """The wording tried on a round: a draft, or why there is none."""

    draft: Draft | None = None
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    problem: Problem | None = None


@blueprint.before_request
@auth_required("session")
@only(Role.EDITOR)
def _editors_only() -> None:
    """How drafts are worded is for editors and admins to say."""


@blueprint.get(ADDRESS)
def show(programme_id: int, language: str) -> ResponseReturnValue:
    """The wording as it is kept, tried on the newest round."""
    programme = _programme(programme_id, language)
    kept = edited_template(programme, language)
    return _page(programme, language, parts(kept) if kept else SHIPPED[language])


@blueprint.post(ADDRESS)
def save(programme_id: int, language: str) -> ResponseReturnValue:
    """Keep the wording if it could ever be used."""
    programme, written = _programme(programme_id, language), _written()
    base = request.form.get("base", type=int)
    try:
        edit(house_template(programme, language), written, by=me(), at=now(), base=base)
    except TemplateProblem as problem:
        db.session.rollback()
        return _page(_programme(programme_id, language), language, written, problem), 422
    except Conflict:
        db.session.rollback()
        programme = _programme(programme_id, language)
        return _page(programme, language, written, saved_meanwhile=True), 409
    db.session.commit()
    flash(translate("settings.template_saved", interface_language()), "success")
    return redirect(_address(programme_id, language))


@blueprint.post(f"{ADDRESS}/preview")
@only_reads
def preview(programme_id: int, language: str) -> ResponseReturnValue:
    """Try the wording as it stands in the form; nothing is kept."""
    return _page(_programme(programme_id, language), language, _written())


@blueprint.post(f"{ADDRESS}/live")
@only_reads
def live(programme_id: int, language: str) -> ResponseReturnValue:
    """The same for the page's script: the draft, and the figures when another round was chosen."""
    programme = _programme(programme_id, language)
    chosen = _chosen(_rounds(programme))
    tried = _tried(_written(), chosen, language)
    facts = {"chosen": chosen, "tried": tried, "template_language": language}
    answer = {
        "preview": render_template("office/programmes/_preview.html", **facts),
        "problem": tried.problem,
    }
    if "offered" in request.form and chosen:
        answer["offered"] = render_template(
            "office/programmes/_offered.html", **facts, offered=_offered(chosen, language)
        )
    return jsonify(answer)


@blueprint.post(f"{ADDRESS}/reset")
def as_shipped(programme_id: int, language: str) -> ResponseReturnValue:
    """Back to the wording that Pressrum came with."""
    programme = _programme(programme_id, language)
    reset(house_template(programme, language), by=me(), at=now())
    db.session.commit()
    flash(translate("settings.template_reset", interface_language()), "success")
    return redirect(_address(programme_id, language))


@blueprint.get(VERSION)
def show_version(programme_id: int, language: str, number: int) -> ResponseReturnValue:
    """An earlier wording, and what has changed since."""
    programme = _programme(programme_id, language)
    old, kept = version(programme, language, number), edited_template(programme, language)
    present = parts(kept) if kept else SHIPPED[language]
    return render_template(
        "office/programmes/version.html",
        programme=programme,
        template_language=language,
        number=number,
        replaced=next(one for one in versions(programme, language) if one.number == number),
        parts=[
            (word, getattr(old, part), changes(getattr(old, part), getattr(present, part)))
            for part, word in PARTS.items()
        ],
        is_present=parts(old) == present,
        is_shipped=parts(old) == SHIPPED[language],
    )


@blueprint.post(f"{VERSION}/restore")
def restore(programme_id: int, language: str, number: int) -> ResponseReturnValue:
    """The earlier wording again. The present one becomes a version in its turn."""
    programme = _programme(programme_id, language)
    old = parts(version(programme, language, number))
    try:
        edit(house_template(programme, language), old, by=me(), at=now())
    except TemplateProblem as problem:  # the rules for templates may have changed since
        db.session.rollback()
        return _page(_programme(programme_id, language), language, old, problem), 422
    db.session.commit()
    flash(translate("settings.template_restored", interface_language(), n=number), "success")
    return redirect(_address(programme_id, language))


def _page(
    programme: Programme,
    language: str,
    written: Template,
    problem: TemplateProblem | None = None,
    *,
    saved_meanwhile: bool = False,
) -> str:
    rounds = _rounds(programme)
    chosen = _chosen(rounds)
    found = _told(problem, written) if problem else None
    earlier = versions(programme, language)
    return render_template(
        "office/programmes/template.html",
        programme=programme,
        template_language=language,
        written=written,
        parts=PARTS,
        is_edited=edited_template(programme, language) is not None,
        base=earlier[0].number if earlier else 0,
        earlier=earlier,
        saved_meanwhile=saved_meanwhile,
        rounds=[(one.id, one.name) for one in rounds],
        chosen=chosen,
        tried=Tried(problem=found) if found else _tried(written, chosen, language),
        offered=_offered(chosen, language) if chosen else None,
    )


def _tried(written: Template, chosen: Round | None, language: str) -> Tried:
    if chosen is None:
        return Tried()
    try:
        made = draft(
            chosen.rows(),
            currency=chosen.currency,
            context=context_of(chosen, language),
            template=written,
        )
    except NoAwards as problem:
        return Tried(refusal=translate(problem.key, interface_language()))
    except TemplateProblem as problem:
        return Tried(problem=_told(problem, written))
    told = (
        warning_sentence(code, facts, language=interface_language())
        for code, facts in made.warnings
    )
    return Tried(draft=made, warnings=tuple(told))


def _offered(chosen: Round, language: str) -> Offered:
    return offered(chosen.rows(), currency=chosen.currency, context=context_of(chosen, language))


def _told(problem: TemplateProblem, written: Template) -> Problem:
    lines = getattr(written, problem.part).split("\n")
    at = problem.line if problem.line and problem.line <= len(lines) else None
    words = lines[at - 1] if at else ""
    return Problem(problem.part, at, words, problem.told_in(interface_language()))


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
