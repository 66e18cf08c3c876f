"""What somebody has written and not saved, kept so that a closed lid or a lost line costs nothing.

One row for each person and release. It is no revision and nobody else sees it: the release is as it
was until its words are saved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from app.core.accounts import User
from app.core.db import db, guarded
from releases.editorial.models import Autosave, Release, Revision
from releases.editorial.writing import Text, text_of

SPACE = re.compile(r"[ \t\r\n]+")
AROUND_BLOCK = re.compile(
    r"[ \t\r\n]*(</?(?:p|li|ul|ol|h2|h3|blockquote|footer|aside|caption|td|th|tr|thead|tbody|table)"
    r"(?: [^>]*)?>)[ \t\r\n]*"
)


@dataclass(frozen=True)
class Unsaved:
    """Somebody's words that are not in the release, and the revision they were written on.

    `clashes` are places where another's words wait for a choice, as the page carried them.
    """

    text: Text
    note: str
    base: Revision
    saved_at: datetime
    clashes: tuple[str, ...] = ()


def keep(
    release: Release,
    text: Text,
    *,
    base: Revision,
    note: str = "",
    clashes: Sequence[str] = (),
    by: User,
    at: datetime,
) -> None:
    """Keep the words of `by` in place of those kept before."""
    kept = {
        "base_id": base.id,
        "text": {**asdict(text), "note": note[:500], "clashes": list(clashes)},
        "saved_at": at,
    }
    if _replace(release, by, kept):
        return
    try:
        with db.session.begin_nested():
            db.session.add(Autosave(release_id=release.id, user_id=by.id, **kept))
    except sa.exc.IntegrityError:  # another window of the same person was first
        _replace(release, by, kept)


def unsaved(release: Release, *, by: User) -> Unsaved | None:
    """The kept words of `by`; None when the release says just that, or nothing was written."""
    row = db.session.get(Autosave, (release.id, by.id), populate_existing=True)
    if row is None:
        return None
    base = db.session.get_one(Revision, row.base_id)
    names = {one.name for one in fields(Text)}
    text = Text(**{name: said for name, said in row.text.items() if name in names}).cleaned()
    known = (_told(text_of(base)), _told(text_of(release.head)))
    if _told(text) in known:
        return None
    clashes = tuple(row.text.get("clashes", ()))
    return Unsaved(text, row.text.get("note", ""), base, row.saved_at, clashes)


def forget(release: Release, *, by: User) -> None:
    """Throw the kept words of `by` away, if there are any."""
    db.session.execute(
        sa.delete(Autosave)
        .where(Autosave.release_id == release.id, Autosave.user_id == by.id)
        .execution_options(synchronize_session=False)
    )


def _told(text: Text) -> tuple[object, ...]:
    """What a text tells: where its lines break, and how a contact is printed now, say nothing."""
    words = (text.headline, text.lead, text.body, text.about_programme)
    return (
        *(SPACE.sub(" ", AROUND_BLOCK.sub(r"\1", part)).strip() for part in words),
        [(link["label"], link["url"]) for link in text.links],
        *({one["id"] for one in many} for many in (text.contacts, text.images, text.documents)),
    )


def _replace(release: Release, by: User, kept: dict[str, object]) -> bool:
    return guarded(
        sa.update(Autosave)
        .where(Autosave.release_id == release.id, Autosave.user_id == by.id)
        .values(**kept)
    )
