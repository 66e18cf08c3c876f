"""What lists and sums ask the database: the same of both kinds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.accounts import User
from app.core.db import db
from app.core.errors import NotFound
from releases.editorial.models import Release, State
from releases.editorial.writing import draft_release
from releases.newsroom.lists import charts
from releases.newsroom.lists import questions as lists
from releases.newsroom.lists.granted import granted, together
from releases.newsroom.lists.listing import list_releases
from releases.newsroom.models import Heading
from releases.newsroom.questions import published_round
from releases.rounds.changing import edit_row
from releases.rounds.editions import edition
from releases.rounds.models import Programme
from releases.rounds.register import county_name, find
from tests import factories
from tests.factories import A_MORNING
from tests.releases.newsroom.desk import Desk

LATER = A_MORNING + timedelta(days=2)
ZONE = "Europe/Stockholm"


def told(text: str, *, days: int = 0) -> Release:
    """A public text about a round, that many days older than the morning."""
    at = A_MORNING - timedelta(days=days)
    made, _ = draft_release(factories.round_(text), "sv", by=None, at=at)
    made.live_id, made.published_at, made.changed_at = made.head_id, at, at
    made.state = State.PUBLISHED
    db.session.commit()
    list_releases()
    return made


def test_places_are_those_of_what_is_public_by_county(app: Flask, writer: User) -> None:
    told(factories.ROUND)
    told("Sökande;Typ;Beviljat belopp\nGotland;kommun;1\nÅmål;kommun;1\nFalun;kommun;5\n", days=1)

    found = lists.by_county(lists.places())

    assert [(county_name(one), [place.short for place in places]) for one, places in found] == [
        ("Dalarnas län", ["Falun"]),
        ("Gotlands län", ["Region Gotland", "Gotland"]),
        ("Västra Götalands län", ["Borås", "Åmål"]),
    ]


def test_places_are_found_by_their_county_and_by_their_region() -> None:
    places = [find(name, "kommun") for name in ("Eskilstuna", "Falun", "Borås")]

    found = {
        said: [one.short for one in lists.named(places, said)]
        for said in ("Södermanlands", "Sörmland", "Dalarna", "Västra Götalandsregionen")
    }

    assert found == {
        "Södermanlands": ["Eskilstuna"],
        "Sörmland": ["Eskilstuna"],
        "Dalarna": ["Falun"],
        "Västra Götalandsregionen": ["Borås"],
    }


def test_no_places_are_no_list(app: Flask) -> None:
    assert lists.places() == []
    with pytest.raises(NotFound):
        lists.place_at("2080")


def test_rounds_of_a_heading_come_newest_first_and_once(app: Flask) -> None:
    made = [told(f"Sökande;Typ;Beviljat belopp\nFalun;kommun;{n}00\n", days=n) for n in range(1, 6)]
    again, _ = draft_release(made[0].story.round, "en", by=None, at=A_MORNING)
    again.live_id, again.published_at, again.state = again.head_id, A_MORNING, State.PUBLISHED
    db.session.commit()
    list_releases()
    numbers = [one.story.round_id for one in made]

    first, more = lists.rounds_under(Heading.PLACE, "2080", size=3)
    second, end = lists.rounds_under(Heading.PLACE, "2080", size=3, before=more)

    assert (first, second, end) == (numbers[:3], numbers[3:], None)
    with pytest.raises(NotFound):
        lists.rounds_under(Heading.PLACE, "1490", before=more)


def test_releases_of_a_heading_are_read_page_by_page(app: Flask) -> None:
    made = [told(f"Sökande;Typ;Beviljat belopp\nFalun;kommun;{n}00\n", days=n) for n in range(1, 6)]

    first = lists.under(Heading.PLACE, "2080", "sv", size=3)
    second = lists.under(Heading.PLACE, "2080", "sv", size=3, before=first.next)

    assert [one.id for one in first.releases + second.releases] == [one.id for one in made]
    assert second.next is None
    assert lists.under(Heading.PLACE, "2080", "en").releases == []


def test_years_are_those_in_which_something_was_published(desk: Desk) -> None:
    for year in (2015, 2019, 2024):
        desk.release(published_at=datetime(year, 12, 31, 23, 30, tzinfo=UTC))

    assert lists.years("sv", ZONE) == [2025, 2020, 2016]
    assert lists.years("en", ZONE) == []
    assert lists.years_beside(2020, "sv", ZONE) == (2016, 2025)
    assert lists.years_beside(2016, "sv", ZONE) == (None, 2020)


def test_what_a_place_is_granted_is_read_in_the_edition_that_visitors_read(
    writer: User, editor: User
) -> None:
    rows = "Falun;kommun;Kisumu;100\nBorås;kommun;;50\nFalun;kommun;Hanoi;200\n"
    still = told(f"Sökande;Typ;Samarbetspart;Beviljat belopp\n{rows}", days=3)
    changed = told(f"Sökande;Typ;Samarbetspart;Beviljat belopp\n{rows}Lund;kommun;;7\n", days=2)
    gone = told("Sökande;Typ;Beviljat belopp\nFalun;kommun;900\n", days=1)
    round_ = changed.story.round
    assert round_ is not None
    row = replace(round_.awards[0].row(), amount=Decimal(99_999))
    edit_row(round_, row.number, row, by=editor, at=LATER)
    gone.state = State.WITHDRAWN
    db.session.commit()
    numbers = [one.story.round_id or 0 for one in (gone, changed, still)]

    found = granted(numbers, "sv", place="2080")

    assert [one.round.id for one in found] == numbers[1:]
    assert [(one.count, one.total) for one in found] == [(2, Decimal(300))] * 2
    assert [[row.partners for row in one.rows] for one in found] == [[("Kisumu",), ("Hanoi",)]] * 2
    whole = granted(numbers, "sv")
    assert [(one.count, one.total) for one in whole] == [(4, Decimal(357)), (3, Decimal(350))]
    said = together(whole, "sv")
    assert said is not None
    assert said.money == "707\u00a0kronor"


def test_sums_of_two_currencies_are_not_added(app: Flask) -> None:
    told("Sökande;Typ;Beviljat belopp (EUR)\nFalun;kommun;100\n", days=1)
    told("Sökande;Typ;Beviljat belopp (SEK)\nFalun;kommun;100\n")
    numbers, _ = lists.rounds_under(Heading.PLACE, "2080")

    assert together(granted(numbers, "sv"), "sv") is None


def test_a_chart_counts_the_same_from_rows_and_from_a_kept_version(editor: User) -> None:
    made = told("Sökande;Typ;Beviljat belopp\nFalun;kommun;10\nBorås;kommun;30\nX;förening;20\n")
    assert made.story.round_id is not None
    round_, moment = published_round(made.story.round_id, "sv")
    before = charts.recipients(edition(round_, moment), "sv"), charts.kinds(edition(round_), "sv")
    row = replace(round_.awards[0].row(), amount=Decimal(500))
    edit_row(round_, row.number, row, by=editor, at=LATER)
    db.session.commit()

    kept = edition(round_, moment)

    assert kept.kept is not None
    assert (charts.recipients(kept, "sv"), charts.kinds(kept, "sv")) == before
    assert before[0] is not None
    assert [bar.name for bar in before[0].bars] == ["Borås", "X", "Falun"]


def test_a_programme_is_listed_by_its_name_in_the_language(app: Flask) -> None:
    told(factories.ROUND)
    programme = db.session.scalars(sa.select(Programme)).one()

    assert lists.programmes("en") == [programme]
    assert lists.programme_at(programme.slug) is programme
    with pytest.raises(NotFound):
        lists.programme_at("inget")
