"""Whether the addresses printed in releases answer: asked now and then, and remembered.

An address is asked at most once a day, whoever prints it. Which of two workers asks is decided by
the row, and nothing is held in the database while the world makes up its mind.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from html import unescape

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import jobs
from app.core.clock import now
from app.core.db import db, guarded
from app.core.fetching import Unfetchable, fetch
from app.core.html import is_web_address
from releases.editorial.models import LinkCheck, Release, Revision, State

AGAIN_AFTER = timedelta(hours=24)
LATELY = timedelta(days=14)  # how long a text that nobody touches is still looked after
JUST_NOW = timedelta(minutes=5)  # between two full rounds only what was saved just now is looked at
AT_ONCE = 200  # addresses in one round
SECONDS = 20.0  # for one round: other jobs wait behind it
LONGEST = 1000
HREF = re.compile(r'<a href="([^"]*)"')
NOT_SAID = {"not_public", "no_resolver"}
# Servers that mind being asked by a program are not dead.
STANDS = {401, 403, 405, 406, 429, 451, 501, 503, 999}


def addresses_in(revision: Revision) -> list[str]:
    """The web addresses that a revision prints, each once, in order."""
    text = revision.lead + revision.body
    found = [*map(unescape, HREF.findall(text)), *(link["url"] for link in revision.links)]
    return [url for url in dict.fromkeys(found) if is_web_address(url) and len(url) <= LONGEST]


def last_checks(addresses: Collection[str]) -> dict[str, LinkCheck]:
    """What is known of these addresses, in one question."""
    if not addresses:
        return {}
    found = db.session.scalars(sa.select(LinkCheck).where(LinkCheck.url.in_(addresses)))
    return {check.url: check for check in found}


@jobs.job("check_links")
def check_links() -> None:
    """Ask the addresses that are due. On the full hour every text's, else those saved just now."""
    at = now()
    since = at - (LATELY if at.minute == 0 else JUST_NOW)
    due = list(_due(_printed_since(since), at=at))[:AT_ONCE]
    db.session.rollback()
    until = time.monotonic() + SECONDS
    for url in due:
        if time.monotonic() > until or jobs.stopping.is_set():
            return
        check(url, at=now())


def check(url: str, *, at: datetime) -> None:
    """Ask one address, unless somebody has done so within a day. Commits."""
    if not _take(url, at=at):
        return
    works, answer = asked(url)
    db.session.execute(
        sa.update(LinkCheck).where(LinkCheck.url == url).values(works=works, answer=answer)
    )
    db.session.commit()


def asked(url: str) -> tuple[bool | None, str]:
    """Whether an address answers, and how: a status, or the reason why there is none.

    None for what we cannot say: addresses inside our own network may well work, and so may all
    others while our own resolver is silent.
    """
    try:
        status = fetch(url).status
    except Unfetchable as error:
        return (None if error.reason in NOT_SAID else False), error.reason
    return status < 400 or status in STANDS, str(status)


def _printed_since(since: datetime) -> Iterator[str]:
    """The addresses of the texts that were touched since then."""
    head = aliased(Revision)
    revisions = db.session.scalars(
        sa.select(head)
        .join(Release, Release.head_id == head.id)
        .where(Release.state != State.WITHDRAWN, Release.updated_at >= since)
        .order_by(Release.updated_at.desc())
        .limit(AT_ONCE)
    )
    for revision in revisions:
        yield from addresses_in(revision)


def _due(addresses: Iterator[str], *, at: datetime) -> Iterator[str]:
    wanted = list(dict.fromkeys(addresses))
    known = last_checks(wanted)
    for url in wanted:
        asked_at = known[url].checked_at if url in known else None
        if asked_at is None or asked_at <= at - AGAIN_AFTER:
            yield url


def _take(url: str, *, at: datetime) -> bool:
    """Whether it is ours to ask now. Commits, so that nothing is held while we wait."""
    known = db.session.scalar(sa.select(LinkCheck.id).where(LinkCheck.url == url))
    if known is None:
        try:
            with db.session.begin_nested():
                db.session.add(LinkCheck(url=url, checked_at=at, answer=""))
            won = True
        except sa.exc.IntegrityError:
            won = False
    else:
        won = guarded(
            sa.update(LinkCheck)
            .where(
                LinkCheck.id == known,
                sa.or_(LinkCheck.checked_at.is_(None), LinkCheck.checked_at <= at - AGAIN_AFTER),
            )
            .values(checked_at=at)
        )
    db.session.commit()
    return won
