"""Numbers and sums of money in running text, in digits and in words, Swedish and English.

`numbers` reads a passage once, from left to right. Dates, times, phone numbers, postcodes,
percentages, ordinals, years, ranges and addresses are none of its business and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from app.core.formats import MONTHS

Hedge = Literal["", "more", "less", "about", "most"]

THOUSAND, MILLION, BILLION = (Decimal(10) ** power for power in (3, 6, 9))
SCALES = {
    "tusen": THOUSAND, "thousand": THOUSAND, "tkr": THOUSAND, "ksek": THOUSAND,
    "miljon": MILLION, "miljoner": MILLION, "milj": MILLION, "mn": MILLION, "mkr": MILLION,
    "mnkr": MILLION, "msek": MILLION, "meur": MILLION, "million": MILLION, "millions": MILLION,
    "m": MILLION,
    "miljard": BILLION, "miljarder": BILLION, "mdr": BILLION, "mdkr": BILLION,
    "billion": BILLION, "billions": BILLION, "bn": BILLION,
    "biljon": BILLION * THOUSAND, "biljoner": BILLION * THOUSAND,
    "trillion": BILLION * THOUSAND,
}  # fmt: skip
KRONOR = {"SEK", "NOK", "DKK"}
SCALES_WITH_CURRENCY = {
    "tkr": KRONOR, "mkr": KRONOR, "mnkr": KRONOR, "mdkr": KRONOR,
    "ksek": {"SEK"}, "msek": {"SEK"}, "meur": {"EUR"},
}  # fmt: skip
CURRENCIES: dict[str, set[str]] = {
    "kr": KRONOR, "kronor": KRONOR, "krona": KRONOR, "kronorna": KRONOR, "kronors": KRONOR,
    "kroner": KRONOR,
    "sek": {"SEK"}, "eur": {"EUR"}, "euro": {"EUR"}, "euros": {"EUR"}, "€": {"EUR"},
    "pund": {"GBP"}, "pounds": {"GBP"}, "pound": {"GBP"}, "gbp": {"GBP"}, "£": {"GBP"},
    "dollar": {"USD"}, "dollars": {"USD"}, "us-dollar": {"USD"}, "us-dollars": {"USD"},
    "usd": {"USD"}, "$": {"USD"}, "nok": {"NOK"}, "dkk": {"DKK"}, "chf": {"CHF"},
    "franc": {"CHF"},
}  # fmt: skip
WORDS_AFTER = re.compile(r"kron\w*|euros?|pun\w+|pounds?|dollars?|francs?", re.IGNORECASE)
NATIONS = {
    "svenska": "SEK", "svensk": "SEK", "swedish": "SEK", "norska": "NOK", "norsk": "NOK",
    "norwegian": "NOK", "danska": "DKK", "dansk": "DKK", "danish": "DKK",
    "schweiziska": "CHF", "schweizisk": "CHF", "swiss": "CHF",
}  # fmt: skip
_AFTER_MILLIONS = """till för i går gick delas fördelas ska skall att åt och som är har kommer
    ur från varav delar to for in is are will goes go went and as has have of from which that
    towards on"""
AFTER_MILLIONS = frozenset(_AFTER_MILLIONS.split())
HEDGES: dict[str, dict[Hedge, str]] = {
    "sv": {
        "more": r"drygt|dryga|över|mer än|mera än|fler än|flera än|minst|åtminstone|strax över",
        "less": r"knappt|knappa|nästan|närmare|inte fullt|mindre än|färre än|strax under|under|"
        r"uppemot|bortåt",
        "about": r"cirka|ca\.?|omkring|ungefär|runt|kring|runt om",
        "most": r"upp till|högst|max|maximalt|som mest",
    },
    "en": {
        "more": r"over|more than|just over|above|at least|well over",
        "less": r"nearly|almost|close to|under|less than|fewer than|just under|not quite",
        "about": r"about|around|approximately|roughly|some|circa",
        "most": r"up to|at most|a maximum of|no more than",
    },
}
SWEDISH_SMALL = """noll ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton
    sexton sjutton arton nitton"""
SWEDISH_TENS = "tjugo trettio fyrtio femtio sextio sjuttio åttio nittio"
ENGLISH_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen
    fourteen fifteen sixteen seventeen eighteen nineteen"""
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_MONTHS = "|".join(MONTHS["sv"] + MONTHS["en"])
OTHER_NUMBERS = re.compile(
    rf"""
      https?://\S+ | \bwww\.\S+ | \S+@\S+
    | \b\d{{4}}-\d{{2}}-\d{{2}}\b
    | \b\d{{1,2}}(?:st|nd|rd|th|:e|:a)?\s(?:{_MONTHS})\b(?:,?\s\d{{4}})?
    | \b(?:{_MONTHS})\s\d{{1,2}}(?:st|nd|rd|th)?(?:,\s\d{{4}})?\b(?![ ,.]\d)
    | \b(?:{_MONTHS})\s\d{{4}}\b
    | \b\d{{1,2}}/\d{{1,2}}(?:[ /-]\d{{2,4}})?\b | \b\d{{4}}/\d{{2,6}}\b
    | \b(?:kl\.?|klockan)\s?\d{{1,2}}(?:[.:]\d{{2}})?(?:\s?[–-]\s?\d{{1,2}}(?:[.:]\d{{2}})?)?
    | \b\d{{1,2}}[.:]\d{{2}}\s?[–-]\s?\d{{1,2}}[.:]\d{{2}}\b | \b\d{{1,2}}:\d{{2}}\b
    | \b\d{{1,2}}(?:[.:]\d{{2}})?\s?(?:am|pm|a\.m\.|p\.m\.)
    | \+\d[\d \-()]{{6,}}\d | \b0\d{{1,3}}[-–/ ]\d[\d ]{{3,}}\d
    | (?<!\d)(?<!\d[ ])\d{{3}}[ ]\d{{2}}(?=[ ][A-ZÅÄÖ][a-zåäö])
    | \b\d+(?:[.,]\d+)?\s?[–-]\s?\d+(?:[.,]\d+)?\b(?!\s?000)
    | \b\d+(?::[ae]|st|nd|rd|th)\b
    | §\s?\d+ | \b(?:dnr|nr|no\.|rad|row|sid|sidan|page)\.?\s\S*\d\S*
    """,
    re.VERBOSE | re.IGNORECASE,
)
TOKEN = re.compile(
    r"(?P<digits>\d{1,3}(?:[ ]\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?"
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?|\d+(?:[.,]\d+)?)"
    r"|(?P<word>[^\W\d_]+(?:-[^\W\d_]+)*)|(?P<sign>[^\s\w])"
)
FOLLOWS_NO_COUNT = re.compile(
    r"\s?(?:%|procent|per ?cent|percent|°|[–-]\s?\d|(?::[ae]|st|nd|rd|th)\b)|-?åring"
)
UNIT_FOLLOWS = re.compile(r"\s?(?:kronor|kr\b|SEK|miljon|miljard|tusen|euro|pund|million)")


