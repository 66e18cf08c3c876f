"""Importing a list of addresses that an office brings along, with the consent it stands on.

An upload waits for its preview to be said yes to; a worker then stores it a batch at a time, and
how far it has come is written in the batch's own transaction, so that whatever is killed repeats
nothing. An import never changes anybody's state: who left, was suppressed or was erased stays out,
and each row that did is in the report with its reason.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from operator import itemgetter
from secrets import token_bytes, token_hex
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.core import shelf
from app.core.accounts import User
from app.core.alerts import raise_alert
from app.core.audit import record
from app.core.db import db, guarded
from app.core.errors import BadInput, NotFound, NotNow
from app.core.storage import Content
from app.core.words import LANGUAGES
from subscribers.audience import addresses, consent_texts, reading
from subscribers.audience.models import (
    ERASED,
    LEFT,
    PUBLIC_ID_BYTES,
    Frequency,
    ImportProblem,
    ImportRun,
    ImportState,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)
from subscribers.audience.reading import Reading, Row
from subscribers.audience.subscribing import PRESS_RELEASES

# Large, since each batch writes most pages of the indexes that lie in no order once.
BATCH = 50_000
PART = 10_000  # rows of a report that are read at once
# What a connection to SQLite has for its pages while it imports, and how many it lets gather before
# they are written back; both are its defaults again afterwards.
ROOM = {"cache_size": -65_536, "wal_autocheckpoint": 16_000}
USUAL = {"cache_size": -2_000, "wal_autocheckpoint": 1_000}
PUBLIC_ID_RANDOM = 12  # bytes of a public id that nobody can guess
LEASE = timedelta(seconds=60)  # a batch takes a second or two
AT_A_TIME = 20.0  # seconds that one ring of the bell works for
FILE = "list.csv"  # what an upload is called on the shelf

BECAUSE = {ERASED: "erased", LEFT: "ended"}  # what a suppression of these reasons is called
FREQUENCIES = {one.value for one in Frequency}

Ask = Callable[[Sequence[int]], None]


class LeftOut(StrEnum):
    """Why a row was not imported."""

    UNREADABLE = "unreadable"
    PENDING = "pending"  # has asked, and must confirm
    ENDED = "ended"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    TOPIC = "topic"  # our own export of another office, and a topic that is not here


@dataclass(frozen=True, order=True)
class Omission:
    """A record that was left out. A forgotten quotation mark can make one of many lines."""

    line: int
    last_line: int
    reason: LeftOut


@dataclass(frozen=True)
class Report:
    """What became of the rows so far. Which were left out stands in ImportProblem (`left_out`)."""

    run_id: int
    imported: int = 0
    already: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Plan:
    """What to make of the rows of a list; the same for all of them."""

    basis: str
    language: str
    topics: tuple[int, ...]  # their ids
    slugs: dict[str, int]  # every topic there is
    frequency: Frequency
    ask_first: bool
    secrets: tuple[str, ...]  # today's, and those it replaced


@dataclass
class Checked:
    """A batch as far as it can be judged by itself: its lines for `incoming`, and what is wrong."""

    batch: Sequence[Row]
    lines: list[tuple[object, ...]] = field(default_factory=list)
    readable: int = 0
    repeated: int = 0
    own_topics: bool = False  # whether some rows name the topic they are for
    problems: list[Omission] = field(default_factory=list)


# The batch on its way in. A table of the connection's own: both databases join it to their indexes
# many times faster than they take ten thousand hashes in a list.
incoming = sa.Table(
    "incoming_subscriber",
    sa.MetaData(),
    sa.Column("hash", sa.LargeBinary(32)),
    sa.Column("n", sa.Integer),
    sa.Column("address", sa.String(320)),  # NULL where it is known, or under a retained key
    sa.Column("domain", sa.String(253)),
    sa.Column("language", sa.String(2)),
    sa.Column("frequency", sa.String(20)),
    sa.Column("topic_id", sa.BigInteger),  # NULL: those that the import is for
    sa.Column("names", sa.LargeBinary),  # the random end of a public id for each of its topics
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)


def upload(
    *,
    file: IO[bytes],
    content: Content,
    file_name: str,
    by: User | None,
    at: datetime,
) -> ImportRun:
    """Put a list on the shelf and write down how it reads; nobody is stored yet.

    `content` is what `file` reads. Raises BadInput for a file that holds no addresses, and
    storage.Silent.
    """
    found = reading.find_out(file)
    rows_total = reading.count(file, found)
    if not rows_total:
        raise BadInput("import_no_rows")
    run = ImportRun(
        file_key=shelf.new_key(),
        file_name=file_name[:200],
        file_bytes=len(content),
        state=ImportState.UPLOADED,
        language=LANGUAGES[0],
        topics=[PRESS_RELEASES],
        reading=found.as_data(),
        rows_total=rows_total,
        by_id=by.id if by else None,
        created_at=at,
    )
    assert run.file_key is not None
    shelf.put(run.file_key, {FILE: content})
    db.session.add(run)
    db.session.flush()
    return run


def read_otherwise(run: ImportRun, **changes: Any) -> None:
    """Read an upload by another column, separator or encoding than was found. Raises NotNow."""
    _still_waiting(run)
    found = Reading.from_data({**run.reading, **changes})
    run.reading = found.as_data()
    with opened(run) as file:
        run.rows_total = reading.count(file, found)
    db.session.flush()


def begin(
    run: ImportRun,
    *,
    basis: str,
    language: str,
    topics: Sequence[str] = (PRESS_RELEASES,),
    frequency: Frequency = Frequency.IMMEDIATE,
    ask_first: bool = False,
    by: User | None,
    at: datetime,
) -> None:
    """Say yes to an upload: a worker takes it from here. Raises BadInput and NotNow."""
    _still_waiting(run)
    _check(basis=basis, language=language, topics=topics)
    run.basis, run.language, run.topics = basis.strip()[:500], language, list(topics)
    run.frequency, run.ask_first = frequency, ask_first
    run.state, run.started_at = ImportState.RUNNING, at
    _record_start(run, by=by, at=at)
    db.session.flush()


def stop(run: ImportRun, *, by: User | None, at: datetime) -> None:
    """End an import, or do away with an upload. What has come in stays. Raises NotNow."""
    stopped = guarded(
        sa.update(ImportRun)
        .where(
            ImportRun.id == run.id,
            ImportRun.state.in_((ImportState.UPLOADED, ImportState.RUNNING)),
        )
        .values(state=ImportState.STOPPED, finished_at=at, lease_owner=None, lease_until=None)
    )
    if not stopped:
        raise NotNow("import_is_over")
    db.session.refresh(run)
    if run.started_at is not None:
        _record_end(run, by=by, at=at)


def forget_file(run: ImportRun) -> None:
    """Take an ended run's file off the shelf. Commits before, so that no row names what is gone."""
    key, run.file_key = run.file_key, None
    db.session.commit()
    if key:
        shelf.sweep_away(key)


