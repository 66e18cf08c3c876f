"""Plain functions that make what a test is about, through the product's own verbs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

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
        password="!",  # noqa: S106
        fs_uniquifier=uuid.uuid4().hex,
        created_at=A_MORNING,
    )
    db.session.add(person)
    db.session.commit()
    return person
