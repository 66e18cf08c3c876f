"""Who gets in: every page is listed as staff's or the public's, and keeps to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.core.accounts import User
from app.core.db import normal_url
from app.settings import CHECKOUT
from tests import factories

STAFF = {
    "addresses",
    "after",
    "alerts",
    "audit",
    "checks",
    "contacts",
    "desk",
    "editing",
    "embargoes",
    "figures",
    "groups",
    "house_templates",
    "hub_settings",
    "imports",
    "look",
    "mailings",
    "notices",
    "media",
    "office",
    "outbox",
    "preflight_settings",
    "press_kits",
    "preview",
    "programmes",
    "publishing",
    "releases",
    "returns",
    "retention",
    "review",
    "round_changes",
    "rounds",
    "security",
    "signing",
    "signup_form",
    "subscribers",
    "suppressions",
    "telling",
    "topics",
    "trust",
    "updates",
    "uploads",
    "versions",
    "workers",
    "watching",
}
PUBLIC = {
    "api",
    "about",
    "house",
    "embargo",
    "feeds",
    "hooks",
    "hub",
    "invited",
    "lists",
    "machines",
    "media_files",
    "my_data",
    "metrics",
    "newsroom",
    "published_rounds",
    "quotes",
    "sharing",
    "subscribing",
    "trying",
}
PUBLIC_WITHOUT_BLUEPRINT = {"front_door", "health", "static"}
ENTRANCES = {"security.login"}  # staff pages one has to see before being let in
TEMPLATES = sorted((CHECKOUT / "templates").rglob("*.html"))
SAMPLES = {"int": "1", "language": "sv", "path": "x/y", "lang": "sv"}


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Doors are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def address(rule: Rule) -> str:
    """An address that fits a rule; nothing need be there."""

    def sample(found: re.Match[str]) -> str:
        kind, options, name = found.groups()
        if kind == "any":
            return (options or "").split(",")[0].strip("( '\"")
        return SAMPLES.get(kind or "", SAMPLES.get(name, "1"))

    return re.sub(r"<(?:(\w+)(\([^)]*\))?:)?(\w+)>", sample, rule.rule)


def blueprint(rule: Rule) -> str:
    return rule.endpoint.rpartition(".")[0]


def is_staff(rule: Rule) -> bool:
    return blueprint(rule) in STAFF or rule.rule.startswith("/office")


def doors(app: Flask, *, staff: bool) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, address) of every way in, on one side."""
    for rule in app.url_map.iter_rules():
        if is_staff(rule) == staff:
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield rule.endpoint, method, address(rule)


@pytest.fixture
def strict_client(app: Flask, admin: User) -> FlaskClient:
    """An administrator's browser, with CSRF tokens asked for."""
    return factories.signed_in(app.test_client(), admin)


def test_every_blueprint_is_listed_as_staffs_or_the_publics(app: Flask) -> None:
    assert set(app.blueprints) <= STAFF | PUBLIC
    assert not STAFF & PUBLIC


def test_a_page_without_a_blueprint_is_listed_too(app: Flask) -> None:
    alone = {rule.endpoint for rule in app.url_map.iter_rules() if not blueprint(rule)}

    assert {name for name in alone if not name.startswith("office")} == PUBLIC_WITHOUT_BLUEPRINT


def test_staff_pages_live_under_office_and_no_others(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if blueprint(rule):
            assert rule.rule.startswith("/office") == (blueprint(rule) in STAFF), rule.rule


def test_nobody_gets_into_the_office_without_signing_in(client: FlaskClient, app: Flask) -> None:
    app.config["OUTBOX"] = app.config["VAR"] / "outbox"

    for endpoint, method, path in doors(app, staff=True):
        if endpoint in ENTRANCES:
            continue
        answer = client.open(path, method=method)
        if answer.status_code == 302:
            assert "/office/sign-in" in answer.location, (method, path)
        else:
            assert answer.status_code in (401, 403, 404, 405), (method, path, answer.status_code)


def test_a_visitor_gets_no_cookie(client: FlaskClient, app: Flask) -> None:
    for _, method, path in doors(app, staff=False):
        answer = client.open(path, method=method)
        assert "Set-Cookie" not in answer.headers, (method, path)
        assert "Cookie" not in answer.headers.get("Vary", ""), (method, path)
        assert answer.status_code < 500, (method, path)


def test_every_answer_carries_the_policy(client: FlaskClient, app: Flask) -> None:
    paths = [path for staff in (True, False) for _, _, path in doors(app, staff=staff)]

    for path in [*paths, "/no/such/page", "/office/no-such-page"]:
        answer = client.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path


def test_staff_forms_without_a_token_are_refused(strict_client: FlaskClient, app: Flask) -> None:
    for _, method, path in doors(app, staff=True):
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            assert strict_client.open(path, method=method).status_code == 400, (method, path)


def test_what_the_office_shows_is_not_kept_by_a_browser(strict_client: FlaskClient) -> None:
    assert strict_client.get("/office/").headers["Cache-Control"] == "no-store"


def page_templates() -> list[Path]:
    """Mail is read without our policy, and carries its own styles."""
    return [path for path in TEMPLATES if "mail" not in path.relative_to(CHECKOUT).parts]


@pytest.mark.parametrize("path", page_templates(), ids=lambda path: "/".join(path.parts[-2:]))
def test_no_template_holds_inline_script_or_style(path: Path) -> None:
    text = re.sub(r"(?s)\{#.*?#\}", "", path.read_text(encoding="utf-8"))

    for tag in re.findall(r"(?i)<script\b[^>]*>", text):
        assert "src=" in tag or "application/ld+json" in tag, tag
    assert not re.search(r"(?i)<style\b", text)
    assert not re.search(r"(?i)<[^>]*\sstyle\s*=", text)
    assert not re.search(r"(?i)<[^>]*\son[a-z]+\s*=", text)
    assert "javascript:" not in text.lower()


def test_guessing_passwords_is_slowed_down(app: Flask, client: FlaskClient) -> None:
    guess = {"email": "alva@press.example", "password": "not the right one"}

    answers = [client.post("/office/sign-in", data=guess).status_code for _ in range(22)]

    assert answers[:20] == [200] * 20
    assert answers[20:] == [429] * 2
    assert client.get("/office/sign-in").status_code == 200
