"""The editing page: the keyboard alone, text from Word, figures, gaps, quotes, and no script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.core.accounts import Role, find_user
from app.core.db import db
from app.core.html import gaps, plain
from releases.editorial.models import Release, State
from tests import factories
from tests.browser.conftest import Office, running_office
from tests.browser.pages import EditPage, LookOver, ReleasePage, SignInAs
from tests.markup import figures_in
from tests.postoffice import PostOffice

ALVA, BO = "alva@press.example", "bo@press.example"

FROM_WORD = """\
<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal {margin:0cm}</style>
</head><body lang=SV><!--StartFragment-->
<h2 style='color:#2F5496'>Så går det till<o:p></o:p></h2>
<p class=MsoNormal><span style='font-family:"Calibri",sans-serif;color:red'>Först <b
style='mso-bidi-font-weight:normal'>ansöker</b> kommunen,
hos <a href="https://icld.example/" onclick="steal()">ICLD</a>.</span></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoListParagraph style='text-indent:-18pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>·<span style='font:7pt "Times New Roman"'>&nbsp;&nbsp;</span></span><![endif]>Kenya</p>
<p class=MsoListParagraph style='text-indent:-18pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>·</span><![endif]>Vietnam</p>
<script>alert(1)</script><!--EndFragment--></body></html>
"""  # noqa: E501 - as Word writes it


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """One installation for all that is edited here; each story has a release of its own."""
    folder = tmp_path_factory.mktemp("editing")
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
def edit(office: Office, page: Page, sign_in: SignInAs, draft: int) -> EditPage:
    """The editing page of the draft, opened by Alva."""
    sign_in(page, ALVA)
    return EditPage(page, office.address).open(draft)


def body_of(office: Office, release_id: int) -> str:
    """The body as it is kept."""
    with office.app.app_context():
        release = db.session.get(Release, release_id)
        assert release is not None
        return release.head.body


def press_until(page: Page, key: str, focused: str, *, most: int = 40) -> None:
    """Press a key until the focus is where somebody who only has a keyboard wants it."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", focused):
            return
    raise AssertionError(f"{focused} cannot be reached by {key}")


