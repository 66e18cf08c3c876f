"""What a house template can say about one round: each name with its present words, and each
condition with whether it holds. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from releases.drafting.context import Context
from releases.drafting.drafting import LANGUAGES
from releases.drafting.markup import text_of
from releases.drafting.templating import render
from releases.drafting.vocabulary import MissingFigure, Said, examples_of, vocabulary
from releases.rounds.figures import Figure, compute, grantees_of
from releases.rounds.table import Row

OF_THE_OFFICE = (
    "recipients", "recipients.short", "purpose", "purpose.phrase", "purpose.theme", "programme",
    "programme.through", "organisation", "organisation.short", "decided_on", "read_more",
)  # fmt: skip
# What is asked, and what goes around the words it is about; the last two stand inside a loop.
CONDITIONS = {
    "one_grantee": "grantees.count.n == 1",
    "only_kommuner": "kinds.kommun.n == grantees.count.n",
    "several_projects": "projects.count.n > grantees.count.n",
    "firsttimers": "firsttimers.count",
    "several_countries": "countries.count.n > 1",
    "purpose": "purpose",
    "decided_on": "decided_on",
}
EXAMPLES = "{% for example in examples %}", "{% endfor %}"
IN_EXAMPLES = {"partners": "example.partners.n > 1"}


@dataclass(frozen=True)
class Offer:
    """A name to print, as it is written in a template. Without words: the round lacks it."""

    source: str
    text: str


@dataclass(frozen=True)
class Condition:
    """`before` and `after` go around what is only said when `holds`."""

    name: str
    before: str
    after: str
    holds: bool


@dataclass(frozen=True)
class Offered:
    names: tuple[Offer, ...]
    conditions: tuple[Condition, ...]


def offered(rows: Sequence[Row], *, currency: str, context: Context) -> Offered:
    """All that can be clicked into a template, with its words in the round `rows`."""
    figures = compute(rows, currency=currency)
    examples = examples_of(grantees_of(rows))
    words = vocabulary(figures, examples, context=context, language=LANGUAGES[context.language])
    return Offered(tuple(_names(figures, words)), tuple(_conditions(words, context)))


def _names(figures: Mapping[str, Figure], words: Mapping[str, Any]) -> Iterator[Offer]:
    whole = [name for name in figures if not name.startswith("award.")]
    first = next((name for name in figures if name.startswith("award.")), "").rpartition(".")[0]
    one = [name for name in figures if first and name.startswith(f"{first}.")]
    for name in [*whole, *OF_THE_OFFICE, *one]:
        yield Offer(f"{{{{ {name} }}}}", _text(name, words))


def _text(name: str, words: Mapping[str, Any]) -> str:
    first, *rest = name.split(".")
    said = words[first]
    try:
        for part in rest:
            said = said[part]
        return text_of(said.__html__()) if isinstance(said, Said) else ""
    except (MissingFigure, KeyError):
        return ""


def _conditions(words: Mapping[str, Any], context: Context) -> Iterator[Condition]:
    for name, asked in CONDITIONS.items():
        before, after = f"{{% if {asked} %}}", "{% endif %}"
        yield Condition(name, before, after, _holds(before + "1" + after, words, context))
    before, after = EXAMPLES
    yield Condition("examples", before, after, _holds(f"{before}1{after}", words, context))
    for name, asked in IN_EXAMPLES.items():
        inner = f"{{% if {asked} %}}", "{% endif %}"
        whole = f"{before}{inner[0]}1{inner[1]}{after}"
        yield Condition(name, *inner, _holds(whole, words, context))


def _holds(source: str, words: Mapping[str, Any], context: Context) -> bool:
    return bool(render(source, part="lead", words=words, style=context.style))
