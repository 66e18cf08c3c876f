"""Statements that run for every mail, handed to the driver as they stand.

They are written over the models like any other query, and so cannot drift from them. But what
SQLAlchemy does with each parameter of each execution costs more than the databases' own work. So
each is turned into SQL once, and takes its parameters as the driver does: moments by `stored`,
members of an enumeration by their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.types import TypeEngine

from app.core.db import Id, UTCDateTime

Values = Mapping[str, object]
Columns = Mapping[str, sa.ColumnElement[Any]]
Update = sa.Update | ReturningUpdate[Any]
Order = Sequence[str] | None  # of parameters that go by their place and not by their name

POSTGRESQL = "postgresql"


class Statement:
    """One UPDATE, its parameters by their names. `build` is told which database it is for."""

    def __init__(self, build: Callable[[str], Update]) -> None:
        self._build = build
        self._made: dict[str, tuple[str, Order]] = {}

    def run(self, connection: sa.Connection, values: Values) -> sa.CursorResult[Any]:
        text, order = self.made(connection)
        return connection.exec_driver_sql(text, _placed(values, order))

    def made(self, connection: sa.Connection) -> tuple[str, Order]:
        """Its SQL for this database."""
        database = connection.dialect.name
        if database not in self._made:
            compiled = self._build(database).compile(dialect=connection.dialect)
            self._made[database] = str(compiled), compiled.positiontup
        return self._made[database]


class StatementForRows:
    """One UPDATE for many rows that differ in some `columns`, which `build` gets to write it with.

    PostgreSQL takes them all at once, since each would be a journey of its own; on SQLite, where
    nothing travels, one after the other is quicker.
    """

    def __init__(
        self, columns: Mapping[str, TypeEngine[Any]], build: Callable[[Columns], Update]
    ) -> None:
        def written(database: str) -> Update:
            return build(_together(columns) if database == POSTGRESQL else _one(columns))

        self._columns = columns
        self._statement = Statement(written)

    def run(self, connection: sa.Connection, rows: Sequence[Values]) -> None:
        if connection.dialect.name == POSTGRESQL:
            columns = {name: [row[name] for row in rows] for name in self._columns}
            self._statement.run(connection, columns)
            return
        text, order = self._statement.made(connection)
        connection.exec_driver_sql(text, [_placed(row, order) for row in rows])


def _one(columns: Mapping[str, TypeEngine[Any]]) -> Columns:
    return {name: sa.bindparam(name, type_=kind) for name, kind in columns.items()}


def _together(columns: Mapping[str, TypeEngine[Any]]) -> Columns:
    """The columns of a table that is made of an array for each."""
    arrays = (sa.bindparam(name, type_=ARRAY(kind)) for name, kind in columns.items())
    names = (sa.column(name, kind) for name, kind in columns.items())
    table = sa.func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return {name: table.c[name] for name in columns}


def _placed(values: Values, order: Order) -> Any:
    return values if order is None else tuple([values[name] for name in order])


def word(member: StrEnum) -> sa.ColumnElement[str]:
    """A member as a constant of the statement."""
    return sa.literal_column(f"'{member.value}'", sa.String)


def stored(at: datetime | None, connection: sa.Connection) -> object:
    """A moment as the driver takes it."""
    processor = _moments(connection.dialect)
    return at if processor is None else processor(at)


@lru_cache(maxsize=4)
def _moments(dialect: sa.Dialect) -> Callable[[object], object] | None:
    """How a database's driver takes a moment; None when as it is."""
    return UTCDateTime().dialect_impl(dialect).bind_processor(dialect)


def is_one_of(column: sa.ColumnElement[int], name: str, database: str) -> sa.ColumnElement[bool]:
    """Whether a number is among those of one parameter, made by `numbers`, however many."""
    if database == POSTGRESQL:
        return column == sa.any_(sa.bindparam(name, type_=ARRAY(Id)))
    each = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value", name="given")
    return column.in_(sa.select(each.c.value))


def numbers(them: Sequence[int], connection: sa.Connection) -> object:
    """Some numbers as one parameter."""
    return list(them) if connection.dialect.name == POSTGRESQL else str(list(them))
