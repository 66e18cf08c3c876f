"""Flask-Mail's own messages: what may not leave the house, and how the rest does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_mail import Attachment, BadHeaderError, Message

from app.core.db import normal_url
from app.core.mail import SafeConnection, Unsendable, mail
from tests.postoffice import PostOffice


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Mail needs no database."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def message(**changes: Any) -> Message:
    given: dict[str, Any] = {
        "subject": "Hej på dig",
        "recipients": ["reader@news.example"],
        "body": "Text",
    }
    return Message(**{**given, **changes})


def test_a_message_arrives_with_an_id_of_the_senders_domain(app: Flask, post: PostOffice) -> None:
    mail.send(message(html="<p>Text</p>"))

    (letter,) = post.letters
    assert letter.message["Subject"] == "Hej på dig"
    assert str(letter.message["Message-ID"]).endswith("@press.example>")
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "evil", ["\r\nBcc: b@x.example", "\nBcc: b@x.example", "\r", "\0", "\u2028"]
)
@pytest.mark.parametrize(
    "field",
    ["subject", "sender", "recipients", "reply_to", "cc", "bcc", "value", "name", "attachment"],
)
def test_nothing_that_would_add_a_header_leaves_the_house(
    app: Flask, post: PostOffice, field: str, evil: str
) -> None:
    changes: dict[str, Any] = {
        "subject": {"subject": f"Hej{evil}"},
        "sender": {"sender": f"Press{evil} <press@press.example>"},
        "recipients": {"recipients": [f"a@x.example{evil}"]},
        "reply_to": {"reply_to": f"a@x.example{evil}"},
        "cc": {"cc": [("Name" + evil, "a@x.example")]},
        "bcc": {"bcc": [f"a@x.example{evil}"]},
        "value": {"extra_headers": {"X-Thing": f"a{evil}"}},
        "name": {"extra_headers": {f"X-Thing{evil}": "a"}},
        "attachment": {"attachments": [Attachment(f"a{evil}.txt", "text/plain", b"x")]},
    }[field]

    with pytest.raises(BadHeaderError):
        mail.send(message(**changes))

    assert post.letters == []


@pytest.mark.parametrize("name", ["Bcc", "subject", "From", "X Thing", "X-Thing:", ""])
def test_a_header_of_ours_cannot_be_given_twice(app: Flask, post: PostOffice, name: str) -> None:
    with pytest.raises(BadHeaderError):
        mail.send(message(extra_headers={name: "x"}))

    assert post.letters == []


def test_an_address_outside_ascii_is_refused_and_not_mangled(app: Flask, post: PostOffice) -> None:
    with pytest.raises(Unsendable):
        mail.send(message(recipients=["åsa@news.example"]))

    assert post.letters == []


def test_a_line_that_is_too_long_is_refused(app: Flask, post: PostOffice) -> None:
    with pytest.raises(Unsendable):
        mail.send(message(body="x" * 1200, charset="us-ascii"))

    assert post.letters == []


def test_an_extension_that_asks_flask_mail_gets_the_safe_connection(app: Flask) -> None:
    assert isinstance(app.extensions["mail"].connect(), SafeConnection)
