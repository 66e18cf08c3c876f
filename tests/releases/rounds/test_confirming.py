"""Rows ticked as compared with the decision: by whom, when, and until the row changes."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict
from releases.editorial.models import State
from releases.rounds.changing import edit_row, replace_rows
from releases.rounds.confirming import Ticks, confirm, ticks, unconfirm
from releases.rounds.models import Award, Round
from releases.rounds.reading import read
from tests.factories import A_MORNING, ROUND, release, round_, signed_in, user


def awards(stored: Round) -> dict[int, Award]:
    db.session.expire_all()
    return {award.number: award for award in stored.awards}


def page(client: FlaskClient, stored: Round) -> str:
    return client.get(f"/office/rounds/{stored.id}").text


def test_a_tick_says_who_and_when(writer: User) -> None:
    stored = round_()

    done = confirm(stored, [2, 4], by=writer, at=A_MORNING)

    found = awards(stored)
    assert done == 2
    assert [found[n].checked_at for n in (2, 3, 4)] == [A_MORNING, None, A_MORNING]
    assert found[2].checked_by_id == writer.id
    assert ticks(stored.id) == Ticks(checked=2, rows=3)


def test_the_first_to_tick_a_row_stays(writer: User, editor: User) -> None:
    stored = round_()
    confirm(stored, [2], by=writer, at=A_MORNING)

    again = confirm(stored, [2, 3], by=editor, at=A_MORNING + timedelta(hours=1))

    found = awards(stored)
    assert again == 1
    assert (found[2].checked_by_id, found[2].checked_at) == (writer.id, A_MORNING)


def test_a_tick_can_be_taken_away(writer: User) -> None:
    stored = round_()
    confirm(stored, [2, 3], by=writer, at=A_MORNING)

    assert unconfirm(stored, [3, 4, 99]) == 1

    assert awards(stored)[3].checked_by_id is None
    assert ticks(stored.id).unchecked == 2


def test_another_rounds_rows_are_left_alone(writer: User) -> None:
    one, other = round_(), round_(programme="Ett annat program")

    confirm(one, [2, 3, 4], by=writer, at=A_MORNING)

    assert ticks(other.id) == Ticks(checked=0, rows=3)


def test_who_read_an_older_version_of_the_round_ticks_nothing(writer: User) -> None:
    stored = round_()
    stored.version = 2
    db.session.commit()

    with pytest.raises(Conflict):
        confirm(stored, [2], by=writer, at=A_MORNING, seen=1)

    assert ticks(stored.id).checked == 0


def test_thousands_of_rows_are_ticked_at_once(writer: User) -> None:
    rows = "".join(f"Förening {n};{n}\n" for n in range(1, 1205))
    stored = round_(f"Sökande;Beviljat belopp\n{rows}")

    assert confirm(stored, range(2, 1206), by=writer, at=A_MORNING) == 1204
    assert ticks(stored.id).unchecked == 0


def test_the_officer_ticks_single_rows_and_sees_how_many_stand(
    client: FlaskClient, writer: User
) -> None:
    stored = round_()
    signed_in(client, writer)
    assert "0 av 3 rader kontrollerade" in page(client, stored)

    answer = client.post(
        f"/office/rounds/{stored.id}/rows/check",
        data={"version": "1", "row": ["2", "3"], "shown": ["2", "3", "4"]},
        follow_redirects=True,
    )

    assert "2 rader markerades som kontrollerade." in answer.text
    assert "2 av 3 rader kontrollerade" in answer.text
    assert answer.text.count("Alva<br>") == 2
    assert '<progress max="3" value="2"' in answer.text
    assert "2 av 3" in client.get("/office/rounds/").text


def test_all_rows_shown_are_ticked_with_one_button(client: FlaskClient, writer: User) -> None:
    stored = round_()
    signed_in(client, writer)

    answer = client.post(
        f"/office/rounds/{stored.id}/rows/check_shown",
        data={"version": "1", "shown": ["2", "3", "4"]},
        follow_redirects=True,
    )

    assert "3 av 3 rader kontrollerade" in answer.text


def test_a_tick_is_taken_away_on_the_page(client: FlaskClient, writer: User) -> None:
    stored = round_()
    confirm(stored, [2, 3], by=writer, at=A_MORNING)
    db.session.commit()
    signed_in(client, writer)

    answer = client.post(
        f"/office/rounds/{stored.id}/rows/uncheck",
        data={"version": "1", "row": "2"},
        follow_redirects=True,
    )

    assert "Markeringen togs bort från en rad." in answer.text
    assert ticks(stored.id).checked == 1


@pytest.mark.parametrize("form", [{"version": "1"}, {"version": "1", "row": ["x", "-2", "٣"]}])
def test_choosing_nothing_is_answered(
    client: FlaskClient, writer: User, form: dict[str, object]
) -> None:
    stored = round_()
    signed_in(client, writer)

    answer = client.post(f"/office/rounds/{stored.id}/rows/check", data=form, follow_redirects=True)

    assert "Välj minst en rad först." in answer.text


@pytest.mark.parametrize("version", ["2", "", "x", "9" * 30])
def test_a_page_that_has_grown_old_ticks_nothing(
    client: FlaskClient, writer: User, version: str
) -> None:
    stored = round_()
    signed_in(client, writer)

    answer = client.post(
        f"/office/rounds/{stored.id}/rows/check",
        data={"version": version, "row": "2"},
        follow_redirects=True,
    )

    assert "Någon annan hann före: omgången har ändrats." in answer.text
    assert ticks(stored.id).checked == 0


def test_a_preview_has_nothing_to_tick(client: FlaskClient, writer: User) -> None:
    signed_in(client, writer)
    shown = client.post(
        "/office/rounds/import",
        data={
            "file": (io.BytesIO(b"Kommun;Belopp\nLund;5\n"), "a.csv"),
            "programme": "P",
            "name": "N",
            "currency": "",
        },
        follow_redirects=True,
    )

    assert "Lund" in shown.text
    assert 'type="checkbox"' not in shown.text


def test_a_release_is_warned_about_unchecked_rows_and_can_be_published_all_the_same(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_()
    made = release(writer, state=State.APPROVED, editor=editor)
    confirm(stored, [2], by=writer, at=A_MORNING)
    db.session.commit()
    signed_in(client, editor)

    shown = client.get(f"/office/releases/{made.id}/preflight").text
    client.post(f"/office/releases/{made.id}/publish", data={"revision": made.head_id})

    assert "2 rader i omgången är inte kontrollerade mot beslutet" in shown
    db.session.refresh(made)
    assert made.state is State.PUBLISHED


def test_a_release_whose_rows_are_all_checked_is_not_warned(
    client: FlaskClient, writer: User
) -> None:
    stored = round_()
    made = release(writer)
    confirm(stored, [2, 3, 4], by=writer, at=A_MORNING)
    db.session.commit()
    signed_in(client, writer)

    assert "inte kontrollera" not in client.get(f"/office/releases/{made.id}/preflight").text


def test_the_date_of_the_decision_is_filled_in_once(client: FlaskClient, writer: User) -> None:
    stored = round_()
    signed_in(client, writer)
    assert "Omgången saknar beslutsdatum." in page(client, stored)
    address = f"/office/rounds/{stored.id}/decided"

    wrong = client.post(address, data={"decided_on": "igår"}, follow_redirects=True)
    first = client.post(address, data={"decided_on": "2026-11-20"}, follow_redirects=True)
    second = client.post(address, data={"decided_on": "2026-11-21"}, follow_redirects=True)

    assert "Skriv datumet så här" in wrong.text
    assert "Beslutsdatumet är sparat." in first.text
    assert "saknar beslutsdatum" not in first.text
    assert "Omgången har redan ett beslutsdatum." in second.text
    db.session.refresh(stored)
    assert stored.decided_on is not None
    assert stored.decided_on.isoformat() == "2026-11-20"


def test_the_list_of_rounds_asks_as_often_for_many_as_for_few(
    client: FlaskClient, writer: User
) -> None:
    signed_in(client, writer)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *facts: asked.append(str(facts[2])))

    def count() -> int:
        db.session.expire_all()
        asked.clear()
        assert client.get("/office/rounds/").status_code == 200
        return len(asked)

    round_()
    few = count()
    for n in range(12):
        round_(programme=f"Program {n}")

    assert count() == few


def test_another_language_says_the_same(client: FlaskClient) -> None:
    stored = round_()
    signed_in(client, user("eve@press.example", language="en"))

    assert "0 of 3 rows checked" in page(client, stored)


def test_a_row_that_changes_loses_its_tick_and_the_others_keep_theirs(writer: User) -> None:
    stored = round_()
    confirm(stored, [2, 3, 4], by=writer, at=A_MORNING)
    db.session.commit()
    text = ROUND.replace("800000", "810000")

    replace_rows(
        stored,
        read(text.encode(), filename="rattad.csv"),
        content=text.encode(),
        filename="rattad.csv",
        by=writer,
        at=A_MORNING,
    )
    db.session.commit()

    found = {award.grantee: award.checked_at for award in awards(stored).values()}
    assert found == {"Falun": A_MORNING, "Borås": None, "Region Gotland": A_MORNING}


def test_a_row_mended_by_hand_loses_its_tick(writer: User) -> None:
    stored = round_()
    confirm(stored, [2, 3, 4], by=writer, at=A_MORNING)
    db.session.commit()
    row = awards(stored)[4].row()

    edit_row(stored, 4, replace(row, project="Grönt tak"), by=writer, at=A_MORNING)
    db.session.commit()

    assert ticks(stored.id) == Ticks(checked=2, rows=3)
    assert awards(stored)[4].checked_by_id is None
