"""Suggested words in the place of others: markup kept, figures kept, nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput, Conflict
from app.core.html import clean, embedded
from releases.review.anchoring import read
from releases.review.suggesting import replace_passage

TOTAL = '<data value="2650000" data-figure="total">2\u00a0650\u00a0000 kronor</data>'
COUNT = '<data value="3" data-figure="grantees.count">tre</data>'
PLAIN = st.text(alphabet="abcåäö&<>\"' .,", min_size=1, max_size=30)


def replaced(markup: str, passage: str, replacement: str, before: str = "", after: str = "") -> str:
    return replace_passage(markup, passage, before, after, replacement)


def test_words_across_bold_and_a_figure() -> None:
    markup = f"<p>Falun får <strong>dela på</strong> {TOTAL} i år.</p>"

    said = replaced(
        markup, "får dela på 2 650 000 kronor i år", "ska dela på 2 650 000 kronor under 2027"
    )

    assert said == f"<p>Falun ska <strong>dela på</strong> {TOTAL} under 2027.</p>"


def test_bold_words_that_are_replaced_stay_bold() -> None:
    assert replaced("<p>Vi är <strong>glada</strong>.</p>", "glada", "stolta") == (
        "<p>Vi är <strong>stolta</strong>.</p>"
    )


def test_words_beside_a_figure_are_put_outside_it() -> None:
    assert replaced(f"<p>{TOTAL}</p>", "2 650 000 kronor", "hela 2 650 000 kronor i år") == (
        f"<p>hela {TOTAL} i år</p>"
    )


def test_a_figure_may_move_within_its_sentence() -> None:
    said = replaced(
        f"<p>Falun får {TOTAL} till vatten.</p>",
        "Falun får 2 650 000 kronor till vatten",
        "2 650 000 kronor går till vatten i Falun",
    )

    assert said == f"<p>{TOTAL} går till vatten i Falun.</p>"


@pytest.mark.parametrize(
    "replacement", ["11 miljoner", "2 650 001 kronor", "2 650 000", "", "12 650 000 kronor"]
)
def test_a_figures_own_words_are_not_rewritten(replacement: str) -> None:
    with pytest.raises(BadInput) as refused:
        replaced(f"<p>Falun får {TOTAL} i år.</p>", "2 650 000 kronor i", replacement + " i")

    assert refused.value.key == "suggestion_touches_figure"
    assert refused.value.facts["words"] == "2\u00a0650\u00a0000 kronor"


def test_words_are_not_squeezed_into_a_figure() -> None:
    with pytest.raises(BadInput):
        replaced(f"<p>Hela {TOTAL}</p>", "Hela 2 650", "Hela 2 650 nya")


def test_two_figures_do_not_change_places() -> None:
    markup = f"<p>{COUNT} delar på {TOTAL}.</p>"

    with pytest.raises(BadInput):
        replaced(markup, "tre delar på 2 650 000 kronor", "2 650 000 kronor delas av tre")


def test_words_that_are_gone_are_a_conflict() -> None:
    with pytest.raises(Conflict) as refused:
        replaced("<p>Något annat.</p>", "Falun får", "Borås får")

    assert refused.value.key == "passage_changed"


def test_a_suggestion_keeps_to_one_paragraph() -> None:
    with pytest.raises(BadInput) as refused:
        replaced("<p>Ett.</p><p>Två.</p>", "Ett. Två.", "Allt på en gång.")

    assert refused.value.key == "suggestion_too_wide"


def test_of_the_same_words_those_with_their_surroundings_are_replaced() -> None:
    markup = "<p>Falun får vatten.</p><p>Borås får vatten.</p>"

    assert replaced(
        markup, "får", "söker", before="Falun får vatten. Borås ", after=" vatten."
    ) == ("<p>Falun får vatten.</p><p>Borås söker vatten.</p>")


def test_words_that_go_take_one_space_with_them() -> None:
    assert replaced("<p>Ett mycket bra projekt.</p>", "mycket", "") == "<p>Ett bra projekt.</p>"


def test_what_is_left_empty_goes_too() -> None:
    markup = "<ul><li>Ett</li><li><strong>Två</strong></li></ul>"

    assert replaced(markup, "Två", "", before="Ett ") == "<ul><li>Ett</li></ul>"


def test_a_gap_is_filled() -> None:
    markup = '<p>– <mark data-gap="quote">[citat]</mark>, säger Eva Ek.</p>'

    assert (
        clean(replaced(markup, "[citat]", "Vi är glada")) == "<p>– Vi är glada, säger Eva Ek.</p>"
    )


@given(PLAIN)
def test_whatever_is_suggested_is_words_and_never_markup(replacement: str) -> None:
    words = " ".join(replacement.split())
    markup = f"<p>Först <em>orden</em> här, sedan {TOTAL} och slut.</p>"
    if not words:
        return

    said = replaced(markup, "orden här", replacement)

    assert clean(said) == said
    assert read(said).text == f"Först {words}, sedan 2\u00a0650\u00a0000 kronor och slut."
    assert TOTAL in said
    assert embedded(said, "image") == []


@given(st.lists(st.sampled_from(["ett", "två", "tre", "fyra"]), min_size=1, max_size=8), st.data())
def test_any_passage_can_become_any_other_words(words: list[str], data: st.DataObject) -> None:
    inner = " ".join(f"<strong>{w}</strong>" if n % 3 == 1 else w for n, w in enumerate(words))
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    new = data.draw(st.lists(st.sampled_from(["ny", "två", "bra"]), min_size=1, max_size=5))
    text = " ".join(words)
    first = len(" ".join(words[:start])) + (1 if start else 0)
    passage = " ".join(words[start:end])

    said = replaced(
        f"<p>{inner}</p>",
        passage,
        " ".join(new),
        before=text[:first],
        after=text[first + len(passage) :],
    )

    assert read(said).text == " ".join([*words[:start], *new, *words[end:]])
