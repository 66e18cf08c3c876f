"""Moments on the office's wall clock, and which of them are good for a publication. Pure.

Twice a year the wall clock jumps: one hour does not exist, another comes twice. Neither is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.core.clock import local
from app.core.errors import BadInput
from app.core.formats import MONTHS, WEEKDAYS

GOOD_HOURS = (time(8), time(9), time(10))  # the newsrooms plan their day
ZONES = {"sv": {"CET": "normaltid", "CEST": "sommartid"}}


class Skipped(BadInput):
    """That time does not exist: the clock is put forward over it."""


class Twice(BadInput):
    """That time comes twice, since the clock is put back. The facts are the two, first and second;
    `fold` 0 and 1 choose between them."""


@dataclass(frozen=True)
class Left:
    """How long it is until a moment, in whole minutes."""

    days: int
    hours: int
    minutes: int


def moment(day: date, clock: time, zone: str, fold: int | None = None) -> datetime:
    """When the wall clock of `zone` shows a time, as UTC.

    Raises Skipped for a time in the hour that spring leaves out, and Twice for one in the hour that
    autumn repeats unless `fold` says which: 0 the first, 1 the second. BadInput for one that no
    calendar reaches.
    """
    there = ZoneInfo(zone)
    try:
        first, second = (
            datetime.combine(day, clock, there).replace(fold=n).astimezone(UTC) for n in (0, 1)
        )
    except OverflowError:  # the first or the last day of the calendar
        raise BadInput("time_unreadable") from None
    if first == second:
        return first
    if first > second:  # PEP 495: only a skipped time is later by its first reading
        before, after = _around_the_jump(second, zone)
        raise Skipped("time_skipped", time=f"{clock:%H.%M}", before=before, after=after)
    if fold not in (0, 1):
        raise Twice("time_twice", time=f"{clock:%H.%M}")
    return second if fold else first


def parse_day(text: str) -> date:
    """A date as a form sends it. Raises BadInput."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("time_unreadable") from None


def parse_clock(text: str) -> time:
    """`8.30`, `08:30` or `8`. Raises BadInput."""
    hours, _, minutes = text.strip().replace(".", ":").partition(":")
    try:
        return time(int(hours), int(minutes or 0))
    except ValueError:
        raise BadInput("time_unreadable") from None


def left(at: datetime, until: datetime) -> Left:
    """How long it is. Nothing when the moment has passed."""
    minutes = max(0, int((until - at).total_seconds() // 60))
    days, minutes = divmod(minutes, 24 * 60)
    return Left(days, *divmod(minutes, 60))


def spoken(at: datetime, language: str, zone: str) -> str:
    """`torsdag 3 december 2026 kl. 09.00 (normaltid)`, `Thursday 3 December 2026, 09:00 (CET)`."""
    there = local(at, zone)
    day = f"{weekday_date(there.date(), language)} {there.year}"
    name = zone_name(at, language, zone)
    if language == "sv":
        return f"{day} kl. {there:%H.%M} ({name})"
    return f"{day}, {there:%H:%M} ({name})"


def weekday_date(day: date, language: str) -> str:
    """`torsdag 3 december`, `Thursday 3 December`."""
    return f"{WEEKDAYS[language][day.weekday()]} {day.day} {MONTHS[language][day.month - 1]}"


def zone_name(at: datetime, language: str, zone: str) -> str:
    """What the clock of a zone is called at a moment: `sommartid`, `CEST`."""
    short = local(at, zone).strftime("%Z")
    return ZONES.get(language, {}).get(short, short)


def good_times(at: datetime, zone: str, *, days: int = 2) -> list[datetime]:
    """The next weekday mornings' hours from which newsrooms plan, as UTC."""
    found: list[datetime] = []
    day = local(at, zone).date()
    while len({local(one, zone).date() for one in found}) < days:
        if day.weekday() < 5:
            times = (moment(day, clock, zone, fold=0) for clock in GOOD_HOURS)
            found += [one for one in times if one - at >= timedelta(minutes=15)]
        day += timedelta(days=1)
    return found


def _around_the_jump(before: datetime, zone: str) -> tuple[str, str]:
    """The last time that exists before a skipped one and the first after it, as `01.59`, `03.00`.

    `before` is a moment within the two hours that end when the clock jumps.
    """
    there = local(before, zone)
    minute = timedelta(minutes=1)
    while local(before + minute, zone).utcoffset() == there.utcoffset():
        before += minute
    return f"{local(before, zone):%H.%M}", f"{local(before + minute, zone):%H.%M}"
