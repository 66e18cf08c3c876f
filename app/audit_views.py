"""The audit log on a page, and as a file: who did what, when, and to what. For editors and admins.

An editor is not told what happens to a story that is limited to others.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import Role, User, me, only, signed_in_only
from app.core.audit import AuditEvent, acts, sentence, who
from app.core.clock import midnight, midnight_after, now
from app.core.db import db
from app.core.formats import iso, local_stamp
from app.core.organisation import organisation
from app.core.paging import row_before
from app.core.words.language import interface_language
from releases.desk.access import visible_to
from releases.editorial.models import Release
from subscribers.audience.exporting import harmless

PAGE = 50
AT_ONCE = 1000  # rows of the file fetched in one question
SUBJECTS = (
    "release",
    "round",
    "programme",
    "contact",
    "mailing",
    "subscriber",
    "user",
    "organisation",
)
PAGES = {
    "release": ("releases.one", "release_id"),
    "round": ("rounds.one", "round_id"),
    "programme": ("programmes.edit", "programme_id"),
    "contact": ("contacts.edit", "contact_id"),
    "mailing": ("mailings.show", "mailing_id"),
    "subscriber": ("subscribers.show", "subscriber_id"),
    "user": ("office.edit_user", "user_id"),
}
COLUMNS = ("at", "actor", "action", "subject", "subject_id", "title", "sentence", "facts")

blueprint = Blueprint("audit", __name__, url_prefix="/office")
signed_in_only(blueprint)


@dataclass(frozen=True)
class Wanted:
    """Which events somebody looks for; each condition that is not empty has to hold.

    `since` and `until` are days on the organisation's clock, both counted.
    """

    person: int | None = None
    act: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""

    def in_address(self) -> dict[str, Any]:
        """The conditions that are not empty, as the address carries them."""
        return {name: value for name, value in vars(self).items() if value}


@blueprint.get("/audit")
@only(Role.EDITOR)
def log() -> ResponseReturnValue:
    """The newest first."""
    wanted, person, language = _wanted(), me(), interface_language()
    query = _events(wanted, person).order_by(AuditEvent.id.desc()).limit(PAGE + 1)
    if before := row_before():
        query = query.where(AuditEvent.id < before)
    found = list(db.session.scalars(query))
    return render_template(
        "office/audit/log.html",
        told=[(one, sentence(one, language), _page_of(one, person)) for one in found[:PAGE]],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        wanted=wanted,
        everybody=db.session.execute(sa.select(User.id, User.name).order_by(User.name, User.id)),
        acts=acts(language),
        subjects=SUBJECTS,
    )


@blueprint.get("/audit.csv")
@only(Role.ADMIN)
def log_as_csv() -> ResponseReturnValue:
    """The wanted events as a file, the oldest first; written while it is fetched."""
    lines = stream_with_context(csv_lines(_wanted(), to=me(), language=interface_language()))
    answer = Response(lines, mimetype="text/csv; charset=utf-8")
    name = f"log-{local_stamp(now(), organisation().time_zone)}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def csv_lines(wanted: Wanted, *, to: User | None, language: str) -> Iterator[str]:
    """A table of events, some rows at a time; no cell of it can be taken for a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # Excel takes it for UTF-8
    writer.writerow(COLUMNS)
    for event in events_in_order(wanted, to=to):
        row = as_data(event, language)
        facts = json.dumps(row["facts"], ensure_ascii=False) if row["facts"] else ""
        cells = ["" if row[name] is None else str(row[name]) for name in COLUMNS[:-1]]
        writer.writerow([harmless(cell) for cell in (*cells, facts)])
        if buffer.tell() > 1 << 14:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def events_in_order(wanted: Wanted, *, to: User | None) -> Iterator[AuditEvent]:
    """The wanted events, the oldest first, never more than some in memory."""
    last = 0
    while True:
        query = _events(wanted, to).where(AuditEvent.id > last).order_by(AuditEvent.id)
        some = db.session.scalars(query.limit(AT_ONCE)).all()
        yield from some
        if len(some) < AT_ONCE:
            return
        last = some[-1].id
        db.session.expunge_all()


def as_data(event: AuditEvent, language: str) -> dict[str, Any]:
    """One event for a file or a program."""
    return {
        "at": iso(event.at, organisation().time_zone),
        "actor": who(event, language),
        "action": event.action,
        "subject": event.subject,
        "subject_id": event.subject_id,
        "title": event.title,
        "sentence": sentence(event, language),
        "facts": event.facts,
    }


def _events(wanted: Wanted, person: User | None) -> sa.Select[AuditEvent]:
    text, zone = wanted.text, organisation().time_zone
    given: list[tuple[object, sa.ColumnElement[bool]]] = [
        (wanted.person, AuditEvent.actor_id == wanted.person),
        (wanted.act, AuditEvent.action == wanted.act),
        (wanted.subject, AuditEvent.subject == wanted.subject),
        (wanted.since, AuditEvent.at >= midnight(wanted.since or date.min, zone)),
        (wanted.until, AuditEvent.at < midnight_after(wanted.until or date.max, zone)),
        (text, sa.or_(*(_says(form) for form in _spellings(text)))),
    ]
    seen = sa.exists().where(Release.id == AuditEvent.subject_id, visible_to(person))
    return sa.select(AuditEvent).where(
        sa.or_(AuditEvent.subject != "release", seen),
        *(condition for value, condition in given if value),
    )


def _says(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(
        AuditEvent.title.icontains(text, autoescape=True),
        AuditEvent.actor.icontains(text, autoescape=True),
    )


def _spellings(text: str) -> set[str]:
    """SQLite knows upper and lower case of a to z only: the likely ones of å, ä and ö."""
    return {text, text.lower(), text.upper(), text.capitalize()}


def _wanted() -> Wanted:
    """What the address asks for; what cannot be read asks for nothing."""
    asked = request.args
    return Wanted(
        person=asked.get("person", type=_number),
        act=asked.get("act", "").replace("\0", ""),
        subject=asked.get("subject", "").replace("\0", ""),
        since=asked.get("since", type=date.fromisoformat),
        until=asked.get("until", type=date.fromisoformat),
        text=asked.get("text", "").replace("\0", "").strip()[:100],
    )


def _number(text: str) -> int:
    if len(text) > 15:
        raise ValueError(text)
    return int(text)


def _page_of(event: AuditEvent, person: User) -> str:
    """Where to look at what it was about; empty when there is no such page for the person."""
    if event.subject_id is None or event.subject not in PAGES:
        return ""
    if event.subject == "user" and not person.may(Role.ADMIN):
        return ""
    endpoint, name = PAGES[event.subject]
    return url_for(endpoint, **{name: event.subject_id})  # type: ignore[arg-type]
