"""What a mailing has come to: how many, how far, and why not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotFound
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingKind, MailingState

PAGE = 25
CAUSES = 20
LOOKED_AT = 5_000  # answers of servers; beyond that they say nothing new
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # before any lease
OPEN_SHOWN = 5  # mailings on their way, above the list of all
OF_MANY = (MailingKind.RELEASE, MailingKind.CORRECTION, MailingKind.DIGEST)
PUBLIC = (MailingKind.RELEASE, MailingKind.CORRECTION)
# As it stands in the index of those few: a parameter in its place would find no index.
REPEATED = sa.text("delivery.uncertain_count > 0")
SETTLED = (
    DeliveryState.SENT,
    DeliveryState.FAILED,
    DeliveryState.SUPPRESSED,
    DeliveryState.CANCELLED,
)


@dataclass(frozen=True)
class Cause:
    """Why mails did not get through, in the words of the server that said no."""

    state: DeliveryState
    code: int | None
    enhanced: str | None
    reply: str
    count: int


@dataclass(frozen=True)
class Progress:
    """How far a mailing has come. `audience` is who has been written down so far."""

    counts: dict[DeliveryState, int]

    @property
    def audience(self) -> int:
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        return self.counts[DeliveryState.SENT]

    @property
    def settled(self) -> int:
        """Those about whom nothing more will happen."""
        return sum(self.counts[state] for state in SETTLED)


@dataclass(frozen=True)
class Page:
    """Some mailings, the newest first. `older` is where the next page begins, if there is one."""

    mailings: Sequence[Mailing]
    progress: dict[int, Progress]
    older: int | None


class Carried(NamedTuple):
    """Which version of which release a mailing carried, by its key. `kind` as in the key."""

    kind: str
    release: int
    version: int


def carried(mailing: Mailing) -> Carried | None:
    """None for a mailing about no release, such as a confirmation."""
    found = re.match(r"(release|correction|withdrawal):([0-9]+):r([0-9]+):", mailing.key)
    return Carried(found[1], int(found[2]), int(found[3])) if found else None


def mailing_by_id(mailing_id: int) -> Mailing:
    """Raises NotFound."""
    found = db.session.get(Mailing, mailing_id) if mailing_id < 2**63 else None
    if found is None:
        raise NotFound("no_such_mailing", id=mailing_id)
    return found


def mailing_for(person: User, mailing_id: int) -> Mailing:
    """A mailing that somebody may look at: a letter to one person is for its reader, and for
    administrators. Raises NotFound."""
    mailing = mailing_by_id(mailing_id)
    if mailing.kind is MailingKind.LETTER and not person.may(Role.ADMIN):
        raise NotFound("no_such_mailing", id=mailing_id)
    return mailing


def mailings(
    *,
    before: int | None = None,
    kinds: Collection[MailingKind] = PUBLIC,
    state: MailingState | None = None,
    size: int | None = PAGE,
) -> Page:
    """The mailings older than the one with id `before`; all of them when `size` is None.

    `state` is meant as people see it: `Mailing.stage`.
    """
    query = sa.select(Mailing).where(Mailing.kind.in_(kinds)).order_by(Mailing.id.desc())
    if state is not None:
        query = query.where(_stage(state))
    if before is not None:
        query = query.where(Mailing.id < before)
    found = db.session.scalars(query.limit(size + 1) if size else query).all()
    shown = found[:size]
    return Page(
        mailings=shown,
        progress=progress_of([mailing.id for mailing in shown]),
        older=shown[-1].id if size and len(found) > size else None,
    )


def _stage(state: MailingState) -> sa.ColumnElement[bool]:
    unwritten = Mailing.state == MailingState.MATERIALISING
    if state is MailingState.MATERIALISING:
        return sa.and_(unwritten, Mailing.audience_cursor == 0)
    if state is MailingState.RUNNING:
        return sa.or_(Mailing.state == state, sa.and_(unwritten, Mailing.audience_cursor > 0))
    return Mailing.state == state


def open_mailings(*, size: int = OPEN_SHOWN) -> Page:
    """The newest mailings to many that have not ended."""
    query = sa.select(Mailing).where(Mailing.finished_at.is_(None), Mailing.kind.in_(OF_MANY))
    found = db.session.scalars(query.order_by(Mailing.id.desc()).limit(size)).all()
    return Page(found, progress_of([one.id for one in found]), None)


def counts(mailing_id: int) -> dict[DeliveryState, int]:
    """How many deliveries stand in each state; every state is there."""
    return progress_of([mailing_id])[mailing_id].counts


def progress_of(ids: Sequence[int]) -> dict[int, Progress]:
    """How far each of the mailings has come, in four questions however many there are."""
    found = {one: dict.fromkeys(DeliveryState, 0) for one in ids}
    for (mailing_id, _group, state), count in standings(ids, at=now()).items():
        found[mailing_id][state] += count
    return {one: Progress(by_state) for one, by_state in found.items()}


def standings(ids: Sequence[int], *, at: datetime) -> Counter[tuple[int, str, DeliveryState]]:
    """How many deliveries of each mailing and domain group stand where.

    Read from the indexes alone, so that a million recipients are counted in a moment: what is due
    at `at` counts as queued and what is tried again later as deferred, whatever it was before. A
    mailing that has been summed up is not counted again.
    """
    found: Counter[tuple[int, str, DeliveryState]] = Counter()
    summed = _summed_up(ids)
    for mailing_id, outcome in summed.items():
        for group, states in outcome.items():
            found.update({(mailing_id, group, DeliveryState(s)): n for s, n in states.items()})
    live = [one for one in ids if one not in summed]
    if not live:
        return found
    settled = (
        sa.select(Delivery.mailing_id, Delivery.domain_group, Delivery.state, sa.func.count())
        .where(
            Delivery.mailing_id.in_(live),
            Delivery.due_at.is_(None),
            Delivery.lease_until.is_(None),
        )
        .group_by(Delivery.mailing_id, Delivery.domain_group, Delivery.state)
    )
    for mailing_id, group, state, count in db.session.execute(settled):
        found[mailing_id, group, state] += count
    later = sa.func.count(sa.case((Delivery.due_at > at, 1)))
    waiting = (
        sa.select(Delivery.mailing_id, Delivery.domain_group, sa.func.count(), later)
        .where(Delivery.mailing_id.in_(live), Delivery.due_at.is_not(None))
        .group_by(Delivery.mailing_id, Delivery.domain_group)
    )
    for mailing_id, group, count, deferred in db.session.execute(waiting):
        found[mailing_id, group, DeliveryState.QUEUED] += count - deferred
        found[mailing_id, group, DeliveryState.DEFERRED] += deferred
    # Those of all mailings, which are never more than there are mails in the open; asked so that
    # neither database can think of another index.
    held = sa.select(Delivery.mailing_id, Delivery.domain_group, Delivery.state).where(
        Delivery.lease_until > LONG_AGO
    )
    wanted = set(live)
    for mailing_id, group, state in db.session.execute(held):
        if mailing_id in wanted:
            found[mailing_id, group, state] += 1
    return found


def _summed_up(ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
    """By mailing, domain group and state: what is kept of those that have ended."""
    kept = sa.select(Mailing.id, Mailing.outcome).where(
        Mailing.id.in_(ids), Mailing.outcome.is_not(None)
    )
    found: dict[int, dict[str, dict[str, int]]] = {}
    for mailing_id, outcome in db.session.execute(kept):
        groups = (outcome or {}).get("groups")
        if isinstance(groups, dict):
            found[mailing_id] = groups
    return found


def uncertain(mailing_id: int) -> int:
    """How many may have been mailed twice: the answer to their final dot was lost."""
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Delivery)
            .where(Delivery.mailing_id == mailing_id, REPEATED)
        )
        or 0
    )


def causes(
    mailing_id: int, *, at: datetime | None = None, groups: Collection[str] | None = None
) -> list[Cause]:
    """What servers last said about those who failed or are tried again, the commonest first.

    `groups` are the domain groups to look in, where the caller has counted already. Addresses are
    taken out, so that a thousand unknown users are one cause and no page shows whom. Of very many,
    LOOKED_AT of each state are read: the others say nothing new.
    """
    found: Counter[tuple[DeliveryState, int | None, str | None, str]] = Counter()
    at = at or now()
    if groups is None:
        groups = {group for _, group, _ in standings([mailing_id], at=at)}
    for state in (DeliveryState.FAILED, DeliveryState.DEFERRED):
        read = (
            sa.select(Delivery.code, Delivery.enhanced, Delivery.reply)
            .where(*which(mailing_id, state, at=at, groups=groups))
            .limit(LOOKED_AT)
            .subquery()
        )
        said = (read.c.code, read.c.enhanced, read.c.reply)
        rows = db.session.execute(sa.select(*said, sa.func.count()).group_by(*said))
        for code, enhanced, reply, count in rows:
            if reply is not None or code is not None:  # what was only handed back has no answer
                found[state, code, enhanced, without_addresses(reply or "")] += count
    return [Cause(*cause, count) for cause, count in found.most_common(CAUSES)]


def which(
    mailing_id: int, state: DeliveryState, *, at: datetime, groups: Collection[str]
) -> tuple[sa.ColumnElement[bool], ...]:
    """The deliveries of a mailing in one state, as both databases find them by an index.

    Deferred are those that wait for a moment after `at`.
    """
    of = (Delivery.mailing_id == mailing_id, Delivery.domain_group.in_(sorted(groups)))
    if state is DeliveryState.DEFERRED:
        return (*of, Delivery.due_at > at)
    settled = (Delivery.due_at.is_(None), Delivery.lease_until.is_(None))
    return (*of, *settled, Delivery.state == state)


def without_addresses(reply: str) -> str:
    """`<anna@x.se>: no such user` as `<…@x.se>: no such user`."""
    return re.sub(r"[^\s<>()\[\]\"',;:@]+@(?=[\w-])", "…@", reply)


def as_data(mailing: Mailing, progress: Progress) -> dict[str, Any]:
    """A mailing as the JSON document that commands and the mailing's own page read."""
    return {
        "id": mailing.id,
        "key": mailing.key,
        "kind": mailing.kind.value,
        "language": mailing.language,
        "subject": mailing.subject,
        "state": mailing.state.value,
        "queued_at": mailing.queued_at.isoformat(),
        "starts_at": mailing.starts_at.isoformat() if mailing.starts_at else None,
        "finished_at": mailing.finished_at.isoformat() if mailing.finished_at else None,
        "audience": progress.audience,
        "counts": {state.value: count for state, count in progress.counts.items()},
        "uncertain": uncertain(mailing.id),
    }
