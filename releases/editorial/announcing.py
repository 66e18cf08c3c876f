"""A release on its way out of this domain: finished words and links, nothing to look up."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask import current_app, render_template

from app.core.db import db
from app.core.formats import long_date
from app.core.html import plain, without_gaps
from app.core.organisation import organisation
from app.core.words import translate
from releases.editorial.models import Change, Publication, Release, Revision
from releases.editorial.publications import mailing_key, publications, when_public
from releases.editorial.texts import about_heading, full_text, public_body
from releases.media.embedding import addresses_under, embedded, paper_of, picture_of
from releases.media.questions import attached
from subscribers.audience.topics import offer_programme
from subscribers.mailings.digests.announced import put_back, retell, take_back
from subscribers.mailings.models import Mailing
from subscribers.mailings.writing.queueing import Announcement

EVERYTHING = "press-releases"
MAIL_WIDTH = 560  # of a picture; the sheet is 640 pixels wide, with margins


def page_url(release: Release) -> str:
    """The address where visitors read it, whole."""
    base: str = current_app.config["BASE_URL"]
    return f"{base}/{release.language}/releases/{release.slug}"


def topics(release: Release) -> tuple[str, ...]:
    """Whoever subscribes to one of these gets it, once: everything, its programme, its topics.

    So too those that it was mailed under before its topics were changed: who has got wrong words
    gets the right ones.
    """
    round_ = release.story.round
    of_story = [round_.programme.slug] if round_ else []
    of_story += [topic.slug for topic in release.story.topics]
    keys = sa.select(Publication.mailing_key).where(Publication.release_id == release.id)
    for mailed in db.session.scalars(sa.select(Mailing.topics).where(Mailing.key.in_(keys))):
        of_story += mailed
    return tuple(dict.fromkeys([EVERYTHING, *of_story]))


def announcement(
    release: Release, *, revision: Revision | None = None, at: datetime | None = None
) -> Announcement:
    """The mail about a release that has just gone live.

    For a preview, of another revision and as if it were published `at`.
    """
    revision, published_at = revision or release.live, at or release.published_at
    assert revision is not None
    assert published_at is not None
    language, sender = release.language, organisation()
    things, address = attached(revision), addresses_under(current_app.config["BASE_URL"])
    words = {
        "words": translate,
        "language": language,
        "sender": sender,
        "name": sender.name(language),
        "about": sender.about(language),
        "date": long_date(published_at, language, sender.time_zone),
        "headline": revision.title,
        "lead_html": without_gaps(revision.lead),
        "lead_text": _lead(revision),
        "body_html": embedded(
            public_body(release, revision),
            images=things.images,
            documents=things.documents,
            contacts=revision.contacts,
            language=language,
            address=address,
            width=MAIL_WIDTH,
        ),
        "pictures": [
            picture_of(one, language=language, address=address, width=MAIL_WIDTH)
            for one in things.images
        ],
        "documents": [
            paper_of(one, language=language, address=address) for one in things.documents
        ],
        "full_text": full_text(release, revision, public=True),
        "contacts": revision.contacts,
        "about_programme": revision.about_programme,
        "about_heading": about_heading(release),
        "links": revision.links,
    }
    return Announcement(
        key=mailing_key("release", release, revision.number),
        story=story_of(release),
        language=language,
        topics=topics(release),
        subject=revision.title,
        text=render_template("mail/release/body.txt", **words).strip() + "\n",
        html=render_template("mail/release/body.html", **words),
        page_url=page_url(release),
        lead=_lead(revision),
    )


def story_of(release: Release) -> str:
    """What a release is called in mailings, whichever its version."""
    return f"release:{release.id}"


@when_public
def keep_announced(release: Release, at: datetime) -> None:
    """Digests say what the page says: not of what is withdrawn, and corrected what was wrong."""
    story, language = story_of(release), release.language
    if release.live is None or not release.is_public:
        take_back(story, language, at=at)
        return
    corrections = [one for one in publications(release) if one.change is Change.CORRECTION]
    last = corrections[-1] if corrections else None
    put_back(story, language, at=at)
    retell(
        story,
        language,
        key=mailing_key("release", release, release.live.number),
        topics=topics(release),
        subject=release.live.title,
        lead=_lead(release.live),
        page_url=page_url(release),
        note=last.note if last else "",
        corrected_at=last.at if last else None,
    )


@when_public
def keep_programme(release: Release, at: datetime) -> None:
    """From its first public release on, a programme can be subscribed to."""
    round_ = release.story.round
    if round_ and release.is_public:
        programme = round_.programme
        offer_programme(programme.slug, name_sv=programme.name, name_en=programme.name_en)


def _lead(revision: Revision) -> str:
    return plain(without_gaps(revision.lead))
