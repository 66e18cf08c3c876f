"""The sentences for what is wrong with a file."""

from __future__ import annotations

import re
import string
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.words import LANGUAGES, catalogue
from releases import commands
from releases.rounds import problems
from releases.rounds.problems import in_order, message
from releases.rounds.table import Problem, Severity


def codes_in_the_code() -> set[str]:
    """Every code that reading, the checks or the import can tell."""
    rounds = Path(str(problems.__file__)).parent
    files = [*sorted(rounds.glob("*.py")), Path(str(commands.__file__))]
    source = "".join(file.read_text() for file in files)
    told = re.findall(r'(?:tell\(|Unreadable\(|Problem\(|table,)\s*"([a-z_]+)"', source)
    return {*told, "amount_missing", "amount_unreadable", "total_row_differs", "breakdown_differs"}


def words(language: str) -> dict[str, str]:
    return {
        key.removeprefix("problems."): str(text)
        for key, text in catalogue(language).items()
        if key.startswith("problems.")
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_has_a_sentence(language: str) -> None:
    codes = codes_in_the_code()

    assert len(codes) > 35
    assert codes == set(words(language))


def test_both_languages_say_the_same_things() -> None:
    def placeholders(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    swedish, english = words("sv"), words("en")

    assert {code: placeholders(text) for code, text in swedish.items()} == {
        code: placeholders(text) for code, text in english.items()
    }


def test_figures_are_grouped_as_the_language_does() -> None:
    problem = Problem(
        "stated_total_differs",
        facts={"stated": Decimal("10641000"), "counted": Decimal("300000.50"), "currency": "SEK"},
    )

    assert "10\u00a0641\u00a0000 SEK" in message(problem, "sv")
    assert "300\u00a0000,50 SEK" in message(problem, "sv")
    assert "10,641,000 SEK" in message(problem, "en")
    assert "300,000.50 SEK" in message(problem, "en")


def test_a_cell_with_braces_or_a_novel_in_it_is_shown_in_brief() -> None:
    problem = Problem("amount_unreadable", facts={"text": "{0} " + "a" * 5000})

    assert "{0} aaa" in message(problem, "en")
    assert len(message(problem, "en")) < 250


def test_the_whole_file_comes_first_and_errors_before_warnings() -> None:
    late = Problem("a", Severity.ERROR, row=9)
    warning, error = Problem("b", Severity.WARNING, row=2), Problem("c", row=2)
    whole = Problem("d", Severity.WARNING)

    assert in_order([late, warning, error, whole]) == [whole, error, warning, late]