@dataclass(frozen=True)
class Number:
    """One number as it stands. `step` is how finely it is given; `written_out` when nobody would
    take it for a rounded one.

    `currencies` are those that its words can mean; empty when it names none.
    """

    start: int
    end: int
    value: Decimal
    step: Decimal
    hedge: Hedge
    hedge_start: int
    is_money: bool
    written_out: bool
    is_word: bool
    currencies: frozenset[str] = frozenset()

    @property
    def count(self) -> int | None:
        return None if self.is_money or self.value % 1 else int(self.value)


@dataclass(frozen=True)
class Token:
    start: int
    end: int
    text: str
    is_digits: bool


def numbers(text: str, *, language: str) -> list[Number]:
    """The numbers of a passage whose spaces are plain, in order."""
    return list(_read(text, language))


def _read(text: str, language: str) -> Iterator[Number]:
    skipped = [
        found.span()
        for found in OTHER_NUMBERS.finditer(text)
        if not UNIT_FOLLOWS.match(text, found.end())
    ]
    tokens = [
        Token(*found.span(), found[0], found["digits"] is not None)
        for found in TOKEN.finditer(text)
    ]
    at = 0
    while at < len(tokens):
        while skipped and skipped[0][1] <= tokens[at].start:
            skipped.pop(0)
        if skipped and skipped[0][0] <= tokens[at].start and tokens[at].is_digits:
            at += 1
            continue
        found = _number_at(text, tokens, at, language)
        if found is None:
            at += 1
            continue
        number, at = found
        if not FOLLOWS_NO_COUNT.match(text, number.end) or number.is_money:
            yield number


