"""Which language a page speaks: the address of a public page says it, else the person does."""

from __future__ import annotations

import os
from typing import Any

from flask import g, has_request_context, request
from flask_login import current_user

from app.core.words import LANGUAGES, translate


def interface_language() -> str:
    """'sv' or 'en' for this request.

    In order: what the view has set, in the office the signed-in person's choice, the browser's
    wish, Swedish. Public pages never look who is signed in. At a terminal its own language decides.
    """
    if not has_request_context():
        return _terminal_language()
    if chosen := g.get("language"):
        return str(chosen)
    if request.path.startswith("/office") and (person := _signed_in_language()):
        return person
    return preferred_language()


def t(key: str, /, **facts: Any) -> str:
    """The text of `key` in the language of this page, its facts filled in."""
    return translate(key, interface_language(), **facts)


def speak(language: str) -> None:
    """Let this request's page speak `language`."""
    g.language = language


def preferred_language() -> str:
    """The visitor's own wish among ours, Swedish when the browser says nothing we have."""
    return request.accept_languages.best_match(LANGUAGES, default="sv") or "sv"


def _terminal_language() -> str:
    said = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "en" if next(filter(None, said), "").startswith("en") else "sv"


def _signed_in_language() -> str | None:
    return current_user.language if current_user and current_user.is_authenticated else None
