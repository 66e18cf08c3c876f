"""Withdrawing: what it does in numbers, and the mail to those who have the text already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import render_template

from app.core.db import db
from app.core.formats import long_date
from app.core.html import plain
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.announcing import announcement, topics
from releases.editorial.correcting import carriers, digested, readers_between
from releases.editorial.models import Release, ReleaseEvent
from releases.editorial.publications import mailing_key, publications
from releases.review.models import Invitation
from subscribers.mailings.controlling import stop
from subscribers.mailings.models import Mailing, MailingKind
from subscribers.mailings.questions import progress_of
from subscribers.mailings.sending.audiences import how_many, received
from subscribers.mailings.writing.queueing import queue, queue_letter


@dataclass(frozen=True)
class Consequences:
    """What withdrawing does: `versions` pages go, `waiting` mails are called off. `received` people
    have the text by mail and `readers` from an embargo; they can be told."""

    versions: int
    received: int
    waiting: int
    readers: int


def consequences(release: Release) -> Consequences:
    history = publications(release)
    mailings = carriers(release, history)
    keys = [*(one.key for one in mailings), *digested(release, history)]
    progress = progress_of([one.id for one in mailings if one.finished_at is None])
    return Consequences(
        versions=len({one.revision_id for one in history}),
        received=how_many(received(keys, topics=topics(release))) if keys else 0,
        waiting=sum(one.audience - one.settled for one in progress.values()),
        readers=len(_readers(release)),
    )


def first_word(release: Release) -> str:
    """What the person has to type, so that nobody withdraws the text beside the one they mean."""
    words = plain((release.live or release.head).headline).split()
    return words[0].strip("–—-”“\"'.,:;!?") or words[0] if words else ""


def mail_withdrawal(release: Release, *, reason: str, at: datetime) -> Mailing | None:
    """Tell those who have the text that it is withdrawn, and why. None when nobody can have it."""
    history = publications(release)
    mailed = [one.key for one in carriers(release, history)]
    keys = tuple(dict.fromkeys([*mailed, *digested(release, history)]))
    assert release.live is not None and release.published_at is not None
    ordinary, language, sender = announcement(release), release.language, organisation()
    words = {
        "words": translate,
        "language": language,
        "name": sender.name(language),
        "headline": release.live.title,
        "date": long_date(release.published_at, language, sender.time_zone),
        "reason": reason,
        "questions": sender.press_email,
    }
    key = _keys(release)[-1]
    for reader in _readers(release):
        _write_to(reader, words, subject=ordinary.subject, key=key, at=at)
    if not keys:
        return None
    return queue(
        replace(
            ordinary,
            key=key,
            kind=MailingKind.CORRECTION,
            subject=translate("after.mail.withdrawal_subject", language, headline=ordinary.subject),
            text=render_template("mail/withdrawal/body.txt", **words).strip() + "\n",
            html=render_template("mail/withdrawal/body.html", **words),
            received=keys,
        ),
        at=at,
    )


def stop_telling(release: Release, *, at: datetime) -> None:
    """It was withdrawn by mistake: whoever has not been told that it was will not be."""
    told = db.session.scalars(sa.select(Mailing).where(Mailing.key.in_(_keys(release)))).all()
    for mailing in told:
        stop(mailing, at=at)


def _readers(release: Release) -> list[Invitation]:
    """Who read it before it was public, whichever version."""
    return readers_between(release, None, release.head.number + 1)


def _write_to(
    reader: Invitation, words: dict[str, Any], *, subject: str, key: str, at: datetime
) -> None:
    language = reader.language
    theirs = words | {"language": language, "sender": organisation().name(language)}
    queue_letter(
        key=f"{key}:reader:{reader.id}",
        to=reader.email,
        language=language,
        subject=translate("after.mail.withdrawal_subject", language, headline=subject),
        text=render_template("mail/withdrawal/body.txt", **theirs).strip() + "\n",
        html=render_template("mail/withdrawal/letter.html", **theirs),
        at=at,
    )


def _keys(release: Release) -> list[str]:
    """One for each time it was withdrawn, this time the last."""
    assert release.live is not None
    times = db.session.scalar(
        sa.select(sa.func.count()).where(
            ReleaseEvent.release_id == release.id, ReleaseEvent.action == "withdraw"
        )
    )
    key = mailing_key("withdrawal", release, release.live.number)
    return [key if n == 1 else f"{key}:{n}" for n in range(1, (times or 0) + 1)]
