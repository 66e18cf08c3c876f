"""Pictures and PDF files set by typst from a template of ours and facts that are only data.

What people wrote reaches a template as strings out of JSON, never as markup. A template sees the
files that it is given and nothing else of the machine; it loads no packages, so nothing is fetched.
The fonts are those that typst brings along, the same on every machine: the same facts give the same
bytes.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent
# Facts that are followed or looked up and not read, by their names.
AS_GIVEN = {"accent", "file", "language", "link", "logo", "url"}
LONGEST_WORD = 24  # letters; a longer one may be parted anywhere

# What those fonts can show: Latin, Greek and Cyrillic letters, signs, arrows. Others stop a PDF
# that is to be accessible; some even make typst panic (Hebrew and Arabic at the end of a line).
SHOWN = re.compile(
    r"[^\n\u0020-\u007e\u00a0-\u033f\u0342\u0345-\u0373\u0375-\u0377\u037a-\u037d\u037f"
    r"\u0384-\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u04ff\u1d00-\u1dbf\u1e00-\u1f15"
    r"\u2002-\u200b\u2010-\u2027\u202f-\u2040\u2044-\u2052\u2070\u2071\u2074-\u208e"
    r"\u20a0-\u20a4\u20a6-\u20c0\u2100-\u211e\u2122\u2150\u2151\u2153-\u2184\u2190-\u22ff"
    r"\u25a0-\u25ff\u2713\u2714\ufb00-\ufb04]+"
)
SAFEST = re.compile(r"[^\n\u0020-\u007e\u00a0-\u017f\u2010-\u2015\u2018-\u201e\u2022\u2026\u202f]+")
MISSING = "□"


class CannotTypeset(Exception):
    """typst has refused a document, or broken down over it."""


def typeset(
    template: str,
    facts: Mapping[str, Any],
    *,
    files: Mapping[str, bytes] | None = None,
    form: Literal["png", "pdf"],
    at: datetime | None = None,
) -> bytes:
    """A template of this folder with its facts: a PNG at a pixel a point, or a tagged PDF/UA-1.

    The template reads `sys.inputs.facts` and, by their names, the `files`. `at` is the moment that
    a PDF says it was made. Letters that the fonts lack are shown as a box, emoji are left out.
    Raises CannotTypeset.
    """
    try:
        return _compiled(template, _said(facts, shown), files or {}, form, at)
    except CannotTypeset:
        # Some letters only fail beside certain others. A document in plain letters is better than
        # none, and the text itself stands on its page.
        log.warning("%s is set in plain letters", template, exc_info=True)
        return _compiled(template, _said(facts, plainest), files or {}, form, at)


def shown(text: str) -> str:
    """The text in letters that our fonts have. Very long words may be parted."""
    return _parted(SHOWN.sub(_replaced, unicodedata.normalize("NFC", text)))


def plainest(text: str) -> str:
    """The text in the letters of western Europe alone."""
    return _parted(SAFEST.sub(_replaced, unicodedata.normalize("NFKC", text)))


def _replaced(found: re.Match[str]) -> str:
    """A box for a run of letters. Symbols, marks and what cannot be seen just go."""
    return MISSING if any(unicodedata.category(one)[0] in "LN" for one in found[0]) else ""


def _parted(text: str) -> str:
    pieces = re.compile(rf"[^\s\u200b]{{{LONGEST_WORD}}}(?=[^\s\u200b]{{4}})")
    return pieces.sub(lambda found: f"{found[0]}\u200b", text)


def _said(facts: Any, say: Callable[[str], str]) -> Any:
    if isinstance(facts, str):
        return say(facts)
    if isinstance(facts, Mapping):
        return {name: one if name in AS_GIVEN else _said(one, say) for name, one in facts.items()}
    if isinstance(facts, list | tuple):
        return [_said(one, say) for one in facts]
    return facts


def _compiled(
    template: str,
    facts: Any,
    files: Mapping[str, bytes],
    form: Literal["png", "pdf"],
    at: datetime | None,
) -> bytes:
    import typst  # large, and loaded only where something is set

    with tempfile.TemporaryDirectory(prefix="pressrum-typst-") as folder:
        root = Path(folder)
        for name, content in files.items():
            (root / name).write_bytes(content)
        main = root / "main.typ"
        main.write_bytes((TEMPLATES / template).read_bytes())
        try:
            return typst.compile(
                str(main),
                root=folder,
                ignore_system_fonts=True,
                format=form,
                ppi=72.0,
                sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
                pdf_standards=["ua-1"] if form == "pdf" else [],
                timestamp=int(at.timestamp()) if at else 0,
            )
        except typst.TypstError as error:
            raise CannotTypeset(f"{template}: {error}") from error
        except BaseException as error:
            # A panic in typst is no Exception, and must not end the worker or a request.
            if type(error).__name__ != "PanicException":
                raise
            raise CannotTypeset(f"{template}: {error}") from error
