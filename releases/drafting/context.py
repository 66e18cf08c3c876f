"""What a draft needs to know beside the rows."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from releases.drafting.language import HouseStyle


@dataclass(frozen=True)
class Quote:
    """Words that someone has said. `slot` is where they go: `authority` or `head`."""

    slot: str
    words: str
    speaker: str
    title: str = ""
    organisation: str = ""


@dataclass(frozen=True)
class Context:
    """The facts from the form. An empty one is left out or becomes a gap, never a guess.

    `purpose` continues "10,6 miljoner kronor till …". `source_language` is that of the table.
    """

    language: str
    programme: str
    organisation: str = ""
    organisation_short: str = ""
    purpose: str = ""
    read_more_url: str = ""
    decided_on: datetime.date | None = None
    style: HouseStyle = field(default_factory=HouseStyle)
    source_language: str = "sv"
    quotes: tuple[Quote, ...] = ()
