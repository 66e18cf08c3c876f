"""Swedish alphabetical order, whatever the machine's locale is.

a–z å ä ö; é stands as e; space and hyphen come before letters; digits by their number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LETTERS = "abcdefghijklmnopqrstuvwxyzåäö"
PLACED_AS = str.maketrans({"æ": "ä", "ø": "ö", "ü": "y", "ß": "ss", "ð": "d", "þ": "th", "ł": "l"})

GAP, NUMBER, LETTER, OTHER = range(4)
Key = tuple[tuple[tuple[int, int], ...], str]


def in_swedish_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=swedish_key))


def swedish_key(name: str) -> Key:
    """A sort key; the name itself settles what the alphabet cannot (`idé` and `ide`)."""
    text = unicodedata.normalize("NFC", name).casefold().translate(PLACED_AS)
    pieces = re.findall(r"[0-9]+|.", text, flags=re.DOTALL)
    return tuple(_place(p) for p in pieces if not _is_silent(p)), name


def _place(piece: str) -> tuple[int, int]:
    if piece[0] in "0123456789":
        return NUMBER, int(piece[:4000])
    if piece.isspace() or piece in "-–—/":
        return GAP, 0
    letter = piece if piece in LETTERS else unicodedata.normalize("NFD", piece)[0]
    if letter in LETTERS:
        return LETTER, LETTERS.index(letter)
    return OTHER, ord(letter)


def _is_silent(piece: str) -> bool:
    return piece in "'’`.,\"”“" or bool(unicodedata.combining(piece[0]))
