"""What is told to the officer about a table: doubts about its rows, and words for every problem.

The words are in `app/core/words/<language>/problems.json`, one sentence per code. Row and column
are printed beside the sentence by the page that shows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from app.core.words import translate
from releases.rounds import register
from releases.rounds.slips import slips, warning
from releases.rounds.table import Problem, Row, Severity, Table

_LONGEST_FACT = 80
_CALLS_ITSELF = re.compile(r"^reg\w*n\b|\b(?:kommun|komun|kommunn|stad)$", re.IGNORECASE)


def message(problem: Problem, language: str) -> str:
    """The sentence for a problem, its figures grouped as in the language (10 641 000, 10,641,000).

    Raises KeyError for a code without words and for a language we do not have.
    """
    facts = {name: _shown(fact, language) for name, fact in problem.facts.items()}
    return translate(f"problems.{problem.code}", language, **facts)


def doubts(table: Table, *, prints: Mapping[int, bytes], kinds: Mapping[int, str]) -> list[Problem]:
    """What a person should look at in rows that could be read. All of it warnings.

    `prints` and `kinds` give, by row number, what a row shares with one whose cells are all the
    same, and its kind as it was written.
    """
    return [
        *_doubtful_kinds(table, kinds),
        *_doubtful_names(table),
        *_two_spellings(table),
        *_duplicates(table, prints),
        *_above_applied(table),
        *_sum_as_award(table),
        *slips(table),
    ]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Those of the whole file first, then row by row; errors before warnings within a row."""
    return sorted(problems, key=lambda p: (p.row or 0, p.severity is not Severity.ERROR))


def _doubtful_kinds(table: Table, kinds: Mapping[int, str]) -> Iterable[Problem]:
    some_have = any(kinds.values())
    for row in table.rows:
        written = kinds.get(row.number, "")
        if written and row.kind is None:
            yield warning(table, "kind_unknown", row, "kind", text=written)
        elif not written and some_have and row.is_award:
            yield warning(table, "kind_missing", row, "kind", grantee=row.grantee)


def _doubtful_names(table: Table) -> Iterable[Problem]:
    """Misspelt municipalities and regions, and names that say another kind than the kind column.

    Where the file has no kinds, a name that calls itself kommun, stad or region is looked up too.
    """
    for row in table.rows:
        if row.kind is None and row.grantee and "kind" not in table.columns:
            yield from _doubtful_name_without_kind(table, row)
        if row.kind not in ("kommun", "region") or not row.grantee:
            continue
        if register.find(row.grantee, row.kind).code is not None:
            continue
        if (says := register.kind_in_register(row.grantee)) and says != row.kind:
            yield warning(table, "kind_contradicts_name", row, "kind", grantee=row.grantee)
        elif close := register.similar(row.grantee, row.kind):
            facts = {"grantee": row.grantee, "similar": close}
            yield warning(table, "grantee_misspelt", row, "grantee", **facts)


def _doubtful_name_without_kind(table: Table, row: Row) -> Iterable[Problem]:
    says = _CALLS_ITSELF.search(row.grantee)
    if says is None or register.find(row.grantee).code is not None:
        return
    kind = "region" if says[0].casefold().startswith("reg") else "kommun"
    name = row.grantee if kind == "region" else row.grantee[: says.start()]
    if close := register.similar(name, kind):
        yield warning(table, "grantee_misspelt", row, "grantee", grantee=row.grantee, similar=close)


def _two_spellings(table: Table) -> Iterable[Problem]:
    """Each further spelling of a grantee once: case, punctuation, accents or legal form differ."""
    first: dict[tuple[str, str | None], str] = {}
    told: set[str] = set()
    for row in table.rows:
        if not row.grantee:
            continue
        name = first.setdefault((_bare(row), row.kind), row.grantee)
        if name != row.grantee and row.grantee not in told:
            told.add(row.grantee)
            facts = {"grantee": row.grantee, "other": name}
            yield warning(table, "grantee_two_spellings", row, "grantee", **facts)


def _bare(row: Row) -> str:
    name = unicodedata.normalize("NFC", register.find(row.grantee, row.kind).short).casefold()
    name = re.sub(r"\b(ab|hb|kb|ltd|limited|plc|cic|inc|ideell förening|ek\.? för\.?)\b", "", name)
    name = re.sub(r"(?<=\w) (?:stad|kommun)$", "", name)
    return re.sub(r"[\W_]+", "", name.replace("&", "och").replace("é", "e")) or row.grantee


def _duplicates(table: Table, prints: Mapping[int, bytes]) -> Iterable[Problem]:
    first: dict[bytes, int] = {}
    for row in table.rows:
        same = first.setdefault(prints[row.number], row.number)
        if same != row.number:
            yield warning(table, "duplicate_row", row, "", other_row=same)


def _above_applied(table: Table) -> Iterable[Problem]:
    for row in table.awards:
        if row.amount_applied is not None and row.amount > row.amount_applied:
            facts = {"amount": row.amount, "applied": row.amount_applied}
            yield warning(table, "amount_above_applied", row, "amount", **facts)


def _sum_as_award(table: Table) -> Iterable[Problem]:
    """A last award that is exactly the sum of all others is perhaps a total by another name."""
    if len(table.awards) < 4:
        return
    *others, last = table.awards
    if last.amount == sum((row.amount for row in others), Decimal(0)):
        facts = {"grantee": last.grantee, "amount": last.amount}
        yield warning(table, "award_like_total", last, "amount", **facts)


def _shown(fact: Any, language: str) -> str:
    if isinstance(fact, Decimal | int) and not isinstance(fact, bool):
        return _grouped(Decimal(fact), language)
    if isinstance(fact, list | tuple | set):
        return ", ".join(str(part) for part in fact)
    text = " ".join(str(fact).split())
    return text if len(text) <= _LONGEST_FACT else text[: _LONGEST_FACT - 1] + "…"


def _grouped(value: Decimal, language: str) -> str:
    places = 0 if value == value.to_integral_value() else 2
    english = f"{value:,.{places}f}"
    if language == "en":
        return english
    return english.translate({ord(","): "\u00a0", ord("."): ",", ord("-"): "−"})
