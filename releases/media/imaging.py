"""A picture as it was uploaded becomes the files that readers get. Pure: bytes in, bytes out.

`make_picture` makes what has to be there at once, `renditions` the others from that.

Every file is encoded anew from the pixels alone. So nothing else that was in the upload reaches the
public: no position, no name of a camera's owner, no thumbnail of what was cut away, no program.
Colours become sRGB and the picture is turned the right way up, as browsers need no profile then.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap
from typing import IO, Any, cast

from PIL import Image, ImageCms, ImageOps

from app.core.errors import BadInput
from releases.media.credits import Said, said_by
from releases.media.kinds import PICTURES, is_also_a_program, kind_of
from releases.media.renditions import (
    FORMATS,
    HIGH,
    WIDEST,
    Rendition,
    fallback,
    height_at,
)

MOST_BYTES = 60 * 1024 * 1024
MOST_PIXELS = 100_000_000
FEW_COLOURS = 64
Box = tuple[float, float, float, float]
# By looking: AVIF at 62 shows as much as WebP at 82, in about two thirds of the bytes.
HOW: dict[str, dict[str, Any]] = {
    "avif": {"form": "AVIF", "quality": 62, "speed": 6, "max_threads": 1},
    "webp": {"form": "WEBP", "quality": 82, "method": 4},
    "jpg": {"form": "JPEG", "quality": 84, "progressive": True, "optimize": True},
}
REFUSED = {"SVG": "image_svg", "HEIC": "image_heic", "PAGE": "file_is_a_page"}

Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # Pillow's own wall, behind the one below


@dataclass(frozen=True)
class Picture:
    """The first files (`renditions.first_names`) and what the upload said about itself."""

    files: dict[str, bytes]
    content_type: str
    width: int
    height: int
    said: Said

    @property
    def size(self) -> int:
        """Of the high-resolution file, in bytes."""
        return len(self.files[HIGH[self.content_type]])


def make_picture(content: bytes | mmap, *, name: str) -> Picture:
    """The first files of an upload. Raises BadInput, which says what is wrong with `name`."""
    kind = kind_of(content)
    if kind not in PICTURES:
        raise BadInput(REFUSED.get(kind, "image_unknown"), file=name)
    if len(content) > MOST_BYTES:
        raise BadInput("file_too_large", file=name, most=MOST_BYTES // 1024**2)
    if is_also_a_program(content):
        raise BadInput("image_is_a_program", file=name)
    return _make(content, kind, name=name)


def _make(content: bytes | mmap, kind: str, *, name: str) -> Picture:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, and of size, which we look at
            image, said = _decoded(content, kind, name=name)
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels(name) from None
    except Exception as error:
        # Decoders read what strangers wrote: beside OSError, a broken file has raised ValueError,
        # SyntaxError, struct.error, EOFError, IndexError and more over the years.
        raise BadInput("image_broken", file=name) from error
    content_type = "image/png" if _is_drawn(image, kind) else "image/jpeg"
    return Picture(
        files=_files(image, content_type),
        content_type=content_type,
        width=image.width,
        height=image.height,
        said=said,
    )


def _decoded(content: bytes | mmap, kind: str, *, name: str) -> tuple[Image.Image, Said]:
    """The first frame, upright, in sRGB, RGB or RGBA, with nothing else attached."""
    file = io.BytesIO(content) if isinstance(content, bytes) else cast("IO[bytes]", content)
    with Image.open(file, formats=[kind]) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise _too_many_pixels(name)
        said = said_by(opened)
        profile = opened.info.get("icc_profile")
        if kind == "JPEG":
            opened.draft(opened.mode, (WIDEST, WIDEST))  # a huge one is decoded at half its size
        opened.load()
        image = _in_srgb(_upright(_no_wider(opened)), profile)
    image = image.copy() if image is opened else image
    image.info = {}
    return image, said


def _no_wider(image: Image.Image) -> Image.Image:
    """Brought down before the rest is done to it, as each step takes as much memory again."""
    if image.has_transparency_data and image.mode != "RGBA":
        image = _upright(image).convert("RGBA")
    elif image.mode in ("1", "P", "PA"):
        image = _upright(image).convert("L" if image.mode == "1" else "RGB")
    elif image.mode.startswith(("I", "F")):
        image = _in_eight_bits(_upright(image))
    image.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    return image


def _too_many_pixels(name: str) -> BadInput:
    return BadInput("image_too_many_pixels", file=name, most=MOST_PIXELS // 1_000_000)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera was held; as it lies when nobody can read what the camera said."""
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        colour = _converted(image.convert("RGB"), profile)
        if alpha.getextrema()[0] != 255:  # otherwise it lets nothing through
            colour.putalpha(alpha)
        return colour
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    return _converted(image, profile)


