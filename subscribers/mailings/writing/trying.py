"""Test mails: a mailing's own bytes to one's own address, with links that do nothing.

A test is a letter to one person. It touches no counter of the mailing, no subscription and no
suppression; its links lead to a page that says so. What it looks like is exactly what readers get,
but for the word before the subject.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app

from app.core.accounts import Role, User, normal_email, require
from app.core.audit import AuditEvent, record
from app.core.db import db
from app.core.errors import BadInput, NotNow
from subscribers.audience import addresses
from subscribers.audience.models import Suppression
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingKind,
    MailingPart,
    MailingState,
)
from subscribers.mailings.sending.domain_groups import group_for
from subscribers.mailings.writing.messages import MARK, Slot, freeze
from subscribers.mailings.writing.queueing import Announcement, letter_of

AN_HOUR = timedelta(hours=1)
MOST = 20  # tests of one person in an hour
BEFORE_SUBJECT = b"[Test] "
OWN = (Slot.TO, Slot.MESSAGE_ID, Slot.RETURN)  # filled in as for every letter
TRIED = (MailingKind.RELEASE, MailingKind.CORRECTION, MailingKind.DIGEST)


def send_test(mailing: Mailing, *, to: str, by: User, at: datetime) -> Mailing:
    """Send a mailing's frozen words to one address; the letter that does.

    Editors may send it to anybody, writers to themselves. Raises NotAllowed; NotNow for more than
    twenty an hour and for a mailing that is none to many; BadInput for an address that is none or
    must not be written to.
    """
    if mailing.kind not in TRIED:
        raise NotNow("test_of_no_list")
    template = db.session.scalars(
        sa.select(MailingPart.template).where(MailingPart.mailing_id == mailing.id)
    ).one()
    given = {"subject": mailing.subject, "language": mailing.language, "of": mailing.id}
    return _send(template, to=to, by=by, at=at, **given)  # type: ignore[arg-type]


def send_test_of(announcement: Announcement, *, to: str, by: User, at: datetime) -> Mailing:
    """The same of a release that is not queued yet, as it would go out now. Raises as `send_test`,
    and ValueError when the message cannot be built."""
    template = freeze(letter_of(announcement, at=at))
    subject, language = announcement.subject, announcement.language
    return _send(template, to=to, subject=subject, language=language, of=None, by=by, at=at)


def inert_token(language: str) -> str:
    """What stands in a test's links where a reader's own secret would be."""
    return f"test-{language}"


def _send(
    template: bytes,
    *,
    to: str,
    subject: str,
    language: str,
    of: int | None,
    by: User,
    at: datetime,
) -> Mailing:
    address = addresses.read(to, secrets=addresses.secrets_in_force())
    to_oneself = by.may(Role.WRITER) and address.norm == normal_email(by.email)
    if not to_oneself:
        require(by, Role.EDITOR)
    _not_too_many(by, at=at)
    forbidden = sa.select(Suppression.address_hash).where(
        Suppression.address_hash.in_(address.known_hashes)
    )
    if db.session.scalar(forbidden.limit(1)) is not None:
        raise BadInput("test_suppressed")
    inert = _inert(template, language=language)
    letter = Mailing(
        key=f"test:{secrets.token_hex(8)}",
        kind=MailingKind.LETTER,
        lane=Lane.CONFIRMATION,
        state=MailingState.RUNNING,
        language=language,
        topics=[],
        subject=f"{BEFORE_SUBJECT.decode()}{subject}"[:500],
        queued_at=at,
    )
    db.session.add(letter)
    db.session.flush()
    digest = hashlib.sha256(inert).hexdigest()
    db.session.add(MailingPart(mailing_id=letter.id, sha256=digest, template=inert))
    db.session.add(
        Delivery(
            mailing_id=letter.id,
            address=address.norm,
            address_hash=address.hash,
            domain_group=group_for(address.domain),
            state=DeliveryState.QUEUED,
            due_at=at,
        )
    )
    reader = addresses.masked(address.norm)
    record("mailing.test", "mailing", of, title=subject, by=by, at=at, reader=reader)
    db.session.flush()
    return letter


def _inert(template: bytes, *, language: str) -> bytes:
    """The frozen mail with nobody's links, marked in its subject."""
    nobody = {
        Slot.LEAVE_BY_MAIL: f"test@{current_app.config['BOUNCE_DOMAIN']}",
        **dict.fromkeys(
            (Slot.UNSUBSCRIBE, Slot.PREFERENCES, Slot.CONFIRM, Slot.LINK), inert_token(language)
        ),
    }

    def filled(mark: re.Match[bytes]) -> bytes:
        slot = Slot(mark[0].decode())
        return mark[0] if slot in OWN else nobody[slot].encode()

    return re.sub(
        rb"(?m)^Subject: ", rb"\g<0>" + BEFORE_SUBJECT, MARK.sub(filled, template), count=1
    )


def _not_too_many(by: User, *, at: datetime) -> None:
    lately = sa.select(sa.func.count(AuditEvent.id)).where(
        AuditEvent.actor_id == by.id,
        AuditEvent.action == "mailing.test",
        AuditEvent.at > at - AN_HOUR,
    )
    if (db.session.scalar(lately) or 0) >= MOST:
        raise NotNow("too_many_tests", n=MOST)
