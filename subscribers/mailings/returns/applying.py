"""What came back becomes rows: the event once, a mark, and for some the end of their subscriptions.

Many mails are taken in together, in one transaction that the caller commits. Nothing here believes
a From line: a report counts for the delivery whose mark it bears, and only when it speaks of that
delivery's own address. What a refusal comes to is in `refusals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import BadInput
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import EndedReason, Subscriber, Subscription
from subscribers.audience.subscribing import insert_new
from subscribers.mailings import choosing
from subscribers.mailings.models import Delivery, InboundEvent, InboundKind
from subscribers.mailings.returns import addresses as marks
from subscribers.mailings.returns import reading, refusals, scoring
from subscribers.mailings.returns.notices import Event
from subscribers.mailings.returns.reading import Fate, Reading, What
from subscribers.mailings.returns.refusals import REFUSALS, Meant, Refusal, meant
from subscribers.mailings.returns.scoring import Verdict
from subscribers.mailings.returns.silencing import COMPLAINT, end_all, suppress
from subscribers.mailings.sending import breaking

RAW_BYTES: Final = 64 * 1024
MOST_NAMED: Final = 30


@dataclass(frozen=True)
class Came:
    """One mail that came back. `to` are the envelope's recipients where known."""

    raw: bytes
    to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What became of one mail or notice.

    `is_ours` is True when it was about our mails at all, and has its row; what is not stays where
    it lies. `is_new` is False for one that was taken in before.
    """

    kind: InboundKind
    is_ours: bool
    is_new: bool = False
    event_id: int | None = None
    delivery_id: int | None = None
    mailing_id: int | None = None
    enhanced: str = ""
    unmatched: str = ""
    applied: bool = False


@dataclass(frozen=True)
class Notice:
    """What a provider told by itself, or a mail came to: one recipient, what became of them.

    `delivery_id` is known by a mark; `key` is the same whenever the same thing is told.
    """

    kind: InboundKind
    key: bytes
    source: str
    delivery_id: int | None = None
    enhanced: str = ""
    code: int | None = None
    said: str = ""
    unmatched: str = ""
    raw: bytes | None = None


def take_in(mails: Sequence[Came], *, source: str, at: datetime) -> list[Taken]:
    """Read some mails and apply what they say: of each what became of it, in their order.

    No commit. An answering machine leaves no trace, and a mail that is none of ours no row. The
    database is asked only when all have been read.
    """
    secrets = secrets_in_force()
    looks = [_look(mail, secrets=secrets) for mail in mails]
    known = meant({look.delivery_id for look in looks if look.delivery_id is not None})
    given = [_made_of(look, source=source, known=known) for look in looks]
    applied = iter(_apply([one for one in given if isinstance(one, Notice)], known=known, at=at))
    return [next(applied) if isinstance(one, Notice) else one for one in given]


@dataclass(frozen=True)
class _Look:
    """What a mail says by itself, before the database is asked: whom it means, or what it is."""

    found: Reading
    raw: bytes
    kind: InboundKind | None = None  # None: as its fate is judged
    delivery_id: int | None = None
    unmatched: str = ""
    is_kept: bool = True
    is_ours: bool = True


def _look(mail: Came, *, secrets: Sequence[str]) -> _Look:
    found = reading.read(mail.raw)
    sent_to = (*mail.to, *found.to)
    kept = mail.raw[:RAW_BYTES]
    if found.what is What.COMPLAINT:
        return _complaint(found, kept, secrets=secrets)
    if found.what is What.REPORT:
        return _report(found, kept, sent_to, secrets=secrets)
    leaving = marks.leaving(sent_to, secrets=secrets)
    if leaving.delivery_id is not None or leaving.forged:
        unmatched = "forged" if leaving.delivery_id is None else ""
        return _Look(found, kept, InboundKind.UNSUBSCRIBE, leaving.delivery_id, unmatched)
    if found.what is What.AUTO_REPLY:
        is_ours = _is_to_us(sent_to)
        return _Look(found, kept, InboundKind.AUTO_REPLY, is_kept=False, is_ours=is_ours)
    if found.what is What.UNPARSED:
        return _Look(found, kept, InboundKind.UNPARSED)
    is_ours = _is_to_us(sent_to)
    return _Look(found, kept, InboundKind.OTHER, is_kept=is_ours, is_ours=is_ours)


def _is_to_us(sent_to: Iterable[str]) -> bool:
    return any(marks.is_one_of_ours(address) for address in sent_to)


def _complaint(found: Reading, kept: bytes, *, secrets: Sequence[str]) -> _Look:
    """Addresses in such reports are often taken out, so only our marks in the mail say who."""
    delivery_id = marks.quoted(found.quoted, secrets=secrets)
    if found.feedback == "not-spam":
        kind = InboundKind.NOT_SPAM
    else:
        kind = InboundKind.COMPLAINT if found.feedback == "abuse" else InboundKind.OTHER
    return _Look(found, kept, kind, delivery_id, "" if delivery_id is not None else "no_mark")


def _report(
    found: Reading, kept: bytes, sent_to: Sequence[str], *, secrets: Sequence[str]
) -> _Look:
    held = marks.bounced(sent_to, secrets=secrets)
    delivery_id, unmatched = held.delivery_id, ""
    if held.forged and delivery_id is None:
        unmatched = "forged"
    elif delivery_id is None:
        delivery_id = marks.quoted(found.quoted, secrets=secrets)
        unmatched = "" if delivery_id is not None else "no_mark"
    return _Look(found, kept, None, delivery_id, unmatched)


def _made_of(look: _Look, *, source: str, known: Mapping[int, Meant]) -> Notice | Taken:
    found, unmatched = look.found, look.unmatched
    if look.kind is not None:
        if not look.is_kept:
            return Taken(look.kind, is_ours=look.is_ours)
        said = f"Feedback-Type: {found.feedback}" if found.feedback else ""
        return Notice(
            look.kind,
            found.key,
            source,
            look.delivery_id,
            said=said,
            unmatched=unmatched,
            raw=look.raw,
        )
    fate = found.fates[0] if found.fates else Fate()
    if look.delivery_id is not None:
        about = _about(known.get(look.delivery_id), found.fates)
        fate, unmatched = (about, "") if about is not None else (fate, "other_recipient")
    verdict = scoring.judge(fate.action, fate.status, fate.said)
    return Notice(
        verdict.kind,
        found.key,
        source,
        look.delivery_id,
        verdict.enhanced,
        verdict.code,
        fate.said,
        unmatched,
        look.raw,
    )


def _about(mail: Meant | None, fates: Sequence[Fate]) -> Fate | None:
    """The part of a report that speaks of this mail's own address; None when none does.

    Where the address is only mentioned, its mail went on to others: if any of them may still be
    reached, it is not the end.
    """
    if mail is None:
        return fates[0] if fates else None
    for fate in fates:
        if _names(mail.address_hash, fate.recipients):
            return fate
    mentioning = [fate for fate in fates if _names(mail.address_hash, fate.mentioned)]
    if mentioning:
        return min(mentioning, key=_is_hard)
    return next((fate for fate in fates if not fate.recipients), None)


def _is_hard(fate: Fate) -> bool:
    return scoring.judge(fate.action, fate.status, fate.said).kind is InboundKind.HARD


def _names(expected: bytes, named: Sequence[str]) -> bool:
    return any(expected in _hashes(address) for address in named[:MOST_NAMED])


def _hashes(address: str) -> tuple[bytes, ...]:
    """What an address is known by; nothing for what is none."""
    try:
        return addresses.read(address, secrets=secrets_in_force()).known_hashes
    except BadInput:
        return ()


def take_notices(provider: str, events: Sequence[Event], *, at: datetime) -> list[Taken]:
    """Apply what a provider has told, its signature checked. No commit.

    Without a mark of ours the newest mail to that address is meant.
    """
    secrets = secrets_in_force()
    marked = [marks.quoted(event.quoted, secrets=secrets) for event in events]
    bare = {e.recipient for e, mark in zip(events, marked, strict=True) if mark is None}
    newest = _newest_to(bare)
    ids = [
        newest.get(event.recipient) if mark is None else mark
        for event, mark in zip(events, marked, strict=True)
    ]
    known = meant({one for one in ids if one is not None})
    notices = []
    for event, mark, delivery_id in zip(events, marked, ids, strict=True):
        unmatched = "no_mark" if delivery_id is None else ""
        about = (Fate((event.recipient,)),)
        if mark is not None and event.recipient and _about(known.get(mark), about) is None:
            unmatched = "other_recipient"
        own = f"hook:{provider}:{event.id}:{event.recipient}".encode()
        notices.append(
            Notice(
                event.kind,
                sha256(own if event.id else own + event.raw.encode()).digest(),
                f"hook:{provider}",
                delivery_id,
                event.enhanced,
                event.code,
                event.said,
                unmatched,
                event.raw.encode()[:RAW_BYTES],
            )
        )
    return _apply(notices, known=known, at=at)


def _newest_to(recipients: Iterable[str]) -> dict[str, int]:
    """The newest mail that went to each of some addresses."""
    hashes = {one: _hashes(one) for one in recipients}
    asked = sorted({hash_ for theirs in hashes.values() for hash_ in theirs})
    if not asked:
        return {}
    newest = (
        sa.select(Delivery.id)
        .where(Delivery.subscriber_id == Subscriber.id, Delivery.sent_at.is_not(None))
        .order_by(Delivery.sent_at.desc())
        .limit(1)
        .correlate(Subscriber)
        .scalar_subquery()
    )
    rows = db.session.execute(
        sa.select(Subscriber.address_hash, newest.label("newest")).where(
            Subscriber.address_hash.in_(asked)
        )
    )
    found = {row.address_hash: row.newest for row in rows if row.newest is not None}
    return {
        one: next(found[hash_] for hash_ in theirs if hash_ in found)
        for one, theirs in hashes.items()
        if any(hash_ in found for hash_ in theirs)
    }


# --- what is told ---------------------------------------------------------------------------------


def apply(notices: Sequence[Notice], *, at: datetime) -> list[Taken]:
    """Write the events that are new, and what follows from them. No commit."""
    ids = {one.delivery_id for one in notices if one.delivery_id is not None}
    return _apply(notices, known=meant(ids), at=at)


def _apply(notices: Sequence[Notice], *, known: Mapping[int, Meant], at: datetime) -> list[Taken]:
    rows: dict[bytes, dict[str, object]] = {}
    for notice in notices:
        rows.setdefault(notice.key, _row(notice, known, at=at))
    inserted = insert_new(
        InboundEvent, [rows[key] for key in sorted(rows)], InboundEvent.key, InboundEvent.id
    )
    new = {row.key: row.id for row in inserted}
    taken = [_taken(notice, known, event_id=new.pop(notice.key, None)) for notice in notices]
    counting = [
        (notice, known[one.delivery_id], one.event_id)
        for notice, one in zip(notices, taken, strict=True)
        if one.applied and one.delivery_id is not None and one.event_id is not None
    ]
    refused = [
        Refusal(mail, Verdict(one.kind, one.enhanced, one.code), _clean(one.said), event_id)
        for one, mail, event_id in counting
        if one.kind in REFUSALS
    ]
    refusals.take_back(refused, at=at)
    refusals.refuse(refused, at=at)
    _complained([(m, e) for n, m, e in counting if n.kind is InboundKind.COMPLAINT], at=at)
    for notice, mail, _ in counting:
        if notice.kind is InboundKind.UNSUBSCRIBE:
            _leave(mail, at=at)
    return taken


def _unmatched(notice: Notice, known: Mapping[int, Meant]) -> str:
    is_gone = notice.delivery_id is not None and notice.delivery_id not in known
    return notice.unmatched or ("gone" if is_gone else "")


def _row(notice: Notice, known: Mapping[int, Meant], *, at: datetime) -> dict[str, object]:
    mail = known.get(notice.delivery_id) if notice.delivery_id is not None else None
    unmatched = _unmatched(notice, known)
    return {
        "key": notice.key,
        "source": notice.source[:40],
        "kind": notice.kind,
        "raw": notice.raw[:RAW_BYTES] if notice.raw else None,
        "code": notice.code,
        "enhanced": notice.enhanced[:12] or None,
        "said": _clean(notice.said),
        "delivery_id": mail.id if mail else None,
        "mailing_id": mail.mailing_id if mail else None,
        "subscriber_id": mail.subscriber_id if mail else None,
        "unmatched": unmatched[:40],
        "received_at": at,
        "applied_at": at if mail and not unmatched else None,
    }


def _clean(said: str) -> str:
    return said[:500].replace("\0", "")


def _taken(notice: Notice, known: Mapping[int, Meant], *, event_id: int | None) -> Taken:
    mail = known.get(notice.delivery_id) if notice.delivery_id is not None else None
    unmatched = _unmatched(notice, known)
    return Taken(
        notice.kind,
        is_ours=unmatched != "no_mark",
        is_new=event_id is not None,
        event_id=event_id,
        delivery_id=mail.id if mail else None,
        mailing_id=mail.mailing_id if mail else None,
        enhanced=notice.enhanced,
        unmatched=unmatched,
        applied=mail is not None and not unmatched and event_id is not None,
    )


def _complained(complaints: Sequence[tuple[Meant, int]], *, at: datetime) -> None:
    """Never again, to nobody's knowledge: whoever calls a mail spam wants no goodbye."""
    if not complaints:
        return
    suppress({mail.address_hash: event_id for mail, event_id in complaints}, COMPLAINT, at=at)
    people = {mail.subscriber_id for mail, _ in complaints if mail.subscriber_id is not None}
    end_all(people, reason=EndedReason.COMPLAINT, at=at)
    for mailing_id in sorted({mail.mailing_id for mail, _ in complaints}):
        breaking.after_complaint(mailing_id, at=at)


def _leave(mail: Meant, *, at: datetime) -> None:
    """What the mail came for ends, as by its link."""
    subscription = (
        db.session.get(Subscription, mail.subscription_id) if mail.subscription_id else None
    )
    if subscription is not None:
        choosing.leave_mail(subscription, mail.id, reason=EndedReason.MAILTO, at=at)
