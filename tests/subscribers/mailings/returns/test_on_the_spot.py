"""Refusals while sending, end to end: a real mail server says no, and the right thing follows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.core.alerts import Alert
from app.core.clock import now
from app.core.db import db
from subscribers.audience.models import Subscription, SubscriptionState, Suppression
from subscribers.mailings.models import Bounce, DomainGroup, InboundEvent
from subscribers.mailings.returns import scoring
from subscribers.mailings.returns.scoring import Verdict
from subscribers.mailings.sending import domain_groups
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import queued, send_all, states, subscriber
from tests.subscribers.mailings.returns.cast import count

pytestmark = pytest.mark.usefixtures("app")
NO_SUCH_USER = "550 5.1.1 no such user"


def test_case_23_the_refused_is_suppressed_and_the_others_get_their_mail(post: PostOffice) -> None:
    for name in ("anna", "bo", "cia"):
        subscriber(f"{name}@reader.example")
    post.at_rcpt = lambda address: NO_SUCH_USER if address.startswith("bo@") else None
    mailing = queued()

    send_all()

    assert states(mailing.id) == {"sent": 2, "failed": 1}
    assert (count(InboundEvent), count(Bounce), count(Suppression)) == (1, 1, 1)
    ended = db.session.scalars(
        sa.select(Subscription).where(Subscription.state == SubscriptionState.ENDED)
    ).one()
    assert ended.subscriber.address == "bo@reader.example"


def test_case_31_while_sending_nobody_of_a_broken_domain_is_lost(post: PostOffice) -> None:
    for number in range(30):
        subscriber(f"r{number}@town.example")
    for number in range(5):
        subscriber(f"r{number}@other.example")
    broken = {f"r{number}@town.example" for number in range(18)}
    post.at_rcpt = lambda address: NO_SUCH_USER if address in broken else None
    mailing = queued()

    send_all()

    found = states(mailing.id)
    assert found.get("failed", 0) == 0
    assert found["sent"] + found["queued"] == 35
    assert found["queued"] >= 18
    assert {letter.to for letter in post.letters} >= {f"r{n}@other.example" for n in range(5)}
    assert count(Suppression) == 0
    assert count(Subscription, Subscription.state != SubscriptionState.ACTIVE) == 0
    held = db.session.scalars(sa.select(DomainGroup).where(DomainGroup.held_at.is_not(None))).one()
    assert held.domains == ["town.example"]
    assert "domain_parted" in db.session.scalars(sa.select(Alert.code)).all()

    broken.clear()
    domain_groups.send_home(held, by=None, at=now())
    db.session.commit()
    send_all()

    assert states(mailing.id) == {"sent": 35}
    assert len({letter.to for letter in post.letters}) == 35


def test_an_answer_nobody_can_make_anything_of_costs_the_others_no_mark(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "bo", "cia"):
        subscriber(f"{name}@{name}.example")
    post.at_rcpt = lambda address: f"550 5.1.1 no such user {address.partition('@')[0]}"
    queued()
    judge = scoring.judge

    def stumble(action: str, status: str, said: str) -> Verdict:
        if said.endswith(" bo"):
            raise ValueError("never seen such an answer")
        return judge(action, status, said)

    monkeypatch.setattr(scoring, "judge", stumble)

    send_all()

    marked = set(db.session.scalars(sa.select(Bounce.domain)))
    assert marked == {"anna.example", "cia.example"}
