"""HTML that people wrote or pasted: made safe, and turned into plain text.

nh3 is the wall. bleach, which gets no more security fixes, stands behind it as a second and
independent pass; both are imported here alone, so that leaving bleach is a change of one file.
What a body may hold is listed in docs/decisions/0015-the-editor.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
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
EMBEDDED = ("data-image", "data-document", "data-contact")
BLOCKS: dict[str, set[str]] = INLINE | {
    "aside": set(),
    "blockquote": set(),
    "caption": set(),
    "figure": set(EMBEDDED),
    "footer": set(),
    "h2": set(),
    "h3": set(),
    "li": set(),
    "ol": set(),
    "p": set(),
    "table": set(),
    "tbody": set(),
    "td": set(),
    "th": {"scope"},
    "thead": set(),
    "tr": set(),
    "ul": set(),
}
VALUES = {
    **{("figure", name): re.compile(r"[0-9]{1,9}") for name in EMBEDDED},
    ("th", "scope"): re.compile(r"col|row"),
}
SCHEMES = {"http", "https", "mailto", "tel"}
GAP = re.compile(r'<mark data-gap="[^"]*">\[[^<]*\]</mark>')
MARK = re.compile(r"<mark(?: [^>]*)?>(.*?)</mark>", re.DOTALL)
TAG = re.compile(r'<(/?)([a-z0-9]+)((?:\s+[\w:-]+="[^"]*")*)\s*>')  # as both cleaners write them
ITEM = "\x00"  # begins a list item; no text holds it
LINE = "\x01"  # begins what stands on the line under the block before it
CELL = " · "
BREAKS = {"p", "h2", "h3", "li", "blockquote", "ul", "ol", "div", "aside", "table", "caption"}


def clean(text: str) -> str:
    """Body text: paragraphs, headings, lists, quotes, tables, figures, gaps; nothing else."""
    return _only_empty_figures(_clean(text, BLOCKS))


def clean_inline(text: str) -> str:
    """A headline or a lead: the same without blocks; line breaks become spaces."""
    joined = re.sub(r"</(p|div|h2|h3|li|td|th|tr|caption|footer)>\s*<", r" <", text)
    return " ".join(_clean(joined, INLINE).replace("<br>", " ").split(" ")).strip(" \r\n\t")


def well_formed(text: str, allowed: dict[str, set[str]], *, unread: set[str]) -> str:
    """Any HTML with these elements and attributes alone, every tag closed where it should be.

    The content of elements in `unread` goes with them. For a program to read further: what is to be
    printed has to be cleaned.
    """
    return nh3.clean(
        text,
        tags=set(allowed),
        attributes={tag: names for tag, names in allowed.items() if names},
        clean_content_tags=unread,
        url_schemes=SCHEMES | {"data", "file", "ftp"},  # which the program may want to refuse aloud
        link_rel=None,
    )


def plain(text: str) -> str:
    """The text a reader sees, blocks parted by a blank line, list items by a dash.

    A table's row is a line, its cells parted by a dot. Embedded pictures and cards are left out.
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
    """What the public may see of a cleaned text: no gap, and no sentence that had one in it.

    A quote goes with its words or its speaker, a row with its figures, a list with its last item.
    """
    if not gaps(text):
        return text
    root = _tree(text)
    _prune(root)
    return str(root)


def gaps(text: str) -> list[str]:
    """The names of the gaps still marked in a cleaned text."""
    return re.findall(r'<mark data-gap="([^"]*)">\[', text)


def blocks(text: str) -> list[str]:
    """The outermost blocks of a cleaned text, each whole; words outside any block are one too."""
    return [block for part in _tree(text).parts if (block := str(part).strip())]


def embedded(text: str, kind: str) -> list[int]:
    """The numbers of what a cleaned text has embedded: `kind` is image, document or contact."""
    return [int(number) for number in re.findall(rf'<figure data-{kind}="([0-9]+)">', text)]


