"""Colours that can be read: one that somebody likes becomes the shades that pages need. Pure.

Contrast is WCAG 2.2's (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio): text needs 4.5 : 1
against what it stands on. A shade keeps the hue that was chosen and gives way in lightness alone.
"""

from __future__ import annotations

import re
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass

from app.core.errors import BadInput

READABLE = 4.5
AIM = 4.6  # a little more than has to be, since shades are rounded to whole bytes
STEP = 0.01
# What accent-coloured text stands on, in assets/styles/tokens.css.
LIGHT_GROUNDS = ("#fbfaf6", "#ffffff", "#f3f1ea")
DARK_GROUNDS = ("#121816", "#19211f", "#1f2826")

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Shades:
    """What a theme does with the accent: text and grounds, text on it, a wash of it."""

    accent: str
    strong: str
    soft: str
    on_accent: str


def colour(text: str) -> str:
    """`#0D5249`, `0d5249` or `#abc` as `#rrggbb`. Raises BadInput for what is none."""
    found = re.fullmatch(r"#?([0-9a-f]{6}|[0-9a-f]{3})", text.strip().lower())
    if found is None:
        raise BadInput("colour_unknown")
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    return f"#{digits}"


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def on_light(chosen: str) -> Shades:
    """For the light theme: the colour itself, or as much darker as it takes to be read."""
    accent = chosen
    while not _is_read(accent, *LIGHT_GROUNDS, _mixed(accent, "#ffffff", 0.12)):
        accent = _moved(accent, -STEP)
    return Shades(accent, _moved(accent, -0.09), _mixed(accent, "#ffffff", 0.12), "#ffffff")


def on_dark(chosen: str) -> Shades:
    """For the dark theme: as much lighter as it takes to be read there."""
    accent = chosen
    while not _is_read(accent, *DARK_GROUNDS, _mixed(accent, DARK_GROUNDS[0], 0.18)):
        accent = _moved(accent, STEP)
    soft = _mixed(accent, DARK_GROUNDS[0], 0.18)
    return Shades(accent, _moved(accent, 0.09), soft, _mixed(accent, "#000000", 0.1))


def _is_read(text: str, *grounds: str) -> bool:
    return all(contrast(text, ground) >= AIM for ground in grounds)


def _moved(one: str, by: float) -> str:
    """Lighter or darker, in its own hue."""
    hue, lightness, saturation = rgb_to_hls(*_parts(one))
    return _hex(hls_to_rgb(hue, min(1.0, max(0.0, lightness + by)), saturation))


def _mixed(one: str, ground: str, share: float) -> str:
    red, green, blue = (
        part * share + under * (1 - share)
        for part, under in zip(_parts(one), _parts(ground), strict=True)
    )
    return _hex((red, green, blue))


def _luminance(one: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(one)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(one: str) -> Rgb:
    red, green, blue = bytes.fromhex(one[1:])
    return red / 255, green / 255, blue / 255


def _hex(parts: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
