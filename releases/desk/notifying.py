"""Telling colleagues: on their desk and by mail, each thing once, and only what they want to hear.

Called by the verbs that make something happen, in their transaction. What is told about a limited
story reaches only those who may see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import current_app, render_template

from app.core.accounts import Role, User
from app.core.db import db
from app.core.errors import BadInput
from app.core.formats import date_line
from app.core.organisation import organisation
from app.core.words import translate
from releases.desk.models import Notification
from releases.editorial.models import Release, StoryAccess
from subscribers.audience.subscribing import insert_new
from subscribers.mailings.writing.queueing import queue_letter


class Kind(StrEnum):
    """What one can be told of. Each has a sentence, `notices.<kind>`, and a subject."""

    REVIEW_ASKED = "review_asked"
    REVIEW_DUE = "review_due"
    STEP_PASSED = "step_passed"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    APPROVAL_VOIDED = "approval_voided"
    COMMENT = "comment"
    SUGGESTION = "suggestion"
    SUGGESTION_SETTLED = "suggestion_settled"
    QUOTE_ANSWERED = "quote_answered"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    FAILED = "failed"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    ORIGINAL_CHANGED = "original_changed"
    FIGURES_CHANGED = "figures_changed"


CHANNELS = ("desk", "mail")
MOMENTS = ("moment", "due")  # facts that are moments, kept in ISO 8601


def tell(
    people: Iterable[User | None],
    kind: Kind,
    release: Release,
    *,
    key: str,
    at: datetime,
    but: User | None = None,
    path: str = "",
    **facts: Any,
) -> None:
    """Tell each of `people` once. `but` is who did it and knows already.

    `key` names the happening (`review:17`); the same key never tells a person twice. `facts` are
    plain values that fill the sentence, beside the release's headline; `moment` and `due` are
    moments in ISO 8601. No commit.
    """
    told = {person.id: person for person in people if person is not None and person.active}
    if but is not None:
        told.pop(but.id, None)
    facts = {"headline": release.head.title, **facts}
    path = path or f"/office/releases/{release.id}"
    # In the same order everywhere, so that two who tell the same people do not wait for each other.
    for person in sorted(allowed(told.values(), release), key=lambda one: one.id):
        _tell_one(person, kind, release, key=key, at=at, path=path, facts=facts)


def wants(person: User, kind: Kind, channel: str) -> bool:
    """Whether they want to hear of this kind in this way; they do unless they have said no."""
    return f"{kind.value}:{channel}" not in person.muted


def mute(person: User, *, wanted: set[str]) -> None:
    """Keep only what they want to hear of, as `kind:channel`; each other way is switched off."""
    known = [f"{kind.value}:{channel}" for kind in Kind for channel in CHANNELS]
    person.muted = [one for one in known if one not in wanted]


def sentence(kind: str, facts: dict[str, Any], language: str) -> str:
    """What happened, for a reader of `language`."""
    return translate(f"notices.{kind}", language, **_read_by(language, facts))


def colleagues(*roles: Role) -> list[User]:
    """The active people of some roles."""
    return list(
        db.session.scalars(
            sa.select(User).where(User.active, User.role.in_(roles)).order_by(User.id)
        )
    )


def allowed(people: Iterable[User], release: Release) -> list[User]:
    """Those of them who may see the release."""
    people = list(people)
    if not release.story.limited:
        return people
    inside = set(
        db.session.scalars(
            sa.select(StoryAccess.user_id).where(StoryAccess.story_id == release.story_id)
        )
    )
    return [person for person in people if person.role is Role.ADMIN or person.id in inside]


def _tell_one(
    person: User,
    kind: Kind,
    release: Release,
    *,
    key: str,
    at: datetime,
    path: str,
    facts: dict[str, Any],
) -> None:
    """Write it down and, when that had not been done before, mail it.

    The unique key decides: of two who tell the same thing at the same moment one writes, and
    neither fails.
    """
    on_desk, by_mail = (wants(person, kind, channel) for channel in CHANNELS)
    row = {
        "user_id": person.id,
        "kind": kind.value,
        "key": key,
        "release_id": release.id,
        "path": path,
        "facts": facts,
        "on_desk": on_desk,
        "created_at": at,
    }
    is_new = insert_new(Notification, [row], Notification.id)
    if is_new and by_mail:
        with suppress(BadInput):  # an account whose address no mail can go to
            _write_to(person, kind, key=key, at=at, path=path, facts=facts)


def _write_to(
    person: User, kind: Kind, *, key: str, at: datetime, path: str, facts: dict[str, Any]
) -> None:
    language = person.language
    facts = _read_by(language, facts)
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().name(language),
        "sentence": sentence(kind.value, facts, language),
        "facts": facts,
        "url": f"{current_app.config['BASE_URL']}{path}",
        "settings_url": f"{current_app.config['BASE_URL']}/office/notifications/settings",
    }
    queue_letter(
        key=_mail_key(person, key),
        to=person.email,
        language=language,
        subject=translate(f"notices.subject.{kind.value}", language, **facts),
        text=render_template("mail/notification/body.txt", **words),
        html=render_template("mail/notification/body.html", **words),
        at=at,
    )


def _mail_key(person: User, key: str) -> str:
    """As unique as `key`, and short enough for a mailing's."""
    return f"notice:{person.id}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _read_by(language: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with their moments on the organisation's clock."""
    zone = organisation().time_zone
    told = dict(facts)
    for name in MOMENTS:
        with suppress(KeyError, ValueError):  # not there, or in words already
            told[name] = date_line(datetime.fromisoformat(facts[name]), language, zone)
    return told
