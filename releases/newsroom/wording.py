"""A release's address and its words, as every page, feed and file of the newsroom needs them."""

from __future__ import annotations

from flask import current_app

from app.core.organisation import Organisation
from app.core.words import LANGUAGES, translate
from releases.drafting.language import in_running_text
from releases.editorial.models import Release, Revision
from releases.media.embedding import Picture, addresses_under, picture_of
from releases.media.questions import Attached, attached
from releases.media.renditions import FALLBACK
from releases.newsroom import pages, questions

# The first part of a public address, as the rules of the pages write it.
LANGUAGE = f"<any({', '.join(LANGUAGES)}):language>"


def base_url() -> str:
    """What all our addresses begin with, without a slash at its end."""
    base: str = current_app.config["BASE_URL"]
    return base


def address(release: Release) -> str:
    """The release's address for the world."""
    return f"{base_url()}/{release.language}/releases/{release.slug}"


def text_of(
    release: Release,
    revision: Revision,
    sender: Organisation,
    things: Attached,
    *,
    in_feed: bool = False,
) -> pages.Text:
    """The words of a revision; `in_feed` with whole addresses and one JPEG for each picture."""
    return pages.public_text(
        revision,
        language=release.language,
        glyph=sender.quote_glyph,
        attached=things,
        address=addresses_under(base_url() if in_feed else ""),
        width=FALLBACK if in_feed else None,
    )


def first_picture(release: Release) -> Picture | None:
    """The picture that a list may show of a public release."""
    images = attached(release.live).images if release.live else []
    if not images:
        return None
    return picture_of(images[0], language=release.language, address=addresses_under(""))


def programme_words(release: Release) -> str:
    """The programme's name as it stands inside a sentence: `Om kommunala partnerskap`."""
    programme = questions.programme_of(release)
    if programme is None:
        return translate("newsroom.the_programme", release.language)
    return in_running_text(programme.title(release.language), language=release.language)
