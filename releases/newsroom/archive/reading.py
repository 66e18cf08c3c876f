"""Another newsroom's feed as items that can become releases. Pure: bytes in, items out.

Reads RSS and Atom, with the full text in the feed or in the description (Mynewsdesk), and the file
that WordPress exports (WXR). Nothing that a feed says is trusted: what no press release has is left
out here, and what is left is cleaned by `app.core.html` like everything that people write.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin
from xml.parsers import expat

import feedparser

from app.core import html
from app.core.errors import BadInput
from app.core.words import LANGUAGES

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # nobody had a newsroom on the web before
MOST_TEXT = 300_000  # characters of one item's HTML
MOST_MARKS = 20_000  # tags and references of one item: cleaning them takes longer
MOST_UNTIDY = 5 * 1024 * 1024  # bytes of a feed that is no XML: reading it is guessing, and slow
LONGEST_TITLE = 500
DEEPEST = 100
MOST_PICTURES = 50  # of one item
SUMMARY_OF = 40  # letters by which a summary is known as the beginning of the text

# WordPress keeps more than texts in its posts.
NO_TEXTS = re.compile(
    r"page|attachment|revision|nav_menu_item|custom_css|customize_.*|wp_.*|oembed.*"
)
PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|tiff?)(?:[?#]|$)", re.IGNORECASE)
ENTITIES = re.compile(rb"(?i)<!\s*ENTITY")
CONTROLS = bytes(n for n in range(32) if n not in (9, 10, 13))
FOREIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ue000-\uf8ff\ufffe\uffff]")
MARK = re.compile("\ue000([0-9]+)\ue001")
SHORTCODE = re.compile(
    r"\[/?(?:caption|gallery|embed|video|audio|playlist|vc_\w+|et_pb_\w+)\b[^\[\]]*\]"
)
CUT_OFF = re.compile(
    r"(?:\[?(?:…|\.\.\.|&hellip;)\]?|(?:Läs mer|Read more|Continue reading)\W*)\s*$", re.I
)
TRAILER = re.compile(
    r"(?:The post|Inlägget) .{1,300} (?:appeared first on|dök först upp på|publicerades först) .+"
)
CREDIT = re.compile(
    r"(?:^|[\s(])(?:Foto(?:graf)?|Photo(?:grapher|graph)?|Bild)\s*[:/]\s*(.{2,120}?)\)?\.?\s*$",
    re.I,
)

KEPT = {
    "a", "b", "blockquote", "br", "caption", "em", "h2", "h3", "i", "li", "ol", "p", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
SPOKEN_AS = {
    "h1": "h2", "h4": "h3", "h5": "h3", "h6": "h3", "div": "p", "section": "p", "article": "p",
    "pre": "p", "dt": "p", "dd": "p", "address": "p", "center": "p", "cite": "em",
}  # fmt: skip
NOT_READ = {
    "script", "style", "iframe", "noscript", "template", "object", "svg", "math", "select",
    "textarea", "button", "audio", "video", "head", "title",
}  # fmt: skip
READ: dict[str, set[str]] = {name: set() for name in (*KEPT, *SPOKEN_AS, "figcaption")} | {
    "a": {"href"},
    "figure": set(),
    "img": {"src", "alt", "title", "width", "height"},
}
NESTING = KEPT - {"p", "li", "br", "td", "th", "tr", "thead", "tbody", "caption"}
BLOCKS = ("p", "h2", "h3", "ul", "ol", "blockquote", "table")


@dataclass(frozen=True)
class Shown:
    """A picture that an item shows, as far as the feed tells."""

    url: str
    alt: str = ""
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Item:
    """One text of another newsroom. `problem` says why it cannot become a release, if it cannot.

    `body` is cleaned blocks of HTML, and numbers where one of `pictures` stands.
    """

    row: int
    guid: str = ""
    url: str = ""
    title: str = ""
    lead: str = ""
    body: tuple[str | int, ...] = ()
    published_at: datetime | None = None
    language: str = ""
    slug: str = ""
    topics: tuple[str, ...] = ()
    pictures: tuple[Shown, ...] = ()
    problem: str = ""
    is_text: bool = True


@dataclass(frozen=True)
class Page:
    """What one document of a feed holds; `next` are where older items may be."""

    items: list[Item]
    next: tuple[str, ...] = ()
    is_wordpress: bool = False
    is_untidy: bool = False


def read(content: bytes, *, url: str = "", first: int = 1, at: datetime) -> Page:
    """The items of a feed, in its order, the first as row `first`.

    `url` is where it came from, for relative links. Raises BadInput for what is no feed, and for
    one that defines entities: those are for bombs, feeds need none.
    """
    if ENTITIES.search(content.replace(b"\0", b"")):
        raise BadInput("archive_entities")
    if b"\0" not in content[:100]:  # not in UTF-16
        content = content.translate(None, delete=CONTROLS)
    is_tidy = _is_xml(content)
    if not is_tidy and len(content) > MOST_UNTIDY:
        raise BadInput("archive_untidy", most=MOST_UNTIDY // 1024**2)
    try:
        found = feedparser.parse(
            io.BytesIO(content),  # never text: that it would take for an address or a file
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:
        # A parser of what strangers wrote: whatever it stumbles over, it is no feed to us.
        raise BadInput("archive_no_feed") from error
    if not found.entries and not dict.get(found, "version"):
        raise BadInput("archive_no_feed")
    language = _language(_text(found.feed, "language"))
    items = []
    for row, entry in enumerate(found.entries, first):
        try:
            items.append(_item(entry, row=row, url=url, language=language, at=at))
        except (ValueError, OverflowError, RecursionError, TypeError, AttributeError):
            items.append(Item(row, title=_title(entry)[:LONGEST_TITLE], problem="unreadable"))
    return Page(
        items=items,
        next=tuple(_next(found.feed, url)),
        is_wordpress="wordpress.org" in _text(found.feed, "generator").lower(),
        is_untidy=not is_tidy,
    )


def _is_xml(content: bytes) -> bool:
    """Whether it keeps to the rules of XML; without entities of its own, nothing can swell."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _item(entry: Any, *, row: int, url: str, language: str, at: datetime) -> Item:
    link = _joined(url, _text(entry, "link"))
    title = _title(entry)
    published_at = _moment(entry)
    item = Item(
        row=row,
        guid=_text(entry, "id") or link or f"{title}|{published_at}",
        url=link if html.is_web_address(link) else "",
        title=title,
        published_at=published_at,
        language=_language(_spoken(entry)) or language,
        slug=_text(entry, "wp_post_name"),
        topics=tuple(_text(tag, "term")[:200] for tag in dict.get(entry, "tags") or [])[:20],
        is_text=not NO_TEXTS.fullmatch(_text(entry, "wp_post_type")),
    )
    source, summary = _texts(entry)
    problem = _problem(item, entry, source + summary, at=at)
    if problem:
        return replace(item, title=title[:LONGEST_TITLE], problem=problem)
    try:
        return _filled(item, entry, source, summary, base=link or url)
    except TooDeep:
        return replace(item, problem="too_deep")


