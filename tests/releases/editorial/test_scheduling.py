"""Moments on the office's wall clock: right over both nights when it jumps."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from releases.editorial.scheduling import (
    Left,
    Skipped,
    Twice,
    good_times,
    left,
    moment,
    parse_clock,
    parse_day,
    spoken,
)

STOCKHOLM = "Europe/Stockholm"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(("day", "zone"), [(date.min, STOCKHOLM), (date.max, "America/New_York")])
def test_a_time_that_the_calendar_does_not_reach_is_refused(day: date, zone: str) -> None:
    with pytest.raises(BadInput):
        moment(day, time(0) if day == date.min else time(23), zone)


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (date(2026, 7, 1), time(8), utc(2026, 7, 1, 6)),
        (date(2026, 12, 1), time(8), utc(2026, 12, 1, 7)),
        (SPRING, time(1, 59), utc(2026, 3, 29, 0, 59)),
        (SPRING, time(3, 0), utc(2026, 3, 29, 1, 0)),
        (AUTUMN, time(1, 59), utc(2026, 10, 24, 23, 59)),
        (AUTUMN, time(3, 0), utc(2026, 10, 25, 2, 0)),
    ],
)
def test_a_plain_time_is_one_moment(day: date, clock: time, expected: datetime) -> None:
    assert moment(day, clock, STOCKHOLM) == expected


@pytest.mark.parametrize("clock", [time(2, 0), time(2, 30), time(2, 59)])
def test_a_time_that_spring_leaves_out_is_refused_with_those_that_exist(clock: time) -> None:
    for fold in (None, 0, 1):
        with pytest.raises(Skipped) as refused:
            moment(SPRING, clock, STOCKHOLM, fold)

        assert (refused.value.facts["before"], refused.value.facts["after"]) == ("01.59", "03.00")


@pytest.mark.parametrize("clock", [time(2, 0), time(2, 30), time(2, 59)])
def test_a_time_that_autumn_repeats_is_asked_about(clock: time) -> None:
    with pytest.raises(Twice):
        moment(AUTUMN, clock, STOCKHOLM)

    first, second = (moment(AUTUMN, clock, STOCKHOLM, fold) for fold in (0, 1))
    assert second - first == timedelta(hours=1)
    assert "(sommartid)" in spoken(first, "sv", STOCKHOLM)
    assert "(normaltid)" in spoken(second, "sv", STOCKHOLM)


def test_a_clock_that_jumps_half_an_hour_is_followed_too() -> None:
    with pytest.raises(Skipped) as refused:
        moment(date(2026, 10, 4), time(2, 15), "Australia/Lord_Howe")

    assert (refused.value.facts["before"], refused.value.facts["after"]) == ("01.59", "02.30")


@given(
    st.integers(0, 10 * 365 * 24 * 60),
    st.sampled_from([STOCKHOLM, "America/New_York", "Pacific/Auckland", "Asia/Kolkata"]),
)
def test_every_moment_is_found_again_by_what_the_wall_clock_shows(minutes: int, zone: str) -> None:
    at = utc(2025, 1, 1) + timedelta(minutes=minutes)
    there = at.astimezone(ZoneInfo(zone))

    assert moment(there.date(), there.time(), zone, there.fold) == at


@pytest.mark.parametrize(
    ("text", "clock"), [("08:30", time(8, 30)), ("8.30", time(8, 30)), ("9", time(9))]
)
def test_a_clock_is_read_as_people_write_it(text: str, clock: time) -> None:
    assert parse_clock(text) == clock


@pytest.mark.parametrize("text", ["", "25:00", "8.61", "åtta", "8:30:10:1"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_clock(text)
    with pytest.raises(BadInput):
        parse_day(text)


def test_a_moment_is_said_with_its_weekday_and_zone() -> None:
    at = utc(2026, 12, 3, 8)

    assert spoken(at, "sv", STOCKHOLM) == "torsdag 3 december 2026 kl. 09.00 (normaltid)"
    assert spoken(at, "en", STOCKHOLM) == "Thursday 3 December 2026, 09:00 (CET)"
    assert spoken(at, "en", "America/New_York") == "Thursday 3 December 2026, 03:00 (EST)"


def test_how_long_it_is_counts_real_hours_over_a_jump() -> None:
    evening = moment(date(2026, 10, 24), time(20), STOCKHOLM)
    morning = moment(AUTUMN, time(8), STOCKHOLM)

    assert left(evening, morning) == Left(0, 13, 0)
    assert left(morning, evening) == Left(0, 0, 0)
    assert left(evening, evening + timedelta(days=2, hours=3, minutes=4)) == Left(2, 3, 4)


def test_good_times_are_weekday_mornings_that_can_still_be_reached() -> None:
    friday_at_nine = utc(2026, 11, 27, 8, 0)

    found = good_times(friday_at_nine, STOCKHOLM)

    assert [spoken(one, "sv", STOCKHOLM)[:6] for one in found] == ["fredag", *["måndag"] * 3]
    assert found[0] == utc(2026, 11, 27, 9)
