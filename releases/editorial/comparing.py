"""What changed between two revisions, word by word. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from app.core.html import plain
from releases.editorial.models import Revision

Parts = list[tuple[str, str]]


def changes(old: str, new: str) -> Parts:
    """(op, text) pairs with op 'same', 'delete' or 'insert'; joined they give both texts.

    Words changed side by side are one change: the space they had in common says nothing.
    """
    before, after = _words(old), _words(new)
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    parts: Parts = []
    gone = come = ""
    for at, (op, a, b, c, d) in enumerate(steps):
        was, now = "".join(before[a:b]), "".join(after[c:d])
        is_between = 0 < at < len(steps) - 1
        if op != "equal" or (is_between and not was.strip()):
            gone, come = gone + was, come + now
            continue
        parts += [*_change(gone, come), ("same", was)]
        gone = come = ""
    return [*parts, *_change(gone, come)]


def compare(old: Revision, new: Revision) -> list[tuple[str, Parts]]:
    """The parts of a release that differ, as (part, changes); parts without a change left out."""
    pairs = [(part, _text(old, part), _text(new, part)) for part in PARTS]
    return [(part, changes(a, b)) for part, a, b in pairs if a != b]


def _change(gone: str, come: str) -> Parts:
    return [(op, text) for op, text in (("delete", gone), ("insert", come)) if text]


PARTS = ("headline", "lead", "body", "about_programme", "contacts", "links")


def _text(revision: Revision, part: str) -> str:
    if part == "contacts":
        return "\n".join(
            ", ".join(str(c[key]) for key in ("name", "title", "phone", "email") if c[key])
            for c in revision.contacts
        )
    if part == "links":
        return "\n".join(f"{link['label']}: {link['url']}" for link in revision.links)
    text: str = getattr(revision, part)
    return text if part == "about_programme" else plain(text)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s]+", text)
