"""A revision as plain text: for the command line, the text part of a mail, and comparisons."""

from __future__ import annotations

from flask import current_app

from app.core.html import plain, without_gaps
from app.core.organisation import organisation
from app.core.words import translate
from releases.drafting.language import in_running_text
from releases.editorial.models import Release, Revision
from releases.media.embedding import addresses_under, spelled_out
from releases.media.questions import attached
from releases.review.quotes import spoken


def body_text(release: Release, revision: Revision, *, public: bool = False) -> str:
    """The body as plain text. `public` is as readers meet it: no gaps, quotes in house style.

    Then pictures, documents and contacts in it are told in words, with whole addresses.
    """
    if not public:
        return plain(revision.body)
    things = attached(revision)
    body = spelled_out(
        public_body(release, revision),
        images=things.images,
        documents=things.documents,
        contacts=revision.contacts or [],
        language=release.language,
        address=addresses_under(current_app.config["BASE_URL"]),
    )
    return plain(body)


def public_body(release: Release, revision: Revision) -> str:
    """The body's HTML as readers meet it: no gaps, quotes in house style, figures still empty."""
    return spoken(
        without_gaps(revision.body), language=release.language, glyph=organisation().quote_glyph
    )


def full_text(release: Release, revision: Revision, *, public: bool = False) -> str:
    """What stands under the lead: body, contacts one line each, programme facts."""
    parts = [body_text(release, revision, public=public)]
    if revision.contacts:
        lines = "\n\n".join(_contact_lines(contact) for contact in revision.contacts)
        parts.append(f"{translate('releases.contact', release.language)}\n{lines}")
    if revision.about_programme:
        parts.append(f"{about_heading(release)}\n{revision.about_programme}")
    return "\n\n".join(part for part in parts if part)


def search_text(*parts: str) -> str:
    """Words as the office's search compares them: plain, casefolded, one space between."""
    return " ".join(" ".join(plain(part) for part in parts).casefold().split())


def about_heading(release: Release) -> str:
    round_ = release.story.round
    if round_ is None:
        return ""
    name = in_running_text(round_.programme.title(release.language), language=release.language)
    return translate("releases.about", release.language, name=name)


def _contact_lines(contact: dict[str, str]) -> str:
    name = ", ".join(part for part in (contact["name"], contact["title"]) if part)
    return "\n".join(part for part in (name, contact["phone"], contact["email"]) if part)
