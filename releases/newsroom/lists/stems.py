"""Words as the search compares them: without case and endings. Pure.

The same is done to a text when it is written down and to a question when it is asked, in Python, so
that both databases find the same. å, ä and ö are letters of their own; `bare` is for a second try.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

SPEECH = {"sv": "swedish", "en": "english"}
LONGEST = 40  # letters of a word that count
INVISIBLE = {ord(one): None for one in "\u00ad\u200b\u200c\u200d\u2060\ufeff\0"}
WORD = re.compile(r"[^\W_]+(?:['’]s\b)?")
STROKES = str.maketrans({"ø": "o", "æ": "a", "đ": "d", "ł": "l"})


@dataclass(frozen=True)
class Found:
    """A word of a text and where it stands in it."""

    word: str
    start: int
    end: int


def visible(text: str) -> str:
    """The text with composed letters and without what nobody sees, such as soft hyphens."""
    return unicodedata.normalize("NFC", text.translate(INVISIBLE))


def words_in(text: str) -> Iterator[Found]:
    """Every word of a `visible` text, in lower case; an English 's is left out."""
    for match in WORD.finditer(text):
        word = re.sub(r"['’]s$", "", match[0]).lower()
        word = "".join(letter for letter in word if letter.isalnum())[:LONGEST]
        if word:
            yield Found(word, match.start(), match.end())


def words_of(text: str) -> list[str]:
    """The words alone."""
    return [found.word for found in words_in(visible(text))]


def stems(words: Sequence[str], language: str) -> list[str]:
    """Each word without its ending: `bidraget` and `bidragen` are `bidrag`."""
    return [_stem(word, language) for word in words]


def bare(word: str) -> str:
    """The word without marks over its letters: `kavlinge` for `kävlinge`."""
    letters = unicodedata.normalize("NFD", word.translate(STROKES))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@lru_cache(maxsize=20_000)
def _stem(word: str, language: str) -> str:
    import snowballstemmer  # thirty languages; loaded only where somebody searches or publishes

    # A stemmer holds the word it works on, so that two threads must not share one.
    stemmed: str = snowballstemmer.stemmer(SPEECH[language]).stemWord(word)
    if language == "sv":  # skolan, demokratin, kommittén: endings that the stemmer does not know
        stemmed = re.sub(r"(?<=...)an$|(?<=...i)n$|(?<=..é)n$", "", stemmed)
    return stemmed or word
