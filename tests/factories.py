"""Plain functions that make what a test is about, through the product's own verbs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from flask import g
from flask.testing import FlaskClient

from app.core.accounts import Role, User
from app.core.db import db

A_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def user(email: str, *, role: Role = Role.WRITER, language: str = "sv") -> User:
    """An account that cannot sign in by password: hashing one takes longer than most tests."""
    person = User(
        email=email,
        name=email.partition("@")[0].capitalize(),
        role=role,
        language=language,
        password="!",
        fs_uniquifier=uuid.uuid4().hex,
        created_at=A_MORNING,
    )
    db.session.add(person)
    db.session.commit()
    return person


def signed_in(client: FlaskClient, person: User) -> FlaskClient:
    """The browser after `person` has signed in.

    Requests of a test share its application context, which remembers who was there last.
    """
    g.pop("_login_user", None)
    with client.session_transaction() as session:
        session.update(_user_id=person.fs_uniquifier, _fresh=True)
    return client
