"""Imports that a worker does: uploaded, looked at, said yes to, broken off and gone on with."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core import shelf
from app.core.accounts import User
from app.core.alerts import open_alerts
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, NotNow
from subscribers.audience import importing, reading, workbooks
from subscribers.audience.models import (
    Frequency,
    ImportRun,
    ImportState,
    Subscriber,
    Subscription,
    SubscriptionState,
    Topic,
)
from subscribers.mailings import inviting
from subscribers.mailings.models import Delivery, Lane, Mailing, MailingKind
from tests.factories import A_MORNING, signed_in
from tests.subscribers.audience.test_importing import BASIS, LATER, import_, omissions
from tests.subscribers.cast import active, how_many, pending, state_of, suppress

CHECKOUT = Path(__file__).resolve().parents[3]


def people(count: int) -> str:
    return "Namn;E-post\n" + "".join(f"R{n};reader{n}@reader.example\n" for n in range(count))


def uploaded(content: str | bytes, *, name: str = "list.csv") -> ImportRun:
    data = content.encode() if isinstance(content, str) else content
    run = importing.upload(
        file=io.BytesIO(data), content=data, file_name=name, by=None, at=A_MORNING
    )
    db.session.commit()
    return run


def begun(content: str | bytes, **more: Any) -> ImportRun:
    run = uploaded(content)
    importing.begin(run, **{"basis": BASIS, "language": "sv", "by": None, "at": A_MORNING, **more})
    db.session.commit()
    return run


def work(*, at: datetime = LATER) -> None:
    def invite(run: ImportRun) -> importing.Ask:
        return inviting.invite(language=run.language, at=at)

    while importing.work(clock=lambda: at, ask=invite):
        pass
    db.session.expire_all()


def test_an_upload_stores_nobody_before_a_yes(app: Flask) -> None:
    run = uploaded(people(30))

    work()

    assert how_many(Subscriber) == 0
    assert (run.state, run.rows_total) == (ImportState.UPLOADED, 30)


def test_a_worker_does_what_was_said_yes_to_and_the_file_is_gone(app: Flask) -> None:
    run = begun(people(30) + "X;nonsense\n")
    key = run.file_key or ""

    work()

    assert (run.state, run.rows_done) == (ImportState.DONE, 31)
    assert (run.imported, run.already, run.left_out) == (30, 0, 1)
    assert how_many(Subscription) == 30
    assert (run.file_key, shelf.names(key)) == (None, set())
    assert omissions(importing.Report(run.id)) == [(32, "unreadable")]


def test_case_36_a_run_goes_on_behind_the_last_row_that_was_stored(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    run = begun(people(35) + "X;nonsense\n")
    stored = importing._store_rows
    calls: list[int] = []

    def die_in_the_third(*given: Any, **more: Any) -> None:
        stored(*given, **more)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(importing, "_store_rows", die_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        work(at=LATER)
    db.session.rollback()
    db.session.expire_all()
    assert (run.rows_done, how_many(Subscriber)) == (20, 20)
    monkeypatch.setattr(importing, "_store_rows", stored)

    work(at=LATER + timedelta(seconds=30))
    held = how_many(Subscriber)
    work(at=LATER + timedelta(seconds=90))

    assert held == 20  # its lease still ran
    assert (run.imported, run.already, run.left_out) == (35, 0, 1)
    assert omissions(importing.Report(run.id)) == [(37, "unreadable")]
    assert how_many(Subscription) == how_many(Subscriber) == 35


def test_case_36_whoever_lost_the_lease_stores_nothing_more(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    run = begun(people(20))
    mine = importing._take(at=LATER)
    assert mine is not None
    with importing.opened(mine) as file:
        rows = reading.rows(file, reading.Reading.from_data(mine.reading))
        batch = [next(rows) for _ in range(10)]
    lease = {"lease_owner": "somebody else", "lease_until": LATER + timedelta(hours=1)}
    holder = mine.lease_owner or ""
    db.session.execute(sa.update(ImportRun).values(lease))
    db.session.commit()

    kept = importing._store_batch(
        mine, batch, holder=holder, after=0, ask=importing._nobody, at=LATER
    )

    assert not kept
    assert how_many(Subscriber) == 0
    assert db.session.get_one(ImportRun, run.id).rows_done == 0


def test_case_36_a_batch_in_hand_is_let_go_of_when_another_has_gone_on_with_the_run(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the cursor runs ahead of the people, and the next kill loses a batch of them."""
    monkeypatch.setattr(importing, "BATCH", 10)
    run = begun(people(30))
    checked = importing._checked

    def another_stores_a_batch_and_dies() -> None:
        with app.app_context():
            theirs = importing._take(at=LATER + timedelta(seconds=90))
            assert theirs is not None
            holder = theirs.lease_owner or ""
            with importing.opened(theirs) as file:
                rows = reading.rows(file, reading.Reading.from_data(theirs.reading))
                batch = [next(rows) for _ in range(10)]
            assert importing._store_batch(
                theirs, batch, holder=holder, after=0, ask=importing._nobody, at=LATER
            )

    def slow(batch: Any, plan: importing.Plan) -> importing.Checked:
        monkeypatch.setattr(importing, "_checked", checked)
        other = threading.Thread(target=another_stores_a_batch_and_dies)
        other.start()
        other.join()
        return checked(batch, plan)

    monkeypatch.setattr(importing, "_checked", slow)
    importing.work(clock=lambda: LATER, ask=lambda _run: importing._nobody)
    db.session.expire_all()
    done = run.rows_done
    work(at=LATER + timedelta(minutes=10))

    assert done == 10
    assert (run.rows_done, run.imported, run.already) == (30, 30, 0)


