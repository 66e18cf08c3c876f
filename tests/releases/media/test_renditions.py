"""Which files are made of a picture, and which part of it a crop shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releases.media.renditions import (
    SHAPES,
    crop_box,
    crop_widths,
    names,
    planned,
    served_as,
)

SIDES = st.integers(1, 6000)
POINTS = st.tuples(st.integers(0, 100), st.integers(0, 100))


@pytest.mark.parametrize(
    ("focal", "box"),
    [
        ((50, 50), (0, 375, 1600, 1275)),
        ((50, 30), (0, 45, 1600, 945)),
        ((50, 0), (0, 0, 1600, 900)),
        ((50, 100), (0, 750, 1600, 1650)),
    ],
)
def test_a_crop_has_its_point_in_the_middle_or_as_near_as_the_edges_let_it(
    focal: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    assert crop_box("lead", focal, width=1600, height=1650) == box


@given(SIDES, SIDES, POINTS, st.sampled_from(sorted(SHAPES)))
def test_a_crop_lies_within_its_picture_and_holds_its_point(
    width: int, height: int, focal: tuple[int, int], shape: str
) -> None:
    left, top, right, bottom = crop_box(shape, focal, width=width, height=height)

    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert left - 1 <= width * focal[0] / 100 <= right + 1
    assert top - 1 <= height * focal[1] / 100 <= bottom + 1


@given(SIDES, SIDES, POINTS)
def test_nothing_is_made_larger_than_it_is_and_no_two_files_have_one_name(
    width: int, height: int, focal: tuple[int, int]
) -> None:
    plan = planned(width, height, focal=focal)

    assert all(one.width <= one.box[2] - one.box[0] for one in plan)
    assert len({one.stem for one in plan}) == len(plan)


def test_a_small_picture_has_smaller_crops() -> None:
    assert crop_widths("lead", width=1200, height=900) == [800, 1200]
    assert crop_widths("lead", width=1200, height=450) == [800]
    assert crop_widths("lead", width=300, height=300) == [300]
    assert crop_widths("square", width=9000, height=4000) == [400]


def test_a_picture_has_its_widths_and_crops_in_three_formats() -> None:
    made = names(2000, 1000, "image/jpeg", focal=(10, 20))

    stems = ["480", "960", "1600", "lead-10-20-800", "lead-10-20-1600", "square-10-20-400"]
    assert set(made) == {"high.jpg"} | {
        f"{stem}.{form}" for stem in stems for form in ("avif", "webp", "jpg")
    }


@pytest.mark.parametrize(
    ("name", "mimetype"),
    [
        ("960.avif", "image/avif"),
        ("lead-0-100-1600.webp", "image/webp"),
        ("high.png", None),
        ("320.jpg", None),
        ("lead-50-50-1600.jpg.exe", None),
        ("lead-50-50-1600.svg", None),
        ("wide-50-50-1600.jpg", None),
        ("lead-50-50-1600.jpg\n", None),
    ],
)
def test_a_name_tells_what_a_file_is_served_as(name: str, mimetype: str | None) -> None:
    assert served_as(name, width=2000, height=1000, content_type="image/jpeg") == mimetype
