"""Plain functions that put pictures and documents into stories and releases."""

from __future__ import annotations

from pathlib import Path

from flask import current_app

from app.core.accounts import User
from app.core.db import db
from releases.editorial.models import Release, Story
from releases.media import storing
from releases.media.models import Document, Image
from tests.factories import A_MORNING
from tests.releases.media import pictures

WORDS = {
    "alt_sv": "Båtar vid en kaj",
    "alt_en": "Boats at a quay",
    "caption_sv": "Visby hamn",
    "caption_en": "Visby harbour",
    "credit": "Anna Larsson",
    "licence": "press",
}


def of(key: str) -> Path:
    """Where the files of a key lie on this machine."""
    return Path(current_app.config["VAR"]) / "media" / key[:2] / key


def image(story: Story, by: User, *, filename: str = "IMG_0012.jpg", **words: str) -> Image:
    """A committed picture with all its words, unless told otherwise."""
    made = storing.make(pictures.jpeg(1200, 800), filename=filename)
    thing = storing.add(story, made, language="sv", by=by, at=A_MORNING)
    assert isinstance(thing, Image)
    storing.describe(thing, {**WORDS, **words}, was={}, by=by, at=A_MORNING)
    db.session.commit()
    return thing


def document(story: Story, by: User, *, filename: str = "Beslut 2026.pdf") -> Document:
    made = storing.make(pictures.PDF, filename=filename)
    thing = storing.add(story, made, language="sv", by=by, at=A_MORNING)
    assert isinstance(thing, Document)
    words = {"title_sv": "Beslutet", "title_en": "The decision"}
    storing.describe(thing, words, was={}, by=by, at=A_MORNING)
    db.session.commit()
    return thing


def attach(release: Release, *things: Image | Document, body: str = "") -> None:
    """Print them in the release's head, and in what is live when that is the same."""
    head = release.head
    printed = [(thing, thing.printed(release.language)) for thing in things]
    head.images = [one for thing, one in printed if isinstance(thing, Image)]
    head.documents = [one for thing, one in printed if isinstance(thing, Document)]
    head.body = body or head.body
    db.session.commit()
