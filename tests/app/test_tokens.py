"""Secret links: only we can make them, and each is good for one purpose."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tokens import BadToken, conceal, derive, reveal, seal, tag, unseal

SECRET = "a secret of at least sixteen letters"
TOKEN = seal(b"payload", purpose="confirm", secret=SECRET)


@given(payload=st.binary(max_size=64))
def test_what_was_sealed_comes_back(payload: bytes) -> None:
    token = seal(payload, purpose="confirm", secret=SECRET)

    assert unseal(token, purpose="confirm", secret=SECRET) == payload
    assert token.replace("-", "").replace("_", "").isalnum()


@given(message=st.binary(max_size=200))
def test_a_tag_is_the_hmac_of_the_message_under_the_key_of_its_purpose(message: bytes) -> None:
    expected = hmac.digest(derive(SECRET, "confirm"), message, "sha256")

    assert tag(message, purpose="confirm", secret=SECRET) == expected


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


@given(payload=st.binary(max_size=300))
def test_what_was_concealed_comes_back(payload: bytes) -> None:
    token = conceal(payload, purpose="keep", secret=SECRET)

    assert reveal(token, purpose="keep", secret=SECRET) == payload


def test_what_is_concealed_cannot_be_read_or_recognised() -> None:
    tokens = [conceal(b"payload" * 10, purpose="keep", secret=SECRET) for _ in range(2)]

    assert tokens[0] != tokens[1]
    for token in tokens:
        assert b"payload" not in unseal(token, purpose="keep", secret=SECRET)


@pytest.mark.parametrize(("purpose", "secret"), [("other", SECRET), ("keep", SECRET + "!")])
def test_what_is_concealed_is_revealed_to_nobody_else(purpose: str, secret: str) -> None:
    token = conceal(b"payload", purpose="keep", secret=SECRET)

    with pytest.raises(BadToken):
        reveal(token, purpose=purpose, secret=secret)


def test_a_seal_is_nothing_that_was_concealed() -> None:
    with pytest.raises(BadToken):
        reveal(seal(b"short", purpose="keep", secret=SECRET), purpose="keep", secret=SECRET)
