"""What a correction could say: the figures that were wrong beside the right ones. Pure but for
the question which versions have been live."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from app.core.words import translate
from releases.editorial.binding import Bound, Worded, bound_in
from releases.editorial.models import Publication, Release

MOST = 4  # figures in one note; beyond that a person tells it better
READ_IN = ("lead", "body", "headline")  # the exact figure stands in the lead, a round one above it


def differing(old: Worded, new: Worded) -> list[tuple[Bound, Bound]]:
    """The figures that both texts have and that are not the same in them, as they are said."""
    before, after = _figures(old), _figures(new)
    return [
        (was, after[name])
        for name, was in before.items()
        if name in after and was.value != after[name].value and not name.endswith(".list")
    ]


def proposed_note(release: Release) -> str:
    """*I en tidigare version angavs … Rätt uppgift är …* out of the figures that differ.

    Empty when none does: then only a person knows what was wrong.
    """
    if release.live is None:
        return ""
    pairs = [(_inside(a), _inside(b)) for a, b in differing(release.live, release.head)]
    pairs = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]
    if not pairs or len(pairs) > MOST:
        return ""
    language = release.language
    return translate(
        "after.note",
        language,
        n=len(pairs),
        wrong=_listed([old for old, _ in pairs], language),
        right=_listed([new for _, new in pairs], language),
    )


def wrong_since(release: Release, history: Sequence[Publication]) -> int | None:
    """The first version of those live in a row that had one of the wrong figures.

    None when no figure differs, so that nothing tells since when something was wrong.
    """
    if release.live is None:
        return None
    wrong = {(was.name, was.value) for was, _ in differing(release.live, release.head)}
    first = None
    for one in reversed(history):
        said = {(name, bound.value) for name, bound in _figures(one.revision).items()}
        if not wrong & said:
            break
        first = one.revision.number
    return first


def _figures(text: Worded) -> dict[str, Bound]:
    """Each figure as it is said first."""
    found: dict[str, Bound] = {}
    for part in READ_IN:
        for bound in bound_in(getattr(text, part)):
            found.setdefault(bound.name, bound)
    return found


def _inside(bound: Bound) -> str:
    """A figure's words as they stand inside a sentence: *Elva kommuner* opened one."""
    words = " ".join(bound.words.split(" "))
    opens = words[:1].isupper() and words[1:2].islower()
    return words[0].lower() + words[1:] if opens and _is_counted(bound) else words


def _is_counted(bound: Bound) -> bool:
    """Whether it is a number or numbers of kinds, and no name that keeps its capital."""
    try:
        Decimal(bound.value)
    except InvalidOperation:
        return ": " in bound.value
    return True


def _listed(words: list[str], language: str) -> str:
    if len(words) == 1:
        return words[0]
    return translate("after.note_list", language, first=", ".join(words[:-1]), last=words[-1])
