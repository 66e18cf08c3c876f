"""Who is claimed next: by lane, by age, by what each mailbox provider may have now."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.alerts import Alert
from app.core.clock import now
from app.core.db import db
from subscribers.audience import erasing, subscribing
from subscribers.audience.models import (
    EndedReason,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)
from subscribers.mailings.models import (
    ALL,
    Delivery,
    DeliveryState,
    DomainGroup,
    Mailing,
    MailingKind,
    MailingState,
)
from subscribers.mailings.sending import claiming, pacing
from subscribers.mailings.sending.claiming import Batch, claim, next_due
from subscribers.mailings.sending.domain_groups import group_by_name
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.writing.queueing import queue_confirmation, queue_letter
from tests.queries import plans
from tests.subscribers.mailings.cast import queued, states, subscriber

GMAIL = [f"reader{n}@gmail.com" for n in range(30)]
OTHERS = [f"reader{n}@news.example" for n in range(30)]


def written_down(*addresses: str, **changes: object) -> Mailing:
    """A running mailing to these people, all of whom wait."""
    for address in addresses:
        subscriber(address)
    mailing = queued(**changes)
    while materialise(at=now()):
        pass
    return db.session.get_one(Mailing, mailing.id)


def limit(name: str, **values: object) -> None:
    db.session.execute(
        sa.update(DomainGroup).where(DomainGroup.name == name).values({"tokens": 0, **values})
    )
    db.session.commit()


def claimed(*, at: datetime | None = None, size: int = 100) -> Batch:
    batch = claim(at=at or now(), size=size)
    assert batch is not None
    return batch


def settle(batch: Batch) -> None:
    """As if its mails had been taken."""
    db.session.execute(
        sa.update(Delivery)
        .where(Delivery.id.in_([one.id for one in batch.deliveries]))
        .values(state=DeliveryState.SENT, lease_owner=None, lease_until=None, sent_at=now())
    )
    db.session.commit()


def drained(*, at: datetime) -> list[Batch]:
    """All that can be claimed at one moment."""
    found = []
    while batch := claim(at=at, size=100):
        found.append(batch)
    return found


def test_a_batch_is_of_one_provider_and_says_which(app: Flask) -> None:
    written_down(*GMAIL[:3], *OTHERS[:2])

    batches = drained(at=now())

    assert sorted((one.domain_group, len(one.deliveries)) for one in batches) == [
        ("gmail", 3),
        ("other", 2),
    ]


def test_a_claim_names_the_person_and_the_address(app: Flask) -> None:
    subscription = subscriber("eva@gmail.com")
    written_down()

    (one,) = claimed().deliveries

    assert one.subscriber_id == subscription.subscriber_id
    assert one.address == "eva@gmail.com"


def test_a_held_provider_stops_neither_the_others_nor_later_mailings(app: Flask) -> None:
    written_down(*GMAIL[:2], OTHERS[0])
    later = written_down(key="release:2:r1:sv")
    limit("gmail", held_at=now())

    batches = drained(at=now())

    assert {one.domain_group for one in batches} == {"other"}
    assert later.id in {one.mailing_id for one in batches}
    assert next_due(at=now()) is None, "a person decides; nobody needs to look again before"


def test_a_provider_that_pauses_is_looked_at_again_when_its_pause_is_over(app: Flask) -> None:
    written_down(GMAIL[0])
    at = now()
    until = at + timedelta(seconds=16)
    limit("gmail", backoff_until=until)

    assert claim(at=at) is None
    assert next_due(at=at) == until
    assert claimed(at=until).domain_group == "gmail"


def test_when_nothing_is_due_there_is_no_moment_to_wait_for(app: Flask) -> None:
    assert claim(at=now()) is None
    assert next_due(at=now()) is None


def test_case_52_a_limited_provider_keeps_its_rate_and_delays_nobody_else(app: Flask) -> None:
    written_down(*GMAIL, *OTHERS)
    at = now()
    limit("gmail", rate=10.0, refilled_at=at)

    times: list[datetime] = []
    others_done: datetime | None = None
    moment = at
    while moment < at + timedelta(seconds=2):
        for batch in drained(at=moment):
            if batch.domain_group == "gmail":
                times += [moment] * len(batch.deliveries)
            else:
                others_done = moment
            settle(batch)
        moment += timedelta(milliseconds=50)

    assert others_done == at, "the others are claimed at once"
    assert 18 <= len(times) <= 20
    for start in times:
        within = [one for one in times if start <= one < start + timedelta(seconds=1)]
        assert len(within) <= 10


def test_case_52_a_rate_holds_over_senders_that_claim_at_once(app: Flask) -> None:
    written_down(*GMAIL)
    start = now()
    limit("gmail", rate=20.0, refilled_at=start)
    taken: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        with app.app_context():
            while now() < start + timedelta(seconds=0.6):
                if batch := claim(at=now(), size=20):
                    with lock:
                        taken.extend(one.id for one in batch.deliveries)
                    settle(batch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken))
    seconds = (now() - start).total_seconds()
    assert 4 <= len(taken) <= 20.0 * seconds + 2


def test_what_is_in_the_open_counts_against_a_providers_concurrency(app: Flask) -> None:
    written_down(*GMAIL[:10])
    limit("gmail", concurrency=4)
    at = now()

    first = claimed(at=at, size=3)
    second = claimed(at=at, size=3)
    assert [len(first.deliveries), len(second.deliveries)] == [3, 1]
    assert claim(at=at) is None
    assert next_due(at=at) == at + pacing.LOOK_AGAIN

    settle(first)
    assert len(claimed(at=at).deliveries) == 3


def test_the_limit_of_all_mails_holds_for_every_provider_together(app: Flask) -> None:
    written_down(*GMAIL[:10], *OTHERS[:10])
    limit(ALL, concurrency=5)

    batches = drained(at=now())

    assert sum(len(one.deliveries) for one in batches) == 5


def test_a_rate_of_all_mails_is_spent_by_every_provider(app: Flask) -> None:
    written_down(*GMAIL[:10], *OTHERS[:10])
    at = now()
    limit(ALL, rate=50.0, refilled_at=at - timedelta(seconds=5))

    batches = drained(at=at)

    assert sum(len(one.deliveries) for one in batches) == 5, "a tenth of a second's worth"


def test_without_limits_a_claim_writes_to_no_group(app: Flask) -> None:
    written_down(*GMAIL[:2])
    written: list[str] = []

    def listen(_c: object, _cursor: object, text: str, *_: object) -> None:
        if "domain_group" in text and text.lstrip().startswith("UPDATE domain_group"):
            written.append(text)

    sa.event.listen(db.engine, "before_cursor_execute", listen)
    claimed()
    sa.event.remove(db.engine, "before_cursor_execute", listen)

    assert written == []


def test_senders_that_want_the_same_last_mail_go_on_to_the_next_mailing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        asked = subscriber(f"new{number}@news.example", state=SubscriptionState.PENDING)
        queue_confirmation(asked, at=now())
    db.session.commit()
    take, stolen = claiming._take, []

    def another_is_quicker(choice: object, **given: object) -> object:
        if not stolen:
            stolen.append(take(choice, **given))  # type: ignore[arg-type]
            return []
        return take(choice, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(claiming, "_take", another_is_quicker)

    batch = claimed()

    assert [one.address for one in batch.deliveries] == ["new1@news.example"]


def test_case_51_an_urgent_correction_goes_before_a_release_that_fills_the_queue(
    app: Flask,
) -> None:
    written_down(*OTHERS)
    correction = queued(key="correction:1:r2:sv", kind=MailingKind.CORRECTION)

    batch = claimed()

    assert batch.mailing_id == correction.id, "written down and claimed at once"
    assert batch.kind is MailingKind.CORRECTION


def test_case_51_a_confirmation_goes_before_a_release_that_fills_the_queue(app: Flask) -> None:
    written_down(*OTHERS)
    asked = subscriber("new@news.example", state=SubscriptionState.PENDING)
    confirmation = queue_confirmation(asked, at=now())
    db.session.commit()

    assert claimed().mailing_id == confirmation.id


def test_a_correction_that_cannot_begin_yet_keeps_no_release_waiting(app: Flask) -> None:
    release = written_down(*OTHERS[:2])
    queued(
        key="correction:1:r2:sv", kind=MailingKind.CORRECTION, received=("release:1:r1:sv",)
    )  # for those who got the release, which nobody has yet

    assert claimed().mailing_id == release.id


def test_a_person_suppressed_for_one_topic_only_is_left_out_of_that_one(app: Flask) -> None:
    subscription = subscriber(OTHERS[0])
    mailing = written_down()
    mine = subscription.subscriber.address_hash
    db.session.add(
        Suppression(address_hash=mine, scope="topic:else", reason="soft", created_at=now())
    )
    db.session.commit()
    assert len(claimed().deliveries) == 1
    db.session.execute(
        sa.update(Delivery).values(
            state=DeliveryState.QUEUED, due_at=now(), lease_owner=None, lease_until=None
        )
    )
    db.session.add(
        Suppression(address_hash=mine, scope="topic:press-releases", reason="x", created_at=now())
    )
    db.session.commit()

    assert claimed().deliveries == []
    assert states(mailing.id) == {"suppressed": 1}


# What was in the open when its sender was lost


def left_in_the_open(*, hold: bool) -> tuple[Mailing, Delivery]:
    mailing = written_down(OTHERS[0])
    mailing.hold_uncertain = hold
    row = db.session.scalars(sa.select(Delivery)).one()
    row.state, row.due_at = DeliveryState.TRANSMITTING, None
    row.lease_owner, row.lease_until = "far away|b|n|1|1|x", now() - timedelta(seconds=1)
    db.session.commit()
    return mailing, row


def test_case_45_what_may_have_been_taken_waits_for_a_person_where_the_mailing_says_so(
    app: Flask,
) -> None:
    mailing, row = left_in_the_open(hold=True)

    claiming.release_expired(at=now())
    claiming.finish(at=now())

    assert states(mailing.id) == {"uncertain": 1}
    assert row.uncertain_count == 1
    assert db.session.get_one(Mailing, mailing.id).state is MailingState.RUNNING
    assert claim(at=now()) is None
    alert = db.session.scalars(sa.select(Alert)).one()
    assert (alert.code, alert.subject) == ("uncertain_held", str(mailing.id))


def test_case_45_otherwise_it_is_sent_again(app: Flask) -> None:
    mailing, row = left_in_the_open(hold=False)

    claiming.release_expired(at=now())

    assert states(mailing.id) == {"queued": 1}
    assert row.uncertain_count == 1
    assert db.session.scalars(sa.select(Alert)).all() == []


def test_what_was_only_claimed_goes_back_whatever_the_mailing_says(app: Flask) -> None:
    mailing, row = left_in_the_open(hold=True)
    row.state = DeliveryState.CLAIMED
    db.session.commit()

    claiming.release_expired(at=now())

    assert states(mailing.id) == {"queued": 1}


def test_a_mailing_ends_when_nothing_waits_is_held_or_undecided(app: Flask) -> None:
    mailing = written_down(*OTHERS[:2])
    batch = claimed(size=1)
    claiming.finish(at=now())
    assert mailing.finished_at is None
    settle(batch)
    batch = claimed(size=1)
    claiming.finish(at=now())
    assert db.session.get_one(Mailing, mailing.id).finished_at is None, "one is held"
    settle(batch)

    claiming.finish(at=now())

    db.session.expire_all()
    assert db.session.get_one(Mailing, mailing.id).state is MailingState.FINISHED


# Plans


MANY = 100_000


def fill_up(mailing: Mailing, number: int) -> None:
    """A mailing's audience as it would be, without the people: half waits, half is done."""
    columns = (
        "mailing_id, address_hash, address, domain_group, state, due_at, attempts, uncertain_count"
    )
    group = "CASE WHEN n % 3 = 0 THEN 'gmail' ELSE 'other' END"
    state = "CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'sent' END"
    if db.engine.dialect.name == "postgresql":
        numbers, due = "generate_series(1, :number) AS t(n)", "now() - interval '1 minute'"
        hashed = "decode(lpad(to_hex(n), 64, '0'), 'hex')"
    else:
        numbers = (
            "(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < :number)"
            " SELECT n FROM t)"
        )
        due, hashed = "datetime('now', '-1 minute')", "CAST(printf('%032d', n) AS BLOB)"
    db.session.execute(
        sa.text(
            f"INSERT INTO delivery ({columns}) SELECT :mailing, {hashed}, 'x@y.example', {group},"
            f" {state}, CASE WHEN n % 2 = 0 THEN {due} END, 0, 0 FROM {numbers}"
        ),
        {"mailing": mailing.id, "number": number},
    )
    db.session.commit()
    db.session.execute(sa.text("ANALYZE"))
    db.session.commit()


