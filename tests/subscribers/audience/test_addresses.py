"""Reading addresses: strictly, in one form, and never told."""

from __future__ import annotations

import pytest

from app.core.errors import BadInput
from subscribers.audience import addresses
from subscribers.audience.addresses import Address, masked
from subscribers.audience.addresses import read as read_address


def read(text: str) -> Address:
    return read_address(text, secrets=("the key of today", "the key before it"))


def test_case_3_capitals_make_no_second_address() -> None:
    assert read("A@Ex.org").hash == read("a@ex.org").hash


def test_case_3_a_tag_makes_another_address_with_the_same_sign_up_limit() -> None:
    assert read("a+x@ex.org").hash != read("a@ex.org").hash
    assert read("a+x@ex.org").signup_key == read("a@ex.org").signup_key


def test_gmail_dots_count_for_delivery_and_not_for_the_limit() -> None:
    assert read("d.ora@gmail.com").norm == "d.ora@gmail.com"
    assert read("d.ora@gmail.com").signup_key == read("dora@googlemail.com").signup_key
    assert read("d.ora@ex.org").signup_key != read("dora@ex.org").signup_key


def test_case_4_a_domain_is_kept_as_its_a_label() -> None:
    assert read("åsa@exämple.se").norm == "åsa@xn--exmple-cua.se"


def test_letters_put_together_in_two_ways_are_the_same_address() -> None:
    assert read("a\u030asa@ex.org").hash == read("åsa@ex.org").hash


@pytest.mark.parametrize(
    "text",
    [
        "dora@ex.org\r\nBcc: eve@ex.org",
        "dora@ex.org\n",
        "do\x00ra@ex.org",
        "dora@ex.org, eve@ex.org",
        "do,ra@ex.org",
        "Dora <dora@ex.org>",
        '"Dora" dora@ex.org',
        '"do ra"@ex.org',
        "dora@[192.0.2.1]",
        "dora",
        "@ex.org",
        "",
        "a" * 65 + "@ex.org",
        "dora@" + "a" * 250 + ".org",
    ],
)
def test_case_5_anything_but_one_bare_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read(text)

    assert refusal.value.key == "email_unreadable"
    assert refusal.value.facts["email"].isprintable()


def test_case_42_a_retained_key_still_finds_what_it_hashed() -> None:
    before = read_address("dora@ex.org", secrets=("the key before it",))

    assert before.hash in read("dora@ex.org").known_hashes
    assert before.hash != read("dora@ex.org").hash


def test_a_masked_address_tells_too_little() -> None:
    assert masked("anna@example.org") == "a•••@e•••.org"
    assert masked(None) == ""


@pytest.mark.parametrize(
    "secret", ["short", "a secret that is longer than any block of SHA-256 " * 3]
)
def test_many_addresses_have_the_hashes_that_one_has(secret: str) -> None:
    hash_of = addresses.hasher(secret)

    found = [hash_of(norm) for norm in ("bo@reader.example", "åsa@reader.example")]

    assert found == [
        *addresses.hashes_of("bo@reader.example", secrets=[secret]),
        *addresses.hashes_of("åsa@reader.example", secrets=[secret]),
    ]
