"""A programme's house templates: found, refreshed from the shipped ones, edited and had back.

Each change keeps the wording it replaces as a version, so nobody's words are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.accounts import Role, User, require
from app.core.audit import record
from app.core.db import db
from app.core.errors import Conflict, NotFound
from releases.drafting.drafting import SHIPPED, Template, check_template
from releases.drafting.models import HouseTemplate, HouseTemplateVersion
from releases.rounds.models import Programme


@dataclass(frozen=True)
class Replaced:
    """An earlier wording in a list: when it gave way, and to whom. `by` is empty for a machine."""

    number: int
    at: datetime
    by: str


def house_template(programme: Programme, language: str) -> HouseTemplate:
    """The programme's template, written down at its first use.

    One that nobody has edited is as shipped, also after the shipped one got better.
    """
    kept = _kept(programme, language) or _write_down(programme, language)
    if kept.edited_at is None:
        _fill(kept, SHIPPED[language])
    return kept


def edited_template(programme: Programme, language: str) -> HouseTemplate | None:
    """The office's own wording; None while it is as shipped. Writes nothing."""
    kept = _kept(programme, language)
    return kept if kept and kept.edited_at else None


def parts(kept: HouseTemplate | HouseTemplateVersion) -> Template:
    """What drafting needs of it."""
    return Template(headline=kept.headline, lead=kept.lead, body=kept.body)


def edit(
    kept: HouseTemplate, text: Template, *, by: User, at: datetime, base: int | None = None
) -> None:
    """Change the wording and keep the earlier one; nothing is written when nothing changes.

    `base` is the newest version when the person began. Raises TemplateProblem for a wording that
    could never be used, and Conflict when somebody else has changed it since `base`.
    """
    require(by, Role.EDITOR)
    check_template(text)
    if text == parts(kept):
        return
    if base is not None and base != newest(kept):
        raise Conflict("template_saved_meanwhile")
    _replace(kept, text, by=by, at=at)


def reset(kept: HouseTemplate, *, by: User, at: datetime) -> None:
    """Back to the shipped wording. The office's own is kept as a version."""
    require(by, Role.EDITOR)
    if kept.edited_at:
        _replace(kept, SHIPPED[kept.language], by=by, at=at)


def versions(programme: Programme, language: str) -> list[Replaced]:
    """The earlier wordings, the newest first."""
    found = db.session.execute(
        sa.select(
            HouseTemplateVersion.number, HouseTemplateVersion.replaced_at, User.name, User.email
        )
        .join(HouseTemplate, HouseTemplate.id == HouseTemplateVersion.template_id)
        .outerjoin(User, User.id == HouseTemplateVersion.replaced_by_id)
        .where(HouseTemplate.programme_id == programme.id, HouseTemplate.language == language)
        .order_by(HouseTemplateVersion.number.desc())
    )
    return [Replaced(number, at, name or email or "") for number, at, name, email in found]


def version(programme: Programme, language: str, number: int) -> HouseTemplateVersion:
    """Raises NotFound."""
    found = db.session.scalar(
        sa.select(HouseTemplateVersion)
        .join(HouseTemplate, HouseTemplate.id == HouseTemplateVersion.template_id)
        .where(
            HouseTemplate.programme_id == programme.id,
            HouseTemplate.language == language,
            HouseTemplateVersion.number == number,
        )
    )
    if found is None:
        raise NotFound("no_such_template_version", number=number)
    return found


def newest(kept: HouseTemplate | None) -> int:
    """The number of the newest version, 0 before the first."""
    if kept is None or kept.id is None:
        return 0
    of_this = HouseTemplateVersion.template_id == kept.id
    return (
        db.session.scalar(sa.select(sa.func.max(HouseTemplateVersion.number)).where(of_this)) or 0
    )


def _replace(kept: HouseTemplate, text: Template, *, by: User, at: datetime) -> None:
    old = parts(kept)
    try:
        with db.session.begin_nested():
            db.session.add(
                HouseTemplateVersion(
                    template_id=kept.id,
                    number=newest(kept) + 1,
                    headline=old.headline,
                    lead=old.lead,
                    body=old.body,
                    replaced_at=at,
                    replaced_by_id=by.id,
                )
            )
    except sa.exc.IntegrityError as error:  # somebody changed it at this very moment
        raise Conflict("template_saved_meanwhile") from error
    _fill(kept, text)
    record(
        "template.change",
        "programme",
        kept.programme.id,
        title=kept.programme.name,
        by=by,
        at=at,
        language=kept.language,
    )
    is_shipped = text == SHIPPED[kept.language]
    kept.edited_at = None if is_shipped else at
    kept.edited_by_id = None if is_shipped else by.id


def _kept(programme: Programme, language: str) -> HouseTemplate | None:
    return db.session.scalar(
        sa.select(HouseTemplate).where(
            HouseTemplate.programme_id == programme.id, HouseTemplate.language == language
        )
    )


def _write_down(programme: Programme, language: str) -> HouseTemplate:
    made = HouseTemplate(programme=programme, language=language)
    _fill(made, SHIPPED[language])
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except sa.exc.IntegrityError:  # somebody else used it for the first time at this moment
        if found := _kept(programme, language):
            return found
        raise
    return made


def _fill(kept: HouseTemplate, text: Template) -> None:
    kept.headline, kept.lead, kept.body = text.headline, text.lead, text.body
