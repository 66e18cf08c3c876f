"""Holds JSON documents against JSON Schema 2020-12: the part of it that our schemas use.

A word of a schema that is not known here fails, so that nothing is passed over in silence.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
SILENT = {"description", "title", "default", "contentMediaType", "$schema", "$id", "$defs"}


def problems(value: Any, schema: dict[str, Any], whole: dict[str, Any], at: str = "$") -> list[str]:
    """What is wrong with a value; empty when it fits. `whole` is where references lead."""
    found: list[str] = []
    for word, said in schema.items():
        if word in SILENT:
            continue
        wrong = WORDS[word](value, said, schema, whole, at)
        found += [one if one.startswith("$") else f"{at}: {one}" for one in wrong]
    return found


def _ref(value: Any, said: str, _schema: Any, whole: dict[str, Any], at: str) -> list[str]:
    target: Any = whole
    for part in said.removeprefix("#/").split("/"):
        target = target[part]
    return problems(value, target, whole, at)


def _type(value: Any, said: str, *_more: Any) -> list[str]:
    right = isinstance(value, KINDS[said]) and not (
        isinstance(value, bool) and said in ("integer", "number")
    )
    return [] if right else [f"{value!r} is no {said}"]


def _required(value: Any, said: list[str], *_more: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [f"{name} is missing" for name in said if name not in value]


def _properties(
    value: Any, said: dict[str, Any], _schema: Any, whole: dict[str, Any], at: str
) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [
        problem
        for name, schema in said.items()
        if name in value
        for problem in problems(value[name], schema, whole, f"{at}.{name}")
    ]


def _additional(value: Any, said: bool, schema: dict[str, Any], *_more: Any) -> list[str]:
    assert said is False
    if not isinstance(value, dict):
        return []
    return [f"{name} is unknown" for name in value if name not in schema.get("properties", {})]


def _items(value: Any, said: dict[str, Any], _schema: Any, whole: Any, at: str) -> list[str]:
    if not isinstance(value, list):
        return []
    return [
        problem
        for place, one in enumerate(value)
        for problem in problems(one, said, whole, f"{at}[{place}]")
    ]


def _any_of(value: Any, said: list[Any], _schema: Any, whole: Any, at: str) -> list[str]:
    tried = [problems(value, one, whole, at) for one in said]
    return [] if [] in tried else [f"{at}: fits none of {len(said)}", *min(tried, key=len)]


def _one_of(value: Any, said: list[Any], _schema: Any, whole: Any, at: str) -> list[str]:
    fitting = [one for one in said if not problems(value, one, whole, at)]
    return [] if len(fitting) == 1 else [f"fits {len(fitting)} of {len(said)}"]


def _enum(value: Any, said: list[Any], *_more: Any) -> list[str]:
    return [] if value in said else [f"{value!r} is none of {said}"]


def _const(value: Any, said: Any, *_more: Any) -> list[str]:
    return [] if value == said else [f"{value!r} is not {said!r}"]


def _pattern(value: Any, said: str, *_more: Any) -> list[str]:
    return [] if not isinstance(value, str) or re.search(said, value) else [f"{value!r} differs"]


def _minimum(value: Any, said: float, *_more: Any) -> list[str]:
    return [] if not isinstance(value, int | float) or value >= said else [f"{value} is too small"]


def _maximum(value: Any, said: float, *_more: Any) -> list[str]:
    return [] if not isinstance(value, int | float) or value <= said else [f"{value} is too large"]


def _format(value: Any, said: str, *_more: Any) -> list[str]:
    if not isinstance(value, str):
        return []
    try:
        if said == "date":
            date.fromisoformat(value)
        elif said == "date-time":
            assert datetime.fromisoformat(value).tzinfo is not None
            assert "T" in value
        elif said == "uri":
            parts = urlsplit(value)
            assert parts.scheme
            assert value.isascii()
            assert " " not in value
        else:
            raise KeyError(said)
    except (ValueError, AssertionError):
        return [f"{value!r} is no {said}"]
    return []


WORDS: dict[str, Any] = {
    "$ref": _ref,
    "type": _type,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "format": _format,
}
