"""The settings' pages: the organisation, the people who may sign in, the language of the office."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask, g
from flask.testing import FlaskClient
from flask_security import verify_password

from app.core.accounts import Role, User, find_user
from app.core.db import db
from app.core.organisation import Organisation, Rounding, organisation
from tests.factories import signed_in, user

GOOD = {
    "name_sv": "Internationellt Centrum för Lokal Demokrati",
    "name_en": "International Centre for Local Democracy",
    "short_name": "ICLD",
    "press_email": "press@icld.example",
    "site": "https://www.icld.se",
    "social_text": "Facebook | https://www.facebook.com/icld\r\n\r\nX | https://x.com/icld",
    "about_sv": "Första stycket.\r\n\r\nAndra stycket.",
    "about_on": "2026-01-15",
    "time_zone": "Europe/Stockholm",
    "quote_glyph": "—",
    "digit_at_sentence_start": "y",
    "rounding": "down",
    "rounding_decimals": "0",
    "digest_hour": "16",
    "digest_weekday": "4",
    "grace_minutes": "180",
    "mailing_grace_minutes": "10",
}
PERSON = {"name": "Dan Dahl", "email": "Dan@press.example", "role": "editor", "language": "en"}


def save(client: FlaskClient, **changes: str) -> tuple[int, str]:
    answer = client.post("/office/settings/organisation", data={**GOOD, **changes})
    return answer.status_code, answer.text


def test_the_organisation_is_saved_whole(client: FlaskClient, admin: User) -> None:
    status, _ = save(signed_in(client, admin))

    kept = organisation()
    assert (kept.digest_hour, kept.digest_weekday) == (16, 4)
    assert (kept.grace_minutes, kept.mailing_grace_minutes) == (180, 10)
    assert status == 302
    assert kept.id
    assert kept.name("en") == "International Centre for Local Democracy"
    assert kept.social == [
        {"label": "Facebook", "url": "https://www.facebook.com/icld"},
        {"label": "X", "url": "https://x.com/icld"},
    ]
    assert kept.about_sv == "Första stycket.\n\nAndra stycket."
    assert str(kept.about_on) == "2026-01-15"
    assert (kept.quote_glyph, kept.digit_at_sentence_start, kept.four_eyes) == ("—", True, False)
    assert (kept.rounding, kept.rounding_decimals) == (Rounding.DOWN, 0)


def test_the_page_shows_what_each_way_of_rounding_makes_of_a_sum(
    client: FlaskClient, admin: User
) -> None:
    page = signed_in(client, admin).get("/office/settings/organisation").text
    table = page[page.index('id="roundings"') :].replace("&#160;", "\u00a0")

    assert '<span lang="sv">nästan elva miljoner kronor</span>' in table
    assert '<span lang="sv">drygt tio miljoner kronor</span>' in table
    assert '<span lang="en">over SEK\u00a010.64\u00a0million</span>' in table
    assert table.count("is-chosen") == 1


def test_saving_again_changes_the_same_organisation(client: FlaskClient, admin: User) -> None:
    signed_in(client, admin)
    save(client)

    save(client, short_name="Centret")
    page = client.get("/office/settings/organisation").text

    assert db.session.scalar(sa.select(sa.func.count(Organisation.id))) == 1
    assert 'value="Centret"' in page
    assert "X | https://x.com/icld" in page


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("name_sv", "  ", "Namn på svenska behöver fyllas i."),
        ("short_name", "x" * 61, "Kortnamn är för långt."),
        ("site", "javascript:alert(1)", "Det är ingen webbadress."),
        ("site", "www.icld.se", "Det är ingen webbadress."),
        ("press_email", "press at icld", "är ingen e-postadress"),
        ("social_text", "Facebook | ftp://x.example", "Konto 1 går inte att läsa."),
        ("about_on", "i våras", "Det är inget datum."),
        ("time_zone", "Europe/Visby", "Tidszonen finns inte."),
        ("quote_glyph", "*", "Välj ett av alternativen."),
        ("rounding", "up", "Välj ett av alternativen."),
        ("rounding_decimals", "3", "Välj ett av alternativen."),
    ],
)
def test_a_form_that_cannot_be_saved_says_why_and_keeps_every_word(
    client: FlaskClient, admin: User, field: str, written: str, told: str
) -> None:
    status, page = save(signed_in(client, admin), **{field: written, "about_en": "About us."})

    assert status == 422
    assert page.count(told) == 2  # beside the field and in the summary
    assert "About us." in page
    assert 'value="https://www.icld.se"' in page or field == "site"
    assert not organisation().id


@pytest.mark.parametrize("path", ["organisation", "users/", "users/new", "users/1"])
def test_the_organisation_and_its_people_are_for_admins(
    client: FlaskClient, editor: User, path: str
) -> None:
    signed_in(client, editor)

    assert client.get(f"/office/settings/{path}").status_code == 403
    assert client.post(f"/office/settings/{path.rstrip('/')}").status_code in (403, 404, 405)


def test_the_index_shows_each_role_its_own_part(
    client: FlaskClient, writer: User, editor: User, admin: User
) -> None:
    assert signed_in(client, writer).get("/office/settings/").status_code == 403
    for_editors = signed_in(client, editor).get("/office/settings/").text
    for_admins = signed_in(client, admin).get("/office/settings/").text

    assert "/office/programmes/" in for_editors
    assert "/office/settings/users/" not in for_editors
    assert "/office/settings/users/" in for_admins


def test_a_new_person_gets_a_password_that_is_shown_once_and_works(
    client: FlaskClient, admin: User
) -> None:
    page = signed_in(client, admin).post("/office/settings/users/new", data=PERSON).text

    password = re.search(r"<code>([a-z0-9-]{19})</code>", page)
    person = find_user("dan@press.example")
    assert password is not None
    assert person is not None
    assert verify_password(password[1], person.password)
    assert (person.role, person.language) == (Role.EDITOR, "en")
    assert password[1] not in client.get("/office/settings/users/").text


def test_an_address_that_is_taken_is_told_beside_the_field(
    client: FlaskClient, admin: User, writer: User
) -> None:
    signed_in(client, admin)

    answer = client.post("/office/settings/users/new", data={**PERSON, "email": writer.email})

    assert answer.status_code == 422
    assert "Det finns redan ett konto" in answer.text
    assert 'value="Dan Dahl"' in answer.text


def test_an_admin_changes_somebodys_role(client: FlaskClient, admin: User, writer: User) -> None:
    signed_in(client, admin)

    client.post(
        f"/office/settings/users/{writer.id}",
        data={"name": "Alva A", "role": "editor", "language": "sv"},
    )

    assert (writer.name, writer.role) == ("Alva A", Role.EDITOR)


def test_the_only_admin_stays_one(client: FlaskClient, admin: User) -> None:
    signed_in(client, admin)
    address = f"/office/settings/users/{admin.id}"

    demoted = client.post(address, data={"name": "Cia", "role": "writer", "language": "sv"})
    deactivated = client.post(f"{address}/deactivate")

    assert (demoted.status_code, deactivated.status_code) == (422, 409)
    for page in (demoted.text, deactivated.text):
        assert "är den enda aktiva administratören" in page
    db.session.refresh(admin)
    assert (admin.role, admin.active) == (Role.ADMIN, True)


def test_one_admin_of_two_may_go(client: FlaskClient, admin: User) -> None:
    other = user("eva@press.example", role=Role.ADMIN)
    signed_in(client, admin)

    client.post(f"/office/settings/users/{other.id}/deactivate")

    assert not other.active


def test_who_is_deactivated_is_signed_out_until_they_are_let_in_again(
    app: Flask, client: FlaskClient, admin: User, writer: User
) -> None:
    theirs = signed_in(app.test_client(), writer)
    assert theirs.get("/office/mailings/").status_code == 200

    signed_in(client, admin).post(f"/office/settings/users/{writer.id}/deactivate")
    g.pop("_login_user")
    assert theirs.get("/office/mailings/").status_code in (302, 401)
    signed_in(client, admin).post(f"/office/settings/users/{writer.id}/reactivate")
    g.pop("_login_user")
    assert theirs.get("/office/mailings/").status_code in (302, 401)
    assert signed_in(theirs, writer).get("/office/mailings/").status_code == 200


def test_a_new_password_ends_the_old_one(client: FlaskClient, admin: User, writer: User) -> None:
    old = writer.password
    signed_in(client, admin)

    page = client.post(f"/office/settings/users/{writer.id}/password").text

    password = re.search(r"<code>([a-z0-9-]{19})</code>", page)
    db.session.refresh(writer)
    assert password is not None
    assert writer.password != old
    assert verify_password(password[1], writer.password)


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/office/mailings/?before=3", "/office/mailings/?before=3"),
        ("https://evil.example/", "/office/"),
        ("//evil.example/", "/office/"),
        ("/\\evil.example/", "/office/"),
        ("", "/office/"),
    ],
)
def test_the_language_is_the_persons_own_and_leads_back_to_our_pages_only(
    client: FlaskClient, writer: User, wanted: str, leads_to: str
) -> None:
    signed_in(client, writer)

    answer = client.post("/office/language", data={"language": "en", "next": wanted})

    assert answer.location == leads_to
    assert "Mailings" in client.get("/office/mailings/").text


def test_a_language_we_do_not_have_is_refused(client: FlaskClient, writer: User) -> None:
    answer = signed_in(client, writer).post("/office/language", data={"language": "fr"})

    assert answer.status_code == 400
    assert writer.language == "sv"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_page_of_the_settings_speaks_both_languages(
    client: FlaskClient, admin: User, language: str
) -> None:
    admin.language = language
    db.session.commit()
    signed_in(client, admin)

    for path in ("", "organisation", "users/", "users/new", f"users/{admin.id}", "contacts/new"):
        page = client.get(f"/office/settings/{path}")
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
