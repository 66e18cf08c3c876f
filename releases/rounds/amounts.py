"""Money as people write it in tables, turned into exact decimals.

One cell is read by `parse_amount`. What `1.200` means is decided by its whole column:
`decimal_mark` looks for evidence there, and without any a lone separator before exactly three
digits groups thousands. Nothing is guessed beyond that: what cannot be read is an error.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

CURRENCIES = ("SEK", "EUR", "GBP", "USD", "NOK", "DKK")
LARGEST = Decimal(10) ** 13  # more than this in one cell is a slip, not a grant

_SIGNS = {
    "kr": "SEK", "kronor": "SEK", "krona": "SEK", "skr": "SEK", "sek": "SEK",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pund": "GBP", "pound": "GBP", "pounds": "GBP",
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
    "nok": "NOK", "dkk": "DKK",
}  # fmt: skip
_THOUSAND, _MILLION, _BILLION = (Decimal(10) ** power for power in (3, 6, 9))
_UNITS = {
    "tusen": _THOUSAND, "tusental": _THOUSAND, "tkr": _THOUSAND, "kkr": _THOUSAND,
    "tsek": _THOUSAND, "ksek": _THOUSAND, "keur": _THOUSAND, "teur": _THOUSAND, "k€": _THOUSAND,
    "t€": _THOUSAND, "kgbp": _THOUSAND, "k£": _THOUSAND, "kusd": _THOUSAND, "k$": _THOUSAND,
    "thousand": _THOUSAND, "thousands": _THOUSAND, "000s": _THOUSAND, "k": _THOUSAND,
    "miljon": _MILLION, "miljoner": _MILLION, "mn": _MILLION, "milj": _MILLION,
    "mnkr": _MILLION, "mkr": _MILLION, "mljkr": _MILLION, "msek": _MILLION, "meur": _MILLION,
    "m€": _MILLION, "mgbp": _MILLION, "m£": _MILLION, "musd": _MILLION, "m$": _MILLION,
    "million": _MILLION, "millions": _MILLION, "m": _MILLION,
    "miljard": _BILLION, "miljarder": _BILLION, "mdkr": _BILLION, "mdr": _BILLION,
    "billion": _BILLION, "billions": _BILLION, "bn": _BILLION,
}  # fmt: skip
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009\u2007\u2002-\u200b\ufeff]+")
_WORD = r"us\$|[a-z]*[€£$]|[€£$]|[a-zåäö]+"
_CELL = re.compile(rf"(?P<before>(?:(?:{_WORD})\.?)*)(?P<number>[0-9][0-9.,']*)(?P<after>\D*)")


class AmountError(ValueError):
    """A cell that holds no amount. `code` names the problem it is told as."""

    code = "amount_unreadable"


class BlankAmount(AmountError):
    code = "amount_missing"


@dataclass(frozen=True)
class Amount:
    """A sum of money. `currency` is the one the cell itself names, else None.

    `krona` is true when only `kr` or `kronor` was written, which may be another country's krona.
    `ambiguous` is true when `1.200` was read by evidence from other cells of the column.
    """

    value: Decimal
    currency: str | None = None
    krona: bool = False
    ambiguous: bool = False


def parse_amount(cell: object, *, decimal: str | None = None) -> Amount:
    """Read one cell: a number, or text such as `1 200 000 kr`, `£53,195` or `1,2 mkr`.

    `decimal` is the column's decimal mark from `decimal_mark`, when there is evidence for one.
    The value is in whole units of the currency, with two decimals only when the cell has any.
    Raises BlankAmount for a blank cell or a lone dash and AmountError for what is no amount.
    """
    if isinstance(cell, bool):
        raise AmountError(cell)
    if isinstance(cell, int | float | Decimal):
        return Amount(to_money(_exact(cell)))
    if not isinstance(cell, str):
        raise AmountError(cell)
    return _parse_text(cell, decimal)


def decimal_mark(cells: Iterable[object]) -> str | None:
    """The decimal mark that a column's cells give evidence of: `,`, `.`, or None.

    `10,50` and `1.200.000` speak for the comma, `10.50` and `1,200,000` for the point. Evidence for
    both is no evidence.
    """
    marks = {mark for cell in cells if isinstance(cell, str) and (mark := _mark_shown(cell))}
    return marks.pop() if len(marks) == 1 else None


def unit_of(word: str) -> Decimal | None:
    """1000 for `tkr`, 1000000 for `mnkr`; None for a word that is no unit."""
    return _UNITS.get(word)


def currency_of(word: str) -> str | None:
    """The currency of a sign, code or word such as `£`, `SEK`, `kronor` or `MEUR`; else None."""
    word = word.casefold()
    if word in _SIGNS:
        return _SIGNS[word]
    if word in _UNITS:
        return _SIGNS.get(re.sub(r"^(?:mlj|mn|md|k|t|m)(?=kr|sek|eur|gbp|usd|[€£$])", "", word))
    return None


def to_money(value: Decimal) -> Decimal:
    """The value to the hundredth, and without decimals when it has none (445000, not 445000.00)."""
    cents = value.quantize(Decimal("0.01"))
    whole = cents.to_integral_value()
    return whole if whole == cents else cents


def _exact(number: float | Decimal) -> Decimal:
    """A spreadsheet's number without the noise of its binary form (0.1 + 0.2 is 0.3)."""
    if isinstance(number, float) and not math.isfinite(number):
        raise AmountError(number)
    value = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if not value.is_finite() or abs(value) >= LARGEST:
        raise AmountError(number)
    return value.quantize(Decimal("0.000001"))