@pytest.mark.usefixtures("new_tables")
def test_case_47_claim_sweep_and_counts_keep_to_their_indexes_with_many_rows(app: Flask) -> None:
    mailing = written_down()
    db.session.execute(sa.update(Mailing).values(state=MailingState.RUNNING))
    fill_up(mailing, MANY)
    limit("gmail", concurrency=50)  # so that what is in the open is counted, too

    with plans(which=lambda statement: "delivery" in statement) as found:
        claim(at=now(), size=100)
        next_due(at=now())
        claiming.release_expired(at=now())
        claiming.release_dead(at=now())
        claiming.finish(at=now())

    assert len(found) >= 8
    scans = ("SCAN delivery", "Seq Scan on delivery")
    for statement, plan in found.items():
        for line in plan.splitlines():
            whole = any(scan in line for scan in scans)
            # Walking along a partial index is walking along what is held: a few rows.
            partial = "ix_delivery_held" in line
            assert not whole or partial, f"{statement}\n{plan}"
    claims = [plan for text, plan in found.items() if text.lstrip().startswith(("UPDATE", "WITH"))]
    assert any("ix_delivery_due" in plan for plan in claims)
    assert any("ix_delivery_held" in plan for plan in claims)


def test_case_47_two_claims_never_share_a_row_though_one_clock_is_off(app: Flask) -> None:
    written_down(*OTHERS, *GMAIL)
    db.session.rollback()  # the senders are other threads
    taken: list[int] = []
    lock = threading.Lock()

    def work(ahead: float) -> None:
        with app.app_context():
            while batch := claim(at=now() + timedelta(seconds=ahead), size=3):
                with lock:
                    taken.extend(one.id for one in batch.deliveries)
                claiming.release_expired(at=claiming.clock())

    threads = [threading.Thread(target=work, args=(ahead,)) for ahead in (0, 0, 90, 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 60
    assert len(set(taken)) == 60


def test_groups_are_found_by_name(app: Flask) -> None:
    assert group_by_name("gmail").domains == ["gmail.com", "googlemail.com"]


def test_a_letter_whose_reader_was_erased_in_a_senders_hands_is_let_go_of(app: Flask) -> None:
    queue_letter(
        key="letter:1",
        to="eva@news.example",
        language="sv",
        subject="Hej",
        text="Hej",
        html="<p>Hej</p>",
        at=now(),
    )
    subscriber("eva@news.example")
    held = claimed()
    erasing.erase("eva@news.example", at=now())
    db.session.commit()
    claiming.hand_back(held, [one.id for one in held.deliveries], due_at=now())
    db.session.commit()

    (again,) = drained(at=now() + timedelta(seconds=1))

    assert again.deliveries == []
    assert states(held.mailing_id) == {"suppressed": 1}


def test_who_leaves_one_of_two_topics_still_gets_what_is_filed_under_the_other(app: Flask) -> None:
    first = subscriber("eva@news.example")
    second = Subscription(
        subscriber=first.subscriber,
        topic=Topic(slug="kultur", name_sv="Kultur", name_en=""),
        state=SubscriptionState.ACTIVE,
        asked_at=first.asked_at,
        consent_at=first.consent_at,
    )
    db.session.add(second)
    written_down(topics=("press-releases", "kultur"))
    named = db.session.scalars(sa.select(Delivery.subscription_id)).one()
    left, kept = (first, second) if named == first.id else (second, first)
    subscribing.end(left, reason=EndedReason.USER_LINK, at=now())
    db.session.commit()

    (mail,) = claimed().deliveries

    assert mail.subscription == kept.public_id, "its links leave what it comes for now"
    assert db.session.scalars(sa.select(Delivery.subscription_id)).one() == kept.id


def test_who_has_left_all_that_a_release_is_filed_under_does_not_get_it(app: Flask) -> None:
    left = subscriber("eva@news.example")
    db.session.add(
        Subscription(
            subscriber=left.subscriber,
            topic=Topic(slug="sport", name_sv="Sport", name_en=""),
            state=SubscriptionState.ACTIVE,
            asked_at=left.asked_at,
            consent_at=left.consent_at,
        )
    )
    mailing = written_down(topics=("press-releases",))
    subscribing.end(left, reason=EndedReason.USER_LINK, at=now())
    db.session.commit()

    assert claimed().deliveries == []
    assert states(mailing.id) == {"suppressed": 1}
