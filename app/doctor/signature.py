"""Watching over our own signature: an hourly look whether DNS still has the keys we sign with.

Mail goes on being sent, and signed, when DNS does not agree: a signature that does not verify
counts as none (RFC 6376 6.1), other resolvers may know better than ours, and news cannot wait for
somebody to mend a record. What does wait is the next mailing's good name, so a person is told; and
when receivers refuse our mail for it, the circuit breaker pauses the mailing.
"""

from __future__ import annotations

import time

from flask import current_app

from app.core import jobs
from app.core.alerts import clear_alert, raise_alert
from app.core.clock import now
from app.core.db import db
from app.doctor.findings import Level
from app.doctor.names import Names, Silent
from app.doctor.sender import look_at_key
from subscribers.mailings.writing.signing import keys_in_force

HOUR = 3600.0


@jobs.job("check_signing")
def check_signing() -> None:
    """Look once an hour. Nothing is asked where the mail server signs."""
    last = current_app.extensions.get("signing looked at")
    if keys_in_force() and (last is None or time.monotonic() - last >= HOUR):
        current_app.extensions["signing looked at"] = time.monotonic()
        look_at_signing(Names(current_app.config["DNS_SERVER"]))


def look_at_signing(names: Names) -> None:
    """Raise or clear each key's alert, `dkim_broken`; a silent DNS changes neither. Commits."""
    for key in keys_in_force():
        try:
            finding = look_at_key(key, names)  # no transaction is open while the world is asked
        except Silent:
            continue
        if finding.level is Level.WRONG:
            raise_alert("dkim_broken", key.name, facts={"found": finding.key}, at=now())
        else:
            clear_alert("dkim_broken", key.name, at=now())
        db.session.commit()
