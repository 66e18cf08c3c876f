"""The desk and what surrounds it, used by people of several roles, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from playwright.sync_api import Page, expect

from app.core.accounts import Role, User, user_by_email
from app.core.clock import now
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import State
from tests import factories
from tests.browser.conftest import Office

PAGES = (
    "/office/",
    "/office/calendar",
    "/office/releases/?words=falun",
    "/office/notifications",
    "/office/notifications/settings",
    "/office/audit",
)


@contextmanager
def cast(office: Office) -> Iterator[tuple[User, User]]:
    """A writer and an editor, within the application."""
    office.person("alva@press.example", Role.WRITER)
    office.person("bo@press.example", Role.EDITOR)
    with office.app.app_context():
        yield user_by_email("alva@press.example"), user_by_email("bo@press.example")


def test_every_page_around_the_desk_can_be_used_by_everybody(
    office: Office,
    page: Page,
    sign_in: Callable[[Page, str], Page],
    look_over: Callable[[Page], None],
) -> None:
    with cast(office) as (writer, editor):
        for state in (State.IN_REVIEW, State.APPROVED, State.FAILED, State.PUBLISHED):
            factories.release(writer, state=state, editor=editor)
        coming = factories.release(writer, state=State.APPROVED, editor=editor)
        workflow.schedule(coming, publish_at=now() + timedelta(days=2), by=editor, at=now())
        db.session.commit()
    sign_in(page, "bo@press.example")

    for path in PAGES:
        page.goto(f"{office.address}{path}")
        look_over(page)


def test_a_writer_hides_a_text_and_opens_what_the_desk_tells(
    office: Office,
    page: Page,
    window: Callable[..., Page],
    sign_in: Callable[[Page, str], Page],
    look_over: Callable[[Page], None],
) -> None:
    with cast(office) as (writer, editor):
        release = factories.release(writer, state=State.SENT_BACK, editor=editor)
        address = f"{office.address}/office/releases/{release.id}"

    sign_in(page, "alva@press.example")
    page.get_by_role("link", name="Notifications, one unread").click()
    page.get_by_role("button", name="has sent back").first.click()
    page.wait_for_url(address)
    page.locator("#access summary").click()
    page.get_by_role("button", name="Show it only to those I chose").click()
    expect(page.locator("#access")).to_contain_text("Only these people can see the text")
    look_over(page)

    theirs = sign_in(window(), "bo@press.example")
    answer = theirs.goto(address)
    assert answer is not None
    assert answer.status == 404
    look_over(theirs)
