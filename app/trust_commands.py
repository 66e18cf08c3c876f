"""`pressrum dkim …` and `pressrum mail …`: a key to sign with, and a mail to try it all out."""

from __future__ import annotations

import os
import smtplib
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from app.core.clock import now
from app.core.commands import json_option, refusals, say, say_json
from app.core.words.language import interface_language, t
from app.doctor.findings import Record
from app.doctor.trying import send_test
from app.settings import PREFIX, load
from subscribers.audience import addresses
from subscribers.mailings.writing.keys import BadKey, Key, new_key, read_key
from subscribers.mailings.writing.signing import keys_in_force

dkim = AppGroup("dkim", help="DKIM: a key of our own to sign mail with.")
mail = AppGroup("mail", help="Mail: try out whether it arrives.")


@dkim.command("new", with_appcontext=False)
@click.option("--selector", required=True, help="The key's name in DNS, such as press2026.")
@click.option("--ed25519", is_flag=True, help="A second, shorter key; large providers want RSA.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The key's file.")
@json_option
def new(selector: str, ed25519: bool, out: Path | None, as_json: bool) -> None:
    """Make a key file that only its owner can read, and print the record for DNS.

    Needs no database and changes no setting: the key is used once PRESSRUM_DKIM_KEY names it.
    """
    settings = load()
    path = (out or settings.var / f"dkim-{selector}.pem").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        say(t("trust.dkim.exists", path=str(path)))
        sys.exit(1)
    except OSError as error:
        say(str(error))
        sys.exit(1)
    with os.fdopen(handle, "wb") as file:
        file.write(new_key("ed25519" if ed25519 else "rsa"))
    domain = settings.dkim_domain or settings.sender_domain
    try:
        key = read_key(path, selector=selector, domain=domain)
    except BadKey as error:
        path.unlink()
        say(str(error))
        sys.exit(1)
    if as_json:
        say_json({"path": str(path), **_as_data(key)})
        return
    say(t("trust.dkim.made", path=str(path)))
    say(f"{PREFIX}DKIM_KEY={path}\n{PREFIX}DKIM_SELECTOR={selector}\n")
    click.echo(str(Record(key.name, "TXT", key.record)))


@dkim.command("show")
@json_option
def show(as_json: bool) -> None:
    """Print the DNS records of the keys we sign with."""
    keys = keys_in_force()
    if as_json:
        say_json([_as_data(key) for key in keys])
    elif not keys:
        say(t("trust.dkim.none"))
    else:
        for key in keys:
            click.echo(str(Record(key.name, "TXT", key.record)))


@mail.command("test")
@click.argument("address")
@json_option
def test(address: str, as_json: bool) -> None:
    """Send one mail to ADDRESS, as the mailings do, and say what the mail server answers."""
    with refusals():
        to = addresses.read(address, secrets=addresses.secrets_in_force()).norm
    try:
        answer = send_test(to, language=interface_language(), at=now())
        accepted, said = answer.accepted, answer.said
    except (OSError, smtplib.SMTPException) as error:
        accepted, said = False, str(error)
    if as_json:
        say_json({"accepted": accepted, "answer": said})
    elif accepted:
        say(t("trust.test.taken", said=said))
    else:
        say(t("trust.test.refused", said=said))
    sys.exit(0 if accepted else 1)


def _as_data(key: Key) -> dict[str, str]:
    return {"name": key.name, "type": "TXT", "value": key.record}
