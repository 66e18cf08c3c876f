"""A programme's house templates: found, refreshed from the shipped ones, and edited."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.core.accounts import Role, User, require
from app.core.db import db
from releases.drafting.drafting import SHIPPED, Template, check_template
from releases.drafting.models import HouseTemplate
from releases.rounds.models import Programme


def house_template(programme: Programme, language: str) -> HouseTemplate:
    """The programme's template, written down at its first use.

    One that nobody has edited is as shipped, also after the shipped one got better.
    """
    kept = db.session.scalar(
        sa.select(HouseTemplate).where(
            HouseTemplate.programme_id == programme.id, HouseTemplate.language == language
        )
    )
    if kept is None:
        kept = HouseTemplate(programme=programme, language=language)
        db.session.add(kept)
    if kept.edited_at is None:
        _fill(kept, SHIPPED[language])
    return kept


def parts(kept: HouseTemplate) -> Template:
    """What drafting needs of it."""
    return Template(headline=kept.headline, lead=kept.lead, body=kept.body)


def edit(kept: HouseTemplate, text: Template, *, by: User, at: datetime) -> None:
    """Change the wording. Raises TemplateProblem for one that could never be used."""
    require(by, Role.EDITOR)
    check_template(text)
    _fill(kept, text)
    kept.edited_at, kept.edited_by_id = at, by.id


def reset(kept: HouseTemplate, *, by: User) -> None:
    """Back to the shipped wording."""
    require(by, Role.EDITOR)
    _fill(kept, SHIPPED[kept.language])
    kept.edited_at = kept.edited_by_id = None


def _fill(kept: HouseTemplate, text: Template) -> None:
    kept.headline, kept.lead, kept.body = text.headline, text.lead, text.body