def forget_lists_with(norm: str, *, at: datetime) -> None:
    """Do away with lists that wait for a yes and hold an address. No commit.

    One that a worker is at loses its file when it is done; a suppression keeps the address out.
    """
    wanted = norm.encode()
    waiting = sa.select(ImportRun).where(
        ImportRun.state == ImportState.UPLOADED, ImportRun.file_key.is_not(None)
    )
    for run in db.session.scalars(waiting):
        if _holds(run, wanted):
            shelf.sweep_away(run.file_key or "")
            run.file_key, run.problem = None, "import_file_gone"
            _end(run, ImportState.FAILED, at=at)


def _holds(run: ImportRun, wanted: bytes) -> bool:
    """Whether a file holds these bytes, in capitals or not."""
    encoded = wanted.decode().encode("utf-16-le")
    try:
        with opened(run) as file:
            end = b""
            while part := file.read(1 << 20):
                text = (end + part).lower()
                if wanted in text or encoded in text:
                    return True
                end = part[-1024:]
    except FileNotFoundError:
        return True
    return False


def work(*, clock: Callable[[], datetime], ask: Callable[[ImportRun], Ask]) -> bool:
    """Store the next batches of the oldest import that nobody else is at. Commits.

    For AT_A_TIME seconds; True when there is more to do. Whoever is killed leaves a lease that runs
    out, and the next one goes on behind the last row that was stored. `ask` makes of a run what
    writes to its new people, for those that are to be asked first.
    """
    run = _take(at=clock())
    if run is None:
        return False
    until = time.monotonic() + AT_A_TIME
    # As they were when the file was opened: the row may tell of somebody else by now.
    holder, done = run.lease_owner or "", run.rows_done
    try:
        with opened(run) as file:
            rows = reading.rows(file, Reading.from_data(run.reading), after=done)
            while batch := list(islice(rows, BATCH)):
                if not _store_batch(
                    run, batch, holder=holder, after=done, ask=ask(run), at=clock()
                ):
                    return True  # stopped, or somebody else's by now
                done += len(batch)
                if time.monotonic() > until:
                    _let_go(run, holder=holder)
                    return True
    except FileNotFoundError:
        is_over = _fail(run, "import_file_gone", holder=holder, at=clock())
    else:
        is_over = _finish(run, holder=holder, at=clock())
    if is_over:
        forget_file(run)
    return True


