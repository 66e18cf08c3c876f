"""Alerts: told once, seldom and together, to those who can do something; and that they are over."""

from __future__ import annotations

import ast
import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.cli import cli
from app.core import alerts
from app.core.accounts import Role, User
from app.core.alerts import Alert, clear_alert, raise_alert
from app.core.beats import WorkerBeat
from app.core.db import db
from app.core.organisation import Organisation
from app.core.words import LANGUAGES, catalogue
from app.settings import CHECKOUT
from subscribers import alert_commands
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from subscribers.mailings.watching import alarming
from subscribers.mailings.watching.alarming import tell_alerts
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.postoffice import PostOffice
from tests.subscribers.mailings.cast import queued, send_all

HOUR = timedelta(hours=1)
AGREED = {
    "group_held",
    "group_slowed",
    "mailing_paused_hard",
    "mailing_paused_complaints",
    "mailing_missed",
    "domain_parted",
    "policy_refused",
    "relay_unreachable",
    "worker_gone",
    "clock_wrong",
    "mailbox_unreadable",
    "dkim_broken",
    "import_failed",
    "uncertain_held",
    "disk_full",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time by which alerts are told: the last in the list."""
    times = [A_MORNING]
    monkeypatch.setattr(alarming, "now", lambda: times[-1])
    return times


def trouble(code: str = "group_held", subject: str = "gmail", *, at: datetime = A_MORNING) -> None:
    raise_alert(code, subject, at=at)
    db.session.commit()


def letters() -> list[tuple[str, str]]:
    """(to whom, subject) of every letter queued."""
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Delivery.address, Mailing.subject)
        .join(Mailing)
        .where(Mailing.kind == MailingKind.LETTER)
        .order_by(Delivery.id)
    )
    return [(to or "", subject) for to, subject in rows]


def codes_raised() -> set[str]:
    """The literal codes that any code of ours raises or clears an alert with."""
    found = set()
    for top in ("app", "releases", "subscribers"):
        for path in (CHECKOUT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if name in ("raise_alert", "clear_alert") and isinstance(first, ast.Constant):
                    found.add(first.value)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_that_code_raises_says_what_it_is_what_it_means_and_what_to_do(
    language: str,
) -> None:
    words = catalogue(language)

    missing = [
        f"{code}.{part}"
        for code in sorted(AGREED | codes_raised())
        for part in ("title", "text", "do")
        if f"alerts.{code}.{part}" not in words
    ]
    assert not missing


def test_an_alert_is_mailed_to_every_administrator_when_nobody_else_is_named(
    app: Flask, admin: User, editor: User, clock: list[datetime]
) -> None:
    factories.user("dan@press.example", role=Role.ADMIN, language="en")
    trouble()

    tell_alerts()

    assert letters() == [
        ("cia@press.example", "Organisationen: Inget skickas till Gmail: gruppen är stoppad"),
        ("dan@press.example", "The organisation: Nothing is sent to Gmail: the group is held"),
    ]


def test_the_operator_is_told_instead_of_the_administrators(
    app: Flask, admin: User, clock: list[datetime]
) -> None:
    db.session.add(
        Organisation(
            name_sv="Stiftelsen",
            name_en="The foundation",
            short_name="SF",
            operator_email="drift@press.example",
        )
    )
    trouble()

    tell_alerts()

    assert [to for to, _ in letters()] == ["drift@press.example"]


def test_an_alert_is_told_once(app: Flask, admin: User, clock: list[datetime]) -> None:
    trouble()

    tell_alerts()
    clock.append(A_MORNING + 5 * HOUR)
    tell_alerts()

    assert len(letters()) == 1


def test_a_storm_is_one_letter(app: Flask, admin: User, clock: list[datetime]) -> None:
    for number in range(30):
        trouble("domain_parted", f"d{number}.example")
    trouble("relay_unreachable", "")

    tell_alerts()

    assert letters() == [("cia@press.example", "Organisationen: 31 larm om utskicken")]


def test_the_same_kind_of_alert_is_mailed_at_most_once_an_hour(
    app: Flask, admin: User, clock: list[datetime]
) -> None:
    trouble(subject="gmail")
    tell_alerts()
    trouble(subject="yahoo")
    clock.append(A_MORNING + timedelta(minutes=59))
    tell_alerts()
    early = len(letters())

    clock.append(A_MORNING + HOUR + timedelta(seconds=1))
    tell_alerts()

    assert early == 1
    assert [subject for _, subject in letters()][1].endswith("Yahoo och AOL: gruppen är stoppad")


def test_another_kind_of_alert_does_not_wait(
    app: Flask, admin: User, clock: list[datetime]
) -> None:
    trouble()
    tell_alerts()
    trouble("disk_full", "")

    tell_alerts()

    assert len(letters()) == 2


def test_who_was_told_that_it_began_is_told_once_that_it_is_over(
    app: Flask, admin: User, clock: list[datetime]
) -> None:
    trouble()
    tell_alerts()
    clear_alert("group_held", "gmail", at=A_MORNING + HOUR)
    db.session.commit()

    tell_alerts()
    tell_alerts()

    assert [subject for _, subject in letters()][1:] == ["Organisationen: ett larm är över"]


def test_what_was_over_before_it_was_told_is_not_told(
    app: Flask, admin: User, clock: list[datetime]
) -> None:
    trouble()
    clear_alert("group_held", "gmail", at=A_MORNING)
    db.session.commit()

    tell_alerts()

    assert letters() == []


def test_the_letter_says_what_to_do_and_where_to_look(
    app: Flask, admin: User, clock: list[datetime], post: PostOffice
) -> None:
    mailing = queued()
    trouble("mailing_missed", str(mailing.id))

    tell_alerts()
    send_all()

    mail = next(one for one in post.letters if one.to == "cia@press.example")
    text = mail.message.get_body(("plain",)).get_content()
    assert "Utskicket ”Drygt 10,6 miljoner kronor till demokratisamarbete” missade sin tid" in text
    assert "Gör så här:" in text
    assert f"/office/mailings/{mailing.id}" in text


def test_a_wrong_operator_address_does_not_stop_the_job(app: Flask, clock: list[datetime]) -> None:
    db.session.add(
        Organisation(name_sv="S", name_en="F", short_name="SF", operator_email="no address")
    )
    trouble()

    tell_alerts()

    assert letters() == []


def test_the_page_tells_open_and_past_alerts_apart(client: FlaskClient, editor: User) -> None:
    trouble()
    trouble("disk_full", "")
    clear_alert("disk_full", at=A_MORNING + 3 * HOUR)
    db.session.commit()

    page = signed_in(client, editor).get("/office/alerts").text
    now_open, past = page.split('id="past"')

    assert "Inget skickas till Gmail" in now_open
    assert "Gör så här" in now_open
    assert "är snart full" not in now_open.split("</aside>")[1]
    assert "är snart full" in past
    assert "3 timmar" in past


def test_long_ago_alerts_go_by_pages(client: FlaskClient, editor: User) -> None:
    for number in range(alerts.PAGE + 2):
        trouble("domain_parted", f"d{number}.example")
        clear_alert("domain_parted", f"d{number}.example", at=A_MORNING)
        db.session.commit()
    signed_in(client, editor)

    first = client.get("/office/alerts").text
    second = client.get("/office/alerts?before=3").text

    assert 'href="/office/alerts?before=3"' in first
    assert "d1.example" not in first
    assert "d1.example" in second


def test_every_office_page_says_that_there_is_an_alert(client: FlaskClient, writer: User) -> None:
    signed_in(client, writer)
    before = client.get("/office/").text
    trouble()

    after = client.get("/office/").text

    assert 'class="standing-alert"' not in before
    assert "Inget skickas till Gmail" in after
    assert 'href="/office/alerts"' in after


def test_several_alerts_are_counted_at_the_top(client: FlaskClient, writer: User) -> None:
    trouble()
    trouble("disk_full", "")

    page = signed_in(client, writer).get("/office/").text

    assert "2 larm om utskicken" in page


def test_those_who_do_not_mail_are_not_troubled(client: FlaskClient, app: Flask) -> None:
    trouble()
    reviewer = factories.user("ewa@press.example", role=Role.REVIEWER)

    page = signed_in(client, reviewer).get("/office/").text

    assert 'class="standing-alert"' not in page
    assert client.get("/office/alerts").status_code == 403


def test_silence_of_every_worker_is_said_by_the_pages(client: FlaskClient, writer: User) -> None:
    beat = WorkerBeat(
        name="a", machine="m", pid=1, started_at=A_MORNING, seen_at=A_MORNING - 2 * HOUR
    )
    db.session.add(beat)
    db.session.commit()

    page = signed_in(client, writer).get("/office/").text

    assert "Ingen arbetare har hörts av sedan 2026-11-23 07:00" in page


def test_an_administrator_says_who_is_told(client: FlaskClient, admin: User) -> None:
    db.session.add(Organisation(name_sv="S", name_en="F", short_name="SF"))
    db.session.commit()
    signed_in(client, admin)

    wrong = client.post("/office/settings/alerts", data={"operator_email": "drift"})
    client.post("/office/settings/alerts", data={"operator_email": "drift@press.example"})

    assert wrong.status_code == 422
    assert 'value="drift"' in wrong.text
    assert db.session.scalars(sa.select(Organisation.operator_email)).one() == "drift@press.example"


def test_a_test_mail_goes_the_way_of_the_alerts(client: FlaskClient, admin: User) -> None:
    answer = signed_in(client, admin).post("/office/settings/alerts/test", follow_redirects=True)

    assert "Ett provmejl är på väg till cia@press.example" in answer.text
    assert letters() == [("cia@press.example", "Organisationen: provmejl om larm")]


def test_the_command_prints_open_alerts_as_one_document(app: Flask) -> None:
    trouble()
    cli.add_command(alert_commands.alerts)

    result = app.test_cli_runner().invoke(cli, ["alerts", "--json"])

    assert [one["code"] for one in json.loads(result.stdout)] == ["group_held"]


def test_an_alert_without_words_is_named_by_its_code(app: Flask) -> None:
    trouble("of_tomorrow", "x")

    alert = db.session.scalars(sa.select(Alert)).one()

    assert alerts.in_words(alert, "sv").title == "of_tomorrow x"
