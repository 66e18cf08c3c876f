"""What every language can do, and the arithmetic that no language owns.

`swedish` and `english` are modules that fit `Language`: the same functions, each in its own
grammar. Beside it: the house's choices, how money is rounded before it is put in words, and the
names of countries.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache
from typing import Literal, Protocol

from babel import Locale

NBSP = "\u00a0"


@dataclass(frozen=True)
class HouseStyle:
    """The choices a house makes once. `rounding` is how the rounded total is taken."""

    quote_glyph: str = "–"
    digit_at_sentence_start: bool = False
    rounding: Literal["nearest", "down"] = "nearest"
    rounding_decimals: int = 1


class Language(Protocol):
    @property
    def CODE(self) -> str: ...

    def number(self, n: int, *, noun: str = "") -> str: ...
    def counted(self, n: int, *, noun: str) -> str: ...
    def breakdown(self, counts: Sequence[tuple[str, int]]) -> str: ...
    def money(self, amount: Decimal, *, currency: str) -> str: ...
    def rounded(self, amount: Decimal, *, currency: str, style: HouseStyle) -> str: ...
    def listing(self, items: Sequence[str]) -> str: ...
    def phrases(self, items: Sequence[str]) -> str: ...
    def genitive(self, name: str) -> str: ...
    def date(self, day: datetime.date) -> str: ...
    def whereabouts(self, countries: Sequence[str]) -> tuple[str, str]: ...
    def in_text(self, country: str) -> str: ...
    def organisation(self, name: str, *, short: str) -> str: ...
    def through(self, programme: str) -> str: ...
    def purpose(self, phrase: str) -> str: ...
    def quotation(self, words: str, *, attribution: Sequence[str], style: HouseStyle) -> str: ...
    def gap(self, name: str) -> str: ...


@dataclass(frozen=True)
class Rounded:
    """`number` × 10^`power`; `side` is 1 when the exact amount is more, -1 when it is less."""

    number: Decimal
    power: int
    side: int


def rounded_to_say(amount: Decimal, *, style: HouseStyle) -> Rounded:
    """Millions and above by the house's decimals, below that to the thousand; small as it is."""
    if amount < 10_000:
        return Rounded(amount, 0, 0)
    near = _to_step(amount, Decimal(1000), style)
    if near < 10**6:
        return Rounded(near, 0, _side(amount, near))
    for power in (6, 9, 12):
        near = _to_step(amount, Decimal(10) ** (power - style.rounding_decimals), style)
        if abs(near - amount) * 10 >= amount:  # 1.96 million is not `drygt en miljon`
            near = _to_step(amount, Decimal(10) ** (power - 1), style)
        if near < 10 ** (power + 3):
            break
    return Rounded(near / Decimal(10) ** power, power, _side(amount, near))


def grouped(amount: Decimal, *, group: str, point: str) -> str:
    """Digits in threes; decimals, when there are any, at least two."""
    if amount == amount.to_integral_value():
        return f"{amount:,.0f}".replace(",", group)
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    whole, decimals = f"{amount:,.{places}f}".split(".")
    return whole.replace(",", group) + point + decimals


def plain(number: Decimal) -> str:
    """The shortest way to write it: `10.6`, `10`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_running_text(words: str, *, language: str) -> str:
    """Without a full stop, and with a small initial unless that of a name or an abbreviation.

    A capital further on makes the whole a name (`Community Fund`), unless it is that of a country
    or the like (`Stärkt demokrati i Kenya`).
    """
    words = words.rstrip(" .;,") or words
    first, _, rest = words.partition(" ")
    is_ordinary = first[1:] == first[1:].lower() and len(first) > 1
    names = _proper_names(language)
    capitals = [word.rstrip(",;:") for word in rest.split() if re.match("[0-9A-ZÅÄÖ]", word)]
    if not is_ordinary or first in names or not names.issuperset(capitals):
        return words
    return words[:1].lower() + words[1:]


def country_in(name: str, *, source: str, language: str) -> str | None:
    """A country's name in `language`, from exactly its name in `source`; None when unknown."""
    if source == language:
        return name
    code = _codes(source).get(name)
    if code:
        return _names(language)[code]
    return name if name in _codes(language) else None


def is_country(name: str, *, source: str) -> bool:
    """Whether it is a country's name in its own language, and no code, region or `Global`."""
    return name in _codes(source)


def _to_step(amount: Decimal, step: Decimal, style: HouseStyle) -> Decimal:
    mode = ROUND_DOWN if style.rounding == "down" else ROUND_HALF_UP
    return (amount / step).quantize(Decimal(1), rounding=mode) * step


def _side(exact: Decimal, near: Decimal) -> int:
    return (exact > near) - (exact < near)


PLAINER = {
    "en": {
        "CD": "Democratic Republic of the Congo",
        "CG": "Republic of the Congo",
        "HK": "Hong Kong",
        "MM": "Myanmar",
        "MO": "Macao",
    },
    "sv": {"HK": "Hongkong", "MM": "Myanmar", "MO": "Macao"},
}
ALSO_CALLED = {
    "en": {"UK": "GB", "USA": "US", "Turkey": "TR", "Ivory Coast": "CI", "East Timor": "TL"},
    "sv": {"Demokratiska republiken Kongo": "CD"},
}
NO_COUNTRIES = {"XA", "XB", "ZZ", "QO", "UN"}


@cache
def _names(language: str) -> dict[str, str]:
    territories = Locale(language).territories
    names = {code: str(name) for code, name in territories.items() if code not in NO_COUNTRIES}
    return {code: name.replace(" & ", " and ") for code, name in names.items()} | PLAINER[language]


@cache
def _codes(language: str) -> dict[str, str]:
    raw = {str(name): code for code, name in Locale(language).territories.items()}
    own = {name: code for code, name in _names(language).items()}
    known = {name: code for name, code in raw.items() if code not in NO_COUNTRIES}
    return known | own | ALSO_CALLED[language]


NAMES = {
    "sv": [
        "Arktis",
        "Barents",
        "Norden",
        "Skandinavien",
        "Sverige",
        "Östersjön",
        "Europa",
        "Internet",
    ],
    "en": [
        "African",
        "American",
        "Arabic",
        "Arctic",
        "Asian",
        "Baltic",
        "British",
        "Christian",
        "English",
        "European",
        "French",
        "German",
        "Jewish",
        "Muslim",
        "Nordic",
        "Roma",
        "Sami",
        "Swedish",
        "Welsh",
        "Scottish",
        "Irish",
        "Finnish",
    ],
}


@cache
def _proper_names(language: str) -> frozenset[str]:
    return frozenset(name.split()[0] for name in _codes(language)) | frozenset(NAMES[language])
