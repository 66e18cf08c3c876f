"""The headers by which machines know our mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import now
from app.core.db import db
from app.core.organisation import Organisation
from subscribers.audience.models import SubscriptionState
from subscribers.mailings.headers import feedback_id, list_name
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from subscribers.mailings.queueing import queue_confirmation, queue_letter, queue_notice
from tests.factories import A_MORNING
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import queued, send_all, subscriber

ONE_OF_EACH = (
    "From",
    "Reply-To",
    "To",
    "Date",
    "Message-ID",
    "Subject",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "List-Archive",
    "Feedback-ID",
    "X-Auto-Response-Suppress",
)


def the_mail(post: PostOffice) -> EmailMessage:
    send_all()
    (letter,) = post.letters
    return letter.message


def test_a_mail_to_a_list_has_every_header_that_providers_ask_for_once(
    app: Flask, post: PostOffice
) -> None:
    db.session.add(
        Organisation(
            name_sv="Centret",
            name_en="The Centre",
            short_name="C",
            press_email="desk@press.example",
        )
    )
    subscriber("reader@news.example")
    queued()

    message = the_mail(post)

    assert {name: len(message.get_all(name, [])) for name in ONE_OF_EACH} == dict.fromkeys(
        ONE_OF_EACH, 1
    )
    assert message["From"].addresses[0].domain == "press.example"
    assert message["Reply-To"] == "desk@press.example"
    assert message["List-Archive"] == "<http://127.0.0.1:8000/sv/>"
    assert message["Precedence"] is None
    assert message["Auto-Submitted"] is None


def test_a_mail_to_a_list_can_be_left_by_mail_to_an_address_of_its_own(
    app: Flask, post: PostOffice
) -> None:
    subscriber("reader@news.example")
    queued()

    message = the_mail(post)

    number = db.session.scalars(sa.select(Delivery.id)).one()
    found = re.search(r", <mailto:u\+(\d+)\.([0-9a-f]{16})@", str(message["List-Unsubscribe"]))
    assert found
    assert int(found[1]) == number
    assert str(message["List-Unsubscribe"]).endswith("@bounce.press.example?subject=unsubscribe>")


@pytest.mark.parametrize(
    ("queue", "state"),
    [
        (queue_confirmation, SubscriptionState.PENDING),
        (queue_notice, SubscriptionState.ACTIVE),
    ],
)
def test_case_14_a_system_mail_asks_for_no_answer_and_is_no_list(
    app: Flask,
    post: PostOffice,
    queue: Callable[..., Mailing],
    state: SubscriptionState,
) -> None:
    queue(subscriber("reader@news.example", state=state), at=now())
    db.session.commit()

    message = the_mail(post)

    assert message["Auto-Submitted"] == "auto-generated"
    assert [name for name in message if name.startswith(("List-", "Feedback"))] == []


def test_a_letter_to_one_person_is_no_list(app: Flask, post: PostOffice) -> None:
    queue_letter(
        key="letter:1",
        to="alva@news.example",
        language="sv",
        subject="Ett citat",
        text="Hej",
        html="<p>Hej</p>",
        at=A_MORNING,
    )
    db.session.commit()

    message = the_mail(post)

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("press-releases", "press-releases.press.example"),
        ("program:Kommunala partnerskap", "program-kommunala-partnerskap.press.example"),
        ("x" * 100, "x" * 63 + ".press.example"),
        ("<>", "list.press.example"),
    ],
)
def test_a_lists_name_is_one_that_dns_could_bear(topic: str, expected: str) -> None:
    assert list_name(topic, domain="press.example") == expected


@pytest.mark.parametrize(
    "domain", ["a.se", "press.example", "pressmeddelanden.organisationen.example"]
)
def test_complaints_are_summed_up_by_four_fields_that_name_nobody(domain: str) -> None:
    text = feedback_id(
        key="release:1:r7:sv", topic="press:releases", kind=MailingKind.RELEASE, domain=domain
    )

    fields = text.split(":")
    assert fields[:3] == ["release-1-r7-sv", "press-releases", "release"]
    assert len(fields) == 4
    assert re.fullmatch(r"[a-z0-9-]{5,15}", fields[3])
