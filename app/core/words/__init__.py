"""The interface's words in Swedish and English.

One flat JSON catalogue per language and part of the product: `sv/rounds.json` holds the keys that
begin with `rounds.`. Values are `str.format` texts; a value may be a pair of singular and plural,
chosen by the fact `n`. A test compares the languages key by key and placeholder by placeholder.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("sv", "en")


@cache
def catalogue(language: str) -> dict[str, str | list[str]]:
    """Every word of one language. Raises KeyError for a language we do not have."""
    if language not in LANGUAGES:
        raise KeyError(language)
    words: dict[str, str | list[str]] = {}
    for file in sorted((Path(__file__).parent / language).glob("*.json")):
        for key, text in json.loads(file.read_text(encoding="utf-8")).items():
            words[f"{file.stem}.{key}"] = text
    return words


def translate(key: str, language: str, /, **facts: Any) -> str:
    """The text of `key` with its facts filled in. Raises KeyError when the key is missing."""
    text = catalogue(language)[key]
    if isinstance(text, list):
        text = text[0] if facts.get("n") == 1 else text[1]
    return text.format(**facts) if facts else text
