"""A round's rows and a house template become a draft: headline, lead and body in one language.

Pure: no database, no request, no clock. Nothing is invented: what the rows and the context do not
hold is left out or stands as a marked gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from app.core.words import translate
from releases.drafting import english, swedish
from releases.drafting.context import SHAPES, Context, Quote
from releases.drafting.language import HouseStyle, Language
from releases.drafting.markup import say, text_of, translated
from releases.drafting.templating import PARTS, TemplateProblem, check, render
from releases.drafting.vocabulary import LONGEST_HEADLINE, examples_of, vocabulary
from releases.rounds.figures import Figure, Grantee, compute, grantees_of
from releases.rounds.table import Row

__all__ = [
    "SHAPES",
    "SHIPPED",
    "Context",
    "Draft",
    "HouseStyle",
    "NoAwards",
    "Quote",
    "SaidFigure",
    "Template",
    "TemplateProblem",
    "check_template",
    "draft",
    "headlines",
    "say_all",
    "warning_sentence",
]

LANGUAGES: dict[str, Language] = {"sv": swedish, "en": english}

SENTENCES = {
    "country_not_translated": "drafting.country_not_translated",
    "first_timer_contradicted": "drafting.first_timer_contradicted",
    "headline_long": "drafting.headline_long",
    "kinds_incomplete": "drafting.kinds_incomplete",
    "theme_not_translated": "drafting.theme_not_translated",
}
Warnings = tuple[tuple[str, dict[str, Any]], ...]


class NoAwards(ValueError):
    """The round has no award, so there is nothing to tell."""

    key = "drafting.no_awards"


@dataclass(frozen=True)
class Template:
    """The three parts of a house template, as Jinja source."""

    headline: str
    lead: str
    body: str


@dataclass(frozen=True)
class SaidFigure:
    """A figure's canonical value and how the draft's language says it."""

    value: str
    text: str


@dataclass(frozen=True)
class Draft:
    """Headline and lead are inline HTML, the body is paragraphs, lists and quotes.

    `warnings` are (code, facts); the sentence of a code is `drafting.<code>` in the catalogues.
    """

    headline: str
    lead: str
    body: str
    warnings: Warnings
    _figures: Mapping[str, Figure] = field(repr=False)
    _context: Context = field(repr=False)

    @cached_property
    def figures(self) -> dict[str, SaidFigure]:
        """Every figure in words; put so when asked for, since a big round has very many."""
        return say_all(self._figures, context=self._context)


def draft(rows: Sequence[Row], *, currency: str, context: Context, template: Template) -> Draft:
    """Raises TemplateProblem for a template that fails and NoAwards for a round without awards."""
    figures = compute(rows, currency=currency)
    if not figures["awards.count"].count:
        raise NoAwards
    language = LANGUAGES[context.language]
    who = grantees_of(rows)
    examples = examples_of(who)
    words = vocabulary(figures, examples, context=context, language=language)
    headline = _headline(template, words, context)
    lead, body = (
        render(getattr(template, part), part=part, words=words, style=context.style)
        for part in ("lead", "body")
    )
    return Draft(
        headline=headline,
        lead=lead,
        body=body,
        warnings=tuple(_warnings(rows, who, examples, headline, context)),
        _figures=figures,
        _context=context,
    )


def headlines(
    rows: Sequence[Row], *, currency: str, context: Context, template: Template
) -> dict[str, str]:
    """The headline in each shape, as inline HTML. Raises TemplateProblem and NoAwards."""
    figures = compute(rows, currency=currency)
    if not figures["awards.count"].count:
        raise NoAwards
    examples = examples_of(grantees_of(rows))
    words = vocabulary(figures, examples, context=context, language=LANGUAGES[context.language])
    shaped = {shape: replace(context, headline_shape=shape) for shape in SHAPES}
    return {shape: _headline(template, words, given) for shape, given in shaped.items()}


def say_all(figures: Mapping[str, Figure], *, context: Context) -> dict[str, SaidFigure]:
    """Every figure with its words in the context's language."""
    language = LANGUAGES[context.language]
    return {
        name: SaidFigure(
            figure.value,
            say(figure, language=language, source=context.source_language, style=context.style),
        )
        for name, figure in figures.items()
    }


def warning_sentence(code: str, facts: Mapping[str, Any], *, language: str) -> str:
    """What a warning tells the person who reads the draft."""
    return translate(SENTENCES[code], language, **facts)


def check_template(template: Template) -> None:
    """Raises TemplateProblem when a template could never be used, whatever the round."""
    for part in PARTS:
        check(getattr(template, part), part=part)


def _headline(template: Template, words: Mapping[str, Any], context: Context) -> str:
    """In the wanted shape, or where that is too long in the next shorter one."""
    tried = []
    for shape in dict.fromkeys((context.headline_shape, SHAPES[0])):
        for short in (False, True):
            here = {**words, "headline_shape": shape, "headline_short": short}
            said = render(template.headline, part="headline", words=here, style=context.style)
            tried.append(said)
            if _length(said) <= LONGEST_HEADLINE:
                return said
    return min(tried, key=_length)


def _length(headline: str) -> int:
    return len(text_of(Markup(headline)))  # noqa: S704 our own, already checked


def _warnings(
    rows: Sequence[Row],
    who: Sequence[Grantee],
    examples: Sequence[Row],
    headline: str,
    context: Context,
) -> Iterator[tuple[str, dict[str, Any]]]:
    awards = [row for row in rows if row.is_award]
    length = _length(headline)
    if length > LONGEST_HEADLINE:
        yield "headline_long", {"n": length, "most": LONGEST_HEADLINE}
    unkinded = [row.number for row in awards if row.kind is None]
    if unkinded and len(unkinded) < len(awards):
        yield "kinds_incomplete", {"n": len(unkinded), "rows": _numbers(unkinded)}
    yield from _contradictions(who)
    yield from _untranslated(examples, context)


def _contradictions(who: Sequence[Grantee]) -> Iterator[tuple[str, dict[str, Any]]]:
    for grantee in who:
        answers = {row.first_timer for row in grantee.rows}
        if {True, False} <= answers:
            rows = _numbers([row.number for row in grantee.rows])
            yield "first_timer_contradicted", {"grantee": grantee.place.short, "rows": rows}


def _untranslated(
    examples: Sequence[Row], context: Context
) -> Iterator[tuple[str, dict[str, Any]]]:
    source = context.source_language
    if source == context.language:
        return
    for row in examples:
        if row.themes:
            yield "theme_not_translated", {"row": row.number, "themes": "; ".join(row.themes)}
        names = translated(row.countries, source=source, to=context.language)
        for country in [name for name, to in names.items() if to is None]:
            yield "country_not_translated", {"row": row.number, "country": country}


def _numbers(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows))


def _shipped(language: str) -> Template:
    folder = Path(__file__).parent / "shipped" / language
    return Template(*((folder / f"{part}.html").read_text(encoding="utf-8") for part in PARTS))


SHIPPED: dict[str, Template] = {language: _shipped(language) for language in LANGUAGES}
