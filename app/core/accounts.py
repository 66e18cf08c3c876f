"""The people of the office: their accounts, roles, passwords and signing in.

Flask-Security does the work; its words come from our catalogues and its pages from our templates.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, Flask, current_app, request
from flask_login import current_user
from flask_login.utils import _user_context_processor
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, JSONText, PrimaryKey, UTCDateTime, db, one_of
from app.core.errors import BadInput, NotAllowed, NotFound
from app.core.security import limiter
from app.core.sparing import without
from app.core.words import translate
from app.core.words.language import interface_language

with without("cryptography"):  # for one-time passwords, which we do not have; 8 MiB
    from flask_security import (
        RoleMixin,
        Security,
        SQLAlchemyUserDatastore,
        UserMixin,
        auth_required,
        hash_password,
    )

SHORTEST_PASSWORD = 10
GUESSES = "20 per minute; 200 per hour"  # of a password, from one address of the net


class Role(StrEnum):
    """What a person may do; the workflow table and the pages name roles, never people."""

    WRITER = "writer"  # imports rounds, drafts, submits
    REVIEWER = "reviewer"  # reads, comments, passes a step of a review
    OFFICER = "officer"  # answers for rounds and their figures; otherwise a reviewer
    EDITOR = "editor"  # also approves, sends back, publishes, manages subscribers
    ADMIN = "admin"  # also users, organisation and house templates


EVERYBODY = tuple(Role)
KEEPERS = (Role.WRITER, Role.OFFICER, Role.EDITOR)  # of rounds and their figures


class User(Base, UserMixin):
    __tablename__ = "user_account"

    id: Mapped[PrimaryKey]
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    role: Mapped[Role] = mapped_column(one_of(Role, "role"))
    language: Mapped[str] = mapped_column(sa.String(2))
    password: Mapped[str] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    # Notifications this person has switched off, as `kind:channel`, such as `comment:mail`.
    muted: Mapped[list[str]] = mapped_column(JSONText, default=list)
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    @property
    def roles(self) -> list[Any]:  # type: ignore[override]
        """Flask-Security's question about roles it could name; ours is the one above."""
        return []

    def may(self, *roles: Role) -> bool:
        """Whether this person has one of the roles. An admin has them all."""
        return self.role is Role.ADMIN or self.role in roles


def add_user(
    *, email: str, name: str, role: Role, password: str, language: str = "sv", at: datetime
) -> User:
    """A new account. Raises BadInput for an address that is none or taken, or a short password."""
    address = normal_email(email)
    if find_user(address):
        raise BadInput("user_exists", email=address)
    # As Flask-Security spells it at sign-in: an å may be typed as one character or as two.
    password = unicodedata.normalize("NFKD", password)
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput("password_short", n=SHORTEST_PASSWORD)
    user = User(
        email=address,
        name=name.strip() or address,
        role=role,
        language=language,
        password=hash_password(password),
        fs_uniquifier=uuid.uuid4().hex,
        created_at=at,
    )
    db.session.add(user)
    db.session.flush()
    return user


def find_user(email: str) -> User | None:
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def user_by_email(email: str) -> User:
    """The account of an address. Raises NotFound."""
    user = find_user(email)
    if user is None or not user.active:
        raise NotFound("no_such_user", email=email)
    return user


def normal_email(text: str) -> str:
    """An address as accounts keep it. Raises BadInput."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise BadInput("email_unreadable", email=text.strip()[:254]) from None
    return checked.normalized.lower()


def signed_in() -> User | None:
    """The person of this request, or None."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def me() -> User:
    """The person of a staff page, where somebody always is. Raises NotAllowed when nobody is."""
    person = signed_in()
    if person is None:
        raise NotAllowed("role")
    return person


def require(person: User, role: Role) -> None:
    """Raises NotAllowed, saying whose it is, when the person has neither the role nor admin's."""
    if not person.may(role):
        raise NotAllowed(f"{role.value}s_only")


View = TypeVar("View", bound=Callable[..., object])


def signed_in_only(blueprint: Blueprint) -> None:
    """Let nobody come to a blueprint's pages without having signed in; each says whose it is."""

    @blueprint.before_request
    @auth_required("session")
    def staff() -> None:
        pass


