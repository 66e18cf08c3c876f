"""The round on public pages and in files: what was approved, all of it, and nothing else."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.binding import bring_up_to_date
from releases.editorial.models import Release, State
from releases.editorial.writing import draft_release, save, text_of
from releases.newsroom.lists import round_public
from releases.rounds import importing
from releases.rounds.changing import edit_row, replace_rows
from releases.rounds.models import Round
from releases.rounds.reading import read
from tests import factories
from tests.factories import A_MORNING, release
from tests.queries import counted_queries

TABLE = """\
Sökande;Typ;Samarbetspart;Land;Projekt;Beviljat belopp;Sökt belopp;Beslut;Kommentar
Falun;kommun;Kisumu County;Kenya;Vatten;1200000;1500000;Bifall;svag ansökan
Borås;kommun;;;;800000;900000;Bifall;
Åre;kommun;;;Skog;300000;300000;Avslag;formfel
Region Gotland;region;Hanoi;Vietnam, Laos;Klimat;650000,50;700000;Bifall;
"""
DECIDED = date(2026, 11, 20)


def round_(text: str = TABLE, *, programme: str = "Kommunala partnerskap") -> Round:
    stored = factories.round_(text, programme=programme)
    stored.decided_on = DECIDED
    db.session.commit()
    return stored


def many(count: int) -> str:
    rows = "".join(f"Förening {n};{n * 100}\n" for n in range(1, count + 1))
    return f"Sökande;Beviljat belopp\n{rows}"


def published(writer: User, editor: User, *, language: str = "sv") -> Release:
    return release(writer, language=language, state=State.PUBLISHED, editor=editor)


def page_of(client: FlaskClient, made: Release) -> str:
    answer = client.get(f"/{made.language}/releases/{made.slug}")
    assert answer.status_code == 200
    return answer.text


def table_in(page: str) -> list[list[str]]:
    """The cells of the page's table, row by row, with ordinary spaces."""
    [table] = re.findall(r'<table class="awards".*?</table>', page, re.DOTALL)
    return [
        [
            " ".join(unescape(re.sub("<[^>]+>", "", cell)).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
    ]


def address_of(page: str) -> str:
    [address] = re.findall(r'href="http://127.0.0.1:8000(/[^"]+)/awards.csv"', page)
    return address


def files(client: FlaskClient, made: Release) -> str:
    return address_of(page_of(client, made))


def csv_rows(content: bytes, delimiter: str = ";") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))


