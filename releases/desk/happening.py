"""What happened lately in the office, as far as a person may know it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.audit import AuditEvent
from app.core.db import db
from releases.desk.access import visible_to
from releases.editorial.models import Release

READ = 40
SHOWN = 8
PAGES = {
    "release": "/office/releases/{}",
    "round": "/office/rounds/{}",
    "mailing": "/office/mailings/{}",
}


@dataclass
class Happened:
    """An event, how often it came in a row, and where to look."""

    event: AuditEvent
    path: str
    times: int = 1


def latest(person: User) -> list[Happened]:
    """The last events of releases and rounds, and of mailings to those who may see them.

    The same done to the same thing by the same person several times in a row is one.
    """
    subjects = ["release", "round"]
    if person.may(Role.WRITER, Role.EDITOR):
        subjects.append("mailing")
    seen = sa.exists().where(Release.id == AuditEvent.subject_id, visible_to(person))
    events = db.session.scalars(
        sa.select(AuditEvent)
        .where(
            AuditEvent.subject.in_(subjects),
            sa.or_(AuditEvent.subject != "release", seen),
        )
        .order_by(AuditEvent.id.desc())
        .limit(READ)
    )
    found: list[Happened] = []
    for event in events:
        if found and _same(found[-1].event, event):
            found[-1].times += 1
        else:
            path = PAGES[event.subject].format(event.subject_id)
            found.append(Happened(event, path))
    return found[:SHOWN]


def _same(one: AuditEvent, other: AuditEvent) -> bool:
    return (one.action, one.subject_id, one.actor) == (
        other.action,
        other.subject_id,
        other.actor,
    )
