"""What came back becomes rows: the event once, a mark, and for some the end of their subscriptions.

One transaction for each report, and the caller commits it. Nothing here believes a From line: a
report counts for the delivery whose mark it bears, and only when it speaks of that delivery's own
address. A hard bounce silences an address at once by a suppression. Its subscriptions end an hour
later, when it is certain that not its whole provider has refused everybody: an ended subscription
never lives again, a suppression can be lifted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, TypeVarTuple

import sqlalchemy as sa

from app.core import jobs
from app.core.alerts import Alert, raise_alert
from app.core.clock import now
from app.core.db import db, guarded
from app.core.errors import BadInput
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import (
    EndedReason,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from subscribers.audience.subscribing import insert_new
from subscribers.mailings import choosing
from subscribers.mailings.models import (
    OTHER,
    Bounce,
    Delivery,
    DeliveryState,
    DomainGroup,
    InboundEvent,
    InboundKind,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.returns import addresses as marks
from subscribers.mailings.returns import reading, scoring
from subscribers.mailings.returns.notices import Event
from subscribers.mailings.returns.reading import Fate, Reading, What
from subscribers.mailings.returns.scoring import Mark, Verdict
from subscribers.mailings.sending import breaking, domain_groups
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import spoken

RAW_BYTES: Final = 64 * 1024
BOUNCE: Final = "bounce"
COMPLAINT: Final = "complaint"
OUTAGE: Final = "outage"
# Sent to many at once. Confirmations are not: whoever types false addresses could otherwise make
# a provider look as if it refused everybody.
BULK: Final = (MailingKind.RELEASE, MailingKind.CORRECTION, MailingKind.DIGEST)
REFUSALS: Final = (InboundKind.HARD, InboundKind.SOFT, InboundKind.POLICY)
DECIDED_FOR: Final = timedelta(days=7)  # a person has let the domain go on: no outage any more
SETTLED_WITHIN: Final = timedelta(days=3)
AT_ONCE: Final = 500
MOST_NAMED: Final = 30
LOOKED_AT: Final = 200  # marks of an hour that are counted anew with each one that comes


Marked = sa.Row[int, int | None, int, int | None]
Columns = TypeVarTuple("Columns")


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


def take_in(raw: bytes, *, source: str, at: datetime, to: Sequence[str] = ()) -> Taken:
    """Read one mail and apply what it says. `to` are the envelope's recipients where known.

    No commit. An answering machine leaves no trace, and a mail that is none of ours no row.
    """
    found = reading.read(raw)
    secrets = secrets_in_force()
    sent_to = (*to, *found.to)
    kept = raw[:RAW_BYTES]
    if found.what is What.COMPLAINT:
        return apply(_complaint(found, source=source, raw=kept, secrets=secrets), at=at)
    if found.what is What.REPORT:
        return apply(_report(found, sent_to, source=source, raw=kept, secrets=secrets), at=at)
    leaving = marks.leaving(sent_to, secrets=secrets)
    if leaving.delivery_id is not None or leaving.forged:
        notice = Notice(
            InboundKind.UNSUBSCRIBE,
            found.key,
            source,
            leaving.delivery_id,
            unmatched="forged" if leaving.delivery_id is None else "",
            raw=kept,
        )
        return apply(notice, at=at)
    if found.what is What.AUTO_REPLY:
        return Taken(InboundKind.AUTO_REPLY, is_ours=_is_to_us(sent_to))
    if found.what is What.UNPARSED:
        return apply(Notice(InboundKind.UNPARSED, found.key, source, raw=kept), at=at)
    if not _is_to_us(sent_to):
        return Taken(InboundKind.OTHER, is_ours=False)
    return apply(Notice(InboundKind.OTHER, found.key, source, raw=kept), at=at)


def _is_to_us(sent_to: Iterable[str]) -> bool:
    return any(marks.is_one_of_ours(address) for address in sent_to)


def _complaint(found: Reading, *, source: str, raw: bytes, secrets: Sequence[str]) -> Notice:
    """Addresses in such reports are often taken out, so only our marks in the mail say who."""
    delivery_id = marks.quoted(found.quoted, secrets=secrets)
    if found.feedback == "not-spam":
        kind = InboundKind.NOT_SPAM
    else:
        kind = InboundKind.COMPLAINT if found.feedback == "abuse" else InboundKind.OTHER
    return Notice(
        kind,
        found.key,
        source,
        delivery_id,
        said=f"Feedback-Type: {found.feedback}",
        unmatched="" if delivery_id is not None else "no_mark",
        raw=raw,
    )


def _report(
    found: Reading, sent_to: Sequence[str], *, source: str, raw: bytes, secrets: Sequence[str]
) -> Notice:
    held = marks.bounced(sent_to, secrets=secrets)
    delivery_id, unmatched = held.delivery_id, ""
    if held.forged and delivery_id is None:
        unmatched = "forged"
    elif delivery_id is None:
        delivery_id = marks.quoted(found.quoted, secrets=secrets)
        unmatched = "" if delivery_id is not None else "no_mark"
    fate = found.fates[0] if found.fates else Fate()
    if delivery_id is not None:
        about = _about(delivery_id, found.fates)
        fate, unmatched = (about, "") if about is not None else (fate, "other_recipient")
    verdict = scoring.judge(fate.action, fate.status, fate.said)
    return Notice(
        verdict.kind,
        found.key,
        source,
        delivery_id,
        verdict.enhanced,
        verdict.code,
        fate.said,
        unmatched,
        raw,
    )


def _about(delivery_id: int, fates: Sequence[Fate]) -> Fate | None:
    """The part of a report that speaks of this delivery's own address; None when none does."""
    expected = db.session.scalar(sa.select(Delivery.address_hash).where(Delivery.id == delivery_id))
    if expected is None:
        return fates[0] if fates else None
    unnamed = None
    for fate in fates:
        if _names(expected, (*fate.recipients, *fate.mentioned)):
            return fate
        if not fate.recipients and unnamed is None:
            unnamed = fate
    return unnamed


