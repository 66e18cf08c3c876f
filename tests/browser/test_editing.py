"""The editing page: the keyboard alone, text from Word, figures, gaps, quotes, and no script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from app.core.accounts import Role, find_user
from app.core.db import db
from app.core.html import clean, gaps, plain
from app.settings import CHECKOUT
from releases.editorial.models import Release, State
from tests import factories
from tests.browser.conftest import Office, running_office
from tests.browser.pages import EditPage, LookOver, ReleasePage, SignInAs
from tests.markup import figures_in
from tests.postoffice import PostOffice

ALVA, BO = "alva@press.example", "bo@press.example"
SIGNED_IN: dict[str, Any] = {}  # Alva's cookies, by the address of the office

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
def alva(office: Office, page: Page, sign_in: SignInAs) -> Iterator[Page]:
    """Alva's window. Whatever she does there, the page keeps to its own policy."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    if SIGNED_IN.get(office.address):  # so often that the office would take it for guessing
        page.context.add_cookies(SIGNED_IN[office.address])
    else:
        SIGNED_IN[office.address] = sign_in(page, ALVA).context.cookies()
    yield page
    assert not [one for one in complaints if "status of 422" not in one]


@pytest.fixture
def edit(office: Office, alva: Page, draft: int) -> EditPage:
    """The editing page of the draft, opened by Alva."""
    return EditPage(alva, office.address).open(draft)


@pytest.fixture
def edit_with(office: Office, alva: Page, draft: int) -> Callable[..., EditPage]:
    """The editing page of the draft with another body, or with more that the office knows."""

    def open_(*, body: str = "", templates: str = "", swap: tuple[str, str] = ("", "")) -> EditPage:
        if body:
            with office.app.app_context():
                release = db.session.get_one(Release, draft)
                release.head.body = clean(body)
                db.session.commit()

        def add(route: Route) -> None:
            page = route.fetch()
            text = page.text().replace(*swap) if all(swap) else page.text()
            route.fulfill(
                response=page, body=text.replace("</form>\n</main>", f"</form>{templates}</main>")
            )

        if templates or all(swap):
            alva.route("**/edit", add)
        return EditPage(alva, office.address).open(draft)

    return open_


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


WHOLE = (
    "<p>First.</p><h2>Heading</h2><h3>Smaller</h3><p>A <strong>bold</strong>, <em>slanted</em> "
    '<i lang="sv">främmande</i> <a href="https://press.example/">link</a>,<br>'
    '<data value="Kenya" data-figure="award.1.country">Kenya och <i lang="sv">öst</i></data> '
    "10\u00a0000.</p><ul><li>One<ul><li>Inner</li></ul></li><li>Two</li></ul><ol><li>First</li></ol>"
    "<blockquote><p>Words.</p><p>More.</p><footer>Eva Ek, minister</footer></blockquote>"
    "<blockquote><p>Nobody said this.</p></blockquote><aside><p>Pulled out.</p></aside>"
    '<table><caption>Who</caption><thead><tr><th scope="col">Land</th><th scope="col">Sum</th></tr>'
    '</thead><tbody><tr><th scope="row">Kenya</th><td>1<br>2</td></tr><tr><td></td><td>3</td></tr>'
    "</tbody></table><table><tbody><tr><td>a</td></tr></tbody></table>"
    '<figure data-image="12"></figure><figure data-document="3"></figure>'
    '<figure data-contact="2"></figure><p><mark data-gap="quote.head">[Quote]</mark> end.</p>'
)


def written_in(edit: EditPage, part: str = "body") -> str:
    """What the form would send."""
    return edit.page.locator(f"textarea[name={part}]").input_value()


def empty(edit: EditPage, part: str = "body") -> None:
    edit.surface(part).press("Control+a")
    edit.page.keyboard.press("Delete")


def test_a_text_is_the_same_when_it_has_been_in_the_editor(
    office: Office, edit_with: Callable[..., EditPage], draft: int
) -> None:
    edit = edit_with(body=WHOLE)

    edit.surface("body").press("Control+Home")
    edit.page.keyboard.type("x")
    edit.page.keyboard.press("Backspace")

    assert clean(written_in(edit)) == clean(WHOLE)


