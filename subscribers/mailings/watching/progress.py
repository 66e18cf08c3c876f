"""Watching a mailing while it is sent: how far, how fast, until when, and what stands in its way.

Counting a million recipients takes a moment, and ten people may look at once. So each process
counts a mailing once in a while and keeps the answer: for two seconds, or ten times as long as the
counting took. From what it has kept of the last minute it tells the rate.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from flask import current_app

from app.core.db import db
from subscribers.audience.models import Subscription
from subscribers.mailings import questions
from subscribers.mailings.controlling import GOING
from subscribers.mailings.models import (
    ALL,
    Bounce,
    Delivery,
    DeliveryState,
    DomainGroup,
    InboundEvent,
    InboundKind,
    Mailing,
    MailingState,
)
from subscribers.mailings.questions import Progress
from subscribers.mailings.watching.reasons import Reason, reason_of

KEPT_SECONDS = 2.0
COSTS = 10  # times as long as it took, a count is kept: at most a tenth of a processor
WINDOW_SECONDS = 60.0  # over which the rate is told
SHORTEST_SECONDS = 3.0  # of looking on before there is a rate
MAILINGS_KEPT = 200
PAGE = 50  # recipients
PHRASES = 3  # answers of servers shown for one kind of trouble
AHEAD = 5  # mailings shown that go first

OPEN = (DeliveryState.CLAIMED, DeliveryState.TRANSMITTING)
HANDED_OVER = (DeliveryState.SENT, DeliveryState.FAILED)  # those a server has answered for


@dataclass(frozen=True)
class Group:
    """A mailing's recipients at one provider. `limit` is mails a second, 0 for none."""

    name: str
    counts: Mapping[DeliveryState, int]
    limit: float = 0.0
    is_held: bool = False
    backs_off_until: datetime | None = None
    factor: float = 1.0

    @property
    def waiting(self) -> int:
        return self.counts[DeliveryState.QUEUED]

    @property
    def later(self) -> int:
        return self.counts[DeliveryState.DEFERRED]

    @property
    def in_the_open(self) -> int:
        return sum(self.counts[state] for state in OPEN)

    @property
    def audience(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble: how many, what servers said in their words, and what became of them."""

    reason: Reason
    state: DeliveryState
    count: int
    phrases: Sequence[tuple[str, int]]


class Earlier(NamedTuple):
    """A mailing that is sent before another one."""

    id: int
    subject: str
    language: str


class Returned(NamedTuple):
    """What has come back of mails that a server had taken."""

    hard: int
    soft: int
    complaints: int


@dataclass(frozen=True)
class View:
    """A mailing as it stood at `at`. `rate` is mails a second, None when nobody has looked yet.

    `is_growing` while its people are still being written down; `expected` is then about how many
    there will be, None when nobody can tell.
    """

    at: datetime
    progress: Progress
    groups: Sequence[Group]
    rate: float | None
    ends_at: datetime | None
    troubles: Sequence[Trouble]
    uncertain: int
    returned: Returned
    ahead: Sequence[Earlier] = ()
    single_ahead: bool = False
    is_growing: bool = False
    expected: int | None = None

    @property
    def waiting(self) -> int:
        return self.progress.counts[DeliveryState.QUEUED]

    @property
    def later(self) -> int:
        return self.progress.counts[DeliveryState.DEFERRED]

    @property
    def in_the_open(self) -> int:
        return sum(self.progress.counts[state] for state in OPEN)

    @property
    def waits_for_a_person(self) -> bool:
        """Whether all that is left lies in held groups."""
        left = [group for group in self.groups if group.waiting or group.later]
        return bool(left) and all(group.is_held for group in left)


@dataclass
class _Kept:
    """What one process knows of one mailing. `seen` are (seconds, handed over by group)."""

    until: float = 0.0
    view: View | None = None
    state: MailingState | None = None
    seen: deque[tuple[float, dict[str, int]]] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)


def look(mailing: Mailing, *, at: datetime) -> View:
    """The mailing as it stands, or as it stood a moment ago."""
    kept = _kept(mailing.id)
    with kept.lock:  # who comes while another counts is given that one's answer
        if kept.view is None or kept.state is not mailing.state or time.monotonic() >= kept.until:
            began = time.monotonic()
            kept.view = _count(mailing, kept, at=at)
            kept.state = mailing.state
            took = time.monotonic() - began
            kept.until = time.monotonic() + max(KEPT_SECONDS, COSTS * took)
        return kept.view


def _kept(mailing_id: int) -> _Kept:
    known: dict[int, _Kept] = current_app.extensions.setdefault("watching", {})
    if mailing_id not in known and len(known) >= MAILINGS_KEPT:
        known.pop(next(iter(known)), None)
    return known.setdefault(mailing_id, _Kept())


def _count(mailing: Mailing, kept: _Kept, *, at: datetime) -> View:
    standings = questions.standings([mailing.id], at=at)
    limits = {one.name: one for one in db.session.scalars(sa.select(DomainGroup))}
    groups = _groups(standings, limits, at=at)
    totals = dict.fromkeys(DeliveryState, 0)
    for (_, _, state), count in standings.items():
        totals[state] += count
    _remember(kept, groups)
    is_going = mailing.state in GOING
    rates = rates_of(list(kept.seen)) if is_going else None
    rate = None if rates is None else sum(rates.values())
    ends_at = None
    share = share_written(mailing)
    if rates is not None and share:
        relay = limits[ALL].rate * limits[ALL].factor if ALL in limits else 0.0
        seconds = seconds_left(groups, rates, relay=relay, to_come=1 / share - 1)
        ends_at = None if seconds is None else at + timedelta(seconds=seconds)
    ahead, single = _ahead(mailing, at=at) if is_going else ([], False)
    found = questions.causes(mailing.id, at=at, groups={group.name for group in groups})
    return View(
        at=at,
        progress=Progress(totals),
        groups=groups,
        rate=rate,
        ends_at=ends_at,
        troubles=troubles(found),
        uncertain=questions.uncertain(mailing.id),
        returned=returned([mailing.id])[mailing.id],
        ahead=ahead,
        single_ahead=single,
        is_growing=share is None or share < 1,
        expected=round(sum(totals.values()) / share) if share and share < 1 else None,
    )


def share_written(mailing: Mailing) -> float | None:
    """How much of the list the writing of a mailing's people has gone through; 1 when it is done.

    Its cursor goes along the ids of subscriptions. None before it has begun, and for those who got
    an earlier mailing: theirs goes along deliveries, of which nobody knows how many it will pass.
    """
    is_paused = mailing.state is MailingState.PAUSED
    state = mailing.paused_from if is_paused else mailing.state
    if state is not MailingState.MATERIALISING:
        return 1.0
    if not mailing.audience_cursor or "received" in (mailing.audience or {}):
        return None
    last = db.session.scalar(sa.select(sa.func.max(Subscription.id))) or 1
    return min(1.0, mailing.audience_cursor / last)


def _groups(
    standings: Counter[tuple[int, str, DeliveryState]],
    limits: Mapping[str, DomainGroup],
    *,
    at: datetime,
) -> list[Group]:
    by_group: dict[str, dict[DeliveryState, int]] = {}
    for (_, name, state), count in standings.items():
        counts = by_group.setdefault(name, dict.fromkeys(DeliveryState, 0))
        counts[state] += count
    found = []
    for name, counts in by_group.items():
        row = limits.get(name)
        if row is None:
            found.append(Group(name, counts))
            continue
        backs_off = row.backoff_until
        found.append(
            Group(
                name,
                counts,
                limit=row.rate * row.factor,
                is_held=row.held_at is not None,
                backs_off_until=backs_off if backs_off is not None and backs_off > at else None,
                factor=row.factor,
            )
        )
    return sorted(found, key=lambda group: -group.audience)


def _remember(kept: _Kept, groups: Sequence[Group]) -> None:
    now = time.monotonic()
    done = {g.name: sum(g.counts[state] for state in HANDED_OVER) for g in groups}
    kept.seen.append((now, done))
    while len(kept.seen) > 1 and now - kept.seen[0][0] > WINDOW_SECONDS:
        kept.seen.popleft()


def rates_of(seen: Sequence[tuple[float, Mapping[str, int]]]) -> dict[str, float] | None:
    """Mails a second by group between the first and the last look. None: not looked on enough."""
    if not seen or seen[-1][0] - seen[0][0] < SHORTEST_SECONDS:
        return None
    (began, before), (ended, after) = seen[0], seen[-1]
    return {
        name: max(0, count - before.get(name, 0)) / (ended - began) for name, count in after.items()
    }


def seconds_left(
    groups: Sequence[Group],
    rates: Mapping[str, float],
    *,
    relay: float = 0.0,
    to_come: float = 0.0,
) -> float | None:
    """How long what waits now will take: all at the rate of now, or the slowest limited group.

    What is tried again later and what is held is left out, since its time is not ours to tell.
    None when nothing moves, or nothing but that is left. `relay` is the limit over all groups, 0
    for none; `to_come` how many will be written down yet for each one who is.
    """
    going = [
        (group, group.waiting + group.in_the_open + to_come * group.audience)
        for group in groups
        if not group.is_held
    ]
    waiting = sum(left for _group, left in going)
    rate = sum(rates.values())
    if not waiting or rate <= 0:
        return None
    limited = [left / group.limit for group, left in going if group.limit > 0]
    return max(waiting / rate, *limited, waiting / relay if relay > 0 else 0.0)


def troubles(causes: Sequence[questions.Cause]) -> list[Trouble]:
    """Servers' answers by what they mean, the commonest first."""
    found: dict[tuple[Reason, DeliveryState], Counter[str]] = {}
    for cause in causes:
        reason = reason_of(cause.code, cause.enhanced, cause.reply)
        phrases = found.setdefault((reason, cause.state), Counter())
        phrases[f"{cause.code or ''} {cause.reply}".strip()] += cause.count
    told = [
        Trouble(reason, state, phrases.total(), phrases.most_common(PHRASES))
        for (reason, state), phrases in found.items()
    ]
    return sorted(told, key=lambda trouble: -trouble.count)


def returned(ids: Sequence[int]) -> dict[int, Returned]:
    """What has come back of each mailing, in two questions. Marks that were cleared still count:
    the mail did not arrive."""
    marks: Counter[tuple[int, bool]] = Counter()
    of = (Bounce.mailing_id, Bounce.hard)
    bounces = sa.select(*of, sa.func.count()).where(Bounce.mailing_id.in_(ids)).group_by(*of)
    for mailing_id, hard, count in db.session.execute(bounces):
        marks[mailing_id, hard] = count
    complained = (
        sa.select(InboundEvent.mailing_id, sa.func.count())
        .where(
            InboundEvent.mailing_id.in_(ids),
            InboundEvent.kind == InboundKind.COMPLAINT,
            InboundEvent.unmatched == "",
        )
        .group_by(InboundEvent.mailing_id)
    )
    complaints: dict[int | None, int] = dict(db.session.execute(complained).all())
    return {
        one: Returned(marks[one, True], marks[one, False], complaints.get(one, 0)) for one in ids
    }


def _ahead(mailing: Mailing, *, at: datetime) -> tuple[list[Earlier], bool]:
    """The mailings that are sent before this one, and whether mails to single persons are."""
    due = sa.exists().where(Delivery.mailing_id == Mailing.id, Delivery.due_at <= at)
    before = sa.or_(
        Mailing.lane < mailing.lane,
        sa.and_(Mailing.lane == mailing.lane, Mailing.id < mailing.id),
    )
    query = sa.select(Mailing.id, Mailing.subject, Mailing.language).where(
        Mailing.finished_at.is_(None), Mailing.state.in_(GOING), before, due
    )
    of_many = Mailing.kind.in_(questions.OF_MANY)
    order = (Mailing.lane, Mailing.id)
    found = db.session.execute(query.where(of_many).order_by(*order).limit(AHEAD)).all()
    single = db.session.execute(query.where(~of_many).limit(1)).first()
    return [Earlier(*row) for row in found], single is not None


@dataclass(frozen=True)
class RecipientsPage:
    """Some deliveries, the newest first. `older` is where the next page begins, if there is one."""

    found: Sequence[Delivery]
    older: int | None


def recipients_page(
    mailing_id: int,
    state: DeliveryState,
    *,
    at: datetime,
    before: int | None = None,
    size: int = PAGE,
) -> RecipientsPage:
    """Those of a mailing who stand in one state, by what the indexes hold."""
    groups = {group for _, group, _ in questions.standings([mailing_id], at=at)}
    ids = sa.select(Delivery.id).where(*questions.which(mailing_id, state, at=at, groups=groups))
    if before is not None:
        ids = ids.where(Delivery.id < before)
    some = ids.order_by(Delivery.id.desc()).limit(size + 1)
    chosen = list(db.session.scalars(some))
    rows = sa.select(Delivery).where(Delivery.id.in_(chosen[:size])).order_by(Delivery.id.desc())
    return RecipientsPage(
        found=db.session.scalars(rows).all(),
        older=chosen[size - 1] if len(chosen) > size else None,
    )
