"""What digests know of releases: each as last announced, corrected, withdrawn or put back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.core.db import db
from subscribers.mailings.controlling import stop
from subscribers.mailings.digests.readers import CATCHING_UP, WITHDRAWN
from subscribers.mailings.models import Announced, DigestRun, Mailing, MailingItem, MailingKind
from subscribers.mailings.retaining import deliveries_since


def retell(
    story: str,
    language: str,
    *,
    key: str,
    topics: Sequence[str],
    subject: str,
    lead: str,
    page_url: str,
    note: str = "",
    corrected_at: datetime | None = None,
) -> None:
    """Let digests say of a release what its page says now, if it was announced at all. No commit.

    `note` is what readers were told of its last correction, at `corrected_at`.
    """
    if row := _row(story, language):
        row.key, row.topics, row.subject = key, list(topics), subject[:500]
        row.lead, row.page_url = lead, page_url
        row.note, row.corrected_at = note, corrected_at


def take_back(story: str, language: str, *, at: datetime) -> None:
    """Let it stand in no digest any more: it is withdrawn. No commit.

    A digest that is on its way is called off, and its period looked over again: who has not got it
    gets what else was in it, in a mail that is made up anew. One that was paused stays paused.
    """
    row = _row(story, language)
    if row is None or row.withdrawn_at is not None:
        return
    row.withdrawn_at = at
    on_its_way = db.session.scalars(
        sa.select(Mailing)
        .join(MailingItem, MailingItem.mailing_id == Mailing.id)
        .where(
            MailingItem.story == story,
            Mailing.kind == MailingKind.DIGEST,
            Mailing.language == language,
            Mailing.finished_at.is_(None),
            ~Mailing.key.startswith(CATCHING_UP, autoescape=True),
        )
        .order_by(Mailing.id)
    ).all()
    for mailing in on_its_way:
        mailing.pause_facts = {**mailing.pause_facts, WITHDRAWN: story}
        db.session.flush()
        stop(mailing, at=at)
    if on_its_way:
        _look_again(language, since=row.at)


def _look_again(language: str, *, since: datetime) -> None:
    """Let the periods in which something was announced be looked over once more."""
    db.session.execute(
        sa.update(DigestRun)
        .where(DigestRun.language == language, DigestRun.ends_at >= since, DigestRun.items > 0)
        .values(settled_at=None)
        .execution_options(synchronize_session=False)
    )


def put_back(story: str, language: str, *, at: datetime) -> None:
    """It was withdrawn by mistake: who has not had it gets it with the next digest. No commit.

    Nobody, when it is so old that the rows that tell who has had it are gone.
    """
    row = _row(story, language)
    if row and row.withdrawn_at is not None:
        row.withdrawn_at = None
        if not _is_older_than_its_rows(story, at=at):
            row.at = max(row.at, at)


def _is_older_than_its_rows(story: str, *, at: datetime) -> bool:
    """Whether a mailing that carried it ended so long ago that its deliveries may be cleared."""
    carried = sa.exists().where(
        MailingItem.story == story,
        MailingItem.mailing_id == Mailing.id,
        Mailing.finished_at < deliveries_since(at),
    )
    return bool(db.session.scalar(sa.select(carried)))


def _row(story: str, language: str) -> Announced | None:
    return db.session.scalar(
        sa.select(Announced).where(Announced.story == story, Announced.language == language)
    )
