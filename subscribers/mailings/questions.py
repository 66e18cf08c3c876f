"""What a mailing has come to: how many, how far, and why not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import NotFound
from subscribers.mailings.models import Delivery, DeliveryState, Mailing, MailingKind

PAGE = 25
CAUSES = 20
LOOKED_AT = 1_000  # different answers of servers; beyond that they say nothing new
PUBLIC = (MailingKind.RELEASE, MailingKind.CORRECTION)
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


def mailings(
    *,
    before: int | None = None,
    kinds: Collection[MailingKind] = PUBLIC,
    size: int | None = PAGE,
) -> Page:
    """The mailings older than the one with id `before`; all of them when `size` is None."""
    query = sa.select(Mailing).where(Mailing.kind.in_(kinds)).order_by(Mailing.id.desc())
    if before is not None:
        query = query.where(Mailing.id < before)
    found = db.session.scalars(query.limit(size + 1) if size else query).all()
    shown = found[:size]
    return Page(
        mailings=shown,
        progress=progress_of([mailing.id for mailing in shown]),
        older=shown[-1].id if size and len(found) > size else None,
    )


def counts(mailing_id: int) -> dict[DeliveryState, int]:
    """How many deliveries stand in each state; every state is there."""
    return progress_of([mailing_id])[mailing_id].counts


def progress_of(ids: Sequence[int]) -> dict[int, Progress]:
    """How far each of the mailings has come, in one query."""
    rows = db.session.execute(
        sa.select(Delivery.mailing_id, Delivery.state, sa.func.count())
        .where(Delivery.mailing_id.in_(ids))
        .group_by(Delivery.mailing_id, Delivery.state)
    )
    found = {one: dict.fromkeys(DeliveryState, 0) for one in ids}
    for mailing_id, state, count in rows:
        found[mailing_id][state] = count
    return {one: Progress(by_state) for one, by_state in found.items()}


def uncertain(mailing_id: int) -> int:
    """How many may have been mailed twice: the answer to their final dot was lost."""
    return (
        db.session.scalar(
            sa.select(sa.func.count()).where(
                Delivery.mailing_id == mailing_id, Delivery.uncertain_count > 0
            )
        )
        or 0
    )


def causes(mailing_id: int) -> list[Cause]:
    """What servers last said about those who failed or are tried again, the commonest first.

    Addresses are taken out, so that a thousand unknown users are one cause and no page shows whom.
    """
    number = sa.func.count().label("number")
    rows = db.session.execute(
        sa.select(Delivery.state, Delivery.code, Delivery.reply, number)
        .where(
            Delivery.mailing_id == mailing_id,
            Delivery.state.in_((DeliveryState.FAILED, DeliveryState.DEFERRED)),
        )
        .group_by(Delivery.state, Delivery.code, Delivery.reply)
        .order_by(number.desc())
        .limit(LOOKED_AT)
    )
    found: Counter[tuple[DeliveryState, int | None, str]] = Counter()
    for state, code, reply, count in rows:
        found[state, code, without_addresses(reply or "")] += count
    return [Cause(*cause, count) for cause, count in found.most_common(CAUSES)]


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
