"""Telling hubs which feeds have changed (WebSub, W3C Recommendation of 23 January 2018).

What is to be told stands in rows, one for each feed, written in the transaction that changed what
visitors read: a burst of changes is told once, and a change during a ping is told after it. The
world is asked while no transaction is open. An outside hub gets a POST; the followers of our own
hub are marked, and `following` brings them the feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core import jobs
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import NotNow
from app.core.fetching import Unfetchable
from app.core.organisation import organisation
from app.core.words import LANGUAGES
from releases.editorial.announcing import EVERYTHING
from releases.editorial.models import Release
from releases.editorial.publications import when_public
from releases.newsroom.hub.outside import LEASE, RETRY_AFTER, ask, is_good
from releases.newsroom.lists.questions import place_slug
from releases.newsroom.models import Follower, FollowerState, HubPing
from releases.newsroom.wording import base_url
from releases.rounds.editions import IS_AWARD
from releases.rounds.models import Award
from releases.rounds.register import place_with

log = logging.getLogger(__name__)

FORMS = ("rss", "atom", "json")
SECONDS = 20.0  # for one round of pings: other jobs wait behind it
OWN_HUB = "/hub"


@dataclass(frozen=True)
class HubState:
    """What the settings page tells: the latest ping, and how many wait, failed or follow."""

    last: HubPing | None
    failing: list[HubPing]
    waiting: int
    followers: int


def hubs() -> list[str]:
    """The hubs that our feeds name: the one outside, and our own when it is on."""
    sender = organisation()
    own = [f"{base_url()}{OWN_HUB}"] if sender.own_hub else []
    return [*([sender.hub_url] if sender.hub_url else []), *own]


def feeds_of(release: Release) -> list[str]:
    """The addresses of every feed that tells of a release, the whole newsroom's first."""
    under = ["", *_headings(release)]
    start = f"{base_url()}/{release.language}/"
    return [f"{start}{heading}feed.{form}" for heading in under for form in FORMS]


@when_public
def mark_feeds(release: Release, at: datetime) -> None:
    """Write down that its feeds have changed, when there is a hub to tell. No commit."""
    if hubs():
        _mark(feeds_of(release), at=at)


def mark_front(*, at: datetime) -> None:
    """Tell the hubs of the whole newsroom's feeds now, changed or not. No commit.

    Raises NotNow when there is no hub to tell.
    """
    if not hubs():
        raise NotNow("hub_none")
    _mark(
        [f"{base_url()}/{language}/feed.{form}" for language in LANGUAGES for form in FORMS], at=at
    )


@jobs.job("ping_hub")
def ping_hub() -> None:
    """Pass news on to our own followers, and tell the hub outside of every feed that is due."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and not jobs.stopping.is_set():
        at = now()
        pass_on(at=at)
        due = _due(at=at)
        if due is None:
            return
        if held := _take(due, at=at):
            _tell(due, held, at=at)


def pass_on(*, at: datetime) -> None:
    """Make the followers of changed feeds due, and their pings ready for the hub outside. Commits.

    A row's `attempts` is 0 until then, afterwards the number of the next try.
    """
    sender = organisation()
    news = _locked(HubPing.due_at <= at, HubPing.attempts == 0)
    ready: dict[str, object] = {"attempts": 1} if sender.hub_url else {"due_at": None}
    if news:
        db.session.execute(_these(news).values(**ready))
        db.session.execute(
            sa.update(Follower)
            .where(Follower.feed_url.in_(news.values()), Follower.state == FollowerState.ACTIVE)
            .values(due_at=at, attempts=0)
            .execution_options(synchronize_session=False)
        )
    db.session.commit()
    if news:
        jobs.ring("deliver_feeds")


def hub_state() -> HubState:
    """How telling goes. `failing` are feeds whose last ping did not arrive, a handful."""
    told = sa.select(HubPing).where(HubPing.pinged_at.is_not(None))
    active = sa.select(sa.func.count()).where(
        Follower.state == FollowerState.ACTIVE, Follower.expires_at > now()
    )
    waiting = sa.select(sa.func.count()).where(HubPing.due_at.is_not(None))
    return HubState(
        last=db.session.scalar(told.order_by(HubPing.pinged_at.desc(), HubPing.id).limit(1)),
        failing=list(
            db.session.scalars(
                sa.select(HubPing).where(HubPing.attempts > 1).order_by(HubPing.id).limit(5)
            )
        ),
        waiting=db.session.scalar(waiting) or 0,
        followers=db.session.scalar(active) or 0,
    )


def _mark(feeds: Iterable[str], *, at: datetime) -> None:
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    # In one order, so that no two transactions wait for each other's rows.
    rows = [
        {"feed_url": url, "due_at": at, "attempts": 0, "answer": ""} for url in sorted(set(feeds))
    ]
    statement = insert(HubPing).values(rows)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["feed_url"], set_={"due_at": statement.excluded.due_at, "attempts": 0}
        )
    )
    jobs.ring_after_commit("ping_hub")


def _headings(release: Release) -> Iterator[str]:
    """The paths under which a release is listed beside the front page, as `programmes/x/`."""
    round_ = release.story.round
    programme = round_.programme.slug if round_ else ""
    if programme:
        yield f"programmes/{programme}/"
    about = (topic.slug for topic in release.story.topics)
    # Those two have feeds already: the programme's, and the whole newsroom's.
    yield from (f"topics/{slug}/" for slug in about if slug not in (programme, EVERYTHING))
    if round_ is None:
        return
    codes = db.session.scalars(
        sa.select(Award.place)
        .where(Award.round_id == round_.id, IS_AWARD, Award.place != "")
        .distinct()
        .order_by(Award.place)
    )
    for code in codes:
        if code and (place := place_with(code)):
            yield f"places/{place_slug(place)}/"


def _due(*, at: datetime) -> HubPing | None:
    """The next ping: of the whole newsroom's feeds, whose addresses are shorter, before others."""
    found = db.session.scalar(
        sa.select(HubPing)
        .where(HubPing.due_at <= at, HubPing.attempts > 0)
        .order_by(sa.func.length(HubPing.feed_url), HubPing.id)
        .limit(1)
    )
    if found is not None:
        db.session.expunge(found)
    db.session.rollback()
    return found


