"""What differs between two readings of a round: rows matched, rows changed, figures changed.

Pure. A row of the new file is the same award as a row of the old one when they speak of the same
grantee, project and partner; of several such, the first is the first. What that leaves over is
matched ever more loosely: by grantee and project, by grantee and amount, by grantee, by the name as
it is written (a kommun that turns out to be a region), and last by a name that is nearly the same
beside cells that are quite the same (a spelling mended).
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from releases.rounds.figures import Figure
from releases.rounds.register import identity
from releases.rounds.table import Row

FIELDS = tuple(field.name for field in fields(Row) if field.name != "number")
NEARLY = 0.8
Pair = tuple[Row | None, Row | None]
Key = Callable[[Row], Hashable]


@dataclass(frozen=True)
class RowChange:
    """One award that reads otherwise: its row before and after, and the columns that differ."""

    old: Row
    new: Row
    fields: tuple[str, ...]


@dataclass(frozen=True)
class RowChanges:
    """What a new table does to a round. False when it does nothing."""

    added: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    changed: tuple[RowChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __len__(self) -> int:
        return len(self.added) + len(self.removed) + len(self.changed)


@dataclass(frozen=True)
class FigureChange:
    """A figure with another value. None: the round had no such figure, or has it no more."""

    name: str
    old: Figure | None
    new: Figure | None


def row_changes(old: Iterable[Row], new: Iterable[Row]) -> RowChanges:
    """Rows added, removed and changed. A row that only stands on another line has not changed."""
    pairs = match(old, new)
    both = [(was, now) for was, now in pairs if was and now]
    return RowChanges(
        added=tuple(now for was, now in pairs if now and not was),
        removed=tuple(was for was, now in pairs if was and not now),
        changed=tuple(
            RowChange(was, now, found) for was, now in both if (found := differing(was, now))
        ),
    )


def differing(old: Row, new: Row) -> tuple[str, ...]:
    """The columns in which two rows differ."""
    return tuple(name for name in FIELDS if getattr(old, name) != getattr(new, name))


def figure_changes(old: Mapping[str, Figure], new: Mapping[str, Figure]) -> list[FigureChange]:
    """Figures whose value or currency changed, those of the whole round before those of awards."""
    names = sorted({*old, *new}, key=lambda name: (name.startswith("award."), _order(name)))
    pairs = [(name, old.get(name), new.get(name)) for name in names]
    return [FigureChange(*pair) for pair in pairs if _value(pair[1]) != _value(pair[2])]


def match(old: Iterable[Row], new: Iterable[Row]) -> list[Pair]:
    """Each old row beside the new row that is the same award: in the old order, new ones last."""
    before, after = list(old), list(new)
    found: dict[int, int] = {}
    for key in KEYS:
        found |= _matched(before, after, key, found)
    found |= _respelled(before, after, found)
    taken = set(found.values())
    pairs: list[Pair] = [
        (row, after[found[at]] if at in found else None) for at, row in enumerate(before)
    ]
    return [*pairs, *((None, row) for at, row in enumerate(after) if at not in taken)]


def renumbered(old: Sequence[Row], new: Iterable[Row], *, used: Iterable[int] = ()) -> list[Row]:
    """The new rows under numbers that go on meaning the same award.

    An award that was there keeps its number, wherever it stands in the new file, so that a text
    that speaks of `award.17.amount` still speaks of the same award. A new one has its own line's
    number if no award of the round has ever had it (`used`: those of earlier versions), else the
    next free one.
    """
    taken = {row.number for row in old} | set(used)
    rows = []
    for was, now in match(old, new):
        if now is None:
            continue
        if was is not None:
            number = was.number
        else:
            number = max(taken) + 1 if now.number in taken else now.number
            taken.add(number)
        rows.append(replace(now, number=number))
    return sorted(rows, key=lambda row: row.number)


def _name(row: Row) -> str:
    return " ".join(row.grantee.split()).casefold()


def _project(row: Row) -> str:
    return " ".join(row.project.split()).casefold()


def _content(row: Row) -> tuple[Hashable, ...]:
    return tuple(getattr(row, name) for name in FIELDS)


KEYS: tuple[Key, ...] = (
    _content,
    lambda row: (identity(row), _project(row), row.partners),
    lambda row: (identity(row), _project(row)),
    lambda row: (identity(row), row.amount),
    identity,
    lambda row: (_name(row), _project(row)),
    _name,
    lambda row: identity(row).rpartition("|")[0],
)


def _matched(
    before: Sequence[Row], after: Sequence[Row], key: Key, found: Mapping[int, int]
) -> dict[int, int]:
    """Pairs of places with the same key among those not found yet, the first with the first."""
    taken = set(found.values())
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for at in reversed(range(len(after))):
        if at not in taken:
            waiting[key(after[at])].append(at)
    return {
        at: places.pop()
        for at, row in enumerate(before)
        if at not in found and (places := waiting.get(key(row)))
    }


def _respelled(
    before: Sequence[Row], after: Sequence[Row], found: Mapping[int, int]
) -> dict[int, int]:
    taken = set(found.values())
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for at, row in enumerate(after):
        if at not in taken:
            waiting[_content(row)[1:]].append(at)
    pairs: dict[int, int] = {}
    for at, row in enumerate(before):
        places = waiting.get(_content(row)[1:], []) if at not in found else []
        for place in places:
            names = difflib.SequenceMatcher(None, _name(row), _name(after[place]))
            if names.ratio() >= NEARLY:
                pairs[at] = place
                places.remove(place)
                break
    return pairs


def _value(figure: Figure | None) -> tuple[str, str] | None:
    return None if figure is None else (figure.value, figure.currency)


def _order(name: str) -> tuple[int, str]:
    number = name.split(".")[1] if name.startswith("award.") else "0"
    return int(number) if number.isdigit() else 0, name
