"""What is said to a mail server and how its answers are understood, without a socket."""

from __future__ import annotations

import base64
import hmac

import pytest

from subscribers.mailings.sending.conversation import (
    Answered,
    Conversation,
    Encrypt,
    Encryption,
    Ended,
    Opened,
    Parcel,
    Refused,
    Wanted,
)

PIPELINING = b"250-post.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
PLAIN = b"250-post.example\r\n250 8BITMIME\r\n"


def parcel(number: int = 1, to: str = "eva@lund.example") -> Parcel:
    return Parcel(number, f"b+{number}.0@bounce.example", to, b"Subject: x\r\n\r\n..\r\nhej\r\n")


def talk(
    encryption: Encryption = Encryption.NONE, login: tuple[str, str] | None = None
) -> Conversation:
    return Conversation(name="us.example", encryption=encryption, login=login)


def opened(features: bytes = PIPELINING) -> Conversation:
    conversation = talk()
    conversation.hear(b"220 post.example ESMTP\r\n")
    assert conversation.take() == b"EHLO us.example\r\n"
    assert conversation.hear(features) == [Opened()]
    return conversation


def test_a_server_with_pipelining_hears_the_envelope_at_once() -> None:
    conversation, mail = opened(), parcel()

    conversation.name_mail(mail)

    assert conversation.take() == (
        b"MAIL FROM:<b+1.0@bounce.example>\r\nRCPT TO:<eva@lund.example>\r\nDATA\r\n"
    )
    assert conversation.hear(b"250 ok\r\n250 ok\r\n354 go\r\n") == [Wanted(mail)]
    assert conversation.take() == b"", "nothing of the text goes out before the word is given"
    conversation.hand_over(mail)
    assert conversation.take() == b"Subject: x\r\n\r\n..\r\nhej\r\n.\r\n"
    (answered,) = conversation.hear(b"250 2.0.0 taken\r\n")
    assert isinstance(answered, Answered)
    assert answered.reply.accepted


def test_a_server_without_pipelining_is_asked_step_by_step() -> None:
    conversation, mail = opened(PLAIN), parcel()

    conversation.name_mail(mail)
    said = [conversation.take()]
    for answer in (b"250 ok\r\n", b"250 ok\r\n"):
        assert conversation.hear(answer) == []
        said.append(conversation.take())

    assert said == [
        b"MAIL FROM:<b+1.0@bounce.example>\r\n",
        b"RCPT TO:<eva@lund.example>\r\n",
        b"DATA\r\n",
    ]
    assert conversation.hear(b"354 go\r\n") == [Wanted(mail)]


