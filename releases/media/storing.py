"""Pictures and documents come to a story, are described, and are taken away again.

`make` does the slow part and needs no database; whoever calls it should hold no transaction open.
What is taken away is gone from every page at once and can be brought back for a day; then
`clear_shelves` removes its files and its row.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from mmap import ACCESS_READ, mmap
from typing import IO, Any

import sqlalchemy as sa

from app.core import audit, jobs, shelf
from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import BadInput, NotFound, NotNow
from app.core.storage import Content, Silent
from releases.editorial.models import Release, Revision, State, Story
from releases.media import papers
from releases.media.imaging import Picture, make_picture
from releases.media.kinds import PICTURES, kind_of
from releases.media.licences import LICENCES
from releases.media.models import Document, Image
from releases.media.renditions import Focal

KEPT_FOR = timedelta(days=1)
AT_ONCE = 50  # removed rows that one sweep clears away
MOST_IN_A_STORY = 100
IMAGE_WORDS = {
    "alt_sv": 500,
    "alt_en": 500,
    "caption_sv": 1000,
    "caption_en": 1000,
    "credit": 200,
    "licence": 40,
}
DOCUMENT_WORDS = {"title_sv": 300, "title_en": 300}
CANNOT_BE_A_PICTURE = ("PDF", "ZIP", "OLE")


@dataclass(frozen=True)
class Paper:
    """A document that may be kept."""

    content: bytes | mmap
    form: papers.Form


@dataclass(frozen=True)
class Made:
    """An upload that has passed, ready for the shelf."""

    filename: str
    what: Picture | Paper


def make(upload: bytes | IO[bytes], *, filename: str) -> Made:
    """What an upload becomes. Raises BadInput, which names the file and says why not.

    A file on the disk is looked at where it lies, and not read into memory.
    """
    name = neat_name(filename)
    content = upload if isinstance(upload, bytes) else _mapped(upload)
    if not content:
        raise BadInput("file_empty", file=name)
    kind = kind_of(content)
    if kind in CANNOT_BE_A_PICTURE:
        return Made(name, Paper(content, papers.form_of(content, name=name)))
    if kind in PICTURES or kind in ("SVG", "HEIC", "PAGE"):
        return Made(name, make_picture(content, name=name))
    raise BadInput("file_unknown", file=name)


def _mapped(file: IO[bytes]) -> bytes | mmap:
    """A small upload is in memory already; of a large one only what is looked at comes there."""
    if isinstance(file, io.BytesIO):
        return file.getvalue()
    if not file.seek(0, io.SEEK_END):
        return b""
    return mmap(file.fileno(), 0, access=ACCESS_READ)


def add(
    story: Story, made: Made, *, language: str, by: User | None, at: datetime
) -> Image | Document:
    """Put it on the shelf and write its row; the caller commits. `by` is None for an import.

    What the file says about itself is written down as a proposal; its caption counts as being in
    `language` when it does not say. Raises BadInput when the story has as many as it may have, and
    NotNow when there is no way to the shelf.
    """
    for kind in (Image, Document):
        count = sa.select(sa.func.count()).where(kind.story_id == story.id)
        if (db.session.scalar(count.where(kind.removed_at.is_(None))) or 0) >= MOST_IN_A_STORY:
            raise BadInput("story_is_full", most=MOST_IN_A_STORY)
    key = shelf.new_key()
    thing: Image | Document
    if isinstance(made.what, Picture):
        _put(key, made.what.files, name=made.filename)
        thing = _image(key, made.filename, made.what, language=language)
    else:
        _put(key, {made.what.form.file: made.what.content}, name=made.filename)
        thing = Document(
            key=key,
            filename=made.filename,
            content_type=made.what.form.content_type,
            size=len(made.what.content),
        )
    thing.story_id, thing.uploaded_at = story.id, at
    thing.uploaded_by_id = by.id if by else None
    db.session.add(thing)
    db.session.flush()
    _record("add_file", thing, by=by, at=at)
    return thing


def describe(
    thing: Image | Document,
    words: Mapping[str, str],
    *,
    was: Mapping[str, str],
    by: User,
    at: datetime,
) -> dict[str, str]:
    """Write what a person has said of it, where that differs from what stood there (`was`).

    Returns what somebody else has written in the same fields meanwhile; nothing is written then.
    Raises BadInput for words that do not fit and for a licence nobody knows.
    """
    fits = IMAGE_WORDS if isinstance(thing, Image) else DOCUMENT_WORDS
    said = {name: neat(words[name]) for name in fits if name in words}
    stood = {name: neat(was.get(name, "")) for name in said}
    changed = {name: text for name, text in said.items() if text != stood[name]}
    for name, text in changed.items():
        if len(text) > fits[name]:
            raise BadInput("words_too_long", field=name, most=fits[name], n=len(text))
    if changed.get("licence") and changed["licence"] not in LICENCES:
        raise BadInput("no_such_licence", field="licence")
    if not changed:
        return {}
    kind = type(thing)
    unless_changed = [getattr(kind, name).in_([stood[name], said[name]]) for name in changed]
    update = sa.update(kind).where(kind.id == thing.id, kind.removed_at.is_(None), *unless_changed)
    won = guarded(update.values(**changed))
    db.session.refresh(thing)
    if won:
        _record("describe_file", thing, by=by, at=at)
        return {}
    if thing.removed_at is not None:
        raise NotFound("no_such_file")
    now_there = {name: str(getattr(thing, name)) for name in changed}
    return {n: text for n, text in now_there.items() if text not in (stood[n], said[n])}


def focus(image: Image, point: Focal, *, was: Focal, by: User, at: datetime) -> Focal | None:
    """Say where the eye should land, where that differs from what stood there (`was`).

    Its crops are then made anew; until they are, pages show the picture in one size. Returns the
    point that somebody else has chosen meanwhile; nothing is written then. Raises BadInput for a
    point outside the picture, and NotFound.
    """
    for name, part in zip(("focal_x", "focal_y"), point, strict=True):
        if not 0 <= part <= 100:
            raise BadInput("no_such_point", field=name)
    if point == was:
        return None
    if guarded(
        sa.update(Image)
        .where(
            Image.id == image.id,
            Image.removed_at.is_(None),
            sa.tuple_(Image.focal_x, Image.focal_y).in_([was, point]),
        )
        .values(focal_x=point[0], focal_y=point[1], encoded_at=None, encode_failures=0)
    ):
        db.session.refresh(image)
        _record("describe_file", image, by=by, at=at)
        return None
    db.session.refresh(image)
    if image.removed_at is not None:
        raise NotFound("no_such_file")
    return image.focal_x, image.focal_y


def remove(thing: Image | Document, *, by: User, at: datetime) -> None:
    """Take it away from the story. Raises NotNow when a text that is public or approved has it."""
    releases = _locked_releases(thing.story_id)
    for release in releases:
        for revision in _standing(release):
            if _has(revision, thing):
                raise NotNow("media_in_use", file=thing.filename, title=revision.title)
    kind = type(thing)
    if not guarded(
        sa.update(kind).where(kind.id == thing.id, kind.removed_at.is_(None)).values(removed_at=at)
    ):
        raise NotFound("no_such_file")
    db.session.refresh(thing)
    _record("remove_file", thing, by=by, at=at)


def bring_back(thing: Image | Document, *, by: User, at: datetime) -> None:
    """Undo its removal. Raises NotFound when its files are gone already."""
    kind = type(thing)
    since = at - KEPT_FOR
    if not guarded(
        sa.update(kind).where(kind.id == thing.id, kind.removed_at > since).values(removed_at=None)
    ):
        raise NotFound("no_such_file")
    db.session.refresh(thing)
    _record("bring_back_file", thing, by=by, at=at)


@jobs.job("clear_shelves")
def clear_shelves() -> None:
    """Remove the files and rows of what was taken away a day ago, and files without a row."""
    at = now()
    for kind in (Image, Document):
        due = sa.select(kind.id, kind.key).where(kind.removed_at <= at - KEPT_FOR).limit(AT_ONCE)
        for thing_id, key in db.session.execute(due).all():
            if guarded(sa.delete(kind).where(kind.id == thing_id, kind.removed_at.is_not(None))):
                db.session.commit()  # killed here, it leaves a stray
                shelf.sweep_away(key)
    db.session.commit()
    _sweep_strays(at)


def _sweep_strays(at: datetime) -> None:
    """Look through one shelf of them, another each minute, so that it takes no time to speak of."""
    minute = int(at.timestamp() // 60)
    old = list(shelf.older_than(at - KEPT_FOR, shelf=shelf.SHELVES[minute % len(shelf.SHELVES)]))
    if not old:
        return
    strays = set(old) - shelf.known(old)
    db.session.commit()
    for key in strays:
        shelf.sweep_away(key)


def neat_name(filename: str) -> str:
    """An upload's name without folders, control characters and the like; the end is kept."""
    name = unicodedata.normalize("NFC", filename).replace("\\", "/").rpartition("/")[2]
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[: 254 - len(extension)]}.{extension}"
    return name[:255] or "file"


