"""The circuit breaker: what a run of answers says about a provider, and about a mailing.

`learn` is called with the answers of many mails, in the transaction that writes them down. A
provider that asks for less is slowed, one that refuses us is held; a mailing of which too many
addresses do not exist, or too many readers complain, is paused. Nothing here goes on by itself
again but the slowness: the rest waits for a person.

A group remembers its last 500 answers, a letter each. Mails that were taken are written down with
the next refusal, or after a second: where all goes well a row is not written for each mail.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from flask import current_app

from app.core.alerts import clear_alert, raise_alert
from app.core.db import db
from subscribers.mailings.models import (
    ALL,
    RECENT,
    Bounce,
    Delivery,
    DeliveryState,
    DomainGroup,
    InboundEvent,
    InboundKind,
    Mailing,
    MailingKind,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending import pacing
from subscribers.mailings.sending.outcomes import Outcome

HARD_SHARE = 0.05  # of a group's last answers; above, the list is bad and the mailing pauses
HARD_SEEN = 50  # answers before a share says anything
POLICY_RUN = 50  # refusals of us one after the other; then nothing is sent there any more
COMPLAINTS_TOLD = 0.001  # of what was sent; mailbox providers ask to stay below
COMPLAINTS_STOP = 0.003  # "never reach", they say (Gmail's and Yahoo's sender guidelines)
COMPLAINTS_LEAST = 2  # one reader is no verdict
COMPLAINTS_SENT = 500  # below, a single complaint would stop every mailing
KEEP_SECONDS = 1.0  # how long mails that were taken may go unwritten

TAKEN, HARD, POLICY, FAILED = "ahpf"  # the letters of DomainGroup.recent
NO_POLICY = re.compile(f"[^{POLICY}]+")
NO_SUCH_ADDRESS = ("5.1.", "5.2.1")  # RFC 3463: bad destination; mailbox disabled
BULK = (MailingKind.RELEASE, MailingKind.CORRECTION, MailingKind.DIGEST)
GOING = (MailingState.MATERIALISING, MailingState.RUNNING)


def learn(outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """Take in some answers, in the order in which they came. No commit."""
    news: dict[str, _News] = defaultdict(_News)
    for outcome in outcomes:
        reply = outcome.reply
        group = ALL if reply.about_us else outcome.domain_group
        if reply.transient and reply.about_policy and reply.code < 500:
            news[group].asked_for_less = reply.text
        if letter := _letter(outcome):
            news[group].letters += letter
        if letter == POLICY:
            news[group].said = reply.text
        if letter == HARD:
            news[group].said = reply.text
            news[group].mailings.add(outcome.mailing_id)
    for name in sorted(news):  # always in one order, so that no two wait crosswise
        _take_in(name, news[name], at=at)


def after_complaint(mailing_id: int, *, at: datetime) -> None:
    """Look at a mailing of which somebody has complained. No commit.

    What a person who let it go on has seen does not count again.
    """
    mailing = db.session.get(Mailing, mailing_id)
    if mailing is None or mailing.kind not in BULK:
        return
    before = mailing.pause_facts.get("complaints_before"), mailing.pause_facts.get("sent_before")
    known, then = (number if isinstance(number, int) else 0 for number in before)
    complaints = _complaints(mailing_id) - known
    if complaints < COMPLAINTS_LEAST:
        return
    # Of a million that were sent only as many are counted as a share worth telling may have.
    most = then + max(round(complaints / COMPLAINTS_TOLD), COMPLAINTS_SENT) + 1
    sent = _number(mailing_id, DeliveryState.SENT, most=most) - then
    if sent < COMPLAINTS_SENT:
        return
    share = f"{complaints / sent * 100:.2f}"
    facts: dict[str, object] = {"complaints": complaints, "sent": sent, "share": share}
    if complaints / sent >= COMPLAINTS_STOP:
        _pause(mailing_id, PausedBecause.COMPLAINTS, "mailing_paused_complaints", facts, at=at)
    elif complaints / sent > COMPLAINTS_TOLD:
        raise_alert("mailing_complaints", str(mailing_id), facts=facts, at=at)


def begin_afresh(mailing: Mailing, *, at: datetime) -> None:
    """A person lets a paused mailing go on: forget what stopped it. No commit."""
    facts: dict[str, object] = {}
    if mailing.paused_because is PausedBecause.HARD_BOUNCES:
        group = str(mailing.pause_facts.get("group", ""))
        forget = sa.update(DomainGroup).where(DomainGroup.name == group).values(recent="")
        db.session.execute(forget.execution_options(synchronize_session=False))
    if mailing.paused_because is PausedBecause.COMPLAINTS:
        facts["complaints_before"] = _complaints(mailing.id)
        facts["sent_before"] = _number(mailing.id, DeliveryState.SENT)
    mailing.pause_facts = facts
    for code in PAUSE_ALERTS:
        clear_alert(code, str(mailing.id), at=at)


PAUSE_ALERTS = (
    "mailing_paused_hard",
    "mailing_paused_complaints",
    "mailing_complaints",
    "mailing_missed",
)


@dataclass
class _News:
    """What one group has answered lately, in short."""

    letters: str = ""
    asked_for_less: str | None = None
    said: str = ""
    mailings: set[int] = field(default_factory=set)  # those with an address that does not exist


def _letter(outcome: Outcome) -> str:
    """An answer in one letter; none for *later*, which is only the first half of an answer.

    An address that somebody has just typed into a form may be wrong; it says nothing of the list.
    """
    reply = outcome.reply
    if reply.accepted:
        return TAKEN
    if reply.code < 500:
        return ""
    if reply.about_us or reply.about_policy:
        return POLICY
    if outcome.kind not in BULK:
        return ""
    enhanced = reply.enhanced
    unknown = enhanced.startswith(NO_SUCH_ADDRESS) if enhanced else reply.code in (550, 551, 553)
    return HARD if unknown else FAILED


def _take_in(name: str, news: _News, *, at: datetime) -> None:
    if news.asked_for_less is not None:
        pacing.slow_down(name, said=news.asked_for_less, at=at)
    letters = _kept().due(name, news.letters)
    if not letters:
        return
    row = db.session.execute(
        sa.select(DomainGroup.recent)
        .where(DomainGroup.name == name)
        .with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        return
    recent = (row.recent + letters)[-RECENT:]
    db.session.execute(
        sa.update(DomainGroup)
        .where(DomainGroup.name == name)
        .values(recent=recent)
        .execution_options(synchronize_session=False)
    )
    # One that ended in the midst of these answers was a run as well.
    run = max(len(one) for one in NO_POLICY.split(recent[-len(letters) - POLICY_RUN :]))
    if run >= POLICY_RUN:
        refused = {"n": run, "said": news.said[:200]}
        pacing.hold(name, because="policy", facts=refused, at=at, alert="policy_refused")
    hard = recent.count(HARD)
    if news.mailings and len(recent) >= HARD_SEEN and hard > HARD_SHARE * len(recent):
        facts: dict[str, object] = {
            "group": name,
            "hard": hard,
            "seen": len(recent),
            "said": news.said[:200],
        }
        _pause_those_to_blame(news.mailings, name, facts, at=at)


def _pause_those_to_blame(
    mailings: Collection[int], group: str, facts: dict[str, object], *, at: datetime
) -> None:
    """The group's memory holds answers of earlier mailings too: only those whose own share is as
    bad are paused."""
    for mailing_id in sorted(mailings):
        failed = _number(mailing_id, DeliveryState.FAILED, group=group)
        sent = _number(mailing_id, DeliveryState.SENT, group=group, most=RECENT + failed * 20)
        hard = max(failed, _hard_bounces(mailing_id))
        if failed + sent >= HARD_SEEN and hard > HARD_SHARE * (failed + sent):
            _pause(mailing_id, PausedBecause.HARD_BOUNCES, "mailing_paused_hard", facts, at=at)


def _pause(
    mailing_id: int,
    because: PausedBecause,
    alert: str,
    facts: dict[str, object],
    *,
    at: datetime,
) -> None:
    """Pause a mailing that is being sent. One that somebody is at this very moment pausing or
    calling off is left to them: the next answer asks again."""
    free = (
        sa.select(Mailing.id)
        .where(Mailing.id == mailing_id, Mailing.state.in_(GOING))
        .with_for_update(skip_locked=True)
    )
    if db.session.scalar(free) is None:
        return
    db.session.execute(
        sa.update(Mailing)
        .where(Mailing.id == mailing_id)
        .values(
            state=MailingState.PAUSED,
            paused_from=Mailing.state,
            paused_because=because,
            pause_facts=facts,
        )
        .execution_options(synchronize_session=False)
    )
    raise_alert(alert, str(mailing_id), facts=facts, at=at)


def _number(
    mailing_id: int, state: DeliveryState, *, group: str | None = None, most: int | None = None
) -> int:
    """How many deliveries of a mailing have come to a state; counted up to `most`."""
    some = sa.select(Delivery.id).where(
        Delivery.mailing_id == mailing_id,
        Delivery.state == state,
        Delivery.due_at.is_(None),
        Delivery.lease_until.is_(None),
    )
    if group is not None:
        some = some.where(Delivery.domain_group == group)
    if most is not None:
        some = some.limit(most)
    return db.session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def _complaints(mailing_id: int) -> int:
    """How many of a mailing's readers have complained, each once."""
    of = sa.select(sa.func.count(InboundEvent.delivery_id.distinct())).where(
        InboundEvent.mailing_id == mailing_id, InboundEvent.kind == InboundKind.COMPLAINT
    )
    return db.session.scalar(of) or 0


def _hard_bounces(mailing_id: int) -> int:
    of = sa.select(sa.func.count()).where(
        Bounce.mailing_id == mailing_id, Bounce.hard.is_(True), Bounce.cleared_at.is_(None)
    )
    return db.session.scalar(of) or 0


class _Kept:
    """Mails that were taken, of this process, which no row knows yet. Losing them costs nothing
    but a little of a group's memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, int] = defaultdict(int)
        self._written = defaultdict[str, float](float)

    def due(self, name: str, letters: str) -> str:
        """What is to be written down of a group now; empty when it can wait."""
        with self._lock:
            self._taken[name] += letters.count(TAKEN)
            moment = time.monotonic()
            can_wait = letters.count(TAKEN) == len(letters)
            if can_wait and moment - self._written[name] < KEEP_SECONDS:
                return ""
            taken, self._taken[name] = self._taken[name], 0
            self._written[name] = moment
        if can_wait:
            return TAKEN * min(taken, RECENT)
        return TAKEN * min(taken - letters.count(TAKEN), RECENT) + letters


def _kept() -> _Kept:
    kept: _Kept = current_app.extensions.setdefault("breaking", _Kept())
    return kept
