"""Watching a mailing: the numbers, the pace, what stands in its way, and what looking costs."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from subscribers.mailings import questions
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    DomainGroup,
    Mailing,
    MailingKind,
    MailingState,
    PausedBecause,
)
from subscribers.mailings.sending import materialising
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.watching import progress as watching
from subscribers.mailings.watching.progress import Group, rates_of, recipients_page, seconds_left
from subscribers.mailings.watching.reasons import Reason
from subscribers.mailings.writing.queueing import queue_confirmation
from subscribers.watching_views import about
from tests.factories import A_MORNING, signed_in
from tests.queries import is_select, plans
from tests.subscribers.mailings.cast import queued, subscriber, subscribers

S = DeliveryState
LATER = timedelta(hours=1)
UNKNOWN = (550, "5.1.1", "5.1.1 <{}>: user unknown")


@pytest.fixture
def mailing(app: Flask) -> Mailing:
    """One that is being sent to six people."""
    subscribers(6)
    made = queued()
    while materialise(at=A_MORNING):
        pass
    return db.session.get_one(Mailing, made.id)


def put(number: int, state: DeliveryState, *, reply: tuple[int, str, str] | None = None) -> None:
    """Let the delivery to the reader of that number stand in a state."""
    row = db.session.scalars(
        sa.select(Delivery).where(Delivery.address == f"reader{number}@news.example")
    ).one()
    row.state = state
    row.due_at = {S.QUEUED: A_MORNING, S.DEFERRED: now() + LATER}.get(state)
    row.lease_until = now() + LATER if state in (S.CLAIMED, S.TRANSMITTING) else None
    if reply:
        row.code, row.enhanced = reply[:2]
        row.reply = reply[2].format(row.address)
    db.session.commit()


def asks_of_deliveries(statement: str) -> bool:
    return is_select(statement) and "FROM delivery" in statement


def test_every_recipient_is_counted_once(mailing: Mailing) -> None:
    put(0, S.SENT)
    put(1, S.FAILED, reply=UNKNOWN)
    put(2, S.DEFERRED)
    put(3, S.CLAIMED)
    put(4, S.SUPPRESSED)

    view = watching.look(mailing, at=now())

    assert {state.value: n for state, n in view.progress.counts.items() if n} == {
        "sent": 1,
        "failed": 1,
        "deferred": 1,
        "claimed": 1,
        "suppressed": 1,
        "queued": 1,
    }
    assert (view.waiting, view.later, view.in_the_open) == (1, 1, 1)
    assert view.progress.audience == 6


@pytest.mark.usefixtures("new_tables")
def test_counting_reads_indexes_and_no_rows(mailing: Mailing) -> None:
    with plans(which=asks_of_deliveries, without=["enable_seqscan"]) as found:
        questions.standings([mailing.id], at=now())

    assert len(found) == 3
    for plan, index in zip(
        found.values(), ("ix_delivery_settled", "ix_delivery_due", "ix_delivery_held"), strict=True
    ):
        assert index in plan
        assert "SCAN delivery\n" not in plan
        assert "Seq Scan" not in plan
    counts, due, _held = found.values()
    if db.engine.dialect.name == "sqlite":  # PostgreSQL decides by what has been vacuumed
        assert "COVERING INDEX ix_delivery_settled" in counts
        assert "COVERING INDEX ix_delivery_due" in due


@pytest.mark.usefixtures("new_tables")
def test_what_servers_said_and_who_may_have_got_two_are_found_by_index(mailing: Mailing) -> None:
    put(1, S.FAILED, reply=UNKNOWN)

    with plans(which=asks_of_deliveries, without=["enable_seqscan"]) as found:
        questions.causes(mailing.id, groups={"other", "gmail"})
        questions.uncertain(mailing.id)
        recipients_page(mailing.id, S.FAILED, at=now())

    used = [
        next((name for name in ("settled", "due", "repeated", "held") if f"_{name}" in plan), plan)
        for plan in found.values()
    ]
    assert used[:3] == ["settled", "due", "repeated"]
    assert not [plan for plan in found.values() if "Seq Scan" in plan or "SCAN delivery\n" in plan]


def test_ten_who_look_at_once_cost_one_count(mailing: Mailing) -> None:
    asked: list[str] = []
    watching.look(mailing, at=now())
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    for _ in range(10):
        watching.look(mailing, at=now())

    assert asked == []


def test_another_state_is_seen_at_once(mailing: Mailing) -> None:
    watching.look(mailing, at=now())
    put(0, S.SENT)
    mailing.state = MailingState.PAUSED

    assert watching.look(mailing, at=now()).progress.sent == 1


def test_a_mailing_that_was_summed_up_is_not_counted_again(mailing: Mailing) -> None:
    mailing.outcome = {"groups": {"other": {"sent": 5, "failed": 1}}}
    db.session.flush()

    counts = questions.counts(mailing.id)

    assert (counts[S.SENT], counts[S.FAILED], counts[S.QUEUED]) == (5, 1, 0)


def test_answers_are_gathered_by_what_they_mean(mailing: Mailing) -> None:
    put(0, S.FAILED, reply=UNKNOWN)
    put(1, S.FAILED, reply=UNKNOWN)
    put(2, S.FAILED, reply=(550, "5.1.1", "5.1.1 no mailbox by that name"))
    put(3, S.DEFERRED, reply=(452, "4.2.2", "4.2.2 mailbox full"))

    first, second = watching.look(mailing, at=now()).troubles

    assert (first.reason, first.state, first.count) == (Reason.UNKNOWN, S.FAILED, 3)
    assert first.phrases[0] == ("550 5.1.1 <…@news.example>: user unknown", 2)
    assert (second.reason, second.state, second.count) == (Reason.FULL, S.DEFERRED, 1)


def test_the_rate_is_told_over_what_was_seen() -> None:
    seen = [(0.0, {"gmail": 100, "other": 0}), (10.0, {"gmail": 200, "other": 50})]

    assert rates_of(seen) == {"gmail": 10.0, "other": 5.0}
    assert rates_of(seen[:1]) is None
    assert rates_of([(0.0, {}), (1.0, {"other": 9})]) is None


def group(name: str, waiting: int, *, limit: float = 0.0, held: bool = False) -> Group:
    counts = {**dict.fromkeys(DeliveryState, 0), S.QUEUED: waiting}
    return Group(name, counts, limit=limit, is_held=held)


def test_the_end_is_told_by_the_rate() -> None:
    assert seconds_left([group("other", 600)], {"other": 10.0}) == 60.0


def test_the_slowest_provider_decides_when_it_ends() -> None:
    groups = [group("other", 100), group("gmail", 600, limit=1.0)]

    assert seconds_left(groups, {"other": 99.0, "gmail": 1.0}) == 600.0


def test_those_who_are_not_written_down_yet_count_for_the_end() -> None:
    groups = [group("other", 100), group("gmail", 100, limit=1.0)]

    assert seconds_left(groups[:1], {"other": 10.0}, to_come=4.0) == 50.0
    assert seconds_left(groups, {"other": 10.0}, to_come=4.0) == 500.0


def test_what_is_held_has_no_end_that_we_could_tell() -> None:
    assert seconds_left([group("other", 10), group("gmail", 10**6, held=True)], {"other": 10}) == 1
    assert seconds_left([group("other", 10)], {"other": 0.0}) is None
    assert seconds_left([group("gmail", 9, held=True)], {"gmail": 1.0}) is None


@pytest.fixture
def half_written(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Mailing:
    """One that is for about twelve people; the first six are written down, three have got it."""
    monkeypatch.setattr(materialising, "CHUNK", 6)
    subscribers(12)
    made = queued()
    materialise(at=A_MORNING)
    for number in range(3):
        put(number, S.SENT)
    return db.session.get_one(Mailing, made.id)


def test_while_people_are_written_down_the_end_is_told_for_all_of_them(
    half_written: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    monkeypatch.setattr(watching, "rates_of", lambda _seen: {"other": 0.5})

    view = watching.look(half_written, at=at)

    assert (view.progress.audience, view.expected, view.is_growing) == (6, 12, True)
    assert view.ends_at == at + timedelta(seconds=18)


def test_paused_meanwhile_it_still_has_more_people_than_are_written_down(
    half_written: Mailing,
) -> None:
    half_written.state, half_written.paused_from = MailingState.PAUSED, half_written.state
    db.session.commit()

    view = watching.look(half_written, at=now())

    assert (view.expected, view.is_growing, view.ends_at) == (12, True, None)


def test_when_all_are_written_down_nothing_is_said_to_grow(half_written: Mailing) -> None:
    materialise(at=A_MORNING)

    view = watching.look(half_written, at=now())

    assert half_written.state is MailingState.MATERIALISING  # until it has looked once more
    assert (view.progress.audience, view.expected, view.is_growing) == (12, None, False)


def test_how_many_got_an_earlier_mailing_is_not_guessed(half_written: Mailing) -> None:
    half_written.audience = {"received": ["release:1:r1:sv"]}

    view = watching.look(half_written, at=now())

    assert view.expected is None
    assert view.ends_at is None


def test_the_page_says_that_the_number_still_grows(
    client: FlaskClient,
    editor: User,
    half_written: Mailing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "rates_of", lambda _seen: {"other": 0.05})

    page = signed_in(client, editor).get(f"/office/mailings/{half_written.id}").text

    assert "3 mejl i minuten · klart omkring " in page
    assert "3 av omkring 12 klara" in page
    assert "Mottagare hittills" in page
    assert "antalet växer" in page


def test_who_is_tried_again_later_is_no_part_of_the_end(
    client: FlaskClient, editor: User, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "rates_of", lambda _seen: {"other": 1.0})
    put(2, S.DEFERRED)

    page = signed_in(client, editor).get(f"/office/mailings/{mailing.id}").text

    assert "klart om mindre än en minut, utom en som vi försöker igen senare" in page


def test_before_its_time_a_mailing_says_when_it_begins(
    client: FlaskClient, editor: User, app: Flask
) -> None:
    made = queued()
    made.starts_at = now() + timedelta(days=2)
    db.session.commit()

    page = signed_in(client, editor).get(f"/office/mailings/{made.id}").text

    assert "<span>börjar " in page
    assert "antalet växer" not in page


@pytest.mark.parametrize(
    ("number", "said"), [(0, 0), (7, 7), (12, 12), (129, 130), (983_412, 980_000)]
)
def test_what_is_only_known_roughly_is_told_roughly(number: int, said: int) -> None:
    assert about(number) == said


def test_mailings_that_go_first_are_named(mailing: Mailing) -> None:
    correction = queued(key="correction:1:r2:sv", subject="Rättelse", kind=MailingKind.CORRECTION)
    queue_confirmation(subscriber("asa@exempel.example"), at=A_MORNING)
    db.session.commit()
    while materialise(at=A_MORNING):
        pass

    view = watching.look(db.session.get_one(Mailing, mailing.id), at=now())
    other = watching.look(db.session.get_one(Mailing, correction.id), at=now())

    assert [one.subject for one in view.ahead] == ["Rättelse"]
    assert view.single_ahead
    assert other.ahead == []


def test_only_held_groups_left_waits_for_a_person(mailing: Mailing) -> None:
    row = db.session.get_one(DomainGroup, "other")
    row.held_at = A_MORNING
    db.session.commit()

    assert watching.look(mailing, at=now()).waits_for_a_person


def test_the_page_tells_what_happens_in_plain_words(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    put(0, S.SENT)
    put(1, S.FAILED, reply=UNKNOWN)

    page = signed_in(client, editor).get(f"/office/mailings/{mailing.id}").text

    assert "2 av 6 klara" in page
    assert "Adressen finns inte" in page
    assert "550 5.1.1 &lt;…@news.example&gt;: user unknown" in page
    assert "reader1@" not in page


def test_the_page_says_why_it_is_paused(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    mailing.state, mailing.paused_from = MailingState.PAUSED, MailingState.RUNNING
    mailing.paused_because = PausedBecause.COMPLAINTS
    db.session.commit()

    page = signed_in(client, editor).get(f"/office/mailings/{mailing.id}").text

    assert "för många har markerat mejlet som skräppost" in page


def test_the_live_part_comes_alone_with_the_state(
    client: FlaskClient, writer: User, mailing: Mailing
) -> None:
    said = signed_in(client, writer).get(f"/office/mailings/{mailing.id}/live").json

    assert said is not None
    assert (said["state"], said["is_going"]) == ("running", True)
    assert said["summary"] == "0 av 6 klara"
    assert 'data-live="numbers"' in said["html"]
    assert "<html" not in said["html"]


def test_editors_see_who_did_not_get_it_and_writers_see_only_why(
    client: FlaskClient, editor: User, writer: User, mailing: Mailing
) -> None:
    put(1, S.FAILED, reply=UNKNOWN)
    path = f"/office/mailings/{mailing.id}/recipients?show=failed"

    seen = signed_in(client, editor).get(path).text
    hidden = signed_in(client, writer).get(path).text

    assert "reader1@news.example" in seen
    assert "reader1@" not in hidden
    assert "Adressen finns inte" in hidden
    assert client.get(f"/office/mailings/{mailing.id}/failed.csv").status_code == 403


def test_nobody_is_offered_to_try_again_who_was_refused_for_good(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    put(1, S.FAILED, reply=UNKNOWN)

    page = signed_in(client, editor).get(f"/office/mailings/{mailing.id}/recipients").text

    assert "<form" not in page.split("<main")[1]


def test_recipients_go_by_pages(mailing: Mailing) -> None:
    for number in range(5):
        put(number, S.FAILED, reply=UNKNOWN)

    first = recipients_page(mailing.id, S.FAILED, at=now(), size=2)
    second = recipients_page(mailing.id, S.FAILED, at=now(), size=2, before=first.older)
    third = recipients_page(mailing.id, S.FAILED, at=now(), size=2, before=second.older)

    addresses = [one.address for page in (first, second, third) for one in page.found]
    assert addresses == [f"reader{n}@news.example" for n in (4, 3, 2, 1, 0)]
    assert third.older is None


def test_who_is_tried_again_is_shown_with_the_time(
    client: FlaskClient, editor: User, mailing: Mailing
) -> None:
    put(2, S.DEFERRED, reply=(451, "4.3.0", "4.3.0 later"))
    path = f"/office/mailings/{mailing.id}/recipients?show=deferred"

    page = signed_in(client, editor).get(path).text

    assert "reader2@news.example" in page
    assert "Mottagarens server krånglar" in page


def test_the_failed_can_be_fetched_as_a_file(
    client: FlaskClient, editor: User, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.watching_views.AT_ONCE", 2)
    for number in range(5):
        put(number, S.FAILED, reply=(550, "5.1.1", "=HYPERLINK(1)"))

    answer = signed_in(client, editor).get(f"/office/mailings/{mailing.id}/failed.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["address"] for row in rows] == [f"reader{n}@news.example" for n in (4, 3, 2, 1, 0)]
    assert {row["reason"] for row in rows} == {"unknown"}
    assert not [row for row in rows if row["reply"].startswith("=")]


def test_numbers_are_parted_as_the_language_does(app: Flask) -> None:
    from subscribers.watching_views import count

    with app.test_request_context("/sv/", headers={"Accept-Language": "sv"}):
        assert count(1_234_567) == "1\u00a0234\u00a0567"


def test_a_moment_on_another_day_is_told_with_its_day(app: Flask) -> None:
    from subscribers.watching_views import _moment

    with app.test_request_context("/sv/"):
        assert " " not in _moment(now())
        assert " " in _moment(datetime.fromisoformat("2030-01-02T03:04:00+00:00"))
