"""The page of a story's pictures: many files at once, dropped or chosen, and the focal point."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.core.accounts import Role, user_by_email
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver, SignInAs
from tests.releases.media import pictures

BO = "bo@press.example"
FILES = {
    "harbour.jpg": pictures.jpeg(1600, 1200),
    "quay.png": pictures.saved(pictures.photo(600, 900), "PNG"),
    "drawing.svg": pictures.SVG,
    "logotype.webp": pictures.saved(pictures.photo(500, 300), "WEBP"),
    "decision.pdf": pictures.PDF,
}
DROP = """
([bytes, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
  return data;
}
"""


@pytest.fixture
def address(office: Office) -> str:
    """The page of a story, and Bo who may change it."""
    office.person(BO, Role.EDITOR)
    with office.app.app_context():
        story = factories.release(user_by_email(BO)).story_id
    return f"{office.address}/office/stories/{story}/media"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in FILES]


def test_of_five_files_at_once_four_arrive_and_the_bad_one_says_why(
    page: Page, sign_in: SignInAs, address: str, files: list[Path], look_over: LookOver
) -> None:
    sign_in(page, BO).goto(address)

    page.locator("#files").set_input_files(files)

    expect(page.get_by_role("article")).to_have_count(4)
    bad = page.locator(".drop__file")
    expect(bad).to_have_count(1)
    expect(bad).to_contain_text("‘drawing.svg’ is an SVG file")
    expect(page.locator("[data-status]")).to_have_text("decision.pdf is uploaded.")
    look_over(page)


def test_a_file_dropped_anywhere_on_the_page_is_taken(
    page: Page, sign_in: SignInAs, address: str
) -> None:
    sign_in(page, BO).goto(address)
    content = pictures.jpeg()
    data = page.evaluate_handle(DROP, [list(content), "dropped.jpg"])

    page.dispatch_event("h1", "dragenter", {"dataTransfer": data})
    expect(page.locator(".drop")).to_have_class(re.compile("drop--over"))
    page.dispatch_event("h1", "drop", {"dataTransfer": data})

    expect(page.get_by_role("article", name="dropped.jpg")).to_be_visible()
    expect(page.locator(".drop")).not_to_have_class(re.compile("drop--over"))


def test_a_file_that_is_too_large_is_told_so_before_it_is_sent(
    page: Page, sign_in: SignInAs, address: str, tmp_path: Path
) -> None:
    sign_in(page, BO).goto(address)
    (tmp_path / "large.pdf").write_bytes(pictures.PDF + b" " * 26 * 1024 * 1024)
    sent = []
    page.on("request", lambda request: sent.append(request.url))

    page.locator("#files").set_input_files(tmp_path / "large.pdf")

    expect(page.locator(".drop__file")).to_contain_text("The file is too large. 25 MB at most.")
    assert not [url for url in sent if url.endswith("/upload")]


def test_a_file_that_did_not_arrive_can_be_sent_again(
    page: Page, sign_in: SignInAs, address: str, files: list[Path]
) -> None:
    sign_in(page, BO).goto(address)
    page.route("**/media/upload", lambda route: route.abort())
    page.locator("#files").set_input_files(files[0])
    expect(page.locator(".drop__file")).to_contain_text("The file did not arrive.")

    page.unroute("**/media/upload")
    page.get_by_role("button", name="Try again: harbour.jpg").click()

    expect(page.get_by_role("article", name="harbour.jpg")).to_be_visible()
    expect(page.locator(".drop__file")).to_have_count(0)


def test_a_click_in_the_picture_says_where_the_eye_lands_and_is_kept(
    page: Page, sign_in: SignInAs, address: str, files: list[Path]
) -> None:
    sign_in(page, BO).goto(address)
    page.locator("#files").set_input_files(files[0])
    card = page.get_by_role("article", name="harbour.jpg")
    picture = card.locator(".focal__picture")
    expect(card.locator(".focal__point")).to_be_visible()
    box = picture.bounding_box()
    assert box is not None

    picture.click(position={"x": box["width"] * 0.2, "y": box["height"] * 0.8})

    across, down = card.get_by_label("From the left, %"), card.get_by_label("From the top, %")
    expect(across).to_have_value("20")
    expect(down).to_have_value("80")
    lead = card.locator(".focal__cut--lead")
    assert lead.evaluate("image => getComputedStyle(image).objectPosition") == "50% 100%"

    page.get_by_role("button", name="Save").last.click()

    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(across).to_have_value("20")
    expect(down).to_have_value("80")


def test_without_a_script_the_files_go_with_the_form(
    window: Callable[..., Page], sign_in: SignInAs, address: str, files: list[Path]
) -> None:
    page = window(scripts=False)
    sign_in(page, BO).goto(address)

    page.locator("#files").set_input_files(files)
    page.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("article")).to_have_count(4)
    expect(page.get_by_text("‘drawing.svg’ is an SVG file")).to_be_visible()
