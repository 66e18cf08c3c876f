"""Releases that have gone out, their readers, and what is changed afterwards."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.accounts import User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import Change, Publication, Release, State
from releases.editorial.writing import save, text_of
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from tests import factories
from tests.factories import A_MORNING
from tests.postoffice import PostOffice

NOTE = (
    "I en tidigare version angavs 2\u00a0650\u00a0000 kronor."
    " Rätt uppgift är 2\u00a0750\u00a0000 kronor."
)
AN_HOUR = timedelta(hours=1)


def published(writer: User, editor: User) -> Release:
    return factories.release(writer, state=State.PUBLISHED, editor=editor)


def approved(release: Release, writer: User, editor: User, *, total: str = "2750000") -> Release:
    """A newer head with another total, approved but not live."""
    text = text_of(release.head)
    said = f"{int(total):,}".replace(",", "\u00a0")
    figure = f'<data value="{total}" data-figure="total">{said}\u00a0kronor</data>'
    for part in ("headline", "lead", "body"):
        pattern = r'<data(?=[^>]*data-figure="total")[^>]*>.*?</data>'
        setattr_text(text, part, re.sub(pattern, figure, getattr(text, part)))
    save(release, text, base_id=release.head_id or 0, by=writer, at=A_MORNING)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
    db.session.commit()
    return release


def setattr_text(text: object, part: str, value: str) -> None:
    object.__setattr__(text, part, value)  # a Text is frozen; this one is the test's own


def corrected(
    release: Release,
    writer: User,
    editor: User,
    *,
    total: str = "2750000",
    note: str = NOTE,
    since: int | None = None,
    at: datetime = A_MORNING + AN_HOUR,
) -> Release:
    approved(release, writer, editor, total=total)
    workflow.publish(release, by=editor, at=at, change=Change.CORRECTION, note=note, since=since)
    db.session.commit()
    return release


def mailings(kind: MailingKind | None = None) -> list[Mailing]:
    """What goes to subscribers; letters to colleagues left out."""
    public = (MailingKind.RELEASE, MailingKind.CORRECTION)
    query = sa.select(Mailing).where(Mailing.kind.in_((kind,) if kind else public))
    return list(db.session.scalars(query.order_by(Mailing.id)))


def history(release: Release) -> list[Publication]:
    query = sa.select(Publication).where(Publication.release_id == release.id)
    return list(db.session.scalars(query.order_by(Publication.id)))


def to_readers(post: PostOffice) -> dict[str, list[str]]:
    """The subjects that each subscriber has got, in order."""
    found: dict[str, list[str]] = {}
    for letter in post.letters:
        if letter.to.endswith("@news.example"):
            found.setdefault(letter.to, []).append(letter.message["Subject"])
    return found


def postpone(*addresses: str, until: datetime) -> None:
    """Let these wait, as behind a busy server."""
    db.session.execute(
        sa.update(Delivery).where(Delivery.address.in_(addresses)).values(due_at=until)
    )
    db.session.commit()
