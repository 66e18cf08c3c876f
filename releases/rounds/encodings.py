"""The encodings of text files: which one a file is in, and words whose letters came out wrong.

UTF-8 and UTF-16 can be told from their bytes; the others cannot, so that a file in Mac Roman opens
as Windows-1252 without complaint and turns Umeå into UmeŒ. Such words are looked for, and the
encoding that makes Swedish of them is proposed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from releases.rounds.grids import Unreadable

CODECS = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "Windows-1252": "cp1252",
    "Mac Roman": "mac_roman",
    "CP850": "cp850",
}
OFFERED = ("UTF-8", "Windows-1252", "Mac Roman", "CP850")
_OLD = ("Windows-1252", "Mac Roman", "CP850")

# UTF-8 that somebody read as Windows-1252 or as Mac Roman: no word of any language looks so.
# Each begins where a word does: tried from every letter, a long word would take for ever.
_TWICE = re.compile(r"(?<!\w)\w*(?:Ã[¥¤¶…„–©¼\x85\x84\x96]|√[•§∂ÖÑº©]|√Ö)\w*")
# å, ä, ö of one old encoding read as another.
_STRANGE = {
    "Windows-1252": re.compile(
        r"(?<!\w)\w*[A-Za-zåäö][ŒŠš†„”][a-zåäöŒŠš†„”]*|(?<!\w)[€…Ž™][a-zåäö]{2,}"
    ),
    "Mac Roman": re.compile(
        r"(?<!\w)\w*[A-Za-zåäö][ÂÜÑ‰ˆî][a-zåäö‰ˆî]*|(?<!\w)[≈ƒ÷èô][a-zåäö]{2,}"
    ),
    "CP850": re.compile(r"(?<!\w)\w*[A-Za-zåäö][ÕÜõ÷îè][a-zåäöõ÷îè]*|(?<!\w)[┼─ÍÇà][a-zåäö]{2,}"),
}
_SWEDISH = re.compile(r"(?<![A-Za-zåäöÅÄÖ])[A-Za-zåäöÅÄÖ]*[åäöÅÄÖ][A-Za-zåäöÅÄÖ]*")


@dataclass(frozen=True)
class Decoded:
    """A file's text and the name of its encoding; a word that came out wrong, and what mends it.

    `is_guess` is true when the file could be in another old encoding just as well.
    """

    text: str
    encoding: str
    broken: str | None = None
    rather: str | None = None
    is_guess: bool = False


def decoded(content: bytes, encoding: str | None = None) -> Decoded:
    """The text in the encoding asked for, else UTF-16 by its mark, UTF-8, Windows-1252, older ones.

    Raises Unreadable for bytes that are no text, or not in the encoding that was asked for.
    """
    if encoding is not None:
        name = named(encoding)
        text = _decode(content, name) if name else None
        if name is None or text is None:
            raise Unreadable("encoding_wrong", encoding=encoding)
        return _judged(content, _readable(text), name)
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for name in ("UTF-16",) if marked else ("UTF-8", "Windows-1252"):
        if (text := _decode(content, name)) is not None:
            return _judged(content, _readable(text), name)
    if marked:
        raise Unreadable("not_a_table")
    name = max(("Mac Roman", "CP850"), key=lambda older: _swedishness(content, older))
    text = _readable(_decode(content, name) or "\0")
    return replace(_judged(content, text, name), is_guess=True)


def named(encoding: str) -> str | None:
    """Our name of an encoding however it is written (`windows-1252`, `cp1252`, `macroman`)."""

    def plain(text: str) -> str:
        return re.sub(r"[\W_]|sig$", "", text.casefold())

    names = {plain(alias): name for name, codec in CODECS.items() for alias in (name, codec)}
    return names.get(plain(encoding))


def _decode(content: bytes, name: str) -> str | None:
    try:
        return content.decode(CODECS[name])
    except UnicodeDecodeError:
        return None


def _judged(content: bytes, text: str, name: str) -> Decoded:
    if twice := _TWICE.search(text):
        mending = "UTF-8" if name in _OLD and _decode(content, "UTF-8") is not None else None
        return Decoded(text, name, twice[0], mending)
    strange = _STRANGE[name].search(text) if name in _STRANGE else None
    if strange is None:
        return Decoded(text, name)
    better = max(_OLD, key=lambda other: _swedishness(content, other))
    if better == name or _swedishness(content, better) <= _swedishness(content, name):
        return Decoded(text, name)
    return Decoded(text, name, strange[0], better)


def _swedishness(content: bytes, name: str) -> int:
    """How many words have å, ä or ö in them, and none that look read in the wrong way."""
    text = _decode(content, name)
    if text is None:
        return -1_000_000
    strange = len(_STRANGE[name].findall(text)) + len(_TWICE.findall(text))
    return len(_SWEDISH.findall(text)) - 5 * strange


def _readable(text: str) -> str:
    """Raises Unreadable for a text that is something else than a table."""
    if text.startswith(("%PDF", "{\\rtf", "<!DOCTYPE", "<html", "<?xml")):
        raise Unreadable("not_a_table")
    if re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
        raise Unreadable("not_a_table")
    return text
