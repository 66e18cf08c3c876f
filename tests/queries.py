"""How often something asks the database, and what it says to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.core.db import db


@contextmanager
def statements(*, which: Callable[[str], bool] = bool) -> Iterator[list[str]]:
    """Whatever is said to the database meanwhile, or only what is asked for."""
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_more: object) -> None:
        if which(statement):
            said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """The SELECTs of what happens meanwhile, which finds nothing in the session's memory.

    Without the one for the generation of what is kept: the layer before Flask asks it by the clock.
    """
    db.session.expire_all()
    with statements(which=_is_query) as asked:
        yield asked


@contextmanager
def plans(
    *, which: Callable[[str], bool] = bool, without: Sequence[str] = ()
) -> Iterator[dict[str, str]]:
    """How the database goes about each statement of what happens meanwhile, with what it is given;
    filled in at the end. Ask with the fixture `new_tables`.

    `without` are ways that PostgreSQL must not go, such as 'enable_seqscan': with so few rows
    reading a table is cheaper, and what counts is a million of them.
    """
    found: dict[str, str] = {}
    kept: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: object, *_more: object) -> None:
        if which(statement):
            kept.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        db.session.rollback()
    with db.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if db.engine.dialect.name == "postgresql":
            explain = "EXPLAIN"
            for way in without:
                connection.exec_driver_sql(f"SET LOCAL {way} = off")
        for statement, parameters in kept:
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            found[statement] = "\n".join(str(row[-1]) for row in rows)


def is_select(statement: str) -> bool:
    return statement.lstrip().startswith("SELECT")


def _is_query(statement: str) -> bool:
    return is_select(statement) and "FROM generation" not in statement
