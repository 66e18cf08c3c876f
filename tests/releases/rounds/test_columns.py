"""Columns as a person says they are, where the guess is wrong or there is none."""

from __future__ import annotations

from typing import Any

from releases.rounds.headers import NOTHING, labels_of, letters
from releases.rounds.reading import read
from releases.rounds.table import Table

UNKNOWN = "Beneficiario;Importo;Tipo\nUmeå;5;kommun\nLund;7;kommun\n"
TWO_AMOUNTS = "Sökande;Beviljat 2023;Beviljat 2024\nLund;1;2\nUmeå;3;4\n"


def read_text(text: str, **facts: Any) -> Table:
    return read(text.encode(), filename="a.csv", **facts)


def codes(table: Table) -> list[str]:
    return [found.code for found in table.problems]


def test_headers_in_no_language_of_ours_can_be_said() -> None:
    said = {"grantee": ["Beneficiario"], "amount": ["Importo"], "kind": ["Tipo"]}

    table = read_text("Lista\n\n" + UNKNOWN, columns=said)

    assert [(r.number, r.grantee, r.amount, r.kind) for r in table.rows] == [
        (4, "Umeå", 5, "kommun"),
        (5, "Lund", 7, "kommun"),
    ]
    assert codes(table) == []
    assert table.source.is_said
    assert table.columns["amount"] == "Importo"


def test_two_amounts_are_no_longer_unclear_when_one_is_said() -> None:
    assert "amount_columns_unclear" in codes(read_text(TWO_AMOUNTS))

    table = read_text(TWO_AMOUNTS, columns={"amount": ["Beviljat 2023"]})

    assert ([r.amount for r in table.rows], codes(table)) == ([1, 3], [])
    assert table.rows[0].grantee == "Lund"


def test_a_column_used_for_nothing_is_not_guessed() -> None:
    text = "Sökande;Belopp;Tema\nLund;1;Vatten\n"

    assert read_text(text).rows[0].themes == ("Vatten",)
    assert read_text(text, columns={"amount": ["Belopp"], NOTHING: ["Tema"]}).rows[0].themes == ()


def test_a_column_nobody_spoke_of_is_still_recognised() -> None:
    said = {"amount": ["Beviljat 2023"], NOTHING: ["Beviljat 2024"]}

    table = read_text("Sökande;Beviljat 2023;Land\nLund;1;Kenya\n", columns=said)

    assert table.rows[0].countries == ("Kenya",)
    assert codes(table) == []


def test_what_was_said_of_another_file_is_left_aside() -> None:
    table = read_text("Sökande;Belopp\nLund;1\n", columns={"amount": ["Importo"]})

    assert (table.rows[0].amount, table.source.is_said) == (1, False)


def test_several_columns_may_hold_partners() -> None:
    said = {"grantee": ["A"], "amount": ["B"], "partners": ["C", "D"]}

    assert read_text("A;B;C;D\nLund;1;X;Y\n", columns=said).rows[0].partners == ("X", "Y")


def test_columns_without_a_header_and_headers_that_stand_twice_have_labels() -> None:
    assert labels_of(["Sökande", "", "Belopp", "Belopp"]) == [
        "Sökande",
        "[B]",
        "Belopp",
        "Belopp (2)",
    ]
    assert [letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    said = {"grantee": ["[A]"], "amount": ["Belopp (2)"]}
    assert read_text(";Belopp;Belopp\nLund;1;2\n", columns=said).rows[0].amount == 2


def test_a_file_shows_its_columns_with_samples_whether_understood_or_not() -> None:
    known = read_text("Sökande;Belopp;Dnr\nLund;1;\nUmeå;2;A1\nUmeå;3;A1\nPiteå;4;A2\n").source
    unknown = read_text("Lista\n" + UNKNOWN).source

    assert known.labels == ("Sökande", "Belopp", "Dnr")
    assert known.samples == (("Lund", "Umeå", "Piteå"), ("1", "2", "3"), ("A1", "A2"))
    assert known.used == {"grantee": ("Sökande",), "amount": ("Belopp",)}
    assert unknown.labels == ("Beneficiario", "Importo", "Tipo")
    assert unknown.samples[0] == ("Umeå", "Lund")
    assert unknown.used == {}
