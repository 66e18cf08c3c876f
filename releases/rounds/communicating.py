"""That those who applied have been told of the decision, and where the decision is filed.

The press should not know before they do. The preflight says so until somebody has recorded it.
"""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.audit import record
from app.core.clock import today
from app.core.db import db, guarded
from app.core.errors import BadInput, NotAllowed, NotNow
from app.core.organisation import organisation
from releases.rounds.models import Round

KEEPERS = (Role.WRITER, Role.OFFICER, Role.EDITOR)
LONGEST_REFERENCE = 200
NOON = time(12)  # a day that is over has no better moment


def communicate(
    round_: Round, *, reference: str, on: date | None = None, by: User, at: datetime
) -> None:
    """Record that the applicants were told, `on` a day of the office's calendar or now.

    `reference` is the number under which the decision is filed. Raises NotAllowed to those who do
    not keep rounds, BadInput without a reference or for a day that cannot be, NotNow when it has
    been recorded already.
    """
    _keepers_only(by)
    reference = " ".join(reference.split())
    if not reference:
        raise BadInput("reference_missing")
    if len(reference) > LONGEST_REFERENCE:
        raise BadInput("reference_long", n=LONGEST_REFERENCE)
    told_at = _moment_of(on, round_, at=at)
    won = guarded(
        sa.update(Round)
        .where(Round.id == round_.id, Round.communicated_at.is_(None))
        .values(communicated_at=told_at, communicated_by_id=by.id, decision_reference=reference)
    )
    db.session.refresh(round_)
    if not won:
        raise NotNow("communicated_already")
    day = today(told_at, organisation().time_zone).isoformat()
    record(
        "round.communicate",
        "round",
        round_.id,
        title=round_.name,
        by=by,
        at=at,
        reference=reference,
        day=day,
    )


def take_back(round_: Round, *, reason: str, by: User, at: datetime) -> None:
    """It was recorded by mistake. Raises NotAllowed, BadInput without a reason, NotNow."""
    _keepers_only(by)
    if not reason.strip():
        raise BadInput("reason_missing")
    won = guarded(
        sa.update(Round)
        .where(Round.id == round_.id, Round.communicated_at.is_not(None))
        .values(communicated_at=None, communicated_by_id=None, decision_reference="")
    )
    db.session.refresh(round_)
    if not won:
        raise NotNow("not_communicated")
    record(
        "round.uncommunicate",
        "round",
        round_.id,
        title=round_.name,
        by=by,
        at=at,
        reason=reason.strip(),
    )


def told_by(round_: Round) -> str:
    """Who recorded it; empty for nobody we know."""
    if round_.communicated_by_id is None:
        return ""
    return db.session.scalar(sa.select(User.name).where(User.id == round_.communicated_by_id)) or ""


def _moment_of(on: date | None, round_: Round, *, at: datetime) -> datetime:
    zone = organisation().time_zone
    if on is None or on == today(at, zone):
        return at
    if on > today(at, zone):
        raise BadInput("day_to_come")
    if round_.decided_on and on < round_.decided_on:
        raise BadInput("told_before_decided")
    return datetime.combine(on, NOON, ZoneInfo(zone))


def _keepers_only(by: User) -> None:
    if not by.may(*KEEPERS):
        raise NotAllowed("role")
