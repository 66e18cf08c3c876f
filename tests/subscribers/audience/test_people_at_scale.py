"""The questions about people keep to their indexes, as the ORM really sends them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from subscribers.audience import questions
from subscribers.audience.models import Subscriber, Subscription, SubscriptionState, Topic
from subscribers.audience.questions import Wanted
from tests.factories import A_MORNING
from tests.queries import is_select, plans

CROWD = 6000


@pytest.fixture
def crowd(app: Flask, new_tables: None) -> None:
    """Many active ones, and a few who are not."""
    topic_id = db.session.scalar(sa.select(Topic.id))
    db.session.execute(
        sa.insert(Subscriber),
        [
            {
                "address": f"r{n}@d{n % 300}.example",
                "domain": f"d{n % 300}.example",
                "address_hash": n.to_bytes(32, "big"),
                "language": "sv",
                "created_at": A_MORNING,
            }
            for n in range(CROWD)
        ],
    )
    ids = db.session.scalars(sa.select(Subscriber.id)).all()
    db.session.execute(
        sa.insert(Subscription),
        [
            {
                "public_id": one.to_bytes(16, "big"),
                "subscriber_id": one,
                "topic_id": topic_id,
                "state": SubscriptionState.ACTIVE if one % 1000 else SubscriptionState.PENDING,
                "asked_at": A_MORNING,
                "consent_at": A_MORNING,
            }
            for one in ids
        ],
    )
    db.session.commit()
    db.session.execute(sa.text("ANALYZE"))
    db.session.commit()


def plan_of(wanted: Wanted) -> str:
    """How the database goes about every SELECT of a page."""
    with plans(which=is_select) as found:
        questions.page(wanted, before=CROWD)
    return "\n".join(found.values())


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(text="r42"), "ix_subscriber_address"),
        (Wanted(text="@d7.example"), "ix_subscriber_domain"),
        (Wanted(state="pending"), "ix_subscription_other"),
        (Wanted(reason="complaint"), "ix_subscription_other"),
    ],
)
def test_searching_a_crowd_keeps_to_an_index(crowd: None, wanted: Wanted, index: str) -> None:
    plan = plan_of(wanted)

    assert index in plan
    assert "SCAN subscriber" not in plan.replace("SCAN subscriber USING", "")
    assert "Seq Scan on subscriber" not in plan.replace("Seq Scan on subscription", "")


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(state="active"),
        Wanted(topic="press-releases"),
        Wanted(topic="none"),
        Wanted(frequency="weekly"),
        Wanted(frequency="immediate", language="sv"),
        Wanted(reason="bounce", text="r"),
    ],
    ids=lambda wanted: "-".join(wanted.in_address().values()) or "all",
)
def test_no_search_of_a_crowd_reads_all_its_subscriptions(crowd: None, wanted: Wanted) -> None:
    plan = plan_of(wanted)

    assert "SCAN subscription\n" not in f"{plan}\n"
    assert "Seq Scan on subscription" not in plan


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(state="active"), Wanted(text="r")])
def test_a_page_of_a_crowd_is_a_page(crowd: None, wanted: Wanted) -> None:
    first = questions.page(wanted)
    second = questions.page(wanted, before=first.next)

    assert len(first.people) == len(second.people) == questions.PAGE
    assert first.people[-1].id > second.people[0].id


def test_the_few_of_a_crowd_are_found(crowd: None) -> None:
    found = questions.page(Wanted(state="pending"))

    assert len(found.people) == CROWD // 1000
    assert found.next is None