def _parse_text(cell: str, decimal: str | None) -> Amount:
    text = _plain(cell)
    if not text or text in {"-", "--"}:
        raise BlankAmount(cell)
    text, negative = _without_minus(text)
    match = _CELL.fullmatch(text)
    if not match or not _grouped_by_threes(cell):
        raise AmountError(cell)
    words = _words(match["before"]) + _words(match["after"])
    units = [unit for word in words if (unit := _UNITS.get(word))]
    currencies = {found for word in words if (found := currency_of(word))}
    if len(units) > 1 or len(currencies) > 1:
        raise AmountError(cell)
    if any(word not in _UNITS and currency_of(word) is None for word in words):
        raise AmountError(cell)
    unit = units[0] if units else Decimal(1)
    if unit > _THOUSAND and decimal is None and _is_ambiguous(match["number"]):
        decimal = "," if "," in match["number"] else "."  # 1,234 million has decimals
    value = _exact(_number(match["number"], decimal) * unit)
    return Amount(
        value=to_money(-value if negative else value),
        currency=currencies.pop() if currencies else None,
        krona=any(word.endswith(("kr", "krona", "kronor")) for word in words)
        and not any(word.endswith("sek") for word in words),
        ambiguous=decimal is not None
        and unit <= _THOUSAND
        and decimal in match["number"]
        and _is_ambiguous(match["number"]),
    )


def _plain(cell: str) -> str:
    """Lower case, no spaces, one kind of minus; `:-` and `,-` after a sum taken away."""
    text = _SPACES.sub("", unicodedata.normalize("NFC", cell)).casefold()
    text = text.replace("−", "-").replace("–", "-").replace("—", "-").replace("’", "'")
    return re.sub(r"(?<=\d)[:.,]-(?=\D*$)", "", text)


def _without_minus(text: str) -> tuple[str, bool]:
    """The text and whether it is below nought: `-500`, `kr -500`, `500-` or `(500)`."""
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1], True
    bare = re.sub(r"^-|(?<=[a-z€£$])-(?=\d)|-$", "", text, count=1)
    return bare, bare != text


def _words(text: str) -> list[str]:
    """The words around a number, taken apart where they were written together (`mkr`, `€`)."""
    found = re.findall(_WORD + r"|\S", text.replace(".", ""))
    words: list[str] = []
    for word in found:
        words += [word] if word in _UNITS or word in _SIGNS else _taken_apart(word)
    return words


def _taken_apart(word: str) -> list[str]:
    """`miljonerkr` as two words, since the space between them is already gone."""
    for at in range(1, len(word)):
        left, right = word[:at], word[at:]
        if {left, right} <= _UNITS.keys() | _SIGNS.keys():
            return [left, right]
    return [word]


def _grouped_by_threes(cell: str) -> bool:
    """False for digits with a space where no group ends: `1 20`, or two numbers in one cell."""
    digits = re.findall(r"\d[\d\s]*", _SPACES.sub(" ", cell))
    groups = [part.strip() for part in digits if " " in part.strip()]
    return all(re.fullmatch(r"\d+( \d{3})+", group) for group in groups)


def _number(digits: str, decimal: str | None) -> Decimal:
    digits = digits.replace("'", "")
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return Decimal(digits)
    mark = digits[last]
    whole, fraction = digits[:last], digits[last + 1 :]
    if _is_ambiguous(digits):
        is_decimal = mark == decimal
    else:
        is_decimal = mark not in whole and not (len(fraction) == 3 and re.search("[,.]", whole))
        is_decimal = is_decimal or (mark not in whole and mark == decimal)
    groups = whole if is_decimal else digits
    if not fraction or not re.fullmatch(r"\d+|\d{1,3}([,.]\d{3})(\1|[,.]\d{3})*", groups):
        raise AmountError(digits)
    if len(set(re.findall("[,.]", groups))) > 1:
        raise AmountError(digits)
    plain = re.sub("[,.]", "", groups)
    return Decimal(f"{plain}.{fraction}") if is_decimal else Decimal(plain)


def _is_ambiguous(digits: str) -> bool:
    """One separator before exactly three digits: `1.200` may be 1200 or 1.2."""
    return re.fullmatch(r"[1-9]\d{0,2}[,.]\d{3}", digits) is not None


def _mark_shown(cell: str) -> str | None:
    """The decimal mark that a cell shows beyond doubt, or None."""
    match = re.search(r"[0-9][0-9.,']*", _plain(cell))
    digits = match[0].rstrip(".,") if match else ""
    seen = re.findall("[,.]", digits)
    if not seen or _is_ambiguous(digits):
        return None
    if seen.count(seen[-1]) > 1:
        return "." if seen[-1] == "," else ","
    if len(seen) == 1 and _UNITS.keys() & set(_words(_plain(cell))):
        return None
    return str(seen[-1])
