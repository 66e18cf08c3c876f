"""The database itself: the migrated schema is the models', and time comes back as it went in."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import check, upgrade

from app.core.accounts import User
from app.core.db import db, reading


def test_the_migrated_schema_is_that_of_the_models(app: Flask) -> None:
    check()


def test_a_moment_comes_back_aware_and_in_utc(app: Flask, writer: User) -> None:
    summer = timezone(timedelta(hours=2))
    writer.created_at = datetime(2026, 7, 1, 9, 0, tzinfo=summer)
    db.session.commit()

    assert writer.created_at == datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
    assert writer.created_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(app: Flask, writer: User) -> None:
    writer.created_at = datetime(2026, 7, 1, 9, 0)  # noqa: DTZ001

    with pytest.raises(sa.exc.StatementError, match="time zone"):
        db.session.commit()


def test_a_row_that_points_nowhere_is_refused(app: Flask) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        db.session.execute(
            sa.text("INSERT INTO delivery_attempt (delivery_id, at, reply) VALUES (7, :at, '')"),
            {"at": "2026-01-01 00:00:00"},
        )
        db.session.commit()


def test_a_reader_does_not_wait_for_a_writer(app: Flask, writer: User) -> None:
    db.session.execute(sa.update(User).values(name="Half-way"))

    with db.engine.connect() as other, reading():
        assert other.scalar(sa.select(User.name)) == "Alva"


@pytest.mark.parametrize("rests", [True, False])
def test_a_connection_that_was_cut_off_while_it_rested_is_made_anew(
    app: Flask, monkeypatch: pytest.MonkeyPatch, rests: bool
) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no connection to cut off")
    monkeypatch.setattr("app.core.db.REST_SECONDS", 0.0 if rests else 60.0)
    mine = sa.select(sa.func.pg_backend_pid())
    with db.engine.connect() as other:
        cut_off = db.session.scalar(mine)
        db.session.rollback()
        other.execute(sa.select(sa.func.pg_terminate_backend(cut_off)))

        with nullcontext() if rests else pytest.raises(sa.exc.OperationalError):
            assert db.session.scalar(mine) != cut_off
    db.session.rollback()


def test_migrating_leaves_foreign_keys_watched(app: Flask) -> None:
    upgrade()

    with pytest.raises(sa.exc.IntegrityError):
        db.session.execute(
            sa.text("INSERT INTO mailing_part (mailing_id, sha256, template) VALUES (7, '', '')")
        )
        db.session.commit()


def test_a_database_that_fails_says_nothing_of_what_was_to_be_written(app: Flask) -> None:
    with pytest.raises(sa.exc.SQLAlchemyError) as failed:
        db.session.execute(sa.text("INSERT INTO nothing VALUES (:a)"), {"a": "anna@reader.example"})

    assert "anna" not in str(failed.value), "what is logged must tell no address"