def import_file(
    file: IO[bytes],
    *,
    basis: str,
    language: str,
    topics: Sequence[str] = (PRESS_RELEASES,),
    frequency: Frequency = Frequency.IMMEDIATE,
    file_name: str = "",
    ask: Ask | None = None,
    by: User | None = None,
    at: datetime,
) -> Iterator[Report]:
    """Add the addresses of a CSV file at hand as active subscribers; sends nothing.

    Yields what became of them after each batch, for the caller to commit. With `ask` they are
    asked first instead. `file` must be seekable. Raises BadInput, before anything is stored,
    without a basis or for a file that holds no addresses.
    """
    _check(basis=basis, language=language, topics=topics)
    found = reading.find_out(file)
    run = ImportRun(
        file_name=file_name[:200],
        file_bytes=0,
        state=ImportState.RUNNING,
        basis=basis.strip()[:500],
        language=language,
        topics=list(topics),
        frequency=frequency,
        reading=found.as_data(),
        ask_first=ask is not None,
        by_id=by.id if by else None,
        created_at=at,
        started_at=at,
        lease_owner=token_hex(8),
        lease_until=at + LEASE,
    )
    db.session.add(run)
    db.session.flush()
    _record_start(run, by=by, at=at)
    plan = _plan(run)
    rows = reading.rows(file, found)
    while batch := list(islice(rows, BATCH)):
        _store_rows(run, _checked(batch, plan), plan, ask=ask or _nobody, at=at)
        yield _report(run)
    run.rows_total = run.rows_done
    _end(run, ImportState.DONE, at=at)
    _record_end(run, by=by, at=at)
    yield _report(run)


def left_out(run_id: int) -> Iterator[Omission]:
    """Every row that an import left out, in the file's order, read a part at a time."""
    last = -1
    while part := db.session.execute(
        sa.select(ImportProblem.line, ImportProblem.last_line, ImportProblem.reason)
        .where(ImportProblem.run_id == run_id, ImportProblem.line > last)
        .order_by(ImportProblem.line)
        .limit(PART)
    ).all():
        for row in part:
            yield Omission(row.line, row.last_line, LeftOut(row.reason))
        last = part[-1].line


@dataclass(frozen=True)
class Sample:
    """What the first rows of an upload would come to."""

    rows: int
    fresh: int
    already: int
    problems: list[Omission]


def try_out(run: ImportRun, *, size: int = 5000, topics: Sequence[str] = ()) -> Sample:
    """How the first `size` rows would fare. Stores nothing: what it does is rolled back."""
    with opened(run) as file:
        batch = list(islice(reading.rows(file, Reading.from_data(run.reading)), size))
    plan = _plan(run, topics=topics or run.topics)
    checked = _checked(batch, plan)
    _bring_in(checked.lines)
    fresh, already, problems = checked.readable, checked.repeated, checked.problems
    for _number, row, mark in _weighed(checked, _standing_of(checked), plan):
        if mark is None:
            continue
        fresh -= 1
        if mark == "active":
            already += 1
        else:
            problems.append(Omission(row.line, row.last_line, LeftOut(mark)))
    return Sample(len(batch), fresh, already, sorted(problems))


def opened(run: ImportRun) -> IO[bytes]:
    """A run's file, to be closed. Raises FileNotFoundError."""
    if run.file_key is None:
        raise FileNotFoundError
    return shelf.opened(run.file_key, FILE)


