"""Topics, how often and language: asked for together, confirmed together, changed and left."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from subscribers import public
from subscribers.audience import consent_texts, links, subscribing
from subscribers.audience.models import (
    EndedReason,
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)
from subscribers.audience.subscribing import Answer, Due
from subscribers.audience.topics import offer_programme, offered, rename_programme
from subscribers.mailings import choosing
from subscribers.mailings.models import Delivery, Mailing, MailingKind, MailingPart
from subscribers.mailings.sending.materialising import materialise
from subscribers.mailings.writing.queueing import queue
from tests.conftest import SECRET
from tests.factories import A_MORNING, signed_in
from tests.subscribers.cast import (
    DORA,
    HOME,
    active,
    confirm_token,
    how_many,
    preferences_token,
    suppress,
    unsubscribe_token,
)
from tests.subscribers.mailings.cast import announcement

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
LATER = A_MORNING + timedelta(hours=2)
IMMEDIATE, DAILY, WEEKLY = Frequency.IMMEDIATE, Frequency.DAILY, Frequency.WEEKLY


@pytest.fixture(autouse=True)
def topics(app: Flask) -> None:
    db.session.add_all(
        [
            Topic(slug="vatten", name_sv="Vatten", name_en="Water"),
            Topic(slug="skola", name_sv="Skola", name_en=""),
            Topic(slug="gammalt", name_sv="Gammalt", active=False),
        ]
    )
    db.session.commit()


def ask(*slugs: str, frequency: Frequency = IMMEDIATE, at: object = A_MORNING) -> subscribing.Asked:
    asked = subscribing.ask(
        DORA,
        language="sv",
        topics=slugs or (subscribing.PRESS_RELEASES,),
        frequency=frequency,
        source="form",
        ip=HOME,
        at=at,  # type: ignore[arg-type]
    )
    db.session.commit()
    return asked


def confirmed(*slugs: str, frequency: Frequency = IMMEDIATE) -> Subscription:
    subscription = ask(*slugs, frequency=frequency).subscription
    assert subscription
    subscribing.confirm(confirm_token(subscription), ip=HOME, at=A_MORNING)
    db.session.commit()
    return subscription


def stands() -> dict[str, str]:
    """Each open subscription's topic with its state, or how often once it is active."""
    db.session.expire_all()
    rows = db.session.execute(
        sa.select(Topic.slug, Subscription.state, Subscription.frequency)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Subscription.ended_at.is_(None))
    )
    return {
        slug: frequency.value if state is SubscriptionState.ACTIVE else state.value
        for slug, state, frequency in rows
    }


def one(slug: str) -> Subscription:
    return db.session.scalars(
        sa.select(Subscription)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Topic.slug == slug)
        .order_by(Subscription.id.desc())
    ).all()[0]


def mails() -> list[MailingKind]:
    return list(db.session.scalars(sa.select(Mailing.kind).order_by(Mailing.id)))


def mail_about(*slugs: str, number: int = 1) -> Mailing:
    """A release that is written down for all who are to get it."""
    mailing = queue(
        announcement(
            key=f"release:{number}:r1:sv",
            story=f"release:{number}",
            topics=("press-releases", *slugs),
        ),
        at=LATER,
    )
    db.session.commit()
    while materialise(at=LATER):
        pass
    db.session.rollback()
    return mailing


def link_in(mailing: Mailing, *, kind: str = "unsubscribe") -> str:
    """The link as it stands in Dora's copy."""
    delivery, public_id = db.session.execute(
        sa.select(Delivery.id, Subscription.public_id)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .where(Delivery.mailing_id == mailing.id)
    ).one()
    make = links.unsubscribe_token if kind == "unsubscribe" else links.preferences_token
    return f"/{kind}/{make(public_id, delivery_id=delivery, secret=SECRET)}"


def test_what_is_ticked_is_asked_for_and_nothing_else(client: FlaskClient) -> None:
    client.post(
        "/sv/subscribe",
        data={"email": DORA, "topic": ["vatten", "skola"], "frequency": "weekly", "language": "en"},
    )

    assert stands() == {"vatten": "pending", "skola": "pending"}
    assert one("skola").frequency is WEEKLY
    assert db.session.scalars(sa.select(Subscriber.language)).one() == "en"
    assert mails() == [MailingKind.CONFIRMATION]


