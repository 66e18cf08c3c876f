"""The renditions of a picture, made by a worker after it has been uploaded.

Nothing is open in the database meanwhile. A try is counted before it begins, so a picture that
takes its worker down with it is given up in the end as well; a person can have it tried anew. Each
file is kept as it is made: whoever comes next goes on where the work was broken off.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import jobs, shelf
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import NotFound
from app.core.storage import Silent
from releases.media import imaging
from releases.media.models import MOST_TRIES, Image
from releases.media.renditions import HIGH, Focal, first_names, names, planned
from releases.media.turns import turn

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """A picture that is being worked on, as it was when that began."""

    id: int
    key: str
    content_type: str
    width: int
    height: int
    focal: Focal


@jobs.job("encode_images")
def encode_images() -> None:
    """Make the missing files of every picture that has some. One worker of a machine at a time."""
    with turn("encoding", wait=False) as ours:
        tried: set[int] = set()
        while ours and not jobs.stopping.is_set() and (work := _claimed(but=tried)):
            tried.add(work.id)
            try:
                make_missing(work)
            except Silent as silent:  # which is not the picture's fault
                _put_back(work)
                log.warning("the file storage does not answer: %s", silent)
                return
            except Exception:
                log.exception("picture %d could not be encoded", work.id)
            else:
                _finished(work, at=now())


def make_missing(work: Work) -> None:
    """Put those of its renditions on the shelf that are not there."""
    wanted = set(names(work.width, work.height, work.content_type, focal=work.focal))
    missing = wanted - shelf.names(work.key)
    if lost := missing & first_names(work.width, work.content_type):
        raise FileNotFoundError(f"{work.key[:6]}…: {', '.join(sorted(lost))}")
    if not missing:
        return
    high = shelf.read(work.key, HIGH[work.content_type])
    plan = planned(work.width, work.height, focal=work.focal)
    for name, content in imaging.renditions(high, plan, wanted=missing):
        shelf.put(work.key, {name: content})


def try_again(image: Image) -> None:
    """Have a picture that was given up tried anew; the caller commits. Raises NotFound."""
    if not guarded(
        sa.update(Image)
        .where(Image.id == image.id, Image.encoded_at.is_(None), Image.removed_at.is_(None))
        .values(encode_failures=0)
    ):
        raise NotFound("no_such_file")
    db.session.refresh(image)


def _claimed(*, but: set[int]) -> Work | None:
    """The next picture, its try counted; those that have been tried least come first."""
    while True:
        image = db.session.scalar(
            sa.select(Image)
            .where(
                Image.encoded_at.is_(None),
                Image.encode_failures < MOST_TRIES,
                Image.removed_at.is_(None),
                Image.id.not_in(but),
            )
            .order_by(Image.encode_failures, Image.id)
            .limit(1)
        )
        if image is None:
            db.session.commit()
            return None
        work = Work(
            id=image.id,
            key=image.key,
            content_type=image.content_type,
            width=image.width,
            height=image.height,
            focal=(image.focal_x, image.focal_y),
        )
        won = guarded(
            sa.update(Image)
            .where(
                Image.id == image.id,
                Image.encode_failures == image.encode_failures,
                Image.encoded_at.is_(None),
            )
            .values(encode_failures=image.encode_failures + 1)
        )
        db.session.commit()
        if won:
            return work


def _finished(work: Work, *, at: datetime) -> None:
    """Unless somebody has chosen another point meanwhile: then there is more to make."""
    guarded(
        sa.update(Image)
        .where(
            Image.id == work.id,
            Image.focal_x == work.focal[0],
            Image.focal_y == work.focal[1],
            Image.encoded_at.is_(None),
        )
        .values(encoded_at=at, encode_failures=0)
    )
    db.session.commit()


def _put_back(work: Work) -> None:
    guarded(
        sa.update(Image)
        .where(Image.id == work.id, Image.encode_failures > 0)
        .values(encode_failures=Image.encode_failures - 1)
    )
    db.session.commit()
