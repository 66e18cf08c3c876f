"""How often something asks the database, and what it says to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


def _is_query(statement: str) -> bool:
    return statement.lstrip().startswith("SELECT") and "FROM generation" not in statement
