"""Telling the operator by mail what needs a person, and that it is over: seldom, and together.

Alerts are raised wherever trouble is found; here they become letters. A code is told at most once
an hour, and all that is to be told at one moment is one letter. The letter waits in the queue like
any other, so when it is the mail server itself that fails, the office's pages are what tells.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app, render_template

from app.core import jobs
from app.core.accounts import Role, User, find_user
from app.core.alerts import Alert, Words, in_words
from app.core.beats import WorkerBeat
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput
from app.core.organisation import organisation
from app.core.words import catalogue, translate
from subscribers.mailings.models import Mailing
from subscribers.mailings.writing.queueing import queue_letter

log = logging.getLogger(__name__)

SELDOM = timedelta(hours=1)  # between two letters about one code
LISTED = 10  # alerts in one letter; more are counted
SILENT_AFTER = timedelta(minutes=3)  # a worker says every minute that it is there
ABOUT_MAILINGS = ("mailing_", "uncertain_")
ABOUT_GROUPS = ("group_", "domain_", "policy_")


@dataclass(frozen=True)
class Told:
    """An alert with its words and the office's page where to look; empty when there is none."""

    alert: Alert
    words: Words
    path: str


@dataclass(frozen=True)
class Alarm:
    """What the top of every office page says: how many alerts are open, the newest one's words.

    `silent_since` is when a worker was last heard of, when that is too long ago.
    """

    open: int
    title: str
    silent_since: datetime | None


def told(alerts: Sequence[Alert], language: str) -> list[Told]:
    """The alerts in words. One question for the names of all mailings they are about."""
    numbers = {one.id: _number(one) for one in alerts if one.code.startswith(ABOUT_MAILINGS)}
    wanted = {number for number in numbers.values() if number is not None}
    named = sa.select(Mailing.id, Mailing.subject).where(Mailing.id.in_(wanted))
    subjects: dict[int, str] = dict(db.session.execute(named).all() if wanted else [])
    return [
        Told(
            alert=one,
            words=in_words(one, language, subject=_called(one, subjects, numbers, language)),
            path=_path(one, numbers.get(one.id)),
        )
        for one in alerts
    ]


def alarm(language: str, *, at: datetime) -> Alarm | None:
    """None when all is well. One small question, and another only when there is an alert."""
    is_open = Alert.cleared_at.is_(None)
    count, newest, seen_at = db.session.execute(
        sa.select(
            sa.select(sa.func.count()).where(is_open).select_from(Alert).scalar_subquery(),
            sa.select(sa.func.max(Alert.id)).where(is_open).scalar_subquery(),
            sa.select(sa.func.max(WorkerBeat.seen_at)).scalar_subquery(),
        )
    ).one()
    silent = seen_at if seen_at is not None and seen_at < at - SILENT_AFTER else None
    if not count and silent is None:
        return None
    alert = db.session.get(Alert, newest) if newest is not None else None
    title = told([alert], language)[0].words.title if alert is not None else ""
    return Alarm(count, title, silent)


@jobs.job("tell_alerts")
def tell_alerts() -> None:
    """Mail what has not been told. Commits."""
    at = now()
    if _tell_of_new(at=at) + _tell_of_over(at=at):
        jobs.ring_after_commit("deliver")
    db.session.commit()


def tell_of_test(*, at: datetime) -> list[str]:
    """A letter that goes the way of the alerts: to whom. No commit."""
    moment = at.isoformat(timespec="seconds")
    return _send("test", f"alert-test:{moment}", [], at=at)


def recipients() -> list[tuple[str, str]]:
    """Who is told, and in which language: the operator, or else every administrator."""
    admins = db.session.scalars(
        sa.select(User).where(User.role == Role.ADMIN, User.active.is_(True)).order_by(User.id)
    ).all()
    if operator := organisation().operator_email:
        known = find_user(operator)
        spoken = known or (admins[0] if admins else None)
        return [(operator, spoken.language if spoken else "sv")]
    return [(admin.email, admin.language) for admin in admins]


def _tell_of_new(*, at: datetime) -> int:
    lately = sa.select(Alert.code).where(Alert.told_at > at - SELDOM)
    new = _marked(
        sa.update(Alert)
        .where(Alert.cleared_at.is_(None), Alert.told_at.is_(None), Alert.code.not_in(lately))
        .values(told_at=at)
    )
    return len(_send("new", f"alert:{new[0].id}", new, at=at)) if new else 0


def _tell_of_over(*, at: datetime) -> int:
    """Only of what they were told that it began."""
    over = _marked(
        sa.update(Alert)
        .where(
            Alert.told_at.is_not(None),
            Alert.cleared_at.is_not(None),
            Alert.told_over_at.is_(None),
        )
        .values(told_over_at=at)
    )
    return len(_send("over", f"alert-over:{over[0].id}", over, at=at)) if over else 0


def _marked(statement: sa.Update) -> list[Alert]:
    """The rows that this process and no other has marked, the newest first."""
    ids = db.session.scalars(
        statement.returning(Alert.id).execution_options(synchronize_session=False)
    ).all()
    found = sa.select(Alert).where(Alert.id.in_(ids)).order_by(Alert.id.desc())
    return list(db.session.scalars(found.execution_options(populate_existing=True)))


def _send(kind: str, key: str, alerts: list[Alert], *, at: datetime) -> list[str]:
    sent = []
    for number, (to, language) in enumerate(recipients()):
        listed = told(alerts[:LISTED], language)
        words = {
            "words": translate,
            "language": language,
            "sender": organisation().name(language),
            "kind": kind,
            "listed": listed,
            "count": len(alerts),
            "more": len(alerts) - len(listed),
            "url": f"{current_app.config['BASE_URL']}/office/alerts",
            "base_url": current_app.config["BASE_URL"],
        }
        try:
            queue_letter(
                key=f"{key}:{number}",
                to=to,
                language=language,
                subject=_subject(kind, listed, len(alerts), language),
                text=render_template("mail/alerts/body.txt", **words),
                html=render_template("mail/alerts/body.html", **words),
                at=at,
            )
        except BadInput:
            log.error("alerts cannot be mailed to %r: it is no address", to)
        else:
            sent.append(to)
    return sent


def _subject(kind: str, listed: list[Told], count: int, language: str) -> str:
    sender = organisation().short_name or organisation().name(language)
    if kind == "test":
        return translate("alerts.mail.subject_test", language, sender=sender)
    if kind == "over":
        return translate("alerts.mail.subject_over", language, sender=sender, n=count)
    if count == 1:
        title = listed[0].words.title
        return translate("alerts.mail.subject_one", language, sender=sender, title=title)
    return translate("alerts.mail.subject_many", language, sender=sender, n=count)


def _called(
    alert: Alert,
    subjects: Mapping[int, str],
    numbers: Mapping[int, int | None],
    language: str,
) -> str:
    """How people call what an alert is about; empty when that is what it says itself."""
    if alert.code.startswith(ABOUT_GROUPS):
        name = catalogue(language).get(f"watching.group.{alert.subject}", "")
        return name if isinstance(name, str) else ""
    return subjects.get(numbers.get(alert.id) or 0, "")


def _number(alert: Alert) -> int | None:
    """The mailing that an alert is about: its subject is the id, with or without words before."""
    found = re.search(r"\d{1,18}", alert.subject)
    return int(found[0]) if found else None


def _path(alert: Alert, mailing: int | None) -> str:
    if mailing is not None:
        return f"/office/mailings/{mailing}"
    if alert.code.startswith(ABOUT_GROUPS):
        return "/office/mailings/groups"
    return "/office/subscribers/" if alert.code.startswith("import_") else ""
