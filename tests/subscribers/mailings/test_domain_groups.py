"""Mailbox providers: whose an address is, domains taken by themselves, limits and their guards."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core.accounts import User
from app.core.alerts import open_alerts
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotAllowed, NotNow
from subscribers.audience.models import Subscriber
from subscribers.mailings.models import ALL, OTHER, Delivery, DeliveryState, DomainGroup, Mailing
from subscribers.mailings.sending import domain_groups, pacing
from subscribers.mailings.sending.domain_groups import (
    group_by_name,
    group_in_sql,
    group_of,
    part,
    put_domain,
    send_home,
    tidy_groups,
)
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.sending.pacing import Gauge
from subscribers.mailings.writing.queueing import queue_letter
from tests.factories import A_MORNING
from tests.subscribers.mailings.cast import queued, subscriber


def gauge(**changes: object) -> Gauge:
    given_: dict[str, object] = {
        "name": "gmail",
        "rate": 0.0,
        "concurrency": 0,
        "tokens": 0.0,
        "refilled_at": None,
        "factor": 1.0,
        "factor_at": None,
        "backoff_until": None,
        "held_at": None,
    }
    return Gauge(**{**given_, **changes})  # type: ignore[arg-type]


def groups_of_waiting() -> dict[str, str]:
    """Whom a delivery waits for, and in which group."""
    db.session.expire_all()
    rows = db.session.execute(
        sa.select(Delivery.address, Delivery.domain_group).where(Delivery.due_at.is_not(None))
    )
    return {address or "": group for address, group in rows}


def written_down(*addresses: str) -> Mailing:
    for address in addresses:
        subscriber(address)
    mailing = queued()
    while materialise(at=now()):
        pass
    return db.session.get_one(Mailing, mailing.id)


def test_each_delivery_is_written_with_its_providers_group(app: Flask) -> None:
    written_down("a@gmail.com", "b@live.se", "c@telia.com", "d@news.example")

    assert groups_of_waiting() == {
        "a@gmail.com": "gmail",
        "b@live.se": "microsoft",
        "c@telia.com": "national",
        "d@news.example": "other",
    }


def test_a_letter_has_its_providers_group_too(app: Flask) -> None:
    queue_letter(
        key="a", to="eva@icloud.com", language="sv", subject="Läs", text="Hej", html="", at=now()
    )
    db.session.commit()

    assert groups_of_waiting() == {"eva@icloud.com": "apple"}


DOMAINS = ["gmail.com", "a.example.se", "example.se", "b.a.example.se", "xexample.se", "x.org"]


def test_python_and_sql_put_a_domain_into_the_same_group(app: Flask) -> None:
    national = group_by_name("national")
    national.domains = [*national.domains, ".example.se"]
    group_by_name("yahoo").domains = ["a.example.se"]
    for number, domain in enumerate(DOMAINS):
        subscriber(f"n{number}@{domain}")
    groups = domain_groups.domain_groups()

    found = dict(
        db.session.execute(
            sa.select(Subscriber.domain, group_in_sql(Subscriber.domain, groups))
        ).all()
    )

    assert found == {domain: group_of(domain, groups) for domain in DOMAINS}
    assert found["a.example.se"] == "yahoo", "a name counts before what stands above it"
    assert found["b.a.example.se"] == "national"
    assert found["example.se"] == found["xexample.se"] == OTHER


def test_a_domain_is_put_into_a_group_with_what_waits_for_it(app: Flask, editor: User) -> None:
    written_down("a@lund.example", "b@falun.example")

    put_domain("@Lund.Example", group_by_name("national"), by=editor, at=now())
    db.session.commit()

    assert groups_of_waiting() == {"a@lund.example": "national", "b@falun.example": "other"}
    put_domain("lund.example", group_by_name(OTHER), by=editor, at=now())
    db.session.commit()
    assert groups_of_waiting()["a@lund.example"] == OTHER
    assert "lund.example" not in group_by_name("national").domains


def test_a_domain_is_in_one_group_only(app: Flask) -> None:
    put_domain("lund.example", group_by_name("national"), by=None, at=now())
    put_domain("lund.example", group_by_name("yahoo"), by=None, at=now())

    named = [one.name for one in domain_groups.domain_groups() if "lund.example" in one.domains]
    assert named == ["yahoo"]


@pytest.mark.parametrize("text", ["", "  ", "lund", "a b.se", "a@b.se", "x\r\ny.se", ".", "-.se"])
def test_what_is_no_domain_is_refused(app: Flask, text: str) -> None:
    with pytest.raises(BadInput):
        put_domain(text, group_by_name("national"), by=None, at=now())


def test_all_mail_is_no_place_for_a_domain(app: Flask) -> None:
    with pytest.raises(BadInput):
        put_domain("lund.example", group_by_name(ALL), by=None, at=now())


# A domain by itself


def test_a_parted_domain_takes_what_waits_for_it_along_and_is_held(app: Flask) -> None:
    written_down("a@lund.example", "b@gmail.com")

    parted = part("lund.example", because="outage", facts={"n": 12}, at=A_MORNING)
    db.session.commit()

    assert groups_of_waiting() == {"a@lund.example": "lund.example", "b@gmail.com": "gmail"}
    assert (parted.held_at, parted.held_because, parted.parted_from) == (
        A_MORNING,
        "outage",
        OTHER,
    )
    assert [(one.code, one.subject) for one in open_alerts()] == [("domain_parted", "lund.example")]


def test_what_is_written_later_finds_the_parted_domain(app: Flask) -> None:
    part("gmail.com", because="outage", facts={}, at=now())
    db.session.commit()

    written_down("a@gmail.com", "b@googlemail.com")

    assert groups_of_waiting() == {"a@gmail.com": "gmail.com", "b@googlemail.com": "gmail"}


def test_parting_twice_is_parting_once(app: Flask) -> None:
    first = part("lund.example", because="outage", facts={}, at=now())
    second = part("lund.example", because="outage", facts={}, at=now())

    assert first is second
    assert len(open_alerts()) == 1


def test_a_parted_domain_goes_home_and_its_group_goes(app: Flask, editor: User) -> None:
    written_down("a@gmail.com")
    parted = part("gmail.com", because="outage", facts={}, at=now())
    db.session.commit()

    send_home(parted, by=editor, at=now())
    db.session.commit()

    assert groups_of_waiting() == {"a@gmail.com": "gmail"}
    assert group_by_name("gmail").domains == ["gmail.com", "googlemail.com"]
    assert open_alerts() == []
    tidy_groups()
    assert db.session.get(DomainGroup, "gmail.com") is None


def test_a_group_stays_as_long_as_a_sender_holds_mail_of_it(app: Flask) -> None:
    """What is held comes back into it, and would wait where nobody looks."""
    written_down("a@gmail.com")
    parted = part("gmail.com", because="outage", facts={}, at=now())
    row = db.session.scalars(sa.select(Delivery)).one()
    row.state, row.due_at = DeliveryState.CLAIMED, None
    row.lease_owner, row.lease_until = "far|b|n|1|1|x", now() + timedelta(minutes=1)
    send_home(parted, by=None, at=now())
    db.session.commit()

    tidy_groups()
    assert db.session.get(DomainGroup, "gmail.com") is not None
    row.state, row.due_at = DeliveryState.QUEUED, now()
    row.lease_owner = row.lease_until = None
    db.session.commit()
    tidy_groups()

    assert groups_of_waiting() == {"a@gmail.com": "gmail"}
    assert db.session.get(DomainGroup, "gmail.com") is None


def test_what_was_held_when_a_domain_was_parted_follows_it(app: Flask) -> None:
    written_down("a@lund.example")
    row = db.session.scalars(sa.select(Delivery)).one()
    row.state, row.due_at = DeliveryState.CLAIMED, None
    row.lease_owner, row.lease_until = "far|b|n|1|1|x", now() + timedelta(minutes=1)
    db.session.commit()
    part("lund.example", because="outage", facts={}, at=now())
    row.state, row.due_at = DeliveryState.QUEUED, now()
    row.lease_owner = row.lease_until = None
    db.session.commit()

    tidy_groups()

    assert groups_of_waiting() == {"a@lund.example": "lund.example"}


def test_only_a_parted_domain_can_go_home(app: Flask) -> None:
    with pytest.raises(NotNow):
        send_home(group_by_name("gmail"), by=None, at=now())


def test_a_very_long_domain_has_a_name_of_its_own(app: Flask) -> None:
    one, two = (f"{'x' * 50}{end}.example" for end in "ab")

    names = {part(domain, because="outage", facts={}, at=now()).name for domain in (one, two)}

    assert len(names) == 2
    assert all(len(name) <= 40 for name in names)


def test_no_domain_takes_the_name_of_a_group_of_ours(app: Flask) -> None:
    part("other", because="outage", facts={}, at=now())
    db.session.commit()

    assert group_by_name(OTHER).held_at is None


# Limits


def test_limits_are_set_within_bounds_and_begin_without_a_burst(app: Flask, editor: User) -> None:
    group = group_by_name("gmail")
    pacing.set_limits(group, rate=10.0, concurrency=3, by=editor, at=A_MORNING)
    db.session.commit()

    assert (group.rate, group.concurrency, group.tokens) == (10.0, 3, 0.0)
    for rate, concurrency in ((-1, 0), (float("nan"), 0), (float("inf"), 0), (0, -1), (0, 10**6)):
        with pytest.raises(BadInput):
            pacing.set_limits(group, rate=rate, concurrency=concurrency, by=editor, at=A_MORNING)


def test_a_writer_changes_no_group(app: Flask, writer: User) -> None:
    group = group_by_name("gmail")
    group.held_at = A_MORNING

    for act in (
        lambda: pacing.set_limits(group, rate=1, concurrency=0, by=writer, at=A_MORNING),
        lambda: pacing.release(group, by=writer, at=A_MORNING),
        lambda: put_domain("lund.example", group, by=writer, at=A_MORNING),
        lambda: send_home(group, by=writer, at=A_MORNING),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_a_released_group_starts_afresh_and_its_alerts_end(app: Flask, editor: User) -> None:
    pacing.hold("gmail", because="policy", facts={"n": 50}, at=A_MORNING, alert="policy_refused")
    group = group_by_name("gmail")
    group.recent, group.factor, group.factor_at = "pppp", 0.25, A_MORNING
    db.session.commit()

    pacing.release(group, by=editor, at=A_MORNING)
    db.session.commit()

    assert (group.held_at, group.recent, group.factor) == (None, "", 1.0)
    assert open_alerts() == []
    with pytest.raises(NotNow):
        pacing.release(group, by=editor, at=A_MORNING)


def test_slower_means_half_as_fast_after_a_pause_that_grows(app: Flask) -> None:
    at, pauses = A_MORNING, []
    for _ in range(8):
        assert pacing.slow_down("gmail", said="421 4.7.0 slow down", at=at)
        row = db.session.execute(sa.select(*pacing.GAUGE).where(DomainGroup.name == "gmail")).one()
        pauses.append((row.backoff_until - at).total_seconds())
        assert not pacing.slow_down("gmail", said="again", at=at), "heard already"
        at = row.backoff_until

    assert pauses[:6] == [1, 4, 16, 64, 256, 900]
    assert row.factor >= pacing.LEAST_FACTOR
    assert [one.code for one in open_alerts()] == ["group_slowed"]


def test_clean_minutes_give_the_speed_back_and_the_alert_ends(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed = gauge(rate=10.0, factor=0.5, factor_at=A_MORNING)
    assert slowed.factor_now(A_MORNING + timedelta(seconds=59)) == 0.5
    assert slowed.factor_now(A_MORNING + timedelta(minutes=2)) == pytest.approx(0.7)
    assert slowed.factor_now(A_MORNING + timedelta(minutes=5)) == 1.0
    at = A_MORNING
    for _ in range(3):
        pacing.slow_down("gmail", said="slow down", at=at)
        at += timedelta(seconds=20)
    db.session.commit()

    monkeypatch.setattr(domain_groups, "shared_now", lambda: A_MORNING + timedelta(minutes=12))
    tidy_groups()

    assert group_by_name("gmail").factor == 1.0
    assert open_alerts() == []


def test_a_slowed_provider_without_a_limit_gets_one() -> None:
    slowed = gauge(factor=0.25, factor_at=A_MORNING)

    assert slowed.concurrency_now(A_MORNING) == pacing.UNLIMITED_CONCURRENCY / 4
    assert gauge().concurrency_now(A_MORNING) == 0


@given(
    rate=st.floats(0.01, 5_000),
    steps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    want=st.integers(1, 500),
)
def test_no_way_of_asking_gets_more_than_the_rate(
    rate: float, steps: list[float], want: int
) -> None:
    at, taken = A_MORNING, 0
    now_ = gauge(rate=rate, tokens=0.0, refilled_at=at)
    for step in steps:
        at += timedelta(seconds=step)
        number = now_.room(at, held=0, want=want)
        assert 0 <= number <= want
        now_ = gauge(rate=rate, tokens=now_.tokens_now(at) - number, refilled_at=at)
        taken += number

    assert taken <= rate * (at - A_MORNING).total_seconds() + 0.001


@given(rate=st.floats(0.01, 5_000), tokens=st.floats(-5, 600))
def test_when_a_group_says_that_it_opens_it_is_open(rate: float, tokens: float) -> None:
    now_ = gauge(rate=rate, tokens=tokens, refilled_at=A_MORNING)

    opens = now_.opens_at(A_MORNING, held=0)

    assert opens is not None
    later = max(opens, A_MORNING) + timedelta(microseconds=2)
    assert now_.room(later, held=0, want=1) == 1
