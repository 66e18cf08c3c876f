"""A release's HTML as running text that remembers where each letter stood.

The fact check reads words; what it finds must be shown in the HTML. A passage is one paragraph,
heading or list item as a reader sees it, with plain spaces, and each of its letters knows its place
in the source. Gaps are one strange sign: nobody has written them yet.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from markupsafe import Markup, escape

GAP_SIGN = "\ufffc"
BLOCKS = {"p", "h2", "h3", "li", "ul", "ol", "blockquote", "footer", "div", "aside"} | {
    *("table", "caption", "tr", "th", "td"),
}
PIECE = re.compile(
    r"""(?P<tag></?[a-zA-Z][^\s<>/"']*(?:"[^"]*"|'[^']*'|[^'"<>])*>)"""
    r"|(?P<entity>&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);)|(?P<letter>.)",
    re.DOTALL,
)
QUOTED = re.compile(r"“[^”“]*”|”[^”]*”|»[^»«]*[«»]|\"[^\"]*\"")
ABBREVIATION = re.compile(
    r"(?:\b(?:kl|ca|nr|no|dnr|tel|st|resp|bl\.a|t\.ex|m\.fl|approx|dr|mr|ms|mrs|s|p)|\b[A-ZÅÄÖ])\.$",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?…][\"”’»)]*\s+(?=[\"“”»(–—-]?\s?[A-ZÅÄÖÉ\d])|\n")


@dataclass(frozen=True)
class Bound:
    """A figure in the text: its words' place in the passage, its name and its value."""

    start: int
    end: int
    name: str
    value: str


@dataclass
class Passage:
    """One block of a part. `spots` are the places of its letters in the part's HTML."""

    part: str
    is_quote: bool
    letters: list[str] = field(default_factory=list)
    spots: list[tuple[int, int]] = field(default_factory=list)
    figures: list[Bound] = field(default_factory=list)

    @cached_property
    def text(self) -> str:
        """The words, once all letters are there."""
        return "".join(self.letters)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Where the letters from `start` to `end` stand in the part's HTML."""
        return self.spots[start][0], self.spots[end - 1][1]

    def in_quotation(self, start: int) -> bool:
        """Whether somebody is speaking there."""
        if self.is_quote or re.match(r"\s*[–—-]\s", self.text):
            return True
        return any(found.start() < start < found.end() for found in QUOTED.finditer(self.text))

    def sentences(self, whole: Iterable[tuple[int, int]] = ()) -> Iterator[tuple[int, int]]:
        """Where each sentence begins and ends; none ends inside a span that is `whole`."""
        spans = list(whole)
        start = 0
        for found in SENTENCE_END.finditer(self.text):
            at = found.start() + 1
            if ABBREVIATION.search(self.text[max(0, at - 8) : at]):
                continue
            if any(a < at < b for a, b in spans):
                continue
            yield start, found.end()
            start = found.end()
        if self.text[start:].strip():
            yield start, len(self.text)


def passages(parts: Mapping[str, str]) -> Iterator[Passage]:
    """The passages of cleaned HTML parts, in reading order."""
    for part, markup in parts.items():
        yield from (one for one in _of_part(part, markup) if one.text.strip())


def underlined(markup: str, marks: Iterable[tuple[int, int, str]]) -> Markup:
    """The same HTML with the spans (start, end, opening tag's attributes) in `<mark>` elements.

    A span is cut where elements begin or end, so that the HTML stays well-formed.
    """
    edges = sorted(marks)
    out: list[str] = []
    reached, open_until = 0, 0
    for start, end, attributes in edges:
        if start < open_until:  # two findings on the same words: the first is shown
            continue
        out.append(markup[reached:start])
        out.append(_marked(markup[start:end], attributes))
        reached = open_until = end
    out.append(markup[reached:])
    return Markup("".join(out))  # noqa: S704 cleaned HTML, with our own marks in it


def attributes_of(pairs: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in pairs.items())


def _marked(markup: str, attributes: str) -> str:
    first = True
    out = []
    for run in re.split(r"(</?[a-zA-Z](?:\"[^\"]*\"|[^\">])*>)", markup):
        if run.startswith("<") or not run:
            out.append(run)
            continue
        shown = attributes if first else re.sub(r' id="[^"]*"', "", attributes)
        out.append(f"<mark{shown}>{run}</mark>")
        first = False
    return "".join(out)


def _of_part(part: str, markup: str) -> Iterator[Passage]:
    current = Passage(part, is_quote=False)
    quotes = 0
    figure: tuple[int, str, str] | None = None
    in_gap = False
    for found in PIECE.finditer(markup):
        if tag := found["tag"]:
            name = re.sub(r"[</>\s].*", "", tag.lstrip("</"), flags=re.DOTALL).casefold()
            closing = tag.startswith("</")
            if name in BLOCKS:
                quotes += (-1 if closing else 1) if name == "blockquote" else 0
                yield current
                current, figure = Passage(part, is_quote=quotes > 0), None
            elif name == "br":
                _add(current, "\n", found.span())
            elif name == "mark":
                if not closing and "data-gap" in tag:
                    in_gap = True
                    _add(current, GAP_SIGN, found.span())
                elif closing:
                    in_gap = False
            elif name == "data":
                if closing and figure:
                    start, called, value = figure
                    current.figures.append(Bound(start, len(current.letters), called, value))
                    figure = None
                elif not closing and (called := _attribute(tag, "data-figure")):
                    figure = (len(current.letters), called, _attribute(tag, "value"))
            continue
        if not in_gap:
            _add(current, html.unescape(found[0]), found.span())
    yield current


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"""\s{name}=(?:"([^"]*)"|'([^']*)')""", tag)
    return html.unescape(found[1] or found[2] or "") if found else ""


def _add(passage: Passage, text: str, place: tuple[int, int]) -> None:
    for letter in text:
        if letter in "\u00ad\u200b\ufeff":
            continue
        if unicodedata.combining(letter) and passage.letters:
            composed = unicodedata.normalize("NFC", passage.letters[-1] + letter)
            if len(composed) == 1:
                passage.letters[-1] = composed
                passage.spots[-1] = (passage.spots[-1][0], place[1])
                continue
        passage.letters.append(" " if letter.isspace() and letter != "\n" else letter)
        passage.spots.append(place)
