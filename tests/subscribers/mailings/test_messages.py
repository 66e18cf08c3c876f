"""The bytes of a mail: frozen once, filled in for each, and read back as they were written."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.mailings.writing.messages import Letter, Prepared, Slot, Unsound, freeze

VALUES = {
    Slot.TO: b"reader@news.example",
    Slot.MESSAGE_ID: b"0123456789abcdef@press.example",
    Slot.UNSUBSCRIBE: b"T" * 56,
    Slot.PREFERENCES: b"P" * 56,
    Slot.CONFIRM: b"C" * 52,
}
TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"),
    max_size=200,
)


ANYTHING = st.text(st.characters(blacklist_categories=("Cs",)), max_size=300)
HEADLINES = [
    "Pressmeddelande: tio miljoner till åtta kommuner – så fördelas stödet",
    "🎉" * 400,
    "👩‍👩‍👧‍👦 family of four",
    "مِنَح جديدة للبلديات השקה",
    "新しい助成金" * 60,
    "x" * 1400,
    "ord " * 400,
    "=?utf-8?q?not_an_encoded_word?=",
    'Quoted "words", a comma; and a \\ backslash',
    "Tab\tand\x00control\x1bcharacters\u2028in\x85a line",
]


def letter(**changes: object) -> Letter:
    given: dict[str, object] = {
        "from_name": "ICLD",
        "from_address": "press@press.example",
        "subject": "Tio miljoner",
        "text": "Hej",
        "html": "<p>Hej</p>",
        "language": "sv",
        "at": datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
    }
    return Letter(**{**given, **changes})  # type: ignore[arg-type]


def sent(message: Letter) -> EmailMessage:
    """As it is read by the receiver, the doubled dots undone as SMTP does."""
    raw = Prepared(freeze(message)).fill(VALUES).replace(b"\r\n..", b"\r\n.")
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value]


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("before", range(160))
def test_a_slot_survives_wherever_the_line_would_be_cut(before: int) -> None:
    text = f"{'å' * (before // 2)}{'x' * (before % 2)}{Slot.UNSUBSCRIBE}{'ö' * 60}"

    read = sent(letter(text=text, html=text))

    expected = text.replace(Slot.UNSUBSCRIBE, "T" * 56)
    assert body(read, "plain") == expected
    assert body(read, "html") == expected


@given(before=TEXT, after=TEXT)
def test_any_text_around_a_slot_comes_back_as_it_was(before: str, after: str) -> None:
    text = f"{before}{Slot.CONFIRM}{after}"

    assert body(sent(letter(text=text)), "plain") == text.replace(Slot.CONFIRM, "C" * 52)


@given(name=TEXT.filter(lambda text: bool(text.strip())), subject=TEXT)
def test_any_name_and_subject_come_back_and_add_no_header(name: str, subject: str) -> None:
    read = sent(letter(from_name=name, subject=subject))

    assert read["From"].addresses[0].addr_spec == "press@press.example"
    assert len(read.get_all("From") or []) == 1
    assert read["Bcc"] is None
    assert " ".join(str(read["Subject"]).split()) == " ".join(subject.split())


def test_a_line_break_in_a_subject_adds_no_header() -> None:
    read = sent(letter(subject="Hej\r\nBcc: everybody@news.example"))

    assert read["Bcc"] is None
    assert read["Subject"] == "Hej Bcc: everybody@news.example"


def test_a_sender_with_a_comma_and_an_umlaut_is_one_sender() -> None:
    read = sent(letter(from_name="Centret för demokrati, CFD"))

    (address,) = read["From"].addresses
    assert address.display_name == "Centret för demokrati, CFD"


def test_lines_that_begin_with_a_dot_arrive_with_one() -> None:
    assert body(sent(letter(text=".\n..\n.text")), "plain") == ".\n..\n.text"


def test_no_line_is_longer_than_the_rules_allow() -> None:
    raw = Prepared(freeze(letter(text="ord " * 3000, html="<p>" + "å" * 9000))).fill(VALUES)

    assert max(map(len, raw.split(b"\r\n"))) <= 76
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_header_too_long_for_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        freeze(letter(headers={"List-Unsubscribe": f"<https://x.example/{'a' * 1000}>"}))


def test_a_recipient_without_a_slots_value_is_an_error_and_no_mail() -> None:
    prepared = Prepared(freeze(letter(text=f"{Slot.CONFIRM}")))

    with pytest.raises(KeyError):
        prepared.fill({Slot.TO: b"x@y.example", Slot.MESSAGE_ID: b"1@y.example"})


@pytest.mark.parametrize("headline", HEADLINES)
def test_a_headline_of_any_script_and_length_comes_back_as_it_was(headline: str) -> None:
    message = letter(subject=headline)

    shown = " ".join("".join(c for c in headline if c not in "\0\x1b").split())
    assert str(sent(message)["Subject"]) == shown
    assert max(map(len, freeze(message).split(b"\r\n"))) <= 998


@pytest.mark.parametrize("name", HEADLINES)
def test_a_sender_of_any_script_and_length_comes_back_as_it_was(name: str) -> None:
    raw = BytesParser(policy=email.policy.compat32).parsebytes(freeze(letter(from_name=name)))

    ((written, address),) = getaddresses([raw["From"].replace("\r\n", "")])
    shown = " ".join("".join(c for c in name if c not in "\0\x1b").split())
    assert str(make_header(decode_header(written))) == shown
    assert address == "press@press.example"


@given(subject=ANYTHING, name=ANYTHING, text=ANYTHING, html=ANYTHING)
def test_nothing_that_can_be_typed_stops_a_mail(
    subject: str, name: str, text: str, html: str
) -> None:
    frozen = freeze(letter(subject=subject, from_name=name, text=text, html=html))

    assert frozen.isascii()
    assert b"\n" not in frozen.replace(b"\r\n", b"")


def test_a_mail_that_would_not_read_as_it_was_written_is_refused_when_it_is_queued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "subscribers.mailings.writing.messages._quoted_printable",
        lambda text: text.replace("å", "a"),
    )

    with pytest.raises(Unsound, match="plain text"):
        freeze(letter(text="å"))


def test_a_sender_outside_ascii_is_refused_when_it_is_queued() -> None:
    with pytest.raises(Unsound, match="'å'"):
        freeze(letter(from_address="åsa@press.example"))


@pytest.mark.parametrize("value", [b"", b"a@x.example\r\nBcc: b@x.example", b"a b@x.example", b"<"])
def test_a_value_that_would_end_its_line_goes_into_no_header(value: bytes) -> None:
    prepared = Prepared(freeze(letter()))

    with pytest.raises(Unsound):
        prepared.fill({**VALUES, Slot.TO: value})
