"""The headers by which machines know our mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from app.core.organisation import Organisation
from subscribers.audience.models import SubscriptionState
from subscribers.mailing_views import without_links
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from subscribers.mailings.writing import signing
from subscribers.mailings.writing.headers import feedback_id, list_name
from subscribers.mailings.writing.keys import Key, new_key
from subscribers.mailings.writing.queueing import queue_confirmation, queue_letter, queue_notice
from tests import factories
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


ONCE = [name for name in ONE_OF_EACH if name != "Reply-To"]  # no desk of its own, no Reply-To


def signed_names(raw: bytes) -> list[bytes]:
    """What the signature says it covers."""
    (found,) = re.findall(rb"(?s)DKIM-Signature:.*?\bh=([^;]+);", raw)
    return [name.strip() for name in found.split(b":")]


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


@pytest.fixture
def signs(app: Flask, tmp_path: Path) -> Key:
    """The office signs with a key of its own."""
    path = tmp_path / "dkim.pem"
    path.write_bytes(new_key("rsa"))
    app.config.update(DKIM_KEY=str(path), DKIM_SELECTOR="press1", DKIM_DOMAIN="press.example")
    signing.init_app(app)
    return signing.keys_in_force()[0]


def test_case_54_every_bulk_mail_is_whole_signed_and_reads_as_its_preview(
    app: Flask, post: PostOffice, signs: Key, client: FlaskClient, writer: User
) -> None:
    people = ["reader@news.example", "läsare@news.example".replace("ä", "a"), "x@y.example"]
    for person in people:
        subscriber(person)
    mailing = queued(
        subject="Åtta kommuner får dela på tio miljoner – så fördelas stödet till " + "🎉" * 40,
        text=".En rad med punkt\n" + "Ord på svenska. " * 200 + "\n",
        html="<p>" + "Ord på svenska, و بالعربية. " * 200 + "</p>",
    )
    preview = factories.signed_in(client, writer).get(f"/office/mailings/{mailing.id}/html").text

    send_all()

    assert sorted(letter.to for letter in post.letters) == sorted(people)
    for letter in post.letters:
        message = letter.message
        assert {name: len(message.get_all(name, [])) for name in ONCE} == dict.fromkeys(ONCE, 1)
        assert [one.addr_spec for one in message["To"].addresses] == [letter.to]
        signer = dkim.DKIM(letter.raw)
        assert signer.verify(dnsfunc=lambda name, timeout=5: signs.record.encode())
        assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(signed_names(letter.raw))
        assert max(map(len, letter.raw.split(b"\r\n"))) <= 998
        assert b"pressrum-slot" not in letter.raw
        assert letter.raw.isascii()
        assert [part.get_content_type() for part in message.iter_parts()] == [
            "text/plain",
            "text/html",
        ]
        assert ".En rad med punkt\r\n" in letter.text.replace("\n", "\r\n").replace("\r\r", "\r")
        assert without_links(letter.html) == preview


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
