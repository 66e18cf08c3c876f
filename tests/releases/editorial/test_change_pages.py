"""The office's pages where a round is changed and its texts are brought up to date."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.accounts import User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.editorial.writing import draft_release
from releases.rounds.models import Round, Upload
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

SEED = (Path(__file__).parents[1] / "rounds" / "seed.csv").read_text(encoding="utf-8-sig")
MORE = SEED.replace("Jämställdhet;1480000", "Jämställdhet;1590000")
NYKVARN = "Nykvarn;kommun;;;;250000;nej;;\n"
ROW = {
    "version": "1",
    "grantee": "Karlstad",
    "kind": "kommun",
    "amount": "1 590 000",
    "partners": "Makueni County",
    "countries": "Kenya",
    "themes": "Jämställdhet; vatten",
    "project": "",
    "first_timer": "no",
    "status": "granted",
}


def upload(client: FlaskClient, text: str, *, round_id: int = 1, **form: str) -> TestResponse:
    return client.post(
        f"/office/rounds/{round_id}/correct",
        data={
            "stated_total": "",
            "currency": "SEK",
            **form,
            "file": (io.BytesIO(text.encode()), "rattad.csv"),
        },
        follow_redirects=True,
    )


def store(client: FlaskClient) -> TestResponse:
    kept = db.session.scalars(sa.select(Upload)).one()
    return client.post(f"/office/rounds/1/correct/{kept.id}", follow_redirects=True)


def correct(client: FlaskClient, text: str) -> TestResponse:
    assert upload(client, text).status_code == 200
    return store(client)


def release_of(round_: Round, by: User, language: str = "sv") -> Release:
    made, _ = draft_release(round_, language, by=by, at=A_MORNING)
    db.session.commit()
    return made


# A corrected file


def test_the_preview_says_what_changes_and_changes_nothing(
    client: FlaskClient, writer: User
) -> None:
    release_of(round_ := factories.round_(SEED), writer)

    page = upload(signed_in(client, writer), MORE + NYKVARN)

    said = words(page.text)
    assert page.status_code == 200
    assert "Karlstad Beviljat belopp 1 480 000 1 590 000" in said
    assert "Nykvarn Ny rad – 250 000" in said
    assert "10 641 000 kronor" in said and "11 001 000 kronor" in said
    assert "Inaktuella siffror" in said
    assert (round_.version, sum(row.amount for row in round_.rows())) == (1, 10_641_000)


def test_storing_changes_the_round_and_marks_its_texts(client: FlaskClient, writer: User) -> None:
    release_of(round_ := factories.round_(SEED), writer)

    page = correct(signed_in(client, writer), MORE)

    said = words(page.text)
    assert page.request.path == f"/office/rounds/{round_.id}"
    assert "Omgången är ändrad: en rad skiljer sig från förut." in said
    assert "Ett pressmeddelande har nu inaktuella siffror." in said
    assert 'class="badge badge--stale"' in page.text
    assert "Ändrade rader: 1 · nya: 0 · borttagna: 0" in said
    assert not db.session.scalars(sa.select(Upload)).all()


def test_the_same_file_offers_nothing_to_store(client: FlaskClient, writer: User) -> None:
    factories.round_(SEED)

    page = upload(signed_in(client, writer), SEED)

    assert "Det är samma fil" in page.text
    assert "Ändra omgången" not in words(page.text)


def test_a_file_with_errors_is_told_with_its_rows_and_cannot_be_stored(
    client: FlaskClient, writer: User
) -> None:
    round_ = factories.round_(SEED)

    page = upload(signed_in(client, writer), SEED.replace("1480000", "mycket"))

    assert "Ett fel måste rättas i filen" in page.text
    assert "Ändra omgången" not in words(page.text)
    assert store(client).status_code == 422
    assert round_.version == 1


def test_a_total_that_does_not_agree_stops_the_correction(
    client: FlaskClient, writer: User
) -> None:
    factories.round_(SEED)

    page = upload(signed_in(client, writer), MORE, stated_total="10 641 000")

    assert "Ett fel måste rättas i filen" in page.text


def test_somebody_who_was_faster_is_not_overwritten(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_ = factories.round_(SEED)
    upload(signed_in(client, writer), MORE)
    client.post("/office/rounds/1/rows/3", data=ROW)

    page = store(client)

    assert "Någon annan hann före: omgången har ändrats." in page.text
    assert round_.version == 2


def test_a_persons_upload_is_nobody_elses(client: FlaskClient, writer: User, editor: User) -> None:
    factories.round_(SEED)
    upload(signed_in(client, writer), MORE)
    kept = db.session.scalars(sa.select(Upload)).one()

    assert signed_in(client, editor).get(f"/office/rounds/1/correct/{kept.id}").status_code == 404


def test_no_file_is_said_beside_the_field(client: FlaskClient, writer: User) -> None:
    factories.round_(SEED)

    page = signed_in(client, writer).post("/office/rounds/1/correct", data={"currency": ""})

    assert page.status_code == 422
    assert "Välj en resultatfil." in page.text


def test_giving_up_leaves_the_round_as_it_was(client: FlaskClient, writer: User) -> None:
    round_ = factories.round_(SEED)
    upload(signed_in(client, writer), MORE)
    kept = db.session.scalars(sa.select(Upload)).one()

    page = client.post(f"/office/rounds/1/correct/{kept.id}/cancel", follow_redirects=True)

    assert "Omgången är som den var." in page.text
    assert round_.version == 1


def test_each_versions_file_can_be_fetched_as_it_came(client: FlaskClient, writer: User) -> None:
    factories.round_(SEED)
    correct(signed_in(client, writer), MORE)

    first, second = (client.get(f"/office/rounds/1/versions/{n}/file") for n in (1, 2))

    assert (first.data, second.data) == (SEED.encode(), MORE.encode())
    assert "filename=rattad.csv" in second.headers["Content-Disposition"]
    assert "1 480 000 1 590 000" in words(client.get("/office/rounds/1/versions/2").text)
    assert client.get("/office/rounds/1/versions/9").status_code == 404
    assert client.get("/office/rounds/1/versions/1").status_code == 404


# One row


def test_a_row_is_shown_as_it_is_and_saved_as_it_was_changes_nothing(
    client: FlaskClient, writer: User
) -> None:
    round_ = factories.round_(SEED)
    page = signed_in(client, writer).get("/office/rounds/1/rows/3").text

    answer = client.post(
        "/office/rounds/1/rows/3",
        data=ROW | {"amount": "1 480 000", "themes": "Jämställdhet"},
        follow_redirects=True,
    )

    assert 'value="1\u00a0480\u00a0000"' in page and 'value="Makueni County"' in page
    assert "Ingenting har ändrats." in answer.text
    assert round_.version == 1


def test_a_row_that_is_mended_shows_in_the_round(client: FlaskClient, writer: User) -> None:
    round_ = factories.round_(SEED)

    page = signed_in(client, writer).post(
        "/office/rounds/1/rows/3", data=ROW, follow_redirects=True
    )

    row = round_.awards[1].row()
    assert (row.amount, row.themes, row.first_timer) == (
        1_590_000,
        ("Jämställdhet", "vatten"),
        False,
    )
    assert "10 751 000 kronor" in words(page.text)


@pytest.mark.parametrize(
    "wrong", [{"amount": "mycket"}, {"amount": "-1"}, {"grantee": " "}, {"kind": "planet"}]
)
def test_a_row_that_cannot_be_comes_back_with_every_word(
    client: FlaskClient, writer: User, wrong: dict[str, str]
) -> None:
    round_ = factories.round_(SEED)

    page = signed_in(client, writer).post("/office/rounds/1/rows/3", data=ROW | wrong)

    assert page.status_code == 422
    assert "Jämställdhet; vatten" in page.text
    assert round_.version == 1


def test_a_row_changed_by_another_meanwhile_is_not_overwritten(
    client: FlaskClient, writer: User
) -> None:
    round_ = factories.round_(SEED)
    signed_in(client, writer).post("/office/rounds/1/rows/2", data=ROW | {"grantee": "Ekerö"})

    page = client.post("/office/rounds/1/rows/3", data=ROW)

    assert page.status_code == 409
    assert round_.version == 2
    assert client.get("/office/rounds/1/rows/99").status_code == 404


# Texts brought up to date


def test_a_stale_release_says_old_and_new(client: FlaskClient, writer: User) -> None:
    release = release_of(factories.round_(SEED), writer)
    correct(signed_in(client, writer), MORE)

    markup = client.get(f"/office/releases/{release.id}").text
    page = words(markup)

    assert f'href="/office/releases/{release.id}/update"' in markup
    assert "2 siffror stämmer inte längre med omgången" in page
    assert "Totalt:" in page and "10 751 000 kronor" in page


def test_the_update_page_previews_and_one_button_does_it(client: FlaskClient, writer: User) -> None:
    release = release_of(factories.round_(SEED), writer)
    correct(signed_in(client, writer), MORE)
    address = f"/office/releases/{release.id}/update"

    page = client.get(address)
    answer = client.post(address, data={"base": str(release.head_id)}, follow_redirects=True)

    assert "<del>" in page.text and "<ins>" in page.text
    assert "Knappt 10,8 miljoner kronor" in words(page.text)
    assert "Siffrorna är uppdaterade" in answer.text
    assert "Knappt 10,8 miljoner kronor" in words(release.head.headline)
    assert "stämmer inte längre" not in answer.text


def test_sentences_that_may_read_wrongly_are_shown_with_the_houses_words(
    client: FlaskClient, writer: User
) -> None:
    release = release_of(factories.round_(SEED), writer)
    one = SEED.replace("Kristinehamn;kommun;;;;300000;ja", "Kristinehamn;kommun;;;;300000;nej")
    correct(
        signed_in(client, writer),
        one.replace("Mariestad;kommun;;;;300000;ja", "Mariestad;kommun;;;;300000;nej"),
    )

    page = words(client.get(f"/office/releases/{release.id}/update").text)

    assert "Titta på de här" in page
    assert "En av mottagarna är nya sökande: Ekerö." in page
    assert "Mallen säger nu: En av mottagarna är ny sökande: Ekerö." in page


def test_the_sentences_to_look_at_go_with_the_writer_into_the_editor(
    client: FlaskClient, writer: User
) -> None:
    release = release_of(factories.round_(SEED), writer)
    one = SEED.replace("Kristinehamn;kommun;;;;300000;ja", "Kristinehamn;kommun;;;;300000;nej")
    correct(
        signed_in(client, writer),
        one.replace("Mariestad;kommun;;;;300000;ja", "Mariestad;kommun;;;;300000;nej"),
    )

    page = client.post(
        f"/office/releases/{release.id}/update",
        data={"base": str(release.head_id)},
        follow_redirects=True,
    )

    assert page.request.path == f"/office/releases/{release.id}/edit"
    assert "Mallen säger nu: ”En av mottagarna är ny sökande: Ekerö.”" in words(page.text)


def test_an_update_of_another_version_than_was_seen_is_refused(
    client: FlaskClient, writer: User
) -> None:
    release = release_of(factories.round_(SEED), writer)
    correct(signed_in(client, writer), MORE)

    page = client.post(f"/office/releases/{release.id}/update", data={"base": "999"})

    assert page.status_code == 302
    assert release.head.number == 1


def test_a_published_release_says_that_its_page_shows_the_old_figure(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = release_of(factories.round_(SEED), writer)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.commit()
    correct(signed_in(client, writer), MORE)
    live = "Den publicerade sidan visar gamla siffror"

    before = words(client.get(f"/office/releases/{release.id}").text)
    client.post(f"/office/releases/{release.id}/update", data={"base": str(release.head_id)})
    after = words(client.get(f"/office/releases/{release.id}").text)

    assert live in before and live in after
    assert "stämmer inte längre" in before and "stämmer inte längre" not in after
    assert release.state is State.DRAFT


def test_a_release_that_may_not_be_edited_has_no_update_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.WITHDRAWN, editor=editor)

    assert signed_in(client, writer).get(f"/office/releases/{release.id}/update").status_code == 409


@pytest.mark.parametrize("address", ["/office/", "/office/releases/", "/office/rounds/1"])
def test_a_list_asks_no_more_however_many_are_stale(
    client: FlaskClient, writer: User, address: str
) -> None:
    round_ = factories.round_(SEED)
    release_of(round_, writer)
    correct(signed_in(client, writer), MORE)
    asked = []

    for _ in range(2):
        with counted_queries() as found:
            page = client.get(address).text
        asked.append(len(found))
        assert "badge--stale" in page
        for _n in range(4):
            release_of(round_, writer, "en")
        correct(client, MORE + NYKVARN)

    assert asked[0] == asked[1]


def test_the_editor_has_the_words_for_a_stale_figure(client: FlaskClient, writer: User) -> None:
    release = release_of(factories.round_(SEED), writer)
    correct(signed_in(client, writer), MORE)

    page = client.get(f"/office/releases/{release.id}/edit").text

    assert '<i data-key="editor.stale">omgången säger nu {words}</i>' in page
    assert '<data value="10751000" data-figure="total">' in page
    assert "&lt;data value=&#34;10641000&#34;" in page or 'value="10641000"' in page