def _clean(text: str, allowed: dict[str, set[str]]) -> str:
    once = nh3.clean(
        text,
        tags=set(allowed),
        attributes={tag: names for tag, names in allowed.items() if names},
        attribute_filter=_fitting,
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


def _fitting(tag: str, name: str, value: str) -> str | None:
    wanted = VALUES.get((tag, name))
    return value if wanted is None or wanted.fullmatch(value) else None


def _only_empty_figures(text: str) -> str:
    """A figure stands for one picture, document or contact; what somebody put into it goes."""
    kept, at, inside = [], 0, 0
    for tag in TAG.finditer(text):
        if tag[2] != "figure":
            continue
        if not inside:
            kept.append(text[at : tag.start()])
        if tag[1]:
            inside = max(inside - 1, 0)
        else:
            shown = re.search(r'\s(?:data-image|data-document|data-contact)="[0-9]+"', tag[3])
            if not inside and shown:
                kept.append(f"<figure{shown[0]}></figure>")
            inside += 1
        at = tag.end()
    return "".join([*kept, text[at:]]) if at else text


@dataclass
class _Block:
    """A block of a cleaned text: blocks and runs of inline HTML, in their order."""

    name: str
    start: str
    parts: list[_Block | str] = field(default_factory=list)
    is_hurt: bool = False

    def __str__(self) -> str:
        end = f"</{self.name}>" if self.name else ""
        return f"{self.start}{''.join(map(str, self.parts))}{end}"

    def inner(self, *names: str) -> list[_Block]:
        return [part for part in self.parts if isinstance(part, _Block) and part.name in names]

    def is_empty(self) -> bool:
        return self.name != "figure" and all(
            part.is_empty() if isinstance(part, _Block) else not part.strip() for part in self.parts
        )


def _tree(text: str) -> _Block:
    path, at = [_Block("", "")], 0
    for tag in TAG.finditer(text):
        end, name, _ = tag.groups()
        if name in INLINE or name not in BLOCKS:
            continue
        if tag.start() > at:
            path[-1].parts.append(text[at : tag.start()])
        at = tag.end()
        if not end:
            block = _Block(name, tag[0])
            path[-1].parts.append(block)
            path.append(block)
        elif len(path) > 1 and path[-1].name == name:
            path.pop()
    path[-1].parts.append(text[at:])
    return path[0]


def _prune(block: _Block) -> None:
    """Take out every sentence with a gap, and the blocks that make no sense without it."""
    kept: list[_Block | str] = []
    for part in block.parts:
        if isinstance(part, str):
            block.is_hurt = block.is_hurt or bool(GAP.search(part))
            kept.append(_complete(part))
            continue
        _prune(part)
        block.is_hurt = block.is_hurt or part.is_hurt
        if _makes_sense(part):
            kept.append(part)
        elif part.name == "footer" and part.is_hurt:
            kept.clear()  # nobody says it
    block.parts = kept


def _makes_sense(block: _Block) -> bool:
    match block.name:
        case "td" | "th":  # its neighbours keep their columns
            return True
        case "tr" if block.is_hurt:
            return not all(cell.is_empty() for cell in block.inner("td") or block.inner("th"))
        case "table" if block.is_hurt:
            return bool(block.inner("tbody"))
        case "blockquote":
            return any(
                not part.is_empty() if isinstance(part, _Block) else part.strip()
                for part in block.parts
                if not isinstance(part, _Block) or part.name != "footer"
            )
        case "thead" | "tbody" | "tr":
            return bool(block.inner("tr", "th", "td"))
        case _:
            return not block.is_empty()


def _complete(text: str) -> str:
    """Without the sentences that hold a gap; what began in one of them is closed."""
    if not GAP.search(text):
        return text
    sentences = re.split(r"(?<=[.!?])\s+", text)
    whole = " ".join(sentence for sentence in sentences if not GAP.search(sentence))
    return _clean(whole, INLINE) if "<" in whole else whole


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = [""]
        self.cells: list[str] | None = None  # of the row that is being read
        self.lines = 0  # of the table that is being read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.cells = []
        elif self.cells is not None:
            if tag in ("td", "th"):
                self.cells.append("")
            else:
                self._part_words(tag)
        elif tag == "br":
            self.blocks[-1] += "\n"
        elif tag == "footer":
            self.blocks.append(LINE)
        elif tag in BREAKS and self.blocks[-1] != ITEM:
            self.blocks.append(ITEM if tag == "li" else "")
            self.lines = 0

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self._end_row()
        elif self.cells is not None:
            self._part_words(tag)
        elif tag == "caption":
            self.lines += 1 if self.blocks[-1].strip() else 0
            self.blocks.append("")
        elif tag in BREAKS or tag == "footer":
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        words = re.sub(r"[ \t\r\n]+", " ", data)
        if self.cells is None:
            self.blocks[-1] += words
        elif self.cells:
            self.cells[-1] += words

    def _part_words(self, tag: str) -> None:
        if self.cells and (tag == "br" or tag in BREAKS):
            self.cells[-1] += " "

    def _end_row(self) -> None:
        cells = [re.sub(" +", " ", cell).strip(" ") for cell in self.cells or []]
        if any(cells):
            self.blocks += [f"{LINE if self.lines else ''}{CELL.join(cells)}", ""]
            self.lines += 1
        self.cells = None

    def result(self) -> str:
        blocks = [re.sub(r" *\n *", "\n", block).strip(" \n") for block in self.blocks]
        text = "\n\n".join(block for block in blocks if block.strip(f"{ITEM}{LINE} "))
        text = re.sub(f"\n\n({ITEM}|{LINE}) *", r"\n\1", text)
        return text.replace(ITEM, "– ").replace(LINE, "")
