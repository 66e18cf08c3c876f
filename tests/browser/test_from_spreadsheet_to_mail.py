"""A round comes in as a spreadsheet and goes out as a page, a feed and a mail, figures intact."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import feedparser
import pytest
from playwright.sync_api import Page, expect

from app.core import clock
from app.core.accounts import Role
from app.core.db import db
from app.core.organisation import Organisation
from app.core.words import translate
from releases.editorial.models import Contact
from subscribers.audience.importing import import_file
from tests.browser.conftest import Office
from tests.browser.pages import (
    EditPage,
    ImportRound,
    LookOver,
    Newsroom,
    ReleasePage,
    RoundPage,
    SignInAs,
)
from tests.postoffice import Letter

SEED = Path(__file__).parents[1] / "releases" / "rounds" / "seed.csv"
READER = "nyheter@lokaltidningen.example"


@dataclass(frozen=True)
class Said:
    """What the news must say in one language, with ordinary spaces."""

    language: str
    preview: tuple[str, ...]
    headline: str
    total: str
    names: str
    quotes: tuple[str, str]


SWEDISH = Said(
    language="sv",
    preview=("10 641 000 kronor", "elva mottagare", "tio kommuner och en region"),
    headline="Drygt 10,6 miljoner kronor",
    total="10 641 000 kronor",
    names="Ekerö, Karlstad, Kristinehamn, Lycksele, Mariestad, Piteå, Region Östergötland, "
    "Ronneby, Umeå, Älmhult och Öckerö",
    quotes=(
        "– Demokratin är under press i flera länder, säger generaldirektören.",
        "– Vi har mycket att lära av varandra, säger generalsekreteraren.",
    ),
)
ENGLISH = Said(
    language="en",
    preview=("SEK 10,641,000", "eleven recipients", "ten municipalities and one region"),
    headline="SEK 10.6 million",
    total="SEK 10,641,000",
    names="Ekerö, Karlstad, Kristinehamn, Lycksele, Mariestad, Piteå, Region Östergötland, "
    "Ronneby, Umeå, Älmhult and Öckerö",
    quotes=(
        "“Democracy is under pressure in several countries,” says the Director-General.",
        "“We have much to learn from each other,” says the Secretary General.",
    ),
)


def spaced(text: str) -> str:
    """With ordinary spaces, as a reader sees it."""
    return " ".join(text.split())


def furnish(office: Office, *, language: str) -> None:
    """An organisation with four eyes, somebody to ring, and one confirmed subscriber."""
    with office.app.app_context():
        db.session.add(
            Organisation(
                name_sv="Internationellt Centrum för Lokal Demokrati",
                name_en="International Centre for Local Democracy",
                short_name="ICLD",
                time_zone="Europe/Stockholm",
                four_eyes=True,
            )
        )
        db.session.add(
            Contact(name="Lo Lind", phone="070-174 06 10", email="lo@icld.example", position=1)
        )
        lines = BytesIO(f"email\n{READER}\n".encode())
        list(import_file(lines, basis="Asked us", language=language, at=clock.now()))
        db.session.commit()


def is_whole(text: str, said: Said) -> None:
    """The exact total, the names in order and both quotes; nothing that was left to fill in."""
    read = spaced(text)
    for part in (said.total, said.names, *said.quotes, "Lo Lind", "070-174 06 10"):
        assert part in read, f"{part!r} is not in {read}"
    assert "[" not in read


@pytest.mark.parametrize("said", [SWEDISH, ENGLISH], ids=lambda said: said.language)
def test_a_round_becomes_a_page_a_feed_and_a_mail(
    office: Office,
    page: Page,
    window: Callable[..., Page],
    sign_in: SignInAs,
    await_letter: Callable[[str], Letter],
    look_over: LookOver,
    said: Said,
) -> None:
    language = said.language
    furnish(office, language=language)
    office.person("alva@press.example", Role.WRITER, language=language)
    office.person("bo@press.example", Role.EDITOR, language=language)

    # Given a writer with the officer's spreadsheet
    sign_in(page, "alva@press.example")
    importing = ImportRound(page, office.address, language).open()
    look_over(page)

    # When she shows it to the office
    importing.choose(SEED, programme="Kommunala partnerskap", name="Hösten 2022")

    # Then she sees what it holds before anything is stored
    shown = [spaced(text) for text in importing.figures.all_inner_texts()]
    assert set(said.preview) <= set(shown)
    expect(importing.rows).to_have_count(11)
    look_over(page)

    # When she imports it, asks for a draft and fills its gaps
    importing.store()
    look_over(page)
    RoundPage(page, office.address, language).draft()
    editing = EditPage(page, office.address, language)
    look_over(page)
    expect(editing.gaps).to_have_count(2)
    editing.fill_gap("quote.authority", said.quotes[0])
    editing.fill_gap("quote.head", said.quotes[1])
    expect(editing.gaps).to_have_count(0)
    editing.save()

    # Then the text is whole; those quoted say yes; she submits it but cannot approve it
    release = ReleasePage(page, office.address, language)
    is_whole(release.text.inner_text(), said)
    look_over(page)
    release.note_yes(how="Telefon")
    release.press("releases.do.submit")
    expect(release.state).to_have_text(translate("common.release.in_review", language))
    expect(page.get_by_role("button", name=release.word("releases.do.approve"))).to_have_count(0)

    # When an editor reads it, approves it and publishes it
    desk = sign_in(window(), "bo@press.example")
    look_over(desk)
    theirs = ReleasePage(desk, office.address, language).open(release.id)
    look_over(desk)
    theirs.press("releases.do.approve")
    theirs.press("releases.do.publish")
    expect(theirs.state).to_have_text(translate("common.release.published", language))

    # Then anybody reads it in the newsroom
    theirs.read_in_the_newsroom()
    address = desk.url
    visitor = window(locale="sv-SE")
    visitor.goto(address)
    news = Newsroom(visitor, office.address, language)
    assert said.headline in spaced(news.heading.inner_text())
    is_whole(news.text.inner_text(), said)
    look_over(visitor)
    assert not visitor.context.cookies()

    # And every feed reader has the whole text
    feed = feedparser.parse(f"{office.address}/{language}/feed.rss")
    assert not feed.bozo
    [item] = feed.entries
    assert said.headline in spaced(item.title)
    assert item.link == address
    assert said.names in item.content[0].value
    assert said.total in spaced(item.content[0].value)

    # And the subscriber has it by mail, with the same figures and a way out
    letter = await_letter(READER)
    assert said.headline in spaced(str(letter.message["Subject"]))
    is_whole(letter.text, said)
    assert said.names in letter.html
    assert said.total in spaced(html.unescape(letter.html))
    assert str(letter.message["List-Unsubscribe"]).startswith(f"<{office.address}/unsubscribe/")
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
