"""One SMTP connection, kept for many mails, with a pause before the final dot.

The pause is the fence: until the dot is out nothing has been handed over, and after it nobody can
say for sure (RFC 1047). What the server answers becomes a `Reply`; what happens to the connection
becomes one of three exceptions, told apart by whether the dot may be out.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from types import TracebackType

from app.core.mail import mail
from subscribers.mailings.replies import SERVICE_CLOSING, Reply, spoken

MAILS_PER_CONNECTION = 200
CONVERSATION_SECONDS = 60.0


class Unreachable(Exception):
    """No connection, or it broke before the dot: nothing was handed over."""


class Fenced(Exception):
    """The fence refused: the delivery is not ours any more. No dot went out; we hung up."""


class Uncertain(Exception):
    """The connection broke after the dot: the server may or may not have taken the mail."""


class Courier:
    """A kept connection. Use as a context manager; connects at the first mail."""

    def __init__(self, *, reply_timeout: float) -> None:
        self.reply_timeout = reply_timeout
        self._host: smtplib.SMTP | None = None
        self._carried = 0

    def __enter__(self) -> Courier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def carry(self, data: bytes, *, sender: str, to: str, before_dot: Callable[[], bool]) -> Reply:
        """Hand one mail over. `data` has its dots doubled and no final dot.

        `before_dot` is called once the whole text is out; only if it answers True does the dot
        follow. Raises Unreachable, Fenced or Uncertain.
        """
        kept = self._host is not None
        try:
            host, refusal = self._hand_over(data, sender=sender, to=to)
        except Unreachable:
            if not kept:
                raise
            # The server hung up between two mails, as it may; nothing was handed over yet.
            host, refusal = self._hand_over(data, sender=sender, to=to)
        if refusal is not None:
            return self._after(refusal)
        try:
            ours = before_dot()
        except BaseException:
            self._drop()
            raise
        if not ours:
            self._drop()
            raise Fenced
        try:
            _set_timeout(host, self.reply_timeout)
            host.send(b".\r\n")
            reply = _reply(host.getreply())
            _set_timeout(host, CONVERSATION_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Uncertain(str(error)) from error
        return self._after(reply)

    def _hand_over(self, data: bytes, *, sender: str, to: str) -> tuple[smtplib.SMTP, Reply | None]:
        """Everything but the dot; the first refusal, if there was one. Raises Unreachable."""
        host = self._connected()
        try:
            refusal = self._envelope(host, sender=sender, to=to)
            if refusal is None:
                host.send(data if data.endswith(b"\r\n") else data + b"\r\n")
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(str(error)) from error
        return host, refusal

    def _envelope(self, host: smtplib.SMTP, *, sender: str, to: str) -> Reply | None:
        """MAIL, RCPT, DATA. The first refusal, or None when the text may follow."""
        options = []
        if not to.isascii():
            if not host.has_extn("smtputf8"):
                return Reply(553, "5.6.7 the mail server does not offer SMTPUTF8 for this address")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        reply = _reply(host.mail(sender, options), about_us=True)
        if not reply.accepted:
            return reply
        reply = _reply(host.rcpt(to))
        if not reply.accepted:
            return reply
        reply = _reply(host.docmd("DATA"))
        return None if reply.code == 354 else reply

    def _connected(self) -> smtplib.SMTP:
        if self._host is not None and self._carried >= MAILS_PER_CONNECTION:
            self._hang_up()
        if self._host is None:
            try:
                self._host = mail.connect().configure_host()
                self._host.ehlo_or_helo_if_needed()
                _set_timeout(self._host, CONVERSATION_SECONDS)
            except (OSError, smtplib.SMTPException) as error:
                self._drop()
                raise Unreachable(str(error)) from error
            self._carried = 0
        return self._host

    def _after(self, reply: Reply) -> Reply:
        """Leave the connection fit for the next mail, or close it."""
        self._carried += 1
        if reply.code == SERVICE_CLOSING:
            self._drop()
        elif not reply.accepted and self._host is not None:
            try:
                self._host.rset()
            except (OSError, smtplib.SMTPException):
                self._drop()
        return reply

    def _hang_up(self) -> None:
        if self._host is not None:
            try:
                self._host.quit()
            except (OSError, smtplib.SMTPException):
                self._drop()
            self._host = None

    def _drop(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None


def _set_timeout(host: smtplib.SMTP, seconds: float) -> None:
    if host.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is closed")
    host.sock.settimeout(seconds)


def _reply(answer: tuple[int, bytes], *, about_us: bool = False) -> Reply:
    code, text = answer
    return spoken(code, text.decode("utf-8", "replace"), about_us=about_us)
