"""The list of subscribers as a file for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

import sqlalchemy as sa

from app.core.db import db
from subscribers.audience.models import Subscriber, Subscription, Topic
from subscribers.audience.reading import FORMULA_STARTS

COLUMNS = (
    "email",
    "language",
    "topic",
    "state",
    "asked_at",
    "consent_source",
    "consent_text_version",
    "consent_at",
    "ended_at",
    "ended_reason",
)
PAGE = 5000


def export(file: TextIO) -> int:
    """Write every subscription of everybody not erased as CSV; returns how many.

    Open `file` as UTF-8 with newline=''; a byte order mark is written first, for Excel. The
    importer reads the file back and leaves out those whose `state` is not active.
    """
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows():
        writer.writerow([harmless(_text(value)) for value in row])
        count += 1
    return count


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _rows() -> Iterator[tuple[object, ...]]:
    last = 0
    while page := db.session.execute(_page_after(last)).all():
        for row in page:
            yield tuple(row[1:])
        last = page[-1].id


def _page_after(last: int) -> sa.Select[*tuple[object, ...]]:
    return (
        sa.select(
            Subscription.id,
            Subscriber.address,
            Subscriber.language,
            Topic.slug,
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
