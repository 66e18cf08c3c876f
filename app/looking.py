"""How the newsroom looks: its colour, its typeface and its logo, as the office chooses them."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from app.core import shelf
from app.core.accounts import Role, User, require
from app.core.colours import colour
from app.core.errors import BadInput
from app.core.organisation import Organisation
from app.house import LOGO_FILES, TYPEFACES
from releases.media.imaging import make_picture
from releases.media.renditions import HIGH

# Twice what the masthead shows, for fine screens.
WIDEST, HIGHEST = 560, 96
LOWEST = 24
MOST_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Logo:
    """A logo ready for the shelf."""

    content: bytes
    content_type: str
    width: int
    height: int


def dress(sender: Organisation, *, accent: str, typeface: str, by: User) -> list[str]:
    """Take a colour and a typeface, each empty for the one that is shipped.

    Returns the names of what changed. Raises NotAllowed to all but admins, and BadInput for a
    colour or a typeface that is none.
    """
    require(by, Role.ADMIN)
    chosen = {"accent": colour(accent) if accent.strip() else "", "typeface": typeface}
    if typeface not in TYPEFACES:
        raise BadInput("typeface_unknown")
    changed = [name for name, value in chosen.items() if getattr(sender, name) != value]
    for name in changed:
        setattr(sender, name, chosen[name])
    return changed


def made_logo(content: bytes, *, filename: str) -> Logo:
    """An upload as the masthead shows it: encoded anew from its pixels, as high as it is shown.

    What can be seen through becomes PNG, anything else WebP. Raises BadInput, which says why not.
    Takes a moment: hold no transaction open.
    """
    if len(content) > MOST_BYTES:
        raise BadInput("file_too_large", file=filename, most=MOST_BYTES // 1024**2)
    picture = make_picture(content, name=filename)
    with Image.open(io.BytesIO(picture.files[HIGH[picture.content_type]])) as whole:
        whole.load()
        if whole.height < LOWEST:
            raise BadInput("logo_too_small", file=filename, least=LOWEST)
        is_clear = whole.mode == "RGBA"
        trimmed = _without_margins(whole) if is_clear else whole
        trimmed.thumbnail((WIDEST, HIGHEST), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        if is_clear:
            trimmed.save(file, "PNG", optimize=True)
        else:
            trimmed.save(file, "WEBP", quality=92, method=6)
    content_type = "image/png" if is_clear else "image/webp"
    return Logo(file.getvalue(), content_type, trimmed.width, trimmed.height)


def put_up(sender: Organisation, logo: Logo, *, by: User) -> None:
    """Show this logo from now on. Writes its file; the caller commits.

    The file of the one before is swept away in a day, having no row.
    """
    require(by, Role.ADMIN)
    key = shelf.new_key()
    shelf.put(key, {LOGO_FILES[logo.content_type]: logo.content})
    sender.logo_key, sender.logo_type = key, logo.content_type
    sender.logo_width, sender.logo_height = logo.width, logo.height


def take_down(sender: Organisation, *, by: User) -> None:
    """Show the name set in type instead. The file is swept away in a day, having no row."""
    require(by, Role.ADMIN)
    sender.logo_key = sender.logo_type = ""
    sender.logo_width = sender.logo_height = 0


def _without_margins(image: Image.Image) -> Image.Image:
    """A logo's empty border would make it small."""
    return image.crop(image.getchannel("A").getbbox() or (0, 0, *image.size))
