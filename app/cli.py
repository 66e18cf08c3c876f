"""The `pressrum` command: each subcommand a thin loop around one verb."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from datetime import datetime

import click
from flask.cli import ScriptInfo, with_appcontext

from app import create_app
from app.core import beats, jobs, people
from app.core.accounts import Role
from app.core.audit import COMMAND_LINE, acting_as
from app.core.clock import now
from app.core.commands import json_option, refusals, say, say_json
from app.core.db import db, reading
from app.core.words import LANGUAGES
from app.core.words.language import interface_language
from app.settings import BadSetting, load

PROCESSES = {"serve", "worker", "demo"}  # what they do by themselves, nobody at a terminal did


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """The press office of an organisation that gives grants."""
    context.obj = ScriptInfo(create_app=create_app, set_debug_flag=False)
    if context.invoked_subcommand not in PROCESSES:
        context.with_resource(acting_as(COMMAND_LINE))


@cli.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to this version's schema."""
    from flask_migrate import upgrade

    from releases.newsroom.feeds.feeding import keep_own_host

    upgrade()
    keep_own_host()  # an office older than that column keeps the ids its feeds have had
    db.session.commit()


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--no-worker", is_flag=True, help="Pages only; a worker runs elsewhere.")
def serve(host: str, port: int, no_worker: bool) -> None:
    """Answer on the web and, unless told otherwise, work beside it."""
    from app.serving import CannotServe
    from app.serving import serve as run

    try:
        sys.exit(run(load(), host=host, port=port, worker=not no_worker))
    except CannotServe as error:
        say(str(error))
        sys.exit(1)


@cli.command()
@click.option("--once", is_flag=True, help="Do all that is due, then exit.")
@with_appcontext
def worker(once: bool) -> None:
    """Send mail and publish what is due, until told to stop."""
    from flask import current_app

    from app.serving import work

    if once:
        name = beats.begin()
        jobs.run_all()
        beats.end(name)
    else:
        work(current_app._get_current_object())  # type: ignore[attr-defined]


@cli.command("workers")
@json_option
@with_appcontext
def workers_command(as_json: bool) -> None:
    """Who works, on which machines. Exits with 1 when nobody does, or somebody is missing."""
    from app.workers import workers

    found = workers(at=beats.shared_now())
    if as_json:
        say_json([worker.as_data() for worker in found])
    else:
        for worker in found:
            seen = f"{worker.beat.seen_at:%Y-%m-%d %H:%M:%S} UTC"
            ahead = f"{worker.clock_ahead.total_seconds():+.1f} s"
            click.echo(f"{worker.state:9} {worker.beat.name}  seen {seen}  clock {ahead}")
    states = {worker.state for worker in found}
    sys.exit(0 if "working" in states and "gone" not in states else 1)


@cli.command()
@click.option("--port", default=8000, show_default=True)
def demo(port: int) -> None:
    """Everything on this machine: a demo office, web, worker and a catcher for its mail."""
    from app.demo import run
    from app.serving import CannotServe

    try:
        sys.exit(run(port=port))
    except CannotServe as error:
        say(str(error))
        sys.exit(1)


@cli.command()
@json_option
@with_appcontext
def doctor(as_json: bool) -> None:
    """Look at what an installation needs and say what is wrong."""
    from app.doctor import examine, lines

    findings = examine()
    if as_json:
        say_json({"ok": all(f.ok for f in findings), "checks": [f.as_data() for f in findings]})
    else:
        for line in lines(findings):
            click.echo(line)
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


@cli.group()
def user() -> None:
    """People who work in the office."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="As shown to colleagues; the address when left out.")
@click.option("--language", type=click.Choice(LANGUAGES), default="sv", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read it from standard input.")
@with_appcontext
def user_add(email: str, role: str, name: str, language: str, password_stdin: bool) -> None:
    """Make an account for EMAIL. Without --password-stdin a password is made and printed once."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    with refusals():
        people.add(
            email=email,
            name=name,
            role=Role(role),
            password=password,
            language=language,
            by=None,
            at=now(),
        )
        db.session.commit()
    if not password_stdin:
        click.echo(password)


@cli.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The first day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@json_option
@with_appcontext
def audit(since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """Write the audit log to stdout, the oldest first, as CSV or as one JSON document."""
    from app.audit_views import Wanted, as_data, csv_lines, events_in_order

    wanted = Wanted(since=since.date() if since else None, until=until.date() if until else None)
    language = interface_language()
    with reading():
        if as_json:
            mark = "["
            for event in events_in_order(wanted, to=None):
                click.echo(
                    mark + json.dumps(as_data(event, language), ensure_ascii=False), nl=False
                )
                mark = ",\n"
            click.echo("[]" if mark == "[" else "]")
        else:
            for lines in csv_lines(wanted, to=None, language=language):
                click.echo(lines, nl=False)


def main() -> None:
    """The command; a setting that is missing or malformed stops it with a sentence."""
    _add_domains()
    try:
        cli(prog_name="pressrum")
    except BadSetting as error:
        say(str(error))
        sys.exit(1)


def _add_domains() -> None:
    from app import trust_commands as trust
    from releases import commands as releases
    from releases.newsroom.archive import commands as archive
    from subscribers import alert_commands as alerts
    from subscribers import commands as subscribers
    from subscribers import mailing_commands as mailings
    from subscribers import return_commands as returns

    groups: tuple[Callable[..., object], ...] = (
        releases.round_group,
        releases.draft,
        releases.release_group,
        archive.group,
        subscribers.group,
        mailings.group,
        trust.dkim,
        trust.mail,
        returns.group,
        alerts.alerts,
    )
    for group in groups:
        cli.add_command(group)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
