"""Reading our own HTML back in a test."""

from __future__ import annotations

import re


def figures_in(text: str) -> list[tuple[str, str]]:
    """The figures bound in a cleaned text: (name, value) in order."""
    found = re.findall(r"<data ([^>]*)>", text)
    attributes = [dict(re.findall(r'([a-z-]+)="([^"]*)"', one)) for one in found]
    return [(a["data-figure"], a.get("value", "")) for a in attributes if "data-figure" in a]
