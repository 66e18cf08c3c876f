"""What an installation needs to work, looked at from where it runs."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from app.core import shelf
from app.core.accounts import User
from app.core.db import db, reading
from app.core.mail import mail
from app.core.organisation import Organisation
from app.core.storage import Silent
from app.settings import CHECKOUT


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    text: str

    def as_data(self) -> dict[str, Any]:
        return {"name": self.name, "ok": self.ok, "text": self.text}


class Wrong(Exception):
    """A check found something; the text says what and what to do."""


def examine() -> list[Finding]:
    """Every check, in the order in which one would mend what they find."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("folder", _folder),
        ("files", _files),
        ("database", _database),
        ("schema", _schema),
        ("people", _people),
        ("mail server", _mail_server),
    )
    with reading():  # a look must not hold the lock that other looks, or the office, wait for
        return [_look(name, check) for name, check in checks]


def _look(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except Wrong as wrong:
        return Finding(name, False, str(wrong))
    except (OSError, sa.exc.SQLAlchemyError, smtplib.SMTPException) as error:
        db.session.rollback()
        return Finding(name, False, str(error).splitlines()[0])


def _folder() -> str:
    folder = Path(current_app.config["VAR"])
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    return f"{folder} can be written to"


def _files() -> str:
    place = current_app.config["STORAGE_URL"].partition("?")[0] or "the folder media"
    key = shelf.new_key()
    try:
        shelf.put(key, {"probe": b"x"})
        shelf.read(key, "probe")
        shelf.sweep_away(key)
    except Silent as silent:
        raise Wrong(f"{place}: {silent}") from silent
    return f"{place} keeps files"


def _database() -> str:
    db.session.execute(sa.text("SELECT 1"))
    return f"{db.engine.dialect.name} answers"


def _schema() -> str:
    scripts = ScriptDirectory(str(CHECKOUT / "migrations"))
    with db.engine.connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
    if here != scripts.get_current_head():
        raise Wrong(f"at {here or 'nothing'}, should be {scripts.get_current_head()}: run migrate")
    return f"at {here}, as it should be"


def _people() -> str:
    if db.session.scalar(sa.select(User.id).where(User.active).limit(1)) is None:
        raise Wrong("nobody can sign in: run user add")
    if db.session.scalar(sa.select(Organisation.id).limit(1)) is None:
        raise Wrong("the organisation has no name yet: sign in and fill in the settings")
    return "somebody can sign in and the organisation has a name"


def _mail_server() -> str:
    host = mail.connect().configure_host()
    host.quit()
    config = current_app.config
    return f"{config['MAIL_SERVER']}:{config['MAIL_PORT']} lets us in"
