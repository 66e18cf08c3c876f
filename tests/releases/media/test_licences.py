"""What stands between a picture and publication, and what readers may do with it."""

from __future__ import annotations

import pytest

from app.core.words import LANGUAGES, catalogue
from releases.media.licences import LICENCES, licence_at, rights_problems

COMPLETE = {"alt": "Båtar vid en kaj", "credit": "Anna Larsson", "licence": "press"}


def test_a_picture_with_alt_text_photographer_and_licence_may_go_out() -> None:
    assert rights_problems(COMPLETE, "sv") == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"alt": " "}, "alt_missing"),
        ({"credit": ""}, "credit_missing"),
        ({"licence": ""}, "licence_missing"),
        ({"licence": "unheard-of"}, "licence_missing"),
        ({"licence": "cc-by-nc"}, "licence_not_for_media"),
        ({"licence": "stock"}, "licence_not_for_media"),
    ],
)
def test_what_is_missing_is_named(changed: dict[str, str], problem: str) -> None:
    assert rights_problems({**COMPLETE, **changed}, "sv") == [problem]


def test_everything_that_is_missing_is_named_at_once() -> None:
    assert rights_problems({}, "en") == ["alt_missing", "credit_missing", "licence_missing"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_licence_can_be_chosen_and_is_told_to_readers(language: str) -> None:
    for code in LICENCES:
        assert catalogue(language)[f"media.licence.{code}"]
        assert catalogue(language)[f"media.licence.{code}.terms"]


def test_a_creative_commons_address_is_known_in_its_latest_version_only() -> None:
    assert licence_at("https://creativecommons.org/licenses/by-sa/4.0/deed.sv") == "cc-by-sa"
    assert licence_at("http://creativecommons.org/publicdomain/zero/1.0/") == "cc0"
    assert licence_at("https://creativecommons.org/licenses/by/2.0/") == ""
    assert licence_at("https://creativecommons.org/licenses/by-nd/4.0/") == ""
    assert licence_at("https://evil.example/creativecommons.org/licenses/by/4.0/") == ""
