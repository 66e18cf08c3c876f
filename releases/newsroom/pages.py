"""What a reader gets to see of a revision: safe, without gaps, with its links around it. Pure.

Saved texts are clean already; they are cleaned once more here, since this is the last door before
the public. Revisions never change, so each text is cleaned once and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from markupsafe import Markup

from app.core import html
from app.core.formats import month
from releases.editorial.models import Release, Revision
from releases.media.embedding import (
    Address,
    Paper,
    Picture,
    embedded,
    paper_of,
    picture_of,
    site_address,
)
from releases.media.questions import Attached
from releases.review.quotes import spoken

SUMMARY = 300


@dataclass(frozen=True)
class Text:
    """A revision's words as the public reads them. `title` and `summary` are plain text.

    `top` is the first of its pictures, to stand under the lead, unless the body shows it itself.
    """

    headline: Markup
    lead: Markup
    body: Markup
    title: str
    summary: str
    about: list[str]
    contacts: list[dict[str, str]]
    links: list[dict[str, str]]
    pictures: list[Picture]
    documents: list[Paper]
    top: Picture | None


def public_text(
    revision: Revision,
    *,
    language: str,
    glyph: str,
    attached: Attached,
    address: Address = site_address,
    width: int | None = None,
) -> Text:
    """Everything of a revision that is printed on its page; quotes begin with the house's glyph.

    `attached` is what there is of its pictures and documents (`media.questions.attached`). A feed
    gives a `width`, for programs that show one JPEG at one size, and whole addresses.
    """
    body = embedded(
        _blocks(revision.body, language, glyph),
        images=attached.images,
        documents=attached.documents,
        contacts=revision.contacts or [],
        language=language,
        address=address,
        width=width,
    )
    pictures = [
        picture_of(one, language=language, address=address, width=width) for one in attached.images
    ]
    return Text(
        headline=public_inline(revision.headline),
        lead=public_inline(revision.lead),
        body=Markup(body),  # noqa: S704 - cleaned, and what was put in is escaped
        title=public_plain(revision.headline),
        summary=shortened(public_plain(revision.lead)),
        about=paragraphs(revision.about_programme),
        contacts=[contact for one in revision.contacts or [] if (contact := _contact(one))],
        links=web_links(revision.links or []),
        pictures=pictures,
        documents=[paper_of(one, language=language, address=address) for one in attached.documents],
        top=pictures[0] if pictures and not _is_shown(attached.images[0], revision.body) else None,
    )


@lru_cache(maxsize=2048)
def public_inline(text: str) -> Markup:
    """A headline or a lead, safe to print."""
    return Markup(html.without_gaps(html.clean_inline(text)).strip())  # noqa: S704 - cleaned


@lru_cache(maxsize=512)
def _blocks(text: str, language: str, glyph: str) -> Markup:
    whole = html.without_gaps(html.clean(text)).strip()
    return Markup(spoken(whole, language=language, glyph=glyph))  # noqa: S704 - cleaned


@lru_cache(maxsize=2048)
def public_plain(text: str) -> str:
    """A headline or a lead as plain text."""
    return html.plain(public_inline(text))


def shortened(text: str, limit: int = SUMMARY) -> str:
    """The text's beginning, cut between words."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rsplit(' ', 1)[0].rstrip(' ,.;:–—')} …"


def paragraphs(text: str) -> list[str]:
    """Plain text parted at its blank lines."""
    return [part.strip() for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]


def web_links(links: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Links with an address for the web; the address stands in for a missing label."""
    found = []
    for link in links:
        url = str(link.get("url") or "").strip()
        if html.is_web_address(url):
            found.append({"label": str(link.get("label") or link.get("name") or url), "url": url})
    return found


def by_month(
    releases: Sequence[Release], *, language: str, zone: str
) -> list[tuple[str, list[Release]]]:
    """Releases in their order under headings such as `oktober 2022`."""

    def heading(release: Release) -> str:
        return month(_published(release), language, zone)

    return [(name, list(group)) for name, group in groupby(releases, key=heading)]


def changed_at(release: Release) -> datetime:
    """When what visitors read last changed."""
    return max(release.changed_at or _published(release), _published(release))


def is_changed(release: Release) -> bool:
    """Whether the text was changed after it was published."""
    return changed_at(release) > _published(release)


def _is_shown(printed: Mapping[str, Any], body: str) -> bool:
    return f'<figure data-image="{printed["id"]}">' in body


def _published(release: Release) -> datetime:
    assert release.published_at is not None  # only public releases come here
    return release.published_at


def _contact(given: Mapping[str, Any]) -> dict[str, str]:
    kept = {name: str(given.get(name) or "") for name in ("name", "title", "phone", "email")}
    return kept if any(kept.values()) else {}