def test_what_is_copied_from_the_text_comes_back_as_it_was(
    edit_with: Callable[..., EditPage],
) -> None:
    edit = edit_with(body=WHOLE)

    edit.surface("body").press("Control+a")
    edit.page.keyboard.press("Control+x")
    edit.page.keyboard.press("Control+v")

    assert clean(written_in(edit)) == clean(WHOLE)


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        pytest.param(
            '<meta charset="utf-8"><b style="font-weight:normal;" id="docs-internal-guid-1">'
            '<h1 dir="ltr"><span style="font-size:20pt">Title</span></h1><p dir="ltr" '
            'style="line-height:1.38"><span style="font-weight:700">Bold</span><span> and </span>'
            '<span style="font-style:italic">slanted</span></p><ul><li dir="ltr"><p><span>'
            "One</span></p></li><ul><li><p><span>Inner</span></p></li></ul></ul><br></b>",
            "<h2>Title</h2><p><strong>Bold</strong> and <em>slanted</em></p>"
            "<ul><li>One<ul><li>Inner</li></ul></li></ul>",
            id="google docs",
        ),
        pytest.param(
            "<div class=WordSection1><p class=MsoNormal>Hello,<o:p></o:p></p><p class=MsoNormal>"
            "<o:p>&nbsp;</o:p></p><p class=MsoNormal><a href='https://eur02.safelinks.protection."
            "outlook.com/?url=https%3A%2F%2Ficld.example%2Fnews&amp;data=05'>the news</a></p>",
            '<p>Hello,</p><p><a href="https://icld.example/news">the news</a></p>',
            id="outlook",
        ),
        pytest.param(
            "<div>One line</div><div>Another<br><br>A third</div><div><br></div>"
            "<img src='https://evil.example/x.png'><div>Last</div>",
            "<p>One line</p><p>Another</p><p>A third</p><p>Last</p>",
            id="web mail",
        ),
        pytest.param(
            "<p class=MsoList style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>1."
            "<span>&nbsp;</span></span>One</p><p class=MsoList style='mso-list:l0 level2 lfo1'>"
            "<span style='mso-list:Ignore'>a.</span>Inner</p><p class=MsoListParagraph "
            "style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>2.</span>Two</p>",
            "<ol><li>One<ol><li>Inner</li></ol></li><li>Two</li></ol>",
            id="word's lists",
        ),
        pytest.param(
            "<table border=1 style='width:100%'><tr><td colspan=2><p class=MsoNormal><b>Sum</b></p>"
            "</td></tr><tr><td rowspan=2><p>A</p><p>B</p></td><td>1</td></tr><tr><td>2</td></tr>"
            "</table>",
            "<table><tbody><tr><td><strong>Sum</strong></td><td></td></tr><tr><td>A<br>B</td>"
            "<td>1</td></tr><tr><td></td><td>2</td></tr></tbody></table>",
            id="merged cells",
        ),
        pytest.param(
            "<table role=presentation><tr><td><table><tr><td><h4>News</h4><p>Text</p></td></tr>"
            "</table></td></tr></table>",
            "<h3>News</h3><p>Text</p>",
            id="a mail laid out in tables",
        ),
        pytest.param(
            "<p onclick=x()>A<img src=x onerror=alert(1)><script>alert(1)</script></p>"
            "<p><a href='javascript:alert(1)'>b</a></p><iframe src=//evil.example></iframe>",
            "<p>A</p><p>b</p>",
            id="hostile",
        ),
        pytest.param(
            "<p>10\u00a0000\u00a0kronor</p>", "<p>10\u00a0000\u00a0kronor</p>", id="no-break spaces"
        ),
    ],
)
def test_what_other_programs_put_on_the_clipboard_comes_in_clean(
    edit: EditPage, html: str, kept: str
) -> None:
    empty(edit)

    edit.paste("body", html=html, text="not this")

    assert clean(written_in(edit)) == kept


