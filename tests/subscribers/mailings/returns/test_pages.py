"""The office's pages about what came back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db, normal_url
from subscribers.mailings.models import InboundEvent
from subscribers.mailings.returns import questions
from tests import factories
from tests.queries import counted_queries
from tests.subscribers.mailings.returns import samples
from tests.subscribers.mailings.returns.cast import about, mailing, reader, report, sent, take_in


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What a page shows does not depend on the database."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def office(client: FlaskClient, editor: User) -> FlaskClient:
    return factories.signed_in(client, editor)


def newest() -> int:
    found = db.session.scalar(sa.select(sa.func.max(InboundEvent.id)))
    assert found is not None
    return found


def test_an_empty_page_says_what_to_do(office: FlaskClient) -> None:
    page = office.get("/office/returns/")

    assert page.status_code == 200
    assert "PRESSRUM_BOUNCE_MAILBOX" in page.text


def test_the_list_says_what_came_back_from_whom(office: FlaskClient) -> None:
    mail = sent(reader(), mailing())
    take_in(report(mail))

    page = office.get("/office/returns/").text

    assert "Adressen finns inte" in page
    assert "anna@reader.example" in page
    assert "Drygt 10 miljoner" in page


def test_the_list_can_be_narrowed_to_a_kind_and_to_what_moved_nothing(office: FlaskClient) -> None:
    under = mailing()
    take_in(report(sent(reader(), under)))
    take_in(samples.feedback(samples.About()))

    hard = office.get("/office/returns/?kind=hard").text
    lost = office.get("/office/returns/?kind=unmatched").text

    assert "anna@reader.example" in hard
    assert "Inget märke av oss" not in hard
    assert "Inget märke av oss" in lost
    assert "anna@reader.example" not in lost
    assert office.get("/office/returns/?kind=nonsense&before=x").status_code in (200, 404, 422)


def test_one_page_shows_the_report_and_no_markup_of_it(office: FlaskClient) -> None:
    mail = sent(reader(), mailing())
    raw = report(mail).replace(b"User unknown", b"<script>alert(1)</script> User unknown")
    take_in(raw)

    page = office.get(f"/office/returns/{newest()}").text

    assert "I&#39;m sorry to have to inform you" in page
    assert "<script>alert" not in page
    assert "Adressen är spärrad" in page


@pytest.mark.parametrize(
    "raw",
    [raw for _, raw in samples.hostile(samples.About())],
    ids=[name for name, _ in samples.hostile(samples.About())],
)
def test_no_mischief_breaks_a_page(office: FlaskClient, raw: bytes) -> None:
    mail = sent(reader(), mailing())
    take_in(raw.replace(samples.About().to.encode(), about(mail).to.encode()))

    for event_id in db.session.scalars(sa.select(InboundEvent.id)).all():
        assert office.get(f"/office/returns/{event_id}").status_code == 200
    assert office.get("/office/returns/").status_code == 200


def test_what_was_cleared_away_is_said_so(office: FlaskClient) -> None:
    take_in(report(sent(reader(), mailing())))
    db.session.execute(sa.update(InboundEvent).values(raw=None))
    db.session.commit()

    assert "rensats bort" in office.get(f"/office/returns/{newest()}").text


def test_an_event_that_is_not_there_is_no_page(office: FlaskClient) -> None:
    assert office.get("/office/returns/4711").status_code == 404


def test_writers_do_not_see_what_came_back(client: FlaskClient, writer: User) -> None:
    take_in(report(sent(reader(), mailing())))
    desk = factories.signed_in(client, writer)

    assert desk.get("/office/returns/").status_code == 403
    assert desk.get(f"/office/returns/{newest()}").status_code == 403


def test_a_long_list_is_paged_with_as_many_questions_as_a_short_one(
    office: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    under = mailing()
    mails = [sent(reader(f"r{n}@d{n}.example"), under) for n in range(7)]
    take_in(report(mails[0]))
    with counted_queries() as few:
        office.get("/office/returns/")
    for mail in mails[1:]:
        take_in(report(mail))
    monkeypatch.setattr(questions, "PAGE", 5)

    with counted_queries() as many:
        page = office.get("/office/returns/").text

    assert len(many) == len(few)
    assert "before=" in page
    assert page.count("/office/returns/") < len(mails) + 6
