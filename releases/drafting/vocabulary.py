"""The names a house template may use, and what each one says.

`{{ total }}`, `{{ total.rounded }}`, `{{ grantees.list }}`, `{{ kinds.kommun }}`: a figure by its
own name. `{{ recipients }}` is the truest short word for who gets the money: kinds when the file
has them, otherwise the number of recipients, and the name itself when there is one. A fact the
round lacks is false in an `{% if %}` and a problem when printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from app.core.html import is_web_address
from releases.drafting.context import Context, Quote
from releases.drafting.language import Language, in_running_text, is_country
from releases.drafting.markup import (
    data,
    gap,
    link,
    places_in_html,
    say_in_html,
    text_of,
    translated,
)
from releases.rounds.figures import Figure, Grantee, project_of
from releases.rounds.kinds import KINDS
from releases.rounds.table import Row

MOST_EXAMPLES = 3
LONGEST_HEADLINE = 80
LONGEST_NAME = 50  # of an only grantee in the headline, which also says the sum
BETWEEN = len("Totalt  till ")  # what a headline without a purpose needs beside its two figures
ALWAYS = (
    "total", "total.rounded", "grantees", "grantees.count", "grantees.list", "awards",
    "awards.count", "projects", "projects.count", "firsttimers", "firsttimers.count",
    "firsttimers.list", "countries", "countries.count", "countries.list", "kinds",
    *(f"kinds.{kind}" for kind in KINDS),
)  # fmt: skip
OF_AN_AWARD = ("amount", "grantee", "partners", "country", "themes")


class MissingFigure(LookupError):
    """A template prints what this round does not have."""


class Said:
    """A fact in words: escaped wherever it is printed, false when the round lacks it."""

    def __init__(
        self, name: str, words: Markup | None = None, *, n: int = 0, value: str | None = None
    ) -> None:
        self._name = name
        self._words = words
        self._value = value
        self._children: dict[str, Said] = {}
        self._number: str = ""
        self._language: Language | None = None
        self.n = n
        self.is_name = False

    def __html__(self) -> Markup:
        if self._words is None:
            raise MissingFigure(self._name)
        return self._dressed(self._words)

    def __str__(self) -> str:
        return self.__html__()

    def __bool__(self) -> bool:
        return bool(self._words)

    def __getitem__(self, name: str | int) -> Said:
        return self._children[str(name)]

    def number(self) -> Markup:
        if not self._number:
            raise MissingFigure(f"{self._name}|number")
        return self._dressed(escape(self._number))

    def genitive(self) -> Markup:
        if self._words is None or self._language is None:
            raise MissingFigure(f"{self._name}|genitive")
        return self._dressed(escape(self._language.genitive(text_of(self._words))))

    def _dressed(self, words: Markup) -> Markup:
        return words if self._value is None else data(self._name, value=self._value, text=words)


@dataclass(frozen=True)
class Example:
    """What one row tells: who works with whom, where and on what."""

    grantee: Said
    partners: Said
    place: Said
    country: Said
    themes: Said

    WORDS: ClassVar[frozenset[str]] = frozenset(
        {"grantee", "partners", "place", "country", "themes"}
    )


def vocabulary(
    figures: Mapping[str, Figure], examples: Sequence[Row], *, context: Context, language: Language
) -> dict[str, Any]:
    """Everything a template can name, ready to print."""
    words = _Words(figures, context, language)
    return {
        **words.tree(),
        "recipients": words.recipients(),
        "examples": tuple(words.example(row) for row in examples),
        "programme": words.with_form("programme", context.programme, "through", language.through),
        "purpose": words.purpose_said(),
        "headline_shape": context.headline_shape,
        "headline_short": False,
        "organisation": words.organisation(),
        "decided_on": words.plain(
            "decided_on", language.date(context.decided_on) if context.decided_on else ""
        ),
        "read_more": words.read_more(),
        "gap": _callable(lambda name: gap(str(name), language=language)),
        "quote": _callable(lambda slot: words.quote(str(slot))),
    }


def examples_of(grantees: Sequence[Grantee]) -> list[Row]:
    """At most three awards with a partner, in list order, preferring new countries.

    A project is told once, and so is a grantee. Awards without a country are told only when none
    has both.
    """
    candidates = _candidates(grantees, _has_place) or _candidates(grantees, _has_partner)
    chosen = list(_of_new_countries(candidates))[:MOST_EXAMPLES]
    chosen += [row for row in candidates if row not in chosen][: MOST_EXAMPLES - len(chosen)]
    return [row for row in candidates if row in chosen]


def _candidates(grantees: Sequence[Grantee], is_telling: Callable[[Row], bool]) -> list[Row]:
    """One award of each grantee, no project twice."""
    told: set[Any] = set()
    found = []
    for grantee in grantees:
        row = next((r for r in grantee.rows if is_telling(r) and project_of(r) not in told), None)
        if row:
            told.add(project_of(row))
            found.append(row)
    return found


def _has_partner(row: Row) -> bool:
    return any(map(str.strip, row.partners))


def _has_place(row: Row) -> bool:
    return _has_partner(row) and any(map(str.strip, row.countries))


def _of_new_countries(rows: Sequence[Row]) -> Iterator[Row]:
    seen: set[str] = set()
    for row in rows:
        if not seen.issuperset(row.countries):
            seen.update(row.countries)
            yield row


def _callable(function: Callable[[str], Markup]) -> Callable[[str], Markup]:
    function.may_be_called_by_templates = True  # type: ignore[attr-defined]
    return function


class _Words:
    """Puts the figures and the context of one draft in words."""

    def __init__(self, figures: Mapping[str, Figure], context: Context, language: Language) -> None:
        self.figures = figures
        self.context = context
        self.language = language

    def tree(self) -> dict[str, Said]:
        """Every figure under its name, and under the names a round may lack, nothing."""
        by_name: dict[str, Said] = {}
        for name in ALWAYS:
            by_name[name] = self.figure(name)
            parent, _, child = name.rpartition(".")
            if parent:
                by_name[parent]._children[child] = by_name[name]
        by_name["countries"]._children["known"] = self.known_countries(by_name)
        by_name["award"] = _Awards(self)
        return {name: said for name, said in by_name.items() if "." not in name}

    def award(self, number: str) -> Said:
        """What one row's award says. Raises KeyError when the row is none."""
        name = f"award.{number}"
        if f"{name}.amount" not in self.figures:
            raise KeyError(name)
        said = Said(name)
        said._children = {part: self.figure(f"{name}.{part}") for part in OF_AN_AWARD}
        return said

    def figure(self, name: str) -> Said:
        figure = self.figures.get(name)
        if figure is None:
            return Said(name)
        text = say_in_html(
            figure,
            language=self.language,
            source=self.context.source_language,
            style=self.context.style,
        )
        said = Said(name, text, n=figure.count, value=figure.value)
        said._language = self.language
        said.is_name = figure.kind in ("name", "names")
        if figure.kind == "count":
            said._number = self.language.number(figure.count, noun=figure.noun)
        return said

    def recipients(self) -> Said:
        count, kinds = self.figures["grantees.count"], self.figures.get("kinds")
        if count.count == 1:
            full = self.figure("grantees.list")
            fits = len(text_of(full.__html__())) <= LONGEST_NAME
            short = full if fits else self.figure("grantees.count")
        else:
            full = self.figure("kinds" if kinds else "grantees.count")
            parts = (full, self.figure("total.rounded"))
            room = LONGEST_HEADLINE - BETWEEN - sum(len(text_of(p.__html__())) for p in parts)
            fits = kinds is not None and room >= 0
            short = self.figure("kinds" if fits else "grantees.count")
        full._children["short"] = short
        return full

    def example(self, row: Row) -> Example:
        named = {part: self.figure(f"award.{row.number}.{part}") for part in OF_AN_AWARD}
        return Example(
            grantee=named["grantee"],
            partners=named["partners"],
            country=named["country"],
            themes=named["themes"],
            place=self._place(row, named["country"]),
        )

    def purpose_said(self) -> Said:
        """Alone, with its preposition, and as what a headline may begin with."""
        purpose = self.purpose()
        said = self.with_form("purpose", purpose, "phrase", self.language.purpose)
        has_own = bool(purpose) and self.language.purpose(purpose) == purpose
        said._children["theme"] = self.plain("purpose.theme", "" if has_own else purpose)
        return said

    def known_countries(self, by_name: dict[str, Said]) -> Said:
        """The list of countries, if it is all of them and each is one.

        Where a row leaves its country out nobody knows how many there are; and a file may say `GB`
        or `Global`.
        """
        figure = self.figures.get("countries.list")
        source = self.context.source_language
        told = sum(name.startswith("award.") and name.endswith(".country") for name in self.figures)
        is_whole = told == self.figures["awards.count"].count
        if figure and is_whole and all(is_country(one, source=source) for one in figure.items):
            return by_name["countries.list"]
        return Said("countries.known")

    def purpose(self) -> str:
        """As it reads inside a sentence, whatever the form was given."""
        phrase = self.context.purpose.strip().rstrip(".")
        return in_running_text(phrase, language=self.language.CODE) if phrase else ""

    def organisation(self) -> Said:
        name, short = self.context.organisation, self.context.organisation_short
        said = self.plain(
            "organisation", self.language.organisation(name, short=short) if name else short
        )
        said._children["short"] = self.plain("organisation.short", short or name)
        return said

    def read_more(self) -> Said:
        url = self.context.read_more_url
        if not is_web_address(url):
            return Said("read_more")
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        return Said("read_more", link(url, text=host))

    def quote(self, slot: str) -> Markup:
        given = next((q for q in self.context.quotes if q.slot == slot), None)
        if given is None:
            missing = gap(f"quote.{slot}", language=self.language)
            return Markup("<blockquote><p>{}</p></blockquote>").format(missing)
        return Markup("<blockquote><p>{}</p></blockquote>").format(self._quotation(given))

    def with_form(self, name: str, text: str, form: str, phrase: Callable[[str], str]) -> Said:
        said = self.plain(name, text)
        said._children[form] = self.plain(f"{name}.{form}", phrase(text) if text else "")
        return said

    def plain(self, name: str, text: str) -> Said:
        clean = " ".join(text.split(" ")).strip()
        said = Said(name, escape(clean) if clean else None)
        said._language = self.language
        return said

    def _quotation(self, quote: Quote) -> str:
        attribution = (quote.speaker, quote.title, quote.organisation)
        return self.language.quotation(
            quote.words, attribution=attribution, style=self.context.style
        )

    def _is_said(self, countries: Sequence[str], *, within: Sequence[str]) -> bool:
        """Whether the partners' own names hold the countries (`Kisumu County, Kenya`)."""
        names = translated(
            tuple(countries), source=self.context.source_language, to=self.language.CODE
        )
        text = " ".join(within)
        return all(to and re.search(rf"\b{re.escape(to)}\b", text) for to in names.values())

    def _place(self, row: Row, country: Said) -> Said:
        if not country or self._is_said(row.countries, within=row.partners):
            return Said(f"{country._name}.place", Markup(""))  # an edited template may print it
        preposition, _ = places_in_html(
            self.figures[f"award.{row.number}.country"].items,
            language=self.language,
            source=self.context.source_language,
        )
        return Said(f"{country._name}.place", Markup("{} {}").format(preposition, country))


class _Awards(Said):
    """`award`: each row put in words when a template asks for it, since a round may have many."""

    def __init__(self, words: _Words) -> None:
        super().__init__("award")
        self._of = words

    def __getitem__(self, name: str | int) -> Said:
        return self._of.award(str(name))
