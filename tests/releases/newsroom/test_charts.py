"""A round's charts: what visitors read in the table, as bars and as a sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape

from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import State
from releases.newsroom.lists import charts
from releases.rounds.changing import edit_row
from releases.rounds.editions import edition
from tests import factories
from tests.factories import A_MORNING

LATER = A_MORNING + timedelta(days=2)
HEAD = "Sökande;Typ;Beviljat belopp\n"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def drawn(text: str, language: str = "sv") -> charts.Chart:
    chart = charts.recipients(edition(factories.round_(text)), language)
    assert chart is not None
    return chart


def test_bars_are_the_recipients_each_once_the_largest_first(app: Flask) -> None:
    chart = drawn(f"{HEAD}Falun;kommun;300\nBorås;kommun;500\nFalun;kommun;500\n")

    assert [(bar.name, plain(bar.money)) for bar in chart.bars] == [
        ("Falun", "800 kronor"),
        ("Borås", "500 kronor"),
    ]
    assert [bar.width for bar in chart.bars] == ["60.00%", "37.50%"]
    assert chart.rest == ""


def test_the_sentence_says_what_the_bars_show(app: Flask) -> None:
    chart = drawn(f"{HEAD}Falun;kommun;1000\nBorås;kommun;500\n")

    assert plain(chart.text) == (
        "Stapeldiagram över 2 mottagare, den största först: Falun 1 000 kronor, Borås 500 kronor."
        " Alla bidrag står i tabellen."
    )


def test_those_who_have_no_bar_are_summed_in_a_line(app: Flask) -> None:
    rows = "".join(f"Förening {n};förening;{n}00\n" for n in range(1, 21))

    chart = drawn(HEAD + rows)

    assert len(chart.bars) == 15
    assert chart.bars[0].name == "Förening 20"
    assert plain(chart.rest) == "5 andra mottagare: 1 500 kronor"
    assert "De övriga 5 får 1 500 kronor" in plain(chart.text)
    assert Decimal(chart.bars[-1].width[:-1]) < Decimal(60)


def test_one_recipient_alone_is_no_chart(app: Flask) -> None:
    round_ = factories.round_(f"{HEAD}Falun;kommun;300\nFalun;kommun;500\n")

    assert charts.recipients(edition(round_), "sv") is None
    assert charts.kinds(edition(round_), "sv") is None


def test_kinds_are_summed_too_also_those_without_one(app: Flask) -> None:
    round_ = factories.round_(
        f"{HEAD}Falun;kommun;300\nBorås;kommun;500\nRegion Skåne;region;100\nNågon;;50\n"
    )

    chart = charts.kinds(edition(round_), "sv")

    assert chart is not None
    assert [(bar.name, plain(bar.money)) for bar in chart.bars] == [
        ("Kommun", "800 kronor"),
        ("Region", "100 kronor"),
        ("Utan angiven typ", "50 kronor"),
    ]


def test_a_long_name_is_cut_in_the_drawing(app: Flask) -> None:
    name = "Föreningen för allt som har ett mycket långt namn i hela landet"

    chart = drawn(f"{HEAD}{name};förening;300\nBorås;kommun;200\n")

    assert chart.bars[0].name == "Föreningen för allt som har ett …"
    assert chart.bars[0].whole_name == name
    assert name in chart.text


def test_rejected_rows_are_in_no_chart(app: Flask) -> None:
    chart = drawn(
        "Sökande;Typ;Beviljat belopp;Beslut\n"
        "Falun;kommun;300;Bifall\nBorås;kommun;900;Avslag\nLund;kommun;200;Bifall\n"
    )

    assert [bar.name for bar in chart.bars] == ["Falun", "Lund"]


def test_the_rounds_page_draws_what_visitors_read_and_not_what_came_later(
    client: FlaskClient, writer: User, editor: User
) -> None:
    made = factories.release(writer, state=State.PUBLISHED, editor=editor)
    round_ = made.story.round
    assert round_ is not None
    path = f"/sv/rounds/{round_.id}-kommunala-partnerskap-varen-2026"
    before = client.get(path).text
    row = replace(round_.awards[0].row(), grantee="Umeå", kind="kommun")
    edit_row(round_, row.number, row, by=editor, at=LATER)
    db.session.commit()

    after = client.get(path).text

    for page in (before, after):
        [first, second] = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        names = re.findall(r'class="chart__name"[^>]*>([^<]+)<', first)
        assert names == ["Falun", "Borås", "Region Gotland"]
        assert 'role="img"' in first
        assert "<title" in second
        assert "1 200 000 kronor" in plain(unescape(first))
        assert "style=" not in first


def test_only_the_first_page_of_a_long_round_is_drawn(
    client: FlaskClient, writer: User, editor: User
) -> None:
    made = factories.release(writer, state=State.PUBLISHED, editor=editor)
    path = f"/sv/rounds/{made.story.round_id}-kommunala-partnerskap-varen-2026"

    assert "<svg" in client.get(path).text
    assert "<svg" not in client.get(f"{path}?after=2").text
