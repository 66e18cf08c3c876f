"""The pages as a person sees them: what can be read there and what can be done."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page


@dataclass(frozen=True)
class SignIn:
    page: Page
    address: str

    def open(self) -> SignIn:
        self.page.goto(f"{self.address}/office/sign-in")
        return self

    def enter(self, email: str, password: str) -> None:
        self.email.fill(email)
        self.password.fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    @property
    def email(self) -> Locator:
        return self.page.locator("input[name=email]")

    @property
    def password(self) -> Locator:
        return self.page.locator("input[name=password]")

    @property
    def complaint(self) -> Locator:
        """What the page says is wrong."""
        return self.page.get_by_role("main").get_by_role("alert")


@dataclass(frozen=True)
class Desk:
    page: Page
    address: str

    def open(self) -> Desk:
        self.page.goto(f"{self.address}/office/")
        return self

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def menu(self) -> Locator:
        return self.page.get_by_role("navigation", name="Main menu")

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
