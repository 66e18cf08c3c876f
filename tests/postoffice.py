"""A real SMTP server on loopback that keeps what it takes and can be told how to answer."""

from __future__ import annotations

import email
import email.policy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Letter:
    """One accepted mail: the envelope and the message as it stood on the wire."""

    sender: str
    to: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)  # type: ignore[return-value]

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())


Answer = Callable[[str], str | None]


class _Controller(Controller):
    """On a port the system chose, which aiosmtpd's own start-up probe must be told."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


class PostOffice:
    """`at_rcpt` and `at_data` may answer for an address, e.g. '550 5.1.1 no such user'; None = yes.

    `before_reply` runs after the final dot and before the answer, in the server's thread.
    `hangs_up_after_dot` takes the mail but closes the connection instead of saying so.
    """

    def __init__(self, *, utf8: bool = False) -> None:
        self.letters: list[Letter] = []
        self.at_rcpt: Answer = lambda address: None
        self.at_data: Answer = lambda address: None
        self.before_reply: Callable[[Letter], None] = lambda letter: None
        self.hangs_up_after_dot: Callable[[str], bool] = lambda address: False
        self.connections = 0
        self._lock = threading.Lock()
        self._controller = _Controller(
            self, hostname="127.0.0.1", port=0, enable_SMTPUTF8=utf8, server_hostname="post.example"
        )

    def __enter__(self) -> PostOffice:
        self._controller.start()
        self.connections = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def to(self, address: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.to == address]

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname  # type: ignore[assignment]
        self.connections += 1
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.at_rcpt(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        to = envelope.rcpt_tos[0]
        content = envelope.original_content or b""
        letter = Letter(envelope.mail_from or "", to, bytes(content))
        if answer := self.at_data(to):
            return answer
        self.before_reply(letter)
        with self._lock:
            self.letters.append(letter)
        if self.hangs_up_after_dot(to):
            server.transport.abort()
        return "250 2.0.0 taken"
