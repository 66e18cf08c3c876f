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
