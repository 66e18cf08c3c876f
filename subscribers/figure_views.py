"""The office's page of figures: mailing by mailing, and how the list grows. Nobody is followed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, render_template, stream_with_context
from flask.typing import ResponseReturnValue

from app.core import formats
from app.core.accounts import Role, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.organisation import organisation
from app.core.paging import row_before
from app.core.words.language import interface_language, t
from subscribers.audience.exporting import harmless
from subscribers.mailings.watching.figures import (
    Figures,
    Month,
    active_now,
    figures_page,
    growth,
)

blueprint = Blueprint("figures", __name__, url_prefix="/office/mailings")
signed_in_only(blueprint)

AT_ONCE = 50  # mailings of the file fetched in one question
HEIGHT = 150  # of the drawing's columns, in pixels: half of it above the line, half below
COLUMNS = (
    "queued_at",
    "kind",
    "language",
    "subject",
    "recipients",
    "sent",
    "failed",
    "suppressed",
    "bounced_hard",
    "bounced_soft",
    "complaints",
    "left_within_a_week",
    "left_per_thousand",
    "seconds_to_half",
    "seconds_to_95_percent",
)


@dataclass(frozen=True)
class Column:
    """One month of the drawing: `x` in per cent, the rest in pixels; one bar up and one down."""

    x: float
    name: str
    text: str
    up: float
    down: float


@blueprint.get("/figures")
@only(Role.WRITER, Role.EDITOR)
def index() -> ResponseReturnValue:
    at = now()
    months = growth(at=at, zone=organisation().time_zone)
    return render_template(
        "office/mailings/figures.html",
        page=figures_page(before=row_before()),
        months=months,
        columns=columns(months),
        height=HEIGHT,
        active=active_now(),
        took=took,
        per_thousand=per_thousand,
    )


@blueprint.get("/figures.csv")
@only(Role.WRITER, Role.EDITOR)
def as_csv() -> ResponseReturnValue:
    """All mailings to many, the newest first, written while it is fetched."""
    answer = Response(stream_with_context(lines()), mimetype="text/csv; charset=utf-8")
    name = formats.local_stamp(now(), organisation().time_zone)
    answer.headers["Content-Disposition"] = f'attachment; filename="mailings-{name}.csv"'
    return answer


def lines() -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # Excel takes it for UTF-8
    writer.writerow(COLUMNS)
    before: int | None = None
    while True:
        page = figures_page(before=before, size=AT_ONCE)
        for one in page.found:
            writer.writerow([harmless("" if cell is None else str(cell)) for cell in cells(one)])
        db.session.expunge_all()
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        before = page.older
        if before is None:
            return


def cells(one: Figures) -> Sequence[object]:
    mailing, counts = one.mailing, {s.value: n for s, n in one.progress.counts.items()}
    return (
        formats.iso(mailing.queued_at, organisation().time_zone),
        mailing.kind.value,
        mailing.language,
        mailing.subject,
        one.progress.audience,
        counts["sent"],
        counts["failed"],
        counts["suppressed"],
        one.returned.hard,
        one.returned.soft,
        one.returned.complaints,
        one.left,
        round(one.per_thousand(one.left), 2),
        round(one.half.total_seconds()) if one.half is not None else None,
        round(one.most.total_seconds()) if one.most is not None else None,
    )


def columns(months: Sequence[Month]) -> list[Column]:
    """What came above the line and what went below it, to one scale."""
    highest = max((max(one.confirmed, one.left) for one in months), default=0) or 1
    wide = 100 / len(months)
    found = []
    for turn, one in enumerate(months):
        name = _month(one.begins)
        text = t("watching.growth.bar", month=name, confirmed=one.confirmed, left=one.left)
        found.append(
            Column(
                x=round(turn * wide, 2),
                name=name.split()[0][:3],
                text=text,
                up=round(one.confirmed / highest * HEIGHT / 2, 1),
                down=round(one.left / highest * HEIGHT / 2, 1),
            )
        )
    return found


def took(length: timedelta | None) -> str:
    """How long a mailing took, to the second, the minute or the tenth of an hour."""
    if length is None:
        return "–"
    seconds = length.total_seconds()
    if seconds < 90:
        return t("watching.seconds", n=round(seconds))
    if seconds < 90 * 60:
        return t("watching.minutes", n=round(seconds / 60))
    return t("watching.hours", n=_decimal(seconds / 3600))


def per_thousand(one: Figures, number: int) -> str:
    return _decimal(one.per_thousand(number))


def _decimal(number: float) -> str:
    said = f"{number:.1f}"
    return said.replace(".", ",") if interface_language() == "sv" else said


def _month(moment: datetime) -> str:
    return formats.month(moment, interface_language(), organisation().time_zone)