@pytest.mark.parametrize("given", [{}, {"topic": ["gammalt"]}, {"topic": ["finns-inte"]}])
def test_without_a_topic_that_is_offered_it_is_everything(
    client: FlaskClient, given: dict[str, object]
) -> None:
    client.post("/sv/subscribe", data={"email": DORA, "frequency": "yearly", **given})

    assert stands() == {"press-releases": "pending"}
    assert one("press-releases").frequency is IMMEDIATE


def test_case_11_one_press_confirms_all_that_was_asked_together(client: FlaskClient) -> None:
    subscription = ask("vatten", "skola", frequency=DAILY, at=now()).subscription
    assert subscription
    path = f"/confirm/{confirm_token(subscription)}"

    page = client.get(path).text
    first, second = client.post(path).text, client.post(path).text

    assert "Vatten" in page
    assert "En gång om dagen" in page
    assert "Tack, nu är du med" in first
    assert "redan bekräftad" in second
    assert stands() == {"vatten": "daily", "skola": "daily"}
    assert mails() == [MailingKind.WELCOME]
    for slug in ("vatten", "skola"):
        assert one(slug).consent_text_version == consent_texts.CURRENT
        assert one(slug).consent_ip_hash
        assert one(slug).consent_source == "form"


def test_what_was_asked_before_and_not_again_is_not_confirmed(app: Flask) -> None:
    ask("vatten", "skola")
    again = ask("skola", at=LATER).subscription
    assert again

    subscribing.confirm(confirm_token(again), ip=HOME, at=LATER)
    db.session.commit()

    assert stands() == {"vatten": "pending", "skola": "immediate"}


def test_case_2_who_asks_for_more_is_asked_and_nothing_of_theirs_changes(app: Flask) -> None:
    confirmed("vatten")

    asked = subscribing.ask(
        DORA,
        language="en",
        topics=("vatten", "skola"),
        frequency=WEEKLY,
        source="form",
        ip=HOME,
        at=LATER,
    )
    db.session.commit()

    assert asked.mail is Due.CONFIRMATION
    assert asked.adds
    assert stands() == {"vatten": "immediate", "skola": "pending"}
    assert one("vatten").subscriber.language == "sv"


def test_more_topics_are_confirmed_without_a_second_welcome(client: FlaskClient) -> None:
    confirmed("vatten")
    asked = ask("skola", at=now())
    assert asked.subscription

    client.post(f"/confirm/{confirm_token(asked.subscription)}")

    assert stands() == {"vatten": "immediate", "skola": "immediate"}
    assert mails() == []


def test_the_promise_that_is_shown_is_the_newest_that_is_kept() -> None:
    from app.core.words import LANGUAGES, translate

    for language in LANGUAGES:
        shown = tuple(translate(f"subscribers.consent.point{n}", language) for n in (1, 2, 3))
        assert consent_texts.words_of(consent_texts.CURRENT, language) == shown
    assert consent_texts.words_of("", "sv") == ()


def test_case_12_either_of_two_links_confirms_what_both_asked(app: Flask) -> None:
    first = ask("vatten").subscription
    assert first
    token = confirm_token(first)
    ask("vatten", "skola", at=LATER)

    assert subscribing.confirm(token, ip=HOME, at=LATER).answer is Answer.CONFIRMED
    assert stands() == {"vatten": "immediate", "skola": "immediate"}


def test_case_12_a_late_link_is_renewed_for_all_it_asked(client: FlaskClient) -> None:
    asked = ask("vatten", "skola", frequency=WEEKLY, at=now() - timedelta(hours=25))
    assert asked.subscription

    client.post(f"/confirm/{confirm_token(asked.subscription)}", data={"again": "1"})
    db.session.expire_all()

    assert mails() == [MailingKind.CONFIRMATION]
    assert one("vatten").asked_at == one("skola").asked_at > now() - timedelta(minutes=5)
    assert one("skola").frequency is WEEKLY


