"""Who else is editing: seen while their page is open, and forgotten."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.clock import now
from app.core.db import db
from releases.editorial.models import Presence
from releases.editorial.presence import others, seen, sweep_presence
from tests import factories
from tests.factories import A_MORNING, signed_in


def test_others_are_seen_for_forty_seconds_and_oneself_never(
    app: Flask, writer: User, editor: User, admin: User
) -> None:
    release = factories.release(writer)
    for person in (writer, editor, admin):
        seen(release, by=person, at=A_MORNING)
    seen(release, by=admin, at=A_MORNING + timedelta(seconds=30))

    def there(seconds: int) -> list[str]:
        return others(release, but=writer, at=A_MORNING + timedelta(seconds=seconds))

    assert there(39) == ["Bo", "Cia"]
    assert there(41) == ["Cia"]
    assert there(90) == []


def test_a_page_of_another_release_does_not_count(app: Flask, writer: User, editor: User) -> None:
    one, other = factories.release(writer), factories.release(writer)

    seen(other, by=editor, at=A_MORNING)

    assert others(one, but=writer, at=A_MORNING) == []


def test_who_was_there_is_forgotten_after_a_day(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer)
    seen(release, by=writer, at=now() - timedelta(hours=25))
    seen(release, by=editor, at=now() - timedelta(hours=23))
    db.session.commit()

    sweep_presence()

    assert db.session.scalars(sa.select(Presence.user_id)).all() == [editor.id]


def test_an_open_page_is_told_who_is_there_and_which_version_is_the_latest(
    app: Flask, client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    address = f"/office/releases/{release.id}/presence"
    signed_in(client, editor).post(address)

    answer = signed_in(client, writer).post(address)

    assert answer.json == {"others": ["Bo"], "head": release.head_id, "head_by": "Alva"}
