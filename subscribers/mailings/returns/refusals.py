"""Refusals: a mark against each address, or against us, and what the marks come to.

Many are taken in at once, as they come in a storm, by a number of statements that does not depend
on how many there are. A hard bounce silences an address at once by a suppression; when its
subscriptions end is told in `outages`. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import starmap
from typing import Final, NamedTuple, cast

import sqlalchemy as sa

from app.core.alerts import Alert
from app.core.db import Id, UTCDateTime, db
from subscribers.audience.models import EndedReason, Subscriber, Subscription, SubscriptionState
from subscribers.audience.subscribing import insert_new
from subscribers.mailings.models import (
    OTHER,
    Bounce,
    Delivery,
    DeliveryState,
    InboundEvent,
    InboundKind,
    Mailing,
    MailingKind,
)
from subscribers.mailings.returns import outages, scoring
from subscribers.mailings.returns.scoring import Mark, Verdict
from subscribers.mailings.returns.silencing import BOUNCE, end_all, suppress
from subscribers.mailings.sending import breaking
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import spoken
from subscribers.mailings.sending.statements import Columns, StatementForRows, stored, word

REFUSALS: Final = (InboundKind.HARD, InboundKind.SOFT, InboundKind.POLICY)


class Meant(NamedTuple):
    """The mail of ours that something speaks of: its row, and what kind of mailing it was."""

    id: int
    mailing_id: int
    kind: MailingKind
    subscriber_id: int | None
    subscription_id: int | None
    address: str | None
    address_hash: bytes
    domain_group: str
    state: DeliveryState
    attempts: int
    first_try_at: datetime | None
    subscribers_domain: str | None

    @property
    def domain(self) -> str:
        if self.address:
            return self.address.rpartition("@")[2]
        return self.subscribers_domain or ""


@dataclass(frozen=True)
class Refusal:
    """What a server said of one mail, and the event in which it is kept."""

    mail: Meant
    verdict: Verdict
    said: str
    event_id: int

    @property
    def is_hard(self) -> bool:
        return self.verdict.kind is InboundKind.HARD


def meant(delivery_ids: Collection[int]) -> dict[int, Meant]:
    """Those of the deliveries that there are, by their ids, in one order for whoever writes."""
    if not delivery_ids:
        return {}
    rows = db.session.execute(
        sa.select(
            Delivery.id,
            Delivery.mailing_id,
            Mailing.kind,
            Delivery.subscriber_id,
            Delivery.subscription_id,
            Delivery.address,
            Delivery.address_hash,
            Delivery.domain_group,
            Delivery.state,
            Delivery.attempts,
            Delivery.first_try_at,
            Subscriber.domain,
        )
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.id.in_(delivery_ids))
        .order_by(Delivery.address_hash)  # so that two who write never wait for each other
    )
    return {mail.id: mail for mail in starmap(Meant, rows)}


# --- on the spot ----------------------------------------------------------------------------------


def mark_refusals(outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """What servers answered on the spot, for those who failed by it. No commit.

    Called in the transaction that writes the answers down; costs nothing when all were taken.
    """
    refused = {
        one.delivery_id: one
        for one in outcomes
        # Where nobody ever answered, or they mean us, nothing is said about the mailbox.
        if not one.accepted and one.reply.code and not one.reply.about_us
    }
    failed = [
        (mail, refused[mail.id], _verdict(refused[mail.id]))
        for mail in meant(refused).values()
        if refused[mail.id].permanent or mail.state is DeliveryState.FAILED
    ]
    rows = {
        sha256(f"smtp:{mail.id}:{mail.attempts}".encode()).digest(): {
            "source": "smtp",
            "kind": verdict.kind,
            "code": outcome.reply.code,
            "enhanced": (outcome.reply.enhanced or verdict.enhanced)[:12] or None,
            "said": outcome.reply.text[:500],
            "delivery_id": mail.id,
            "mailing_id": mail.mailing_id,
            "subscriber_id": mail.subscriber_id,
            "received_at": at,
            "applied_at": at,
        }
        for mail, outcome, verdict in failed
    }
    events = insert_new(
        InboundEvent,
        [{"key": key, **rows[key]} for key in sorted(rows)],
        InboundEvent.delivery_id,
        InboundEvent.id,
    )
    known = {row.delivery_id: row.id for row in events}
    refuse(
        [
            Refusal(mail, verdict, outcome.reply.text, known[mail.id])
            for mail, outcome, verdict in failed
            if mail.id in known
        ],
        at=at,
    )


def _verdict(outcome: Outcome) -> Verdict:
    reply = outcome.reply
    verdict = scoring.judge("failed", reply.enhanced or "", f"{reply.code} {reply.text}")
    if reply.about_policy and verdict.kind is not InboundKind.SOFT:
        return Verdict(InboundKind.POLICY, verdict.enhanced, reply.code)
    return verdict


# --- later on -------------------------------------------------------------------------------------


def _came_back(given: Columns) -> sa.Update:
    table = cast(sa.Table, Delivery.__table__)
    return (
        sa.update(table)
        .where(table.c.id == given["delivery"], table.c.state == word(DeliveryState.SENT))
        .values(
            state=word(DeliveryState.FAILED),
            code=given["new_code"],
            enhanced=given["new_enhanced"],
            reply=given["new_reply"],
        )
    )


_CAME_BACK = StatementForRows(
    {
        "delivery": Id,
        "new_code": sa.Integer(),
        "new_enhanced": sa.String(),
        "new_reply": sa.String(),
    },
    _came_back,
)


def take_back(refusals: Sequence[Refusal], *, at: datetime) -> None:
    """Mails that a server took did not arrive after all; the breaker learns of it as well."""
    if not refusals:
        return
    rows = [
        {
            "delivery": one.mail.id,
            "new_code": one.verdict.code,
            "new_enhanced": one.verdict.enhanced or None,
            "new_reply": one.said[:500],
        }
        for one in refusals
    ]
    _CAME_BACK.run(db.session.connection(), rows)
    breaking.learn(
        [_outcome(one) for one in refusals if one.verdict.kind is not InboundKind.SOFT], at=at
    )


def _outcome(refusal: Refusal) -> Outcome:
    mail, verdict, said = refusal.mail, refusal.verdict, refusal.said
    words = said if verdict.enhanced in said else f"{verdict.enhanced} {said}"
    return Outcome(
        delivery_id=mail.id,
        mailing_id=mail.mailing_id,
        kind=mail.kind,
        domain_group=mail.domain_group,
        subscriber_id=mail.subscriber_id,
        domain=mail.domain,
        reply=spoken(verdict.code or 550, words),
    )


# --- marks ----------------------------------------------------------------------------------------


def refuse(refusals: Sequence[Refusal], *, at: datetime) -> None:
    """Marks against the addresses, or against us, and what they come to."""
    for some in _once_each(refusals):
        _tell_of_policy([one for one in some if one.verdict.kind is InboundKind.POLICY], at=at)
        _mark([one for one in some if one.verdict.kind is not InboundKind.POLICY], at=at)


def _once_each(refusals: Sequence[Refusal]) -> Iterator[list[Refusal]]:
    """One after the other what is said of the same mail; the rest together."""
    left = list(refusals)
    while left:
        some = {one.mail.id: one for one in reversed(left)}
        yield [one for one in left if some[one.mail.id] is one]
        left = [one for one in left if some[one.mail.id] is not one]


def _tell_of_policy(refusals: Sequence[Refusal], *, at: datetime) -> None:
    alerts: dict[str, dict[str, object]] = {}
    for one in refusals:
        group, domain = one.mail.domain_group, one.mail.domain
        facts: dict[str, object] = {
            "group": group,
            "domain": domain,
            "enhanced": one.verdict.enhanced,
            "said": one.said[:200],
        }
        alerts.setdefault((domain if group == OTHER else group)[:120], facts)
    rows = [
        {"code": "policy_refused", "subject": subject, "facts": alerts[subject], "raised_at": at}
        for subject in sorted(alerts)
    ]
    insert_new(Alert, rows)


def _mark(refusals: Sequence[Refusal], *, at: datetime) -> None:
    if not refusals:
        return
    _write_marks(refusals, at=at)
    # Not letters to somebody who subscribes to nothing.
    people = [one for one in refusals if one.mail.subscriber_id is not None]
    hard = [one for one in people if one.is_hard]
    _close_pending(hard, at=at)
    broken = outages.refusing({one.mail.domain for one in hard}, at=at)
    meant_so = [one for one in people if not (one.is_hard and one.mail.domain in broken)]
    over = _over({one.mail.subscriber_id for one in meant_so if one.mail.subscriber_id}, at=at)
    _give_up(
        [one for one in meant_so if one.mail.subscriber_id in over],
        doubtful={person for person, is_doubtful in over.items() if is_doubtful},
        at=at,
    )


def _marked_anew(given: Columns) -> sa.Update:
    """A harder mark takes the place of a softer, a new try's of one that was cleared."""
    table = cast(sa.Table, Bounce.__table__)
    harder = sa.and_(~table.c.hard, given["new_hard"])
    tried_again = sa.and_(table.c.cleared_at.is_not(None), given["tried_at"] > table.c.cleared_at)
    return (
        sa.update(table)
        .where(table.c.delivery_id == given["delivery"], sa.or_(harder, tried_again))
        .values(
            hard=given["new_hard"],
            enhanced=given["new_enhanced"],
            event_id=given["new_event"],
            at=given["new_at"],
            cleared_at=sa.null(),
        )
    )


