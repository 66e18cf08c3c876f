"""That the applicants have been told: recorded once, by number, and taken back in the open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import BadInput, NotAllowed, NotNow
from releases.rounds.communicating import communicate, take_back, told_by
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.looking import words


def recorded(action: str) -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action)))


def test_it_is_recorded_with_who_when_and_the_number(app: Flask) -> None:
    round_, officer = factories.round_(), factories.user("pia@press.example", role=Role.OFFICER)

    communicate(round_, reference="  2026/0123 ", by=officer, at=A_MORNING)
    db.session.commit()

    assert (round_.communicated_at, round_.decision_reference) == (A_MORNING, "2026/0123")
    assert told_by(round_) == "Pia"
    (event,) = recorded("round.communicate")
    assert (event.facts["reference"], event.facts["day"]) == ("2026/0123", "2026-11-23")


def test_a_day_that_is_over_is_kept_as_that_day_of_the_office(app: Flask, writer: User) -> None:
    round_ = factories.round_()

    communicate(round_, reference="1", on=date(2026, 11, 20), by=writer, at=A_MORNING)

    assert round_.communicated_at == datetime(2026, 11, 20, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reference", "on", "key"),
    [
        (" ", None, "reference_missing"),
        ("x" * 201, None, "reference_long"),
        ("1", date(2026, 11, 24), "day_to_come"),
        ("1", date(2026, 10, 1), "told_before_decided"),
    ],
)
def test_what_cannot_be_is_refused(
    app: Flask, writer: User, reference: str, on: date | None, key: str
) -> None:
    round_ = factories.round_()
    round_.decided_on = date(2026, 11, 1)
    db.session.commit()

    with pytest.raises(BadInput) as refused:
        communicate(round_, reference=reference, on=on, by=writer, at=A_MORNING)

    assert refused.value.key == key
    assert round_.communicated_at is None


def test_it_is_recorded_once(app: Flask, writer: User, editor: User) -> None:
    round_ = factories.round_()
    communicate(round_, reference="1", by=writer, at=A_MORNING)

    with pytest.raises(NotNow):
        communicate(round_, reference="2", by=editor, at=A_MORNING)

    assert round_.decision_reference == "1"


def test_a_reviewer_does_not_keep_rounds(app: Flask, writer: User) -> None:
    round_, reviewer = factories.round_(), factories.user("r@press.example", role=Role.REVIEWER)

    with pytest.raises(NotAllowed):
        communicate(round_, reference="1", by=reviewer, at=A_MORNING)
    communicate(round_, reference="1", by=writer, at=A_MORNING)
    with pytest.raises(NotAllowed):
        take_back(round_, reason="Fel omgång", by=reviewer, at=A_MORNING)


def test_it_is_taken_back_with_a_reason_that_stays(app: Flask, writer: User) -> None:
    round_ = factories.round_()
    communicate(round_, reference="1", by=writer, at=A_MORNING)
    with pytest.raises(BadInput):
        take_back(round_, reason=" ", by=writer, at=A_MORNING)

    take_back(round_, reason="Fel omgång", by=writer, at=A_MORNING + timedelta(hours=1))
    db.session.commit()

    assert (round_.communicated_at, round_.decision_reference) == (None, "")
    assert told_by(round_) == ""
    assert [event.facts["reason"] for event in recorded("round.uncommunicate")] == ["Fel omgång"]
    with pytest.raises(NotNow):
        take_back(round_, reason="Fel omgång", by=writer, at=A_MORNING)


def test_it_is_a_button_on_the_rounds_page(client: FlaskClient, writer: User) -> None:
    round_ = factories.round_()
    signed_in(client, writer)
    place = f"/office/rounds/{round_.id}"
    assert "Pressen ska inte veta före dem" in client.get(place).text

    client.post(f"{place}/told", data={"reference": "2026/0123", "told_on": "2026-11-20"})

    page = words(client.get(place).text)
    assert "De sökande fick besked 20 november 2026." in page
    assert "Noterat av Alva. Beslut 2026/0123." in page
    client.post(f"{place}/told/undo", data={"reason": "Fel omgång"})
    assert "Pressen ska inte veta före dem" in client.get(place).text


def test_what_was_written_and_refused_is_kept(client: FlaskClient, writer: User) -> None:
    round_ = factories.round_()

    answer = signed_in(client, writer).post(
        f"/office/rounds/{round_.id}/told",
        data={"reference": "2026/0123", "told_on": "2999-01-01"},
        follow_redirects=True,
    )

    assert "Den dagen har inte varit än." in answer.text
    assert 'value="2026/0123"' in answer.text
    assert 'value="2999-01-01"' in answer.text


def test_a_reviewer_sees_it_without_buttons(client: FlaskClient) -> None:
    round_, reviewer = factories.round_(), factories.user("r@press.example", role=Role.REVIEWER)

    page = signed_in(client, reviewer).get(f"/office/rounds/{round_.id}").text

    assert "Besked till de sökande" in page
    assert f"/office/rounds/{round_.id}/told" not in page
