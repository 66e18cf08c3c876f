"""Opening files: encodings, sheets, old and foreign workbooks, JSON, and files made to do harm."""

from __future__ import annotations

import io
import json
import time
from decimal import Decimal
from typing import Any

import openpyxl
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.words import LANGUAGES
from releases.rounds.problems import message
from releases.rounds.reading import read
from releases.rounds.table import Problem, Severity, Table
from tests.releases.rounds.files import ods, xls

TOWNS = "Sökande;Belopp\nUmeå;5\nVästerås;6\nLund;7\n"
MARK = "Sökande;Belopp\nÅmål;5\nÄlmhult;6\nÖrebro;7\n"
ROWS = [["Sökande", "Belopp"], ["Umeå", 5], ["Lund", 7.5]]
OTHER = [["Sökande", "Belopp"], ["Piteå", 9]]


def codes(table: Table) -> list[str]:
    for found in table.problems:
        assert all(message(found, language) for language in LANGUAGES)
    return [found.code for found in table.problems]


def names(table: Table) -> list[str]:
    return [row.grantee for row in table.rows]


def problem(table: Table, code: str) -> Problem:
    (found,) = [found for found in table.problems if found.code == code]
    return found


# Encodings


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_the_encoding_is_found_out_and_named(codec: str, name: str) -> None:
    table = read(TOWNS.encode(codec), filename="a.csv")

    assert (table.source.encoding, names(table)[:2]) == (name, ["Umeå", "Västerås"])
    assert codes(table) == []


@pytest.mark.parametrize(("codec", "name"), [("mac_roman", "Mac Roman"), ("cp850", "CP850")])
def test_another_encoding_may_be_asked_for(codec: str, name: str) -> None:
    for asked in (name, codec, name.lower().replace(" ", "-")):
        table = read(TOWNS.encode(codec), filename="a.csv", encoding=asked)

        assert (table.source.encoding, names(table)[0], codes(table)) == (name, "Umeå", [])


@pytest.mark.parametrize(("codec", "name"), [("mac_roman", "Mac Roman"), ("cp850", "CP850")])
def test_letters_that_came_out_wrong_are_told_with_what_mends_them(codec: str, name: str) -> None:
    found = problem(read(TOWNS.encode(codec), filename="a.csv"), "encoding_doubtful")

    assert found.facts["rather"] == name
    assert found.facts["encoding"] == "Windows-1252"


@pytest.mark.parametrize(("codec", "name"), [("mac_roman", "Mac Roman"), ("cp850", "CP850")])
def test_an_old_encoding_is_a_guess_and_told_as_one(codec: str, name: str) -> None:
    table = read(MARK.encode(codec), filename="a.csv")

    assert names(table) == ["Åmål", "Älmhult", "Örebro"]
    assert problem(table, "encoding_guessed").facts == {"encoding": name}


@pytest.mark.parametrize("codec", ["mac_roman", "cp850", "cp1252"])
@pytest.mark.parametrize("read_as", ["Mac Roman", "CP850", "Windows-1252"])
def test_whatever_old_encoding_was_chosen_the_right_one_is_proposed(
    codec: str, read_as: str
) -> None:
    right = {"mac_roman": "Mac Roman", "cp850": "CP850", "cp1252": "Windows-1252"}[codec]

    table = read(TOWNS.encode(codec), filename="a.csv", encoding=read_as)

    proposed = [p.facts.get("rather") for p in table.problems if p.code == "encoding_doubtful"]
    assert proposed == ([] if read_as == right else [right])


def test_utf_8_read_as_something_else_stops_the_import() -> None:
    for asked in ("Windows-1252", "Mac Roman"):
        found = problem(
            read(b"Grantee;Amount\n" + "Umeå;5\n".encode(), filename="a.csv", encoding=asked),
            "encoding_doubtful",
        )

        assert (found.severity, found.facts["rather"]) == (Severity.ERROR, "UTF-8")


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman"])
def test_letters_broken_before_the_file_was_saved_are_told(codec: str) -> None:
    broken = "Umeå".encode().decode(codec)

    table = read(f"Mottagare;Belopp\n{broken};5\n".encode(), filename="a.csv")

    assert problem(table, "letters_broken").facts["word"].startswith("Ume")
    assert table.errors


