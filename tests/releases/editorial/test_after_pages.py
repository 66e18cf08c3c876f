"""The staff pages of what is done to a release that has gone out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.db import db, normal_url
from releases.editorial import workflow
from releases.editorial.models import Change, Release, State
from releases.editorial.withdrawing import first_word
from subscribers.mailings.models import MailingKind
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.after import (
    NOTE,
    approved,
    corrected,
    history,
    mailings,
    published,
)
from tests.releases.editorial.looking import words
from tests.subscribers.mailings.cast import send_all, subscribers


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


def address(release: Release, page: str = "") -> str:
    return f"/office/releases/{release.id}{page}"


def asked(release: Release, **more: str) -> dict[str, str]:
    return {"revision": str(release.head_id), "change": "correction", "note": NOTE, **more}


def test_a_newer_text_of_a_live_release_is_published_by_saying_what_it_is(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)

    page = signed_in(client, editor).get(address(release)).text
    answer = client.post(address(release, "/publish"), data={"revision": release.head_id})

    assert f'href="{address(release, "/change")}"' in page
    assert f'action="{address(release, "/publish")}"' not in page
    assert answer.location == address(release, "/change")
    db.session.refresh(release)
    assert release.state is State.APPROVED


def test_the_page_proposes_the_note_and_tells_whom_it_reaches(
    client: FlaskClient, writer: User, editor: User
) -> None:
    subscribers(3)
    release_id = published(writer, editor).id
    with client.application.app_context():
        db.session.rollback()
    release = approved(db.session.get_one(Release, release_id), writer, editor)

    page = signed_in(client, editor).get(address(release, "/change"))

    said = words(page.text)
    assert page.status_code == 200
    assert "I en tidigare version angavs 2 650 000 kronor. Rätt uppgift är 2 750 000" in said
    assert "3 väntar fortfarande på sitt mejl." in said
    assert re.search(r'value="correction"[^>]*checked', page.text)


def test_a_correction_from_the_page_is_live_and_on_record(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)

    answer = signed_in(client, editor).post(address(release, "/change"), data=asked(release))

    assert answer.location == address(release)
    assert [one.change for one in history(release)] == [Change.FIRST, Change.CORRECTION]
    assert history(release)[-1].note == NOTE
    page = words(client.get(address(release)).text)
    assert "Publicerade versioner" in page
    assert " ".join(NOTE.split()) in page


def test_a_typo_from_the_page_keeps_no_note(
    client: FlaskClient, writer: User, editor: User
) -> None:
    """The note was proposed before the person said that it was a typo."""
    subscribers(1)
    release = approved(published(writer, editor), writer, editor)

    signed_in(client, editor).post(address(release, "/change"), data=asked(release, change="typo"))

    assert history(release)[-1].change is Change.TYPO
    assert history(release)[-1].note == ""
    assert mailings(MailingKind.CORRECTION) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"note": " "}, "Skriv vad som var fel och vad som är rätt."),
        ({"change": ""}, "Välj om det är ett skrivfel eller en rättelse."),
        ({"change": "first"}, "Välj om det är ett skrivfel eller en rättelse."),
        ({"since": "77"}, "Version 77 har aldrig varit publicerad."),
    ],
)
def test_a_refused_change_keeps_every_word(
    client: FlaskClient, writer: User, editor: User, given: dict[str, str], told: str
) -> None:
    release = approved(published(writer, editor), writer, editor)

    answer = signed_in(client, editor).post(
        address(release, "/change"), data=asked(release, **given)
    )

    assert answer.status_code == 422
    assert told in words(answer.text)
    assert given.get("note", NOTE).strip() in answer.text
    db.session.refresh(release)
    assert release.state is State.APPROVED


def test_a_change_of_another_text_than_was_seen_is_refused(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = approved(published(writer, editor), writer, editor)
    seen = asked(release)
    approved(release, writer, editor, total="2850000")

    answer = signed_in(client, editor).post(address(release, "/change"), data=seen)

    assert answer.status_code == 409
    assert len(history(release)) == 1


def test_a_second_correction_asks_since_when(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = corrected(published(writer, editor), writer, editor)
    approved(release, writer, editor, total="2850000")

    page = signed_in(client, editor).get(address(release, "/change")).text

    assert re.search(r'<option value="2" selected>Version 2', page)
    assert '<option value="1">Version 1' in page


def test_what_was_never_mailed_says_so(client: FlaskClient, writer: User, editor: User) -> None:
    subscribers(1)
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    workflow.publish(release, mail=False, by=editor, at=A_MORNING)
    db.session.commit()
    approved(release, writer, editor)

    page = words(signed_in(client, editor).get(address(release, "/change")).text)

    assert "Ingen har fått den här texten med e-post, så ingen mejlas." in page


def test_a_change_has_no_hour(client: FlaskClient, writer: User, editor: User) -> None:
    release = approved(published(writer, editor), writer, editor)

    page = signed_in(client, editor).get(address(release)).text
    answer = client.post(address(release, "/schedule"), data={"day": "2031-01-01", "time": "08:00"})

    assert "/preflight#schedule" not in page
    assert answer.status_code == 409


@pytest.mark.parametrize("page", ["/change", "/withdraw"])
@pytest.mark.parametrize("role", [Role.WRITER, Role.REVIEWER, Role.OFFICER])
def test_only_those_who_publish_come_here(
    client: FlaskClient, writer: User, editor: User, role: Role, page: str
) -> None:
    release = approved(published(writer, editor), writer, editor)
    person = factories.user("other@press.example", role=role)

    answer = signed_in(client, person).get(address(release, page))

    assert answer.status_code == 403


def test_the_page_of_withdrawing_tells_what_happens_in_numbers(
    client: FlaskClient, writer: User, editor: User
) -> None:
    subscribers(2)
    release = published(writer, editor)

    page = words(signed_in(client, editor).get(address(release, "/withdraw")).text)

    assert "0 prenumeranter har redan fått det" in page
    assert first_word(release) in page


def test_withdrawing_takes_the_reason_and_the_headlines_first_word(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = published(writer, editor)
    word = first_word(release).upper()
    path = address(release, "/withdraw")

    for given in ({"reason": "Fel.", "word": "nej"}, {"reason": " ", "word": word}, {}):
        answer = signed_in(client, editor).post(path, data=given)
        assert answer.status_code == 422
        assert given.get("reason", "").strip() in answer.text
    db.session.refresh(release)
    assert release.state is State.PUBLISHED

    client.post(path, data={"reason": "Siffran var fel.", "word": word})

    public = client.get(f"/sv/releases/{release.slug}")
    assert public.status_code == 410
    assert "Siffran var fel." in public.text


def test_a_withdrawal_can_be_undone_from_its_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.WITHDRAWN, editor=editor)

    page = signed_in(client, editor).get(address(release)).text
    client.post(address(release, "/reinstate"), data={"revision": release.head_id})

    assert f'action="{address(release, "/reinstate")}"' in page
    assert client.get(f"/sv/releases/{release.slug}").status_code == 200


def test_a_subscribers_page_says_which_version_they_got(
    client: FlaskClient, writer: User, editor: User
) -> None:
    subscribers(1)
    release = corrected(published(writer, editor), writer, editor)
    db.session.commit()
    send_all()

    page = words(signed_in(client, editor).get("/office/subscribers/1").text)

    assert f"Pressmeddelande {release.id}, version 2" in page
    assert "Rättelse av" not in page
