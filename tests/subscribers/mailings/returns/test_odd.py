"""What is seldom seen but comes: each odd report is understood, and no answering machine counts."""

from __future__ import annotations

import pytest

from subscribers.mailings.models import InboundKind
from subscribers.mailings.returns import scoring
from subscribers.mailings.returns.reading import What, read
from tests.subscribers.mailings.returns.odd_samples import AWAY, ODD, R, plain

SAYS_SO = [one for one in AWAY if not one[1].lower().startswith(("re:", "sv:"))]


def kind_of(raw: bytes) -> InboundKind:
    found = read(raw)
    assert found.what is What.REPORT
    fate = found.fates[0]
    return scoring.judge(fate.action, fate.status, fate.said).kind


@pytest.mark.parametrize(("kind", "raw"), [one[1:] for one in ODD], ids=[one[0] for one in ODD])
def test_an_odd_report_is_understood(kind: str, raw: bytes) -> None:
    assert kind_of(raw).value == kind


@pytest.mark.parametrize("raw", [one[2] for one in ODD], ids=[one[0] for one in ODD])
def test_an_odd_report_that_is_cut_off_anywhere_never_turns_a_delay_into_a_refusal(
    raw: bytes,
) -> None:
    whole = kind_of(raw)
    for end in range(len(raw) - 1, len(raw) // 3, -37):
        found = read(raw[:end])
        kinds = {scoring.judge(f.action, f.status, f.said).kind for f in found.fates}
        if whole in (InboundKind.DELAYED, InboundKind.POLICY) and b"5.1.1" not in raw:
            assert InboundKind.HARD not in kinds


@pytest.mark.parametrize(
    ("subject", "body"), [one[1:] for one in SAYS_SO], ids=lambda one: one[:12]
)
def test_an_answering_machine_that_says_so_in_its_subject_is_one(subject: str, body: str) -> None:
    raw = plain(f"Anna <{R}>", subject, body).replace(b"Return-Path: <>\n", b"")

    assert read(raw).what is What.AUTO_REPLY


@pytest.mark.parametrize(("subject", "body"), [one[1:] for one in AWAY], ids=lambda one: one[:12])
def test_an_answering_machine_that_says_so_in_its_headers_is_one(subject: str, body: str) -> None:
    raw = plain(f"Anna <{R}>", subject, body, extra="Auto-Submitted: auto-replied\n")

    assert read(raw).what is What.AUTO_REPLY


@pytest.mark.parametrize(("subject", "body"), [one[1:] for one in AWAY], ids=lambda one: one[:12])
@pytest.mark.parametrize("extra", ["", "Auto-Submitted: auto-replied\n"], ids=["bare", "marked"])
def test_no_answer_of_somebody_who_is_away_is_ever_a_report(
    subject: str, body: str, extra: str
) -> None:
    assert read(plain(f"Anna <{R}>", subject, body, extra=extra)).what is not What.REPORT
