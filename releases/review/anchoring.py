"""Finding a passage again: where the words that somebody spoke about stand in a later text. Pure.

A passage is plain words and a few of those around it. They are looked for exactly as they were,
then among several places by what stands around, then with small changes. What has changed more
than that is not found: the comment then shows the words as they were, and guesses nothing.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from markupsafe import Markup

AROUND = 60  # letters kept on each side; what the columns hold
LONGEST = 2000  # letters of a passage
SURE = 40  # words of this many letters in one place need nothing around them
ALIKE_AROUND = 0.5
ALIKE = 0.72  # of the words, and less so of what stands around them, when both have changed
ALIKE_IN_PLACE = 0.5  # when what stands on both sides is as it was
PLACES = 200  # of words that stand everywhere, such as "och"

PIECE = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*)(?:\s+[\w:-]+(?:=\"[^\"]*\")?)*\s*/?>"
    r"|&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);|.",
    re.DOTALL,
)
INLINE = {"a", "b", "data", "em", "i", "mark", "span", "strong"}
NOWHERE = (-1, -1)


@dataclass(frozen=True)
class Figure:
    """A figure's element: where it begins and ends in the source, its tags included."""

    start: int
    end: int


@dataclass
class Reading:
    """A part of a release as running words: blocks joined by a space, spaces made one.

    `spots` are the places of the letters in the HTML (NOWHERE for a space between blocks),
    `blocks` the number of each letter's block, `figures` the figure that it belongs to, if any.
    """

    letters: list[str] = field(default_factory=list)
    spots: list[tuple[int, int]] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    figures: list[Figure | None] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.letters)


@dataclass(frozen=True)
class Found:
    """Where a passage stands in the words of a part. Not `is_exact`: its words have changed."""

    start: int
    end: int
    is_exact: bool = True


@dataclass(frozen=True)
class Anchor:
    """What is kept of a passage."""

    passage: str
    before: str = ""
    after: str = ""


def read(markup: str) -> Reading:
    """The words of a part's HTML, each letter knowing its place."""
    reading = _Reader()
    for piece in PIECE.finditer(markup):
        tag = (piece["tag"] or "").casefold()
        if not tag:
            reading.add(html.unescape(piece[0]), piece.span())
        elif tag == "data":
            reading.turn_figure(piece, markup)
        elif tag not in INLINE:
            reading.part_words()
    return reading.done()


def anchor_at(text: str, start: int, end: int) -> Anchor:
    """What to keep of the words from `start` to `end`, without the spaces at their ends."""
    words = text[start:end]
    start += len(words) - len(words.lstrip())
    end -= len(words) - len(words.rstrip())
    return Anchor(text[start:end], text[max(0, start - AROUND) : start], text[end : end + AROUND])


def find(text: str, anchor: Anchor) -> Found | None:
    """Where the passage stands now, exactly or with small changes; None when it has changed."""
    return find_exactly(text, anchor) or _find_nearly(text, anchor)


def find_exactly(text: str, anchor: Anchor) -> Found | None:
    """Where the very words stand, whatever kind of space is between them.

    Of several places the one whose surroundings are most like what they were.
    """
    places = [found.span() for found in _places(anchor.passage, text)]
    if not places:
        return None
    start, end = max(places, key=lambda place: _alike_around(text, place, anchor))
    if len(anchor.passage) < SURE and _alike_around(text, (start, end), anchor) < ALIKE_AROUND:
        return None
    return Found(start, end)


def highlighted(markup: str, places: Iterable[tuple[int, Found]]) -> Markup:
    """The same HTML with the words of each (number, place) marked, `passage-<number>` its target.

    A mark is cut where elements begin or end, and where another begins or ends.
    """
    reading = read(markup)
    marks: dict[int, list[int]] = {}
    first: dict[int, list[int]] = {}
    for number, found in places:
        first.setdefault(found.start, []).append(number)
        for at in range(found.start, found.end):
            marks.setdefault(at, []).append(number)
    out: list[str] = []
    reached = 0
    for start, end, numbers, targets in _runs(reading, marks, first):
        ids = "".join(f'<span class="passage__start" id="passage-{n}"></span>' for n in targets)
        named = " ".join(map(str, numbers))
        out += [
            markup[reached:start],
            f'{ids}<mark class="passage" data-comments="{named}">{markup[start:end]}</mark>',
        ]
        reached = end
    out.append(markup[reached:])
    return Markup("".join(out))  # noqa: S704 cleaned HTML, with our own marks in it


def _runs(
    reading: Reading, marks: dict[int, list[int]], first: dict[int, list[int]]
) -> Iterable[tuple[int, int, list[int], list[int]]]:
    """(start, end in the source, comments, comments that begin there) of what is marked alike."""
    run: tuple[int, int, list[int], list[int]] | None = None
    for at in sorted(marks):
        start, end = reading.spots[at]
        if (start, end) == NOWHERE:
            continue
        if run and run[1] == start and run[2] == marks[at] and at not in first:
            run = (run[0], end, run[2], run[3])
            continue
        if run:
            yield run
        run = (start, end, marks[at], first.get(at, []))
    if run:
        yield run


def _places(words: str, text: str) -> Iterator[re.Match[str]]:
    """Where the words stand, those that overlap too; the first of very many."""
    if not words.strip():
        return
    pattern, at = _pattern(words), 0
    for _ in range(PLACES):
        found = pattern.search(text, at)
        if found is None:
            return
        yield found
        at = found.start() + 1


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, words.split())))


