"""What pages ask of the pictures and documents of a story."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import NotFound
from releases.media.models import Document, Image


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


def image_by_key(key: str) -> Image:
    """Removed or not. Raises NotFound."""
    found = db.session.scalar(sa.select(Image).where(Image.key == key))
    if found is None:
        raise NotFound("no_such_image")
    return found


def document_by_key(key: str) -> Document:
    """Removed or not. Raises NotFound."""
    found = db.session.scalar(sa.select(Document).where(Document.key == key))
    if found is None:
        raise NotFound("no_such_document")
    return found
