"""What every page shares: language, error pages, health, files that may be kept."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import formats
from app.core.accounts import User
from app.core.db import db
from app.core.errors import BadInput, Conflict, DomainError, NotAllowed, NotFound, NotNow
from tests import factories
from tests.factories import signed_in

A_FRIDAY = datetime(2022, 10, 28, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wish", "place"), [("sv", "/sv/"), ("en-GB,en;q=0.9", "/en/"), ("fr", "/sv/"), ("", "/sv/")]
)
def test_the_front_door_leads_to_the_visitors_language(
    client: FlaskClient, wish: str, place: str
) -> None:
    answer = client.get("/", headers={"Accept-Language": wish})

    assert answer.status_code == 302
    assert answer.headers["Location"] == place
    assert "Accept-Language" in answer.headers["Vary"]


def test_health_tells_that_the_database_answers(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "database": "ok"}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotFound("no_such_user", email="a@b.example"), 404, "Det finns inget aktivt konto"),
        (NotAllowed("nobody_wrote_this"), 403, "Det får du inte göra"),
        (NotNow("nobody_wrote_this"), 409, "Det går inte just nu"),
        (Conflict("nobody_wrote_this"), 409, "Det går inte just nu"),
        (BadInput("password_short", n=10), 422, "Lösenordet måste ha minst 10 tecken."),
    ],
)
def test_what_the_domain_refuses_is_said_in_the_visitors_words(
    app: Flask, error: DomainError, status: int, words: str
) -> None:
    def refuse() -> str:
        raise error

    app.add_url_rule("/sv/refuse", "refuse", refuse)

    answer = app.test_client().get("/sv/refuse")

    assert answer.status_code == status
    assert words in answer.text
    assert "nobody_wrote_this" not in answer.text


def test_a_fault_of_ours_shows_nothing_of_our_inside(app: Flask) -> None:
    def break_down() -> str:
        raise RuntimeError("the password is hunter2")

    app.add_url_rule("/en/break", "break", break_down)
    app.testing = False

    answer = app.test_client().get("/en/break")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


def test_a_silent_database_still_gives_a_page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_args: object, **_more: object) -> None:
        raise OSError("no such host db.internal")

    monkeypatch.setattr(db.session, "execute", silent)
    monkeypatch.setattr(db.session, "scalar", silent)
    monkeypatch.setattr(db.session, "scalars", silent)
    app.testing = False

    answer = app.test_client().get("/sv/")

    assert answer.status_code == 500
    assert "Något gick fel hos oss" in answer.text
    assert "db.internal" not in answer.text


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.post("/sv/")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "Så går det inte att göra" in answer.text


def test_too_large_a_file_is_told_as_such(app: Flask) -> None:
    from flask import request

    app.config["MAX_CONTENT_LENGTH"] = 10
    app.config["WTF_CSRF_ENABLED"] = False
    app.add_url_rule("/sv/take", "take", lambda: request.form.get("x", ""), methods=["POST"])

    answer = app.test_client().post("/sv/take", data={"x": "y" * 100})

    assert answer.status_code == 413
    assert "Filen är för stor" in answer.text


def test_a_form_without_its_token_is_sent_back(app: Flask) -> None:
    answer = app.test_client().post("/office/sign-out")

    assert answer.status_code == 400
    assert "Formuläret är för gammalt" in answer.text


def test_the_address_decides_the_language_of_an_error(client: FlaskClient) -> None:
    swedish = client.get("/sv/saknas", headers={"Accept-Language": "en"})
    english = client.get("/en/missing", headers={"Accept-Language": "sv"})

    assert '<html lang="sv">' in swedish.text
    assert "Sidan finns inte" in swedish.text
    assert '<html lang="en">' in english.text
    assert "There is no such page" in english.text


def test_our_files_may_be_kept_for_good_when_asked_for_by_version(client: FlaskClient) -> None:
    page = client.get("/sv/").text
    [address] = re.findall(r'href="(/static/icon\.svg\?v=[0-9a-f]{12})"', page)

    with client.get(address) as versioned, client.get("/static/icon.svg?v=old") as other:
        assert "immutable" in versioned.headers["Cache-Control"]
        assert "immutable" not in other.headers.get("Cache-Control", "")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_signing_in_speaks_the_visitors_language(client: FlaskClient, language: str) -> None:
    words = {"sv": ("Lösenord", "stämmer inte"), "en": ("Password", "is wrong")}[language]
    headers = {"Accept-Language": language}

    page = client.get("/office/sign-in", headers=headers)
    wrong = client.post(
        "/office/sign-in", headers=headers, data={"email": "a@press.example", "password": "x"}
    )

    assert words[0] in page.text
    assert words[1] in wrong.text


def test_a_wrong_password_and_an_unknown_address_look_the_same(
    client: FlaskClient, writer: object
) -> None:
    def tried(email: str) -> str:
        answer = client.post("/office/sign-in", data={"email": email, "password": "nope nope"})
        return answer.text.replace(email, "…")

    assert tried("alva@press.example") == tried("nobody@press.example")


def test_dates_are_written_as_in_print() -> None:
    assert formats.long_date(A_FRIDAY, "sv") == "28 oktober 2022"
    assert formats.long_date(date(2022, 10, 28), "en") == "28 October 2022"
    assert formats.date_line(A_FRIDAY, "sv") == "28 oktober 2022 kl. 08.00"
    assert formats.date_line(A_FRIDAY, "en") == "28 October 2022, 08:00 CEST"
    assert formats.iso(A_FRIDAY) == "2022-10-28T08:00:00+02:00"
    assert formats.rfc822(A_FRIDAY) == "Fri, 28 Oct 2022 06:00:00 GMT"


@pytest.mark.parametrize(
    ("written", "href"),
    [
        ("072-450 01 50", "tel:+46724500150"),
        ("+46 (0)498-29 91 00", "tel:+46498299100"),
        ("0046 498 29 91 00", "tel:+46498299100"),
        ("112", "tel:112"),
        ("växeln", ""),
    ],
)
def test_a_number_can_be_called_from_abroad(written: str, href: str) -> None:
    assert formats.phone_href(written) == href


def test_a_postcode_is_held_together() -> None:
    assert formats.postcode("62158") == "621\u00a058"
    assert formats.postcode("SE-621 58") == "621\u00a058"
    assert formats.postcode("SW1A 1AA") == "SW1A 1AA"


@pytest.mark.parametrize(
    "path",
    [
        "/office/releases/{release}/versions?before={n}",
        "/office/releases/{release}/embargo/log?before=-{n}",
        "/office/notifications?before={n}",
        "/office/audit?before={n}",
        "/office/mailings/?before={n}",
        "/office/settings/contacts/{n}",
    ],
)
def test_a_number_that_no_row_can_have_is_missing(
    client: FlaskClient, admin: User, path: str
) -> None:
    release = factories.release(admin)
    signed_in(client, admin)

    answer = client.get(path.format(release=release.id, n=10**20))

    assert answer.status_code == 404


def test_the_largest_number_a_row_can_have_is_only_a_number(
    client: FlaskClient, admin: User
) -> None:
    release = factories.release(admin)
    signed_in(client, admin)

    page = client.get(f"/office/releases/{release.id}/versions?before={2**63 - 1}")
    read = client.post("/office/notifications/read", data={"upto": str(10**20)})

    assert (page.status_code, read.status_code) == (200, 302)


@pytest.mark.parametrize(
    "path",
    [
        "/sv/releases/a%00b",
        "/media/%00/960.jpg",
        "/quote/%00",
        "/sv/embed/latest?topic=a%00b",
        "/sv/embed/latest?programme=a%00b",
        "/oembed?url=http://127.0.0.1:8000/sv/releases/a%00b",
    ],
)
def test_a_name_that_no_row_can_have_is_missing(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
