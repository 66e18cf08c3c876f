"""Tables as funders export them: their headers, sums, notes and decisions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from releases.rounds.reading import read
from releases.rounds.table import AwardStatus, Table


def read_text(text: str, **facts: Any) -> Table:
    return read(text.encode(), filename="export.csv", **facts)


def total(table: Table) -> Decimal:
    return sum((row.amount for row in table.awards), Decimal(0))


def codes(table: Table) -> list[str]:
    return [problem.code for problem in table.problems]


@pytest.mark.parametrize(
    ("header", "grantee"),
    [
        ("Huvudman;Tilldelad bidragsram;Beviljat bidrag", "Huvudman"),
        ("Lärosäte;Projektledare;Bidrag", "Lärosäte"),
        ("Nr;Mottagande organisation;Beviljade medel", "Mottagande organisation"),
        ("Kommun;Aktör;Belopp", "Aktör"),
        ("Kommun;Namn;Belopp", "Namn"),
        ("Kommun;Kontaktperson;Belopp", "Kommun"),
        ("Swedish partner;International partner;Amount granted (SEK)", "Swedish partner"),
        ("Coordinating organisation;Coordinator's country;EU grant", "Coordinating organisation"),
        ("Local Authority;Region;Allocation (£)", "Local Authority"),
        ("Sökande/mottagare;Land/länder;Stödbelopp", "Sökande/mottagare"),
        ("Stiftelse/Organisation;Ort;Beviljat anslag", "Stiftelse/Organisation"),
        ("Sökande;Bidragsmottagare;Belopp", "Bidragsmottagare"),
        ("Swedish municipality/region;Partner;Amount", "Swedish municipality/region"),
        ("Org.nr/Organisation;Kommun;Belopp", "Kommun"),
        ("Name of beneficiary / Nom du bénéficiaire;Country / Pays;Grant",
         "Name of beneficiary / Nom du bénéficiaire"),
    ],
)  # fmt: skip
def test_who_got_the_money(header: str, grantee: str) -> None:
    assert read_text(f"{header}\nA1;B2;300\n").columns["grantee"] == grantee


@pytest.mark.parametrize(
    ("header", "amount"),
    [
        ("Kommun;Län;Statsbidrag, kronor", "Statsbidrag, kronor"),
        ("Förening;Ort;Verksamhetsbidrag", "Verksamhetsbidrag"),
        ("Kommun;Sökt klimatstöd;Klimatstöd", "Klimatstöd"),
        ("Kommun;Egenbidrag;Belopp", "Belopp"),
        ("coordinator;totalCost;ecMaxContribution", "ecMaxContribution"),
        ("Beneficiary;Union co-financing rate;EU contribution", "EU contribution"),
        ("Grantee;Theme;Total", "Total"),
        ("Mottagare;Återbetalt belopp;Belopp", "Belopp"),
        ("Mottagare;Tidigare beviljat belopp;Beviljat belopp", "Beviljat belopp"),
        ("Sökande;Belopp;Sökt belopp", "Belopp"),
        ("Recipient;Match funding;Grant Awarded (£)", "Grant Awarded (£)"),
        ("Kommun;Län;Kronor", "Kronor"),
    ],
)
def test_which_amount_was_granted(header: str, amount: str) -> None:
    table = read_text(f"{header}\nA1;200;300\n")

    assert (table.columns["amount"], table.errors) == (amount, ())


@pytest.mark.parametrize("header", ["Typ av stöd", "Typ av åtgärd", "Type of grant"])
def test_a_kind_of_grant_is_no_kind_of_grantee(header: str) -> None:
    assert "kind" not in read_text(f"Organisation;{header};Belopp\nAlfa;Start;5\n").columns


def test_a_header_may_explain_itself_at_length() -> None:
    header = (
        "EU Grant award in euros (the grant awarded after selection; later changes are not shown)"
    )
    table = read_text(f'Coordinating organisation name,"{header}"\nA,"116,100.50"\nB,400000\n')

    assert (total(table), table.currency, codes(table)) == (Decimal("516100.50"), "EUR", [])


@pytest.mark.parametrize(
    "header",
    [
        "Sökande;Beviljat belopp;Beviljat belopp totalt",
        "Sökande;Beviljat bidrag 2024;Totalt beviljat belopp",
        "Sökande;Bidrag;Belopp",
        "Grantee;Amount awarded;Total awarded",
        "Grantee;Net EU contribution;EU contribution",
    ],
)
def test_two_amounts_that_may_be_meant_are_told(header: str) -> None:
    assert "amount_columns_unclear" in codes(read_text(f"{header}\nA;200;300\n"))


def test_a_column_without_digits_is_no_amount() -> None:
    table = read_text(
        "Förening;Bidrag;Belopp\nIF Alfa;Startbidrag;5000\nIF Beta;Lokalbidrag;7000\n"
    )

    assert (table.columns["amount"], total(table), codes(table)) == ("Belopp", Decimal(12000), [])


@pytest.mark.parametrize("header", ["Beslut: Bifall/Avslag", "Beviljad (ja/nej)", "Beviljad"])
def test_a_rejected_row_is_no_grant_whatever_the_column_is_called(header: str) -> None:
    yes, no = ("Ja", "Nej") if "evilj" in header else ("Bifall", "Avslag, brist på medel")
    table = read_text(f'Sökande;Belopp;{header}\nAlfa;500;{yes}\nBeta;700;"{no}"\n')

    assert [row.status for row in table.rows] == [AwardStatus.GRANTED, AwardStatus.REJECTED]
    assert (total(table), codes(table)) == (Decimal(500), ["rows_rejected"])


def test_a_decision_column_may_hold_the_day_of_the_decision() -> None:
    table = read_text("Sökande;Belopp;Beslut\nAlfa;5;2024-03-01\nBeta;7;2024-03-01 00:00:00\n")

    assert (total(table), codes(table)) == (Decimal(12), [])


@pytest.mark.parametrize("header", ["Ny aktör", "Förstagångssökande (ja/nej)", "New to us"])
def test_first_timers_by_other_names(header: str) -> None:
    table = read_text(f"Organisation;Belopp;{header}\nAlfa;5;Ja\nBeta;7;Nej\n")

    assert [row.first_timer for row in table.rows] == [True, False]


def test_who_applied_before_is_not_a_first_timer_and_no_sum() -> None:
    table = read_text("Organisation;Belopp;Tidigare sökt\nAlfa;5;Ja\n")

    assert set(table.columns) == {"grantee", "amount"}
    assert table.rows[0].first_timer is None


@pytest.mark.parametrize(
    "header",
    ["Lead partner country", "Coordinator's country", "coordinatorCountry", "Beneficiary country",
     "Recipient Org:Country"],
)  # fmt: skip
def test_the_grantees_own_country_is_not_where_the_partner_is(header: str) -> None:
    table = read_text(f"Lead partner;{header};Partner 1;EU grant (EUR)\nA;Finland;B;5\n")

    assert table.rows[0].partners == ("B",)
    assert table.rows[0].countries == ()


@pytest.mark.parametrize(
    "label",
    ["Totalt beviljat stöd", "Sammanlagt", "S:a", "Grand total (GBP)",
     "Total EU contribution", "TOTALT STATSBIDRAG"],
)  # fmt: skip
def test_a_sum_is_never_a_grantee(label: str) -> None:
    table = read_text(f"Sökande;Land;Belopp\nLund;Kenya;5\nBorås;;7\n{label};;12\n")

    assert (total(table), codes(table)) == (Decimal(12), [])


@pytest.mark.parametrize("label", ["Genomsnitt", "Median (kr)", "Antal", "Number of grants"])
def test_another_measure_is_told_and_not_counted(label: str) -> None:
    table = read_text(f"Sökande;Belopp\nLund;5\nBorås;7\nTotalt;12\n{label};2\n")

    assert (total(table), codes(table)) == (Decimal(12), ["row_skipped"])


@pytest.mark.parametrize(
    "note", ["Uppdaterad 2024-03-01", "Beslut av styrelsen den 3 mars", "Data from the register"]
)
def test_a_note_below_the_rows_is_no_grantee(note: str) -> None:
    table = read_text(f"Sökande;Belopp\nLund;5\nBorås;7\n\n{note};\n")

    assert (total(table), codes(table)) == (Decimal(12), ["row_skipped"])


@pytest.mark.parametrize(
    ("cell", "themes"),
    [
        ("Kultur, demokrati", ("Kultur", "demokrati")),
        ("Skydd, bevarande och hållbart bruk", ("Skydd, bevarande och hållbart bruk",)),
        ("Water, sanitation and health", ("Water, sanitation and health",)),
        ("Youth; culture, arts", ("Youth", "culture, arts")),
        ("Minskning med 1,5 grader", ("Minskning med 1,5 grader",)),
    ],
)
def test_themes_are_parted_only_where_it_is_plain(cell: str, themes: tuple[str, ...]) -> None:
    table = read_text(f'Sökande;Belopp;Tema\nLund;1;"{cell}"\n')

    assert table.rows[0].themes == themes


def test_the_unions_money_is_taken_for_euro_and_told() -> None:
    table = read_text("Coordinator;EU contribution\nAlfa;5\n")

    assert (table.currency, codes(table)) == ("EUR", ["currency_assumed"])
    assert read_text("Coordinator;EU contribution (£)\nAlfa;5\n").currency == "GBP"


def test_amounts_without_a_digit_are_told_row_by_row() -> None:
    table = read_text("Sökande;Belopp\nLund;se bilaga\nBorås;okänt\n")

    assert codes(table) == ["no_awards", "amount_unreadable", "amount_unreadable"]


def test_a_sum_with_its_kind_in_the_kind_column_is_no_grantee() -> None:
    rows = (
        "Sökande;Typ;Projekt;Belopp\nLund;kommun;A;5\nBorås;kommun;B;7\nRegion Skåne;region;C;9\n"
    )
    sums = "Summa;kommuner;2 projekt;{};\nSumma;regioner;1 projekt;9\nTotalt;;3 projekt;21\n"

    right, wrong = read_text(rows + sums.format(12)), read_text(rows + sums.format(11))
    assert (total(right), codes(right)) == (Decimal(21), [])
    assert codes(wrong) == ["breakdown_differs"]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("Förening/klubb", "forening"),
        ("Kommun/region", None),
        ("Charity/CIO", "charity"),
        ("Enskild", None),
    ],
)
def test_a_kind_may_be_said_in_two_words(cell: str, kind: str | None) -> None:
    assert read_text(f"Sökande;Typ;Belopp\nAlfa;{cell};5\n").rows[0].kind == kind


@pytest.mark.parametrize("written", ["Alfa AB (556000-0001)", "Alfa AB, 556000-0001", "Alfa AB"])
def test_the_number_of_an_organisation_is_no_part_of_its_name(written: str) -> None:
    assert read_text(f'Sökande;Belopp\n"{written}";5\n').rows[0].grantee == "Alfa AB"


@pytest.mark.parametrize(
    ("cell", "currency"),
    [
        ("Pounds sterling", "GBP"),
        ("Euro (EUR)", "EUR"),
        ("Svenska kronor", "SEK"),
        ("GBP £", "GBP"),
    ],
)
def test_a_currency_may_be_said_in_words(cell: str, currency: str) -> None:
    table = read_text(f"Grantee;Amount;Currency\nAlfa;5;{cell}\n")

    assert (table.currency, codes(table)) == (currency, [])


@pytest.mark.parametrize("cell", ["norska kronor", "EUR/SEK", "CHF"])
def test_a_currency_is_not_guessed(cell: str) -> None:
    assert "currency_unknown" in codes(read_text(f"Grantee;Amount;Currency\nAlfa;5;{cell}\n"))


@pytest.mark.parametrize("blank", ["-", "–", "N/A", "ingen", "#SAKNAS!", "saknas", "(none)", "?"])
def test_a_word_for_nothing_is_nothing(blank: str) -> None:
    header = "Sökande;Typ;Projekt;Samarbetspart;Land;Tema;Belopp"
    blanks = ";".join([blank] * 5)
    table = read_text(f"{header}\nAlfa;{blanks};5\nBeta;{blanks};7\n")

    for row in table.rows:
        assert (row.kind, row.project) == (None, "")
        assert row.partners + row.countries + row.themes == ()
    assert (total(table), codes(table)) == (Decimal(12), [])


def test_a_grantee_that_is_a_dash_is_missing() -> None:
    assert codes(read_text("Sökande;Land;Belopp\n-;Kenya;5\nAlfa;Kenya;7\n")) == ["grantee_missing"]


@pytest.mark.parametrize(
    ("cell", "countries"),
    [
        ("Kenya och Uganda", ("Kenya", "Uganda")),
        ("Kenya/Uganda", ("Kenya", "Uganda")),
        ("SE/NO", ("Sverige", "Norge")),
        ("Bosnien och Hercegovina", ("Bosnien och Hercegovina",)),
        ("Trinidad & Tobago", ("Trinidad & Tobago",)),
        ("Kenya, Uganda", ("Kenya", "Uganda")),
        ("Zanzibar och Pemba", ("Zanzibar och Pemba",)),
    ],
)
def test_countries_are_parted_where_each_is_one(cell: str, countries: tuple[str, ...]) -> None:
    table = read_text(f'Sökande;Land;Belopp\nAlfa;"{cell}";5\n')

    assert table.rows[0].countries == countries


def test_a_column_of_days_is_no_amount() -> None:
    table = read_text("Sökande;Beviljat;Belopp\nAlfa;2024-03-01;5\nBeta;2024-03-02;7\n")

    assert (table.columns["amount"], total(table), codes(table)) == ("Belopp", Decimal(12), [])


def test_whether_a_project_is_new_says_nothing_of_its_grantee() -> None:
    table = read_text("Sökande;Ny/Fortsättning;Belopp\nAlfa;Ny;5\nBeta;Fortsättning;7\n")

    assert ("first_timer" in table.columns, codes(table)) == (False, [])


def test_a_bar_may_part_the_columns() -> None:
    table = read_text("Beneficiary|Country code|Grant in EUR\nAlfa|PL|60000\nBeta|SE|59999.99\n")

    assert (total(table), table.currency) == (Decimal("119999.99"), "EUR")
    assert table.rows[0].countries == ("Poland",)


@pytest.mark.parametrize("label", ["Riket", "Hela landet", "Samtliga kommuner"])
def test_everyone_is_no_grantee(label: str) -> None:
    table = read_text(f"Kommun;Belopp\nLund;5\nBorås;7\n{label};12\n")

    assert (total(table), codes(table)) == (Decimal(12), [])


def test_a_grantee_with_as_much_as_all_others_is_told() -> None:
    table = read_text("Kommun;Belopp\nLund;5\nBorås;7\nHabo;1\nSlutresultat;13\n")

    (found,) = table.problems
    assert (found.code, found.row, total(table)) == ("award_like_total", 5, Decimal(26))


@pytest.mark.parametrize(
    ("title", "amount", "found"),
    [
        ("Beviljade bidrag 2024, tkr", 450000, ["amounts_in_thousands"]),
        ("Alla belopp i tusental kronor", 450000, ["amounts_in_thousands"]),
        ("Beslut 2024-03-14 (mnkr)", 450000000, ["amounts_in_millions"]),
        ("Totalt fördelas 15 mnkr", 450, []),
        ("Miljoner till kulturen", 450, []),
    ],
)
def test_a_title_row_may_give_the_unit(title: str, amount: int, found: list[str]) -> None:
    table = read_text(f"{title};\n;\nKommun;Beviljat bidrag\nLund;450\n")

    assert (total(table), codes(table)) == (Decimal(amount), found)


def test_a_header_in_kronor_outdoes_the_title() -> None:
    table = read_text("Beviljat, tkr;\nKommun;Beviljat bidrag (kr)\nLund;450\n")

    assert total(table) == Decimal(450)


def test_a_title_row_may_give_the_currency() -> None:
    assert read_text("Alla belopp i euro;\nKommun;Bidrag\nLund;450\n").currency == "EUR"
    assert read_text("Amounts are in GBP,\nGrantee,Grant\nAlfa,450\n").currency == "GBP"


@pytest.mark.parametrize("word", ["Avslag", "Avslås", "återtagen ansökan", "Declined"])
def test_a_refusal_may_stand_for_the_amount(word: str) -> None:
    table = read_text(f"Sökande;Sökt belopp;Beviljat belopp\nAlfa;9;5\nBeta;7;{word}\n")

    assert [row.is_award for row in table.rows] == [True, False]
    assert table.rows[1].status is not AwardStatus.GRANTED
    assert codes(table) in (["rows_rejected"], ["rows_withdrawn"])


def test_a_granted_row_without_a_readable_amount_is_an_error_still() -> None:
    for cell in ("Beviljat", "avslag 500", "ja"):
        table = read_text(f"Sökande;Belopp\nAlfa;5\nBeta;{cell}\n")
        assert [error.code for error in table.errors] == ["amount_unreadable"]
    for row in ("Beta;abc;Avslag", "Beta;Avslag;Bifall"):
        table = read_text(f"Sökande;Belopp;Beslut\nAlfa;5;Bifall\n{row}\n")
        assert [error.code for error in table.errors] == ["amount_unreadable"]


@pytest.mark.parametrize(
    ("cell", "answer"),
    [("Ja (första ansökan)", True), ("Nej, sökte 2021", False), ("Yes - new", True)],
)
def test_an_answer_may_be_explained(cell: str, answer: bool) -> None:
    table = read_text(f'Sökande;Ny sökande;Belopp\nAlfa;"{cell}";5\n')

    assert (table.rows[0].first_timer, codes(table)) == (answer, [])


@pytest.mark.parametrize("label", ["Summa beviljade projekt", "Total awarded to charities"])
def test_a_sum_by_its_figures_is_told_since_it_may_be_a_name(label: str) -> None:
    table = read_text(f"Sökande;Belopp\nLund;5\nBorås;7\n{label};12\n")

    assert (total(table), codes(table)) == (Decimal(12), ["row_skipped"])
    assert len(read_text(f"Sökande;Belopp\nLund;5\nBorås;7\n{label};11\n").awards) == 3


def test_quotes_round_whole_lines_are_taken_away() -> None:
    table = read_text('"Sökande;Typ;Belopp"\n"Lund;kommun;5"\n"Alfa ""A"" AB;företag;7"\n')

    assert [row.grantee for row in table.rows] == ["Lund", 'Alfa "A" AB']
    commas = read_text('Sökande,Belopp\n"Alfa, Beta",5\n')
    assert [row.grantee for row in commas.rows] == ["Alfa, Beta"]
    assert (total(table), codes(table)) == (Decimal(12), [])
