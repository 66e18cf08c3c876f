"""The desk: what waits for each person, what is coming, what happened; and the calendar."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db, normal_url
from releases.editorial import workflow
from releases.editorial.models import Release, State
from releases.editorial.writing import save, text_of
from releases.review import commenting
from releases.review.models import Invitation, Purpose
from subscribers.mailings.models import Mailing, MailingKind, MailingState
from tests import factories
from tests.factories import signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

DESK = "/office/"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages look the same on both databases; tests/releases/desk/test_asking.py asks both."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def piles(page: str) -> dict[str, list[int]]:
    """The ids of the releases in each pile of a desk, in its order."""
    found = {}
    for name, content in re.findall(r'(?s)id="pile-(\w+)".*?<ul[^>]*>(.*?)</ul>', page):
        found[name] = [
            int(number)
            for number in re.findall(r'waiting__title"><a href="/office/releases/(\d+)"', content)
        ]
    return found


def desk(client: FlaskClient, person: User) -> str:
    return signed_in(client, person).get(DESK).text


def test_each_person_sees_what_waits_for_them(
    client: FlaskClient, writer: User, editor: User
) -> None:
    made = {state: factories.release(writer, state=state, editor=editor).id for state in State}

    assert piles(desk(client, writer)) == {
        "mend": [made[State.SENT_BACK]],
        "drafts": [made[State.DRAFT]],
    }
    assert piles(desk(client, editor)) == {
        "review": [made[State.IN_REVIEW]],
        "publish": [made[State.APPROVED]],
    }


def test_a_colleague_has_nothing_to_do_with_others_drafts(
    client: FlaskClient, writer: User
) -> None:
    factories.release(writer)
    other = factories.user("olle@press.example")

    assert "Inget väntar på dig" in desk(client, other)


def test_a_draft_that_a_program_made_waits_for_every_writer(
    client: FlaskClient, writer: User
) -> None:
    nobodys = factories.release(None)

    assert piles(desk(client, writer)) == {"drafts": [nobodys.id]}


@pytest.mark.parametrize("role", list(Role))
def test_an_empty_desk_says_what_to_do(client: FlaskClient, role: Role) -> None:
    page = desk(client, factories.user("tom@press.example", role=role))

    assert "Inget väntar på dig" in page
    assert 'href="/office/releases/"' in page
    assert ('class="button button--quiet" href="/office/rounds/"' in page) == (
        role is not Role.REVIEWER
    )


def test_what_failed_stands_first_and_loud(client: FlaskClient, writer: User, editor: User) -> None:
    failed = factories.release(writer, state=State.FAILED, editor=editor)

    for person, words_of_step in ((editor, "Se vad som hindrade"), (writer, "Väntar på en")):
        page = desk(client, person)
        alarm = page[page.index('id="alarm"') : page.index('id="waits"')]
        assert f"/office/releases/{failed.id}" in alarm
        assert words_of_step in alarm


def test_a_paused_mailing_is_loud_for_editors_only(
    client: FlaskClient, writer: User, editor: User
) -> None:
    db.session.add(
        Mailing(
            key="release:1",
            kind=MailingKind.RELEASE,
            lane=2,
            state=MailingState.PAUSED,
            paused_from=MailingState.RUNNING,
            language="sv",
            subject="Medel till elva kommuner",
            queued_at=now(),
        )
    )
    db.session.commit()

    assert "Utskicket är pausat" in desk(client, editor)
    assert "Utskicket är pausat" not in desk(client, writer)


def test_a_comment_brings_a_text_back_to_its_writer(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.IN_REVIEW, editor=editor)
    commenting.comment(release, release.head, text="Stämmer det?", by=editor, at=now())
    db.session.commit()

    page = desk(client, writer)

    assert piles(page) == {"mend": [release.id]}
    assert "en öppen kommentar" in words(page)
    assert "Svara på kommentarerna" in page


def test_the_longest_wait_comes_first_and_is_told(
    client: FlaskClient, writer: User, editor: User
) -> None:
    new, old = (factories.release(writer, state=State.APPROVED, editor=editor) for _ in range(2))
    old.updated_at = now() - timedelta(days=3, hours=1)
    new.updated_at = now() - timedelta(hours=2, minutes=1)
    db.session.commit()

    page = desk(client, editor)

    assert piles(page)["publish"] == [old.id, new.id]
    assert "3 dagar" in page
    assert "2 timmar" in page


def test_the_release_shows_the_same_step_as_the_desk(
    client: FlaskClient, writer: User, editor: User
) -> None:
    for state in (State.DRAFT, State.SENT_BACK, State.IN_REVIEW, State.APPROVED):
        release = factories.release(writer, state=state, editor=editor)
        person = writer if state in (State.DRAFT, State.SENT_BACK) else editor
        rows = re.findall(r'(?s)<li class="waiting">(.*?)</li>', desk(client, person))
        row = next(one for one in rows if f"/office/releases/{release.id}" in one)
        step = re.search(r'button--small" href="([^"]+)">([^<]+)', row)
        assert step is not None

        page = client.get(f"/office/releases/{release.id}").text

        assert f'Nästa steg för dig: <a href="{step[1]}">{step[2]}</a>' in page


def test_what_is_coming_has_its_day_time_and_zone(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    moment = (now() + timedelta(days=5)).replace(hour=7, minute=0, second=0, microsecond=0)
    workflow.schedule(
        release, publish_at=moment, mail_at=moment + timedelta(hours=2), by=editor, at=now()
    )
    db.session.add(
        Invitation(
            purpose=Purpose.EMBARGO,
            release_id=release.id,
            name="Eva",
            email="eva@tidning.example",
            language="sv",
            invited_at=now(),
            expires_at=moment,
        )
    )
    db.session.commit()

    page = desk(client, editor)
    coming = words(page[page.index('id="coming"') : page.index('id="happened"')])

    assert re.search(r"\w+dag \d+ \w+ kl\. 0[89]\.00 (normaltid|sommartid)", coming)
    assert "Publiceras" in coming
    assert "Utskick" in coming
    assert "Embargo" in coming


def test_what_happened_is_told_in_sentences_with_repetitions_folded(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    for number in range(3):
        revise(release, f"Rubrik {number}", by=writer)
    db.session.commit()

    page = desk(client, writer)
    happened = words(page[page.index('id="happened"') :])

    assert "Alva ändrade ”Rubrik 2”. 3 gånger" in happened
    assert "Pressrum importerade omgången Våren 2026 i Kommunala partnerskap." in happened


def revise(release: Release, headline: str, *, by: User) -> None:
    text = replace(text_of(release.head), headline=headline)
    save(release, text, base_id=release.head_id or 0, by=by, at=now())


def test_the_desk_asks_as_often_however_much_lies_on_it(
    client: FlaskClient, writer: User, editor: User, admin: User
) -> None:
    counts: dict[str, list[int]] = {}
    for number in range(1, 36):
        made = factories.release(writer, state=list(State)[number % 8], editor=editor)
        commenting.comment(made, made.head, text="Stämmer det?", by=editor, at=now())
        db.session.commit()
        if number in (8, 35):
            for person in (writer, editor, admin):
                signed_in(client, person).get(DESK)
                with counted_queries() as asked:
                    client.get(DESK)
                counts.setdefault(person.name, []).append(len(asked))

    for name, (few, many) in counts.items():
        assert few == many, name
        assert many <= 25, name


# The calendar


def test_a_month_shows_what_goes_out_and_what_was_published(
    client: FlaskClient, writer: User, editor: User
) -> None:
    out = factories.release(writer, state=State.SCHEDULED, editor=editor)
    past = factories.release(writer, state=State.PUBLISHED, editor=editor)

    page = signed_in(client, editor).get("/office/calendar?month=2026-11").text
    days = {day: cell for cell, day in re.findall(r'(?s)(<td.*?datetime="([\d-]+)".*?</td>)', page)}

    assert f"/office/releases/{out.id}" in days["2026-11-24"]
    assert "09.00 Publiceras" in days["2026-11-24"]
    assert f"/office/releases/{past.id}" in days["2026-11-23"]
    assert "month=2026-10" in page
    assert "month=2026-12" in page


@pytest.mark.parametrize("month", ["", "2026-13", "x", "99999-01", "2026-1", "0001-01"])
def test_a_month_that_is_none_is_this_month(client: FlaskClient, writer: User, month: str) -> None:
    answer = signed_in(client, writer).get(f"/office/calendar?month={month}")

    assert answer.status_code == 200
    assert f"{now():%Y-%m}-15" in answer.text


def test_a_day_begins_at_the_organisations_midnight(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    late = datetime(2027, 1, 31, 23, 30, tzinfo=UTC)  # half past midnight of 1 February here
    workflow.schedule(release, publish_at=late, by=editor, at=factories.A_MORNING)
    db.session.commit()

    page = signed_in(client, editor).get("/office/calendar?month=2027-02").text
    cell = page[page.index('datetime="2027-02-01"') : page.index('datetime="2027-02-02"')]

    assert f"/office/releases/{release.id}" in cell
    assert "00.30" in cell
