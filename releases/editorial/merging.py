"""Two people have written on top of the same text: what comes of both. Nobody's words are lost.

`merge` is pure. What only one of them touched is taken from that one; what both changed differently
is a clash that keeps both. Headline and lead are compared whole, the body block by block, the
programme facts paragraph by paragraph, and contacts, links, pictures and documents one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict
from app.core.html import blocks, clean_inline
from app.core.words import translate
from releases.editorial.models import Release, Revision
from releases.editorial.writing import Text, save, text_of

LISTS = ("contacts", "links", "images", "documents")
WHOLE = ("headline", "lead")
BETWEEN = {"body": "\n", "about_programme": "\n\n"}
ATTEMPTS = 5  # of saving while others save; each lost race means that somebody else's was saved

Thing = dict[str, Any]


@dataclass(frozen=True)
class Clash:
    """A place that both changed, and differently. `mine` is what stands in the merged text.

    `mine` and `theirs` are HTML, plain text of the programme facts, or one thing of a list as a
    tuple of none or one. Empty where somebody has taken it away. `after` is the block before it.
    """

    part: str
    theirs: str | tuple[Thing, ...]
    mine: str | tuple[Thing, ...]
    after: str = ""


@dataclass(frozen=True)
class Merged:
    """`text` is both texts in one, `mine` in the places where they clash."""

    text: Text
    clashes: tuple[Clash, ...] = ()


@dataclass(frozen=True)
class Saved:
    """What came of saving: the head now, and whose changes were taken along."""

    revision: Revision
    merged_with: tuple[str, ...] = ()


class Clashing(Conflict):
    """Others saved in between and changed the same places. Nothing was written."""

    def __init__(self, merged: Merged, head: Revision) -> None:
        super().__init__("saved_meanwhile", revision=head.id)
        self.merged = merged
        self.head = head


def merge(base: Text, theirs: Text, mine: Text) -> Merged:
    """Both texts in one, each compared with the one they were written on top of."""
    parts: dict[str, Any] = {}
    clashes: list[Clash] = []
    for part in WHOLE:
        parts[part], own = _whole(part, *(getattr(text, part) for text in (base, theirs, mine)))
        clashes += own
    for part in BETWEEN:
        parts[part], own = _pieces(part, *(getattr(text, part) for text in (base, theirs, mine)))
        clashes += own
    for part in LISTS:
        parts[part], own = _things(part, *(getattr(text, part) for text in (base, theirs, mine)))
        clashes += own
    return Merged(Text(**parts), tuple(clashes))


def settle(text: Text, clash: Clash, choice: str) -> Text:
    """`text` with another choice at a clash: `theirs`, `both`, or `mine`, which stands there.

    Where the place has been rewritten since, their words are put beside it: none are lost.
    """
    if choice not in ("theirs", "both"):
        return text
    if clash.part in LISTS:
        return _settle_thing(text, clash)
    assert isinstance(clash.theirs, str) and isinstance(clash.mine, str)
    if clash.part in WHOLE:
        own = clean_inline(getattr(text, clash.part))
        # A headline has no room for two.
        is_rewritten = clash.part != "headline" and _like(own) != _like(clash.mine)
        is_both = choice == "both" or is_rewritten
        return _with(text, clash.part, f"{own} {clash.theirs}".strip() if is_both else clash.theirs)
    split = _split_of(clash.part)
    here, mine, theirs = (
        split(one) for one in (getattr(text, clash.part), clash.mine, clash.theirs)
    )
    at = _place_of(mine, here)
    if at is None:
        before = _place_of([clash.after], here)
        beside = 0 if not clash.after else len(here) if before is None else before + 1
        settled = [*here[:beside], *theirs, *here[beside:]]
    else:
        kept = mine if choice == "both" else []
        settled = [*here[:at], *kept, *theirs, *here[at + len(mine) :]]
    return _with(text, clash.part, BETWEEN[clash.part].join(settled))


def save_together(
    release: Release, text: Text, *, base: Revision, by: User, at: datetime, note: str = ""
) -> Saved:
    """Save `text`, written on top of `base`, with what others have saved since in it.

    Raises Clashing when they changed the same places, and otherwise what `writing.save` raises.
    """
    text = text.cleaned()
    names: tuple[str, ...]
    for _attempt in range(ATTEMPTS):
        head, names = release.head, ()
        merged = Merged(text)
        if head.id != base.id:
            merged = merge(text_of(base), text_of(head), text)
            names = _authors_since(release, base, by.language)
        if merged.clashes:
            raise Clashing(merged, head)
        notes = [note.strip(), _told(names, by.language)] if names else [note]
        try:
            saved = save(
                release,
                merged.text,
                base_id=head.id,
                by=by,
                at=at,
                note=" · ".join(one for one in notes if one),
            )
        except Conflict:
            db.session.expire(release)
            continue
        return Saved(saved, names)
    raise Conflict("saved_meanwhile", revision=release.head_id)


# What the above is made of


@dataclass(frozen=True)
class _Hunk:
    """The items `low` to `high` of the base have become `items`."""

    low: int
    high: int
    items: tuple[str, ...]


def _whole(part: str, base: str, theirs: str, mine: str) -> tuple[str, list[Clash]]:
    if _like(mine) == _like(theirs) or _like(base) == _like(theirs):
        return mine, []
    if _like(base) == _like(mine):
        return theirs, []
    return mine, [Clash(part, theirs, mine)]


def _pieces(part: str, base: str, theirs: str, mine: str) -> tuple[str, list[Clash]]:
    """A part of several blocks."""
    split = _split_of(part)
    b, t, m = split(base), split(theirs), split(mine)
    if _alike(b, t):
        return mine, []
    if _alike(b, m):
        return theirs, []
    merged: list[str] = []
    clashes = []
    at = 0
    for low, high, hers, his in _regions(b, t, m):
        merged += b[at:low]
        at = high
        said, clash = _region(part, b, low, high, hers, his)
        if clash and merged:
            clash = replace(clash, after=merged[-1])
        merged += said
        clashes += [clash] if clash else []
    merged += b[at:]
    return BETWEEN[part].join(merged), clashes


def _region(
    part: str, base: Sequence[str], low: int, high: int, theirs: list[_Hunk], mine: list[_Hunk]
) -> tuple[list[str], Clash | None]:
    """What becomes of a stretch of the base that one of them or both have changed."""
    t, m = (_applied(base, low, high, hunks) for hunks in (theirs, mine))
    if not theirs or _alike(t, m):
        return m, None
    if not mine:
        return t, None
    between = BETWEEN[part]
    return m, Clash(part, between.join(t), between.join(m))


def _regions(
    base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]
) -> Iterator[tuple[int, int, list[_Hunk], list[_Hunk]]]:
    """The stretches of the base that were changed, with the changes of each; none overlap."""
    hunks = [(hunk, 0) for hunk in _hunks(base, theirs)] + [(h, 1) for h in _hunks(base, mine)]
    hunks.sort(key=lambda pair: (pair[0].low, pair[0].high, pair[1]))
    open_: tuple[int, int, list[_Hunk], list[_Hunk]] | None = None
    for hunk, whose in hunks:
        if open_ is not None and _touches(open_, hunk):
            low, high, *sides = open_
            open_ = (low, max(high, hunk.high), sides[0], sides[1])
        else:
            if open_ is not None:
                yield open_
            open_ = (hunk.low, hunk.high, [], [])
        open_[2 + whose].append(hunk)  # type: ignore[union-attr]
    if open_ is not None:
        yield open_


def _touches(region: tuple[int, int, list[_Hunk], list[_Hunk]], hunk: _Hunk) -> bool:
    """Whether a hunk that begins no earlier than the region changes something of it.

    Two that only lie side by side do not, but what two people put in at the same place does.
    """
    low, high = region[0], region[1]
    if hunk.low < high:
        return True
    return low == high == hunk.low == hunk.high


def _hunks(base: Sequence[str], other: Sequence[str]) -> Iterator[_Hunk]:
    """What turns the base into the other, in as small pieces as can be told apart."""
    steps = SequenceMatcher(
        None, [_like(one) for one in base], [_like(one) for one in other], autojunk=False
    ).get_opcodes()
    for op, low, high, start, end in steps:
        if op == "equal":
            continue
        if high - low == end - start:  # as many as before: each is its own
            for at in range(high - low):
                yield _Hunk(low + at, low + at + 1, (other[start + at],))
        else:
            yield _Hunk(low, high, tuple(other[start:end]))


def _applied(base: Sequence[str], low: int, high: int, hunks: Iterable[_Hunk]) -> list[str]:
    made: list[str] = []
    at = low
    for hunk in hunks:
        made += [*base[at : hunk.low], *hunk.items]
        at = hunk.high
    return [*made, *base[at:high]]


def _things(
    part: str, base: list[Thing], theirs: list[Thing], mine: list[Thing]
) -> tuple[list[Thing], list[Clash]]:
    """A list of things that are known by their number or address."""
    if theirs == base:
        return list(mine), []
    if mine == base:
        return list(theirs), []
    was, hers, his = ({_key(one): one for one in side} for side in (base, theirs, mine))
    kept: dict[Any, Thing] = {}
    clashes = []
    for key in dict.fromkeys([*hers, *his]):
        old, new, own = was.get(key), hers.get(key), his.get(key)
        chosen = new if own == old else own
        if new not in (old, own) and own not in (old, new):
            clashes.append(Clash(part, _one_or_none(new), _one_or_none(own)))
        if chosen is not None:
            kept[key] = chosen
    order = _in_order([one for one in was if one in kept], list(hers), list(his), set(kept))
    return [kept[key] for key in order], clashes


def _one_or_none(thing: Thing | None) -> tuple[Thing, ...]:
    return () if thing is None else (thing,)


def _in_order(
    base: Sequence[Any], theirs: Sequence[Any], mine: Sequence[Any], kept: set[Any]
) -> list[Any]:
    """The order of whoever moved things, mine first; what the other has added after its like."""
    moved = [key for key in mine if key in base] != [key for key in base if key in mine]
    leading, other = (mine, theirs) if moved else (theirs, mine)
    order = [key for key in leading if key in kept]
    for at, key in enumerate(other):
        if key in kept and key not in order:
            before = [one for one in other[:at] if one in order]
            order.insert(order.index(before[-1]) + 1 if before else 0, key)
    return order


def _settle_thing(text: Text, clash: Clash) -> Text:
    """Their version of one thing of a list. Two of the same cannot stand side by side."""
    known = {_key(one) for one in (*clash.mine, *clash.theirs) if isinstance(one, dict)}
    here: list[Thing] = getattr(text, clash.part)
    at = next((n for n, one in enumerate(here) if _key(one) in known), len(here))
    kept = [one for one in here if _key(one) not in known]
    return _with(text, clash.part, [*kept[:at], *clash.theirs, *kept[at:]])


def _with(text: Text, part: str, said: Any) -> Text:
    return replace(text, **{part: said})


def _key(thing: Thing) -> Any:
    """What tells one thing of a list from another. A link is its words and its address."""
    return thing["id"] if "id" in thing else (thing["label"], thing["url"])


def _place_of(wanted: Sequence[str], among: Sequence[str]) -> int | None:
    """Where some blocks stand in a row; nowhere when there are none."""
    if not wanted:
        return None
    for at in range(len(among) - len(wanted) + 1):
        if _alike(wanted, among[at : at + len(wanted)]):
            return at
    return None


def _split_of(part: str) -> Callable[[str], list[str]]:
    return blocks if part == "body" else _paragraphs


def _paragraphs(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"\n\s*\n", text) if one.strip()]


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    return [_like(item) for item in one] == [_like(item) for item in other]


def _like(text: str) -> str:
    """A text as it is compared: where its lines break says nothing."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip()


def _authors_since(release: Release, base: Revision, language: str) -> tuple[str, ...]:
    """Who saved after `base`, the first first; nobody twice."""
    later = db.session.scalars(
        sa.select(Revision)
        .where(Revision.release_id == release.id, Revision.number > base.number)
        .options(joinedload(Revision.author))
        .order_by(Revision.number)
    )
    machine = translate("releases.by_machine", language)
    return tuple(dict.fromkeys(one.author.name if one.author else machine for one in later))


def _told(names: Sequence[str], language: str) -> str:
    return translate("editing.merged_note", language, names=listed(names, language))


def listed(names: Sequence[str], language: str) -> str:
    """`Alva, Bo och Cia`."""
    *first, last = names
    return translate("editing.and", language, first=", ".join(first), last=last) if first else last
