"""How fast each mailbox provider may be written to, over all workers.

Rate and concurrency stand in the group's row and are spent in the transaction of the claim. The
group `all` is what every mail passes: the relay's own limit. As shipped nothing is limited, and
then a claim writes to no group.

A provider that asks for less is written to half as fast, after a pause that grows each time it
asks; every clean minute gives back a tenth. A held group waits for a person.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.accounts import Role, User, require
from app.core.alerts import clear_alert, raise_alert
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, NotNow
from subscribers.mailings.models import ALL, OTHER, Delivery, DomainGroup

BURST_SECONDS = 0.1  # how much of a rate may be saved up while nobody sends
RECOVERY = 0.1  # of the whole, for each minute in which nobody asked for less
MINUTE = timedelta(minutes=1)
LEAST_FACTOR = 1 / 64
# What a provider without a limit of its own may have in the open, halved at its first request.
UNLIMITED_CONCURRENCY = 64
BACK_OFF = tuple(timedelta(seconds=s) for s in (1, 4, 16, 64, 256, 900))
TELL_BELOW = 0.2  # the share of a group's speed under which the operator hears of it
LOOK_AGAIN = timedelta(seconds=0.2)  # after what only the end of other mails can open
MOST_RATE, MOST_CONCURRENCY = 100_000.0, 10_000
ALERTS = ("group_held", "group_slowed", "policy_refused", "domain_parted")


@dataclass(frozen=True)
class Gauge:
    """A group's limits, copied out of its row. Pure; moments are UTC."""

    name: str
    rate: float
    concurrency: int
    tokens: float
    refilled_at: datetime | None
    factor: float
    factor_at: datetime | None
    backoff_until: datetime | None
    held_at: datetime | None

    @property
    def is_metered(self) -> bool:
        """Whether a claim has to write down what it takes, or to count what is in the open."""
        return self.rate > 0 or self.concurrency > 0 or self.factor < 1

    def factor_now(self, at: datetime) -> float:
        """The share of its limits that a group may use, with what clean minutes have given back."""
        if self.factor >= 1 or self.factor_at is None:
            return 1.0
        minutes = max(0, (at - self.factor_at) // MINUTE)
        return min(1.0, self.factor + RECOVERY * minutes)

    def rate_now(self, at: datetime) -> float:
        """Mails a second; 0 is no limit."""
        return self.rate * self.factor_now(at)

    def concurrency_now(self, at: datetime) -> int:
        """Mails in the open at once; 0 is no limit. Slowed down, every group has one."""
        share = self.factor_now(at)
        if share >= 1:
            return self.concurrency
        return max(1, math.floor((self.concurrency or UNLIMITED_CONCURRENCY) * share))

    def tokens_now(self, at: datetime) -> float:
        """How many mails the rate lets out now; infinite where there is none."""
        rate = self.rate_now(at)
        if rate <= 0:
            return math.inf
        if self.refilled_at is None:
            return _full(rate)
        seconds = max(0.0, (at - self.refilled_at).total_seconds())
        return min(_full(rate), self.tokens + rate * seconds)

    def opens_at(self, at: datetime, *, held: int) -> datetime | None:
        """When the next mail may go: not after `at` when one may now, None when a person decides.

        `held` is how many of its mails are in the open.
        """
        if self.held_at is not None:
            return None
        if self.backoff_until is not None and self.backoff_until > at:
            return self.backoff_until
        limit = self.concurrency_now(at)
        if limit and held >= limit:
            return at + LOOK_AGAIN
        tokens = self.tokens_now(at)
        if tokens < 1:  # some at once rather than one by one, where the rate is high
            rate = self.rate_now(at)
            return at + timedelta(seconds=(max(1.0, _full(rate) / 2) - tokens) / rate)
        return at

    def room(self, at: datetime, *, held: int, want: int) -> int:
        """How many of `want` mails may be claimed now."""
        opens = self.opens_at(at, held=held)
        if opens is None or opens > at:
            return 0
        limit = self.concurrency_now(at)
        return int(min(want, self.tokens_now(at), limit - held if limit else want))


def _full(rate: float) -> float:
    return max(1.0, rate * BURST_SECONDS)


# In the order of Gauge.
GAUGE = (
    DomainGroup.name,
    DomainGroup.rate,
    DomainGroup.concurrency,
    DomainGroup.tokens,
    DomainGroup.refilled_at,
    DomainGroup.factor,
    DomainGroup.factor_at,
    DomainGroup.backoff_until,
    DomainGroup.held_at,
)


def gauges() -> dict[str, Gauge]:
    """Every group's limits by its name, in one small query."""
    return {row.name: Gauge(*row) for row in db.session.execute(sa.select(*GAUGE))}


def locked(*names: str) -> list[Gauge]:
    """The limits of some groups, which nobody else spends from until this transaction ends.

    Always locked in one order, so that no two wait crosswise.
    """
    some = sa.select(*GAUGE).where(DomainGroup.name.in_(names)).order_by(DomainGroup.name)
    some = some.with_for_update(key_share=True)  # PostgreSQL; on SQLite nobody else writes anyway
    return [Gauge(*row) for row in db.session.execute(some)]


def in_the_open(gauges: Collection[Gauge], *, at: datetime) -> Mapping[str, int]:
    """How many mails of each group senders hold, over all workers; under `all` their sum.

    Only asked for where a limit of `gauges` needs it.
    """
    if not any(gauge.concurrency_now(at) for gauge in gauges):
        return {}
    return held_now()


def held_now() -> Mapping[str, int]:
    """The same, asked in any case."""
    held = (
        sa.select(Delivery.domain_group, sa.func.count())
        .where(Delivery.lease_until.is_not(None))
        .group_by(Delivery.domain_group)
    )
    found: dict[str, int] = dict(db.session.execute(held).all())
    return {**found, ALL: sum(found.values())}


def opening(gauges: Mapping[str, Gauge], *, at: datetime) -> dict[str, datetime | None]:
    """For each group but `all`, from when on it may be written to; None while it is held.

    What is not after `at` is open now. No group is open while `all` is not.
    """
    held = in_the_open(gauges.values(), at=at)
    above = gauges[ALL].opens_at(at, held=held.get(ALL, 0)) if ALL in gauges else at
    found: dict[str, datetime | None] = {}
    for name, gauge in gauges.items():
        if name != ALL:
            own = gauge.opens_at(at, held=held.get(name, 0))
            found[name] = None if own is None or above is None else max(own, above)
    return found


def room(gauges: Sequence[Gauge], *, want: int, at: datetime) -> int:
    """How many of `want` mails all of these limits let out now."""
    held = in_the_open(gauges, at=at)
    return min([want, *(one.room(at, held=held.get(one.name, 0), want=want) for one in gauges)])


def spend(gauges: Sequence[Gauge], number: int, *, at: datetime) -> None:
    """Take what was claimed out of the buckets of groups that are `locked`. No commit."""
    for gauge in gauges:
        if gauge.rate > 0:
            left = gauge.tokens_now(at) - number
            _change(gauge.name, tokens=left, refilled_at=at)


@dataclass(frozen=True)
class Standing:
    """A group as people look at it: what it may, what holds it up, what its servers said lately.

    `share` is the part of its limits that is used, in per cent; `held` how many of its mails are
    in the open; `recent` the last answers, a letter each.
    """

    gauge: Gauge
    at: datetime
    held: int
    domains: Sequence[str]
    because: str
    facts: Mapping[str, object]
    parted_from: str | None
    recent: str

    @property
    def name(self) -> str:
        return self.gauge.name

    @property
    def rate(self) -> float:
        return self.gauge.rate

    @property
    def concurrency(self) -> int:
        return self.gauge.concurrency

    @property
    def share(self) -> int:
        return round(self.gauge.factor_now(self.at) * 100)

    @property
    def state(self) -> str:
        """held, pausing, slowed or open."""
        if self.gauge.held_at is not None:
            return "held"
        if self.gauge.backoff_until is not None and self.gauge.backoff_until > self.at:
            return "pausing"
        return "slowed" if self.share < 100 else "open"

    def as_data(self) -> dict[str, object]:
        """As the JSON document that the command prints."""
        return {
            "name": self.name,
            "state": self.state,
            "because": self.because,
            "rate": self.rate,
            "concurrency": self.concurrency,
            "share": self.share,
            "under_way": self.held,
            "domains": list(self.domains),
            "parted_from": self.parted_from,
        }


def standings(*, at: datetime) -> list[Standing]:
    """Every group, by name; `other` and `all` at the end."""
    held = held_now()
    last = {OTHER: 1, ALL: 2}
    groups = db.session.scalars(sa.select(DomainGroup)).all()
    return [
        Standing(
            gauge=_gauge(group),
            at=at,
            held=held.get(group.name, 0),
            domains=group.domains,
            because=group.held_because,
            facts=group.held_facts,
            parted_from=group.parted_from,
            recent=group.recent,
        )
        for group in sorted(groups, key=lambda one: (last.get(one.name, 0), one.name))
    ]


def _gauge(group: DomainGroup) -> Gauge:
    return Gauge(*(getattr(group, column.key) for column in GAUGE))


def slow_down(name: str, *, said: str, at: datetime) -> bool:
    """The provider asks for less: half as fast, after a pause. No commit.

    False when that has been heard already: mails that were under way when it began to ask get the
    same answer once more.
    """
    for gauge in locked(name):
        if gauge.held_at is not None or (gauge.backoff_until and at < gauge.backoff_until):
            return False
        factor = max(LEAST_FACTOR, gauge.factor_now(at) / 2)
        times = min(len(BACK_OFF), max(1, round(-math.log2(factor))))
        until = at + BACK_OFF[times - 1]  # minutes are clean only when mail goes out in them
        _change(name, factor=factor, factor_at=until, backoff_until=until)
        if factor < TELL_BELOW:
            raise_alert("group_slowed", name, facts={"said": said[:200]}, at=at)
        return True
    return False


def hold(
    name: str, *, because: str, facts: Mapping[str, object], at: datetime, alert: str = "group_held"
) -> bool:
    """Let nothing out to a group until a person decides. No commit. False when it is held."""
    held = guarded(
        sa.update(DomainGroup)
        .where(DomainGroup.name == name, DomainGroup.held_at.is_(None))
        .values(held_at=at, held_because=because[:40], held_facts=dict(facts))
    )
    if held:
        raise_alert(alert, name, facts={**facts, "because": because}, at=at)
    return held


def is_stopped(group: DomainGroup) -> bool:
    """Whether a group is held, pausing or slowed, so that `release` would change something."""
    return bool(group.held_at or group.backoff_until or group.factor < 1)


def release(group: DomainGroup, *, by: User | None, at: datetime) -> None:
    """Write to a group again, at full speed and with a fresh look at what it answers.

    Raises NotNow when nothing stops it, NotAllowed to writers. `by` is None at the command line.
    """
    guard(by)
    _lock(group)
    if not is_stopped(group):
        raise NotNow("group_not_held", name=group.name)
    let_go(group, at=at)
    record("group.release", "group", None, title=group.name, by=by, at=at)


def let_go(group: DomainGroup, *, at: datetime) -> None:
    """As if nothing had happened: no hold, no pause, full speed, no memory, no alert. No commit."""
    group.held_at, group.held_because, group.held_facts = None, "", {}
    group.factor, group.factor_at, group.backoff_until, group.recent = 1.0, None, None, ""
    for code in ALERTS:
        clear_alert(code, group.name, at=at)


def recover(group: DomainGroup, *, at: datetime) -> None:
    """Forget a slowness that clean minutes have made good. No commit."""
    if group.factor < 1 and _gauge(group).factor_now(at) >= 1:
        group.factor, group.factor_at, group.backoff_until = 1.0, None, None
        clear_alert("group_slowed", group.name, at=at)


def set_limits(
    group: DomainGroup, *, rate: float, concurrency: int, by: User | None, at: datetime
) -> None:
    """Mails a second, and mails in the open at once; 0 is no limit.

    Raises BadInput for what is out of bounds, NotAllowed to writers.
    """
    guard(by)
    if not (math.isfinite(rate) and 0 <= rate <= MOST_RATE):
        raise BadInput("group_rate", most=f"{MOST_RATE:.0f}")
    if not 0 <= concurrency <= MOST_CONCURRENCY:
        raise BadInput("group_concurrency", most=MOST_CONCURRENCY)
    _lock(group)
    group.rate, group.concurrency = rate, concurrency
    group.tokens, group.refilled_at = 0.0, at  # a new limit does not begin with a burst
    record(
        "group.limits",
        "group",
        None,
        title=group.name,
        by=by,
        at=at,
        rate=f"{rate:g}",
        concurrency=concurrency,
    )


def _lock(group: DomainGroup) -> None:
    """The group as it is now, which no sender spends from until this transaction ends."""
    db.session.flush()
    db.session.refresh(group, with_for_update={"key_share": True})


def guard(by: User | None) -> None:
    if by is not None:
        require(by, Role.EDITOR)


def _change(name: str, **values: object) -> None:
    db.session.execute(
        sa.update(DomainGroup)
        .where(DomainGroup.name == name)
        .values(values)
        .execution_options(synchronize_session=False)
    )
