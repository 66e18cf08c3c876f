"""Whose each staff page is: one table, walked with every role."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.cli import cli
from app.core.accounts import Role, User, stated_roles
from app.core.db import normal_url
from tests import factories
from tests.app.test_security import address, is_staff

WRITER, REVIEWER, OFFICER, EDITOR = Role.WRITER, Role.REVIEWER, Role.OFFICER, Role.EDITOR
ADMINS: set[Role] = set()
EDITORS = {EDITOR}
WRITERS = {WRITER, EDITOR}
KEEPERS = {WRITER, OFFICER, EDITOR}
JUDGES = {REVIEWER, OFFICER, EDITOR}
EVERYBODY = {WRITER, REVIEWER, OFFICER, EDITOR}

# Whose each page that changes something is; an administrator may everything.
TABLE = {
    "addresses.move": EDITORS,
    "after.publish_change": EDITORS,
    "after.withdraw": EDITORS,
    "alerts.save": ADMINS,
    "alerts.try_out": ADMINS,
    "checks.decided": KEEPERS,
    "checks.tick": KEEPERS,
    "contacts.create": EDITORS,
    "contacts.move": EDITORS,
    "contacts.put_back": EDITORS,
    "contacts.save": EDITORS,
    "contacts.take_off": EDITORS,
    "desk.limit_access": WRITERS,
    "editing.autosave": WRITERS,
    "editing.begin_version": WRITERS,
    "editing.follow_original": WRITERS,
    "editing.forget_unsaved": WRITERS,
    "editing.presence": WRITERS,
    "editing.save_text": WRITERS,
    "embargoes.let_in": EDITORS,
    "embargoes.resend": EDITORS,
    "embargoes.revoke": EDITORS,
    "groups.domain": EDITORS,
    "groups.home": EDITORS,
    "groups.limits": EDITORS,
    "groups.release": EDITORS,
    "house_templates.as_shipped": EDITORS,
    "house_templates.live": EDITORS,
    "house_templates.preview": EDITORS,
    "house_templates.restore": EDITORS,
    "house_templates.save": EDITORS,
    "look.save": ADMINS,
    "look.save_accessibility": ADMINS,
    "look.save_logo": ADMINS,
    "mailings.cancel": EDITORS,
    "mailings.decide": EDITORS,
    "mailings.pause": EDITORS,
    "mailings.resume": EDITORS,
    "mailings.send_test": WRITERS,
    "mailings.uncertain": EDITORS,
    "media.save": WRITERS,
    "media.upload": WRITERS,
    "notices.read": EVERYBODY,
    "notices.read_all": EVERYBODY,
    "notices.save_settings": EVERYBODY,
    "hub_settings.save": ADMINS,
    "hub_settings.tell": ADMINS,
    "office.choose_language": EVERYBODY,
    "office.create_user": ADMINS,
    "office.deactivate": ADMINS,
    "office.reactivate": ADMINS,
    "office.reset_password": ADMINS,
    "office.save_organisation": ADMINS,
    "office.save_user": ADMINS,
    "preflight_settings.back": ADMINS,
    "preflight_settings.save": ADMINS,
    "press_kits.make": EDITORS,
    "preview.send_test": WRITERS,
    "programmes.save": EDITORS,
    "publishing.schedule": EDITORS,
    "publishing.take_on": EDITORS,
    "releases.approve": EDITORS,
    "releases.dismiss_finding": KEEPERS,
    "releases.plain_step": WRITERS,
    "releases.send_back": JUDGES,
    "review.answer": EVERYBODY,
    "review.answer_comment": EVERYBODY,
    "review.ask": WRITERS,
    "review.comment": EVERYBODY,
    "review.invitation": WRITERS,
    "review.rearrange_chain": EDITORS,
    "review.set_chain": EDITORS,
    "review.settle_comment": EVERYBODY,
    "review.settle_suggestion": WRITERS,
    "review.submit": WRITERS,
    "round_changes.cancel": KEEPERS,
    "round_changes.save_row": KEEPERS,
    "round_changes.store": KEEPERS,
    "round_changes.upload": KEEPERS,
    "rounds.cancel": KEEPERS,
    "rounds.draft": WRITERS,
    "rounds.store": KEEPERS,
    "rounds.upload": KEEPERS,
    "signing.ask": WRITERS,
    "signing.record": WRITERS,
    "signing.revoke_link": WRITERS,
    "signing.take_over": WRITERS,
    "imports.begin": EDITORS,
    "imports.read_otherwise": EDITORS,
    "imports.stop": EDITORS,
    "imports.upload": EDITORS,
    "retention.save": ADMINS,
    "subscribers.add": EDITORS,
    "subscribers.block": EDITORS,
    "subscribers.end": EDITORS,
    "subscribers.erase": EDITORS,
    "subscribers.export": EDITORS,
    "subscribers.hand_out": EDITORS,
    "suppressions.block": EDITORS,
    "suppressions.lift": EDITORS,
    "telling.told": KEEPERS,
    "telling.undo": KEEPERS,
    "topics.bring_back": EDITORS,
    "topics.choose": WRITERS,
    "topics.create": EDITORS,
    "topics.retire": EDITORS,
    "topics.save": EDITORS,
    "trust.look": ADMINS,
    "updates.save": WRITERS,
    "uploads.opening": KEEPERS,
    "uploads.say": KEEPERS,
    "versions.restore": WRITERS,
    "workers.forget": ADMINS,
}


@pytest.fixture
def cast(app: Flask) -> dict[Role, User]:
    """One person of each role."""
    return {role: factories.user(f"{role.value}@press.example", role=role) for role in Role}


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Doors are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def staff_posts(app: Flask) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every staff page that changes something, signing in and out aside."""
    for rule in app.url_map.iter_rules():
        if is_staff(rule) and "POST" in (rule.methods or ()) and "security." not in rule.endpoint:
            yield rule.endpoint, address(rule)


