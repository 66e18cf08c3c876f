"""What others may do with a picture. Pure.

Their words stand in the `media` catalogue as `licence.<code>` (a line to choose from) and
`licence.<code>.terms` (what readers are told under the picture).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Licence:
    """`for_media` is whether a newspaper may print it without asking anybody."""

    code: str
    for_media: bool = True
    url: str = ""


LICENCES = {
    licence.code: licence
    for licence in (
        Licence("press"),
        Licence("cc0", url="https://creativecommons.org/publicdomain/zero/1.0/"),
        Licence("cc-by", url="https://creativecommons.org/licenses/by/4.0/"),
        Licence("cc-by-sa", url="https://creativecommons.org/licenses/by-sa/4.0/"),
        Licence("cc-by-nc", for_media=False, url="https://creativecommons.org/licenses/by-nc/4.0/"),
        Licence("stock", for_media=False),
        Licence("agreement"),
    )
}
CREATIVE_COMMONS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/"
    r"(?:licenses/(by(?:-nc|-sa)?)/4\.0|publicdomain/(zero)/1\.0)(?:/|$)"
)


def rights_problems(printed_image: Mapping[str, Any], language: str) -> list[str]:
    """What stands between a printed picture and publication, as codes; empty when nothing does.

    `alt_missing` (in `language`, which the picture is printed in), `credit_missing`,
    `licence_missing`, `licence_not_for_media`.
    """
    found = []
    if not str(printed_image.get("alt") or "").strip():
        found.append("alt_missing")
    if not str(printed_image.get("credit") or "").strip():
        found.append("credit_missing")
    licence = LICENCES.get(str(printed_image.get("licence") or ""))
    if licence is None:
        found.append("licence_missing")
    elif not licence.for_media:
        found.append("licence_not_for_media")
    return found


def licence_at(url: str) -> str:
    """The code of a Creative Commons licence by its address; empty for any other."""
    found = CREATIVE_COMMONS.match(url.strip())
    if not found:
        return ""
    return "cc0" if found[2] else f"cc-{found[1]}"
