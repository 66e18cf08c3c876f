"""The audit log: everything that matters is in it, in words, and it can only grow."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from datetime import timedelta
from functools import cache

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.audit_views import Wanted, csv_lines
from app.cli import cli
from app.core import people
from app.core.accounts import Role, User
from app.core.audit import COMMAND_LINE, AuditEvent, acting_as, acts, record, sentence
from app.core.clock import now
from app.core.db import db
from app.core.words import LANGUAGES, catalogue
from app.settings import CHECKOUT
from releases.desk import access
from releases.editorial.models import State
from releases.editorial.workflow import Action
from subscribers.audience import importing
from subscribers.commands import group as subscriber_group
from subscribers.mailing_commands import group as mailing_group
from subscribers.mailings.models import Mailing
from tests import factories
from tests.app.test_office import GOOD
from tests.factories import A_MORNING, signed_in
from tests.queries import counted_queries
from tests.releases.editorial.looking import words

PASSWORD = "ett långt lösenord"
SHORTER = ("_record", "_remember", "remember")  # called with an act that they then record


def events(action: str = "") -> list[AuditEvent]:
    query = sa.select(AuditEvent).order_by(AuditEvent.id)
    return list(db.session.scalars(query.where(AuditEvent.action == action) if action else query))


def note(
    title: str, *, by: User | None = None, action: str = "round.import", **facts: object
) -> None:
    record(action, "round", 1, title=title, by=by, at=A_MORNING, **facts)
    db.session.commit()


# The words


@cache
def recorded() -> set[str]:
    """Every action that code records: named outright, or put together from the workflow's."""
    found = {f"release.{action.value}" for action in Action}
    for top in ("app", "releases", "subscribers"):
        for path in (CHECKOUT / top).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            prefix = re.search(r'record\(\s*f"([a-z]+)\.\{', text)
            for node in ast.walk(ast.parse(text)):
                found |= _named(node, prefix[1] if prefix else "release")
    return found


