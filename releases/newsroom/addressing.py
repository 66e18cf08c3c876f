"""Where a release is, and where it was: an address that changes goes on leading to its text.

Old addresses point at the release and not at its next address, so one redirect is always enough.
An address that a release has now is nobody's old one. Addresses of releases that were never public
are forgotten, since nobody was to know them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core.accounts import Role, User, require
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, Conflict
from app.core.words import LANGUAGES
from releases.editorial.models import OldAddress, Release, State
from releases.editorial.publications import follow_up
from releases.editorial.writing import slug_for
from releases.rounds.importing import slug_of

LONGEST = 100  # of what stands last in an address; the column holds 120
BELOW_A_RELEASE = re.compile(rf"(/(?:{'|'.join(LANGUAGES)})/releases/[^/]+)(/.*)?", re.DOTALL)


@dataclass(frozen=True)
class Moved:
    """Whose address was asked for, and where that is now: a path, ready for a Location header."""

    release: Release
    path: str


def path_of(release: Release, slug: str = "") -> str:
    """The path of its page; with `slug` as it would be under another one."""
    return f"/{release.language}/releases/{slug or release.slug}"


def proposed(release: Release) -> str:
    """An address out of the headline that stands now, which no other release has or had."""
    headline = (release.live or release.head).title
    return slug_for(headline, release.language, own=release, longest=LONGEST)


def old_paths(release: Release, *, most: int = 20) -> list[str]:
    """The addresses that lead to it by a redirect, the latest first."""
    return list(
        db.session.scalars(
            sa.select(OldAddress.path)
            .where(OldAddress.release_id == release.id)
            .order_by(OldAddress.id.desc())
            .limit(most)
        )
    )


def panel(release: Release, person: User) -> dict[str, Any]:
    """What `_address.html` shows on the office's page of a release."""
    return {"old_paths": old_paths(release), "may_move": person.may(Role.EDITOR)}


def move(release: Release, *, slug: str, take: bool = False, by: User, at: datetime) -> None:
    """Give the release another address; where it was public, the old one leads to the new one.

    `slug` is spelled as addresses are: a to z, digits and hyphens. Nothing happens when it is the
    one it has. Raises NotAllowed to all but editors, BadInput for one that is empty or another
    release's, and Conflict when somebody has just moved it. An address that leads to another
    release today is refused too, unless it is `take`n from it: shared links to that one then come
    here. Writes OldAddress and the audit log. No commit.
    """
    require(by, Role.EDITOR)
    slug = slug_of(slug, longest=LONGEST)
    if not slug:
        raise BadInput("address_missing")
    if slug == release.slug:
        return
    before, after = path_of(release), path_of(release, slug)
    if _has_another(release, slug):
        raise BadInput("address_taken")
    if not take and _leads_elsewhere(release, after):
        raise BadInput("address_leads_elsewhere")
    try:
        with db.session.begin_nested():
            won = guarded(
                sa.update(Release)
                .where(Release.id == release.id, Release.slug == release.slug)
                .values(slug=slug)
            )
    except sa.exc.IntegrityError:  # taken in this very moment
        raise BadInput("address_taken") from None
    if not won:
        raise Conflict("changed_meanwhile")
    db.session.execute(sa.delete(OldAddress).where(OldAddress.path.in_((before, after))))
    if release.published_at is not None:
        db.session.add(OldAddress(path=before, release_id=release.id, created_at=at))
    db.session.flush()
    db.session.refresh(release)
    record(
        "release.move",
        "release",
        release.id,
        title=release.head.title,
        by=by,
        at=at,
        old=before,
        new=after,
    )
    if release.is_public:
        follow_up(release, at=at)


def where_now(path: str, query: str = "") -> Moved | None:
    """The release that an address with nothing at it once led to; one question.

    `path` is decoded, `query` as it was sent. What stands below a release's old address, such as
    its versions, is found below its new one. Nothing is found of what was never public.
    """
    if "\0" in path or "\0" in query:
        return None
    encoded = quote(path, safe="/%:@!$&'()*+,;=~-._")
    after = {path: "", encoded: ""}
    if query:
        after |= {f"{path}?{query}": "", f"{encoded}?{query}": ""}
    if below := BELOW_A_RELEASE.fullmatch(path):
        after[below[1]] = below[2] or ""
    found = db.session.scalars(
        sa.select(OldAddress)
        .join(OldAddress.release)
        .where(
            OldAddress.path.in_(after),
            Release.published_at.is_not(None),
            sa.or_(Release.live_id.is_not(None), Release.state == State.WITHDRAWN),
        )
        .options(joinedload(OldAddress.release))
    ).all()
    closest = max(found, key=lambda one: len(one.path), default=None)
    if closest is None or closest.path == path_of(closest.release):
        return None
    rest = quote(after[closest.path], safe="/")
    if rest and query:  # how a frame should look, which bytes of a picture
        rest += f"?{query}"
    return Moved(closest.release, path_of(closest.release) + rest)


def _has_another(release: Release, slug: str) -> bool:
    found = db.session.scalar(
        sa.select(Release.id).where(Release.language == release.language, Release.slug == slug)
    )
    return found is not None


def _leads_elsewhere(release: Release, path: str) -> bool:
    found = db.session.scalar(
        sa.select(OldAddress.id).where(OldAddress.path == path, OldAddress.release_id != release.id)
    )
    return found is not None