_MARKED_ANEW = StatementForRows(
    {
        "delivery": Id,
        "new_hard": sa.Boolean(),
        "tried_at": UTCDateTime(),
        "new_enhanced": sa.String(),
        "new_event": Id,
        "new_at": UTCDateTime(),
    },
    _marked_anew,
)


def _write_marks(refusals: Sequence[Refusal], *, at: datetime) -> None:
    """One mark for each delivery, whatever is said of it by however many ways."""
    rows = [
        {
            "subscriber_id": one.mail.subscriber_id,
            "mailing_id": one.mail.mailing_id,
            "delivery_id": one.mail.id,
            "event_id": one.event_id,
            "domain": one.mail.domain,
            "hard": one.is_hard,
            "enhanced": one.verdict.enhanced[:12],
            "at": at,
        }
        for one in sorted(refusals, key=lambda one: one.mail.id)
    ]
    new = {row.delivery_id for row in insert_new(Bounce, rows, Bounce.delivery_id)}
    if again := [one for one in refusals if one.mail.id not in new]:
        connection = db.session.connection()
        given = [
            {
                "delivery": one.mail.id,
                "new_hard": one.is_hard,
                "tried_at": stored(one.mail.first_try_at, connection),
                "new_enhanced": one.verdict.enhanced[:12],
                "new_event": one.event_id,
                "new_at": stored(at, connection),
            }
            for one in again
        ]
        _MARKED_ANEW.run(connection, given)