def _take(ping: HubPing, *, at: datetime) -> datetime | None:
    """Hold a ping for the length of a lease; None when somebody else has it. Commits."""
    until = at + LEASE
    won = guarded(
        sa.update(HubPing)
        .where(HubPing.id == ping.id, HubPing.due_at == ping.due_at, HubPing.attempts > 0)
        .values(due_at=until)
    )
    db.session.commit()
    return until if won else None


def _tell(ping: HubPing, held: datetime, *, at: datetime) -> None:
    """Ask the hub to fetch the feed, and write down what it answered. Commits."""
    hub = organisation().hub_url
    db.session.rollback()
    if not hub:  # it was taken away meanwhile
        _settle(ping, held, due_at=None, attempts=0)
        return
    said = {"hub.mode": "publish", "hub.url": ping.feed_url, "hub.topic": ping.feed_url}
    try:
        answer = str(ask(hub, said).status)
    except Unfetchable as error:
        answer = error.reason
    told = {"answer": answer, "pinged_at": at}
    if is_good(answer):
        _settle(ping, held, due_at=None, attempts=0, **told)
    elif ping.attempts > len(RETRY_AFTER):
        log.warning("gave up telling the hub %s of %s: %s", hub, ping.feed_url, answer)
        _settle(ping, held, due_at=None, attempts=ping.attempts + 1, **told)
    else:
        again = at + RETRY_AFTER[ping.attempts - 1]
        _settle(ping, held, due_at=again, attempts=ping.attempts + 1, **told)
        if not answer.isdigit():
            _postpone(at=at, until=again)


def _settle(ping: HubPing, held: datetime, **facts: object) -> None:
    """Write down how a ping went; one that has become due again meanwhile stays so. Commits."""
    guarded(sa.update(HubPing).where(HubPing.id == ping.id, HubPing.due_at == held).values(**facts))
    db.session.commit()


def _postpone(*, at: datetime, until: datetime) -> None:
    """Let a hub that does not answer rest, whatever else there is to tell it. Commits."""
    if waiting := _locked(HubPing.due_at <= at, HubPing.attempts > 0):
        db.session.execute(_these(waiting).values(due_at=until))
    db.session.commit()


def _locked(*which: sa.ColumnElement[bool]) -> dict[int, str]:
    """The rows and their feeds, held in one order, so that nobody who publishes waits in a ring."""
    query = sa.select(HubPing.id, HubPing.feed_url).where(*which).order_by(HubPing.feed_url)
    found = db.session.execute(query.with_for_update(skip_locked=True))
    return {row.id: row.feed_url for row in found}


def _these(rows: dict[int, str]) -> sa.Update:
    update = sa.update(HubPing).where(HubPing.id.in_(rows))
    return update.execution_options(synchronize_session=False)
