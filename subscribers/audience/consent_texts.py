"""What people were promised where they signed up: every version, word for word, for good.

A subscription keeps the version's name, so that it can be shown to what its owner said yes. The
form shows the newest; a test fails when its words change and no new version is written here.
"""

from __future__ import annotations

TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "2026-11": {
        "sv": (
            "Endast mejladress behövs.",
            "Den används bara här.",
            "Du kan avanmäla dig när som helst.",
        ),
        "en": (
            "An e-mail address is all we need.",
            "It is used only for this.",
            "Unsubscribe whenever you like.",
        ),
    },
}
CURRENT = "2026-11"


def words_of(version: str, language: str) -> tuple[str, ...]:
    """The promise as it read; empty for a yes that was given elsewhere, as with an import."""
    return TEXTS.get(version, {}).get(language, ())
