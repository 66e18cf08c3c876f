"""English: the same as `swedish`, for readers abroad. Names of grantees stay Swedish."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal

from app.core.formats import MONTHS
from releases.drafting.language import NBSP, HouseStyle, grouped, plain, rounded_to_say

CODE = "en"

NOUNS = {
    "grantee": ("recipient", "recipients"),
    "firsttimer": ("new applicant", "new applicants"),
    "award": ("grant", "grants"),
    "project": ("project", "projects"),
    "country": ("country", "countries"),
    "kommun": ("municipality", "municipalities"),
    "region": ("region", "regions"),
    "kommunalforbund": ("municipal association", "municipal associations"),
    "lansstyrelse": ("county administrative board", "county administrative boards"),
    "forening": ("association", "associations"),
    "stiftelse": ("foundation", "foundations"),
    "foretag": ("company", "companies"),
    "universitet": ("university", "universities"),
    "hogskola": ("university college", "university colleges"),
    "skola": ("school", "schools"),
    "myndighet": ("public agency", "public agencies"),
    "samfund": ("faith community", "faith communities"),
    "organisation": ("organisation", "organisations"),
    "privatperson": ("individual", "individuals"),
    "charity": ("charity", "charities"),
    "cic": ("community interest company", "community interest companies"),
    "council": ("council", "councils"),
    "community_group": ("community group", "community groups"),
}
WORDS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}
POWERS = {6: "million", 9: "billion", 12: "trillion"}
WITH_ARTICLE = {
    "Bahamas", "Caribbean Netherlands", "Central African Republic", "Comoros",
    "Democratic Republic of the Congo", "Dominican Republic", "European Union", "Gambia",
    "Maldives", "Netherlands", "Palestinian Territories", "Philippines", "Republic of the Congo",
    "UK", "USA", "United Arab Emirates", "United Kingdom", "United States",
}  # fmt: skip
DEFINITE_IN_SWEDISH = ("programmet", "fonden", "stödet", "bidraget", "satsningen", "stipendiet")
GAPS = {
    "quote.authority": "[Quote: representative of another authority, with name and title]",
    "quote.head": "[Quote: our own head, with name and title]",
    "organisation": "[Organisation: who allocates the funding]",
    "programme": "[Programme: name]",
    "contact": "[Contact: name, title, phone and e-mail]",
}


def number(n: int, *, noun: str = "") -> str:
    """`three`, `13`, `1,200`."""
    return WORDS[n] if 0 <= n <= 12 else digits(n)


def digits(n: int) -> str:
    return grouped(Decimal(n), group=",", point=".")


def counted(n: int, *, noun: str) -> str:
    return f"{number(n)} {_form(n, noun)}"


def breakdown(counts: Sequence[tuple[str, int]]) -> str:
    """`ten municipalities and one region`; all in digits when one part is above twelve."""
    if any(n > 12 for _, n in counts):
        return listing([f"{digits(n)} {_form(n, noun)}" for noun, n in counts])
    return listing([counted(n, noun=noun) for noun, n in counts])


def money(amount: Decimal, *, currency: str) -> str:
    return _sign(currency) + grouped(amount, group=",", point=".")


def rounded(amount: Decimal, *, currency: str, style: HouseStyle) -> str:
    """`over SEK 10.6 million`: the hedge says on which side the exact amount lies."""
    near = rounded_to_say(amount, style=style)
    hedge = {1: "over ", -1: "nearly "}.get(near.side, "")
    if not near.power:
        return hedge + money(near.number, currency=currency)
    return f"{hedge}{_sign(currency)}{plain(near.number)}{NBSP}{POWERS[near.power]}"


def listing(items: Sequence[str]) -> str:
    """`Ekerö, Karlstad and Öckerö`: in the order given, no comma before `and`."""
    return _joined(items, "and")


def phrases(items: Sequence[str]) -> str:
    """Like a listing, with `as well as` where a phrase holds an `and` of its own."""
    holds_and = any(" and " in item or " och " in item for item in items)
    return _joined(items, "as well as" if holds_and else "and")


def genitive(name: str) -> str:
    return f"{name}’" if name[-1:].casefold() == "s" else f"{name}’s"


def date(day: datetime.date) -> str:
    return f"{day.day} {MONTHS['en'][day.month - 1]} {day.year}"


def whereabouts(countries: Sequence[str]) -> tuple[str, str]:
    """The preposition and what follows: `in`, `Kenya and the Netherlands`."""
    return "in", listing([in_text(country) for country in countries])


def in_text(country: str) -> str:
    needs_article = country in WITH_ARTICLE or country.endswith(" Islands")
    return f"the {country}" if needs_article else country


def organisation(name: str, *, short: str) -> str:
    known = name.replace("(", " ").replace(")", " ").replace(",", " ").split()
    return name if not short or short in known else f"{name} ({short})"


def through(programme: str) -> str:
    name = programme.casefold()
    if name.startswith("the ") or name.endswith(DEFINITE_IN_SWEDISH):
        return f"through {programme}"
    if name.endswith(("programme", "program", "fund", "scheme", "initiative")):
        return f"through the {programme}"
    return f"through the {programme} programme"


def purpose(phrase: str) -> str:
    """With its preposition: `for international democracy cooperation`."""
    return phrase if phrase.casefold().startswith(("for ", "to ", "towards ")) else f"for {phrase}"


def quotation(words: str, *, attribution: Sequence[str], style: HouseStyle) -> str:
    name, title, where = attribution
    speaker = ", ".join(part for part in (name, title) if part)
    return f"“{words},” says {speaker}{f' at {where}' if where else ''}."


def gap(name: str) -> str:
    return GAPS.get(name, f"[{name}]")


def _form(n: int, noun: str) -> str:
    one, many = NOUNS[noun]
    return one if n == 1 else many


def _sign(currency: str) -> str:
    return SIGNS.get(currency) or f"{currency}{NBSP}"


def _joined(items: Sequence[str], conjunction: str) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"
