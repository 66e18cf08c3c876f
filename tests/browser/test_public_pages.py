"""Every public page, for everybody: by ear, by keyboard, in either theme, on any width, valid.

The pages are found as a visitor finds them, by following links from the front; a kind of page in
the address table that is neither found so nor listed below fails the first test.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from app.core.accounts import Role
from app.core.db import db
from app.core.organisation import Organisation
from app.core.words import LANGUAGES, translate
from releases.editorial.models import Contact, State, StoryTopic
from releases.newsroom.lists.listing import list_release, place_awards
from subscribers.audience.models import Topic
from tests import factories
from tests.app.test_security import is_staff
from tests.browser import install
from tests.browser.conftest import Office, running_office
from tests.postoffice import PostOffice
from tests.releases.newsroom.desk import Desk
from tests.releases.newsroom.test_corrections import changed

HTML = Path(__file__).parent / "html"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MOST_BYTES = 40_000  # of a release without pictures, over the wire, everything counted
# What is no page: files, feeds, data, and doors that only lead on.
FILES = {
    "feeds.archive",
    "feeds.newsroom",
    "feeds.place",
    "feeds.programme",
    "feeds.topic",
    "front_door",
    "health",
    "house.logo",
    "house.sheet",
    "machines.news_sitemap",
    "machines.ninjs_item",
    "machines.robots",
    "machines.sitemap",
    "machines.sitemap_file",
    "media_files.file",
    "metrics.metrics",
    "newsroom.releases",
    "published_rounds.awards",
    "published_rounds.everything",
    "sharing.card",
    "sharing.newsroom_card",
    "sharing.oembed",
    "sharing.press_kit",
    "static",
}
# Behind secret links: looked over where their stories are told, in the tests beside this one.
SECRET = {
    "invited.page",
    "my_data.asking",
    "quotes.page",
    "subscribing.choosing",
    "subscribing.confirming",
    "subscribing.leaving",
}
# Pages that no link leads to: what stands in other sites' frames, and where nothing is any more.
UNLINKED = (
    "/{language}/releases/{slug}/embed",
    "/{language}/embed/latest",
    "/{language}/embed/subscribe",
    "/{language}/releases/borta-{language}",
    "/{language}/releases/finns-inte",
    "/{language}/search?q=kommun",
    "/unsubscribe/test-{language}",
)


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """An office that has published a round in both languages, and has a past."""
    folder = tmp_path_factory.mktemp("newsroom")
    with (
        PostOffice() as post,
        running_office(folder, template=sqlite_template, post=post) as office,
        office.app.app_context(),
    ):
        publish_something()
        yield office


def publish_something() -> None:
    sender = Organisation(
        name_sv="Bidragsmyndigheten",
        name_en="The Grants Agency",
        short_name="BM",
        street="Söderväg 1D",
        postcode="62158",
        town="Visby",
        switchboard="08-465 004 10",
        press_email="press@icld.example",
        site="https://www.icld.example/",
        social=[{"label": "Mastodon", "url": "https://social.example/@bm"}],
        about_sv="Vi ger bidrag.",
        about_en="We give grants.",
        accent="#ffd500",
        accessibility_sv="Äldre PDF-filer saknar taggar.",
        accessibility_en="Older PDF files lack tags.",
        accessibility_on=datetime(2026, 11, 2, tzinfo=UTC).date(),
    )
    person = Contact(name="Felicia Wede", phone="072-450 01 50", email="felicia@press.example")
    water = Topic(slug="vatten", name_sv="Vatten", name_en="Water")
    db.session.add_all([sender, person, water])
    db.session.flush()
    writer = factories.user("alva@press.example")
    editor = factories.user("bo@press.example", role=Role.EDITOR)
    desk = Desk()
    for language in LANGUAGES:
        made = factories.release(writer, language=language, state=State.PUBLISHED, editor=editor)
        db.session.merge(StoryTopic(story_id=made.story_id, topic_id=water.id))
        list_release(made, factories.A_MORNING)
        older = datetime(2024, 3, 1, 8, tzinfo=UTC)
        for number in range(24):
            desk.release(
                f"Äldre nyhet {number}",
                language=language,
                slug=f"aldre-{language}-{number}",
                published_at=older,
            )
        desk.release(
            slug=f"borta-{language}", language=language, state=State.WITHDRAWN, reason="Fel"
        )
        rewritten = desk.release(slug=f"rattad-{language}", language=language)
        changed(rewritten)
    place_awards()
    db.session.commit()


@pytest.fixture(scope="module")
def pages(newsroom: Office) -> dict[tuple[str, str], str]:
    """(endpoint, language) → address of the first page of each kind that a visitor comes upon."""
    found: dict[tuple[str, str], str] = {}
    for language in LANGUAGES:
        slug = ""
        waiting, seen = [f"{newsroom.address}/{language}/"], set[str]()
        while waiting:
            url = waiting.pop(0)
            kind = kind_of(newsroom.app, url)
            if kind is None or kind in FILES or (kind, language) in found:
                continue
            found[kind, language] = url
            if kind == "newsroom.release":
                slug = url.rpartition("/")[2]
            for href in re.findall(r'<a\b[^>]*\bhref="([^"#]+)', fetched(url)):
                link = urljoin(url, href.replace("&amp;", "&"))
                ours = urlsplit(link).path.startswith(f"/{language}/")
                if link.startswith(newsroom.address) and ours and link not in seen:
                    seen.add(link)
                    waiting.append(link)
        for number, path in enumerate(UNLINKED):
            url = newsroom.address + path.format(language=language, slug=slug)
            kind = kind_of(newsroom.app, url) or "none"
            found[kind if (kind, language) not in found else f"{kind} {number}", language] = url
        corrected = f"{newsroom.address}/{language}/releases/rattad-{language}"
        found["newsroom.release corrected", language] = corrected
        found["newsroom.version", language] = f"{corrected}/versions/1"
    return found


def kind_of(app: Flask, url: str) -> str | None:
    try:
        endpoint, _values = app.url_map.bind("").match(urlsplit(url).path)
    except HTTPException:
        return None
    return str(endpoint)


def fetched(url: str) -> str:
    try:
        with urllib.request.urlopen(url) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as answer:
        assert answer.code in (404, 410), (url, answer.code)
        return answer.read().decode()


def test_every_kind_of_public_page_is_looked_at(
    newsroom: Office, pages: dict[tuple[str, str], str]
) -> None:
    def is_page(rule: Rule) -> bool:
        is_data = rule.rule.startswith("/api/")
        return "GET" in (rule.methods or ()) and not is_staff(rule) and not is_data

    kinds = {rule.endpoint for rule in newsroom.app.url_map.iter_rules() if is_page(rule)}

    for language in LANGUAGES:
        looked_at = {kind for kind, spoken in pages if spoken == language}
        assert kinds - FILES - SECRET <= looked_at
    assert kinds >= FILES | SECRET


def test_nobody_is_kept_out_of_a_public_page(pages: dict[tuple[str, str], str], page: Page) -> None:
    barriers = []
    for (kind, language), url in pages.items():
        page.goto(url)
        spoken = page.locator("html").get_attribute("lang")
        assert spoken == language, url
        for width, scheme in ((1280, "light"), (320, "dark")):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
            barriers += [
                f"{kind} {language} {width} {scheme}: {one['help']}: {one['nodes'][0]['html']}"
                for one in found.response["violations"]
            ]
    assert not barriers, "\n".join(barriers)


def test_no_public_page_is_wider_than_its_window(
    pages: dict[tuple[str, str], str], page: Page
) -> None:
    """At 320 pixels, which is 1280 at 400 % (WCAG 1.4.10), at 200 %, and with larger text."""
    too_wide = []
    for (kind, language), url in pages.items():
        page.goto(url)
        for width in (320, 640, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if beyond > 0:
                too_wide.append(f"{kind} {language}: {beyond} beyond {width}")
    assert not too_wide, "\n".join(too_wide)


def test_every_public_page_is_valid_html(pages: dict[tuple[str, str], str], tmp_path: Path) -> None:
    for (kind, language), url in pages.items():
        name = f"{kind.replace(' ', '-')}-{language}.html"
        (tmp_path / name).write_text(fetched(url), encoding="utf-8")

    checked = subprocess.run(
        [
            install.node(),
            str(HTML / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"),
            *("--config", str(HTML / "rules.json"), "--formatter", "json", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )

    found = json.loads(checked.stdout)
    wrong = [
        f"{Path(file['filePath']).name}:{one['line']} {one['message']}"
        for file in found
        for one in file["messages"]
    ]
    assert not wrong, "\n".join(wrong)
    assert checked.returncode == 0, checked.stderr


def test_a_release_without_pictures_weighs_little(
    pages: dict[tuple[str, str], str], page: Page
) -> None:
    weighed: dict[str, int] = {}

    def weigh(answer: object) -> None:
        weighed[answer.url] = answer.request.sizes()["responseBodySize"]  # type: ignore[attr-defined]

    page.on("requestfinished", lambda request: weigh(request.response()))
    page.goto(pages["newsroom.release", "sv"])
    page.wait_for_load_state("networkidle")

    assert len([url for url in weighed if ".css" in url]) == 1
    assert sum(weighed.values()) < MOST_BYTES, weighed


def test_from_the_front_to_a_subscription_by_keyboard_alone(newsroom: Office, page: Page) -> None:
    page.goto(f"{newsroom.address}/en/")

    def tab_to(selector: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            edge = page.evaluate(
                "(() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 })()"
            )
            assert edge, page.evaluate("document.activeElement.outerHTML")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"the keyboard does not come to {selector}")

    tab_to(".skip-link")
    page.keyboard.press("Enter")
    tab_to("main h2 a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/releases/**")
    tab_to("#subscribe-email")
    page.keyboard.type("dora@reader.example")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text(
        translate("subscribers.inbox.title", "en")
    )


def test_the_menu_opens_on_a_phone_without_script(
    newsroom: Office, window: Callable[..., Page]
) -> None:
    page = window(scripts=False)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{newsroom.address}/en/")
    link = page.locator("#menu").get_by_role("link", name=translate("look.contacts", "en"))
    expect(link).to_be_hidden()

    page.get_by_role("button", name=translate("look.menu", "en")).click()
    link.click()

    expect(page.get_by_role("heading", level=1)).to_have_text(translate("look.contacts", "en"))
