"""The places behind the names, and the kinds of grantee."""

from __future__ import annotations

from decimal import Decimal

import pytest

from releases.rounds import register
from releases.rounds.kinds import KINDS, kind_of
from releases.rounds.register import counties, county_name, find, identity, similar
from releases.rounds.table import Row


@pytest.mark.parametrize(
    ("written", "short", "official"),
    [
        ("Karlstad", "Karlstad", "Karlstads kommun"),
        ("KARLSTAD", "Karlstad", "Karlstads kommun"),
        ("Karlstad kommun", "Karlstad", "Karlstads kommun"),
        ("Karlstads \u00a0kommun", "Karlstad", "Karlstads kommun"),
        ("Norrköpings kommun", "Norrköping", "Norrköpings kommun"),
        ("Falu kommun", "Falun", "Falu kommun"),
        ("Falun", "Falun", "Falu kommun"),
        ("Kalmar", "Kalmar", "Kalmar kommun"),
        ("Borås stad", "Borås", "Borås stad"),
        ("Göteborgs stad", "Göteborg", "Göteborgs stad"),
        ("Göteborgs Stad", "Göteborg", "Göteborgs stad"),
        ("City of Gothenburg", "Göteborg", "Göteborgs stad"),
        ("Stockholms stad", "Stockholm", "Stockholms stad"),
        ("Umeå", "Umeå", "Umeå kommun"),
        ("Strängnäs", "Strängnäs", "Strängnäs kommun"),
        ("Kalix", "Kalix", "Kalix kommun"),
        ("Lilla Edet", "Lilla Edet", "Lilla Edets kommun"),
        ("Gotland", "Gotland", "Gotlands kommun"),
        ("Region Gotland", "Gotland", "Region Gotland"),
    ],
)
def test_a_municipality_is_known_however_it_is_written(
    written: str, short: str, official: str
) -> None:
    place = find(written, "kommun")

    assert (place.short, place.official, place.kind) == (short, official, "kommun")
    assert place.code is not None and place.county == place.code[:2]


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("Region Östergötland", "Region Östergötland"),
        ("Östergötland", "Region Östergötland"),
        ("Gotland", "Region Gotland"),
        ("Kalmar", "Region Kalmar län"),
        ("Region Jönköping", "Region Jönköpings län"),
        ("Västra Götaland", "Västra Götalandsregionen"),
        ("Södermanland", "Region Sörmland"),
    ],
)
def test_a_region_keeps_its_whole_name(written: str, whole: str) -> None:
    place = find(written, "region")

    assert (place.short, place.official) == (whole, whole)


def test_a_federation_is_short_without_its_genitive() -> None:
    place = find("Sjuhärads kommunalförbund", "kommunalforbund")

    assert (place.short, place.official) == ("Sjuhärad", "Sjuhärads kommunalförbund")


def test_no_kind_in_the_file_is_no_kind_of_the_place() -> None:
    place = find("Lund")

    assert (place.kind, place.official, place.code) == (None, "Lund", "1281")


def test_an_association_named_as_a_town_is_not_the_town() -> None:
    assert find("Lund", "forening").code is None


def test_an_unknown_name_comes_back_as_it_was_written() -> None:
    place = find("An  Giang\u00a0Province")

    assert (place.short, place.official, place.code) == ("An Giang Province",) * 2 + (None,)


def test_every_municipality_is_found_by_its_short_and_its_official_name() -> None:
    places = [place for kind, place in register._places() if kind == "kommun"]

    assert len(places) == 290
    for place in places:
        assert find(place.short, "kommun").code == place.code
        assert find(place.official, "kommun").short == place.short


def test_there_are_twenty_one_regions() -> None:
    assert sum(kind == "region" for kind, _ in register._places()) == 21


def test_each_region_lies_in_a_county_with_a_name_of_its_own() -> None:
    names = {county_name(region) for region in counties()}

    assert len(names) == 21
    assert all(name.endswith(" län") for name in names)
    assert {"Skåne län", "Kalmar län", "Södermanlands län", "Västra Götalands län"} < names


def test_the_official_forms_follow_the_rule_for_fixed_names() -> None:
    stems = [
        (place.short, place.official.rsplit(" ", 1)[0])
        for kind, place in register._places()
        if kind == "kommun" and place.short not in ("Falun", "Kalmar")
    ]

    assert sum(official == short + "s" for short, official in stems) == 134
    assert sum(official == short for short, official in stems) == 131 + 23


def test_two_spellings_of_a_municipality_are_one_grantee() -> None:
    first, second = (
        Row(number, name, "kommun", Decimal(1))
        for number, name in enumerate(["Göteborg", "Göteborgs Stad"], start=2)
    )

    assert identity(first) == identity(second)


def test_a_municipality_and_a_region_of_one_name_are_two_grantees() -> None:
    assert identity(Row(2, "Kalmar", "kommun", Decimal(1))) != identity(
        Row(3, "Kalmar", "region", Decimal(1))
    )


def test_a_misspelling_is_recognised() -> None:
    assert similar("Norköping") == "Norrköping"
    assert similar("Region Östergöland", "region") == "Region Östergötland"
    assert similar("Nairobi") is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Kommun", "kommun"),
        ("kommuner", "kommun"),
        ("Municipality", "kommun"),
        ("Regioner", "region"),
        ("landsting", "region"),
        ("Kommunalförbund", "kommunalforbund"),
        ("local federation", "kommunalforbund"),
        ("Länsstyrelsen", "lansstyrelse"),
        ("ideell förening", "forening"),
        ("Ideell förening (allmännyttig)", "forening"),
        ("AB", "foretag"),
        ("Ltd.", "foretag"),
        ("Local Authority", "council"),
        ("Registered Charity", "charity"),
        ("Community Interest Company", "cic"),
        ("Community group", "community_group"),
        ("svensk", None),
        ("", None),
        ("grupp", None),
    ],
)
def test_a_kind_is_known_in_both_languages(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind


def test_every_kind_is_known_by_its_own_key_or_word() -> None:
    assert len(KINDS) == 18
    assert {kind_of(word) for word in ("samfund", "skola", "högskola")} <= set(KINDS)
