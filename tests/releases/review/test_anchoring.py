"""Passages: found again in later texts, by their words and what stands around them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.core.html import clean, plain
from releases.review.anchoring import Anchor, anchor_at, find, highlighted, read

BODY = (
    "<p>Falun, Borås och Region Gotland får dela på "
    '<data value="2650000" data-figure="total">2&nbsp;650&nbsp;000 kronor</data>.</p>'
    "<blockquote><p>Vi är <strong>mycket glada</strong> &amp; stolta.</p>"
    "<footer>Eva Ek, ordförande</footer></blockquote>"
    "<p>Falun samarbetar med Kisumu County i Kenya om vatten.</p>"
    "<ul><li>Falun får 1,2 miljoner.</li><li>Borås får 0,8 miljoner.</li></ul>"
)
TEXT = read(clean(BODY)).text
WORDS = st.text(alphabet="abcåäö ,.", min_size=1, max_size=12)
TEXTS = st.lists(WORDS, min_size=3, max_size=40).map(" ".join).map(str.strip)


def kept(passage: str, text: str = TEXT) -> Anchor:
    start = text.index(passage)
    return anchor_at(text, start, start + len(passage))


def words_at(text: str, anchor: Anchor) -> str | None:
    found = find(text, anchor)
    return text[found.start : found.end] if found else None


def test_the_words_of_a_part_are_those_of_its_plain_text() -> None:
    said = plain(clean(BODY)).replace("– ", "")

    assert " ".join(re.split(r"[ \n]+", said)) == TEXT


@given(TEXTS, st.data())
@example("a a a a a a", None)
def test_what_was_chosen_is_found_again_in_the_same_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1)) if data else 2
    end = data.draw(st.integers(start + 1, len(text))) if data else 3
    anchor = anchor_at(text, start, end)
    assume(anchor.passage)

    found = find(text, anchor)

    assert found is not None
    assert found.is_exact
    assert text[found.start : found.end].split() == anchor.passage.split()
    assert anchor_at(text, found.start, found.end).before.split() == anchor.before.split()


@given(st.text(alphabet="qxz ", max_size=80), st.text(alphabet="qxz ", max_size=80))
def test_words_written_elsewhere_do_not_move_a_passage(before: str, after: str) -> None:
    anchor = kept("Kisumu County i Kenya")

    assert words_at(f"{before} {TEXT} {after}", anchor) == "Kisumu County i Kenya"


def test_the_same_words_in_two_places_are_told_apart_by_what_stands_around() -> None:
    third = TEXT.index("Falun", TEXT.index("Falun", 1) + 1)
    anchor = anchor_at(TEXT, third, third + 5)

    found = find("Falun först. " + TEXT, anchor)

    assert found is not None
    assert found.start == third + len("Falun först. ")


def test_a_short_word_left_in_another_place_is_not_taken_for_the_passage() -> None:
    anchor = kept("Kenya")

    assert (
        find("I Kenya regnar det. Allt annat är omskrivet från början till slut.", anchor) is None
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("samarbetar med Kisumu County", "samarbetar numera med Kisumu County"),
        ("i Kenya om vatten", "i Kenya om rent vatten"),
        ("Falun samarbetar", "Falu kommun samarbetar"),
    ],
)
def test_a_small_change_of_the_passage_is_followed(old: str, new: str) -> None:
    anchor = kept("Falun samarbetar med Kisumu County i Kenya om vatten.")

    found = find(TEXT.replace(old, new), anchor)

    assert found is not None
    assert not found.is_exact
    assert new.split()[-1] in TEXT.replace(old, new)[found.start : found.end]


def test_a_word_replaced_between_words_that_stay_is_found() -> None:
    anchor = kept("stolta")

    changed = TEXT.replace("stolta", "stolt")

    assert words_at(changed, anchor) == "stolt"


@given(TEXTS)
def test_a_passage_that_is_gone_is_not_found_elsewhere(other: str) -> None:
    anchor = kept("Region Gotland får dela på")

    assert find(other, anchor) is None


def test_a_row_that_went_is_not_mistaken_for_its_neighbour() -> None:
    anchor = kept("Borås får 0,8 miljoner.")

    assert find(TEXT.replace(" Borås får 0,8 miljoner.", ""), anchor) is None


def test_any_kind_of_space_matches_any_other() -> None:
    anchor = Anchor("2 650 000 kronor")

    assert words_at(TEXT, anchor) == "2\u00a0650\u00a0000 kronor"


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 200))
def test_marks_keep_the_html_and_hold_exactly_the_passage(start: int, length: int) -> None:
    anchor = anchor_at(TEXT, start, min(len(TEXT), start + length))
    assume(anchor.passage)
    found = find(TEXT, anchor)
    assert found is not None

    marked = str(highlighted(clean(BODY), [(7, found)]))

    inside = "".join(re.findall(r'<mark class="passage"[^>]*>([^<]*)</mark>', marked))
    unmarked = re.sub(r"</?mark(?: class[^>]*)?>|<span[^>]*></span>", "", marked)
    assert unmarked == clean(BODY)
    assert "".join(unescape(inside).split()) == "".join(TEXT[found.start : found.end].split())
    assert marked.count('id="passage-7"') == 1


def test_overlapping_passages_are_both_marked() -> None:
    places = [
        (n, find(TEXT, kept(words))) for n, words in enumerate(["mycket glada", "glada & stolta"])
    ]

    marked = str(highlighted(clean(BODY), [(n, found) for n, found in places if found]))

    assert '<mark class="passage" data-comments="0 1">glada</mark>' in marked


def test_a_long_text_with_many_comments_is_read_quickly() -> None:
    text = " ".join(f"Kommun nummer {n} får {n * 7} kronor till vatten." for n in range(400))
    anchor = Anchor("Kommun nummer 200 fick hela 1400 kronor till rent vatten och skog.")

    assert find(text, anchor) is None or words_at(text, anchor)
