"""A bad day of the mail server: away for two hours, then greylisting, storms of 421, slow bytes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count

import sqlalchemy as sa
from flask import Flask, current_app

from app.core.db import db
from subscribers.mailings.models import Delivery, DomainGroup
from subscribers.mailings.sending.delivering import sweep
from tests.scripted_smtp import HANG_UP, Answer, Moment, ScriptedSMTP
from tests.subscribers.mailings.cast import queued, send_all, states
from tests.subscribers.mailings.many_machines.cast import account, many_subscribers

RECIPIENTS = 60
LOST = 3  # mails with whose text the connection breaks: the dot may be on its way already
AWAY = (1, 5, 15, 30, 70)  # minutes between the tries, two hours in all


def pass_time(minutes: float) -> None:
    """Set everything that waits for a time so much back, as if it had passed."""
    passed = timedelta(minutes=minutes)
    db.session.rollback()
    for delivery in db.session.scalars(sa.select(Delivery).where(Delivery.due_at.is_not(None))):
        assert delivery.due_at is not None
        delivery.due_at -= passed
        if delivery.first_try_at is not None:
            delivery.first_try_at -= passed
    for held in db.session.scalars(sa.select(Delivery).where(Delivery.lease_until.is_not(None))):
        assert held.lease_until is not None
        held.lease_until -= passed
    for group in db.session.scalars(sa.select(DomainGroup)):
        for column in ("refilled_at", "factor_at", "backoff_until"):
            if (moment := getattr(group, column)) is not None:
                setattr(group, column, moment - passed)
    db.session.commit()
    current_app.extensions.pop("mail_server_absence", None)  # a pause by the process's own clock


def test_case_46_a_bad_day_loses_nobody_and_doubles_nobody(app: Flask) -> None:
    addresses = many_subscribers(RECIPIENTS)
    mailing_id = queued().id
    post = ScriptedSMTP()
    post.start()
    app.extensions["mail"].port = post.port
    post.stop()

    while_away = []
    for minutes in AWAY:
        send_all()
        while_away.append(states(mailing_id))
        pass_time(minutes)

    known: set[str] = set()
    mails = count(1)

    def greylist(moment: Moment) -> Answer:
        if moment.to in known:
            return None
        known.add(moment.to)
        return "450 4.2.0 greylisted, come back later"

    def storm(_moment: Moment) -> Answer:
        return "421 4.3.2 too busy, closing" if next(mails) % 9 == 0 else None

    post.on("RCPT", greylist)
    post.on("MAIL", storm)
    post.on("TEXT", HANG_UP, skip=5, times=LOST)
    post.slow_bytes = 0.0002
    post.start()
    rounds = 0
    while states(mailing_id) != {"sent": RECIPIENTS} and rounds < 40:
        rounds += 1
        sweep()
        send_all()
        pass_time(300)
    post.stop()

    found = account(post.letters, addresses)
    kinds = Counter(one.answer[:3] for one in post.tries)
    assert all(set(seen) <= {"queued", "deferred"} for seen in while_away)
    assert kinds["450"] == RECIPIENTS, "each was greylisted once"
    assert kinds["421"] > 3
    assert states(mailing_id) == {"sent": RECIPIENTS}
    assert (found.missing, found.repeats) == (0, 0)
    assert found.uncertain <= LOST
