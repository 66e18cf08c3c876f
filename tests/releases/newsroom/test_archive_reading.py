"""Feeds of other newsrooms: what is a text comes out clean, and nothing else comes out."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from html import escape

import pytest

from app.core.errors import BadInput
from releases.newsroom.archive.reading import Item, Page, read

AT = datetime(2026, 11, 23, tzinfo=UTC)
WXR = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    ' xmlns:wp="http://wordpress.org/export/1.2/"'
    ' xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:atom="http://www.w3.org/2005/Atom"'
)
DATE = "<pubDate>Fri, 01 Mar 2019 08:00:00 +0100</pubDate>"


def rss(*items: str, top: str = "<language>sv-SE</language>") -> bytes:
    inner = "".join(f"<item>{item}</item>" for item in items)
    return (
        f'<rss version="2.0" {WXR}><channel><title>x</title>{top}{inner}</channel></rss>'.encode()
    )


def item(body: str = "<p>Första.</p><p>Andra.</p>", *, title: str = "Nytt", more: str = "") -> str:
    return (
        f"<title>{escape(title)}</title><link>https://old.example/n/1</link>"
        f"<guid>https://old.example/n/1</guid>{DATE}"
        f"<description>{escape(body)}</description>{more}"
    )


def page(content: bytes, url: str = "https://old.example/feed") -> Page:
    return read(content, url=url, at=AT)


def only(content: bytes) -> Item:
    [found] = page(content).items
    return found


def body_of(text: str) -> str:
    """What a body becomes that follows a first paragraph."""
    found = only(rss(item(f"<p>Ingress.</p>{text}")))
    assert found.problem == ""
    return "".join(part if isinstance(part, str) else f"[{part}]" for part in found.body)


def test_a_description_is_the_text_and_its_first_paragraph_the_lead() -> None:
    found = only(rss(item()))

    assert (found.title, found.lead, found.body) == ("Nytt", "Första.", ("<p>Andra.</p>",))
    assert found.published_at == datetime(2019, 3, 1, 7, tzinfo=UTC)
    assert (found.language, found.guid, found.url) == (
        "sv",
        "https://old.example/n/1",
        "https://old.example/n/1",
    )


def test_a_summary_of_its_own_is_the_lead_and_the_text_stays_whole() -> None:
    full = "<content:encoded><![CDATA[<p>Första.</p><p>Andra.</p>]]></content:encoded>"

    found = only(rss(item("Detta är ingressen.", more=full)))

    assert found.lead == "Detta är ingressen."
    assert found.body == ("<p>Första.</p>", "<p>Andra.</p>")


@pytest.mark.parametrize(
    "cut", ["Kommunerna får […]", "Kommunerna får ...", "Kommunerna får Läs mer"]
)
def test_a_summary_that_was_cut_from_the_text_is_no_lead(cut: str) -> None:
    full = "<content:encoded><![CDATA[<p>Kommunerna får pengar.</p><p>Mer.</p>]]></content:encoded>"

    found = only(rss(item(cut, more=full)))

    assert (found.lead, found.body) == ("Kommunerna får pengar.", ("<p>Mer.</p>",))


def test_a_lead_in_bold_loses_it() -> None:
    assert only(rss(item("<p><strong>Första.</strong></p><p>x</p>"))).lead == "Första."


def test_wordpress_text_without_paragraphs_gets_them() -> None:
    text = "Första.\n\nAndra\nraden.\n\n<h4>Rubrik</h4>\n\nTredje."
    post = (
        f"<title>A</title>{DATE}<guid>1</guid><description></description>"
        f"<content:encoded><![CDATA[{text}]]></content:encoded>"
        "<wp:post_name>a-b</wp:post_name><wp:status>publish</wp:status>"
        "<wp:post_type>post</wp:post_type>"
    )

    found = only(rss(post))

    assert found.lead == "Första."
    assert found.body == ("<p>Andra<br>raden.</p>", "<h3>Rubrik</h3>", "<p>Tredje.</p>")
    assert found.slug == "a-b"


def test_the_sentence_about_the_first_appearance_is_no_text() -> None:
    trailer = '<p>The post <a href="x">A</a> appeared first on <a href="y">B</a>.</p>'

    assert body_of(f"<p>Text.</p>{trailer}") == "<p>Text.</p>"


def test_atom_is_read_too() -> None:
    feed = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>t</title>
      <link rel="prev-archive" href="/a1"/>
      <entry><id>tag:x,1:1</id><title>One</title><published>2020-05-01T10:00:00+02:00</published>
      <link href="/one"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
      <p>First.</p><p>Second.</p></div></content></entry></feed>"""

    found = page(feed)

    assert found.next == ("https://old.example/a1",)
    [one] = found.items
    assert (one.language, one.url, one.lead) == ("en", "https://old.example/one", "First.")
    assert one.body == ("<p>Second.</p>",)
    assert one.published_at == datetime(2020, 5, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('<p>Se <a href="/om">här</a>.</p>', '<p>Se <a href="https://old.example/om">här</a>.</p>'),
        ('<p>Se <a href="javascript:alert(1)">här</a>.</p>', "<p>Se <a>här</a>.</p>"),
        ("<div>Ett</div><div>Två</div>", "<p>Ett</p><p>Två</p>"),
        ("Ett<br><br>Två", "<p>Ett</p><p>Två</p>"),
        ("<h1>Stor</h1><p>x</p>", "<h2>Stor</h2><p>x</p>"),
        ("<p>a</p><script>alert(1)</script><style>p{}</style>", "<p>a</p>"),
        ("<p onclick='x()' style='x'>a</p>", "<p>a</p>"),
        ("<p>a</p><iframe src='https://x'>b</iframe>", "<p>a</p>"),
        ("<table><tr><td>1</td></tr></table>", "<table><tbody><tr><td>1</td></tr></tbody></table>"),
        ("<p>1 &lt; 2 &amp;amp;</p>", "<p>1 &lt; 2 &amp;amp;</p>"),
        ('<p>x<data data-figure="total" value="1">y</data></p>', "<p>xy</p>"),
        ('<p>x<mark data-gap="a">[y]</mark></p>', "<p>x[y]</p>"),
        ("<p>a\x00b\ue0000\ue001</p>", "<p>ab0</p>"),
    ],
)
def test_a_body_holds_what_a_body_may(given: str, kept: str) -> None:
    assert body_of(given) == kept


