"""Dates, phone numbers and postcodes as a Swedish or British reader expects to see them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import format_datetime

from app.core.clock import STOCKHOLM, local

MONTHS = {
    "sv": [
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}


WEEKDAYS = {
    "sv": ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}


def long_date(moment: datetime | date, language: str, zone: str = STOCKHOLM) -> str:
    """`28 oktober 2022`, `28 October 2022`."""
    day = _day(moment, zone)
    return f"{day.day} {MONTHS[language][day.month - 1]} {day.year}"


def date_line(moment: datetime, language: str, zone: str = STOCKHOLM) -> str:
    """`28 oktober 2022 kl. 08.00`, `28 October 2022, 08:00 CEST`: to the minute, as in print."""
    there = local(moment, zone)
    if language == "sv":
        return f"{long_date(there, 'sv', zone)} kl. {there:%H.%M}"
    return f"{long_date(there, 'en', zone)}, {there:%H:%M %Z}"


def date_and_time(moment: datetime, language: str, zone: str = STOCKHOLM) -> str:
    """`6 december 2019 kl. 10.15`, `6 December 2019, 10:15`: before a colon, without the zone."""
    there = local(moment, zone)
    if language == "sv":
        return date_line(moment, "sv", zone)
    return f"{long_date(there, 'en', zone)}, {there:%H:%M}"


def month(moment: datetime | date, language: str, zone: str = STOCKHOLM) -> str:
    """`oktober 2022`, the heading over a month's releases."""
    day = _day(moment, zone)
    return f"{MONTHS[language][day.month - 1]} {day.year}"


def short_date(moment: datetime | date, zone: str = STOCKHOLM) -> str:
    """`2022-10-28`, for tables."""
    return _day(moment, zone).isoformat()


def short_moment(moment: datetime, zone: str = STOCKHOLM) -> str:
    """`2022-10-28 08:00`, for tables and histories."""
    return f"{local(moment, zone):%Y-%m-%d %H:%M}"


def clock(moment: datetime, language: str, zone: str = STOCKHOLM) -> str:
    """`08.00`, `08:00`: the time of a day that is named beside it."""
    return f"{local(moment, zone):{'%H.%M' if language == 'sv' else '%H:%M'}}"


def weekday(day: date, language: str) -> str:
    """`fredag`, `Friday`."""
    return WEEKDAYS[language][day.weekday()]


def weekday_date(moment: datetime | date, language: str, zone: str = STOCKHOLM) -> str:
    """`fredag 28 oktober`, `Friday 28 October`: of a day that is near."""
    day = _day(moment, zone)
    return f"{WEEKDAYS[language][day.weekday()]} {day.day} {MONTHS[language][day.month - 1]}"


def local_stamp(moment: datetime, zone: str = STOCKHOLM) -> str:
    """`2022-10-28-0800`, for names of files."""
    return f"{local(moment, zone):%Y-%m-%d-%H%M}"


def iso(moment: datetime | date, zone: str = STOCKHOLM) -> str:
    """For <time datetime>: `2022-10-28T08:00:00+02:00`."""
    if isinstance(moment, datetime):
        return local(moment, zone).isoformat(timespec="seconds")
    return moment.isoformat()


def rfc822(moment: datetime) -> str:
    """For RSS: `Fri, 28 Oct 2022 06:00:00 GMT`."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def phone_href(number: str) -> str:
    """`072-450 01 50` becomes `tel:+46724500150`; a number without a country is Swedish.

    Empty for what holds no digits.
    """
    kept = re.sub(r"[^0-9+]", "", number.replace("(0)", ""))
    digits = kept.replace("+", "")
    if not digits:
        return ""
    if kept.startswith("+"):
        return f"tel:+{digits}"
    if digits.startswith("00"):
        return f"tel:+{digits[2:]}"
    if digits.startswith("0"):
        return f"tel:+46{digits[1:]}"
    return f"tel:{digits}"


def postcode(text: str) -> str:
    """`62158` and `SE-62158` become `621 58`, held together; anything else stays as written."""
    found = re.fullmatch(r"\s*(?:SE?-?\s*)?(\d{3})\s*(\d{2})\s*", text)
    return f"{found[1]}\u00a0{found[2]}" if found else text.strip()


def web_name(url: str) -> str:
    """An address as printed: `https://www.icld.se/` is `www.icld.se`."""
    return re.sub(r"^https?://", "", url.strip()).rstrip("/")


def _day(moment: datetime | date, zone: str) -> date:
    return local(moment, zone).date() if isinstance(moment, datetime) else moment


def amount(value: Decimal, language: str, *, decimals: int = 0) -> str:
    """`10 641 000` with no-break spaces, `10,641,000`; two decimals when there are some.

    `decimals` is how many there are at least, where amounts stand below each other.
    """
    decimals = decimals if value == value.to_integral_value() else 2
    text = f"{value:,.{decimals}f}"
    if language == "sv":
        return text.replace(",", "\u00a0").replace(".", ",")
    return text
