"""Quotes: found in a text, known by their words, shown as the house does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.html import clean, plain
from releases.review.quotes import (
    bare,
    before,
    fingerprint,
    following,
    quotes_in,
    recognised,
    reworded,
    spoken,
)

NEW = "<blockquote><p>Det är bra.</p><footer>Anna Larsson, enhetschef, Sida</footer></blockquote>"
GAP = '<mark data-gap="quote.head">[Citat: egen chef]</mark>'


def only(body: str) -> tuple[str, str]:
    (quote,) = quotes_in(body)
    return quote.words, quote.attribution


def block(words: str) -> str:
    return f"<blockquote><p>{words}</p></blockquote>"


@pytest.mark.parametrize(
    ("body", "words", "by"),
    [
        (NEW, "Det är bra.", "Anna Larsson, enhetschef, Sida"),
        (
            block("– Det är bra, säger Anna Larsson, enhetschef på Sida."),
            "Det är bra",
            "Anna Larsson, enhetschef på Sida",
        ),
        (block("— Det är bra! säger Anna Larsson."), "Det är bra!", "Anna Larsson"),
        (block("”Det är bra”, säger Anna Larsson."), "Det är bra", "Anna Larsson"),
        (block("“It is good,” says Anna Larsson, head."), "It is good", "Anna Larsson, head"),
        (
            block("“It is good,” says Anna Larsson. “We go on.”"),
            "It is good. We go on.",
            "Anna Larsson",
        ),
        (
            block("– När någon frågar, säger vi alltid ja, säger J. Larsson, chef. Så är det!"),
            "När någon frågar, säger vi alltid ja. Så är det!",
            "J. Larsson, chef",
        ),
        (block("– Det är bra."), "Det är bra.", ""),
        (
            "<blockquote><p>Ett.</p><p>Två.</p><footer>säger Eva Ek.</footer></blockquote>",
            "Ett.\n\nTvå.",
            "Eva Ek",
        ),
        (
            "<blockquote><p>– Det är bra, säger Eva Ek.</p><footer></footer></blockquote>",
            "Det är bra",
            "Eva Ek",
        ),
        (
            '<blockquote><p>Vi ger <data value="5" data-figure="total">5 kronor</data> &amp; mer.'
            "</p><footer>Eva Ek</footer></blockquote>",
            "Vi ger 5 kronor & mer.",
            "Eva Ek",
        ),
    ],
)
def test_a_quote_is_its_words_and_its_speaker(body: str, words: str, by: str) -> None:
    assert only(body) == (words, by)


@pytest.mark.parametrize(
    "inner",
    [
        f"<p>{GAP}</p>",
        f"<p>{GAP}</p><footer>Eva Ek</footer>",
        f"<p>Det är bra.</p><footer>{GAP}</footer>",
        "<p> </p><footer>Eva Ek</footer>",
    ],
)
def test_what_is_not_written_yet_is_no_quote(inner: str) -> None:
    assert quotes_in(f"<blockquote>{inner}</blockquote>{NEW}")[0].index == 1


def test_a_quote_inside_a_list_or_another_quote_is_found_once() -> None:
    body = f"<ul><li>{NEW}</li></ul><blockquote>{NEW}</blockquote>"

    assert [quote.words for quote in quotes_in(body)] == ["Det är bra.", "Det är bra."]


@pytest.mark.parametrize(
    "same",
    [
        "Det är\u00a0bra – alltid ”bra”.",
        " Det  är\nbra — alltid “bra”",
        "Det a\u0308r bra - alltid »bra«,",
        'Det är bra\u200b – alltid "bra"',
    ],
)
def test_spaces_and_glyphs_do_not_make_another_quote(same: str) -> None:
    one = fingerprint("Det är bra – alltid ”bra”", "Eva Ek")

    assert fingerprint(same, "Eva Ek") == one


@pytest.mark.parametrize(
    ("words", "by"),
    [
        ("Det är bra – Alltid ”bra”", "Eva Ek"),
        ("Det är bra, alltid ”bra”", "Eva Ek"),
        ("Det är bra – alltid ”bra”!", "Eva Ek"),
        ("Det är bra – alltid ”bra”", "Eva Ek, minister"),
    ],
)
def test_any_other_sign_makes_another_quote(words: str, by: str) -> None:
    assert fingerprint(words, by) != fingerprint("Det är bra – alltid ”bra”", "Eva Ek")


def test_a_quote_keeps_its_fingerprint_when_it_gets_a_footer() -> None:
    old = block("– Det är bra, säger Anna Larsson, enhetschef på Sida.")
    new = (
        "<blockquote><p>Det är bra.</p>"
        "<footer>Anna Larsson, enhetschef på Sida</footer></blockquote>"
    )

    assert quotes_in(old)[0].fingerprint == quotes_in(new)[0].fingerprint


@pytest.mark.parametrize(
    ("language", "glyph", "said"),
    [
        ("sv", "–", "– Det är bra, säger Anna Larsson, enhetschef, Sida."),
        ("sv", "—", "— Det är bra, säger Anna Larsson, enhetschef, Sida."),
        ("sv", "”", "”Det är bra”, säger Anna Larsson, enhetschef, Sida."),
        ("en", "–", "“Det är bra,” says Anna Larsson, enhetschef, Sida."),
    ],
)
def test_readers_meet_a_quote_in_house_style(language: str, glyph: str, said: str) -> None:
    assert spoken(NEW, language=language, glyph=glyph) == block(said)


def test_a_question_keeps_its_mark_and_gets_no_comma() -> None:
    body = "<blockquote><p>Är det <em>bra?</em></p><footer>säger Eva Ek.</footer></blockquote>"

    shown = spoken(body, language="sv", glyph="–")

    assert shown == block("– Är det <em>bra?</em> säger Eva Ek.")


def test_a_dash_that_somebody_typed_is_not_doubled() -> None:
    body = "<blockquote><p>– Bra.</p><p>”Mycket bra.”</p><footer>Eva Ek</footer></blockquote>"

    assert plain(spoken(body, language="sv", glyph="–")) == "– Bra.\n\n– Mycket bra, säger Eva Ek."


@pytest.mark.parametrize("inner", ["<p>– Bra, säger Eva Ek.</p>", "<p>Bra.</p><footer></footer>"])
def test_a_quote_without_a_speaker_of_its_own_stays_as_written(inner: str) -> None:
    shown = spoken(f"<blockquote>{inner}</blockquote>", language="sv", glyph="–")

    assert plain(shown) == plain(inner)


def test_no_words_are_lost_when_a_quote_holds_more_than_paragraphs() -> None:
    body = "<blockquote><ul><li>Ett</li></ul><p>Två.</p><footer>Eva Ek</footer></blockquote>"

    shown = plain(spoken(body, language="sv", glyph="–"))

    assert all(word in shown for word in ("Ett", "Två", "Eva Ek"))


def test_other_words_keep_the_speaker_and_the_figures_they_still_say() -> None:
    figure = '<data value="11" data-figure="count">elva</data>'
    body = f"<p>A.</p><blockquote><p>Vi är {figure}.</p><footer>Eva Ek</footer></blockquote>"

    new = reworded(body, 0, "Nu är vi elva & fler.\n\nDet är bra.")

    assert new == (
        f"<p>A.</p><blockquote><p>Nu är vi {figure} &amp; fler.</p><p>Det är bra.</p>"
        "<footer>Eva Ek</footer></blockquote>"
    )


def test_an_old_quote_gets_a_footer_with_its_new_words() -> None:
    body = block("– Det är bra, säger Eva Ek, chef &amp; granne.") + NEW

    assert reworded(body, 0, "Bättre.") == (
        "<blockquote><p>Bättre.</p><footer>Eva Ek, chef &amp; granne</footer></blockquote>" + NEW
    )


WORDS = st.text(alphabet="aÅ .,!?–—”“\"«»'-<>&\n…", max_size=40).filter(lambda text: bare(text))


@given(WORDS)
def test_words_taken_over_have_the_fingerprint_that_was_approved(words: str) -> None:
    new = clean(reworded(NEW, 0, bare(words)))

    said = quotes_in(new)[0]
    assert said.fingerprint == fingerprint(bare(words), "Anna Larsson, enhetschef, Sida")


def test_what_stands_before_a_quote() -> None:
    body = f"<h2>Rubrik</h2><p>Före &amp; sist.</p>{NEW}<p>Efter.</p>{NEW}"

    assert [before(body, 0), before(body, 1), before(NEW, 0)] == ["Före & sist.", "Efter.", ""]


def test_a_changed_quote_is_followed_to_the_same_speakers_likeliest() -> None:
    other = NEW.replace("Anna Larsson", "Bo Ek")
    now = quotes_in(other + NEW.replace("bra", "mycket bra") + NEW.replace("Det är bra", "Nej"))

    found = following(now, "Det är bra.", "Anna Larsson, chef")

    assert found is not None
    assert (found.words, found.speaker) == ("Det är mycket bra.", "Anna Larsson")


def test_a_quote_that_is_gone_is_followed_nowhere() -> None:
    assert (
        following(quotes_in(NEW.replace("Anna", "Bo")), "Helt andra ord.", "Anna Larsson") is None
    )


# A quote typed as an ordinary paragraph


@pytest.mark.parametrize(
    "paragraph",
    [
        "<p>– Det är bra, säger Anna Larsson, enhetschef på Sida.</p>",
        "<p>— Det är <strong>bra</strong>, säger Anna Larsson.</p>",
        "<p>“It is good,” says Anna Larsson, head of unit.</p>",
        "<p>”Det är bra”, säger Anna Larsson.</p>",
    ],
)
def test_a_paragraph_that_is_a_quote_becomes_one(paragraph: str) -> None:
    body = recognised(f"<p>Före.</p>{paragraph}<p>Efter.</p>")

    assert body == f"<p>Före.</p><blockquote>{paragraph}</blockquote><p>Efter.</p>"
    assert [quote.speaker for quote in quotes_in(body)] == ["Anna Larsson"]
    assert recognised(body) == body


@pytest.mark.parametrize(
    "body",
    [
        "<p>Vi delar ut tio miljoner, säger Anna Larsson i en intervju.</p>",
        "<p>– Ett streck är ännu inget citat.</p>",
        "<p>“Partnership” is a big word.</p>",
        "<ul><li><p>– Det är bra, säger Anna Larsson.</p></li></ul>",
        '<p>– Det är bra, säger <mark data-gap="quote.head">[vem?]</mark>.</p>',
    ],
)
def test_what_nobody_says_stays_a_paragraph(body: str) -> None:
    assert recognised(body) == body