def test_names_with_strange_letters_of_their_own_are_let_be() -> None:
    text = (
        "Sökande;Belopp\nMiloš och Šime;5\nBenoît Émilien;6\nNuñez Ürün AB;7\nŒuvre;8\nÕismäe;9\n"
    )

    assert codes(read(text.encode(), filename="a.csv")) == []
    assert codes(read(text.encode("cp1252"), filename="a.csv")) == []


def test_an_encoding_that_does_not_fit_is_told() -> None:
    table = read(MARK.encode("mac_roman"), filename="a.csv", encoding="utf-8")

    assert codes(table) == ["encoding_wrong"]
    assert codes(read(MARK.encode(), filename="a.csv", encoding="klingon")) == ["encoding_wrong"]


# Workbooks


@pytest.mark.parametrize(("make", "filename"), [(ods, "a.ods"), (xls, "a.xls")])
def test_foreign_and_old_workbooks_are_read_as_they_show(make: Any, filename: str) -> None:
    table = read(make({"Blad 1": ROWS}), filename=filename)

    assert [(r.number, r.grantee, r.amount) for r in table.rows] == [
        (2, "Umeå", Decimal(5)),
        (3, "Lund", Decimal("7.50")),
    ]
    assert codes(table) == []


@pytest.mark.parametrize(("make", "filename"), [(ods, "a.ods"), (xls, "a.xls")])
def test_the_sheet_that_was_read_is_named_and_the_others_too(make: Any, filename: str) -> None:
    content = make({"Läs mig": [["Text"]], "Bidrag": ROWS, "Fler": OTHER})

    first = read(content, filename=filename)
    asked = read(content, filename=filename, sheet="fler")

    assert (first.source.sheet, first.source.sheets) == ("Bidrag", ("Läs mig", "Bidrag", "Fler"))
    assert problem(first, "more_sheets").facts["others"] == ["Fler"]
    assert (asked.source.sheet, names(asked), codes(asked)) == ("Fler", ["Piteå"], [])
    assert codes(read(content, filename=filename, sheet="Mars")) == ["sheet_missing"]


def test_a_formula_counts_by_its_value() -> None:
    table = read(ods({"A": [["Sökande", "Belopp"], ["Lund", "=1+6"]]}), filename="a.ods")

    assert table.rows[0].amount == 7