def test_no_text_embeds_somebody_elses_picture() -> None:
    assert "data-image" not in body_of('<figure data-image="1"></figure><p>x</p>')


def test_a_picture_stands_beside_the_block_it_stood_in() -> None:
    text = (
        '<p>Ett.</p><p><a href="/stor.jpg"><img src="/liten.jpg" alt="Två hus"></a></p>'
        '<p>Tre <img src="b.png"> fyra.</p>'
    )
    found = only(rss(item(f"<p>Ingress.</p>{text}")))

    assert found.body == ("<p>Ett.</p>", 0, "<p>Tre  fyra.</p>", 1)
    assert [one.url for one in found.pictures] == [
        "https://old.example/stor.jpg",
        "https://old.example/n/b.png",
    ]
    assert found.pictures[0].alt == "Två hus"


def test_a_figures_words_are_the_caption_and_say_who_took_it() -> None:
    text = "<figure><img src='/a.jpg'><figcaption>Bron. Foto: Eva Ek</figcaption></figure><p>x</p>"
    found = only(rss(item(f"<p>Ingress.</p>{text}")))

    assert found.body == (0, "<p>x</p>")
    assert found.pictures[0].caption == "Bron. Foto: Eva Ek"
    assert found.pictures[0].credit == "Eva Ek"


def test_enclosures_are_pictures_unless_they_stand_in_the_text() -> None:
    more = (
        '<enclosure url="https://old.example/a.jpg" type="image/jpeg" length="1"/>'
        '<media:content url="https://old.example/b.jpg" medium="image"/>'
        "<media:credit>Eva Ek</media:credit>"
        '<enclosure url="https://old.example/c.pdf" type="application/pdf" length="1"/>'
    )
    text = '<p>Ingress.</p><p>x</p><img src="/a.jpg">'
    found = only(rss(item(text, more=more)))

    assert [one.url for one in found.pictures] == [
        "https://old.example/a.jpg",
        "https://old.example/b.jpg",
    ]
    assert found.pictures[1].credit == "Eva Ek"


def test_a_beacon_is_no_picture() -> None:
    assert only(rss(item('<p>a</p><p>b<img src="/p.gif" width="1" height="1"></p>'))).pictures == ()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("<title></title><description>x</description>" + DATE, "title_missing"),
        ("<title><![CDATA[<script>x</script>]]></title>" + DATE, "title_missing"),
        (f"<title>{'x' * 600}</title>" + DATE, "title_too_long"),
        ("<title>a</title>" + DATE, "text_missing"),
        ("<title>a</title><description> </description>" + DATE, "text_missing"),
        (
            "<title>a</title><description>&lt;img src='x.jpg'&gt;</description>" + DATE,
            "text_missing",
        ),
        ("<title>a</title><description>x</description>", "date_missing"),
        ("<title>a</title><description>x</description><pubDate>igår</pubDate>", "date_missing"),
        (
            "<title>a</title><description>x</description>"
            "<pubDate>Fri, 01 Jan 0001 00:00:00 +0000</pubDate>",
            "date_too_early",
        ),
        (
            "<title>a</title><description>x</description>"
            "<pubDate>Fri, 01 Mar 2999 08:00:00 +0000</pubDate>",
            "date_in_future",
        ),
        (
            "<title>a</title><description>x</description><pubDate>0000-00-00 00:00:00</pubDate>",
            "date_missing",
        ),
        ("<title>a</title><wp:status>draft</wp:status>" + DATE, "not_published"),
        ("<title>a</title><wp:status>private</wp:status>" + DATE, "not_published"),
    ],
)
def test_what_cannot_be_a_release_says_why(given: str, problem: str) -> None:
    assert only(rss(given)).problem == problem


