"""`pressrum round …`, `pressrum draft` and `pressrum release …`: the road by script."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from app.core import jobs
from app.core.accounts import User, user_by_email
from app.core.clock import now
from app.core.commands import json_option, refusals, say, say_json
from app.core.db import db, reading
from app.core.errors import NotFound, NotNow
from app.core.html import plain
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from releases.desk.access import may_see
from releases.drafting.checking import Grade
from releases.drafting.drafting import Draft, NoAwards, TemplateProblem, warning_sentence
from releases.editorial import fact_check, preflight, workflow
from releases.editorial.announcing import page_url
from releases.editorial.models import Change, Release
from releases.editorial.publications import as_data, versions
from releases.editorial.questions import release_by_id
from releases.editorial.texts import full_text
from releases.editorial.writing import draft_release, drafting_problem, figures_of
from releases.review.reviewing import Request
from releases.rounds import importing
from releases.rounds.amounts import parse_amount
from releases.rounds.communicating import communicate
from releases.rounds.exporting import csv_bytes, xlsx_bytes
from releases.rounds.figures import compute
from releases.rounds.models import Round
from releases.rounds.open_data import package
from releases.rounds.problems import message
from releases.rounds.questions import round_by_id
from releases.rounds.reading import read
from releases.rounds.table import Problem, Severity, Table

round_group = AppGroup("round", help="Rounds: import a results file, export what it holds.")
_MANY_ROWS = 5000
release_group = AppGroup("release", help="Releases: the workflow from draft to publication.")


class Total(click.ParamType[Decimal]):
    """An amount as people write it."""

    name = "amount"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            return parse_amount(str(value)).value
        except ValueError:
            self.fail(f"{value!r} is no amount", param, ctx)


@round_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--programme", required=True, help="An unknown one is made.")
@click.option("--name", required=True, help="The round's name.")
@click.option("--decided", type=click.DateTime(["%Y-%m-%d"]), help="When it was decided.")
@click.option("--currency", help="SEK, EUR, … when the file does not say.")
@click.option("--stated-total", type=Total(), help="The sum that the rows must add up to.")
@click.option("--sheet", help="Which sheet of a workbook, when not the first with headers.")
@click.option("--encoding", help="UTF-8, Windows-1252, Mac Roman or CP850, when found out wrong.")
@json_option
def import_(
    file: Path,
    programme: str,
    name: str,
    decided: datetime | None,
    currency: str | None,
    stated_total: Decimal | None,
    sheet: str | None,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Store a results FILE as a round. With an error in it nothing is stored."""
    content = file.read_bytes()
    owner = importing.programme_named(programme)
    table = read(
        content,
        filename=file.name,
        currency=currency,
        stated_total=stated_total,
        sheet=sheet,
        encoding=encoding,
        columns=importing.columns_of(owner),
        progress=_Counter(),
    )
    stored: Round | None = None
    problems = list(table.problems)
    with refusals():
        if not table.errors:
            owner = owner or importing.make_programme(programme)
            if known := importing.same_file(content, programme=owner):
                facts = {"name": known.name, "round": known.id}
                problems.append(Problem("file_known", Severity.WARNING, facts=facts))
            stored = importing.store(
                table,
                content=content,
                filename=file.name,
                programme=owner,
                name=name,
                decided_on=decided.date() if decided else None,
                by=None,
                at=now(),
            )
            db.session.commit()
    for problem in problems:
        say(_line(problem))
    if as_json:
        say_json(_imported(stored, table, problems))
    elif stored:
        click.echo(stored.id)
    sys.exit(0 if stored else 1)


@round_group.command("figures")
@click.argument("round_id", metavar="ID", type=int)
@click.option("--language", type=click.Choice(LANGUAGES), default="sv")
@json_option
def figures(round_id: int, language: str, as_json: bool) -> None:
    """Every figure of round ID, as its value and as it is said."""
    with reading(), refusals():
        said = figures_of(round_by_id(round_id), language)
    if as_json:
        say_json({name: {"value": one.value, "text": one.text} for name, one in said.items()})
        return
    for name, one in said.items():
        click.echo(f"{name}\t{one.value}\t{one.text}")


