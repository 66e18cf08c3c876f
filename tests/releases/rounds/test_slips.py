"""Slips that people make in tables, each told with its row and column and none imagined."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.words import LANGUAGES
from releases.rounds.problems import message
from releases.rounds.reading import read
from releases.rounds.table import Problem, Table

SEED = Path(__file__).with_name("seed.csv").read_bytes()


def read_text(text: str) -> Table:
    return read(text.encode(), filename="a.csv")


def codes(table: Table) -> list[str]:
    for found in table.problems:
        assert all(message(found, language) for language in LANGUAGES)
    return [found.code for found in table.problems]


def problem(table: Table, code: str) -> Problem:
    (found,) = [found for found in table.problems if found.code == code]
    return found


def amounts(*given: int) -> Table:
    lines = (f"Förening {chr(65 + n)};{amount}\n" for n, amount in enumerate(given))
    return read_text("Sökande;Belopp\n" + "".join(lines))


def test_the_seed_round_has_no_slips() -> None:
    assert read(SEED, filename="seed.csv").problems == ()


def test_an_amount_a_thousand_times_below_the_others_is_told() -> None:
    found = problem(amounts(300000, 1480, 450000, 1200000, 800000), "amount_far_below")

    assert (found.row, found.column) == (3, "Belopp")
    assert (found.facts["amount"], found.facts["usual"]) == (1480, 450000)


def test_an_amount_a_thousand_times_above_the_others_is_told() -> None:
    found = problem(amounts(300, 1480, 450, 1200000, 800), "amount_far_above")

    assert (found.row, found.facts["usual"]) == (5, 800)


@pytest.mark.parametrize(
    "given",
    [
        (5000, 20000, 60000, 300000, 1200000, 4000000, 9000000),
        (1000, 1000, 1000, 500000, 600000, 700000, 800000),
        (100, 100, 100000, 100000),
        (500000, 500000, 500000, 500000, 500000, 30000),
        (300000, 300000, 300000, 300000, 5, 300000),
    ],
)
def test_amounts_that_merely_differ_are_no_slips(given: tuple[int, ...]) -> None:
    assert not {"amount_far_below", "amount_far_above"} & set(codes(amounts(*given)))


PROJECTS = "Sökande;Projekt;Land;Belopp\n"


def test_a_project_on_two_rows_with_one_amount_is_told() -> None:
    table = read_text(PROJECTS + "Lund;Unga röster;Kenya;5000\nLund;Unga röster;Uganda;5000\n")

    found = problem(table, "project_twice")
    assert (found.row, found.column, found.facts["other_row"]) == (3, "Projekt", 2)


def test_a_project_that_two_share_is_told_when_the_amount_is_the_same() -> None:
    text = PROJECTS + "Lund;Unga röster;;5000\nBorås;Unga röster;;{}\n"

    assert codes(read_text(text.format(5000))) == ["project_twice"]
    assert codes(read_text(text.format(4000))) == []


def test_a_title_that_many_share_is_no_project() -> None:
    lines = "".join(f"Förening {n};Verksamhetsbidrag;;5000\n" for n in "ABCDE")

    assert codes(read_text(PROJECTS + lines)) == []


def test_a_project_under_two_titles_is_told() -> None:
    table = read_text(PROJECTS + "Lund;Ungas röster;;5000\nLund;Unga röster;;5000\n")

    found = problem(table, "project_two_titles")
    assert (found.row, found.facts["other"]) == (3, "Ungas röster")


def test_two_stages_of_a_project_are_two_projects() -> None:
    table = read_text(PROJECTS + "Lund;Unga röster, etapp 1;;5\nLund;Unga röster, etapp 2;;5\n")

    assert codes(table) == []


def test_rejected_and_withdrawn_rows_are_named() -> None:
    table = read_text(
        "Sökande;Belopp;Beslut\nLund;5;Bifall\nBorås;;Avslag\nHabo;9;Återtagen\nUmeå;;Avslag\n"
    )

    rejected, withdrawn = problem(table, "rows_rejected"), problem(table, "rows_withdrawn")
    assert (rejected.row, rejected.column) == (3, "Beslut")
    assert rejected.facts == {"count": 2, "rows": [3, 5], "grantees": ["Borås", "Umeå"]}
    assert withdrawn.facts["grantees"] == ["Habo"]
    assert "Borås, Umeå (rad 3, 5)" in message(rejected, "sv")


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("Karlstad komun", "Karlstad"),
        ("Region Östergötlandd", "Region Östergötland"),
        ("Linköpngs kommun", "Linköping"),
        ("Göteborsg stad", "Göteborg"),
    ],
)
def test_a_misspelt_name_is_told_in_a_file_without_kinds(name: str, similar: str) -> None:
    found = problem(read_text(f"Sökande;Belopp\n{name};5\n"), "grantee_misspelt")

    assert found.facts["similar"] == similar


def test_a_misspelt_region_is_told_by_its_kind() -> None:
    table = read_text("Sökande;Typ;Belopp\nRegion Värmlnad;region;5\n")

    assert problem(table, "grantee_misspelt").facts["similar"] == "Region Värmland"


def test_bodies_that_only_sound_like_municipalities_are_let_be() -> None:
    names = ("Helsingfors stad", "Regional Council of Lapland", "Sveriges Kommuner", "Ny stad")

    for name in names:
        assert codes(read_text(f"Sökande;Belopp\n{name};5\n")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Helsingfors", "Helsingfors stad"),
        ("LUND", "Lund"),
        ("Sol rosen", "Solrosen"),
        ("Borås", "Borås stad"),
        ("Lunds kommun", "Lund"),
    ],
)
def test_a_grantee_under_two_spellings_is_told(one: str, other: str) -> None:
    table = read_text(f"Sökande;Belopp\n{one};5\n{other};7\n")

    found = problem(table, "grantee_two_spellings")
    assert (found.row, found.column) == (3, "Sökande")


COUNTED = "Sökande;Typ;Belopp\nLund;kommun;5\nBorås;kommun;7\nRegion Skåne;region;9\nTotalt;;21\n"


def test_a_stated_count_that_the_rows_do_not_give_is_told() -> None:
    found = problem(read_text(COUNTED + "Antal kommuner;;3\n"), "count_differs")

    assert (found.row, found.facts["stated"], found.facts["counted"]) == (6, 3, 2)


@pytest.mark.parametrize("line", ["Antal kommuner;;2", "Antal projekt;;3", "Antal bord;;9"])
def test_a_stated_count_that_is_right_or_of_something_else_is_let_be(line: str) -> None:
    assert "count_differs" not in codes(read_text(COUNTED + line + "\n"))
