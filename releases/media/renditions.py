"""The files that are made of one picture, by name. Pure.

Two are there as soon as it has been uploaded: the high-resolution file and a JPEG that every
program can show. A worker makes the others: the whole picture at a few widths, and crops around
the point where the eye should land, each as AVIF, WebP and JPEG. A name never gets other bytes, so
the names of crops hold that point: `lead-50-30-1600.avif`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WIDTHS = (480, 960, 1600)
FALLBACK = 960  # for mail programs, feed readers, and until the others have been made
WIDEST = 6000  # the high-resolution file, on its longer side
HIGH = {"image/jpeg": "high.jpg", "image/png": "high.png"}
FORMATS = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
CENTRE = (50, 50)

Focal = tuple[int, int]  # hundredths of width and height from the upper left corner


@dataclass(frozen=True)
class Shape:
    """A crop: so many parts wide and high, made at these widths where the picture has them."""

    across: int
    down: int
    widths: tuple[int, ...]

    def height_at(self, width: int) -> int:
        return max(1, round(width * self.down / self.across))

    def within(self, width: int, height: int) -> tuple[int, int]:
        """The largest of this shape that a picture of `width` × `height` holds."""
        if width * self.down >= height * self.across:
            return max(1, round(height * self.across / self.down)), height
        return width, self.height_at(width)


SHAPES = {"lead": Shape(16, 9, (800, 1600)), "square": Shape(1, 1, (400,))}
CROP = re.compile(rf"(?:{'|'.join(SHAPES)})-\d{{1,3}}-\d{{1,3}}-\d{{1,4}}\.(avif|webp|jpg)")


@dataclass(frozen=True)
class Rendition:
    """One picture to be made: `box` of the high-resolution file, at this size."""

    stem: str
    box: tuple[int, int, int, int]
    width: int
    height: int


def widths(width: int) -> list[int]:
    """How wide the whole picture is shown; a small one is never made larger."""
    return _up_to(width, WIDTHS)


def fallback(width: int) -> int:
    """How wide the JPEG is that every program can show."""
    return min(width, FALLBACK)


def height_at(shown: int, *, width: int, height: int) -> int:
    """The height of a picture of `width` × `height` when it is `shown` pixels wide."""
    return max(1, round(height * shown / width))


def crop_widths(shape: str, *, width: int, height: int) -> list[int]:
    """How wide this crop of a picture of `width` × `height` is made."""
    return _up_to(SHAPES[shape].within(width, height)[0], SHAPES[shape].widths)


def crop_stem(shape: str, focal: Focal, width: int) -> str:
    """`lead-50-30-1600`."""
    return f"{shape}-{focal[0]}-{focal[1]}-{width}"


def crop_box(shape: str, focal: Focal, *, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: the point in its middle, or as near to that as the edges let it."""
    across, down = SHAPES[shape].within(width, height)
    left = min(max(0, round(width * focal[0] / 100 - across / 2)), width - across)
    top = min(max(0, round(height * focal[1] / 100 - down / 2)), height - down)
    return left, top, left + across, top + down


def planned(width: int, height: int, *, focal: Focal) -> list[Rendition]:
    """Every rendition of a picture, each to be made in all FORMATS."""
    whole = [
        Rendition(str(one), (0, 0, width, height), one, height_at(one, width=width, height=height))
        for one in sorted({*widths(width), fallback(width)})
    ]
    crops = [
        Rendition(
            crop_stem(name, focal, one),
            crop_box(name, focal, width=width, height=height),
            one,
            shape.height_at(one),
        )
        for name, shape in SHAPES.items()
        for one in crop_widths(name, width=width, height=height)
    ]
    return [*whole, *crops]


def first_names(width: int, content_type: str) -> set[str]:
    """What is there as soon as a picture has been uploaded."""
    return {HIGH[content_type], f"{fallback(width)}.jpg"}


def names(width: int, height: int, content_type: str, *, focal: Focal = CENTRE) -> dict[str, str]:
    """Every file of a picture and what it is served as."""
    made = {
        f"{one.stem}.{form}": mimetype
        for one in planned(width, height, focal=focal)
        for form, mimetype in FORMATS.items()
    }
    return {HIGH[content_type]: content_type, **made}


def served_as(name: str, *, width: int, height: int, content_type: str) -> str | None:
    """What one of its files is served as; None for a name that it cannot have.

    Crops around earlier points are still there, for pages that somebody has kept.
    """
    if found := CROP.fullmatch(name):
        return FORMATS[found[1]]
    return names(width, height, content_type).get(name)


def _up_to(width: int, wanted: Sequence[int]) -> list[int]:
    smaller = [one for one in wanted if one < width]
    return [*smaller, width] if width <= wanted[-1] else smaller
