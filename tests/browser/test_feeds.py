"""Somebody opens a feed in a browser, takes its address along, and finds the other feeds."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from app.core.accounts import Role
from releases.editorial.models import State
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver


def test_a_feed_opened_in_a_browser_is_a_page_to_take_the_address_from(
    office: Office, page: Page, look_over: LookOver
) -> None:
    with office.app.app_context():
        writer = factories.user("alva@press.example")
        editor = factories.user("bo@press.example", role=Role.EDITOR)
        factories.release(writer, language="en", state=State.PUBLISHED, editor=editor)
    address = f"{office.address}/en/programmes/kommunala-partnerskap/feed.atom"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    # A browser gets a page about the feed
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Kommunala partnerskap")
    expect(page.get_by_label("Address", exact=True)).to_have_value(address)
    look_over(page)
    page.get_by_role("button", name="Copy the address").click()
    expect(page.get_by_role("status")).to_have_text("The address is copied")
    assert page.evaluate("navigator.clipboard.readText()") == address

    # A script of another page on the way through the same browser gets the feed itself
    served = page.evaluate("fetch(location.href).then(it => it.headers.get('content-type'))")
    assert served == "application/atom+xml; charset=utf-8"

    # And there is a way to the source and to all feeds
    page.get_by_role("link", name="Show the source").click()
    expect(page.get_by_text("<feed ")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="All feeds and how to subscribe").click()
    page.get_by_text("Show all").click()
    look_over(page)
    page.get_by_role("link", name="JSON Feed Falun").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Falun")
