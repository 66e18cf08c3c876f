"""Sending one mail to see what the mail server says, and what the receiver makes of it."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid

from flask import current_app
from markupsafe import escape

from app.core.mail import mail
from app.core.organisation import organisation
from app.core.words import translate
from subscribers.mailings.sending import envelopes
from subscribers.mailings.writing import headers, signing
from subscribers.mailings.writing.messages import Letter, Slot, freeze

NOBODYS = 0  # the delivery that its envelope sender names: a bounce of it moves nothing


@dataclass(frozen=True)
class Answer:
    """What the mail server said in the end."""

    accepted: bool
    said: str


def send_test(to: str, *, language: str, at: datetime) -> Answer:
    """Send one mail as the mailings do: the same sender, envelope and signature.

    Writes nothing. Raises OSError and smtplib.SMTPException when there is no conversation.
    """
    sender = organisation()
    name = sender.short_name or sender.name(language)
    text = translate("trust.test.text", language, sender=name)
    frozen = freeze(
        Letter(
            from_name=name,
            from_address=current_app.config["MAIL_DEFAULT_SENDER"],
            reply_to=sender.press_email,
            subject=translate("trust.test.subject", language, sender=name),
            text=text,
            html="".join(f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n")),
            language=language,
            at=at,
            headers=dict(headers.SYSTEM),
        )
    )
    domain = current_app.config["MAIL_DEFAULT_SENDER"].rpartition("@")[2]
    values = {
        Slot.TO: to.encode(),
        Slot.MESSAGE_ID: make_msgid(domain=domain).strip("<>").encode(),
    }
    message = re.sub(rb"(?m)^\.\.", b".", signing.prepared(frozen).fill(values))
    with mail.connect().configure_host() as host:
        host.ehlo_or_helo_if_needed()
        options = [] if to.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
        code, said = host.mail(envelopes.sender(NOBODYS), options)
        if code == 250:
            code, said = host.rcpt(to)
        if code in (250, 251):
            try:
                code, said = host.data(message)
            except smtplib.SMTPDataError as error:
                code, said = error.smtp_code, _bytes(error.smtp_error)
    return Answer(code == 250, f"{code} {' '.join(said.decode('utf-8', 'replace').split())}")


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
