"""Publishing by the clock: at the minute, or visibly not, whatever is killed, on any night."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import beats, jobs
from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db
from app.core.organisation import organisation, unnamed
from app.settings import CHECKOUT
from releases.desk.models import Notification
from releases.editorial import preflight, publishing, workflow
from releases.editorial.models import Publication, Release, ReleaseEvent, State
from releases.editorial.preflight_page import schedule_of
from releases.editorial.scheduling import moment, spoken
from releases.editorial.writing import save, text_of
from subscribers.mailings.models import Delivery, Mailing, MailingKind
from subscribers.mailings.sending.materialising import materialise
from tests import factories
from tests.conftest import SECRET
from tests.factories import A_MORNING
from tests.subscribers.mailings.cast import subscriber

SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Let the clock that publishes show a moment."""

    def set_to(at: datetime) -> None:
        monkeypatch.setattr(publishing, "now", lambda: at)

    return set_to


def office(**facts: object) -> None:
    """An organisation of the tests' own."""
    stored = unnamed("Centret", "The Centre")
    for name, value in facts.items():
        setattr(stored, name, value)
    db.session.add(stored)
    db.session.commit()


def scheduled(writer: User, editor: User, at: datetime, **more: object) -> Release:
    release = factories.release(writer, state=State.APPROVED, editor=editor)
    workflow.schedule(release, publish_at=at, by=editor, at=A_MORNING, **more)  # type: ignore[arg-type]
    db.session.commit()
    return release


def state_of(release: Release) -> State:
    db.session.rollback()
    db.session.refresh(release)
    return release.state


def mailings() -> list[Mailing]:
    kind = Mailing.kind == MailingKind.RELEASE
    return list(db.session.scalars(sa.select(Mailing).where(kind)))


def told(person: User) -> list[str]:
    query = sa.select(Notification.kind).where(Notification.user_id == person.id)
    return list(db.session.scalars(query))


def test_it_goes_out_at_its_minute_with_its_mailing(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)

    set_clock(at - timedelta(seconds=1))
    publishing.publish_due()
    assert state_of(release) is State.SCHEDULED
    set_clock(at + timedelta(seconds=2))
    publishing.publish_due()

    assert state_of(release) is State.PUBLISHED
    assert len(mailings()) == 1
    assert _last_event(release).reason == ""


def test_a_little_late_it_goes_out_and_the_history_says_how_late(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)

    set_clock(at + timedelta(minutes=60))
    publishing.publish_due()

    assert state_of(release) is State.PUBLISHED
    assert _last_event(release).reason == "Publicerades 60 minuter efter utsatt tid."
    publication = db.session.scalars(sa.select(Publication)).one()
    assert publication.note == ""


def test_later_than_the_office_allows_a_person_decides(
    app: Flask, writer: User, editor: User, admin: User, set_clock: SetClock
) -> None:
    office(grace_minutes=10)
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)

    set_clock(at + timedelta(minutes=10, seconds=1))
    publishing.publish_due()

    assert state_of(release) is State.FAILED
    assert release.failure == [{"key": "schedule.late", "facts": {"due_at": at.isoformat()}}]
    assert mailings() == []
    assert all("failed" in told(person) for person in (writer, editor, admin))
    with app.test_request_context():
        (sentence,) = schedule_of(release, at=at)["failure"]
    assert "23 november 2026 kl. 10.00" in sentence


def test_what_blocks_at_its_minute_is_kept_line_by_line(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    office(preflight={"applicants_not_told": "block"})
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)

    set_clock(at)
    publishing.publish_due()

    assert state_of(release) is State.FAILED
    assert release.failure == [
        {"key": "preflight.line.applicants_not_told", "facts": {"name": "Våren 2026"}}
    ]
    assert mailings() == []
    assert "failed" in told(writer)


