"""How long things are kept, and their clearing away: rules that run by themselves, once a day.

Each rule clears in small transactions, so that nothing waits for it and a kill costs nothing but a
day. What it did is written down (`RetentionRun`) in the same transactions. A mailing's figures
outlive its rows. The delivery with the highest number always stays: SQLite would give that number
again, and return addresses and Message-IDs are made from it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.core import jobs, shelf
from app.core.accounts import User
from app.core.audit import record
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import BadInput
from app.core.organisation import Organisation, organisation
from app.core.storage import Silent
from subscribers.audience import erasing
from subscribers.audience.models import (
    DataRequest,
    ImportProblem,
    ImportRun,
    ImportState,
    RetentionRun,
)
from subscribers.audience.subscribing import insert_new
from subscribers.mailings.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    InboundEvent,
    Mailing,
    MailingKind,
)

CHUNK = 2_000  # rows cleared in one transaction
SECONDS = 300  # that one rule may take of a day's round
LONGEST = 3650  # days
LISTS_FOR = 7
REQUESTS_FOR = 30
LOG_FOR = 400
LOOKED_AT = 20  # of a mailing's rows, to see that their addresses are gone
# Mails to one person of which nothing is worth keeping but that they were sent.
PERSONAL = (
    MailingKind.CONFIRMATION,
    MailingKind.NOTICE,
    MailingKind.WELCOME,
    MailingKind.LETTER,
)


@dataclass(frozen=True)
class Rule:
    """One rule: how many days, by a column of the organisation's or fixed, and what it clears.

    `clear` takes the moment before which things are cleared and now; it clears some and commits,
    and returns how many, 0 when it has come to the end. `least` is the fewest days that make sense.
    """

    name: str
    days: int
    setting: str
    least: int
    clear: Callable[[datetime, datetime], int]


def days_of(rule: Rule) -> int:
    """For how many days it keeps things here."""
    chosen = getattr(organisation(), rule.setting) if rule.setting else None
    return int(chosen or rule.days)  # nothing is chosen before the organisation has a name


def deliveries_since(at: datetime) -> datetime:
    """Of which mailings the rows are still there: of those that ended after this moment."""
    return at - timedelta(days=organisation().keep_deliveries_days or LOG_FOR)


@jobs.job("keep_rules")
def keep_rules() -> None:
    """Do the day's clearing, rule by rule: whoever writes a rule's row of the day does it."""
    at = now()
    day = today(at, organisation().time_zone)
    for rule in RULES:
        if jobs.stopping.is_set():
            return
        if _begin(rule, day=day, at=at):
            run(rule, day=day, at=at)


@jobs.job("forget_stragglers")
def forget_stragglers() -> None:
    """What a mail in the open has written down of somebody who has just been erased.

    No rule of days: it is looked for each minute, as it should never have been kept.
    """
    erasing.forget_stragglers(at=now())
    db.session.commit()


def run(rule: Rule, *, day: date, at: datetime) -> int:
    """Clear what a rule is about, in parts, until there is no more. How many; commits."""
    before = at - timedelta(days=days_of(rule))
    until = time.monotonic() + SECONDS
    total = 0
    while not jobs.stopping.is_set() and time.monotonic() < until:
        cleared = rule.clear(before, at)
        if not cleared:
            break
        total += cleared
        db.session.execute(
            sa.update(RetentionRun)
            .where(RetentionRun.rule == rule.name, RetentionRun.day == day)
            .values(cleared=RetentionRun.cleared + cleared, at=at)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    db.session.rollback()
    return total


def lately(*, days: int = 14) -> dict[str, list[RetentionRun]]:
    """What each rule did on its last days, the newest first."""
    found: defaultdict[str, list[RetentionRun]] = defaultdict(list)
    runs = sa.select(RetentionRun).order_by(RetentionRun.day.desc(), RetentionRun.id)
    for one in db.session.scalars(runs.limit(days * len(RULES))):
        found[one.rule].append(one)
    return dict(found)


def change(given: Mapping[str, int], *, by: User, at: datetime) -> list[str]:
    """Keep things for other numbers of days, by the names of rules. Those that changed.

    Raises BadInput for a number that makes no sense; nothing is changed then.
    """
    sender = organisation()
    changed = []
    for rule in RULES:
        if not rule.setting or rule.name not in given:
            continue
        days = given[rule.name]
        if not rule.least <= days <= LONGEST:
            raise BadInput("retention_days", least=rule.least, most=LONGEST)
    for rule in RULES:
        days = given.get(rule.name, 0)
        if rule.setting and rule.name in given and getattr(sender, rule.setting) != days:
            _change_one(sender, rule, days, by=by, at=at)
            changed.append(rule.name)
    db.session.flush()
    return changed


def _change_one(sender: Organisation, rule: Rule, days: int, *, by: User, at: datetime) -> None:
    earlier = getattr(sender, rule.setting)
    setattr(sender, rule.setting, days)
    if sender not in db.session:
        db.session.add(sender)
    record(
        "retention.change",
        "retention",
        None,
        title=rule.name,
        by=by,
        at=at,
        days=days,
        earlier=earlier,
    )


def _begin(rule: Rule, *, day: date, at: datetime) -> bool:
    row = {"rule": rule.name, "day": day, "cleared": 0, "at": at}
    begun = insert_new(RetentionRun, [row], RetentionRun.id)
    db.session.commit()
    return bool(begun)


def _unconfirmed(_before: datetime, at: datetime) -> int:
    return erasing.forget_unconfirmed(at=at)


def _attempts(_before: datetime, at: datetime) -> int:
    return erasing.forget_attempts(at=at)


def _ended(before: datetime, at: datetime) -> int:
    return erasing.forget_ended(before=before, at=at)


def _addresses(before: datetime, _at: datetime) -> int:
    """Of mailings that ended: where each mail went, and the server's words, which repeat it."""
    personal = (
        sa.select(Delivery.id)
        .join(Mailing)
        .where(
            Mailing.kind.in_(PERSONAL), Mailing.finished_at < before, Delivery.address.is_not(None)
        )
        .limit(CHUNK)
    )
    if ids := list(db.session.scalars(personal)):
        return _without_address(ids)
    return next((n for one in _ended_mailings(before) if (n := _addresses_of(one))), 0)


