"""Two people in one text: what they save is merged, and where it cannot be, somebody chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.core.accounts import Role, find_user
from tests import factories
from tests.browser.conftest import Office, running_office
from tests.browser.pages import EditPage, LookOver, ReleasePage, SignInAs
from tests.postoffice import PostOffice

ALVA, BO = "alva@press.example", "bo@press.example"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """One installation for all that is written here; each story has a release of its own."""
    folder = tmp_path_factory.mktemp("together")
    with PostOffice() as post, running_office(folder, template=sqlite_template, post=post) as here:
        here.person(ALVA, Role.WRITER)
        here.person(BO, Role.EDITOR)
        yield here


@pytest.fixture
def draft(office: Office) -> int:
    """The id of a draft by Alva."""
    with office.app.app_context():
        return factories.release(find_user(ALVA), language="en").id


@pytest.fixture
def hers(office: Office, page: Page, sign_in: SignInAs, draft: int) -> EditPage:
    """The editing page in Alva's window."""
    return EditPage(sign_in(page, ALVA), office.address).open(draft)


@pytest.fixture
def his(
    office: Office, window: Callable[..., Page], sign_in: SignInAs, draft: int, hers: EditPage
) -> EditPage:
    """The same in Bo's, opened after hers."""
    return EditPage(sign_in(window(), BO), office.address).open(draft)


def test_what_two_people_write_in_different_places_is_merged(
    office: Office, hers: EditPage, his: EditPage, draft: int
) -> None:
    # When one has saved, and the other saves something else
    hers.surface("lead").fill("Alva was here first.")
    hers.save()
    hers.page.wait_for_url(f"**/office/releases/{draft}")
    his.surface("headline").fill("Bo has another headline")
    his.fill_gap("quote.head", "A quote that Bo has fetched.")
    his.page.locator("input[name=note]").fill("The head's quote")
    his.save()

    # Then the text holds the words of both, and he is told whose they are
    his.page.wait_for_url(f"**/office/releases/{draft}")
    release = ReleasePage(his.page, office.address)
    expect(release.message).to_contain_text("Alva")
    expect(release.heading).to_have_text("Bo has another headline")
    expect(release.text).to_contain_text("Alva was here first.")
    expect(release.text).to_contain_text("A quote that Bo has fetched.")


def test_where_two_people_write_in_the_same_place_the_second_chooses_and_loses_nothing(
    office: Office, hers: EditPage, his: EditPage, draft: int, look_over: LookOver
) -> None:
    # When both write another headline, and the second saves
    hers.surface("headline").fill("Alva has another headline")
    hers.save()
    hers.page.wait_for_url(f"**/office/releases/{draft}")
    his.surface("headline").fill("Bo has another headline")
    his.surface("lead").fill("A lead that Bo has written.")
    his.page.locator("input[name=note]").fill("A better headline")
    his.save()

    # Then he is told who was first, sees both, and every word of his is still there
    expect(his.complaint).to_contain_text("Alva")
    expect(his.main.get_by_role("group").first).to_contain_text("Alva has another headline")
    expect(his.surface("headline")).to_have_text("Bo has another headline")
    expect(his.surface("lead")).to_have_text("A lead that Bo has written.")
    expect(his.page.locator("input[name=note]")).to_have_value("A better headline")
    look_over(his.page)

    # When he wants hers and saves again
    his.page.get_by_label(his.word("editing.clash.keep_theirs")).first.check()
    his.save()

    # Then the text has her headline and his lead
    his.page.wait_for_url(f"**/office/releases/{draft}")
    release = ReleasePage(his.page, office.address)
    expect(release.heading).to_have_text("Alva has another headline")
    expect(release.text).to_contain_text("A lead that Bo has written.")
    look_over(his.page)