def _names(expected: bytes, named: Sequence[str]) -> bool:
    for address in named[:MOST_NAMED]:
        try:
            read = addresses.read(address, secrets=secrets_in_force())
        except BadInput:
            continue
        if expected in read.known_hashes:
            return True
    return False


def take_notice(provider: str, event: Event, *, at: datetime) -> Taken:
    """Apply what a provider has told, its signature checked. No commit.

    Without a mark of ours the newest mail to that address is meant.
    """
    delivery_id = marks.quoted(event.quoted, secrets=secrets_in_force())
    unmatched = ""
    if delivery_id is None:
        delivery_id = _newest_to(event.recipient)
        unmatched = "" if delivery_id is not None else "no_mark"
    elif event.recipient and _about(delivery_id, (Fate((event.recipient,)),)) is None:
        unmatched = "other_recipient"
    own = f"hook:{provider}:{event.id}:{event.recipient}".encode()
    notice = Notice(
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
    return apply(notice, at=at)


def _newest_to(address: str) -> int | None:
    try:
        hashes = addresses.read(address, secrets=secrets_in_force()).known_hashes
    except BadInput:
        return None
    return db.session.scalar(
        sa.select(Delivery.id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Subscriber.address_hash.in_(hashes), Delivery.sent_at.is_not(None))
        .order_by(Delivery.sent_at.desc())
        .limit(1)
    )


# --- one notice -----------------------------------------------------------------------------------


def apply(notice: Notice, *, at: datetime) -> Taken:
    """Write the event, if it is new, and what follows from it. No commit."""
    delivery = None
    if notice.delivery_id is not None:
        delivery = db.session.get(Delivery, notice.delivery_id, populate_existing=True)
    unmatched = notice.unmatched
    if notice.delivery_id is not None and delivery is None and not unmatched:
        unmatched = "gone"
    counts = delivery is not None and not unmatched
    event = {
        "key": notice.key,
        "source": notice.source[:40],
        "kind": notice.kind,
        "raw": _storable(notice.raw),
        "code": notice.code,
        "enhanced": notice.enhanced[:12] or None,
        "said": notice.said[:500].replace("\0", ""),
        "delivery_id": delivery.id if delivery else None,
        "mailing_id": delivery.mailing_id if delivery else None,
        "subscriber_id": delivery.subscriber_id if delivery else None,
        "unmatched": unmatched[:40],
        "received_at": at,
        "applied_at": at if counts else None,
    }
    inserted = insert_new(InboundEvent, [event], InboundEvent.id)
    taken = Taken(
        notice.kind,
        is_ours=unmatched != "no_mark",
        is_new=bool(inserted),
        event_id=inserted[0].id if inserted else None,
        delivery_id=event["delivery_id"],  # type: ignore[arg-type]
        mailing_id=event["mailing_id"],  # type: ignore[arg-type]
        enhanced=notice.enhanced,
        unmatched=unmatched,
        applied=counts and bool(inserted),
    )
    if delivery is None or not taken.applied or taken.event_id is None:
        return taken
    verdict = Verdict(notice.kind, notice.enhanced, notice.code)
    if notice.kind in REFUSALS:
        _came_back(delivery, verdict, said=notice.said, at=at)
        _refused(delivery, verdict, said=notice.said, event_id=taken.event_id, at=at)
    elif notice.kind is InboundKind.COMPLAINT:
        _complained(delivery, event_id=taken.event_id, at=at)
    elif notice.kind is InboundKind.UNSUBSCRIBE:
        _leave(delivery, at=at)
    return taken


def _storable(raw: bytes | None) -> bytes | None:
    return raw[:RAW_BYTES] if raw else None


def _came_back(delivery: Delivery, verdict: Verdict, *, said: str, at: datetime) -> None:
    """A mail that a server took did not arrive after all; the breaker learns of it as well."""
    guarded(
        sa.update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == DeliveryState.SENT)
        .values(
            state=DeliveryState.FAILED,
            code=verdict.code,
            enhanced=verdict.enhanced or None,
            reply=said[:500],
        )
    )
    if verdict.kind is InboundKind.SOFT:
        return
    words = said if verdict.enhanced in said else f"{verdict.enhanced} {said}"
    outcome = Outcome(
        delivery_id=delivery.id,
        mailing_id=delivery.mailing_id,
        kind=_kind_of(delivery.mailing_id),
        domain_group=delivery.domain_group,
        subscriber_id=delivery.subscriber_id,
        domain=_domain_of(delivery),
        reply=spoken(verdict.code or 550, words),
    )
    breaking.learn([outcome], at=at)