def run(run_id: int) -> ImportRun:
    """Raises NotFound."""
    found = db.session.get(ImportRun, run_id)
    if found is None:
        raise NotFound("no_such_import")
    return found


def _check(*, basis: str, language: str, topics: Sequence[str]) -> None:
    if not basis.strip():
        raise BadInput("import_basis_missing")
    if language not in LANGUAGES:
        raise BadInput("language_unknown")
    known = set(db.session.scalars(sa.select(Topic.slug).where(Topic.slug.in_(topics))))
    if not topics or known != set(topics):
        raise BadInput("import_topic_missing")


def _still_waiting(run: ImportRun) -> None:
    db.session.refresh(run, with_for_update=True)
    if run.state is not ImportState.UPLOADED:
        raise NotNow("import_has_begun")


def _take(*, at: datetime) -> ImportRun | None:
    """Hold the oldest import that waits, or whose holder is gone. Commits."""
    free = sa.or_(ImportRun.lease_until.is_(None), ImportRun.lease_until < at)
    waiting = (
        sa.select(ImportRun.id)
        .where(
            sa.text("import_run.state = 'running'"),  # literal, for the partial index
            ImportRun.file_key.is_not(None),
            free,
        )
        .order_by(ImportRun.id)
        .limit(1)
    )
    run_id = db.session.scalar(waiting)
    taken = run_id is not None and guarded(
        sa.update(ImportRun)
        .where(ImportRun.id == run_id, ImportRun.state == ImportState.RUNNING, free)
        .values(lease_owner=token_hex(8), lease_until=at + LEASE)
    )
    db.session.commit()
    db.session.expire_all()
    return db.session.get(ImportRun, run_id) if taken else None


def _store_batch(
    run: ImportRun, batch: list[Row], *, holder: str, after: int, ask: Ask, at: datetime
) -> bool:
    """One batch and the cursor behind it, in one transaction. False when it is not ours any more.

    The row of the run is taken first, so two who both believe to hold it go one after the other;
    the batch is what stands behind `after` rows. What can be judged without the database is judged
    before, and keeps nobody from writing.
    """
    plan = _plan(run)
    db.session.commit()
    checked = _checked(batch, plan)
    if not _is_ours(run, ImportRun.rows_done == after, holder=holder, at=at):
        return False
    _store_rows(run, checked, plan, ask=ask, at=at)
    db.session.commit()
    return True


def _is_ours(
    run: ImportRun, *conditions: sa.ColumnElement[bool], holder: str, at: datetime
) -> bool:
    """Take the row of a run that `holder` still holds, until the end of the transaction."""
    held = guarded(
        sa.update(ImportRun)
        .where(
            ImportRun.id == run.id,
            ImportRun.state == ImportState.RUNNING,
            ImportRun.lease_owner == holder,
            *conditions,
        )
        .values(lease_until=at + LEASE)
    )
    if not held:
        _make_room(USUAL)
        db.session.rollback()
    return held


def _let_go(run: ImportRun, *, holder: str) -> None:
    guarded(
        sa.update(ImportRun)
        .where(ImportRun.id == run.id, ImportRun.lease_owner == holder)
        .values(lease_owner=None, lease_until=None)
    )
    _make_room(USUAL)
    db.session.commit()


def _finish(run: ImportRun, *, holder: str, at: datetime) -> bool:
    """False when it is not ours any more."""
    if not _is_ours(run, holder=holder, at=at):
        return False
    _end(run, ImportState.DONE, at=at)
    _record_end(run, by=db.session.get(User, run.by_id) if run.by_id else None, at=at)
    _make_room(USUAL)
    db.session.commit()
    return True


def _fail(run: ImportRun, problem: str, *, holder: str, at: datetime) -> bool:
    """False when it is not ours any more."""
    if not _is_ours(run, holder=holder, at=at):
        return False
    run.problem = problem
    _end(run, ImportState.FAILED, at=at)
    raise_alert("import_failed", str(run.id), at=at)
    db.session.commit()
    return True


def _end(run: ImportRun, state: ImportState, *, at: datetime) -> None:
    run.state, run.finished_at = state, at
    run.lease_owner = run.lease_until = None
    db.session.flush()


