"""Files of results as grants officers send them, and everything that may be wrong with one."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.words import LANGUAGES
from releases.rounds.problems import message
from releases.rounds.reading import read
from releases.rounds.table import AwardStatus, Problem, Severity, Table

SEED = Path(__file__).with_name("seed.csv").read_bytes()
SEED_TEXT = SEED.decode("utf-8-sig")


def read_text(text: str, **facts: Any) -> Table:
    return read(text.encode(), filename="omgång.csv", **facts)


def workbook(*sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Blad{number}")
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def total(table: Table) -> Decimal:
    return sum((row.amount for row in table.awards), Decimal(0))


def codes(table: Table) -> list[str]:
    return [problem.code for problem in table.problems]


def problem(table: Table, code: str) -> Problem:
    (found,) = [found for found in table.problems if found.code == code]
    return found


SEED_CELLS = [
    [int(cell) if cell.isdigit() else cell.strip('"') for cell in line]
    for line in (
        text.replace('"Ungas deltagande; klimat"', "Ungas deltagande| klimat")
        .replace('"Jämlik hälsa; cancersjukvård"', "Jämlik hälsa| cancersjukvård")
        .split(";")
        for text in SEED_TEXT.splitlines()
    )
]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(SEED, id="as it came"),
        pytest.param(SEED_TEXT.encode(), id="without a byte order mark"),
        pytest.param(SEED_TEXT.encode("cp1252"), id="Windows-1252"),
        pytest.param(SEED_TEXT.encode("utf-16"), id="UTF-16"),
        pytest.param(SEED_TEXT.replace("\r\n", "\n").replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(SEED_TEXT.replace("\r\n", "\n").encode(), id="LF"),
        pytest.param(SEED_TEXT.replace("\r\n", "\n").replace("\n", "\r").encode(), id="CR"),
        pytest.param(("sep=;\n" + SEED_TEXT).encode(), id="Excel's sep line"),
        pytest.param(workbook(SEED_CELLS), id="workbook"),
        pytest.param(workbook([["Anteckningar"]], SEED_CELLS), id="workbook's second sheet"),
        pytest.param(
            "\n".join(",".join(f'"{cell}"' for cell in row) for row in SEED_CELLS).encode(),
            id="commas",
        ),
        pytest.param("\n".join("\t".join(map(str, row)) for row in SEED_CELLS).encode(), id="tabs"),
    ],
)
def test_the_seed_round_reads_the_same_in_every_dress(content: bytes) -> None:
    table = read(content, filename="round")

    assert total(table) == Decimal(10641000)
    assert table.problems == ()
    assert (table.currency, table.language) == ("SEK", "sv")
    assert Counter(row.kind for row in table.awards) == {"kommun": 10, "region": 1}
    assert [row.grantee for row in table.awards if row.first_timer] == [
        "Ekerö",
        "Kristinehamn",
        "Mariestad",
    ]
    pitea = next(row for row in table.rows if row.grantee == "Piteå")
    assert pitea.partners == ("An Giang",)
    assert pitea.countries == ("Vietnam",)
    assert pitea.themes == ("Ungas deltagande", "klimat")


def test_rows_are_numbered_as_the_spreadsheet_shows_them() -> None:
    titled = [["Beslut 2024"], [], ["Sökande", "Belopp"], ["Lund", 5], [], ["Borås", 7]]

    in_workbook = read(workbook(titled), filename="a.xlsx")
    in_csv = read_text('Beslut 2024\n\nSökande;Belopp\n"Lund\nsödra";5\n\nBorås;7\n')

    assert [row.number for row in in_workbook.rows] == [4, 6]
    assert [row.number for row in in_csv.rows] == [4, 6]
    assert in_csv.rows[0].grantee == "Lund södra"


def test_the_columns_are_named_as_in_the_file() -> None:
    assert read(SEED, filename="round.csv").columns["amount"] == "Beviljat belopp"


# English files


GIVING = """Identifier,Title,Description,Currency,Amount Applied For,Amount Awarded,\
Amount Disbursed,Award Date,Recipient Org:Identifier,Recipient Org:Name,\
Recipient Org:Organisation Type,Recipient Org:Postal Code,Funding Org:Name,\
Beneficiary Location:Name,Beneficiary Location:Country Code,Classifications:Title
360G-1,"Youth, arts and us","A ""bold"" project
over two lines",GBP,60000,"53,195.00",1,2024-03-01,GB-1,Alpha Trust,Registered Charity,LS1,Fund,\
Leeds,GB,Youth
360G-2,Cycling,Bikes,GBP,,"£7,500.50",1,2024-03-01,GB-2,Leeds City Council,Local Authority,LS1,\
Fund,Leeds,KE,
"""


def test_the_headers_of_360giving_are_understood() -> None:
    table = read_text(GIVING)

    first, second = table.rows
    assert table.problems == ()
    assert (table.language, table.currency) == ("en", "GBP")
    assert (first.grantee, first.kind, first.project) == (
        "Alpha Trust",
        "charity",
        "Youth, arts and us",
    )
    assert (first.amount, first.amount_applied) == (Decimal(53195), Decimal(60000))
    assert (second.kind, second.amount) == ("council", Decimal("7500.50"))
    assert (second.countries, second.themes) == (("Kenya",), ())


def test_a_programme_list_in_euro_keeps_its_decimals() -> None:
    table = read_text(
        "Beneficiary name\tCountry\tEU contribution (€)\tTotal cost\tTopic\n"
        "Universiteit Gent\tBelgium\t€116.1 million\t1\tWater\n"
        "Karlstads universitet\tSweden\t€1,250,000.75\t2\tWater\n"
        "TOTAL\t\t€117,350,000.75\t\t\n"
    )

    assert (total(table), table.currency, codes(table)) == (Decimal("117350000.75"), "EUR", [])


def test_english_headers_without_a_currency_are_told() -> None:
    assert codes(read_text("Recipient,Amount\nAlpha,5\n")) == ["currency_assumed"]
    assert read_text("Recipient,Amount\nAlpha,5\n", currency="gbp").currency == "GBP"


# Which column is which


@pytest.mark.parametrize(
    ("header", "amount"),
    [
        ("Sökande;Sökt belopp;Beviljat belopp (kr)", 2),
        ("Sökande;Beviljat belopp 2024, SEK;Sökt belopp", 2),
        ("Kommun;Ansökt belopp kr;Belopp", 2),
        ("Mottagare;Sökt;Beviljat", 2),
        ("Grantee;Amount requested (£);Amount awarded (£)", 2),
        ("Ny sökande;Bidragsmottagare;Bidrag", 2),
        ("Utbetalt belopp;Organisation;Totalt beviljat belopp", 2),
        ("Total budget;Lead partner;EU contribution", 2),
    ],
)
def test_the_granted_amount_is_never_another_amount(header: str, amount: int) -> None:
    table = read_text(f"{header}\n1;2;3\n")

    names = [" ".join(name.split()) for name in header.split(";")]
    expected = "Beviljat belopp 2024, SEK" if "2024" in header else names[amount]
    assert table.columns["amount"] == expected


def test_two_columns_that_may_be_the_amount_are_not_chosen_between() -> None:
    table = read_text("Sökande;Beviljat 2023;Beviljat 2024\nLund;1;2\n")

    assert problem(table, "amount_columns_unclear").facts["columns"] == [
        "Beviljat 2023",
        "Beviljat 2024",
    ]


def test_partners_may_be_spread_over_columns() -> None:
    table = read_text("Sökande;Belopp;Partner 1;Partner 2;Partnerland\nLund;1;A;B;Kenya\n")

    assert table.rows[0].partners == ("A", "B")
    assert table.rows[0].countries == ("Kenya",)


@pytest.mark.parametrize(
    ("cell", "partners"),
    [
        ("Makueni County, Kenya", ("Makueni County, Kenya",)),
        ("Makueni County; An Giang", ("Makueni County", "An Giang")),
        ("Makueni County och Homa Bay County", ("Makueni County", "Homa Bay County")),
        ("Makueni County / Homa Bay County", ("Makueni County", "Homa Bay County")),
        ("Mat och Prat", ("Mat och Prat",)),
        ("Trinidad & Tobago Council", ("Trinidad & Tobago Council",)),
    ],
)
def test_partners_are_parted_only_where_it_is_plain(cell: str, partners: tuple[str, ...]) -> None:
    table = read_text(f'Sökande;Belopp;Samarbetspart\nLund;1;"{cell}"\n')

    assert table.rows[0].partners == partners


# Units and currency


@pytest.mark.parametrize(
    ("header", "code", "amount"),
    [
        ("Beviljat belopp (tkr)", "amounts_in_thousands", 1480000),
        ("Beviljat belopp i tusental kronor", "amounts_in_thousands", 1480000),
        ("Amount awarded (£000s)", "amounts_in_thousands", 1480000),
        ("Beviljat belopp, mnkr", "amounts_in_millions", 1480000000),
    ],
)
def test_a_unit_in_the_header_multiplies_and_is_told(header: str, code: str, amount: int) -> None:
    table = read_text(f"Organisation;{header}\nA;1480\n")

    assert table.rows[0].amount == amount
    assert problem(table, code).severity is Severity.WARNING


def test_a_cell_that_names_its_own_unit_is_not_multiplied_again() -> None:
    table = read_text("Sökande;Beviljat belopp (tkr)\nLund;1,5 mkr\nBorås;700\n")

    assert total(table) == Decimal(2200000)


def test_two_currencies_are_never_added() -> None:
    table = read_text("Sökande;Belopp;Valuta\nLund;5;SEK\nBorås;7;SEK\nHabo;7;EUR\n")

    assert problem(table, "mixed_currencies").facts == {"currencies": ["EUR", "SEK"], "rows": [4]}


def test_one_cell_in_euro_among_kronor_is_two_currencies() -> None:
    assert "mixed_currencies" in codes(read_text("Sökande;Belopp\nLund;500\nBorås;€500\n"))


def test_a_currency_that_contradicts_the_file_is_refused() -> None:
    table = read_text("Recipient,Amount awarded (£)\nAlpha,5\n", currency="SEK")

    assert problem(table, "currency_differs").facts == {"file": "GBP", "given": "SEK"}


def test_kronor_may_be_norwegian_when_the_officer_says_so() -> None:
    table = read_text("Søker;Sökande;Beviljat belopp (kr)\n;Oslo;5 kr\n", currency="NOK")

    assert (table.currency, codes(table)) == ("NOK", [])


def test_an_unknown_currency_is_told() -> None:
    table = read_text("Sökande;Belopp;Valuta\nLund;5;CHF\n")

    assert problem(table, "currency_unknown").row == 2


# Sums


def test_a_total_row_is_compared_and_not_counted() -> None:
    for label in ("Summa", "TOTALT", "Total:", "Totalsumma", "Summa (kr)"):
        table = read_text(f"Sökande;Belopp\nLund;5\nBorås;7\n{label};12\n")

        assert (total(table), codes(table)) == (Decimal(12), [])


def test_a_total_row_that_differs_is_an_error() -> None:
    table = read_text("Sökande;Belopp\nLund;5\nBorås;7\nSumma;13\n")

    found = problem(table, "total_row_differs")
    assert (found.severity, found.row, found.column) == (Severity.ERROR, 4, "Belopp")
    assert (found.facts["stated"], found.facts["counted"]) == (13, 12)


def test_a_sum_without_a_label_is_not_a_grant() -> None:
    table = read_text("Sökande;Belopp\nLund;5\nBorås;7\n;12\n")

    assert (total(table), codes(table)) == (Decimal(12), [])


def test_a_stated_total_that_differs_is_an_error_with_both_figures() -> None:
    table = read(SEED, filename="a.csv", stated_total=Decimal(10640000))

    found = problem(table, "stated_total_differs")
    assert found.facts == {
        "stated": Decimal(10640000),
        "counted": Decimal(10641000),
        "currency": "SEK",
    }
    assert codes(read(SEED, filename="a.csv", stated_total=Decimal(10641000))) == []


BROKEN_DOWN = """Sökande;Typ;Belopp
Lund;kommun;5
Borås;kommun;7
Summa kommuner;;{municipalities}
Region Skåne;region;9
Summa regioner;;9
Totalt;;21
"""


def test_subtotals_that_add_up_are_not_told() -> None:
    table = read_text(BROKEN_DOWN.format(municipalities=12))

    assert (total(table), codes(table)) == (Decimal(21), [])


def test_a_subtotal_that_does_not_add_up_is_told() -> None:
    found = problem(read_text(BROKEN_DOWN.format(municipalities=11)), "breakdown_differs")

    assert (found.row, found.facts["stated"], found.facts["counted"]) == (4, 11, 12)


def test_a_breakdown_below_the_total_is_compared_by_kind() -> None:
    rows = "Sökande;Typ;Belopp\nLund;kommun;5\nRegion Skåne;region;9\nTotalt;;14\n"

    assert codes(read_text(rows + "varav kommuner;;5\nvarav regioner;;9\n")) == []
    assert codes(read_text(rows + "varav kommuner;;6\n")) == ["breakdown_differs"]


def test_a_company_with_a_total_name_is_a_grantee() -> None:
    table = read_text("Sökande;Typ;Belopp\nTotal Teater AB;företag;5\nSumma Equity;företag;7\n")

    assert len(table.awards) == 2


# What is wrong in rows


NOISY = """Sökande;Typ;Beviljat belopp;Sökt belopp;Ny sökande;Beslut
Karlstad;kommun;1 480 000 kr;1000000;JA;Beviljad
Karlstads kommun;kommun;1.200.000;;nej;Beviljad
Norköping;Kommun;-500;;;Beviljad
Region Skåne;kommun;abc;;kanske;Beviljad
;kommun;5000;;;Beviljad
Alfa;grupp;;;;Beviljad
Beta;;500;;;Beviljad
Gamma;förening;0;;;Avslag
Gamma;förening;0;;;Avslag
Delta;förening;;;;Återtagen
Epsilon;förening;500;;;bordlagd
"""


def test_every_bad_row_is_told_and_not_the_first_only() -> None:
    table = read_text(NOISY)

    assert [(p.code, p.row, p.column, p.severity.value) for p in table.problems] == [
        ("amount_above_applied", 2, "Beviljat belopp", "warning"),
        ("grantee_two_spellings", 3, "Sökande", "warning"),
        ("amount_negative", 4, "Beviljat belopp", "error"),
        ("grantee_misspelt", 4, "Sökande", "warning"),
        ("amount_unreadable", 5, "Beviljat belopp", "error"),
        ("first_timer_unreadable", 5, "Ny sökande", "error"),
        ("kind_contradicts_name", 5, "Typ", "warning"),
        ("grantee_missing", 6, "Sökande", "error"),
        ("amount_missing", 7, "Beviljat belopp", "error"),
        ("kind_unknown", 7, "Typ", "warning"),
        ("kind_missing", 8, "Typ", "warning"),
        ("rows_rejected", 9, "Beslut", "warning"),
        ("duplicate_row", 10, None, "warning"),
        ("rows_withdrawn", 11, "Beslut", "warning"),
        ("status_unknown", 12, "Beslut", "warning"),
    ]
    for found in table.problems:
        for language in LANGUAGES:
            assert message(found, language)


def test_rejected_and_withdrawn_rows_may_lack_an_amount() -> None:
    table = read_text("Sökande;Belopp;Beslut\nLund;5;Bifall\nBorås;;Avslag\nHabo;9;återtagen\n")

    assert [row.status for row in table.rows] == [
        AwardStatus.GRANTED,
        AwardStatus.REJECTED,
        AwardStatus.WITHDRAWN,
    ]
    assert (total(table), codes(table)) == (Decimal(5), ["rows_rejected", "rows_withdrawn"])


def test_a_grant_of_nought_is_no_award() -> None:
    assert codes(read_text("Sökande;Belopp\nLund;0\n")) == ["no_awards"]


def test_no_kinds_in_the_file_are_no_kinds_in_the_rows() -> None:
    table = read_text("Kommun;Belopp\nLund;5\n")

    assert (table.rows[0].kind, codes(table)) == (None, [])


def test_a_footnote_is_told_and_not_counted() -> None:
    table = read_text("Sökande;Belopp\nLund;5\nTotalt;5\n* Preliminär lista\n")

    found = problem(table, "row_skipped")
    assert (found.row, len(table.rows)) == (4, 1)


def test_a_header_that_is_repeated_on_each_page_is_no_row() -> None:
    assert len(read_text("Sökande;Belopp\nLund;5\nSökande;Belopp\nBorås;7\n").rows) == 2


def test_the_column_decides_what_a_lone_separator_means() -> None:
    table = read_text("Sökande;Belopp\nLund;1,200\nBorås;10,50\n")

    assert problem(table, "amount_ambiguous").row == 2


TORTURE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{0.__class__}",
    "A\u200b\u00ad\u2060B",
    "e\u0301",
    "\u202eABC",
    "🏛️ Förening",
    "x" * 50_000,
    "'; DROP TABLE rounds;--",
]


@pytest.mark.parametrize("cell", TORTURE, ids=range(len(TORTURE)))
def test_a_strange_name_is_only_a_name(cell: str) -> None:
    quoted = cell.replace('"', '""')

    table = read_text(f'Sökande;Typ;Belopp;Ny\n"{quoted}";"{quoted}";5;"{quoted}"\n')

    assert total(table) == 5
    assert "first_timer_unreadable" in codes(table)
    assert all(message(found, "sv") for found in table.problems)


def test_names_are_composed_and_without_what_cannot_be_seen() -> None:
    table = read_text("Sökande;Belopp\n  O\u0308ckero\u0308\u00a0\u00a0A\u200b ;5\n")

    assert table.rows[0].grantee == "Öckerö A"


# Files that are no table


FAR_AWAY = io.BytesIO()
with zipfile.ZipFile(FAR_AWAY, "w") as zipped:
    for part, xml in {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": "<workbook/>",
        "xl/worksheets/sheet1.xml": "<worksheet><sheetData><row r='1048576'>"
        "<c r='XFD1048576'><v>1</v></c></row></sheetData></worksheet>",
    }.items():
        zipped.writestr(part, xml)

BOMB = io.BytesIO()
with zipfile.ZipFile(BOMB, "w", zipfile.ZIP_DEFLATED) as zipped:
    zipped.writestr("xl/workbook.xml", b"0" * 151_000_000)


@pytest.mark.parametrize(
    ("content", "filename", "code"),
    [
        (b"", "a.csv", "empty_file"),
        (b"\xef\xbb\xbf\r\n", "a.csv", "empty_file"),
        (b"%PDF-1.7\n1 0 obj", "a.csv", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "a.png", "not_a_table"),
        (b"<!DOCTYPE html><table>", "a.xls", "not_a_table"),
        (bytes(range(256)), "a.csv", "not_a_table"),
        (b"Kaffe och bullar\nklockan tre\n", "a.csv", "no_header"),
        ("Sökande;Belopp\n".encode(), "a.csv", "no_rows"),
        (b"PK\x03\x04 and then nothing", "a.xlsx", "damaged_workbook"),
        (workbook(SEED_CELLS)[:3000], "a.xlsx", "damaged_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 900, "a.xls", "damaged_workbook"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "a.xlsx",
            "password_protected",
        ),
        (FAR_AWAY.getvalue(), "a.xlsx", "too_many_rows"),
        (BOMB.getvalue(), "a.xlsx", "too_large_unpacked"),
        (b"a;b\n" * 6_000_000, "a.csv", "too_large"),
        (b"a;b\n" * 150_000, "a.csv", "too_many_rows"),
        (workbook([]), "a.xlsx", "no_rows"),
    ],
)
def test_what_is_no_table_is_told_in_one_error(content: bytes, filename: str, code: str) -> None:
    table = read(content, filename=filename)

    assert table.rows == ()
    assert codes(table) == [code]
    assert table.errors


def test_a_table_needs_a_grantee_and_an_amount() -> None:
    assert "no_amount_column" in codes(read_text("Sökande;Typ\nLund;kommun\n"))
    assert "no_grantee_column" in codes(read_text("Typ;Belopp\nkommun;5\n"))


def test_an_open_quote_that_swallows_rows_is_told() -> None:
    table = read_text('Sökande;Belopp\nLund;5\n"Borås;7\nHabo;9\n')

    assert problem(table, "quote_unclosed").row == 3


def test_a_sheet_may_be_asked_for_and_others_are_mentioned() -> None:
    content = workbook(
        [["Sökande", "Belopp"], ["Lund", 5]], [["Sökande", "Belopp"], ["Borås", 7], ["Habo", 9]]
    )

    assert codes(read(content, filename="a.xlsx")) == ["more_sheets"]
    assert len(read(content, filename="a.xlsx", sheet="blad2").rows) == 2
    assert codes(read(content, filename="a.xlsx", sheet="Mars")) == ["sheet_missing"]


# Nothing makes it fall over


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.xlsx", "a.xls", "a"]))
def test_no_bytes_make_it_raise(content: bytes, filename: str) -> None:
    assert isinstance(read(content, filename=filename), Table)


def mutated(content: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    for at, new in changes:
        place = at % (len(content) + 1)
        content = content[:place] + new + content[place + len(new) // 2 :]
    return content


CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6)), max_size=8)
WORKBOOK = workbook(SEED_CELLS)
SMALL_NOISE = NOISY.encode()


@settings(deadline=None, max_examples=150)
@given(CHANGES)
def test_no_damage_to_a_csv_file_makes_it_raise(changes: list[tuple[int, bytes]]) -> None:
    for content in (SEED, SMALL_NOISE):
        table = read(mutated(content, changes), filename="a.csv", stated_total=Decimal(1))
        assert all(message(found, "sv") for found in table.problems)


@settings(deadline=None, max_examples=150)
@given(CHANGES)
def test_no_damage_to_a_workbook_makes_it_raise(changes: list[tuple[int, bytes]]) -> None:
    assert isinstance(read(mutated(WORKBOOK, changes), filename="a.xlsx"), Table)


@settings(deadline=None, max_examples=100)
@given(CHANGES, st.integers(0, 100))
def test_no_damage_inside_a_workbook_makes_it_raise(
    changes: list[tuple[int, bytes]], which: int
) -> None:
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as old, zipfile.ZipFile(copy, "w") as new:
        parts = old.namelist()
        for part in parts:
            data = old.read(part)
            new.writestr(
                part, mutated(data, changes) if part == parts[which % len(parts)] else data
            )

    assert isinstance(read(copy.getvalue(), filename="a.xlsx"), Table)


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["Lund", "Summa", "Totalt", "Summa kommuner", "kommun", "5 kr", "ja", "€1,2"]),
    st.integers(-(10**15), 10**15).map(str),
)


@settings(deadline=None)
@given(st.lists(st.lists(CELLS, max_size=5), max_size=8))
def test_no_cells_make_it_raise(rows: list[list[str]]) -> None:
    lines = ["Sökande;Typ;Belopp;Valuta;Ny"] + [";".join(row) for row in rows]

    table = read_text("\n".join(lines))

    assert all(message(found, "en") for found in table.problems)