def _number_at(
    text: str, tokens: Sequence[Token], at: int, language: str
) -> tuple[Number, int] | None:
    """The number that begins at a token, with the units around it, and the token after it."""
    read = _value(text, tokens, at, language)
    if read is None:
        return None
    value, step, scaled, named, after = read
    first = tokens[at]
    start, end = first.start, tokens[after - 1].end
    before = tokens[at - 1] if at else None
    currencies = set(named)
    if before and _names_currency_before(text, before, first):
        currencies = currencies or set(CURRENCIES[before.text.casefold()])
        start = before.start
        if before.text == "$" and text[: before.start].endswith("US"):
            start -= 2
    if found := _currency_after(text, tokens, after):
        currencies, after = found
        end = tokens[after - 1].end
    is_money = bool(currencies) or (scaled and _stands_for_money(text, tokens, after))
    hedge, hedge_start = _hedge(text, start, language)
    number = Number(
        start=start,
        end=end,
        value=value,
        step=step,
        hedge=hedge,
        hedge_start=hedge_start,
        is_money=is_money,
        written_out=not scaled or value >= 5000 * step,
        is_word=not first.is_digits,
        currencies=frozenset(currencies),
    )
    return number, after


def _value(
    text: str, tokens: Sequence[Token], at: int, language: str
) -> tuple[Decimal, Decimal, bool, set[str], int] | None:
    """(value, step, whether a scale word stood there, currencies it named, next token)."""
    total, step, scaled, named = Decimal(0), Decimal(1), False, set[str]()
    reached, found = at, False
    while True:
        plain = _plain_number(text, tokens, reached, language)
        if plain is None or (found and (not scaled or _is_far(text, tokens, reached))):
            break
        number, fineness, after = plain
        scale = _scale(text, tokens, after)
        if scale is None and _says_half(tokens, after, language):
            half = after + 3
            if (scale := _scale(text, tokens, half)) is not None:
                number, fineness, after = number + Decimal("0.5"), Decimal("0.5"), half
        if found and (scale is None or scale >= step):
            break
        if scale is None:
            total, step = number, _step(number, fineness, Decimal(1))
            return total, step, False, named, after
        word = tokens[after].text.casefold()
        named |= SCALES_WITH_CURRENCY.get(word, set())
        total += number * scale
        # "200 tusen" alone is a word for a number; "tio miljoner" is how money is spoken of.
        step = scale * fineness if found else _step(number, fineness, scale)
        scaled = True
        reached, found = after + 1, True
        if word in {"milj", "mn"} and _word(tokens, reached) == ".":
            reached += 1
    return (total, step, scaled, named, reached) if found else None


def _plain_number(
    text: str, tokens: Sequence[Token], at: int, language: str
) -> tuple[Decimal, Decimal, int] | None:
    """(number, its fineness, next token) for digits, or for words such as `sexhundra`."""
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.is_digits:
        return *_digits(token.text, language), at + 1
    words = _words(language)
    word = token.text.casefold()
    if word in {"half", "halv"} or (word == "en" and _word(tokens, at + 1) == "halv"):
        after = at + (2 if word in {"en", "half"} else 1)
        if word == "half" and _word(tokens, at + 1) != "a":
            return None
        return (Decimal("0.5"), Decimal("0.5"), after) if _scale(text, tokens, after) else None
    if word == "a" and _scale(text, tokens, at + 1):
        return Decimal(1), Decimal(1), at + 1
    if word not in words:
        return None
    value, after = words[word], at + 1
    if _word(tokens, after) in {"hundra", "hundred"}:
        value, after = value * 100, after + 1
    rest = after + 1 if _word(tokens, after) in {"and", "och"} else after
    small = words.get(_word(tokens, rest))
    if value >= 100 and value % 100 == 0 and small is not None and small < 100:
        value, after = value + small, rest + 1
    return Decimal(value), Decimal(1), after


def _digits(text: str, language: str) -> tuple[Decimal, Decimal]:
    text = text.replace(" ", "")
    commas, points = text.count(","), text.count(".")
    if commas and points:
        mark = "," if text.rfind(",") > text.rfind(".") else "."
        text = text.replace("." if mark == "," else ",", "").replace(mark, ".")
    elif commas + points > 1:
        text = text.replace(",", "").replace(".", "")
    elif commas:
        groups = language == "en" and re.fullmatch(r"\d{1,3},\d{3}", text)
        text = text.replace(",", "" if groups else ".")
    elif points and language == "sv" and re.fullmatch(r"\d{1,3}\.\d{3}", text):
        text = text.replace(".", "")
    decimals = len(text.partition(".")[2])
    return Decimal(text), Decimal(10) ** -decimals


def _step(number: Decimal, fineness: Decimal, scale: Decimal) -> Decimal:
    """How finely a number is given: 1 million for `10 miljoner`, 100 000 for `10,6 miljoner`.

    Of a round number in digits at most a tenth, so that `10 000 000` is given to the million.
    """
    if fineness < 1 or not number:
        return fineness * scale
    digits = str(int(number))
    zeros = Decimal(10) ** (len(digits) - len(digits.rstrip("0")))
    return max(scale, min(zeros * scale, number * scale / 10))