def neat(text: str) -> str:
    """One line, its blanks single."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _put(key: str, files: Mapping[str, Content], *, name: str) -> None:
    try:
        shelf.put(key, files)
    except Silent as silent:
        raise NotNow("storage_silent", file=name) from silent


def _image(key: str, filename: str, made: Picture, *, language: str) -> Image:
    said = made.said

    def proposed(name: str, by_language: Mapping[str, str], spoken: str) -> str:
        text = by_language.get(spoken) or (by_language.get("", "") if spoken == language else "")
        return neat(text)[: IMAGE_WORDS[name]]

    return Image(
        key=key,
        filename=filename,
        content_type=made.content_type,
        width=made.width,
        height=made.height,
        size=made.size,
        alt_sv=proposed("alt_sv", said.alt, "sv"),
        alt_en=proposed("alt_en", said.alt, "en"),
        caption_sv=proposed("caption_sv", said.caption, "sv"),
        caption_en=proposed("caption_en", said.caption, "en"),
        credit=neat(said.credit)[: IMAGE_WORDS["credit"]],
        licence=said.licence,
    )


def _locked_releases(story_id: int) -> list[Release]:
    """Held until the end, so that nobody publishes one of them while its pictures are taken."""
    return list(
        db.session.scalars(
            sa.select(Release)
            .where(Release.story_id == story_id)
            .order_by(Release.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _standing(release: Release) -> list[Revision]:
    """The revisions that must stay as they are: live and approved."""
    if release.state is State.WITHDRAWN:
        return []
    return [revision for revision in (release.live, release.approved) if revision is not None]


def _has(revision: Revision, thing: Image | Document) -> bool:
    printed: list[dict[str, Any]]
    printed = revision.images if isinstance(thing, Image) else revision.documents
    return any(one["id"] == thing.id for one in printed)


def _record(act: str, thing: Image | Document, *, by: User | None, at: datetime) -> None:
    """On the record as an act on the story's first release: who may not see that sees no file."""
    release = db.session.scalar(
        sa.select(Release).where(Release.story_id == thing.story_id).order_by(Release.id).limit(1)
    )
    audit.record(
        f"release.{act}",
        "release",
        release.id if release else None,
        title=release.head.title if release else "",
        by=by,
        at=at,
        file=thing.filename,
    )