def _close_pending(hard: Sequence[Refusal], *, at: datetime) -> None:
    asked = [
        one.mail.subscription_id
        for one in hard
        if one.mail.kind is MailingKind.CONFIRMATION and one.mail.subscription_id is not None
    ]
    if asked:
        db.session.execute(
            sa.update(Subscription)
            .where(Subscription.id.in_(asked), Subscription.state == SubscriptionState.PENDING)
            .values(state=SubscriptionState.ENDED, ended_at=at, ended_reason=EndedReason.BOUNCE)
            .execution_options(synchronize_session=False)
        )


# --- enough is enough -----------------------------------------------------------------------------


def forgive(subscriber_id: int, *, at: datetime) -> None:
    """Somebody vouches for an address: what counted against it counts no more. No commit."""
    db.session.execute(
        sa.update(Bounce)
        .where(Bounce.subscriber_id == subscriber_id, Bounce.cleared_at.is_(None))
        .values(cleared_at=at)
    )


def _over(subscriber_ids: Collection[int], *, at: datetime) -> dict[int, bool]:
    """Those of whom enough has been said, and who subscribe to something: of each whether an
    outage may still be behind it, whichever of their mails came back last."""
    marks = _marks(subscriber_ids)
    _forget_marks_before_a_clean_delivery(marks, at=at)
    over = [one for one, theirs in marks.items() if scoring.is_over(list(theirs.values()))]
    if not over:
        return {}
    active = sa.select(Subscription.subscriber_id).where(
        Subscription.subscriber_id.in_(over),
        Subscription.state == SubscriptionState.ACTIVE,
        Subscription.ended_at.is_(None),  # follows from it, and lets the index by person be used
    )
    since = at - scoring.OUTAGE_WITHIN
    return {
        person: any(mark.hard and mark.at > since for mark in marks[person].values())
        for person in db.session.scalars(active.distinct())
    }


