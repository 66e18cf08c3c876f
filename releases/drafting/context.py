"""What a draft needs to know beside the rows."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from releases.drafting.language import HouseStyle

SHAPES = ("amount_first", "count_first", "theme_first")


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
    `headline_shape` is one of SHAPES: what a headline begins with, if it fits.
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
    headline_shape: str = SHAPES[0]
