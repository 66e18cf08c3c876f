"""`pressrum bounce …`: take in what came back, from wherever it lies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.core.commands import json_option, say, say_json
from app.core.words.language import t
from subscribers.mailings.returns import mailboxes
from subscribers.mailings.returns.mailboxes import Files, Mailbox, Maildir, Stream, Tally

group = AppGroup("bounce", help="What came back: read it and apply it.")


@group.command("read")
@click.argument("file", metavar="[FILE | -]", required=False)
@click.option(
    "--maildir",
    type=click.Path(path_type=Path),
    help="Read a Maildir; what is stored is taken away.",
)
@json_option
def read(file: str | None, maildir: Path | None, as_json: bool) -> None:
    """Read FILE (one message, a mbox or a folder of messages), standard input, or a Maildir.

    Without any of them, the mailbox of PRESSRUM_BOUNCE_MAILBOX.
    """
    try:
        tally = mailboxes.empty(_mailbox(file, maildir))
    except mailboxes.Unreadable as error:
        say(t("returns.command.unreadable", error=str(error)))
        sys.exit(1)
    if as_json:
        say_json(as_data(tally))
    else:
        click.echo(
            t(
                "returns.command.read",
                read=tally.read,
                applied=tally.applied,
                unmatched=tally.unmatched,
                left=tally.left,
            )
        )
    if tally.failed:
        say(t("returns.command.failed", n=tally.failed))
        sys.exit(1)


def _mailbox(file: str | None, maildir: Path | None) -> Mailbox:
    if file is not None and maildir is not None:
        raise click.UsageError("FILE or --maildir, not both")
    if maildir is not None:
        return Maildir(maildir)
    if file == "-":
        return Stream(sys.stdin.buffer)
    if file is not None:
        return Files(Path(file))
    if not current_app.config["BOUNCE_MAILBOX"]:
        raise click.UsageError("FILE, - or --maildir is missing, and no mailbox is set")
    return mailboxes.opened(current_app.config["BOUNCE_MAILBOX"])


def as_data(tally: Tally) -> dict[str, Any]:
    """A round as one JSON document. No address stands in it."""
    return {
        "read": tally.read,
        "new": tally.new,
        "applied": tally.applied,
        "unmatched": tally.unmatched,
        "left": tally.left,
        "failed": tally.failed,
        "kinds": dict(tally.kinds),
        "mails": [
            {
                "kind": one.kind.value,
                "event": one.event_id,
                "delivery": one.delivery_id,
                "mailing": one.mailing_id,
                "enhanced": one.enhanced or None,
                "new": one.is_new,
                "applied": one.applied,
                "unmatched": one.unmatched or None,
            }
            for one in tally.taken
        ],
    }
