"""Whether a domain refuses so many that it is not about them, and what time brings.

A hard bounce silences an address at once by a suppression. Its subscriptions end an hour later,
when it is certain that not its whole provider has refused everybody: an ended subscription never
lives again, a suppression can be lifted. Many domains are looked at together, in as many questions
as one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVarTuple

import sqlalchemy as sa

from app.core import jobs
from app.core.alerts import Alert
from app.core.clock import now
from app.core.db import db
from subscribers.audience.models import EndedReason, Subscriber, Subscription, Suppression
from subscribers.mailings.models import (
    Bounce,
    Delivery,
    DeliveryState,
    DomainGroup,
    InboundEvent,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.returns import scoring
from subscribers.mailings.returns.silencing import BOUNCE, end_all
from subscribers.mailings.sending import domain_groups

OUTAGE: Final = "outage"
# Sent to many at once. Confirmations are not: whoever types false addresses could otherwise make
# a provider look as if it refused everybody.
BULK: Final = (MailingKind.RELEASE, MailingKind.CORRECTION, MailingKind.DIGEST)
DECIDED_FOR: Final = timedelta(days=7)  # a person has let the domain go on: no outage any more
SETTLED_WITHIN: Final = timedelta(days=3)
AT_ONCE: Final = 500
LOOKED_AT: Final = 200  # people of an hour that are counted anew with each look
TOGETHER: Final = 50  # domains that are asked about in one statement of many parts

Marked = sa.Row[int, int | None, int, int | None]
Columns = TypeVarTuple("Columns")


def small(domains: Collection[str]) -> set[str]:
    """Those of the domains that have too few readers for an outage to show."""
    if not domains:
        return set()
    least = scoring.OUTAGE_AT_LEAST
    looked = _named(domains)
    some = sa.select(Subscriber.id).where(Subscriber.domain == looked.c.domain)
    counted = _counted(some.limit(least), looked)
    rows = db.session.execute(sa.select(looked.c.domain, counted.label("people")))
    return {row.domain for row in rows if row.people < least}


def refusing(domains: Collection[str], *, at: datetime, most: int | None = LOOKED_AT) -> set[str]:
    """Those of the domains that refuse everybody, now or since a moment ago: no mark counts then,
    and what was done because of them is undone here.

    Of a domain that has refused more than `most`, large as it must be, only the minute's look
    takes the whole count.
    """
    held = _held_for_an_outage(domains)
    for domain, group in held.items():
        _undo(_recent_hard(domain, at=at), group=group, at=at)
    found = set(held)
    refused = {
        domain: people
        for domain, people in _people_refused(set(domains) - found, at=at, most=most).items()
        if people >= scoring.OUTAGE_AT_LEAST and (most is None or people < most)
    }
    taken = _taken(refused, at=at)
    suspected = [
        domain
        for domain in sorted(refused)
        if scoring.is_outage(refused=refused[domain], taken=taken[domain])
    ]
    for domain in set(suspected) - _decided(suspected, at=at):
        facts = {
            "domain": domain,
            "refused": refused[domain],
            "tried": refused[domain] + taken[domain],
        }
        parted = domain_groups.part(domain, because=OUTAGE, facts=facts, at=at)
        _undo(_recent_hard(domain, at=at), group=parted, at=at)
        found.add(domain)
    return found


def _named(domains: Collection[str]) -> sa.CTE:
    """Some domains as a table."""
    rows = [(domain,) for domain in sorted(domains)]
    return sa.values(sa.column("domain", sa.String), name="named").data(rows).cte("looked")


def _counted(some: sa.Select[*Columns], looked: sa.CTE) -> sa.ScalarSelect[int]:
    """How many rows there are for each of the domains, which `some` speaks of."""
    rows = some.correlate(looked).subquery()
    return sa.select(sa.func.count()).select_from(rows).scalar_subquery()


def _of_the_hour(
    query: sa.Select[*Columns], domain: str | sa.ColumnElement[str], at: datetime
) -> sa.Select[*Columns]:
    """Only hard marks of a domain within the hour, of mailings to many."""
    return query.join(Mailing, Mailing.id == Bounce.mailing_id).where(
        Bounce.domain == domain,
        Bounce.at > at - scoring.OUTAGE_WITHIN,
        Bounce.hard,
        Bounce.cleared_at.is_(None),
        Bounce.subscriber_id.is_not(None),
        Mailing.kind.in_(BULK),
    )


def _people_refused(domains: Collection[str], *, at: datetime, most: int | None) -> dict[str, int]:
    if not domains:
        return {}
    looked = _named(domains)
    some = _of_the_hour(sa.select(Bounce.subscriber_id), looked.c.domain, at).distinct()
    counted = _counted(some.limit(most), looked)
    rows = db.session.execute(sa.select(looked.c.domain, counted.label("people")))
    return {row.domain: row.people for row in rows}


def _recent_hard(domain: str, *, at: datetime) -> Sequence[Marked]:
    columns = sa.select(Bounce.id, Bounce.subscriber_id, Bounce.delivery_id, Bounce.event_id)
    return db.session.execute(_of_the_hour(columns, domain, at)).all()


def _taken(refused: Mapping[str, int], *, at: datetime) -> dict[str, int]:
    """How many addresses of each domain took the same mailings; counted as far as it matters, so
    that the people of a large domain are not all looked at."""
    found: dict[str, int] = {}
    domains = sorted(refused)
    for start in range(0, len(domains), TOGETHER):
        each = [
            _taken_of(domain, most=round(refused[domain] / scoring.OUTAGE_SHARE), at=at)
            for domain in domains[start : start + TOGETHER]
        ]
        found |= {row.domain: row.people for row in db.session.execute(sa.union_all(*each))}
    return found


def _taken_of(domain: str, *, most: int, at: datetime) -> sa.Select[str, int]:
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
        .subquery()
    )
    people = sa.func.count().label("people")
    return sa.select(sa.literal(domain, sa.String).label("domain"), people).select_from(some)


def _held_for_an_outage(domains: Collection[str]) -> dict[str, DomainGroup]:
    held = db.session.scalars(
        sa.select(DomainGroup).where(
            DomainGroup.held_at.is_not(None), DomainGroup.held_because == OUTAGE
        )
    )
    return {domain: group for group in held for domain in group.domains if domain in domains}


def _decided(domains: Collection[str], *, at: datetime) -> set[str]:
    """Those that a person has looked at lately and let go on: their people are gone."""
    if not domains:
        return set()
    past = db.session.scalars(
        sa.select(Alert.facts).where(
            Alert.code == "domain_parted",
            Alert.cleared_at.is_not(None),
            Alert.cleared_at > at - DECIDED_FOR,
        )
    )
    return {str(facts.get("domain")) for facts in past}


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
    refusing(_suspects(at=at), at=at, most=None)
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
    end_all(due, reason=EndedReason.BOUNCE, at=at)
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