def _alike_around(text: str, place: tuple[int, int], anchor: Anchor) -> float:
    """From 0 to 1, how much of what stood around the passage stands around this place."""
    start, end = place
    if not anchor.before and not anchor.after:
        return 1.0
    before = text[max(0, start - len(anchor.before)) : start]
    after = text[end : end + len(anchor.after)]
    was, now = _plain_spaces(anchor.before), _plain_spaces(before)
    same = _alike(was, now) * len(anchor.before)
    same += _alike(_plain_spaces(anchor.after), _plain_spaces(after)) * len(anchor.after)
    return same / (len(anchor.before) + len(anchor.after))


def _find_nearly(text: str, anchor: Anchor) -> Found | None:
    candidates = [*_between_surroundings(text, anchor), *_like_words(text, anchor)]
    best = max(candidates, key=lambda one: one[0], default=None)
    return Found(best[1], best[2], is_exact=False) if best else None


def _between_surroundings(text: str, anchor: Anchor) -> Iterable[tuple[float, int, int]]:
    """What stands between the old surroundings, when it is somewhat like the passage."""
    if len(anchor.before.strip()) < 8 or len(anchor.after.strip()) < 8:
        return
    longest = 2 * len(anchor.passage) + 20
    for before in _places(anchor.before[-30:], text):
        after = _pattern(anchor.after[:30]).search(text, before.end())
        if after is None or not 0 < after.start() - before.end() <= longest:
            continue
        start, end = _without_spaces(text, before.end(), after.start())
        if start < end and (alike := _alike(anchor.passage, text[start:end])) >= ALIKE_IN_PLACE:
            yield alike + 1, start, end


def _like_words(text: str, anchor: Anchor) -> Iterable[tuple[float, int, int]]:
    """The places where most of the passage's words stand close together."""
    wanted = anchor.passage.casefold().split()
    words = [(found.start(), found.end()) for found in re.finditer(r"\S+", text)]
    spoken = [text[start:end].casefold() for start, end in words]
    if len(wanted) < 3:
        return
    for first in _densest(spoken, wanted):
        low, high = max(0, first - 2), min(len(words), first + len(wanted) + 2)
        steps = SequenceMatcher(None, spoken[low:high], wanted, autojunk=False)
        blocks = [block for block in steps.get_matching_blocks() if block.size]
        if not blocks:
            continue
        begin = max(low, low + blocks[0].a - blocks[0].b)
        last = blocks[-1]
        finish = min(high, low + last.a + last.size + len(wanted) - last.b - last.size)
        start, end = words[begin][0], words[finish - 1][1]
        around = _alike_around(text, (start, end), anchor)
        alike = 0.7 * _alike(anchor.passage, text[start:end]) + 0.3 * around
        if alike >= ALIKE:
            yield alike, start, end


def _densest(spoken: list[str], wanted: list[str]) -> list[int]:
    """Where windows as long as the passage begin that hold most of its words; the three best."""
    need, have, hits = Counter(wanted), Counter[str](), 0
    scores = []
    for at, word in enumerate(spoken):
        have[word] += 1
        hits += have[word] <= need[word]
        if at >= len(wanted):
            gone = spoken[at - len(wanted)]
            hits -= have[gone] <= need[gone]
            have[gone] -= 1
        scores.append((hits, -max(0, at - len(wanted) + 1)))
    best = sorted(scores, reverse=True)[:3]
    return [-start for score, start in best if score * 2 >= len(wanted)]


def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if max(len(one), len(other)) > 300:  # by words: letters would take too long
        return SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio()
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _plain_spaces(text: str) -> str:
    return re.sub(r"\s", " ", text)


def _without_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    words = text[start:end]
    return start + len(words) - len(words.lstrip()), end - (len(words) - len(words.rstrip()))


class _Reader:
    """Collects letters; a space is written only when a letter follows it."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.space: tuple[int, int] | None = None
        self.block = 0
        self.is_parted = False
        self.figure: Figure | None = None

    def add(self, letters: str, spot: tuple[int, int]) -> None:
        for letter in letters:
            if letter in " \t\r\n":
                if self.space is None:
                    self.space = spot
                elif self.space[1] == spot[0]:  # no tag between them
                    self.space = (self.space[0], spot[1])
                continue
            if self.is_parted:
                self._write(" ", NOWHERE)
                self.block += 1
            elif self.space:
                self._write(" ", self.space)
            self.space, self.is_parted = None, False
            self._write(letter, spot)

    def part_words(self) -> None:
        """A block begins or ends."""
        self.is_parted = True
        self.space = None

    def turn_figure(self, piece: re.Match[str], markup: str) -> None:
        if piece["close"]:
            self.figure = None
            return
        if self.space and not self.is_parted:  # the space before it is not the figure's
            self._write(" ", self.space)
            self.space = None
        end = markup.find("</data>", piece.end())
        self.figure = Figure(piece.start(), end + len("</data>") if end >= 0 else len(markup))

    def done(self) -> Reading:
        return self.reading

    def _write(self, letter: str, spot: tuple[int, int]) -> None:
        if letter == " " and self.reading.letters[-1:] in ([], [" "]):
            return
        self.reading.letters.append(letter)
        self.reading.spots.append(spot)
        self.reading.blocks.append(self.block)
        self.reading.figures.append(self.figure if spot != NOWHERE else None)