def test_every_staff_post_is_in_the_table_with_its_roles(app: Flask) -> None:
    stated = {endpoint: stated_roles(app, endpoint) for endpoint, _ in staff_posts(app)}

    assert stated == {endpoint: roles | {Role.ADMIN} for endpoint, roles in TABLE.items()}


@pytest.mark.parametrize("role", list(Role))
def test_a_staff_post_is_refused_to_everybody_else(
    app: Flask, client: FlaskClient, cast: dict[Role, User], role: Role
) -> None:
    for endpoint, path in staff_posts(app):
        allowed = role is Role.ADMIN or role in TABLE[endpoint]
        answer = factories.signed_in(client, cast[role]).post(path)
        assert (answer.status_code != 403) == allowed, (endpoint, answer.status_code)


def test_a_staff_post_that_states_no_roles_is_refused_even_to_admins(
    app: Flask, client: FlaskClient, admin: User
) -> None:
    app.view_functions["mailings.pause"] = lambda mailing_id: "done"
    app.before_request_funcs["mailings"] = []

    assert factories.signed_in(client, admin).post("/office/mailings/1/pause").status_code == 403


CLOSED = {
    Role.REVIEWER: (
        "/office/rounds/import",
        "/office/rounds/1/correct",
        "/office/rounds/1/rows/2",
        "/office/rounds/1/export.csv",
        "/office/rounds/1/versions/1/file",
        "/office/releases/1/edit",
        "/office/releases/1/update",
        "/office/subscribers/",
        "/office/mailings/",
        "/office/settings/",
        "/office/audit",
        "/office/audit.csv",
    ),
    Role.OFFICER: (
        "/office/releases/1/edit",
        "/office/subscribers/",
        "/office/mailings/",
        "/office/settings/",
        "/office/audit",
        "/office/audit.csv",
    ),
    Role.WRITER: ("/office/settings/", "/office/audit", "/office/audit.csv"),
    Role.EDITOR: ("/office/settings/users/", "/office/settings/organisation", "/office/audit.csv"),
    Role.ADMIN: (),
}
OPEN = {
    Role.REVIEWER: ("/office/", "/office/releases/", "/office/releases/1", "/office/rounds/1"),
    Role.OFFICER: ("/office/rounds/import", "/office/rounds/1/rows/2", "/office/releases/1"),
    Role.WRITER: ("/office/rounds/import", "/office/releases/1/edit", "/office/subscribers/"),
    Role.EDITOR: ("/office/audit", "/office/subscribers/imports/", "/office/settings/contacts/"),
    Role.ADMIN: ("/office/audit.csv", "/office/settings/users/"),
}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_meets_its_own_closed_doors(
    client: FlaskClient, cast: dict[Role, User], role: Role
) -> None:
    factories.release(cast[Role.WRITER])
    factories.signed_in(client, cast[role])

    assert {path: client.get(path).status_code for path in CLOSED[role]} == dict.fromkeys(
        CLOSED[role], 403
    )
    assert {path: client.get(path).status_code for path in OPEN[role]} == dict.fromkeys(
        OPEN[role], 200
    )


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_leads_nowhere_that_is_closed(
    client: FlaskClient, cast: dict[Role, User], role: Role
) -> None:
    page = factories.signed_in(client, cast[role]).get("/office/").text
    menu = page[page.index('<nav class="office-nav"') : page.index("</nav>")]
    places = re.findall(r'href="([^"]+)"', menu)

    assert len(places) >= 4
    assert {place: client.get(place).status_code for place in places} == dict.fromkeys(places, 200)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.OFFICER])
def test_pages_show_reviewers_no_button_that_they_may_not_press(
    client: FlaskClient, cast: dict[Role, User], role: Role
) -> None:
    factories.release(cast[Role.WRITER])
    factories.signed_in(client, cast[role])

    for path in ("/office/", "/office/rounds/", "/office/rounds/1", "/office/releases/1"):
        page = client.get(path).text
        for action in set(re.findall(r'(?:form)?action="(/office/[^"]*)"', page)):
            assert client.post(action).status_code != 403, (path, action)


def test_an_account_made_at_the_command_line_may_have_any_role(app: Flask) -> None:
    for role in Role:
        words = ["user", "add", f"{role.value}@press.example", "--role", role.value]
        result = app.test_cli_runner().invoke(cli, words)
        assert result.exit_code == 0, result.output
