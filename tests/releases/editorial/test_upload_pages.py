"""The pages between a file and its round: encodings, sheets, columns, and large files."""

from __future__ import annotations

import io
import tracemalloc
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from releases.editorial import uploads
from releases.editorial.uploads import read_uploads
from releases.rounds import importing
from releases.rounds.models import Award, Programme, Round, Upload
from releases.rounds.reading import read
from releases.rounds.uploading import is_large
from tests.factories import ROUND, signed_in
from tests.releases.editorial.looking import words
from tests.releases.rounds.files import ods

FORM = {
    "programme": "Kommunala partnerskap",
    "name": "Våren 2026",
    "decided_on": "",
    "stated_total": "",
    "currency": "",
}
UNKNOWN = "Beneficiario;Importo;Fecha\nFalun;1200000;2024\nBorås;800000;2024\n"


def upload(
    client: FlaskClient, content: bytes | str, *, filename: str = "round.csv", **form: str
) -> TestResponse:
    data = content.encode() if isinstance(content, str) else content
    return client.post(
        "/office/rounds/import",
        data={**FORM, **form, "file": (io.BytesIO(data), filename)},
        follow_redirects=True,
    )


def kept() -> Upload:
    db.session.expire_all()
    return db.session.scalars(sa.select(Upload)).one()


def address(end: str = "") -> str:
    return f"/office/rounds/import/{kept().id}{end}"


def say(client: FlaskClient, **fields: str) -> TestResponse:
    """Choose what each column is for; the rest for nothing."""
    seen = uploads.seen(kept()).source.labels
    data = {"label": list(seen), "field": [fields.get(label, "") for label in seen]}
    return client.post(address("/columns"), data=data, follow_redirects=True)


def rows(many: int, *, amount: int = 1000) -> str:
    lines = (f"Förening {n};förening;Projekt {n};{amount + n}\n" for n in range(many))
    return "Sökande;Typ;Projekt;Beviljat belopp\n" + "".join(lines)


# Encodings and sheets


def test_the_encoding_is_shown_and_another_can_be_chosen(client: FlaskClient, writer: User) -> None:
    content = ROUND.replace("Falun", "Malmö").encode("mac_roman")
    page = upload(signed_in(client, writer), content)
    assert "troligen Mac Roman" in words(page.text)
    assert "Välj teckenkodning nedan" in page.text
    assert "Välj kolumner" not in page.text

    page = client.post(address("/opening"), data={"encoding": "Mac Roman"}, follow_redirects=True)

    assert '<option value="Mac Roman" selected>' in page.text
    assert "Malmö" in page.text
    assert "troligen" not in page.text
    client.post(address())
    assert "Malmö" in set(db.session.scalars(sa.select(Award.grantee)))


def test_the_sheet_is_shown_and_another_can_be_chosen(client: FlaskClient, writer: User) -> None:
    first, second = (
        [["Sökande", "Belopp"], ["Falun", 5]],
        [["Sökande", "Belopp"], ["Kiruna", 7]],
    )
    page = upload(
        signed_in(client, writer), ods({"Bifall": first, "Reserv": second}), filename="a.ods"
    )
    assert '<option value="Bifall" selected>' in page.text

    page = client.post(address("/opening"), data={"sheet": "Reserv"}, follow_redirects=True)

    assert "Kiruna" in page.text
    assert "Falun" not in page.text


def test_a_sheet_that_is_not_there_can_be_left_again(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), ods({"A": [["Sökande", "Belopp"], ["Falun", 5]]}))

    page = client.post(address("/opening"), data={"sheet": "B"}, follow_redirects=True)
    assert "Det finns inget blad" in page.text

    page = client.post(address("/opening"), follow_redirects=True)
    assert "Falun" in page.text


# Columns


def test_a_file_without_known_headers_leads_to_its_columns(
    client: FlaskClient, writer: User
) -> None:
    page = upload(signed_in(client, writer), UNKNOWN)
    assert f'href="{address("/columns")}"' in page.text
    assert "Välj kolumner" in page.text

    page = client.get(address("/columns"))
    assert "Beneficiario" in page.text
    assert "1200000 · 800000" in words(page.text)
    assert page.text.count("<select") == 3

    page = say(client, Beneficiario="grantee", Importo="amount")
    assert "2 000 000 kronor" in words(page.text)
    assert "Importera omgången" in page.text


def test_what_was_said_of_the_columns_is_used_for_the_next_file(
    client: FlaskClient, writer: User
) -> None:
    upload(signed_in(client, writer), UNKNOWN)
    say(client, Beneficiario="grantee", Importo="amount")
    client.post(address())

    page = upload(client, UNKNOWN.replace("Falun", "Kiruna"), name="Hösten 2026")

    assert "Kolumnerna är tolkade som sist." in page.text
    assert "Kiruna" in page.text
    assert "Importera omgången" in page.text
    programme = db.session.scalars(sa.select(Programme)).one()
    assert programme.columns == {"grantee": "Beneficiario", "amount": "Importo", "": "Fecha"}


def test_another_programme_is_not_read_by_it(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), UNKNOWN)
    say(client, Beneficiario="grantee", Importo="amount")
    client.post(address())

    page = upload(client, UNKNOWN, programme="Ett annat")

    assert "Kolumnerna är tolkade som sist." not in page.text


def test_the_guess_is_preselected(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), ROUND)

    page = client.get(address("/columns")).text

    assert page.count("selected>Beviljat belopp</option>") == 1
    assert page.count(" selected>") == 7


