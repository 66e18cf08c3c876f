"""The pages of the preflight, of the hour of publication, and of what the office demands."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db, normal_url
from app.core.organisation import organisation, unnamed
from releases.editorial import preflight_page, workflow
from releases.editorial.models import Contact, LinkCheck, Override, Release, State
from releases.editorial.preflight import SHIPPED
from releases.editorial.writing import save, text_of
from subscribers.mailings.models import Mailing, MailingKind
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.looking import words
from tests.releases.editorial.test_preflight import QUOTE, contact, picture

SUMMER = now().year + 1


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """Pages are the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def approved(writer: User, editor: User) -> Release:
    return factories.release(writer, state=State.APPROVED, editor=editor)


@pytest.fixture
def blocked(writer: User, editor: User) -> Release:
    """Approved, but a quote in it is not signed."""
    release = factories.release(writer)
    text = replace(text_of(release.head), body=release.head.body + QUOTE)
    save(release, text, base_id=release.head.id, by=writer, at=A_MORNING)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head.id, by=editor, at=A_MORNING)
    db.session.commit()
    return release


def address(release: Release, more: str = "/preflight") -> str:
    return f"/office/releases/{release.id}{more}"


def hour(**changed: str) -> dict[str, str]:
    return {"day": f"{SUMMER}-07-01", "time": "08:00", "mail": "with", **changed}


def mails() -> int:
    kind = Mailing.kind == MailingKind.RELEASE
    return db.session.scalar(sa.select(sa.func.count()).where(kind)) or 0


# The preflight


def test_the_page_says_what_blocks_what_to_look_at_and_what_is_in_order(
    client: FlaskClient, blocked: Release, editor: User
) -> None:
    page = signed_in(client, editor).get(address(blocked)).text

    told = words(page)
    assert "En sak hindrar publicering" in told
    assert "Citatet av Karin Ek är inte godkänt." in told
    assert "Den som citeras ska ha sett orden" in told
    assert "2 luckor är inte ifyllda." in told
    assert "Siffrorna är omgångens nuvarande" in told
    assert "Publicera nu" not in told


def test_each_button_leads_to_a_page_where_it_can_be_put_right(
    client: FlaskClient, writer: User, admin: User
) -> None:
    release = factories.release(writer, state=State.DRAFT)
    person = contact(phone="", away_from=now().date(), away_until=now().date())
    picture(release, writer, alt_sv="", credit="", licence="")
    text = text_of(release.head)
    url = "https://news.example/x"
    text = replace(
        text,
        headline="Pressmeddelande " + "x" * 60,
        lead="De 17 kommunerna får 9 000 000 kronor.",
        body=f"{text.body}{QUOTE}<p>Det är 12 %.</p>",
        contacts=[person.printed("sv")],
        links=[{"label": "x", "url": url}],
    )
    save(release, text, base_id=release.head.id, by=writer, at=A_MORNING)
    db.session.add(LinkCheck(url=url, works=False, answer="404", checked_at=A_MORNING))
    sender = unnamed("Centret", "The Centre")
    sender.about_sv = "Huvudman är Sveriges Kommuner och Landsting."
    db.session.add(sender)
    assert release.story.round is not None
    release.story.round.version = 2
    release.story.round.awards[0].amount += 1_000
    db.session.commit()

    page = signed_in(client, admin).get(address(release)).text

    ways = set(re.findall(r'class="preflight__ways">\s*<a class="[^"]*" href="([^"]+)"', page))
    assert len(ways) >= 8
    for way in map(unescape, ways):
        path, _, anchor = way.partition("#")
        there = client.get(path)
        assert there.status_code == 200, way
        assert not anchor or f'id="{anchor}"' in there.text, way


def test_a_writer_is_told_whose_it_is_to_change(client: FlaskClient, writer: User) -> None:
    release = factories.release(writer)
    person = contact(phone="")
    text = replace(text_of(release.head), contacts=[person.printed("sv")])
    save(release, text, base_id=release.head.id, by=writer, at=A_MORNING)
    db.session.commit()

    told = signed_in(client, writer).get(address(release)).text

    assert "Det här ändras av en redaktör." in told
    assert "/office/settings/contacts" not in told
    assert "preflight/take-on" not in told


def test_the_release_page_says_in_short_what_blocks(
    client: FlaskClient, blocked: Release, writer: User
) -> None:
    page = signed_in(client, writer).get(address(blocked, "")).text

    assert "En sak hindrar publicering" in page
    assert f'href="{address(blocked)}"' in page


