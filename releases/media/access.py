"""Who may fetch the files of a picture or a document. Asked at every fetch.

The addresses cannot be guessed, but they travel: a preview is forwarded, an embargo is broken. So
an address alone opens nothing before publication, and nothing after a withdrawal.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, writing
from releases.desk.access import may_see
from releases.editorial.models import Publication, Release, Revision, State, Story
from releases.media.models import Document, Image
from releases.review import embargo
from releases.review.inviting import visit


def is_public(thing: Image | Document) -> bool:
    """Whether a release that visitors may read has it, or has had it while it was public."""
    if thing.removed_at is not None:
        return False
    printed = Revision.images if isinstance(thing, Image) else Revision.documents
    live = sa.select(Release.live_id).where(*_readable(thing.story_id))
    earlier = (
        sa.select(Publication.revision_id)
        .join(Release, Release.id == Publication.release_id)
        .where(*_readable(thing.story_id))
    )
    shown = db.session.scalars(
        sa.select(printed).where(sa.or_(Revision.id.in_(live), Revision.id.in_(earlier)))
    )
    return any(one.get("key") == thing.key for things in shown for one in things or [])


def staff_may_see(story_id: int, person: User | None) -> bool:
    """Whether somebody who works here may see the story: everybody, unless it is a limited one."""
    story = db.session.get(Story, story_id)
    return person is not None and story is not None and may_see(person, story)


def may_see_before(story_id: int, token: str) -> bool:
    """Whether `token` gives a person outside the office access to the story before publication.

    `token` is what stood in the address as `?embargo=`; anything at all may stand there. Asked only
    when nothing of the story that has the file is public. Each file shown is put on record, in a
    transaction of its own; what is none of ours writes nothing. Never raises.
    """
    at = now()
    if embargo.reader_of(story_id, token, at=at) is None:
        return False
    with writing():
        reader = embargo.reader_of(story_id, token, at=at)
        if reader is None:  # taken back at this moment
            return False
        shown = embargo.readable(reader.release)
        visit(reader, "file", revision_id=shown.id if shown else None, at=at)
        db.session.commit()
    return True


def _readable(story_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Release.story_id == story_id,
        Release.live_id.is_not(None),
        Release.published_at.is_not(None),
        Release.state != State.WITHDRAWN,
    )
