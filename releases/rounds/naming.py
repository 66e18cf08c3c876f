"""What figures are called by people: `Totalt`, `Karlstads kommun: belopp`."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.words import translate
from releases.rounds.figures import Figure


def called(name: str, language: str, *figures: Mapping[str, Figure]) -> str:
    """A figure's name for people. `figures`: where the grantee of an award's figure is found."""
    key = f"rounds.figure.{name}"
    first, _, rest = name.partition(".")
    if first == "kinds" and rest:
        return translate("rounds.figure.of_kind", language, kind=_kind(rest, language))
    if first != "award":
        return _word(key, language, name)
    number, _, part = rest.partition(".")
    grantee = f"award.{number}.grantee"
    who = next((known[grantee].value for known in figures if grantee in known), number)
    return f"{who}: {_word(f'rounds.figure.award.{part}', language, part)}"


def _kind(kind: str, language: str) -> str:
    return _word(f"rounds.kind.{kind}", language, kind)


def _word(key: str, language: str, otherwise: str) -> str:
    try:
        return translate(key, language)
    except KeyError:
        return otherwise