def _named(node: ast.AST, prefix: str) -> set[str]:
    """The actions in a call of `record` or of what stands before it, such as `remember`.

    `prefix` is what the module puts before an act that it names by its verb alone.
    """
    name = getattr(getattr(node, "func", None), "id", "")
    if not isinstance(node, ast.Call) or name not in ("record", *SHORTER):
        return set()
    constants = {
        one.value
        for argument in node.args[:2]
        for one in ast.walk(argument)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    whole = {one for one in constants if re.fullmatch(r"[a-z_]+\.[a-z_]+", one)}
    if whole or name == "record":
        return whole
    return {f"{prefix}.{one}" for one in constants if re.fullmatch(r"[a-z_]+", one)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_that_is_recorded_has_words(language: str) -> None:
    assert len(recorded()) > 40

    assert not {one for one in recorded() if f"audit.{one}" not in catalogue(language)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_reads_without_its_facts(app: Flask, language: str) -> None:
    for action, _ in acts(language):
        event = AuditEvent(action=action, subject="x", title="", actor="", facts={})
        told = sentence(event, language)
        assert "{" not in told
        assert action not in told


def test_an_act_without_words_is_still_told(app: Flask) -> None:
    event = AuditEvent(action="cake.eat", subject="cake", title="Prinsess", actor="Eva", facts={})

    assert sentence(event, "sv") == "Eva: cake.eat Prinsess"


# It only grows


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET title = 'x'", "DELETE FROM audit_event"]
)
def test_the_database_itself_refuses_to_change_or_remove(app: Flask, statement: str) -> None:
    note("Våren")

    with pytest.raises(sa.exc.DBAPIError, match="only ever added to"):
        db.session.execute(sa.text(statement))
    db.session.rollback()

    assert [one.title for one in events()] == ["Våren"]


def test_what_is_not_committed_is_not_recorded(app: Flask, writer: User) -> None:
    record("user.change", "user", 1, by=writer, at=now())
    db.session.rollback()

    assert events() == []


# What is in it


@pytest.fixture
def alva(app: Flask) -> User:
    """Somebody who can sign in by password."""
    person = people.add(
        email="alva@press.example",
        name="Alva",
        role=Role.ADMIN,
        password=PASSWORD,
        by=None,
        at=now(),
    )
    db.session.commit()
    return person


def sign_in(client: FlaskClient, email: str, password: str) -> None:
    client.post("/office/sign-in", data={"email": email, "password": password})


def test_coming_and_going_is_recorded(client: FlaskClient, alva: User) -> None:
    sign_in(client, alva.email, PASSWORD)
    client.post("/office/sign-out")

    acts_now = [(one.action, one.actor_id) for one in events()[1:]]
    assert acts_now == [("session.begin", alva.id), ("session.end", alva.id)]


def test_a_wrong_password_is_recorded_on_the_account_and_nobody_is_named(
    client: FlaskClient, alva: User
) -> None:
    sign_in(client, alva.email, "fel")

    [event] = events("session.refuse")
    assert (event.actor_id, event.actor, event.subject_id) == (None, "", alva.id)


def test_an_unknown_address_is_not_kept(client: FlaskClient, alva: User) -> None:
    sign_in(client, "okand@hemlig.example", "fel")

    [event] = events("session.refuse_unknown")
    assert "hemlig" not in f"{event.actor} {event.title} {event.facts}"


def test_a_changed_password_is_recorded(client: FlaskClient, alva: User) -> None:
    signed_in(client, alva)
    new = "ett annat långt lösenord"
    data = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}

    client.post("/office/password", data=data)

    [event] = events("user.password")
    assert event.actor_id == alva.id
    assert new not in str(event.facts)


def test_what_is_done_to_accounts_is_recorded(
    client: FlaskClient, admin: User, writer: User
) -> None:
    signed_in(client, admin)
    address = f"/office/settings/users/{writer.id}"
    changed = {"name": "Alva Alm", "role": "officer", "language": "en"}

    client.post(address, data=changed)
    client.post(address, data=changed)
    client.post(f"{address}/password")
    client.post(f"{address}/deactivate")
    client.post(f"{address}/reactivate")

    assert [one.action for one in events() if one.subject == "user"] == [
        "user.change",
        "user.role",
        "user.reset_password",
        "user.deactivate",
        "user.reactivate",
    ]
    assert sentence(events("user.role")[0], "sv") == (
        "Cia ändrade rollen för Alva Alm från skribent till handläggare."
    )


def test_a_command_is_recorded_as_the_command_lines(app: Flask) -> None:
    words_given = ["user", "add", "ny@press.example", "--role", "reviewer"]

    result = app.test_cli_runner().invoke(cli, words_given)

    assert result.exit_code == 0
    [event] = events("user.add")
    assert event.actor == COMMAND_LINE
    assert (
        sentence(event, "en") == "Somebody at the command line added ny@press.example as reviewer."
    )


def test_outside_a_command_nobody_acts_for_the_program(app: Flask) -> None:
    with acting_as(COMMAND_LINE):
        note("Våren")
    note("Hösten")

    assert [one.actor for one in events()] == [COMMAND_LINE, ""]


def test_the_organisation_says_what_was_changed(client: FlaskClient, admin: User) -> None:
    signed_in(client, admin)
    client.post("/office/settings/organisation", data=GOOD)
    client.post("/office/settings/organisation", data={**GOOD, "short_name": "Centret"})
    client.post("/office/settings/organisation", data={**GOOD, "short_name": "Centret"})

    first, second = events("organisation.change")
    assert "name_sv" in first.facts["changed"]
    assert second.facts["changed"] == ["short_name"]


def test_what_is_done_to_contacts_and_programmes_is_recorded(
    client: FlaskClient, editor: User
) -> None:
    round_ = factories.round_()
    signed_in(client, editor)
    contact = {"name": "Lena", "phone": "072-450 01 50"}
    client.post("/office/settings/contacts/new", data=contact)
    client.post("/office/settings/contacts/1", data={**contact, "name": "Lena Ek"})
    client.post("/office/settings/contacts/1/take-off")
    client.post("/office/settings/contacts/1/put-back")
    client.post("/office/settings/contacts/1/up")
    client.post(
        f"/office/programmes/{round_.programme_id}",
        data={"name": "Partnerskap", "headline_shape": "count_first"},
    )

    assert [one.action for one in events() if one.actor_id == editor.id] == [
        "contact.add",
        "contact.change",
        "contact.take_off",
        "contact.put_back",
        "contact.move",
        "programme.change",
    ]


def test_what_is_done_to_a_round_is_recorded(client: FlaskClient, writer: User) -> None:
    round_ = factories.round_()
    signed_in(client, writer)
    ticks = {"row": ["2", "3"], "version": "1"}
    address = f"/office/rounds/{round_.id}"

    client.post(f"{address}/rows/check", data=ticks)
    client.post(f"{address}/rows/check", data=ticks)
    client.post(f"{address}/rows/uncheck", data={**ticks, "row": "2"})
    client.post(f"{address}/decided", data={"decided_on": "2026-10-01"})

    told = [(one.action, one.facts.get("rows")) for one in events()]
    assert told == [
        ("round.import", 3),
        ("round.tick", 2),
        ("round.untick", 1),
        ("round.date", None),
    ]


def test_what_is_done_to_subscribers_is_recorded_without_addresses(
    app: Flask, editor: User
) -> None:
    table = io.BytesIO("E-post\neva@tidning.example\nsvårläst\n".encode())
    for _ in importing.import_file(table, basis="Pressen", language="sv", by=editor, at=now()):
        db.session.commit()
    runner = app.test_cli_runner()
    runner.invoke(subscriber_group, ["export"])
    runner.invoke(subscriber_group, ["erase", "eva@tidning.example"])

    assert [one.action for one in events()] == [
        "subscriber.import",
        "subscriber.imported",
        "subscriber.export",
        "subscriber.erase",
    ]
    assert events()[1].facts == {"imported": 1, "already": 0, "left_out": 1}
    assert not [one for one in events() if "tidning" in f"{one.title} {one.facts}"]


def test_the_brake_of_a_mailing_is_recorded(app: Flask, writer: User, editor: User) -> None:
    factories.release(writer, state=State.PUBLISHED, editor=editor)
    mailing = db.session.scalars(sa.select(Mailing).where(Mailing.kind == "release")).one()

    for verb in ("pause", "resume", "cancel"):
        app.test_cli_runner().invoke(mailing_group, [verb, str(mailing.id)])

    told = [one.action for one in events() if one.subject == "mailing"]
    assert told == ["mailing.pause", "mailing.resume", "mailing.cancel"]


def test_each_step_of_a_release_is_recorded(writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.WITHDRAWN, editor=editor)

    told = [one.action for one in events() if one.subject == "release"]
    assert [one for one in told if one.split(".")[1] in set(Action)] == [
        "release.submit",
        "release.approve",
        "release.publish",
        "release.withdraw",
    ]
    assert sentence(events("release.withdraw")[0], "sv") == (
        f"Bo drog tillbaka ”{release.head.title}”: Fel siffra"
    )


# The page


def shown(page: str) -> list[str]:
    """The sentences of a page."""
    return [words(one) for one in re.findall(r'(?s)<p class="log__words">(.*?)</p>', page)]


def test_the_page_tells_the_newest_first_and_goes_on(client: FlaskClient, editor: User) -> None:
    for number in range(1, 121):
        note(f"O{number}", programme="P")
    page = signed_in(client, editor).get("/office/audit").text
    told = shown(page)

    for _ in range(2):
        href = page[page.index('rel="next" href="') + 17 :].partition('"')[0]
        page = client.get(href.replace("&amp;", "&")).text
        told += shown(page)

    assert told == [f"Pressrum importerade omgången O{n} i P." for n in range(120, 0, -1)]
    assert 'rel="next"' not in page


@pytest.mark.parametrize(
    ("asked", "which"),
    [
        ("", {"Vår", "Höst", "Örebro"}),
        ("person={bo}", {"Höst"}),
        ("act=round.row", {"Örebro"}),
        ("subject=round", {"Vår", "Höst", "Örebro"}),
        ("subject=user", set()),
        ("text=ÖREBRO", {"Örebro"}),
        ("text=örebro", {"Örebro"}),
        ("text=bo", {"Höst"}),
        ("text=%25", set()),
        ("since=2026-11-24", {"Örebro"}),
        ("until=2026-11-23", {"Vår", "Höst"}),
        ("text=vår&act=round.row", set()),
        ("person=x&since=i går&text=%00", {"Vår", "Höst", "Örebro"}),
        ("person=99999999999999999999&until=9999-12-31", {"Vår", "Höst", "Örebro"}),
    ],
)
def test_the_log_can_be_narrowed(
    client: FlaskClient, editor: User, asked: str, which: set[str]
) -> None:
    note("Vår")
    note("Höst", by=editor)
    late = A_MORNING.replace(hour=23, minute=5)  # the day after, on the organisation's clock
    record("round.row", "round", 1, title="Örebro", by=None, at=late, row=3)
    db.session.commit()
    signed_in(client, editor)

    page = client.get(f"/office/audit?{asked.replace('{bo}', str(editor.id))}")

    assert page.status_code == 200
    told = shown(page.text)
    assert {title for title in ("Vår", "Höst", "Örebro") if any(title in one for one in told)} == (
        which
    )


def test_an_editor_does_not_read_of_what_is_limited_to_others(
    client: FlaskClient, writer: User, editor: User, admin: User
) -> None:
    release = factories.release(writer)
    access.limit(release, [], by=writer, at=now())
    db.session.commit()

    for person, sees in ((editor, False), (admin, True)):
        page = words(signed_in(client, person).get("/office/audit").text)
        assert (" ".join(release.head.title.split()) in page) == sees


def test_the_log_asks_as_often_however_long(client: FlaskClient, editor: User) -> None:
    counts = []
    signed_in(client, editor).get("/office/audit")
    for _ in range(2):
        for number in range(20):
            note(f"O{number}", by=editor)
        with counted_queries() as asked:
            client.get("/office/audit")
        counts.append(len(asked))

    assert counts[0] == counts[1]


# The file


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_file_is_a_formula(app: Flask, admin: User, start: str) -> None:
    record(
        "round.import",
        "round",
        1,
        title=f"{start}cmd|' /C calc'!A0",
        by=None,
        actor=f"{start}HYPERLINK()",
        at=A_MORNING,
    )
    db.session.commit()

    text = "".join(csv_lines(Wanted(), to=admin, language="sv"))

    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_the_file_holds_what_was_asked_for_in_order_and_is_streamed(
    client: FlaskClient, admin: User
) -> None:
    db.session.execute(
        sa.insert(AuditEvent),
        [
            {
                "at": A_MORNING + timedelta(seconds=n),
                "action": "round.row",
                "subject": "round",
                "subject_id": 1,
                "title": f"O{n}",
                "facts": {"row": n},
            }
            for n in range(2500)
        ],
    )
    note("Annat")

    answer = signed_in(client, admin).get("/office/audit.csv?act=round.row", buffered=False)
    parts = list(answer.response)
    rows = list(csv.DictReader(io.StringIO(answer_text(parts))))

    assert len(parts) > 5
    assert [row["title"] for row in rows] == [f"O{n}" for n in range(2500)]
    assert rows[0]["sentence"] == "Pressrum ändrade rad 0 i omgången O0."
    assert rows[7]["facts"] == '{"row": 7}'
    assert "attachment" in answer.headers["Content-Disposition"]


def answer_text(parts: list[object]) -> str:
    raw = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    return raw.decode("utf-8-sig")


def test_the_command_writes_the_log(app: Flask) -> None:
    note("Vår")
    record(
        "round.row", "round", 1, title="Senare", by=None, at=A_MORNING + timedelta(days=3), row=2
    )
    db.session.commit()
    runner = app.test_cli_runner()

    everything = json.loads(runner.invoke(cli, ["audit", "--json"]).stdout)
    since = json.loads(runner.invoke(cli, ["audit", "--json", "--since", "2026-11-24"]).stdout)
    nothing = json.loads(runner.invoke(cli, ["audit", "--json", "--until", "2020-01-01"]).stdout)
    table = runner.invoke(cli, ["audit"]).stdout

    assert [one["title"] for one in everything] == ["Vår", "Senare"]
    assert [one["title"] for one in since] == ["Senare"]
    assert since[0]["facts"] == {"row": 2}
    assert nothing == []
    assert len(table.splitlines()) == 3