def _converted(image: Image.Image, profile: bytes | None) -> Image.Image:
    """By the picture's own profile; by the usual reckoning when it has none that fits."""
    srgb = ImageCms.createProfile("sRGB")
    try:
        source: Any = None
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        elif image.mode == "LAB":
            source = ImageCms.createProfile("LAB")
        if source is not None:
            made = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
            if made is not None:
                return made
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        pass
    return image.convert("RGB")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Scans and charts in 16 or 32 bits of grey: scaled, since a plain conversion cuts them off."""
    grey = image.convert("F")
    highest = grey.getextrema()[1]
    if isinstance(highest, tuple):  # never, with one band
        raise ValueError("more than one band")
    scale = 255 / 65535 if 255 < highest <= 65535 else 255 / max(highest, 255)
    return grey.point(lambda value: value * scale + 0.0).convert("L")


def _is_drawn(image: Image.Image, kind: str) -> bool:
    """A logotype or a chart, which JPEG would smear; or something one can see through."""
    if image.mode == "RGBA":
        return True
    if kind == "JPEG":
        return False
    return kind == "GIF" or image.getcolors(FEW_COLOURS) is not None


def _files(image: Image.Image, content_type: str) -> dict[str, bytes]:
    if content_type == "image/png":
        high = _encoded(image, form="PNG")
    else:
        high = _encoded(image, form="JPEG", quality=92, progressive=True)
    width = fallback(image.width)
    height = height_at(width, width=image.width, height=image.height)
    plain = _scaled(image, (0, 0, *image.size), (width, height))
    return {HIGH[content_type]: high, f"{width}.jpg": _in_format(plain, "jpg")}


def renditions(
    high: bytes, plan: Sequence[Rendition], *, wanted: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    """Those of the planned files that are `wanted`, by name, made from the high-resolution file.

    One after the other: a picture is worked on for some seconds, and what is done can be kept.
    """
    remaining = [one for one in plan if any(f"{one.stem}.{form}" in wanted for form in FORMATS)]
    if not remaining:
        return
    with Image.open(io.BytesIO(high), formats=["JPEG", "PNG"]) as opened:
        full = opened.width
        needed = max(one.width / (one.box[2] - one.box[0]) for one in remaining)
        size = (round(opened.width * needed), round(opened.height * needed))
        opened.draft(opened.mode, size)  # a JPEG is decoded no larger than it has to be
        opened.load()
        scale = opened.width / full
        for one in remaining:
            box = tuple(side * scale for side in one.box)
            image = _scaled(opened, cast("Box", box), (one.width, one.height))
            for form in FORMATS:
                if (name := f"{one.stem}.{form}") in wanted:
                    yield name, _in_format(image, form)


def _scaled(image: Image.Image, box: Box, size: tuple[int, int]) -> Image.Image:
    if box == (0, 0, *image.size) and size == image.size:
        return image
    left, top, right, bottom = box
    inside = (max(0, left), max(0, top), min(right, image.width), min(bottom, image.height))
    return image.resize(size, Image.Resampling.LANCZOS, box=inside, reducing_gap=3.0)


def _in_format(image: Image.Image, form: str) -> bytes:
    return _encoded(_on_white(image) if form == "jpg" else image, **HOW[form])


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _encoded(image: Image.Image, *, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
