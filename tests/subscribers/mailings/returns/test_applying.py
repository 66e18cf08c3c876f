"""What came back, applied: cases 19 and 23 to 33, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.alerts import Alert, clear_alert
from app.core.db import db
from subscribers.audience import erasing, links
from subscribers.audience.models import (
    EndedReason,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)
from subscribers.mailings.models import (
    Bounce,
    Delivery,
    DeliveryState,
    DomainGroup,
    InboundEvent,
    InboundKind,
    MailingKind,
    MailingState,
)
from subscribers.mailings.returns import outages, refusals
from subscribers.mailings.sending import domain_groups, envelopes
from subscribers.mailings.sending.outcomes import Outcome
from subscribers.mailings.sending.replies import spoken
from tests.conftest import SECRET
from tests.factories import A_MORNING
from tests.queries import counted_queries
from tests.subscribers.mailings.returns import samples
from tests.subscribers.mailings.returns.cast import (
    LATER,
    about,
    count,
    mailing,
    reader,
    refuse,
    report,
    sent,
    take_in,
)

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("app")


def standing(subscription: Subscription) -> tuple[SubscriptionState, EndedReason | None]:
    db.session.expire_all()
    return subscription.state, subscription.ended_reason


def reasons() -> list[str]:
    return list(db.session.scalars(sa.select(Suppression.reason)))


ACTIVE = (SubscriptionState.ACTIVE, None)
BOUNCED = (SubscriptionState.ENDED, EndedReason.BOUNCE)


def test_case_19_a_mail_to_the_address_to_leave_ends_the_subscription() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    head = "From: Somebody Else <who@elsewhere.example>\nSubject: unsubscribe"
    raw = samples.plain(about(mail, to=envelopes.leaving(mail.id)), head, "")

    taken = take_in(raw)

    assert (taken.kind, taken.applied) == (InboundKind.UNSUBSCRIBE, True)
    assert standing(anna) == (SubscriptionState.ENDED, EndedReason.MAILTO)


def test_case_19_a_mail_to_leave_ends_all_that_its_mail_came_for_as_one_click_does() -> None:
    anna = reader()
    culture = Topic(slug="kultur", name_sv="Kultur")
    also = Subscription(
        subscriber=anna.subscriber,
        topic=culture,
        state=SubscriptionState.ACTIVE,
        asked_at=anna.asked_at,
        consent_at=anna.consent_at,
    )
    db.session.add(also)
    release = mailing()
    release.topics = ["press-releases", "kultur"]
    mail = sent(anna, release)
    head = "From: <who@elsewhere.example>\nSubject: unsubscribe"

    take_in(samples.plain(about(mail, to=envelopes.leaving(mail.id)), head, ""))

    left = (SubscriptionState.ENDED, EndedReason.MAILTO)
    assert (standing(anna), standing(also)) == (left, left)


def test_case_19_without_a_valid_token_a_mail_from_the_reader_ends_nothing() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    head = f"From: <{mail.address}>\nSubject: unsubscribe"
    forged = envelopes.leaving(mail.id).replace(f"{mail.id}.", f"{mail.id}.0")[:-1]
    for address in ("leave@bounce.press.example", forged, f"u+{mail.id}@bounce.press.example"):
        take_in(samples.plain(about(mail, to=address), head, f"{mail.id}"))

    assert standing(anna) == ACTIVE


def test_an_address_to_leave_is_no_bounce_address_and_the_other_way_round() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    head = f"From: <{mail.address}>\nSubject: unsubscribe"
    crossed = envelopes.sender(mail.id).replace("b+", "u+")

    take_in(samples.plain(about(mail, to=crossed), head, ""))

    assert standing(anna) == ACTIVE


def test_case_23_a_refusal_at_rcpt_is_an_event_a_mark_and_a_suppression() -> None:
    anna, bo = reader(), reader("bo@reader.example")
    release = mailing()
    refused, taken = sent(anna, release), sent(bo, release)

    refuse(refused)

    event = db.session.scalars(sa.select(InboundEvent)).one()
    assert (event.source, event.kind, event.enhanced) == ("smtp", InboundKind.HARD, "5.1.1")
    assert event.delivery_id == refused.id
    suppression = db.session.scalars(sa.select(Suppression)).one()
    assert (suppression.address_hash, suppression.reason) == (
        anna.subscriber.address_hash,
        "bounce",
    )
    assert standing(anna) == BOUNCED
    assert standing(bo) == ACTIVE
    assert taken.state is DeliveryState.SENT


def test_telling_of_the_same_refusal_twice_counts_once() -> None:
    mail = sent(reader(), mailing())

    refuse(mail)
    refuse(mail)

    assert (count(InboundEvent), count(Bounce)) == (1, 1)


def test_a_batch_that_was_taken_costs_no_query() -> None:
    mail = sent(reader(), mailing())
    outcome = Outcome(
        mail.id, mail.mailing_id, MailingKind.RELEASE, "other", mail.subscriber_id, "x",
        spoken(250, "ok"),
    )  # fmt: skip

    with counted_queries() as asked:
        refusals.mark_refusals([outcome] * 100, at=LATER)

    assert not asked


def test_case_24_a_report_to_a_valid_address_does_the_same_and_twice_is_once() -> None:
    anna = reader()
    mail = sent(anna, mailing())

    first, second = take_in(report(mail)), take_in(report(mail))

    assert (first.applied, first.is_new, second.is_new) == (True, True, False)
    assert (count(InboundEvent), count(Bounce), reasons()) == (1, 1, ["bounce"])
    db.session.refresh(mail)
    assert (mail.state, mail.enhanced, mail.code) == (DeliveryState.FAILED, "5.1.1", 550)
    assert standing(anna) == BOUNCED


def test_the_same_refusal_by_two_ways_is_two_events_and_one_mark() -> None:
    mail = sent(reader(), mailing())

    refuse(mail)
    take_in(report(mail))

    assert (count(InboundEvent), count(Bounce), len(reasons())) == (2, 1, 1)


@pytest.mark.parametrize("mark", ["message_id", "leave"])
def test_a_report_that_lost_its_way_is_matched_by_the_mail_it_returns(mark: str) -> None:
    anna = reader()
    mail = sent(anna, mailing())
    other = {"message_id": "none@elsewhere.example", "leave": "none"}
    if mark == "message_id":
        other["message_id"] = envelopes.message_id(mail.id)
    else:
        token = links.unsubscribe_token(anna.public_id, delivery_id=mail.id, secret=SECRET)
        other["leave"] = f"https://press.example/unsubscribe/{token}"

    taken = take_in(report(mail, to="postmaster@press.example", **other))

    assert (taken.delivery_id, taken.applied) == (mail.id, True)


def test_case_25_a_wrong_mac_is_stored_unmatched_and_without_effect() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    right = envelopes.sender(mail.id)
    wrong = right.replace(right.split(".")[1][:4], "0000", 1)

    taken = take_in(report(mail, to=wrong))

    event = db.session.scalars(sa.select(InboundEvent)).one()
    assert (taken.unmatched, event.unmatched, event.applied_at) == ("forged", "forged", None)
    assert (count(Bounce), reasons(), standing(anna)) == (0, [], ACTIVE)


@pytest.mark.parametrize("write", samples.REPORTERS.values(), ids=samples.REPORTERS)
def test_case_25_a_report_about_another_recipient_is_stored_unmatched(write) -> None:  # type: ignore[no-untyped-def]
    anna = reader()
    mail = sent(anna, mailing())

    taken = take_in(write(about(mail, recipient="bo@reader.example"), samples.REASONS["unknown"]))

    assert (taken.unmatched, taken.applied) == ("other_recipient", False)
    assert (count(InboundEvent), count(Bounce), standing(anna)) == (1, 0, ACTIVE)


@pytest.mark.parametrize("second", ["552 5.2.2 mailbox full", "550 5.1.1 no such user"])
def test_a_mail_that_went_on_to_two_has_come_to_its_end_only_where_both_have(second: str) -> None:
    delivery = sent(reader(), mailing())
    text = (
        "The mail to anna@reader.example was sent on, and came back.\n\n"
        "one@elsewhere.example: 550 5.1.1 no such user\n"
        f"two@elsewhere.example: {second}\n"
    )
    headers = "From: MAILER-DAEMON@reader.example\nSubject: Undelivered mail"

    taken = take_in(samples.plain(about(delivery), headers, text))

    is_over = second.startswith("550")
    assert taken.kind is (InboundKind.HARD if is_over else InboundKind.SOFT)
    assert taken.applied


def test_an_address_is_known_again_in_capitals_and_after_it_was_taken_out_of_the_row() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    raw = report(mail, recipient="ANNA@Reader.Example")
    mail.address = None
    db.session.commit()

    assert take_in(raw).applied


@pytest.mark.parametrize("reason", ["full", "too_big", "expired"])
def test_case_26_a_full_mailbox_is_a_soft_point(reason: str) -> None:
    anna = reader()
    mail = sent(anna, mailing())

    taken = take_in(report(mail, reason))

    mark = db.session.scalars(sa.select(Bounce)).one()
    assert (taken.kind, mark.hard, mark.cleared_at) == (InboundKind.SOFT, False, None)
    assert (reasons(), standing(anna)) == ([], ACTIVE)


@pytest.mark.parametrize("reason", ["refused", "unsigned", "unrouted"])
def test_case_26_a_refusal_of_us_is_no_point_but_an_alert(reason: str) -> None:
    anna = reader()
    mail = sent(anna, mailing())

    taken = take_in(report(mail, reason))

    assert (taken.kind, count(Bounce), reasons()) == (InboundKind.POLICY, 0, [])
    alert = db.session.scalars(sa.select(Alert)).one()
    assert (alert.code, alert.facts["domain"]) == ("policy_refused", "reader.example")
    assert standing(anna) == ACTIVE


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "delivered"])
def test_case_26_what_is_on_its_way_changes_nothing(action: str) -> None:
    anna = reader()
    mail = sent(anna, mailing())
    reason = samples.Reason("4.4.1", "not yet", InboundKind.DELAYED, "")

    take_in(samples.postfix(about(mail), reason, action))

    db.session.refresh(mail)
    assert (count(Bounce), reasons(), mail.state) == (0, [], DeliveryState.SENT)
    assert standing(anna) == ACTIVE


def soft_points(anna: Subscription, days: list[int]) -> None:
    for day in days:
        at = A_MORNING + day * DAY
        take_in(report(sent(anna, mailing(day), at=at), "full"), at=at + timedelta(minutes=1))


def test_case_27_five_soft_points_over_a_week_and_three_mailings_end_it() -> None:
    anna = reader()

    soft_points(anna, [0, 2, 4, 6])
    assert standing(anna) == ACTIVE
    soft_points(anna, [7])

    assert standing(anna) == BOUNCED
    assert reasons() == ["bounce"]


def test_case_27_four_and_then_a_clean_delivery_are_zero() -> None:
    anna = reader()
    soft_points(anna, [0, 2, 4, 6])
    sent(anna, mailing(99), at=A_MORNING + 8 * DAY)  # nothing ever came back of it

    soft_points(anna, [16])

    assert count(Bounce, Bounce.cleared_at.is_(None)) == 1
    assert standing(anna) == ACTIVE


def test_a_mail_of_which_something_came_back_was_no_clean_delivery() -> None:
    anna = reader()
    soft_points(anna, [0, 8, 16, 24, 32])

    assert standing(anna) == BOUNCED


def test_case_28_a_vacation_reply_is_no_event() -> None:
    anna = reader()
    mail = sent(anna, mailing())

    for _, raw in samples.answering_machines(about(mail)):
        assert take_in(raw).kind is InboundKind.AUTO_REPLY

    db.session.refresh(mail)
    assert (count(InboundEvent), count(Bounce), mail.state) == (0, 0, DeliveryState.SENT)
    assert standing(anna) == ACTIVE


def test_case_29_no_mischief_is_too_much_and_what_is_no_mail_is_kept_as_unparsed() -> None:
    anna = reader()
    mail = sent(anna, mailing())

    for name, raw in samples.hostile(about(mail)):
        taken = take_in(raw)
        if name == "no_headers":
            assert taken.kind is InboundKind.UNPARSED

    longest = db.session.scalar(sa.select(sa.func.max(sa.func.length(InboundEvent.raw))))
    assert longest is not None
    assert longest <= 64 * 1024
    assert count(InboundEvent, InboundEvent.kind == InboundKind.UNPARSED) >= 1


def test_a_report_without_the_returned_mail_is_matched_by_its_address() -> None:
    mail = sent(reader(), mailing())
    raw = report(mail)
    bare = raw[: raw.index(b"Content-Description: Undelivered")] + b"--\n"

    assert take_in(bare).applied


def readers_of(domain: str, number: int) -> list[Subscription]:
    return [reader(f"r{n}@{domain}") for n in range(number)]


def held() -> list[DomainGroup]:
    return list(db.session.scalars(sa.select(DomainGroup).where(DomainGroup.held_at.is_not(None))))


@pytest.mark.parametrize("way", ["smtp", "report"])
def test_case_31_a_domain_that_refuses_most_is_held_and_nobody_is_suppressed(way: str) -> None:
    release = mailing()
    people = readers_of("town.example", 30)
    mails = [sent(person, release) for person in people]
    waiting = sent(reader("late@town.example"), release, state=DeliveryState.QUEUED)

    for mail in mails[:18]:
        refuse(mail) if way == "smtp" else take_in(report(mail))

    db.session.expire_all()
    assert reasons() == []
    assert {person.state for person in people} == {SubscriptionState.ACTIVE}
    assert count(Bounce, Bounce.cleared_at.is_(None)) == 0
    assert [(group.domains, group.held_because) for group in held()] == [
        (["town.example"], "outage")
    ]
    assert db.session.scalars(sa.select(Alert.code)).all() == ["domain_parted"]
    # Nothing is lost: who was refused waits again, with those who had not been tried.
    assert {mail.state for mail in mails[:18]} == {DeliveryState.QUEUED}
    assert {mail.domain_group for mail in [*mails[:18], waiting]} == {held()[0].name}


def test_case_31_other_domains_and_a_few_who_left_are_no_outage() -> None:
    release = mailing()
    mails = [sent(person, release) for person in readers_of("big.example", 80)]

    refuse(*mails[:12])

    assert (held(), len(reasons())) == ([], 12)


def test_an_hour_later_those_silenced_at_a_large_domain_have_ended() -> None:
    people = readers_of("big.example", 40)
    release = mailing()
    mails = [sent(person, release) for person in people]
    refuse(mails[0])
    assert (standing(people[0]), reasons()) == (ACTIVE, ["bounce"])

    assert outages.settle(at=LATER + timedelta(minutes=59)) == 0
    assert outages.settle(at=LATER + timedelta(minutes=61)) == 1
    db.session.commit()

    assert standing(people[0]) == BOUNCED
    assert standing(people[1]) == ACTIVE


def test_who_said_yes_again_within_the_hour_is_not_ended_for_the_old_bounce() -> None:
    people = readers_of("big.example", 40)
    refuse(sent(people[0], mailing()))
    db.session.execute(sa.delete(Suppression))  # what a new confirmation does
    db.session.commit()

    assert outages.settle(at=LATER + timedelta(hours=2)) == 0


def test_two_workers_that_each_saw_half_are_put_together_by_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = mailing()
    mails = [sent(person, release) for person in readers_of("town.example", 20)]
    with monkeypatch.context() as blind:
        blind.setattr(outages, "refusing", lambda *_, **__: set())
        refuse(*mails[:14])
    assert len(reasons()) == 14

    outages.settle(at=LATER + timedelta(minutes=1))
    db.session.commit()

    assert (reasons(), len(held())) == ([], 1)


def test_when_a_person_has_let_the_domain_go_on_its_refusals_are_believed() -> None:
    release = mailing()
    mails = [sent(person, release) for person in readers_of("town.example", 20)]
    refuse(*mails[:14])
    group = held()[0]
    domain_groups.send_home(group, by=None, at=LATER + timedelta(hours=3))
    clear_alert("domain_parted", group.name, at=LATER + timedelta(hours=3))
    db.session.commit()

    for mail in mails[:14]:
        mail.attempts, mail.first_try_at = 2, LATER + timedelta(hours=4)
    refuse(*mails[:14], at=LATER + timedelta(hours=4))

    assert len(reasons()) == 14


def test_false_addresses_in_the_sign_up_form_never_look_like_an_outage() -> None:
    for number, person in enumerate(readers_of("gmail.example", 15)):
        person.state = SubscriptionState.PENDING
        refuse(sent(person, mailing(number, kind=MailingKind.CONFIRMATION)))

    assert (held(), reasons()) == ([], [])
    assert count(Subscription, Subscription.ended_reason == EndedReason.BOUNCE) == 15


def test_a_finished_mailing_is_not_opened_again_by_an_outage() -> None:
    release = mailing()
    mails = [sent(person, release) for person in readers_of("town.example", 20)]
    release.state, release.finished_at = MailingState.FINISHED, LATER
    db.session.commit()

    for mail in mails[:14]:
        take_in(report(mail))

    db.session.expire_all()
    assert {mail.state for mail in mails[:14]} == {DeliveryState.FAILED}
    assert reasons() == []


def test_a_confirmation_that_bounces_closes_the_pending_row() -> None:
    anna = reader(state=SubscriptionState.PENDING)
    mail = sent(anna, mailing(kind=MailingKind.CONFIRMATION))

    take_in(report(mail))

    assert standing(anna) == BOUNCED
    assert reasons() == []


@pytest.mark.parametrize("shape", ["report", "headers", "hotmail"])
def test_case_32_a_complaint_ends_everything_and_says_no_goodbye(shape: str) -> None:
    anna, bo = reader(), reader("bo@reader.example")
    release = mailing()
    mail = sent(anna, release)
    sent(bo, release)
    whose = about(mail, to="complaints@bounce.press.example")
    raw = (
        samples.hotmail_complaint(whose)
        if shape == "hotmail"
        else samples.feedback(whose, headers_only=shape == "headers")
    )
    before = count(Delivery)

    taken = take_in(raw)

    assert (taken.kind, taken.applied) == (InboundKind.COMPLAINT, True)
    assert standing(anna) == (SubscriptionState.ENDED, EndedReason.COMPLAINT)
    assert standing(bo) == ACTIVE
    assert reasons() == ["complaint"]
    assert count(Delivery) == before


def test_case_32_a_redacted_complaint_is_matched_by_the_link_to_leave() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    token = links.unsubscribe_token(anna.public_id, delivery_id=mail.id, secret=SECRET)
    link = f"https://press.example/unsubscribe/{token}"

    taken = take_in(samples.feedback(about(mail, message_id="x@y.example", leave=link)))

    assert taken.applied
    assert standing(anna) == (SubscriptionState.ENDED, EndedReason.COMPLAINT)


def test_a_complaint_weighs_more_than_a_bounce_before_it() -> None:
    mail = sent(reader(), mailing())
    take_in(report(mail))

    take_in(samples.feedback(about(mail)))

    assert reasons() == ["complaint"]


@pytest.mark.parametrize("kind", ["not-spam", "fraud", "virus", "never-heard-of"])
def test_case_33_any_other_feedback_is_stored_and_does_nothing(kind: str) -> None:
    anna = reader()
    mail = sent(anna, mailing())

    take_in(samples.feedback(about(mail), kind))

    event = db.session.scalars(sa.select(InboundEvent)).one()
    assert event.kind is (InboundKind.NOT_SPAM if kind == "not-spam" else InboundKind.OTHER)
    assert (reasons(), standing(anna)) == ([], ACTIVE)


def test_a_complaint_without_any_mark_of_ours_is_stored_unmatched() -> None:
    sent(reader(), mailing())

    taken = take_in(samples.feedback(samples.About()))

    assert (taken.unmatched, count(InboundEvent), reasons()) == ("no_mark", 1, [])


def test_what_comes_back_for_an_erased_reader_finds_nobody_to_mark() -> None:
    anna = reader()
    mail = sent(anna, mailing())
    raw = report(mail)
    erasing.erase(mail.address or "", at=LATER)
    db.session.commit()

    take_in(raw, at=LATER + DAY)

    assert standing(anna) == (SubscriptionState.ENDED, EndedReason.ERASE)
    assert "erased" in reasons()


def test_a_report_of_a_delivery_that_is_gone_is_stored_unmatched() -> None:
    mail = sent(reader(), mailing())
    raw = report(mail)
    db.session.delete(mail)
    db.session.commit()

    assert take_in(raw).unmatched == "gone"


def test_marks_made_under_a_retained_key_are_known(app: Flask) -> None:
    anna = reader()
    mail = sent(anna, mailing())
    raw = report(mail)
    app.config["SECRET_KEY"] = "another secret, from tomorrow on"
    app.config["SECRET_KEY_FALLBACKS"] = [SECRET]

    assert take_in(raw).applied


def test_a_person_who_writes_to_the_envelope_address_is_kept_for_people_to_read() -> None:
    mail = sent(reader(), mailing())
    head = f"From: Anna <{mail.address}>\nSubject: En fråga"
    raw = samples.plain(about(mail), head, "Stämmer beloppet?").replace(b"Return-Path: <>\n", b"")

    taken = take_in(raw)

    assert (taken.kind, taken.is_ours, taken.is_new) == (InboundKind.OTHER, True, True)


def test_a_mail_to_somebody_else_is_none_of_ours_and_leaves_no_row() -> None:
    raw = b"From: bo@press.example\nTo: alva@press.example\nSubject: Lunch?\n\nTolv?\n"

    taken = take_in(raw)

    assert (taken.is_ours, count(InboundEvent)) == (False, 0)
