"""Somebody signs up with an address alone, gets the news and leaves; a scanner changes nothing."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from app.core.accounts import Role, find_user
from app.core.db import db
from app.core.words import translate
from releases.editorial.models import State
from subscribers.audience.models import Subscriber, Subscription, SubscriptionState
from subscribers.mailings.models import Mailing, MailingKind
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver, Newsroom, ReleasePage, SecretLink, SignInAs
from tests.postoffice import Letter, PostOffice

DORA = "dora@reader.example"
EMIL = "emil@reader.example"


def say(key: str, **facts: object) -> str:
    return translate(key, "en", **facts)


def state_of(office: Office, email: str) -> SubscriptionState:
    with office.app.app_context():
        found = db.session.scalars(
            sa.select(Subscription).join(Subscriber).where(Subscriber.address == email)
        ).one()
        return found.state


def approved_release(office: Office) -> int:
    """A release that only has to be published."""
    with office.app.app_context():
        writer, editor = find_user("alva@press.example"), find_user("bo@press.example")
        made = factories.release(writer, language="en", state=State.APPROVED, editor=editor)
        return made.id


def await_the_end(office: Office, *, mailings: int) -> None:
    """Until so many mailings of releases have been sent to all they were for."""
    finished = sa.select(sa.func.count(Mailing.id)).where(
        Mailing.kind == MailingKind.RELEASE, Mailing.finished_at.is_not(None)
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with office.app.app_context():
            done = db.session.scalar(finished)
        if done == mailings:
            return
        time.sleep(0.05)
    raise AssertionError("the mailing was never finished")


def scan(url: str, *, times: int) -> None:
    """What a mail gateway does with every link it sees."""
    for number in range(times):
        method = "HEAD" if number % 2 else "GET"
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            assert answer.status == 200


def link_in(letter: Letter, door: str) -> str:
    found = re.search(rf"https?://\S+/{door}/[\w.~-]+", letter.text)
    assert found is not None, letter.text
    return found[0]


def test_from_an_address_to_the_mail_and_out_again(
    office: Office,
    page: Page,
    window: Callable[..., Page],
    sign_in: SignInAs,
    post: PostOffice,
    await_letter: Callable[[str], Letter],
    look_over: LookOver,
) -> None:
    office.person("alva@press.example", Role.WRITER)
    office.person("bo@press.example", Role.EDITOR)
    newsroom, link = Newsroom(page, office.address), SecretLink(page)

    # Given a journalist on the newsroom's page
    newsroom.open()
    look_over(page)

    # When she gives her address
    newsroom.sign_up(DORA)

    # Then the page sends her to her inbox, where a link waits
    expect(newsroom.heading).to_have_text(say("subscribers.inbox.title"))
    look_over(page)
    asked = await_letter(DORA)
    confirm = link_in(asked, "confirm")

    # When a scanner follows it fifty times, then nothing has changed
    scan(confirm, times=50)
    assert state_of(office, DORA) is SubscriptionState.PENDING

    # When she opens it and presses the button, then she is on the list
    link.open(confirm)
    look_over(page)
    link.button.click()
    expect(link.heading).to_have_text(say("subscribers.confirm.confirmed.title"))
    look_over(page)
    assert state_of(office, DORA) is SubscriptionState.ACTIVE
    assert not page.context.cookies()

    # And a mail welcomes her
    deadline = time.monotonic() + 20
    while len(post.to(DORA)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert say("subscribers.frequency.immediate").lower() in await_letter(DORA).text

    # Given somebody else who did the same
    newsroom.open().sign_up(EMIL)
    link.open(link_in(await_letter(EMIL), "confirm")).button.click()
    expect(link.heading).to_have_text(say("subscribers.confirm.confirmed.title"))

    # When a release is published, then both get it
    desk = sign_in(window(), "bo@press.example")
    releases = ReleasePage(desk, office.address)
    releases.open(approved_release(office)).press("releases.do.publish")
    await_the_end(office, mailings=1)
    got, other = await_letter(DORA), await_letter(EMIL)
    assert len(post.to(DORA)) == len(post.to(EMIL)) == 3
    title = releases.heading.inner_text()
    assert " ".join(str(got.message["Subject"]).split()) == " ".join(title.split())

    # When a scanner follows her way out fifty times, then she still is on the list
    leave = link_in(got, "unsubscribe")
    scan(leave, times=50)
    assert state_of(office, DORA) is SubscriptionState.ACTIVE

    # When she opens it and presses the button, then she has left
    link.open(leave)
    look_over(page)
    link.button.click()
    expect(link.heading).to_have_text(say("subscribers.left.title"))
    look_over(page)
    assert state_of(office, DORA) is SubscriptionState.ENDED

    # When his mail program unsubscribes him by RFC 8058's one click, then he has left
    one_click = str(other.message["List-Unsubscribe"]).partition(">")[0].strip("<")
    assert other.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with urllib.request.urlopen(one_click, data=b"List-Unsubscribe=One-Click") as answer:
        assert answer.status == 200
        assert not answer.headers.get("Set-Cookie")
    assert state_of(office, EMIL) is SubscriptionState.ENDED

    # When the next release is published, then neither hears of it
    releases.open(approved_release(office)).press("releases.do.publish")
    await_the_end(office, mailings=2)
    assert len(post.to(DORA)) == len(post.to(EMIL)) == 3
