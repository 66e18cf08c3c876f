"""Sums that a file states, kept apart from its grants and compared with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from releases.rounds import amounts, register
from releases.rounds.cells import is_number, label_of, phrases, text_of
from releases.rounds.kinds import kind_of
from releases.rounds.sheet import Line, Sheet
from releases.rounds.table import Severity

_SUM_WORDS = (
    "summa", "totalt", "totala", "total", "totals", "totaler", "sum", "totalsumma", "totalbelopp",
    "slutsumma", "sammanlagt", "sammanlagd", "s a", "grand total", "overall total",
)  # fmt: skip
_SUMMED = """summa totalt total totals sum summarum beviljat beviljad beviljade beslutat beslutade
    belopp beloppet bidrag bidragen stöd medel pengar statsbidrag anslag fördelat fördelade utdelat
    tilldelat tilldelade samtliga alla awarded awards award amount amounts grant grants granted
    funding funded contribution contributions eu all of for för i in the allocated"""
_EVERYONE = """riket, hela riket, hela landet, sverige, samtliga, samtliga kommuner, alla,
    alla kommuner, all, all grants, all recipients, all awards, england, uk"""
_PART_WORDS = ("delsumma", "deltotal", "subtotal", "sub total", "varav", "därav", "of which")
_COUNTS = ("antal ", "number of ")
_COUNTED = {
    "grantee": ("mottagare", "bidragsmottagare", "recipients", "grantees"),
    "project": ("projekt", "projects", "beviljade projekt", "bidrag", "grants", "awards"),
}
_AVERAGES = """genomsnitt, genomsnittligt belopp, genomsnittligt bidrag, medelvärde, medelbelopp,
    snitt, median, medianbelopp, average, average amount, average grant, mean, antal, count"""


@dataclass(frozen=True)
class _Sum:
    """A row that states a sum: of the whole table, of a kind, or of the rows just above it."""

    number: int
    label: str
    amount: Decimal
    whole: bool
    kind: str | None


@dataclass(frozen=True)
class _Count:
    """A row that says how many there are of a kind, or of grantees or projects."""

    number: int
    label: str
    count: int
    of: str


@dataclass
class Totals:
    """The stated sums of a sheet, beside the `lines` that are read from it meanwhile."""

    sheet: Sheet
    lines: list[Line]
    sums: list[_Sum] = field(default_factory=list)
    counts: list[_Count] = field(default_factory=list)

    def read_sum(self, number: int, cells: list[Any]) -> bool:
        """Whether a row states a sum. If so it is kept for comparison and not as a grant."""
        texts = (text_of(cell) for cell in cells)
        words = (text for text in texts if text and not is_number(text))
        label = next(words, None)
        if label is None:
            return self.read_bare_sum(number, cells)
        grantee, kind_cell = self.sheet.text(cells, "grantee"), self.sheet.text(cells, "kind")
        if grantee not in ("", label):
            return False
        is_bare = label_of(label) in _SUM_WORDS and grantee == label
        if not is_bare and {self.sheet.text(cells, "project"), kind_cell} - {"", label}:
            return False
        if label_of(label) in phrases(_AVERAGES) or label_of(label).startswith(_COUNTS):
            self.sheet.tell("row_skipped", Severity.WARNING, row=number, text=label)
            self.keep_count(number, label, cells)
            return True
        whole, kind = _sum_of(
            label, alone=next(words, None) is None and "kind" in self.sheet.columns.at
        )
        if whole and kind_of(kind_cell):
            whole, kind = False, kind_of(kind_cell)
        if whole is None and self.is_sum_of_all(label, cells):
            whole = True
            if label_of(label) not in phrases(_EVERYONE):  # it may be a name after all
                self.sheet.tell("row_skipped", Severity.WARNING, row=number, text=label)
        if whole is None:
            return False
        try:
            amount = amounts.parse_amount(
                *(self.sheet.cells(cells, "amount") or [""]), decimal=self.sheet.decimal
            )
        except amounts.BlankAmount:
            return True
        except amounts.AmountError:
            text = text_of(self.sheet.cells(cells, "amount")[0])
            self.sheet.tell("amount_unreadable", row=number, of="amount", text=text)
            return True
        (cell,) = self.sheet.cells(cells, "amount")
        value = amounts.to_money(amount.value * self.sheet.unit(cell, self.sheet.columns.unit))
        self.sums.append(_Sum(number, label, value, whole, kind))
        return True

    def keep_count(self, number: int, label: str, cells: list[Any]) -> None:
        """Keep `Antal kommuner: 10` when it counts something that the rows can be asked for."""
        what = label_of(label)
        for start in _COUNTS:
            what = what.removeprefix(start)
        of = kind_of(what) or next((of for of, words in _COUNTED.items() if what in words), None)
        found = [text_of(cell) for cell in cells if re.fullmatch(r"\d{1,6}", text_of(cell))]
        found = found or re.findall(r"\b\d{1,6}$", label)
        if of and label_of(label).startswith(_COUNTS) and len(found) == 1:
            self.counts.append(_Count(number, label, int(found[0]), of))

    def compare_counts(self) -> None:
        """Compare what the file says there are so many of with the awards."""
        awards = [line.row for line in self.lines if line.row.is_award]
        for stated in self.counts:
            rows = awards if stated.of in _COUNTED else [r for r in awards if r.kind == stated.of]
            right = {len(rows), len({register.identity(row) for row in rows})}
            if stated.of == "project":
                right = {len(awards), len({row.project or row.number for row in awards})}
            if (rows or "kind" in self.sheet.columns.at) and stated.count not in right:
                self.sheet.tell(
                    "count_differs",
                    Severity.WARNING,
                    row=stated.number,
                    label=stated.label,
                    stated=stated.count,
                    counted=max(right),
                )

    def is_sum_of_all(self, label: str, cells: list[Any]) -> bool:
        """Whether a row called `Summa …` or `Riket` holds exactly the sum of all above it."""
        starts = label_of(label).startswith(tuple(f"{word} " for word in _SUM_WORDS))
        if not starts and label_of(label) not in phrases(_EVERYONE):
            return False
        try:
            (cell,) = self.sheet.cells(cells, "amount")
            amount = amounts.parse_amount(cell, decimal=self.sheet.decimal).value
        except ValueError:
            return False
        value = amounts.to_money(amount * self.sheet.unit(cell, self.sheet.columns.unit))
        return len(self.lines) > 1 and value == total_of(self.lines)

    def read_bare_sum(self, number: int, cells: list[Any]) -> bool:
        """An amount with no words beside it that is the sum of all above it, as Excel leaves it."""
        try:
            (cell,) = self.sheet.cells(cells, "amount")
            amount = (
                amounts.parse_amount(cell, decimal=self.sheet.decimal).value
                * self.sheet.columns.unit
            )
        except ValueError:  # no such cell, or no amount
            return False
        if len(self.lines) < 2 or amounts.to_money(amount) != total_of(self.lines):
            return False
        self.sums.append(_Sum(number, "", amounts.to_money(amount), whole=True, kind=None))
        return True

    def compare_sums(self, currency: str, stated_total: Decimal | None) -> None:
        """Compare every sum that the file or the officer states with the awards."""
        counted = total_of(self.lines)
        wholes = [stated for stated in self.sums if stated.whole]
        last = wholes[-1] if wholes else None
        for stated in self.sums:
            if self.is_right(stated, counted, is_last=stated is last, alone=len(wholes) == 1):
                continue
            code = "total_row_differs" if stated is last else "breakdown_differs"
            self.sheet.tell(
                code,
                row=stated.number,
                of="amount",
                label=stated.label,
                stated=stated.amount,
                counted=counted if stated is last else self.part(stated),
                currency=currency,
            )
        if stated_total is not None and stated_total != counted:
            self.sheet.tell(
                "stated_total_differs", stated=stated_total, counted=counted, currency=currency
            )

    def is_right(self, stated: _Sum, counted: Decimal, *, is_last: bool, alone: bool) -> bool:
        above = [line for line in self.lines if line.row.number < stated.number]
        right = {self.part(stated)}
        if stated.whole and is_last:
            right = {counted} if alone else {counted, self.part(stated)}
        elif stated.whole or stated.kind is None:
            right.add(total_of(above))
        if stated.kind is not None and "kind" in self.sheet.columns.at:
            right.add(total_of(line for line in self.lines if line.row.kind == stated.kind))
        slack = Decimal("0.005") * len(self.lines) if counted != int(counted) else 0
        return any(abs(stated.amount - amount) <= slack for amount in right)

    def part(self, stated: _Sum) -> Decimal:
        """What a partial sum should be: the awards since the last sum, of its kind if any."""
        before = max((s.number for s in self.sums if s.number < stated.number), default=0)
        group = [line for line in self.lines if before < line.row.number < stated.number]
        of_kind = [line for line in self.lines if line.row.kind == stated.kind]
        if stated.kind is not None and of_kind and not set(map(id, of_kind)) & set(map(id, group)):
            group = of_kind  # a breakdown below the table
        return total_of(group)


def total_of(lines: Iterable[Line]) -> Decimal:
    return sum((line.row.amount for line in lines if line.row.is_award), Decimal(0))


def _sum_of(label: str, *, alone: bool) -> tuple[bool | None, str | None]:
    """(whole, kind) of a row that states a sum: `Summa` is whole, `Summa kommuner` is of a kind.

    (None, None) for any other row. `Summa X` with an X that we do not know is taken for a sum only
    when it stands `alone` with its figures in a table that has kinds; it may be a company's name.
    """
    words = label_of(label)
    for start in (*_PART_WORDS, *_SUM_WORDS):
        if words == start or words.startswith(f"{start} "):
            if start in _SUM_WORDS and set(words.removeprefix(start).split()) <= set(
                _SUMMED.split()
            ):
                return True, None
            rest = words.removeprefix(start).strip()
            if kind_of(rest):
                return False, kind_of(rest)
            if start in _PART_WORDS[:4] or (alone and start in ("summa", "totalt")):
                return False, None
    return None, None
