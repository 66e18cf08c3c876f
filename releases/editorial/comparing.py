"""What changed between two revisions, word by word. Pure.

A figure is compared by its value as well as its words: *tio miljoner* that meant 10 200 000 and now
means 10 400 000 is a change, and then both values are told.
"""

from __future__ import annotations

import html
import re
from difflib import SequenceMatcher

from app.core.html import plain
from releases.editorial.models import Revision

Parts = list[tuple[str, str]]

PARTS = (
    "headline",
    "lead",
    "body",
    "about_programme",
    "contacts",
    "links",
    "images",
    "documents",
)
FIGURE = re.compile(r'<data((?:\s+[a-z-]+="[^"]*")*)\s*>(.*?)</data>', re.DOTALL)
LINK = re.compile(r'<a(?:\s[^>]*?)?\shref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
EMBEDDED = re.compile(r'<figure data-(image|document|contact)="([0-9]+)"></figure>')
# Marks that no text holds: within one word of a comparison, and around what is seen only when
# that is all that has changed.
HELD, HELD_FAST, HIDDEN, SHOWN = "\ue010", "\ue011", "\ue012", "\ue013"
MARKS = dict.fromkeys(map(ord, (HELD, HELD_FAST, HIDDEN, SHOWN)))
BEHIND = re.compile(f"{HIDDEN}([^{SHOWN}]*){SHOWN}")
PICTURED = "▣ "  # stands for something embedded


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
        parts += [*_change(gone, come), ("same", _seen(was))]
        gone = come = ""
    return [*parts, *_change(gone, come)]


def compare(old: Revision, new: Revision) -> list[tuple[str, Parts]]:
    """The parts of a release that differ, as (part, changes); parts without a change left out."""
    pairs = [(part, _text(old, part), _text(new, part)) for part in PARTS]
    return [(part, changes(a, b)) for part, a, b in pairs if a != b]


def only_form_differs(old: Revision, new: Revision) -> bool:
    """Whether every word is the same and yet something is not: a heading, a list, bold words."""
    return not compare(old, new) and any(getattr(old, p) != getattr(new, p) for p in PARTS)


def _change(gone: str, come: str) -> Parts:
    """What went and what came. Where words read alike, what stands behind them is told."""
    pairs = (("delete", gone, come), ("insert", come, gone))
    return [(op, _told(text, other)) for op, text, other in pairs if text]


def _told(text: str, other: str) -> str:
    elsewhere = {_seen(word): word for word in _words(other)}
    return "".join(
        _seen(BEHIND.sub(lambda found: f" ({found[1]})", word))
        if elsewhere.get(_seen(word), word) != word
        else _seen(word)
        for word in _words(text)
    )


def _seen(text: str) -> str:
    return BEHIND.sub("", text).replace(HELD, " ").replace(HELD_FAST, "\u00a0")


def _text(revision: Revision, part: str) -> str:
    if part == "contacts":
        return "\n".join(
            ", ".join(str(c[key]) for key in ("name", "title", "phone", "email") if c[key])
            for c in revision.contacts
        )
    if part == "links":
        return "\n".join(f"{link['label']}: {link['url']}" for link in revision.links)
    if part == "images":
        return "\n".join(map(_picture, revision.images))
    if part == "documents":
        return "\n".join(f"{one['title']} ({one['filename']})" for one in revision.documents)
    text: str = getattr(revision, part).translate(MARKS)
    return text if part == "about_programme" else plain(_with_what_is_behind(text, revision))


def _picture(image: dict[str, str]) -> str:
    shown = (image["filename"], image["caption"], image["alt"], image["credit"], image["licence"])
    return " · ".join(one for one in shown if one)


def _with_what_is_behind(text: str, revision: Revision) -> str:
    """HTML whose figures and links carry their value and address, and with embedded things named.

    A list of names is not: which names came and went says it better.
    """
    text = EMBEDDED.sub(lambda found: f"<p>{PICTURED}{_named(revision, *found.groups())}</p>", text)
    text = FIGURE.sub(_figure, text)
    return LINK.sub(lambda found: f"{found[2]}{HIDDEN}{_held(found[1])}{SHOWN}", text)


def _figure(found: re.Match[str]) -> str:
    value = re.search(r'\svalue="([^"]*)"', found[1])
    behind = value[1] if value else ""
    if ";" in behind or "<" in found[2]:
        return found[2]
    return f"{_held(found[2])}{HIDDEN}{_held(_grouped(behind))}{SHOWN}"


def _grouped(value: str) -> str:
    """10641000 as people read it."""
    if not re.fullmatch(r"[0-9]{5,}(?:\.[0-9]+)?", value):
        return value
    whole, point, rest = value.partition(".")
    return f"{int(whole):,}".replace(",", "\u00a0") + ("," if point else "") + rest


def _held(text: str) -> str:
    return re.sub(r"\s", HELD, text.replace("\u00a0", HELD_FAST))


def _named(revision: Revision, kind: str, number: str) -> str:
    """What an embedded thing is called."""
    printed = {
        "image": revision.images,
        "document": revision.documents,
        "contact": revision.contacts,
    }[kind]
    for one in printed:
        if str(one["id"]) == number:
            name = one.get("caption") or one.get("title" if kind == "document" else "name")
            return html.escape(str(name or one.get("filename", number)))
    return number


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s]+", text)