def test_a_title_is_text_whatever_was_in_it() -> None:
    title = '<b>Ett</b> & "två" <img src=x onerror=alert(1)>\x0b'

    assert only(rss(item(title=title))).title == 'Ett & "två"'


def test_pages_and_pictures_of_wordpress_are_no_texts() -> None:
    found = page(rss(item(more="<wp:post_type>attachment</wp:post_type>")))

    assert [one.is_text for one in found.items] == [False]


@pytest.mark.parametrize("depth", [200, 9_000])
@pytest.mark.parametrize("tag", ["blockquote", "ul", "b", "div"])
def test_deep_nesting_does_no_harm(tag: str, depth: int) -> None:
    began = time.monotonic()

    found = only(rss(item(f"<p>a</p>{f'<{tag}>' * depth}b{f'</{tag}>' * depth}")))

    assert time.monotonic() - began < 20
    assert found.problem == ("" if tag == "div" else "too_deep")


def test_deep_nesting_of_the_feed_itself_does_no_harm() -> None:
    deep = "<x>" * 50_000 + "</x>" * 50_000

    assert [one.title for one in page(rss(item() + deep)).items] == ["Nytt"]


def test_a_huge_text_is_refused() -> None:
    assert only(rss(item("<p>x</p>" * 40_000))).problem == "text_too_long"


@pytest.mark.parametrize(
    "junk", ["<", "&", "<!--", "[gallery ", "&a;", "<p a='", "</", " <br>", "\u00a0", ">"]
)
def test_junk_is_done_with_in_no_time(junk: str) -> None:
    began = time.monotonic()

    only(rss(item("<p>a</p>" + junk * (290_000 // len(junk)))))
    only(rss(item("<p>a</p>" + junk * 15_000, title=junk * 15_000)))
    full = "<content:encoded><![CDATA[<p>a</p>]]></content:encoded>"
    only(rss(item(junk * (290_000 // len(junk)), more=full)))

    assert time.monotonic() - began < 10


def test_a_photographer_is_looked_for_in_no_time() -> None:
    title = f"Foto:{' ' * 100_000}" + "x" * 130
    began = time.monotonic()

    found = only(rss(item(f'<p>Text.</p><img src="/a.jpg" title="{title}">')))

    assert [one.credit for one in found.pictures] == [""]
    assert time.monotonic() - began < 10


def test_a_large_file_that_is_no_xml_is_not_guessed_at() -> None:
    with pytest.raises(BadInput) as refused:
        page(b"<rss><channel>" + b"<a" * 3_000_000)

    assert refused.value.key == "archive_untidy"


def test_control_characters_do_not_make_a_feed_untidy() -> None:
    found = page(rss(item("<p>a\x0bb</p><p>c</p>")))

    assert not found.is_untidy
    assert found.items[0].lead == "ab"


def test_an_entity_bomb_is_not_read() -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">{lines}]><rss><channel>&l9;'

    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(BadInput) as refused:
            page(bomb.encode(encoding))
        assert refused.value.key == "archive_entities"


def test_an_external_entity_is_not_read() -> None:
    with pytest.raises(BadInput):
        page(b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 1000,
        b"hello",
        b"<html><body><p>A page</p></body></html>",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50,
        b"/etc/passwd",
        b"http://127.0.0.1:9/feed",
        b'{"version": "https://jsonfeed.org/version/1.1"}',
    ],
)
def test_what_is_no_feed_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        page(content)

    assert refused.value.key == "archive_no_feed"


def test_a_feed_with_faults_is_read_as_far_as_it_goes() -> None:
    whole = rss(item(), item(title="Två"))

    found = page(whole[: whole.index(b"</channel>")])

    assert found.is_untidy
    assert [one.title for one in found.items] == ["Nytt", "Två"]


def test_an_empty_feed_is_a_feed() -> None:
    assert page(rss()).items == []
