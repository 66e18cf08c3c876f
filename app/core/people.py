"""Accounts of the office: added, changed, closed and opened again, each act put on record.

Also who came in, who tried to, and who left. There is always an administrator left.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import wraps

import sqlalchemy as sa
from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_login import user_logged_out
from flask_security import hash_password, password_changed

from app.core.accounts import Role, User, add_user, find_user, signed_in
from app.core.audit import record
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotNow


def add(
    *,
    email: str,
    name: str,
    role: Role,
    password: str,
    language: str = "sv",
    by: User | None,
    at: datetime,
) -> User:
    """A new account. Raises BadInput for an address that is none or taken, or a short password."""
    person = add_user(
        email=email, name=name, role=role, password=password, language=language, at=at
    )
    record("user.add", "user", person.id, title=person.name, by=by, at=at, role=role.value)
    return person


def change(
    person: User, *, name: str, role: Role, language: str, by: User | None, at: datetime
) -> None:
    """What an account says of its person. Raises NotNow for the last administrator's role."""
    if role is not Role.ADMIN:
        _keep_an_admin(person)
    before = person.role
    if (person.name, person.language) != (name, language):
        person.name, person.language = name, language
        record("user.change", "user", person.id, title=name, by=by, at=at)
    if before is not role:
        person.role = role
        record(
            "user.role",
            "user",
            person.id,
            title=name,
            by=by,
            at=at,
            before=before.value,
            role=role.value,
        )


def deactivate(person: User, *, by: User | None, at: datetime) -> None:
    """They cannot sign in any more and are signed out everywhere; what they did stays.

    Raises NotNow for the last administrator.
    """
    _keep_an_admin(person)
    person.active = False
    _sign_out_everywhere(person)
    record("user.deactivate", "user", person.id, title=person.name, by=by, at=at)


def reactivate(person: User, *, by: User | None, at: datetime) -> None:
    """Let them sign in again, with the password they had."""
    person.active = True
    record("user.reactivate", "user", person.id, title=person.name, by=by, at=at)


def reset_password(person: User, password: str, *, by: User | None, at: datetime) -> None:
    """Another password than the one they had; every open session ends."""
    person.password = hash_password(password)
    _sign_out_everywhere(person)
    record("user.reset_password", "user", person.id, title=person.name, by=by, at=at)


def init_app(app: Flask) -> None:
    """Put on record who comes in, who tries to, who leaves, and who takes a new password."""
    sign_in = app.view_functions["security.login"]

    @wraps(sign_in)
    def signing_in() -> ResponseReturnValue:
        was_inside = signed_in() is not None
        answer: ResponseReturnValue = sign_in()  # type: ignore[assignment]
        if request.method == "POST" and not was_inside:
            _tried(request.form.get("email", ""), signed_in(), at=now())
            db.session.commit()
        return answer

    app.view_functions["security.login"] = signing_in
    user_logged_out.connect(_left, app)
    password_changed.connect(_took_new_password, app)


def _tried(email: str, person: User | None, *, at: datetime) -> None:
    """Somebody gave an address and a password. An address that is nobody's is not kept."""
    if person is not None:
        record("session.begin", "user", person.id, title=person.name, by=person, at=at)
        return
    meant = find_user(email)
    if meant is None:
        record("session.refuse_unknown", "user", None, by=None, at=at)
    else:
        record("session.refuse", "user", meant.id, title=meant.name, by=None, at=at)


def _left(_app: Flask, user: User | None = None, **_more: object) -> None:
    if isinstance(user, User):
        record("session.end", "user", user.id, title=user.name, by=user, at=now())
        db.session.commit()


def _took_new_password(_app: Flask, user: User, **_more: object) -> None:
    record("user.password", "user", user.id, title=user.name, by=user, at=now())


def _keep_an_admin(person: User) -> None:
    """Raises NotNow when the office would be left without anybody who may change this.

    The rows are locked while they are counted, so that two admins cannot unmake each other.
    """
    admins = db.session.scalars(
        sa.select(User.id)
        .where(User.role == Role.ADMIN, User.active)
        .order_by(User.id)
        .with_for_update()
    ).all()
    if list(admins) == [person.id]:
        raise NotNow("last_admin", name=person.name)


def _sign_out_everywhere(person: User) -> None:
    """Sessions and remember-me cookies name this; with another one they are nobody's."""
    person.fs_uniquifier = secrets.token_hex(16)
