"""The generation of what visitors see: a number that goes up with every change to it.

Triggers count it up, inside the transaction that makes the change (migration 0003). So no code can
change what is public and forget to say so, and nobody sees the new number before the change.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Id, PrimaryKey, db, reading

log = logging.getLogger(__name__)


class Generation(Base):
    """One row."""

    __tablename__ = "generation"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[PrimaryKey]
    number: Mapped[int] = mapped_column(Id)


def generation() -> int:
    """The number that stands now. Whoever writes a page from the database asks before it begins:
    then a page is at worst newer than the number it bears, never older.
    """
    return db.session.scalar(sa.select(Generation.number)) or 0


def look(engine: sa.Engine) -> int | None:
    """The number in a glance of its own; None when the database does not answer."""
    try:
        with reading(), engine.connect() as connection:
            return connection.scalar(sa.select(Generation.number))
    except sa.exc.SQLAlchemyError:
        log.exception("the generation cannot be read")
        return None
