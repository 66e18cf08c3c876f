"""The office's pages about rounds: the way in by three steps, and what no file may do there."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import timedelta
from decimal import Decimal
from html import escape, unescape
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db
from releases.drafting.templates import house_template
from releases.editorial.models import Release
from releases.editorial.uploads import sweep_uploads
from releases.rounds.models import Programme, Round, Upload
from tests import factories
from tests.factories import ROUND, signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

SEED = (Path(__file__).parents[1] / "rounds" / "seed.csv").read_bytes()
FORM = {
    "programme": "Kommunala partnerskap",
    "name": "Våren 2026",
    "decided_on": "",
    "stated_total": "",
    "currency": "",
}
WRONG_AMOUNT = ROUND.replace("800000", "åttahundra")


def upload(
    client: FlaskClient, content: bytes | str = ROUND, *, filename: str = "round.csv", **form: str
) -> TestResponse:
    """The first step, and wherever it leads."""
    data = content.encode() if isinstance(content, str) else content
    return client.post(
        "/office/rounds/import",
        data={**FORM, **form, "file": (io.BytesIO(data), filename)},
        follow_redirects=True,
    )


def kept() -> Upload:
    return db.session.scalars(sa.select(Upload)).one()


def rounds() -> list[Round]:
    return list(db.session.scalars(sa.select(Round)))


# The way in


def test_the_preview_shows_what_the_file_holds_and_stores_nothing(
    client: FlaskClient, writer: User
) -> None:
    page = upload(signed_in(client, writer), SEED, filename="seed.csv")

    said = words(page.text)
    assert page.status_code == 200
    assert "10 641 000 kronor" in said
    assert "elva mottagare" in said
    assert "tio kommuner och en region" in said
    assert page.text.count('scope="row"') == 11
    assert not rounds()
    assert db.session.scalar(sa.select(sa.func.count(Programme.id))) == 0


def test_storing_makes_the_round_and_forgets_the_upload(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), decided_on="2026-03-02", stated_total="2 650 000 kr")

    answer = client.post(f"/office/rounds/import/{kept().id}", follow_redirects=True)

    [stored] = rounds()
    assert answer.request.path == f"/office/rounds/{stored.id}"
    assert (stored.name, stored.programme.name) == ("Våren 2026", "Kommunala partnerskap")
    assert str(stored.decided_on) == "2026-03-02"
    assert sum(award.amount for award in stored.awards) == Decimal(2650000)
    assert stored.content == ROUND.encode()
    assert db.session.scalar(sa.select(sa.func.count(Upload.id))) == 0


def test_pressing_import_twice_makes_one_round(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer))
    address = f"/office/rounds/import/{kept().id}"

    first, second = client.post(address), client.post(address)

    assert (first.status_code, second.status_code) == (302, 404)
    assert len(rounds()) == 1


def test_a_file_given_up_leaves_nothing(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer))

    page = client.post(f"/office/rounds/import/{kept().id}/cancel", follow_redirects=True)

    assert "Importen avbröts" in page.text
    assert not db.session.scalars(sa.select(Upload)).all()
    assert not rounds()


def test_files_that_nobody_made_a_round_of_are_forgotten(app: Flask, writer: User) -> None:
    for age in (timedelta(hours=25), timedelta(hours=1)):
        db.session.add(
            Upload(filename=str(age), content=b"x", form=FORM, by_id=writer.id, at=now() - age)
        )
    db.session.commit()

    sweep_uploads()

    assert [left.filename for left in db.session.scalars(sa.select(Upload))] == ["1:00:00"]


MISTAKES = [
    ("programme", "", "Fyll i det här."),
    ("name", "   ", "Fyll i det här."),
    ("name", "x" * 201, "field__error"),
    ("decided_on", "i våras", "Skriv datumet så här"),
    ("decided_on", "2026-02-30", "Skriv datumet så här"),
    ("stated_total", "rätt mycket", "Det där är inget belopp."),
    ("currency", "SKR", "field__error"),
]


def test_a_mistake_in_the_form_keeps_its_other_words(client: FlaskClient, writer: User) -> None:
    signed_in(client, writer)

    for field, written, told in MISTAKES:
        given = {**FORM, "programme": "Unga & demokrati", "name": "Hösten ”26”", field: written}
        page = upload(client, **given)

        assert page.status_code == 422, field
        assert told in page.text, field
        assert f'href="#{field}"' in page.text, field
        for name in {"programme", "name"} - {field}:
            assert f'value="{escape(given[name])}"' in page.text, field
    assert not db.session.scalars(sa.select(Upload)).all()


def test_a_form_without_a_file_says_so(client: FlaskClient, writer: User) -> None:
    signed_in(client, writer)

    page = client.post("/office/rounds/import", data=FORM)

    assert page.status_code == 422
    assert "Välj en resultatfil." in page.text
    assert 'value="Våren 2026"' in page.text


# What is in the file


def test_every_wrong_row_is_told_and_the_import_is_closed(
    client: FlaskClient, writer: User
) -> None:
    page = upload(signed_in(client, writer), WRONG_AMOUNT.replace("650000", "mycket"))

    assert "2 fel måste rättas i filen" in page.text
    assert "åttahundra" in page.text
    assert "mycket" in page.text
    assert "Importera omgången" not in page.text
    answer = client.post(f"/office/rounds/import/{kept().id}")
    assert answer.status_code == 422
    assert not rounds()


def test_a_wrong_stated_total_stops_the_import(client: FlaskClient, writer: User) -> None:
    page = upload(signed_in(client, writer), stated_total="2 650 001")

    said = words(page.text)
    assert "Ett fel måste rättas i filen" in said
    assert "2 650 001" in said
    assert "2 650 000" in said
    assert "Importera omgången" not in said
    assert client.post(f"/office/rounds/import/{kept().id}").status_code == 422
    assert not rounds()


def test_the_same_file_is_recognised_with_a_link(client: FlaskClient, writer: User) -> None:
    first = factories.round_()

    page = upload(signed_in(client, writer), name="Samma igen")

    assert "redan importerad, som ”Våren 2026”" in page.text
    assert f'href="/office/rounds/{first.id}"' in page.text
    assert "Importera omgången" not in page.text
    client.post(f"/office/rounds/import/{kept().id}")
    assert rounds() == [first]


def test_the_same_file_in_another_programme_is_another_round(
    client: FlaskClient, writer: User
) -> None:
    factories.round_()

    page = upload(signed_in(client, writer), programme="Ett annat program")

    assert "redan importerad" not in page.text
    assert "Programmet ”Ett annat program” finns inte än." in page.text


def test_somebody_elses_upload_is_not_found(
    client: FlaskClient, writer: User, editor: User
) -> None:
    upload(signed_in(client, writer))
    address = f"/office/rounds/import/{kept().id}"

    signed_in(client, editor)

    assert client.get(address).status_code == 404
    assert client.post(address).status_code == 404
    assert client.post(f"{address}/cancel").status_code == 404
    assert kept()
    assert not rounds()


def encrypted_workbook() -> bytes:
    """A password turns a workbook into an OLE file with an EncryptedPackage in it."""
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + b"\x3e\x00\x03\x00\xfe\xff\x09\x00"
    return head.ljust(1024, b"\xff") + "EncryptedPackage".encode("utf-16-le").ljust(2048, b"\x00")


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def empty_workbook() -> bytes:
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


NO_TABLES = {
    "random.csv": random.Random(1).randbytes(5000),
    "random.xlsx": random.Random(2).randbytes(5000),
    "decision.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Type /Catalog>> endobj\n%%EOF",
    "decision.csv": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Type /Catalog>> endobj\n%%EOF",
    "empty.csv": b"",
    "empty.xlsx": b"",
    "blank.csv": b"\xef\xbb\xbf\r\n\r\n ; ;\r\n",
    "locked.xlsx": encrypted_workbook(),
    "locked.xls": encrypted_workbook(),
    "letter.docx": zipped("word/document.xml", b"<w:document/>"),
    "broken.xlsx": zipped("xl/workbook.xml", b"<workbook"),
    "blank.xlsx": empty_workbook(),
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(200),
    "page.html": b"<!doctype html><table><tr><td>1</table>",
    "nul.csv": b"S\x00\x00k\x00ande;Belopp\n\x00;1\n",
    "prose.txt": "Vi har beslutat att ge pengar till många kommuner.\n".encode(),
    "headers.csv": "Sökande;Typ;Beviljat belopp\n".encode(),
}


def test_a_file_that_is_no_table_gets_a_sentence(client: FlaskClient, writer: User) -> None:
    signed_in(client, writer)

    for filename, content in NO_TABLES.items():
        page = upload(client, content, filename=filename)

        assert page.status_code == 200, filename
        assert 'role="alert"' in page.text, filename
        assert "måste rättas i filen" in page.text, filename
        assert "Importera omgången" not in page.text, filename
    for upload_id in db.session.scalars(sa.select(Upload.id)):
        assert client.post(f"/office/rounds/import/{upload_id}").status_code == 422
    assert not rounds()


def test_a_file_too_large_is_refused_with_a_page(client: FlaskClient, writer: User) -> None:
    page = upload(signed_in(client, writer), b"x" * 25_000_000)

    assert page.status_code in (200, 413, 422)
    assert "<h1>" in page.text
    assert not rounds()


def test_hostile_cells_are_only_text(client: FlaskClient, writer: User) -> None:
    evil = ROUND.replace("Falun", '"<script>alert(1)</script>"')

    page = upload(signed_in(client, writer), evil, filename="<img src=x>.csv")

    assert "<script>alert" not in page.text
    assert "<img" not in page.text


# A round


def test_a_round_shows_its_figures_its_rows_and_its_releases(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)

    page = signed_in(client, writer).get("/office/rounds/1")

    assert "2 650 000 kronor" in words(page.text)
    assert page.text.count('scope="row"') == 3
    assert f'href="/office/releases/{release.id}"' in page.text


def test_only_who_may_change_the_wording_is_led_to_it(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = factories.round_()
    address = f"/office/programmes/{stored.programme_id}/templates/sv?round={stored.id}"

    seen_by = {
        person.role: address in unescape(signed_in(client, person).get("/office/rounds/1").text)
        for person in (writer, editor)
    }

    assert seen_by == {Role.WRITER: False, Role.EDITOR: True}
    assert signed_in(client, editor).get(address).status_code == 200


def test_a_draft_opens_in_the_editor(client: FlaskClient, writer: User) -> None:
    factories.round_()

    answer = signed_in(client, writer).post("/office/rounds/1/draft", data={"language": "en"})

    [made] = db.session.scalars(sa.select(Release))
    assert made.language == "en"
    assert answer.location == f"/office/releases/{made.id}/edit"


def test_a_draft_in_no_language_of_ours_is_refused(client: FlaskClient, writer: User) -> None:
    factories.round_()

    answer = signed_in(client, writer).post("/office/rounds/1/draft", data={"language": "xx"})

    assert answer.status_code == 422


def test_a_template_that_fails_is_told_as_a_sentence(
    client: FlaskClient, writer: User, app: Flask
) -> None:
    stored = factories.round_()
    template = house_template(stored.programme, "sv")
    template.headline = "{{ no_such_figure.at_all }}"
    template.edited_at = now()
    db.session.commit()

    page = signed_in(client, writer).post(
        "/office/rounds/1/draft", data={"language": "sv"}, follow_redirects=True
    )

    assert page.request.path == "/office/rounds/1"
    assert "notice--error" in page.text
    assert not db.session.scalars(sa.select(Release)).all()


def test_a_round_in_which_nobody_got_anything_gives_no_draft(
    client: FlaskClient, writer: User
) -> None:
    factories.round_()
    db.session.execute(sa.text("UPDATE award SET status = 'rejected'"))
    db.session.commit()

    page = signed_in(client, writer).post(
        "/office/rounds/1/draft", data={"language": "sv"}, follow_redirects=True
    )

    assert page.status_code == 200
    assert "notice--error" in page.text
    assert not db.session.scalars(sa.select(Release)).all()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_round_can_be_fetched_as_a_spreadsheet(
    client: FlaskClient, writer: User, form: str
) -> None:
    factories.round_()

    answer = signed_in(client, writer).get(f"/office/rounds/1/export.{form}")

    assert answer.status_code == 200
    assert (
        f'filename="kommunala-partnerskap-varen-2026.{form}"'
        in answer.headers["Content-Disposition"]
    )


@pytest.mark.parametrize(
    "address", ["/office/rounds/99", "/office/rounds/99/export.csv", "/office/rounds/import/99"]
)
def test_what_is_not_there_is_said_so(client: FlaskClient, writer: User, address: str) -> None:
    page = signed_in(client, writer).get(address)

    assert page.status_code == 404
    assert "<h1>" in page.text


def test_the_list_of_rounds_asks_as_often_however_long_it_is(
    client: FlaskClient, writer: User
) -> None:
    signed_in(client, writer).get("/office/rounds/")
    counts = []
    for number in range(1, 61):
        factories.round_(f"{ROUND}Umeå;kommun;;;;{number};nej\n", programme=f"P{number % 7}")
        if number in (1, 60):
            with counted_queries() as asked:
                page = client.get("/office/rounds/")
            counts.append(len(asked))

    assert counts[0] == counts[1]
    assert "before=11" in page.text
    assert client.get("/office/rounds/?before=11").text.count("/office/rounds/1") >= 1


def test_a_round_asks_as_often_however_many_rows_it_has(client: FlaskClient, writer: User) -> None:
    signed_in(client, writer).get("/office/rounds/")
    factories.round_()
    factories.round_(ROUND + "".join(f"Kommun {n};kommun;;;;1000;nej\n" for n in range(250)))
    counts = []
    for number in (1, 2):
        with counted_queries() as asked:
            page = client.get(f"/office/rounds/{number}")
        counts.append(len(asked))

    assert counts[0] == counts[1]
    assert "after=201" in page.text
    assert client.get("/office/rounds/2?after=201").text.count('scope="row"') == 53


def test_without_rounds_the_list_leads_to_the_first_import(
    client: FlaskClient, writer: User
) -> None:
    page = signed_in(client, writer).get("/office/rounds/")

    assert "Här finns inga omgångar än" in page.text
    assert page.text.count('href="/office/rounds/import"') == 2


def test_nobody_comes_in_without_having_signed_in(client: FlaskClient) -> None:
    for address in ("/office/rounds/", "/office/rounds/import", "/office/rounds/1"):
        assert "/office/sign-in" in client.get(address).location