def test_an_address_pasted_over_words_makes_a_link_of_them(edit: EditPage) -> None:
    empty(edit)
    edit.page.keyboard.type("Read more")
    edit.page.keyboard.press("Control+a")

    edit.paste("body", text="https://icld.example/")

    assert written_in(edit) == '<p><a href="https://icld.example/">Read more</a></p>'


def test_a_link_is_asked_for_beside_its_words_and_checked(
    edit: EditPage, look_over: LookOver
) -> None:
    page = edit.page
    dialog = page.get_by_role("dialog", name=edit.word("editor.link"))
    field = dialog.get_by_role("textbox")
    empty(edit)

    # When an address that leads nowhere is given
    page.keyboard.type("our site")
    page.keyboard.press("Shift+Home")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("javascript:alert(1)")
    page.keyboard.press("Enter")

    # Then it is refused, and one that is only short is understood
    expect(dialog.get_by_role("alert")).to_have_text(edit.word("editor.link_wrong"))
    look_over(page)
    field.fill("icld.example/news")
    page.keyboard.press("Enter")
    expect(edit.surface("body")).to_be_focused()
    assert written_in(edit) == '<p><a href="https://icld.example/news">our site</a></p>'

    # And it can be taken away
    page.keyboard.press("Control+k")
    expect(field).to_have_value("https://icld.example/news")
    dialog.get_by_role("button", name=edit.word("editor.link_remove")).click()
    assert written_in(edit) == "<p>our site</p>"


SIGNED = (
    '<template id="editor-quotes"><li data-words="It is  good." data-by="Eva Ek, minister" '
    'data-state="approved" data-text=""></li></template>'
)


def test_a_quote_has_a_speaker_and_shows_whether_it_is_signed_off(
    edit_with: Callable[..., EditPage], look_over: LookOver
) -> None:
    edit = edit_with(templates=SIGNED)
    page, state = edit.page, edit.surface("body").locator(".quote__state")
    empty(edit)

    # When a quote is written by keyboard, words and speaker
    page.keyboard.press("Control+Shift+b")
    page.keyboard.type('"It is good."')
    expect(state).to_have_text(edit.word("editor.quote_none"))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("Eva Ek, minister")

    # Then it is known, until somebody changes a word of it
    expect(state).to_have_text(edit.word("editor.quote_approved"))
    look_over(page)
    page.keyboard.type("!")
    expect(state).to_have_text(edit.word("editor.quote_none"))
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    page.keyboard.type("After it.")
    assert written_in(edit) == (
        "<blockquote><p>“It is good.”</p><footer>Eva Ek, minister</footer></blockquote>"
        "<p>After it.</p>"
    )


def test_an_old_quote_without_a_speaker_is_given_one(edit_with: Callable[..., EditPage]) -> None:
    edit = edit_with(body="<blockquote><p>Well done.</p></blockquote><p>After.</p>")

    edit.surface("body").get_by_text("Well done.").click()
    edit.page.keyboard.press("Tab")
    edit.page.keyboard.type("Eva Ek")

    assert written_in(edit) == (
        "<blockquote><p>Well done.</p><footer>Eva Ek</footer></blockquote><p>After.</p>"
    )


def test_a_quote_becomes_paragraphs_again_and_loses_no_word(
    edit_with: Callable[..., EditPage],
) -> None:
    edit = edit_with(body="<blockquote><p>Well done.</p><footer>Eva Ek</footer></blockquote>")

    edit.surface("body").get_by_text("Well done.").click()
    edit.tool("body", "editor.quote").click()

    assert written_in(edit) == "<p>Well done.</p><p>Eva Ek</p>"


