"""`pressrum alerts`: what needs a person, for a terminal or a program that watches."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.core.alerts import open_alerts
from app.core.commands import json_option, say_json
from app.core.words.language import interface_language
from subscribers.mailings.watching.alarming import told


@click.command("alerts")
@json_option
@with_appcontext
def alerts(as_json: bool) -> None:
    """The open alerts, the newest first. Nothing is printed when there are none."""
    found = told(open_alerts(), interface_language())
    if as_json:
        say_json(
            [
                {
                    "code": one.alert.code,
                    "subject": one.alert.subject,
                    "title": one.words.title,
                    "facts": one.alert.facts,
                    "raised_at": one.alert.raised_at.isoformat(),
                    "told_at": one.alert.told_at.isoformat() if one.alert.told_at else None,
                }
                for one in found
            ]
        )
        return
    for one in found:
        click.echo(f"{one.alert.raised_at:%Y-%m-%d %H:%M} UTC  {one.words.title}")
        click.echo(f"  {one.words.do}")
