"""The catalogues: both languages say everything, with the same facts, and nothing is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from app.core.words import LANGUAGES, catalogue
from app.settings import CHECKOUT

CODE = [
    path for top in ("app", "releases", "subscribers") for path in (CHECKOUT / top).rglob("*.py")
]
TEMPLATES = [path for path in (CHECKOUT / "templates").rglob("*") if path.is_file()]
SCRIPTS = [
    path
    for folder in ("assets/scripts", "editor/src")
    for path in (CHECKOUT / "app" / folder).rglob("*.js")
]

ERRORS = {"BadInput", "Conflict", "NotAllowed", "NotFound", "NotNow"}
TRANSLATORS = {"t", "translate"}

# Flask-Security's own texts are keys here, dots and all; `t(kind ~ …)` of the macro badge.
ASKED_FROM_OUTSIDE = re.compile(r"security\..+|common\.(release|delivery|mailing)\.[^.]+")
PART = ".+"  # what is filled in while running


def texts(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def facts(value: str | list[str]) -> set[str]:
    return {name for text in texts(value) for _, name, _, _ in Formatter().parse(text) if name}


@cache
def calls() -> list[tuple[Path, str, str, frozenset[str] | None]]:
    """(file, function, literal first argument, names of the facts; None when some are unseen)."""
    found = []
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function, first = function_of(node), node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names = [keyword.arg for keyword in node.keywords]
                given = None if None in names else frozenset(name for name in names if name)
                found.append((path, function, first.value, given))
    return found


def used_in_templates() -> Iterator[tuple[Path, str]]:
    for path in TEMPLATES:
        for key in re.findall(r"\bt\(\s*['\"]([^'\"]+)['\"]\s*[,)]", path.read_text("utf-8")):
            yield path, key


@cache
def written() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in [*CODE, *TEMPLATES, *SCRIPTS])


def function_of(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def shape(text: ast.expr) -> tuple[str | None, ...]:
    """An f-string's own pieces, with None for what is filled in."""
    parts = [getattr(part, "value", None) for part in getattr(text, "values", [])]
    return tuple(part if isinstance(part, str) else None for part in parts)


@cache
def put_together() -> re.Pattern[str]:
    """What the keys look like that code or a template puts together from parts."""
    shapes = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and function_of(node) in ERRORS and node.args:
                shapes.add(("errors.", *shape(node.args[0])))
            elif isinstance(node, ast.JoinedStr):
                shapes.add(shape(node))
    for path in TEMPLATES:
        for call in re.findall(
            r"\bt\(\s*((?:'[^']*'|\"[^\"]*\")\s*~[^,)]*)", path.read_text("utf-8")
        ):
            pieces = [piece.strip() for piece in call.split("~")]
            shapes.add(tuple(p[1:-1] if p[0] in "'\"" else None for p in pieces))
    names = {key.partition(".")[0] for key in catalogue("sv")}
    shapes.discard(("errors.", None))  # answers for every error; each must be raised somewhere
    ours = [s for s in shapes if len(s) > 1 and str(s[0]).partition(".")[0] in names]
    return re.compile("|".join("".join(re.escape(p) if p else PART for p in s) for s in ours))


def is_asked_for(key: str) -> bool:
    if f'"{key}"' in written() or f"'{key}'" in written() or ASKED_FROM_OUTSIDE.fullmatch(key):
        return True
    if key.startswith("errors.") and f'"{key.partition(".")[2]}"' in written():
        return True
    return bool(put_together().fullmatch(key))


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_have_the_same_words(language: str) -> None:
    here, there = catalogue("sv"), catalogue("en")

    assert set(here) ^ set(there) == set()


def test_both_languages_name_the_same_facts() -> None:
    here, there = catalogue("sv"), catalogue("en")

    differing = {key for key in set(here) & set(there) if facts(here[key]) != facts(there[key])}
    assert not differing


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_and_a_plural_is_a_pair(language: str) -> None:
    for key, value in catalogue(language).items():
        assert all(text.strip() for text in texts(value)), key
        assert isinstance(value, str) or len(value) == 2, key


@pytest.mark.parametrize("path", sorted({path for path, _ in used_in_templates()}), ids=str)
def test_every_word_a_template_asks_for_exists(path: Path) -> None:
    words = catalogue("sv")

    assert not {key for where, key in used_in_templates() if where == path and key not in words}


def test_every_word_the_code_asks_for_exists() -> None:
    asked = {key for _, name, key, _ in calls() if name in TRANSLATORS and "." in key}

    assert not asked - set(catalogue("sv"))


def test_every_refusal_has_a_sentence_whose_facts_it_gives() -> None:
    words = catalogue("sv")

    for path, function, key, given in calls():
        if function not in ERRORS:
            continue
        where = f"{path.relative_to(CHECKOUT)}: {key}"
        assert f"errors.{key}" in words, where
        assert given is None or facts(words[f"errors.{key}"]) <= given, where


def test_no_word_is_left_over() -> None:
    assert not [key for key in catalogue("sv") if not is_asked_for(key)]
