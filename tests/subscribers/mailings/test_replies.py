"""What a server's answer means: for the recipient, for us, or for nobody."""

from __future__ import annotations

import pytest

from subscribers.mailings.sending.replies import Reply, spoken


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.1.1 no such user", "5.1.1"),
        (452, "<a@b.example>: 4.2.2 mailbox full", "4.2.2"),
        (250, "2.0.0 Ok: queued as 4bXy", "2.0.0"),
        (550, "no such user here", None),
        (550, "host mx[192.0.2.5.1.1] said no", None),
        (550, "see https://help.example/5.1.1/x", None),
        (450, "5.1.1 of another class, then 4.2.0 later", "4.2.0"),
    ],
)
def test_the_status_is_found_where_it_stands_by_itself(
    code: int, text: str, status: str | None
) -> None:
    assert Reply(code, text).enhanced == status


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "5.7.1 message rejected"),
        (550, "5.7.515 Access denied, sending domain does not meet the level"),
        (421, "4.7.0 [TSS04] Messages temporarily deferred"),
        (421, "closing"),
        (451, "4.7.650 The mail server has been temporarily rate limited"),
        (450, "Too many connections from your host"),
        (554, "Your address is listed at zen.spamhaus.org"),
        (550, "Your IP has been blocked"),
    ],
)
def test_what_speaks_of_rate_or_name_is_about_policy(code: int, text: str) -> None:
    assert Reply(code, text).about_policy


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (250, "2.0.0 rate limit is fine"),
        (550, "5.1.1 user unknown, see our policy"),
        (452, "4.2.2 mailbox full"),
        (450, "4.2.0 greylisted, come back in 300 seconds"),
        (0, "connection reset"),
    ],
)
def test_what_speaks_of_the_mailbox_is_not_about_policy(code: int, text: str) -> None:
    assert not Reply(code, text).about_policy


def test_a_refusal_of_ourselves_is_nobodys_end() -> None:
    reply = Reply(550, "5.7.1 sender not allowed", about_us=True)

    assert not reply.permanent
    assert reply.transient


def test_what_a_server_said_fits_a_row_and_holds_no_control_characters() -> None:
    reply = spoken(550, "5.1.1 no\r\nsuch\x00 user\x1b[31m " + "x" * 600)

    assert reply.text.startswith("5.1.1 no such user [31m x")
    assert len(reply.text) == 500
