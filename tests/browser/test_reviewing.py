"""A reviewer reads, comments and suggests where the words stand; the writer takes it over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.core.accounts import Role, find_user
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import Release
from releases.editorial.writing import save, text_of
from releases.review.inviting import token_of
from releases.review.reviewing import Outsider, Request, reviews
from tests import factories
from tests.browser.conftest import Office, running_office
from tests.browser.pages import SignInAs
from tests.factories import A_MORNING
from tests.postoffice import PostOffice

ALVA, RUT = "alva@press.example", "rut@press.example"
BODY = (
    '<p>Falun and Borås <strong>share</strong> <data value="2650000" data-figure="total">'
    "SEK 2,650,000</data> this year.</p><p>The projects are about water.</p>"
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """One installation for all of it; each story has a release of its own."""
    folder = tmp_path_factory.mktemp("reviewing")
    with PostOffice() as post, running_office(folder, template=sqlite_template, post=post) as here:
        here.person(ALVA, Role.WRITER)
        here.person(RUT, Role.REVIEWER)
        yield here


@pytest.fixture
def submitted(office: Office) -> int:
    """The id of a text that Rut, and Eva from outside, are asked to review."""
    with office.app.app_context():
        alva, rut = find_user(ALVA), find_user(RUT)
        assert alva is not None
        assert rut is not None
        release: Release = factories.release(alva, language="en")
        text = replace(text_of(release.head), body=BODY)
        save(release, text, base_id=release.head_id or 0, by=alva, at=A_MORNING)
        asked = Request(people=(rut,), outsiders=(Outsider("Eva Ek", "eva@lund.example"),))
        workflow.submit(release, request=asked, by=alva, at=A_MORNING)
        db.session.commit()
        return release.id


def reading(page: Page, office: Office, release_id: int) -> Page:
    page.goto(f"{office.address}/office/releases/{release_id}/read")
    return page


def select(page: Page, words: str) -> None:
    """Select words in the body as a mouse would, across whatever elements they are in."""
    page.evaluate(
        """(words) => {
          const walker = document.createTreeWalker(
            document.querySelector('[data-part=body]'), NodeFilter.SHOW_TEXT);
          const letters = [];
          while (walker.nextNode()) {
            const node = walker.currentNode;
            [...node.data].forEach((letter, at) => letters.push([letter, node, at]));
          }
          const text = letters.map(([letter]) => letter.replace(/\\s/, ' ')).join('');
          const start = text.indexOf(words);
          const range = document.createRange();
          range.setStart(letters[start][1], letters[start][2]);
          const last = letters[start + words.length - 1];
          range.setEnd(last[1], last[2] + 1);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
        }""",
        words,
    )


def test_selected_words_are_commented_on_beside_the_text(
    office: Office, page: Page, sign_in: SignInAs, submitted: int, look_over: Callable[[Page], None]
) -> None:
    # When a reviewer selects words across bold and a figure and comments on them
    reading(sign_in(page, RUT), office, submitted)
    select(page, "share SEK 2,650,000 this")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator("#comment-text").fill("Is that all of it?")
    page.get_by_role("button", name="Send", exact=True).click()

    # Then the words are marked, and the comment stands at their height
    note = page.locator("li.note")
    expect(note).to_contain_text("Is that all of it?")
    marks = page.locator("mark.passage")
    expect(marks.first).to_have_text("share")
    page.wait_for_function(
        """() => {
          const top = (what) => document.querySelector(what).getBoundingClientRect().top;
          return Math.abs(top('mark.passage') - top('li.note')) < 5;
        }"""
    )
    look_over(page)


def test_a_suggestion_is_made_and_accepted(
    office: Office, page: Page, window: Callable[..., Page], sign_in: SignInAs, submitted: int
) -> None:
    # When a reviewer suggests other words
    reading(sign_in(page, RUT), office, submitted)
    select(page, "are about water")
    page.get_by_role("button", name="Suggest a change").click()
    page.get_by_label("Write instead").fill("are about clean water")
    page.get_by_role("button", name="Send", exact=True).click()

    # And the writer accepts them
    hers = reading(sign_in(window(), ALVA), office, submitted)
    hers.get_by_role("button", name="Accept", exact=True).click()

    # Then the text says so
    expect(hers.locator("[data-part=body]")).to_contain_text("The projects are about clean water.")
    expect(hers.locator(".note--settled")).to_contain_text("Accepted")


def test_a_paragraph_is_commented_on_by_keyboard_alone(
    office: Office, page: Page, sign_in: SignInAs, submitted: int
) -> None:
    reading(sign_in(page, RUT), office, submitted)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('[data-part=body] p:nth-of-type(2)')"):
            break
    page.keyboard.press("Enter")
    page.keyboard.type("Which projects?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    note = page.locator("li.note")
    expect(note).to_contain_text("The projects are about water.")
    expect(note).to_contain_text("Which projects?")


def test_without_script_one_quotes_the_words(
    office: Office, window: Callable[..., Page], sign_in: SignInAs, submitted: int
) -> None:
    page = reading(sign_in(window(scripts=False), RUT), office, submitted)
    page.get_by_label("Which words is it about?").fill("about water")
    page.locator("#comment-text").fill("Or sewage?")
    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.locator("mark.passage")).to_have_text("about water")
    expect(page.locator("li.note")).to_contain_text("Or sewage?")


def test_somebody_from_outside_reads_comments_and_answers(
    office: Office, page: Page, submitted: int, look_over: Callable[[Page], None]
) -> None:
    # Given the link that Eva got
    with office.app.app_context():
        release = db.session.get_one(Release, submitted)
        (hers,) = [one.invitation for one in reviews(release) if one.invitation]
        link = f"{office.address}/invited/{token_of(hers)}"

    # When she comments on some words and says that something has to change
    page.goto(link)
    look_over(page)
    select(page, "are about water")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator("#comment-text").fill("And sewage.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Your comment has been sent")
    page.get_by_label("Something needs to change").check()
    page.locator("#reason").fill("Mention sewage.")
    page.get_by_role("button", name="Send answer").click()

    # Then her words are marked, and her answer stands
    expect(page.locator("mark.passage")).to_have_text("are about water")
    expect(page.locator("#answer")).to_contain_text("Mention sewage.")
    look_over(page)