def test_writing_saving_and_submitting_by_keyboard_alone(
    office: Office, edit: EditPage, draft: int
) -> None:
    page = edit.page
    figures = figures_in(body_of(office, draft))

    # When the headline is reached and written on
    press_until(page, "Tab", "#headline")
    page.keyboard.press("End")
    page.keyboard.type(" this autumn")
    press_until(page, "Tab", "#lead")
    press_until(page, "Tab", "#body")

    # And a word is made bold with the toolbar, one stop of Tab away
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("In all: ")
    page.keyboard.press("Shift+Tab")
    expect(edit.tool("body", "editor.bold")).to_be_focused()
    page.keyboard.press("Enter")
    expect(edit.tool("body", "editor.bold")).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("exactly ")

    # And a figure is looked for and inserted
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowLeft")
    expect(edit.tool("body", "editor.figure")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("2,650,000")
    page.keyboard.press("Enter")
    expect(edit.surface("body")).to_be_focused()
    page.keyboard.type(".")

    # And all of it is saved and submitted
    press_until(page, "Tab", "button[form=editing]")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/office/releases/{draft}")
    press_until(page, "Tab", "form[action$='/submit'] button")
    page.keyboard.press("Enter")

    # Then the words are there and the figure is still a figure
    release = ReleasePage(page, office.address)
    expect(release.state).to_have_text("In review")
    expect(release.heading).to_contain_text("this autumn")
    body = body_of(office, draft)
    assert figures_in(body) == [*figures, ("total", "2650000")]
    assert "In all: exactly SEK 2,650,000." in plain(body).replace("\u00a0", " ")
    assert body.endswith("</data>.</strong></p>")


def test_what_comes_from_a_word_processor_comes_in_clean(
    office: Office, edit: EditPage, draft: int
) -> None:
    edit.surface("body").fill("")
    edit.paste("body", html=FROM_WORD, text="not this")
    edit.surface("lead").fill("")
    edit.paste("lead", html=FROM_WORD.replace("<script>alert(1)</script>", ""), text="not this")
    edit.save()

    body = body_of(office, draft)
    assert "<h2>Så går det till</h2>" in body
    assert (
        '<p>Först <strong>ansöker</strong> kommunen, hos <a href="https://icld.example/">ICLD</a>.'
    ) in " ".join(body.split())
    assert "<ul><li>Kenya</li><li>Vietnam</li></ul>" in body
    assert not [rest for rest in ("Mso", "style", "span", "alert", "·", "not this") if rest in body]
    expect(ReleasePage(edit.page, office.address).text).to_contain_text(
        "Så går det till Först ansöker kommunen, hos ICLD. Kenya Vietnam"
    )


def test_pasted_lines_of_plain_text_stay_apart(office: Office, edit: EditPage, draft: int) -> None:
    edit.surface("body").fill("")

    edit.paste("body", text="One paragraph.\r\nAnother one.\r\n")
    edit.save()

    assert body_of(office, draft) == "<p>One paragraph.</p><p>Another one.</p>"


def test_writing_in_a_gap_replaces_all_of_it(office: Office, edit: EditPage, draft: int) -> None:
    page = edit.page

    edit.fill_gap("quote.authority", "“Well done,” says the minister.")
    expect(edit.gaps).to_have_count(1)
    page.locator("#body mark[data-gap]").click()
    page.keyboard.press("Backspace")
    expect(edit.gaps).to_have_count(0)
    edit.save()

    body = body_of(office, draft)
    assert not gaps(body)
    assert "“Well done,” says the minister." in body
    assert "[" not in body


def test_a_figure_vanishes_whole_and_undo_brings_it_back(edit: EditPage) -> None:
    chips = edit.surface("headline").locator("data[data-figure]")
    count = chips.count()

    edit.surface("headline").press("Control+a")
    edit.page.keyboard.press("Delete")
    expect(chips).to_have_count(0)
    edit.tool("headline", "editor.undo").click()

    expect(chips).to_have_count(count)


def test_figures_survive_being_cut_and_pasted(office: Office, edit: EditPage, draft: int) -> None:
    page, before = edit.page, body_of(office, draft)

    edit.surface("body").press("Control+a")
    page.keyboard.press("Control+x")
    expect(edit.surface("body").locator("data")).to_have_count(0)
    page.keyboard.press("Control+v")
    edit.save()

    after = body_of(office, draft)
    assert figures_in(after) == figures_in(before)
    assert gaps(after) == gaps(before)
    assert plain(after) == plain(before)


def test_a_refused_save_keeps_every_word_and_leads_to_the_mistake(
    edit: EditPage, look_over: LookOver
) -> None:
    edit.surface("lead").fill("A lead of my own.")
    edit.page.locator("#link-label-1").fill("Our site")
    edit.page.locator("#link-url-1").fill("https:icld")
    edit.page.locator("input[name=note]").fill("Why")
    edit.save()

    expect(edit.complaint).to_contain_text("https:icld")
    expect(edit.surface("lead")).to_have_text("A lead of my own.")
    expect(edit.page.locator("#link-label-1")).to_have_value("Our site")
    expect(edit.page.locator("input[name=note]")).to_have_value("Why")
    look_over(edit.page)
    edit.complaint.get_by_role("link").click()
    expect(edit.page.locator("#link-url-1")).to_be_focused()


def test_a_published_text_is_compared_with_its_changes(
    office: Office, page: Page, sign_in: SignInAs, look_over: LookOver
) -> None:
    with office.app.app_context():
        published = factories.release(
            find_user(ALVA),
            language="en",
            state=State.PUBLISHED,
            editor=find_user(BO),
        ).id
    sign_in(page, ALVA)
    edit = EditPage(page, office.address).open(published)

    edit.surface("headline").fill("A better headline")
    edit.save()

    release = ReleasePage(page, office.address)
    expect(release.state).to_have_text("Draft")
    page.get_by_text(release.word("releases.since_live")).click()
    expect(page.locator("ins")).to_contain_text("A better headline")
    look_over(page)
    page.locator(".history a").last.click()
    expect(page.locator("ins").first).to_contain_text("A better headline")
    look_over(page)


def test_without_scripts_the_page_still_saves(
    office: Office, draft: int, window: Callable[..., Page], sign_in: SignInAs
) -> None:
    page = sign_in(window(scripts=False), ALVA)
    edit = EditPage(page, office.address).open(draft)

    page.locator("textarea[name=headline]").fill("Written without a script")
    edit.save()

    release = ReleasePage(page, office.address)
    expect(release.heading).to_have_text("Written without a script")
    assert figures_in(body_of(office, draft))
