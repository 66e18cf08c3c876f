"""How hubs and followers are asked, how long we wait for them and how often we try again.

Only what is public is asked, and no redirect is followed: neither a hub nor a callback that has
been looked at can send us anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from flask import current_app

from app.core.fetching import Answer, fetch

LEASE = timedelta(minutes=5)  # how long a row is held while the world answers
RETRY_AFTER = tuple(timedelta(minutes=m) for m in (1, 2, 5, 15, 30, 60, 120, 240, 360, 360))
DEADLINE = 10.0
AGENT = "Pressrum/1.0 (WebSub)"
ANSWER_BYTES = 4096
FORM = "application/x-www-form-urlencoded"


def ask(url: str, form: Mapping[str, str]) -> Answer:
    """POST a form. Raises Unfetchable."""
    return bring(url, urlencode(form).encode(), {"Content-Type": FORM})


def bring(
    url: str, body: bytes, headers: Mapping[str, str], *, loopback: bool | None = None
) -> Answer:
    """POST some bytes. Raises Unfetchable. `loopback` is given where no app is at hand."""
    return fetch(
        url,
        method="POST",
        body=body,
        headers={"User-Agent": AGENT, **headers},
        most=ANSWER_BYTES,
        deadline=DEADLINE,
        loopback=allows_loopback() if loopback is None else loopback,
    )


def look(url: str, *, loopback: bool) -> Answer:
    """GET the beginning of what an address answers. Raises Unfetchable."""
    return fetch(
        url,
        method="GET",
        headers={"User-Agent": AGENT},
        most=ANSWER_BYTES,
        redirects=0,
        deadline=DEADLINE,
        loopback=loopback,
    )


def allows_loopback() -> bool:
    """Whether this installation may talk to its own machine: PRESSRUM_ALLOW_LOOPBACK."""
    return bool(current_app.config["ALLOW_LOOPBACK"])


def is_good(answer: str) -> bool:
    """Whether an answer, kept as a status or as the reason why there was none, is a 2xx."""
    return answer.isdigit() and 200 <= int(answer) < 300
