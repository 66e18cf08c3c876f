"""Press kits are wanted when something is published, and made by a worker soon after.

A row says what is wanted and since when. Whoever makes a kit takes its row first: the try is
counted and `wanted_at` moved on, so that nobody else begins, and a worker that is killed is
followed by another. A kit that has failed five times is left to a person.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import jobs, shelf
from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db, guarded, reading
from app.core.errors import NotNow
from releases.editorial.models import Release, State
from releases.editorial.publications import when_public
from releases.newsroom.models import PressKit
from releases.newsroom.sharing import packing

log = logging.getLogger(__name__)

MOST_TRIES = 5
AGAIN = timedelta(minutes=5)  # after a try that has not ended well
AT_ONCE = 50
ZIP, PDF = "press-kit.zip", "press-kit.pdf"

IS_WANTED = sa.or_(PressKit.made_at.is_(None), PressKit.made_at < PressKit.wanted_at)
IS_LIVE = sa.and_(
    Release.id == PressKit.release_id,
    Release.live_id == PressKit.revision_id,
    Release.state != State.WITHDRAWN,
)


@when_public
def want(release: Release, at: datetime) -> None:
    """Have the kit of what is live now made, anew if there is one. No commit.

    Those of earlier versions, and of a withdrawn release, go at the next `make_press_kits`.
    """
    if not release.is_public:
        return
    kit = _row(release)
    if kit is None:
        db.session.add(PressKit(release=release, revision_id=release.live_id, wanted_at=at))
    else:
        kit.wanted_at, kit.made_at, kit.failures = at, None, 0
    jobs.ring_after_commit("make_press_kits")


def make_anew(release: Release, *, at: datetime) -> None:
    """A person wants it made, whatever went wrong before. No commit.

    Raises NotNow for a release that visitors may not read.
    """
    if not release.is_public:
        raise NotNow("kit_of_nothing_public")
    want(release, at)


def kit_of(release: Release) -> PressKit | None:
    """The kit that visitors may take along; None while there is none of what is live."""
    kit = _row(release) if release.is_public else None
    return kit if kit is not None and kit.key else None


def is_coming(release: Release) -> bool:
    """Whether a worker has yet to make it, and will try."""
    kit = _row(release) if release.is_public else None
    return kit is not None and kit.made_at is None and kit.failures < MOST_TRIES


def panel(release: Release, person: User) -> dict[str, object]:
    """What the release's page in the office says of its kit."""
    return {
        "press_kit": _row(release) if release.is_public else None,
        "kit_tries": MOST_TRIES,
        "may_make_kit": person.may(Role.EDITOR),
    }


@jobs.job("make_press_kits")
def make_press_kits() -> None:
    """Make what is wanted, one after the other, and take away what nobody may have any more."""
    clear()
    for kit_id in _due(now()):
        if jobs.stopping.is_set():
            return
        make(kit_id, at=now())


def make(kit_id: int, *, at: datetime) -> bool:
    """Make one kit, if nobody else is at it; whether it was made. Commits. Never raises."""
    kit = db.session.get(PressKit, kit_id)
    if kit is None or not _take(kit, at=at):
        db.session.rollback()
        return False
    tries, release_id = kit.failures, kit.release_id
    try:
        with reading():
            material = packing.gather(db.session.get_one(Release, release_id))
            db.session.rollback()
        packed = packing.pack(material)
        key = shelf.new_key()
        with packed.zip:
            sizes = len(packed.zip), len(packed.pdf)
            shelf.put(key, {ZIP: packed.zip, PDF: packed.pdf})
    except Exception:
        db.session.rollback()
        log.exception("press kit of release %s, try %s of %s", release_id, tries, MOST_TRIES)
        if tries >= MOST_TRIES:
            log.error("press kit of release %s is given up", release_id)
        return False
    return _finish(kit_id, key, sizes, taken_until=at + AGAIN, at=at)


def clear() -> None:
    """Forget the kits of what is no longer live, and their files. Commits."""
    old = sa.select(PressKit).where(~sa.exists().where(IS_LIVE)).limit(AT_ONCE)
    while kits := list(db.session.scalars(old)):
        keys = [kit.key for kit in kits if kit.key]
        for kit in kits:
            db.session.delete(kit)
        db.session.commit()
        for key in keys:
            shelf.sweep_away(key)
    db.session.rollback()


def _due(at: datetime) -> list[int]:
    found = db.session.scalars(
        sa.select(PressKit.id)
        .where(IS_WANTED, PressKit.wanted_at <= at, PressKit.failures < MOST_TRIES)
        .order_by(PressKit.wanted_at, PressKit.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    return list(found)


def _take(kit: PressKit, *, at: datetime) -> bool:
    """Count the try before it begins: what kills every worker is not tried for ever. Commits."""
    taken = guarded(
        sa.update(PressKit)
        .where(
            PressKit.id == kit.id,
            PressKit.wanted_at == kit.wanted_at,
            PressKit.failures == kit.failures,
            PressKit.failures < MOST_TRIES,
            PressKit.wanted_at <= at,
            IS_WANTED,
            sa.exists().where(IS_LIVE),
        )
        .values(wanted_at=at + AGAIN, failures=PressKit.failures + 1)
    )
    db.session.commit()
    return taken


def _finish(
    kit_id: int, key: str, sizes: tuple[int, int], *, taken_until: datetime, at: datetime
) -> bool:
    """Give it out, unless something has been published meanwhile that is not in it. Commits."""
    kit = db.session.get(PressKit, kit_id)
    before = kit.key if kit else None
    done = guarded(
        sa.update(PressKit)
        .where(PressKit.id == kit_id, PressKit.wanted_at == taken_until)
        .values(
            key=key,
            zip_size=sizes[0],
            pdf_size=sizes[1],
            made_at=at,
            wanted_at=at,
            failures=0,
        )
    )
    db.session.commit()
    if useless := before if done else key:
        shelf.sweep_away(useless)
    return done


def _row(release: Release) -> PressKit | None:
    return db.session.scalar(
        sa.select(PressKit).where(
            PressKit.release_id == release.id, PressKit.revision_id == release.live_id
        )
    )
