"""Telling colleagues: on their desk and by mail, each thing once, and only what they want to hear.

Called by the verbs that make something happen, in their transaction. What is told about a limited
story reaches only those who may see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import current_app, render_template

from app.core.accounts import Role, User
from app.core.db import db
from app.core.organisation import organisation
from app.core.words import translate
from releases.desk.models import Notification
from releases.editorial.models import Release, StoryAccess
from subscribers.mailings.queueing import queue_letter


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
    plain values that fill the sentence, beside the release's headline. No commit.
    """
    told = {person.id: person for person in people if person is not None and person.active}
    if but is not None:
        told.pop(but.id, None)
    known = db.session.scalars(
        sa.select(Notification.user_id).where(
            Notification.key == key, Notification.user_id.in_(told)
        )
    )
    for user_id in known:
        told.pop(user_id, None)
    for person in allowed(told.values(), release):
        _tell_one(person, kind, release, key=key, at=at, path=path, facts=facts)


def wants(person: User, kind: Kind, channel: str) -> bool:
    """Whether they want to hear of this kind in this way; they do unless they have said no."""
    return f"{kind.value}:{channel}" not in person.muted


def sentence(kind: str, facts: dict[str, Any], language: str) -> str:
    """What happened, for a reader of `language`."""
    return translate(f"notices.{kind}", language, **facts)


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
    path = path or f"/office/releases/{release.id}"
    facts = {"headline": release.head.title, **facts}
    on_desk, by_mail = (wants(person, kind, channel) for channel in CHANNELS)
    db.session.add(
        Notification(
            user_id=person.id,
            kind=kind.value,
            key=key,
            release_id=release.id,
            path=path,
            facts=facts,
            on_desk=on_desk,
            created_at=at,
        )
    )
    if by_mail:
        _write_to(person, kind, key=key, at=at, path=path, facts=facts)
    db.session.flush()


def _write_to(
    person: User, kind: Kind, *, key: str, at: datetime, path: str, facts: dict[str, Any]
) -> None:
    language = person.language
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
        key=f"notice:{person.id}:{key}"[:120],
        to=person.email,
        language=language,
        subject=translate(f"notices.subject.{kind.value}", language, **facts),
        text=render_template("mail/notification/body.txt", **words),
        html=render_template("mail/notification/body.html", **words),
        at=at,
    )