def test_a_table_is_made_filled_and_changed_by_keyboard(
    edit: EditPage, look_over: LookOver
) -> None:
    page = edit.page
    empty(edit)
    edit.tool("body", "editor.table").focus()
    page.keyboard.press("Enter")

    # When it is filled cell by cell, one row more than it had
    for text in ("Land", "Who", "Krona", "Kenya", "Lund", "1", "Togo", "Umeå", "2", "Ghana"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type("Falun")

    # And a column, a row and a caption are changed
    edit.tool("body", "editor.column_away").click()
    edit.tool("body", "editor.row_above").click()
    page.locator("#body [data-caption]").click()
    page.keyboard.type("Who gets what")
    look_over(page)

    # Then it is written as a table that anybody can read
    assert written_in(edit) == (
        '<table><caption>Who gets what</caption><thead><tr><th scope="col">Land</th>'
        '<th scope="col">Krona</th></tr></thead><tbody><tr><td>Kenya</td><td>1</td></tr><tr>'
        "<td>Togo</td><td>2</td></tr><tr><td></td><td></td></tr><tr><td>Ghana</td><td></td></tr>"
        "</tbody></table>"
    )

    # And it goes as one
    page.locator("#body td").first.click()
    edit.tool("body", "editor.table_away").click()
    assert written_in(edit) == ""


def test_a_figure_is_looked_for_while_writing(edit: EditPage, look_over: LookOver) -> None:
    page = edit.page
    menu = page.get_by_role("dialog", name=edit.word("editor.figure")).locator("visible=true")
    empty(edit)

    page.keyboard.type("In all #total")
    expect(menu.get_by_role("option").first).to_contain_text("2,650,000")
    look_over(page)
    page.keyboard.press("Enter")
    page.keyboard.type(" to #")
    page.keyboard.type("firsttimers")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.type(". Item #3")
    page.keyboard.press("Escape")

    assert [name for name, _ in figures_in(written_in(edit))] == ["total", "firsttimers.count"]
    assert plain(written_in(edit)).replace("\u00a0", " ") == (
        "In all SEK 2,650,000 to one new applicant. Item #3"
    )


def test_a_figure_that_the_round_no_longer_says_is_red_and_can_be_mended(
    edit_with: Callable[..., EditPage],
) -> None:
    old = '<data value="1" data-figure="total">SEK 1</data>'
    edit = edit_with(body=f'<p>{old} and <data value="2" data-figure="gone">two</data>.</p>')
    stale = edit.surface("body").locator("data.is-stale")

    expect(stale).to_have_count(2)
    expect(stale.first).to_have_attribute("title", re.compile("the round now says SEK.2,650,000"))
    expect(stale.last).to_have_attribute("title", re.compile("no longer in the round"))
    edit.tool("body", "editor.update_figures").click()

    expect(stale).to_have_count(1)
    assert figures_in(written_in(edit)) == [("total", "2650000"), ("gone", "2")]


EMBEDS = """<template id="editor-embeds">
<div data-kind="image" data-id="12" data-label="The harbour" data-src="/static/icon.svg"
  data-alt="Boats"></div>
<div data-kind="document" data-id="3" data-label="The decision" data-src="" data-alt=""></div>
</template>"""


def test_a_picture_is_chosen_moved_and_taken_out_by_keyboard(
    edit_with: Callable[..., EditPage], look_over: LookOver
) -> None:
    edit = edit_with(body="<p>One.</p><p>Two.</p>", templates=EMBEDS)
    page, card = edit.page, edit.surface("body").locator("figure")

    # When a picture is put under the first paragraph
    edit.surface("body").get_by_text("One.").click()
    page.keyboard.press("Control+Shift+m")
    page.keyboard.type("harb")
    page.keyboard.press("Enter")

    # Then it is a card with its words, and moves whole
    expect(card).to_contain_text("The harbour")
    expect(card.get_by_role("img")).to_have_attribute("alt", "Boats")
    look_over(page)
    assert written_in(edit) == '<p>One.</p><figure data-image="12"></figure><p>Two.</p>'
    page.keyboard.press("Alt+Shift+ArrowDown")
    assert written_in(edit) == '<p>One.</p><p>Two.</p><figure data-image="12"></figure>'
    card.get_by_role("button", name=edit.word("editor.move_up")).click()
    assert written_in(edit) == '<p>One.</p><figure data-image="12"></figure><p>Two.</p>'

    # And goes with one key
    page.keyboard.press("Delete")
    assert written_in(edit) == "<p>One.</p><p>Two.</p>"


COMMENTS = """<template id="editor-comments"><li data-id="1" data-part="body"
 data-passage="Well done" data-before="Two. " data-after="." data-author="Bo">Who says so?</li>
</template>"""


def test_comments_stand_beside_the_text_and_lead_to_their_passages(
    edit_with: Callable[..., EditPage], look_over: LookOver
) -> None:
    edit = edit_with(
        body="<p>One. Well done.</p><p>Two. <strong>Well</strong> done.</p>", templates=COMMENTS
    )

    expect(edit.surface("body").locator(".commented")).to_have_text(["Well", " done"])
    edit.page.get_by_role("button", name="Who says so?").click()
    expect(edit.surface("body")).to_be_focused()
    assert edit.page.evaluate("getSelection().toString()") == "Well done"
    look_over(edit.page)


def test_lengths_are_counted_and_advised_on(edit: EditPage) -> None:
    headline = edit.page.locator("[data-kind=headline] .editor__count")
    lead = edit.page.locator("[data-kind=lead] .editor__count")
    whole = edit.page.locator("[data-kind=body] .editor__count")

    edit.surface("headline").fill("x" * 61)
    expect(headline).to_contain_text("61 characters")
    expect(headline).to_contain_text("longer than 60")
    edit.surface("headline").fill("Four words in all")
    expect(headline).to_contain_text("aim for 40–60")
    edit.surface("lead").fill("word " * 51)
    expect(lead).to_contain_text("51 words")
    empty(edit)
    expect(whole).to_have_text("The whole text: 55 words, 271 characters")


def test_the_tools_and_the_help_are_reached_from_the_text(
    edit: EditPage, look_over: LookOver
) -> None:
    page = edit.page
    edit.surface("body").press("Control+End")

    page.keyboard.press("Alt+F10")
    expect(edit.tool("body", "editor.bold")).to_be_focused()
    page.keyboard.press("End")
    expect(edit.tool("body", "editor.figure")).to_be_focused()
    page.keyboard.press("Escape")
    expect(edit.surface("body")).to_be_focused()

    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name=edit.word("editor.help"))).to_be_visible()
    look_over(page)
    page.keyboard.press("Escape")
    expect(edit.surface("body")).to_be_focused()