def _addresses_of(mailing_id: int) -> int:
    """Of one mailing, in the order of the hashes: when the last of them is gone, all are."""
    latest = db.session.scalars(
        sa.select(Delivery.address)
        .where(Delivery.mailing_id == mailing_id)
        .order_by(Delivery.address_hash.desc())
        .limit(LOOKED_AT)
    ).all()
    if not any(latest):
        return 0
    cleared, last = 0, b""
    while part := db.session.execute(
        sa.select(Delivery.id, Delivery.address_hash)
        .where(Delivery.mailing_id == mailing_id, Delivery.address_hash > last)
        .order_by(Delivery.address_hash)
        .limit(CHUNK)
    ).all():
        cleared += _without_address([row.id for row in part])
        last = part[-1].address_hash
    return cleared


def _without_address(ids: Sequence[int]) -> int:
    """Commits."""
    result = db.session.execute(
        sa.update(Delivery)
        .where(Delivery.id.in_(ids), Delivery.address.is_not(None))
        .values(address=None, reply=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        sa.update(DeliveryAttempt)
        .where(DeliveryAttempt.delivery_id.in_(ids), DeliveryAttempt.reply != "")
        .values(reply="")
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return int(result.rowcount)  # type: ignore[attr-defined]


def _deliveries(before: datetime, _at: datetime) -> int:
    """The rows of mailings that ended, their figures kept; mails to one person go whole."""
    newest = sa.select(Delivery.id, Delivery.mailing_id).order_by(Delivery.id.desc()).limit(1)
    highest, its_mailing = db.session.execute(newest).one_or_none() or (0, 0)
    personal = sa.and_(
        Mailing.kind.in_(PERSONAL), Mailing.finished_at < before, Mailing.id != its_mailing
    )
    # Their rows first: a list that is asked before it subscribes is ten thousand to a mailing.
    mails = sa.select(Delivery.id).join(Mailing).where(personal).limit(CHUNK)
    if ids := list(db.session.scalars(mails)):
        return _delete_some(Delivery.id, Delivery.id.in_(ids))
    if emptied := _delete_some(Mailing.id, personal):
        return emptied
    for mailing_id in _ended_mailings(before):
        ids = list(
            db.session.scalars(
                sa.select(Delivery.id)
                .where(Delivery.mailing_id == mailing_id, Delivery.id != highest)
                .order_by(Delivery.address_hash)
                .limit(CHUNK)
            )
        )
        if ids:
            mailing = db.session.get_one(Mailing, mailing_id)
            mailing.outcome = mailing.outcome or _outcome(mailing_id)
            db.session.flush()
            return _delete_some(Delivery.id, Delivery.id.in_(ids))
    return 0


def _ended_mailings(before: datetime) -> list[int]:
    """Those to many that ended before a moment and still have rows, the oldest first."""
    rows = sa.exists().where(Delivery.mailing_id == Mailing.id)
    return list(
        db.session.scalars(
            sa.select(Mailing.id)
            .where(Mailing.kind.not_in(PERSONAL), Mailing.finished_at < before, rows)
            .order_by(Mailing.id)
        )
    )


def _outcome(mailing_id: int) -> dict[str, object]:
    """How many stood where, by domain group, and how many may have been mailed twice."""
    groups: defaultdict[str, dict[str, int]] = defaultdict(dict)
    counted = (
        sa.select(Delivery.domain_group, Delivery.state, sa.func.count())
        .where(Delivery.mailing_id == mailing_id)
        .group_by(Delivery.domain_group, Delivery.state)
    )
    for group, state, count in db.session.execute(counted):
        groups[group][DeliveryState(state).value] = count
    doubtful = sa.select(sa.func.count()).where(
        Delivery.mailing_id == mailing_id, Delivery.uncertain_count > 0
    )
    return {"groups": dict(groups), "uncertain": db.session.scalar(doubtful) or 0}


def _inbound(before: datetime, at: datetime) -> int:
    """What came back, word for word; and after as long as deliveries are kept, that it came."""
    worded = sa.or_(InboundEvent.raw.is_not(None), InboundEvent.said != "")
    ids = list(
        db.session.scalars(
            sa.select(InboundEvent.id)
            .where(InboundEvent.received_at < before, worded)
            .order_by(InboundEvent.received_at)
            .limit(CHUNK)
        )
    )
    if ids:
        db.session.execute(
            sa.update(InboundEvent)
            .where(InboundEvent.id.in_(ids))
            .values(raw=None, said="")
            .execution_options(synchronize_session=False)
        )
        return len(ids)
    long_ago = min(before, deliveries_since(at))
    return _delete_some(InboundEvent.id, InboundEvent.received_at < long_ago)


def _lists(before: datetime, at: datetime) -> int:
    """Lists that nobody said yes to, files that an end left behind, and old reports."""
    cleared = 0
    waiting = sa.select(ImportRun).where(
        ImportRun.created_at < before,
        sa.or_(ImportRun.file_key.is_not(None), ImportRun.state == ImportState.RUNNING),
        sa.or_(ImportRun.lease_until.is_(None), ImportRun.lease_until < before),
    )
    for run_ in db.session.scalars(waiting.limit(CHUNK)).all():
        if run_.file_key:
            try:
                shelf.sweep_away(run_.file_key)
            except Silent:
                continue  # tomorrow
        run_.file_key = None
        if run_.finished_at is None:
            run_.state, run_.finished_at = ImportState.STOPPED, at
        cleared += 1
    db.session.flush()
    if cleared:
        return cleared
    old = sa.select(ImportRun.id).where(ImportRun.created_at < at - timedelta(days=LOG_FOR))
    db.session.execute(
        sa.delete(ImportProblem)
        .where(ImportProblem.run_id.in_(old))
        .execution_options(synchronize_session=False)
    )
    return _delete_some(ImportRun.id, ImportRun.created_at < at - timedelta(days=LOG_FOR))


def _requests(before: datetime, at: datetime) -> int:
    cleared = _delete_some(DataRequest.id, DataRequest.expires_at < before)
    return cleared or _delete_some(
        RetentionRun.id, RetentionRun.day < (at - timedelta(days=LOG_FOR)).date()
    )


def _delete_some(key: sa.orm.InstrumentedAttribute[int], which: sa.ColumnElement[bool]) -> int:
    ids = list(db.session.scalars(sa.select(key).where(which).order_by(key).limit(CHUNK)))
    if ids:
        db.session.execute(
            sa.delete(key.class_).where(key.in_(ids)).execution_options(synchronize_session=False)
        )
    return len(ids)


RULES = (
    Rule("unconfirmed", erasing.UNCONFIRMED_FOR.days, "", 7, _unconfirmed),
    Rule("attempts", erasing.ATTEMPTS_FOR.days, "", 1, _attempts),
    Rule("addresses", 30, "keep_addresses_days", 7, _addresses),
    Rule("inbound", 30, "keep_inbound_days", 7, _inbound),
    Rule("deliveries", 400, "keep_deliveries_days", 60, _deliveries),
    Rule("ended", 365, "keep_ended_days", 30, _ended),
    Rule("lists", LISTS_FOR, "", 7, _lists),
    Rule("requests", REQUESTS_FOR, "", 30, _requests),
)