def test_failing_is_not_told_again_each_minute(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    office(preflight={"applicants_not_told": "block"})
    at = A_MORNING + timedelta(hours=1)
    scheduled(writer, editor, at)

    for minute in range(3):
        set_clock(at + timedelta(minutes=minute))
        publishing.publish_due()

    assert told(writer).count("failed") == 1


def test_one_that_breaks_stops_no_other_and_ends_where_people_look(
    app: Flask,
    writer: User,
    editor: User,
    set_clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    at = A_MORNING + timedelta(hours=1)
    broken, whole = (scheduled(writer, editor, at) for _ in range(2))
    ids = (broken.id, whole.id)
    really = workflow.announcement

    def announce(release: Release) -> object:
        if release.id == ids[0]:
            raise ZeroDivisionError("nobody had thought of this")
        return really(release)

    monkeypatch.setattr(workflow, "announcement", announce)
    set_clock(at)
    publishing.publish_due()

    assert state_of(broken) is State.FAILED
    assert broken.failure == [{"key": "schedule.unexpected", "facts": {}}]
    assert state_of(whole) is State.PUBLISHED
    assert [mailing.key for mailing in mailings()] == [f"release:{whole.id}:r1:sv"]
    assert "nobody had thought of this" in caplog.text
    assert db.session.scalar(sa.select(sa.func.count(Publication.id))) == 1


def test_another_time_chosen_in_the_last_moment_holds(
    app: Flask, writer: User, editor: User, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)
    found = publishing._due

    def changed_meanwhile(moment_: datetime) -> object:
        ids = list(found(moment_))
        db.session.execute(sa.update(Release).values(publish_at=at + timedelta(days=1)))
        db.session.commit()
        return ids

    monkeypatch.setattr(publishing, "_due", changed_meanwhile)
    set_clock(at)
    publishing.publish_due()

    assert state_of(release) is State.SCHEDULED
    assert mailings() == []


def test_a_failed_release_goes_out_when_it_is_tried_again(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    office(preflight={"applicants_not_told": "block"})
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at, mail_wanted=False)
    set_clock(at)
    publishing.publish_due()
    organisation().preflight = {}
    db.session.commit()

    workflow.publish(db.session.get_one(Release, release.id), by=editor, at=at)
    db.session.commit()

    assert state_of(release) is State.PUBLISHED
    assert release.failure is None
    assert mailings() == []


# The hour of the mail


def test_a_later_mail_waits_for_its_hour_and_reaches_who_had_signed_up_by_then(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    at = A_MORNING + timedelta(hours=1)
    mail_at = at + timedelta(hours=2)
    scheduled(writer, editor, at, mail_at=mail_at)
    subscriber("early@news.example")
    set_clock(at)
    publishing.publish_due()
    late = subscriber("late@news.example")
    late.consent_at = at + timedelta(hours=1)
    after = subscriber("after@news.example")
    after.consent_at = mail_at + timedelta(seconds=1)
    db.session.commit()

    assert not materialise(at=mail_at - timedelta(seconds=1))
    while materialise(at=mail_at):
        pass

    (mailing,) = mailings()
    assert mailing.starts_at == mail_at
    query = sa.select(Delivery.address).where(Delivery.mailing_id == mailing.id)
    assert sorted(db.session.scalars(query)) == ["early@news.example", "late@news.example"]


def test_no_mail_is_no_mail(app: Flask, writer: User, editor: User, set_clock: SetClock) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at, mail_wanted=False)

    set_clock(at)
    publishing.publish_due()

    assert state_of(release) is State.PUBLISHED
    assert mailings() == []
    assert db.session.scalars(sa.select(Publication)).one().mailing_key is None


def test_a_person_who_publishes_may_leave_the_mail_out(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer, state=State.APPROVED, editor=editor)

    workflow.publish(release, mail=False, by=editor, at=A_MORNING)

    assert mailings() == []
    assert not release.mail_wanted


# The nights when the clock jumps


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        (0, datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        (1, datetime(2027, 10, 31, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_hour_that_comes_twice_publishes_at_the_one_that_was_meant(
    app: Flask, writer: User, editor: User, set_clock: SetClock, fold: int, expected: datetime
) -> None:
    zone = organisation().time_zone
    at = moment(date(2027, 10, 31), clock_time(2, 30), zone, fold)
    release = scheduled(writer, editor, at)

    went_out = None
    for minutes in range(0, 240):
        tick = datetime(2027, 10, 30, 23, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        set_clock(tick)
        publishing.publish_due()
        if went_out is None and state_of(release) is State.PUBLISHED:
            went_out = tick

    assert went_out == expected
    assert spoken(expected, "sv", zone).endswith(("(sommartid)", "(normaltid)")[fold])
    assert len(mailings()) == 1


def test_the_night_without_half_past_two_publishes_at_three(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    zone = organisation().time_zone
    release = scheduled(writer, editor, moment(date(2027, 3, 28), clock_time(3, 0), zone))

    set_clock(datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC))
    publishing.publish_due()
    assert state_of(release) is State.SCHEDULED
    set_clock(datetime(2027, 3, 28, 1, 0, tzinfo=UTC))
    publishing.publish_due()

    assert state_of(release) is State.PUBLISHED


# The worker


def test_what_is_promised_for_a_minute_comes_first_in_a_sweep(app: Flask) -> None:
    """A long mailing must not stand before it."""
    assert set(jobs.in_order()[:2]) == {"publish_due", "begin_planned"}


def test_a_round_begins_when_the_shared_clock_shows_a_full_minute(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publication is promised at a minute, by a clock that one machine cannot have wrong."""
    shown = [datetime(2026, 11, 23, 8, 0, 37, 250_000, tzinfo=UTC)]
    minutes: list[datetime] = []
    monkeypatch.setattr(beats, "beat", lambda _name: shown[0])
    monkeypatch.setattr(jobs, "stopping", Waiting(shown, rounds=20))
    rounds = jobs.Rounds(app)
    monkeypatch.setattr(rounds, "_start", lambda at: minutes.append(at) if at else None)

    rounds.keep()

    later = minutes[1:]
    assert len(later) == 3
    assert all(at.second == 0 and at.microsecond < 500_000 for at in later)


class Waiting(threading.Event):
    """Time that passes only when somebody waits for it, and ends after so many rounds."""

    def __init__(self, shown: list[datetime], *, rounds: int) -> None:
        super().__init__()
        self.shown, self.rounds = shown, rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.shown[0] += timedelta(seconds=timeout or 0)
        self.rounds -= 1
        return self.rounds <= 0


SLOW_AND_KILLED = """
import sys, time
from pathlib import Path
from app import create_app
from app.core import beats, jobs
from releases.editorial import publishing, workflow

app = create_app()
place = sys.argv[1]
here = Path(sys.argv[2])

def stop_here(*_given, **_named):
    here.touch()
    time.sleep(60)

if place == "before the commit":
    workflow.tell = stop_here  # the last that happens before it
elif place == "after the commit":
    jobs.ring = stop_here
elif place == "while failing":
    publishing.fail = stop_here
with app.app_context():
    publishing.publish_due()
"""


def process(app: Flask, *arguments: str) -> subprocess.Popen[bytes]:
    url: sa.URL = app.config["SQLALCHEMY_DATABASE_URI"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "PRESSRUM_VAR": str(app.config["VAR"]),
        "PRESSRUM_DATABASE_URL": url.render_as_string(hide_password=False),
        "PRESSRUM_SECRET_KEY": SECRET,
        "PRESSRUM_MAIL_PORT": "9",
    }
    return subprocess.Popen([sys.executable, *arguments], env=environment)


@pytest.mark.parametrize("place", ["before the commit", "after the commit", "while failing"])
def test_a_worker_killed_at_the_minute_leaves_nothing_half_done(
    app: Flask, tmp_path: Path, place: str
) -> None:
    writer = factories.user("alva@press.example", role=Role.WRITER)
    editor = factories.user("bo@press.example", role=Role.EDITOR)
    blocked = place == "while failing"
    office(preflight={"applicants_not_told": "block"} if blocked else {})
    release_id = scheduled(writer, editor, now() + timedelta(hours=1)).id
    db.session.execute(sa.update(Release).values(publish_at=now() - timedelta(seconds=5)))
    db.session.commit()
    db.session.remove()
    reached = tmp_path / "reached"

    killed = process(app, "-c", SLOW_AND_KILLED, place, str(reached))
    deadline = time.monotonic() + 60
    while not reached.exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reached.exists()
    killed.send_signal(signal.SIGKILL)
    killed.wait()

    release = db.session.get_one(Release, release_id)
    is_out = place == "after the commit"
    assert release.state is (State.PUBLISHED if is_out else State.SCHEDULED)
    assert len(mailings()) == (1 if is_out else 0)
    assert db.session.scalar(sa.select(sa.func.count(Publication.id))) == len(mailings())
    db.session.rollback()

    assert process(app, "-m", "app.cli", "worker", "--once").wait(120) == 0

    assert state_of(release) is (State.FAILED if blocked else State.PUBLISHED)
    assert len(mailings()) == (0 if blocked else 1)
    assert db.session.scalar(sa.select(sa.func.count(Publication.id))) == len(mailings())


def test_two_workers_at_once_publish_once(app: Flask, writer: User, editor: User) -> None:
    release_id = scheduled(writer, editor, now() + timedelta(hours=1)).id
    db.session.execute(sa.update(Release).values(publish_at=now() - timedelta(seconds=5)))
    db.session.commit()
    db.session.remove()

    both = [process(app, "-m", "app.cli", "worker", "--once") for _ in range(2)]
    assert [one.wait(120) for one in both] == [0, 0]

    assert state_of(db.session.get_one(Release, release_id)) is State.PUBLISHED
    assert len(mailings()) == 1
    query = sa.select(sa.func.count()).where(ReleaseEvent.action == "publish")
    assert db.session.scalar(query) == 1


def test_what_was_in_order_when_it_was_scheduled_may_be_stopped_by_what_happens_since(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    """An approved text cannot change, but its round can."""
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)
    assert preflight.blocking(preflight.preflight(release, at=at)) == []
    award = release.story.round.awards[0]  # type: ignore[union-attr]
    award.amount += 1_000
    release.story.round.version = 2  # type: ignore[union-attr]
    db.session.commit()

    set_clock(at)
    publishing.publish_due()

    assert state_of(release) is State.FAILED
    assert release.failure is not None
    assert release.failure[0]["key"] == "preflight.line.figures_stale"


def test_editing_takes_it_off_the_schedule(
    app: Flask, writer: User, editor: User, set_clock: SetClock
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at)
    text = text_of(release.head)
    changed = type(text)(**{**text.__dict__, "headline": "En annan rubrik"})
    save(release, changed, base_id=release.head.id, by=writer, at=A_MORNING)
    db.session.commit()

    set_clock(at)
    publishing.publish_due()

    assert state_of(release) is State.DRAFT


def test_an_edited_text_that_is_published_at_once_is_mailed_at_once(
    app: Flask, writer: User, editor: User
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at, mail_at=at + timedelta(days=1))
    changed = replace(text_of(release.head), headline="En annan rubrik")
    save(release, changed, base_id=release.head.id, by=writer, at=A_MORNING)
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head.id, by=editor, at=A_MORNING)

    workflow.publish(release, by=editor, at=A_MORNING)

    (mailing,) = mailings()
    assert mailing.starts_at is None


def test_sending_back_what_failed_leaves_no_hour_behind(
    app: Flask, writer: User, editor: User
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at, mail_at=at + timedelta(days=1))
    workflow.fail(release, failure=[{"key": "schedule.unexpected", "facts": {}}], at=at)

    workflow.send_back(release, reason="Fel siffra", by=editor, at=at)

    assert (release.publish_at, release.mail_at, release.failure) == (None, None, None)


def test_a_person_who_mails_it_now_does_not_wait_for_the_hour_of_the_schedule(
    app: Flask, writer: User, editor: User
) -> None:
    at = A_MORNING + timedelta(hours=1)
    release = scheduled(writer, editor, at, mail_at=at + timedelta(days=1))

    workflow.publish(release, mail=True, by=editor, at=A_MORNING)

    (mailing,) = mailings()
    assert mailing.starts_at is None


def _last_event(release: Release) -> ReleaseEvent:
    query = sa.select(ReleaseEvent).where(ReleaseEvent.release_id == release.id)
    return db.session.scalars(query.order_by(ReleaseEvent.id.desc()).limit(1)).one()