def _problem(item: Item, entry: Any, text: str, *, at: datetime) -> str:
    if _text(entry, "wp_status") not in ("", "publish"):
        return "not_published"
    if not item.title:
        return "title_missing"
    if len(item.title) > LONGEST_TITLE:
        return "title_too_long"
    if len(text) > MOST_TEXT or _marks_in(text) > MOST_MARKS:
        return "text_too_long"
    if item.published_at is None:
        return "date_missing"
    if item.published_at < EARLIEST:
        return "date_too_early"
    return "date_in_future" if item.published_at > at else ""


def _marks_in(text: str) -> int:
    """How many tags and references it has, or will have once it is cleaned. A tag has two signs."""
    return max(text.count("<"), text.count(">")) + text.count("&") + text.count("\u00a0")


def _filled(item: Item, entry: Any, source: str, summary: str, *, base: str) -> Item:
    """The item with its words and pictures."""
    text = Rewritten(source or summary, base=base)
    body = list(_blocks(text))
    while body and isinstance(body[-1], str) and TRAILER.fullmatch(_plain(body[-1])):
        body.pop()
    lead, body = _parted(body, Rewritten(summary, base=base).inline() if source else "")
    if not lead and not any(isinstance(part, str) for part in body):
        return replace(item, problem="text_missing")
    pictures = [*text.pictures, *_enclosed(entry, base=base, known=text.pictures)]
    return replace(item, lead=lead, body=tuple(body), pictures=tuple(pictures[:MOST_PICTURES]))


