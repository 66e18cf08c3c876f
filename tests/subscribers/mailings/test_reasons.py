"""What servers say, and what it means: the answers of real servers, each with its kind."""

from __future__ import annotations

import pytest

from app.core.words import LANGUAGES, catalogue
from subscribers.mailings.watching.reasons import Reason, reason_of

SAID = [
    (550, "5.1.1", "5.1.1 The email account that you tried to reach does not exist.", "unknown"),
    (550, None, "No such user here", "unknown"),
    (550, None, "<…@x.example>: Recipient address rejected: User unknown", "unknown"),
    (550, "5.1.10", "5.1.10 RESOLVER.ADR.RecipientNotFound; not found", "unknown"),
    (452, "4.2.2", "4.2.2 The recipient's inbox is out of storage space", "full"),
    (552, "5.2.2", "5.2.2 mailbox over quota", "full"),
    (550, None, "Mailbox full", "full"),
    (550, "5.2.1", "5.2.1 The email account is disabled", "closed"),
    (421, "4.7.28", "4.7.28 Our system has detected an unusual rate of mail", "slow_down"),
    (421, "4.7.0", "4.7.0 [TSS04] Messages temporarily deferred", "slow_down"),
    (450, "4.7.1", "4.7.1 Greylisted, please try again in 300 seconds", "greylist"),
    (451, None, "Graylisting in action", "greylist"),
    (550, "5.7.1", "5.7.1 Message rejected due to local policy", "policy"),
    (550, "5.7.26", "5.7.26 Unauthenticated email is not accepted due to DMARC", "authentication"),
    (550, "5.7.515", "5.7.515 Access denied, sending domain", "authentication"),
    (554, "5.7.1", "5.7.1 Service unavailable; client blocked using zen.spamhaus.org", "blocklist"),
    (554, "5.7.1", "5.7.1 <…@x.example>: Relay access denied", "relay"),
    (530, "5.7.0", "5.7.0 Must issue a STARTTLS command first", "login"),
    (535, "5.7.8", "5.7.8 Authentication credentials invalid", "login"),
    (552, "5.3.4", "5.3.4 Message size exceeds fixed limit", "too_large"),
    (553, "5.6.7", "5.6.7 the mail server does not offer SMTPUTF8", "letters"),
    (451, "4.4.1", "4.4.1 connection timed out", "route"),
    (451, "4.3.0", "4.3.0 Mail server temporarily rejected message", "their_server"),
    (554, "5.6.0", "5.6.0 Message content rejected", "content"),
    (451, None, "Please come back", "later"),
    (550, None, "No", "refused"),
    (None, None, "[Errno 111] Connection refused", "unreachable"),
    (0, None, None, "unreachable"),
]


@pytest.mark.parametrize(("code", "enhanced", "reply", "meant"), SAID)
def test_an_answer_is_understood(
    code: int | None, enhanced: str | None, reply: str | None, meant: str
) -> None:
    assert reason_of(code, enhanced, reply).value == meant


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_it_means_and_what_to_do(reason: Reason, language: str) -> None:
    words = catalogue(language)

    assert {f"watching.reason.{reason.value}.{part}" for part in ("title", "text", "do")} <= set(
        words
    )
