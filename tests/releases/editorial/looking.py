"""What a page says to its reader, and what it asks of the database."""

from __future__ import annotations

import re
from html import unescape


def words(page: str) -> str:
    """A page as read, without its tags and with ordinary spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
