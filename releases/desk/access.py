"""Who may see a limited story: those it names, and administrators. For others it is not there.

Every list of releases asks `visible_to`; one guard stands before every staff page of a release or
a story. What is published is public: the limit is of the office's pages alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask, request
from sqlalchemy.orm import aliased

from app.core.accounts import Role, User, signed_in
from app.core.audit import record
from app.core.db import db
from app.core.errors import NotAllowed, NotFound
from app.core.paging import LARGEST_ID
from releases.editorial.models import Release, Revision, Story, StoryAccess


def visible_to(person: User | None) -> sa.ColumnElement[bool]:
    """The condition on Release that leaves out what the person may not see.

    None is a program or a command, which see everything.
    """
    if person is None or person.role is Role.ADMIN:
        return sa.true()
    story = aliased(Story)
    return sa.exists().where(story.id == Release.story_id, _open(story, person))


def shown_to(person: User | None) -> sa.ColumnElement[bool]:
    """The same as a condition on Story."""
    if person is None or person.role is Role.ADMIN:
        return sa.true()
    return _open(Story, person)


def may_see(person: User, story: Story) -> bool:
    """Whether the story is there for this person."""
    return not story.limited or person.role is Role.ADMIN or person.id in _inside(story)


def may_limit(person: User, story: Story) -> bool:
    """Whether it is theirs to say who may see it: an editor, or whoever has written in it."""
    if person.may(Role.EDITOR):
        return True
    wrote = (
        sa.select(Revision.id)
        .join(Release, Release.id == Revision.release_id)
        .where(Release.story_id == story.id, Revision.author_id == person.id)
    )
    return person.may(Role.WRITER) and bool(db.session.scalar(sa.select(wrote.exists())))


def limit(release: Release, people: Iterable[User], *, by: User, at: datetime) -> None:
    """Let only `people`, and `by`, see the release's story. Raises NotAllowed. No commit."""
    story = release.story
    _hold(story, by=by)
    wanted = {person.id for person in people} | {by.id}
    if story.limited and wanted == _inside(story):
        return
    db.session.execute(sa.delete(StoryAccess).where(StoryAccess.story_id == story.id))
    db.session.execute(
        sa.insert(StoryAccess),
        [{"story_id": story.id, "user_id": user_id} for user_id in sorted(wanted)],
    )
    story.limited = True
    names = db.session.scalars(sa.select(User.name).where(User.id.in_(wanted)).order_by(User.name))
    _record("release.limit", release, by=by, at=at, people=list(names))


def open_up(release: Release, *, by: User, at: datetime) -> None:
    """Let everybody in the office see the release's story. Raises NotAllowed. No commit."""
    story = release.story
    _hold(story, by=by)
    if not story.limited:
        return
    db.session.execute(sa.delete(StoryAccess).where(StoryAccess.story_id == story.id))
    story.limited = False
    _record("release.open_up", release, by=by, at=at)


def panel(release: Release, person: User) -> dict[str, object]:
    """What `_access.html` shows: whether it is limited, to whom, and who could be let in."""
    story = release.story
    inside = _inside(story) if story.limited else _suggested(story) | {person.id}
    may = may_limit(person, story)
    active = sa.select(User).where(User.active).order_by(User.name, User.id)
    people = db.session.scalars(active).all() if may or story.limited else []
    return {
        "access": {
            "limited": story.limited,
            "may": may,
            "people": [(one, one.id in inside) for one in people if one.role is not Role.ADMIN],
            "inside": [one for one in people if one.id in inside],
        }
    }


def init_app(app: Flask) -> None:
    """Stand before every staff page that names a release or a story."""
    app.before_request(_guard)


def _guard() -> None:
    """Raises NotFound, the same as for what is not there."""
    named = request.view_args or {}
    if not request.path.startswith("/office") or not {"release_id", "story_id"} & named.keys():
        return
    person = signed_in()
    if person is None:  # the sign-in page comes first
        return
    release_id, story_id = (int(named.get(name, 0)) for name in ("release_id", "story_id"))
    hidden = NotFound("no_such_release", id=release_id or story_id)
    if max(release_id, story_id) > LARGEST_ID:
        raise hidden
    theirs = sa.select(Release.story_id).where(Release.id == release_id)
    named_stories = sa.select(Story).where(sa.or_(Story.id == story_id, Story.id.in_(theirs)))
    if not all(may_see(person, story) for story in db.session.scalars(named_stories)):
        raise hidden


def _hold(story: Story, *, by: User) -> None:
    """Keep the story's access for this transaction: of two who change it the second sees it."""
    if not may_limit(by, story) or not may_see(by, story):
        raise NotAllowed("role")
    # By its id alone: PostgreSQL locks nothing that was loaded together with a round.
    db.session.execute(sa.select(Story.id).where(Story.id == story.id).with_for_update())
    db.session.refresh(story)


def _open(story: type[Story], person: User) -> sa.ColumnElement[bool]:
    inside = sa.exists().where(StoryAccess.story_id == story.id, StoryAccess.user_id == person.id)
    return sa.or_(~story.limited, inside)


def _inside(story: Story) -> set[int]:
    return set(
        db.session.scalars(sa.select(StoryAccess.user_id).where(StoryAccess.story_id == story.id))
    )


def _suggested(story: Story) -> set[int]:
    """Those who have written in it: likely to be let in."""
    return {
        author
        for author in db.session.scalars(
            sa.select(Revision.author_id)
            .join(Release, Release.id == Revision.release_id)
            .where(Release.story_id == story.id)
            .distinct()
        )
        if author is not None
    }


def _record(action: str, release: Release, *, by: User, at: datetime, **facts: Any) -> None:
    record(action, "release", release.id, title=release.head.title, by=by, at=at, **facts)
