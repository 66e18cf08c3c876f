"""A round out again: as the table it came as, cleaned, or as 360Giving."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import openpyxl

from app.core.organisation import organisation
from app.core.words import translate
from releases.rounds.models import Award, Round

COLUMNS = (
    "grantee",
    "kind",
    "partners",
    "countries",
    "themes",
    "amount",
    "currency",
    "first_timer",
    "project",
    "amount_applied",
    "status",
    "note",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_table(round_: Round) -> list[list[str | Decimal]]:
    """Header and rows, headers in the language of the file. Amounts are numbers.

    Text that a spreadsheet would run as a formula begins with an apostrophe instead.
    """
    head = [translate(f"rounds.column.{name}", round_.language) for name in COLUMNS]
    return [list(head), *(_row(award, round_) for award in round_.awards)]


def csv_bytes(round_: Round) -> bytes:
    """The table as CSV that a Swedish Excel opens: semicolons, UTF-8 with BOM, CRLF."""
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(as_table(round_))
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(round_: Round) -> bytes:
    """The table as a workbook, amounts as numbers."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(translate("rounds.sheet", round_.language))
    for row in as_table(round_):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_360giving(round_: Round) -> dict[str, Any]:
    """The round's grants as the 360Giving standard's package (its schema's required fields).

    Only awards: what was rejected or withdrawn is no grant.
    """
    funder = organisation()
    date = (round_.decided_on or round_.imported_at.date()).isoformat()
    return {
        "grants": [
            {
                "id": f"pressrum-{round_.id}-{award.number}",
                "title": award.project or round_.name,
                "description": _description(award, round_),
                "currency": round_.currency,
                "amountAwarded": float(award.amount),
                "awardDate": date,
                "recipientOrganization": [
                    {"id": f"pressrum-org-{_key(award.grantee)}", "name": award.grantee}
                ],
                "fundingOrganization": [
                    {
                        "id": f"pressrum-org-{_key(funder.name('sv'))}",
                        "name": funder.name(round_.language),
                    }
                ],
                "grantProgramme": [{"title": round_.programme.title(round_.language)}],
                "beneficiaryLocation": [{"name": name} for name in award.countries],
            }
            for award in round_.awards
            if award.row().is_award
        ]
    }


def _row(award: Award, round_: Round) -> list[str | Decimal]:
    language = round_.language
    cells: dict[str, str | Decimal] = {
        "grantee": award.grantee,
        "kind": translate(f"rounds.kind.{award.kind}", language) if award.kind else "",
        "partners": "; ".join(award.partners),
        "countries": "; ".join(award.countries),
        "themes": "; ".join(award.themes),
        "amount": _plain_number(award.amount),
        "currency": round_.currency,
        "first_timer": ""
        if award.first_timer is None
        else translate("rounds.yes" if award.first_timer else "rounds.no", language),
        "project": award.project,
        "amount_applied": ""
        if award.amount_applied is None
        else _plain_number(award.amount_applied),
        "status": translate(f"rounds.status.{award.status.value}", language),
        "note": award.note,
    }
    return [_harmless(cells[name]) for name in COLUMNS]


def _description(award: Award, round_: Round) -> str:
    return "; ".join(award.themes) or award.project or round_.name


def _harmless(cell: str | Decimal) -> str | Decimal:
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


def _plain_number(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


def _key(name: str) -> str:
    return "-".join(name.lower().split())
