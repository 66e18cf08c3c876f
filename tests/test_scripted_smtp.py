"""The scripted server keeps to its script, so that other tests may believe it."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import make_certificates
from tests.scripted_smtp import HANG_UP, LOSE, ApartSMTP, Moment, ScriptedSMTP, Stall

MAIL = "Subject: hello\r\nMessage-ID: <one@press.example>\r\n\r\n.dots\r\n..more\r\n"


@pytest.fixture
def post() -> Iterator[ScriptedSMTP]:
    with ScriptedSMTP() as server:
        yield server


def send(client: smtplib.SMTP, to: str = "dora@reader.example") -> None:
    client.sendmail("b+1@bounce.example", [to], MAIL)


def test_a_mail_is_kept_as_it_was_with_its_envelope(post: ScriptedSMTP) -> None:
    with smtplib.SMTP("127.0.0.1", post.port) as client:
        send(client)

    (letter,) = post.letters
    assert (letter.sender, letter.to) == ("b+1@bounce.example", "dora@reader.example")
    assert letter.raw == MAIL.encode()
    assert letter.message_id == "<one@press.example>"
    assert [one.answer[:3] for one in post.tries] == ["250"]


def test_one_recipient_is_refused_and_the_next_on_the_same_connection_is_not(
    post: ScriptedSMTP,
) -> None:
    post.on("RCPT", "550 5.1.1 no such user", to="dora@reader.example")

    with smtplib.SMTP("127.0.0.1", post.port) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(client)
        send(client, "emil@reader.example")

    assert [letter.to for letter in post.letters] == ["emil@reader.example"]
    assert post.connections == 1


def test_a_rule_for_a_domain_ends_after_so_many_times(post: ScriptedSMTP) -> None:
    post.on("RCPT", "450 4.2.0 later", to="@reader.example", times=1)

    with smtplib.SMTP("127.0.0.1", post.port) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(client)
        send(client)

    assert len(post.letters) == 1


@pytest.mark.parametrize(("step", "taken"), [("TEXT", 0), ("DOT", 1)])
def test_hanging_up_before_the_dot_loses_the_mail_and_after_it_does_not(
    post: ScriptedSMTP, step: str, taken: int
) -> None:
    post.on(step, HANG_UP)

    with (
        pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)),
        smtplib.SMTP("127.0.0.1", post.port) as client,
    ):
        send(client)

    assert len(post.letters) == taken


def test_a_mail_may_be_lost_after_its_dot(post: ScriptedSMTP) -> None:
    post.on("DOT", LOSE)

    with (
        pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)),
        smtplib.SMTP("127.0.0.1", post.port) as client,
    ):
        send(client)

    assert post.letters == []


def test_421_closes_the_connection_at_the_mail_it_was_meant_for(post: ScriptedSMTP) -> None:
    post.on("MAIL", "421 4.3.2 closing", skip=1, times=1)

    with pytest.raises(smtplib.SMTPException), smtplib.SMTP("127.0.0.1", post.port) as client:
        send(client)
        send(client)
    with smtplib.SMTP("127.0.0.1", post.port) as client:
        send(client)

    assert (len(post.letters), post.connections) == (2, 2)
    assert [one.answer[:3] for one in post.tries] == ["250", "421", "250"]


def test_a_stalled_answer_comes_when_it_may(post: ScriptedSMTP) -> None:
    stall = Stall(then="250 2.0.0 at last")
    post.on("DOT", stall)

    def one() -> None:
        with smtplib.SMTP("127.0.0.1", post.port) as client:
            send(client)

    sender = threading.Thread(target=one)
    sender.start()
    assert stall.reached.wait(5)
    before = len(post.letters)
    stall.go_on.set()
    sender.join(5)

    assert before == 0
    assert len(post.letters) == 1


def test_what_is_at_once_in_the_open_is_counted_by_domain(post: ScriptedSMTP) -> None:
    together = threading.Barrier(3)

    def wait(moment: Moment) -> None:
        together.wait(5)

    post.on("DOT", wait)

    def one(to: str) -> None:
        with smtplib.SMTP("127.0.0.1", post.port) as client:
            send(client, to)

    names = ["a@one.example", "b@one.example", "c@two.example"]
    senders = [threading.Thread(target=one, args=(name,)) for name in names]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(5)

    assert post.most_open == 3
    assert post.most_at_once() == 3
    assert post.most_at_once(to="@one.example") == 2


def test_pipelined_commands_are_answered_in_their_order(post: ScriptedSMTP) -> None:
    post.on("RCPT", "550 5.1.1 no", to="dora@reader.example")
    commands = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<dora@reader.example>\r\nDATA\r\nRSET\r\n"

    with socket.create_connection(("127.0.0.1", post.port), timeout=5) as client:
        lines = client.makefile("rb")
        lines.readline()
        client.sendall(commands)
        codes = [lines.readline()[:3] for _ in range(4)]

    assert codes == [b"250", b"550", b"554", b"250"]


def test_pipelining_and_smtputf8_are_offered_as_told() -> None:
    offers = []
    for wanted in (True, False):
        with (
            ScriptedSMTP(pipelining=wanted, utf8=wanted) as post,
            smtplib.SMTP("127.0.0.1", post.port) as client,
        ):
            client.ehlo()
            offers.append((client.has_extn("pipelining"), client.has_extn("smtputf8")))

    assert offers == [(True, True), (False, False)]


def test_starttls_shows_a_certificate_of_our_own_authority(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)

    with (
        ScriptedSMTP(certificates=certificates) as post,
        smtplib.SMTP("127.0.0.1", post.port) as client,
    ):
        client.starttls(context=ssl.create_default_context(cafile=str(certificates.authority)))
        send(client)

    assert len(post.letters) == 1


def test_tls_from_the_first_byte_is_refused_by_whoever_does_not_know_the_authority(
    tmp_path: Path,
) -> None:
    certificates = make_certificates(tmp_path)
    with ScriptedSMTP(certificates=certificates, tls=True) as post:
        with pytest.raises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL("127.0.0.1", post.port, context=ssl.create_default_context())
        known = ssl.create_default_context(cafile=str(certificates.authority))
        with smtplib.SMTP_SSL("127.0.0.1", post.port, context=known) as client:
            send(client)

    assert len(post.letters) == 1


def test_who_has_not_signed_in_is_not_served() -> None:
    with (
        ScriptedSMTP(login=("press", "secret")) as post,
        smtplib.SMTP("127.0.0.1", post.port) as client,
    ):
        with pytest.raises(smtplib.SMTPSenderRefused):
            send(client)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("press", "wrong")
        client.login("press", "secret")
        send(client)

    assert len(post.letters) == 1


def test_slow_bytes_come_one_by_one() -> None:
    with ScriptedSMTP(slow_bytes=0.002) as post:
        begun = time.monotonic()
        with smtplib.SMTP("127.0.0.1", post.port) as client:
            client.noop()

    assert time.monotonic() - begun > 0.1


def test_stopped_it_refuses_and_started_again_it_has_its_port(post: ScriptedSMTP) -> None:
    port = post.port
    post.stop()
    with pytest.raises(OSError):
        smtplib.SMTP("127.0.0.1", port)

    post.start()
    with smtplib.SMTP("127.0.0.1", port) as client:
        send(client)

    assert len(post.letters) == 1


def test_in_a_process_of_its_own_it_writes_down_what_it_took(tmp_path: Path) -> None:
    with ApartSMTP(tmp_path / "taken") as post:
        with smtplib.SMTP("127.0.0.1", post.port) as client:
            send(client)
            send(client, "emil@reader.example")
        taken = post.taken()

    assert taken == 2
    assert [line[:2] for line in post.lines()] == [
        ("dora@reader.example", "<one@press.example>"),
        ("emil@reader.example", "<one@press.example>"),
    ]