def _parted(body: list[str | int], summary: str) -> tuple[str, list[str | int]]:
    """The lead and what follows it: a summary that says something else, or the first paragraph."""
    first = next((part for part in body if isinstance(part, str)), "")
    start, said = _letters(_plain(first)), _letters(CUT_OFF.sub("", _plain(summary)))
    if (
        said
        and said != start
        and not _letters(_plain("".join(_words(body)))).startswith(said[:SUMMARY_OF])
    ):
        return html.clean_inline(summary), body
    if not first.startswith("<p>"):
        return "", body
    rest = list(body)
    rest.remove(first)
    lead = first.removeprefix("<p>").removesuffix("</p>").strip()
    if (bold := re.fullmatch(r"<strong>(.*)</strong>", lead, re.DOTALL)) and "<strong>" not in bold[
        1
    ]:
        lead = bold[1]
    return html.clean_inline(lead), rest


def _words(body: list[str | int]) -> Iterator[str]:
    return (part for part in body if isinstance(part, str))


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _blocks(text: Rewritten) -> Iterator[str | int]:
    """Cleaned blocks in their order, each picture beside the block it stood in."""
    for block in html.blocks(html.clean(text.result())):
        before: list[int] = []
        after: list[int] = []
        words = MARK.split(block)
        for n, number in enumerate(words[1::2]):
            is_first = not _plain("".join(words[0 : 2 * n + 1 : 2]))
            (before if is_first else after).append(int(number))
        yield from before
        kept = html.clean("".join(words[::2]))
        if _plain(kept):
            # Split once more: what is left may have been several.
            yield (
                kept if kept.startswith(tuple(f"<{name}" for name in BLOCKS)) else f"<p>{kept}</p>"
            )
        yield from after


class TooDeep(ValueError):
    """Nested more deeply than any text that people wrote."""


