"""HTML that people wrote or pasted: made safe, and turned into plain text.

nh3 is the wall. bleach, which gets no more security fixes, stands behind it as a second and
independent pass; both are imported here alone, so that leaving bleach is a change of one file.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import bleach
import nh3

INLINE: dict[str, set[str]] = {
    "a": {"href"},
    "br": set(),
    "data": {"value", "data-figure"},
    "em": set(),
    "i": {"lang"},
    "mark": {"data-gap"},
    "strong": set(),
    "b": set(),
}
BLOCKS: dict[str, set[str]] = INLINE | {
    "blockquote": set(),
    "footer": set(),
    "h2": set(),
    "h3": set(),
    "li": set(),
    "ol": set(),
    "p": set(),
    "ul": set(),
}
SCHEMES = {"http", "https", "mailto", "tel"}
ITEM = "\x00"  # begins a list item; no text holds it
GAP = re.compile(r'<mark data-gap="[^"]*">\[[^<]*\]</mark>')
MARK = re.compile(r"<mark(?: [^>]*)?>(.*?)</mark>", re.DOTALL)
BLOCK = "p|li|h2|h3|blockquote"
EMPTY = re.compile(rf"<({BLOCK}|ul|ol)>\s*</\1>\s*")
BREAKS = {"p", "h2", "h3", "li", "blockquote", "ul", "ol", "div", "footer"}


def clean(text: str) -> str:
    """Body text: paragraphs, headings, lists, quotes, links, figures and gaps; nothing else."""
    return _clean(text, BLOCKS)


def clean_inline(text: str) -> str:
    """A headline or a lead: the same without blocks; line breaks become spaces."""
    joined = re.sub(r"</(p|div|h2|h3|li)>\s*<", r" <", text)
    return " ".join(_clean(joined, INLINE).replace("<br>", " ").split(" ")).strip(" \r\n\t")


def plain(text: str) -> str:
    """The text a reader sees, blocks parted by a blank line, list items by a dash.

    No-break spaces stay: they hold a figure and its unit together in mail too.
    """
    parser = _PlainText()
    parser.feed(text)
    parser.close()
    return parser.result()


def is_web_address(text: str) -> bool:
    """Whether a browser may follow it: http or https, and a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
    except ValueError:
        return False


def without_gaps(text: str) -> str:
    """What the public may see of a cleaned text: no gap, and no sentence that had one in it."""
    if not gaps(text):
        return text
    text = re.sub(
        rf"<({BLOCK})>((?:(?!<(?:{BLOCK})>).)*?)</\1>", _whole_sentences, text, flags=re.DOTALL
    )
    text, emptied = _complete(text), 1
    while emptied:  # a quote or a list goes with its last paragraph
        text, emptied = EMPTY.subn("", text)
    return text


def gaps(text: str) -> list[str]:
    """The names of the gaps still marked in a cleaned text."""
    return re.findall(r'<mark data-gap="([^"]*)">\[', text)


def _clean(text: str, allowed: dict[str, set[str]]) -> str:
    once = nh3.clean(
        text,
        tags=set(allowed),
        attributes={tag: names for tag, names in allowed.items() if names},
        url_schemes=SCHEMES,
        link_rel=None,
    )
    twice: str = bleach.clean(
        once,
        tags=set(allowed),
        attributes={tag: list(names) for tag, names in allowed.items()},
        protocols=SCHEMES,
        strip=True,
    )
    # A gap is a whole bracketed note. Once somebody has written in it, it is their text.
    twice = MARK.sub(lambda mark: mark[0] if GAP.fullmatch(mark[0]) else mark[1], twice)
    twice = (
        twice.replace("&nbsp;", "\u00a0").replace("<b>", "<strong>").replace("</b>", "</strong>")
    )
    return re.sub(r"<p>(\s|<br>)*</p>", "", twice).strip()


def _whole_sentences(block: re.Match[str]) -> str:
    return f"<{block[1]}>{_complete(block[2])}</{block[1]}>"


def _complete(text: str) -> str:
    """Without the sentences that hold a gap."""
    if not GAP.search(text):
        return text
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return " ".join(sentence for sentence in sentences if not GAP.search(sentence))


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.blocks[-1] += "\n"
        elif tag in BREAKS and self.blocks[-1] != ITEM:
            self.blocks.append(ITEM if tag == "li" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in BREAKS:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        self.blocks[-1] += re.sub(r"[ \t\r\n]+", " ", data)

    def result(self) -> str:
        blocks = [re.sub(r" *\n *", "\n", block).strip(" \n") for block in self.blocks]
        text = "\n\n".join(block for block in blocks if block and block != ITEM)
        return text.replace(f"\n\n{ITEM}", f"\n{ITEM}").replace(ITEM, "– ")
