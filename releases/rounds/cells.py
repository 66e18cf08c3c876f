"""Single cells: their plain text, and what the words in one mean."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from babel import Locale

from releases.rounds import amounts
from releases.rounds.table import AwardStatus

_CELL_CHARACTERS = 200_000
_STATUS_WORDS = {
    AwardStatus.GRANTED: """beviljad, beviljat, beviljas, beviljade, bifall, bifallen, bifalles,
        bifölls, godkänd, godkänt, tillstyrkt, ja, delvis, delvis beviljad, delvis bifall,
        delvis bifallen,
        beviljad delvis, beslutad, granted, approved, awarded, accepted, successful, funded, yes,
        active, completed, closed, partially approved, partly granted, partially granted, signed,
        pågående, pågår, avslutad, avslutat, slutredovisad, ongoing, live""",
    AwardStatus.REJECTED: """avslag, avslagen, avslaget, avslås, avslogs, ej beviljad, ej beviljat,
        inte beviljad, ej bifall, nekad, nekat, avvisad, avvisat, avvisas, avstyrkt, ej prioriterad,
        ej behörig, nej, rejected, refused, declined, denied, unsuccessful, ineligible,
        not eligible, not selected, not granted, not approved, not awarded, not funded, no""",
    AwardStatus.WITHDRAWN: """återtagen, återtaget, återkallad, återkallat, tillbakadragen,
        tillbakadraget, återkallas, indragen, indraget, avbruten, avbrutet, avskriven, avskrivet,
        withdrawn, cancelled, canceled,
        retracted, returned, terminated""",
}
_NOTHING = """n/a, ingen, inga, saknas, none, nil, null, nan, ej aktuellt, ej angivet, ej angiven,
    ej relevant, inte aktuellt, uppgift saknas, not applicable, not known, unknown, okänd, okänt"""
_CURRENCY_WORDS = {"kr", "sek", "kronor", "eur", "euro", "euros", "gbp", "pounds", "usd"}


@lru_cache(maxsize=4096, typed=True)  # a row's cells are asked for several times
def text_of(cell: Any) -> str:
    """A cell as text: composed letters, plain single spaces, line breaks kept."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    text = unicodedata.normalize("NFC", str(cell)[:_CELL_CHARACTERS])
    text = re.sub(r"[\u200b\u200c\u200d\u2060\ufeff\u00ad\ud800-\udfff]|[^\S\n\r]*\x00", "", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def as_text(rows: Iterable[Iterable[Any]]) -> list[list[str]]:
    return [[text_of(cell) for cell in row] for row in rows]


def is_filled(row: Iterable[Any]) -> bool:
    return any(text_of(cell) for cell in row)


@lru_cache(maxsize=4096)
def is_number(text: str) -> bool:
    if not re.search(r"\d", text):
        return text in {"-", "–"}
    try:
        amounts.parse_amount(text)
    except amounts.AmountError:
        return False
    return True


def without_number(name: str) -> str:
    """The name without the organisation's number, which for a sole trader is a person's."""
    return re.sub(r"[\s,;(]*\b(?:\d{2})?\d{6}[-–]\d{4}\b[\s)]*$", "", name) or name


def currency_said(text: str) -> str | None:
    """The one currency that a cell such as `EUR`, `Pounds sterling` or `Euro (EUR)` names."""
    words = re.findall(r"us\$|[€£$]|[^\W\d_]+", text.casefold())
    found = {currency for word in words if (currency := amounts.currency_of(word))}
    elsewhere = any(re.match("norsk|norw|dansk|dani|island|isländ|tjeck|czech", w) for w in words)
    return found.pop() if len(found) == 1 and not elsewhere else None


def is_date(text: str) -> bool:
    """A day in figures, with or without the time: a column `Beslut` may hold when it was made."""
    return re.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ][\d:.Z+ -]*)?", text) is not None


def _parts(text: str) -> list[str]:
    parts = map(str.strip, re.split(r"[;|\n]", text))
    return [part for part in parts if not is_nothing(part)]


def is_nothing(text: str) -> bool:
    """A blank, a dash or a word by which people leave a cell blank."""
    return not text.strip(" -–—.?/") or text.casefold().strip("#!.() ") in phrases(_NOTHING)


def themes_in(text: str) -> list[str]:
    """The themes in a cell. A comma parts a bare list (`Kultur, demokrati`) and not a phrase that
    joins its own parts (`Skydd, bevarande och hållbart bruk`)."""
    whole = _parts(text)
    if len(whole) != 1 or re.search(r"\b(?:och|and|samt|eller|or)\b|[&(]|\d,", text, re.IGNORECASE):
        return whole
    listed = [part for part in map(str.strip, whole[0].split(",")) if part]
    return listed if all(len(part.split()) <= 4 for part in listed) else whole


def countries_in(text: str) -> list[str]:
    """The countries in a cell; `och` and a slash part only names that are countries each."""
    found: list[str] = []
    for part in _parts(text.replace(",", ";")):
        sides = re.split(r" ?[/&] ?| och | and | samt ", part)
        known = part.casefold() not in _territories() and all(
            side.casefold() in _territories() or re.fullmatch("[A-Z]{2}", side) for side in sides
        )
        found += sides if known else [part]
    return found


@cache
def _territories() -> frozenset[str]:
    """The names of all countries in Swedish and English."""
    names = (str(name) for code in ("sv", "en") for name in Locale(code).territories.values())
    return frozenset(name.casefold() for name in names)


def partners_in(text: str) -> list[str]:
    """The partners in a cell. A comma never parts them (`Makueni County, Kenya`).

    `och`, `and`, `&` and a slash do only between two names that each say what body they are
    (`Makueni County och Homa Bay County`), since many a name holds such a word itself.
    """
    return [name for part in _parts(text) for name in _joined_names(part)]


_BODY = re.compile(
    r"\b(county|city|municipality|district|province|council|kommun|region|stad|university|"
    r"universitet|association|government|town|township|metropolitan)\b",
    re.IGNORECASE,
)


def _joined_names(text: str) -> list[str]:
    sides = [side.strip() for side in re.split(r" / | och | and | & ", text)]
    if len(sides) > 1 and all(_BODY.search(side) and side[0].isupper() for side in sides):
        return sides
    return [text]


def label_of(text: str) -> str:
    """The words of a label without figures, years, currencies and punctuation."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return " ".join(word for word in words if word not in _CURRENCY_WORDS)


@cache
def phrases(words: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in words.split(","))


def status_of(label: str) -> AwardStatus | None:
    """What the words that a cell opens with decide (`avslag brist på medel`), the longest known."""
    words = label.split()
    openings = (" ".join(words[:n]) for n in range(len(words), 0, -1))
    return next((_statuses()[text] for text in openings if text in _statuses()), None)


@cache
def _statuses() -> dict[str, AwardStatus]:
    return {word: status for status, words in _STATUS_WORDS.items() for word in phrases(words)}
