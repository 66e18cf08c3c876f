"""The page of a house template: the draft follows the typing, and a slip is marked on its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.core.accounts import Role
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver, SignInAs

BO = "bo@press.example"


@pytest.fixture
def address(office: Office) -> str:
    """The Swedish template's page of a programme with a round, and Bo who may change it."""
    office.person(BO, Role.EDITOR)
    with office.app.app_context():
        programme = factories.round_().programme_id
    return f"{office.address}/office/programmes/{programme}/templates/sv"


def test_the_draft_follows_what_is_typed_and_a_slip_is_marked(
    page: Page, sign_in: SignInAs, address: str, look_over: LookOver
) -> None:
    sign_in(page, BO).goto(address)
    preview, lead = page.locator("#live-preview"), page.get_by_label("Lead", exact=True)

    lead.fill("Hej.\n")
    page.get_by_role("button", name="Insert {{ total }}", exact=True).click()

    expect(preview.locator(".lead")).to_have_text("Hej. 2\u00a0650\u00a0000\u00a0kronor")

    lead.press_sequentially(" {{ totl }}")

    expect(page.locator(".source__lines .is-wrong")).to_have_text("2")
    expect(page.locator("#lead-error")).to_contain_text("Did you mean total?")
    look_over(page)


def test_the_same_can_be_done_without_a_script(
    window: Callable[..., Page], sign_in: SignInAs, address: str
) -> None:
    page = window(scripts=False)
    sign_in(page, BO).goto(address)

    page.get_by_label("Lead", exact=True).fill("Hej\n{{ totl }}")
    page.get_by_role("button", name="Show the draft").click()

    expect(page.locator(".wrong-line")).to_have_text("Line 2 {{ totl }}")
    expect(page.get_by_role("button", name="Insert")).to_have_count(0)
