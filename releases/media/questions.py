"""What pages ask of the pictures and documents of a story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.core.db import db
from app.core.errors import NotFound
from releases.editorial.models import Release, Revision, Story
from releases.media.models import Document, Image

MOST_REMOVED = 20
Thing = TypeVar("Thing", Image, Document)


@dataclass(frozen=True)
class Attached:
    """What a revision printed of pictures and documents, without what has been removed since.

    With each picture stands what is so now: whether all its files are made, and its focal point.
    """

    images: list[dict[str, Any]]
    documents: list[dict[str, Any]]


def story_by_id(story_id: int) -> Story:
    """With its releases and their heads. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Story)
        .where(Story.id == story_id)
        .options(selectinload(Story.releases).joinedload(Release.head))
    )
    if found is None:
        raise NotFound("no_such_story")
    return found


def images_of(story_id: int) -> list[Image]:
    """Those that have not been removed, the oldest first."""
    return list(
        db.session.scalars(
            sa.select(Image)
            .where(Image.story_id == story_id, Image.removed_at.is_(None))
            .order_by(Image.id)
        )
    )


def documents_of(story_id: int) -> list[Document]:
    """Those that have not been removed, the oldest first."""
    return list(
        db.session.scalars(
            sa.select(Document)
            .where(Document.story_id == story_id, Document.removed_at.is_(None))
            .order_by(Document.id)
        )
    )


def removed_of(story_id: int, *, since: datetime) -> list[Image | Document]:
    """What was taken away after `since`, the last first; a handful."""
    found: list[Image | Document] = []
    for kind in (Image, Document):
        found += db.session.scalars(
            sa.select(kind)
            .where(kind.story_id == story_id, kind.removed_at > since)
            .order_by(kind.removed_at.desc())
            .limit(MOST_REMOVED)
        )
    return sorted(found, key=lambda thing: thing.removed_at or since, reverse=True)


def attached(revision: Revision) -> Attached:
    """The pictures and documents that a page of this revision shows."""
    return attached_to([revision])[0]


def attached_to(revisions: Sequence[Revision]) -> list[Attached]:
    """The same for several revisions in their order, with one question for each kind of thing.

    None is asked when they print none. A revision need not be stored.
    """
    images = _still_there(Image, (one for each in revisions for one in each.images or []))
    papers = _still_there(Document, (one for each in revisions for one in each.documents or []))
    pictures = {one.id: one.now() for one in images}
    documents = {one.id for one in papers}
    return [
        Attached(
            images=[
                {**one, **pictures[one["id"]]} for one in each.images or [] if one["id"] in pictures
            ],
            documents=[one for one in each.documents or [] if one["id"] in documents],
        )
        for each in revisions
    ]


def thing_by_key(key: str) -> Image | Document:
    """What a file belongs to. Raises NotFound."""
    found: Image | Document | None
    found = db.session.scalar(sa.select(Image).where(Image.key == key))
    if found is None:
        found = db.session.scalar(sa.select(Document).where(Document.key == key))
    if found is None:
        raise NotFound("no_such_file")
    return found


def image_by_key(key: str) -> Image:
    """Removed or not. Raises NotFound."""
    found = db.session.scalar(sa.select(Image).where(Image.key == key))
    if found is None:
        raise NotFound("no_such_image")
    return found


def _still_there(kind: type[Thing], printed: Iterable[dict[str, Any]]) -> list[Thing]:
    ids = {one["id"] for one in printed}
    if not ids:
        return []
    return list(
        db.session.scalars(sa.select(kind).where(kind.id.in_(ids), kind.removed_at.is_(None)))
    )