def only(*roles: Role) -> Callable[[View], View]:
    """A view for people of these roles. Others get NotAllowed before anything is looked at.

    Every staff POST states its roles so, below its route or at the door of its blueprint (a
    `before_request`); one that does not is nobody's.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded_view(*args: object, **values: object) -> object:
            if not me().may(*roles):
                raise NotAllowed(f"{roles[0].value}s_only" if len(roles) == 1 else "role")
            return view(*args, **values)

        guarded_view.roles = roles  # type: ignore[attr-defined]
        return guarded_view  # type: ignore[return-value]

    return guard


def stated_roles(app: Flask, endpoint: str) -> set[Role] | None:
    """Whose a page is, by its view and by the door of its blueprint. None: nobody has said."""
    doors = app.before_request_funcs.get(endpoint.rpartition(".")[0], [])
    said = [getattr(one, "roles", None) for one in (app.view_functions[endpoint], *doors)]
    stated = [set(roles) for roles in said if roles is not None]
    return set.intersection(*stated) | {Role.ADMIN} if stated else None


def _deny_what_is_nobodys() -> None:
    """A staff POST that does not say whose it is (`only`) is refused to everybody."""
    if request.method in ("GET", "HEAD", "OPTIONS") or not request.path.startswith("/office"):
        return
    if request.endpoint is None or request.blueprint == "security" or signed_in() is None:
        return
    if stated_roles(current_app, request.endpoint) is None:
        current_app.logger.error("%s states no roles: put @only(…) below it", request.endpoint)
        raise NotAllowed("role")


class _Words:
    """Flask-Security's translation domain, answered from our catalogues."""

    def gettext(self, text: str, **facts: Any) -> str:
        with suppress(KeyError):  # a text of a page that we do not serve
            text = translate(f"security.{text}", interface_language())
        return text % facts if facts else text

    def ngettext(self, one: str, many: str, num: int, **facts: Any) -> str:
        return self.gettext(one if num == 1 else many, num=num, **facts)


security = Security()


def init_app(app: Flask) -> None:
    """Sign-in pages under /office/, no registration: an admin adds people."""
    app.config.update(
        SECURITY_URL_PREFIX="/office",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_CHANGE_URL="/password",
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_POST_LOGIN_VIEW="/office/",
        SECURITY_POST_LOGOUT_VIEW="/office/sign-in",
        SECURITY_POST_CHANGE_VIEW="/office/",
        SECURITY_UNAUTHORIZED_VIEW=None,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_PASSWORD_LENGTH_MIN=SHORTEST_PASSWORD,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the algorithm's name
        # argon2 salts each password itself; tied to the secret key, a new key would lock all out.
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False, "test_environment": True},
        SECURITY_USE_REGISTER_V2=True,
        SECURITY_STATIC_FOLDER=None,
        SECURITY_JOIN_USER_ROLES=False,  # a role is a column, not a table
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SESSION_COOKIE_NAME="pressrum",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=app.config["BASE_URL"].startswith("https://"),
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=app.config["BASE_URL"].startswith("https://"),
    )
    security.init_app(app, SQLAlchemyUserDatastore(db, User, RoleMixin))
    guessing = limiter.limit(GUESSES, methods=["POST"])
    app.view_functions["security.login"] = guessing(app.view_functions["security.login"])  # type: ignore[assignment]
    words = _Words()
    app.extensions["security"].i18n_domain = words
    _keep_to_the_office(app)
    app.before_request(_deny_what_is_nobodys)
    app.jinja_env.globals["_fsdomain"] = words.gettext


def _keep_to_the_office(app: Flask) -> None:
    """What Flask-Security's packages do with every request, they do for the office's alone.

    A public page would depend on the visitor's cookie, if only for asking who is there, and could
    not be kept for everybody.
    """
    app.template_context_processors[None].remove(_user_context_processor)
    app.jinja_env.globals["current_user"] = current_user
    for registered, name in (
        (app.before_request_funcs[None], "_on_before_request"),  # Flask-Principal's
        (app.after_request_funcs[None], "_update_remember_cookie"),  # Flask-Login's
    ):
        names = [getattr(hook, "__name__", "") for hook in registered]
        place = names.index(name)
        registered[place] = _in_the_office(registered[place])


def _in_the_office(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook for pages of the office; elsewhere it hands back the answer it was given, if any."""

    @wraps(hook)
    def kept_in(*answer: Any) -> Any:
        if request.path.startswith("/office"):
            return hook(*answer)
        return answer[0] if answer else None

    return kept_in
