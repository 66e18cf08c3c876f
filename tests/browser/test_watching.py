"""Pages that move by themselves: a mailing while it is sent, an import while it is stored."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from app.core import clock
from app.core.accounts import Role, find_user
from app.core.beats import WorkerBeat
from app.core.db import db, reading
from app.core.words import translate
from releases.editorial.models import State
from subscribers.audience.importing import import_file
from subscribers.audience.models import ImportRun, Subscriber
from subscribers.mailings.models import Mailing, MailingKind
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver, OfficePage, ReleasePage, SignInAs
from tests.scripted_smtp import Moment, ScriptedSMTP

READERS = 12
SOON = 15_000  # milliseconds: the page asks every two seconds, and machines are slow at times
LINES = 100_000  # twice what is stored at once


class Gate:
    """A mail server that takes a mail whenever it is let."""

    def __init__(self) -> None:
        self.passes = threading.Semaphore(0)

    def __call__(self, _moment: Moment) -> None:
        self.passes.acquire()

    def let(self, mails: int) -> None:
        self.passes.release(mails)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def post(gate: Gate) -> Iterator[ScriptedSMTP]:
    """In the place of the post office that takes everything at once."""
    with ScriptedSMTP() as server:
        server.on("RCPT", "550 5.1.1 no such user", to="reader0@news.example")
        server.on("DOT", gate, to="@news.example")  # letters to the office go as usual
        yield server


@pytest.fixture(autouse=True)
def at_the_end_everything_is_taken(office: Office, gate: Gate) -> Iterator[None]:
    """Or the office would wait for the mail server when it is told to stop."""
    yield
    gate.let(10 * READERS)


def say(key: str, **facts: object) -> str:
    return translate(key, "en", **facts)


def number(page: Page, name: str) -> Locator:
    """The figure of that name on a mailing's page."""
    shown = page.locator(".watched__numbers > div", has=page.get_by_text(say(name), exact=True))
    return shown.locator("dd")


def published(office: Office) -> int:
    """The mailing of a release that has just been published to all readers."""
    office.person("alva@press.example", Role.WRITER)
    office.person("bo@press.example", Role.EDITOR)
    lines = "".join(f"reader{n}@news.example\n" for n in range(READERS))
    with office.app.app_context():
        list(
            import_file(
                BytesIO(f"email\n{lines}".encode()),
                basis="Asked us",
                language="en",
                at=clock.now(),
            )
        )
        db.session.commit()
        writer, editor = find_user("alva@press.example"), find_user("bo@press.example")
        return factories.release(writer, language="en", state=State.APPROVED, editor=editor).id


def the_mailing(office: Office) -> int:
    with office.app.app_context():
        of_releases = sa.select(Mailing.id).where(Mailing.kind == MailingKind.RELEASE)
        return db.session.scalars(of_releases).one()


def remember(page: Page) -> None:
    """Write something into the window, which a page that is loaded anew forgets."""
    page.evaluate("window.remembered = true")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("window.remembered === true"))


def test_a_mailings_figures_move_by_themselves_until_its_end_is_shown(
    office: Office, page: Page, sign_in: SignInAs, look_over: LookOver, gate: Gate
) -> None:
    # Given an editor who publishes a release while the mail server takes nothing yet
    release_id = published(office)
    sign_in(page, "bo@press.example")
    ReleasePage(page, office.address).open(release_id).press("releases.do.publish")

    # When she opens the mailing
    page.goto(f"{office.address}/office/mailings/{the_mailing(office)}")
    remember(page)
    expect(number(page, "watching.number.audience")).to_have_text(str(READERS), timeout=SOON)
    expect(number(page, "watching.number.sent")).to_have_text("0")

    # When the server takes five, then she sees five, how fast it goes and until when, and who was
    # refused meanwhile
    for _ in range(5):  # so slowly that whichever web process is asked sees them go
        gate.let(1)
        page.wait_for_timeout(1500)
    expect(number(page, "watching.number.sent")).to_have_text("5", timeout=SOON)
    expect(number(page, "watching.number.failed")).to_contain_text("1", timeout=SOON)
    expect(page.get_by_text(say("watching.reason.unknown.title"))).to_be_visible()
    summary = say("watching.done_of", done="6", all=str(READERS))
    expect(page.locator(".watched__done")).to_have_text(summary)
    pace = page.locator("[data-live=now] .cluster")
    expect(pace).to_contain_text("mails a", timeout=SOON)
    expect(pace).to_contain_text("done ", timeout=SOON)
    look_over(page)
    assert has_stayed(page)

    # When it takes the rest, then the page says that it is over, and offers no pause any more
    gate.let(READERS)
    expect(page.locator(".badge--finished")).to_have_text(
        say("common.mailing.finished"), timeout=SOON
    )
    expect(number(page, "watching.number.sent")).to_have_text(str(READERS - 1))
    expect(page.get_by_role("button", name=say("mailings.pause"))).to_have_count(0)
    assert not has_stayed(page)
    look_over(page)


