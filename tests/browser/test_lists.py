"""A journalist looks for what was granted to a municipality, with nothing but links and a form."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.core.accounts import Role
from releases.editorial.models import State
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver


@pytest.fixture
def slug(office: Office) -> str:
    with office.app.app_context():
        writer = factories.user("alva@press.example")
        editor = factories.user("bo@press.example", role=Role.EDITOR)
        return factories.release(writer, language="sv", state=State.PUBLISHED, editor=editor).slug


def test_a_place_is_found_by_name_and_tells_what_it_was_granted(
    office: Office, page: Page, slug: str, look_over: LookOver
) -> None:
    page.goto(f"{office.address}/sv/places/")
    page.get_by_label("Kommun, region eller län").fill("fal")
    page.get_by_role("button", name="Visa").click()
    page.get_by_role("link", name="Falun").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Falu kommun")
    expect(page.get_by_role("cell", name="1 200 000 kronor")).to_be_visible()
    look_over(page)
    page.get_by_role("link", name="Hela omgången").click()
    expect(page.get_by_role("img", name="De största beloppen")).to_be_visible()
    look_over(page)


def test_a_word_is_searched_for_and_marked(
    office: Office, page: Page, slug: str, look_over: LookOver
) -> None:
    page.goto(f"{office.address}/sv/search")
    page.get_by_label("Sök bland pressmeddelandena").fill("kommunerna")
    page.keyboard.press("Enter")

    expect(page.locator("mark").first).to_contain_text("kommun")
    look_over(page)
    page.locator(".news-list__headline a").first.click()
    expect(page).to_have_url(f"{office.address}/sv/releases/{slug}")
    expect(page.get_by_role("link", name="Borås")).to_be_visible()
