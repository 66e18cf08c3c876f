"""The one currency of a table: from a column, the header, the cells or the officer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from releases.rounds import amounts
from releases.rounds.cells import currency_said
from releases.rounds.sheet import Line, Sheet
from releases.rounds.table import Severity


def settle_currency(sheet: Sheet, lines: Sequence[Line], given: str | None) -> str:
    """The table's one currency: from a column, the header, the cells, the officer, in order."""
    for line in lines:
        line.currency = _currency_of_line(sheet, line, given)
    awards = [line for line in lines if line.row.is_award]
    named = Counter(line.currency for line in awards if line.currency)
    unnamed = [line for line in awards if not line.currency]
    if unnamed and named and sheet.columns.language == "sv" and len(unnamed) < len(awards):
        named[given or "SEK"] += len(unnamed)
    if len(named) > 1:
        sheet.tell(
            "mixed_currencies",
            of="currency" if "currency" in sheet.columns.at else "amount",
            currencies=sorted(named),
            rows=_rows_beside(lines, named),
        )
    own = named.most_common(1)[0][0] if named else sheet.columns.currency
    if given and given not in amounts.CURRENCIES:
        sheet.tell("currency_unknown", text=given)
    elif given and own and own != given and not (sheet.columns.krona and given in ("NOK", "DKK")):
        sheet.tell("currency_differs", file=own, given=given)
    assumed = "EUR" if sheet.columns.is_union else "SEK"
    if not own and not given and (sheet.columns.language == "en" or sheet.columns.is_union):
        sheet.tell("currency_assumed", Severity.WARNING, currency=assumed)
    return own or given or assumed


def _currency_of_line(sheet: Sheet, line: Line, given: str | None) -> str | None:
    cell = line.amount.currency if line.amount else None
    if line.said:
        stated = currency_said(line.said)
        if stated is None:
            sheet.tell("currency_unknown", row=line.row.number, of="currency", text=line.said)
            return cell
    else:
        stated = sheet.columns.currency
        if sheet.columns.krona and given in ("NOK", "DKK"):
            stated = given
    only_krona = line.amount is not None and line.amount.krona
    if only_krona and (stated or given) in ("NOK", "DKK"):
        return stated or given
    if stated and cell and stated != cell:
        return cell  # the cell denies its column: told as two currencies
    return stated or cell


def _rows_beside(lines: Sequence[Line], named: Counter[str]) -> list[int]:
    """The first rows in another currency than most."""
    most = named.most_common(1)[0][0]
    return [
        line.row.number
        for line in lines
        if line.row.is_award and line.currency and line.currency != most
    ][:10]
