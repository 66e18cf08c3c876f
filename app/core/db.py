"""The database: one declarative base, the column types, and how each engine is told to behave.

SQLite runs in WAL mode with foreign keys on. A unit of work that may write begins with
BEGIN IMMEDIATE, since a deferred transaction that turns from reading to writing fails at once when
somebody else writes; a web request that only reads begins deferred, so readers never queue.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)


REST_SECONDS = 1.0  # after which a connection to a server may have been cut off

db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept as UTC. Refuses naive ones: elsewhere they would mean another."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JSONText(TypeDecorator[Any]):
    """JSON kept as text, the same on both databases; never queried inside, only carried."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


def one_of(words: type[StrEnum], name: str) -> sa.Enum:
    """A column that holds the values of `words`, kept by a CHECK called `name`."""
    return sa.Enum(
        words,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


# 64 bits everywhere; SQLite gives its own row ids only to a plain INTEGER key.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PrimaryKey = Annotated[int, mapped_column(Id, primary_key=True)]


def guarded(statement: sa.Update | sa.Delete) -> bool:
    """Run an UPDATE or DELETE whose WHERE guards against a race; True when it hit one row."""
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]


_only_reading: ContextVar[bool] = ContextVar("only_reading", default=False)


@contextmanager
def reading() -> Iterator[None]:
    """Within it, transactions that begin on SQLite take no write lock.

    For work that changes nothing, such as a GET; a write still works when nobody else writes.
    """
    mark = _only_reading.set(True)
    try:
        yield
    finally:
        _only_reading.reset(mark)


@contextmanager
def writing() -> Iterator[None]:
    """Within it, a request that otherwise reads leaves a record, such as of having been seen.

    What it had begun is ended first: a transaction that turns from reading to writing fails when
    somebody else has written in between.
    """
    mark = _only_reading.set(False)
    db.session.rollback()
    try:
        yield
    finally:
        _only_reading.reset(mark)


def engine_options(url: sa.URL) -> dict[str, Any]:
    """How to connect, by database. PostgreSQL always through psycopg 3.

    What was to be written stands in no error: errors are logged, and rows hold people's addresses.
    """
    if url.get_backend_name() == "sqlite":
        return {
            "connect_args": {"timeout": 30, "check_same_thread": False},
            "hide_parameters": True,
        }
    return {"pool_size": 10, "max_overflow": 20, "hide_parameters": True}


def prepare_engine(engine: sa.Engine) -> None:
    """Hang our habits on an engine: pragmas and immediate transactions on SQLite; connections to a
    server are tried before they are used, unless they were a moment ago."""
    if engine.dialect.name != "sqlite":
        _try_after_rest(engine)
        return

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin for us
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if _only_reading.get() else "BEGIN IMMEDIATE")


def _try_after_rest(engine: sa.Engine) -> None:
    """Like pool_pre_ping, which asks each time: while mail goes out, hundreds of times a second."""

    @event.listens_for(engine, "checkin")
    def _left(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["left_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("left_at", math.inf) < REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error


def normal_url(text: str) -> sa.URL:
    """A database address as given by a person, with the driver we use.

    Raises sqlalchemy.exc.ArgumentError for what is no address.
    """
    url = sa.make_url(text)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url
