"""Programmes and their house templates on the office's pages."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.db import db
from app.core.html import plain
from releases.drafting.drafting import SHIPPED
from releases.drafting.models import HouseTemplate, HouseTemplateVersion
from releases.editorial.writing import compose
from releases.rounds import importing
from releases.rounds.models import HeadlineShape, Programme, Round
from releases.rounds.reading import read
from tests import factories
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
        ("Hej\n{% if total %}\nså", "som aldrig avslutas (rad 2)"),
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

    assert (
        "Mallen för ingressen använder namnet totl, som inte finns (rad 2). Menade du total?"
        in page
    )
    assert 'data-line="2"' in page
    assert '<span class="quiet">Rad 2</span> <code>{{ totl }}</code>' in page
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


def wordings(programme: Programme) -> list[str]:
    """The headlines of the earlier versions, the oldest first."""
    db.session.rollback()
    found = sa.select(HouseTemplateVersion).order_by(HouseTemplateVersion.number)
    return [version.headline for version in db.session.scalars(found)]


def test_every_change_keeps_the_wording_it_replaces(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    signed_in(client, editor)
    client.post(address(programme), data=WORDING)
    client.post(address(programme), data={**WORDING, "headline": "Andra"})
    client.post(address(programme), data={**WORDING, "headline": "Andra"})  # nothing new
    client.post(address(programme, "/reset"))
    client.post(address(programme, "/reset"))

    page = client.get(address(programme)).text

    assert wordings(programme) == [SHIPPED["sv"].headline, WORDING["headline"], "Andra"]
    assert [number in page for number in ("/versions/3", "/versions/2", "/versions/4")] == [
        True,
        True,
        False,
    ]
    assert "· Bo" in page


def test_saving_the_shipped_wording_is_no_edit(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    shipped = asdict(SHIPPED["sv"])
    signed_in(client, editor)

    client.post(address(programme), data=shipped)
    assert wordings(programme) == []
    client.post(address(programme), data=WORDING)
    client.post(address(programme), data=shipped)

    (template,) = kept()
    assert template.edited_at is None
    assert len(wordings(programme)) == 2


def test_an_earlier_wording_is_shown_compared_and_had_back(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    signed_in(client, editor)
    client.post(address(programme), data=WORDING)
    client.post(address(programme), data={**WORDING, "lead": "Ny ingress {{ total }}."})

    page = client.get(address(programme, "/versions/2")).text
    answer = client.post(address(programme, "/versions/2/restore"))

    assert "Till {{ grantees.count }}." in page
    assert "<ins>" in page and "ingress" in page
    assert answer.status_code == 302
    (template,) = kept()
    assert template.lead == WORDING["lead"]
    assert len(wordings(programme)) == 3
    assert "Så lyder mallen i dag." in client.get(address(programme, "/versions/2")).text
    assert "som den levererades" in client.get(address(programme, "/versions/1")).text
    assert client.get(address(programme, "/versions/9")).status_code == 404
    assert client.post(address(programme, "/versions/9/restore")).status_code == 404


def test_an_earlier_wording_that_may_no_longer_be_used_is_told(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    signed_in(client, editor)
    client.post(address(programme), data=WORDING)
    db.session.execute(sa.update(HouseTemplateVersion).values(lead="{% set x = 1 %}"))
    db.session.commit()

    answer = client.post(address(programme, "/versions/1/restore"))

    assert answer.status_code == 422
    assert "inte är tillåtet (rad 1)" in answer.text
    assert kept()[0].headline == WORDING["headline"]


def test_a_change_made_meanwhile_is_not_overwritten_unseen(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    signed_in(client, editor)
    client.post(address(programme), data={**WORDING, "headline": "Hennes", "base": 0})

    answer = client.post(address(programme), data={**WORDING, "headline": "Hans", "base": 0})

    assert answer.status_code == 409
    assert "Någon annan har ändrat mallen medan du skrev." in answer.text
    assert ">\nHans</textarea>" in answer.text
    assert 'name="base" value="1"' in answer.text
    assert kept()[0].headline == "Hennes"
    client.post(address(programme), data={**WORDING, "headline": "Hans", "base": 1})
    assert kept()[0].headline == "Hans"
    assert wordings(programme)[-1] == "Hennes"


def test_the_draft_follows_what_is_typed(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    first = a_round(programme, name="Hösten 2022")
    a_round(programme, name="Våren 2023", more=b"\n")
    signed_in(client, editor)
    live = address(programme, "/live")

    typed = client.post(live, data=WORDING).get_json()
    other = client.post(live, data={**WORDING, "round": first.id, "offered": "1"}).get_json()
    slip = client.post(live, data={**WORDING, "lead": "Hej\r\n{{ totl }}"}).get_json()

    assert "Till <data" in typed["preview"] and "Våren 2023" in typed["preview"]
    assert typed["problem"] is None and "offered" not in typed
    assert "Hösten 2022" in other["preview"] and "{{ total.rounded }}" in other["offered"]
    assert slip["problem"]["part"] == "lead"
    assert (slip["problem"]["line"], slip["problem"]["words"]) == (2, "{{ totl }}")
    assert "Rätta felet i mallen" in slip["preview"]
    assert kept() == []


def test_a_preview_waits_for_nobody_who_writes(app: Flask, editor: User) -> None:
    for name in ("preview", "live"):
        assert app.view_functions[f"house_templates.{name}"].only_reads  # type: ignore[attr-defined]
    assert not hasattr(app.view_functions["house_templates.save"], "only_reads")


@pytest.mark.parametrize("more", ["", "/versions/1"])
@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_pages_speak_both_languages(
    client: FlaskClient, programme: Programme, language: str, more: str
) -> None:
    person = factories.user(f"{language}@press.example", role=Role.EDITOR, language=language)
    a_round(programme)
    signed_in(client, person)
    client.post(address(programme), data=WORDING)

    answer = client.get(address(programme, more))

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


def test_templates_and_programmes_are_for_editors(
    client: FlaskClient, writer: User, programme: Programme
) -> None:
    signed_in(client, writer)

    for path in ("/office/programmes/", f"/office/programmes/{programme.id}", address(programme)):
        assert client.get(path).status_code == 403
    for more in ("", "/preview", "/live", "/reset", "/versions/1/restore"):
        assert client.post(address(programme, more), data=WORDING).status_code == 403


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
            "headline_shape": "theme_first",
            "read_more_url": "https://www.icld.se/kp",
        },
    )

    db.session.refresh(programme)
    assert programme.title("en") == "Municipal Partnerships"
    assert programme.read_more_url == "https://www.icld.se/kp"
    assert programme.headline_shape is HeadlineShape.THEME_FIRST


def test_a_programme_shows_its_newest_rounds_headline_in_every_shape(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    programme.purpose_en = "international democracy"
    a_round(programme)

    page = signed_in(client, editor).get(f"/office/programmes/{programme.id}").text
    shown = re.findall(r'<span class="headline-example" lang="(..)">([^<]*)</span>', page)

    assert [(code, text.replace("\u00a0", " ")) for code, text in shown] == [
        ("sv", "Drygt 10,6 miljoner kronor till internationellt demokratisamarbete"),
        ("en", "Over SEK 10.6 million for international democracy"),
        ("sv", "Tio kommuner och en region får dela på drygt 10,6 miljoner kronor"),
        ("en", "Ten municipalities and one region share over SEK 10.6 million"),
        ("sv", "Internationellt demokratisamarbete: drygt 10,6 miljoner kronor"),
        ("en", "International democracy: over SEK 10.6 million"),
    ]
    assert 'value="amount_first" checked' in page
    assert "Exemplen gäller Hösten 2022." in page


def test_the_shape_chosen_is_the_one_drafts_have(app: Flask, programme: Programme) -> None:
    programme.headline_shape = HeadlineShape.COUNT_FIRST
    stored = a_round(programme)

    assert plain(compose(stored, "sv").headline).startswith("Tio kommuner och en region får dela")


def test_a_programme_whose_template_fails_shows_no_examples(
    client: FlaskClient, editor: User, programme: Programme
) -> None:
    a_round(programme)
    signed_in(client, editor)
    client.post(address(programme), data={**WORDING, "headline": "{{ kinds.samfund }}"})

    page = client.get(f"/office/programmes/{programme.id}")

    assert page.status_code == 200
    assert 'class="headline-example" lang="sv"' not in page.text
    assert 'class="headline-example" lang="en"' in page.text


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
        data={
            "name": "Partnerskap",
            "headline_shape": "amount_first",
            "about_sv": "Programmet stöder.",
            field: written,
        },
    )

    assert answer.status_code == 422
    assert answer.text.count(told) == 2
    assert "Programmet stöder." in answer.text
    db.session.refresh(programme)
    assert programme.name == "Kommunala partnerskap"
