"""The links in our mails: ours alone, each for one purpose."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.errors import NotFound
from subscribers.audience import links
from tests.conftest import SECRET
from tests.factories import A_MORNING

WHO = bytes(range(16))
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_link_to_leave_says_whose_subscription_and_which_mail() -> None:
    token = links.unsubscribe_token(WHO, delivery_id=2**40, secret=SECRET)

    assert links.read_unsubscribe(token, secrets=(SECRET,)) == links.Holding(WHO, 2**40)


def test_every_link_to_leave_is_equally_long() -> None:
    lengths = {
        len(links.unsubscribe_token(WHO, delivery_id=number, secret=SECRET))
        for number in (0, 1, 2**63)
    }

    assert len(lengths) == 1


def test_case_16_a_retained_key_still_opens_a_link() -> None:
    token = links.unsubscribe_token(WHO, secret="the key before it")

    assert links.read_unsubscribe(token, secrets=(SECRET, "the key before it")).public_id == WHO


def test_a_confirmation_link_is_late_after_a_day() -> None:
    token = links.confirm_token(WHO, asked_at=A_MORNING, secret=SECRET)
    said = links.read_confirm(token, secrets=(SECRET,))

    assert said.asked_at == A_MORNING
    assert not said.is_late(A_MORNING + timedelta(hours=24))
    assert said.is_late(A_MORNING + timedelta(hours=24, seconds=1))


def test_case_13_a_link_of_another_purpose_opens_nothing() -> None:
    leave = links.unsubscribe_token(WHO, secret=SECRET)
    choose = links.preferences_token(WHO, secret=SECRET)
    confirm = links.confirm_token(WHO, asked_at=A_MORNING, secret=SECRET)

    for read, others in (
        (links.read_unsubscribe, (choose, confirm)),
        (links.read_preferences, (leave, confirm)),
        (links.read_confirm, (leave, choose)),
    ):
        for token in others:
            with pytest.raises(NotFound):
                read(token, secrets=(SECRET,))


def test_case_13_and_18_no_changed_or_cut_link_opens_anything() -> None:
    token = links.unsubscribe_token(WHO, secret=SECRET)
    changed = [
        token[:at] + URL_SAFE[(URL_SAFE.index(token[at]) + 1) % 64] + token[at + 1 :]
        for at in range(len(token))
    ]
    cut = [token[:length] for length in range(len(token))]

    for forged in [*changed, *cut, token + "A", token + "=", "å" * 50, "\x00"]:
        with pytest.raises(NotFound):
            links.read_unsubscribe(forged, secrets=(SECRET,))
