"""HTML that people wrote or pasted: what stays, what goes, and what the public may see."""

from __future__ import annotations

import pytest

from app.core.html import clean, clean_inline, gaps, plain, without_gaps

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil.example></iframe>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    '<p onclick="alert(1)">x</p>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<style>@import '//evil.example/x.css';</style>",
    "<form action=//evil.example><input name=x></form>",
    "<object data=//evil.example></object><embed src=//evil.example>",
    '<data value="1" data-figure="total" onmouseover="alert(1)">1</data>',
    '<mark data-gap="x" style="position:fixed">[x]</mark>',
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<base href=//evil.example>",
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    "<<script>script>alert(1)<</script>/script>",
    '<a href="  javascript:alert(1)" target=_blank>x</a>',
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("cleaner", [clean, clean_inline])
def test_hostile_html_comes_out_harmless(cleaner: object, hostile: str) -> None:
    out = cleaner(f"<p>before</p>{hostile}<p>after</p>").lower()  # type: ignore[operator]

    for trace in (
        "<script",
        "onerror",
        "onload",
        "onclick",
        "onmouseover",
        "javascript:",
        "style=",
    ):
        assert trace not in out.replace("&lt;script", "")
    for tag in (
        "<iframe",
        "<svg",
        "<form",
        "<input",
        "<object",
        "<embed",
        "<base",
        "<meta",
        "<img",
    ):
        assert tag not in out
    assert "before" in out
    assert "after" in out or "<style" in hostile or "noscript" in hostile or "math" in hostile


def test_cleaning_twice_changes_nothing_more() -> None:
    text = '<p>A &amp; B <data value="1" data-figure="total">1&nbsp;krona</data></p>'

    assert clean(clean(text)) == clean(text)


def test_figures_and_their_no_break_spaces_survive() -> None:
    figure = '<data value="10641000" data-figure="total">10\u00a0641\u00a0000\u00a0kronor</data>'

    assert clean(f"<p>{figure}</p>") == f"<p>{figure}</p>"


def test_bold_and_italics_of_the_editor_become_plain_elements() -> None:
    assert clean("<p><b>A</b> <em>b</em></p>") == "<p><strong>A</strong> <em>b</em></p>"


def test_plain_text_parts_blocks_and_keeps_lists_together() -> None:
    text = "<h2>H</h2><p>A<br>B</p><ul><li>one</li><li><p>two</p></li></ul><p>– Q, says X.</p>"

    assert plain(text) == "H\n\nA\nB\n\n– one\n– two\n\n– Q, says X.".replace("B\n\n–", "B\n–")


GAP = '<mark data-gap="quote.head">[Citat: egen chef]</mark>'


def test_a_gap_takes_its_whole_block_with_it() -> None:
    text = f"<p>A.</p><p>{GAP}</p><blockquote><p>{GAP}</p></blockquote><p>B.</p>"

    assert without_gaps(text) == "<p>A.</p><p>B.</p>"


def test_a_sentence_with_a_gap_in_it_is_not_published() -> None:
    assert without_gaps(f"Elva får dela. Pengarna fördelas av {GAP}. Läs mer.") == (
        "Elva får dela. Läs mer."
    )


def test_a_gap_that_somebody_has_written_in_is_their_text() -> None:
    text = clean('<p><mark data-gap="quote.head">– Det är bra, säger chefen.</mark></p>')

    assert text == "<p>– Det är bra, säger chefen.</p>"
    assert gaps(text) == []
    assert without_gaps(text) == text
