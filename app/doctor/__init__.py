"""What an installation needs to work, and its mail to be accepted, looked at from where it runs.

Each matter has a module. The house itself is asked in turn; the world outside all at once and for a
few seconds only, so that a resolver that is silent costs a line and not the whole answer.
"""

from __future__ import annotations

import logging
import smtplib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app

from app.core.db import db, reading
from app.doctor import house, relay, sender, web
from app.doctor.findings import Finding, Level, unknown, wrong
from app.doctor.names import Names, Silent
from app.doctor.sender import Sender
from app.settings import LOCAL_HOSTS
from subscribers.mailings.models import InboundEvent
from subscribers.mailings.writing import signing

log = logging.getLogger(__name__)

SECONDS = 20.0  # for the world outside, all of it together
MARKS = {Level.OK: "ok  ", Level.ADVICE: "tip ", Level.UNKNOWN: "?   ", Level.WRONG: "NOT "}
Check = Callable[[], Iterable[Finding]]


def examine(*, seconds: float = SECONDS, only_mail: bool = False) -> list[Finding]:
    """Every check, in the order in which one would mend what they find.

    `only_mail` leaves the house itself out. Writes nothing that stays, and sends no mail.
    """
    found: list[Finding] = []
    with reading():  # a look must not hold the lock that other looks, or the office, wait for
        if not only_mail:
            checks = (house.folder, house.files, house.database, house.schema, house.people)
            found += [check() for check in checks]
            found += house.clock() + house.key() + house.at_work()
        office = _sender()
    return found + _at_once(_outside(office), seconds=seconds)


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """As they are read at a terminal: a mark, what was found, what to do, the line for DNS."""
    for finding in findings:
        yield f"{MARKS[finding.level]} {finding.name}: {finding.text}"
        if finding.level is not Level.OK and finding.todo:
            yield f"     → {finding.todo}"
        if finding.record:
            yield f"       {finding.record}"


def _outside(office: Sender) -> list[tuple[str, Check]]:
    checks: list[tuple[str, Check]] = [("mail server", relay.look_at_server)]
    if _is_local():
        return [*checks, ("mail", lambda: [unknown("mail", "local")])]
    names = Names(current_app.config["DNS_SERVER"])
    return [
        *checks,
        ("spf", lambda: sender.look_at_spf(office, names)),
        ("dkim", lambda: sender.look_at_dkim(office, names)),
        ("dmarc", lambda: sender.look_at_dmarc(office, names)),
        ("returns", lambda: sender.look_at_returns(office, names)),
        ("one-click", web.look_at_one_click),
        ("ptr", lambda: relay.look_at_name(office.relay, names)),
        ("blocklists", lambda: relay.look_at_lists(office.relay, office.mail_domain, names)),
    ]


def _is_local() -> bool:
    return urlsplit(current_app.config["BASE_URL"]).hostname in LOCAL_HOSTS


def _sender() -> Sender:
    config = current_app.config
    try:
        heard = db.session.scalar(sa.select(InboundEvent.id).limit(1)) is not None
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        heard = False
    return Sender(
        base_url=config["BASE_URL"],
        mail_domain=config["MAIL_DEFAULT_SENDER"].rpartition("@")[2],
        bounce_domain=config["BOUNCE_DOMAIN"],
        relay=config["MAIL_SERVER"],
        keys=signing.keys_in_force(),
        key_files=[Path(one.strip()) for one in config["DKIM_KEY"].split(",") if one.strip()],
        selectors=[one.strip() for one in config["DKIM_SELECTOR"].split(",") if one.strip()],
        signing_domain=config["DKIM_DOMAIN"],
        reads_returns=heard or bool(config.get("BOUNCE_MAILBOX") or config.get("LMTP_LISTEN")),
    )


def _at_once(checks: list[tuple[str, Check]], *, seconds: float) -> list[Finding]:
    """Each check in a thread of its own; one that is not done in time says nothing."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    answers: dict[str, list[Finding]] = {}

    def run(name: str, check: Check) -> None:
        with app.app_context():
            found: list[Finding] = []
            try:
                found.extend(check())
            except Silent as silent:
                found.append(unknown(name, "silent", name=str(silent)))
            except (OSError, smtplib.SMTPException) as error:
                found.append(wrong(name, "failed", said=(str(error) or "–").splitlines()[0]))
            except Exception:
                log.exception("the check of %s failed", name)
                found.append(unknown(name, "late"))
            answers[name] = found

    threads = [threading.Thread(target=run, args=one, daemon=True) for one in checks]
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    return [finding for name, _ in checks for finding in list(answers.get(name) or [_late(name)])]


def _late(name: str) -> Finding:
    """A mail server that does not answer is one that takes no mail; elsewhere nobody can say."""
    if name == "mail server":
        return wrong(name, "relay.slow", server=current_app.config["MAIL_SERVER"])
    return unknown(name, "late")


__all__ = ["Finding", "Level", "examine", "lines"]
