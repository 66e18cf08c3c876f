"""Putting suggested words in the place of a passage. Pure: cleaned HTML in, cleaned HTML out.

Only the words that differ are touched, so that what is bold stays bold, a link stays a link and a
figure whose words stay keeps its value. A figure's own words are never changed here: they come
from the round.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from app.core.errors import BadInput, Conflict
from releases.review.anchoring import NOWHERE, Anchor, Figure, Reading, find_exactly, read

WORD = re.compile(r"\s+|\w+|[^\w\s]")
EMPTY = re.compile(r"<(a|b|em|i|strong|p|li|h2|h3|mark)(?:\s[^>]*)?>\s*</\1>")


@dataclass(frozen=True)
class _Edit:
    """Letters of the reading that go, and the words that come in their place."""

    start: int
    end: int
    words: str


def replace_passage(markup: str, passage: str, before: str, after: str, replacement: str) -> str:
    """The HTML with `replacement`, plain words, where `passage` stands.

    Raises Conflict when the passage is no longer there as it was, and BadInput when it runs over
    several paragraphs or a figure's own words would change.
    """
    reading = read(markup)
    found = find_exactly(reading.text, Anchor(passage, before, after))
    if found is None:
        raise Conflict("passage_changed")
    if len(set(reading.blocks[found.start : found.end])) > 1:
        raise BadInput("suggestion_too_wide")
    words = re.sub(r"[ \t\r\n]+", " ", replacement).strip(" ")
    edits = list(_edits(reading, found.start, found.end, words))
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        markup = _changed(markup, reading, edit)
    while (less := EMPTY.sub("", markup)) != markup:
        markup = less
    return markup


def _edits(reading: Reading, start: int, end: int, words: str) -> Iterator[_Edit]:
    """What differs between the letters from `start` to `end` and `words`, figure by figure."""
    at = 0
    for figure, group in groupby(range(start, end), key=lambda letter: reading.figures[letter]):
        letters = list(group)
        first, last = letters[0], letters[-1] + 1
        if figure is None:
            continue
        place = _stays(reading.text[first:last], words, at)
        yield from _differences(reading, start, first, words[at : place[0]])
        start, at = last, place[1]
    yield from _differences(reading, start, end, words[at:])


def _stays(said: str, words: str, at: int) -> tuple[int, int]:
    """Where a figure's words stand in the replacement from `at` on."""
    pattern = r"\s+".join(map(re.escape, said.split()))
    found = re.compile(rf"(?<![\w]){pattern}(?![\w])").search(words, at)
    if found is None:
        raise BadInput("suggestion_touches_figure", words=said)
    return found.span()


def _differences(reading: Reading, start: int, end: int, words: str) -> Iterator[_Edit]:
    """The smallest edits, word by word, between two figures."""
    old = [
        (found.start() + start, found.end() + start, found[0])
        for found in WORD.finditer(reading.text[start:end])
    ]
    new = WORD.findall(words)
    was = [" " if word.isspace() else word for _, _, word in old]
    now = [" " if word.isspace() else word for word in new]
    for op, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if op != "equal":
            begin = old[a][0] if a < len(old) else end
            finish = old[b - 1][1] if b > a else begin
            yield _Edit(begin, finish, "".join(new[c:d]))


def _changed(markup: str, reading: Reading, edit: _Edit) -> str:
    """One edit made in the source; later letters have been edited before."""
    start, words = edit.start, html.escape(edit.words, quote=False)
    if edit.start == edit.end:
        place = _place_between(reading, start, markup)
        return markup[:place] + words + markup[place:]
    if not words and start and reading.text[start - 1] == " " and _ends_in_space(reading, edit.end):
        start -= 1  # of the spaces on both sides one goes too
    spots = [spot for spot in reading.spots[start : edit.end] if spot != NOWHERE]
    for number, (begin, finish) in reversed(list(enumerate(dict.fromkeys(spots)))):
        markup = markup[:begin] + (words if number == 0 else "") + markup[finish:]
    return markup


def _ends_in_space(reading: Reading, end: int) -> bool:
    return end >= len(reading.letters) or reading.text[end] in " .,;:!?"


def _place_between(reading: Reading, at: int, markup: str) -> int:
    """Where in the source words go that come before letter `at`; never inside a figure."""
    before, after = _neighbour(reading, at - 1), _neighbour(reading, at)
    if before and after and before[1] and before[1] == after[1]:
        raise BadInput("suggestion_touches_figure", words=_words_of(reading, before[1]))
    if before and not before[1] and (not after or _is_same_block(reading, at)):
        return before[0][1]
    if after and not after[1]:
        return after[0][0]
    if before and before[1]:
        return before[1].end
    return after[1].start if after and after[1] else len(markup)


def _words_of(reading: Reading, figure: Figure) -> str:
    pairs = zip(reading.letters, reading.figures, strict=True)
    return "".join(letter for letter, its in pairs if its == figure)


def _is_same_block(reading: Reading, at: int) -> bool:
    return reading.blocks[at - 1] == reading.blocks[at]


def _neighbour(reading: Reading, at: int) -> tuple[tuple[int, int], Figure | None] | None:
    if not 0 <= at < len(reading.spots) or reading.spots[at] == NOWHERE:
        return None
    return reading.spots[at], reading.figures[at]
