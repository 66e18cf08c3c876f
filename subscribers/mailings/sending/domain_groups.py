"""Mailbox providers: which one an address belongs to, and domains that are taken by themselves.

A group's `domains` name it whole (`gmail.com`) or with all below it (`.example.se`). What is in
none belongs to `other`. How fast a group may be written to is in `pacing`.

A delivery must never wait in a group that is not there. So whoever writes deliveries reads the
groups with `groups_to_write`, and whoever moves domains locks them all (PostgreSQL; SQLite has one
writer anyway).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from app.core import jobs
from app.core.accounts import User
from app.core.audit import record
from app.core.beats import shared_now
from app.core.db import db
from app.core.errors import BadInput, NotFound, NotNow
from subscribers.audience import addresses
from subscribers.audience.models import Subscriber
from subscribers.mailings.models import (
    ALL,
    OTHER,
    Delivery,
    DeliveryState,
    DomainGroup,
    Mailing,
)
from subscribers.mailings.sending import pacing

MOST_DOMAINS = 500
LONGEST_NAME = 40


def domain_groups() -> list[DomainGroup]:
    """All of them, by name."""
    return list(db.session.scalars(sa.select(DomainGroup).order_by(DomainGroup.name)))


def group_by_name(name: str) -> DomainGroup:
    """Raises NotFound."""
    found = db.session.get(DomainGroup, name)
    if found is None:
        raise NotFound("no_such_group", name=name[:LONGEST_NAME])
    return found


def groups_to_write() -> list[DomainGroup]:
    """All groups, for a transaction that is about to write deliveries into them."""
    kept = sa.select(DomainGroup).order_by(DomainGroup.name)
    kept = kept.with_for_update(read=True, key_share=True)
    return list(db.session.scalars(kept.execution_options(populate_existing=True)))


def group_for(domain: str | None) -> str:
    """The group into which one delivery to this domain is about to be written."""
    return group_of(domain or "", groups_to_write())


def group_of(domain: str, groups: Sequence[DomainGroup]) -> str:
    """The group of one domain. A name counts before what stands above it."""
    for group in groups:
        if domain in group.domains:
            return group.name
    for group in groups:
        if any(one.startswith(".") and domain.endswith(one) for one in group.domains):
            return group.name
    return OTHER


def group_in_sql(
    domain: sa.SQLColumnExpression[str | None], groups: Sequence[DomainGroup]
) -> sa.ColumnElement[str]:
    """`group_of` as an expression, for an audience of a million."""
    whole = [
        (domain.in_(names), group.name)
        for group in groups
        if (names := [one for one in group.domains if not one.startswith(".")])
    ]
    below = [
        (domain.endswith(one, autoescape=True), group.name)
        for group in groups
        for one in group.domains
        if one.startswith(".")
    ]
    if not whole and not below:
        return sa.literal(OTHER)
    return sa.case(*whole, *below, else_=OTHER)


def put_domain(domain: str, group: DomainGroup, *, by: User | None, at: datetime) -> str:
    """Let a domain belong to a group; what waits for it goes along. The domain as it is kept.

    `.example.se` is all below example.se. `other` takes it out of every group. Raises BadInput for
    what is no domain and for a full group, NotNow while the domain is parted, NotAllowed to
    writers.
    """
    pacing.guard(by)
    named = read_domain(domain)
    if group.name == ALL:
        raise BadInput("group_takes_no_domains")
    _lock()
    for one in domain_groups():
        if named in one.domains:
            if one.parted_from is not None:
                raise NotNow("domain_is_parted", domain=named)
            one.domains = [known for known in one.domains if known != named]
    if group.name != OTHER:
        if len(group.domains) >= MOST_DOMAINS:
            raise BadInput("group_full", most=MOST_DOMAINS)
        group.domains = sorted([*group.domains, named])
    db.session.flush()
    _move_waiting(named)
    record("group.domain", "group", None, title=group.name, by=by, at=at, domain=named)
    return named


def read_domain(text: str) -> str:
    """A domain as addresses are kept, its leading dot before it. Raises BadInput."""
    typed = text.strip().removeprefix("@")
    dot = "." if typed.startswith(".") else ""
    try:
        norm = addresses.read(f"x@{typed.removeprefix('.')}", secrets=("-",)).norm
    except BadInput as error:
        raise BadInput("domain_unreadable", domain=text.strip()[:100]) from error
    return dot + norm.rpartition("@")[2]


def part(domain: str, *, because: str, facts: Mapping[str, object], at: datetime) -> DomainGroup:
    """Give one domain a group of its own, held until a person decides. No commit.

    What waits for it comes along; what is written later finds its way by the group's `domains`.
    The same group when it has one. Raises the alert `domain_parted`.
    """
    _lock()
    name = _name_for(domain)
    parted = db.session.get(DomainGroup, name)
    if parted is None:
        groups = domain_groups()
        parted = DomainGroup(
            name=name,
            domains=[domain],
            rate=0.0,
            concurrency=0,
            tokens=0.0,
            factor=1.0,
            recent="",
            held_because="",
            held_facts={},
            parted_from=group_of(domain, groups),
        )
        for group in groups:
            if domain in group.domains:
                group.domains = [one for one in group.domains if one != domain]
        db.session.add(parted)
    parted.domains = [domain]  # also when it was on its way home
    db.session.flush()
    pacing.hold(name, because=because, facts=facts, at=at, alert="domain_parted")
    _move_waiting(domain)
    db.session.refresh(parted)
    return parted


def send_home(group: DomainGroup, *, by: User | None, at: datetime) -> None:
    """A parted domain is written to with its old group again, at once.

    The row itself goes when senders hold no mail of it (`tidy_groups`). Raises NotNow for a group
    that was never parted, NotAllowed to writers.
    """
    pacing.guard(by)
    if group.parted_from is None:
        raise NotNow("group_not_parted", name=group.name)
    _lock()
    gone = list(group.domains)
    old = db.session.get(DomainGroup, group.parted_from)
    if old is not None and old.name != OTHER:
        old.domains = sorted({*old.domains, *gone})
    group.domains = []
    pacing.let_go(group, at=at)
    db.session.flush()
    _move_all(group)
    record("group.home", "group", None, title=group.name, by=by, at=at)


@jobs.job("tidy_groups")
def tidy_groups() -> None:
    """Forget slowness that is over, and groups whose domain has gone home. Commits.

    What senders held of a domain when it was parted comes back to its old group, and follows here.
    """
    at = shared_now()
    _lock()
    for group in domain_groups():
        pacing.recover(group, at=at)
        for domain in group.domains if group.parted_from else ():
            _move_waiting(domain)
        if group.parted_from and not group.domains and not _move_all(group):
            db.session.delete(group)
    db.session.commit()


def _move_waiting(domain: str) -> None:
    """What waits for a domain goes into the group that it belongs to by now."""
    if domain.startswith("."):
        of_domain = Subscriber.domain.endswith(domain, autoescape=True)
    else:
        of_domain = Subscriber.domain == domain
    target = (
        sa.select(group_in_sql(Subscriber.domain, domain_groups()))
        .where(Subscriber.id == Delivery.subscriber_id)
        .scalar_subquery()
    )
    people = sa.select(Subscriber.id).where(of_domain)
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.due_at.is_not(None), Delivery.subscriber_id.in_(people))
        .values(domain_group=target)
        .execution_options(synchronize_session=False)
    )


def _move_all(group: DomainGroup) -> bool:
    """What waits in a group without a domain goes home; True while senders hold some of it."""
    home = db.session.get(DomainGroup, group.parted_from)
    mine = Delivery.domain_group == group.name
    unfinished = sa.select(Mailing.id).where(Mailing.finished_at.is_(None))
    undecided = sa.and_(
        Delivery.state == DeliveryState.UNCERTAIN,
        Delivery.due_at.is_(None),
        Delivery.lease_until.is_(None),
    )
    for rows in (Delivery.due_at.is_not(None), undecided):  # each has an index of its own
        db.session.execute(
            sa.update(Delivery)
            .where(Delivery.mailing_id.in_(unfinished), mine, rows)
            .values(domain_group=home.name if home else OTHER)
            .execution_options(synchronize_session=False)
        )
    held = sa.exists().where(Delivery.lease_until.is_not(None), mine)
    return bool(db.session.scalar(sa.select(held)))


def _name_for(domain: str) -> str:
    """The domain itself; one that could be the name of a group of ours, or is longer than a name
    may be, is told apart by its hash."""
    if "." in domain and len(domain) <= LONGEST_NAME:
        return domain
    return f"{domain[: LONGEST_NAME - 9]}~{hashlib.sha256(domain.encode()).hexdigest()[:8]}"


def _lock() -> None:
    """Nobody writes deliveries into groups, or moves domains, until this transaction ends."""
    db.session.flush()
    everything = sa.select(DomainGroup).order_by(DomainGroup.name).with_for_update()
    db.session.scalars(everything.execution_options(populate_existing=True)).all()
