"""What the public pages wear: one style sheet with the house's colour and typeface, and its logo.

The sheet is ours and the house's in one, so that a page fetches a single one. Both have the hash of
what they are in their address and are kept by browsers for good; another address leads on to the
right one. Nothing of this stands in the pages themselves: the policy allows no inline style.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request
from flask.typing import ResponseReturnValue

from app.core import shelf
from app.core.colours import Shades, on_dark, on_light
from app.core.errors import NotFound
from app.core.kept import kept
from app.core.organisation import Organisation, organisation

blueprint = Blueprint("house", __name__)
SHEETS = ("tokens", "base", "components", "newsroom", "print")
FOR_GOOD = "public, max-age=31536000, immutable"
LOGO_POLICY = "default-src 'none'; sandbox"
LOGO_FILES = {"image/png": "logo.png", "image/webp": "logo.webp"}

CHARTER = (
    'Charter, "Bitstream Charter", "Sitka Text", "Source Serif 4", Cambria, Georgia, '
    '"Times New Roman", serif'
)
GROTESQUE = (
    '"Helvetica Neue", Inter, "Arial Nova", Roboto, "Nimbus Sans", "Liberation Sans", Arial, '
    "sans-serif"
)
HUMANIST = (
    'Seravek, "Gill Sans Nova", Optima, Candara, Calibri, Ubuntu, "Source Sans 3", "Noto Sans", '
    '"DejaVu Sans", sans-serif'
)
# Headings, running text, and everything around it. All of them are on the reader's machine.
TYPEFACES: dict[str, dict[str, str]] = {
    "": {},
    "newspaper": {"display": CHARTER, "reading": GROTESQUE, "interface": GROTESQUE},
    "grotesque": {"display": GROTESQUE, "reading": GROTESQUE, "interface": GROTESQUE},
    "humanist": {"display": HUMANIST, "reading": HUMANIST, "interface": HUMANIST},
}


@blueprint.app_context_processor
def _for_templates() -> dict[str, Any]:
    return {"house_sheet": sheet_address, "logo_address": logo_address}


@blueprint.get("/house.css")
@kept("v")
def sheet() -> ResponseReturnValue:
    """The public pages' one style sheet."""
    if request.args.get("v") != _version(text := sheet_text(organisation())):
        return redirect(sheet_address())
    response = Response(text, mimetype="text/css")
    response.headers["Cache-Control"] = FOR_GOOD
    return response


@blueprint.get("/logo")
def logo() -> ResponseReturnValue:
    """The logo's file. Raises NotFound when there is none."""
    sender = organisation()
    name = LOGO_FILES.get(sender.logo_type)
    if not sender.logo_key or name is None:
        raise NotFound("no_such_file")
    if request.args.get("v") != _version(sender.logo_key):
        return redirect(logo_address(sender))
    response = shelf.send(sender.logo_key, name, mimetype=sender.logo_type)
    response.headers["Cache-Control"] = FOR_GOOD
    response.headers["Content-Security-Policy"] = LOGO_POLICY
    return response


def sheet_address() -> str:
    """Where the sheet is now, for a page's head."""
    return f"/house.css?v={_version(sheet_text(organisation()))}"


def logo_address(sender: Organisation) -> str:
    """Where the logo is; empty when there is none. Its key is nobody's business."""
    return f"/logo?v={_version(sender.logo_key)}" if sender.logo_key else ""


def sheet_text(sender: Organisation) -> str:
    """Our style sheets in their order, then what this house wants otherwise."""
    files = [Path(current_app.static_folder or "") / "styles" / f"{one}.css" for one in SHEETS]
    stands = tuple((file, file.stat().st_mtime_ns) for file in files)
    return _whole(stands, house_style(sender.accent, sender.typeface))


def house_style(accent: str, typeface: str) -> str:
    """The house's own values for the tokens; nothing for what is as shipped."""
    plain, dark = dict[str, str](), dict[str, str]()
    if accent:
        plain, dark = _tokens(on_light(accent)), _tokens(on_dark(accent))
    plain |= TYPEFACES.get(typeface, {})
    if not plain:
        return ""
    rules = f":root{{{_declared(plain)}}}"
    if dark:
        rules += f"@media (prefers-color-scheme:dark){{:root{{{_declared(dark)}}}}}"
    return f"@layer tokens{{{rules}}}"


def _tokens(shades: Shades) -> dict[str, str]:
    return {
        "accent": shades.accent,
        "accent-strong": shades.strong,
        "accent-soft": shades.soft,
        "on-accent": shades.on_accent,
    }


def _declared(tokens: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in tokens.items())


@lru_cache(maxsize=8)
def _whole(stands: tuple[tuple[Path, int], ...], house: str) -> str:
    parts = []
    for file, _changed in stands:
        text = file.read_text(encoding="utf-8")
        parts.append(f"@media print{{{text}}}" if file.stem == "print" else text)
    return _tightened("\n".join([*parts, house]))


def _tightened(text: str) -> str:
    """Without comments and indents; a string in our sheets never holds either."""
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"(?s)/\*.*?\*/", "", text)).strip() + "\n"


@lru_cache(maxsize=16)
def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
