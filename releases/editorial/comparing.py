"""What changed between two revisions, word by word. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from app.core.html import plain
from releases.editorial.models import Revision

Parts = list[tuple[str, str]]


def changes(old: str, new: str) -> Parts:
    """(op, text) pairs with op 'same', 'delete' or 'insert'; joined they give both texts."""
    before, after = _words(old), _words(new)
    parts: Parts = []
    for op, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            parts.append(("same", "".join(before[a:b])))
            continue
        if a < b:
            parts.append(("delete", "".join(before[a:b])))
        if c < d:
            parts.append(("insert", "".join(after[c:d])))
    return parts


def compare(old: Revision, new: Revision) -> list[tuple[str, Parts]]:
    """The parts of a release that differ, as (part, changes); parts without a change left out."""
    pairs = [(part, _text(old, part), _text(new, part)) for part in PARTS]
    return [(part, changes(a, b)) for part, a, b in pairs if a != b]


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