def formulas(*rows: list[Any]) -> bytes:
    """A workbook as a program writes it that has never worked its formulas out."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_a_formula_without_its_result_is_told_with_row_and_column() -> None:
    content = formulas(
        ["Sökande", "Belopp", "Beslut", "Annat"],
        ["Lund", 5, "Beviljad", "=1+1"],
        ["Borås", "=5+2", "Beviljad", ""],
        ["Habo", 5, '=IF(1;"Avslag")', ""],
        ["Summa", "=SUM(B2:B4)", "", ""],
    )

    table = read(content, filename="a.xlsx")

    told = [p for p in table.problems if p.code == "formula_without_value"]
    assert [(p.row, p.column, p.severity.value) for p in told] == [
        (3, "Belopp", "error"),
        (4, "Beslut", "error"),
        (5, "Belopp", "warning"),
    ]


# JSON

GRANTS = {
    "version": "1.1",
    "grants": [
        {
            "id": "360G-1",
            "title": "Youth, arts and us",
            "currency": "GBP",
            "amountAwarded": 53195.5,
            "amountAppliedFor": 60000,
            "awardDate": "2024-03-01",
            "recipientOrganization": [{"id": "GB-1", "name": "Alpha Trust"}],
            "beneficiaryLocation": [{"name": "Nairobi", "countryCode": "KE"}],
            "classifications": [{"title": "Youth"}, {"title": "Arts"}],
            "fundingOrganization": [{"name": "Fund"}],
        },
        {
            "title": "Cycling",
            "currency": "GBP",
            "amountAwarded": 7500,
            "recipientOrganization": {"name": "Leeds City Council"},
        },
    ],
}


def test_a_360giving_file_is_read_by_the_same_road() -> None:
    table = read(json.dumps(GRANTS).encode(), filename="grants.json")

    first, second = table.rows
    assert (table.currency, table.language, codes(table)) == ("GBP", "en", [])
    assert (first.grantee, first.project) == ("Alpha Trust", "Youth, arts and us")
    assert (first.amount, first.amount_applied) == (Decimal("53195.50"), Decimal(60000))
    assert (first.countries, first.themes) == (("Kenya",), ("Youth", "Arts"))
    assert (second.grantee, second.amount) == ("Leeds City Council", Decimal(7500))


def test_a_plain_list_of_objects_is_a_table() -> None:
    rows = [
        {"Sökande": "Umeå", "Belopp": 5, "Tema": ["Vatten", "Klimat"]},
        {"Sökande": "Lund", "Belopp": "1 200 kr", "Ny sökande": True},
    ]

    table = read(json.dumps(rows).encode(), filename="rows.json")

    assert [(r.grantee, r.amount, r.themes) for r in table.rows] == [
        ("Umeå", 5, ("Vatten", "Klimat")),
        ("Lund", 1200, ()),
    ]
    assert table.rows[1].first_timer is True


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "damaged_json"),
        (b"[" * 100_000, "damaged_json"),
        (b'[{"a": ' + b"9" * 5000 + b"}]", "damaged_json"),
        (b"{}", "json_no_list"),
        (b"[]", "json_no_list"),
        (b'"text"', "json_no_list"),
        (b'{"grants": {}}', "json_no_list"),
        (b'{"grants": [1]}', "json_no_list"),
        (b"[1, 2]", "json_no_list"),
        (b'[{"name": {"deep": 1}, "amount": 5}]', "json_no_list"),
        (b'[{"a": 1, "b": 2}]', "no_header"),
        (b'{"grants": []}', "no_rows"),
        (b"[" + b"{}," * 100_001 + b"{}]", "too_many_rows"),
    ],
)
def test_other_json_gets_a_sentence(content: bytes, code: str) -> None:
    assert codes(read(content, filename="a.json")) == [code]


def test_half_a_letter_in_json_is_left_out() -> None:
    content = b'[{"name": "Lund\\ud800\\u0000", "amount": 5, "currency": "SEK"}]'

    assert names(read(content, filename="a.json")) == ["Lund"]


# Files made to do harm


def test_a_password_is_told_whatever_the_workbook() -> None:
    assert codes(read(xls({"A": ROWS}, protected=True), filename="a.xls")) == ["password_protected"]


def test_an_old_workbook_that_asks_for_absurd_memory_gets_a_sentence() -> None:
    content = xls({"A": ROWS}, far=True)
    before, started = psutil.Process().memory_info().rss, time.monotonic()

    table = read(content, filename="a.xls")

    assert codes(table) in (["damaged_workbook"], ["too_wide"])
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert time.monotonic() - started < 30


def test_a_truncated_workbook_gets_a_sentence() -> None:
    for content, filename in ((xls({"A": ROWS}), "a.xls"), (ods({"A": ROWS}), "a.ods")):
        for part in (4, 3, 2):
            table = read(content[: len(content) * (part - 1) // part], filename=filename)

            assert codes(table) == ["damaged_workbook"]


CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6)), max_size=8)
OLD, FOREIGN = xls({"A": ROWS}), ods({"A": ROWS})


@settings(deadline=None, max_examples=25)
@given(CHANGES)
def test_no_damage_to_an_old_or_foreign_workbook_makes_it_raise(
    changes: list[tuple[int, bytes]],
) -> None:
    for content, filename in ((OLD, "a.xls"), (FOREIGN, "a.ods")):
        damaged = content
        for at, new in changes:
            place = at % (len(damaged) + 1)
            damaged = damaged[:place] + new + damaged[place + len(new) :]

        assert isinstance(read(damaged, filename=filename), Table)


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["grants", "name", "amount", "recipientOrganization", "currency"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_makes_it_raise(document: Any) -> None:
    for whole in (document, {"grants": document}, [document]):
        codes(read(json.dumps(whole).encode(), filename="a.json"))