def test_looking_changes_nothing(client: FlaskClient, blocked: Release, editor: User) -> None:
    signed_in(client, editor)
    before = (
        blocked.updated_at,
        blocked.state,
        db.session.scalar(sa.select(sa.func.count(Override.id))),
    )

    for path in ("/preflight", "/schedule/spoken?day=2027-07-01&time=08:00", ""):
        assert client.get(address(blocked, path)).status_code == 200

    db.session.expire_all()
    after = (
        blocked.updated_at,
        blocked.state,
        db.session.scalar(sa.select(sa.func.count(Override.id))),
    )
    assert after == before


def test_a_person_in_english_reads_english(
    client: FlaskClient, blocked: Release, editor: User
) -> None:
    editor.language = "en"
    db.session.commit()

    page = signed_in(client, editor).get(address(blocked)).text

    assert "The quote from Karin Ek has not been approved." in page


# Taking a line on


def take_on(client: FlaskClient, release: Release, **changed: str) -> object:
    key = re.search(r'name="line" value="([^"]+)"', client.get(address(release)).text)
    assert key
    form = {
        "revision": str(release.head_id),
        "line": key[1],
        "reason": "Hon sa ja på mötet.",
        **changed,
    }
    return client.post(address(release, "/preflight/take-on"), data=form)


def test_taking_a_line_on_lets_it_out_and_stays_in_sight(
    client: FlaskClient, blocked: Release, editor: User
) -> None:
    signed_in(client, editor)

    take_on(client, blocked)

    page = words(client.get(address(blocked)).text)
    assert "Bo tog det på sig" in page
    assert "Hon sa ja på mötet." in page
    client.post(address(blocked, "/publish"), data={"revision": str(blocked.head_id)})
    db.session.refresh(blocked)
    assert blocked.state is State.PUBLISHED


def test_a_reason_that_is_refused_is_kept(
    client: FlaskClient, blocked: Release, editor: User
) -> None:
    signed_in(client, editor)

    answer = take_on(client, blocked, reason="brådska")

    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "brådska" in answer.text  # type: ignore[attr-defined]
    assert "minst 10 tecken" in answer.text  # type: ignore[attr-defined]


def test_a_line_of_a_version_nobody_saw_is_not_taken_on(
    client: FlaskClient, blocked: Release, editor: User
) -> None:
    signed_in(client, editor)

    answer = take_on(client, blocked, revision=str((blocked.head_id or 0) - 1))

    assert answer.status_code == 409  # type: ignore[attr-defined]


# Publishing


def test_publishing_what_is_blocked_leads_to_what_blocks(
    client: FlaskClient, blocked: Release, editor: User
) -> None:
    data = {"revision": str(blocked.head_id)}

    answer = signed_in(client, editor).post(address(blocked, "/publish"), data=data)

    db.session.refresh(blocked)
    assert blocked.state is State.APPROVED
    assert answer.location == address(blocked)
    assert "en punkt i kontrollen hindrar" in client.get(answer.location).text


@pytest.mark.parametrize(("mail", "sent"), [([], 1), (["", "1"], 1), ([""], 0)])
def test_publishing_now_mails_unless_it_is_unticked(
    client: FlaskClient, approved: Release, editor: User, mail: list[str], sent: int
) -> None:
    data = {"revision": str(approved.head_id), "mail": mail}

    signed_in(client, editor).post(address(approved, "/publish"), data=data)

    db.session.refresh(approved)
    assert approved.state is State.PUBLISHED
    assert mails() == sent


# The hour


def test_it_is_scheduled_by_the_offices_clock_and_said_in_words(
    client: FlaskClient, approved: Release, editor: User
) -> None:
    answer = signed_in(client, editor).post(address(approved, "/schedule"), data=hour())

    db.session.refresh(approved)
    assert approved.publish_at == datetime(SUMMER, 7, 1, 6, tzinfo=UTC)
    told = words(client.get(answer.location).text)
    assert f"dag 1 juli {SUMMER} kl. 08.00 (sommartid)" in told
    assert "om " in told
    assert "Mejlet går ut samtidigt." in told


def test_the_mail_may_come_later_or_not_at_all(
    client: FlaskClient, approved: Release, editor: User
) -> None:
    signed_in(client, editor)
    later = {"mail": "later", "mail_day": f"{SUMMER}-07-01", "mail_time": "10:30"}

    client.post(address(approved, "/schedule"), data=hour(**later))
    db.session.refresh(approved)
    assert approved.mail_at == datetime(SUMMER, 7, 1, 8, 30, tzinfo=UTC)
    assert "kl. 10.30" in words(client.get(address(approved)).text)

    client.post(address(approved, "/schedule"), data=hour(mail="none"))
    db.session.refresh(approved)
    assert (approved.mail_wanted, approved.mail_at) == (False, None)
    assert "Inget mejl går ut." in client.get(address(approved)).text


