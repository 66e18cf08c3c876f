"""Figures of mailings and of the list, from what servers answered and what people did themselves.

Nobody is followed: no picture tells that a mail was opened and no link that it was clicked. What is
known is what was sent, what was refused and why, what came back, who complained and who left. When
a mailing has ended its figures are written down with it (`sum_up`), so that they outlive its rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import jobs
from app.core.clock import local, midnight, now
from app.core.db import db, reading
from subscribers.audience.models import EndedReason, Subscription, SubscriptionState
from subscribers.mailings import questions
from subscribers.mailings.models import Delivery, DeliveryState, Mailing
from subscribers.mailings.questions import OF_MANY, SETTLED, Progress
from subscribers.mailings.watching import progress as watching
from subscribers.mailings.watching.progress import Returned

WEEK = timedelta(days=7)
UNTIL_KEPT = timedelta(days=8)  # after its end what still comes back of a mailing is written down
BY_THEMSELVES = (EndedReason.USER_LINK, EndedReason.ONE_CLICK, EndedReason.MAILTO)
MONTHS = 12
PAGE = 25
CHUNK = 500  # people looked up in one question
AT_ONCE = 20  # mailings summed up in one run


@dataclass(frozen=True)
class Figures:
    """One mailing. `half` and `most` are how long it took from the first mail to reach 50 and 95
    of a hundred; None while it runs. `left` ended their subscription within a week of it, having
    had no later one."""

    mailing: Mailing
    progress: Progress
    returned: Returned
    left: int
    half: timedelta | None
    most: timedelta | None

    def per_thousand(self, number: int) -> float:
        return number * 1000 / self.progress.sent if self.progress.sent else 0.0


@dataclass(frozen=True)
class FiguresPage:
    found: Sequence[Figures]
    older: int | None


@dataclass(frozen=True)
class Month:
    """How the list grew and shrank in one month, in subscriptions. `begins` is its first moment."""

    begins: datetime
    confirmed: int
    ended: Mapping[EndedReason, int]

    @property
    def left(self) -> int:
        return sum(self.ended.values())


def figures_page(*, before: int | None = None, size: int = PAGE) -> FiguresPage:
    """The mailings to many, the newest first, in a fixed number of questions and one more for each
    CHUNK of people who left lately."""
    query = sa.select(Mailing).where(Mailing.kind.in_(OF_MANY)).order_by(Mailing.id.desc())
    if before is not None:
        query = query.where(Mailing.id < before)
    found = db.session.scalars(query.limit(size + 1)).all()
    shown = found[:size]
    return FiguresPage(found=figures_of(shown), older=shown[-1].id if len(found) > size else None)


def figures_of(mailings: Sequence[Mailing]) -> list[Figures]:
    ids = [one.id for one in mailings]
    progress = questions.progress_of(ids)
    fresh = [one for one in mailings if "left" not in (one.outcome or {})]
    returned = watching.returned([one.id for one in fresh])
    left = left_after(fresh)
    return [
        Figures(
            mailing=one,
            progress=progress[one.id],
            returned=returned.get(one.id) or _kept_returned(one),
            left=left[one.id] if one in fresh else _number(one, "left"),
            half=_kept_time(one, "half"),
            most=_kept_time(one, "most"),
        )
        for one in mailings
    ]


def left_after(mailings: Sequence[Mailing]) -> Counter[int]:
    """How many ended their subscription by themselves within a week of a mailing, by its id.

    Whoever had a later mailing before they left has left after that one.
    """
    found: Counter[int] = Counter()
    if not mailings:
        return found
    wanted = {one.id for one in mailings}
    since = min(one.starts_at or one.queued_at for one in mailings)
    until = max((one.finished_at or now()) + WEEK for one in mailings)
    gone = db.session.execute(
        sa.select(Subscription.subscriber_id, sa.func.max(Subscription.ended_at))
        .where(
            Subscription.ended_at >= since,
            Subscription.ended_at < until,
            Subscription.ended_reason.in_(BY_THEMSELVES),
        )
        .group_by(Subscription.subscriber_id)
    ).all()
    for first in range(0, len(gone), CHUNK):
        ended = {who: at for who, at in gone[first : first + CHUNK] if at is not None}
        got: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
        rows = db.session.execute(
            sa.select(Delivery.subscriber_id, Delivery.sent_at, Delivery.mailing_id)
            .join(Mailing, Mailing.id == Delivery.mailing_id)
            .where(
                Delivery.subscriber_id.in_(ended),
                Delivery.sent_at >= since - WEEK,
                Delivery.sent_at < until,
                Mailing.kind.in_(OF_MANY),
            )
        )
        for subscriber_id, sent_at, mailing_id in rows:
            if subscriber_id is not None and sent_at is not None:
                got[subscriber_id].append((sent_at, mailing_id))
        for subscriber_id, ended_at in ended.items():
            before = sorted(one for one in got[subscriber_id] if one[0] <= ended_at)
            if before and ended_at - before[-1][0] <= WEEK and before[-1][1] in wanted:
                found[before[-1][1]] += 1
    return found


def growth(*, at: datetime, zone: str) -> list[Month]:
    """The last MONTHS months, this one with them, the oldest first. Read from indexes alone."""
    begins = _months(at, zone)
    consented = _by_month(begins, Subscription.consent_at)
    ended = _by_month(begins, Subscription.ended_at, Subscription.ended_reason)
    return [
        Month(
            begins=moment,
            confirmed=consented.get((turn,), 0),
            ended={
                reason: ended[turn, reason] for reason in EndedReason if (turn, reason) in ended
            },
        )
        for turn, moment in enumerate(begins)
    ]


def active_now() -> int:
    """Subscriptions in force."""
    in_force = Subscription.state == sa.literal_column(f"'{SubscriptionState.ACTIVE.value}'")
    return db.session.scalar(sa.select(sa.func.count()).where(in_force)) or 0


@jobs.job("sum_up")
def sum_up() -> None:
    """Write the figures of mailings that have ended down with them. Commits each.

    At the end: who stood where, and how long it took. A week later: what came back, and who left.
    """
    at = now()
    for mailing_id in _to_sum_up(Mailing.outcome.is_(None)):
        if (outcome := _outcome(mailing_id)) is not None:
            _keep(mailing_id, outcome)
    without = sa.type_coerce(Mailing.outcome, sa.Text).not_like('%"left"%')
    for mailing_id in _to_sum_up(without, Mailing.finished_at < at - UNTIL_KEPT):
        mailing = db.session.get_one(Mailing, mailing_id)
        left = left_after([mailing])[mailing_id]
        returned = watching.returned([mailing_id])[mailing_id]
        kept = {"left": left, "returned": list(returned)}
        _keep(mailing_id, {**(mailing.outcome or {}), **kept})


def _to_sum_up(*which: sa.ColumnElement[bool]) -> Sequence[int]:
    """Of mailings to many that have ended, some that the conditions hold for."""
    found = db.session.scalars(
        sa.select(Mailing.id)
        .where(Mailing.kind.in_(OF_MANY), Mailing.finished_at.is_not(None), *which)
        .order_by(Mailing.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    return found


def _outcome(mailing_id: int) -> dict[str, object] | None:
    """None while something may still change. Takes no lock: it may look at a million rows."""
    with reading():
        standings = questions.standings([mailing_id], at=now())
        groups: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (_, group, state), count in standings.items():
            if count and state not in SETTLED:
                return None
            groups[group][state.value] = count
        outcome: dict[str, object] = {
            "groups": dict(groups),
            "uncertain": questions.uncertain(mailing_id),
        }
        sent = sum(n for (_, _, state), n in standings.items() if state is DeliveryState.SENT)
        began = _sent_at(mailing_id, 0) if sent else None
        for name, share in (("half", 0.5), ("most", 0.95)):
            reached = _sent_at(mailing_id, int((sent - 1) * share)) if sent else None
            if reached is not None and began is not None:
                outcome[name] = max(0.0, (reached - began).total_seconds())
        db.session.rollback()
    return outcome


def _sent_at(mailing_id: int, place: int) -> datetime | None:
    return db.session.scalar(
        sa.select(Delivery.sent_at)
        .where(Delivery.mailing_id == mailing_id, Delivery.sent_at.is_not(None))
        .order_by(Delivery.sent_at)
        .offset(place)
        .limit(1)
    )


def _keep(mailing_id: int, outcome: dict[str, object]) -> None:
    db.session.rollback()
    db.session.execute(
        sa.update(Mailing)
        .where(Mailing.id == mailing_id)
        .values(outcome=outcome)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _kept_returned(mailing: Mailing) -> Returned:
    kept = (mailing.outcome or {}).get("returned")
    return Returned(*kept) if isinstance(kept, list) else Returned(0, 0, 0)


def _kept_time(mailing: Mailing, name: str) -> timedelta | None:
    seconds = (mailing.outcome or {}).get(name)
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None


def _number(mailing: Mailing, name: str) -> int:
    kept = (mailing.outcome or {}).get(name)
    return kept if isinstance(kept, int) else 0


def _months(at: datetime, zone: str) -> list[datetime]:
    """When each of the last MONTHS months begins in `zone`, the oldest first."""
    day = local(at, zone).date().replace(day=1)
    found = [day]
    while len(found) < MONTHS:
        day = (day - timedelta(days=1)).replace(day=1)
        found.append(day)
    return [midnight(one, zone) for one in reversed(found)]


def _by_month(
    begins: Sequence[datetime],
    moment: sa.SQLColumnExpression[datetime | None],
    *also: sa.SQLColumnExpression[EndedReason | None],
) -> dict[tuple[object, ...], int]:
    """How many rows fall into each month, as an index gives the answer."""
    turn = sa.case(
        *((moment < end, number) for number, end in enumerate(begins[1:])),
        else_=len(begins) - 1,
    ).label("turn")
    rows = db.session.execute(
        sa.select(turn, *also, sa.func.count()).where(moment >= begins[0]).group_by(turn, *also)
    )
    return {tuple(row[:-1]): row[-1] for row in rows}
