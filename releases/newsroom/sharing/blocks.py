"""A cleaned body as plain data: blocks and runs of words, for what cannot draw HTML. Pure.

A block is a dict with its `kind`; words are `parts`, each with its `text` and what it is in:
`strong`, `emph`, `link`. Nothing of the HTML's own syntax is left, so that whoever draws it cannot
take somebody's words for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

Block = dict[str, Any]
Part = dict[str, Any]

DEEPEST = 24  # elements within each other; what is deeper stands in the innermost of these
INLINE = {"a", "b", "br", "data", "em", "i", "mark", "strong"}
FIGURE = re.compile(r"data-(image|document|contact)")
LONGEST_LINK = 2000
SCHEMES = ("http://", "https://", "mailto:", "tel:")


@dataclass
class _Element:
    name: str
    given: dict[str, str] = field(default_factory=dict)
    inside: list[_Element | str] = field(default_factory=list)

    def all(self, *names: str) -> list[_Element]:
        return [one for one in self.inside if isinstance(one, _Element) and one.name in names]


def blocks_of(body: str) -> list[Block]:
    """The blocks of a cleaned body, in order. Headings go down one level at a time."""
    return _stepwise(_blocks(_tree(body).inside))


def parts_of(inline: str) -> list[Part]:
    """The words of a cleaned headline or lead."""
    return _parts(_tree(inline).inside)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("")
        self.path: list[tuple[str, _Element]] = [("", self.root)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        _, around = self.path[-1]
        made = _Element(tag, {name: value or "" for name, value in attrs})
        if len(self.path) > DEEPEST and tag != "br":
            self.path.append((tag, around))
            return
        around.inside.append(made)
        if tag != "br":
            self.path.append((tag, made))

    def handle_endtag(self, tag: str) -> None:
        if len(self.path) > 1 and self.path[-1][0] == tag:
            self.path.pop()

    def handle_data(self, data: str) -> None:
        self.path[-1][1].inside.append(data)


def _tree(html: str) -> _Element:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def _blocks(inside: Sequence[_Element | str]) -> list[Block]:
    found: list[Block] = []
    run: list[_Element | str] = []
    for one in inside:
        if isinstance(one, str) or one.name in INLINE:
            run.append(one)
        else:
            found += [*_paragraph(run), *_block(one)]
            run = []
    return [*found, *_paragraph(run)]


def _paragraph(run: Sequence[_Element | str]) -> Iterator[Block]:
    if parts := _parts(run):
        yield {"kind": "paragraph", "parts": parts}


def _block(one: _Element) -> Iterator[Block]:
    match one.name:
        case "p":
            yield from _blocks(one.inside)
        case "h2" | "h3":
            if parts := _parts(one.inside):
                yield {"kind": "heading", "level": int(one.name[1]), "parts": parts}
        case "ul" | "ol":
            items = [inner for li in one.all("li") if (inner := _blocks(li.inside))]
            if items:
                yield {"kind": "list", "ordered": one.name == "ol", "items": items}
        case "blockquote":
            footers = one.all("footer")
            words = _blocks([inner for inner in one.inside if inner not in footers])
            by = [part for footer in footers for part in _parts(footer.inside)]
            if words:
                yield {"kind": "quote", "blocks": words, "by": by}
        case "aside":
            if inner := _blocks(one.inside):
                yield {"kind": "aside", "blocks": inner}
        case "table":
            yield from _table(one)
        case "figure":
            for name, value in one.given.items():
                if (kind := FIGURE.fullmatch(name)) and value.isdigit():
                    yield {"kind": kind[1], "id": int(value)}
        case _:
            yield from _blocks(one.inside)


def _table(table: _Element) -> Iterator[Block]:
    """Every row as long as the longest. The first is the head when all of it is headings."""
    sections = [table, *table.all("thead", "tbody")]
    rows = [tr.all("td", "th") for section in sections for tr in section.all("tr")]
    rows = [row for row in rows if row]
    if not rows:
        return
    across = max(map(len, rows))
    has_head = all(cell.name == "th" for cell in rows[0]) and len(rows) > 1
    cells = [[_cell(cell) for cell in row] + [[]] * (across - len(row)) for row in rows]
    yield {
        "kind": "table",
        "across": across,
        "caption": [part for one in table.all("caption") for part in _parts(one.inside)],
        "head": cells[0] if has_head else [],
        "rows": cells[1:] if has_head else cells,
    }


def _cell(cell: _Element) -> list[Part]:
    """Its words in one run: a paragraph more is a line more."""
    found: list[Part] = []
    for block in _blocks(cell.inside):
        words = block.get("parts", [])
        found += [{"break": True}, *words] if found and words else words
    return found


def _parts(
    inside: Sequence[_Element | str], *, strong: bool = False, emph: bool = False, link: str = ""
) -> list[Part]:
    found = list(_runs(inside, strong=strong, emph=emph, link=link))
    while found and not found[-1].get("text", "").strip(" "):
        found.pop()
    while found and not found[0].get("text", "").strip(" "):
        found.pop(0)
    if found:
        found[0] = {**found[0], "text": found[0]["text"].lstrip(" ")}
        found[-1] = {**found[-1], "text": found[-1]["text"].rstrip(" ")}
    return found


def _runs(
    inside: Sequence[_Element | str], *, strong: bool, emph: bool, link: str
) -> Iterator[Part]:
    for one in inside:
        if isinstance(one, str):
            words = re.sub(r"[ \t\r\n]+", " ", one)
            if words:
                yield {"text": words, "strong": strong, "emph": emph, "link": link}
        elif one.name == "br":
            yield {"break": True}
        else:
            yield from _runs(
                one.inside,
                strong=strong or one.name in ("strong", "b"),
                emph=emph or one.name in ("em", "i"),
                link=_followable(one.given.get("href", "")) if one.name == "a" else link,
            )


def _followable(href: str) -> str:
    return href if href.startswith(SCHEMES) and len(href) <= LONGEST_LINK else ""


def _stepwise(blocks: list[Block]) -> list[Block]:
    """A heading under the headline is of the second level before one is of the third."""
    level = 1
    for block in blocks:
        if block["kind"] == "heading":
            level = block["level"] = min(block["level"], level + 1)
    return blocks