def test_one_field_cannot_be_two_columns(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), UNKNOWN)

    page = say(client, Beneficiario="grantee", Importo="amount", Fecha="amount")

    assert page.status_code == 422
    assert "Bara en kolumn kan vara" in page.text
    assert "columns" not in kept().form


def test_somebody_elses_file_is_not_found(client: FlaskClient, writer: User, editor: User) -> None:
    upload(signed_in(client, writer), UNKNOWN)
    signed_in(client, editor)

    assert client.get(address("/columns")).status_code == 404
    assert client.post(address("/columns")).status_code == 404
    assert client.post(address("/opening")).status_code == 404
    assert client.get(address("/progress")).status_code == 404


def test_a_file_that_is_no_table_has_no_columns_to_choose(
    client: FlaskClient, writer: User
) -> None:
    upload(signed_in(client, writer), b"%PDF-1.7", filename="a.pdf")

    assert "inte att hitta några kolumner" in client.get(address("/columns")).text
    assert client.post(address("/columns")).status_code == 302


# Files that take a while


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are large, so that tests are quick."""
    monkeypatch.setattr("releases.rounds.uploading.LARGE_ROWS", 2)


def test_only_what_takes_a_while_is_left_to_the_worker() -> None:
    assert not is_large(rows(4000).encode())
    assert is_large(rows(6000).encode())
    assert is_large(b"x" * 1_000_001)


@pytest.mark.usefixtures("large")
def test_a_large_file_is_read_by_the_worker_and_the_page_says_so(
    client: FlaskClient, writer: User
) -> None:
    page = upload(signed_in(client, writer), ROUND)
    assert "Filen läses" in page.text
    assert "<progress" in page.text
    assert client.get(address("/progress")).json == {"is_going": True, "done": 0, "total": 0}

    read_uploads()

    assert not client.get(address("/progress")).json["is_going"]
    page = client.get(address())
    assert "2 650 000 kronor" in words(page.text)
    assert "Importera omgången" in page.text


@pytest.mark.usefixtures("large")
def test_a_large_file_is_stored_by_the_worker_too(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), ROUND, decided_on="2026-03-02")
    read_uploads()

    page = client.post(address(), follow_redirects=True)
    assert "Omgången importeras" in page.text
    assert not db.session.scalars(sa.select(Round)).all()
    read_uploads()
    read_uploads()

    [stored] = db.session.scalars(sa.select(Round))
    assert client.get(address()).location == f"/office/rounds/{stored.id}"
    assert (stored.content, str(stored.decided_on)) == (ROUND.encode(), "2026-03-02")
    assert (len(stored.awards), stored.imported_by_id) == (3, writer.id)
    assert kept().content == b""


@pytest.mark.usefixtures("large")
def test_a_large_file_with_errors_is_not_stored(client: FlaskClient, writer: User) -> None:
    upload(signed_in(client, writer), ROUND.replace("800000", "mycket"))
    read_uploads()

    assert "Ett fel måste rättas" in client.get(address()).text
    assert client.post(address()).status_code == 422
    read_uploads()
    assert not db.session.scalars(sa.select(Round)).all()


@pytest.mark.usefixtures("large")
def test_a_large_file_is_read_anew_with_the_columns_that_were_chosen(
    client: FlaskClient, writer: User
) -> None:
    upload(signed_in(client, writer), UNKNOWN)
    assert client.get(address("/columns")).status_code == 302
    read_uploads()
    assert client.get(address("/columns")).text.count("<select") == 3

    page = say(client, Beneficiario="grantee", Importo="amount")
    assert "Filen läses" in page.text
    read_uploads()

    assert "2 000 000 kronor" in words(client.get(address()).text)


@pytest.mark.usefixtures("large")
def test_a_reading_that_was_broken_off_is_taken_up_again_and_at_last_given_up(
    client: FlaskClient, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(signed_in(client, writer), ROUND)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "read_upload", killed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                read_uploads()
            db.session.rollback()
            read_uploads()  # too early: somebody may be at it
            early = (now() - timedelta(minutes=3)).isoformat()
            one = kept()
            one.form = one.form | {"beat": early}
            db.session.commit()
    read_uploads()

    assert kept().form["state"] == "failed"
    assert "trots flera försök" in client.get(address()).text


@pytest.mark.usefixtures("large")
def test_a_file_given_up_while_it_is_read_is_gone(
    client: FlaskClient, writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(signed_in(client, writer), ROUND)

    def meanwhile(one: Upload, **_: object) -> object:
        client.post(f"/office/rounds/import/{one.id}/cancel")
        return read(one.content, filename=one.filename)

    monkeypatch.setattr(uploads, "read_upload", meanwhile)
    read_uploads()

    assert not db.session.scalars(sa.select(Upload)).all()


def test_what_is_shown_of_a_large_file_survives_being_kept(app: Flask) -> None:
    seen = uploads.seen_of(read(ROUND.encode() + b"X;okand;;;;fel;kanske\n", filename="a.csv"))

    assert uploads._from_json(uploads._as_json(seen)) == seen


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_stays_flat_with_many_rows(app: Flask) -> None:
    """Watched, each row costs ten times what it does; the benchmarks read 50,000 unwatched."""
    content = rows(4_000).encode()
    programme = importing.make_programme("Stort")
    db.session.commit()

    tracemalloc.start()
    try:
        table = read(content, filename="stor.csv")
        reading = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        importing.store(
            table,
            content=content,
            filename="stor.csv",
            programme=programme,
            name="Stor",
            by=None,
            at=now(),
        )
        storing = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()

    assert db.session.scalar(sa.select(sa.func.count(Award.id))) == 4_000
    assert reading < 15_000_000
    assert storing < 5_000_000
