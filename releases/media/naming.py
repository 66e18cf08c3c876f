"""What files are called on a reader's machine, and how their sizes are told. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.core.formats import amount
from app.core.words import translate
from releases.media.papers import FORMS

MOST_WORDS = 60  # of a caption in a name, in characters
PICTURES = {"image/jpeg": ("JPEG", "jpg"), "image/png": ("PNG", "png")}
# What a camera, a telephone or a chat calls a picture says nothing to anybody.
SAYS_NOTHING = re.compile(
    r"(?i)(?:_?(?:img|dsc|dscf|dscn|dji|mvi|pxl|p|mg|image|bild|photo|foto|picture|file|untitled|"
    r"screenshot|skärmavbild|whatsapp image|unnamed|original)[\s._-]*)?[\d\s._()-]*"
)


def picture_name(printed: Mapping[str, Any], language: str) -> str:
    """`Visby-hamn_Foto-Anna-Larsson.jpg`: what it shows, and whom to name when it is printed."""
    stem = str(printed.get("filename") or "").rpartition(".")[0]
    caption = str(printed.get("caption") or "")
    shows = _hyphened(_beginning(caption)) if caption else ""
    if not shows and not SAYS_NOTHING.fullmatch(stem):
        shows = _hyphened(stem)
    parts = [shows or translate("media.picture", language)]
    if credit := _hyphened(str(printed.get("credit") or "")):
        parts.append(translate("media.photo_in_name", language, name=credit))
    return f"{'_'.join(parts)}.{PICTURES[str(printed['content_type'])][1]}"


def document_name(filename: str, content_type: str) -> str:
    """As it was called, with the ending of what it is."""
    stem = filename.rpartition(".")[0] or filename
    return f"{_hyphened(stem) or 'document'}.{FORMS[content_type].extension}"


def format_name(content_type: str) -> str:
    """`JPEG`, `PDF`, `Word`."""
    if content_type in PICTURES:
        return PICTURES[content_type][0]
    return FORMS[content_type].label if content_type in FORMS else ""


def file_size(size: int, language: str) -> str:
    """`1,2 MB`, `340 kB`: in thousands, as Finder and most shops count them."""
    if size >= 999_500:
        tenths = (Decimal(size) / 1_000_000).quantize(Decimal("0.1"), ROUND_HALF_UP)
        whole = tenths == tenths.to_integral_value()
        text = str(int(tenths)) if whole else str(tenths)
        return f"{text.replace('.', ',') if language == 'sv' else text}\u00a0MB"
    return f"{max(1, round(size / 1000))}\u00a0kB"


def pixels(width: int, height: int, language: str) -> str:
    """`6 000 × 4 000 pixlar`."""
    across, down = (amount(Decimal(side), language) for side in (width, height))
    return translate("media.pixels", language, width=across, height=down)


def _beginning(caption: str) -> str:
    """The first sentence of a caption, cut between words."""
    first = re.split(r"(?<=[.!?])\s", caption.strip(), maxsplit=1)[0]
    if len(first) <= MOST_WORDS:
        return first
    return first[: MOST_WORDS + 1].rpartition(" ")[0] or first[:MOST_WORDS]


def _hyphened(text: str) -> str:
    """Words joined by hyphens, without what file systems and shells take for something else."""
    return re.sub(r"-{2,}", "-", re.sub(r"[^\w]+|_+", "-", text)).strip("-")