def test_stopping_keeps_what_has_come_in(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(importing, "AT_A_TIME", 0.0)
    run = begun(people(30))
    importing.work(clock=lambda: LATER, ask=lambda _run: lambda _ids: None)

    importing.stop(run, by=None, at=LATER)
    importing.forget_file(run)
    work()

    assert (run.state, run.imported, how_many(Subscriber)) == (ImportState.STOPPED, 10, 10)
    with pytest.raises(NotNow):
        importing.stop(run, by=None, at=LATER)


def test_a_run_whose_file_is_gone_has_failed_and_somebody_is_told(app: Flask) -> None:
    run = begun(people(1))
    shelf.sweep_away(run.file_key or "")

    work()

    assert (run.state, run.problem) == (ImportState.FAILED, "import_file_gone")
    assert [one.code for one in open_alerts()] == ["import_failed"]


def test_a_yes_is_given_once(app: Flask) -> None:
    run = begun(people(1))

    with pytest.raises(NotNow):
        importing.begin(run, basis=BASIS, language="sv", by=None, at=A_MORNING)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"basis": " "}, "import_basis_missing"),
        ({"language": "de"}, "language_unknown"),
        ({"topics": []}, "import_topic_missing"),
        ({"topics": ["nothing-such"]}, "import_topic_missing"),
    ],
)
def test_case_36_a_yes_needs_a_basis_a_language_and_a_topic(
    app: Flask, more: dict[str, Any], key: str
) -> None:
    with pytest.raises(BadInput, match=key):
        begun(people(1), **more)


def test_case_38_an_import_sends_nothing_unless_it_is_asked_to(app: Flask) -> None:
    begun(people(50))

    work()

    assert how_many(Mailing) == how_many(Delivery) == 0


def test_case_38_those_asked_first_wait_behind_every_other_mail(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 20)
    pending("asked@reader.example")
    begun(people(50) + "X;asked@reader.example\n", ask_first=True)

    work()

    states = set(db.session.scalars(sa.select(Subscription.state)))
    mailings = db.session.scalars(sa.select(Mailing)).all()
    assert states == {SubscriptionState.PENDING}
    assert [one.lane for one in mailings] == [Lane.DIGEST] * 3
    assert {one.kind for one in mailings} == {MailingKind.CONFIRMATION}
    assert how_many(Delivery) == 50
    assert {one.subscription_id for one in db.session.scalars(sa.select(Delivery))} == set(
        db.session.scalars(sa.select(Subscription.id).where(Subscription.consent_source == BASIS))
    )


def test_several_topics_are_one_person_each(app: Flask) -> None:
    db.session.add(Topic(slug="water", name_sv="Vatten"))
    left = active("left@reader.example")
    from subscribers.audience.subscribing import EndedReason, end

    end(left, reason=EndedReason.USER_LINK, at=A_MORNING)
    active("reader0@reader.example")
    db.session.commit()

    run = begun(
        people(3) + "X;left@reader.example\n",
        topics=["press-releases", "water"],
        frequency=Frequency.WEEKLY,
    )
    work()

    assert (run.imported, run.left_out) == (3, 1)
    assert how_many(Subscription) == 2 + 6 - 1
    assert state_of(left) is SubscriptionState.ENDED