def _scale(text: str, tokens: Sequence[Token], at: int) -> Decimal | None:
    if not 0 < at < len(tokens) or not _joined(text, tokens[at - 1], tokens[at]):
        return None
    word = tokens[at].text.casefold()
    if word == "m" and not (at > 1 and tokens[at - 2].text in "€£$"):
        return None
    return SCALES.get(word)


def _says_half(tokens: Sequence[Token], at: int, language: str) -> bool:
    """`tio och en halv miljoner`, `ten and a half million`."""
    words = [_word(tokens, n) for n in range(at, at + 3)]
    return words in (["och", "en", "halv"], ["and", "a", "half"])


def _names_currency_before(text: str, before: Token, first: Token) -> bool:
    """`SEK 5`, `£5`, `kr 5`; but `kronor` and `euro` end what stood before."""
    if before.text.casefold() not in CURRENCIES or WORDS_AFTER.fullmatch(before.text):
        return False
    return _joined(text, before, first)


def _currency_after(text: str, tokens: Sequence[Token], at: int) -> tuple[set[str], int] | None:
    if not 0 < at < len(tokens) or not _joined(text, tokens[at - 1], tokens[at]):
        return None
    word = tokens[at].text.casefold()
    if word in NATIONS and _word(tokens, at + 1) in CURRENCIES:
        return {NATIONS[word]}, at + 2
    if word in CURRENCIES and word not in {"£", "$"}:
        return set(CURRENCIES[word]), at + 1
    if word == "us" and _word(tokens, at + 1) in {"dollar", "dollars"}:
        return {"USD"}, at + 2
    return None


def _stands_for_money(text: str, tokens: Sequence[Token], after: int) -> bool:
    """`elva miljoner till …` speaks of money, `elva miljoner invånare` does not."""
    if after >= len(tokens):
        return True
    word = tokens[after - 1].text.casefold()
    if word in {"tusen", "thousand"}:
        return False
    following = tokens[after].text
    return not following[0].isalpha() or following.casefold() in AFTER_MILLIONS


def _hedge(text: str, start: int, language: str) -> tuple[Hedge, int]:
    before = text[max(0, start - 24) : start]
    for hedge, pattern in _hedges(language).items():
        if found := pattern.search(before):
            return hedge, start - len(before) + found.start(1)
    return "", start


@cache
def _hedges(language: str) -> dict[Hedge, re.Pattern[str]]:
    return {
        hedge: re.compile(rf"(?<!\w)((?:{words})\s(?:de\s|the\s|totalt\s)?)$", re.IGNORECASE)
        for hedge, words in sorted(HEDGES[language].items(), key=lambda pair: pair[0] != "most")
    }


def _joined(text: str, left: Token, right: Token) -> bool:
    return text[left.end : right.start] in {"", " "}


def _is_far(text: str, tokens: Sequence[Token], at: int) -> bool:
    return not _joined(text, tokens[at - 1], tokens[at])


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text.casefold() if at < len(tokens) else ""


@cache
def _words(language: str) -> dict[str, int]:
    """Every number below a thousand that is written as one word, and tens of thousands."""
    return _swedish_words() if language == "sv" else _english_words()


def _swedish_words() -> dict[str, int]:
    small = SWEDISH_SMALL.split()
    tens = SWEDISH_TENS.split()
    found = {word: n for n, word in enumerate(small)} | {"en": 1, "aderton": 18}
    for ten, word in enumerate(tens, 2):
        found[word] = ten * 10
        found |= {word + small[n]: ten * 10 + n for n in range(1, 10)} | {word + "en": ten * 10 + 1}
    below = dict(found)
    for n in range(1, 10):
        for hundred in {small[n] + "hundra", *({"hundra"} if n == 1 else ())}:
            found[hundred] = n * 100
            found |= {hundred + word: n * 100 + m for word, m in below.items() if m}
    found |= {word + "tusen": n * 1000 for word, n in below.items() if n and word != "en"}
    return found


def _english_words() -> dict[str, int]:
    small = ENGLISH_SMALL.split()
    tens = ENGLISH_TENS.split()
    found = {word: n for n, word in enumerate(small)}
    for ten, word in enumerate(tens, 2):
        found[word] = ten * 10
        found |= {f"{word}-{small[n]}": ten * 10 + n for n in range(1, 10)}
    return found
