"""What stands between a release and its publication, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.errors import NotNow
from releases.editorial.models import Release


class Weight(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True)
class Line:
    """One thing to look at. `code` has words in the `preflight` catalogue, filled by `facts`.

    `about` tells several lines of one code apart (a contact's or an image's number, an address).
    """

    code: str
    weight: Weight
    facts: dict[str, Any] = field(default_factory=dict)
    about: str = ""

    @property
    def key(self) -> str:
        return f"{self.code}:{self.about}" if self.about else self.code


def preflight(release: Release, *, at: datetime) -> list[Line]:
    """Every line for the head, blocking ones first; overridden ones left out."""
    return []


def stop_if_blocked(release: Release, *, at: datetime) -> None:
    """Raises NotNow, saying how many and which, when a line blocks publication."""
    blocking = [line for line in preflight(release, at=at) if line.weight is Weight.BLOCK]
    if blocking:
        raise NotNow("preflight_blocks", n=len(blocking), lines=blocking)
