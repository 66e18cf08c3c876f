"""Another site shows our release in a frame, and a reader takes its address and its press kit."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from app.core.accounts import Role
from releases.editorial.models import State
from tests import factories
from tests.browser.conftest import Office
from tests.browser.pages import LookOver

STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-src {ours}"


@contextmanager
def another_site(code: str, policy: str) -> Iterator[str]:
    """A page on another port that shows what it was given to paste, under its own policy."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            title = "<title>En annan webbplats</title>"
            self.wfile.write(f'<!doctype html><html lang="sv">{title}{code}</html>'.encode())

        def log_message(self, *_args: object) -> None:
            """Tests say enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def release_path(office: Office) -> str:
    with office.app.app_context():
        writer = factories.user("alva@press.example")
        editor = factories.user("bo@press.example", role=Role.EDITOR)
        made = factories.release(writer, language="sv", state=State.PUBLISHED, editor=editor)
        return f"/sv/releases/{made.slug}"


def test_a_release_is_drawn_in_a_strict_sites_frame(
    office: Office, page: Page, release_path: str, look_over: LookOver
) -> None:
    page.goto(f"{office.address}{release_path}")
    headline = page.locator("h1").inner_text()
    page.get_by_text("Bädda in", exact=True).click()
    code = page.get_by_label("Kod att kopiera").input_value()

    with another_site(code, STRICT.format(ours=office.address)) as address:
        page.goto(address)
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("heading", level=1)).to_contain_text(headline)
        expect(frame.locator("body")).to_have_css("margin", "0px")  # its own sheet has come
        with page.context.expect_page() as opened:
            frame.get_by_role("link", name="Läs hela pressmeddelandet").click()
        expect(opened.value.locator("h1")).to_have_text(headline)
        assert opened.value.url == f"{office.address}{release_path}"

    page.goto(f"{office.address}{release_path}/embed")
    look_over(page)


def test_a_page_that_is_no_frame_is_not_drawn_on_another_site(
    office: Office, page: Page, release_path: str
) -> None:
    code = f'<iframe src="{office.address}{release_path}" title="sida"></iframe>'

    with another_site(code, STRICT.format(ours=office.address)) as address:
        page.goto(address)

        frame = page.frame_locator("iframe")
        expect(frame.locator("body.neterror")).to_have_count(1)  # Chromium's own page
        expect(frame.locator("article")).to_have_count(0)


def test_the_address_is_copied_by_a_button_and_without_script_stands_in_a_field(
    office: Office, browser: Browser, release_path: str
) -> None:
    address = f"{office.address}{release_path}"
    with_script = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = with_script.new_page()
    page.goto(address)
    expect(page.get_by_label("Länk till sidan")).to_be_hidden()
    page.get_by_role("button", name="Kopiera länken").click()
    expect(page.get_by_role("button", name="Länken är kopierad")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == address
    with_script.close()

    without = browser.new_context(java_script_enabled=False)
    page = without.new_page()
    page.goto(address)
    expect(page.get_by_label("Länk till sidan")).to_have_value(address)
    expect(page.get_by_role("button", name="Kopiera länken")).to_be_hidden()
    without.close()


def test_a_reader_takes_everything_along(office: Office, page: Page, release_path: str) -> None:
    link = page.get_by_role("link", name="Ladda ned allt")
    deadline = time.monotonic() + 30
    page.goto(f"{office.address}{release_path}")
    while not link.count() and time.monotonic() < deadline:  # a worker makes it
        time.sleep(0.2)
        page.reload()

    with page.expect_download() as got:
        link.click()

    content = got.value.path().read_bytes()
    assert got.value.suggested_filename == f"{release_path.rpartition('/')[2]}.zip"
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
