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
    '<figure data-image="1" onclick="alert(1)" style="position:fixed">x</figure>',
    '<figure data-image="1"><img src=x onerror=alert(1)><script>alert(1)</script></figure>',
    '<figure data-image="javascript:alert(1)"></figure>',
    '<figure data-image="1"><figure data-image="2" onload="alert(1)"></figure></figure>',
    '<table background="javascript:alert(1)"><tr><td style="x" onclick="alert(1)">1</td></table>',
    "<table><tr><td><script>alert(1)</script><form action=//evil.example><input></td></tr></table>",
    '<table><caption onclick="alert(1)">c</caption><th scope="javascript:alert(1)">h</table>',
    "<table><svg><td><script>alert(1)</script></td></svg></table>",
    "<table><style><td title='</style><img src=x onerror=alert(1)>'></table>",
    '<blockquote cite="javascript:alert(1)"><footer onclick="alert(1)">n</footer></blockquote>',
    '<aside onmouseover="alert(1)" style="position:fixed"><p>q</p></aside>',
    '<a href="//x/<figure data-image=&quot;1&quot;>"><b onclick=alert(1)>x</b></a>',
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
    swallowed = ("<style", "noscript", "math")
    assert "after" in out or any(tag in hostile for tag in swallowed)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_html_is_the_same_when_cleaned_again(hostile: str) -> None:
    once = clean(f"<p>before</p>{hostile}<p>after</p>")

    assert clean(once) == once


EVERYTHING = (
    '<h2>Heading</h2><h3>Smaller</h3><p>A <strong>b</strong> <em>c</em> <i lang="en">d</i> '
    '<a href="https://press.example/">e</a><br>f</p><ul><li>g<ul><li>h</li></ul></li></ul>'
    "<ol><li>i</li></ol><blockquote><p>Words.</p><footer>Eva Ek, minister, Sida</footer>"
    "</blockquote><aside><p>Pull.</p></aside><table><caption>Who</caption><thead><tr>"
    '<th scope="col">Land</th><th scope="col">Krona</th></tr></thead><tbody><tr>'
    '<th scope="row">Kenya</th><td><data value="12" data-figure="total">12</data></td></tr>'
    '</tbody></table><figure data-image="12"></figure><figure data-document="3"></figure>'
    '<figure data-contact="2"></figure><p><mark data-gap="quote.head">[Quote]</mark></p>'
)


def test_what_the_editor_writes_is_kept_as_it_is() -> None:
    assert clean(EVERYTHING) == EVERYTHING


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('<figure data-image="12">words<p>more</p></figure><p>a</p>', "12"),
        ('<figure data-image="12" data-document="x" class="y"></figure><p>a</p>', "12"),
        ('<figure data-image="12"><figure data-image="13"></figure>x</figure><p>a</p>', "12"),
        ('<figure data-image="x">words</figure><p>a</p>', ""),
        ('<figure data-image=""></figure><p>a</p>', ""),
        ('<figure data-image="-1"></figure><p>a</p>', ""),
        ('<figure data-image="1٢"></figure><p>a</p>', ""),
        ("<figure>words</figure><p>a</p>", ""),
        ('<figure class="x"><figcaption>words</figcaption></figure><p>a</p>', ""),
    ],
)
def test_an_embedded_figure_is_a_kind_and_a_number_and_nothing_more(given: str, kept: str) -> None:
    figure = f'<figure data-image="{kept}"></figure>' if kept else ""

    assert clean(given) == f"{figure}<p>a</p>"


def test_a_headline_holds_no_blocks() -> None:
    text = '<table><tr><td>A</td><td>B</td></tr></table><figure data-image="1"></figure>'

    assert clean_inline(f"<aside>Go</aside> {text}") == "Go A B"


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


def test_plain_text_has_a_line_for_each_row_of_a_table() -> None:
    text = (
        "<p>Before.</p><table><caption>Who gets what</caption><thead><tr><th>Land</th>"
        "<th>Krona</th></tr></thead><tbody><tr><td>Kenya<br>och Uganda</td><td>"
        '<data value="1200" data-figure="x">1\u00a0200</data></td></tr><tr><td></td><td></td></tr>'
        "<tr><td></td><td><p>7</p></td></tr></tbody></table><p>After.</p>"
    )

    assert plain(text) == (
        "Before.\n\nWho gets what\nLand · Krona\nKenya och Uganda · 1\u00a0200\n· 7\n\nAfter."
    )


def test_plain_text_of_a_table_without_a_caption_is_a_block_of_its_own() -> None:
    table = (
        "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>"
    )

    assert plain(f"<p>A</p>{table}<p>B</p>{table}") == "A\n\n1 · 2\n3 · 4\n\nB\n\n1 · 2\n3 · 4"


def test_plain_text_has_the_speaker_under_the_words_and_no_pictures() -> None:
    text = (
        "<blockquote><p>“One.</p><p>Two.”</p><footer>Eva Ek, minister</footer></blockquote>"
        '<figure data-image="1"></figure><aside><p>Two.</p></aside><p>End.</p>'
    )

    assert plain(text) == "“One.\n\nTwo.”\nEva Ek, minister\n\nTwo.\n\nEnd."


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


WORDS = "<p>Well done.</p>"
SPEAKER = "<footer>Eva Ek, minister, Sida</footer>"


@pytest.mark.parametrize(
    ("given", "public"),
    [
        (f"<blockquote><p>{GAP}</p>{SPEAKER}</blockquote><p>B.</p>", "<p>B.</p>"),
        (f"<blockquote>{WORDS}<footer>{GAP}</footer></blockquote><p>B.</p>", "<p>B.</p>"),
        (f"<blockquote>{WORDS}<footer>Eva Ek, {GAP}</footer></blockquote><p>B.</p>", "<p>B.</p>"),
        (
            f"<blockquote>{WORDS}<p>{GAP}</p>{SPEAKER}</blockquote>",
            f"<blockquote>{WORDS}{SPEAKER}</blockquote>",
        ),
        (f"<aside><p>{GAP}</p></aside><p>B.</p>", "<p>B.</p>"),
        (
            f"<ul><li>A.</li><li>{GAP}<ul><li>C.</li></ul></li></ul>",
            "<ul><li>A.</li><li><ul><li>C.</li></ul></li></ul>",
        ),
        (f"<ol><li>{GAP}</li></ol><p>B.</p>", "<p>B.</p>"),
        (f'<figure data-image="1"></figure><p>{GAP}</p>', '<figure data-image="1"></figure>'),
        (f"<p><strong>A. {GAP}</strong> B.</p>", "<p><strong>A.</strong></p>"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_without_its_gap_goes_with_it(given: str, public: str) -> None:
    assert without_gaps(given) == public


def table(*rows: str, caption: str = "") -> str:
    said = f"<caption>{caption}</caption>" if caption else ""
    head = '<thead><tr><th scope="col">Land</th><th scope="col">Krona</th></tr></thead>'
    return f"<table>{said}{head}<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def test_a_row_goes_with_its_figures_and_a_table_with_its_rows() -> None:
    full, half = "<td>Kenya</td><td>12</td>", f"<td>Ghana</td><td>{GAP}</td>"
    empty, headed = f"<td>{GAP}</td><td></td>", f'<th scope="row">Togo</th><td>{GAP}</td>'

    assert without_gaps(table(full, half, empty, headed)) == table(full, "<td>Ghana</td><td></td>")
    assert without_gaps(table(full, half, caption=GAP)) == table(full, "<td>Ghana</td><td></td>")
    assert without_gaps(f"<p>A.</p>{table(empty, headed, caption='Who')}") == "<p>A.</p>"
