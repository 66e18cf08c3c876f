"""What refusals mean, and when enough has been said: plain rules, no database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from subscribers.mailings.models import InboundKind
from subscribers.mailings.returns import scoring
from subscribers.mailings.returns.scoring import Mark, judge
from tests.factories import A_MORNING

DAY = timedelta(days=1)


def soft(day: int, mailing: int) -> Mark:
    return Mark(A_MORNING + day * DAY, mailing, hard=False, enhanced="5.2.2")


def hard(day: int, enhanced: str) -> Mark:
    return Mark(A_MORNING + day * DAY, day, hard=True, enhanced=enhanced)


@pytest.mark.parametrize(
    ("said", "kind", "enhanced"),
    [
        ("550 no such user", InboundKind.HARD, "5.1.1"),
        ("550 Requested action not taken: mailbox unavailable", InboundKind.HARD, "5.1.1"),
        ("551 User not local", InboundKind.SOFT, ""),
        ("550 Unknown user", InboundKind.HARD, "5.1.1"),
        ("552 quota exceeded", InboundKind.SOFT, "5.2.2"),
        ("550 the mailbox is full", InboundKind.SOFT, "5.2.2"),
        ("554 rejected: listed at zen.spamhaus.org", InboundKind.POLICY, ""),
        ("550 5.1.1 blocked by our blacklist", InboundKind.POLICY, "5.1.1"),
        ("550 relaying denied", InboundKind.POLICY, ""),
        ("554 5.7.1 550 User Unknown", InboundKind.HARD, "5.1.1"),
        ("554 5.7.1 Sender address rejected: user unknown", InboundKind.POLICY, "5.7.1"),
        ("554 5.7.1 blocked: user unknown to our policy", InboundKind.POLICY, "5.7.1"),
        ("550 5.5.0 mailbox unavailable", InboundKind.HARD, "5.1.1"),
        ("550 5.5.0 mailbox unavailable, sender blocked", InboundKind.POLICY, "5.5.0"),
        ("550 5.4.4 Host not found", InboundKind.HARD, "5.1.2"),
        ("451 4.3.0 service refused, please try later", InboundKind.POLICY, "4.3.0"),
        ("452 4.2.2 over quota by policy", InboundKind.SOFT, "4.2.2"),
        ("450 4.1.1 user unknown, policy", InboundKind.SOFT, "4.1.1"),
        ("550 Host not found", InboundKind.HARD, "5.1.2"),
        ("550 account disabled", InboundKind.HARD, "5.2.1"),
        ("451 4.7.1 try again later", InboundKind.POLICY, "4.7.1"),
        ("451 4.3.0 temporary failure", InboundKind.SOFT, "4.3.0"),
        ("421 too many connections", InboundKind.POLICY, ""),
        ("550 5.4.1 access denied", InboundKind.POLICY, "5.4.1"),
        ("555 5.5.4 unsupported parameter", InboundKind.POLICY, "5.5.4"),
        ("550 nothing that anybody would understand", InboundKind.SOFT, ""),
    ],
)
def test_words_and_codes_are_judged_where_there_is_no_clear_status(
    said: str, kind: InboundKind, enhanced: str
) -> None:
    verdict = judge("failed", "", said)

    assert (verdict.kind, verdict.enhanced) == (kind, enhanced)


# As servers write it: (status of the report, the server's own words).
@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("5.0.0", "550-Requested action not taken: mailbox unavailable 550 invalid DNS MX record"),
        ("", "550 From: Domain is invalid. Provide a valid From address"),
        ("", "550 MAIL FROM domain does not exist"),
        ("", "553 Invalid sender domain name: host not found"),
        ("", "550 Sender address is not valid"),
        ("", "550 Sender mailbox does not exist"),
        ("5.1.1", "host said: 550 unknown (in reply to MAIL FROM command)"),
        ("", "550 Mailbox unavailable or access denied"),
        ("5.0.0", "550 <anna@reader.example>: Recipient address rejected: Access denied"),
        ("5.1.1", "554 you are not permitted to relay through us"),
        ("", "554-No SMTP service 554-IP address is black listed"),
        ("", "550 Unroutable sender address"),
        ("5.1.8", "553 5.1.8 <press@press.example>... Domain of sender address does not exist"),
        ("", "550 your domain has been blocked"),
        ("5.0.0", "550 undisclosed recipients are not taken: spam"),
        ("5.0.0", "550 Spamming not allowed"),
        ("5.0.0", "550 Access from ip address 192.0.2.9 blocked. Visit our pages"),
        ("5.1.1", "550-Verification failed for <b+1@press.example>"),
        ("5.1.1", "550-Called: 192.0.2.9 550-Response: 550 no such user 550 Sender verify failed"),
        ("5.0.0", "550 Your server requires confirmation, see our whitelist"),
        ("", "because they are not accepting mail from press@press.example"),
    ],
)
def test_what_is_said_of_the_sender_never_counts_against_a_reader(status: str, said: str) -> None:
    assert judge("failed", status, said).kind is InboundKind.POLICY


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("5.0.0", "550-Requested action not taken: mailbox unavailable 550 Try again later"),
        ("5.2.1", "550-5.2.1 The user you try to reach is receiving mail at a rate that prevents"),
        ("5.1.1", "550 5.1.1 Refused due to recipient preferences"),
        ("5.4.4", "Name service error for reader.example type=MX: temporary failure"),
        ("5.4.6", "mail for reader.example loops back to myself"),
        ("5.5.0", "552 5.5.0 mailbox is full"),
        ("5.7.0", "The recipient mailbox has exceeded its disk space limit."),
        ("5.1.1 (bad destination mailbox address)", "550 max message size exceeded"),
        ("5.0.0", "550 User has too many messages on the server"),
        ("", "Espacio en casilla de mail agotado."),
        ("", "El mensaje ha expirado"),
        ("", "Name service error for domain reader.example: Host not found, try again"),
        ("", "550 Destinatario desconocido o mailbox lleno"),
        ("", "550 Too many hops"),
        ("5.0.0", "550 the recipient list is undisclosed"),
    ],
)
def test_what_may_be_otherwise_tomorrow_is_not_the_end(status: str, said: str) -> None:
    assert judge("failed", status, said).kind is InboundKind.SOFT


@pytest.mark.parametrize(
    ("status", "said", "enhanced"),
    [
        ("", "550 the address anna@reader.example is no longer valid", "5.1.1"),
        ("5.0.0", "554 mailbox is blocked", "5.2.1"),
        ("5.0.0", "550 anna@reader.example...User unknown", "5.1.1"),
        ("5.0.0", "554 Rcpt <anna@reader.example> does not exist", "5.1.1"),
        ("5.0.0", "550 BAD_RECIPIENT", "5.1.1"),
        ("5.1.1", "550 5.1.1 No such user; check the address and try again", "5.1.1"),
        ("", "554 Usuário Inválido ou Inexistente.", "5.1.1"),
        ("", "Esta casilla ha expirado por falta de uso.", "5.2.1"),
        ("", "550 La cuenta ha sido desactivada", "5.2.1"),
        ("5.7.1", "550 5.7.1 No mailbox found", "5.1.1"),
        ("5.0.0", "550 anna@reader.example is not an active address here", "5.2.1"),
        ("", "550 inactive email address", "5.2.1"),
        ("5.5.0", "550 account has been disabled", "5.2.1"),
        ("5.7.13", "525 5.7.13 Disabled recipient address", "5.2.1"),
        ("5.7.27", "550 Host does not accept mail", "5.1.2"),
        ("4.4.4", "host indicated no SMTP service (null MX)", "5.1.2"),
        ("5.4.4", "550 5.4.4 Invalid domain", "5.1.2"),
        ("5.4.4 (Illegal host/domain name found)", "", "5.1.2"),
        ("5.0.0", "550 Mailbox is frozen. See our pages", "5.2.1"),
        ("5.0.0", "550 <anna@reader.example>: Recipient address rejected.", "5.1.1"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "5.4.1"),
    ],
)
def test_a_mailbox_that_is_gone_is_known_by_its_servers_words(
    status: str, said: str, enhanced: str
) -> None:
    verdict = judge("failed", status, said)

    assert (verdict.kind, verdict.enhanced) == (InboundKind.HARD, enhanced)


def test_the_remote_servers_status_goes_before_a_general_one() -> None:
    assert judge("failed", "5.0.0", "smtp; 550 5.1.1 gone").enhanced == "5.1.1"
    assert judge("failed", "5.1.1", "550 5.7.1 refused").kind is InboundKind.POLICY


def test_a_number_inside_an_address_is_no_status() -> None:
    assert judge("failed", "", "host 5.1.1.7 said nothing").kind is InboundKind.SOFT


@pytest.mark.parametrize("enhanced", ["5.1.1", "5.1.10"])
def test_no_such_mailbox_is_the_end_at_once(enhanced: str) -> None:
    assert scoring.is_over([hard(0, enhanced)])


@pytest.mark.parametrize("enhanced", ["5.1.2", "5.2.1"])
def test_no_such_domain_and_a_closed_mailbox_are_the_end_on_the_second_day(enhanced: str) -> None:
    assert not scoring.is_over([hard(0, enhanced), hard(0, enhanced)])
    assert scoring.is_over([hard(0, enhanced), hard(1, enhanced)])


def test_case_27_five_soft_points_over_a_week_and_three_mailings_are_the_end() -> None:
    assert scoring.is_over([soft(0, 1), soft(2, 2), soft(4, 3), soft(6, 4), soft(7, 5)])
    assert not scoring.is_over([soft(0, 1), soft(2, 2), soft(4, 3), soft(7, 4)])


def test_soft_points_of_two_mailings_or_of_a_few_days_are_not_the_end() -> None:
    assert not scoring.is_over([soft(day, day % 2) for day in range(0, 20, 2)])
    assert not scoring.is_over([soft(day, day) for day in range(6)])
    assert not scoring.is_over([soft(0, n) for n in range(9)] + [soft(8, 9)])


def test_a_domain_that_refuses_one_in_five_is_an_outage_when_it_is_ten_at_least() -> None:
    assert scoring.is_outage(refused=30, taken=20)
    assert scoring.is_outage(refused=10, taken=0)
    assert not scoring.is_outage(refused=9, taken=0)
    assert not scoring.is_outage(refused=10, taken=40)
    assert not scoring.is_outage(refused=20, taken=5_000)
