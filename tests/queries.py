"""How often something asks the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from app.core.db import db


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """The SELECTs of what happens meanwhile, which finds nothing in the session's memory.

    Without the one for the generation of what is kept: the layer before Flask asks it by the clock.
    """
    asked: list[str] = []

    def note(_c: object, _k: object, statement: str, *_more: object) -> None:
        if statement.lstrip().startswith("SELECT") and "FROM generation" not in statement:
            asked.append(statement)

    db.session.expire_all()
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
