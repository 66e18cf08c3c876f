"""The files that are made of one picture, by name and width. Pure."""

from __future__ import annotations

WIDTHS = (480, 960, 1600)
FALLBACK = 960  # for what cannot show WebP: mail programs, feed readers, link previews
WIDEST = 6000  # the high-resolution file, on its longer side
HIGH = {"image/jpeg": "high.jpg", "image/png": "high.png"}


def widths(width: int) -> list[int]:
    """How wide the WebP files of a picture are; a small picture is never made larger."""
    smaller = [one for one in WIDTHS if one < width]
    return [*smaller, width] if width <= WIDTHS[-1] else smaller


def fallback(width: int) -> int:
    """How wide the JPEG is that every program can show."""
    return min(width, FALLBACK)


def height_at(shown: int, *, width: int, height: int) -> int:
    """The height of a picture of `width` × `height` when it is `shown` pixels wide."""
    return max(1, round(height * shown / width))


def names(width: int, content_type: str) -> dict[str, str]:
    """Every file of a picture and what it is served as."""
    webp = {f"{one}.webp": "image/webp" for one in widths(width)}
    return {HIGH[content_type]: content_type, f"{fallback(width)}.jpg": "image/jpeg", **webp}
