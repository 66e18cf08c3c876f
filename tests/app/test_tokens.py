"""Secret links: only we can make them, and each is good for one purpose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tokens import BadToken, seal, unseal

SECRET = "a secret of at least sixteen letters"
TOKEN = seal(b"payload", purpose="confirm", secret=SECRET)


@given(payload=st.binary(max_size=64))
def test_what_was_sealed_comes_back(payload: bytes) -> None:
    token = seal(payload, purpose="confirm", secret=SECRET)

    assert unseal(token, purpose="confirm", secret=SECRET) == payload
    assert token.replace("-", "").replace("_", "").isalnum()


def test_another_purpose_opens_nothing() -> None:
    with pytest.raises(BadToken):
        unseal(TOKEN, purpose="unsubscribe", secret=SECRET)


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(BadToken):
        unseal(TOKEN, purpose="confirm", secret=SECRET + "!")


@pytest.mark.parametrize("at", range(len(TOKEN)))
def test_one_changed_character_opens_nothing(at: int) -> None:
    other = "A" if TOKEN[at] != "A" else "B"

    with pytest.raises(BadToken):
        unseal(TOKEN[:at] + other + TOKEN[at + 1 :], purpose="confirm", secret=SECRET)


@given(text=st.text(max_size=80))
def test_no_guess_is_ever_more_than_a_bad_token(text: str) -> None:
    with pytest.raises(BadToken):
        unseal(text, purpose="confirm", secret=SECRET)
