"""A picture as it was uploaded becomes the files that readers get. Pure: bytes in, bytes out.

Every file is encoded anew from the pixels alone. So nothing else that was in the upload reaches the
public: no position, no name of a camera's owner, no thumbnail of what was cut away, no program.
Colours become sRGB and the picture is turned the right way up, as browsers need no profile then.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms, ImageOps

from app.core.errors import BadInput
from releases.media.credits import Said, said_by
from releases.media.kinds import PICTURES, is_also_a_program, kind_of
from releases.media.renditions import HIGH, WIDEST, fallback, height_at, widths

MOST_BYTES = 60 * 1024 * 1024
MOST_PIXELS = 100_000_000
FEW_COLOURS = 64
REFUSED = {"SVG": "image_svg", "HEIC": "image_heic", "PAGE": "file_is_a_page"}

Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # Pillow's own wall, behind the one below
# A picture of 100 megapixels takes some 400 MB while it is worked on: one at a time in a process.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """The files by their names (`renditions.names`) and what the upload said about itself."""

    files: dict[str, bytes]
    content_type: str
    width: int
    height: int
    said: Said

    @property
    def size(self) -> int:
        """Of the high-resolution file, in bytes."""
        return len(self.files[HIGH[self.content_type]])


def make_picture(content: bytes, *, name: str) -> Picture:
    """All files of an uploaded picture. Raises BadInput, which says what is wrong with `name`."""
    kind = kind_of(content)
    if kind not in PICTURES:
        raise BadInput(REFUSED.get(kind, "image_unknown"), file=name)
    if len(content) > MOST_BYTES:
        raise BadInput("file_too_large", file=name, most=MOST_BYTES // 1024**2)
    if is_also_a_program(content):
        raise BadInput("image_is_a_program", file=name)
    with _one_at_a_time:
        return _make(content, kind, name=name)


def _make(content: bytes, kind: str, *, name: str) -> Picture:
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
    image.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    content_type = "image/png" if _is_drawn(image, kind) else "image/jpeg"
    return Picture(
        files=_files(image, content_type),
        content_type=content_type,
        width=image.width,
        height=image.height,
        said=said,
    )


def _decoded(content: bytes, kind: str, *, name: str) -> tuple[Image.Image, Said]:
    """The first frame, upright, in sRGB, RGB or RGBA, with nothing else attached."""
    with Image.open(io.BytesIO(content), formats=[kind]) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise _too_many_pixels(name)
        said = said_by(opened)
        profile = opened.info.get("icc_profile")
        if kind == "JPEG":
            opened.draft(opened.mode, (WIDEST, WIDEST))  # a huge one is decoded at half its size
        opened.load()
        image = _in_srgb(_upright(opened), profile)
    image.info = {}
    return image, said


def _too_many_pixels(name: str) -> BadInput:
    return BadInput("image_too_many_pixels", file=name, most=MOST_PIXELS // 1_000_000)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera was held; as it lies when nobody can read what the camera said."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image.copy()


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _in_eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
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
        files = {HIGH[content_type]: _encoded(image, "PNG")}
    else:
        files = {HIGH[content_type]: _encoded(image, "JPEG", quality=92, progressive=True)}
    for width in reversed(widths(image.width)):
        files[f"{width}.webp"] = _encoded(_at(image, width), "WEBP", quality=82, method=4)
    plain = _on_white(_at(image, fallback(image.width)))
    jpeg = _encoded(plain, "JPEG", quality=84, progressive=True, optimize=True)
    files[f"{plain.width}.jpg"] = jpeg
    return files


def _at(image: Image.Image, width: int) -> Image.Image:
    if width == image.width:
        return image
    height = height_at(width, width=image.width, height=image.height)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
