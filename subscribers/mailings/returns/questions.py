"""What the office asks about what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import NotFound
from subscribers.audience.models import Subscriber, Suppression
from subscribers.mailings.models import InboundEvent, InboundKind, Mailing
from subscribers.mailings.questions import without_addresses
from subscribers.mailings.returns import mime

PAGE = 50
UNMATCHED = "unmatched"
MOST_SHOWN = 12_000  # characters of a report's own words


@dataclass(frozen=True)
class Line:
    """One event of the list, with the mailing and the reader it is about, where known."""

    event: InboundEvent
    subject: str | None
    language: str | None
    address: str | None

    @property
    def said(self) -> str:
        """The server's words; the address stands beside them anyway, or is nobody's business."""
        return without_addresses(self.event.said)


@dataclass(frozen=True)
class Page:
    """Some of what came back, the newest first. `older` is where the next page begins."""

    lines: Sequence[Line]
    older: int | None


def came_back(*, which: str = "", before: int | None = None) -> Page:
    """The events older than the one with id `before`; of one kind, or those that moved nothing."""
    query = _lines().order_by(InboundEvent.id.desc()).limit(PAGE + 1)
    if which == UNMATCHED:
        query = query.where(InboundEvent.unmatched != "")
    elif which in {kind.value for kind in InboundKind}:
        query = query.where(InboundEvent.kind == InboundKind(which))
    if before is not None:
        query = query.where(InboundEvent.id < before)
    found = [Line(*row) for row in db.session.execute(query)]
    older = found[PAGE - 1].event.id if len(found) > PAGE else None
    return Page(found[:PAGE], older)


def event(event_id: int) -> Line:
    """Raises NotFound."""
    row = db.session.execute(_lines().where(InboundEvent.id == event_id)).one_or_none()
    if row is None:
        raise NotFound("no_such_return")
    return Line(*row)


def _lines() -> sa.Select[InboundEvent, str, str, str | None]:
    return (
        sa.select(InboundEvent, Mailing.subject, Mailing.language, Subscriber.address)
        .options(sa.orm.defer(InboundEvent.raw))
        .outerjoin(Mailing, Mailing.id == InboundEvent.mailing_id)
        .outerjoin(Subscriber, Subscriber.id == InboundEvent.subscriber_id)
    )


def caused_suppression(event_id: int) -> bool:
    """Whether an address is silenced because of this event."""
    return bool(db.session.scalar(sa.select(sa.exists().where(Suppression.event_id == event_id))))


def as_it_came(found: InboundEvent) -> tuple[str, str]:
    """The headers of what came, and the words of its report; both empty when cleared away."""
    if not found.raw:
        return "", ""
    if found.source.startswith("hook:"):
        return "", found.raw.decode("utf-8", "replace")[:MOST_SHOWN]
    mail = mime.read(found.raw)
    head = "\n".join(f"{name.title()}: {mime.decoded(value)}" for name, value in mail.headers)
    texts = [
        part.text.strip()
        for part in mail.walk()
        if not part.parts and part.depth <= 2 and part.kind.startswith(("text/p", "message/"))
    ]
    return head[:MOST_SHOWN], "\n\n".join(text for text in texts if text)[:MOST_SHOWN]