def _nobody(_subscriptions: Sequence[int]) -> None:
    """Nobody is written to."""


def _plan(run: ImportRun, *, topics: Sequence[str] | None = None) -> Plan:
    slugs = dict(db.session.execute(sa.select(Topic.slug, Topic.id)).all())
    return Plan(
        basis=run.basis,
        language=run.language,
        topics=tuple(slugs[slug] for slug in topics or run.topics if slug in slugs),
        slugs=slugs,
        frequency=run.frequency,
        ask_first=run.ask_first,
        secrets=addresses.secrets_in_force(),
    )


def _store_rows(run: ImportRun, checked: Checked, plan: Plan, *, ask: Ask, at: datetime) -> None:
    """Store of a batch what may come in, and note the rest; counts and cursor go with it."""
    _bring_in(checked.lines)
    standing = _standing_of(checked)
    already, problems = checked.repeated, checked.problems
    settled, known = [], []
    for number, row, mark in _weighed(checked, standing, plan):
        if mark is None:
            known.append(number)
            continue
        settled.append(number)
        if mark == "active":
            already += 1
        else:
            problems.append(Omission(row.line, row.last_line, LeftOut(mark)))
    fresh = checked.readable - len(settled)
    if fresh:
        _drop(settled)
        _address_no_more(known)
        added, asked = _store(plan, own_topics=checked.own_topics, at=at)
        if len(plan.topics) == 1:  # one that came in by another way in this very moment
            already, fresh = already + fresh - added, added
        if asked:
            ask(asked)
    _note(run.id, problems)
    run.rows_done += len(checked.batch)
    run.imported += fresh
    run.already += already
    run.left_out += len(problems)
    db.session.flush()


def _checked(batch: Sequence[Row], plan: Plan) -> Checked:
    """Read the addresses of a batch, each once; asks no database.

    The lines lie in the order of their hashes, since that is how the index lies that costs the
    most; what is joined to it and written by it goes from its one end to the other.
    """
    checked = Checked(batch)
    problems, lines, normal = checked.problems, checked.lines, addresses.normal
    hash_of, *old_hashes = [addresses.hasher(secret) for secret in plan.secrets]
    random_bytes = PUBLIC_ID_RANDOM * max(len(plan.topics), 1)
    randomness = token_bytes(random_bytes * len(batch))
    usual = plan.frequency.value
    seen: set[tuple[str, int | None]] = set()
    for number, row in enumerate(batch):
        line, last_line, email, state, language, topic, frequency = row
        try:
            norm = normal(email)
        except BadInput:
            problems.append(Omission(line, last_line, LeftOut.UNREADABLE))
            continue
        topic_id = None
        if state in ("ended", "pending"):
            problems.append(Omission(line, last_line, LeftOut(state)))
            continue
        if topic:
            topic_id = plan.slugs.get(topic)
            if topic_id is None:
                problems.append(Omission(line, last_line, LeftOut.TOPIC))
                continue
            checked.own_topics = True
        key = (norm, topic_id)
        if key in seen:
            checked.repeated += 1
            continue
        seen.add(key)
        language = language if language in LANGUAGES else plan.language
        frequency = frequency if frequency in FREQUENCIES else usual
        names = randomness[number * random_bytes : (number + 1) * random_bytes]
        domain = norm[norm.rindex("@") + 1 :]
        lines.append((hash_of(norm), number, norm, domain, language, frequency, topic_id, names))
        for old_hash in old_hashes:
            lines.append((old_hash(norm), number, None, None, language, frequency, topic_id, names))
    checked.readable = len(seen)
    lines.sort(key=itemgetter(0))
    return checked


def _bring_in(lines: list[tuple[object, ...]]) -> None:
    connection = db.session.connection()
    connection.execute(sa.schema.CreateTable(incoming, if_not_exists=True))
    connection.execute(sa.delete(incoming))
    if not lines:
        return
    if connection.dialect.name == "postgresql":
        # What a plan with a hash join would save for ten rows costs a walk through the whole table
        # for each batch.
        for habit in ("enable_hashjoin", "enable_mergejoin"):
            connection.exec_driver_sql(f"SET LOCAL {habit} = off")
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy("COPY incoming_subscriber FROM STDIN") as copy:
            for line in lines:
                copy.write_row(line)
    else:
        _make_room(ROOM)
        marks = ", ".join("?" * len(incoming.columns))
        connection.exec_driver_sql(f"INSERT INTO incoming_subscriber VALUES ({marks})", lines)  # noqa: S608