def test_a_mail_before_publication_is_refused_and_every_field_kept(
    client: FlaskClient, approved: Release, editor: User
) -> None:
    wrong = hour(mail="later", mail_day=f"{SUMMER}-07-01", mail_time="07:15")

    answer = signed_in(client, editor).post(address(approved, "/schedule"), data=wrong)

    db.session.refresh(approved)
    assert answer.status_code == 422
    assert approved.state is State.APPROVED
    assert 'value="07:15"' in answer.text
    assert "Utskicket kan inte gå ut före publiceringen" in answer.text


def test_a_skipped_hour_is_refused_with_the_times_that_exist(
    client: FlaskClient, approved: Release, editor: User
) -> None:
    wrong = hour(day="2027-03-28", time="02:30")

    answer = signed_in(client, editor).post(address(approved, "/schedule"), data=wrong)

    db.session.refresh(approved)
    assert answer.status_code == 422
    assert approved.state is State.APPROVED
    assert "01.59" in answer.text
    assert "03.00" in answer.text


@pytest.mark.parametrize(("fold", "hour_utc"), [("0", 0), ("1", 1)])
def test_an_hour_that_comes_twice_is_asked_about_and_then_kept(
    client: FlaskClient, approved: Release, editor: User, fold: str, hour_utc: int
) -> None:
    twice = hour(day="2027-10-31", time="02:30")
    signed_in(client, editor)

    asked = client.post(address(approved, "/schedule"), data=twice)
    assert asked.status_code == 422
    assert "02:30 sommartid, den första" in asked.text
    client.post(address(approved, "/schedule"), data={**twice, "fold": fold})

    db.session.refresh(approved)
    assert approved.publish_at == datetime(2027, 10, 31, hour_utc, 30, tzinfo=UTC)
    names = {"0": "sommartid", "1": "normaltid"}
    assert f"kl. 02.30 ({names[fold]})" in words(client.get(address(approved)).text)


def test_good_times_fill_the_form_without_a_script(
    client: FlaskClient, approved: Release, editor: User
) -> None:
    page = signed_in(client, editor).get(address(approved)).text
    ways = re.findall(r'href="([^"]+)#schedule" data-day="([^"]+)" data-time="([^"]+)"', page)

    assert len(ways) >= 4
    href, day, time = ways[-1]
    filled = client.get(unescape(href)).text
    assert f'value="{day}"' in filled
    assert f'value="{time}"' in filled


def test_the_script_is_told_the_words_of_what_is_being_chosen(
    client: FlaskClient, approved: Release, editor: User
) -> None:
    signed_in(client, editor)
    spoken = address(approved, "/schedule/spoken")

    assert (
        "08.00 (sommartid), om"
        in client.get(f"{spoken}?day={SUMMER}-07-01&time=08:00").json["says"]
    )
    assert "två gånger" in client.get(f"{spoken}?day=2027-10-31&time=02:30").json["wrong"]
    assert "redan varit" in client.get(f"{spoken}?day=2001-07-01&time=08:00").json["wrong"]
    assert client.get(spoken).json["wrong"]


def test_a_writer_schedules_nothing(client: FlaskClient, approved: Release, writer: User) -> None:
    answer = signed_in(client, writer).post(address(approved, "/schedule"), data=hour())

    db.session.refresh(approved)
    assert answer.status_code == 403
    assert approved.state is State.APPROVED


def test_a_failed_release_says_why_and_offers_every_way_on(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.SCHEDULED, editor=editor)
    failure = [{"key": "preflight.line.applicants_not_told", "facts": {"name": "Våren 2026"}}]
    workflow.fail(release, failure=failure, at=A_MORNING)
    db.session.commit()

    page = signed_in(client, editor).get(address(release, "")).text

    assert "Ingen har noterat att de sökande i Våren 2026 har fått besked." in page
    assert "Försök igen nu" in page
    assert "Byt tid" in page
    assert "Ta bort schemaläggningen" in page
    client.post(address(release, "/unschedule"), data={"revision": str(release.head_id)})
    db.session.refresh(release)
    assert (release.state, release.failure) == (State.APPROVED, None)