@round_group.command("export")
@click.argument("round_id", metavar="ID", type=int)
@click.option("--format", "form", type=click.Choice(["csv", "xlsx", "360giving"]), required=True)
def export(round_id: int, form: str) -> None:
    """Write round ID to stdout. 360giving needs the date of its decision."""
    with reading(), refusals():
        stored = round_by_id(round_id)
        giving = package(stored) if form == "360giving" else None
    if giving is not None:
        say_json(giving)
        return
    sys.stdout.buffer.write(csv_bytes(stored) if form == "csv" else xlsx_bytes(stored))


@round_group.command("communicated")
@click.argument("round_id", metavar="ID", type=int)
@click.option("--reference", required=True, help="Under which number the decision is filed.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="When they were told; now if not.")
@click.option("--by", metavar="EMAIL", required=True)
def communicated(round_id: int, reference: str, on: datetime | None, by: str) -> None:
    """Record that those who applied in round ID have been told of the decision."""
    with refusals():
        stored, person = round_by_id(round_id), user_by_email(by)
        day = on.date() if on else None
        communicate(stored, reference=reference, on=day, by=person, at=now())
        db.session.commit()
    click.echo(f"{stored.id}\t{stored.decision_reference}")


@click.command("draft")
@click.argument("round_id", metavar="ROUND", type=int)
@click.option("--language", type=click.Choice(LANGUAGES), required=True)
@click.option("--by", metavar="EMAIL", help="Whose draft it is.")
@json_option
@with_appcontext
def draft(round_id: int, language: str, by: str | None, as_json: bool) -> None:
    """Make a release out of ROUND with the programme's house template."""
    with refusals(), template_problems():
        author = user_by_email(by) if by else None
        release, drafted = draft_release(round_by_id(round_id), language, by=author, at=now())
        db.session.commit()
    warnings = [
        {"code": code, "message": warning_sentence(code, facts, language=interface_language())}
        for code, facts in drafted.warnings
    ]
    for warning in warnings:
        say(warning["message"])
    if as_json:
        say_json(_drafted(release, drafted) | {"warnings": warnings})
    else:
        click.echo(release.id)


@release_group.command("show")
@click.argument("release_id", metavar="ID", type=int)
@json_option
def show(release_id: int, as_json: bool) -> None:
    """What release ID says now, and where it stands."""
    with reading(), refusals():
        release = release_by_id(release_id)
    if as_json:
        say_json(_shown(release))
        return
    click.echo(f"{release.id}\t{release.state.value}\t{page_url(release)}\n")
    click.echo(f"{release.head.title}\n\n{plain(release.head.lead)}\n")
    click.echo(full_text(release, release.head))


@release_group.command("check")
@click.argument("release_id", metavar="ID", type=int)
@json_option
def check(release_id: int, as_json: bool) -> None:
    """Compare release ID with its round; exit code 1 when something contradicts it."""
    with reading(), refusals():
        release = release_by_id(release_id)
        found = fact_check.findings(release, release.head)
    for one in found:
        sentence = fact_check.sentence(one, interface_language())
        say(f"{one.severity.value} {one.part}: {one.words!r} {sentence}")
    if as_json:
        say_json(
            [
                {
                    "part": one.part,
                    "words": one.words,
                    "says": one.says,
                    "code": one.code,
                    "severity": one.severity.value,
                }
                for one in found
            ]
        )
    sys.exit(1 if any(one.severity is Grade.CONTRADICTS for one in found) else 0)


@release_group.command("submit")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--by", metavar="EMAIL", required=True)
@click.option("--reviewer", "reviewers", metavar="EMAIL", multiple=True, help="Can be repeated.")
@click.option("--due", metavar="ISO-TIME", help="When answers are needed, with its UTC offset.")
def submit(release_id: int, by: str, reviewers: tuple[str, ...], due: str | None) -> None:
    """Ask for review: the programme's steps, those named, or else the editors."""
    due_at = _moment(due, option="--due") if due else None

    def act(release: Release, person: User) -> None:
        people = tuple(user_by_email(email) for email in reviewers)
        workflow.submit(release, request=Request(people=people, due_at=due_at), by=person, at=now())

    _act(release_id, by, act)
    jobs.ring("deliver")


@release_group.command("send-back")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--by", metavar="EMAIL", required=True)
@click.option("--reason", required=True)
def send_back(release_id: int, by: str, reason: str) -> None:
    """Give it back to the writer."""
    _act(
        release_id,
        by,
        lambda release, person: workflow.send_back(release, reason=reason, by=person, at=now()),
    )


@release_group.command("approve")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--by", metavar="EMAIL", required=True)
def approve(release_id: int, by: str) -> None:
    """Approve the revision that `release show` shows."""

    def act(release: Release, person: User) -> None:
        assert release.head_id is not None
        workflow.approve(release, revision_id=release.head_id, by=person, at=now())

    _act(release_id, by, act)


@release_group.command("publish")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--by", metavar="EMAIL", required=True)
@click.option(
    "--change",
    type=click.Choice([Change.TYPO.value, Change.CORRECTION.value]),
    default=Change.TYPO.value,
    show_default=True,
    help="What a new text of a published release is; only a correction is mailed.",
)
@click.option("--note", default="", help="What was wrong and what is right, for readers.")
@click.option(
    "--since", metavar="VERSION", type=int, help="The first version that was wrong; else all."
)
def publish(release_id: int, by: str, change: str, note: str, since: int | None) -> None:
    """Make it public now and queue its mailing."""
    _act(
        release_id,
        by,
        lambda release, person: workflow.publish(
            release, by=person, at=now(), change=Change(change), note=note, since=since
        ),
    )
    jobs.ring("deliver")


@release_group.command("schedule")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--at", "moment", metavar="ISO-TIME", required=True, help="With its UTC offset.")
@click.option("--mail-at", metavar="ISO-TIME", help="When it is mailed, if later than that.")
@click.option("--no-mail", is_flag=True, help="Publish it without a mailing.")
@click.option("--by", metavar="EMAIL", required=True)
def schedule(release_id: int, moment: str, mail_at: str | None, no_mail: bool, by: str) -> None:
    """Let it be published at a moment to come, such as 2026-12-01T09:00+01:00."""
    if mail_at and no_mail:
        raise click.UsageError("--mail-at and --no-mail exclude each other")
    publish_at = _moment(moment, option="--at")
    mailed_at = _moment(mail_at, option="--mail-at") if mail_at else None
    _act(
        release_id,
        by,
        lambda release, person: workflow.schedule(
            release,
            publish_at=publish_at,
            mail_at=mailed_at,
            mail_wanted=not no_mail,
            by=person,
            at=now(),
        ),
    )


@release_group.command("preflight")
@click.argument("release_id", metavar="ID", type=int)
@json_option
def preflight_(release_id: int, as_json: bool) -> None:
    """What stands between release ID and its publication; exit code 1 when something blocks."""
    language = interface_language()
    with reading(), refusals():
        lines = preflight.preflight(release_by_id(release_id), at=now())
        told = [_line_of_preflight(line, language) for line in lines]
    if as_json:
        say_json(told)
    else:
        for one in told:
            weight = "taken" if one["overridden_by"] else one["weight"]
            click.echo(f"{weight}\t{one['line']}\t{one['message']}")
    sys.exit(1 if preflight.blocking(lines) else 0)


@release_group.command("override")
@click.argument("release_id", metavar="ID", type=int)
@click.argument("line", metavar="LINE")
@click.option("--reason", required=True, help="Kept with your name, on the page and in the log.")
@click.option("--by", metavar="EMAIL", required=True)
def override(release_id: int, line: str, reason: str, by: str) -> None:
    """Take the blocking LINE of release ID upon yourself, for its present version."""
    _act(
        release_id,
        by,
        lambda release, person: preflight.override(
            release, line, reason=reason, by=person, at=now()
        ),
    )


@release_group.command("withdraw")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--by", metavar="EMAIL", required=True)
@click.option("--reason", required=True, help="Printed on the page that stands in its place.")
@click.option("--mail", is_flag=True, help="Tell those who have got it.")
def withdraw(release_id: int, by: str, reason: str, mail: bool) -> None:
    """Take a public release back. No mail about it goes out any more."""
    _act(
        release_id,
        by,
        lambda release, person: workflow.withdraw(
            release, reason=reason, mail=mail, by=person, at=now()
        ),
    )
    jobs.ring("deliver")


@release_group.command("reinstate")
@click.argument("release_id", metavar="ID", type=int)
@click.option("--by", metavar="EMAIL", required=True)
def reinstate(release_id: int, by: str) -> None:
    """Undo a withdrawal. Mails nobody."""
    _act(release_id, by, lambda release, person: workflow.reinstate(release, by=person, at=now()))


@release_group.command("history")
@click.argument("release_id", metavar="ID", type=int)
@json_option
def history(release_id: int, as_json: bool) -> None:
    """Which version of release ID was live when, and how many got it by mail."""
    with reading(), refusals():
        found = [as_data(one) for one in versions(release_by_id(release_id))]
    if as_json:
        say_json(found)
        return
    for one in found:
        times = ", ".join(f"{period['from']} – {period['to'] or ''}" for period in one["live"])
        click.echo(f"{one['revision']}\t{one['change']}\t{times}\t{one['sent']}\t{one['note']}")


def _moment(text: str, *, option: str) -> datetime:
    """A moment as a command takes it: ISO 8601 with its offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no ISO time", param_hint=option) from None
    if moment.tzinfo is None:
        raise click.BadParameter("give the UTC offset, such as +01:00", param_hint=option)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise click.BadParameter(f"{text!r} is out of the calendar", param_hint=option) from None


@contextmanager
def template_problems() -> Iterator[None]:
    """A draft that cannot be made is a refusal: its sentence, exit code 1."""
    try:
        yield
    except (TemplateProblem, NoAwards) as error:
        db.session.rollback()
        say(drafting_problem(error, interface_language()))
        sys.exit(1)


def _line_of_preflight(line: preflight.Line, language: str) -> dict[str, Any]:
    taken = line.taken_on
    return {
        "line": line.key,
        "code": line.code,
        "weight": line.weight.value,
        "blocks": line.blocks,
        "message": line.sentence(language),
        "found": [{"words": one.words, "instead": one.instead} for one in line.details],
        "overridden_by": taken.name if taken else None,
        "reason": taken.reason if taken else None,
    }


def _act(release_id: int, email: str, act: Callable[[Release, User], None]) -> None:
    with refusals():
        release, person = release_by_id(release_id), user_by_email(email)
        if not may_see(person, release.story):
            raise NotFound("no_such_release", id=release_id)
        try:
            act(release, person)
        except NotNow as error:
            for line in error.facts.get("lines", []):
                say(line.sentence(interface_language()))
            raise
        db.session.commit()
    click.echo(f"{release.id}\t{release.state.value}")


def _drafted(release: Release, drafted: Draft) -> dict[str, Any]:
    return {
        "release": release.id,
        "headline": release.head.title,
        "lead": plain(release.head.lead),
        "text": full_text(release, release.head),
        "html": release.head.body,
        "figures": {
            name: {"value": figure.value, "text": figure.text}
            for name, figure in drafted.figures.items()
        },
    }


def _shown(release: Release) -> dict[str, Any]:
    head = release.head
    return {
        "id": release.id,
        "round": release.story.round_id,
        "language": release.language,
        "state": release.state.value,
        "headline": head.title,
        "lead": plain(head.lead),
        "text": full_text(release, head),
        "html": head.body,
        "url": page_url(release),
        "revision": head.number,
        "live_revision": release.live.number if release.live else None,
        "published_at": release.published_at.isoformat() if release.published_at else None,
        "publish_at": release.publish_at.isoformat() if release.publish_at else None,
    }


def _imported(stored: Round | None, table: Table, problems: list[Problem]) -> dict[str, Any]:
    total = compute(table.rows, currency=table.currency).get("total")
    return {
        "round": stored.id if stored else None,
        "rows": len(table.rows),
        "awards": len(table.awards),
        "total": total.value if total else "0",
        "currency": table.currency,
        "problems": [
            {
                "row": problem.row,
                "column": problem.column,
                "code": problem.code,
                "message": message(problem, interface_language()),
                "severity": problem.severity.value,
            }
            for problem in problems
        ],
    }


class _Counter:
    """Tells on stderr how far a long reading has come, every other second."""

    def __init__(self) -> None:
        self.told = time.monotonic()

    def __call__(self, done: int, rows: int) -> None:
        if rows > _MANY_ROWS and (time.monotonic() - self.told >= 2 or done == rows):
            self.told = time.monotonic()
            say(translate("importing.read_so_far", interface_language(), done=done, all=rows))


def _line(problem: Problem) -> str:
    where = ", ".join(str(part) for part in (problem.row, problem.column) if part)
    return f"{problem.severity.value} {where}: {message(problem, interface_language())}"