def test_the_next_mail_is_named_while_the_last_is_in_the_open_and_its_text_waits() -> None:
    conversation, first, second = opened(), parcel(1), parcel(2)
    conversation.name_mail(first)
    conversation.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.take()

    conversation.hand_over(first)
    assert conversation.can_take
    conversation.name_mail(second)
    assert not conversation.can_take

    written = conversation.take()
    assert written.endswith(b"hej\r\n.\r\nMAIL FROM:<b+2.0@bounce.example>\r\n"
                            b"RCPT TO:<eva@lund.example>\r\nDATA\r\n")  # fmt: skip
    assert conversation.in_the_open is first
    heard = conversation.hear(b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    assert [type(one) for one in heard] == [Answered, Wanted]
    assert conversation.in_the_open is None


def test_without_pipelining_the_next_mail_waits_for_the_answer() -> None:
    conversation, first, second = opened(PLAIN), parcel(1), parcel(2)
    conversation.name_mail(first)
    for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
        conversation.hear(answer)
    conversation.take()

    conversation.hand_over(first)
    conversation.name_mail(second)

    assert conversation.take().endswith(b"\r\n.\r\n")
    conversation.hear(b"250 taken\r\n")
    assert conversation.take() == b"MAIL FROM:<b+2.0@bounce.example>\r\n"


def test_a_refused_recipient_under_pipelining_ends_in_a_lone_dot_when_text_is_asked_for() -> None:
    conversation, mail = opened(), parcel()
    conversation.name_mail(mail)
    conversation.take()

    (answered,) = conversation.hear(b"250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n")

    assert isinstance(answered, Answered)
    assert (answered.reply.code, answered.reply.permanent) == (550, True)
    assert conversation.take() == b".\r\n", "a dot and no text (RFC 2920 3.1)"
    conversation.hear(b"554 no valid recipients\r\n")
    conversation.name_mail(parcel(2))
    assert conversation.take().startswith(b"RSET\r\nMAIL FROM:<b+2.0")
    assert conversation.hear(b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")[0] == Wanted(
        conversation.named  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("data", [b"503 no recipients\r\n", b"554 no valid recipients\r\n"])
def test_a_refused_recipient_under_pipelining_may_have_its_data_refused_too(data: bytes) -> None:
    conversation, mail = opened(), parcel()
    conversation.name_mail(mail)
    conversation.take()

    (answered,) = conversation.hear(b"250 ok\r\n450 4.2.0 later\r\n" + data)

    assert isinstance(answered, Answered)
    assert answered.reply.text == "4.2.0 later"
    assert conversation.take() == b""
    assert conversation.can_take


def test_a_refused_sender_is_our_own_matter() -> None:
    conversation, mail = opened(), parcel()
    conversation.name_mail(mail)

    (answered,) = conversation.hear(b"550 5.7.1 not you\r\n503 first MAIL\r\n503 first MAIL\r\n")

    assert isinstance(answered, Answered)
    assert answered.reply.about_us
    assert not answered.reply.permanent


@pytest.mark.parametrize(
    ("answers", "fate"),
    [
        (b"421 4.3.2 closing\r\n", Ended),  # nothing was asked about the recipient yet
        (b"250 ok\r\n421 4.7.0 slow down\r\n", Answered),
    ],
)
def test_421_ends_the_conversation(answers: bytes, fate: type[object]) -> None:
    conversation, mail = opened(), parcel()
    conversation.name_mail(mail)

    (happening,) = conversation.hear(answers)

    assert isinstance(happening, fate)
    assert conversation.is_over


def test_a_mail_that_was_let_go_gets_no_text_and_the_one_before_it_gets_its_answer() -> None:
    conversation, first, second = opened(), parcel(1), parcel(2)
    conversation.name_mail(first)
    conversation.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.hand_over(first)
    conversation.name_mail(second)

    assert conversation.let_go() is second

    (answered,) = conversation.hear(b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    assert isinstance(answered, Answered)
    assert answered.parcel is first
    assert conversation.is_over


def test_answers_may_come_in_any_pieces() -> None:
    conversation, mail = opened(), parcel()
    conversation.name_mail(mail)

    heard = [
        one
        for at in range(50)
        for one in conversation.hear(
            b"250-o\r\n250 ok\r\n250 ok\r\n354 go on, please\r\n"[at : at + 1]
        )
    ]

    assert heard == [Wanted(mail)]


@pytest.mark.parametrize(
    "nonsense",
    [b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01\r\n", b"25 too short\r\n", b"x" * 9000],
)
def test_what_is_no_smtp_ends_the_conversation(nonsense: bytes) -> None:
    conversation = talk()

    (happening,) = conversation.hear(nonsense)

    assert isinstance(happening, Ended)


def test_a_greeting_that_refuses_is_about_us() -> None:
    (happening,) = talk().hear(b"554 5.7.1 you are listed\r\n")

    assert isinstance(happening, Refused)
    assert happening.reply.about_us
    assert happening.reply.text == "5.7.1 you are listed"


def test_a_server_that_knows_no_ehlo_is_greeted_the_old_way() -> None:
    conversation = talk()
    conversation.hear(b"220 old\r\n")
    conversation.hear(b"500 what?\r\n")

    assert conversation.take().endswith(b"HELO us.example\r\n")
    assert conversation.hear(b"250 old\r\n") == [Opened()]


def test_case_55_a_server_without_starttls_is_refused_and_hears_nothing_more() -> None:
    conversation = talk(Encryption.STARTTLS, login=("user", "secret"))
    conversation.hear(b"220 post\r\n")
    conversation.take()

    (happening,) = conversation.hear(PLAIN)

    assert isinstance(happening, Refused)
    assert "STARTTLS" in happening.reply.text
    assert conversation.take() == b""


def test_what_was_said_in_plain_text_counts_no_more_once_tls_stands() -> None:
    conversation = talk(Encryption.STARTTLS)
    conversation.hear(b"220 post\r\n")
    conversation.hear(b"250-post\r\n250-PIPELINING\r\n250 STARTTLS\r\n")
    assert conversation.hear(b"220 go\r\n") == [Encrypt()]
    conversation.take()

    conversation.encrypted()

    assert conversation.take() == b"EHLO us.example\r\n"
    assert conversation.hear(PLAIN) == [Opened()]
    assert "PIPELINING" not in conversation.features


def test_words_put_in_before_tls_stands_end_the_conversation() -> None:
    conversation = talk(Encryption.STARTTLS)
    conversation.hear(b"220 post\r\n")
    conversation.hear(b"250-post\r\n250 STARTTLS\r\n")

    heard = conversation.hear(b"220 go\r\n250 injected\r\n")

    assert conversation.is_over
    assert isinstance(heard[-1], Ended)


@pytest.mark.parametrize(
    ("encryption", "offered", "steps"),
    [
        (Encryption.TLS, b"LOGIN PLAIN", [(b"AUTH PLAIN AGV2YQBzZWNyZXQ=\r\n", b"235 in\r\n")]),
        (
            Encryption.TLS,
            b"LOGIN",
            [
                (b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n"),
                (b"ZXZh\r\n", b"334 UGFzc3dvcmQ6\r\n"),
                (b"c2VjcmV0\r\n", b"235 in\r\n"),
            ],
        ),
    ],
)
def test_signing_in(
    encryption: Encryption, offered: bytes, steps: list[tuple[bytes, bytes]]
) -> None:
    conversation = talk(encryption, login=("eva", "secret"))
    conversation.hear(b"220 post\r\n")
    conversation.take()
    heard = conversation.hear(b"250-post\r\n250 AUTH " + offered + b"\r\n")

    for said, answer in steps:
        assert conversation.take() == said
        heard = conversation.hear(answer)

    assert heard == [Opened()]


def test_in_plain_text_a_password_is_rather_not_shown() -> None:
    conversation = talk(login=("eva", "secret"))
    conversation.hear(b"220 post\r\n")
    conversation.hear(b"250-post\r\n250 AUTH PLAIN CRAM-MD5\r\n")
    challenge = b"<1896.697170952@postoffice.example>"
    conversation.take()

    conversation.hear(b"334 " + base64.b64encode(challenge) + b"\r\n")

    digest = hmac.new(b"secret", challenge, "md5").hexdigest()
    assert base64.b64decode(conversation.take()) == f"eva {digest}".encode()


def test_a_refused_password_is_about_us() -> None:
    conversation = talk(Encryption.TLS, login=("eva", "wrong"))
    conversation.hear(b"220 post\r\n")
    conversation.hear(b"250-post\r\n250 AUTH PLAIN\r\n")

    (happening,) = conversation.hear(b"535 5.7.8 who are you?\r\n")

    assert isinstance(happening, Refused)
    assert "5.7.8 who are you?" in happening.reply.text


def test_case_04_an_address_beyond_ascii_needs_a_server_that_says_so() -> None:
    refusal = opened().name_mail(parcel(to="åsa@xn--exmple-cua.example"))
    assert refusal is not None
    assert refusal.enhanced == "5.6.7"

    able = opened(b"250-post\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
    assert able.name_mail(parcel(to="åsa@xn--exmple-cua.example")) is None
    assert able.take().startswith(
        "MAIL FROM:<b+1.0@bounce.example> BODY=8BITMIME SMTPUTF8\r\n"
        "RCPT TO:<åsa@xn--exmple-cua.example>\r\n".encode()
    )
    able = opened(b"250-post\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
    able.name_mail(parcel(to="eva@lund.example"))
    assert able.take() == b"MAIL FROM:<b+1.0@bounce.example>\r\n", "only where it is needed"


@pytest.mark.parametrize(
    "to", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a@b\x00", ""]
)
def test_case_05_an_address_that_would_end_its_line_is_never_said(to: str) -> None:
    conversation = opened()

    refusal = conversation.name_mail(parcel(to=to))

    assert refusal is not None
    assert refusal.permanent
    assert conversation.take() == b""
