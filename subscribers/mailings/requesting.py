"""What somebody may ask of us by right: to see all that is kept of them, or that it be erased.

Whoever types an address may be anybody, so the answer goes to the address, as a link that works
once and for a day. Never by the links of a release, which people forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

import sqlalchemy as sa
from flask import render_template
from limits import parse

from app.core.db import db, guarded
from app.core.errors import NotFound, NotNow
from app.core.organisation import organisation
from app.core.security import limiter
from app.core.tokens import BadToken, unseal
from app.core.words import translate
from subscribers.audience import addresses
from subscribers.audience.addresses import secrets_in_force
from subscribers.audience.models import DataRequest, RequestKind, Subscriber, new_public_id
from subscribers.mailings.writing.queueing import queue_letter, secret_url

WITHIN = timedelta(hours=24)
PURPOSE = "my-data"
PER_ADDRESS = parse("3/day")
PER_NETWORK = parse("30/hour")


@dataclass(frozen=True)
class Link:
    """What a link leads to: the request, and whose. `is_over`: it was used, or is a day old."""

    request: DataRequest
    person: Subscriber
    is_over: bool


def ask(email: str, *, kind: RequestKind, language: str, ip: str, at: datetime) -> bool:
    """Mail a link to an address that is a subscriber's. Whether a letter was queued.

    The form's answer must be the same either way. Raises BadInput for what is no address.
    """
    address = addresses.read(email, secrets=secrets_in_force())
    hits = limiter.limiter
    if not hits.hit(PER_NETWORK, PURPOSE, ip):
        return False
    if not hits.hit(PER_ADDRESS, PURPOSE, address.signup_key.hex()):
        return False
    person = db.session.scalar(
        sa.select(Subscriber).where(
            Subscriber.address_hash.in_(address.known_hashes), Subscriber.erased_at.is_(None)
        )
    )
    if person is None or person.address is None:
        return False
    request = DataRequest(
        public_id=new_public_id(),
        subscriber_id=person.id,
        kind=kind,
        asked_at=at,
        expires_at=at + WITHIN,
    )
    db.session.add(request)
    words = {
        "words": translate,
        "language": language,
        "sender": organisation().name(language),
        "link": secret_url(f"{PURPOSE}/"),
        "ask": translate(
            f"people.request.{kind.value}.ask", language, sender=organisation().name(language)
        ),
        "button": translate(f"people.request.{kind.value}.button", language),
    }
    queue_letter(
        key=f"{PURPOSE}:{token_hex(12)}",
        to=person.address,
        language=language,
        subject=translate(f"people.request.{kind.value}.subject", language, sender=words["sender"]),
        text=render_template("mail/data_request/body.txt", **words),
        html=render_template("mail/data_request/body.html", **words),
        at=at,
        sealed_from=(PURPOSE, request.public_id),
    )
    return True


def look(token: str, *, at: datetime) -> Link:
    """What a link leads to; changes nothing. Raises NotFound for what is none of ours."""
    for secret in secrets_in_force():
        try:
            public_id = unseal(token, purpose=PURPOSE, secret=secret)
        except BadToken:
            continue
        found = db.session.execute(
            sa.select(DataRequest, Subscriber)
            .join(Subscriber, Subscriber.id == DataRequest.subscriber_id)
            .where(DataRequest.public_id == public_id)
        ).one_or_none()
        if found is None:
            raise NotFound("link_unknown")
        request, person = found
        over = request.used_at is not None or at > request.expires_at or person.erased_at
        return Link(request, person, bool(over))
    raise NotFound("link_unknown")


def use(link: Link, *, at: datetime) -> None:
    """Use a link up. Raises NotNow when it was used before, were it by another at this moment."""
    used = guarded(
        sa.update(DataRequest)
        .where(
            DataRequest.id == link.request.id,
            DataRequest.used_at.is_(None),
            DataRequest.expires_at >= at,
        )
        .values(used_at=at)
    )
    if link.is_over or not used:
        raise NotNow("link_used")