def test_who_left_one_topic_is_put_into_no_other_by_a_list(app: Flask) -> None:
    db.session.add(Topic(slug="water", name_sv="Vatten"))
    left = active("left@reader.example")
    from subscribers.audience.subscribing import EndedReason, end

    end(left, reason=EndedReason.ONE_CLICK, at=A_MORNING)
    db.session.commit()

    run = begun("email\nleft@reader.example\n", topics=["water"])
    work()

    assert omissions(importing.Report(run.id)) == [(2, "ended")]
    assert how_many(Subscription) == 1


def test_our_own_export_of_another_office_keeps_topics_and_leaves_out_the_rest(app: Flask) -> None:
    db.session.add(Topic(slug="water", name_sv="Vatten"))
    db.session.commit()
    head = "email,language,topic,frequency,state,asked_at,consent_source\n"

    report = import_(
        head
        + "a@reader.example,en,water,weekly,active,x,form\n"
        + "a@reader.example,en,press-releases,immediate,ended,x,form\n"
        + "b@reader.example,sv,unheard-of,immediate,active,x,form\n"
    )

    one = db.session.scalars(sa.select(Subscription)).one()
    assert (one.topic.slug, one.frequency, one.subscriber.language) == (
        "water",
        Frequency.WEEKLY,
        "en",
    )
    assert omissions(report) == [(3, "ended"), (4, "topic")]


def test_case_42_a_suppression_under_an_older_key_keeps_an_address_out(app: Flask) -> None:
    suppress(active("left@reader.example"), at=A_MORNING)
    known = active("known@reader.example")
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another secret that only this test knows"

    report = import_("email\nleft@reader.example\nknown@reader.example\nnew@reader.example\n")

    assert omissions(report) == [(2, "suppressed")]
    assert (report.imported, report.already) == (1, 1)
    assert how_many(Subscriber) == 3
    assert state_of(known) is SubscriptionState.ACTIVE


def test_a_try_says_what_would_come_of_it_and_stores_nothing(app: Flask) -> None:
    suppress(active("left@reader.example"), at=A_MORNING)
    run = uploaded(people(5) + "X;left@reader.example\nX;nonsense\n")

    sample = importing.try_out(run)
    db.session.rollback()

    assert (sample.rows, sample.fresh, sample.already) == (7, 5, 0)
    assert [one.reason.value for one in sample.problems] == ["suppressed", "unreadable"]
    assert how_many(Subscriber) == 1


def workbook(rows: list[list[object]]) -> io.BytesIO:
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Read me"])
    sheet = book.create_sheet("Adresser")
    for row in rows:
        sheet.append(row)
    book.save(file)
    return file


def test_a_workbook_is_read_like_a_list() -> None:
    file = workbook(
        [["Namn", "E-post"], ["Åsa\nB", "asa@reader.example"], [3, "bo@reader.example"]]
    )

    with workbooks.as_csv(file) as table:
        rows = list(reading.rows(table, reading.find_out(table)))

    assert [(row.line, row.email) for row in rows] == [
        (2, "asa@reader.example"),
        (3, "bo@reader.example"),
    ]


def test_a_workbook_that_unpacks_to_more_than_a_list_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "UNPACKED", 1000)

    with pytest.raises(BadInput, match="import_workbook_large"), workbooks.as_csv(workbook([])):
        pass