def _kind_of(mailing_id: int) -> MailingKind:
    return db.session.scalars(sa.select(Mailing.kind).where(Mailing.id == mailing_id)).one()


def _domain_of(delivery: Delivery) -> str:
    if delivery.address:
        return delivery.address.rpartition("@")[2]
    found = db.session.scalar(
        sa.select(Subscriber.domain).where(Subscriber.id == delivery.subscriber_id)
    )
    return found or ""


def _complained(delivery: Delivery, *, event_id: int, at: datetime) -> None:
    """Never again, to nobody's knowledge: whoever calls a mail spam wants no goodbye."""
    _suppress(delivery.address_hash, COMPLAINT, event_id=event_id, at=at)
    if delivery.subscriber_id is not None:
        _end_all([delivery.subscriber_id], reason=EndedReason.COMPLAINT, at=at)
    breaking.after_complaint(delivery.mailing_id, at=at)


def _leave(delivery: Delivery, *, at: datetime) -> None:
    """What the mail came for ends, as by its link."""
    subscription = (
        db.session.get(Subscription, delivery.subscription_id) if delivery.subscription_id else None
    )
    if subscription is not None:
        choosing.leave_mail(subscription, delivery.id, reason=EndedReason.MAILTO, at=at)


# --- refusals -------------------------------------------------------------------------------------


