"""The way out to the mail server: Flask-Mail's settings and connection, made safe.

Flask-Mail 0.10 connects without a time-out and without checking certificates. Our connection does
both; everything that leaves the house goes through it.
"""

from __future__ import annotations

import smtplib
import ssl

from flask import current_app
from flask_mail import Connection, Mail

CONNECT_SECONDS = 30


class SafeConnection(Connection):
    """Flask-Mail's connection with a time-out and a verified certificate, or none at all."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, encrypt, sign in. Raises OSError or smtplib.SMTPException; never falls back to
        plain text when encryption was asked for."""
        settings = self.mail
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if settings.use_ssl:
            context = ssl.create_default_context()
            host = smtplib.SMTP_SSL(
                settings.server, settings.port, timeout=CONNECT_SECONDS, context=context
            )
        else:
            host = smtplib.SMTP(settings.server, settings.port, timeout=CONNECT_SECONDS)
        try:
            if settings.use_tls:
                host.starttls(context=ssl.create_default_context())
            if settings.username and settings.password:
                host.login(settings.username, settings.password)
        except BaseException:
            host.close()
            raise
        return host


class SafeMail(Mail):
    def connect(self) -> SafeConnection:
        return SafeConnection(current_app.extensions["mail"])


mail = SafeMail()
