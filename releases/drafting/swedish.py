"""Swedish: numbers, money, names, lists and dates as a Swedish press office writes them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.core.formats import MONTHS
from releases.drafting.language import NBSP, HouseStyle, Rounded, grouped, plain, rounded_to_say

CODE = "sv"


@dataclass(frozen=True)
class Noun:
    one: str
    many: str
    neuter: bool = False


NOUNS = {
    "grantee": Noun("mottagare", "mottagare"),
    "firsttimer": Noun("ny sökande", "nya sökande"),
    "award": Noun("bidrag", "bidrag", neuter=True),
    "project": Noun("projekt", "projekt", neuter=True),
    "country": Noun("land", "länder", neuter=True),
    "kommun": Noun("kommun", "kommuner"),
    "region": Noun("region", "regioner"),
    "kommunalforbund": Noun("kommunalförbund", "kommunalförbund", neuter=True),
    "lansstyrelse": Noun("länsstyrelse", "länsstyrelser"),
    "forening": Noun("förening", "föreningar"),
    "stiftelse": Noun("stiftelse", "stiftelser"),
    "foretag": Noun("företag", "företag", neuter=True),
    "universitet": Noun("universitet", "universitet", neuter=True),
    "hogskola": Noun("högskola", "högskolor"),
    "skola": Noun("skola", "skolor"),
    "myndighet": Noun("myndighet", "myndigheter"),
    "samfund": Noun("trossamfund", "trossamfund", neuter=True),
    "organisation": Noun("organisation", "organisationer"),
    "privatperson": Noun("privatperson", "privatpersoner"),
    "charity": Noun("välgörenhetsorganisation", "välgörenhetsorganisationer"),
    "cic": Noun("samhällsnyttigt företag", "samhällsnyttiga företag", neuter=True),
    "council": Noun("lokal myndighet", "lokala myndigheter"),
    "community_group": Noun("lokal grupp", "lokala grupper"),
}
WORDS = [
    "noll",
    "en",
    "två",
    "tre",
    "fyra",
    "fem",
    "sex",
    "sju",
    "åtta",
    "nio",
    "tio",
    "elva",
    "tolv",
]
CURRENCIES = {
    "SEK": ("krona", "kronor"),
    "EUR": ("euro", "euro"),
    "GBP": ("pund", "pund"),
    "USD": ("US-dollar", "US-dollar"),
    "NOK": ("norsk krona", "norska kronor"),
    "DKK": ("dansk krona", "danska kronor"),
    "CHF": ("schweizisk franc", "schweiziska franc"),
}
POWERS = {6: ("miljon", "miljoner"), 9: ("miljard", "miljarder"), 12: ("biljon", "biljoner")}
ISLANDS = {
    "Barbados", "Cypern", "Grönland", "Irland", "Island", "Jamaica", "Kuba", "Madagaskar",
    "Maldiverna", "Malta", "Mauritius", "Nya Zeeland", "Seychellerna", "Åland",
}  # fmt: skip
SAYS_WHAT_IT_IS = (
    "program", "programmet", "programme", "fonden", "fund", "scheme", "stödet", "bidraget",
    "satsningen", "stipendiet", "utlysningen",
)  # fmt: skip
GAPS = {
    "quote.authority": "[Citat: företrädare för en annan myndighet, med namn och titel]",
    "quote.head": "[Citat: egen chef, med namn och titel]",
    "organisation": "[Organisation: vem som fördelar pengarna]",
    "programme": "[Program: namn]",
    "contact": "[Kontakt: namn, titel, telefon och e-post]",
}


def number(n: int, *, noun: str = "") -> str:
    """`tre`, `13`, `1 200`; one by the gender of `noun`."""
    if n == 1 and noun in NOUNS and NOUNS[noun].neuter:
        return "ett"
    return WORDS[n] if 0 <= n <= 12 else digits(n)


def digits(n: int) -> str:
    return grouped(Decimal(n), group=NBSP, point=",")


def counted(n: int, *, noun: str) -> str:
    return f"{number(n, noun=noun)} {_form(n, noun)}"


def breakdown(counts: Sequence[tuple[str, int]]) -> str:
    """`tio kommuner och en region`; all in digits as soon as one part is above twelve."""
    if any(n > 12 for _, n in counts):
        return listing([f"{digits(n)} {_form(n, noun)}" for noun, n in counts])
    return listing([counted(n, noun=noun) for noun, n in counts])


def money(amount: Decimal, *, currency: str) -> str:
    unit = _unit(currency, one=amount == 1)
    return f"{grouped(amount, group=NBSP, point=',')}{NBSP}{unit}"


def rounded(amount: Decimal, *, currency: str, style: HouseStyle) -> str:
    """`drygt 10,6 miljoner kronor`: the hedge says on which side the exact amount lies."""
    near = rounded_to_say(amount, style=style)
    if not near.power:
        return _hedge(near) + money(near.number, currency=currency)
    one, many = POWERS[near.power]
    power = one if near.number == 1 else many
    return f"{_hedge(near)}{_quantity(near.number)}{power} {_unit(currency)}"


def listing(items: Sequence[str]) -> str:
    """`Ekerö, Karlstad och Öckerö`: in the order given, no comma before `och`."""
    return _joined(items, "och")


def phrases(items: Sequence[str]) -> str:
    """Like a listing, with `samt` where a phrase holds an `och` of its own."""
    return _joined(items, "samt" if any(" och " in item for item in items) else "och")


def genitive(name: str) -> str:
    """`Umeås`, `Kalmars`; a name that ends in s, x or z stays as it is."""
    return name if name[-1:].casefold() in {"s", "x", "z"} else f"{name}s"


def date(day: datetime.date) -> str:
    return f"{day.day} {MONTHS['sv'][day.month - 1]} {day.year}"


def whereabouts(countries: Sequence[str]) -> tuple[str, str]:
    """The preposition and what follows: `i`, `Kenya och Uganda`; `i`, `Kenya och på Island`."""
    first = _preposition(countries[0])
    if all(_preposition(country) == first for country in countries):
        return first, listing(countries)
    rest = [f"{_preposition(country)} {country}" for country in countries[1:]]
    return first, listing([countries[0], *rest])


def in_text(country: str) -> str:
    return country


def organisation(name: str, *, short: str) -> str:
    """`Internationellt Centrum för Lokal Demokrati, ICLD`."""
    return name if not short or short in name.replace(",", " ").split() else f"{name}, {short}"


def through(programme: str) -> str:
    if programme.casefold().endswith(SAYS_WHAT_IT_IS):
        return f"genom {programme}"
    return f"genom programmet {programme}"


def purpose(phrase: str) -> str:
    """With its preposition: `till internationellt demokratisamarbete`."""
    return phrase if phrase.casefold().startswith(("till ", "för ", "åt ")) else f"till {phrase}"


def quotation(words: str, *, attribution: Sequence[str], style: HouseStyle) -> str:
    name, title, where = attribution
    speaker = ", ".join(part for part in (name, title) if part)
    said = f"”{words}”" if style.quote_glyph == "”" else f"{style.quote_glyph} {words}"
    return f"{said}, säger {speaker}{f' på {where}' if where else ''}."


def gap(name: str) -> str:
    return GAPS.get(name, f"[{name}]")


def _form(n: int, noun: str) -> str:
    return NOUNS[noun].one if n == 1 else NOUNS[noun].many


def _unit(currency: str, *, one: bool = False) -> str:
    singular, plural = CURRENCIES.get(currency, (currency, currency))
    return singular if one else plural


def _hedge(near: Rounded) -> str:
    if near.side > 0:
        return "drygt "
    is_whole = near.number == near.number.to_integral_value()
    return ("nästan " if is_whole and near.power else "knappt ") if near.side < 0 else ""


def _quantity(number_of: Decimal) -> str:
    if number_of == number_of.to_integral_value() and number_of <= 12:
        return f"{WORDS[int(number_of)]} "
    return plain(number_of).replace(".", ",") + NBSP


def _joined(items: Sequence[str], conjunction: str) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def _preposition(country: str) -> str:
    return "på" if country in ISLANDS or country.endswith(("öarna", "ön")) else "i"
