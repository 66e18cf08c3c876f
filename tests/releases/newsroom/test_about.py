"""Whom to call, who we are, and a statement that claims no more than somebody has looked at."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db, normal_url
from app.core.organisation import organisation
from releases.editorial.models import Contact
from tests.factories import round_, signed_in
from tests.releases.newsroom.desk import Desk


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def contact(name: str, **facts: object) -> Contact:
    made = Contact(name=name, title_sv="handläggare", title_en="officer", **facts)
    db.session.add(made)
    db.session.commit()
    return made


def sender(**facts: object) -> None:
    found = organisation()
    for name, value in facts.items():
        setattr(found, name, value)
    db.session.add(found)
    db.session.commit()


def test_those_who_are_listed_can_be_called_and_written_to(client: FlaskClient) -> None:
    contact("Felicia", phone="072-450 01 50", email="felicia@press.example", position=2)
    contact("Adam", phone="072-450 01 51", position=1)
    contact("Dold", phone="072-450 01 52", listed=False)
    contact("Avtagen", phone="072-450 01 53", active=False)

    page = client.get("/en/contacts").text

    assert page.index("Adam") < page.index("Felicia")
    assert 'href="tel:+46724500150"' in page
    assert 'href="mailto:felicia@press.example"' in page
    assert "officer" in page
    assert "Dold" not in page
    assert "Avtagen" not in page


def test_while_somebody_is_away_their_deputy_answers(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    deputy = contact("Adam", phone="072-450 01 51", listed=False)
    contact(
        "Felicia",
        phone="072-450 01 50",
        away_from=date(2026, 12, 1),
        away_until=date(2026, 12, 3),
        deputy_id=deputy.id,
    )

    def on(month: int, day: int) -> str:
        moment = datetime(2026, month, day, 12, tzinfo=UTC)
        monkeypatch.setattr("releases.newsroom.about_public.now", lambda: moment)
        sender(street=f"Gatan {day}")  # what was kept of the page is asked for anew
        return client.get("/sv/contacts").text

    there, away, back = on(11, 30), on(12, 3), on(12, 4)

    assert "Borta till och med 3 december 2026" in away
    assert "Adam svarar" in away
    assert "072-450 01 51" in away
    assert "072-450 01 50" not in away
    for page in (there, back):
        assert "072-450 01 50" in page
        assert "Adam" not in page


def test_nobody_to_call_is_said_plainly(client: FlaskClient) -> None:
    assert "inga kontaktuppgifter ännu" in client.get("/sv/contacts").text


def test_an_editor_takes_somebody_off_the_page_by_a_tick(client: FlaskClient, editor: User) -> None:
    felicia = contact("Felicia", phone="072-450 01 50")
    address = f"/office/settings/contacts/{felicia.id}"
    form = signed_in(client, editor).get(address).text
    assert re.search(r'<input [^>]*checked[^>]*name="listed"', form)

    client.post(address, data={"name": "Felicia", "phone": "072-450 01 50"})

    assert "Felicia" not in client.get("/sv/contacts").text


def test_the_sender_is_presented_with_its_date_and_programmes(
    client: FlaskClient, desk: Desk
) -> None:
    sender(
        about_sv="Vi ger bidrag.\n\nVi finns i Visby.",
        about_on=date(2026, 1, 15),
        street="Söderväg 1D",
        town="Visby",
        social=[{"label": "Mastodon", "url": "https://social.example/@icld"}],
    )

    page = client.get("/sv/about").text

    assert "<p>Vi finns i Visby.</p>" in page
    assert "Texten gäller från den 15 januari 2026" in page
    assert "Söderväg 1D" in page
    assert 'href="https://social.example/@icld"' in page


def test_a_programme_that_nothing_tells_of_is_not_on_the_page(client: FlaskClient) -> None:
    round_(programme="Hemligt program")

    assert "Hemligt program" not in client.get("/sv/about").text


def test_the_statement_claims_nothing_that_nobody_has_looked_at(client: FlaskClient) -> None:
    page = client.get("/sv/accessibility").text

    assert "ännu inte granskat" in page
    assert "delvis förenlig" not in page
    assert "fann vi inga brister" not in page


def test_known_shortcomings_make_the_site_partially_compliant(client: FlaskClient) -> None:
    sender(
        accessibility_sv="Äldre PDF-filer saknar taggar.\nEn film saknar text.",
        accessibility_en="Older PDF files lack tags.",
        accessibility_on=date(2026, 11, 2),
    )

    swedish, english = client.get("/sv/accessibility").text, client.get("/en/accessibility").text

    assert "delvis förenlig" in swedish
    assert "<li>En film saknar text.</li>" in swedish
    assert "2 november 2026" in swedish
    assert "partially compliant" in english
    assert "<li>Older PDF files lack tags.</li>" in english


def test_a_look_that_found_nothing_does_not_claim_more_than_that(client: FlaskClient) -> None:
    sender(accessibility_on=date(2026, 11, 2))

    page = client.get("/sv/accessibility").text

    assert "fann vi inga brister" in page
    assert "Det utesluter inte" in page


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_statement_says_whom_to_tell_and_who_supervises(
    client: FlaskClient, language: str
) -> None:
    sender(press_email="press@icld.example")

    page = client.get(f"/{language}/accessibility").text

    assert "mailto:press@icld.example" in page
    assert "Digg" in page


def test_an_admin_writes_down_shortcomings(client: FlaskClient, admin: User) -> None:
    said = {"accessibility_sv": "En brist.", "accessibility_en": "A flaw."}

    answer = signed_in(client, admin).post(
        "/office/settings/accessibility", data={**said, "accessibility_on": "2026-11-02"}
    )

    assert answer.status_code == 302
    assert "<li>En brist.</li>" in client.get("/sv/accessibility").text


def test_a_date_that_is_none_keeps_every_word(client: FlaskClient, admin: User) -> None:
    answer = signed_in(client, admin).post(
        "/office/settings/accessibility",
        data={"accessibility_sv": "En brist.", "accessibility_on": "igår"},
    )

    assert answer.status_code == 422
    assert "En brist." in answer.text


@pytest.mark.parametrize("page", ["contacts", "about", "accessibility"])
def test_each_page_leads_to_itself_in_the_other_language(client: FlaskClient, page: str) -> None:
    assert f'href="/en/{page}"' in client.get(f"/sv/{page}").text
