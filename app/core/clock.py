"""The only place that asks the time. Aware UTC inside; the organisation's zone at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

STOCKHOLM = "Europe/Stockholm"


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def local(moment: datetime, zone: str = STOCKHOLM) -> datetime:
    """The same moment on the wall clock of `zone`."""
    return moment.astimezone(ZoneInfo(zone))


def today(at: datetime, zone: str = STOCKHOLM) -> date:
    """The date it is in `zone` at a moment."""
    return local(at, zone).date()