@pytest.mark.parametrize("content", [b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 x"])
def test_a_damaged_workbook_is_refused(content: bytes) -> None:
    with (
        pytest.raises(BadInput, match="import_workbook_damaged"),
        workbooks.as_csv(io.BytesIO(content)),
    ):
        pass


@pytest.fixture
def office(client: FlaskClient, editor: User, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(inviting.jobs, "ring", lambda _name: None)
    return signed_in(client, editor)


def test_the_whole_way_by_the_pages(office: FlaskClient, app: Flask) -> None:
    content = people(12) + "X;nonsense\n"
    answer = office.post(
        "/office/subscribers/imports/",
        data={"file": (io.BytesIO(content.encode("cp1252")), "kunder.csv")},
    )
    page = office.get(answer.location)
    refused = office.post(f"{answer.location}/begin", data={"basis": "", "topic": "press-releases"})
    office.post(
        f"{answer.location}/begin",
        data={"basis": BASIS, "topic": "press-releases", "language": "sv"},
    )
    running = office.get(answer.location)
    before = office.get(f"{answer.location}/progress").json
    inviting.import_lists()
    db.session.expire_all()
    after = office.get(f"{answer.location}/progress").json
    report = office.get(answer.location)
    csv_file = office.get(f"{answer.location}/report.csv")

    assert "13 rader i kunder.csv" in page.text
    assert "reader0@" not in page.text and "r•••@r•••.example" in page.text
    assert refused.status_code == 422 and "Ange varför" in refused.text
    assert "scripts/importing" in running.text
    assert before and before["is_going"] and before["total"] == 13
    assert after and not after["is_going"] and after["done"] == 13
    assert "12 nya prenumeranter" in report.text
    assert "14,ingen läsbar e-postadress" in csv_file.text


def test_another_column_can_be_chosen(office: FlaskClient) -> None:
    content = "E-post;Andra\nnonsense;dora@reader.example\n"
    path = office.post(
        "/office/subscribers/imports/", data={"file": (io.BytesIO(content.encode()), "x.csv")}
    ).location
    form = {"email": "1", "separator": "semicolon", "encoding": "utf-8-sig", "header": "1"}

    office.post(f"{path}/reading", data=form)
    office.post(f"{path}/begin", data={"basis": "x", "topic": "press-releases", "language": "sv"})
    inviting.import_lists()

    assert db.session.scalars(sa.select(Subscriber.address)).all() == ["dora@reader.example"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04", "Arbetsboken går inte att läsa"),
        (b"%PDF-1.7", "varken en CSV-fil"),
        (b"Namn;Telefon\nEva;1\n", "Namn, Telefon"),
        (b"", "Filen är tom"),
    ],
)
def test_a_refused_upload_says_why(office: FlaskClient, content: bytes, sentence: str) -> None:
    answer = office.post(
        "/office/subscribers/imports/", data={"file": (io.BytesIO(content), "list.csv")}
    )

    assert answer.status_code == 422
    assert sentence in answer.text
    assert how_many(ImportRun) == 0


def test_a_list_without_rows_is_refused_and_the_earlier_lists_stay_in_sight(
    office: FlaskClient,
) -> None:
    uploaded(people(2), name="tidigare.csv")

    answer = office.post(
        "/office/subscribers/imports/",
        data={"file": (io.BytesIO(b"E-post\n"), "tom.csv")},
    )

    assert answer.status_code == 422
    assert "Listan har rubriker men inga rader." in answer.text
    assert "tidigare.csv" in answer.text
    assert how_many(ImportRun) == 1


def test_an_upload_without_a_file_is_asked_for_one(office: FlaskClient) -> None:
    answer = office.post("/office/subscribers/imports/")

    assert answer.status_code == 422
    assert "Välj en fil." in answer.text


def test_what_a_list_calls_itself_is_shown_as_text(office: FlaskClient) -> None:
    content = b"email,<script>alert(1)</script>\nx@reader.example,<b>\n"
    path = office.post(
        "/office/subscribers/imports/", data={"file": (io.BytesIO(content), "<i>.csv")}
    ).location

    page = office.get(path).text

    assert "<script>alert" not in page and "<i>" not in page and "<b>" not in page


def test_a_list_with_a_column_of_languages_shows_its_report(office: FlaskClient) -> None:
    run = begun("E-post;Språk\na@reader.example;en\nb@reader.example;sv\n", language="en")
    while_it_goes = office.get(f"/office/subscribers/imports/{run.id}")
    work()
    done = office.get(f"/office/subscribers/imports/{run.id}")

    assert "engelska, om inte filen säger något annat" in while_it_goes.text.lower()
    assert "engelska, om inte filen säger något annat" in done.text.lower()


IMPORTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from app import create_app
from app.core.clock import now
from app.core.db import normal_url
from subscribers.audience import importing
from tests.conftest import settings_for
app = create_app(settings_for(normal_url(sys.argv[2]), Path(sys.argv[3])))
importing.BATCH = 200
with app.app_context():
    print("ready", flush=True)
    while importing.work(clock=now, ask=lambda run: lambda ids: None):
        pass
"""


def test_case_36_kill_9_again_and_again_stores_every_row_once(
    app: Flask, database_url: sa.URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begun(people(4000)).id
    url = database_url.render_as_string(hide_password=False)
    db.session.remove()

    for kill in range(4):
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", IMPORTER, str(CHECKOUT), url, str(tmp_path)],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()
        if kill == 3:
            child.wait(120)
        else:
            threading.Event().wait(0.1 + kill * 0.05)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        child.stdout.close()
        db.session.execute(sa.update(ImportRun).values(lease_until=now() - timedelta(seconds=1)))
        db.session.commit()

    db.session.expire_all()
    found = db.session.get_one(ImportRun, run_id)
    assert (found.state, found.imported, found.already) == (ImportState.DONE, 4000, 0)
    assert how_many(Subscriber) == how_many(Subscription) == 4000
