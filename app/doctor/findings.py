"""What a look at an installation says: a finding with its words, what to do, and the DNS line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.core.words import catalogue, translate
from app.core.words.language import interface_language

STRING = 255  # characters that one string of a TXT record holds


class Level(StrEnum):
    """How much it matters. Only what is wrong makes `pressrum doctor` end with 1."""

    OK = "ok"
    ADVICE = "advice"
    UNKNOWN = "unknown"  # nobody answered, so nobody can say
    WRONG = "wrong"


@dataclass(frozen=True)
class Record:
    """A line for DNS, to be pasted; `kind` is TXT."""

    name: str
    kind: str
    value: str

    def __str__(self) -> str:
        """As a zone file has it: one string holds 255 characters at most (RFC 1035 3.3.14)."""
        parts = (self.value[at : at + STRING] for at in range(0, len(self.value), STRING))
        strings = " ".join(f'"{part}"' for part in parts)
        return f"{self.name}. {self.kind} {strings}"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `key` names its words: `trust.<key>.what` and `.todo`."""

    name: str
    level: Level
    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    record: Record | None = None

    @property
    def ok(self) -> bool:
        return self.level is not Level.WRONG

    @property
    def text(self) -> str:
        """What was found, in the language of whoever asks."""
        return self._said("what", interface_language())

    @property
    def todo(self) -> str:
        """What to do about it; empty when there is nothing to do."""
        language = interface_language()
        if f"trust.{self.key}.todo" not in catalogue(language):
            return ""
        return self._said("todo", language)

    def _said(self, part: str, language: str) -> str:
        facts = dict(self.facts)
        if reason := facts.get("reason"):  # a word of the program, not of the person
            facts["reason"] = translate(f"trust.reason.{reason}", language)
        return translate(f"trust.{self.key}.{part}", language, **facts)

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ok": self.ok,
            "level": self.level.value,
            "text": self.text,
            "todo": self.todo,
            "record": str(self.record) if self.record else None,
        }


def ok(name: str, key: str, /, **facts: Any) -> Finding:
    return Finding(name, Level.OK, key, facts)


def advice(name: str, key: str, /, *, record: Record | None = None, **facts: Any) -> Finding:
    return Finding(name, Level.ADVICE, key, facts, record)


def unknown(name: str, key: str, /, **facts: Any) -> Finding:
    return Finding(name, Level.UNKNOWN, key, facts)


def wrong(name: str, key: str, /, *, record: Record | None = None, **facts: Any) -> Finding:
    return Finding(name, Level.WRONG, key, facts, record)
