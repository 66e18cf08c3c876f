"""Leaving in one click (RFC 8058), tried as a mailbox provider does: from outside, by a POST."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import current_app

from app.core.fetching import Unfetchable, fetch
from app.doctor.findings import Finding, ok, unknown, wrong
from subscribers.audience.links import unsubscribe_token
from subscribers.audience.models import new_public_id

SECONDS = 8.0
BODY = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CANNOT_SAY = ("not_public", "no_resolver")  # a network that does not let us see it from outside


def look_at_one_click() -> Iterator[Finding]:
    """POST a well-made link that is nobody's to our own public address."""
    base, secret = current_app.config["BASE_URL"], current_app.config["SECRET_KEY"]
    if urlsplit(base).scheme != "https":
        yield wrong("one-click", "web.no_https", url=base)
        return
    token = unsubscribe_token(new_public_id(), secret=secret)
    try:
        answer = fetch(
            f"{base}/unsubscribe/{token}", method="POST", body=BODY, headers=FORM, deadline=SECONDS
        )
    except Unfetchable as error:
        if error.reason in CANNOT_SAY:
            yield unknown("one-click", "web.unseen", url=base)
        else:
            yield wrong("one-click", "web.unreachable", url=base, reason=error.reason)
        return
    if answer.status != 200:
        yield wrong("one-click", "web.refused", url=base, status=answer.status)
    else:
        yield ok("one-click", "web.ok", url=base)