def test_the_release_page_shows_how_the_money_is_shared(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()

    page = page_of(client, published(writer, editor))

    assert "Så fördelas pengarna" in page
    assert table_in(page) == [
        ["Mottagare", "Typ", "Projekt", "Samarbetspart", "Land", "Belopp, kronor"],
        ["Falun", "kommun", "Vatten", "Kisumu County", "Kenya", "1 200 000,00"],
        ["Borås", "kommun", "", "", "", "800 000,00"],
        ["Region Gotland", "region", "Klimat", "Hanoi", "Vietnam, Laos", "650 000,50"],
        ["Totalt", "2 650 000,50"],
    ]


def test_the_table_is_one_for_those_who_listen(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()

    page = page_of(client, published(writer, editor))

    table = page[page.index("<table") : page.index("</table>")]
    assert '<caption id="awards-caption">3 bidrag. Kommunala partnerskap, Våren 2026.' in page
    assert page.count('scope="col"') == 6
    assert page.count('scope="row"') == 4
    assert "<details" not in table
    assert "<tfoot" in page


def test_what_is_the_offices_own_is_nowhere_public(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    made = published(writer, editor)
    address = files(client, made)

    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}/awards.xlsx").data))
    shown = [
        page_of(client, made),
        client.get(address).text,
        client.get(f"{address}/awards.csv").text,
        client.get("/360giving.json").text,
        client.get("/360giving.csv").text,
        "\n".join(str(cell.value) for sheet in book for row in sheet for cell in row),
    ]

    for text in shown:
        for own in ("svag ansökan", "formfel", "Åre", "Avslag", "1500000", "1 500 000", "Skog"):
            assert own not in text.replace("\u00a0", " ")


def test_a_round_with_nothing_but_names_and_amounts_has_two_columns(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_(many(2))

    assert table_in(page_of(client, published(writer, editor))) == [
        ["Mottagare", "Belopp, kronor"],
        ["Förening 1", "100"],
        ["Förening 2", "200"],
        ["Totalt", "300"],
    ]


def test_the_english_page_speaks_english_about_swedish_rows(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()

    page = page_of(client, published(writer, editor, language="en"))

    assert "How the money is shared" in page
    assert table_in(page)[0][-1] == "Amount, SEK"
    assert table_in(page)[-1] == ["Total", "2,650,000.50"]
    assert 'lang="sv">Falun' in page


def test_sixty_rows_stand_whole_and_more_lead_to_a_page_of_their_own(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_(many(60))
    whole = page_of(client, published(writer, editor))
    db.session.execute(db.text("UPDATE release SET state = 'withdrawn'"))
    db.session.commit()
    longer = round_(many(431), programme="Föreningsbidrag")
    made, _ = draft_release(longer, "sv", by=writer, at=A_MORNING)
    _publish(made, writer, editor)

    page = page_of(client, made)
    first = client.get(address_of(page))
    [onward] = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(onward)
    third = client.get(re.findall(r'rel="next" href="([^"]+)"', second.text)[0])

    assert (len(table_in(whole)), "Se alla" in whole) == (62, False)
    assert len(table_in(page)) == 62
    assert "60 av 431 bidrag." in page
    assert "Se alla 431 bidrag" in page
    assert [len(table_in(one.text)) for one in (first, second, third)] == [202, 202, 33]
    total = f"{sum(range(1, 432)) * 100:,}".replace(",", " ")
    for text in (page, first.text, second.text, third.text):
        assert table_in(text)[-1] == ["Totalt, alla 431 bidrag", total]
    assert 'rel="next"' not in third.text


def _publish(made: Release, writer: User, editor: User) -> None:
    workflow.submit(made, by=writer, at=A_MORNING)
    workflow.approve(made, revision_id=made.head_id or 0, by=editor, at=A_MORNING)
    workflow.publish(made, by=editor, at=A_MORNING)
    db.session.commit()


@pytest.mark.parametrize("state", [one for one in State if one is not State.PUBLISHED])
def test_a_round_without_a_public_text_is_not_found(
    client: FlaskClient, writer: User, editor: User, state: State
) -> None:
    stored = round_()
    release(writer, state=state, editor=editor)
    address = f"/sv/rounds/{stored.id}-kommunala-partnerskap-varen-2026"

    for path in (address, f"{address}/awards.csv", f"{address}/awards.xlsx"):
        assert client.get(path).status_code == 404, path
    assert client.get("/360giving.json").json == {"grants": []}
    assert len(csv_rows(client.get("/360giving.csv").data, ",")) == 1


@pytest.mark.parametrize("number", ["0", "99", "9223372036854775808", "9" * 40])
def test_a_round_that_is_none_is_not_found(client: FlaskClient, number: str) -> None:
    assert client.get(f"/sv/rounds/{number}-x").status_code == 404
    assert client.get(f"/sv/rounds/{number}-x/awards.csv").status_code == 404


@pytest.mark.parametrize("after", ["", "x", "-1", "1e9", "٣"])
def test_a_row_that_is_none_is_not_found(
    client: FlaskClient, writer: User, editor: User, after: str
) -> None:
    round_()
    address = files(client, published(writer, editor))

    assert client.get(address, query_string={"after": after}).status_code == 404
    assert client.get(f"{address}?after={'9' * 19}").status_code == 200


def test_an_address_that_is_misspelt_leads_to_the_right_one(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_()
    address = files(client, published(writer, editor))

    for path in ("", "/awards.csv"):
        answer = client.get(f"/sv/rounds/{stored.id}-fel{path}")
        assert (answer.status_code, answer.headers["Location"]) == (301, f"{address}{path}")


def test_what_changes_in_the_office_is_public_only_with_a_newly_approved_text(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_()
    made = published(writer, editor)
    address = files(client, made)
    later = A_MORNING + timedelta(hours=2)
    mended = next(row for row in stored.rows() if row.grantee == "Borås")
    edit_row(stored, mended.number, _with(mended, amount=Decimal(810000)), by=writer, at=later)
    text = TABLE.replace("Kisumu County", "Nakuru County").replace("800000", "820000")
    replace_rows(
        stored,
        read(text.encode(), filename="ny.csv"),
        content=text.encode(),
        filename="ny.csv",
        by=writer,
        at=later + timedelta(hours=1),
    )
    db.session.commit()

    before = (table_in(page_of(client, made)), csv_rows(client.get(f"{address}/awards.csv").data))
    grants = client.get("/360giving.json").json
    _publish_anew(made, writer, editor, at=later + timedelta(hours=3))
    after = (table_in(page_of(client, made)), csv_rows(client.get(f"{address}/awards.csv").data))

    assert before[0][2][-1] == "800 000,00"
    assert before[0][1][3] == before[1][1][3] == "Kisumu County"
    assert before[0][-1] == ["Totalt", "2 650 000,50"]
    assert grants is not None
    assert grants["grants"][1]["amountAwarded"] == 800000
    assert after[0][2][-1] == "820 000,00"
    assert after[0][1][3] == after[1][1][3] == "Nakuru County"
    assert "Version 3, senast ändrad 23 november 2026 kl. 12.00." in page_of(client, made)


def _with(row: Any, **changes: object) -> Any:
    return replace(row, **changes)


def _publish_anew(made: Release, writer: User, editor: User, *, at: Any) -> None:
    bring_up_to_date(made, by=writer, at=at)
    text = replace(text_of(made.head), lead="Nu rätt.")
    save(made, text, base_id=made.head_id or 0, by=writer, at=at)
    workflow.submit(made, by=writer, at=at)
    workflow.approve(made, revision_id=made.head_id or 0, by=editor, at=at)
    workflow.publish(made, by=editor, at=at)
    db.session.commit()


def test_a_file_names_its_version_time_and_source(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    made = published(writer, editor)
    address = files(client, made)

    answer = client.get(f"{address}/awards.csv")

    name = "kommunala-partnerskap-varen-2026-v1-2026-11-23-0900.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Last-Modified"] == "Mon, 23 Nov 2026 08:00:00 GMT"
    assert answer.headers["Round-Version"] == "1"
    assert answer.headers["Link"] == f'<http://127.0.0.1:8000{address}>; rel="describedby"'
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert csv_rows(answer.data) == [
        ["Sökande", "Typ", "Projekt", "Samarbetspart", "Land", "Beviljat belopp", "Valuta"],
        ["Falun", "kommun", "Vatten", "Kisumu County", "Kenya", "1200000", "SEK"],
        ["Borås", "kommun", "", "", "", "800000", "SEK"],
        ["Region Gotland", "region", "Klimat", "Hanoi", "Vietnam; Laos", "650000.50", "SEK"],
    ]
    beside = page_of(client, made)
    assert "Version 1, senast ändrad 23 november 2026 kl. 09.00. Källa: " in beside


def test_the_file_can_be_read_back_as_it_was(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    address = files(client, published(writer, editor))

    for form in ("csv", "xlsx"):
        again = read(client.get(f"{address}/awards.{form}").data, filename=f"a.{form}")
        assert (again.errors, again.currency) == ((), "SEK")
        assert [(row.grantee, row.amount) for row in again.rows] == [
            ("Falun", Decimal(1200000)),
            ("Borås", Decimal(800000)),
            ("Region Gotland", Decimal("650000.50")),
        ]


def test_the_workbook_has_a_sheet_about_itself(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    address = files(client, published(writer, editor, language="en"))

    answer = client.get(f"{address}/awards.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    about = {str(row[0].value): row[1].value for row in book["About"]}

    assert book.sheetnames[1:] == ["About"]
    assert book.worksheets[0]["F2"].value == 1200000
    assert about["Version"] == "1"
    assert about["Address"] == f"http://127.0.0.1:8000{address}"
    assert about["Source"]
    assert about["Total"] == "2,650,000.50 SEK"
    assert about["Last changed"] == "23 November 2026, 09:00 CET"


def test_who_has_the_file_already_is_told_so(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_()
    address = files(client, published(writer, editor))
    paths = [f"{address}/awards.csv", f"{address}/awards.xlsx", "/360giving.json", "/360giving.csv"]
    first = {}
    for path in paths:
        answer = client.get(path)
        assert answer.data
        first[path] = answer.headers

    for path, headers in first.items():
        for condition in (
            {"If-None-Match": headers["ETag"]},
            {"If-Modified-Since": headers["Last-Modified"]},
        ):
            answer = client.get(path, headers=condition)
            assert (answer.status_code, answer.data) == (304, b"")
    stored.programme.name = "Partnerskap"
    db.session.commit()
    for path in paths[2:]:
        again = client.get(path, headers={"If-None-Match": first[path]["ETag"]})
        assert (again.status_code, bool(again.data)) == (200, True)


HOSTILE = ["=1+1", "+46 8", "-2 grader", "@SUM(A1)", " =1+1", "＝1+1"]


@pytest.mark.parametrize("project", HOSTILE)
def test_no_cell_is_a_formula(
    client: FlaskClient, writer: User, editor: User, project: str
) -> None:
    stored = round_("Sökande;Projekt;Beviljat belopp\nLund;X;500\nEda;Y;700\n")
    stored.awards[0].project = project
    stored.awards[1].grantee = f"{project}\x0b"
    db.session.commit()
    address = files(client, published(writer, editor))

    [_, lund, eda] = csv_rows(client.get(f"{address}/awards.csv").data)
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}/awards.xlsx").data))
    giving = csv_rows(client.get("/360giving.csv").data, ",")

    assert (lund[1], lund[2]) == (f"'{project}", "500")
    assert eda[0].startswith("'")
    cells = [cell for row in book.worksheets[0] for cell in row]
    assert [cell.data_type for cell in cells if cell.value is not None].count("f") == 0
    assert book.worksheets[0]["B2"].value == f"'{project}"
    assert book.worksheets[0]["C2"].value == 500
    assert giving[1][1] == f"'{project}"


def test_a_hostile_name_does_no_harm_on_the_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_(many(2))
    stored.awards[0].grantee = "<script>alert(1)</script>"
    db.session.commit()

    page = page_of(client, published(writer, editor))

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def counts(client: FlaskClient, paths: list[str]) -> list[int]:
    found = []
    for path in paths:
        db.session.remove()
        with counted_queries() as asked:
            assert client.get(path).status_code == 200
        found.append(len(asked))
    return found


def test_a_page_asks_as_often_for_many_rows_as_for_few(
    app: Flask, client: FlaskClient, writer: User, editor: User
) -> None:
    few = published(writer, editor) if round_(many(2)) else None
    assert few is not None
    many_rows = round_(many(300), programme="Föreningsbidrag")
    made, _ = draft_release(many_rows, "sv", by=writer, at=A_MORNING)
    _publish(made, writer, editor)
    pages = [[f"/sv/releases/{one.slug}", files(client, one)] for one in (few, made)]

    asked = [counts(client, paths) for paths in pages]

    assert asked[0] == asked[1]
    assert max(asked[0]) <= 12


def test_a_release_with_sixty_rows_is_a_light_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    rows = "".join(
        f"Förening {n} i {n * 7919};förening;Partner {n * 104729};Land {n % 13};"
        f"Ett projekt om {n * 15485863} och lite till;{n * 1000}\n"
        for n in range(1, 61)
    )
    round_(f"Sökande;Typ;Samarbetspart;Land;Projekt;Beviljat belopp\n{rows}")
    page = page_of(client, published(writer, editor))

    assert len(table_in(page)) == 62
    own = set(re.findall(r'(?:href|src)="((?:/static/|/house\.css)[^"]+)"', page))
    assert any(one.startswith("/house.css") for one in own)
    parts = [page.encode()]
    for one in own:
        with client.get(unescape(one)) as answer:
            parts.append(answer.data)
    assert sum(len(gzip.compress(part)) for part in parts) < 40_000


def grants(client: FlaskClient) -> list[dict[str, Any]]:
    with client.get("/360giving.json") as answer:
        assert answer.headers["Content-Type"] == "application/json"
        found: list[dict[str, Any]] = json.loads(answer.data)["grants"]
    return found


def test_every_grant_has_the_ten_facts_of_the_standard(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    published(writer, editor)

    found = grants(client)

    assert len(found) == 3
    for grant in found:
        [recipient], [giver] = grant["recipientOrganization"], grant["fundingOrganization"]
        for words in (
            grant["id"],
            grant["title"],
            grant["description"],
            recipient["id"],
            recipient["name"],
            giver["id"],
            giver["name"],
        ):
            assert isinstance(words, str)
            assert words.strip()
        assert re.fullmatch("[A-Z]{3}", grant["currency"])
        assert type(grant["amountAwarded"]) in (int, float)
        assert date.fromisoformat(grant["awardDate"]) == DECIDED
        for identifier in (grant["id"], recipient["id"], giver["id"]):
            assert re.fullmatch(r"[\w-]+", identifier)
    assert len({grant["id"] for grant in found}) == 3
    assert [grant["amountAwarded"] for grant in found] == [1200000, 800000, 650000.5]
    assert found[2]["beneficiaryLocation"] == [{"name": "Vietnam"}, {"name": "Laos"}]
    assert "beneficiaryLocation" not in found[1]
    ids = [grant["recipientOrganization"][0]["id"] for grant in found]
    assert ids == ["pressrum-kommun-2080", "pressrum-kommun-1490", "pressrum-region-09"]


def test_the_csv_says_the_same_under_the_standards_titles(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    published(writer, editor)

    answer = client.get("/360giving.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert [row["Identifier"] for row in rows] == [grant["id"] for grant in grants(client)]
    assert rows[0]["Recipient Org:Name"] == "Falun"
    assert rows[0]["Amount Awarded"] == "1200000"
    assert rows[0]["Award Date"] == "2026-11-20"
    assert rows[0]["Grant Programme:Title"] == "Kommunala partnerskap"
    assert rows[2]["Beneficiary Location:Name"] == "Vietnam; Laos"
    assert rows[2]["Funding Org:Identifier"].startswith("pressrum-org-")
    again = read(answer.data, filename="360.csv")
    assert (again.errors, len(again.awards)) == ((), 3)


def test_a_round_without_a_date_is_left_out_and_none_is_made_up(
    client: FlaskClient, writer: User, editor: User
) -> None:
    factories.round_()
    made = published(writer, editor)

    assert "Så fördelas pengarna" in page_of(client, made)
    assert grants(client) == []


def test_a_grant_and_a_recipient_keep_their_identifiers(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_("Sökande;Beviljat belopp\nIF Alfa;500\nIF Beta;700\n")
    made = published(writer, editor)
    before = {one["recipientOrganization"][0]["name"]: one for one in grants(client)}
    text = "Sökande;Beviljat belopp\nIF Aha;100\nif  Beta;750\nIF Alfa;500\n"
    later = A_MORNING + timedelta(hours=1)
    replace_rows(
        stored,
        read(text.encode(), filename="n.csv"),
        content=text.encode(),
        filename="n.csv",
        by=writer,
        at=later,
    )
    db.session.commit()
    _publish_anew(made, writer, editor, at=later)

    after = grants(client)

    alfa = next(one for one in after if one["recipientOrganization"][0]["name"] == "IF Alfa")
    beta = next(one for one in after if one["amountAwarded"] == 750)
    assert alfa["id"] == before["IF Alfa"]["id"]
    assert (
        beta["recipientOrganization"][0]["id"]
        == (before["IF Beta"]["recipientOrganization"][0]["id"])
    )
    assert len({one["id"] for one in after}) == 3


def test_a_private_person_is_not_named_in_open_data(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_("Sökande;Typ;Beviljat belopp\nEva Ek;privatperson;500\nIF Alfa;förening;700\n")
    published(writer, editor)

    person, club = grants(client)

    assert "Eva Ek" not in client.get("/360giving.json").text + client.get("/360giving.csv").text
    assert person["recipientIndividual"] == {
        "id": f"{person['id']}-recipient",
        "name": "Privatperson",
    }
    assert "recipientOrganization" not in person
    assert "recipientIndividual" not in club


def test_thousands_of_grants_are_all_there(
    app: Flask, client: FlaskClient, writer: User, editor: User
) -> None:
    round_(many(1203))
    published(writer, editor)
    content = many(45).encode()
    for n in range(25):
        extra = importing.store(
            read(content + b"\n" * n, filename="x.csv"),
            content=content + b"\n" * n,
            filename="x.csv",
            programme=importing.programme_named("P") or importing.make_programme("P"),
            name=f"Omgång {n}",
            decided_on=DECIDED,
            by=None,
            at=A_MORNING,
        )
        made, _ = draft_release(extra, "sv", by=writer, at=A_MORNING)
        _publish(made, writer, editor)

    found = grants(client)

    assert len(found) == len({grant["id"] for grant in found}) == 1203 + 25 * 45
    assert len(csv_rows(client.get("/360giving.csv").data, ",")) == len(found) + 1


def test_a_large_file_is_sent_piece_by_piece(
    client: FlaskClient, writer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_(many(50))
    published(writer, editor)
    whole = client.get("/360giving.json").data
    monkeypatch.setattr(round_public, "IN_MEMORY", 100)
    monkeypatch.setattr(round_public, "CHUNK", 1000)

    with client.get("/360giving.json") as answer:
        assert answer.data == whole
        assert int(answer.headers["Content-Length"]) == len(whole)


def test_visitors_of_rounds_are_given_no_cookie(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    address = files(client, published(writer, editor))

    for path in (address, f"{address}/awards.csv", f"{address}/awards.xlsx", "/360giving.json"):
        answer = client.get(path)
        assert answer.data
        assert "Set-Cookie" not in answer.headers