def test_the_welcome_says_what_one_gets_and_can_be_left_by_one_click(client: FlaskClient) -> None:
    asked = ask("vatten", "skola", frequency=WEEKLY, at=now())
    assert asked.subscription
    client.post(f"/confirm/{confirm_token(asked.subscription)}")

    welcome = db.session.scalars(sa.select(Mailing)).one()
    template = db.session.scalars(sa.select(MailingPart.template)).one()
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in template
    assert b"Vatten: en g=C3=A5ng i veckan" in template
    assert b"/preferences/" in template

    assert client.post(link_in(welcome), data=ONE_CLICK).status_code == 200
    assert stands() == {}


def test_case_21_leaving_one_topic_leaves_the_other_and_one_copy_of_both(
    client: FlaskClient,
) -> None:
    confirmed("vatten", "skola")
    only_water = mail_about("vatten")

    client.post(link_in(only_water), data=ONE_CLICK)

    assert stands() == {"skola": "immediate"}
    mail_about("vatten", number=2)
    mail_about("vatten", "skola", number=3)
    mail_about("skola", number=4)
    keys = db.session.scalars(sa.select(Mailing.key).join(Delivery).order_by(Mailing.id)).all()
    assert keys == ["release:1:r1:sv", "release:3:r1:sv", "release:4:r1:sv"]


def test_case_21_a_mail_that_came_for_two_topics_is_left_for_both(client: FlaskClient) -> None:
    confirmed("vatten", "skola")
    both = mail_about("vatten", "skola")

    client.post(link_in(both), data=ONE_CLICK)

    assert stands() == {}
    assert {s.ended_reason for s in db.session.scalars(sa.select(Subscription))} == {
        EndedReason.ONE_CLICK
    }


def test_case_21_all_ends_what_waits_too_and_forbids_every_list(client: FlaskClient) -> None:
    subscription = confirmed("vatten")
    ask("skola", at=LATER)

    page = client.post(f"/preferences/{preferences_token(subscription)}", data={"leave": "1"})

    assert "Prenumerationen är avslutad" in page.text
    assert stands() == {}
    assert db.session.scalars(sa.select(Suppression.scope)).all() == ["all"]
    mail_about("vatten", "skola")
    assert how_many(Delivery) == 0


def test_case_21_who_left_all_can_come_back_by_a_new_yes(app: Flask) -> None:
    subscription = confirmed("vatten")
    subscribing.end_all(subscription.subscriber, reason=EndedReason.USER_LINK, at=LATER)
    db.session.commit()

    asked = ask("skola", at=LATER + timedelta(days=2))
    assert asked.subscription
    answer = subscribing.confirm(
        confirm_token(asked.subscription), ip=HOME, at=LATER + timedelta(days=2)
    ).answer

    assert answer is Answer.CONFIRMED
    assert how_many(Suppression) == 0
    assert stands() == {"skola": "immediate"}


def test_the_page_to_leave_offers_all_and_a_weekly_mail(client: FlaskClient) -> None:
    confirmed("vatten", "skola")
    link = link_in(mail_about("vatten"))

    page = client.get(link).text

    assert 'name="confirm"' in page
    assert 'name="weekly"' in page
    assert 'name="all"' in page
    assert page.index("Vatten") < page.index("Skola")


def test_how_often_is_in_their_history_once_it_has_changed(
    client: FlaskClient, editor: User
) -> None:
    subscription = confirmed("vatten")
    link = f"/unsubscribe/{unsubscribe_token(subscription)}"

    client.post(link, data={"weekly": "1"})
    client.post(link, data={"weekly": "1"})

    page = signed_in(client, editor).get(f"/office/subscribers/{subscription.subscriber_id}").text
    told = "ändrade hur ofta mejlen kommer: en gång i veckan i stället för direkt."
    assert page.count(told) == 1
    assert page.index("Vatten", page.index(told)) - page.index(told) < 300


def test_a_weekly_mail_instead_ends_nothing(client: FlaskClient) -> None:
    confirmed("vatten", "skola")
    link = link_in(mail_about("vatten"))

    page = client.post(link, data={"weekly": "1"})

    assert "Ändringarna är sparade" in page.text
    assert stands() == {"vatten": "weekly", "skola": "immediate"}


def test_everything_can_be_ended_from_a_mail(client: FlaskClient) -> None:
    confirmed("vatten", "skola")

    client.post(link_in(mail_about("vatten")), data={"all": "1"})

    assert stands() == {}


