"""`pressrum mailing …`: look at mailings, pause them, let them go on, call them off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click
from flask.cli import AppGroup

from app.core import jobs
from app.core.accounts import User
from app.core.beats import shared_now
from app.core.clock import now
from app.core.commands import json_option, refusals, say_json
from app.core.db import db
from app.core.words.language import t
from subscribers.mailings import controlling, questions
from subscribers.mailings.models import DeliveryState, Mailing, MailingKind
from subscribers.mailings.questions import Progress
from subscribers.mailings.sending import domain_groups, pacing
from subscribers.mailings.sending.pacing import Standing

group = AppGroup("mailing", help="Mailings: look at them, pause, resume, cancel.")

Verb = Callable[..., None]


@group.command("list")
@click.option("--all", "everything", is_flag=True, help="Also mails to single persons.")
@json_option
def list_(everything: bool, as_json: bool) -> None:
    """The mailings to many: releases, corrections and digests, the newest first."""
    kinds = tuple(MailingKind) if everything else questions.OF_MANY
    page = questions.mailings(kinds=kinds, size=None)
    if as_json:
        say_json([questions.as_data(one, page.progress[one.id]) for one in page.mailings])
        return
    for mailing in page.mailings:
        click.echo(_line(mailing, page.progress[mailing.id]))


@group.command("show")
@click.argument("mailing_id", metavar="ID", type=int)
@json_option
def show(mailing_id: int, as_json: bool) -> None:
    """One mailing and how many of its mails stand where."""
    with refusals():
        mailing = questions.mailing_by_id(mailing_id)
    progress = Progress(questions.counts(mailing.id))
    if as_json:
        say_json(questions.as_data(mailing, progress))
        return
    click.echo(_line(mailing, progress))
    for state in DeliveryState:
        click.echo(f"{t(f'common.delivery.{state.value}')}: {progress.counts[state]}")


@group.command("pause")
@click.argument("mailing_id", metavar="ID", type=int)
def pause(mailing_id: int) -> None:
    """Let no further mail go out for now."""
    _control(controlling.pause, mailing_id, at=now())


@group.command("resume")
@click.argument("mailing_id", metavar="ID", type=int)
def resume(mailing_id: int) -> None:
    """Go on with a paused mailing."""
    _control(controlling.resume, mailing_id, at=now())
    jobs.ring("deliver")


@group.command("cancel")
@click.argument("mailing_id", metavar="ID", type=int)
def cancel(mailing_id: int) -> None:
    """Call a mailing off for good."""
    _control(controlling.cancel, mailing_id, at=now())


@group.command("groups")
@json_option
def groups(as_json: bool) -> None:
    """The provider groups: how fast each may be written to, and what holds it up."""
    lines = pacing.standings(at=shared_now())
    if as_json:
        say_json([one.as_data() for one in lines])
        return
    for one in lines:
        click.echo(_group_line(one))


@group.command("group")
@click.argument("name")
@click.option("--rate", type=float, help="Mails a second; 0 is no limit.")
@click.option("--concurrency", type=int, help="Mails under way at once; 0 is no limit.")
@click.option("--release", is_flag=True, help="Write to a held or slowed group again.")
def one_group(name: str, rate: float | None, concurrency: int | None, release: bool) -> None:
    """One provider group: look at it, set its limits, release it."""
    with refusals():
        found = domain_groups.group_by_name(name)
        if rate is not None or concurrency is not None:
            pacing.set_limits(
                found,
                rate=found.rate if rate is None else rate,
                concurrency=found.concurrency if concurrency is None else concurrency,
                by=None,
                at=now(),
            )
        if release:
            pacing.release(found, by=None, at=now())
        db.session.commit()
    if release:
        jobs.ring("deliver")
    click.echo(next(_group_line(one) for one in pacing.standings(at=now()) if one.name == name))


def _group_line(one: Standing) -> str:
    def limit(number: float) -> str:
        return f"{number:g}" if number else t("pacing.unlimited")

    state = t(f"pacing.command.{one.state}", percent=one.share, because=one.because)
    limits = t("pacing.command.limits", rate=limit(one.rate), concurrency=limit(one.concurrency))
    return f"{one.name}  {state}  {limits}"


def _control(verb: Verb, mailing_id: int, *, at: datetime) -> None:
    nobody: User | None = None  # whoever may run commands may do this
    with refusals():
        mailing = questions.mailing_by_id(mailing_id)
        verb(mailing, by=nobody, at=at)
        db.session.commit()
    click.echo(_line(mailing, Progress(questions.counts(mailing_id))))


def _line(mailing: Mailing, progress: Progress) -> str:
    state = t(f"common.mailing.{mailing.stage.value}")
    return f"{mailing.id}  {state}  {progress.sent} / {progress.audience}  {mailing.subject}"
