"""Runs the migrations over the application's own engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import context
from flask import current_app

from app.core.db import Base

target_metadata = Base.metadata


NOT_COMPARED = ("huey_", "release_search")


def own_tables(name: str | None, kind: str, _parents: object) -> bool:
    """huey keeps its tables in the same PostgreSQL database; the search index has no model."""
    return not (kind == "table" and name is not None and name.startswith(NOT_COMPARED))


def plain_types(kind: str, item: object, _context: object) -> str | bool:
    """Migrations must not import the code of a later day: our column types by what they are."""
    if kind == "type" and isinstance(item, sa.types.TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


@contextmanager
def unguarded(connection: sa.Connection) -> Iterator[None]:
    """Foreign keys off while SQLite makes a changed table anew and drops the old one.

    Else the old one's children would go with it. Only outside a transaction does SQLite listen.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.execute("PRAGMA foreign_keys=OFF")  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.rollback()
        raw.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]


def run() -> None:
    engine: sa.Engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection, unguarded(connection):
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            include_name=own_tables,
            render_as_batch=True,
            render_item=plain_types,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
