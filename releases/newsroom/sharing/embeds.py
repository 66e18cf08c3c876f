"""Releases on other sites: the code that is pasted, and what oEmbed tells software. Pure.

oEmbed 1.0 (oembed.com). The code is an iframe and nothing else: no script of ours runs in anybody's
page, and what is shown in it can do nothing but open a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from markupsafe import Markup

from app.core.words import LANGUAGES
from releases.newsroom.feeds.items import words

WIDTH, HEIGHT = 600, 380  # of one release, for software that asks for numbers
LATEST_HEIGHT = 520
ONE = re.compile(rf"/({'|'.join(LANGUAGES)})/releases/([^/\0]+)/?")
FRONT = re.compile(rf"/({'|'.join(LANGUAGES)})/?")
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


@dataclass(frozen=True)
class Target:
    """What an address of ours shows; without a slug the newsroom's front."""

    language: str
    slug: str = ""


def target_of(url: str, *, base: str) -> Target | None:
    """Which page of ours an address is of; None when it is none that can be embedded.

    http and https count as the same, and so does what stands after `?` or `#`.
    """
    try:
        asked, ours = urlsplit(url.strip()), urlsplit(base)
        if asked.scheme not in ("http", "https") or asked.netloc.lower() != ours.netloc.lower():
            return None
    except ValueError:
        return None
    if found := ONE.fullmatch(asked.path):
        return Target(found[1], found[2])
    found = FRONT.fullmatch(asked.path)
    return Target(found[1]) if found else None


def code(address: str, *, title: str, width: int | str = "100%", height: int = HEIGHT) -> str:
    """The iframe that shows an embedded page of ours, as text to paste."""
    return str(
        Markup(
            '<iframe src="{}" title="{}" width="{}" height="{}" loading="lazy"'
            ' frameborder="0" sandbox="{}"></iframe>'
        ).format(address, title, width, height, SANDBOX)
    )


def room(wanted: Mapping[str, str], *, height: int) -> tuple[int, int]:
    """Width and height within `maxwidth` and `maxheight`; what is no such number is not heard."""
    return (
        min(WIDTH, _most(wanted.get("maxwidth"))),
        min(height, _most(wanted.get("maxheight"))),
    )


def as_xml(answer: Mapping[str, Any]) -> str:
    """An oEmbed answer as the specification's XML."""
    parts = "".join(f"<{name}>{escape(words(str(said)))}</{name}>" for name, said in answer.items())
    return f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{parts}</oembed>\n'


def _most(text: str | None) -> int:
    given = text or ""
    if not (given.isascii() and given.isdigit() and len(given) < 9):
        return 10**9
    return int(given) or 10**9