def test_a_paused_mailing_says_so_and_goes_on_by_a_button(
    office: Office, page: Page, sign_in: SignInAs, look_over: LookOver, gate: Gate
) -> None:
    release_id = published(office)
    sign_in(page, "bo@press.example")
    ReleasePage(page, office.address).open(release_id).press("releases.do.publish")
    page.goto(f"{office.address}/office/mailings/{the_mailing(office)}")
    mailing = OfficePage(page, office.address)

    mailing.press("mailings.pause")
    expect(mailing.message).to_contain_text(say("mailings.paused"))
    expect(page.get_by_text(say("watching.paused.person"))).to_be_visible()
    look_over(page)
    gate.let(READERS)
    mailing.press("mailings.resume")

    expect(page.locator(".badge--finished")).to_be_visible(timeout=SOON)
    expect(number(page, "watching.number.sent")).to_have_text(str(READERS - 1))


@pytest.fixture
def worker(office: Office) -> Iterator[int]:
    """The worker's process, which a test may stop; at the end it goes on."""
    with office.app.app_context():
        deadline = time.monotonic() + 20
        while (pid := db.session.scalar(sa.select(WorkerBeat.pid))) is None:
            assert time.monotonic() < deadline, "no worker began"
            db.session.rollback()
            time.sleep(0.05)
    yield pid
    os.kill(pid, signal.SIGCONT)


def let_work_until_some_are_stored(office: Office, worker: int) -> None:
    """Let it go on until the first batch of the import stands there, and no further.

    For a moment at a time, since a machine with much to do may look too late.
    """
    deadline = time.monotonic() + 30
    with office.app.app_context(), reading():
        while time.monotonic() < deadline:
            os.kill(worker, signal.SIGCONT)
            time.sleep(0.05)
            os.kill(worker, signal.SIGSTOP)
            if db.session.scalar(sa.select(ImportRun.rows_done)):
                return
            db.session.rollback()
    raise AssertionError("nothing was stored")


def test_an_imports_bar_moves_by_itself_until_the_report_is_shown(
    office: Office,
    page: Page,
    sign_in: Callable[[Page, str], Page],
    look_over: LookOver,
    worker: int,
) -> None:
    # Given an editor with a long list, a row of which is no address
    office.person("bo@press.example", Role.EDITOR)
    rows = "".join(f"reader{n}@news.example\n" for n in range(LINES - 1))
    sign_in(page, "bo@press.example")
    imports = OfficePage(page, office.address)
    page.goto(f"{office.address}/office/subscribers/imports/")
    look_over(page)

    # When she looks how it reads, and says yes
    page.locator("input[name=file]").set_input_files(
        {
            "name": "readers.csv",
            "mimeType": "text/csv",
            "buffer": f"email\n{rows}nobody\n".encode(),
        }
    )
    imports.press("people.import.look")
    look_over(page)
    os.kill(worker, signal.SIGSTOP)
    page.locator("input[name=basis]").fill("Asked us at the fair")
    page.get_by_role("button", name=say("people.import.begin", n=LINES)).click()

    # Then a bar shows that nothing has been stored yet
    bar = page.locator("progress")
    expect(bar).to_have_attribute("value", "0")
    remember(page)
    look_over(page)

    # When the worker stores the first rows, then the bar moves
    let_work_until_some_are_stored(office, worker)
    expect(bar).not_to_have_js_property("value", 0, timeout=SOON)
    assert 0 < bar.evaluate("bar => bar.position") < 1
    assert has_stayed(page)

    # When it has done the rest, then she reads the report
    os.kill(worker, signal.SIGCONT)
    expect(page.get_by_text(say("subscribers.office.report_imported", n=LINES - 1))).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_text(say("subscribers.left_out.unreadable")).first).to_be_visible()
    assert not has_stayed(page)
    look_over(page)
    with office.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Subscriber.id))) == LINES - 1
