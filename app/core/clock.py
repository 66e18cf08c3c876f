"""The only place that asks the time. Aware UTC inside; the organisation's zone at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

STOCKHOLM = "Europe/Stockholm"
FIRST, LAST = date(1, 1, 3), date(9999, 12, 29)  # whose midnights exist in every zone


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def local(moment: datetime, zone: str = STOCKHOLM) -> datetime:
    """The same moment on the wall clock of `zone`."""
    return moment.astimezone(ZoneInfo(zone))


def today(at: datetime, zone: str = STOCKHOLM) -> date:
    """The date it is in `zone` at a moment."""
    return local(at, zone).date()


def midnight(day: date, zone: str = STOCKHOLM) -> datetime:
    """When a day begins in `zone`. Days at the ends of time begin a little off."""
    return datetime.combine(min(max(day, FIRST), LAST), time.min, ZoneInfo(zone))


def midnight_after(day: date, zone: str = STOCKHOLM) -> datetime:
    """When a day is over in `zone`, which may be 23 or 25 hours after it began."""
    return midnight(min(day, LAST) + timedelta(days=1), zone)