def test_after_leaving_one_topic_the_page_shows_the_others(client: FlaskClient) -> None:
    confirmed("vatten", "skola")
    link = link_in(mail_about("vatten"))

    page = client.post(link, data={"confirm": "1"}).text

    assert "Du får fortfarande mejl om" in page
    assert "Skola" in page
    assert 'name="all"' in page


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_at_the_choices_changes_nothing(client: FlaskClient, method: str) -> None:
    subscription = confirmed("vatten")
    path = f"/preferences/{preferences_token(subscription)}"

    for query in ("", "?leave=1", "?topic-vatten=never&language=en"):
        assert client.open(path + query, method=method).status_code == 200

    assert stands() == {"vatten": "immediate"}
    assert subscription.subscriber.language == "sv"


def test_topics_how_often_and_language_are_changed_together(client: FlaskClient) -> None:
    subscription = confirmed("vatten", "skola")
    path = f"/preferences/{preferences_token(subscription)}"

    page = client.post(
        path, data={"topic-vatten": "daily", "topic-skola": "never", "language": "en"}
    )

    assert "Your changes have been saved." in page.text
    assert stands() == {"vatten": "daily"}
    assert one("skola").ended_reason is EndedReason.USER_LINK
    assert mails() == []


def test_case_22_a_topic_that_is_added_waits_for_its_owners_yes(client: FlaskClient) -> None:
    subscription = confirmed("vatten")
    path = f"/preferences/{preferences_token(subscription)}"

    page = client.post(path, data={"topic-skola": "weekly", "topic-gammalt": "daily"})

    assert "börjar när du har bekräftat" in page.text
    assert stands() == {"vatten": "immediate", "skola": "pending"}
    assert one("skola").frequency is WEEKLY
    assert mails() == [MailingKind.CONFIRMATION]


@pytest.mark.parametrize("wish", ["hourly", "", "IMMEDIATE"])
def test_what_is_no_choice_changes_nothing(client: FlaskClient, wish: str) -> None:
    subscription = confirmed("vatten")
    path = f"/preferences/{preferences_token(subscription)}"

    assert client.post(path, data={"topic-vatten": wish, "topic-skola": wish}).status_code == 200

    assert stands() == {"vatten": "immediate"}


def test_the_link_goes_on_when_only_its_own_topic_was_left(client: FlaskClient) -> None:
    subscription = confirmed("vatten", "skola")
    path = f"/preferences/{preferences_token(subscription)}"

    client.post(path, data={"topic-vatten": "never"})
    client.post(path, data={"topic-skola": "weekly"})

    assert stands() == {"skola": "weekly"}


def test_a_link_of_before_says_nothing_for_who_came_back(client: FlaskClient) -> None:
    """Mails of old have been forwarded; whoever comes back has new links."""
    old = active()
    links_of_old = (unsubscribe_token(old), preferences_token(old))
    subscribing.end_all(old.subscriber, reason=EndedReason.USER_LINK, at=LATER)
    db.session.commit()
    back = ask("vatten", at=LATER + timedelta(days=1)).subscription
    assert back
    subscribing.confirm(confirm_token(back), ip=HOME, at=LATER + timedelta(days=1))
    db.session.commit()

    for body in ({"all": "1"}, {"confirm": "1"}, ONE_CLICK, {"weekly": "1"}):
        assert client.post(f"/unsubscribe/{links_of_old[0]}", data=body).status_code == 200
    for more in ({"leave": "1"}, {"topic-vatten": "never"}):
        page = client.post(f"/preferences/{links_of_old[1]}", data=more)
        assert "avslutad" in page.text
        assert "Vatten" not in page.text

    assert stands() == {"vatten": "immediate"}


def test_an_old_link_can_ask_for_a_new_one_which_goes_to_the_address(
    client: FlaskClient, rung: list[str]
) -> None:
    old = active()
    subscribing.end(old, reason=EndedReason.USER_LINK, at=LATER)
    confirmed("vatten")
    path = f"/preferences/{preferences_token(old)}"

    pages = [client.post(path, data={"again": "1"}).data for _ in range(5)]

    assert len(set(pages)) == 1
    assert b"Titta i din inkorg" in pages[0]
    assert mails().count(MailingKind.NOTICE) <= subscribing.MAILS_PER_DAY
    assert set(db.session.scalars(sa.select(Delivery.address))) == {DORA}