class Rewritten(HTMLParser):
    """HTML of any newsroom in the few elements that a body has, and its pictures.

    A picture leaves a mark of its number; the words of a figure become its caption.
    """

    def __init__(self, text: str, *, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = base
        self.pictures: list[Shown] = []
        self.out: list[str] = []
        self.depth = 0
        self.links: list[str] = []
        self.caption: list[str] | None = None
        self.figures: list[int] = []
        text = _with_paragraphs(SHORTCODE.sub("", FOREIGN.sub("", text)))
        self.feed(html.well_formed(text, READ, unread=NOT_READ))
        self.close()

    def result(self) -> str:
        text = re.sub(r"(?:<br>\s*){2,}", "</p><p>", "".join(self.out))
        return re.sub(r"<br>\s*(?=</?(?:p|h2|h3|ul|ol|table|blockquote)\b)", "", text)

    def inline(self) -> str:
        """The words alone, on one line."""
        return html.clean_inline(MARK.sub("", self.result()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: FOREIGN.sub("", value or "") for name, value in attrs}
        name = SPOKEN_AS.get(tag, tag)
        if name == "img":
            self._show(given)
        elif name == "figure":
            self.figures.append(len(self.pictures))
        elif name == "figcaption":
            self.caption = []
        elif name in KEPT and self.caption is None:
            self._deeper(name)
            href = _joined(self.base, given.get("href", "")) if name == "a" else ""
            if name == "a":
                self.links.append(href)
            self.out.append(f'<a href="{escape(href)}">' if href else f"<{name}>")

    def handle_endtag(self, tag: str) -> None:
        name = SPOKEN_AS.get(tag, tag)
        if name == "figcaption":
            self._describe()
        elif name == "figure" and self.figures:
            self.figures.pop()
        elif name in KEPT and name != "br" and self.caption is None:
            self.depth = max(self.depth - (name in NESTING), 0)
            if name == "a" and self.links:
                self.links.pop()
            self.out.append(f"</{name}>")

    def handle_data(self, data: str) -> None:
        data = FOREIGN.sub("", data)  # a reference may have brought one back
        if self.caption is not None:
            self.caption.append(data)
        else:
            self.out.append(escape(data, quote=False))

    def _deeper(self, name: str) -> None:
        self.depth += name in NESTING
        if self.depth > DEEPEST:
            raise TooDeep

    def _show(self, given: dict[str, str]) -> None:
        """A picture, the whole one when the small one is a link to it. Beacons are none."""
        if "1" in (given.get("width"), given.get("height")) or len(self.pictures) >= MOST_PICTURES:
            return
        linked = self.links[-1] if self.links else ""
        url = linked if PICTURE.search(linked) else _joined(self.base, given.get("src", ""))
        if not url:
            return
        title = given.get("title", "")
        self.out.append(f"\ue000{len(self.pictures)}\ue001")
        self.pictures.append(Shown(url, alt=_one_line(given.get("alt", "")), credit=_credit(title)))

    def _describe(self) -> None:
        words = _one_line("".join(self.caption or []))
        self.caption = None
        start = self.figures[-1] if self.figures else len(self.pictures)
        for place in range(start, len(self.pictures)):
            shown = self.pictures[place]
            self.pictures[place] = replace(shown, caption=words, credit=_credit(words))


def _with_paragraphs(text: str) -> str:
    """Text whose paragraphs are blank lines, as WordPress keeps it, with its paragraphs marked."""
    if re.search(r"<(?:p|div|br)\b", text, re.IGNORECASE) or "\n" not in text.strip():
        return text
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    starts = tuple(f"<{name}" for name in (*BLOCKS, "h1", "h4", "h5", "figure", "!--"))
    return "".join(
        part if part.lower().startswith(starts) else f"<p>{part.replace(chr(10), '<br>')}</p>"
        for part in parts
    )


def _texts(entry: Any) -> tuple[str, str]:
    """The full text and the summary as HTML; the one that is not there is empty."""
    contents = [
        _as_html(one) for one in dict.get(entry, "content") or [] if _text(one, "value").strip()
    ]
    detail = dict.get(entry, "summary_detail") or {}
    summary = _text(entry, "excerpt_encoded") or _text(entry, "summary")
    if _text(detail, "type") == "text/plain" and not re.search(r"<\w", summary):
        summary = _paragraphs_of(summary)
    return max(contents, key=len, default=""), summary


def _as_html(content: Any) -> str:
    value = _text(content, "value")
    return _paragraphs_of(value) if _text(content, "type") == "text/plain" else value


def _paragraphs_of(text: str) -> str:
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return "".join(f"<p>{escape(part, quote=False)}</p>" for part in parts)


def _enclosed(entry: Any, *, base: str, known: list[Shown]) -> Iterator[Shown]:
    """Pictures that come with an item and do not stand in its text."""
    credit = _one_line(_text((dict.get(entry, "media_credit") or [{}])[0], "content"))
    seen = {shown.url for shown in known}
    for one in [*(dict.get(entry, "enclosures") or []), *(dict.get(entry, "media_content") or [])]:
        url = _joined(base, _text(one, "href") or _text(one, "url"))
        kind = _text(one, "type") or _text(one, "medium")
        if url and url not in seen and (kind.startswith("image") or PICTURE.search(url)):
            seen.add(url)
            yield Shown(url, credit=re.sub(r"(?i)^foto(?:graf)?:?\s+|^photo:?\s+", "", credit))


def _next(channel: Any, url: str) -> Iterator[str]:
    """Older documents of the same feed: RFC 5005's archives, or its pages."""
    for wanted in ("prev-archive", "next"):
        for link in dict.get(channel, "links") or []:
            if _text(link, "rel") == wanted and (found := _joined(url, _text(link, "href"))):
                yield found


def _title(entry: Any) -> str:
    """Its headline as plain text; of one that is far too long, enough to see that."""
    return _plain(_text(entry, "title")[: 4 * LONGEST_TITLE])


def _moment(entry: Any) -> datetime | None:
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        parsed = dict.get(entry, name)
        if parsed:
            try:
                year, month, day, hour, minute, second = parsed[:6]
                return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
            except ValueError:
                return None
    return None


def _spoken(entry: Any) -> str:
    details = [*(dict.get(entry, "content") or []), dict.get(entry, "title_detail") or {}]
    return _text(entry, "language") or next((s for d in details if (s := _text(d, "language"))), "")


def _language(said: str) -> str:
    short = said.strip().lower()[:2]
    return short if short in LANGUAGES else ""


def _credit(words: str) -> str:
    found = CREDIT.search(_one_line(words))
    return found[1].strip() if found else ""


def _plain(text: str) -> str:
    return _one_line(html.plain(html.clean_inline(FOREIGN.sub("", text)).replace("\n", " ")))


def _one_line(text: str) -> str:
    return " ".join(FOREIGN.sub("", text).split())


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href.strip()) if href.strip() else ""
    except ValueError:
        return ""


def _text(thing: Any, name: str) -> str:
    value = dict.get(thing, name) if isinstance(thing, dict) else None
    return FOREIGN.sub("", value).strip() if isinstance(value, str) else ""