def test_a_list_is_no_trap_for_the_keyboard(edit: EditPage) -> None:
    page = edit.page
    empty(edit)
    for key in ("Control+Shift+8", "a", "Enter", "b", "Tab", "Escape", "Tab"):
        page.keyboard.press(key)

    expect(edit.surface("body")).not_to_be_focused()
    assert written_in(edit) == "<ul><li>a<ul><li>b</li></ul></li></ul>"


def test_signs_are_set_as_in_print_and_undo_brings_back_what_was_typed(edit: EditPage) -> None:
    empty(edit)

    edit.page.keyboard.type('"It\'s good" - ...')
    assert plain(written_in(edit)) == "“It’s good” – …"
    edit.page.keyboard.press("Control+z")

    assert plain(written_in(edit)).endswith("...")


def test_saving_by_keyboard(office: Office, edit: EditPage, draft: int) -> None:
    edit.surface("headline").fill("Saved by keyboard")
    edit.page.keyboard.press("Control+s")
    edit.page.wait_for_url(f"**/office/releases/{draft}")

    expect(ReleasePage(edit.page, office.address).heading).to_have_text("Saved by keyboard")


def test_every_word_that_the_script_says_is_on_the_page(edit: EditPage) -> None:
    sources = (CHECKOUT / "app" / "editor" / "src").glob("*.js")
    said = {
        key
        for source in sources
        for key in re.findall(r'"((?:editor|common)\.\w+)"', source.read_text(encoding="utf-8"))
    }

    given = edit.page.evaluate(
        "[...document.getElementById('editor-words').content.children].map(one => one.dataset.key)"
    )

    assert set(given) == said


def test_without_the_bundle_the_page_still_saves(office: Office, alva: Page, draft: int) -> None:
    alva.route("**/bundles/editor.js*", lambda route: route.fulfill(status=200, body=""))
    edit = EditPage(alva, office.address).open(draft)

    alva.locator("textarea[name=headline]").fill("Written in a plain field")
    edit.save()

    expect(ReleasePage(alva, office.address).heading).to_have_text("Written in a plain field")