def test_a_new_link_is_as_silent_for_who_has_left(client: FlaskClient) -> None:
    old = active()
    path = f"/unsubscribe/{unsubscribe_token(old)}"
    with_mail = client.post(path, data={"again": "1"}).data
    suppress(old, at=LATER)

    assert client.post(path, data={"again": "1"}).data == with_mail
    assert mails() == [MailingKind.NOTICE]


def test_the_form_ticks_what_a_link_names(client: FlaskClient) -> None:
    page = client.get("/sv/subscribe?topic=vatten").text

    assert 'value="vatten" checked' in page
    assert '<details class="more" open>' in page
    assert "Gammalt" not in page
    assert '<details class="more">' in client.get("/sv/subscribe").text


def test_a_form_that_comes_back_keeps_every_choice(client: FlaskClient) -> None:
    page = client.post(
        "/sv/subscribe",
        data={"email": "dora@", "topic": "skola", "frequency": "daily", "language": "en"},
    )

    assert page.status_code == 422
    assert 'value="skola" checked' in page.text
    assert 'value="daily" checked' in page.text
    assert 'value="en" checked' in page.text


def test_the_frame_signs_up_and_answers_within_itself(client: FlaskClient) -> None:
    form = client.get("/sv/embed/subscribe?topic=vatten")
    answer = client.post("/sv/embed/subscribe", data={"email": DORA, "topic": "vatten"})
    wrong = client.post("/sv/embed/subscribe", data={"email": "dora@"})

    assert wrong.status_code == 422
    assert stands() == {"vatten": "pending"}
    assert one("vatten").consent_source == "site"
    for page in (form, answer, wrong):
        assert "frame-ancestors *" in page.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in page.headers
        assert "<script" not in page.text
        assert 'rel="icon"' in page.text  # or browsers ask for one that is not there
        assert page.text.count("<h1") == 1


def test_a_form_on_another_site_says_where_it_stood(client: FlaskClient) -> None:
    client.post(
        "/sv/subscribe",
        data={"email": DORA, "from": "site"},
        headers={"Origin": "https://icld.example", "Sec-Fetch-Site": "cross-site"},
    )

    assert one("press-releases").consent_source == "site"


def test_case_7_the_frame_has_its_honeypot_too(client: FlaskClient) -> None:
    human = client.post("/sv/embed/subscribe", data={"email": DORA})
    robot = client.post("/sv/embed/subscribe", data={"email": "r@x.example", "website": "x"})

    assert human.data == robot.data
    assert how_many(Subscriber) == 1


def test_case_1_the_answer_takes_whole_spans_of_time(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is slower than the span still tells no more than how many spans it took."""
    slept: list[float] = []
    monkeypatch.setattr(public, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(public.time, "sleep", slept.append)
    began = public.time.monotonic()
    moments = iter([began, began + 0.27])
    monkeypatch.setattr(public.time, "monotonic", lambda: next(moments, began + 0.27))

    client.post("/sv/subscribe", data={"email": DORA, "website": "x"})

    assert slept == [pytest.approx(0.13)]


def test_a_programme_is_offered_under_its_newest_name(app: Flask) -> None:
    offer_programme("partnerskap", name_sv="Partnerskap", name_en="Partnerships")
    offer_programme("partnerskap", name_sv="Partnerskap nu", name_en="Partnerships now")
    rename_programme("vatten", name_sv="Inte ett program", name_en="")
    db.session.commit()

    names = {topic.slug: topic.name("sv") for topic in offered()}
    assert names["partnerskap"] == "Partnerskap nu"
    assert names["vatten"] == "Vatten"


def test_what_a_mail_came_for_is_asked_only_of_its_reader(app: Flask) -> None:
    """A link made with somebody else's delivery ends no more than its own subscription."""
    subscription = confirmed("vatten", "skola")
    mailing = mail_about("vatten", "skola")
    other = active("eve@reader.example")
    delivery = db.session.scalars(
        sa.select(Delivery.id).where(Delivery.mailing_id == mailing.id)
    ).first()

    assert delivery is not None
    assert choosing.given_by(other, delivery) == [other]
    assert len(choosing.given_by(subscription, delivery)) == 2
