"""What the `pressrum` subcommands share: one JSON document on stdout, everything else on stderr.

Exit codes: 0 done, 1 refused with the reason, 2 wrong usage (click's own).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from app.core.db import db
from app.core.errors import DomainError
from app.core.words import translate
from app.core.words.language import interface_language


def say(text: str) -> None:
    """A message to the person at the terminal."""
    click.echo(text, err=True)


def say_json(document: Any) -> None:
    """The one document of a command that was asked for --json."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the domain refuses into its sentence and exit code 1; nothing is stored."""
    try:
        yield
    except DomainError as error:
        db.session.rollback()
        say(translate(f"errors.{error.key}", interface_language(), **error.facts))
        sys.exit(1)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
