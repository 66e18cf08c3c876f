"""A round's money as bars: who gets most, and how it is shared between kinds of recipients.

A chart is a picture of the table beside it, which is its equal in words: whoever cannot see the
bars reads a sentence about them. Widths are shares of the drawing's own, which is as wide as the
page lets it be, so that no letter is ever scaled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from app.core.db import db
from app.core.words import translate
from releases.newsroom.lists.granted import money
from releases.newsroom.pages import shortened
from releases.rounds.editions import IS_AWARD, Edition
from releases.rounds.models import Award

MOST = 15
NAMED = 3  # recipients in the sentence about the bars
STEP, HEIGHT = 44, 12  # of a line with its bar, and of the bar, in pixels
WIDEST = Decimal(60)  # per cent; the amount stands to the right of its bar
LETTERS = 36  # of a name; a phone is no wider

Shares = list[tuple[str, Decimal]]


@dataclass(frozen=True)
class Bar:
    """`top` is where its line begins; `width` and `after` are in per cent of the drawing."""

    name: str
    whole_name: str
    money: str
    top: int
    width: str
    after: str


@dataclass(frozen=True)
class Chart:
    """Bars, the largest first, with the sentence that says the same.

    `rest` is the line about those who have no bar of their own: a bar for many beside bars for one
    would tell nothing.
    """

    title: str
    text: str
    bars: tuple[Bar, ...]
    height: int
    rest: str = ""


def recipients(of: Edition, language: str) -> Chart | None:
    """Who gets most; None when there is nobody to compare."""
    found, count = _recipients(of)
    if count < 2:
        return None
    said = _said(of, language)
    shown = sum((total for _, total in found), Decimal(0))
    others, rest = count - len(found), of.total - shown
    largest = ", ".join(
        translate("lists.chart.item", language, name=name, money=said(total))
        for name, total in found[:NAMED]
    )
    facts = {"shown": len(found), "largest": largest}
    if not others:
        text = translate("lists.chart.text", language, **facts)
        return _chart("lists.chart.title", text, found, said, language)
    text = translate("lists.chart.text_rest", language, **facts, rest=others, money=said(rest))
    line = f"{translate('lists.chart.rest', language, n=others)}: {said(rest)}"
    return _chart("lists.chart.title", text, found, said, language, rest=line)


def kinds(of: Edition, language: str) -> Chart | None:
    """What each kind of recipient gets; None when there are not several."""
    found = [
        (
            translate(f"rounds.kind.{kind}", language).capitalize()
            if kind
            else translate("lists.chart.no_kind", language),
            total,
        )
        for kind, total in _kinds(of)
    ]
    if len(found) < 2:
        return None
    said = _said(of, language)
    everything = ", ".join(
        translate("lists.chart.item", language, name=name, money=said(total))
        for name, total in found
    )
    text = translate("lists.chart.kinds_text", language, all=everything)
    return _chart("lists.chart.kinds", text, found, said, language)


def _chart(
    title: str,
    text: str,
    found: Shares,
    said: Callable[[Decimal], str],
    language: str,
    *,
    rest: str = "",
) -> Chart:
    largest = max(total for _, total in found)
    bars = tuple(
        _bar(name, total, said(total), turn=turn, largest=largest)
        for turn, (name, total) in enumerate(found)
    )
    return Chart(translate(title, language), text, bars, len(bars) * STEP, rest)


def _bar(name: str, total: Decimal, said: str, *, turn: int, largest: Decimal) -> Bar:
    width = max(total / largest * WIDEST, Decimal("0.5"))
    return Bar(
        name=shortened(name, LETTERS),
        whole_name=name,
        money=said,
        top=turn * STEP,
        width=f"{width:.2f}%",
        after=f"{width + Decimal('1.5'):.2f}%",
    )


def _said(of: Edition, language: str) -> Callable[[Decimal], str]:
    return lambda total: money(total, of.currency, language)


def _recipients(of: Edition) -> tuple[Shares, int]:
    """The largest ones and how many there are, each once however many rows it has."""
    if of.kept is not None:
        sums: defaultdict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
        for row in of.kept:
            sums[row.grantee, row.kind] += row.amount
        ordered = sorted(sums.items(), key=lambda one: (-one[1], one[0][0]))
        return [(name, total) for (name, _), total in ordered[:MOST]], len(sums)
    total = sa.func.sum(Award.amount, type_=Award.amount.type)
    each = (
        sa.select(Award.grantee, total.label("total"))
        .where(Award.round_id == of.round.id, IS_AWARD)
        .group_by(Award.grantee, Award.kind)
    )
    count = db.session.scalar(sa.select(sa.func.count()).select_from(each.subquery())) or 0
    largest = db.session.execute(each.order_by(total.desc(), Award.grantee).limit(MOST))
    return [(name, amount) for name, amount in largest], count


def _kinds(of: Edition) -> Sequence[tuple[str | None, Decimal]]:
    if of.kept is not None:
        sums: defaultdict[str | None, Decimal] = defaultdict(Decimal)
        for row in of.kept:
            sums[row.kind] += row.amount
        return sorted(sums.items(), key=lambda one: (-one[1], one[0] or ""))
    total = sa.func.sum(Award.amount, type_=Award.amount.type)
    query = (
        sa.select(Award.kind, total)
        .where(Award.round_id == of.round.id, IS_AWARD)
        .group_by(Award.kind)
        .order_by(total.desc(), Award.kind)
    )
    return [(kind, amount) for kind, amount in db.session.execute(query)]
