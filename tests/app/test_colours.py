"""Whatever colour somebody likes, what is written in it can be read."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.colours import (
    DARK_GROUNDS,
    LIGHT_GROUNDS,
    READABLE,
    colour,
    contrast,
    on_dark,
    on_light,
)
from app.core.errors import BadInput

ANY = ["#" + "".join(parts) for parts in product(("00", "33", "80", "cc", "ff"), repeat=3)]


def test_contrast_is_reckoned_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0d5249", "#0d5249") == 1


@pytest.mark.parametrize("chosen", ANY)
def test_every_colour_is_read_as_text_and_under_text_in_both_themes(chosen: str) -> None:
    for shades, grounds in (
        (on_light(chosen), LIGHT_GROUNDS),
        (on_dark(chosen), DARK_GROUNDS),
    ):
        for ground in (*grounds, shades.soft):
            assert contrast(shades.accent, ground) >= READABLE
            assert contrast(shades.strong, ground) >= READABLE
        assert contrast(shades.on_accent, shades.accent) >= READABLE
        assert contrast(shades.on_accent, shades.strong) >= READABLE


def test_ordinary_text_is_read_on_the_wash_of_any_colour() -> None:
    for chosen in ANY:
        for ink in ("#1b2422", "#55615d"):
            assert contrast(ink, on_light(chosen).soft) >= READABLE
        for ink in ("#e8ebe7", "#a5b1ac"):
            assert contrast(ink, on_dark(chosen).soft) >= READABLE


def test_a_colour_that_is_read_already_is_left_as_it_is() -> None:
    assert on_light("#0d5249").accent == "#0d5249"
    assert on_dark("#86cdbb").accent == "#86cdbb"


def test_a_pale_colour_keeps_its_hue_and_grows_darker() -> None:
    darker = on_light("#ffd500").accent

    assert darker != "#ffd500"
    red, green, blue = bytes.fromhex(darker[1:])
    assert red > green > blue == 0


@pytest.mark.parametrize(("written", "kept"), [(" 0D5249 ", "#0d5249"), ("#abc", "#aabbcc")])
def test_a_colour_may_be_written_in_short_or_without_its_sign(written: str, kept: str) -> None:
    assert colour(written) == kept


@pytest.mark.parametrize("written", ["", "red", "#12345", "#gggggg", "#0d5249;}", "url(x)"])
def test_what_is_no_colour_is_refused(written: str) -> None:
    with pytest.raises(BadInput):
        colour(written)
