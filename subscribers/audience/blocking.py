"""Forbidding that an address is written to, and allowing it again, by a person of the office.

An address is forbidden by its keyed hash, whether we know its owner or not. Lifting it starts
nothing: only the owner's own yes, or a list with another basis, does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.accounts import User
from app.core.audit import record
from app.core.db import db
from app.core.errors import BadInput, NotFound
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import EndedReason, Subscriber, Suppression
from subscribers.audience.subscribing import end_all, insert_new

BLOCKED = "blocked"  # the reason of a suppression that somebody in the office wrote
PAGE = 50


@dataclass(frozen=True)
class Line:
    """A suppression as the office sees it: the address only where it still is a subscriber's."""

    suppression: Suppression
    subscriber_id: int | None
    address: str | None


def block(email: str, *, because: str, by: User | None, at: datetime) -> bool:
    """Let nobody write to an address any more, known or not; False when that was so before.

    Ends what it subscribes to. Raises BadInput for what is no address, and without a reason, which
    goes into the log without any address that stands in it.
    """
    address = addresses.read(email, secrets=secrets_in_force())
    reason = _reason(because)
    row = {"address_hash": address.hash, "scope": "all", "reason": BLOCKED, "created_at": at}
    known = any(one.scope == "all" for one in of_hashes(address.known_hashes))
    added = bool(not known and insert_new(Suppression, [row], Suppression.created_at))
    person = _person(address.known_hashes)
    if person is not None:
        end_all(person, reason=EndedReason.ADMIN, at=at)
    if added:
        person_id = person.id if person else None
        record("subscriber.block", "subscriber", person_id, title=reason, by=by, at=at)
    db.session.flush()
    return added


def unblock(hash_: bytes, *, scope: str, because: str, by: User | None, at: datetime) -> str:
    """Allow an address to be written to again; the reason that forbade it. Nobody subscribes by it.

    Raises NotFound, and BadInput without a reason.
    """
    reason = _reason(because)
    found = db.session.get(Suppression, (hash_, scope))
    if found is None:
        raise NotFound("no_such_block")
    forbade = found.reason
    db.session.delete(found)
    person = _person([hash_])
    person_id = person.id if person else None
    record(
        "subscriber.unblock", "subscriber", person_id, title=reason, by=by, at=at, forbade=forbade
    )
    db.session.flush()
    return forbade


def of_address(email: str) -> list[Line]:
    """What forbids writing to an address; nothing for what is none."""
    try:
        address = addresses.read(email, secrets=secrets_in_force())
    except BadInput:
        return []
    person = _person(address.known_hashes)
    return [
        Line(one, person.id if person else None, address.norm)
        for one in of_hashes(address.known_hashes)
    ]


def silent_among(people: Sequence[Subscriber]) -> set[int]:
    """The ids of those whose address must not be written to about anything."""
    hashes = [person.address_hash for person in people]
    found = set(
        db.session.scalars(
            sa.select(Suppression.address_hash).where(
                Suppression.address_hash.in_(hashes), Suppression.scope == "all"
            )
        )
    )
    return {person.id for person in people if person.address_hash in found}


def owner_of(hash_: bytes) -> Subscriber | None:
    """The subscriber with the address of this hash, if there is one."""
    return _person([hash_])


def of_hashes(hashes: Sequence[bytes]) -> list[Suppression]:
    return list(
        db.session.scalars(
            sa.select(Suppression)
            .where(Suppression.address_hash.in_(hashes))
            .order_by(Suppression.scope)
        )
    )


def page(*, after: bytes | None = None, size: int = PAGE) -> tuple[list[Line], bytes | None]:
    """Some suppressions, in the order of their hashes, and behind which one to go on."""
    chosen = (
        sa.select(Suppression, Subscriber.id, Subscriber.address)
        .outerjoin(Subscriber, Subscriber.address_hash == Suppression.address_hash)
        .order_by(Suppression.address_hash, Suppression.scope)
        .limit(size + 1)
    )
    if after is not None:
        chosen = chosen.where(Suppression.address_hash > after)
    rows = db.session.execute(chosen).all()
    lines = [Line(*row) for row in rows[:size]]
    return lines, lines[-1].suppression.address_hash if len(rows) > size else None


def count() -> int:
    """How many there are."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Suppression)) or 0


def _reason(text: str) -> str:
    reason = re.sub(r"\S+@\S+", "…", " ".join(text.split()))[:300]
    if not reason:
        raise BadInput("block_reason_missing")
    return reason


def _person(hashes: Sequence[bytes]) -> Subscriber | None:
    return db.session.scalar(
        sa.select(Subscriber).where(
            Subscriber.address_hash.in_(hashes), Subscriber.erased_at.is_(None)
        )
    )
