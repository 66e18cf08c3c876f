"""The demo office: everything on one machine, with people and a round to walk the road with.

Its mail goes to a catcher of its own, so that nothing can leave the machine.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from flask_migrate import upgrade

from app import create_app
from app.demo.office import PEOPLE, is_empty, move_in
from app.serving import free_port, serve
from app.settings import PREFIX, Settings, load, write_file

CATCHER_PORT = 8025


def run(*, port: int) -> int:
    """Migrate, move in when the database is empty, and serve until told to stop: the exit code.

    Raises serving.CannotServe.
    """
    settings = _settings(port)
    app = create_app(settings)
    with app.app_context():
        upgrade()
        if is_empty():
            move_in()
    return serve(
        settings,
        host="127.0.0.1",
        port=port,
        catcher=bool(settings.outbox),
        ready=lambda: print(_welcome(settings), flush=True),
    )


def _settings(port: int) -> Settings:
    """The settings of this demo, also written down for the commands that are run beside it."""
    if os.environ.get(PREFIX + "MAIL_SERVER"):
        return load()
    before = load()
    changes = {
        "BASE_URL": f"http://127.0.0.1:{port}",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(free_port(CATCHER_PORT)),
        "MAIL_FROM": "press@icld.example",
        "OUTBOX": str(before.var / "outbox"),
    }
    given = {name: value for name, value in changes.items() if PREFIX + name not in os.environ}
    write_file(before.var / "settings.env", {PREFIX + n: v for n, v in given.items()})
    settings = load()
    return replace(settings, outbox=str(Path(settings.outbox)))


def _welcome(settings: Settings) -> str:
    people = "\n".join(f"    {p.email:<28} {p.password:<16} {p.role.value}" for p in PEOPLE)
    return (
        f"\nPressrum is running. Stop it with Ctrl-C.\n\n"
        f"  Newsroom      {settings.base_url}/sv/\n"
        f"  Office        {settings.base_url}/office/\n"
        f"  Caught mail   {settings.base_url}/office/outbox\n\n"
        f"  Sign in as\n{people}\n"
    )
