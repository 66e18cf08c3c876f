"""What an installation stands on: its folder, its files, its database, its people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from flask import current_app

from app.core import shelf
from app.core.accounts import User
from app.core.beats import shared_now
from app.core.clock import now
from app.core.db import db
from app.core.organisation import Organisation
from app.core.storage import Silent
from app.doctor.findings import Finding, advice, ok, wrong
from app.settings import CHECKOUT
from app.workers import workers
from subscribers.audience import addresses
from subscribers.audience.models import Subscriber

NEWEST = 20  # subscribers whose hashes are compared
CLOCKS_APART = 5.0  # seconds; more, and leases and links end at the wrong time


def folder() -> Finding:
    place = Path(current_app.config["VAR"])
    probe = place / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return wrong("folder", "folder.wrong", folder=str(place), said=error.strerror or "")
    return ok("folder", "folder.ok", folder=str(place))


def files() -> Finding:
    place = current_app.config["STORAGE_URL"].partition("?")[0] or "media"
    key = shelf.new_key()
    try:
        shelf.put(key, {"probe": b"x"})
        shelf.read(key, "probe")
        shelf.sweep_away(key)
    except (Silent, OSError) as silent:
        return wrong("files", "files.wrong", place=place, said=str(silent))
    return ok("files", "files.ok", place=place)


def database() -> Finding:
    kind = db.engine.dialect.name
    try:
        db.session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        db.session.rollback()
        return wrong("database", "database.wrong", said=str(error).splitlines()[0])
    return ok("database", "database.ok", kind=kind)


def schema() -> Finding:
    from alembic.migration import MigrationContext  # large, and workers load this module, too
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(CHECKOUT / "migrations")).get_current_head()
    try:
        with db.engine.connect() as connection:
            here = MigrationContext.configure(connection).get_current_revision()
    except sa.exc.SQLAlchemyError as error:
        return wrong("schema", "database.wrong", said=str(error).splitlines()[0])
    if here != head:
        return wrong("schema", "schema.wrong", here=here or "–", head=head)
    return ok("schema", "schema.ok", here=here)


def people() -> Finding:
    try:
        somebody = db.session.scalar(sa.select(User.id).where(User.active).limit(1))
        named = db.session.scalar(sa.select(Organisation.id).limit(1))
    except sa.exc.SQLAlchemyError as error:
        db.session.rollback()
        return wrong("people", "database.wrong", said=str(error).splitlines()[0])
    if somebody is None:
        return wrong("people", "people.nobody")
    if named is None:
        return wrong("people", "people.unnamed")
    return ok("people", "people.ok")


def key() -> list[Finding]:
    """Whether our secret key, or a retained one, made the hashes of the newest subscribers.

    With another the links in our mails are dead and suppressions mean nothing, which shows too
    late. Nothing is said where there are no subscribers yet.
    """
    try:
        newest = db.session.execute(
            sa.select(Subscriber.address, Subscriber.address_hash)
            .where(Subscriber.address.is_not(None))
            .order_by(Subscriber.id.desc())
            .limit(NEWEST)
        ).all()
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        return []
    if not newest:
        return []
    secrets = addresses.secrets_in_force()
    if not any(_made_with(secrets, address or "", found) for address, found in newest):
        return [wrong("key", "key.wrong")]
    return [ok("key", "key.ok")]


def _made_with(secrets: Sequence[str], address: str, found: bytes) -> bool:
    return any(
        addresses.keyed(address, purpose="address", secret=secret) == found for secret in secrets
    )


def at_work() -> list[Finding]:
    """Whether somebody sends and publishes; advice only, since `serve` may just not be started."""
    try:
        found = workers(at=shared_now())
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        return []
    states = [worker.state for worker in found]
    if "gone" in states:
        machines = {worker.beat.machine for worker in found if worker.state == "gone"}
        return [advice("workers", "workers.gone", machines=", ".join(sorted(machines)))]
    if "working" not in states:
        return [advice("workers", "workers.nobody")]
    return [ok("workers", "workers.ok", n=states.count("working"))]


def clock() -> list[Finding]:
    """How far our clock is from the database's, where that has one of its own."""
    if db.engine.dialect.name != "postgresql":
        return []
    try:
        theirs = db.session.scalar(sa.select(sa.func.clock_timestamp()))
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        return []
    apart = abs((now() - theirs).total_seconds()) if theirs else 0.0
    if apart > CLOCKS_APART:
        return [wrong("clock", "clock.wrong", seconds=round(apart))]
    return [ok("clock", "clock.ok")]