def mark_refusals(outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """What servers answered on the spot, for those who failed by it. No commit.

    Called in the transaction that writes the answers down; costs nothing when all were taken.
    """
    refused = {one.delivery_id: one for one in outcomes if not one.accepted}
    if not refused:
        return
    failed = db.session.scalars(
        sa.select(Delivery)
        .where(Delivery.id.in_(refused))
        .order_by(Delivery.address_hash)  # so that two senders never wait for each other
        .execution_options(populate_existing=True)
    ).all()
    for delivery in failed:
        outcome = refused[delivery.id]
        if outcome.reply.about_us:
            continue
        if outcome.permanent or delivery.state is DeliveryState.FAILED:
            _refused_on_the_spot(delivery, outcome, at=at)


def _refused_on_the_spot(delivery: Delivery, outcome: Outcome, *, at: datetime) -> None:
    reply = outcome.reply
    verdict = scoring.judge("failed", reply.enhanced or "", f"{reply.code} {reply.text}")
    if reply.about_policy and verdict.kind is not InboundKind.SOFT:
        verdict = Verdict(InboundKind.POLICY, verdict.enhanced, reply.code)
    if not reply.code:  # nobody ever answered: that says nothing about the mailbox
        return
    event = {
        "key": sha256(f"smtp:{delivery.id}:{delivery.attempts}".encode()).digest(),
        "source": "smtp",
        "kind": verdict.kind,
        "code": reply.code,
        "enhanced": (reply.enhanced or verdict.enhanced)[:12] or None,
        "said": reply.text[:500],
        "delivery_id": delivery.id,
        "mailing_id": delivery.mailing_id,
        "subscriber_id": delivery.subscriber_id,
        "received_at": at,
        "applied_at": at,
    }
    inserted = insert_new(InboundEvent, [event], InboundEvent.id)
    if inserted:
        _refused(delivery, verdict, said=reply.text, event_id=inserted[0].id, at=at)


def _refused(
    delivery: Delivery, verdict: Verdict, *, said: str, event_id: int, at: datetime
) -> None:
    """A mark against the address, or against us, and what it comes to."""
    domain = _domain_of(delivery)
    if verdict.kind is InboundKind.POLICY:
        group = delivery.domain_group
        facts = {
            "group": group,
            "domain": domain,
            "enhanced": verdict.enhanced,
            "said": said[:200],
        }
        raise_alert("policy_refused", domain if group == OTHER else group, facts=facts, at=at)
        return
    is_hard = verdict.kind is InboundKind.HARD
    _mark(delivery, domain, is_hard, verdict.enhanced, event_id=event_id, at=at)
    if delivery.subscriber_id is None:  # a letter to somebody who subscribes to nothing
        return
    if is_hard and _kind_of(delivery.mailing_id) is MailingKind.CONFIRMATION:
        _close_pending(delivery, at=at)
    if is_hard and _is_refusing_everybody(domain, at=at):
        return
    _forget_marks_before_a_clean_delivery(delivery.subscriber_id, at=at)
    if scoring.is_over(_marks(delivery.subscriber_id)) and _is_active(delivery.subscriber_id):
        _give_up(delivery, domain, is_hard=is_hard, event_id=event_id, at=at)


def _mark(
    delivery: Delivery, domain: str, hard: bool, enhanced: str, *, event_id: int, at: datetime
) -> None:
    """One mark for each delivery; a harder one takes the place of a softer, a new try's of one
    that was cleared.
    """
    row = {
        "subscriber_id": delivery.subscriber_id,
        "mailing_id": delivery.mailing_id,
        "delivery_id": delivery.id,
        "event_id": event_id,
        "domain": domain,
        "hard": hard,
        "enhanced": enhanced[:12],
        "at": at,
    }
    if insert_new(Bounce, [row], Bounce.id):
        return
    harder = sa.and_(~Bounce.hard, sa.literal(hard))
    tried_again = sa.and_(
        Bounce.cleared_at.is_not(None), sa.literal(delivery.first_try_at) > Bounce.cleared_at
    )
    _run(
        sa.update(Bounce)
        .where(Bounce.delivery_id == delivery.id, harder | tried_again)
        .values(hard=hard, enhanced=enhanced[:12], event_id=event_id, at=at, cleared_at=None)
    )


def _marks(subscriber_id: int) -> list[Mark]:
    rows = db.session.execute(
        sa.select(Bounce.at, Bounce.mailing_id, Bounce.hard, Bounce.enhanced)
        .where(Bounce.subscriber_id == subscriber_id, Bounce.cleared_at.is_(None))
        .order_by(Bounce.at.desc())
        .limit(100)
    )
    return [Mark(*row) for row in rows]


def _is_active(subscriber_id: int) -> bool:
    return bool(
        db.session.scalar(
            sa.select(
                sa.exists().where(
                    Subscription.subscriber_id == subscriber_id,
                    Subscription.state == SubscriptionState.ACTIVE,
                )
            )
        )
    )


def _close_pending(delivery: Delivery, *, at: datetime) -> None:
    db.session.execute(
        sa.update(Subscription)
        .where(
            Subscription.id == delivery.subscription_id,
            Subscription.state == SubscriptionState.PENDING,
        )
        .values(state=SubscriptionState.ENDED, ended_at=at, ended_reason=EndedReason.BOUNCE)
        .execution_options(synchronize_session=False)
    )


def _give_up(
    delivery: Delivery, domain: str, *, is_hard: bool, event_id: int, at: datetime
) -> None:
    """Silence the address; end its subscriptions as soon as no outage can be behind it."""
    assert delivery.subscriber_id is not None
    _suppress(delivery.address_hash, BOUNCE, event_id=event_id, at=at)
    if not is_hard or _is_small(domain):
        _end_all([delivery.subscriber_id], reason=EndedReason.BOUNCE, at=at)


def _suppress(address_hash: bytes, reason: str, *, event_id: int, at: datetime) -> None:
    row = {
        "address_hash": address_hash,
        "scope": "all",
        "reason": reason,
        "created_at": at,
        "event_id": event_id,
    }
    if not insert_new(Suppression, [row], Suppression.scope) and reason == COMPLAINT:
        db.session.execute(
            sa.update(Suppression)
            .where(
                Suppression.address_hash == address_hash,
                Suppression.scope == "all",
                Suppression.reason == BOUNCE,
            )
            .values(reason=reason, created_at=at, event_id=event_id)
            .execution_options(synchronize_session=False)
        )


def _end_all(subscriber_ids: Collection[int], *, reason: EndedReason, at: datetime) -> None:
    db.session.execute(
        sa.update(Subscription)
        .where(Subscription.subscriber_id.in_(subscriber_ids), Subscription.ended_at.is_(None))
        .values(state=SubscriptionState.ENDED, ended_at=at, ended_reason=reason)
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def _forget_marks_before_a_clean_delivery(subscriber_id: int, *, at: datetime) -> None:
    """A later mail of which nothing came back for a week has arrived: the marks before it go."""
    clean = db.session.scalar(
        sa.select(sa.func.max(Delivery.sent_at)).where(
            Delivery.subscriber_id == subscriber_id,
            Delivery.state == DeliveryState.SENT,
            Delivery.sent_at <= at - scoring.CLEAN_AFTER,
            ~sa.exists().where(Bounce.delivery_id == Delivery.id),
        )
    )
    if clean is not None:
        db.session.execute(
            sa.update(Bounce)
            .where(
                Bounce.subscriber_id == subscriber_id,
                Bounce.cleared_at.is_(None),
                Bounce.at < clean,
            )
            .values(cleared_at=at)
            .execution_options(synchronize_session=False)
        )


# --- outages --------------------------------------------------------------------------------------


def _is_small(domain: str) -> bool:
    """Whether a domain has too few readers for an outage to show."""
    some = sa.select(Subscriber.id).where(Subscriber.domain == domain)
    some = some.limit(scoring.OUTAGE_AT_LEAST)
    counted = sa.select(sa.func.count()).select_from(some.subquery())
    return (db.session.scalar(counted) or 0) < scoring.OUTAGE_AT_LEAST


def _is_refusing_everybody(domain: str, *, at: datetime, most: int | None = LOOKED_AT) -> bool:
    """Look whether a domain refuses so many that it is not about them; undo it then.

    True when it is an outage, now or since a moment ago: then no mark counts. Of a domain that has
    refused more than `most`, large as it must be, only the minute's look takes the whole count.
    """
    if group := _held_for_an_outage(domain):
        _undo(_recent_hard(domain, at=at), group=group, at=at)
        return True
    refused = _people_refused(domain, at=at, most=most)
    if refused < scoring.OUTAGE_AT_LEAST or (most is not None and refused >= most):
        return False
    taken = _taken(domain, at=at, most=refused * 5)
    if not scoring.is_outage(refused=refused, taken=taken) or _was_decided(domain, at=at):
        return False
    facts = {"domain": domain, "refused": refused, "tried": refused + taken}
    parted = domain_groups.part(domain, because=OUTAGE, facts=facts, at=at)
    _undo(_recent_hard(domain, at=at), group=parted, at=at)
    return True


def _of_the_hour(query: sa.Select[*Columns], domain: str, at: datetime) -> sa.Select[*Columns]:
    """Only hard marks of a domain within the hour, of mailings to many."""
    return query.join(Mailing, Mailing.id == Bounce.mailing_id).where(
        Bounce.domain == domain,
        Bounce.at > at - scoring.OUTAGE_WITHIN,
        Bounce.hard,
        Bounce.cleared_at.is_(None),
        Bounce.subscriber_id.is_not(None),
        Mailing.kind.in_(BULK),
    )


def _people_refused(domain: str, *, at: datetime, most: int | None) -> int:
    some = _of_the_hour(sa.select(Bounce.subscriber_id), domain, at).distinct().limit(most)
    return db.session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def _recent_hard(domain: str, *, at: datetime) -> Sequence[Marked]:
    columns = sa.select(Bounce.id, Bounce.subscriber_id, Bounce.delivery_id, Bounce.event_id)
    return db.session.execute(_of_the_hour(columns, domain, at)).all()


def _taken(domain: str, *, at: datetime, most: int) -> int:
    """How many of the domain's addresses took the same mailings; counted up to `most`."""
    mailings = _of_the_hour(sa.select(Bounce.mailing_id), domain, at).distinct()
    some = (
        sa.select(Delivery.id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(
            Subscriber.domain == domain,
            Delivery.mailing_id.in_(mailings),
            Delivery.state == DeliveryState.SENT,
        )
        .limit(most)
    )
    return db.session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def _held_for_an_outage(domain: str) -> DomainGroup | None:
    held = db.session.scalars(
        sa.select(DomainGroup).where(
            DomainGroup.held_at.is_not(None), DomainGroup.held_because == OUTAGE
        )
    )
    return next((group for group in held if domain in group.domains), None)


def _was_decided(domain: str, *, at: datetime) -> bool:
    """Whether a person has looked at this domain lately and let it go on: then they are gone."""
    past = db.session.scalars(
        sa.select(Alert.facts).where(
            Alert.code == "domain_parted",
            Alert.cleared_at.is_not(None),
            Alert.cleared_at > at - DECIDED_FOR,
        )
    )
    return any(facts.get("domain") == domain for facts in past)


def _undo(recent: Sequence[Marked], *, group: DomainGroup, at: datetime) -> None:
    """As if nobody had been refused: marks cleared, suppressions lifted, mails waiting again,
    in the domain's own group.
    """
    for start in range(0, len(recent), AT_ONCE):
        rows = recent[start : start + AT_ONCE]
        events = [row.event_id for row in rows if row.event_id is not None]
        people = [row.subscriber_id for row in rows]
        mails = [row.delivery_id for row in rows]
        _run(
            sa.update(Bounce).where(Bounce.id.in_([r.id for r in rows])).values(cleared_at=at),
            sa.delete(Suppression).where(
                Suppression.event_id.in_(events), Suppression.reason == BOUNCE
            ),
            _wait_again(Delivery.id.in_(mails), DeliveryState.FAILED, group, at),
            # Left out of others in that hour because of it. Who had left is left out once more.
            _wait_again(Delivery.subscriber_id.in_(people), DeliveryState.SUPPRESSED, group, at),
        )


def _wait_again(
    which: sa.ColumnElement[bool], state: DeliveryState, group: DomainGroup, at: datetime
) -> sa.Update:
    open_mailings = sa.select(Mailing.id).where(
        Mailing.finished_at.is_(None), Mailing.state != MailingState.CANCELLED
    )
    return (
        sa.update(Delivery)
        .where(
            which,
            Delivery.state == state,
            Delivery.address.is_not(None),
            Delivery.mailing_id.in_(open_mailings),
        )
        .values(
            state=DeliveryState.QUEUED,
            domain_group=group.name,
            due_at=at,
            first_try_at=None,
            sent_at=None,
            code=None,
            enhanced=None,
            reply=None,
        )
    )


def _run(*statements: sa.Update | sa.Delete) -> None:
    for statement in statements:
        db.session.execute(statement.execution_options(synchronize_session=False))


# --- what time brings -----------------------------------------------------------------------------


@jobs.job("settle_returns")
def settle_job() -> None:
    """Each minute: outages that nobody saw alone, and subscriptions whose hour is over. Commits."""
    settle(at=now())
    db.session.commit()


def settle(*, at: datetime) -> int:
    """End what was silenced an hour ago and was no outage; how many ended. No commit."""
    for domain in _suspects(at=at):
        _is_refusing_everybody(domain, at=at, most=None)
    due = db.session.scalars(
        sa.select(Subscription.subscriber_id)
        .join(Bounce, Bounce.subscriber_id == Subscription.subscriber_id)
        .join(InboundEvent, InboundEvent.id == Bounce.event_id)
        .join(Suppression, Suppression.event_id == InboundEvent.id)
        .where(
            InboundEvent.received_at > at - SETTLED_WITHIN,
            InboundEvent.received_at <= at - scoring.OUTAGE_WITHIN,
            Bounce.cleared_at.is_(None),
            Suppression.reason == BOUNCE,
            Subscription.ended_at.is_(None),
            Subscription.asked_at <= Bounce.at,
        )
        .distinct()
        .limit(AT_ONCE)
    ).all()
    if due:
        _end_all(due, reason=EndedReason.BOUNCE, at=at)
    return len(due)


def _suspects(*, at: datetime) -> Sequence[str]:
    """Domains of which enough were refused within the hour, whichever worker heard of it."""
    return db.session.scalars(
        sa.select(Bounce.domain)
        .join(InboundEvent, InboundEvent.id == Bounce.event_id)
        .where(
            InboundEvent.received_at > at - scoring.OUTAGE_WITHIN,
            Bounce.hard,
            Bounce.cleared_at.is_(None),
        )
        .group_by(Bounce.domain)
        .having(sa.func.count() >= scoring.OUTAGE_AT_LEAST)
    ).all()
