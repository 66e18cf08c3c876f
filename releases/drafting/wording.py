"""The forms in which a figure can be said, and which of them some words are.

A draft says a figure exactly or rounded, as a number alone, with a capital, in the genitive; an
editor may have chosen another of these. When the figure changes, the words are found among the
forms of the old figure and the new one is said in the same form. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from markupsafe import Markup, escape

from releases.drafting.context import Context
from releases.drafting.drafting import LANGUAGES
from releases.drafting.language import HouseStyle, Language
from releases.drafting.markup import capital, places_in_html, say_in_html, text_of
from releases.rounds.figures import Figure
from releases.rounds.register import find

HEDGES = {
    "drygt ": 1, "över ": 1, "mer än ": 1, "knappt ": -1, "närmare ": -1, "nästan ": -1,
    "over ": 1, "more than ": 1, "just over ": 1, "nearly ": -1, "almost ": -1, "just under ": -1,
}  # fmt: skip
STYLES = tuple(
    HouseStyle(rounding=rounding, rounding_decimals=decimals)
    for rounding in ("nearest", "down")
    for decimals in (0, 1, 2)
)
NUMBER = re.compile(r"\d(?:[\d\s.,]*\d)?")


@dataclass(frozen=True)
class Voice:
    """In which language and by which house rules figures are said."""

    language: Language
    source: str
    style: HouseStyle

    @classmethod
    def of(cls, context: Context) -> Voice:
        return cls(LANGUAGES[context.language], context.source_language, context.style)


@dataclass(frozen=True)
class Form:
    """`base` names a way to say a figure; `hedge` is the writer's own word for `drygt`."""

    base: str
    genitive: bool = False
    capital: bool = False
    hedge: str = ""


def forms_of(words: str, figure: Figure, voice: Voice) -> list[Form]:
    """The forms of a figure that read like `words` (plain text), the likeliest first."""
    wanted = _folded(words)
    found = []
    for base, said in _bases(figure, voice):
        for form in _dressings(base, figure):
            if _folded(text_of(_dressed(said, form, voice))) == wanted:
                found.append(form)
    return found or list(_with_another_hedge(words, figure, voice))


def in_form(figure: Figure, form: Form, voice: Voice) -> Markup | None:
    """A figure in a form; None when this figure has no such form."""
    said = dict(_bases(figure, voice)).get(form.base)
    if said is None:
        return None
    if form.hedge and _hedge_of(text_of(said)) == form.hedge:
        return _dressed(said, replace(form, hedge=""), voice)
    return _dressed(said, form, voice)


def surroundings(figure: Figure, form: Form, voice: Voice) -> str:
    """What the words around a figure hang on: one or many, `i` or `på`, which hedge."""
    if figure.kind == "money":
        is_bare = form.base.startswith("bare")
        rounded = voice.language.rounded(
            _amount(figure), currency=figure.currency, style=_style(form, voice)
        )
        return _hedge_of(rounded) if is_bare else ""
    if figure.noun == "country" and figure.items and figure.name != "countries.list":
        preposition, _ = places_in_html(figure.items, language=voice.language, source=voice.source)
        return preposition
    if figure.kind in ("count", "kinds", "names"):
        return "none" if not figure.count else "one" if figure.count == 1 else "many"
    return ""


def _bases(figure: Figure, voice: Voice) -> Iterator[tuple[str, Markup]]:
    """Each way to say it, the house's own first."""
    language = voice.language
    yield "own", say_in_html(figure, language=language, source=voice.source, style=voice.style)
    if figure.kind == "money":
        for base, said in _money(figure, voice):
            yield base, escape(said)
    elif figure.kind == "count":
        number = language.number(figure.count, noun=figure.noun)
        digits = _digits(figure.count, language)
        noun = language.counted(figure.count, noun=figure.noun).removeprefix(number)
        yield "number", escape(number)
        yield "digits", escape(digits)
        yield "digits counted", escape(digits + noun)
    elif figure.kind == "kinds":
        parts = [language.counted(n, noun=kind) for kind, n in figure.counts]
        numbers = [language.number(n, noun=kind) for kind, n in figure.counts]
        counts = [n for _, n in figure.counts]
        triples = zip(parts, numbers, counts, strict=True)
        inner = [_digits(n, language) + part.removeprefix(number) for part, number, n in triples]
        yield "digits", escape(language.listing(inner))
    elif figure.kind == "names" and figure.noun != "country":
        yield "listing", escape(language.listing(figure.items))
    elif figure.kind == "name":
        yield "short", escape(find(figure.value).short)


def _money(figure: Figure, voice: Voice) -> Iterator[tuple[str, str]]:
    amount, language = _amount(figure), voice.language
    exact = language.money(amount, currency=figure.currency)
    yield "exact", exact
    yield "exact number", _number(exact)
    for at, style in enumerate((voice.style, *STYLES)):
        own = "" if at == 0 else f" {style.rounding} {style.rounding_decimals}"
        rounded = language.rounded(amount, currency=figure.currency, style=style)
        yield f"rounded{own}", rounded
        bare = rounded.removeprefix(_hedge_of(rounded))
        yield f"bare{own}", bare
        yield f"bare number{own}", _number(bare)


def _dressings(base: str, figure: Figure) -> Iterator[Form]:
    for genitive in (False, True) if figure.kind in ("name", "names") else (False,):
        for is_capital in (False, True):
            yield Form(base, genitive, is_capital)


def _dressed(said: Markup, form: Form, voice: Voice) -> Markup:
    if form.genitive:
        said = escape(voice.language.genitive(text_of(said)))
    if form.hedge:
        plain = text_of(said)
        house = _hedge_of(plain)
        if HEDGES.get(house) == HEDGES.get(form.hedge):
            said = escape(form.hedge + plain.removeprefix(house))
    return capital(said) if form.capital else said


def _with_another_hedge(words: str, figure: Figure, voice: Voice) -> Iterator[Form]:
    """`över 10,6 miljoner kronor` where the house says `drygt`."""
    if figure.kind != "money":
        return
    low = _folded(words)
    hedge = next((h for h in HEDGES if low.casefold().startswith(h)), "")
    if not hedge:
        return
    for base, said in _money(figure, voice):
        if base.startswith("bare") and "number" not in base and _folded(said) == low[len(hedge) :]:
            yield Form(base.replace("bare", "rounded"), hedge=hedge, capital=low[:1].isupper())
            return


def _style(form: Form, voice: Voice) -> HouseStyle:
    named = {f"{s.rounding} {s.rounding_decimals}": s for s in STYLES}
    return next((s for name, s in named.items() if form.base.endswith(name)), voice.style)


def _hedge_of(words: str) -> str:
    return next((hedge for hedge in HEDGES if words.startswith(hedge)), "")


def _number(words: str) -> str:
    found = NUMBER.search(words)
    return found[0] if found else words


def _digits(n: int, language: Language) -> str:
    return str(n) if n <= 12 else language.number(n)


def _amount(figure: Figure) -> Decimal:
    return figure.amount if figure.amount is not None else Decimal(0)


def _folded(words: str) -> str:
    """Words as they are compared: a space is a space, however it was kept."""
    return " ".join(words.split())
