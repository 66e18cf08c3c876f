"""A real office for the browser: server, worker and mail server as processes, driven by Chromium.

    def test_a_story(office, page, sign_in, post, look_over): ...

`office` is the running installation, `page` a fresh browser window and `window` opens more of them,
`post` the mail it has sent; `look_over` fails on a page that some could not use.
`install.py` must have found a browser; without one these tests fail, they are never skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from app import create_app
from app.core import clock
from app.core.accounts import Role, add_user
from app.core.db import db, normal_url
from app.serving import CHECKOUT, await_free, free_port, variables
from app.settings import Settings
from tests.browser import install
from tests.browser.pages import SignIn
from tests.conftest import settings_for
from tests.postoffice import Letter, PostOffice

PASSWORD = "a long enough password"
START = (
    "import sys; from app.serving import serve; from app.settings import load;"
    "sys.exit(serve(load(), host='127.0.0.1', port=int(sys.argv[1])))"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Office:
    """A running installation, and what a test may do behind the pages' back."""

    address: str
    app: Flask
    settings: Settings

    def person(self, email: str, role: Role, *, language: str = "en") -> str:
        """Somebody who can sign in with PASSWORD; the address."""
        with self.app.app_context():
            add_user(
                email=email,
                name=email.partition("@")[0].capitalize(),
                role=role,
                password=PASSWORD,
                language=language,
                at=clock.now(),
            )
            db.session.commit()
        return email


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture
def await_letter(post: PostOffice) -> Callable[[str], Letter]:
    """Wait for the newest mail to an address."""

    def wait(address: str, *, seconds: float = 20) -> Letter:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if letters := post.to(address):
                return letters[-1]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {address} within {seconds} seconds")

    return wait


@pytest.fixture
def office(tmp_path: Path, sqlite_template: Path, post: PostOffice) -> Iterator[Office]:
    with running_office(tmp_path, template=sqlite_template, post=post) as running:
        yield running


@contextmanager
def running_office(folder: Path, *, template: Path, post: PostOffice) -> Iterator[Office]:
    """Pages and worker on a fresh SQLite database, in processes of their own."""
    port = free_port(0)
    address = f"http://127.0.0.1:{port}"
    (folder / "pressrum.db").write_bytes(template.read_bytes())
    url: sa.URL = normal_url(f"sqlite:///{folder / 'pressrum.db'}")
    settings = settings_for(url, folder, mail_port=post.port, base_url=address)
    environment = {**os.environ, **variables(settings), "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-P", "-c", START, str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        app = create_app(settings)
        try:
            assert server.stdout is not None
            assert address in server.stdout.readline(), "the server did not start"
            yield Office(address, app, settings)
        finally:
            server.terminate()
            server.wait(20)
            with app.app_context():
                db.engine.dispose()
    await_free("127.0.0.1", port)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all the tests of this process."""
    chromium = install.find()
    assert chromium is not None, "no Chromium: run make test, or tests/browser/install.py once"
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = install.node()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium.executable,
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
            env={**os.environ, **chromium.environment},
        )
        yield running
        running.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a window of somebody's own, that takes no more than ten seconds for anything."""
    contexts = []

    def open_one(*, locale: str = "en-GB", scripts: bool = True) -> Page:
        context = browser.new_context(locale=locale, java_script_enabled=scripts)
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(window: Callable[..., Page]) -> Page:
    """A fresh window that speaks English."""
    return window()


@pytest.fixture
def sign_in(office: Office) -> Callable[[Page, str], Page]:
    """Let somebody made by `office.person` sign in, and arrive at the desk."""

    def enter(page: Page, email: str) -> Page:
        SignIn(page, office.address).open().enter(email, PASSWORD)
        page.wait_for_url(f"{office.address}/office/")
        return page

    return enter


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Fail when a page has a serious or critical barrier."""

    def check(page: Page) -> None:
        found = Axe().run(page)
        barriers = [
            f"{barrier['impact']}: {barrier['help']}: "
            + ", ".join(str(node["html"])[:160] for node in barrier["nodes"])
            for barrier in found.response["violations"]
            if barrier["impact"] in ("serious", "critical")
        ]
        assert not barriers, "\n".join([page.url, *barriers])

    return check


@pytest.fixture
def look_over(axe: Callable[[Page], None]) -> Callable[[Page], None]:
    """Fail when somebody could not use a page: axe in light and dark, on a desk and on a phone."""

    def check(page: Page) -> None:
        for width, scheme in ((390, "dark"), (1280, "light")):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            axe(page)
            beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert beyond <= 0, f"{page.url} is {beyond} pixels too wide for {width}"

    return check
