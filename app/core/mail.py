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


class SafeMail(Mail):
    def connect(self) -> SafeConnection:
        return SafeConnection(current_app.extensions["mail"])


mail = SafeMail()
