"""The pages as a person sees them: what can be read there and what can be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page

from app.core.words import translate


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


@dataclass(frozen=True)
class OfficePage:
    """A staff page, in the language of the person who reads it."""

    page: Page
    address: str
    language: str = "en"

    def word(self, key: str) -> str:
        return translate(key, self.language)

    def press(self, key: str) -> None:
        """The button of that name, and the page it leads to."""
        self.page.get_by_role("button", name=self.word(key), exact=True).click()
        self.page.wait_for_load_state()

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def message(self) -> Locator:
        """What the office says about what was just done."""
        return self.page.locator(".flashes")


@dataclass(frozen=True)
class ImportRound(OfficePage):
    def open(self) -> ImportRound:
        self.page.goto(f"{self.address}/office/rounds/import")
        return self

    def choose(self, file: Path, *, programme: str, name: str, total: str = "") -> None:
        """Fill in the first step and see the second."""
        self.page.locator("input[name=file]").set_input_files(file)
        self.page.locator("input[name=programme]").fill(programme)
        self.page.locator("input[name=name]").fill(name)
        self.page.locator("input[name=stated_total]").fill(total)
        self.press("rounds.choose.submit")

    @property
    def figures(self) -> Locator:
        return self.page.locator(".figure-card__value")

    @property
    def rows(self) -> Locator:
        return self.page.locator("table tbody tr")

    def store(self) -> None:
        self.press("rounds.preview.store")


@dataclass(frozen=True)
class RoundPage(OfficePage):
    def draft(self) -> None:
        """A draft in the language of whoever asks; the editing page opens."""
        self.press(f"rounds.one.draft_{self.language}")


@dataclass(frozen=True)
class ReleasePage(OfficePage):
    def open(self, release_id: int) -> ReleasePage:
        self.page.goto(f"{self.address}/office/releases/{release_id}")
        return self

    @property
    def id(self) -> int:
        found = re.search(r"/releases/([0-9]+)", self.page.url)
        assert found is not None
        return int(found[1])

    @property
    def state(self) -> Locator:
        return self.page.locator(".release-page__step .badge").first

    @property
    def text(self) -> Locator:
        return self.page.get_by_role("article")

    def note_yes(self, *, how: str) -> None:
        """Write down that everybody quoted has said yes."""
        waiting = self.page.locator(".quoted:not(:has(.badge--published))")
        while waiting.count():
            one = waiting.first
            one.locator("summary", has_text=self.word("quotes.panel.record")).click()
            one.get_by_label(self.word("quotes.panel.how")).fill(how)
            with self.page.expect_navigation():
                one.get_by_role("button", name=self.word("quotes.panel.save")).click()

    def read_in_the_newsroom(self) -> None:
        self.page.get_by_role("link", name=self.word("releases.read_public")).click()


@dataclass(frozen=True)
class EditPage(OfficePage):
    def open(self, release_id: int) -> EditPage:
        self.page.goto(f"{self.address}/office/releases/{release_id}/edit")
        return self

    def surface(self, part: str) -> Locator:
        """Where a part is written: `headline`, `lead` or `body`."""
        return self.page.locator(f"#{part}[contenteditable]")

    def tools(self, part: str) -> Locator:
        return self.page.locator(f"[data-kind={part}]").get_by_role("toolbar")

    def tool(self, part: str, key: str) -> Locator:
        return self.tools(part).get_by_role("button", name=self.word(key), exact=True)

    @property
    def gaps(self) -> Locator:
        return self.page.locator("[contenteditable] mark[data-gap]")

    def fill_gap(self, name: str, text: str) -> None:
        """Click into a gap and write."""
        self.page.locator(f"[contenteditable] mark[data-gap='{name}']").click()
        self.page.keyboard.type(text)

    def paste(self, part: str, *, html: str = "", text: str = "") -> None:
        """What another program left on the clipboard, dropped where the caret is."""
        self.surface(part).evaluate(
            """(surface, [html, text]) => {
                const clipboardData = new DataTransfer();
                if (html) clipboardData.setData("text/html", html);
                clipboardData.setData("text/plain", text);
                const given = { clipboardData, bubbles: true, cancelable: true };
                surface.dispatchEvent(new ClipboardEvent("paste", given));
            }""",
            [html, text],
        )

    def save(self) -> None:
        self.press("releases.save")

    @property
    def complaint(self) -> Locator:
        return self.main.get_by_role("alert")


@dataclass(frozen=True)
class Newsroom:
    page: Page
    address: str
    language: str = "en"

    def open(self) -> Newsroom:
        self.page.goto(f"{self.address}/{self.language}/")
        return self

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def text(self) -> Locator:
        return self.page.locator("article")

    def sign_up(self, email: str) -> None:
        form = self.page.locator(f"form[action='/{self.language}/subscribe']")
        form.locator("input[name=email]").fill(email)
        form.get_by_role("button").click()
        self.page.wait_for_load_state()


@dataclass(frozen=True)
class SecretLink:
    """A page behind a link in a mail, with the button that it is for before any other."""

    page: Page

    def open(self, url: str) -> SecretLink:
        self.page.goto(url)
        return self

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def button(self) -> Locator:
        return self.page.get_by_role("main").get_by_role("button").first


LookOver = Callable[[Page], None]
SignInAs = Callable[[Page, str], Page]