def test_how_long_it_is_reads_like_speech(client: FlaskClient, approved: Release) -> None:
    with client.application.test_request_context():
        said = [
            preflight_page.how_long(A_MORNING, A_MORNING + timedelta(minutes=minutes))
            for minutes in (0, 1, 59, 60, 61, 24 * 60, 25 * 60, 3 * 24 * 60)
        ]

    assert said == [
        "om mindre än en minut",
        "om en minut",
        "om 59 minuter",
        "om en timme",
        "om 1 tim och 1 min",
        "om en dag",
        "om 1 dygn och 1 tim",
        "om 3 dagar",
    ]


# What the office demands


def test_an_admin_weighs_each_line_on_the_settings_page(client: FlaskClient, admin: User) -> None:
    db.session.add(unnamed("Centret", "The Centre"))
    db.session.commit()
    signed_in(client, admin)
    page = client.get("/office/settings/preflight/").text
    chosen = dict(re.findall(r'name="(\w+)" value="(\w+)" checked', page))
    assert {code: weight.value for code, weight in SHIPPED.items() if code in chosen} == chosen
    assert set(SHIPPED) - set(chosen) == {"headline_missing"}

    client.post("/office/settings/preflight/", data={**chosen, "gaps": "block"})

    assert organisation().preflight == {"gaps": "block"}
    assert "Från början: Påpekas" in client.get("/office/settings/preflight/").text
    client.post("/office/settings/preflight/shipped")
    assert organisation().preflight == {}


def test_what_lowering_means_is_said_where_it_is_lowered(client: FlaskClient, admin: User) -> None:
    page = signed_in(client, admin).get("/office/settings/preflight/").text

    assert "kan en siffra som motsäger omgången gå ut" in page
    assert 'name="figures_contradict" value="off"' not in page


def test_the_settings_are_an_admins(client: FlaskClient, editor: User) -> None:
    signed_in(client, editor)

    assert client.get("/office/settings/preflight/").status_code == 403
    assert client.post("/office/settings/preflight/", data={"gaps": "off"}).status_code == 403


# Contacts who are away


def test_an_absence_is_kept_and_shown_with_who_answers(client: FlaskClient, editor: User) -> None:
    deputy, person = contact("Bo Ek"), contact("Sara Ström")
    form = {
        "name": "Sara Ström",
        "phone": "072-450 01 50",
        "away_from": now().date().isoformat(),
        "away_until": (now().date() + timedelta(days=3)).isoformat(),
        "deputy_id": str(deputy.id),
    }

    answer = signed_in(client, editor).post(f"/office/settings/contacts/{person.id}", data=form)

    db.session.refresh(person)
    told = words(client.get(answer.location).text)
    assert person.deputy_id == deputy.id
    assert f"Borta till och med {person.away_until}" in told
    assert "Bo Ek svarar" in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"away_from": "2027-01-02", "away_until": "2027-01-01"},
        {"away_from": "nästa vecka"},
        {"deputy_id": "99"},
        {"deputy_id": "x"},
        {"deputy_id": "self"},
    ],
)
def test_an_absence_that_cannot_be_is_refused(
    client: FlaskClient, editor: User, wrong: dict[str, str]
) -> None:
    person = contact("Sara Ström")
    if wrong.get("deputy_id") == "self":
        wrong = {"deputy_id": str(person.id)}
    form = {"name": "Sara Ström", "phone": "072-450 01 50", **wrong}

    answer = signed_in(client, editor).post(f"/office/settings/contacts/{person.id}", data=form)

    db.session.refresh(person)
    assert answer.status_code == 422
    assert (person.away_from, person.away_until, person.deputy_id) == (None, None, None)


def test_an_absence_ends_when_its_fields_are_emptied(client: FlaskClient, editor: User) -> None:
    deputy = contact("Bo Ek")
    person = contact("Sara", away_from=now().date(), deputy_id=deputy.id)
    form = {
        "name": "Sara",
        "phone": "072-450 01 50",
        "away_from": "",
        "away_until": "",
        "deputy_id": "",
    }

    signed_in(client, editor).post(f"/office/settings/contacts/{person.id}", data=form)

    db.session.refresh(person)
    assert (person.away_from, person.deputy_id) == (None, None)


def test_every_contact_answers_on_the_days_around_an_absence() -> None:
    first, last = A_MORNING.date(), A_MORNING.date() + timedelta(days=2)
    person = Contact(name="Sara", away_from=first, away_until=last)
    days = [first + timedelta(days=n) for n in range(-1, 4)]

    assert [person.away_on(day) for day in days] == [False, True, True, True, False]
    assert not Contact(name="Bo").away_on(first)
