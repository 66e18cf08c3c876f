"""Programmes and their house templates on the office's pages."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from releases.drafting.drafting import SHIPPED
from releases.drafting.models import HouseTemplate
from releases.rounds import importing
from releases.rounds.models import Programme, Round
from releases.rounds.reading import read
from tests.factories import A_MORNING, signed_in

SEED = Path(__file__).parents[1] / "rounds" / "seed.csv"
WORDING = {"headline": "{{ total }}", "lead": "Till {{ grantees.count }}.", "body": "<p>Hej.</p>"}


@pytest.fixture
def programme(editor: User) -> Programme:
    made = importing.make_programme("Kommunala partnerskap")
    made.purpose_sv = "internationellt demokratisamarbete"
    db.session.commit()
    return made


def a_round(programme: Programme, *, name: str = "Hösten 2022", more: bytes = b"") -> Round:
    content = SEED.read_bytes() + more
    stored = importing.store(
        read(content, filename="seed.csv"),
        content=content,
        filename="seed.csv",
        programme=programme,
        name=name,
        by=None,
        at=A_MORNING,
    )
    db.session.commit()
    return stored


def address(programme: Programme, more: str = "") -> str:
    return f"/office/programmes/{programme.id}/templates/sv{more}"


def kept() -> list[HouseTemplate]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(HouseTemplate)))


def test_the_page_tries_the_wording_on_the_newest_round(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    a_round(programme)

    page = signed_in(client, editor).get(address(programme)).text

    assert "Drygt 10,6\u00a0miljoner kronor</data> till internationellt demokratisamarbete" in page
    assert "{% if grantees.count.n == 1 %}" in page
    assert "{{ total.rounded }}</code>" in page
    assert kept() == []  # looking writes nothing


def test_a_programme_without_a_round_says_so(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    page = signed_in(client, editor).get(address(programme)).text

    assert "Ingen omgång att pröva på" in page


def test_unsaved_words_can_be_tried_and_are_not_kept(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    a_round(programme)

    page = signed_in(client, editor).post(address(programme, "/preview"), data=WORDING).text

    assert '<h3><data value="10641000" data-figure="total">' in page
    assert "10\u00a0641\u00a0000" in page
    assert "Till {{ grantees.count }}." in page
    assert kept() == []


def test_the_round_to_try_on_can_be_chosen(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    first = a_round(programme, name="Hösten 2022")
    a_round(programme, name="Våren 2023", more=b"\n")
    signed_in(client, editor)

    newest = client.post(address(programme, "/preview"), data=WORDING).text
    chosen = client.post(address(programme, "/preview"), data={**WORDING, "round": first.id}).text

    assert "Utkastet som mallen ger för Våren 2023." in newest
    assert "Utkastet som mallen ger för Hösten 2022." in chosen


def test_a_good_wording_is_kept(client: FlaskClient, editor: User, programme: Programme) -> None:
    signed_in(client, editor)

    answer = client.post(address(programme), data={**WORDING, "body": "<p>Hej.</p>\r\n<p>Då.</p>"})

    (template,) = kept()
    assert answer.status_code == 302
    assert template.headline == "{{ total }}"
    assert template.body == "<p>Hej.</p>\n<p>Då.</p>"
    assert template.edited_by_id == editor.id
    assert "Mallen är ändrad av er." in client.get(address(programme)).text


@pytest.mark.parametrize(
    ("lead", "told"),
    [
        ("Hej\n{% if total %}\nså", "Mallen för ingressen har ett skrivfel (rad"),
        ("Hej\n{{ total.__class__() }}", "inte är tillåtet (rad 2)"),
        ("Hej\n{% set x = 1 %}", "inte är tillåtet (rad 2)"),
    ],
)
def test_a_wording_that_could_never_be_used_is_not_kept_and_not_lost(
    client: FlaskClient, editor: User, programme: Programme, lead: str, told: str
) -> None:
    a_round(programme)
    signed_in(client, editor)

    answer = client.post(address(programme), data={**WORDING, "lead": lead})

    assert answer.status_code == 422
    assert answer.text.count(told) == 2
    assert 'href="#lead"' in answer.text
    assert "&lt;p&gt;Hej.&lt;/p&gt;" in answer.text
    assert kept() == []


def test_a_name_the_round_does_not_have_is_told_with_its_line(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    a_round(programme)
    signed_in(client, editor)

    page = client.post(
        address(programme, "/preview"), data={**WORDING, "lead": "Hej\n{{ totl }}"}
    ).text

    assert "Mallen för ingressen använder namnet totl, som inte finns (rad 2)." in page
    assert "Rätta felet i mallen" in page


def test_hostile_html_in_a_wording_never_reaches_the_page(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    a_round(programme)
    signed_in(client, editor)

    page = client.post(
        address(programme, "/preview"), data={**WORDING, "body": "<script>alert(1)</script>"}
    ).text

    assert "<script>alert(1)" not in page
    assert "HTML som inte är tillåten" in page


def test_the_shipped_wording_can_be_had_back(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    signed_in(client, editor)
    client.post(address(programme), data=WORDING)

    client.post(address(programme, "/reset"))

    (template,) = kept()
    assert template.edited_at is None
    assert template.headline == SHIPPED["sv"].headline


def test_templates_and_programmes_are_for_editors(
    client: FlaskClient, writer: User, programme: Programme
) -> None:
    signed_in(client, writer)

    for path in ("/office/programmes/", f"/office/programmes/{programme.id}", address(programme)):
        assert client.get(path).status_code == 403
    for path in (address(programme), address(programme, "/preview"), address(programme, "/reset")):
        assert client.post(path, data=WORDING).status_code == 403


def test_there_are_templates_in_our_languages_only(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    signed_in(client, editor)

    assert client.get(f"/office/programmes/{programme.id}/templates/fr").status_code == 404
    assert client.get("/office/programmes/4711/templates/sv").status_code == 404


def test_a_programme_shows_how_its_purpose_reads_in_a_headline(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    page = signed_in(client, editor).get(f"/office/programmes/{programme.id}").text

    assert (
        "Drygt 10,6\u00a0miljoner kronor till internationellt demokratisamarbete"
        in page.replace("&#160;", "\u00a0")
    )


def test_a_programme_is_saved(client: FlaskClient, editor: User, programme: Programme) -> None:
    signed_in(client, editor)

    client.post(
        f"/office/programmes/{programme.id}",
        data={
            "name": "Partnerskap",
            "name_en": "Municipal Partnerships",
            "purpose_en": "democracy",
            "read_more_url": "https://www.icld.se/kp",
        },
    )

    db.session.refresh(programme)
    assert programme.title("en") == "Municipal Partnerships"
    assert programme.read_more_url == "https://www.icld.se/kp"


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("name", "", "Namn behöver fyllas i."),
        ("name", "Annat", "Ett annat program heter redan så."),
        ("read_more_url", "javascript:x", "Det är ingen webbadress."),
    ],
)
def test_a_programme_that_cannot_be_saved_keeps_every_word(
    client: FlaskClient, editor: User, programme: Programme, field: str, written: str, told: str
) -> None:
    importing.make_programme("Annat")
    db.session.commit()
    signed_in(client, editor)

    answer = client.post(
        f"/office/programmes/{programme.id}",
        data={"name": "Partnerskap", "about_sv": "Programmet stöder.", field: written},
    )

    assert answer.status_code == 422
    assert answer.text.count(told) == 2
    assert "Programmet stöder." in answer.text
    db.session.refresh(programme)
    assert programme.name == "Kommunala partnerskap"
