"""A person of the office comes in by the front door, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from app.core.accounts import Role
from tests.browser.conftest import PASSWORD, Office
from tests.browser.pages import Desk, SignIn


def test_a_wrong_password_is_answered_clearly_and_opens_nothing(
    office: Office, page: Page, axe: Callable[[Page], None]
) -> None:
    office.person("alva@press.example", Role.WRITER)

    SignIn(page, office.address).open().enter("alva@press.example", "not the right password")

    expect(SignIn(page, office.address).complaint).to_contain_text("password")
    assert PASSWORD not in page.content()
    axe(page)
    Desk(page, office.address).open()
    assert "/office/sign-in" in page.url


def test_an_unknown_person_is_answered_like_a_wrong_password(office: Office, page: Page) -> None:
    office.person("alva@press.example", Role.WRITER)
    sign_in = SignIn(page, office.address)

    sign_in.open().enter("alva@press.example", "not the right password")
    answer = sign_in.complaint.inner_text()
    sign_in.open().enter("nobody@press.example", "not the right password")

    expect(sign_in.complaint).to_have_text(answer)


def test_the_right_password_leads_to_the_desk_and_out_again(
    office: Office,
    page: Page,
    sign_in: Callable[[Page, str], Page],
    axe: Callable[[Page], None],
) -> None:
    office.person("alva@press.example", Role.WRITER)

    SignIn(page, office.address).open()
    axe(page)
    sign_in(page, "alva@press.example")

    desk = Desk(page, office.address)
    expect(desk.heading).to_be_visible()
    expect(desk.menu).to_be_visible()
    axe(page)
    desk.sign_out()
    expect(SignIn(page, office.address).password).to_be_visible()
    desk.open()
    assert "/office/sign-in" in page.url


def test_signing_in_by_keyboard_alone(office: Office, page: Page) -> None:
    office.person("alva@press.example", Role.WRITER)
    sign_in = SignIn(page, office.address).open()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(sign_in.email).to_be_focused()
    page.keyboard.type("alva@press.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url(f"{office.address}/office/")
    expect(Desk(page, office.address).menu).to_be_visible()


def test_who_was_stopped_on_the_way_arrives_there_after_signing_in(
    office: Office, page: Page
) -> None:
    office.person("alva@press.example", Role.WRITER)

    page.goto(f"{office.address}/office/releases/")
    SignIn(page, office.address).enter("alva@press.example", PASSWORD)

    page.wait_for_url(f"{office.address}/office/releases/")
