"""How the money of a round is shared, as visitors read it: rows, words and sums ready to print."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask import current_app

from app.core.formats import amount
from app.core.words import translate
from releases.rounds.editions import Edition
from releases.rounds.exporting import plain_number
from releases.rounds.table import Row

SHOWN = 60  # rows under a release; a longer round has a page of its own


@dataclass(frozen=True)
class Results:
    """Some of an edition's awards. `next` is the row after which the following ones begin.

    `columns` are all but the grantee and the amount, which every round has.
    """

    edition: Edition
    language: str
    title: str
    address: str
    columns: tuple[str, ...]
    rows: list[Row]
    next: int | None

    @property
    def is_whole(self) -> bool:
        return len(self.rows) == self.edition.count

    @property
    def total(self) -> str:
        return self.money(self.edition.total)

    def money(self, value: Decimal) -> str:
        """With decimals in every row when one has some, so that digits stand below each other."""
        decimals = 2 if self.edition.decimals else 0
        return amount(plain_number(value), self.language, decimals=decimals)

    def said(self, row: Row, column: str) -> str:
        """A cell in words."""
        if column == "kind":
            return translate(f"rounds.kind.{row.kind}", self.language) if row.kind else ""
        if column == "first_timer":
            return translate("rounds.yes", self.language) if row.first_timer else ""
        value = getattr(row, column)
        return value if isinstance(value, str) else ", ".join(value)

    def is_ours(self, column: str) -> bool:
        """Whether the words of a column are the page's own, and not those of the table."""
        return column in ("kind", "first_timer") or self.edition.round.language == self.language


def results(of: Edition, language: str, *, after: int = 0, most: int | None = SHOWN) -> Results:
    """The awards after row `after`, at most so many."""
    rows = of.awards(after=after, most=None if most is None else most + 1) if most != 0 else []
    more = most is not None and len(rows) > most
    shown = rows[:most] if more else rows
    round_ = of.round
    base = current_app.config["BASE_URL"]
    return Results(
        edition=of,
        language=language,
        title=f"{round_.programme.title(language)}, {round_.name}",
        address=f"{base}/{language}/rounds/{round_.id}-{of.slug}",
        columns=tuple(one for one in of.columns if one not in ("grantee", "amount")),
        rows=shown,
        next=shown[-1].number if more else None,
    )