def _marks(subscriber_ids: Collection[int]) -> dict[int, dict[int, Mark]]:
    """What counts against each of some people, by the numbers of the marks.

    Nothing from before their latest yes: to confirm it they got a mail.
    """
    found: dict[int, dict[int, Mark]] = {one: {} for one in subscriber_ids}
    if not found:
        return found
    latest_yes = (
        sa.select(sa.func.max(Subscription.consent_at))
        .where(Subscription.subscriber_id == Bounce.subscriber_id, Subscription.ended_at.is_(None))
        .scalar_subquery()
    )
    rows = db.session.execute(
        sa.select(
            Bounce.subscriber_id,
            Bounce.id,
            Bounce.at,
            Bounce.mailing_id,
            Bounce.hard,
            Bounce.enhanced,
        ).where(
            Bounce.subscriber_id.in_(subscriber_ids),
            Bounce.cleared_at.is_(None),
            sa.or_(latest_yes.is_(None), Bounce.at >= latest_yes),
        )
    )
    for subscriber_id, mark_id, at, mailing_id, hard, enhanced in rows:
        if subscriber_id is not None:
            found[subscriber_id][mark_id] = Mark(at, mailing_id, hard, enhanced)
    return found


def _forget_marks_before_a_clean_delivery(
    marks: dict[int, dict[int, Mark]], *, at: datetime
) -> None:
    """A later mail of which nothing came back for a week has arrived: the marks before it go."""
    since = at - scoring.CLEAN_AFTER
    old = [one for one, theirs in marks.items() if any(m.at < since for m in theirs.values())]
    if not old:
        return
    arrived = db.session.execute(
        sa.select(Delivery.subscriber_id, sa.func.max(Delivery.sent_at))
        .where(
            Delivery.subscriber_id.in_(old),
            Delivery.state == DeliveryState.SENT,
            Delivery.sent_at <= since,
            ~sa.exists().where(Bounce.delivery_id == Delivery.id),
        )
        .group_by(Delivery.subscriber_id)
    )
    gone = [
        (person, mark_id)
        for person, moment in arrived
        if person is not None and moment is not None
        for mark_id, mark in marks[person].items()
        if mark.at < moment
    ]
    if gone:
        db.session.execute(
            sa.update(Bounce)
            .where(Bounce.id.in_([mark_id for _, mark_id in gone]))
            .values(cleared_at=at)
            .execution_options(synchronize_session=False)
        )
    for person, mark_id in gone:
        del marks[person][mark_id]


def _give_up(refusals: Sequence[Refusal], *, doubtful: Collection[int], at: datetime) -> None:
    """Silence the addresses; end their subscriptions as soon as no outage can be behind it."""
    if not refusals:
        return
    # A hard one last: by its event the suppression is found again if it was an outage.
    by_weight = sorted(refusals, key=lambda one: one.is_hard)
    suppress({one.mail.address_hash: one.event_id for one in by_weight}, BOUNCE, at=at)
    small = outages.small({r.mail.domain for r in refusals if r.mail.subscriber_id in doubtful})
    gone = {
        one.mail.subscriber_id
        for one in refusals
        if one.mail.subscriber_id is not None
        and (one.mail.subscriber_id not in doubtful or one.mail.domain in small)
    }
    end_all(gone, reason=EndedReason.BOUNCE, at=at)
