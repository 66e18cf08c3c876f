"""Taking back what comes by LMTP (RFC 2033): the mail server in front of us hands it over itself.

An answer is given after the commit only: what we cannot store now, the mail server keeps and tries
again. What comes in while others are stored waits a moment, and is then stored together with what
came meanwhile. Only addresses of the bounce domain are taken, so that this is no way in for
anything else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from aiosmtpd.controller import Controller, UnixSocketController
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session
from flask import Flask

from subscribers.mailings.returns import mailboxes, mime
from subscribers.mailings.returns.applying import Came

log = logging.getLogger(__name__)

MOST_BYTES: Final = 32 * 1024 * 1024
SECONDS: Final = 300
STORED: Final = "250 2.0.0 stored"
NOT_STORED: Final = "451 4.3.0 not stored, try again later"


class Letterbox:
    """The handler of one application. Its methods run in one thread; storing has one of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.domain = str(app.config["BOUNCE_DOMAIN"]).lower()
        self._waiting: list[tuple[Came, asyncio.Future[bool]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.rpartition("@")[2].lower() != self.domain:
            return "550 5.7.1 no mail for that domain here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        """One answer for each recipient, as LMTP wants it."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        came = Came(raw[: mime.MOST_BYTES], tuple(envelope.rcpt_tos))
        is_stored = asyncio.get_running_loop().create_future()
        self._waiting.append((came, is_stored))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_what_waits())
        answer = STORED if await is_stored else NOT_STORED
        return "\r\n".join(answer for _ in envelope.rcpt_tos)

    async def _store_what_waits(self) -> None:
        while self._waiting:
            some, self._waiting = (
                self._waiting[: mailboxes.AT_ONCE],
                self._waiting[mailboxes.AT_ONCE :],
            )
            stored = await asyncio.to_thread(self.store, [came for came, _ in some])
            for (_, answer), is_stored in zip(some, stored, strict=True):
                if not answer.done():  # whoever waited for it may have gone
                    answer.set_result(is_stored)

    def store(self, came: Sequence[Came]) -> list[bool]:
        """Whether each of some mails is stored."""
        try:
            with self.app.app_context():
                return [one is not None for one in mailboxes.store(came, source="lmtp")]
        except Exception:
            log.exception("what came back could not be stored; it is to be tried again")
            return [False] * len(came)


class _Lmtp(LMTP):
    line_length_limit = 1024 * 1024  # reports quote whatever was sent to them


class _Options:
    """What both controllers share: an LMTP of our size, and no word of the software behind."""

    handler: Any
    loop: asyncio.AbstractEventLoop

    def factory(self) -> LMTP:
        return _Lmtp(
            self.handler,
            hostname="localhost",
            ident="Pressrum",
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            timeout=SECONDS,
            loop=self.loop,
        )


class _OnPort(_Options, Controller):
    pass


class _OnSocket(_Options, UnixSocketController):
    pass


def listening(app: Flask) -> Controller | UnixSocketController | None:
    """Begin to listen where PRESSRUM_LMTP_LISTEN says; None when it says nothing, or cannot.

    `127.0.0.1:2424` or `unix:/run/pressrum/lmtp`. Stop it by its `stop()`.
    """
    where = str(app.config["LMTP_LISTEN"])
    if not where:
        return None
    try:
        controller = _controller(app, where)
        controller.start()
    except (OSError, TimeoutError) as error:  # another worker of this machine does it
        log.warning("nothing listens for LMTP on %s: %s", where, error)
        return None
    log.info("listening for LMTP on %s", where)
    return controller


def _controller(app: Flask, where: str) -> Controller | UnixSocketController:
    if where.startswith("unix:"):
        return _OnSocket(Letterbox(app), unix_socket=where.removeprefix("unix:"))
    host, _, port = where.rpartition(":")
    return _OnPort(Letterbox(app), hostname=host.strip("[]"), port=int(port))
