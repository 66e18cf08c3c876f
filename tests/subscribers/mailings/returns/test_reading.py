"""Reading what came back: every kind of server, answering machine and mischief."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscribers.mailings.models import InboundKind
from subscribers.mailings.returns import mime, scoring
from subscribers.mailings.returns.reading import Reading, What, read
from tests.subscribers.mailings.returns import samples
from tests.subscribers.mailings.returns.samples import About, Sample

ABOUT = About()
SWEDE = About(recipient="åsa@läsaren.example")
REPORTS = [*samples.reports(ABOUT), *samples.in_words(ABOUT)]
UNICODE_REPORTS = [one for one in samples.reports(SWEDE) if one.name.startswith("unicode-")]
ANSWERS = dict(samples.answering_machines(ABOUT))
HOSTILE = dict(samples.hostile(ABOUT))


def verdicts(found: Reading) -> list[scoring.Verdict]:
    return [scoring.judge(fate.action, fate.status, fate.said) for fate in found.fates]


def test_there_are_enough_samples_to_mean_something() -> None:
    assert len(REPORTS) + len(ANSWERS) + len(HOSTILE) >= 200


@pytest.mark.parametrize("sample", [*REPORTS, *UNICODE_REPORTS], ids=lambda sample: sample.name)
def test_a_report_says_what_became_of_the_mail(sample: Sample) -> None:
    found = read(sample.raw)

    assert found.what is What.REPORT
    verdict = verdicts(found)[0]
    assert verdict.kind is sample.kind
    if sample.enhanced:
        assert verdict.enhanced == sample.enhanced


@pytest.mark.parametrize("sample", REPORTS, ids=lambda sample: sample.name)
def test_a_report_names_the_recipient_and_carries_our_marks(sample: Sample) -> None:
    found = read(sample.raw)

    named = {name for fate in found.fates for name in (*fate.recipients, *fate.mentioned)}
    assert ABOUT.recipient in named
    assert any(ABOUT.to in address for address in found.to)
    assert ABOUT.message_id in found.quoted


def test_a_recipient_in_utf_8_is_read_with_and_without_escapes() -> None:
    plain = samples.unicode_report(SWEDE, samples.REASONS["unknown"])
    escaped = plain.replace("utf-8; åsa@".encode(), rb"utf-8; \x{E5}sa@")

    assert SWEDE.recipient in read(plain).fates[0].recipients
    assert SWEDE.recipient in read(escaped).fates[0].recipients


@pytest.mark.parametrize("name", ANSWERS)
def test_case_28_an_answering_machine_is_no_report(name: str) -> None:
    assert read(ANSWERS[name]).what is What.AUTO_REPLY


@pytest.mark.parametrize("kind", ["abuse", "not-spam", "fraud", "virus", "other", "opt-out"])
@pytest.mark.parametrize("headers_only", [False, True])
def test_a_complaint_is_read_with_its_type_and_our_marks(kind: str, headers_only: bool) -> None:
    found = read(samples.feedback(ABOUT, kind, headers_only=headers_only))

    assert (found.what, found.feedback) == (What.COMPLAINT, kind)
    assert ABOUT.message_id in found.quoted


def test_a_mail_that_a_provider_hands_back_whole_is_a_complaint() -> None:
    found = read(samples.hotmail_complaint(ABOUT))

    assert (found.what, found.feedback) == (What.COMPLAINT, "abuse")


@pytest.mark.parametrize(
    "subject", ["Sv: Drygt 10 miljoner", "Fråga om bidraget", "Intervju?", "Hej"]
)
def test_what_a_person_writes_is_neither_report_nor_answering_machine(subject: str) -> None:
    raw = samples.plain(
        ABOUT, f"From: Anna <{ABOUT.recipient}>\nSubject: {subject}", "Hej! Stämmer det?"
    )

    assert read(raw.replace(b"Return-Path: <>\n", b"")).what is What.OTHER


@pytest.mark.parametrize("name", HOSTILE)
def test_case_29_whatever_comes_is_read_quickly_and_in_little_memory(name: str) -> None:
    raw = HOSTILE[name]
    tracemalloc.start()
    before = time.process_time()

    found = read(raw)

    took = time.process_time() - before
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found.what, What)
    assert took < 5  # tracing memory makes it many times slower
    assert most < 40 * mime.MOST_BYTES


@pytest.mark.parametrize("name", ["cut_off", "no_boundary", "wrong_boundary", "twenty_megabytes"])
def test_a_broken_report_still_says_that_there_is_no_such_user(name: str) -> None:
    found = read(HOSTILE[name])

    assert found.what is What.REPORT
    assert InboundKind.HARD in {verdict.kind for verdict in verdicts(found)}


def in_words(body: str, headers: str = "From: MAILER-DAEMON@mx.example") -> Reading:
    raw = samples.plain(ABOUT, f"{headers}\nSubject: Undelivered mail", body)
    return read(raw)


def kinds(found: Reading) -> dict[str, InboundKind]:
    fates = zip(found.fates, verdicts(found), strict=True)
    return {name: verdict.kind for fate, verdict in fates for name in fate.recipients}


TWO = {"gone@reader.example": InboundKind.HARD, "full@reader.example": InboundKind.SOFT}


@pytest.mark.parametrize(
    "body",
    [
        "<gone@reader.example>:\nRemote host said: 550 5.1.1 User unknown\nGiving up.\n\n"
        "<full@reader.example>:\nRemote host said: 552 5.2.2 Mailbox full\nGiving up.\n",
        "gone@reader.example: 550 5.1.1 User unknown\nfull@reader.example: 552 5.2.2 Mailbox full",
        "  gone@reader.example\n    SMTP error from remote mail server after RCPT TO:"
        "<gone@reader.example>:\n    host mx.reader.example: 550 5.1.1 User unknown\n"
        "  full@reader.example\n    host mx.reader.example: 552 5.2.2 Mailbox full\n",
    ],
    ids=["paragraphs", "lines", "indented"],
)
def test_each_of_several_recipients_has_its_own_fate(body: str) -> None:
    assert kinds(in_words(f"It could not be delivered.\n\n{body}")) == TWO


def test_fields_that_tell_nothing_are_told_by_the_words_above_for_each_recipient() -> None:
    raw = samples.plain(
        ABOUT,
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B",
        "--B\n\ngone@reader.example: 550 5.1.1 User unknown\n"
        "full@reader.example: 552 5.2.2 Mailbox full\n"
        "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        "Final-Recipient: rfc822; gone@reader.example\nAction: failed\nStatus: 5.0.0\n\n"
        "Final-Recipient: rfc822; full@reader.example\nAction: failed\nStatus: 5.0.0\n--B--\n",
    )

    assert kinds(read(raw)) == TWO


def test_a_reply_of_which_the_fields_give_one_line_is_completed_from_the_transcript() -> None:
    raw = samples.plain(
        ABOUT,
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B",
        "--B\n\n   ----- Transcript of session follows -----\n>>> RCPT To:<anna@reader.example>\n"
        "<<< 550-See our pages\n<<< 550 blocked by our blocklist\n"
        "550 5.1.1 <anna@reader.example>... User unknown\n"
        "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        "Final-Recipient: rfc822; anna@reader.example\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: SMTP; 550-See our pages\n--B--\n",
    )

    assert kinds(read(raw)) == {"anna@reader.example": InboundKind.POLICY}


@pytest.mark.parametrize(
    "fields",
    [
        "Reporting-MTA: dns; mx.example\nAction: failed\n\n"
        "Final-Recipient: rfc822; gone@reader.example\nStatus: 5.1.1\n",
        "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; gone@reader.example\n\n"
        "Action: failed\n\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 no such user\n",
    ],
    ids=["action above", "empty lines between"],
)
def test_fields_that_stand_apart_are_put_together(fields: str) -> None:
    raw = samples.plain(
        ABOUT,
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B",
        f"--B\nContent-Type: message/delivery-status\n\n{fields}\n--B--\n",
    )

    assert [fate.action for fate in read(raw).fates] == ["failed"]
    assert kinds(read(raw)) == {"gone@reader.example": InboundKind.HARD}


def test_what_is_folded_below_a_reply_belongs_to_it_and_so_does_the_command_above() -> None:
    folded = "  anna@reader.example\n    host mx: 550 <anna@reader.example>:\n    User unknown\n"
    of_us = "  anna@reader.example\n    SMTP error after MAIL FROM:<a@b.example>:\n    550 unknown"

    assert kinds(in_words(folded)) == {"anna@reader.example": InboundKind.HARD}
    assert kinds(in_words(of_us)) == {"anna@reader.example": InboundKind.POLICY}


def test_a_reason_after_a_long_preface_and_before_a_long_end_is_found() -> None:
    preface, end = "Your mail had words before it. " * 30, "Ask your administrator. " * 40
    body = f"{preface}\nanna@reader.example on Monday\n The recipient name is not known\n{end}"

    assert verdicts(in_words(body, "From: postmaster@mx.example"))[0].kind is InboundKind.HARD


def test_the_subject_of_our_own_mail_is_not_taken_for_a_servers_words() -> None:
    body = "It could not be delivered.\n  Subject: User unknown in the council\n"

    assert verdicts(in_words(body))[0].kind is InboundKind.SOFT


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Type: multipart/report; boundary=B", "<anna@reader.example>: 550 User unknown"),
        (
            "Content-Type: multipart/mixed",
            "------=_X\nContent-Type: text/plain\n\n<anna@reader.example>: 550 User unknown\n"
            "------=_X--\n",
        ),
        ("X: y", "ユーザー anna@reader.example は 見つかりません"),
    ],
    ids=["no parts", "no boundary said", "no charset said"],
)
def test_a_mail_that_is_not_what_it_says_is_read_all_the_same(headers: str, body: str) -> None:
    charset = "iso-2022-jp" if not body.isascii() else "utf-8"
    head = f"From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\nTo: {ABOUT.to}\n{headers}"
    found = read(head.encode() + b"\n\n" + body.encode(charset))

    assert verdicts(found)[0].kind is InboundKind.HARD


def test_a_status_of_success_with_an_action_of_its_own_is_no_refusal() -> None:
    verdict = scoring.judge("deliverable", "2.1.5", "250 2.1.5 Ok")

    assert verdict.kind is InboundKind.OTHER


def test_what_is_no_mail_is_unparsed() -> None:
    assert read(HOSTILE["no_headers"]).what is What.UNPARSED


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_change_to_a_report_makes_reading_fail(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(REPORTS)).raw)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole)))
        gone = data.draw(st.integers(0, 60))
        whole[at : at + gone] = data.draw(st.binary(max_size=40))

    found = read(bytes(whole))

    assert isinstance(found.what, What)
    assert all(len(verdict.enhanced) <= 12 for verdict in verdicts(found))


@settings(max_examples=100)
@given(st.binary(max_size=2_000))
def test_no_bytes_at_all_make_reading_fail(raw: bytes) -> None:
    assert isinstance(read(raw).what, What)


def test_the_same_report_has_the_same_key_on_every_way_it_comes() -> None:
    raw = samples.postfix(ABOUT, samples.REASONS["unknown"])
    by_another_way = b"Received: from a by b; now\nX-Spam: no\n" + raw.replace(b"\n", b"\r\n")

    assert read(raw).key == read(by_another_way).key
    assert read(raw).key != read(raw.replace(b"4D1@", b"4D2@")).key
