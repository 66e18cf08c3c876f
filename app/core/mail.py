"""The way out to the mail server: Flask-Mail's settings and connection, made safe.

Flask-Mail 0.10 connects without a time-out and without checking certificates. Our connection does
both; everything that leaves the house goes through it. Mailings and letters do not use Flask-Mail's
messages, which would write a line break in a header as it stands and mangle an address outside
ASCII. An extension that does finds every header looked at first.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from email.utils import make_msgid, parseaddr
from typing import Any

from flask import Flask, current_app
from flask_mail import BadHeaderError, Connection, Mail, Message

CONNECT_SECONDS = 30
LONGEST_LINE = 998  # RFC 5322 2.1.1
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
HEADER_NAME = re.compile(r"[!-9;-~]+")
OURS = {"from", "to", "cc", "bcc", "subject", "date", "message-id", "reply-to", "sender"}


class Unsendable(ValueError):
    """A message that would not arrive as it was meant; the text says why."""


def tls_context() -> ssl.SSLContext:
    """How we check the mail server's certificate: against the system's authorities, or those of
    MAIL_CA_FILE alone. Not at all only where MAIL_VERIFY says so. Raises OSError for a bad file."""
    context = ssl.create_default_context(cafile=current_app.config["MAIL_CA_FILE"] or None)
    if not current_app.config["MAIL_VERIFY"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class SafeConnection(Connection):
    """Flask-Mail's connection with a time-out and a verified certificate, or none at all."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, encrypt, sign in. Raises OSError or smtplib.SMTPException; never falls back to
        plain text when encryption was asked for."""
        settings = self.mail
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if settings.use_ssl:
            host = smtplib.SMTP_SSL(
                settings.server, settings.port, timeout=CONNECT_SECONDS, context=tls_context()
            )
        else:
            host = smtplib.SMTP(settings.server, settings.port, timeout=CONNECT_SECONDS)
        try:
            if settings.use_tls:
                host.starttls(context=tls_context())
            if settings.username and settings.password:
                host.login(settings.username, settings.password)
        except BaseException:
            host.close()
            raise
        return host

    def send(self, message: Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Send a message of Flask-Mail's own making.

        Raises BadHeaderError for what would add or end a header, and Unsendable for an address or a
        line that no mail may hold.
        """
        for text in _header_texts(message, envelope_from):
            if CONTROL.search(text):
                raise BadHeaderError("a header would hold a line break or a control character")
        for name in message.extra_headers or {}:
            if not HEADER_NAME.fullmatch(name) or name.lower() in OURS:
                raise BadHeaderError(f"{name!r} is not a header that a message may add")
        for address in (*message.send_to, message.sender, envelope_from):
            if address and not _bare(address).rpartition("@")[0].isascii():
                raise Unsendable("an address outside ASCII needs the way that mailings take")
        domain = _bare(message.sender).rpartition("@")[2]
        message.msgId = make_msgid(domain=domain)  # Flask-Mail's would name this machine
        if any(len(line) > LONGEST_LINE for line in message.as_bytes().splitlines()):
            raise Unsendable("a line is too long")
        super().send(message, envelope_from)


def _header_texts(message: Message, envelope_from: str | tuple[str, str] | None) -> Iterator[str]:
    """Everything that a message writes into a header, or into the envelope."""
    yield message.subject or ""
    for address in (message.sender, message.reply_to, envelope_from, *message.send_to):
        yield from ([address] if isinstance(address, str) else address or ())
    for name, value in (message.extra_headers or {}).items():
        yield from (name, str(value))
    for part in message.attachments:
        yield from (part.filename or "", part.content_type or "", part.disposition or "")
        for name, value in dict(part.headers or {}).items():
            yield from (str(name), str(value))
    yield from (*message.mail_options, *message.rcpt_options, message.charset or "")


def _bare(address: str | tuple[str, str]) -> str:
    return address[1] if isinstance(address, tuple) else parseaddr(address)[1]


class SafeMail(Mail):
    def init_app(self, app: Flask) -> Any:
        """Extensions ask for Flask-Mail's state and not for us; theirs connects safely too."""
        super().init_app(app)
        state = app.extensions["mail"]
        state.connect = lambda: SafeConnection(state)
        return state

    def connect(self) -> SafeConnection:
        return SafeConnection(current_app.extensions["mail"])


mail = SafeMail()
