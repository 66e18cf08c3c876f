"""The list of subscribers as a file for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

import sqlalchemy as sa

from app.core.db import db
from subscribers.audience.models import Subscriber, Subscription, Topic
from subscribers.audience.questions import Wanted, people
from subscribers.audience.reading import FORMULA_STARTS

COLUMNS = (
    "email",
    "language",
    "topic",
    "frequency",
    "state",
    "asked_at",
    "consent_source",
    "consent_text_version",
    "consent_at",
    "ended_at",
    "ended_reason",
)
PAGE = 5000


def export(file: TextIO, *, wanted: Wanted | None = None) -> int:
    """Write every subscription of everybody not erased as CSV; returns how many.

    Open `file` as UTF-8 with newline=''; a byte order mark is written first, for Excel. The
    importer reads the file back and leaves out those whose `state` is not active. `wanted` narrows
    it to some people, and to their subscriptions that are meant.
    """
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows(wanted or Wanted()):
        writer.writerow([harmless(_text(value)) for value in row])
        count += 1
    return count


def lines(wanted: Wanted) -> Iterator[str]:
    """The same as `export` writes, some rows at a time, for whoever fetches it."""
    buffer = io.StringIO(newline="")
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in _rows(wanted):
        writer.writerow([harmless(_text(value)) for value in row])
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _rows(wanted: Wanted) -> Iterator[tuple[object, ...]]:
    last = 0
    while page := db.session.execute(_page_after(last, wanted)).all():
        for row in page:
            yield tuple(row[1:])
        last = page[-1].id


def _page_after(last: int, wanted: Wanted) -> sa.Select[*tuple[object, ...]]:
    chosen = (
        sa.select(
            Subscription.id,
            Subscriber.address,
            Subscriber.language,
            Topic.slug,
            Subscription.frequency,
            Subscription.state,
            Subscription.asked_at,
            Subscription.consent_source,
            Subscription.consent_text_version,
            Subscription.consent_at,
            Subscription.ended_at,
            Subscription.ended_reason,
        )
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Subscription.id > last, Subscriber.address.is_not(None))
        .order_by(Subscription.id)
        .limit(PAGE)
    )
    if wanted.text or wanted.language:
        some = Wanted(text=wanted.text, language=wanted.language)
        chosen = chosen.where(Subscriber.id.in_(people(some).with_only_columns(Subscriber.id)))
    for column, value in (
        (Subscription.state, wanted.state),
        (Topic.slug, wanted.topic),
        (Subscription.frequency, wanted.frequency),
        (Subscription.ended_reason, wanted.reason),
    ):
        if value:
            chosen = chosen.where(column == value)
    return chosen