def _make_room(room: dict[str, int]) -> None:
    """The indexes of a million people do not fit into the two megabytes SQLite begins with."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        for what, much in room.items():
            connection.exec_driver_sql(f"PRAGMA {what} = {much}")


Standing = defaultdict[int, set[tuple[str, int | None]]]


def _standing_of(checked: Checked) -> Standing:
    """What we know of the incoming: marks, with the topic where they are of one."""
    marks: Standing = defaultdict(set)
    if not checked.lines:
        return marks
    known = (
        sa.select(incoming.c.n, Subscriber.erased_at, Subscription.topic_id, Subscription.state)
        .select_from(incoming)
        .join(Subscriber, Subscriber.address_hash == incoming.c.hash)
        .outerjoin(Subscription, Subscription.subscriber_id == Subscriber.id)
    )
    for number, erased_at, topic_id, state in db.session.execute(known):
        marks[number].add(("erased" if erased_at is not None else "known", None))
        if state is not None:
            marks[number].add((state.value, topic_id))
    forbidden = (
        sa.select(incoming.c.n, Suppression.reason, Topic.id)
        .select_from(incoming)
        .join(Suppression, Suppression.address_hash == incoming.c.hash)
        .outerjoin(Topic, Suppression.scope == "topic:" + Topic.slug)
    )
    for number, reason, topic_id in db.session.execute(forbidden):
        marks[number].add((BECAUSE.get(reason, "suppressed"), topic_id))
    return marks


def _weighed(
    checked: Checked, standing: Standing, plan: Plan
) -> Iterator[tuple[int, Row, str | None]]:
    """Each of those we know, with what keeps them out; "active" where there is nothing to do."""
    for number, marks in standing.items():
        row = checked.batch[number]
        wanted = (plan.slugs[row.topic],) if row.topic else plan.topics
        yield number, row, _weightiest(marks, wanted=wanted, ask_first=plan.ask_first)


def _weightiest(
    marks: set[tuple[str, int | None]], *, wanted: Sequence[int], ask_first: bool
) -> str | None:
    """What counts of what we know. Who has left something and not come back to it stays out of all
    that is new: a list from elsewhere must not undo what they have told us."""
    states: defaultdict[str, set[int | None]] = defaultdict(set)
    for what, topic_id in marks:
        states[what].add(topic_id)
    if "erased" in states:
        return LeftOut.ERASED
    if states["suppressed"] & {None, *wanted}:
        return LeftOut.SUPPRESSED
    open_ = states["active"] | (states["pending"] if ask_first else set())
    if open_ >= set(wanted):
        return "active"
    if states["ended"] - states["active"] - states["pending"]:
        return LeftOut.ENDED
    if states["pending"] & set(wanted):
        return None if ask_first else LeftOut.PENDING
    return None


def _drop(numbers: Sequence[int]) -> None:
    if numbers:
        db.session.execute(sa.delete(incoming).where(_is_one_of(numbers)))


def _address_no_more(numbers: Sequence[int]) -> None:
    """Those we know already, perhaps under a retained key, become no second subscriber."""
    if numbers:
        db.session.execute(sa.update(incoming).where(_is_one_of(numbers)).values(address=None))


def _is_one_of(numbers: Sequence[int]) -> sa.ColumnElement[bool]:
    """In one parameter: SQLite takes no more than some thousands, and a batch may be all known."""
    if db.engine.dialect.name == "sqlite":
        listed = sa.func.json_each(json.dumps(numbers)).table_valued("value")
        return incoming.c.n.in_(sa.select(listed.c.value))
    return incoming.c.n == sa.any_(sa.literal(list(numbers), postgresql.ARRAY(sa.Integer)))


def _store(plan: Plan, *, own_topics: bool, at: datetime) -> tuple[int, list[int]]:
    """Write down whom `incoming` still holds: (subscriptions added, their ids if to be asked)."""
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    when = sa.literal(at, Subscriber.created_at.type)
    people = sa.select(
        incoming.c.address, incoming.c.domain, incoming.c.hash, incoming.c.language, when
    )
    names = ["address", "domain", "address_hash", "language", "created_at"]
    db.session.execute(
        dialect.insert(Subscriber)
        .from_select(names, people.where(incoming.c.address.is_not(None)))
        .on_conflict_do_nothing()
    )
    added = 0
    asked: list[int] = []
    targets: list[tuple[int, object, sa.ColumnElement[bool]]] = [
        (place, sa.literal(topic_id), incoming.c.topic_id.is_(None))
        for place, topic_id in enumerate(plan.topics)
    ]
    if own_topics:
        targets.append((0, incoming.c.topic_id, incoming.c.topic_id.is_not(None)))
    for place, topic, which in targets:
        statement = _subscribing(plan, topic, which, place=place, at=at)
        if plan.ask_first:
            ids = list(db.session.scalars(statement.returning(Subscription.id)))
            added, asked = added + len(ids), asked + ids
        else:
            result = db.session.execute(statement.execution_options(preserve_rowcount=True))
            added += result.rowcount  # type: ignore[attr-defined]
    return added, asked


def _subscribing(
    plan: Plan, topic: Any, which: sa.ColumnElement[bool], *, place: int, at: datetime
) -> sqlite.Insert | postgresql.Insert:
    """Subscriptions to one topic, whose public ids end with the `place`-th of their names."""
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    when = sa.literal(at, Subscription.asked_at.type)
    beginning = _public_id_beginning(at)
    first = 1 + place * PUBLIC_ID_RANDOM
    end = sa.func.substr(incoming.c.names, first, PUBLIC_ID_RANDOM, type_=sa.LargeBinary)
    state = SubscriptionState.PENDING if plan.ask_first else SubscriptionState.ACTIVE
    columns = {
        "public_id": sa.cast(sa.literal(beginning, sa.LargeBinary).concat(end), sa.LargeBinary),
        "subscriber_id": Subscriber.id,
        "topic_id": topic,
        "state": sa.literal(state.value, sa.String),
        "frequency": incoming.c.frequency,
        "asked_at": when,
        "consent_source": sa.literal(plan.basis),
        "consent_text_version": sa.literal(consent_texts.CURRENT if plan.ask_first else ""),
        "consent_at": sa.null() if plan.ask_first else when,
    }
    rows = (
        sa.select(*columns.values())
        .select_from(incoming)
        .join(Subscriber, Subscriber.address_hash == incoming.c.hash)
        .where(which)
    )
    insert = dialect.insert(Subscription).from_select(list(columns), rows)
    found: sqlite.Insert | postgresql.Insert = insert.on_conflict_do_nothing()
    return found


def _public_id_beginning(at: datetime) -> bytes:
    """The second. Ids of one import lie together, so that their index is not filled all over."""
    return int(at.timestamp()).to_bytes(PUBLIC_ID_BYTES - PUBLIC_ID_RANDOM)


def _note(run_id: int, problems: list[Omission]) -> None:
    if problems:
        rows = [
            {"run_id": run_id, "line": p.line, "last_line": p.last_line, "reason": p.reason.value}
            for p in problems
        ]
        db.session.execute(sa.insert(ImportProblem), rows)


def _report(run: ImportRun) -> Report:
    return Report(run.id, run.imported, run.already, run.left_out)


def _record_start(run: ImportRun, *, by: User | None, at: datetime) -> None:
    record(
        "subscriber.import",
        "subscriber",
        None,
        title=run.basis,
        by=by,
        at=at,
        language=run.language,
    )


def _record_end(run: ImportRun, *, by: User | None, at: datetime) -> None:
    record(
        "subscriber.imported",
        "subscriber",
        None,
        title=run.basis,
        by=by,
        at=at,
        imported=run.imported,
        already=run.already,
        left_out=run.left_out,
    )


def left_out_by_reason(run_id: int) -> dict[LeftOut, int]:
    """How many rows an import left out, by why."""
    counted = (
        sa.select(ImportProblem.reason, sa.func.count())
        .where(ImportProblem.run_id == run_id)
        .group_by(ImportProblem.reason)
    )
    return {LeftOut(reason): n for reason, n in db.session.execute(counted)}
