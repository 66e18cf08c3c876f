"""What a round's rows add up to: named figures, in no language.

A figure has a name that templates and texts use (`total`, `kinds.kommun`, `award.17.amount`), a
canonical value that stays the same until the round changes, and what a language needs to say it.
Only rows that are awards count. What the rows do not hold has no figure: no kinds unless every
award has one, no first-timers unless a row says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from releases.rounds.alphabet import in_swedish_order, swedish_key
from releases.rounds.kinds import KINDS
from releases.rounds.register import Place, find, identity
from releases.rounds.table import Row

FigureKind = Literal["money", "count", "names", "kinds", "name", "words"]


@dataclass(frozen=True)
class Figure:
    """One named value.

    `noun` says what is counted or listed (`grantee`, `project`, `country`, a kind …). `alone` is
    what the round's only grantee is called: its official name, where a longer list has short ones.
    """

    name: str
    kind: FigureKind
    value: str
    noun: str = ""
    amount: Decimal | None = None
    currency: str = ""
    count: int = 0
    items: tuple[str, ...] = ()
    alone: str = ""
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Grantee:
    """Someone who gets money, once, with all their awards."""

    place: Place
    rows: tuple[Row, ...]

    @property
    def kind(self) -> str | None:
        return self.rows[0].kind

    @property
    def is_first_timer(self) -> bool:
        return any(row.first_timer for row in self.rows)


def compute(rows: Sequence[Row], *, currency: str) -> dict[str, Figure]:
    """Every figure of a round, by name. `currency` is the one that all amounts are in."""
    awards = [row for row in rows if row.is_award]
    who = grantees_of(awards)
    alone = who[0].place.official if len(who) == 1 else ""
    figures = [
        *_money(awards, currency),
        _count("awards.count", len(awards), "award"),
        _count("projects.count", len({project_of(row) for row in awards}), "project"),
        *_grantees("grantees", who, "grantee", alone=alone),
        *_kinds(who, awards),
        *_grantees("firsttimers", [g for g in who if g.is_first_timer], "firsttimer", alone=alone),
        *_countries(awards),
        *(figure for row in awards for figure in _award(row, currency)),
    ]
    return {figure.name: figure for figure in figures}


def grantees_of(rows: Iterable[Row]) -> list[Grantee]:
    """The grantees in Swedish alphabetical order, each once however many rows they have."""
    by_identity: dict[str, list[Row]] = {}
    for row in rows:
        if row.is_award:
            by_identity.setdefault(identity(row), []).append(row)
    _join_the_unkinded(by_identity)
    who = [Grantee(place_of(_best_written(own)), tuple(own)) for own in by_identity.values()]
    return sorted(who, key=lambda g: (swedish_key(g.place.short), swedish_key(g.place.official)))


def _best_written(rows: Sequence[Row]) -> Row:
    """The first row whose name is in both capitals and small letters, or the first."""
    return next((r for r in rows if not (r.grantee.isupper() or r.grantee.islower())), rows[0])


def place_of(row: Row) -> Place:
    return find(_one_line(row.grantee), row.kind)


def project_of(row: Row) -> tuple[str, int]:
    """What tells one project from another: its name, or the row itself when it has none."""
    name = _one_line(row.project).casefold()
    return (name, 0) if name else ("", row.number)


def canonical(amount: Decimal) -> str:
    """`10641000`, and `53195.50` when there are decimals."""
    if amount == amount.to_integral_value():
        return f"{amount:.0f}"
    exponent = amount.normalize().as_tuple().exponent
    return f"{amount:.{max(2, -int(exponent))}f}"


def _money(awards: Sequence[Row], currency: str) -> list[Figure]:
    total = sum((row.amount for row in awards), Decimal(0))
    return [_amount(name, total, currency) for name in ("total", "total.rounded")]


def _grantees(name: str, who: Sequence[Grantee], noun: str, *, alone: str) -> list[Figure]:
    if not who:
        return []
    return [
        _count(f"{name}.count", len(who), noun),
        _list(f"{name}.list", "names", _distinct_names(who), noun="grantee", alone=alone),
    ]


def _join_the_unkinded(by_identity: dict[str, list[Row]]) -> None:
    """A row with a blank kind goes to the grantee of that name whose kind another row gives."""
    of_name: dict[str, list[str]] = {}
    for key, rows in by_identity.items():
        if rows[0].kind is not None:
            of_name.setdefault(place_of(rows[0]).short, []).append(key)
    for key in [key for key, rows in by_identity.items() if rows[0].kind is None]:
        same = of_name.get(place_of(by_identity[key][0]).short, [])
        if len(same) == 1:
            by_identity[same[0]] += by_identity.pop(key)


def _distinct_names(who: Sequence[Grantee]) -> list[str]:
    """Short names; the official one where two grantees would read the same."""
    times = Counter(grantee.place.short for grantee in who)
    names = [g.place.short if times[g.place.short] == 1 else g.place.official for g in who]
    return list(in_swedish_order(names))


def _kinds(who: Sequence[Grantee], awards: Sequence[Row]) -> list[Figure]:
    if not awards or any(row.kind is None for row in awards):
        return []
    times = Counter(grantee.kind or "" for grantee in who)
    order = list(KINDS)
    counts = sorted(times.items(), key=lambda pair: (order.index(pair[0]), pair[0]))
    value = "; ".join(f"{kind}: {n}" for kind, n in counts)
    return [
        Figure("kinds", "kinds", value, count=len(who), counts=tuple(counts)),
        *(_count(f"kinds.{kind}", n, kind) for kind, n in counts),
    ]


def _countries(awards: Sequence[Row]) -> list[Figure]:
    countries = list(dict.fromkeys(_one_line(c) for row in awards for c in row.countries))
    if not countries:
        return []
    return [
        _count("countries.count", len(countries), "country"),
        _list("countries.list", "names", in_swedish_order(countries), noun="country"),
    ]


def _award(row: Row, currency: str) -> list[Figure]:
    name = f"award.{row.number}"
    lists = [
        _list(f"{name}.partners", "names", row.partners, noun="partner"),
        _list(f"{name}.country", "names", row.countries, noun="country"),
        _list(f"{name}.themes", "words", row.themes, noun="theme"),
    ]
    return [
        _amount(f"{name}.amount", row.amount, currency),
        Figure(f"{name}.grantee", "name", place_of(row).official, noun="grantee"),
        *(figure for figure in lists if figure.items),
    ]


def _amount(name: str, amount: Decimal, currency: str) -> Figure:
    return Figure(name, "money", canonical(amount), amount=amount, currency=currency)


def _count(name: str, n: int, noun: str) -> Figure:
    return Figure(name, "count", str(n), noun=noun, count=n)


def _list(
    name: str, kind: FigureKind, items: Iterable[str], *, noun: str, alone: str = ""
) -> Figure:
    clean = tuple(item for item in map(_one_line, items) if item)
    value = "; ".join(clean)
    return Figure(name, kind, value, noun=noun, count=len(clean), items=clean, alone=alone)


def _one_line(text: str) -> str:
    return " ".join(text.split())
