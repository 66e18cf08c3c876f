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


def nothing_is_sent(page: Page) -> None:
    """The page of an office that does not keep unsaved texts."""
    page.evaluate("document.getElementById('editing').removeAttribute('data-autosave')")


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


def test_what_is_written_is_kept_without_saving(
    office: Office, hers: EditPage, window: Callable[..., Page], sign_in: SignInAs, draft: int
) -> None:
    # When she writes and waits
    state = hers.page.locator("#editor-state")
    hers.surface("lead").fill("Kept without a button.")
    expect(state).to_have_text(hers.word("editor.unsaved"))
    expect(state).to_contain_text("Saved", timeout=8_000)

    # Then the release is as it was, and in another browser she can go on where she was
    elsewhere = EditPage(sign_in(window(), ALVA), office.address).open(draft)
    expect(elsewhere.surface("lead")).not_to_have_text("Kept without a button.")
    elsewhere.page.get_by_role("link", name=elsewhere.word("editing.unsaved.take")).click()
    expect(elsewhere.surface("lead")).to_have_text("Kept without a button.")


def test_without_a_connection_the_text_is_kept_in_the_browser_and_sent_later(
    hers: EditPage, draft: int
) -> None:
    page, state = hers.page, hers.page.locator("#editor-state")

    # When the line is gone and she writes
    page.context.set_offline(True)
    hers.surface("lead").fill("Written on a train.")
    expect(state).to_have_text(hers.word("editor.kept"), timeout=8_000)
    kept = page.evaluate(f"localStorage.getItem('pressrum:release:{draft}')")
    assert "Written on a train." in kept

    # And when it is back
    page.context.set_offline(False)
    expect(state).to_contain_text("Saved", timeout=8_000)


def test_a_text_that_never_left_the_browser_is_offered_on_return(
    office: Office, hers: EditPage, draft: int, look_over: LookOver
) -> None:
    page = hers.page
    nothing_is_sent(page)
    hers.surface("lead").fill("Not lost.")
    hers.page.locator("input[name=note]").fill("On the train")

    # When she leaves the page and comes back
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{office.address}/office/")
    hers.open(draft)

    # Then her words are offered, and come back with one press
    notice = page.locator("#editor-copy")
    expect(notice).to_be_visible()
    expect(hers.surface("lead")).not_to_have_text("Not lost.")
    look_over(page)
    notice.get_by_role("button", name=hers.word("editor.copy_take")).click()
    expect(hers.surface("lead")).to_have_text("Not lost.")
    expect(page.locator("input[name=note]")).to_have_value("On the train")
    expect(notice).to_have_count(0)

    # And when they are saved, they are not offered again
    hers.save()
    page.wait_for_url(f"**/office/releases/{draft}")
    hers.open(draft)
    expect(hers.surface("lead")).to_have_text("Not lost.")
    expect(notice).to_have_count(0)


def test_a_copy_that_is_thrown_away_is_gone(office: Office, hers: EditPage, draft: int) -> None:
    page = hers.page
    nothing_is_sent(page)
    hers.surface("lead").fill("Away with it.")
    page.on("dialog", lambda dialog: dialog.accept())
    hers.open(draft)

    page.get_by_role("button", name=hers.word("editor.copy_drop")).click()
    hers.open(draft)

    expect(hers.surface("lead")).not_to_have_text("Away with it.")
    expect(page.locator("#editor-copy")).to_have_count(0)


def test_whoever_is_signed_out_while_writing_loses_nothing(
    office: Office, hers: EditPage, sign_in: SignInAs, draft: int
) -> None:
    page, state = hers.page, hers.page.locator("#editor-state")

    # When the session ends, and she writes on
    page.context.clear_cookies()
    hers.surface("lead").fill("Written after the session.")
    expect(state).to_contain_text(hers.word("editor.signed_out"), timeout=8_000)

    # And she signs in again in the tab that is offered
    with page.context.expect_page() as opened:
        state.get_by_role("link").click()
    sign_in(opened.value, ALVA)
    page.bring_to_front()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    # Then the text is kept, and can be saved with the page that was open all the time
    expect(state).to_contain_text("Saved", timeout=8_000)
    hers.save()
    page.wait_for_url(f"**/office/releases/{draft}")
    text = ReleasePage(page, office.address).text
    expect(text).to_contain_text("Written after the session.")


def test_each_sees_that_the_other_is_there_and_who_has_saved(
    hers: EditPage, his: EditPage, draft: int
) -> None:
    # Given that Bo has come after her
    expect(his.page.locator("#editor-others")).to_have_text("Alva is also editing")
    expect(his.page.locator("#editor-newer")).to_be_hidden()

    # When she saves
    hers.surface("lead").fill("Alva was here first.")
    hers.save()
    hers.page.wait_for_url(f"**/office/releases/{draft}")
    his.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    # Then he is told, before he saves
    expect(his.page.locator("#editor-newer")).to_contain_text("Alva")


def test_the_preview_stands_beside_the_text_and_follows_it(hers: EditPage) -> None:
    page = hers.page
    page.set_viewport_size({"width": 1440, "height": 900})

    # When it is opened, and something is written
    page.get_by_role("button", name=hers.word("editor.preview")).click()
    shown = page.frame_locator("#editor-preview")
    expect(shown.get_by_role("heading", level=1)).to_be_visible()
    hers.surface("headline").fill("A headline to be previewed")

    # Then it stands there when the text has been kept, in each of its looks
    expect(shown.get_by_role("heading", level=1)).to_have_text(
        "A headline to be previewed", timeout=10_000
    )
    page.get_by_role("tab", name=hers.word("editor.preview_text")).click()
    expect(shown.locator("body")).to_contain_text("A headline to be previewed")
    beside, text = (page.locator(one).bounding_box() for one in (".beside", ".writing__text"))
    assert beside is not None
    assert text is not None
    assert beside["x"] >= text["x"] + text["width"]
